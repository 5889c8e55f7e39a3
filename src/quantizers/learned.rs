//! `learned`: fixed point whose numbers of bits are trained along with the weights.
//!
//! `q(x) = floor(x * 2^f + 1/2) / 2^f`, with a whole number `f` of fraction bits for each element, each element of the last
//! axis, or all. Values behind layers saturate at `-2^i * signed` and `2^i - 2^-f`, with `i` learned too; weights do not overflow,
//! and have the integer bits that they need. In training, `f` and `i` are real numbers and rounded; all roundings go straight
//! through, so that `dq/dx = 1` and `dq/df = ln 2 * (x - q)` inside, and the bounds have their own slopes outside.
//! Training writes the formats that it found into the network; before it, they are those given here.
//! Source: HGQ, arXiv 2405.00645, section III; rounding and saturation as in nanotrig's `fixed<.., RND, SAT>`.

use super::{Activation, Codes, Make, Quantizer, Role, Shape, activation, finite};
use crate::call::Call;
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Format, Overflow, Quantization, Rounding};
use crate::functions::Gradient;
use crate::network::Tensor;
use crate::registry::Entry;

/// The entry.
pub const QUANTIZER: Entry<Make> = Entry {
    name: "learned",
    doc: "learned(fraction,integer,group='element'|'channel'|'tensor'): fixed point, its bits found by training",
    make,
};

/// The most bits on either side of the point; a weight without a quantizer has at most 20.
pub const MOST: i32 = 16;

/// Formats to begin with, and for what each is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Learned {
    /// Fraction bits at first.
    pub fraction: i32,
    /// Integer bits at first, without the sign; of values only.
    pub integer: i32,
    /// What has a format of its own.
    pub group: Group,
}

/// What has a format of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Each element.
    Element,
    /// Each element of the last axis.
    Channel,
    /// The whole tensor.
    Tensor,
}

fn make(call: &Call) -> Result<Box<dyn Quantizer>> {
    let arguments = call.arguments(&["fraction", "integer", "group"])?;
    let group = match arguments.choice("group", &["element", "channel", "tensor"])? {
        "channel" => Group::Channel,
        "tensor" => Group::Tensor,
        _ => Group::Element,
    };
    let (fraction, integer) = (arguments.integer("fraction", 6, 0, MOST)?, arguments.integer("integer", 3, -8, MOST)?);
    if fraction + integer < 0 {
        return Err(Error::user(
            "it begins without any bits",
            "give at least as many fraction bits as integer bits are missing",
        ));
    }
    Ok(Box::new(Learned { fraction, integer, group }))
}

impl Group {
    /// The shape of the formats of a tensor.
    pub fn shape(self, shape: &[usize]) -> Vec<usize> {
        match self {
            Group::Element => shape.to_vec(),
            Group::Channel => shape.last().copied().into_iter().collect(),
            Group::Tensor => Vec::new(),
        }
    }
}

impl Learned {
    fn format(&self) -> Quantization {
        let format = Format::kif(true, self.integer, self.fraction);
        Quantization { format, rounding: Rounding::Rnd, overflow: Overflow::Sat }
    }
}

impl Quantizer for Learned {
    fn parameter(&self, values: &Tensor, _: Role) -> Result<Codes> {
        let code = |x: &f32| {
            let exact = Fixed::from_f64(f64::from(*x)).unwrap_or(Fixed::ZERO).scale(self.fraction);
            let drop = (-exact.exponent()).max(0) as u32;
            let whole = if drop == 0 { exact } else { Fixed::new(Rounding::Rnd.apply(exact.mantissa(), drop), 0) };
            whole.scale(-self.fraction)
        };
        Ok(Codes { codes: finite(values)?.iter().map(code).collect(), scale: vec![1.0] })
    }

    fn activation(&self) -> Result<Activation> {
        Ok(activation(Shape::Quantize(self.format()), 1.0, Gradient::Straight))
    }

    fn limit(&self) -> Option<f32> {
        None
    }

    fn learned(&self) -> Option<Learned> {
        Some(*self)
    }
}

/// The same on tensors, with the gradients of training.
#[cfg(feature = "train")]
pub mod trained {
    use super::MOST;
    use std::f64::consts::LN_2;
    use tch::{Kind, Tensor};

    /// Where values saturate.
    pub struct Bounds<'a> {
        /// Integer bits, real numbers.
        pub integer: &'a Tensor,
        /// 1 where values may be negative, else 0.
        pub signed: &'a Tensor,
    }

    /// `q(x)`, for real numbers of fraction bits that broadcast to x.
    pub fn quantize(x: &Tensor, fraction: &Tensor, bounds: Option<&Bounds>) -> Tensor {
        let fraction = whole(fraction);
        let step = power(&-&fraction);
        let rounded = tch::no_grad(|| {
            let scaled = x / &step;
            let floor = scaled.floor();
            let up = (scaled - &floor).ge(0.5);
            (floor + up) * &step
        });
        // The rounding error, which shrinks as bits are added, and the bounds have slopes of their own.
        let (q, mut moved) = match bounds {
            None => {
                let error = (x.detach() - &rounded) * LN_2;
                (rounded, x + error * &fraction)
            }
            Some(Bounds { integer, signed }) => {
                let integer = whole(integer);
                let most = power(&integer);
                let (low, high) = (-(&most * *signed), &most - &step);
                let (q, error) = tch::no_grad(|| {
                    let some = (&integer + &fraction + *signed).gt(0.0);
                    let q = rounded.minimum(&high).maximum(&low);
                    let error = (x - &rounded) * q.eq_tensor(&rounded) * LN_2;
                    (q * some, error)
                });
                (q, x.clamp_tensor(Some(&low), Some(&high)) + error * &fraction)
            }
        };
        moved.set_data(&q);
        moved
    }

    /// The bits of values: sign, integer and fraction, none below 0.
    pub fn value_bits(fraction: &Tensor, bounds: &Bounds) -> Tensor {
        (whole(bounds.integer) + whole(fraction) + bounds.signed).relu()
    }

    /// The bits of the magnitude of each weight, 0 for 0; the integer bits follow the weight.
    pub fn weight_bits(quantized: &Tensor, fraction: &Tensor) -> Tensor {
        let (integer, some) = tch::no_grad(|| {
            let size = quantized.abs();
            let some = size.gt(0.0).to_kind(Kind::Float);
            (size.clamp_min(1e-9).log2().floor() + 1.0, some)
        });
        (integer + whole(fraction)).relu() * some
    }

    /// The nearest whole number within bounds, straight through.
    fn whole(bits: &Tensor) -> Tensor {
        let rounded = tch::no_grad(|| bits.round().clamp(f64::from(-MOST), f64::from(MOST)));
        rounded + (bits - bits.detach())
    }

    /// `2^n` of whole numbers, exactly, with the slope of the power.
    fn power(n: &Tensor) -> Tensor {
        let value = tch::no_grad(|| {
            let powers: Vec<f32> = (-MOST..=MOST).map(|n| 2f32.powi(n)).collect();
            Tensor::from_slice(&powers).take(&(n + f64::from(MOST)).to_kind(Kind::Int64))
        });
        let moved = n - n.detach();
        &value + &value * moved * LN_2
    }

    /// The whole numbers that real numbers of bits stand for.
    pub fn bits(real: f64) -> f64 {
        real.round_ties_even().clamp(f64::from(-MOST), f64::from(MOST))
    }
}

#[cfg(all(test, feature = "train"))]
mod tests {
    use super::trained::{Bounds, quantize};
    use std::f64::consts::LN_2;
    use tch::Tensor;

    /// `q(x)` with two fraction bits and no integer bits, signed; and its slopes by x, fraction and integer bits.
    fn slopes(x: f32) -> [f64; 4] {
        let leaf = |value: f32| Tensor::from_slice(&[value]).set_requires_grad(true);
        let (x, fraction, integer) = (leaf(x), leaf(2.2), leaf(-0.1));
        let bounds = Bounds { integer: &integer, signed: &Tensor::from_slice(&[1f32]) };
        let y = quantize(&x, &fraction, Some(&bounds));
        y.sum(tch::Kind::Float).backward();
        let slope = |leaf: &Tensor| leaf.grad().double_value(&[0]);
        [y.double_value(&[0]), slope(&x), slope(&fraction), slope(&integer)]
    }

    #[test]
    fn values_and_slopes_are_those_of_the_formula() {
        let close = |found: [f64; 4], expected: [f64; 4]| {
            let same = found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6);
            assert!(same, "{found:?}, expected {expected:?}");
        };
        close(slopes(0.3), [0.25, 1.0, LN_2 * 0.05, 0.0]);
        close(slopes(-0.375), [-0.25, 1.0, LN_2 * -0.125, 0.0]);
        close(slopes(3.0), [0.75, 0.0, LN_2 * 0.25, LN_2]);
        close(slopes(-3.0), [-1.0, 0.0, 0.0, -LN_2]);
    }
}
