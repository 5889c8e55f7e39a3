//! Element-wise functions of float32 numbers, such as `relu`, `leaky_relu(0.3)` and `gelu`.
//!
//! An open set: a file of this folder is one family, and [`FUNCTIONS`] lists its members. A function is written as a call
//! with numbers, as quantizers are. Its meaning is the float32 result of the framework's own operations in the framework's
//! own order (Keras on TensorFlow 2.15, where frameworks differ), each of them rounded once: additions and products are
//! float32's own, and a transcendental operation (`exp`, `tanh`, `erf`, the sigmoid, ..) gives the float32 number nearest to
//! its true value. Frameworks differ from that, and from each other, in the last bit of some results.
//!
//! Transcendental operations are computed in f64 by the `libm` crate, the same on every machine, and rounded.

mod exponential;
mod gradient;
mod hard;
mod power;
mod rectifier;
mod rounding;
mod sigmoid;

pub use gradient::{Formula, Gradient};

use crate::call::Call;
use crate::error::{At, Error, Result};
use crate::fixed::{Fixed, Range};
use crate::registry::{Entry, find};
use std::fmt;

/// All functions.
pub const FUNCTIONS: &[Entry<Definition>] = &[
    rectifier::RELU,
    rectifier::RELU6,
    rectifier::LEAKY_RELU,
    rectifier::THRESHOLDED_RELU,
    rectifier::CLIP,
    rectifier::ABS,
    rectifier::NEGATIVE,
    rectifier::SOFT_SHRINK,
    rectifier::HARD_SHRINK,
    exponential::ELU,
    exponential::CELU,
    exponential::SELU,
    exponential::EXPONENTIAL,
    exponential::EXPM1,
    exponential::LOG,
    exponential::LOG1P,
    exponential::SOFTPLUS,
    exponential::LOG_SIGMOID,
    sigmoid::SIGMOID,
    sigmoid::TANH,
    sigmoid::SILU,
    sigmoid::MISH,
    sigmoid::GELU,
    sigmoid::GELU_TANH,
    sigmoid::SOFTSIGN,
    sigmoid::ERF,
    sigmoid::SIN,
    sigmoid::COS,
    hard::HARD_SIGMOID,
    hard::HARD_SIGMOID_KERAS2,
    hard::HARD_TANH,
    hard::HARD_SILU,
    hard::HARD_SWISH,
    hard::SCALED_SWISH,
    power::SQRT,
    power::RSQRT,
    power::RECIPROCAL,
    power::SQUARE,
    power::POWER,
    rounding::SIGN,
    rounding::FLOOR,
    rounding::CEIL,
    rounding::ROUND,
    rounding::BINARY_TANH,
    rounding::BINARY_SIGMOID,
    rounding::TERNARY_TANH,
];

/// What a function is.
pub struct Definition {
    /// Its parameters in order, each with its default; without one it must be given.
    pub parameters: &'static [(&'static str, Option<f32>)],
    /// The float32 result, from `x` and the parameters.
    pub formula: fn(f32, &[f32]) -> f32,
    /// How it goes, for given parameters: a monotone one is found by bisection.
    pub trend: fn(&[f32]) -> Trend,
    /// What it is on exact numbers, one step after the other; `None` where float32 rounds.
    pub exact: fn(&[f32]) -> Option<Vec<Exact>>,
}

/// How a function goes; as a float32 function, its own roundings included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    /// It never falls.
    Rising,
    /// It never rises.
    Falling,
    /// Neither, or not certain.
    Other,
}

/// A function of exact numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exact {
    /// `min(max(x, low), high)`, each if there.
    Clip(Option<Fixed>, Option<Fixed>),
    /// `max(x, 0) + slope * min(x, 0)`.
    Leaky(Fixed),
    /// `slope * x`.
    Scale(Fixed),
    /// `x + constant`.
    Add(Fixed),
    /// `x` if `x > threshold`, else 0.
    Gate(Fixed),
    /// `x * x`.
    Square,
    /// The greatest integer that is not above.
    Floor,
    /// The least integer that is not below.
    Ceil,
    /// The nearest integer, ties to even.
    Round,
    /// -1, 0 or 1.
    Sign,
}

/// Half the distance over which a slope is taken, for numbers around 1: the cube root of float32's precision.
const SLOPE: f32 = 5e-3;

/// A function with its parameters.
#[derive(Clone)]
pub struct Function {
    entry: &'static Entry<Definition>,
    parameters: Vec<f32>,
}

impl Function {
    /// Reads a call such as `leaky_relu(0.3)`.
    ///
    /// # Errors
    /// An unknown function or parameter is answered with the known ones.
    pub fn parse(text: &str) -> Result<Function> {
        let call = Call::parse(text)?;
        let entry = find("function", FUNCTIONS, &call.name)?;
        Function::from_call(entry, &call).at(format!("`{text}`"))
    }

    /// Is there a function of the name that the call begins with?
    pub fn is_known(text: &str) -> bool {
        let name = text.split('(').next().unwrap_or("").trim();
        FUNCTIONS.iter().any(|entry| entry.name == name)
    }

    fn from_call(entry: &'static Entry<Definition>, call: &Call) -> Result<Function> {
        let names: Vec<&'static str> = entry.make.parameters.iter().map(|(name, _)| *name).collect();
        let arguments = call.arguments(&names)?;
        let parameter = |(name, default): &(&'static str, Option<f32>)| {
            let value = arguments.optional(name)?.map(|value| value as f32).or(*default);
            value.ok_or_else(|| Error::user(format!("`{name}` is missing"), format!("write {}", usage(entry))))
        };
        let parameters: Vec<f32> = entry.make.parameters.iter().map(parameter).collect::<Result<_>>()?;
        let given = |(value, (_, default)): (&f32, &(_, Option<f32>))| Some(*value) != *default;
        if parameters.iter().zip(entry.make.parameters).any(|pair| given(pair) && !pair.0.is_finite()) {
            return Err(Error::user("a parameter is beyond float32", "give a number below 3e38"));
        }
        Ok(Function { entry, parameters })
    }

    /// Its name, without parameters.
    pub fn name(&self) -> &'static str {
        self.entry.name
    }

    /// The float32 result.
    pub fn at(&self, x: f32) -> f32 {
        (self.entry.make.formula)(x, &self.parameters)
    }

    /// Its slope, for training: the symmetric difference of the formula, 0 where it has none.
    pub fn slope(&self, x: f32) -> f32 {
        let step = SLOPE * x.abs().max(1.0);
        let (high, low) = (f64::from(self.at(x + step)), f64::from(self.at(x - step)));
        let slope = (high - low) / f64::from((x + step) - (x - step));
        if slope.is_finite() { slope as f32 } else { 0.0 }
    }

    /// How it goes.
    pub fn trend(&self) -> Trend {
        (self.entry.make.trend)(&self.parameters)
    }

    /// What it is on exact numbers, one step after the other; `None` where float32 rounds.
    pub fn exact(&self) -> Option<Vec<Exact>> {
        (self.entry.make.exact)(&self.parameters)
    }
}

/// `leaky_relu(negative_slope)`.
fn usage(entry: &Entry<Definition>) -> String {
    let names: Vec<&str> = entry.make.parameters.iter().map(|(name, _)| *name).collect();
    format!("{}({})", entry.name, names.join(","))
}

/// Prints the call that gives it.
impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.entry.name)?;
        let all = self.entry.make.parameters.iter().zip(&self.parameters);
        let given: Vec<String> = all
            .filter(|((_, default), value)| *default != Some(**value))
            .map(|((name, _), value)| format!("{name}={value}"))
            .collect();
        if given.is_empty() { Ok(()) } else { write!(f, "({})", given.join(",")) }
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Function) -> bool {
        self.entry.name == other.entry.name && self.parameters == other.parameters
    }
}

impl Exact {
    /// The result's range, if it is piecewise linear with slopes that are powers of two: nothing can round in it.
    pub fn shifted(&self, x: Range) -> Option<Range> {
        let value = |x: Fixed| match self {
            Exact::Clip(low, high) => {
                let up = low.map_or(x, |low| x.max(low));
                Some(high.map_or(up, |high| up.min(high)))
            }
            Exact::Leaky(slope) if x < Fixed::ZERO && is_shift(*slope) => x.mul(*slope),
            Exact::Leaky(slope) if is_shift(*slope) => Some(x),
            Exact::Scale(slope) if is_shift(*slope) => x.mul(*slope),
            Exact::Add(constant) => x.add(*constant),
            _ => None,
        };
        let (low, high, zero) = (value(x.low())?, value(x.high())?, value(Fixed::ZERO.max(x.low()).min(x.high()))?);
        let exp = match self {
            Exact::Leaky(slope) | Exact::Scale(slope) => x.exp.checked_add(slope.exponent().min(0))?,
            Exact::Add(constant) if !constant.is_zero() => x.exp.min(constant.exponent()),
            Exact::Clip(a, b) => {
                [a, b].into_iter().flatten().filter(|v| !v.is_zero()).fold(x.exp, |e, v| e.min(v.exponent()))
            }
            _ => x.exp,
        };
        let codes = [low.at(exp)?, high.at(exp)?, zero.at(exp)?];
        let (lo, hi) = codes.iter().fold((codes[0], codes[0]), |(lo, hi), code| (lo.min(*code), hi.max(*code)));
        Some(Range { lo, hi, exp })
    }
}

fn is_shift(value: Fixed) -> bool {
    value.mantissa().abs() <= 1
}

/// A parameter as an exact number.
fn dyadic(value: f32) -> Option<Fixed> {
    Fixed::from_f64(f64::from(value))
}

/// A parameter as an exact number, if it is 0 or plus or minus a power of two: a product with it is exact.
fn shift(value: f32) -> Option<Fixed> {
    dyadic(value).filter(|value| is_shift(*value))
}

/// The float32 number nearest to a function's true value.
fn nearest(function: fn(f64) -> f64, x: f32) -> f32 {
    function(f64::from(x)) as f32
}

/// `trend` of a function that never falls.
fn rising(_: &[f32]) -> Trend {
    Trend::Rising
}

/// `trend` of a function that is not monotone.
fn other(_: &[f32]) -> Trend {
    Trend::Other
}

/// `exact` of a function that float32 rounds.
fn inexact(_: &[f32]) -> Option<Vec<Exact>> {
    None
}

#[cfg(test)]
mod tests;
