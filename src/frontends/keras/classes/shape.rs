//! Layers that only move values.

use super::super::super::json::{field, integer, list, optional, size, sizes, string};
use super::super::architecture::Node;
use super::super::builder::Builder;
use super::Class;
use super::config::per_axis;
use super::conv::{channels_first, to_first, to_last};
use crate::error::{At, Error, Result};
use serde_json::Value;

/// This family.
pub const CLASSES: &[Class] = &[
    ("Flatten", flatten),
    ("Reshape", reshape),
    ("Permute", permute),
    ("RepeatVector", repeat),
    ("Embedding", embedding),
    ("ZeroPadding1D", |b, node| rim(b, node, "pad", "padding", 1)),
    ("ZeroPadding2D", |b, node| rim(b, node, "pad", "padding", 2)),
    ("Cropping1D", |b, node| rim(b, node, "crop", "cropping", 1)),
    ("Cropping2D", |b, node| rim(b, node, "crop", "cropping", 2)),
    ("UpSampling1D", |b, node| upsample(b, node, 1)),
    ("UpSampling2D", |b, node| upsample(b, node, 2)),
];

fn flatten(b: &mut Builder, node: &Node) -> Result<()> {
    if channels_first(node)? {
        // Keras brings channels last before it flattens.
        let axes = b.shape(&b.one_input()?)?.len().saturating_sub(1);
        to_last(b, node, axes)?;
    }
    let layer = b.layer(node, "flatten");
    b.push(layer);
    Ok(())
}

fn reshape(b: &mut Builder, node: &Node) -> Result<()> {
    let shape: Vec<i64> = field(&node.config, "target_shape", list)?.iter().map(integer).collect::<Result<_>>()?;
    let layer = b.layer(node, "reshape").with("shape", shape);
    b.push(layer);
    Ok(())
}

fn permute(b: &mut Builder, node: &Node) -> Result<()> {
    let dims = field(&node.config, "dims", sizes)?;
    if dims.contains(&0) {
        return Err(Error::user("`dims` has an axis 0", "Keras counts the axes of a sample from 1"));
    }
    let perm: Vec<usize> = dims.iter().map(|axis| axis - 1).collect();
    let layer = b.layer(node, "transpose").with("perm", perm);
    b.push(layer);
    Ok(())
}

fn repeat(b: &mut Builder, node: &Node) -> Result<()> {
    let layer = b.layer(node, "repeat").with("count", field(&node.config, "n", size)?);
    b.push(layer);
    Ok(())
}

fn embedding(b: &mut Builder, node: &Node) -> Result<()> {
    let table = b.arrays(node, &["embeddings"])?.remove("embeddings").unwrap_or_default();
    let layer = b.layer(node, "embedding").with_tensor("embeddings", table);
    b.push(layer);
    Ok(())
}

/// Zeros around the axes that are no channels, or less of them.
fn rim(b: &mut Builder, node: &Node, kind: &str, argument: &str, axes: usize) -> Result<()> {
    let amounts = field(&node.config, argument, |value| both_sides(value, axes))?;
    let none = [vec![0, 0]];
    let amounts = match channels_first(node)? {
        true => [&none[..], &amounts[..]].concat(),
        false => [&amounts[..], &none[..]].concat(),
    };
    let layer = b.layer(node, kind).with(argument, amounts);
    b.push(layer);
    Ok(())
}

/// `2`, `[1, 2]` (before and after of the one axis, or one number an axis), or `[[1, 2], [0, 1]]`.
fn both_sides(value: &Value, axes: usize) -> Result<Vec<Vec<usize>>> {
    let pair = |value: &Value| match value {
        Value::Array(_) => sizes(value),
        value => size(value).map(|amount| vec![amount; 2]),
    };
    let amounts = match value {
        Value::Array(_) if axes == 1 => vec![sizes(value)?],
        Value::Array(values) => values.iter().map(pair).collect::<Result<_>>()?,
        value => vec![pair(value)?; axes],
    };
    match amounts.len() == axes && amounts.iter().all(|amount| amount.len() == 2) {
        true => Ok(amounts),
        false => Err(Error::user("has another number of axes than the layer", "write the model again")),
    }
}

fn upsample(b: &mut Builder, node: &Node, axes: usize) -> Result<()> {
    to_last(b, node, axes)?;
    let by = per_axis(&node.config, "size", axes)?.unwrap_or_else(|| vec![2; axes]);
    let mut layer = b.layer(node, "upsample").with("size", by);
    let interpolation = optional(&node.config, "interpolation", string).at("`interpolation`")?.unwrap_or("nearest");
    if interpolation != "nearest" {
        layer = layer.with("interpolation", interpolation);
    }
    b.push(layer);
    to_first(b, node, axes)
}
