//! What is known of a value while sharing: its linear form over the operands, exact range, and level.

use crate::fixed::{Fixed, Range};
use crate::multipliers::Operand;

/// A value of the problem: an operand, a table, or a shared sum.
#[derive(Clone, Debug)]
pub struct Value {
    /// Coefficients over independent leaves, ascending.
    form: Vec<(u32, Fixed, Range)>,
    /// The exact range.
    pub range: Range,
    /// When it is there, in adder levels.
    pub level: u32,
}

impl Value {
    /// The operand with this number.
    pub fn operand(number: u32, operand: &Operand) -> Value {
        Value::leaf(number, operand.range, operand.level)
    }

    /// A value that counts as independent of all others.
    pub fn leaf(number: u32, range: Range, level: u32) -> Value {
        Value { form: vec![(number, Fixed::ONE, range)], range, level }
    }

    /// `a + b * 2^shift`, or `a - b * 2^shift`.
    ///
    /// Ranges were checked to be narrow when the problem was made, so sums of them are.
    pub fn pair(a: &Value, b: &Value, shift: i32, negative: bool) -> Value {
        let factor = Fixed::new(if negative { -1 } else { 1 }, shift);
        let times = |(leaf, c, range): (u32, Fixed, Range)| (leaf, c.mul(factor).unwrap_or(Fixed::ZERO), range);
        let mut form = Vec::with_capacity(a.form.len() + b.form.len());
        let (mut i, mut j) = (0, 0);
        while i < a.form.len() || j < b.form.len() {
            let (left, right) = (a.form.get(i), b.form.get(j));
            match (left, right) {
                (Some(x), Some(y)) if x.0 == y.0 => {
                    let total = x.1.add(times(*y).1).unwrap_or(Fixed::ZERO);
                    if !total.is_zero() {
                        form.push((x.0, total, x.2));
                    }
                    (i, j) = (i + 1, j + 1);
                }
                (Some(x), Some(y)) if x.0 > y.0 => {
                    form.push(times(*y));
                    j += 1;
                }
                (Some(x), _) => {
                    form.push(*x);
                    i += 1;
                }
                (None, Some(y)) => {
                    form.push(times(*y));
                    j += 1;
                }
                (None, None) => break,
            }
        }
        let mut products = form.iter().map(|(_, factor, range)| range.times(*factor));
        let zero = Range::point(Fixed::ZERO);
        let range = products.try_fold(zero, |sum, product| Range::add(sum, product?)).unwrap_or(zero);
        Value { form, range, level: a.level.max(b.level) + 1 }
    }

    /// Whether two values have a leaf in common.
    pub fn overlaps(&self, other: &Value) -> bool {
        self.form.iter().any(|(leaf, ..)| other.form.binary_search_by_key(leaf, |(other, ..)| *other).is_ok())
    }
}

/// What `a ± b` costs, in tenths of a LUT: positions where both have bits, and those above through which the carry runs to
/// the top of the exact result, at `pass` each. Signs cost nothing (see [`crate::dfg::Chain`]), so what counts is how many values there
/// are. Operands that do not meet are wired side by side.
pub fn cost(a: &Range, b: &Range, result: &Range, pass: u32) -> u32 {
    let top = |range: &Range| range.exp + span(range) as i32;
    let start = a.exp.max(b.exp);
    let meeting = (top(a).min(top(b)) - start).max(0);
    if meeting == 0 {
        return 0;
    }
    10 * meeting as u32 + pass * (top(result) - start - meeting).max(0) as u32
}

/// Bits of a number with an offset that makes it count from 0.
pub fn span(range: &Range) -> u32 {
    128 - (range.hi - range.lo).leading_zeros()
}
