//! `MultiHeadAttention`, as the products and the softmax that it is made of.
//!
//! `query`, `key` and `value` of each head are dense products of the inputs, the query divided by the root of the key's length; the
//! scores are products of query and key, a softmax over the keys weighs the values, and one more dense product joins the heads.

use super::super::super::json::{optional, size, sizes};
use super::super::architecture::Node;
use super::super::builder::Builder;
use super::super::weights::Part;
use super::Class;
use super::config::{constant, number_of, truth};
use crate::error::{Error, Result};
use crate::network::Layer;

/// This family.
pub const CLASSES: &[Class] = &[("MultiHeadAttention", attention)];

const PARTS: [Part; 4] = [
    Part { named: "query", numbered: "query_dense" },
    Part { named: "key", numbered: "key_dense" },
    Part { named: "value", numbered: "value_dense" },
    Part { named: "attention_output", numbered: "output_dense" },
];

fn attention(b: &mut Builder, node: &Node) -> Result<()> {
    let axes = optional(&node.config, "attention_axes", |value| match value.as_array() {
        Some(_) => sizes(value),
        None => Ok(vec![size(value)?]),
    })?;
    let all = node.call.kwargs.get("attention_mask").or(node.call.kwargs.get("use_causal_mask"));
    if axes.is_some_and(|axes| axes != [1]) || all.is_some_and(|mask| !mask.is_null() && mask != false) {
        let help = "attention over the steps of [steps, features], without a mask, is supported";
        return Err(Error::user("has other attention axes, or a mask", help));
    }
    if truth(&node.config, "use_gate", false)?
        || node.config.get("sliding_window").is_some_and(|window| !window.is_null())
    {
        return Err(Error::user("has a gate or a sliding window", "leave them out"));
    }
    // The call is (query, value, key = value), by place or by name.
    let places = node.call.args.iter().filter_map(|arg| arg.get("tensor")?.as_u64()).map(|at| at as usize);
    let places: Vec<usize> = places.collect();
    let place = |name: &str, at: usize| node.call.named(name).or(places.get(at).copied());
    let read = |at: Option<usize>| at.and_then(|at| b.reads().get(at).cloned());
    let (query, value) = (read(place("query", 0)), read(place("value", 1)));
    let (Some(query), Some(value)) = (query, value) else {
        return Err(Error::user("does not read a query and a value", "call it as layer(query, value)"));
    };
    let key = read(place("key", 2)).unwrap_or_else(|| value.clone());
    if b.shape(&query)?.len() != 2 || b.shape(&value)?.len() != 2 {
        return Err(Error::user("attends in tensors that are no [steps, features]", "give each two axes"));
    }
    let query = project(b, node, 0, "query", &query)?;
    let root = (1.0 / (number_of(&node.config, "key_dim")? as f64).sqrt()) as f32;
    let scaled = Layer::new(b.fresh(&format!("{}_scaled", node.name)), "multiply", vec![query]);
    let query = b.push(constant(scaled, vec![f64::from(root)], &[])?);
    let key = project(b, node, 1, "key", &key)?;
    let value = project(b, node, 2, "value", &value)?;
    let einsum = |b: &mut Builder, word: &str, equation: &str, inputs: Vec<String>| {
        let name = b.fresh(&format!("{}_{word}", node.name));
        b.push(Layer::new(name, "einsum", inputs).with("equation", equation))
    };
    einsum(b, "scores", "aecd,abcd->acbe", vec![key, query]);
    let layer = b.extra(node, "softmax", "softmax")?;
    let weights = b.push(layer);
    let heads = einsum(b, "heads", "acbe,aecd->abcd", vec![weights, value]);
    let out = project(b, node, 3, "", &heads)?;
    b.give(vec![out]);
    Ok(())
}

/// A dense product of one of the four parts; the last one has the layer's own name.
fn project(b: &mut Builder, node: &Node, part: usize, word: &str, input: &str) -> Result<String> {
    let biased = truth(&node.config, "use_bias", true)?;
    let arrays = b.arrays_of(node, PARTS[part], if biased { &["kernel", "bias"] } else { &["kernel"] })?;
    let name = if word.is_empty() { node.name.clone() } else { b.fresh(&format!("{}_{word}", node.name)) };
    let equation = if word.is_empty() { "abcd,cde->abe" } else { "abc,cde->abde" };
    let made = Layer::new(name, "einsum_dense", vec![input.to_string()]).with("equation", equation);
    let layer = arrays.into_iter().filter(|(name, _)| biased || name == "kernel");
    let layer = layer.fold(made, |made, (name, tensor)| made.with_tensor(&name, tensor));
    Ok(b.push(layer))
}
