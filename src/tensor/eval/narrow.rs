//! Operations on codes that fit 64 bits: the inner loops of networks with skip connections and scales.

use super::prepare::Meet;
use crate::tensor::Op;

/// Sums or products of two nodes' codes, sample by sample; `None` for other operations.
///
/// What does not fit is cut off, modulo `2^64`, and the results are right if they fit. An operand is its codes, and how
/// many of them a sample has.
pub(super) fn binary(
    op: &Op,
    pairs: &[(u32, u32, Meet)],
    operands: [(&[i64], usize); 2],
    count: usize,
) -> Option<Vec<i64>> {
    match op {
        Op::Add => Some(each(pairs, operands, count, i64::wrapping_add)),
        Op::Mul => Some(each(pairs, operands, count, i64::wrapping_mul)),
        _ => None,
    }
}

fn each(
    pairs: &[(u32, u32, Meet)],
    [(x, left), (y, right)]: [(&[i64], usize); 2],
    count: usize,
    both: impl Fn(i64, i64) -> i64,
) -> Vec<i64> {
    let shifted = |code: i64, shift: u32| code.checked_shl(shift).unwrap_or(0);
    let mut codes = Vec::with_capacity(count * pairs.len());
    for row in 0..count {
        let (x, y) = (&x[row * left..][..left], &y[row * right..][..right]);
        codes.extend(pairs.iter().map(|(i, j, meet)| match meet {
            Meet::Left => x[*i as usize],
            Meet::Right => y[*j as usize],
            Meet::Shift(a, b) => both(shifted(x[*i as usize], *a), shifted(y[*j as usize], *b)),
        }));
    }
    codes
}
