//! Quantizers: what brings real numbers to the few that hardware can hold.
//!
//! An open set: a file of this folder is one family, and [`QUANTIZERS`] lists them. A quantizer is written as a call, as in
//! QKeras: `quantized_bits(6,0,alpha=1)`; or as a fixed-point format, `fixed<8,3,RND,SAT>`. Formulas are QKeras 0.9.0's,
//! found in its `quantizers.py` and checked against its outputs in `tests/data/qkeras`.
//!
//! `use_stochastic_rounding` is read and changes nothing: inference never draws, and in training qkeras-v3 1.2.1 rounds to the
//! nearest with it too (`quantized_bits`, `quantized_relu`, `quantized_linear`, `quantized_po2` and `quantized_tanh`, asked with
//! it on). What draws in training is [`Quantizer::drawn`].
//!
//! Two things differ from the framework on purpose. QKeras returns `x + (q(x) - x)` to let gradients through, which in
//! float32 may miss the quantizer's own grid by a rounding error; here the result is `q(x)`. And its channel means are
//! float32 sums in TensorFlow's order; here they are rounded once, from a sum in f64.

mod binary;
mod fixed;
pub mod initial;
pub mod learned;
mod power_of_two;
mod quantized_bits;
mod quantized_hswish;
mod quantized_linear;
mod quantized_relu;
mod quantized_tanh;
mod quantized_ulaw;
mod scale;
mod steps;
mod ternary;

pub use steps::Steps;

use crate::call::Call;
use crate::error::{At, Error, Result};
use crate::fixed::{Fixed, Quantization};
use crate::functions::{Function, Gradient};
use crate::network::Tensor;
use crate::random::Random;
use crate::registry::{Entry, find};

/// Makes a quantizer from its call.
pub type Make = fn(&Call) -> Result<Box<dyn Quantizer>>;

/// All quantizers.
pub const QUANTIZERS: &[Entry<Make>] = &[
    fixed::FIXED,
    fixed::UFIXED,
    learned::QUANTIZER,
    quantized_bits::QUANTIZER,
    quantized_linear::QUANTIZER,
    quantized_relu::QUANTIZER,
    quantized_hswish::QUANTIZER,
    quantized_ulaw::QUANTIZER,
    quantized_tanh::TANH,
    quantized_tanh::SIGMOID,
    power_of_two::QUANTIZER,
    power_of_two::RELU,
    binary::QUANTIZER,
    binary::STOCHASTIC,
    binary::BERNOULLI,
    ternary::QUANTIZER,
    ternary::STOCHASTIC,
];

/// What a parameter is to its layer. QKeras gives a *kernel's* quantizer without `alpha` the scale `auto_po2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The weights of a matrix product or convolution.
    Kernel,
    /// A bias, or anything else.
    Other,
}

/// Quantized parameters: number `e` is `codes[e] * scale`.
#[derive(Clone, Debug, PartialEq)]
pub struct Codes {
    /// Exact codes, C order; powers of two in the scale are already in here.
    pub codes: Vec<Fixed>,
    /// One scale, or one per element of the last axis; `[1.0]` where the codes are the whole value.
    pub scale: Vec<f32>,
}

/// What a quantizer does to activations: `shape(before(x)) * scale`.
#[derive(Clone, Debug, PartialEq)]
pub struct Activation {
    /// A float32 function that comes first.
    pub before: Option<Function>,
    /// The step function.
    pub shape: Shape,
    /// A float32 factor on its result; 1 unless the quantizer has a scale that is not a power of two.
    pub scale: f32,
    /// The slope that training gives to the step function and the factor together.
    pub gradient: Gradient,
}

/// A step function of real numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Rounding and overflow to a format; a relu where the format has no sign and saturates.
    Quantize(Quantization),
    /// `positive(x) + negative(2^slope * min(x, 0))`; the same as `steps`.
    Leaky {
        /// Quantizes positive numbers; unsigned and saturating.
        positive: Quantization,
        /// Quantizes the negative ones.
        negative: Quantization,
        /// The base-2 logarithm of the slope.
        slope: i32,
        /// The whole function.
        steps: Steps,
    },
    /// Any other.
    Steps(Steps),
}

impl Activation {
    /// The format of a port that this quantizer stands behind, if it is one of rounding and overflow.
    pub fn port(&self) -> Option<Quantization> {
        match (&self.shape, self.scale == 1.0 && self.before.is_none()) {
            (Shape::Quantize(quantization), true) => Some(*quantization),
            _ => None,
        }
    }
}

/// A quantizer.
pub trait Quantizer {
    /// Quantizes parameters, in the framework's own float32 arithmetic.
    ///
    /// # Errors
    /// A parameter is NaN or infinite; or the quantizer has no such use.
    fn parameter(&self, values: &Tensor, role: Role) -> Result<Codes>;

    /// The fixed-point format that parameters are brought to, if that is all that is done to them, and the slope of
    /// training.
    fn format(&self, _role: Role) -> Option<(Quantization, Gradient)> {
        None
    }

    /// Are its bits learned, and how do they begin?
    fn learned(&self) -> Option<learned::Learned> {
        None
    }

    /// The slope that training gives to each parameter's quantization; `None` where all are 1.
    ///
    /// # Errors
    /// As [`Quantizer::parameter`].
    fn slopes(&self, _values: &Tensor, _role: Role) -> Result<Option<Vec<f32>>> {
        Ok(None)
    }

    /// The parameters as training draws them, if the quantizer is a stochastic one; at inference it never draws.
    ///
    /// # Errors
    /// As [`Quantizer::parameter`].
    fn drawn(&self, _values: &Tensor, _role: Role, _random: &mut Random) -> Result<Option<Codes>> {
        Ok(None)
    }

    /// How far from 0 training lets weights go, if it is QKeras': its layers clip them to `max(1, q.max())` after each step,
    /// as the slope goes on beyond the last code.
    fn limit(&self) -> Option<f32> {
        Some(1.0)
    }

    /// What it does to activations.
    ///
    /// # Errors
    /// It has no such use at inference, for example because its scale would follow the data.
    fn activation(&self) -> Result<Activation>;
}

/// Reads a quantizer's call.
///
/// # Errors
/// An unknown quantizer or argument is answered with the known ones.
pub fn parse(text: &str) -> Result<Box<dyn Quantizer>> {
    let call = Call::parse(text)?;
    let entry = find("quantizer", QUANTIZERS, &call.name)?;
    (entry.make)(&call).at(format!("`{text}`"))
}

/// The parameters as float32, as the framework holds them.
fn finite(values: &Tensor) -> Result<Vec<f32>> {
    let float = |value: &f64| (*value as f32).is_finite().then_some(*value as f32);
    values
        .data
        .iter()
        .map(float)
        .collect::<Option<_>>()
        .ok_or_else(|| Error::user("a weight is NaN or infinite", "train the network again, or repair the file"))
}

/// Codes with their scales; powers of two go into the codes.
fn scaled(codes: Vec<Fixed>, scale: Vec<f32>) -> Result<Codes> {
    let not_finite = || Error::user("a scale is NaN or infinite", "is a whole channel of weights zero?");
    let exact: Vec<Fixed> =
        scale.iter().map(|s| Fixed::from_f64(f64::from(*s))).collect::<Option<_>>().ok_or_else(not_finite)?;
    if exact.iter().any(|s| s.mantissa().abs() != 1) {
        return Ok(Codes { codes, scale });
    }
    let power = |(e, code): (usize, Fixed)| {
        let factor = exact[e % exact.len()];
        let code = code.scale(factor.exponent());
        if factor.mantissa() < 0 { code.negate() } else { code }
    };
    Ok(Codes { codes: codes.into_iter().enumerate().map(power).collect(), scale: vec![1.0] })
}

/// An activation with a constant factor; a power of two goes into the steps.
fn activation(shape: Shape, scale: f32, gradient: Gradient) -> Activation {
    match (shape, Fixed::from_f64(f64::from(scale))) {
        (Shape::Steps(steps), Some(exact)) if exact.mantissa().abs() == 1 => {
            Activation { before: None, shape: Shape::Steps(steps.times(exact)), scale: 1.0, gradient }
        }
        (shape, _) => Activation { before: None, shape, scale, gradient },
    }
}

/// The refusal of a scale that depends on the data.
fn follows_data(alpha: &str) -> Error {
    Error::user(
        format!("alpha='{alpha}' on an activation would follow the data of each batch"),
        "give it a number, such as alpha=1; 'auto' and 'auto_po2' are for weights",
    )
}

#[cfg(test)]
mod tests;
