//! Which bits of the graph's words are those of a net?

use super::decide::Effort;
use super::gates::{Bit, Gate, Lanes, Logic, ONE, ZERO};
use super::sum::{Sum, WIDEST};
use super::word::Word;
use crate::dfg::Id;
use std::collections::HashMap;

/// Most bits of words that one bit is compared with.
const CANDIDATES: usize = 4;
/// Most words that are opened in one sum.
const OPENED: usize = 8;

impl Logic<'_> {
    /// A net's bits, as bits of words where they are found to be these. Its name says which node to try first, no more.
    pub fn known(&mut self, word: Word, name: &str) -> Word {
        let hint = self.named.get(named(name)).copied();
        if let (Word::Sum(sum, drop, width), Some(node)) = (&word, hint)
            && let Some(bits) = self.same_sum(sum, *drop, *width, node)
        {
            return Word::Bits(bits);
        }
        if let (Word::Sum(sum, drop, width), None) = (&word, hint) {
            // Another name, or a net within a node: a sum of the same bits may be the node.
            let nodes = self.sums_of().get(&read(sum)).cloned().unwrap_or_default();
            let found = nodes.into_iter().find_map(|node| self.same_sum(sum, *drop, *width, node));
            return found.map_or(word, Word::Bits);
        }

        let bits = match word {
            Word::Bits(bits) => bits,
            Word::Sum(sum, drop, width) => self.ripple(&sum, drop + width).split_off(drop as usize),
        };
        // What is another node's already may be this one's, too.
        let code = hint.map(|node| self.codes[node as usize].clone()).unwrap_or_default();
        let own = |at: usize| code.is_empty() || code.contains(&bits[at]) || bits[at] <= ONE;
        let open: Vec<usize> = (0..bits.len()).filter(|at| !self.is_plain(bits[*at]) || !own(*at)).collect();
        if open.is_empty() {
            return Word::Bits(bits);
        }
        let mut found: Vec<Bit> = bits.clone();
        if let Some(node) = hint {
            // What depends on a strange net is strange as a rule; and what is known already needs no other name.
            let much = if self.strange.is_some() { Effort::LITTLE } else { Effort::MUCH };
            let (known, unknown): (Vec<usize>, Vec<usize>) = open.iter().partition(|at| self.is_plain(bits[**at]));
            self.try_node(&mut found, &known, node, Effort::LITTLE);
            self.try_node(&mut found, &unknown, node, much);
        }
        let found: Vec<Bit> = found.into_iter().map(|bit| self.settled(bit)).collect();
        let unknown = found.iter().any(|bit| !self.is_plain(*bit));
        if unknown && hint.is_some() && named(name) == name && self.strange.is_none() && found == bits {
            self.strange = Some(name.into());
        }
        Word::Bits(found)
    }

    /// The nodes that are sums, by the bits that they read.
    fn sums_of(&mut self) -> &HashMap<Vec<Bit>, Vec<u32>> {
        if self.sums.is_empty() {
            for node in 0..self.codes.len() as u32 {
                if let Some(sum) = self.linear(Id(node)) {
                    self.sums.entry(read(&sum)).or_default().push(node);
                }
            }
        }
        &self.sums
    }

    /// A constant, or a bit of a word?
    pub(super) fn is_plain(&self, bit: Bit) -> bool {
        matches!(self.gate(bit), Gate::Zero | Gate::Variable(..))
    }

    /// A bit, or the word's bit that it was proved to be, or now is.
    pub(super) fn settled(&mut self, bit: Bit) -> Bit {
        let (own, inverted) = (bit & !1, bit & 1);
        if self.is_plain(own) {
            return bit;
        }
        if let Some(known) = self.proved.get(&own) {
            return known ^ inverted;
        }
        if !self.unknown.insert(own) {
            return bit;
        }
        match self.looked_for(own) {
            Some(found) => {
                self.proved.insert(own, found);
                found ^ inverted
            }
            None => bit,
        }
    }

    /// A bit of a word with the same values on samples that is proved equal.
    fn looked_for(&mut self, bit: Bit) -> Option<Bit> {
        if self.seen.is_empty() {
            self.all_seen();
        }
        let (lanes, inverted) = beginning_with_0(self.lanes(bit));
        if lanes.iter().all(|lane| *lane == 0) {
            return self.equal(&[(bit, inverted)], Effort::LITTLE)[0].then_some(inverted);
        }
        let candidates = self.seen.get(&lanes).cloned().unwrap_or_default();
        let equal = |logic: &mut Self, own: Bit| logic.equal(&[(bit, own ^ inverted)], Effort::LITTLE)[0];
        candidates.into_iter().find(|own| equal(self, *own)).map(|own| own ^ inverted)
    }

    fn all_seen(&mut self) {
        for word in 0..self.words.len() {
            for bit in self.words[word].bits.clone() {
                let (lanes, inverted) = beginning_with_0(self.lanes(bit));
                let own = self.seen.entry(lanes).or_default();
                if own.len() < CANDIDATES {
                    own.push(bit ^ inverted);
                }
            }
        }
    }

    /// Proves open bits to be those of a node, from the bit on that fits most.
    fn try_node(&mut self, bits: &mut [Bit], open: &[usize], node: u32, effort: Effort) {
        let code = self.codes[node as usize].clone();
        let Some(top) = code.last().copied() else { return };
        let own = |at: usize, shift: usize| code.get(at + shift).copied().unwrap_or(top);
        let fits = |at: usize, shift: usize| self.lanes(bits[at]) == self.lanes(own(at, shift));
        let count = |shift: &usize| open.iter().filter(|at| fits(**at, *shift)).count();
        let Some(shift) = (0..code.len()).rev().max_by_key(count) else { return };
        let places: Vec<usize> = open.iter().copied().filter(|at| fits(*at, shift)).collect();
        let pairs: Vec<(Bit, Bit)> = places.iter().map(|at| (self.mapped(bits[*at]), own(*at, shift))).collect();
        let equal = self.equal(&pairs, effort);
        for (at, ((bit, own), equal)) in places.into_iter().zip(pairs.into_iter().zip(equal)) {
            if equal {
                bits[at] = own;
                if !self.is_plain(bit) {
                    self.proved.insert(bit & !1, own ^ (bit & 1));
                }
            }
        }
    }

    /// A bit, or the word's bit that it was proved to be.
    fn mapped(&self, bit: Bit) -> Bit {
        self.proved.get(&(bit & !1)).map_or(bit, |known| known ^ (bit & 1))
    }

    /// The bits of a sum that is a node's by their linear forms, perhaps without low bits that nobody reads: these are 0.
    fn same_sum(&self, sum: &Sum, drop: u32, width: u32, node: u32) -> Option<Vec<Bit>> {
        let range = self.dfg?.range(Id(node));
        let (code, own) = (&self.codes[node as usize], self.linear(Id(node))?);
        let top = if range.signed() { *code.last()? } else { ZERO };
        let all = drop + width;
        let shifts = [0, range.width().saturating_sub(all)];
        for shift in shifts {
            if all + shift > WIDEST {
                continue;
            }
            let moved = Sum::total(&[(sum, 1 << shift)], 0)?;
            let mut rest = Sum::total(&[(&own, 1), (&moved, -1)], 0)?.modulo(all + shift);
            // What the net leaves out carries into no bit of it.
            let zeros = moved.zeros().min(drop + shift + width);
            for _ in 0..OPENED {
                let (lo, hi) = rest.limits()?;
                if lo >= 0 && hi < 1 << zeros {
                    let from =
                        |at: u32| if drop + shift + at < zeros { ZERO } else { bit(code, drop + shift + at, top) };
                    return Some((0..width).map(from).collect());
                }
                let Some(opened) = self.opened(&rest, all + shift) else { break };
                rest = opened;
            }
        }
        None
    }

    /// A sum modulo `2^width` with the latest word of a node that is a sum itself replaced by that sum: a net may add up at
    /// once what the graph adds in two nodes.
    fn opened(&self, sum: &Sum, width: u32) -> Option<Sum> {
        let of = |bit: Bit| match self.gate(bit) {
            Gate::Variable(word, at) => self.nodes.get(&word).map(|node| (Id(*node), at)),
            _ => None,
        };
        let latest =
            sum.terms.iter().rev().find_map(|(bit, _)| of(*bit).filter(|(node, _)| self.linear(*node).is_some()));
        let node = latest?.0;
        let own = self.linear(node)?;
        let code = Sum::of(&self.codes[node.index()], self.dfg?.range(node).signed())?;
        let (at, c) =
            sum.terms.iter().find_map(|(bit, c)| of(*bit).filter(|own| own.0 == node).map(|own| (own.1, *c)))?;
        let factor = c >> at;
        Some(Sum::total(&[(sum, 1), (&code, -factor), (&own, factor)], 0)?.modulo(width))
    }
}

/// The bits that a sum reads.
fn read(sum: &Sum) -> Vec<Bit> {
    sum.terms.iter().map(|(bit, _)| *bit).collect()
}

fn bit(code: &[Bit], at: u32, top: Bit) -> Bit {
    code.get(at as usize).copied().unwrap_or(top)
}

fn beginning_with_0(lanes: Lanes) -> (Lanes, Bit) {
    if lanes[0] & 1 == 1 { (lanes.map(|lane| !lane), ONE) } else { (lanes, ZERO) }
}

/// A net's name without that of its register.
fn named(name: &str) -> &str {
    match name.rsplit_once("_s") {
        Some((node, stage)) if stage.bytes().all(|byte| byte.is_ascii_digit()) => node,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::super::extended;
    use super::*;
    use crate::dfg::{Builder, Dfg, Source, Term};
    use crate::fixed::{Fixed, Format, Quantization};
    use crate::port::Port;

    /// `y = a + (4 b - b / 8)`, in two sums, of 5 and 6 bits.
    fn graph() -> Dfg {
        let element = |width, lsb| Quantization::plain(Format { signed: false, width, lsb });
        let port = |name: &str, elements: Vec<Quantization>| Port {
            name: name.into(),
            shape: vec![elements.len()],
            elements,
            state: false,
        };
        let inputs = vec![port("x", vec![element(5, -3), element(6, 0)])];
        let mut b = Builder::new("two_sums", vec![("x".into(), 2), ("y".into(), 1)], inputs);
        let x = [0, 1].map(|element| b.input(0, element).expect("narrow"));
        b.set_source(Source { layer: 1, element: 0 });
        let term = |id, shift, negative| Term { id, shift, negative };
        let product = b.add(vec![term(x[1], 2, false), term(x[1], -3, true)], Fixed::ZERO).expect("narrow");
        let sum = b.add(vec![term(x[0], 0, false), term(product, 0, false)], Fixed::ZERO).expect("narrow");
        b.finish(vec![port("y", vec![element(12, -3)])], vec![sum])
    }

    #[test]
    fn a_net_that_adds_up_what_the_graph_does_in_two_sums() {
        let dfg = graph();
        let logic = Logic::of(&dfg, None).expect("codes");
        let node = dfg.results[0];
        let own = |logic: &Logic, element| Sum::of(&logic.input(0, element).expect("an input"), false).expect("narrow");
        let (a, b) = (own(&logic, 0), own(&logic, 1));
        for (factor, equal) in [(31, true), (30, false)] {
            let sum = Sum::total(&[(&a, 1), (&b, factor)], 0).expect("narrow");
            let code = extended(logic.codes[node.index()].clone(), 11, false);
            assert_eq!(logic.same_sum(&sum, 0, 11, node.0) == Some(code), equal, "{factor}");
        }
    }
}
