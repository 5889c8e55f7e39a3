//! Staircases: a table where the operand is narrow, a straight line where all steps lie on one, else comparisons.

use super::lookup::single;
use super::threshold::{suits, threshold};
use crate::dfg::{Builder, Id};
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Range};
use crate::tensor::Staircase;

/// Operands with at most this many codes are looked up.
const TABLE: i128 = 64;
/// Fraction bits tried for a line's slope.
const FINEST: u32 = 24;

/// A staircase of a number.
pub fn stairs(b: &mut Builder, x: Id, stairs: &Staircase) -> Result<Id> {
    let range = b.range(x);
    let staircase = Codes::new(stairs, range)?;
    if staircase.steps.is_empty() {
        return b.constant(staircase.first);
    }
    if range.hi - range.lo < TABLE {
        return table(b, x, range, &staircase);
    }
    if let ([(at, value)], true) = (&staircase.steps[..], suits(b, x)) {
        return threshold(b, x, *at, staircase.first, *value);
    }
    if let Some(id) = line(b, x, range, &staircase)? {
        return Ok(id);
    }
    compare(b, x, range.exp, &staircase.steps, staircase.first)
}

/// A staircase on the integers of the operand's grid; only steps that the operand reaches.
struct Codes {
    first: Fixed,
    steps: Vec<(i128, Fixed)>,
}

impl Codes {
    fn new(stairs: &Staircase, range: Range) -> Result<Codes> {
        let mut codes = Codes { first: stairs.first, steps: Vec::new() };
        for (threshold, value) in &stairs.steps {
            let Some(code) = ceiling(*threshold, range.exp) else {
                return Err(Error::bug("a threshold is beyond 127 bits"));
            };
            if code <= range.lo {
                codes.first = *value;
            } else if code <= range.hi && codes.steps.last().map_or(codes.first, |(_, last)| *last) != *value {
                codes.steps.push((code, *value));
            }
        }
        Ok(codes)
    }
}

/// The least integer `n` with `n * 2^exp >= value`.
fn ceiling(value: Fixed, exp: i32) -> Option<i128> {
    match value.at(exp) {
        Some(code) => Some(code),
        None if value.exponent() > exp => None,
        None => Some(-((-value.mantissa()) >> (exp - value.exponent()).min(127))),
    }
}

fn table(b: &mut Builder, x: Id, range: Range, codes: &Codes) -> Result<Id> {
    let value =
        |code: i128| codes.steps.iter().rev().find(|(at, _)| *at <= code).map_or(codes.first, |(_, value)| *value);
    single(b, x, range, (range.lo..=range.hi).map(|code| Some(value(code))).collect())
}

/// `first + step * clamp(floor(slope x + offset), 0, n)`, if there is such a line: batch normalization and scales before a
/// uniform quantizer always have one. It is proved at every threshold before it is used.
fn line(b: &mut Builder, x: Id, range: Range, codes: &Codes) -> Result<Option<Id>> {
    let values: Vec<Fixed> = std::iter::once(codes.first).chain(codes.steps.iter().map(|(_, value)| *value)).collect();
    let differences: Option<Vec<Fixed>> = values.windows(2).map(|pair| pair[1].add(pair[0].negate())).collect();
    let Some(differences) = differences else { return Ok(None) };
    let step = differences[0];
    if differences.len() < 3 || differences.iter().any(|difference| *difference != step) {
        return Ok(None);
    }
    let thresholds: Vec<i128> = codes.steps.iter().map(|(at, _)| *at).collect();
    let Some((slope, offset, shift)) = fit(&thresholds) else { return Ok(None) };
    let unit = Fixed::power_of_two(-(shift as i32));
    let factor = Fixed::new(slope, -(shift as i32) - range.exp);
    let offset = Fixed::new(offset, 0).mul(unit).unwrap_or(Fixed::ZERO);
    let sum = b.dot(vec![(x, factor)], offset)?;
    let level = b.floor(sum, 0)?;
    let (zero, top) = (b.constant(Fixed::ZERO)?, b.constant(Fixed::new(thresholds.len() as i128, 0))?);
    let level = b.max(level, zero)?;
    let level = b.min(level, top)?;
    b.dot(vec![(level, step)], codes.first).map(Some)
}

/// The coarsest line whose floor steps from `k - 1` to `k` exactly at the k-th threshold: slope and offset in units of
/// `2^-shift`.
fn fit(thresholds: &[i128]) -> Option<(i128, i128, u32)> {
    let count = thresholds.len() as i128;
    let span = thresholds[thresholds.len() - 1].checked_sub(thresholds[0])?;
    for shift in 0..=FINEST {
        let nearest = ((count - 1) << (shift + 1)).checked_add(span)? / (2 * span).max(1);
        for slope in [nearest, nearest - 1, nearest + 1].into_iter().filter(|slope| *slope > 0) {
            let (mut low, mut high) = (i128::MIN, i128::MAX);
            for (k, threshold) in thresholds.iter().enumerate() {
                let need = ((k as i128 + 1) << shift).checked_sub(slope.checked_mul(*threshold)?)?;
                low = low.max(need);
                high = high.min(need.checked_add(slope - 1)?);
            }
            if low <= high {
                return Some((slope, roundest(low, high), shift));
            }
        }
    }
    None
}

/// The number in `low..=high` with the most zeros at the end.
fn roundest(low: i128, high: i128) -> i128 {
    let mut best = low;
    for zeros in 0..100 {
        let up = (low + (1 << zeros) - 1) >> zeros << zeros;
        if up > high {
            break;
        }
        best = up;
    }
    best
}

/// A binary tree of comparisons.
fn compare(b: &mut Builder, x: Id, exp: i32, steps: &[(i128, Fixed)], first: Fixed) -> Result<Id> {
    if steps.is_empty() {
        return b.constant(first);
    }
    let middle = steps.len() / 2;
    let (threshold, value) = steps[middle];
    let below = compare(b, x, exp, &steps[..middle], first)?;
    let above = compare(b, x, exp, &steps[middle + 1..], value)?;
    let distance = b.offset(x, Fixed::new(-threshold, exp))?;
    b.select(distance, below, above)
}
