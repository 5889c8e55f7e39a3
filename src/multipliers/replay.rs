//! Makes nodes of a program.

use super::{Program, Step};
use crate::dfg::{Builder, Id, Table, Term};
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Range};

impl Program {
    /// Adds the program's steps to a graph; gives the node of each row.
    ///
    /// `operands` are the nodes of the problem's operands; `place` is called before a step, so that it can say what row it
    /// is for.
    ///
    /// # Errors
    /// Values beyond the widest number, as [`Builder`] says.
    pub fn replay(
        &self,
        b: &mut Builder,
        operands: &[Id],
        mut place: impl FnMut(&mut Builder, usize),
    ) -> Result<Vec<Id>> {
        let mut values = operands.to_vec();
        for (index, step) in self.steps.iter().enumerate() {
            place(b, index);
            values.push(match step {
                Step::Sum { terms, constant } if terms.is_empty() => b.constant(*constant)?,
                Step::Sum { terms, constant } => {
                    let terms = terms.iter().map(|term| Term { id: values[term.id.index()], ..*term }).collect();
                    b.add(terms, *constant)?
                }
                Step::Lookup { terms, constant } => {
                    let terms: Vec<(Id, Fixed)> = terms.iter().map(|(v, c)| (values[*v as usize], *c)).collect();
                    lookup(b, &terms, *constant)?
                }
            });
        }
        Ok(self.results.iter().map(|value| values[*value as usize]).collect())
    }

    /// For each step the first row that needs it.
    pub fn owners(&self, operands: usize) -> Vec<usize> {
        let mut owners = vec![usize::MAX; self.steps.len()];
        for (row, value) in self.results.iter().enumerate() {
            if let Some(step) = (*value as usize).checked_sub(operands) {
                owners[step] = owners[step].min(row);
            }
        }
        for index in (0..self.steps.len()).rev() {
            let owner = owners[index];
            let mut claim = |value: usize| {
                if let Some(step) = value.checked_sub(operands) {
                    owners[step] = owners[step].min(owner);
                }
            };
            match &self.steps[index] {
                Step::Sum { terms, .. } => terms.iter().for_each(|term| claim(term.id.index())),
                Step::Lookup { terms, .. } => terms.iter().for_each(|(value, _)| claim(*value as usize)),
            }
        }
        owners
    }
}

/// A table of the sum of a few narrow operands times constants, and a constant.
fn lookup(b: &mut Builder, terms: &[(Id, Fixed)], constant: Fixed) -> Result<Id> {
    let too_wide =
        || Error::user("a partial sum is too wide for a table", "quantize this layer's weights to fewer bits");
    let domains: Vec<Range> = terms.iter().map(|(id, _)| b.range(*id)).collect();
    let mut sums = vec![constant];
    for (domain, (_, factor)) in domains.iter().zip(terms) {
        let mut next = Vec::with_capacity(sums.len() * 2);
        for sum in &sums {
            for code in domain.lo..=domain.hi {
                let product = Fixed::new(code, domain.exp).mul(*factor).ok_or_else(too_wide)?;
                next.push(sum.add(product).ok_or_else(too_wide)?);
            }
        }
        sums = next;
    }
    let exp = sums.iter().filter(|sum| !sum.is_zero()).map(|sum| sum.exponent()).min().unwrap_or(0);
    let entries = sums.iter().map(|sum| sum.at(exp).map(Some).ok_or_else(too_wide)).collect::<Result<_>>()?;
    b.table(Table { domains, entries, exp }, terms.iter().map(|(id, _)| *id).collect())
}
