//! Layers of several inputs, sums, and pooling: Keras' own layers between quantizers.

use super::super::Class;
use super::super::config::{axes, truth};
use super::super::{Translate, find as keras};
use super::{State, constant, input, inputs, named, output};
use crate::error::{Error, Result};
use crate::frontends::json::{field, number, optional, string};
use crate::frontends::keras::architecture::Node;
use crate::frontends::keras::builder::Builder;
use crate::network::Layer;

/// This family.
pub const CLASSES: &[Class] = &[
    ("QAdd", |b, node| merge(b, node, "Add")),
    ("QSubtract", |b, node| merge(b, node, "Subtract")),
    ("QMultiply", |b, node| merge(b, node, "Multiply")),
    ("QMaximum", |b, node| merge(b, node, "Maximum")),
    ("QMinimum", |b, node| merge(b, node, "Minimum")),
    ("QDot", |b, node| merge(b, node, "Dot")),
    ("QAveragePow2", average_pow2),
    ("QEinsum", einsum),
    ("QSum", |b, node| sum(b, node, false)),
    ("QMeanPow2", |b, node| sum(b, node, true)),
    ("QMaxPooling1D", |b, node| around(b, node, "MaxPooling1D")),
    ("QMaxPooling2D", |b, node| around(b, node, "MaxPooling2D")),
    ("QAveragePooling1D", |b, node| around(b, node, "AveragePooling1D")),
    ("QAveragePooling2D", |b, node| around(b, node, "AveragePooling2D")),
    ("QGlobalMaxPooling1D", |b, node| around(b, node, "GlobalMaxPooling1D")),
    ("QGlobalMaxPooling2D", |b, node| around(b, node, "GlobalMaxPooling2D")),
    ("QGlobalAveragePooling1D", |b, node| around(b, node, "GlobalAveragePooling1D")),
    ("QGlobalAveragePooling2D", |b, node| around(b, node, "GlobalAveragePooling2D")),
];

/// Keras' layer of several inputs, with each quantized.
fn merge(b: &mut Builder, node: &Node, class: &str) -> Result<()> {
    let state = State::of(b, node)?;
    let reads = inputs(b, node, &state)?;
    translated(b, node, &state, reads, keras(class)?)
}

/// Keras' layer of one input, quantized.
fn around(b: &mut Builder, node: &Node, class: &str) -> Result<()> {
    let state = State::of(b, node)?;
    let read = input(b, node, &state)?;
    translated(b, node, &state, vec![read], keras(class)?)
}

fn translated(b: &mut Builder, node: &Node, state: &State, reads: Vec<String>, translate: Translate) -> Result<()> {
    b.redirect(reads);
    translate(b, node)?;
    let result = b.last()?;
    output(b, node, state, result)
}

/// The power of two nearest to `1 / count`, on a logarithmic scale; ties to even.
fn nearest_power(count: usize) -> f64 {
    (-(count as f64).log2()).round_ties_even().exp2()
}

fn average_pow2(b: &mut Builder, node: &Node) -> Result<()> {
    let state = State::of(b, node)?;
    let reads = inputs(b, node, &state)?;
    let factor = nearest_power(reads.len());
    let name = named(b, node, "sum");
    let sum = b.push(Layer::new(name, "add", reads));
    let result = constant(b, node.name.clone(), "multiply", sum, factor);
    output(b, node, &state, result)
}

fn einsum(b: &mut Builder, node: &Node) -> Result<()> {
    let state = State::of(b, node)?;
    let reads = inputs(b, node, &state)?;
    let equation = field(&node.config, "equation", string)?;
    let result = b.push(Layer::new(&node.name, "einsum", reads).with("equation", equation));
    output(b, node, &state, result)
}

/// `QSum`, and `QMeanPow2`, whose factor is a power of two near that of a mean.
fn sum(b: &mut Builder, node: &Node, mean: bool) -> Result<()> {
    let state = State::of(b, node)?;
    let axes = axes(b, &node.config, "axes", -1)?;
    let read = input(b, node, &state)?;
    let factor = match mean {
        true => {
            let shape = b.shape(&read)?;
            let length = |axis: &i64| usize::try_from(axis + shape.len() as i64).ok().and_then(|at| shape.get(at));
            let lengths: Option<Vec<usize>> = axes.iter().map(|axis| length(axis).copied()).collect();
            let lengths = lengths.ok_or_else(|| {
                Error::user(format!("sums over the axes {axes:?} of {shape:?}"), "write the model again")
            })?;
            nearest_power(lengths.iter().product())
        }
        false => optional(&node.config, "scale", number)?.unwrap_or(1.0),
    };
    let name = if factor == 1.0 { node.name.clone() } else { named(b, node, "sum") };
    let layer = Layer::new(name, "sum", vec![read]).with("axis", axes);
    let layer = if truth(&node.config, "keepdims", false)? { layer.with("keep_dims", true) } else { layer };
    let sum = b.push(layer);
    let result = if factor == 1.0 { sum } else { constant(b, node.name.clone(), "multiply", sum, factor) };
    output(b, node, &state, result)
}
