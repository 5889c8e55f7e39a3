//! Layers that only move values.

use super::super::super::json::{field, integer, list, sizes};
use super::super::architecture::Node;
use super::super::builder::Builder;
use super::Class;
use crate::error::{Error, Result};

/// This family.
pub const CLASSES: &[Class] = &[("Flatten", flatten), ("Reshape", reshape), ("Permute", permute)];

fn flatten(b: &mut Builder, node: &Node) -> Result<()> {
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
