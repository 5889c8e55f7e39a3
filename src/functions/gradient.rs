//! The slope that training gives to a step function, whose own is 0 almost everywhere: a straight-through estimator.
//!
//! Forward, a quantizer is its steps, exactly; backward, the result's gradient is multiplied by this slope. Each quantizer
//! states its own beside its steps, as the framework has it.

use std::fmt;
use std::sync::Arc;

/// The slope at each `x`.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Gradient {
    /// 1 everywhere.
    #[default]
    Straight,
    /// 1 from `low` to `high`, both included, and 0 elsewhere.
    Inside {
        /// The least x.
        low: f32,
        /// The greatest.
        high: f32,
    },
    /// `slope` up to 0, 1 from there to `high` (included), 0 above.
    Relu {
        /// The slope of negative numbers.
        slope: f32,
        /// The greatest x.
        high: f32,
    },
    /// A formula.
    Of(Formula),
}

/// A slope by its formula; equal to itself and its copies only.
#[derive(Clone)]
pub struct Formula(Arc<dyn Fn(f32) -> f32 + Send + Sync>);

impl Gradient {
    /// The slope of a formula.
    pub fn of(formula: impl Fn(f32) -> f32 + Send + Sync + 'static) -> Gradient {
        Gradient::Of(Formula(Arc::new(formula)))
    }

    /// That of `tanh`, `1 - tanh(x)^2`.
    pub fn tanh() -> Gradient {
        Gradient::of(|x| {
            let tanh = libm::tanh(f64::from(x));
            (1.0 - tanh * tanh) as f32
        })
    }

    /// The slope at `x`.
    pub fn at(&self, x: f32) -> f32 {
        match self {
            Gradient::Straight => 1.0,
            Gradient::Inside { low, high } => f32::from(u8::from((*low..=*high).contains(&x))),
            Gradient::Relu { high, .. } if x > *high => 0.0,
            Gradient::Relu { slope, .. } => {
                if x > 0.0 {
                    1.0
                } else {
                    *slope
                }
            }
            Gradient::Of(formula) => (formula.0)(x),
        }
    }
}

impl fmt::Debug for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("formula")
    }
}

impl PartialEq for Formula {
    fn eq(&self, other: &Formula) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_at_their_edges() {
        let at = |gradient: &Gradient, x: [f32; 5]| x.map(|x| gradient.at(x));
        assert_eq!(at(&Gradient::Straight, [-9.0, -1.0, 0.0, 1.0, 9.0]), [1.0; 5]);
        assert_eq!(
            at(&Gradient::Inside { low: -1.0, high: 1.0 }, [-1.5, -1.0, 0.0, 1.0, 1.5]),
            [0.0, 1.0, 1.0, 1.0, 0.0]
        );
        let relu = Gradient::Relu { slope: 0.25, high: 3.0 };
        assert_eq!(at(&relu, [-1.0, 0.0, 0.5, 3.0, 3.5]), [0.25, 0.25, 1.0, 1.0, 0.0]);
        assert_eq!(Gradient::tanh().at(0.0), 1.0);
    }
}
