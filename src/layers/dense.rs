//! `dense`: `y = activation(x W + b)`, over the last axis.
//!
//! The product is exact on codes. A kernel scale that is no power of two follows it, in float32, and the bias after it.

use super::activation::activate;
use super::attributes::{attributes, floats, one, required, tensors};
use super::casts::{Casts, Matrix};
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
    product_format: Option<String>,
    accumulator_format: Option<String>,
}

/// How the weights of a matrix product are quantized, and what follows it.
#[derive(Clone, Debug, Default)]
pub struct Weights {
    /// A quantizer's call, or none for weights that are exact as they are.
    pub kernel_quantizer: Option<String>,
    /// The same for the bias.
    pub bias_quantizer: Option<String>,
    /// A function or quantizer of [`activate`].
    pub activation: Option<String>,
    /// hls4ml's format of each product: see [`Casts`].
    pub product_format: Option<String>,
    /// hls4ml's format of every partial sum.
    pub accumulator_format: Option<String>,
}

struct Dense {
    product: Product,
}

/// A matrix product with constant weights, a bias and an activation.
pub struct Product {
    weights: Weights,
    casts: Casts,
    kernel: Tensor,
    bias: Option<Tensor>,
    scale: Option<Tensor>,
}

fn make(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    let attributes: Attributes = attributes(layer)?;
    let Attributes { units, kernel_quantizer, bias_quantizer, activation, product_format, accumulator_format } =
        attributes;
    let weights = Weights { kernel_quantizer, bias_quantizer, activation, product_format, accumulator_format };
    let product = Product::new(layer, weights, 2)?;
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
        let casts = Casts::new(weights.product_format.as_deref(), weights.accumulator_format.as_deref())?;
        let product = Product { weights, casts, kernel, bias, scale };
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
        let mut kernel =
            quantized(&self.kernel, self.weights.kernel_quantizer.as_deref(), Role::Kernel).at("`kernel`")?;
        if let Some(scale) = &self.scale {
            kernel.scale = floats(scale).at("`scale`")?;
        }
        let outputs = self.outputs();
        let bias = self.bias.as_ref().map(|bias| quantized(bias, self.weights.bias_quantizer.as_deref(), Role::Other));
        let bias = bias.transpose().at("`bias`")?;
        let y = match self.casts.is_none() {
            true => plain(g, x, kernel, outputs, bias)?,
            false => cast(g, x, &self.casts, kernel, outputs, bias)?,
        };
        activate(g, y, self.weights.activation.as_deref().unwrap_or("linear"))
    }
}

/// The most significant bits of a weight without a quantizer. A weight on a grid has fewer, a trained float more.
const MOST_BITS: [(Role, u32); 2] = [(Role::Kernel, 20), (Role::Other, 32)];

/// Quantized weights; without a quantizer they are taken exactly as given.
pub fn quantized(tensor: &Tensor, quantizer: Option<&str>, role: Role) -> Result<Codes> {
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

/// The exact product, its scale and its bias.
fn plain(g: &mut Builder, x: Id, kernel: Codes, outputs: usize, bias: Option<Codes>) -> Result<Id> {
    let w = g.constant(&[kernel.codes.len() / outputs, outputs], kernel.codes)?;
    // The scales of input and kernel are one float32 number, as a framework's integer bias has it.
    let (x, factor) = g.scaled(x)?;
    let product = g.matmul(x, w)?;
    let y = g.float(product, Float::Mul(kernel.scale.iter().map(|scale| scale * factor).collect()))?;
    bias.map_or(Ok(y), |bias| add_bias(g, y, bias))
}

/// The product with casts inside.
fn cast(g: &mut Builder, x: Id, casts: &Casts, kernel: Codes, outputs: usize, bias: Option<Codes>) -> Result<Id> {
    if kernel.scale != [1.0] {
        let what = "`product_format` or `accumulator_format` with a kernel scale that is no power of two";
        return Err(Error::user(what, "use a quantizer with alpha=1 or 'auto_po2', or leave the formats out"));
    }
    let bias = bias.map(exact_bias).transpose()?;
    casts.multiply(g, x, &Matrix { kernel: &kernel.codes, outputs, bias: bias.as_deref() })
}

/// Adds a bias: exactly to an exact product, in float32 behind a scale.
fn add_bias(g: &mut Builder, y: Id, bias: Codes) -> Result<Id> {
    if g.is_float(y) {
        return g.float(y, Float::Add(float_bias(&bias)));
    }
    let bias = exact_bias(bias)?;
    let b = g.constant(&[bias.len()], bias)?;
    g.add(y, b)
}

/// A bias in float32.
fn float_bias(bias: &Codes) -> Vec<f32> {
    let scale = |e: usize| bias.scale[e % bias.scale.len()];
    bias.codes.iter().enumerate().map(|(e, code)| code.to_f32() * scale(e)).collect()
}

/// A bias as exact numbers; a scale of its own rounds each to float32.
fn exact_bias(bias: Codes) -> Result<Vec<Fixed>> {
    if bias.scale == [1.0] {
        return Ok(bias.codes);
    }
    let exact: Option<_> = float_bias(&bias).into_iter().map(|value| Fixed::from_f64(f64::from(value))).collect();
    exact.ok_or_else(|| Error::user("a bias is NaN or infinite", "train the network again, or repair the file"))
}
