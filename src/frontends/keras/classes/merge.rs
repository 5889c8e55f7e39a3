//! Layers of several tensors.

use super::super::architecture::Node;
use super::super::builder::Builder;
use super::Class;
use super::config::axis;
use crate::error::Result;

/// This family.
pub const CLASSES: &[Class] = &[
    ("Add", |b, node| merge(b, node, "add")),
    ("Multiply", |b, node| merge(b, node, "multiply")),
    ("Concatenate", concatenate),
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
