//! Step functions of float32 numbers, found from the function itself.

use crate::fixed::Fixed;

/// A step function: `first` below the first threshold, then the value of the last threshold that is `<= x`.
///
/// Thresholds are float32 numbers, the first at which the function has the new value, so an input is meant to be a
/// float32 number too (any code of up to 24 bits is one).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Steps {
    /// The value below all thresholds.
    pub first: Fixed,
    /// Thresholds, ascending, each with the value from there on.
    pub steps: Vec<(Fixed, Fixed)>,
}

impl Steps {
    /// The steps of a non-decreasing float32 function with finite values.
    pub fn of(function: impl Fn(f32) -> f32) -> Steps {
        let exact = |x: f32| Fixed::from_f64(f64::from(x)).unwrap_or(Fixed::ZERO);
        let at = |order: i64| function(float(order));
        let (low, high) = (order(f32::MIN), order(f32::MAX));
        let mut steps = Vec::new();
        // Depth first, left to right, so thresholds come out in order.
        let mut todo = vec![((low, at(low)), (high, at(high)))];
        while let Some((from, to)) = todo.pop() {
            if from.1 == to.1 {
                continue;
            }
            if to.0 - from.0 == 1 {
                steps.push((exact(float(to.0)), exact(to.1)));
                continue;
            }
            let middle = (from.0 + to.0).div_euclid(2);
            let middle = (middle, at(middle));
            todo.push((middle, to));
            todo.push((from, middle));
        }
        Steps { first: exact(at(low)), steps }
    }

    /// The function times a constant.
    pub fn times(self, factor: Fixed) -> Steps {
        let times = |value: Fixed| value.mul(factor).unwrap_or(value);
        Steps { first: times(self.first), steps: self.steps.into_iter().map(|(t, v)| (t, times(v))).collect() }
    }
}

/// The place of a float among all floats; both zeros have place 0.
fn order(x: f32) -> i64 {
    let magnitude = i64::from(x.to_bits() & 0x7fff_ffff);
    if x.is_sign_negative() { -magnitude } else { magnitude }
}

/// The float at a place.
fn float(order: i64) -> f32 {
    let magnitude = f32::from_bits(order.unsigned_abs() as u32);
    if order < 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_steps_of_a_sign() {
        let steps = Steps::of(|x| if x >= 0.0 { 1.0 } else { -1.0 });
        assert_eq!(steps, Steps { first: Fixed::new(-1, 0), steps: vec![(Fixed::ZERO, Fixed::ONE)] });
    }

    #[test]
    fn thresholds_are_the_first_float_with_the_value() {
        let steps = Steps::of(|x| x.clamp(-2.0, 2.0).round_ties_even());
        let values: Vec<f64> = steps.steps.iter().filter_map(|(_, value)| value.to_f64()).collect();
        assert_eq!(values, [-1.0, 0.0, 1.0, 2.0]);
        // 0.5 rounds to 0, so 1 begins just above it; 1.5 rounds to 2.
        assert_eq!(steps.steps[2].0, Fixed::new((1 << 23) + 1, -24));
        assert_eq!(steps.steps[3].0, Fixed::new(3, -1));
    }
}
