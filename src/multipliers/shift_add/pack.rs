//! One-bit operands: a table of six of them gives their partial sum at one LUT per result bit, where adders would take five
//! carry chains.

use super::value::Value;
use crate::fixed::{Fixed, Range};
use crate::multipliers::{Problem, Program, Row, Step};

/// Inputs of a LUT.
const INPUTS: usize = 6;
/// Fewer one-bit terms in a row than this are left to adders, which rows can share.
const FEWEST: usize = 3;

/// The rows with their one-bit terms replaced by tables, which become values and steps.
pub fn pack(problem: &Problem, values: &mut Vec<Value>, program: &mut Program) -> Vec<Row> {
    let one_bit = |operand: u32| {
        let range = problem.operands[operand as usize].range;
        range.hi - range.lo == 1
    };
    let mut rows = Vec::with_capacity(problem.rows.len());
    for row in &problem.rows {
        let (mut bits, mut terms): (Vec<_>, Vec<_>) =
            row.terms.iter().copied().partition(|(operand, _)| one_bit(*operand));
        if bits.len() < FEWEST {
            rows.push(row.clone());
            continue;
        }
        // Like magnitudes together: the sums of a table are then narrow.
        bits.sort_by_key(|(operand, factor)| (factor.mantissa().unsigned_abs(), factor.exponent(), *operand));
        for group in bits.chunks(INPUTS) {
            let number = values.len() as u32;
            values.push(sum(problem, group, number));
            program.steps.push(Step::Lookup { terms: group.to_vec(), constant: Fixed::ZERO });
            terms.push((number, Fixed::ONE));
        }
        rows.push(Row { terms, ..*row });
    }
    rows
}

/// The table as a value: one level after its last operand.
fn sum(problem: &Problem, group: &[(u32, Fixed)], number: u32) -> Value {
    let zero = Range::point(Fixed::ZERO);
    let operand = |operand: &u32| &problem.operands[*operand as usize];
    let mut products = group.iter().map(|(index, factor)| operand(index).range.times(*factor));
    let range = products.try_fold(zero, |sum, product| Range::add(sum, product?)).unwrap_or(zero);
    let level = group.iter().map(|(index, _)| operand(index).level).max().unwrap_or(0) + 1;
    Value::leaf(number, range, level)
}
