//! `dense`: `y = activation(x W + b)`, over the last axis.
//!
//! The product is exact on codes. A kernel scale that is no power of two follows it, in float32, and the bias after it.

use super::activation::activate;
use super::attributes::{attributes, floats, one, required, tensors};
use super::{Layer, Make};
use crate::error::{At, Error, Result};
use crate::fixed::Fixed;
use crate::network::{self, Tensor};
use crate::quantizers::{self, Codes, Role};
use crate::registry::Entry;
use crate::tensor::{Builder, Float, Id};
use serde::Deserialize;

/// The entry.
pub const LAYER: Entry<Make> = Entry { name: "dense", doc: "y = activation(x W + b), over the last axis", make };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    units: Option<usize>,
    kernel_quantizer: Option<String>,
    bias_quantizer: Option<String>,
    activation: Option<String>,
}

/// How the weights of a matrix product are quantized, and what follows it.
pub struct Weights {
    /// A quantizer's call, or none for weights that are exact as they are.
    pub kernel_quantizer: Option<String>,
    /// The same for the bias.
    pub bias_quantizer: Option<String>,
    /// A function or quantizer of [`activate`].
    pub activation: Option<String>,
}

struct Dense {
    product: Product,
}

/// A matrix product with constant weights, a bias and an activation.
pub struct Product {
    weights: Weights,
    kernel: Tensor,
    bias: Option<Tensor>,
    scale: Option<Tensor>,
}

fn make(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    let attributes: Attributes = attributes(layer)?;
    let Attributes { units, kernel_quantizer, bias_quantizer, activation } = attributes;
    let product = Product::new(layer, Weights { kernel_quantizer, bias_quantizer, activation }, 2)?;
    match units {
        Some(units) if units != product.outputs() => Err(Error::user(
            format!("`units` is {units}, and the kernel has shape {:?}", product.kernel.shape),
            "the kernel's shape is [inputs, units]",
        )),
        _ => Ok(Box::new(Dense { product })),
    }
}

impl Layer for Dense {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        self.product.expand(g, one(x)?)
    }
}

impl Product {
    /// Takes `kernel` (of `rank` axes, outputs last) and `bias` from a layer.
    ///
    /// # Errors
    /// A tensor is missing or has the wrong shape.
    pub fn new(layer: &network::Layer, weights: Weights, rank: usize) -> Result<Product> {
        let mut found = tensors(layer, &["kernel"], &["bias", "scale"])?.into_iter();
        let kernel = required(found.next().flatten())?;
        let (bias, scale) = (found.next().flatten(), found.next().flatten());
        if kernel.shape.len() != rank || kernel.data.is_empty() {
            let what = format!("the kernel has shape {:?}", kernel.shape);
            return Err(Error::user(
                what,
                format!("a {} kernel has {rank} axes, none of them empty; outputs are the last", layer.kind),
            ));
        }
        let product = Product { weights, kernel, bias, scale };
        match &product.bias {
            Some(bias) if bias.shape != [product.outputs()] => Err(Error::user(
                format!("the bias has shape {:?}, and the kernel {:?}", bias.shape, product.kernel.shape),
                format!("give {} biases, one per output", product.outputs()),
            )),
            _ => Ok(product),
        }
    }

    /// The kernel's shape.
    pub fn kernel_shape(&self) -> &[usize] {
        &self.kernel.shape
    }

    fn outputs(&self) -> usize {
        self.kernel.shape.last().copied().unwrap_or(1)
    }

    /// `activation(x W + b)` over the last axis of `x`; leading axes of the kernel are flattened.
    ///
    /// # Errors
    /// The last axis of `x` does not suit the kernel, or a result needs more than 127 bits.
    pub fn expand(&self, g: &mut Builder, x: Id) -> Result<Id> {
        let kernel = quantized(&self.kernel, self.weights.kernel_quantizer.as_deref(), Role::Kernel).at("`kernel`")?;
        let outputs = self.outputs();
        let w = g.constant(&[kernel.codes.len() / outputs, outputs], kernel.codes)?;
        let own = match &self.scale {
            Some(scale) => floats(scale)?,
            None => kernel.scale,
        };
        // The scales of input and kernel are one number, as a framework's bias has it.
        let (x, factor) = g.scaled(x)?;
        let product = g.matmul(x, w)?;
        let mut y = g.float(product, Float::Mul(own.iter().map(|scale| scale * factor).collect()))?;
        if let Some(bias) = &self.bias {
            let bias = quantized(bias, self.weights.bias_quantizer.as_deref(), Role::Other).at("`bias`")?;
            y = add_bias(g, y, bias)?;
        }
        activate(g, y, self.weights.activation.as_deref().unwrap_or("linear"))
    }
}

/// The most significant bits of a weight without a quantizer. A weight on a grid has fewer, a trained float more.
const MOST_BITS: [(Role, u32); 2] = [(Role::Kernel, 20), (Role::Other, 32)];

/// Quantized weights; without a quantizer they are taken exactly as given.
fn quantized(tensor: &Tensor, quantizer: Option<&str>, role: Role) -> Result<Codes> {
    if let Some(text) = quantizer {
        return quantizers::parse(text)?.parameter(tensor, role).at(format!("`{text}`"));
    }
    let most = MOST_BITS.iter().find(|(of, _)| *of == role).map_or(0, |(_, bits)| *bits);
    let exact = |value: &f64| {
        let code = Fixed::from_f64(*value)
            .ok_or_else(|| Error::user("a weight is NaN or infinite", "train the network again, or repair the file"))?;
        if code.mantissa().unsigned_abs() < 1 << most {
            return Ok(code);
        }
        let what = format!("{value:?} needs more than {most} bits, and no quantizer covers it");
        Err(Error::user(what, "train with a quantizer, or name one: kernel_quantizer, bias_quantizer"))
    };
    Ok(Codes { codes: tensor.data.iter().map(exact).collect::<Result<_>>()?, scale: vec![1.0] })
}

/// Adds a bias: exactly to an exact product, in float32 behind a scale. A scale of its own rounds each bias to float32.
fn add_bias(g: &mut Builder, y: Id, bias: Codes) -> Result<Id> {
    let scale = |e: usize| bias.scale[e % bias.scale.len()];
    let float = |(e, code): (usize, &Fixed)| code.to_f32() * scale(e);
    let floats: Vec<f32> = bias.codes.iter().enumerate().map(float).collect();
    if g.is_float(y) {
        return g.float(y, Float::Add(floats));
    }
    let shape = [bias.codes.len()];
    let b = match bias.scale.as_slice() {
        [1.0] => g.constant(&shape, bias.codes)?,
        _ => g.floats(&shape, &floats.iter().map(|value| f64::from(*value)).collect::<Vec<_>>())?,
    };
    g.add(y, b)
}
