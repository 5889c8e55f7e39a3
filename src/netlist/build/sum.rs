//! Sums: the vectors of a [`Chain`], and the cell that adds them.

use super::super::{Bits, Cell, ones};
use super::{Maker, Value};
use crate::dfg::{Addend, Chain, INDEX, Id, Operand, Raised, Term};
use crate::error::{Error, Result};
use crate::fixed::Fixed;

impl Maker<'_> {
    /// The bits of `constant + sum(terms)`.
    pub(super) fn sum(&mut self, id: Id, terms: &[Term], constant: Fixed) -> Result<Bits> {
        let range = self.dfg.range(id);
        let terms: Vec<&Term> = terms.iter().filter(|term| self.value(term.id).bits.width() > 0).collect();
        let operands: Vec<Operand> = terms.iter().map(|term| Operand::of(term, self.value(term.id).range)).collect();
        let wide = || Error::bug(format!("{} needs more than 127 bits", self.dfg.source(id)));
        let chain = Chain::plan(&operands, constant, range, self.options.constants).ok_or_else(wide)?;
        let place = |addend: &Addend| vector(self.value(terms[addend.operand].id), addend, chain.width);
        let mut vectors: Vec<(Bits, bool)> =
            chain.addends().iter().map(|addend| (place(addend), addend.subtracted())).collect();
        match chain.onto() {
            Some((index, raised)) if raised.width <= INDEX && !self.options.constants => {
                vectors[index].0 = self.raise(id, &vectors[index].0, &raised, chain.width);
                // Behind an operand that feeds the chain directly.
                vectors.sort_by_key(|(_, negative)| *negative);
                if vectors.len() == 2 && index == 0 && !vectors[1].1 {
                    vectors.swap(0, 1);
                }
            }
            _ if chain.rest != 0 || vectors.is_empty() => {
                // Before what is subtracted, so that no sum begins with a sign.
                let first = vectors.first().is_none_or(|(_, negative)| *negative);
                let place = if first { 0 } else { vectors.len() };
                vectors.insert(place, (Bits::constant(chain.rest as i128, chain.width), false));
            }
            _ => {}
        }
        if let Some(start) = chain.start().filter(|_| chain.carry_in) {
            carry_in(&mut vectors, start, chain.width);
        }
        let drop = (range.exp - chain.exp) as u32;
        let cut = |bits: &Bits| bits.slice(drop, chain.width - drop);
        if chain.span() == 0 && !chain.carry_in {
            // a + b == a | b where no bit of a meets one of b: wiring
            let vectors: Vec<Bits> = vectors.into_iter().map(|(bits, _)| bits).collect();
            return Ok(cut(&Bits::overlay(&vectors).resize(chain.width, false)));
        }
        Ok(cut(&self.add(id, "", Cell::Sum(vectors), chain.width, range.signed())))
    }
}

impl Maker<'_> {
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
