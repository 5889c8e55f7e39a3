//! Exact linear forms: a sum as coefficients over the nodes that are not sums themselves.
//!
//! Intervals lose correlation (`a + 4b - a/2` by intervals is wider than what it reaches); the linear form does not, so
//! sums get their true extremes.

use super::op::sum;
use super::{Id, Op};
use crate::fixed::{Fixed, Range};
use std::rc::Rc;

/// Longest form that is kept; a longer sum counts as a leaf of its users.
const LONGEST: usize = 512;

/// `constant + sum(factor * leaf)`, leaves ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linear {
    terms: Vec<(Id, Fixed)>,
    constant: Fixed,
}

impl Linear {
    /// The node as a leaf.
    pub fn leaf(id: Id) -> Linear {
        Linear { terms: vec![(id, Fixed::ONE)], constant: Fixed::ZERO }
    }

    /// The form of a linear operation from those of its operands; `None` if the operation is not linear, has a form
    /// that is too long, or overflows.
    pub fn of(op: &Op, form: impl Fn(Id) -> Rc<Linear>) -> Option<Linear> {
        let constant = |constant: Fixed| Linear { terms: Vec::new(), constant };
        match op {
            Op::Const(value) => Some(constant(*value)),
            Op::Scale(arg, shift) => constant(Fixed::ZERO).plus(&form(*arg), Fixed::power_of_two(*shift)),
            Op::Add { terms, constant: c } => {
                terms.iter().try_fold(constant(*c), |sum, term| sum.plus(&form(term.id), term.factor()))
            }
            Op::Dot { terms, constant: c } => {
                terms.iter().try_fold(constant(*c), |sum, (id, factor)| sum.plus(&form(*id), *factor))
            }
            _ => None,
        }
    }

    fn plus(self, other: &Linear, factor: Fixed) -> Option<Linear> {
        let mut terms = Vec::with_capacity(self.terms.len() + other.terms.len());
        let (mut a, mut b) = (self.terms.iter().peekable(), other.terms.iter().peekable());
        while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
            if x.0 < y.0 {
                terms.push(*a.next()?);
            } else if y.0 < x.0 {
                let (id, coefficient) = b.next()?;
                terms.push((*id, coefficient.mul(factor)?));
            } else {
                let total = x.1.add(y.1.mul(factor)?)?;
                if !total.is_zero() {
                    terms.push((x.0, total));
                }
                a.next();
                b.next();
            }
        }
        terms.extend(a.copied());
        for (id, coefficient) in b {
            terms.push((*id, coefficient.mul(factor)?));
        }
        let constant = self.constant.add(other.constant.mul(factor)?)?;
        (terms.len() <= LONGEST).then_some(Linear { terms, constant })
    }

    /// The form's exact extremes for independent leaves.
    pub fn range(&self, of: impl Fn(Id) -> Range) -> Option<Range> {
        sum(self.terms.iter().map(|(id, factor)| (of(*id), *factor)), self.constant)
    }
}
