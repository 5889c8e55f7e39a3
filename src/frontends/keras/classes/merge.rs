//! Layers of several tensors.

use super::super::super::json::{integer, list};
use super::super::architecture::Node;
use super::super::builder::Builder;
use super::Class;
use super::config::{axis, truth};
use crate::error::{At, Error, Result};
use serde_json::Value;

/// This family.
pub const CLASSES: &[Class] = &[
    ("Add", |b, node| merge(b, node, "add")),
    ("Subtract", |b, node| merge(b, node, "subtract")),
    ("Multiply", |b, node| merge(b, node, "multiply")),
    ("Average", |b, node| merge(b, node, "average")),
    ("Maximum", |b, node| merge(b, node, "maximum")),
    ("Minimum", |b, node| merge(b, node, "minimum")),
    ("Concatenate", concatenate),
    ("Dot", dot),
];

fn merge(b: &mut Builder, node: &Node, kind: &str) -> Result<()> {
    let layer = b.layer(node, kind);
    b.push(layer);
    Ok(())
}

fn concatenate(b: &mut Builder, node: &Node) -> Result<()> {
    let axis = axis(b, &node.config, -1)?;
    let layer = b.layer(node, "concatenate");
    b.push(if axis == -1 { layer } else { layer.with("axis", axis) });
    Ok(())
}

/// The axes are counted from the end of each operand's sample.
fn dot(b: &mut Builder, node: &Node) -> Result<()> {
    if truth(&node.config, "normalize", false)? {
        return Err(Error::user("normalises its operands (`normalize`)", "a cosine needs a division; leave it out"));
    }
    let [left, right] = b.reads() else {
        return Err(Error::user(format!("reads {} tensors, expected two", b.reads().len()), "give it two inputs"));
    };
    let axes: Vec<i64> = match node.config.get("axes") {
        Some(Value::Array(_)) => list(&node.config["axes"])?.iter().map(integer).collect::<Result<_>>()?,
        Some(value) => vec![integer(value).at("`axes`")?; 2],
        None => return Err(Error::user("has no `axes`", "write the model again")),
    };
    let [first, second] = axes[..] else {
        return Err(Error::user(format!("`axes` has {} numbers, expected two", axes.len()), "write the model again"));
    };
    let axes = vec![b.axis(left, first)?, b.axis(right, second)?];
    let layer = b.layer(node, "dot").with("axes", axes);
    b.push(layer);
    Ok(())
}
