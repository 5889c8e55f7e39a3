//! Signed digits of a constant.

use crate::fixed::Fixed;

/// The canonical signed digits of a number, lowest first: each the exponent of a power of two, and whether it is
/// subtracted. No two are adjacent, so there are the fewest possible (Reitwiesner 1960).
pub fn digits(value: Fixed) -> impl Iterator<Item = (i32, bool)> {
    let mut rest = value.mantissa();
    let mut exponent = value.exponent();
    std::iter::from_fn(move || {
        if rest == 0 {
            return None;
        }
        let zeros = rest.trailing_zeros();
        rest >>= zeros;
        exponent += zeros as i32;
        // 3 mod 4: the digit is -1, and a carry goes up.
        let negative = rest & 3 == 3;
        rest = (rest - if negative { -1 } else { 1 }) >> 1;
        exponent += 1;
        Some((exponent - 1, negative))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_sum_to_the_number_and_are_sparse() {
        for n in -3000i128..3000 {
            let all: Vec<_> = digits(Fixed::new(n, 0)).collect();
            let sum: i128 =
                all.iter().map(|(shift, negative)| if *negative { -(1 << shift) } else { 1 << shift }).sum();
            assert_eq!(sum, n);
            assert!(all.windows(2).all(|pair| pair[1].0 > pair[0].0 + 1), "{n}: {all:?}");
        }
    }
}
