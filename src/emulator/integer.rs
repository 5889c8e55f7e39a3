//! The machine integer of an emulator: the narrowest that no value, and no partial sum, can leave.

use super::sum::Sum;
use crate::dfg::{Dfg, Id, Op};
use crate::error::{Error, Result};
use crate::fixed::{Range, shift_left};

/// A signed machine integer of so many bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integer(u32);

impl Integer {
    /// Its name in C++.
    pub fn name(self) -> &'static str {
        match self.0 {
            16 => "std::int16_t",
            32 => "std::int32_t",
            64 => "std::int64_t",
            // An extension of g++ and clang.
            _ => "__int128",
        }
    }

    /// Whether compilers have vectors of it.
    pub fn vectors(self) -> bool {
        self.0 <= 64
    }
}

/// The integer for a graph.
///
/// # Errors
/// A number beyond 127 bits, as a bug.
pub fn of(dfg: &Dfg) -> Result<Integer> {
    let ports = dfg.inputs.iter().chain(&dfg.outputs);
    let formats = ports.flat_map(|port| port.elements.iter().map(|element| element.format));
    let widths = formats.map(|format| format.width + !format.signed as u32);
    let wide = || Error::bug("a number of more than 127 bits has no machine integer");
    let mut bits = widths.max().unwrap_or(1);
    for id in dfg.ids() {
        bits = bits.max(needed(dfg, id).ok_or_else(wide)?);
    }
    [16, 32, 64, 128].into_iter().find(|size| bits <= *size).map(Integer).ok_or_else(wide)
}

/// Signed bits of a node and of all that is computed on the way to it.
fn needed(dfg: &Dfg, id: Id) -> Option<u32> {
    let own = size(dfg.range(id).lo, dfg.range(id).hi);
    let way = match &dfg[id].op {
        Op::Add { terms, constant } => Sum::of_terms(dfg, terms, *constant, dfg.range(id).exp)?.bits()?,
        Op::Max(a, b) | Op::Min(a, b) => common(dfg, id, [*a, *b])?,
        Op::Select { negative, otherwise, .. } => common(dfg, id, [*negative, *otherwise])?,
        Op::Table { table, args } => {
            let table = dfg.tables.get(*table as usize)?;
            if let Some(sum) = Sum::of_table(table, args) {
                return Some(own.max(sum.bits()?));
            }
            let entries = table.entries.len() as i128;
            let domains = table.domains.iter();
            let operands = args.iter().zip(domains).map(|(arg, domain)| {
                let range = dfg.range(*arg);
                let up = (range.exp - domain.exp).max(0) as u32;
                Some(size(0, shift_left(magnitude(&range), up)?.checked_add(magnitude(domain))?))
            });
            operands.collect::<Option<Vec<u32>>>()?.into_iter().fold(size(0, entries), u32::max)
        }
        Op::Floor(arg, _) | Op::Wrap { arg, .. } => size(dfg.range(*arg).lo, dfg.range(*arg).hi),
        _ => own,
    };
    Some(own.max(way))
}

/// Two operands on the grid of the result.
fn common(dfg: &Dfg, id: Id, args: [Id; 2]) -> Option<u32> {
    let exp = args.iter().map(|arg| dfg.range(*arg)).filter(|range| magnitude(range) > 0).map(|range| range.exp);
    let exp = exp.chain([dfg.range(id).exp]).min()?;
    let sizes = args.iter().map(|arg| {
        let range = dfg.range(*arg);
        Some(if magnitude(&range) == 0 {
            1
        } else {
            // A factor is written as a positive number.
            let factor = if range.exp == exp { 0 } else { shift_left(1, (range.exp - exp) as u32)? };
            let range = range.at(exp)?;
            size(range.lo, range.hi.max(factor))
        })
    });
    sizes.collect::<Option<Vec<u32>>>()?.into_iter().max()
}

fn magnitude(range: &Range) -> i128 {
    range.hi.max(range.lo.saturating_neg())
}

/// Bits of a signed integer that holds both.
pub fn size(lo: i128, hi: i128) -> u32 {
    let bits = |n: i128| 129 - if n < 0 { (!n).leading_zeros() } else { n.leading_zeros() };
    bits(lo).max(bits(hi))
}
