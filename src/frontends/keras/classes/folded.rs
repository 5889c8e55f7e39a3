//! QKeras layers with a batch normalisation folded into their weights.
//!
//! At inference both folding modes are the same (`qconv2d_batchnorm.py`, `qdepthwiseconv2d_batchnorm.py`, `qdense_batchnorm.py`):
//! `inv = gamma / sqrt(variance + epsilon)`, the kernel is `inv * kernel` and the bias `inv * (bias - mean) + beta`, in float32; then
//! both are quantized. That is done here, so that the network has the folded weights.

use super::super::super::json::{number, optional};
use super::super::architecture::Node;
use super::super::builder::{Arrays, Builder};
use super::super::weights::Part;
use super::Class;
use super::config::{mismatch, quantized, truth};
use super::conv::{DEPTHWISE, check_kernel, geometry, push_windows, to_last};
use super::core::push_activated;
use crate::error::{Error, Result};
use crate::network::{Layer, Tensor};

/// This family.
pub const CLASSES: &[Class] =
    &[("QDenseBatchnorm", dense), ("QConv2DBatchnorm", conv2d), ("QDepthwiseConv2DBatchnorm", depthwise_conv2d)];

fn dense(b: &mut Builder, node: &Node) -> Result<()> {
    let layer = folded(b, node, b.layer(node, "dense"), "kernel", 1)?;
    push_activated(b, node, layer)
}

fn conv2d(b: &mut Builder, node: &Node) -> Result<()> {
    to_last(b, node, 2)?;
    let layer = folded(b, node, geometry(node, b.layer(node, "conv2d"), 2)?, "kernel", 1)?;
    check_kernel(node, "kernel", &layer.tensors["kernel"].shape, 2)?;
    push_windows(b, node, layer, 2)
}

fn depthwise_conv2d(b: &mut Builder, node: &Node) -> Result<()> {
    to_last(b, node, 2)?;
    let layer = folded(b, node, geometry(node, b.layer(node, "depthwise_conv2d"), 2)?, DEPTHWISE, 2)?;
    check_kernel(node, "depthwise_kernel", &layer.tensors["kernel"].shape, 2)?;
    push_windows(b, node, layer, 2)
}

/// Adds the folded kernel and bias; the kernel's last `axes` axes are the channels.
fn folded(b: &Builder, node: &Node, layer: Layer, kernel: &str, axes: usize) -> Result<Layer> {
    let biased = truth(&node.config, "use_bias", true)?;
    let mut own = vec![kernel];
    if biased {
        own.push("bias");
    }
    let statistics = scale_and_center(node)?;
    let mut arrays = match b.weights().is_numbered() {
        true => {
            // Training steps: qkeras-v3 saves them as a variable of the layer, and once more by name.
            own.extend(["iteration?", "saved_iteration?"]);
            let mut arrays = b.arrays(node, &own)?;
            arrays.append(&mut b.arrays_of(node, Part { named: "", numbered: "batchnorm" }, &statistics)?);
            arrays
        }
        false => b.arrays(node, &[own, statistics].concat())?,
    };
    let theirs = kernel.split('|').next().unwrap_or(kernel);
    let (kernel, bias) = fold(node, &mut arrays, theirs, axes)?;
    let mut arrays = Arrays::from([("kernel".to_string(), kernel), ("bias".to_string(), bias)]);
    let argument = if axes == 2 { "depthwise_quantizer" } else { "kernel_quantizer" };
    let layer = quantized(node, layer, &mut arrays, ["kernel", "kernel"], argument)?;
    quantized(node, layer, &mut arrays, ["bias", "bias"], "bias_quantizer")
}

fn scale_and_center(node: &Node) -> Result<Vec<&'static str>> {
    let mut names = Vec::new();
    for (argument, name) in [("scale", "gamma"), ("center", "beta")] {
        if truth(&node.config, argument, true)? {
            names.push(name);
        }
    }
    names.extend(["moving_mean", "moving_variance"]);
    Ok(names)
}

fn fold(node: &Node, arrays: &mut Arrays, kernel: &str, axes: usize) -> Result<(Tensor, Tensor)> {
    let kernel = arrays.remove(kernel).unwrap_or_default();
    let channels: usize = kernel.shape.iter().rev().take(axes).product();
    let mut take = |name: &str, default: f32| -> Result<Vec<f32>> {
        match arrays.remove(name) {
            None => Ok(vec![default; channels]),
            Some(tensor) if tensor.data.len() == channels => {
                Ok(tensor.data.iter().map(|value| *value as f32).collect())
            }
            Some(tensor) => Err(mismatch(name, &tensor.shape, &format!("[{channels}]"))),
        }
    };
    let (gamma, beta) = (take("gamma", 1.0)?, take("beta", 0.0)?);
    let (mean, variance, bias) = (take("moving_mean", 0.0)?, take("moving_variance", 1.0)?, take("bias", 0.0)?);
    let epsilon = optional(&node.config, "epsilon", number)?.unwrap_or(1e-3) as f32;
    let mut inverse = Vec::new();
    for (variance, gamma) in variance.iter().zip(&gamma) {
        let sum = f64::from(variance + epsilon);
        if sum.is_nan() || sum <= 0.0 {
            return Err(Error::user("a variance is not positive", "repair the file, or use a larger epsilon"));
        }
        inverse.push((1.0 / sum.sqrt()) as f32 * gamma);
    }
    let data = kernel.data.iter().enumerate().map(|(at, weight)| f64::from(inverse[at % channels] * *weight as f32));
    let folded = inverse.iter().enumerate().map(|(c, inverse)| f64::from(inverse * (bias[c] - mean[c]) + beta[c]));
    Ok((Tensor::new(kernel.shape.clone(), data.collect())?, Tensor::vector(folded.collect())))
}
