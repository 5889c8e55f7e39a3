//! LSTM and GRU, unrolled: `nnet_recurrent.h` in the casts of our recurrent layers.
//!
//! Products, sums and what the functions give are of `accum_t`, both states of the result's type. hls4ml 1.3 compiles an LSTM
//! in its C simulation only where input, accumulator and result have one type.

use super::activation::table_size;
use super::emit::Emitter;
use super::graph::Node;
use super::types::Type;
use super::weights;
use crate::error::{At, Error, Result};
use crate::network::{Layer, Network, Tensor};
use serde_json::Value;
use std::collections::BTreeMap;

/// Functions that `nnet_recr_activations.h` has.
const FUNCTIONS: [&str; 3] = ["relu", "sigmoid", "tanh"];

/// hls4ml's class of a layer.
///
/// # Errors
/// hls4ml does not compute it.
pub fn class(layer: &Layer) -> Result<&'static str> {
    check(layer, false)?;
    Ok(if layer.kind == "lstm" { "LSTM" } else { "GRU" })
}

/// The layers of each `Bidirectional` that joins both directions, by its name, as the reader of Keras files makes them: the forward
/// and the backward layer, for sequences one that turns them round, and the one that joins.
pub fn bidirectional(network: &Network) -> BTreeMap<String, Vec<Layer>> {
    let find = |name: Option<&String>| network.layers.iter().find(|layer| Some(&layer.name) == name);
    let parts = |whole: &Layer| {
        let (forward, mut backward) = (find(whole.inputs.first())?, find(whole.inputs.get(1))?);
        let reversed = Some(backward).filter(|layer| layer.kind == "reverse");
        if let Some(reversed) = reversed {
            backward = find(reversed.inputs.first())?;
        }
        let named = |layer: &Layer, word: &str| {
            ["lstm", "gru"].contains(&layer.kind.as_str()) && layer.name.starts_with(&format!("{}_{word}", whole.name))
        };
        let fits = named(forward, "forward") && named(backward, "backward") && forward.inputs == backward.inputs;
        let all = [Some(forward), Some(backward), reversed, Some(whole)];
        fits.then(|| (whole.name.clone(), all.into_iter().flatten().cloned().collect()))
    };
    network.layers.iter().filter(|layer| layer.kind == "concatenate").filter_map(parts).collect()
}

/// Refuses what hls4ml does not compute.
///
/// # Errors
/// It is such a layer.
pub fn check(layer: &Layer, backwards: bool) -> Result<()> {
    let text = |key: &str, default: &'static str| match layer.attributes.get(key) {
        None => default.to_string(),
        Some(value) => value.as_str().map_or_else(|| value.to_string(), str::to_string),
    };
    for (key, default) in [("activation", "tanh"), ("recurrent_activation", "sigmoid")] {
        let function = text(key, default);
        if !FUNCTIONS.contains(&function.as_str()) {
            let what = format!("`{key}` is `{function}`, which hls4ml's recurrent layers do not have");
            return Err(Error::user(what, format!("use {}", FUNCTIONS.join(", "))));
        }
    }
    let truth = |key: &str, default| layer.attributes.get(key).and_then(Value::as_bool).unwrap_or(default);
    if truth("go_backwards", false) != backwards {
        return Err(Error::user("`go_backwards` is true, which hls4ml 1.3 passes over", "reverse the input"));
    }
    if layer.kind == "gru" && !truth("reset_after", true) {
        return Err(Error::user(
            "`reset_after` is false; hls4ml's GRU resets after the product",
            "train with reset_after",
        ));
    }
    let known = ["units", "activation", "recurrent_activation", "return_sequences", "go_backwards", "reset_after"];
    if let Some(other) = layer.attributes.keys().find(|key| !known.contains(&key.as_str())) {
        let help = "hls4ml 1.3 quantizes no weights of recurrent layers by quantizers of the network; use LSTM or GRU";
        return Err(Error::user(format!("a recurrent layer with `{other}`"), help));
    }
    Ok(())
}

/// Adds the layer.
///
/// # Errors
/// A strategy or type that is not followed, or tensors of wrong shapes.
pub fn emit(g: &mut Emitter, node: &Node) -> Result<()> {
    emit_cell(g, node, node.layer.clone(), "")
}

/// Adds the layers of both directions.
///
/// # Errors
/// As of [`emit`].
pub fn emit_both(g: &mut Emitter, node: &Node) -> Result<()> {
    for (at, part) in node.parts.iter().enumerate() {
        let place = || format!("layer `{}`", part.name);
        match at {
            0 | 1 => {
                let layer = Layer { inputs: node.layer.inputs.clone(), ..part.clone() };
                emit_cell(g, node, layer, ["forward_", "backward_"][at]).at(place())?;
            }
            _ => {
                g.push(part.clone());
            }
        }
    }
    Ok(())
}

/// A layer of one direction; its weights' types have the direction before their names.
fn emit_cell(g: &mut Emitter, node: &Node, mut layer: Layer, direction: &str) -> Result<()> {
    let accumulator = node.known("accum")?;
    g.check_strategy(node, accumulator)?;
    let (accumulator, result) = (accumulator.to_string(), node.known("result")?.to_string());
    for format in ["product", "accumulator", "gate", "activation", "recurrent_activation"] {
        layer = layer.with(&format!("{format}_format"), accumulator.clone());
    }
    layer = layer.with("state_format", result.clone());
    if layer.kind == "lstm" {
        layer = layer.with("carry_format", result);
    }
    let size = table_size(g.precision, node)?;
    layer = layer.with("table_format", g.table_type(node)?.to_string()).with("table_size", size);
    let known = |usage: &str| node.known(&format!("{direction}{usage}"));
    for (tensor, usage) in [("kernel", "weight"), ("recurrent_kernel", "recurrent_weight")] {
        if let Some(found) = layer.tensors.get_mut(tensor) {
            *found = weights::stored(found, known(usage)?).at(format!("`{tensor}`"))?;
        }
    }
    if let Some(bias) = layer.tensors.get_mut("bias") {
        *bias = biases(bias, known("bias")?, known("recurrent_bias")?).at("`bias`")?;
    }
    g.push(layer);
    Ok(())
}

/// Rows of biases, each in its type.
fn biases(bias: &Tensor, input: Type, state: Type) -> Result<Tensor> {
    let [2, columns] = bias.shape[..] else { return weights::stored(bias, input) };
    let row = |row: usize, known: Type| {
        let data = bias.data.get(row * columns..(row + 1) * columns).unwrap_or_default().to_vec();
        weights::stored(&Tensor::vector(data), known)
    };
    let mut both = row(0, input)?;
    both.data.extend(row(1, state)?.data);
    Ok(Tensor { shape: bias.shape.clone(), data: both.data })
}
