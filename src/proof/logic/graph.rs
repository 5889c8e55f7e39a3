//! A dataflow graph as words: the code of every node, in the range that was proved of it.

use super::gates::{Bit, LANES, Lanes, Logic, ZERO};
use super::sum::{Sum, WIDEST};
use super::word::extended;
use crate::dfg::{Dfg, Id, Op, Table};
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Format, Range};
use crate::netlist::node_names;
use crate::random::Random;
use std::time::Instant;

/// Samples.
const SAMPLES: usize = 64 * LANES;
/// Most bits of a table's operands together.
const INDEX: usize = 20;

impl<'a> Logic<'a> {
    /// The codes of all nodes of a graph, each a word of its own unless it is wiring.
    ///
    /// # Errors
    /// A node that is no integer of at most 120 bits in units of its range's step (the error names it); the deadline is over.
    pub fn of(dfg: &'a Dfg, deadline: Option<Instant>) -> Result<Logic<'a>> {
        let mut logic = Logic::new(Some(dfg));
        logic.deadline = deadline;
        let mut samples: Vec<Vec<Fixed>> = vec![Vec::new(); dfg.nodes.len()];
        let mut uses = dfg.uses();
        let mut random = Random::new(1);
        logic.ports(dfg, &mut random);
        for id in dfg.ids() {
            let place = || Error::bug(format!("{}: {id} = {} has no code", dfg.source(id), dfg[id].op));
            if logic.late() {
                return Err(Error::bug("the time is over"));
            }
            let values = logic.values(dfg, id, &samples).ok_or_else(place)?;
            let wiring = logic.wiring(dfg, id).ok_or_else(place)?;
            let code = match wiring {
                Some(bits) => bits,
                None => logic.node(id, dfg.range(id), &values).ok_or_else(place)?,
            };
            logic.codes.push(code);
            samples[id.index()] = values;
            for arg in dfg[id].op.args() {
                uses[arg.index()] -= 1;
                if uses[arg.index()] == 0 {
                    samples[arg.index()] = Vec::new();
                }
            }
        }
        let names = node_names(dfg).into_iter().enumerate().filter(|(_, name)| !name.is_empty());
        logic.named = names.map(|(node, name)| (name, node as u32)).collect();
        Ok(logic)
    }

    /// Words for all input elements.
    fn ports(&mut self, dfg: &Dfg, random: &mut Random) {
        for (port, declared) in dfg.inputs.iter().enumerate() {
            for (element, own) in declared.elements.iter().enumerate() {
                let width = own.format.width;
                let lanes: Vec<Lanes> = (0..width).map(|_| std::array::from_fn(|_| random.bits())).collect();
                let word = self.word(None, own.format.signed, &lanes);
                self.inputs.insert((port as u32, element as u32), self.words[word as usize].bits.clone());
            }
        }
    }

    /// The bits of an input element.
    pub fn input(&self, port: u32, element: u32) -> Option<Vec<Bit>> {
        self.inputs.get(&(port, element)).cloned()
    }

    /// The code of a node that is no wiring: free bits, but those that are defined as bits of other words, or are 0 or 1.
    fn node(&mut self, id: Id, range: Range, values: &[Fixed]) -> Option<Vec<Bit>> {
        let defined = self.defined(id)?;
        let mut lanes = vec![[0u64; LANES]; defined.len()];
        for (sample, value) in values.iter().enumerate() {
            let code = value.at(range.exp)?;
            for (at, lane) in lanes.iter_mut().enumerate() {
                lane[sample / 64] |= ((code >> at & 1) as u64) << (sample % 64);
            }
        }
        let full = if range.signed() { range.lo == -range.hi - 1 } else { range.lo == 0 };
        let full = full && (range.hi + 1).count_ones() == 1;
        let limits = (!full).then_some((range.lo, range.hi));
        let word = self.word(limits, range.signed(), &lanes);
        for (at, own) in defined.iter().enumerate() {
            let free = self.words[word as usize].bits[at];
            let known =
                if self.is_plain(*own) { Some(*own) } else { self.proved.get(&(own & !1)).map(|bit| bit ^ (own & 1)) };
            match known {
                Some(known) => self.words[word as usize].bits[at] = known,
                None => {
                    self.proved.insert(own & !1, free ^ (own & 1));
                }
            }
        }
        self.definitions.insert(word, defined);
        self.nodes.insert(word, id.0);
        Some(self.words[word as usize].bits.clone())
    }

    /// A node's values on the samples.
    fn values(&self, dfg: &Dfg, id: Id, samples: &[Vec<Fixed>]) -> Option<Vec<Fixed>> {
        let op = &dfg[id].op;
        if let Op::Input { port, element } = op {
            let format = dfg.inputs.get(*port as usize)?.elements.get(*element as usize)?.format;
            let bits = self.inputs.get(&(*port, *element))?;
            let code = |sample: usize| {
                let bit = |bit: &Bit| (self.lanes(*bit)[sample / 64] >> (sample % 64) & 1) as i128;
                let code = bits.iter().enumerate().map(|(at, own)| bit(own) << at).sum::<i128>();
                let top = bits.last().filter(|_| format.signed).map_or(0, |top| bit(top) << bits.len());
                Fixed::new(code - top, format.lsb)
            };
            return Some((0..SAMPLES).map(code).collect());
        }
        (0..SAMPLES).map(|sample| op.eval(|arg| samples[arg.index()][sample], &dfg.tables)).collect()
    }

    /// The code of a node that is wiring.
    fn wiring(&mut self, dfg: &Dfg, id: Id) -> Option<Option<Vec<Bit>>> {
        let range = dfg.range(id);
        if range.lo == range.hi {
            return Some(Some(constant(range.lo, range.width())));
        }
        let of = |arg: &Id| (self.codes[arg.index()].clone(), dfg.range(*arg));
        let (bits, signed, exp) = match &dfg[id].op {
            Op::Const(value) => (constant(value.at(range.exp)?, range.width()), range.signed(), range.exp),
            Op::Input { port, element } => {
                let format = dfg.inputs.get(*port as usize)?.elements.get(*element as usize)?.format;
                (self.inputs.get(&(*port, *element))?.clone(), format.signed, format.lsb)
            }
            Op::Scale(a, shift) => {
                let (bits, own) = of(a);
                (bits, own.signed(), own.exp + shift)
            }
            Op::Floor(a, p) => {
                let (bits, own) = of(a);
                let drop = usize::try_from(p - own.exp).unwrap_or(0);
                (
                    extended(bits, (own.width() as usize).max(drop + 1) as u32, own.signed())[drop..].to_vec(),
                    own.signed(),
                    own.exp.max(*p),
                )
            }
            Op::Wrap { arg, top, signed } => {
                let (bits, own) = of(arg);
                let count = u32::try_from(top - own.exp).unwrap_or(0);
                (extended(bits, count, own.signed()), *signed, own.exp)
            }
            _ => return Some(None),
        };
        on_grid(bits, signed, exp, &range).map(Some)
    }

    /// The code of a sum, as it is defined; nothing for another node.
    pub(super) fn linear(&self, id: Id) -> Option<Sum> {
        let dfg = self.dfg?;
        let range = dfg.range(id);
        let (terms, constant): (Vec<(Id, Fixed)>, Fixed) = match &dfg[id].op {
            Op::Add { terms, constant } => (terms.iter().map(|term| (term.id, term.factor())).collect(), *constant),
            Op::Dot { terms, constant } => (terms.clone(), *constant),
            _ => return None,
        };
        // In units of the finest term; the claim says that what is below the node's own step is 0.
        let exps = terms.iter().map(|(arg, factor)| dfg.range(*arg).exp + factor.exponent());
        let exp = exps.chain((!constant.is_zero()).then(|| constant.exponent())).chain([range.exp]).min()?;
        let mut sums = Vec::with_capacity(terms.len());
        for (arg, factor) in terms {
            let own = dfg.range(arg);
            sums.push((Sum::of(&self.codes[arg.index()], own.signed())?, factor.scale(own.exp).at(exp)?));
        }
        let operands: Vec<(&Sum, i128)> = sums.iter().map(|(sum, factor)| (sum, *factor)).collect();
        let mut sum = Sum::total(&operands, constant.at(exp)?)?;
        let unit = 1i128.checked_shl((range.exp - exp) as u32).filter(|unit| *unit > 0)?;
        if sum.terms.iter().map(|(_, c)| *c).chain([sum.constant]).any(|c| c % unit != 0) {
            return None;
        }
        sum.terms.iter_mut().for_each(|(_, c)| *c /= unit);
        sum.constant /= unit;
        Some(sum)
    }

    /// The bits of a node as it is defined, by the codes of its operands.
    fn defined(&mut self, id: Id) -> Option<Vec<Bit>> {
        let dfg = self.dfg?;
        let range = dfg.range(id);
        match &dfg[id].op {
            Op::Add { .. } | Op::Dot { .. } => {
                let sum = self.linear(id).filter(|_| range.width() <= WIDEST)?.modulo(range.width());
                Some(self.ripple(&sum, range.width()))
            }
            Op::Mul(a, b) => {
                let (x, y) = (dfg.range(*a), dfg.range(*b));
                let (a, b) = (self.signed(*a, x.exp)?, self.signed(*b, y.exp)?);
                on_grid(self.product(a, b)?, true, x.exp + y.exp, &range)
            }
            Op::Max(a, b) | Op::Min(a, b) => {
                let (a, b, exp) = self.aligned(*a, *b)?;
                let less = self.less(&a, &b, true);
                let chosen = match dfg[id].op {
                    Op::Max(..) => self.chosen(less, &b, &a),
                    _ => self.chosen(less, &a, &b),
                };
                on_grid(chosen, true, exp, &range)
            }
            Op::Select { sign_of, negative, otherwise } => {
                let sign = *self.signed(*sign_of, dfg.range(*sign_of).exp)?.last()?;
                let (a, b, exp) = self.aligned(*negative, *otherwise)?;
                on_grid(self.chosen(sign, &a, &b), true, exp, &range)
            }
            Op::Table { table, args } => {
                let table = dfg.tables.get(*table as usize)?;
                self.looked_up(table, args, &range)
            }
            _ => None,
        }
    }

    /// A node's code with a sign bit, in units of `2^exp`.
    fn signed(&self, id: Id, exp: i32) -> Option<Vec<Bit>> {
        let range = self.dfg?.range(id);
        let mut bits = vec![0; usize::try_from(range.exp - exp).ok().filter(|shift| *shift < 128)?];
        bits.extend(extended(self.codes[id.index()].clone(), range.width() + !range.signed() as u32, range.signed()));
        Some(bits)
    }

    /// Two nodes in one unit, equally wide.
    fn aligned(&self, a: Id, b: Id) -> Option<(Vec<Bit>, Vec<Bit>, i32)> {
        let dfg = self.dfg?;
        let exp = dfg.range(a).exp.min(dfg.range(b).exp);
        let (a, b) = (self.signed(a, exp)?, self.signed(b, exp)?);
        let width = a.len().max(b.len()) as u32;
        Some((extended(a, width, true), extended(b, width, true), exp))
    }

    /// A table of nodes. Where it has no entry it is what it is at a neighbour.
    fn looked_up(&mut self, table: &Table, args: &[Id], range: &Range) -> Option<Vec<Bit>> {
        let operands: Vec<Vec<Bit>> = args
            .iter()
            .zip(&table.domains)
            .map(|(arg, domain)| self.signed(*arg, domain.exp))
            .collect::<Option<_>>()?;
        let index: Vec<Bit> = operands.iter().flatten().copied().collect();
        (index.len() <= INDEX).then_some(())?;
        let mut columns = vec![Vec::with_capacity(1 << index.len()); range.width() as usize];
        let mut last = 0i128;
        for place in 0..1usize << index.len() {
            let mut at = 0;
            let code = |operand: &Vec<Bit>| {
                let (own, top) = (place >> at, operand.len());
                at += top;
                let value = (own & ((1 << top) - 1)) as i128;
                if value >> (top - 1) & 1 == 1 { value - (1 << top) } else { value }
            };
            let point: Vec<i128> = operands.iter().map(code).collect();
            if let Some(entry) = table.index(&point).and_then(|index| table.entries[index]) {
                last = Fixed::new(entry, table.exp).at(range.exp)?;
            }
            columns.iter_mut().enumerate().for_each(|(bit, column)| column.push(last >> bit & 1 == 1));
        }
        Some(columns.iter().map(|column| self.entry(&index, column)).collect())
    }

    /// The bits that each output element must have.
    pub fn wanted(&self) -> Option<Vec<Vec<Bit>>> {
        let dfg = self.dfg?;
        let formats = dfg.outputs.iter().flat_map(|port| port.elements.iter().map(|element| element.format));
        let code = |(id, format): (&Id, Format)| {
            let range = dfg.range(*id);
            if (range.lo, range.hi) == (0, 0) {
                return Some(vec![ZERO; format.width as usize]); // in any unit
            }
            format.range().contains(&range).then_some(())?;
            let mut bits = vec![ZERO; usize::try_from(range.exp - format.lsb).ok()?];
            bits.extend(&self.codes[id.index()]);
            Some(extended(bits, format.width, range.signed()))
        };
        dfg.results.iter().zip(formats).map(code).collect()
    }
}

/// The bits of a constant.
fn constant(value: i128, width: u32) -> Vec<Bit> {
    (0..width).map(|at| (value >> at & 1) as Bit).collect()
}

/// Bits in units of `2^exp` as the code of a number in a range: what is below its step is 0, by its claim.
fn on_grid(bits: Vec<Bit>, signed: bool, exp: i32, range: &Range) -> Option<Vec<Bit>> {
    let (add, drop) = (usize::try_from(exp - range.exp).unwrap_or(0), usize::try_from(range.exp - exp).unwrap_or(0));
    (add < 128).then_some(())?;
    let mut all = vec![0; add];
    let wide = bits.len().max(drop + 1) as u32;
    all.extend(&extended(bits, wide, signed)[drop..]);
    Some(extended(all, range.width(), signed))
}
