//! Codes and scales: a value that is `codes * scale`, with one float32 scale for all its elements, keeps the scale behind
//! sums, products and matrix products of the codes.

use super::{Builder, Float, Id, Op};
use crate::error::Result;

impl Builder {
    /// The codes and the scale of a value that is exact codes times one float32 number; the codes' products with it are
    /// rounded to float32.
    pub fn codes(&self, x: Id) -> Option<(Id, f32)> {
        let node = self.graph().node(x);
        let Op::Float(Float::Mul(c)) = &node.op else { return None };
        let first = *c.first()?;
        let base = node.args[0];
        (!self.is_float(base) && first > 0.0 && c.iter().all(|other| *other == first)).then_some((base, first))
    }

    /// The codes and the scale of any value: an exact value has the scale 1, and a float one without one scale is made exact.
    ///
    /// # Errors
    /// As [`Builder::exact`].
    pub fn scaled(&mut self, x: Id) -> Result<(Id, f32)> {
        match self.codes(x) {
            Some(found) => Ok(found),
            // A matrix product takes a quotient as it is.
            None if self.divided(x).is_some() => Ok((x, 1.0)),
            None => Ok((self.exact(x)?, 1.0)),
        }
    }

    /// Codes with one scale as they are; any other value exact.
    ///
    /// # Errors
    /// As [`Builder::exact`].
    pub fn coded(&mut self, x: Id) -> Result<Id> {
        if self.codes(x).is_some() { Ok(x) } else { self.exact(x) }
    }

    /// A sum, product, extreme or matrix product of codes, and its scale behind it; `None` where the scales do not allow it.
    pub(super) fn of_codes(&mut self, op: &Op, a: Id, b: Id) -> Result<Option<Id>> {
        let product = matches!(op, Op::Mul | Op::MatMul);
        let (x, s, y, t) = match (self.codes(a), self.codes(b)) {
            (Some((x, s)), Some((y, t))) if product || s == t => (x, s, y, t),
            (Some((x, s)), None) if product && !self.is_float(b) => (x, s, b, 1.0),
            (None, Some((y, t))) if product && !self.is_float(a) => (a, 1.0, y, t),
            _ => return Ok(None),
        };
        let codes = self.push(op.clone(), &[x, y], &[])?;
        self.float(codes, Float::Mul(vec![if product { s * t } else { s }])).map(Some)
    }
}
