//! `quantized_relu`: unsigned fixed point, rounded half to even and clipped; optionally leaky.
//!
//! With `n = bits - (slope != 0)`, `m = 2^n`, `M = 2^integer`:
//! `q(x) = M * clip(round(x*m/M) / m, 0, 1 - 1/m)`, and with a slope (a power of two)
//! `+ M*slope * clip(round(slope*x*m/M) / (slope*m), -1, 0)`. With `use_sigmoid`, `round(x*m/M)/m` becomes
//! `2*round(m*hard_sigmoid(x/M))/m - 1`. `relu_upper_bound` clips the result if `is_quantized_clip` is false.
//! Source: QKeras 0.9.0, `quantizers.py`.

use super::{Activation, Codes, Make, Quantizer, Role, Shape, Steps, activation};
use crate::call::{Arguments, Call};
use crate::error::{Error, Result};
use crate::fixed::{Format, Overflow, Quantization, Rounding};
use crate::functions::Gradient;
use crate::network::Tensor;
use crate::registry::Entry;

/// The entry.
pub const QUANTIZER: Entry<Make> = Entry {
    name: "quantized_relu",
    doc: "quantized_relu(bits,integer,use_sigmoid,negative_slope): relu, then fixed point",
    make,
};

const ARGUMENTS: &[&str] = &[
    "bits",
    "integer",
    "use_sigmoid",
    "negative_slope",
    "use_stochastic_rounding",
    "relu_upper_bound",
    "is_quantized_clip",
    "qnoise_factor",
    "var_name",
    "use_ste",
    "use_variables",
    "enable_fast_inference",
];

struct QuantizedRelu {
    /// Bits without the sign.
    bits: i32,
    integer: i32,
    sigmoid: bool,
    /// The base-2 logarithm of the negative slope.
    slope: Option<i32>,
    bound: Option<f32>,
}

fn make(call: &Call) -> Result<Box<dyn Quantizer>> {
    let arguments = call.arguments(ARGUMENTS)?;
    arguments.only("qnoise_factor", Some(1.0), "a partly quantized network has no hardware; set it to 1")?;
    let slope = slope(&arguments)?;
    let bound = arguments.optional("relu_upper_bound")?.filter(|bound| *bound != 0.0);
    let quantizer = QuantizedRelu {
        bits: arguments.integer("bits", 8, 1, 32)? - i32::from(slope.is_some()),
        integer: arguments.integer("integer", 0, -64, 64)?,
        sigmoid: arguments.flag("use_sigmoid", false)?,
        slope,
        bound: if arguments.flag("is_quantized_clip", true)? { None } else { bound.map(|bound| bound as f32) },
    };
    let stepwise = quantizer.sigmoid || quantizer.slope.is_some() || quantizer.bound.is_some();
    if quantizer.bits < 1 || (stepwise && quantizer.bits > 16) {
        let help = "use 1 to 16 bits besides the sign; up to 32 for a plain quantized_relu";
        return Err(Error::user(format!("{} bits besides the sign are not supported here", quantizer.bits), help));
    }
    Ok(Box::new(quantizer))
}

/// The logarithm of `negative_slope`.
pub(super) fn slope(arguments: &Arguments) -> Result<Option<i32>> {
    let slope = arguments.optional("negative_slope")?.unwrap_or(0.0);
    let power = slope.log2();
    match slope {
        0.0 => Ok(None),
        _ if slope > 0.0 && power.fract() == 0.0 && (-24.0..=0.0).contains(&power) => Ok(Some(power as i32)),
        _ => Err(Error::user(format!("`negative_slope` is {slope}"), "give 0 or a power of two up to 1, such as 0.25")),
    }
}

impl QuantizedRelu {
    /// The formula, in the framework's float32 arithmetic (all of it exact: factors are powers of two).
    fn formula(&self, x: f32) -> f32 {
        let (m, unit) = (2f32.powi(self.bits), 2f32.powi(self.integer));
        let p = if self.sigmoid { (0.5 * (x / unit) + 0.5).clamp(0.0, 1.0) * m } else { x * m / unit };
        let shift = |y: f32| if self.sigmoid { 2.0 * y - 1.0 } else { y };
        let mut q = unit * shift(p.round_ties_even() / m).clamp(0.0, 1.0 - 1.0 / m);
        if let Some(slope) = self.slope.map(|slope| 2f32.powi(slope)) {
            let factor = 1.0 / (slope * m);
            q += unit * slope * shift((p * slope).round_ties_even() * factor).clamp(-1.0, 0.0);
        }
        self.bound.map_or(q, |bound| q.min(bound))
    }
}

impl Quantizer for QuantizedRelu {
    fn parameter(&self, _: &Tensor, _: Role) -> Result<Codes> {
        Err(Error::user("it is a quantizer of activations", "quantize weights by quantized_bits"))
    }

    fn activation(&self) -> Result<Activation> {
        let (rounding, overflow) = (Rounding::RndConv, Overflow::Sat);
        let positive = Quantization { format: Format::new(false, self.bits as u32, self.integer), rounding, overflow };
        let (m, unit) = (2f32.powi(self.bits), 2f32.powi(self.integer));
        let gradient = Gradient::Relu {
            slope: self.slope.map_or(0.0, |slope| 2f32.powi(slope)),
            high: self.bound.unwrap_or(unit - unit / m),
        };
        let shape = match self.slope {
            _ if self.sigmoid || self.bound.is_some() => Shape::Steps(Steps::of(|x| self.formula(x))),
            None => Shape::Quantize(positive),
            Some(slope) => {
                let steps = Steps::of(|x| self.formula(x));
                // Codes from -slope*m to -1 on the same grid; none if slope*m is below 1.
                let width = self.bits + slope + 1;
                if width < 1 {
                    return Ok(activation(Shape::Steps(steps), 1.0, gradient));
                }
                let format = Format { signed: true, width: width as u32, lsb: positive.format.lsb };
                Shape::Leaky { positive, negative: Quantization { format, rounding, overflow }, slope, steps }
            }
        };
        Ok(activation(shape, 1.0, gradient))
    }
}
