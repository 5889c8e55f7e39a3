//! `quantized_linear`: fixed point by division, clipped before it is rounded half to even.
//!
//! With `t = 2^(integer - bits + keep_negative)` and a scale `Q`, which is `t` without `alpha` and `alpha * t` with a number:
//! `q(x) = Q * round(clip(x / Q, keep_negative * (symmetric - 2^b), 2^b - 1))`, `b = bits - keep_negative`; one signed bit is a
//! sign, `Q/2` or `-Q/2`. With `alpha='auto'`, `Q` is the least that clips nothing of a channel, and with `'auto_po2'` that
//! snapped to a power of two and improved by least squares, up to five times or until no channel changes. As a kernel, no
//! `alpha` means `auto_po2` and symmetric. Source: QKeras after 0.9.0 and qkeras-v3 1.2.1, `quantizers.py`.

use super::scale::{EPSILON, channels, least_squares, snap};
use super::{Activation, Codes, Make, Quantizer, Role, Shape, Steps, activation, finite, follows_data, scaled};
use crate::call::{Alpha, Call};
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Format, Overflow, Quantization, Rounding};
use crate::functions::Gradient;
use crate::network::Tensor;
use crate::registry::Entry;

/// The entry.
pub const QUANTIZER: Entry<Make> = Entry {
    name: "quantized_linear",
    doc: "quantized_linear(bits,integer,symmetric,keep_negative,alpha): fixed point, clipped first",
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
    "use_variables",
];

#[derive(Clone, Copy)]
struct Linear {
    bits: i32,
    integer: i32,
    symmetric: bool,
    keep_negative: bool,
    alpha: Alpha,
}

fn make(call: &Call) -> Result<Box<dyn Quantizer>> {
    let arguments = call.arguments(ARGUMENTS)?;
    arguments.only("qnoise_factor", Some(1.0), "a partly quantized network has no hardware; set it to 1")?;
    arguments.only("scale_axis", None, "leave it out: scales are per channel of the last axis")?;
    let linear = Linear {
        bits: arguments.integer("bits", 8, 1, 24)?,
        integer: arguments.integer("integer", 0, -64, 64)?,
        symmetric: arguments.flag("symmetric", true)?,
        keep_negative: arguments.flag("keep_negative", true)?,
        alpha: arguments.alpha()?,
    };
    if matches!(linear.alpha, Alpha::Number(alpha) if alpha <= 0.0) {
        return Err(Error::user("`alpha` is not positive", "give a positive number"));
    }
    Ok(Box::new(linear))
}

impl Linear {
    fn sign(&self) -> bool {
        self.bits == 1 && self.keep_negative
    }

    /// The scale of the data type.
    fn step(&self) -> f32 {
        2f32.powi(self.integer - self.bits + i32::from(self.keep_negative))
    }

    fn bounds(&self) -> (f32, f32) {
        let levels = 2f32.powi(self.bits - i32::from(self.keep_negative));
        match (self.sign(), self.keep_negative) {
            (true, _) => (-0.5, 0.5),
            (_, true) => (-levels + f32::from(u8::from(self.symmetric)), levels - 1.0),
            (_, false) => (0.0, levels - 1.0),
        }
    }

    /// The integer (or half, for a sign) that a number becomes.
    fn level(&self, x: f32, scale: f32) -> f32 {
        let (low, high) = self.bounds();
        let shift = if self.sign() { 0.5 } else { 0.0 };
        // NaN, where x and the scale are 0, cannot be: automatic scales are at least epsilon.
        ((x / scale).max(low).min(high) - shift).round_ties_even() + shift
    }

    fn levels(&self, x: &[f32], scale: &[f32]) -> Vec<f32> {
        x.iter().enumerate().map(|(e, x)| self.level(*x, scale[e % scale.len()])).collect()
    }

    /// The scales of `auto` and `auto_po2`.
    fn automatic(&self, x: &[f32], shape: &[usize], alpha: Alpha) -> Vec<f32> {
        let count = channels(shape);
        let (low, high) = self.bounds();
        let greatest = |channel: usize| {
            let own = x.iter().skip(channel).step_by(count);
            own.fold(f32::NEG_INFINITY, |most, x| most.max(if self.keep_negative { x.abs() } else { *x }))
        };
        let factor = if self.keep_negative { 2.0 } else { 1.0 };
        let first = (0..count).map(|channel| (greatest(channel) * factor / (high - low)).max(EPSILON));
        let mut scale: Vec<f32> = first.map(|s| if alpha == Alpha::AutoPo2 { snap(s) } else { s }).collect();
        for _ in 0..if alpha == Alpha::Auto { 0 } else { 5 } {
            let next = least_squares(x, &self.levels(x, &scale), shape, alpha);
            let same = next == scale;
            scale = next;
            // One signed bit has its final scale after one round.
            if same || self.sign() {
                break;
            }
        }
        scale
    }

    /// As a kernel, no `alpha` means `auto_po2` and symmetric.
    fn of_role(&self, role: Role) -> Linear {
        match (self.alpha, role) {
            (Alpha::None, Role::Kernel) => Linear { symmetric: true, alpha: Alpha::AutoPo2, ..*self },
            _ => *self,
        }
    }

    fn scale(&self, x: &[f32], shape: &[usize]) -> Vec<f32> {
        self.fixed_scale().map_or_else(|| self.automatic(x, shape, self.alpha), |scale| vec![scale])
    }

    fn fixed_scale(&self) -> Option<f32> {
        match self.alpha {
            Alpha::None => Some(self.step()),
            Alpha::Number(alpha) => Some(alpha * self.step()),
            Alpha::Auto | Alpha::AutoPo2 => None,
        }
    }
}

impl Quantizer for Linear {
    fn parameter(&self, values: &Tensor, role: Role) -> Result<Codes> {
        let x = finite(values)?;
        let linear = self.of_role(role);
        let scale = linear.scale(&x, &values.shape);
        let levels = linear.levels(&x, &scale);
        // Twice the level is an integer, for a sign too.
        scaled(levels.iter().map(|level| Fixed::new((level * 2.0) as i128, -1)).collect(), scale)
    }

    fn slopes(&self, values: &Tensor, role: Role) -> Result<Option<Vec<f32>>> {
        let x = finite(values)?;
        let linear = self.of_role(role);
        let (scale, (low, high)) = (linear.scale(&x, &values.shape), linear.bounds());
        let inside = |(e, x): (usize, &f32)| (low..=high).contains(&(x / scale[e % scale.len()]));
        Ok(Some(x.iter().enumerate().map(|pair| f32::from(u8::from(inside(pair)))).collect()))
    }

    fn limit(&self) -> Option<f32> {
        Some(2f32.powi(self.integer).max(1.0))
    }

    fn activation(&self) -> Result<Activation> {
        let Some(scale) = self.fixed_scale() else {
            return Err(follows_data(if self.alpha == Alpha::Auto { "auto" } else { "auto_po2" }));
        };
        let (low, high) = self.bounds();
        let gradient = Gradient::Inside { low: low * scale, high: high * scale };
        let exact = Fixed::from_f64(f64::from(scale)).filter(|scale| scale.mantissa() == 1);
        match exact {
            Some(scale) if !self.sign() => {
                let format = Format { signed: self.keep_negative, width: self.bits as u32, lsb: scale.exponent() };
                let overflow = if self.symmetric && self.keep_negative { Overflow::SatSym } else { Overflow::Sat };
                let shape = Shape::Quantize(Quantization { format, rounding: Rounding::RndConv, overflow });
                Ok(activation(shape, 1.0, gradient))
            }
            _ if self.bits > 16 => {
                let help = "use at most 16 bits, or an alpha that is a power of two";
                Err(Error::user(format!("{} bits with a scale of {scale}", self.bits), help))
            }
            _ => Ok(activation(Shape::Steps(Steps::of(|x| self.level(x, scale))), scale, gradient)),
        }
    }
}
