//! `quantized_tanh` and `quantized_sigmoid`: squashing, then fixed point rounded half to even and clipped.
//!
//! tanh: `m = 2^(bits-1)`, `p = 2*s(x) - 1`, `q = clip(round(p*m)/m, -1 + symmetric/m, 1 - 1/m)`;
//! sigmoid: `m = 2^bits`, `p = s(x)`, `q = clip(round(p*m)/m, symmetric/m, 1 - 1/m)`; `s(x)` is the hard sigmoid
//! `clip(0.5*x + 0.5, 0, 1)`, in float32. The real functions (`use_real_tanh`, `use_real_sigmoid`) are rounded once to
//! float32; TensorFlow's differ from that in the last bit of some results. Source: QKeras 0.9.0, `quantizers.py`.

use super::{Activation, Codes, Make, Quantizer, Role, Shape, Steps, activation};
use crate::call::Call;
use crate::error::{Error, Result};
use crate::functions::Gradient;
use crate::network::Tensor;
use crate::registry::Entry;

/// The tanh.
pub const TANH: Entry<Make> = Entry {
    name: "quantized_tanh",
    doc: "quantized_tanh(bits,use_stochastic_rounding,symmetric,use_real_tanh)",
    make: make_tanh,
};
/// The sigmoid.
pub const SIGMOID: Entry<Make> =
    Entry { name: "quantized_sigmoid", doc: "quantized_sigmoid(bits,symmetric,use_real_sigmoid)", make: make_sigmoid };

#[derive(Clone, Copy)]
struct Squash {
    tanh: bool,
    bits: i32,
    symmetric: bool,
    real: bool,
}

fn make_tanh(call: &Call) -> Result<Box<dyn Quantizer>> {
    let arguments = call.arguments(&["bits", "use_stochastic_rounding", "symmetric", "use_real_tanh"])?;
    let (symmetric, real) = (arguments.flag("symmetric", false)?, arguments.flag("use_real_tanh", false)?);
    Ok(Box::new(Squash { tanh: true, bits: arguments.integer("bits", 8, 1, 16)?, symmetric, real }))
}

fn make_sigmoid(call: &Call) -> Result<Box<dyn Quantizer>> {
    let arguments = call.arguments(&["bits", "symmetric", "use_real_sigmoid", "use_stochastic_rounding"])?;
    let (symmetric, real) = (arguments.flag("symmetric", false)?, arguments.flag("use_real_sigmoid", false)?);
    Ok(Box::new(Squash { tanh: false, bits: arguments.integer("bits", 8, 1, 16)?, symmetric, real }))
}

impl Squash {
    /// The function itself.
    fn squashed(&self, x: f32) -> f32 {
        let hard = (0.5 * x + 0.5).clamp(0.0, 1.0);
        match (self.tanh, self.real) {
            (true, true) => libm::tanh(f64::from(x)) as f32,
            (true, false) => 2.0 * hard - 1.0,
            (false, true) => (1.0 / (1.0 + libm::exp(-f64::from(x)))) as f32,
            (false, false) => hard,
        }
    }

    /// The rounded function, and the bounds that it is clipped to.
    fn rounded(&self, x: f32) -> (f32, f32, f32) {
        let m = 2f32.powi(self.bits - i32::from(self.tanh));
        let symmetric = f32::from(u8::from(self.symmetric)) / m;
        let low = if self.tanh { -1.0 + symmetric } else { symmetric };
        ((self.squashed(x) * m).round_ties_even() / m, low, 1.0 - 1.0 / m)
    }

    fn formula(&self, x: f32) -> f32 {
        let (p, low, high) = self.rounded(x);
        // As TensorFlow's clip: the lower bound first, so that the upper one wins where they cross.
        p.max(low).min(high)
    }

    /// The function's slope, where its rounded value is not clipped.
    fn slope(&self, x: f32) -> f32 {
        let (p, low, high) = self.rounded(x);
        let y = self.squashed(x);
        match (self.tanh, self.real) {
            _ if !(low..=high).contains(&p) => 0.0,
            (true, true) => 1.0 - y * y,
            (false, true) => y * (1.0 - y),
            (tanh, false) => f32::from(u8::from(x.abs() <= 1.0)) * if tanh { 1.0 } else { 0.5 },
        }
    }
}

impl Quantizer for Squash {
    fn parameter(&self, _: &Tensor, _: Role) -> Result<Codes> {
        Err(Error::user("it is a quantizer of activations", "quantize weights by quantized_bits"))
    }

    fn activation(&self) -> Result<Activation> {
        let own = *self;
        Ok(activation(Shape::Steps(Steps::of(|x| self.formula(x))), 1.0, Gradient::of(move |x| own.slope(x))))
    }
}
