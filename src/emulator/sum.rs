//! Sums as C++ writes them: operands times weights, one after another, and a constant.

use super::integer::size;
use crate::dfg::{Dfg, Id, Table, Term};
use crate::fixed::{Fixed, Range};

/// An operand of a sum: a node's code on a grid, times a weight.
pub struct Part {
    pub id: Id,
    /// The codes that it can have.
    pub range: Range,
    /// Not 0.
    pub weight: i128,
}

/// A sum in the order in which it is computed: what is added comes first.
pub struct Sum {
    pub parts: Vec<Part>,
    pub constant: i128,
    /// The exponent of the result's step.
    pub exp: i32,
}

impl Sum {
    fn new(parts: Vec<Part>, constant: i128, exp: i32) -> Sum {
        let (minus, mut plus): (Vec<Part>, Vec<Part>) = parts.into_iter().partition(|part| part.weight < 0);
        plus.extend(minus);
        Sum { parts: plus, constant, exp }
    }

    /// The sum of terms and a constant, on a grid that has all bits of `exp` and of the terms; `None` beyond 127 bits.
    pub fn of_terms(dfg: &Dfg, terms: &[Term], constant: Fixed, exp: i32) -> Option<Sum> {
        let live = |term: &&Term| dfg.range(term.id).constant().is_none_or(|value| !value.is_zero());
        let terms: Vec<&Term> = terms.iter().filter(live).collect();
        let exps = terms.iter().map(|term| dfg.range(term.id).exp + term.shift);
        let exps = exps.chain((!constant.is_zero()).then(|| constant.exponent()));
        let fine = exps.chain([exp]).min()?;
        let part = |term: &Term| {
            let range = dfg.range(term.id);
            let power = Fixed::new(1, range.exp + term.shift).at(fine)?;
            Some(Part { id: term.id, range, weight: if term.negative { -power } else { power } })
        };
        let parts = terms.into_iter().map(part).collect::<Option<_>>()?;
        Some(Sum::new(parts, constant.at(fine)?, fine))
    }

    /// The sum that a table is of its operands; `None` if it is none.
    pub fn of_table(table: &Table, args: &[Id]) -> Option<Sum> {
        let (weights, constant) = weights(table)?;
        let operands = args.iter().zip(&table.domains).zip(weights);
        let parts = operands.map(|((id, range), weight)| Part { id: *id, range: *range, weight });
        Some(Sum::new(parts.filter(|part| part.weight != 0).collect(), constant, table.exp))
    }

    /// Signed bits of all that is computed on the way, and of the numbers in the text; `None` beyond 127.
    pub fn bits(&self) -> Option<u32> {
        let (mut lo, mut hi) = (0i128, 0i128);
        let mut bits = size(0, self.constant.checked_abs()?);
        for part in &self.parts {
            let weight = part.weight.checked_abs()?;
            let (low, high) = (part.range.lo.checked_mul(weight)?, part.range.hi.checked_mul(weight)?);
            bits = bits.max(size(low, high)).max(size(0, weight));
            (lo, hi) = if part.weight < 0 {
                (lo.checked_sub(high)?, hi.checked_sub(low)?)
            } else {
                (lo.checked_add(low)?, hi.checked_add(high)?)
            };
            bits = bits.max(size(lo, hi));
        }
        Some(bits.max(size(lo.checked_add(self.constant)?, hi.checked_add(self.constant)?)))
    }
}

/// The weight of each operand of a table, and the constant, if its entries are such a sum, as in truth tables of parts of a
/// matrix's row; `None` if they are not, or depend on nothing.
pub fn weights(table: &Table) -> Option<(Vec<i128>, i128)> {
    let first = (*table.entries.first()?)?;
    // Of each operand, the last first: entries from one of its points to the next, its points, its weight.
    let (mut stride, mut operands) = (1, Vec::new());
    for domain in table.domains.iter().rev() {
        let points = usize::try_from(domain.hi - domain.lo + 1).ok()?;
        let weight = if points == 1 { 0 } else { (*table.entries.get(stride)?)?.checked_sub(first)? };
        operands.push((stride, points, weight));
        stride *= points;
    }
    for (index, entry) in table.entries.iter().enumerate().skip(1) {
        let (stride, _, weight) = operands.iter().find(|(stride, points, _)| index / stride % points > 0)?;
        if *entry != Some(table.entries[index - stride]?.checked_add(*weight)?) {
            return None;
        }
    }
    let weights: Vec<i128> = operands.into_iter().rev().map(|(_, _, weight)| weight).collect();
    let mut constant = first;
    for (weight, domain) in weights.iter().zip(&table.domains) {
        constant = constant.checked_sub(weight.checked_mul(domain.lo)?)?;
    }
    weights.iter().any(|weight| *weight != 0).then_some((weights, constant))
}
