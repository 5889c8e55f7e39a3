//! Normalisations.

use super::super::super::json::{number, optional};
use super::super::architecture::Node;
use super::super::builder::Builder;
use super::Class;
use super::config::{axis, mismatch, truth};
use crate::error::{Error, Result};

/// This family.
pub const CLASSES: &[Class] = &[("BatchNormalization", batch_norm)];

fn batch_norm(b: &mut Builder, node: &Node) -> Result<()> {
    let axis = axis(b, &node.config, -1)?;
    if axis != -1 {
        return Err(Error::user(
            format!("`axis` is {axis} from the end"),
            "only the last axis is supported: use axis=-1",
        ));
    }
    let epsilon = optional(&node.config, "epsilon", number)?.unwrap_or(1e-3);
    let mut names = Vec::new();
    for (argument, name) in [("scale", "gamma"), ("center", "beta")] {
        if truth(&node.config, argument, true)? {
            names.push((name, name));
        }
    }
    names.extend([("moving_mean", "mean"), ("moving_variance", "variance")]);
    let theirs: Vec<_> = names.iter().map(|(theirs, _)| *theirs).collect();
    let mut arrays = b.arrays(node, &theirs)?;
    let mut layer = b.layer(node, "batch_norm").with("epsilon", epsilon);
    for (theirs, ours) in names {
        if let Some(tensor) = arrays.remove(theirs) {
            layer = layer.with_tensor(ours, tensor);
        }
    }
    let channels = layer.tensors["mean"].shape.clone();
    if let Some((name, other)) = layer.tensors.iter().find(|(_, tensor)| tensor.shape != channels) {
        return Err(mismatch(name, &other.shape, &format!("{channels:?}, as the mean has")));
    }
    b.push(layer);
    Ok(())
}
