//! Reading a layer's attributes and tensors; what is missing, extra or of the wrong shape is an error that says so.

use crate::error::{Error, Result};
use crate::network::{Layer, Tensor};
use crate::tensor::Id;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The attributes as a structure with `deny_unknown_fields`.
pub fn attributes<T: DeserializeOwned>(layer: &Layer) -> Result<T> {
    serde_json::from_value(Value::Object(layer.attributes.clone())).map_err(|error| {
        Error::user(
            format!("attributes of `{}`: {error}", layer.kind),
            format!("correct the attributes of the {} layer", layer.kind),
        )
    })
}

/// The tensors of the given names: required ones, then optional ones; others are refused.
pub fn tensors(layer: &Layer, required: &[&str], optional: &[&str]) -> Result<Vec<Option<Tensor>>> {
    let known = || {
        let all: Vec<_> = required.iter().chain(optional).copied().collect();
        if all.is_empty() {
            format!("a {} layer takes no tensors", layer.kind)
        } else {
            format!("known: {}", all.join(", "))
        }
    };
    if let Some(extra) = layer.tensors.keys().find(|name| !required.iter().chain(optional).any(|known| known == name)) {
        return Err(Error::user(format!("a {} layer has no tensor `{extra}`", layer.kind), known()));
    }
    if let Some(missing) = required.iter().find(|name| !layer.tensors.contains_key(**name)) {
        return Err(Error::user(format!("tensor `{missing}` is missing"), known()));
    }
    for (name, tensor) in &layer.tensors {
        let expected: usize = tensor.shape.iter().product();
        if tensor.data.len() != expected {
            let what = format!("tensor `{name}` has {} values, and shape {:?}", tensor.data.len(), tensor.shape);
            return Err(Error::user(what, format!("give it {expected} values")));
        }
    }
    Ok(required.iter().chain(optional).map(|name| layer.tensors.get(*name).cloned()).collect())
}

/// A tensor that is there because it was required.
pub fn required(tensor: Option<Tensor>) -> Result<Tensor> {
    tensor.ok_or_else(|| Error::bug("a required tensor was not checked"))
}

/// The one input of a layer that takes one.
pub fn one(x: &[Id]) -> Result<Id> {
    match x {
        [x] => Ok(*x),
        _ => Err(Error::user(format!("the layer has {} inputs, and takes one", x.len()), "give it one input")),
    }
}

/// An axis that may count from the end, as an index.
pub fn axis(axis: i64, rank: usize) -> Result<usize> {
    let index = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(index).ok().filter(|index| *index < rank).ok_or_else(|| {
        Error::user(
            format!("there is no axis {axis} in a tensor of {rank} axes"),
            "axes count from 0, without the sample axis, or from -1, the last",
        )
    })
}

/// Constants as float32; NaN and infinities are refused.
pub fn floats(tensor: &Tensor) -> Result<Vec<f32>> {
    let float = |value: &f64| (*value as f32).is_finite().then_some(*value as f32);
    tensor
        .data
        .iter()
        .map(float)
        .collect::<Option<_>>()
        .ok_or_else(|| Error::user("a weight is NaN or infinite", "train the network again, or repair the file"))
}

/// Numbers that must be whole, of at most 53 bits.
pub fn integers(tensor: &Tensor, name: &str) -> Result<Vec<i64>> {
    let whole = |value: &f64| {
        let integer = value.fract() == 0.0 && value.abs() < 2f64.powi(53);
        integer.then_some(*value as i64).ok_or_else(|| {
            Error::user(format!("`{name}` holds {value}, expected a whole number"), "write whole numbers")
        })
    };
    tensor.data.iter().map(whole).collect()
}
