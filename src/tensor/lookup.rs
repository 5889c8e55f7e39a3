//! Tables of several codes: truth tables of neurons, edges of Kolmogorov-Arnold networks.

use super::infer::{Inferred, hull, too_wide};
use super::{Builder, Id, Node, Op, pick};
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Range};

/// The most entries of one table.
const ENTRIES: usize = 1 << 20;

/// The codes along the last axis address a table; the axis goes away.
#[derive(Clone, Debug, PartialEq)]
pub struct Lookup {
    /// Each operand's domain: low, high, step; as many as the last axis is long.
    pub domains: Vec<Range>,
    /// Row-major over the domains, in units of `2^exp`. One table for all elements of the result, one per element of its
    /// last axis, or one each.
    pub tables: Vec<Vec<i64>>,
    /// The exponent of the entries' unit.
    pub exp: i32,
}

impl Lookup {
    /// The table of an element of a result of this shape.
    pub fn table(&self, element: usize, shape: &[usize]) -> &[i64] {
        pick::<Vec<i64>>(&self.tables, element, shape)
    }

    /// How many entries each table has; `None` beyond the limit.
    pub fn entries(&self) -> Option<usize> {
        let size = |domain: &Range| usize::try_from(domain.hi.checked_sub(domain.lo)?.checked_add(1)?).ok();
        let product = self.domains.iter().try_fold(1usize, |product, domain| product.checked_mul(size(domain)?));
        product.filter(|product| (1..=ENTRIES).contains(product))
    }

    /// The flat index of the entry at these codes on the domains' grids; `None` outside.
    pub fn index(&self, codes: impl Iterator<Item = i128>) -> Option<usize> {
        self.domains.iter().zip(codes).try_fold(0usize, |index, (domain, code)| {
            let inside = (domain.lo..=domain.hi).contains(&code);
            inside.then(|| index * (domain.hi - domain.lo + 1) as usize + (code - domain.lo) as usize)
        })
    }

    /// The indices of all entries that operands of these ranges can reach.
    fn reach(&self, ranges: &[Range]) -> Result<Vec<usize>> {
        let mut indices = vec![0];
        for (domain, range) in self.domains.iter().zip(ranges) {
            let codes = if range.lo == 0 && range.hi == 0 { Some(*range) } else { range.at(domain.exp) };
            let codes = codes.filter(|codes| domain.lo <= codes.lo && codes.hi <= domain.hi).ok_or_else(|| {
                let what = format!("an input, {range}, does not stay within its table, which is for {domain}");
                Error::user(what, "quantize the input to the format of the table's address first")
            })?;
            let size = (domain.hi - domain.lo + 1) as usize;
            let (from, to) = ((codes.lo - domain.lo) as usize, (codes.hi - domain.lo) as usize);
            indices = indices.iter().flat_map(|index| (from..=to).map(move |place| index * size + place)).collect();
        }
        Ok(indices)
    }

    /// Shape and ranges of the result.
    pub(super) fn infer(&self, x: &Node) -> Result<Inferred> {
        let Some((inputs, shape)) = x.shape.split_last().filter(|(inputs, _)| **inputs == self.domains.len()) else {
            let what = format!("tables of {} codes read a tensor of shape {:?}", self.domains.len(), x.shape);
            return Err(Error::user(what, "the last axis holds the codes of one address"));
        };
        let count: usize = shape.iter().product();
        let entries = self.entries().ok_or_else(|| {
            let help = format!("a table has at most {ENTRIES} entries; use fewer inputs or fewer bits");
            Error::user(format!("a table of {inputs} codes is too large"), help)
        })?;
        if ![1, shape.last().copied().unwrap_or(1), count].contains(&self.tables.len()) {
            let what = format!("{} tables for a result of shape {shape:?}", self.tables.len());
            return Err(Error::user(what, format!("give {count} tables, one for each element")));
        }
        if let Some(table) = self.tables.iter().find(|table| table.len() != entries) {
            let what = format!("a table has {} entries", table.len());
            return Err(Error::user(what, format!("give it {entries}, one for each address")));
        }
        let range = |element: usize| {
            let reached = self.reach(&x.ranges[element * inputs..(element + 1) * inputs])?;
            let table = self.table(element, shape);
            let values = reached.iter().map(|index| Fixed::new(i128::from(table[*index]), self.exp));
            hull(values).ok_or_else(too_wide)
        };
        Ok(Inferred { shape: shape.to_vec(), ranges: (0..count).map(range).collect::<Result<_>>()? })
    }
}

impl Builder {
    /// The entry that the codes along the last axis address; a float operand is made exact first.
    ///
    /// # Errors
    /// The tables do not fit the shape, or an operand does not stay within its domain.
    pub fn lookup(&mut self, x: Id, lookup: Lookup) -> Result<Id> {
        let x = self.exact(x)?;
        self.push(Op::Lookup(lookup), &[x], &[])
    }
}
