//! What is known of a value while sharing: its linear form over the operands, exact range, and level.

use crate::dfg::{Id, Linear, Term};
use crate::fixed::{Fixed, Range};
use crate::multipliers::Operand;

/// A value of the problem: an operand, a table, or a shared sum.
#[derive(Clone, Debug)]
pub struct Value {
    /// The sum over operands and tables; `None` where that is not known, and it counts as independent of all others.
    form: Option<Linear>,
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

    /// A value that is independent of all others, with its own number.
    pub fn leaf(number: u32, range: Range, level: u32) -> Value {
        Value { form: Some(Linear::leaf(Id(number))), range, level }
    }

    /// The sum of two of the values.
    ///
    /// Ranges were checked to be narrow when the problem was made, so sums of them are.
    pub fn pair(values: &[Value], terms: [Term; 2]) -> Value {
        let [a, b] = terms.map(|term| &values[term.id.index()]);
        let form = a.form.as_ref().zip(b.form.as_ref());
        let form = form.and_then(|(a, b)| Linear::sum([(a, terms[0].factor()), (b, terms[1].factor())], Fixed::ZERO));
        let exact = form.as_ref().and_then(|form| form.range(|leaf| values[leaf.index()].range));
        Value { range: exact.unwrap_or_else(|| apart(a, b, &terms)), form, level: a.level.max(b.level) + 1 }
    }

    /// The range of the sum of two of the values.
    pub fn range_of_pair(values: &[Value], terms: [Term; 2]) -> Range {
        let [a, b] = terms.map(|term| &values[term.id.index()]);
        let overlap = a.form.as_ref().zip(b.form.as_ref()).is_some_and(|(a, b)| a.overlaps(b));
        if overlap { Value::pair(values, terms).range } else { apart(a, b, &terms) }
    }
}

/// The range of a sum of independent values.
fn apart(a: &Value, b: &Value, terms: &[Term; 2]) -> Range {
    let [a, b] = [(a, &terms[0]), (b, &terms[1])].map(|(value, term)| {
        let range = Range { exp: value.range.exp + term.shift, ..value.range };
        if term.negative { range.negate() } else { range }
    });
    Range::add(a, b).unwrap_or(b)
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
