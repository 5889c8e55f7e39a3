//! `quantized_bits`: signed (or unsigned) fixed point, rounded half to even, clipped after rounding.
//!
//! With `b = bits - keep_negative`, `m = 2^b`, `M = 2^integer`:
//! `q(x) = alpha * M/m * clip(round(x * m/M), keep_negative * (-m + symmetric), m - 1)`; one signed bit is a sign.
//! With `alpha='auto'` or `'auto_po2'`, `x / M` is `s * z` with integers `|z| <= L = 2^(bits-1) - 1`:
//! `z = sign(x) * min(floor(|x|/s + 1/2), L)`, `s = max|x| / L` per channel; for `auto_po2` snapped to a power of two and
//! improved by five rounds of least squares, each of which also decides the next `z`.
//! As a kernel, no `alpha` means `auto_po2` and symmetric. Source: QKeras 0.9.0, `quantizers.py`.

use super::scale::{greatest, least_squares, sign, snap};
use super::{Activation, Codes, Make, Quantizer, Role, Shape, Steps, activation, finite, follows_data, scaled};
use crate::call::{Alpha, Arguments, Call};
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Format, Overflow, Quantization, Rounding};
use crate::functions::Gradient;
use crate::network::Tensor;
use crate::registry::Entry;

/// The entry.
pub const QUANTIZER: Entry<Make> = Entry {
    name: "quantized_bits",
    doc: "quantized_bits(bits,integer,symmetric,keep_negative,alpha): fixed point",
    make,
};

const ARGUMENTS: &[&str] = &[
    "bits",
    "integer",
    "symmetric",
    "keep_negative",
    "alpha",
    "use_stochastic_rounding",
    "scale_axis",
    "qnoise_factor",
    "var_name",
    "use_ste",
    "use_variables",
    "elements_per_scale",
    "min_po2_exponent",
    "max_po2_exponent",
    "post_training_scale",
];

struct QuantizedBits {
    bits: i32,
    integer: i32,
    symmetric: bool,
    keep_negative: bool,
    alpha: Alpha,
}

fn make(call: &Call) -> Result<Box<dyn Quantizer>> {
    let arguments = call.arguments(ARGUMENTS)?;
    for name in ["elements_per_scale", "min_po2_exponent", "max_po2_exponent", "post_training_scale"] {
        arguments.only(name, None, "leave it out: scales are per channel of the last axis, and without limits")?;
    }
    let keep_negative = arguments.flag("keep_negative", true)?;
    quantized_bits(&arguments, keep_negative)
}

/// The quantizer from the arguments that it shares with others.
pub(super) fn quantized_bits(arguments: &Arguments, keep_negative: bool) -> Result<Box<dyn Quantizer>> {
    arguments.only("qnoise_factor", Some(1.0), "a partly quantized network has no hardware; set it to 1")?;
    arguments.only("scale_axis", None, "leave it out: scales are per channel of the last axis, and without limits")?;
    Ok(Box::new(QuantizedBits {
        bits: arguments.integer("bits", 8, 1, 32)?,
        integer: arguments.integer("integer", 0, -64, 64)?,
        symmetric: arguments.flag("symmetric", false)?,
        keep_negative,
        alpha: arguments.alpha()?,
    }))
}

impl QuantizedBits {
    /// The format without a scale; `None` if it is one signed bit, which is a sign.
    fn quantization(&self) -> Option<Quantization> {
        let integer = self.integer + i32::from(self.keep_negative);
        let format = Format::new(self.keep_negative, self.bits as u32, integer);
        let overflow = if self.symmetric && self.keep_negative { Overflow::SatSym } else { Overflow::Sat };
        (self.bits > 1 || !self.keep_negative).then_some(Quantization { format, rounding: Rounding::RndConv, overflow })
    }

    /// Codes and scales for `auto` and `auto_po2`.
    fn automatic(&self, x: &[f32], shape: &[usize], alpha: Alpha) -> Result<Codes> {
        if self.bits < 2 {
            return Err(Error::user("one bit has no levels to scale", "use binary(alpha='auto') instead"));
        }
        let unit = 2f32.powi(self.integer);
        let x: Vec<f32> = x.iter().map(|x| x / unit).collect();
        let levels = ((1i64 << (self.bits - 1)) - 1) as f32 * 2.0;
        let mut scale: Vec<f32> = greatest(&x, shape).iter().map(|max| (max * 2.0) / levels).collect();
        let integers = |scale: &[f32]| -> Vec<f32> {
            let one = |(e, x): (usize, &f32)| {
                let v = (x.abs() / scale[e % scale.len()] + 0.5).floor();
                // Not `min`: where the scale is 0, v is NaN, and the comparison decides as in the framework.
                sign(*x) * if v < levels / 2.0 { v } else { levels / 2.0 }
            };
            x.iter().enumerate().map(one).collect()
        };
        let mut codes = integers(&scale);
        if alpha == Alpha::AutoPo2 {
            scale.iter_mut().for_each(|s| *s = snap(*s));
            for _ in 0..5 {
                // The framework's last scale comes after its last codes, and the codes are not rounded again.
                codes = integers(&scale);
                scale = least_squares(&x, &codes, shape, alpha);
            }
        }
        let exact = codes.iter().map(|z| Fixed::new(*z as i128, self.integer)).collect();
        scaled(exact, scale)
    }
}

impl Quantizer for QuantizedBits {
    fn parameter(&self, values: &Tensor, role: Role) -> Result<Codes> {
        let x = finite(values)?;
        let alpha = match (self.alpha, role) {
            (Alpha::None, Role::Kernel) => Alpha::AutoPo2,
            (alpha, _) => alpha,
        };
        let scale = match alpha {
            Alpha::Auto | Alpha::AutoPo2 => return self.automatic(&x, &values.shape, alpha),
            Alpha::None => 1.0,
            Alpha::Number(scale) => scale,
        };
        let exact = |x: &f32| Fixed::from_f64(f64::from(*x)).unwrap_or(Fixed::ZERO);
        let code = |x: &f32| match self.quantization() {
            Some(q) => q.apply(exact(x)).unwrap_or(Fixed::ZERO),
            None => Fixed::new(if *x < 0.0 { -1 } else { 1 }, 0),
        };
        scaled(x.iter().map(code).collect(), vec![scale])
    }

    fn format(&self, role: Role) -> Option<(Quantization, Gradient)> {
        let plain = self.alpha == Alpha::Number(1.0) || (self.alpha == Alpha::None && role == Role::Other);
        self.quantization().filter(|_| plain).map(|quantization| (quantization, Gradient::Straight))
    }

    fn limit(&self) -> Option<f32> {
        Some(2f32.powi(self.integer).max(1.0))
    }

    fn activation(&self) -> Result<Activation> {
        let scale = match self.alpha {
            Alpha::Auto => return Err(follows_data("auto")),
            Alpha::AutoPo2 => return Err(follows_data("auto_po2")),
            Alpha::None => 1.0,
            Alpha::Number(scale) => scale,
        };
        let shape = match self.quantization() {
            Some(q) => Shape::Quantize(q),
            None => Shape::Steps(Steps::of(|x| if x < 0.0 { -1.0 } else { 1.0 })),
        };
        // Also outside the format: the framework clips behind the straight-through sum.
        Ok(activation(shape, scale, Gradient::Straight))
    }
}
