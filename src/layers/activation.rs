//! `activation`: a function by name, or a quantizer's call; `relu` and `softmax` are also layers of their own.
//!
//! Functions: `linear`, `relu` (`max(x, 0)`), `softmax`, `sigmoid`, `tanh`. The last three are float32: they end a network, or
//! a quantizer follows.

use super::attributes::{attributes, axis, one, tensors};
use super::{Layer, Make};
use crate::error::{At, Error, Result};
use crate::fixed::{Fixed, Quantization};
use crate::network;
use crate::quantizers::{self, Activation, Shape, Steps};
use crate::registry::Entry;
use crate::tensor::{Builder, Float, Id, Staircase};
use serde::Deserialize;

/// Any activation.
pub const LAYER: Entry<Make> =
    Entry { name: "activation", doc: "linear, relu, softmax, sigmoid, tanh, or a quantizer's call", make };
/// `max(x, 0)`.
pub const RELU: Entry<Make> = Entry { name: "relu", doc: "max(x, 0)", make: make_relu };
/// Probabilities.
pub const SOFTMAX: Entry<Make> = Entry {
    name: "softmax",
    doc: "normalised exponentials over the last axis, at the end of a network",
    make: make_softmax,
};

const FUNCTIONS: [&str; 5] = ["linear", "relu", "softmax", "sigmoid", "tanh"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Function {
    function: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Softmax {
    axis: Option<i64>,
}

fn make(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    tensors(layer, &[], &[])?;
    let function: Function = attributes(layer)?;
    check(&function.function)?;
    Ok(Box::new(function))
}

fn make_relu(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    tensors(layer, &[], &[])?;
    let Nothing {} = attributes(layer)?;
    Ok(Box::new(Function { function: "relu".into() }))
}

fn make_softmax(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    tensors(layer, &[], &[])?;
    let softmax: Softmax = attributes(layer)?;
    Ok(Box::new(softmax))
}

impl Layer for Softmax {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        let rank = g.shape(x).len();
        if axis(self.axis.unwrap_or(-1), rank)? + 1 != rank {
            return Err(Error::user("a softmax is over the last axis only", "transpose its input"));
        }
        activate(g, x, "softmax")
    }
}

impl Layer for Function {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        activate(g, one(x)?, &self.function)
    }

    fn port(&self, _: &[usize]) -> Result<Option<Vec<Quantization>>> {
        if FUNCTIONS.contains(&self.function.as_str()) {
            return Ok(None);
        }
        Ok(quantizers::parse(&self.function)?.activation()?.port().map(|format| vec![format]))
    }
}

/// Is it a function or a quantizer?
fn check(text: &str) -> Result<()> {
    if FUNCTIONS.contains(&text) {
        return Ok(());
    }
    match quantizers::parse(text) {
        Err(error) if error.what.starts_with("no quantizer") => {
            let what = format!("`{text}` is neither an activation function nor a quantizer");
            Err(Error::user(what, format!("functions: {}; quantizers: {}", FUNCTIONS.join(", "), error.help)))
        }
        other => other.map(|_| ()),
    }
}

/// Applies a function or quantizer by its text.
///
/// # Errors
/// It is neither, or has no meaning at inference.
pub fn activate(g: &mut Builder, x: Id, text: &str) -> Result<Id> {
    match text {
        "linear" => Ok(x),
        "relu" if g.is_float(x) => g.float(x, Float::Relu),
        "relu" => {
            let zero = g.constant(&[], vec![Fixed::ZERO])?;
            g.max(x, zero)
        }
        "softmax" => g.float(x, Float::Softmax),
        "sigmoid" => g.float(x, Float::Sigmoid),
        "tanh" => g.float(x, Float::Tanh),
        _ => {
            check(text)?;
            let activation = quantizers::parse(text)?.activation().at(format!("`{text}`"))?;
            quantize(g, x, &activation)
        }
    }
}

/// Applies a quantizer of activations, and the scale behind it.
fn quantize(g: &mut Builder, x: Id, activation: &Activation) -> Result<Id> {
    let y = match &activation.shape {
        Shape::Quantize(quantization) => g.quantize(x, vec![*quantization])?,
        Shape::Leaky { positive, negative, slope, .. } if !g.is_float(x) => {
            let zero = g.constant(&[], vec![Fixed::ZERO])?;
            let low = g.min(x, zero)?;
            let factor = g.constant(&[], vec![Fixed::power_of_two(*slope)])?;
            let low = g.mul(low, factor)?;
            let (high, low) = (g.quantize(x, vec![*positive])?, g.quantize(low, vec![*negative])?);
            g.add(high, low)?
        }
        Shape::Leaky { steps, .. } | Shape::Steps(steps) => g.steps(x, vec![staircase(steps)])?,
    };
    match Fixed::from_f64(f64::from(activation.scale)) {
        Some(scale) if scale == Fixed::ONE => Ok(y),
        Some(scale) if scale.mantissa().abs() == 1 => {
            let scale = g.constant(&[], vec![scale])?;
            g.mul(y, scale)
        }
        _ => g.float(y, Float::Mul(vec![activation.scale])),
    }
}

fn staircase(steps: &Steps) -> Staircase {
    Staircase { first: steps.first, steps: steps.steps.clone() }
}
