//! Products with constant weights, a bias and an activation: what dense layers and convolutions are made of.
//!
//! The product is exact on codes. A kernel scale that is no power of two (a quantizer's, or the tensor `scale`) follows it,
//! in float32, times the input's own scale if it has one; and the bias after it.
//! Where the scale differs along a summed axis it enters the sum, as exact dyadics.

use super::activation::activate;
use super::attributes::{floats, required, tensors};
use super::casts::{Casts, Matrix};
use crate::error::{At, Error, Result};
use crate::fixed::Fixed;
use crate::network::{self, Tensor};
use crate::quantizers::{self, Codes, Role};
use crate::tensor::{Builder, Float, Id, Made, Parameter, broadcast_map, shorten};

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

/// A matrix product with constant weights, a bias and an activation.
pub struct Product {
    kernel: Codes,
    shape: Vec<usize>,
    bias: Option<(Codes, Vec<usize>)>,
    casts: Casts,
    activation: Option<String>,
    sources: Sources,
}

/// Which parameters of the layer the weights are, for training.
struct Sources {
    kernel: Parameter,
    bias: Parameter,
    /// For each weight, its element of the layer's tensor.
    order: Vec<u32>,
    /// Does the quantizer have a scale of its own behind its codes?
    scaled: bool,
}

/// A kernel, and for each part the scales of its outputs, where they are not in the kernel.
type Factored = (Vec<Fixed>, Option<Vec<Vec<f32>>>);

/// One matrix product among several whose results are joined.
pub struct Part {
    /// `[.., inputs]`.
    pub x: Id,
    /// Elements of the kernel, `[inputs, outputs]`.
    pub kernel: Vec<usize>,
    /// Columns.
    pub outputs: usize,
    /// Elements of the bias, one per output, or one per element of the result; read only where there is a bias.
    pub bias: Vec<usize>,
}

impl Product {
    /// Takes `kernel` (of `rank` axes, outputs last) and `bias` from a layer.
    ///
    /// # Errors
    /// A tensor is missing or has the wrong shape, or its quantizer does not suit it.
    pub fn new(layer: &network::Layer, weights: Weights, rank: usize) -> Result<Product> {
        let mut found = tensors(layer, &["kernel"], &["bias", "scale"])?.into_iter();
        let kernel = required(found.next().flatten())?;
        let (bias, scale) = (found.next().flatten(), found.next().flatten());
        check_rank(&layer.kind, &kernel, rank)?;
        let product = Product::of(kernel, bias, weights)?.scaled(scale)?;
        product.check_bias()?;
        Ok(product)
    }

    /// A product of these weights; the bias may have any shape.
    ///
    /// # Errors
    /// A quantizer does not suit its weights, or a format is none.
    pub fn of(kernel: Tensor, bias: Option<Tensor>, weights: Weights) -> Result<Product> {
        let casts = Casts::new(weights.product_format.as_deref(), weights.accumulator_format.as_deref())?;
        let codes = quantized(&kernel, weights.kernel_quantizer.as_deref(), Role::Kernel).at("`kernel`")?;
        if !casts.is_none() && codes.scale != [1.0] {
            let what = "`product_format` or `accumulator_format` with a kernel scale that is no power of two";
            return Err(Error::user(what, "use a quantizer with alpha=1 or 'auto_po2', or leave the formats out"));
        }
        let parameter = |tensor: &str, quantizer: &Option<String>, kernel: bool| Parameter {
            tensor: tensor.into(),
            quantizer: quantizer.clone(),
            kernel,
        };
        let sources = Sources {
            kernel: parameter("kernel", &weights.kernel_quantizer, true),
            bias: parameter("bias", &weights.bias_quantizer, false),
            order: (0..kernel.data.len() as u32).collect(),
            scaled: codes.scale != [1.0],
        };
        let quantizer = weights.bias_quantizer.as_deref();
        let bias = bias.map(|bias| Ok((quantized(&bias, quantizer, Role::Other).at("`bias`")?, bias.shape)));
        Ok(Product {
            kernel: codes,
            shape: kernel.shape,
            bias: bias.transpose()?,
            casts,
            activation: weights.activation,
            sources,
        })
    }

    /// The same, of a kernel that its layer calls by another name.
    pub fn named(mut self, kernel: &str) -> Product {
        self.sources.kernel.tensor = kernel.into();
        self
    }

    /// The product with a float32 scale behind it, for a kernel of codes: one, or one per output.
    ///
    /// # Errors
    /// Another number of scales; or the kernel has a quantizer's scale, or there are casts.
    pub fn scaled(mut self, scale: Option<Tensor>) -> Result<Product> {
        let Some(scale) = scale else { return Ok(self) };
        let (count, plain) = (scale.data.len(), self.casts.is_none() && self.kernel.scale == [1.0]);
        if !plain || ![1, self.outputs()].contains(&count) {
            let what = format!("a tensor `scale` of {count} values for {} outputs", self.outputs());
            return Err(Error::user(what, "give one scale, or one per output, and a kernel of codes without casts"));
        }
        self.kernel.scale = floats(&scale).at("`scale`")?;
        Ok(self)
    }

    /// One bias per output?
    ///
    /// # Errors
    /// The bias has another shape.
    pub fn check_bias(&self) -> Result<()> {
        match &self.bias {
            Some((_, shape)) if *shape != [self.outputs()] => Err(Error::user(
                format!("the bias has shape {shape:?}, and the kernel {:?}", self.shape),
                format!("give {} biases, one per output", self.outputs()),
            )),
            _ => Ok(()),
        }
    }

    /// The kernel's shape.
    pub fn kernel_shape(&self) -> &[usize] {
        &self.shape
    }

    /// The kernel's last axis.
    pub fn outputs(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }

    /// How many scales the kernel has.
    pub fn scales(&self) -> usize {
        self.kernel.scale.len()
    }

    /// The bias' shape.
    pub fn bias_shape(&self) -> Option<&[usize]> {
        self.bias.as_ref().map(|(_, shape)| shape.as_slice())
    }

    /// The same weights in another order and shape, the last axis of which goes on with the last one of before.
    pub fn rearranged(mut self, shape: Vec<usize>, elements: &[usize]) -> Product {
        let outputs = shape.last().copied().unwrap_or(1);
        let scale = &self.kernel.scale;
        let scale: Vec<f32> = match scale.len() {
            1 => scale.clone(),
            n => elements.iter().take(outputs).map(|e| scale[e % n]).collect(),
        };
        let codes = elements.iter().map(|e| self.kernel.codes[*e]).collect();
        self.kernel = Codes { codes, scale };
        self.sources.order = elements.iter().map(|e| self.sources.order[*e]).collect();
        self.shape = shape;
        self
    }

    /// `activation(x W + b)` over the last axis of `x`; leading axes of the kernel are flattened.
    ///
    /// # Errors
    /// The last axis of `x` does not suit the kernel, or a result needs more than 127 bits.
    pub fn expand(&self, g: &mut Builder, x: Id) -> Result<Id> {
        let (outputs, kernel) = (self.outputs(), &self.kernel.codes);
        let y = if self.casts.is_none() {
            let rows = kernel.len() / outputs;
            let w = g.parameter(&[rows, outputs], kernel.clone(), self.made(), || self.sources.order.clone())?;
            // The scales of input and kernel are one float32 number, as a framework's integer bias has it.
            let (x, factor) = g.scaled(x)?;
            let product = g.matmul(x, w)?;
            let float = Float::Mul(self.kernel.scale.iter().map(|scale| scale * factor).collect());
            let y = match self.sources.scaled {
                true => g.float_of(product, float, Made::Scales(self.sources.kernel.clone(), factor), || {
                    self.sources.order[..self.kernel.scale.len()].to_vec()
                })?,
                false => g.float(product, float)?,
            };
            self.add_bias(g, y)?
        } else {
            let bias = self.exact_bias()?;
            self.casts.multiply(g, x, &Matrix { kernel, outputs, bias: bias.as_deref() })?
        };
        self.activate(g, y)
    }

    /// The same for groups of outputs, in order, each of which reads an `x` of its own; every group has as many outputs.
    ///
    /// # Errors
    /// As [`Product::expand`].
    pub fn grouped(&self, g: &mut Builder, groups: &[Id]) -> Result<Id> {
        let outputs = self.outputs();
        let (inner, own) = (self.kernel.codes.len() / outputs, outputs / groups.len().max(1));
        let part = |(group, x): (usize, &Id)| {
            let columns = group * own..(group + 1) * own;
            let kernel = (0..inner).flat_map(|i| columns.clone().map(move |o| i * outputs + o)).collect();
            Part { x: *x, kernel, outputs: own, bias: columns.collect() }
        };
        let parts: Vec<Part> = groups.iter().enumerate().map(part).collect();
        let mut shape = groups.first().map_or(Vec::new(), |x| g.shape(*x).to_vec());
        shape.last_mut().into_iter().for_each(|last| *last = outputs);
        let count: usize = shape.iter().product();
        let element = |e: usize| {
            let (position, output) = (e / outputs, e % outputs);
            ((output / own) as u32, (position * own + output % own) as u32)
        };
        self.joined(g, &parts, &shape, (0..count).map(element).collect())
    }

    /// `activation` of several products whose results are gathered into a shape: for each element a part, and an element
    /// of it.
    ///
    /// # Errors
    /// As [`Product::expand`].
    pub fn joined(&self, g: &mut Builder, parts: &[Part], shape: &[usize], elements: Vec<(u32, u32)>) -> Result<Id> {
        let (kernel, scales) = self.factored(parts)?;
        let made = if scales.is_some() { self.made() } else { Made::Values(self.sources.kernel.clone()) };
        let bias = self.exact_bias()?.filter(|_| !self.casts.is_none());
        let mut results = Vec::with_capacity(parts.len());
        let mut factors = Vec::with_capacity(parts.len());
        for part in parts {
            let (x, factor) = if self.casts.is_none() { g.scaled(part.x)? } else { (part.x, 1.0) };
            factors.push(factor);
            let kernel: Vec<Fixed> = part.kernel.iter().map(|e| kernel[*e]).collect();
            let bias: Option<Vec<Fixed>> = bias.as_ref().map(|bias| part.bias.iter().map(|e| bias[*e]).collect());
            results.push(if self.casts.is_none() {
                let rows = kernel.len() / part.outputs.max(1);
                let order = || part.kernel.iter().map(|e| self.sources.order[*e]).collect();
                let w = g.parameter(&[rows, part.outputs], kernel, made.clone(), order)?;
                g.matmul(x, w)?
            } else {
                self.casts.multiply(g, x, &Matrix { kernel: &kernel, outputs: part.outputs, bias: bias.as_deref() })?
            });
        }
        let order = elements.iter().enumerate().all(|(i, e)| *e == (0, i as u32));
        let y = if order && results.len() == 1 {
            g.reshape(results[0], shape)?
        } else {
            g.gather(&results, shape, elements.clone())?
        };
        let mut y = self.rescale(g, y, parts, &elements, (scales.as_deref(), &factors))?;
        if self.casts.is_none() {
            y = self.add_bias(g, y)?;
        }
        self.activate(g, y)
    }

    /// The scale of each element of joined parts behind them: its column's, times its input's.
    fn rescale(
        &self,
        g: &mut Builder,
        y: Id,
        parts: &[Part],
        elements: &[(u32, u32)],
        (scales, factors): (Option<&[Vec<f32>]>, &[f32]),
    ) -> Result<Id> {
        let column = |part: &u32, e: &u32| *e as usize % parts[*part as usize].outputs.max(1);
        let scale = |(part, e): &(u32, u32)| {
            scales.map_or(1.0, |scales| scales[*part as usize][column(part, e)]) * factors[*part as usize]
        };
        let all: Vec<f32> = elements.iter().map(scale).collect();
        let factor = factors.first().copied().unwrap_or(1.0);
        if scales.is_none() || !self.sources.scaled || !g.traces() || factors.iter().any(|other| *other != factor) {
            let short = shorten(all, g.shape(y));
            return g.float(y, Float::Mul(short));
        }
        g.float_of(y, Float::Mul(all), Made::Scales(self.sources.kernel.clone(), factor), || {
            let first = |(part, e): &(u32, u32)| self.sources.order[parts[*part as usize].kernel[column(part, e)]];
            elements.iter().map(first).collect()
        })
    }

    /// The kernel, and for each part the scales of its outputs, or none where they went into the kernel because they
    /// differ along a sum.
    fn factored(&self, parts: &[Part]) -> Result<Factored> {
        let scale = |e: usize| self.kernel.scale[e % self.kernel.scale.len()];
        let row = |part: &Part, i: usize| {
            part.kernel[i * part.outputs..(i + 1) * part.outputs].iter().map(|e| scale(*e)).collect::<Vec<_>>()
        };
        let rows = |part: &Part| part.kernel.len() / part.outputs.max(1);
        if self.kernel.scale.len() == 1 || parts.iter().all(|p| (0..rows(p)).all(|i| row(p, i) == row(p, 0))) {
            return Ok((self.kernel.codes.clone(), Some(parts.iter().map(|part| row(part, 0)).collect())));
        }
        let times = |(e, code): (usize, &Fixed)| code.mul(Fixed::from_f64(f64::from(scale(e)))?);
        let kernel: Option<_> = self.kernel.codes.iter().enumerate().map(times).collect();
        let wide = || Error::user("a weight times its scale needs more than 127 bits", "use alpha=1 or 'auto_po2'");
        Ok((kernel.ok_or_else(wide)?, None))
    }

    /// What the constants of the kernel are made of.
    fn made(&self) -> Made {
        let kernel = self.sources.kernel.clone();
        if self.sources.scaled { Made::Codes(kernel) } else { Made::Values(kernel) }
    }

    fn activate(&self, g: &mut Builder, y: Id) -> Result<Id> {
        activate(g, y, self.activation.as_deref().unwrap_or("linear"))
    }

    /// Adds the bias: exactly to an exact product, in float32 behind a scale.
    fn add_bias(&self, g: &mut Builder, y: Id) -> Result<Id> {
        let Some((codes, shape)) = &self.bias else { return Ok(y) };
        let made = Made::Values(self.sources.bias.clone());
        if g.is_float(y) {
            let to = g.shape(y).to_vec();
            let (floats, map) = (float_bias(codes), broadcast_map(shape, &to));
            let all: Vec<f32> = map.iter().map(|e| floats[*e as usize]).collect();
            let short = if g.traces() { all } else { shorten(all, &to) };
            return g.float_of(y, Float::Add(short), made, || map);
        }
        let bias = self.exact_bias()?.unwrap_or_default();
        let count = bias.len() as u32;
        let bias = g.parameter(shape, bias, made, || (0..count).collect())?;
        g.add(y, bias)
    }

    /// The bias as exact numbers; a scale of its own rounds each to float32.
    fn exact_bias(&self) -> Result<Option<Vec<Fixed>>> {
        let Some((bias, _)) = &self.bias else { return Ok(None) };
        if bias.scale == [1.0] {
            return Ok(Some(bias.codes.clone()));
        }
        let exact: Option<_> = float_bias(bias).into_iter().map(|value| Fixed::from_f64(f64::from(value))).collect();
        let error = || Error::user("a bias is NaN or infinite", "train the network again, or repair the file");
        exact.ok_or_else(error).map(Some)
    }
}

/// A kernel of the right rank, outputs last.
///
/// # Errors
/// It has another rank, or no weights.
pub fn check_rank(kind: &str, kernel: &Tensor, rank: usize) -> Result<()> {
    if kernel.shape.len() == rank && !kernel.data.is_empty() {
        return Ok(());
    }
    let what = format!("the kernel has shape {:?}", kernel.shape);
    Err(Error::user(what, format!("a {kind} kernel has {rank} axes, none of them empty; outputs are the last")))
}

/// A bias in float32.
fn float_bias(bias: &Codes) -> Vec<f32> {
    let scale = |e: usize| bias.scale[e % bias.scale.len()];
    bias.codes.iter().enumerate().map(|(e, code)| code.to_f32() * scale(e)).collect()
}

/// The most significant bits of a weight without a quantizer. A weight on a grid has fewer, a trained float more.
const MOST_BITS: [(Role, u32); 2] = [(Role::Kernel, 20), (Role::Other, 32)];

/// Quantized weights; without a quantizer they are taken exactly as given.
///
/// # Errors
/// The quantizer does not suit them, or a weight without one has too many bits for being on any grid.
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
        Err(Error::user(
            what,
            "train with a quantizer, name one (kernel_quantizer, bias_quantizer), or give hls4ml's types with --precision FILE",
        ))
    };
    Ok(Codes { codes: tensor.data.iter().map(exact).collect::<Result<_>>()?, scale: vec![1.0] })
}
