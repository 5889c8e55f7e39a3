//! What the arguments of many classes have in common.

use super::super::super::json::{field, integer, list, optional, size, sizes};
use super::super::architecture::Node;
use super::super::builder::{Arrays, Builder};
use super::super::quantizer::quantizer;
use crate::error::{At, Error, Result};
use crate::network::{Layer, Tensor};
use serde_json::Value;

/// An argument that is true or false.
pub fn truth(config: &Value, name: &str, default: bool) -> Result<bool> {
    let read = |value: &Value| match value {
        Value::Bool(value) => Ok(*value),
        // As Python takes it: the text "False" is true.
        Value::String(text) => Ok(!text.is_empty()),
        value => integer(value).map(|value| value != 0),
    };
    Ok(optional(config, name, read)?.unwrap_or(default))
}

/// An argument that is a size, or one for each axis.
pub fn per_axis(config: &Value, name: &str, axes: usize) -> Result<Option<Vec<usize>>> {
    let read = |value: &Value| match value {
        Value::Array(_) => sizes(value),
        value => Ok(vec![size(value)?; axes]),
    };
    let found = optional(config, name, read)?;
    match found.as_ref().map(Vec::len).filter(|length| *length != axes) {
        Some(length) => {
            Err(Error::user(format!("`{name}` has {length} numbers, expected {axes}"), "write the model again"))
        }
        None => Ok(found),
    }
}

/// The axis of a layer that takes one: a number, or a list of one number.
pub fn axis(b: &Builder, config: &Value, default: i64) -> Result<i64> {
    let axes = axes(b, config, "axis", default)?;
    match axes.as_slice() {
        [axis] => Ok(*axis),
        several => Err(Error::user(format!("`axis` has {} axes", several.len()), "one axis is supported: use axis=-1")),
    }
}

/// The axes of a layer, counted from the end of a sample's.
pub fn axes(b: &Builder, config: &Value, name: &str, default: i64) -> Result<Vec<i64>> {
    let read = |value: &Value| match value {
        Value::Array(_) => list(value)?.iter().map(integer).collect(),
        value => Ok(vec![integer(value)?]),
    };
    let input = b.reads().first().cloned().unwrap_or_default();
    let axes: Vec<i64> = optional(config, name, read)?.unwrap_or_else(|| vec![default]);
    axes.into_iter().map(|axis| b.axis(&input, axis)).collect()
}

/// Adds an array to a layer, and what quantizes it, under our name for the array.
pub fn quantized(node: &Node, layer: Layer, arrays: &mut Arrays, names: [&str; 2], argument: &str) -> Result<Layer> {
    let [theirs, ours] = names;
    let Some(tensor) = arrays.remove(theirs) else { return Ok(layer) };
    let layer = layer.with_tensor(ours, tensor);
    Ok(match optional(&node.config, argument, quantizer)?.flatten() {
        Some(call) => layer.with(&format!("{ours}_quantizer"), call),
        None => layer,
    })
}

/// A merge with a constant: the constant is its second operand.
pub fn constant(layer: Layer, values: Vec<f64>, shape: &[usize]) -> Result<Layer> {
    Ok(layer.with_tensor("constant", Tensor::new(shape.to_vec(), values)?))
}

/// Numbers of an argument, one or several, as float32 holds them.
pub fn floats(value: &Value) -> Result<Vec<f64>> {
    let tensor = super::super::super::json::tensor(value)?;
    Ok(tensor.data.iter().map(|number| f64::from(*number as f32)).collect())
}

/// The architecture and the weights are not of one model.
pub fn mismatch(name: &str, shape: &[usize], expected: &str) -> Error {
    let what = format!("`{name}` has shape {shape:?}, expected {expected}");
    Error::user(what, "the architecture and the weights must be of the same model")
}

/// A size that must be there.
pub fn number_of(config: &Value, name: &str) -> Result<usize> {
    field(config, name, size)
}

/// An argument of a wrapped layer is an object with `class_name` and `config`.
pub fn wrapped<'n>(config: &'n Value, name: &str) -> Result<(&'n str, &'n Value)> {
    let inner = config.get(name).unwrap_or(&Value::Null);
    let class = field(inner, "class_name", super::super::super::json::string).at(format!("`{name}`"))?;
    Ok((class.rsplit('>').next().unwrap_or(class), inner.get("config").unwrap_or(&Value::Null)))
}
