//! Activations that are layers.

use super::super::super::json::{field, number, optional};
use super::super::architecture::Node;
use super::super::builder::Builder;
use super::super::quantizer::activation as function;
use super::Class;
use super::config::axis;
use crate::error::{Error, Result};

/// This family.
pub const CLASSES: &[Class] =
    &[("Activation", activation), ("QActivation", activation), ("ReLU", relu), ("Softmax", softmax)];

fn activation(b: &mut Builder, node: &Node) -> Result<()> {
    let function = field(&node.config, "activation", function)?.unwrap_or_else(|| "linear".into());
    let layer = b.layer(node, "activation").with("function", function);
    b.push(layer);
    Ok(())
}

fn softmax(b: &mut Builder, node: &Node) -> Result<()> {
    let axis = axis(b, &node.config, -1)?;
    let layer = b.layer(node, "softmax");
    b.push(if axis == -1 { layer } else { layer.with("axis", axis) });
    Ok(())
}

fn relu(b: &mut Builder, node: &Node) -> Result<()> {
    let given = |name: &str| optional(&node.config, name, number);
    for name in ["max_value", "negative_slope", "threshold"] {
        if let Some(value) = given(name)?.filter(|value| *value != 0.0 || name == "max_value") {
            let help = "only the plain ReLU is supported; a quantized_relu has its own bounds and slope";
            return Err(Error::user(format!("`{name}` is {value}"), help));
        }
    }
    let layer = b.layer(node, "relu");
    b.push(layer);
    Ok(())
}
