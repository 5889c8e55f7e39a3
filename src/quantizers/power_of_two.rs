//! `quantized_po2` and `quantized_relu_po2`: the nearest power of two, by logarithm.
//!
//! `q(x) = sign(x) * 2^clip(round(log2 y), low, high)`, `y = min(|x|, max_value)`, `sign(0) = 1`. Zero has no code:
//! `|x| < 1e-7` gives `2^low`. With e exponent bits, `[low, high] = [-2^e, 2^e - 1]`; `e = bits - 1 - g`
//! (`bits - g` for the relu), `g = 1` unless `max_value <= 1`. `quadratic_approximation` rounds `log2 sqrt y` and doubles
//! it, and makes `high` even. The relu gives `2^low` for `x < 0`, or `-2^E(slope*|x|)`.
//! Source: QKeras 0.9.0, `quantizers.py`; the logarithm is `ln(y) / ln(2)` in float32, each correctly rounded, as TensorFlow's
//! kernel for single numbers gives it. Its kernel for eight at once is off by a bit for some: with `quadratic_approximation`
//! 0.5 becomes 1 in the first elements of a tensor, and 0.25, as here, in the last `n mod 8` (measured, TensorFlow 2.21, AVX).

use super::scale::EPSILON;
use super::{Activation, Codes, Make, Quantizer, Role, Shape, Steps, activation, finite, quantized_relu, scaled};
use crate::call::{Arguments, Call};
use crate::error::{Error, Result};
use crate::fixed::Fixed;
use crate::functions::Gradient;
use crate::network::Tensor;
use crate::registry::Entry;

/// The signed quantizer.
pub const QUANTIZER: Entry<Make> =
    Entry { name: "quantized_po2", doc: "quantized_po2(bits,max_value): a sign and a power of two", make };
/// The unsigned quantizer of activations.
pub const RELU: Entry<Make> = Entry {
    name: "quantized_relu_po2",
    doc: "quantized_relu_po2(bits,max_value,negative_slope): a power of two",
    make: make_relu,
};

const COMMON: &[&str] = &[
    "bits",
    "max_value",
    "use_stochastic_rounding",
    "quadratic_approximation",
    "log2_rounding",
    "qnoise_factor",
    "var_name",
    "use_ste",
    "use_variables",
];
const WITH_SLOPE: &[&str] = &[
    "bits",
    "max_value",
    "negative_slope",
    "use_stochastic_rounding",
    "quadratic_approximation",
    "log2_rounding",
    "qnoise_factor",
    "var_name",
    "use_ste",
    "use_variables",
];

struct PowerOfTwo {
    low: f32,
    high: f32,
    max: Option<f32>,
    quadratic: bool,
    floor: bool,
    relu: bool,
    slope: Option<i32>,
}

fn make(call: &Call) -> Result<Box<dyn Quantizer>> {
    Ok(Box::new(PowerOfTwo::new(&call.arguments(COMMON)?, false)?))
}

fn make_relu(call: &Call) -> Result<Box<dyn Quantizer>> {
    Ok(Box::new(PowerOfTwo::new(&call.arguments(WITH_SLOPE)?, true)?))
}

impl PowerOfTwo {
    fn new(arguments: &Arguments, relu: bool) -> Result<PowerOfTwo> {
        arguments.only("qnoise_factor", Some(1.0), "a partly quantized network has no hardware; set it to 1")?;
        let max = arguments.optional("max_value")?;
        let exponent_sign = i32::from(max.is_none_or(|max| max > 1.0));
        let bits = arguments.integer("bits", 8, 1, 8)? - i32::from(!relu) - exponent_sign;
        if bits < 0 || max.is_some_and(|max| max < 0.0) {
            let help = "give a bit for the sign, one for the exponent's sign, and a max_value of at least 0";
            return Err(Error::user("it has no bits for an exponent, or a negative max_value", help));
        }
        let (quadratic, floor) = (
            arguments.flag("quadratic_approximation", false)?,
            arguments.choice("log2_rounding", &["rnd", "floor"])? == "floor",
        );
        let (low, high) = (-(1 << bits), (1 << bits) - 1);
        let high = if quadratic { high / 2 * 2 } else { high };
        let slope = if relu { quantized_relu::slope(arguments)? } else { None };
        Ok(PowerOfTwo {
            low: low as f32,
            high: high as f32,
            max: max.map(|max| max as f32),
            quadratic,
            floor,
            relu,
            slope,
        })
    }

    /// The exponent for `|x|`.
    fn exponent(&self, magnitude: f32) -> i32 {
        if magnitude < EPSILON {
            return self.low as i32;
        }
        let y = self.max.map_or(magnitude, |max| if magnitude >= max { max } else { magnitude });
        let log2 = (if self.quadratic { y.sqrt() } else { y }).ln() / std::f32::consts::LN_2;
        let rounded = if self.floor { log2.floor() } else { log2.round_ties_even() };
        // max_value = 0 has the logarithm -inf, which the clip makes the lowest exponent.
        rounded.clamp(self.low, self.high) as i32 * if self.quadratic { 2 } else { 1 }
    }

    fn formula(&self, x: f32) -> Fixed {
        let power = |magnitude: f32| Fixed::power_of_two(self.exponent(magnitude));
        match self.slope {
            _ if x >= 0.0 => power(x),
            None if self.relu => power(0.0),
            None => power(-x).negate(),
            Some(slope) => power(-x * 2f32.powi(slope)).negate(),
        }
    }
}

impl Quantizer for PowerOfTwo {
    fn parameter(&self, values: &Tensor, _: Role) -> Result<Codes> {
        scaled(finite(values)?.iter().map(|x| self.formula(*x)).collect(), vec![1.0])
    }

    fn limit(&self) -> Option<f32> {
        Some(self.max.unwrap_or(2f32.powf(self.high)).max(1.0))
    }

    fn activation(&self) -> Result<Activation> {
        // Exponents beyond float32's own range cannot be reached by a float32 input.
        let float = |x: f32| self.formula(x).to_f64().unwrap_or(0.0) as f32;
        let slope = self.slope.map_or(0.0, |slope| 2f32.powi(slope));
        let gradient = match self.relu {
            true => Gradient::Relu { slope, high: self.max.unwrap_or(f32::INFINITY) },
            false => Gradient::Straight,
        };
        Ok(activation(Shape::Steps(Steps::of(float)), 1.0, gradient))
    }
}
