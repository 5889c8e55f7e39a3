//! Tables: the part that the operands can reach; what only their intervals reach is a don't-care.

use super::Lowering;
use crate::dfg::{Builder, Id, Table};
use crate::error::Result;
use crate::fixed::{Fixed, Range};
use crate::tensor::{self, Node};

/// The most entries of a table, don't-cares included.
const ENTRIES: usize = 1 << 20;

impl Lowering<'_> {
    /// The entry that the codes of one row of the operand's last axis address.
    pub(super) fn lookup(&mut self, node: &Node, lookup: &tensor::Lookup, element: usize) -> Result<Id> {
        let inputs = lookup.domains.len();
        let row = self.values[node.args[0].0 as usize][element * inputs..(element + 1) * inputs].to_vec();
        let b = &mut self.builder;
        let places = row.into_iter().zip(&lookup.domains);
        let args = places.map(|(x, domain)| b.floor(x, domain.exp)).collect::<Result<Vec<Id>>>()?;
        let mut domains = Vec::with_capacity(inputs);
        for (arg, domain) in args.iter().zip(&lookup.domains) {
            domains.push(codes(b, *arg, domain.exp)?);
        }
        let table = lookup.table(element, &node.shape);
        let sizes: Vec<usize> = domains.iter().map(|domain| (domain.hi - domain.lo) as usize + 1).collect();
        let count = sizes.iter().try_fold(1usize, |count, size| count.checked_mul(*size));
        let Some(count) = count.filter(|count| *count <= ENTRIES) else {
            return Err(b.error("a table's arguments have too many codes", "quantize them to fewer bits"));
        };
        let entry = |flat: usize| {
            let mut stride = count;
            let code = |(domain, size): (&Range, &usize)| {
                stride /= size;
                domain.lo + (flat / stride % size) as i128
            };
            lookup.index(domains.iter().zip(&sizes).map(code)).map(|index| i128::from(table[index]))
        };
        let entries = (0..count).map(entry).collect();
        b.table(Table { domains, entries, exp: lookup.exp }, args)
    }

    /// A table of one operand.
    pub(super) fn table(&mut self, x: Id, lo: i128, exp: i32, values: &[Fixed]) -> Result<Id> {
        let x = self.builder.floor(x, exp)?;
        let domain = codes(&self.builder, x, exp)?;
        let value = |code: i128| usize::try_from(code - lo).ok().and_then(|index| values.get(index)).copied();
        single(&mut self.builder, x, domain, (domain.lo..=domain.hi).map(value).collect())
    }
}

/// The range of a number on a table's grid.
fn codes(b: &Builder, x: Id, exp: i32) -> Result<Range> {
    let range = b.range(x);
    let zero = range.constant().is_some_and(|value| value.is_zero());
    let codes = if zero { Some(Range { exp, ..range }) } else { range.at(exp) };
    let few = codes.filter(|codes| codes.hi - codes.lo < ENTRIES as i128);
    few.ok_or_else(|| b.error("a table's argument has too many codes", "quantize it to fewer bits"))
}

/// A table of one operand: a value for each code of the domain, `None` for a don't-care.
pub(super) fn single(b: &mut Builder, x: Id, domain: Range, values: Vec<Option<Fixed>>) -> Result<Id> {
    let exponent = |value: &Fixed| if value.is_zero() { None } else { Some(value.exponent()) };
    let exp = values.iter().flatten().filter_map(exponent).min().unwrap_or(0);
    let wide = || b.error("a table's entries have no common grid within 127 bits", "quantize them");
    let entry = |value: &Option<Fixed>| value.map(|value| value.at(exp).ok_or_else(wide)).transpose();
    let entries = values.iter().map(entry).collect::<Result<_>>()?;
    b.table(Table { domains: vec![domain], entries, exp }, vec![x])
}
