//! Convolutions, with channels last or first.

use super::super::super::json::{optional, size, string};
use super::super::architecture::Node;
use super::super::builder::Builder;
use super::Class;
use super::config::{mismatch, number_of, per_axis, quantized, truth};
use super::core::{kernel_and_bias, push_activation};
use crate::error::{Error, Result};
use crate::network::Layer;

/// This family.
pub const CLASSES: &[Class] = &[
    ("Conv1D", |b, node| conv(b, node, 1)),
    ("QConv1D", |b, node| conv(b, node, 1)),
    ("Conv2D", |b, node| conv(b, node, 2)),
    ("QConv2D", |b, node| conv(b, node, 2)),
    ("Convolution1D", |b, node| conv(b, node, 1)),
    ("Convolution2D", |b, node| conv(b, node, 2)),
    ("DepthwiseConv1D", |b, node| depthwise(b, node, 1)),
    ("DepthwiseConv2D", |b, node| depthwise(b, node, 2)),
    ("QDepthwiseConv2D", |b, node| depthwise(b, node, 2)),
    ("Conv1DTranspose", |b, node| transposed(b, node, 1)),
    ("Conv2DTranspose", |b, node| transposed(b, node, 2)),
    ("QConv2DTranspose", |b, node| transposed(b, node, 2)),
    ("SeparableConv1D", |b, node| separable(b, node, 1)),
    ("SeparableConv2D", |b, node| separable(b, node, 2)),
    ("QSeparableConv1D", |b, node| separable(b, node, 1)),
    ("QSeparableConv2D", |b, node| separable(b, node, 2)),
];

/// Why others are not here.
pub const REFUSED: &[(&str, &str)] = &[
    ("Conv3D", "convolutions have one or two axes: reshape, or slice one axis"),
    ("Conv3DTranspose", "convolutions have one or two axes: reshape, or slice one axis"),
    ("LocallyConnected1D", "use Conv1D, or a Dense layer for each position"),
    ("LocallyConnected2D", "use Conv2D, or a Dense layer for each position"),
];

/// Are the channels in front?
pub fn channels_first(node: &Node) -> Result<bool> {
    match optional(&node.config, "data_format", string)?.unwrap_or("channels_last") {
        "channels_last" => Ok(false),
        "channels_first" => Ok(true),
        other => Err(Error::user(format!("`data_format` is `{other}`"), "known: channels_last, channels_first")),
    }
}

/// Moves the channels behind the others of these axes, if they are in front.
pub fn to_last(b: &mut Builder, node: &Node, axes: usize) -> Result<()> {
    if channels_first(node)? {
        let perm: Vec<usize> = (1..=axes).chain([0]).collect();
        let layer = b.extra(node, "channels_last", "transpose")?.with("perm", perm);
        b.push(layer);
    }
    Ok(())
}

/// Moves them to the front again.
pub fn to_first(b: &mut Builder, node: &Node, axes: usize) -> Result<()> {
    if channels_first(node)? {
        let perm: Vec<usize> = [axes].into_iter().chain(0..axes).collect();
        let layer = b.extra(node, "channels_first", "transpose")?.with("perm", perm);
        b.push(layer);
    }
    Ok(())
}

/// Pushes a convolution between what its order of axes needs, and its activation.
pub fn push_windows(b: &mut Builder, node: &Node, layer: Layer, axes: usize) -> Result<()> {
    b.push(layer);
    to_first(b, node, axes)?;
    push_activation(b, node, "activation")
}

/// Strides, padding, dilation and groups; the latter two only where they are not 1.
pub fn geometry(node: &Node, layer: Layer, axes: usize) -> Result<Layer> {
    let config = &node.config;
    if config.get("mask").is_some_and(|mask| !mask.is_null()) {
        return Err(Error::user("has a `mask` on its kernel", "multiply the kernel by the mask before saving"));
    }
    let strides = per_axis(config, "strides", axes)?.unwrap_or_else(|| vec![1; axes]);
    let padding = optional(config, "padding", string)?.unwrap_or("valid").to_lowercase();
    let mut layer = layer.with("strides", strides).with("padding", padding);
    let dilation = per_axis(config, "dilation_rate", axes)?.unwrap_or_default();
    if dilation.iter().any(|rate| *rate != 1) {
        layer = layer.with("dilation", dilation);
    }
    let groups = optional(config, "groups", size)?.unwrap_or(1);
    Ok(if groups == 1 { layer } else { layer.with("groups", groups) })
}

/// The kernel starts with `kernel_size` and has two more axes.
pub fn check_kernel(node: &Node, name: &str, shape: &[usize], axes: usize) -> Result<()> {
    let window = per_axis(&node.config, "kernel_size", axes)?.unwrap_or_else(|| vec![1; axes]);
    if shape.len() != axes + 2 || shape[..axes] != window[..] {
        let expected = format!("{} axes that start with {window:?} (`kernel_size`)", axes + 2);
        return Err(mismatch(name, shape, &expected));
    }
    Ok(())
}

fn conv(b: &mut Builder, node: &Node, axes: usize) -> Result<()> {
    to_last(b, node, axes)?;
    let layer = b.layer(node, &format!("conv{axes}d"));
    let layer = kernel_and_bias(b, node, geometry(node, layer, axes)?, "filters")?;
    check_kernel(node, "kernel", &layer.tensors["kernel"].shape, axes)?;
    push_windows(b, node, layer, axes)
}

/// The kernel's last two axes are filters and channels. An `output_padding` would add rows that Keras' own formula does not give.
fn transposed(b: &mut Builder, node: &Node, axes: usize) -> Result<()> {
    if let Some(more) = per_axis(&node.config, "output_padding", axes)? {
        let what = format!("`output_padding` is {more:?}");
        return Err(Error::user(what, "leave it out, and pad the output with ZeroPadding"));
    }
    to_last(b, node, axes)?;
    let layer = b.layer(node, &format!("conv{axes}d_transpose"));
    let layer = geometry(node, layer, axes)?;
    let biased = truth(&node.config, "use_bias", true)?;
    let mut arrays = b.arrays(node, if biased { &["kernel", "bias"] } else { &["kernel"] })?;
    let mut layer = quantized(node, layer, &mut arrays, ["kernel", "kernel"], "kernel_quantizer")?;
    if biased {
        layer = quantized(node, layer, &mut arrays, ["bias", "bias"], "bias_quantizer")?;
    }
    let shape = &layer.tensors["kernel"].shape;
    check_kernel(node, "kernel", shape, axes)?;
    let filters = number_of(&node.config, "filters")?;
    if shape[axes] != filters {
        return Err(mismatch("kernel", shape, &format!("{filters} before its last axis (`filters`)")));
    }
    push_windows(b, node, layer, axes)
}

/// The name of a depthwise kernel in Keras 2, and in Keras 3.
pub const DEPTHWISE: &str = "depthwise_kernel|kernel";

fn depthwise(b: &mut Builder, node: &Node, axes: usize) -> Result<()> {
    to_last(b, node, axes)?;
    let layer = geometry(node, b.layer(node, &format!("depthwise_conv{axes}d")), axes)?;
    let biased = truth(&node.config, "use_bias", true)?;
    let mut arrays = b.arrays(node, if biased { &[DEPTHWISE, "bias"] } else { &[DEPTHWISE] })?;
    let mut layer = quantized(node, layer, &mut arrays, ["depthwise_kernel", "kernel"], "depthwise_quantizer")?;
    if biased {
        layer = quantized(node, layer, &mut arrays, ["bias", "bias"], "bias_quantizer")?;
    }
    check_kernel(node, "depthwise_kernel", &layer.tensors["kernel"].shape, axes)?;
    push_windows(b, node, layer, axes)
}

fn separable(b: &mut Builder, node: &Node, axes: usize) -> Result<()> {
    to_last(b, node, axes)?;
    let mut layer = geometry(node, b.layer(node, &format!("separable_conv{axes}d")), axes)?;
    let biased = truth(&node.config, "use_bias", true)?;
    let names: &[&str] = &["depthwise_kernel", "pointwise_kernel", "bias"];
    let names = &names[..if biased { 3 } else { 2 }];
    let mut arrays = b.arrays(node, names)?;
    for name in names {
        let word = name.trim_end_matches("_kernel");
        layer = quantized(node, layer, &mut arrays, [name, name], &format!("{word}_quantizer"))?;
        if let Some(call) = layer.attributes.remove(&format!("{name}_quantizer")) {
            layer = layer.with(&format!("{word}_quantizer"), call);
        }
    }
    check_kernel(node, "depthwise_kernel", &layer.tensors["depthwise_kernel"].shape, axes)?;
    let (filters, pointwise) = (number_of(&node.config, "filters")?, &layer.tensors["pointwise_kernel"].shape);
    if pointwise.last() != Some(&filters) {
        return Err(mismatch("pointwise_kernel", pointwise, &format!("{filters} as its last axis (`filters`)")));
    }
    push_windows(b, node, layer, axes)
}
