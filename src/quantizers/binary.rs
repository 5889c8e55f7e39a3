//! `binary` and, at inference the same, `stochastic_binary`: the sign, times a scale.
//!
//! In training `stochastic_binary` draws 1 with the probability `sigmoid(temperature * x / s)`, else -1, where s is the standard
//! deviation of the channel for automatic scales, else 1; the scale is that of the sign.
//! `k = sign(x)` with `sign(0) = 1`; with `use_01`, `(k+1)/2`. No `alpha`: k. A number: `alpha*k`. `auto`, `auto_po2`: the
//! least-squares scale of each channel. As a kernel, no `alpha` means `auto_po2`. `bernoulli` draws at inference too, so it
//! has no hardware. Source: QKeras 0.9.0, `quantizers.py`.

use super::scale::{deviations, least_squares, probability};
use super::{Activation, Codes, Make, Quantizer, Role, Shape, Steps, activation, finite, follows_data, scaled};
use crate::call::{Alpha, Call};
use crate::error::{Error, Result};
use crate::fixed::Fixed;
use crate::functions::Gradient;
use crate::network::Tensor;
use crate::random::Random;
use crate::registry::Entry;

/// The sign.
pub const QUANTIZER: Entry<Make> = Entry { name: "binary", doc: "binary(use_01,alpha): the sign, or 0 and 1", make };
/// A sign drawn in training.
pub const STOCHASTIC: Entry<Make> = Entry {
    name: "stochastic_binary",
    doc: "stochastic_binary(alpha): at inference the same as binary",
    make: make_stochastic,
};
/// A draw at inference too.
pub const BERNOULLI: Entry<Make> =
    Entry { name: "bernoulli", doc: "refused: it draws random numbers at inference", make: refuse };

struct Binary {
    zero_one: bool,
    /// Of draws: the temperature, and whether the sigmoid is the real one.
    stochastic: Option<(f32, bool)>,
    alpha: Alpha,
}

fn make(call: &Call) -> Result<Box<dyn Quantizer>> {
    let known = &["use_01", "alpha", "use_stochastic_rounding", "scale_axis", "elements_per_scale"];
    let arguments = call.arguments(known)?;
    arguments.only("scale_axis", None, "leave it out: scales are per channel of the last axis")?;
    arguments.only("elements_per_scale", None, "leave it out: scales are per channel of the last axis")?;
    Ok(Box::new(Binary { zero_one: arguments.flag("use_01", false)?, stochastic: None, alpha: arguments.alpha()? }))
}

fn make_stochastic(call: &Call) -> Result<Box<dyn Quantizer>> {
    let arguments = call.arguments(&["alpha", "temperature", "use_real_sigmoid"])?;
    let temperature = arguments.optional("temperature")?.unwrap_or(6.0) as f32;
    let stochastic = Some((temperature, arguments.flag("use_real_sigmoid", true)?));
    Ok(Box::new(Binary { zero_one: false, stochastic, alpha: arguments.alpha()? }))
}

fn refuse(_: &Call) -> Result<Box<dyn Quantizer>> {
    Err(Error::user(
        "it draws random numbers at inference, so it is no function that hardware could compute",
        "use binary(use_01=True) or stochastic_binary",
    ))
}

impl Binary {
    /// Without a scale the slope is that of tanh, and otherwise 1.
    fn like_tanh(&self) -> bool {
        self.alpha == Alpha::None && self.stochastic.is_none()
    }

    /// The scales of all channels.
    fn scale(&self, x: &[f32], signs: &[f32], shape: &[usize], role: Role) -> Vec<f32> {
        match (self.alpha, role) {
            (Alpha::Number(scale), _) => vec![scale],
            (Alpha::None, Role::Other) => vec![1.0],
            (Alpha::None, Role::Kernel) => least_squares(x, signs, shape, Alpha::AutoPo2),
            (alpha, _) => least_squares(x, signs, shape, alpha),
        }
    }

    fn sign(&self, x: f32) -> f32 {
        let low = if self.zero_one { 0.0 } else { -1.0 };
        if x < 0.0 { low } else { 1.0 }
    }
}

impl Quantizer for Binary {
    fn parameter(&self, values: &Tensor, role: Role) -> Result<Codes> {
        let x = finite(values)?;
        let signs: Vec<f32> = x.iter().map(|x| self.sign(*x)).collect();
        let scale = self.scale(&x, &signs, &values.shape, role);
        scaled(signs.iter().map(|sign| Fixed::new(*sign as i128, 0)).collect(), scale)
    }

    fn drawn(&self, values: &Tensor, role: Role, random: &mut Random) -> Result<Option<Codes>> {
        let Some((temperature, real)) = self.stochastic else { return Ok(None) };
        let x = finite(values)?;
        let signs: Vec<f32> = x.iter().map(|x| self.sign(*x)).collect();
        let scale = self.scale(&x, &signs, &values.shape, role);
        let automatic =
            matches!(self.alpha, Alpha::Auto | Alpha::AutoPo2) || self.alpha == Alpha::None && role == Role::Kernel;
        let deviations = if automatic { deviations(&x, &values.shape) } else { vec![1.0] };
        let draw = |(e, x): (usize, &f32)| {
            let one = random.unit() < probability(temperature * x / deviations[e % deviations.len()], real);
            Fixed::new(if one { 1 } else { -1 }, 0)
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
        Ok(activation(Shape::Steps(Steps::of(|x| self.sign(x))), scale, gradient))
    }
}
