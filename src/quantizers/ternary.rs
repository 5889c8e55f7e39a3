//! `ternary` and, at inference the same, `stochastic_ternary`: -1, 0 or 1, times a scale.
//!
//! No `alpha` or a number (activations): `alpha * sign(x)` where `|x| >= threshold` (0.33 if not given), else 0.
//! `auto`, `auto_po2` (weights): `s = 2*max|x|/3` per channel (snapped for `auto_po2`), then `number_of_unrolls` times
//! `q = sign(x)` where `|s*round(x/s)| >= s/2`, else 0, and `s` by least squares; the result is `s*q` with the last of each.
//! As a kernel, no `alpha` means `auto_po2`. In training `stochastic_ternary` with an automatic scale is the mean of two draws of 1 or -1,
//! with the probabilities `sigmoid(temperature * (x +- s/2) / d)` of 1, where d is the channel's standard deviation. Source: QKeras 0.9.0, `quantizers.py`.

use super::scale::{deviations, greatest, least_squares, probability, sign, snap};
use super::{Activation, Codes, Make, Quantizer, Role, Shape, Steps, activation, finite, follows_data, scaled};
use crate::call::{Alpha, Arguments, Call};
use crate::error::{Error, Result};
use crate::fixed::Fixed;
use crate::functions::Gradient;
use crate::network::Tensor;
use crate::random::Random;
use crate::registry::Entry;

/// The threshold.
pub const QUANTIZER: Entry<Make> =
    Entry { name: "ternary", doc: "ternary(alpha,threshold): -1, 0 or 1, times a scale", make };
/// Drawn in training.
pub const STOCHASTIC: Entry<Make> = Entry {
    name: "stochastic_ternary",
    doc: "stochastic_ternary(alpha): at inference the same as ternary",
    make: make_stochastic,
};

struct Ternary {
    alpha: Alpha,
    threshold: Option<f32>,
    unrolls: i32,
    /// Of draws: the temperature, and whether the sigmoid is the real one.
    stochastic: Option<(f32, bool)>,
}

fn make(call: &Call) -> Result<Box<dyn Quantizer>> {
    Ternary::new(&call.arguments(&["alpha", "threshold", "use_stochastic_rounding", "number_of_unrolls"])?, None)
}

fn make_stochastic(call: &Call) -> Result<Box<dyn Quantizer>> {
    let known = &["alpha", "threshold", "temperature", "use_real_sigmoid", "number_of_unrolls"];
    let arguments = call.arguments(known)?;
    let temperature = arguments.optional("temperature")?.unwrap_or(8.0) as f32;
    Ternary::new(&arguments, Some((temperature, arguments.flag("use_real_sigmoid", true)?)))
}

impl Ternary {
    /// Without a scale the slope is that of tanh, and otherwise 1.
    fn like_tanh(&self) -> bool {
        self.alpha == Alpha::None
    }

    #[expect(clippy::new_ret_no_self, reason = "a quantizer is used through its trait")]
    fn new(arguments: &Arguments, stochastic: Option<(f32, bool)>) -> Result<Box<dyn Quantizer>> {
        let threshold = arguments.optional("threshold")?.map(|threshold| threshold as f32);
        let (alpha, unrolls) = (arguments.alpha()?, arguments.integer("number_of_unrolls", 5, 1, 1000)?);
        if threshold.is_some() && matches!(alpha, Alpha::Auto | Alpha::AutoPo2) {
            let help = "leave the threshold out, or give `alpha` a number";
            return Err(Error::user("`alpha='auto'` finds the threshold itself", help));
        }
        Ok(Box::new(Ternary { alpha, threshold, unrolls, stochastic }))
    }

    /// Beyond the fixed threshold?
    fn step(&self, x: f32) -> f32 {
        // The framework's 0.33 is a Python float that becomes float32 in the comparison.
        if x.abs() >= self.threshold.unwrap_or(0.33) { sign(x) } else { 0.0 }
    }

    fn automatic(&self, x: &[f32], shape: &[usize], alpha: Alpha) -> (Vec<f32>, Vec<f32>) {
        let mut scale: Vec<f32> = greatest(x, shape).iter().map(|max| 2.0 * max / 3.0).collect();
        if alpha == Alpha::AutoPo2 {
            scale.iter_mut().for_each(|s| *s = snap(*s));
        }
        let mut q = Vec::new();
        for _ in 0..self.unrolls {
            let one = |(e, x): (usize, &f32)| {
                let s = scale[e % scale.len()];
                // Where the scale is 0 this is NaN, the comparison false and the result 0, as in the framework.
                if (s * (x / s).round_ties_even()).abs() >= s / 2.0 { sign(*x) } else { 0.0 }
            };
            q = x.iter().enumerate().map(one).collect();
            scale = least_squares(x, &q, shape, alpha);
        }
        (q, scale)
    }
}

impl Quantizer for Ternary {
    fn parameter(&self, values: &Tensor, role: Role) -> Result<Codes> {
        let x = finite(values)?;
        let fixed = |scale: f32| (x.iter().map(|x| self.step(*x)).collect(), vec![scale]);
        let (q, scale): (Vec<f32>, Vec<f32>) = match (self.alpha, role) {
            (Alpha::Number(scale), _) => fixed(scale),
            (Alpha::None, Role::Other) => fixed(1.0),
            (Alpha::None, Role::Kernel) if self.threshold.is_some() => {
                let help = "leave the threshold out, or give `alpha` a number";
                return Err(Error::user("a kernel's quantizer without `alpha` finds the threshold itself", help));
            }
            (Alpha::None, Role::Kernel) => self.automatic(&x, &values.shape, Alpha::AutoPo2),
            (alpha, _) => self.automatic(&x, &values.shape, alpha),
        };
        scaled(q.iter().map(|q| Fixed::new(*q as i128, 0)).collect(), scale)
    }

    fn drawn(&self, values: &Tensor, role: Role, random: &mut Random) -> Result<Option<Codes>> {
        let alpha = match (self.alpha, role) {
            (Alpha::None, Role::Kernel) => Alpha::AutoPo2,
            (alpha, _) => alpha,
        };
        let (Some((temperature, real)), Alpha::Auto | Alpha::AutoPo2) = (self.stochastic, alpha) else {
            return Ok(None);
        };
        let x = finite(values)?;
        let (_, scale) = self.automatic(&x, &values.shape, alpha);
        let deviations = deviations(&x, &values.shape);
        let draw = |(e, x): (usize, &f32)| {
            let (s, d) = (scale[e % scale.len()], deviations[e % deviations.len()]);
            let mut one = |at: f32| i128::from(random.unit() < probability(temperature * at / d, real));
            // The mean of two numbers that are 1 or -1.
            Fixed::new(one(x - s / 2.0) + one(x + s / 2.0) - 1, 0)
        };
        scaled(x.iter().enumerate().map(draw).collect(), scale).map(Some)
    }

    fn slopes(&self, values: &Tensor, role: Role) -> Result<Option<Vec<f32>>> {
        let tanh = self.like_tanh() && role == Role::Other;
        Ok(if tanh { Some(finite(values)?.iter().map(|x| Gradient::tanh().at(*x)).collect()) } else { None })
    }

    fn activation(&self) -> Result<Activation> {
        let scale = match self.alpha {
            Alpha::None => 1.0,
            Alpha::Number(scale) => scale,
            Alpha::Auto => return Err(follows_data("auto")),
            Alpha::AutoPo2 => return Err(follows_data("auto_po2")),
        };
        let gradient = if self.like_tanh() { Gradient::tanh() } else { Gradient::Straight };
        Ok(activation(Shape::Steps(Steps::of(|x| self.step(x))), scale, gradient))
    }
}
