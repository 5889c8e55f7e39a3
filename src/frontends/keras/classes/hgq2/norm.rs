//! Batch normalisation: fused into the weights in float32, and then quantized with them.
//!
//! `QEinsumDenseBatchnorm` normalises its outputs: `s = gamma / sqrt(variance + 1e-7)` (Keras' own epsilon, not the layer's),
//! kernel `kq(kernel * s)`, bias `bq(bias - mean * s)`. `QBatchNormDense` normalises its inputs: `s = gamma / sqrt(variance + epsilon)`,
//! `kq(s * kernel)`, `bq(bias - mean . kernel)`. `QBatchNormalization` is `x * kq(s) + bq(beta - mean * s)`, where `beta` is
//! 1 if `center` is false. That is what HGQ2 0.2.0 computes.

use super::super::Class;
use super::super::config::truth;
use super::dense::{finish, product};
use super::{State, argument, input, output, quantized, take, with_ebops};
use crate::error::{At, Error, Result};
use crate::frontends::json::{field, integer, number, optional, string};
use crate::frontends::keras::architecture::Node;
use crate::frontends::keras::builder::{Arrays, Builder};
use crate::network::{Layer, Tensor};

/// This family.
pub const CLASSES: &[Class] = &[
    ("QBatchNormDense", batch_norm_dense),
    ("QEinsumDenseBatchnorm", einsum_dense_batchnorm),
    ("QBatchNormalization", batch_normalization),
];

/// `keras.config.epsilon()`.
const EPSILON: f32 = 1e-7;

/// `gamma / sqrt(variance + epsilon)` in float32.
fn scale(gamma: Option<&Tensor>, variance: &Tensor, epsilon: f32) -> Result<Vec<f32>> {
    if gamma.is_some_and(|gamma| gamma.shape != variance.shape) {
        return Err(Error::user("gamma and the variance have different shapes", "write the model again"));
    }
    let gamma = |at: usize| gamma.map_or(1.0, |gamma| gamma.data[at] as f32);
    let scale = variance.data.iter().enumerate().map(|(at, variance)| gamma(at) / (*variance as f32 + epsilon).sqrt());
    Ok(scale.collect())
}

/// Adds kernel and bias to a layer, quantized.
fn fused(node: &Node, state: &State, layer: Layer, kernel: &Tensor, bias: &Tensor) -> Result<Layer> {
    let kernel = quantized(kernel, argument(&node.config, "kq_conf"), &state.quantizer("kq")?).at("kq")?;
    let bias = quantized(bias, argument(&node.config, "bq_conf"), &state.quantizer("bq")?).at("bq")?;
    Ok(layer.with_tensor("kernel", kernel).with_tensor("bias", bias))
}

/// Kernel, bias and moments.
fn arrays<'w>(node: &Node, state: &State<'w>, gamma: &'static str) -> Result<Arrays> {
    let mut trained = vec!["kernel", "bias"];
    if truth(&node.config, "scale", true)? {
        trained.push(gamma);
    }
    state.arrays(&with_ebops(node, &trained, &["moving_mean", "moving_variance"])?)
}

fn batch_norm_dense(b: &mut Builder, node: &Node) -> Result<()> {
    let state = State::of(b, node)?;
    let mut arrays = arrays(node, &state, "bn_gamma")?;
    let epsilon = optional(&node.config, "epsilon", number)?.unwrap_or(1e-3) as f32;
    let (mut kernel, mut bias) = (take(&mut arrays, "kernel")?, take(&mut arrays, "bias")?);
    let (mean, variance) = (take(&mut arrays, "moving_mean")?, take(&mut arrays, "moving_variance")?);
    let scale = scale(arrays.get("bn_gamma"), &variance, epsilon)?;
    let [inputs, outputs] = kernel.shape[..] else { return Err(shapes(&kernel)) };
    if scale.len() != inputs || mean.data.len() != inputs || bias.data.len() != outputs {
        return Err(shapes(&kernel));
    }
    for (output, bias) in bias.data.iter_mut().enumerate() {
        let column = kernel.data.iter().skip(output).step_by(outputs);
        let dot: f64 = column.zip(&mean.data).map(|(weight, mean)| weight * mean).sum();
        *bias = f64::from(*bias as f32 - dot as f32);
    }
    for (at, weight) in kernel.data.iter_mut().enumerate() {
        *weight = f64::from(scale[at / outputs] * *weight as f32);
    }
    let input = input(b, node, &state)?;
    let layer = fused(node, &state, Layer::new(&node.name, "dense", vec![input]), &kernel, &bias)?;
    finish(b, node, &state, layer)
}

fn einsum_dense_batchnorm(b: &mut Builder, node: &Node) -> Result<()> {
    let state = State::of(b, node)?;
    let mut arrays = arrays(node, &state, "gamma")?;
    let equation = field(&node.config, "equation", string)?;
    let bias_axes = optional(&node.config, "bias_axes", string)?.unwrap_or_default();
    let axes = optional(&node.config, "normalize_axes", string)?.unwrap_or(bias_axes);
    let (mut kernel, bias) = (take(&mut arrays, "kernel")?, take(&mut arrays, "bias")?);
    let (mean, variance) = (take(&mut arrays, "moving_mean")?, take(&mut arrays, "moving_variance")?);
    let scale = scale(arrays.get("gamma"), &variance, EPSILON)?;
    let letters: Vec<char> = equation.split([',', '-']).nth(1).unwrap_or_default().trim().chars().collect();
    let normalised: Vec<usize> = (0..letters.len()).filter(|at| axes.contains(letters[*at])).collect();
    let lengths: Vec<usize> = normalised.iter().filter_map(|axis| kernel.shape.get(*axis).copied()).collect();
    if letters.len() != kernel.shape.len() || lengths != mean.shape || mean.shape != variance.shape {
        return Err(shapes(&kernel));
    }
    let shape = kernel.shape.clone();
    for (at, weight) in kernel.data.iter_mut().enumerate() {
        let index = |axis: usize| at / shape[axis + 1..].iter().product::<usize>() % shape[axis];
        let place = normalised.iter().fold(0, |place, axis| place * shape[*axis] + index(*axis));
        *weight = f64::from(*weight as f32 * scale[place]);
    }
    if bias.data.len() != mean.data.len() {
        let help = "normalise over the axes of the bias: leave out normalize_axes";
        return Err(Error::user(format!("normalises {axes} and adds a bias to {bias_axes}"), help));
    }
    let offset = mean.data.iter().zip(&scale).map(|(mean, scale)| -(*mean as f32) * scale);
    let data = bias.data.iter().zip(offset).map(|(bias, offset)| f64::from(*bias as f32 + offset)).collect();
    let bias = Tensor { shape: bias.shape.clone(), data };
    let input = input(b, node, &state)?;
    let layer = product(node, input)?;
    let layer = fused(node, &state, layer, &kernel, &bias)?;
    finish(b, node, &state, layer)
}

fn batch_normalization(b: &mut Builder, node: &Node) -> Result<()> {
    let state = State::of(b, node)?;
    let mut names = Vec::new();
    for (argument, name) in [("scale", "bn_gamma"), ("center", "bn_beta")] {
        if truth(&node.config, argument, true)? {
            names.push(name);
        }
    }
    names.extend(["moving_mean", "moving_variance"]);
    let arrays = state.arrays(&with_ebops(node, &names, &[])?)?;
    let epsilon = optional(&node.config, "epsilon", number)?.unwrap_or(1e-3) as f32;
    let mean = arrays.get("moving_mean").ok_or_else(|| Error::bug("no mean"))?;
    let variance = arrays.get("moving_variance").ok_or_else(|| Error::bug("no variance"))?;
    let scale = scale(arrays.get("bn_gamma"), variance, epsilon)?;
    if mean.shape != variance.shape || arrays.get("bn_beta").is_some_and(|beta| beta.shape != mean.shape) {
        return Err(shapes(mean));
    }
    let beta = |at: usize| arrays.get("bn_beta").map_or(1.0, |beta| beta.data[at] as f32);
    let shift = mean.data.iter().zip(&scale).enumerate().map(|(at, (mean, scale))| beta(at) - *mean as f32 * scale);
    let shift = Tensor::new(mean.shape.clone(), shift.map(f64::from).collect())?;
    let scale = Tensor::new(mean.shape.clone(), scale.into_iter().map(f64::from).collect())?;
    let scale = quantized(&scale, argument(&node.config, "kq_conf"), &state.quantizer("kq")?).at("kq")?;
    let shift = quantized(&shift, argument(&node.config, "bq_conf"), &state.quantizer("bq")?).at("bq")?;
    let axis = optional(&node.config, "axis", integer)?.unwrap_or(-1);
    let input = input(b, node, &state)?;
    let behind = (-b.axis(&input, axis)? - 1) as usize;
    // An axis that is not the last: the tensors get axes of 1 behind it.
    let placed = |tensor: Tensor| {
        let shape = tensor.shape.iter().copied().chain(std::iter::repeat_n(1, behind)).collect();
        Tensor { shape, data: tensor.data }
    };
    let layer = Layer::new(&node.name, "scale_shift", vec![input])
        .with_tensor("scale", placed(scale))
        .with_tensor("shift", placed(shift));
    let result = b.push(layer);
    output(b, node, &state, result)
}

fn shapes(tensor: &Tensor) -> Error {
    let what = format!("weights of shape {:?} and moments do not belong together", tensor.shape);
    Error::user(what, "the architecture and the weights must be of the same model")
}
