//! Quantizers alone, and functions between two quantizers.

use super::super::Class;
use super::{State, activation, argument, constant, input, named, output, take, with_ebops};
use crate::error::{Error, Result};
use crate::frontends::keras::architecture::Node;
use crate::frontends::keras::builder::Builder;

/// This family.
pub const CLASSES: &[Class] =
    &[("Quantizer", alone), ("QUnaryFunctionLUT", function), ("QAffinedUnaryFunctionLUT", affined)];

fn alone(b: &mut Builder, node: &Node) -> Result<()> {
    let state = State::of(b, node)?;
    let read = b.one_input()?;
    let config = argument(&node.config, "config");
    if let Some(quantizer) = super::quantizer(config, &state)? {
        let result = quantizer.push(b, node.name.clone(), read)?;
        b.give(vec![result]);
    }
    Ok(())
}

fn function(b: &mut Builder, node: &Node) -> Result<()> {
    let state = State::of(b, node)?;
    let read = input(b, node, &state)?;
    let result = activation(b, node, "activation", read)?;
    output(b, node, &state, result)
}

/// `activation(x * scale + bias)`, with one trained scale and bias.
fn affined(b: &mut Builder, node: &Node) -> Result<()> {
    let state = State::of(b, node)?;
    let mut arrays = state.arrays(&with_ebops(node, &["scale", "bias"], &[])?)?;
    let mut value = |name: &str| -> Result<f64> {
        take(&mut arrays, name)?.data.first().copied().ok_or_else(|| Error::bug("an empty array"))
    };
    let (scale, bias) = (value("scale")?, value("bias")?);
    let read = input(b, node, &state)?;
    let (scaled, shifted) = (named(b, node, "scale"), named(b, node, "shift"));
    let read = constant(b, scaled, "multiply", read, scale);
    let read = constant(b, shifted, "add", read, bias);
    let result = activation(b, node, "activation", read)?;
    output(b, node, &state, result)
}
