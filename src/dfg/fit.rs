//! Values whose bits say less than is known of them: what comes from another circuit, or from another clock cycle.

use super::{Builder, Id, Op};
use crate::error::Result;
use crate::fixed::{Format, Range};

impl Builder {
    /// A value in a format that it fits: bits that it does not need go.
    ///
    /// # Errors
    /// Those of [`Builder::push`].
    pub fn fitted(&mut self, id: Id, format: Format) -> Result<Id> {
        if format.range().contains(&self.range(id)) {
            return Ok(id);
        }
        self.wrap(id, format.integer(), format.signed)
    }

    /// An operation whose operands are inside a table's domains: they were there before, but their bits do not say so.
    ///
    /// # Errors
    /// Those of [`Builder::push`].
    pub fn inside(&mut self, op: Op) -> Result<Op> {
        let Op::Table { table, args } = op else { return Ok(op) };
        let domains = self.dfg().tables[table as usize].domains.clone();
        let mut kept = Vec::new();
        for (arg, domain) in args.into_iter().zip(domains) {
            kept.push(if domain.contains(&self.range(arg)) { arg } else { self.clipped(arg, &domain)? });
        }
        Ok(Op::Table { table, args: kept })
    }

    fn clipped(&mut self, arg: Id, domain: &Range) -> Result<Id> {
        let (low, high) = (self.constant(domain.low())?, self.constant(domain.high())?);
        let above = self.max(arg, low)?;
        self.min(above, high)
    }
}
