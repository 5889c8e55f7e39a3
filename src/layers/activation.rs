//! `activation`: a function's or a quantizer's call; `relu` is also a layer of its own.
//!
//! The functions are those of [`crate::functions`], `linear` (nothing) and `softmax`. What float32 does not round, such as
//! `relu` or `leaky_relu(0.25)`, is exact; the others are float32: they end a network, or a quantizer follows.

use super::attributes::{attributes, one, tensors};
use super::{Layer, Make};
use crate::error::{At, Error, Result};
use crate::fixed::{Fixed, Quantization};
use crate::functions::{FUNCTIONS, Function, Gradient};
use crate::network;
use crate::quantizers::{self, Activation, Shape, Steps};
use crate::registry::Entry;
use crate::tensor::{Builder, Float, Id, Staircase};
use serde::Deserialize;

/// Any activation.
pub const LAYER: Entry<Make> =
    Entry { name: "activation", doc: "a function's or a quantizer's call; also linear and softmax", make };
/// `max(x, 0)`.
pub const RELU: Entry<Make> = Entry { name: "relu", doc: "max(x, 0)", make: make_relu };
/// Functions that are not element-wise, or nothing at all.
const SPECIAL: [&str; 2] = ["linear", "softmax"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    function: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

fn make(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    tensors(layer, &[], &[])?;
    let function: Named = attributes(layer)?;
    check(&function.function)?;
    Ok(Box::new(function))
}

fn make_relu(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    tensors(layer, &[], &[])?;
    let Nothing {} = attributes(layer)?;
    Ok(Box::new(Named { function: "relu".into() }))
}

impl Layer for Named {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        activate(g, one(x)?, &self.function)
    }

    fn port(&self, _: &[usize]) -> Result<Option<Vec<Quantization>>> {
        if is_function(&self.function) {
            return Ok(None);
        }
        Ok(quantizers::parse(&self.function)?.activation()?.port().map(|format| vec![format]))
    }
}

fn is_function(text: &str) -> bool {
    SPECIAL.contains(&text) || Function::is_known(text)
}

/// Is it a function or a quantizer?
fn check(text: &str) -> Result<()> {
    if SPECIAL.contains(&text) {
        return Ok(());
    }
    if Function::is_known(text) {
        return Function::parse(text).map(|_| ());
    }
    match quantizers::parse(text) {
        Err(error) if error.what.starts_with("no quantizer") => {
            let what = format!("`{text}` is neither an activation function nor a quantizer");
            let functions: Vec<&str> = FUNCTIONS.iter().map(|entry| entry.name).collect();
            let functions = format!("functions: {}, {}", SPECIAL.join(", "), functions.join(", "));
            Err(Error::user(what, format!("{functions}; quantizers: {}", error.help)))
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
        "softmax" => g.float(x, Float::Softmax),
        _ if Function::is_known(text) => g.function(x, Function::parse(text)?),
        _ => {
            check(text)?;
            let activation = quantizers::parse(text)?.activation().at(format!("`{text}`"))?;
            quantize(g, x, &activation)
        }
    }
}

/// Applies a quantizer of activations, and the scale behind it.
fn quantize(g: &mut Builder, x: Id, activation: &Activation) -> Result<Id> {
    let x = match &activation.before {
        Some(function) => g.function(x, function.clone())?,
        None => x,
    };
    let trained = |g: &mut Builder, id: Id, gradient: &Gradient| g.gradient(id, gradient, 1.0 / activation.scale);
    let y = match &activation.shape {
        Shape::Quantize(quantization) => {
            let y = g.quantize(x, vec![*quantization])?;
            trained(g, y, &activation.gradient);
            y
        }
        Shape::Leaky { positive, negative, slope, .. } if !g.is_float(x) => {
            let zero = g.constant(&[], vec![Fixed::ZERO])?;
            let low = g.min(x, zero)?;
            let factor = g.constant(&[], vec![Fixed::power_of_two(*slope)])?;
            let low = g.mul(low, factor)?;
            let (high, low) = (g.quantize(x, vec![*positive])?, g.quantize(low, vec![*negative])?);
            if let Gradient::Relu { high: most, .. } = activation.gradient {
                trained(g, high, &Gradient::Relu { slope: 0.0, high: most });
                trained(g, low, &Gradient::Straight);
            }
            g.add(high, low)?
        }
        Shape::Leaky { steps, .. } | Shape::Steps(steps) => {
            let y = g.steps(x, vec![staircase(steps)])?;
            trained(g, y, &activation.gradient);
            y
        }
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
