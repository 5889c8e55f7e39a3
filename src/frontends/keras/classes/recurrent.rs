//! Recurrent layers, and the wrappers of sequences.
//!
//! `SimpleRNN`, `LSTM`, `GRU` and QKeras' forms are one layer each. `Bidirectional` is two of them, `NAME_forward` and
//! `NAME_backward`, the backward sequence reversed, and a merge. `TimeDistributed` is its inner layer on each step.

use super::super::super::json::{optional, size, string};
use super::super::architecture::Node;
use super::super::builder::{Arrays, Builder};
use super::super::quantizer::{activation, quantizer};
use super::super::weights::Part;
use super::config::{truth, wrapped};
use super::core::of_version;
use super::{Class, find};
use crate::error::{At, Error, Result};
use crate::network::Layer;
use serde_json::Value;

/// This family.
pub const CLASSES: &[Class] = &[
    ("SimpleRNN", alone),
    ("LSTM", alone),
    ("GRU", alone),
    ("QSimpleRNN", alone),
    ("QLSTM", alone),
    ("QGRU", alone),
    ("Bidirectional", bidirectional),
    ("QBidirectional", bidirectional),
    ("TimeDistributed", time_distributed),
];

/// Why others are not here.
pub const REFUSED: &[(&str, &str)] = &[
    ("RNN", "a cell of its own has no equations in the file; use SimpleRNN, LSTM or GRU, or their QKeras forms"),
    ("StackedRNNCells", "use one SimpleRNN, LSTM or GRU layer for each cell, with return_sequences=True between them"),
    ("ConvLSTM1D", "convolutional recurrence is not supported; use an LSTM"),
    ("ConvLSTM2D", "convolutional recurrence is not supported; use an LSTM"),
    ("ConvLSTM3D", "convolutional recurrence is not supported; use an LSTM"),
];

/// Kinds that compute each element, or each last axis, by itself: on a longer shape they are their own steps.
const STEPWISE: [&str; 9] =
    ["dense", "activation", "relu", "batch_norm", "add", "subtract", "multiply", "average", "concatenate"];

fn alone(b: &mut Builder, node: &Node) -> Result<()> {
    let input = b.one_input()?;
    let layer = Layer::new(&node.name, "", vec![input]);
    let layer = recurrent(b, node, layer, &node.class, &node.config, Part { named: "", numbered: "cell" }, false)?;
    b.push(layer);
    // A second or third result would be the last state.
    b.give(vec![node.name.clone()]);
    Ok(())
}

/// Fills in a layer from its class, arguments and weights.
fn recurrent(
    b: &Builder,
    node: &Node,
    mut layer: Layer,
    class: &str,
    config: &Value,
    part: Part,
    flip: bool,
) -> Result<Layer> {
    let quantized = class.starts_with('Q');
    layer.kind = match class.trim_start_matches('Q') {
        "SimpleRNN" => "simple_rnn",
        "LSTM" => "lstm",
        "GRU" => "gru",
        _ => {
            let help = "supported: SimpleRNN, LSTM, GRU, and their QKeras forms";
            return Err(Error::user(format!("a wrapped layer of class `{class}` is not supported"), help));
        }
    }
    .into();
    check(config)?;
    let biased = truth(config, "use_bias", true)?;
    let names: &[&str] = if biased { &["kernel", "recurrent_kernel", "bias"] } else { &["kernel", "recurrent_kernel"] };
    let mut arrays = b.arrays_of(node, part, names)?;
    let default = if quantized { "quantized_tanh(8)" } else { "tanh" };
    layer = layer.with("activation", function(b, config, "activation", quantized, default)?);
    if layer.kind != "simple_rnn" {
        let default = if quantized { "hard_sigmoid" } else { "sigmoid" };
        layer = layer.with("recurrent_activation", function(b, config, "recurrent_activation", quantized, default)?);
    }
    if layer.kind == "gru" {
        // Files from before Keras had the argument say it by the shape of the bias.
        let two = arrays.get("bias").map_or(!quantized, |bias| bias.shape.len() == 2);
        layer = layer.with("reset_after", truth(config, "reset_after", two)?);
    }
    for name in ["return_sequences", "go_backwards", "stateful"] {
        let value = truth(config, name, false)? != (flip && name == "go_backwards");
        layer = if value { layer.with(name, true) } else { layer };
    }
    for name in ["kernel_quantizer", "recurrent_quantizer", "bias_quantizer", "state_quantizer"] {
        match optional(config, name, quantizer)?.flatten() {
            Some(call) if name != "bias_quantizer" || biased => layer = layer.with(name, call),
            _ => {}
        }
    }
    if class == "QGRU" && !layer.attributes.contains_key("recurrent_quantizer") {
        kernel_as_recurrent(&mut arrays)?;
    }
    let units = optional(config, "units", size)?;
    layer = units.into_iter().fold(layer, |layer, units| layer.with("units", units));
    Ok(names
        .iter()
        .filter_map(|name| Some((*name, arrays.remove(*name)?)))
        .fold(layer, |layer, (name, tensor)| layer.with_tensor(name, tensor)))
}

/// QKeras 0.9.0 takes the unquantized kernel where a QGRU has no recurrent quantizer (`qrecurrent.py`, `QGRUCell.call`).
fn kernel_as_recurrent(arrays: &mut Arrays) -> Result<()> {
    let (Some(kernel), Some(recurrent)) = (arrays.get("kernel"), arrays.get("recurrent_kernel")) else { return Ok(()) };
    if kernel.shape != recurrent.shape {
        let what = "a QGRU without recurrent_quantizer: QKeras 0.9.0 uses its kernel as the recurrent kernel, and their \
                    shapes differ";
        return Err(Error::user(what, "give it a recurrent_quantizer"));
    }
    let kernel = kernel.clone();
    arrays.insert("recurrent_kernel".into(), kernel);
    Ok(())
}

/// What would need other axes.
fn check(config: &Value) -> Result<()> {
    if truth(config, "time_major", false)? {
        return Err(Error::user("`time_major` is true", "put the time axis behind the sample axis"));
    }
    Ok(())
}

/// A function of a layer. In QKeras' layers a word is a function of QKeras, not of Keras.
fn function(b: &Builder, config: &Value, name: &str, quantized: bool, default: &str) -> Result<String> {
    let found = match config.get(name) {
        None => Some(default.to_string()),
        Some(value) => activation(value).at(format!("`{name}`"))?,
    };
    let found = found.unwrap_or_else(|| "linear".into());
    Ok(match (found.as_str(), quantized) {
        // clip(0.5 x + 0.5, 0, 1), and twice that less 1.
        ("hard_sigmoid", true) => "hard_sigmoid_keras2(0.5,0.5)".into(),
        ("hard_tanh", true) => "hard_tanh".into(),
        ("smooth_sigmoid", true) => "hard_sigmoid_keras2(0.1875,0.5)".into(),
        _ => of_version(b, found),
    })
}

fn bidirectional(b: &mut Builder, node: &Node) -> Result<()> {
    let input = b.one_input()?;
    let (class, config) = wrapped(&node.config, "layer")?;
    let own = node.config.get("backward_layer").is_some_and(|layer| !layer.is_null());
    let (back_class, back_config) = if own { wrapped(&node.config, "backward_layer")? } else { (class, config) };
    let sequences = truth(config, "return_sequences", false)?;
    let half = |b: &mut Builder, word: &str, class, config, part, flip| -> Result<String> {
        let name = b.fresh(&format!("{}_{word}", node.name));
        let layer = Layer::new(name, "", vec![input.clone()]);
        let layer = recurrent(b, node, layer, class, config, part, flip).at(format!("{word} layer"))?;
        Ok(b.push(layer))
    };
    let part = Part { named: "forward_", numbered: "forward_layer/cell" };
    let forward = half(b, "forward", class, config, part, false)?;
    let part = Part { named: "backward_", numbered: "backward_layer/cell" };
    let mut backward = half(b, "backward", back_class, back_config, part, !own)?;
    if sequences {
        let reverse = b.extra(node, "reversed", "reverse")?.with("axis", 0);
        backward = b.push(reverse);
    }
    let merge = match node.config.get("merge_mode") {
        None => Some("concat"),
        Some(mode) => (!mode.is_null()).then(|| string(mode)).transpose().at("`merge_mode`")?,
    };
    let kind = match merge {
        None => {
            b.give(vec![forward, backward]);
            return Ok(());
        }
        Some("concat") => "concatenate",
        Some("sum") => "add",
        Some("mul") => "multiply",
        Some("ave") => "average",
        Some(other) => {
            let what = format!("`merge_mode` is `{other}`");
            return Err(Error::user(what, "known: concat, sum, mul, ave, or none"));
        }
    };
    b.push(Layer::new(&node.name, kind, vec![forward, backward]));
    b.give(vec![node.name.clone()]);
    Ok(())
}

fn time_distributed(b: &mut Builder, node: &Node) -> Result<()> {
    let (class, config) = wrapped(&node.config, "layer")?;
    let inner =
        Node { class: class.to_string(), config: config.clone(), place: node.place.below("layer"), ..node.clone() };
    b.each_step(&inner, find(class)?, |layer| {
        let axis = |layer: &Layer| layer.attributes.get("axis").and_then(Value::as_i64).unwrap_or(-1);
        if STEPWISE.contains(&layer.kind.as_str()) && axis(&layer) < 0 {
            return layer;
        }
        let kind = layer.kind.clone();
        Layer { kind: "time_distributed".into(), ..layer }.with("layer", kind)
    })
    .at(class)
}
