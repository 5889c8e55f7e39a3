//! Sums: the vectors of a [`Chain`], and the cell that adds them.

use super::super::{Bits, Cell, Part, ones};
use super::{Made, Maker, Value};
use crate::dfg::{Addend, Chain, INDEX, Id, Operand, Raised, Term};
use crate::error::{Error, Result};
use crate::fixed::Fixed;

/// LUTs that a sum must save for its operands to be ordered.
const GAIN: u32 = 2;

impl Maker<'_> {
    /// The bits of `constant + sum(terms)`.
    pub(super) fn sum(&mut self, id: Id, terms: &[Term], constant: Fixed) -> Result<Bits> {
        let range = self.dfg.range(id);
        let terms: Vec<&Term> = terms.iter().filter(|term| self.value(term.id).bits.width() > 0).collect();
        let operands: Vec<Operand> = terms.iter().map(|term| Operand::of(term, self.value(term.id).range)).collect();
        let wide = || Error::bug(format!("{} needs more than 127 bits", self.dfg.source(id)));
        let chain = Chain::plan(&operands, constant, range, self.options.constants).ok_or_else(wide)?;
        let place = |addend: &Addend| vector(self.value(terms[addend.operand as usize].id), addend, chain.width);
        let mut vectors: Vec<(Bits, bool)> =
            chain.addends().iter().map(|addend| (place(addend), addend.subtracted())).collect();
        match chain.onto() {
            Some((index, raised)) if raised.width <= INDEX && !self.options.constants => {
                vectors[index].0 = self.raise(id, &vectors[index].0, &raised, chain.width);
            }
            _ if chain.rest != 0 || vectors.is_empty() => {
                vectors.push((Bits::constant(chain.rest as i128, chain.width), false));
            }
            _ => {}
        }
        // What is subtracted comes last, so that no sum begins with a sign.
        vectors.sort_by_cached_key(|(bits, negative)| (*negative, bits.value(), self.luts_before(id, bits)));
        if let Some(start) = chain.start().filter(|_| chain.carry_in) {
            carry_in(&mut vectors, start, chain.width);
        }
        let drop = (range.exp - chain.exp) as u32;
        let cut = |bits: &Bits| bits.slice(drop, chain.width - drop);
        if let (Some(start), [(first, false), (second, false)]) = (chain.start(), &vectors[..])
            && self.options.direct
            && self.is_ordered(id, first, second, start)
        {
            let [first, second] = [first.clone(), second.clone()];
            let sum = self.ordered(id, &first, &second, start);
            return Ok(cut(&self.add(id, "", Cell::Wire(sum), chain.width, range.signed())));
        }
        if chain.span() == 0 && !chain.carry_in {
            // a + b == a | b where no bit of a meets one of b: wiring
            let vectors: Vec<Bits> = vectors.into_iter().map(|(bits, _)| bits).collect();
            return Ok(cut(&Bits::overlay(&vectors).resize(chain.width, false)));
        }
        Ok(cut(&self.add(id, "", Cell::Sum(vectors), chain.width, range.signed())))
    }
}

impl Maker<'_> {
    /// Bits of a sum's operand that LUTs compute, and those that are inverted. The first operand enters a carry chain at
    /// once, so these LUTs are its own; those of the second are one with the LUTs that add.
    fn luts_before(&self, id: Id, bits: &Bits) -> (u32, u32) {
        let own = self.schedule.of(id);
        let count = |(luts, inverted): (u32, u32), part: &Part| {
            let made = part.net().map(|net| &self.nets[net.0 as usize]);
            let plain = |made: &Made| {
                made.stage < own || matches!(made.net.cell, Cell::Input { .. } | Cell::Sum(_) | Cell::Wire(_))
            };
            match part {
                _ if !made.is_none_or(plain) => (luts + part.width(), inverted),
                Part::Not { width, .. } => (luts, inverted + width),
                _ => (luts, inverted),
            }
        };
        bits.0.iter().fold((0, 0), count)
    }

    /// Whether a sum must say which of its operands enters the chain: tools take the narrower, or either if there is none.
    fn is_ordered(&self, id: Id, first: &Bits, second: &Bits, start: u32) -> bool {
        let narrower = first.live().leading_zeros() > second.live().leading_zeros();
        let both = first.live() & second.live() & !ones(start);
        let above = |bits: &Bits| self.luts_before(id, &bits.slice(start, 128 - both.leading_zeros() - start)).0;
        both != 0 && !narrower && above(second) >= above(first) + GAIN
    }

    /// A sum whose first operand enters the chain, from `start` on: `2a - (2 * ~b + 1) = 2 (a + b) + 1`, for tools exchange
    /// the operands of `+` as they like, and never those of `-`.
    fn ordered(&mut self, id: Id, first: &Bits, second: &Bits, start: u32) -> Bits {
        let width = first.width() - start;
        let doubled = |low: i128, bits: &Bits| Bits::constant(low, 1).then(&bits.slice(start, width));
        let terms = vec![(doubled(0, first), false), (doubled(1, &second.inverted()), true)];
        let sum = self.add(id, "d", Cell::Sum(terms), width + 1, false);
        if let Some(made) = self.nets.last_mut() {
            made.net.note = "twice the sum, and 1: so its second operand is one with the LUTs that add".into();
        }
        Bits::overlay(&[first.slice(0, start), second.slice(0, start)]).then(&sum.slice(1, width))
    }

    /// A vector with a constant added: from where the constant begins a table, few enough bits for the sum's own LUTs.
    fn raise(&mut self, id: Id, vector: &Bits, raised: &Raised, width: u32) -> Bits {
        let index = vector.slice(raised.from, raised.width);
        let top = 128 - raised.varies.leading_zeros();
        let count = top - raised.from;
        let entries = (0..1u128 << raised.width).map(|x| x.wrapping_add(raised.constant) & ones(count)).collect();
        let table = self.add(id, "k", Cell::Rom { index, entries }, count, false);
        if let Some(made) = self.nets.last_mut() {
            let added = raised.constant & ones(count);
            made.net.note = format!(
                "bits {} and up of an operand + {added}: a table, for it fits the LUTs of the sum",
                raised.from
            );
        }
        let low = vector.slice(0, raised.from);
        low.then(&table).then(&vector.slice(top, width - top))
    }
}

/// Adds a unit at `start`: `a + b + 1` is `a - ~b`, which every tool maps to one chain.
fn carry_in(vectors: &mut Vec<(Bits, bool)>, start: u32, width: u32) {
    let begins = |bits: &Bits| bits.live().trailing_zeros() >= start;
    let other = vectors.iter().rposition(|(bits, _)| begins(bits)).filter(|_| vectors.len() == 2);
    let Some(index) = other else {
        vectors.push((Bits::constant(1 << start, width), false));
        return;
    };
    let (bits, _) = vectors.remove(index);
    let inverted = bits.slice(start, width - start).inverted();
    vectors.push((Bits::constant(0, start).then(&inverted), true));
}

/// An operand in its place and form, with the constant's bits that it carries.
fn vector(value: &Value, addend: &Addend, width: u32) -> Bits {
    let mut bits = value.bits.clone();
    if !addend.extended {
        let top = bits.width() - 1;
        let low = if addend.negative { bits.inverted() } else { bits.clone() };
        let high = if addend.negative != addend.signed { bits.inverted() } else { bits.clone() };
        bits = low.slice(0, top).then(&high.slice(top, 1));
    }
    let sign = addend.extended && addend.signed;
    let placed = Bits::constant(0, addend.low).then(&bits).resize(width, sign);
    Bits::overlay(&[placed, Bits::constant(addend.ones as i128, width)])
}
