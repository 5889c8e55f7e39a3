//! `quantized_ulaw`: a rounded hard sigmoid, stretched by the u-law; its values are not on a uniform grid.
//!
//! With `m = 2^(bits-1)`, `M = 2^integer`, `s(x) = clip(0.5*x + 0.5, 0, 1)`: `r = 2*round(s(x/M)*m)/m - 1`,
//! `q = M * clip(sign(r) * log(1 + u|r|) / log(1 + u), -1 + symmetric/m, 1 - 1/m)`, in float32. Source: QKeras 0.9.0,
//! `quantizers.py`; its logarithm, TensorFlow's, may differ from ours, which is rounded once, in the last bit.

use super::{Activation, Codes, Make, Quantizer, Role, Shape, Steps, activation};
use crate::call::Call;
use crate::error::{Error, Result};
use crate::functions::Gradient;
use crate::network::Tensor;
use crate::registry::Entry;

/// The entry.
pub const QUANTIZER: Entry<Make> = Entry {
    name: "quantized_ulaw",
    doc: "quantized_ulaw(bits,integer,symmetric,u): a logarithmic scale, as of telephones",
    make,
};

#[derive(Clone, Copy)]
struct Ulaw {
    bits: i32,
    integer: i32,
    symmetric: bool,
    u: f32,
}

fn make(call: &Call) -> Result<Box<dyn Quantizer>> {
    let arguments = call.arguments(&["bits", "integer", "symmetric", "u"])?;
    let u = arguments.optional("u")?.unwrap_or(255.0) as f32;
    if !(u > 0.0 && u < 1e9) {
        return Err(Error::user(format!("`u` is {u}"), "give a positive number, such as 255"));
    }
    let symmetric = arguments.flag("symmetric", false)?;
    let (bits, integer) = (arguments.integer("bits", 8, 2, 16)?, arguments.integer("integer", 0, -64, 64)?);
    Ok(Box::new(Ulaw { bits, integer, symmetric, u }))
}

impl Ulaw {
    /// The rounded, hard tanh of `x / 2^integer`, and the law of it.
    fn law(&self, x: f32) -> (f32, f32) {
        let log = |x: f32| libm::log(f64::from(x)) as f32;
        let (m, unit) = (2f32.powi(self.bits - 1), 2f32.powi(self.integer));
        let p = (0.5 * (x / unit) + 0.5).clamp(0.0, 1.0) * m;
        let r = 2.0 * (p.round_ties_even() / m) - 1.0;
        let sign = f32::from(i8::from(r > 0.0) - i8::from(r < 0.0));
        (r, sign * log(1.0 + self.u * r.abs()) / log(1.0 + self.u))
    }

    fn bounds(&self) -> (f32, f32) {
        let m = 2f32.powi(self.bits - 1);
        (-1.0 + f32::from(u8::from(self.symmetric)) / m, 1.0 - 1.0 / m)
    }

    fn formula(&self, x: f32) -> f32 {
        let (low, high) = self.bounds();
        2f32.powi(self.integer) * self.law(x).1.max(low).min(high)
    }

    /// The slope of the law at the rounded value, where neither it nor the hard tanh is clipped.
    fn slope(&self, x: f32) -> f32 {
        let (r, law) = self.law(x);
        let (low, high) = self.bounds();
        // The framework's sign(r) |r| has no slope at 0.
        if x.abs() > 2f32.powi(self.integer) || !(low..=high).contains(&law) || r == 0.0 {
            return 0.0;
        }
        self.u / (1.0 + self.u * r.abs()) / (1.0 + self.u).ln()
    }
}

impl Quantizer for Ulaw {
    fn parameter(&self, _: &Tensor, _: Role) -> Result<Codes> {
        Err(Error::user("it is a quantizer of activations", "quantize weights by quantized_bits"))
    }

    fn activation(&self) -> Result<Activation> {
        let own = *self;
        Ok(activation(Shape::Steps(Steps::of(|x| self.formula(x))), 1.0, Gradient::of(move |x| own.slope(x))))
    }
}
