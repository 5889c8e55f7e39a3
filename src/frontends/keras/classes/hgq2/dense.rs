//! Matrix products and convolutions.

use super::super::Class;
use super::super::config::{mismatch, per_axis};
use super::{State, activation, argument, input, output, quantized, take, with_ebops};
use crate::error::{At, Error, Result};
use crate::frontends::json::{field, optional, size, string};
use crate::frontends::keras::architecture::Node;
use crate::frontends::keras::builder::Builder;
use crate::network::Layer;
use serde_json::Value;

/// This family.
pub const CLASSES: &[Class] = &[
    ("QDense", dense),
    ("QEinsumDense", einsum_dense),
    ("QConv1D", |b, node| conv(b, node, 1)),
    ("QConv2D", |b, node| conv(b, node, 2)),
];

fn dense(b: &mut Builder, node: &Node) -> Result<()> {
    let state = State::of(b, node)?;
    let input = input(b, node, &state)?;
    let layer = weights(node, &state, Layer::new(&node.name, "dense", vec![input]), "use_bias")?;
    finish(b, node, &state, layer)
}

fn einsum_dense(b: &mut Builder, node: &Node) -> Result<()> {
    let state = State::of(b, node)?;
    let input = input(b, node, &state)?;
    let layer = product(node, input)?;
    let layer = weights(node, &state, layer, "bias_axes")?;
    finish(b, node, &state, layer)
}

/// A matrix product by the layer's equation; one of the last axes with a plain matrix is a `dense` layer.
pub fn product(node: &Node, input: String) -> Result<Layer> {
    let equation = field(&node.config, "equation", string)?;
    let clean: String = equation.chars().filter(|c| !c.is_whitespace()).collect();
    let dense = || {
        let (operands, result) = clean.split_once("->")?;
        let (input, kernel) = operands.split_once(',')?;
        let [from, to] = kernel.as_bytes() else { return None };
        let (from, to) = (char::from(*from), char::from(*to));
        let outer = input.strip_suffix(from)?;
        (result.strip_suffix(to)? == outer && from != to && !outer.contains([from, to])).then_some(())
    };
    Ok(match (dense(), argument(&node.config, "bias_axes").as_str().map_or(0, str::len)) {
        (Some(()), 0 | 1) => Layer::new(&node.name, "dense", vec![input]),
        _ => Layer::new(&node.name, "einsum_dense", vec![input]).with("equation", equation),
    })
}

fn conv(b: &mut Builder, node: &Node, axes: usize) -> Result<()> {
    let state = State::of(b, node)?;
    let input = input(b, node, &state)?;
    let data_format = optional(&node.config, "data_format", string)?.unwrap_or("channels_last");
    if data_format != "channels_last" {
        return Err(Error::user(format!("`data_format` is {data_format}"), "only channels_last is supported"));
    }
    let sizes = |name: &str| Ok(per_axis(&node.config, name, axes)?.unwrap_or_else(|| vec![1; axes]));
    let padding = optional(&node.config, "padding", string)?.unwrap_or("valid");
    let mut layer = Layer::new(&node.name, format!("conv{axes}d"), vec![input])
        .with("strides", sizes("strides")?)
        .with("padding", padding);
    if sizes("dilation_rate")? != vec![1; axes] {
        layer = layer.with("dilation", sizes("dilation_rate")?);
    }
    match optional(&node.config, "groups", size)?.unwrap_or(1) {
        1 => {}
        groups => layer = layer.with("groups", groups),
    }
    let layer = weights(node, &state, layer, "use_bias")?;
    let shape = &layer.tensors["kernel"].shape;
    if shape.len() != axes + 2 || shape[..axes] != sizes("kernel_size")?[..] {
        return Err(mismatch("kernel", shape, &format!("{} axes that start with `kernel_size`", axes + 2)));
    }
    finish(b, node, &state, layer)
}

/// Kernel and bias, quantized. A layer has a bias if `biased` is true, or names axes.
fn weights(node: &Node, state: &State, layer: Layer, biased: &str) -> Result<Layer> {
    let biased = match argument(&node.config, biased) {
        Value::Null => biased == "use_bias",
        Value::Bool(biased) => *biased,
        _ => true,
    };
    let trained: &[&str] = if biased { &["kernel", "bias"] } else { &["kernel"] };
    let mut arrays = state.arrays(&with_ebops(node, trained, &[])?)?;
    let mut layer = layer;
    for (name, part, config) in [("kernel", "kq", "kq_conf"), ("bias", "bq", "bq_conf")] {
        if trained.contains(&name) {
            let tensor = take(&mut arrays, name)?;
            let tensor = quantized(&tensor, argument(&node.config, config), &state.quantizer(part)?).at(part)?;
            layer = layer.with_tensor(name, tensor);
        }
    }
    Ok(layer)
}

/// Pushes a layer, its activation and its output quantizer.
pub fn finish(b: &mut Builder, node: &Node, state: &State, layer: Layer) -> Result<()> {
    let result = b.push(layer);
    let result = activation(b, node, "activation", result)?;
    output(b, node, state, result)
}
