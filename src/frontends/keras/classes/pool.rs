//! Pooling.

use super::super::super::json::{optional, string};
use super::super::architecture::Node;
use super::super::builder::Builder;
use super::super::quantizer::quantizer;
use super::Class;
use super::config::{per_axis, truth};
use super::conv::{channels_first, to_first, to_last};
use super::core::push_activation;
use crate::error::{Error, Result};
use crate::network::{Layer, Tensor, elements};

/// This family.
pub const CLASSES: &[Class] = &[
    ("MaxPooling1D", |b, node| pool(b, node, "max", 1)),
    ("MaxPooling2D", |b, node| pool(b, node, "max", 2)),
    ("MaxPool1D", |b, node| pool(b, node, "max", 1)),
    ("MaxPool2D", |b, node| pool(b, node, "max", 2)),
    ("AveragePooling1D", |b, node| pool(b, node, "average", 1)),
    ("AveragePooling2D", |b, node| pool(b, node, "average", 2)),
    ("QAveragePooling2D", average_quantized),
    ("GlobalMaxPooling1D", |b, node| global(b, node, "max", 1)),
    ("GlobalMaxPooling2D", |b, node| global(b, node, "max", 2)),
    ("GlobalAveragePooling1D", |b, node| global(b, node, "mean", 1)),
    ("GlobalAveragePooling2D", |b, node| global(b, node, "mean", 2)),
    ("QGlobalAveragePooling2D", global_quantized),
];

fn pool(b: &mut Builder, node: &Node, word: &str, axes: usize) -> Result<()> {
    to_last(b, node, axes)?;
    let layer = windows(b, node, word, axes)?;
    b.push(layer);
    to_first(b, node, axes)
}

/// Pooling with its size; strides and padding where they are not the usual ones.
fn windows(b: &Builder, node: &Node, word: &str, axes: usize) -> Result<Layer> {
    let size = per_axis(&node.config, "pool_size", axes)?.unwrap_or_else(|| vec![2; axes]);
    let strides = per_axis(&node.config, "strides", axes)?.unwrap_or_else(|| size.clone());
    let padding = optional(&node.config, "padding", string)?.unwrap_or("valid").to_lowercase();
    let mut layer = b.layer(node, &format!("{word}_pool{axes}d")).with("size", size.clone());
    if strides != size {
        layer = layer.with("strides", strides);
    }
    Ok(if padding == "valid" { layer } else { layer.with("padding", padding) })
}

/// The axes to reduce, of one sample.
fn spatial(node: &Node, axes: usize) -> Result<Vec<usize>> {
    let first = usize::from(channels_first(node)?);
    Ok((first..first + axes).collect())
}

fn global(b: &mut Builder, node: &Node, kind: &str, axes: usize) -> Result<()> {
    let mut layer = b.layer(node, kind).with("axis", spatial(node, axes)?);
    if truth(&node.config, "keepdims", false)? {
        layer = layer.with("keep_dims", true);
    }
    b.push(layer);
    Ok(())
}

/// QKeras multiplies the average by the area again, and by the quantized `1 / area`: a window of equal, quantized weights.
fn weighted(b: &mut Builder, node: &Node, size: Vec<usize>, strides: Vec<usize>) -> Result<bool> {
    let Some(call) = optional(&node.config, "average_quantizer", quantizer)?.flatten() else { return Ok(false) };
    if optional(&node.config, "padding", string)?.unwrap_or("valid").to_lowercase() != "valid" {
        let what = "has an average_quantizer and `same` padding, where the windows at the rim hold fewer elements";
        return Err(Error::user(what, "use valid padding, or leave out the average_quantizer"));
    }
    to_last(b, node, 2)?;
    let channels = b.shape(&b.last()?)?.last().copied().unwrap_or(1);
    let area: usize = size.iter().product();
    let shape: Vec<usize> = size.iter().copied().chain([channels, 1]).collect();
    let kernel = Tensor::new(shape.clone(), vec![f64::from((1.0 / area as f64) as f32); elements(&shape)?])?;
    // Without an alpha, a kernel's quantizer finds its own scale, and this one has the scale 1.
    let scaled =
        call.contains("alpha") || !["quantized_bits", "quantized_linear"].iter().any(|name| call.starts_with(name));
    let call = if scaled { call } else { call.replacen(')', ",alpha=1)", 1) };
    let layer = b.layer(node, "depthwise_conv2d").with("strides", strides).with("padding", "valid");
    b.push(layer.with("kernel_quantizer", call).with_tensor("kernel", kernel));
    Ok(true)
}

fn average_quantized(b: &mut Builder, node: &Node) -> Result<()> {
    let size = per_axis(&node.config, "pool_size", 2)?.unwrap_or_else(|| vec![2; 2]);
    let strides = per_axis(&node.config, "strides", 2)?.unwrap_or_else(|| size.clone());
    if weighted(b, node, size, strides)? {
        to_first(b, node, 2)?;
    } else {
        pool(b, node, "average", 2)?;
    }
    push_activation(b, node, "activation")
}

fn global_quantized(b: &mut Builder, node: &Node) -> Result<()> {
    let shape = b.shape(&b.one_input()?)?;
    let size: Vec<usize> = spatial(node, 2)?.iter().filter_map(|axis| shape.get(*axis).copied()).collect();
    if !weighted(b, node, size, vec![1; 2])? {
        global(b, node, "mean", 2)?;
    } else if truth(&node.config, "keepdims", false)? {
        to_first(b, node, 2)?;
    } else {
        let layer = b.extra(node, "flatten", "flatten")?;
        b.push(layer);
    }
    push_activation(b, node, "activation")
}
