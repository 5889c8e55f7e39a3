//! Inputs, dense layers, and layers that do nothing after training.

use super::super::super::json::{field, optional, size, string};
use super::super::architecture::Node;
use super::super::builder::Builder;
use super::super::quantizer::activation;
use super::Class;
use super::config::{mismatch, number_of, quantized, truth};
use crate::error::{Error, Result};
use crate::network::{Input, Layer};
use serde_json::Value;

/// This family.
pub const CLASSES: &[Class] = &[
    ("InputLayer", input),
    ("Dense", dense),
    ("QDense", dense),
    ("EinsumDense", einsum_dense),
    ("Dropout", identity),
    ("SpatialDropout1D", identity),
    ("SpatialDropout2D", identity),
    ("AlphaDropout", identity),
    ("GaussianNoise", identity),
    ("GaussianDropout", identity),
    ("ActivityRegularization", identity),
];

/// Why others are not here.
pub const REFUSED: &[(&str, &str)] = &[
    ("Lambda", "a Lambda holds Python code, which is not run; use layers of Keras"),
    (
        "Masking",
        "hardware has a fixed number of steps, and the layers behind would skip those that are masked: train without a mask, on \
         sequences padded with zeros",
    ),
];

/// Passes its input on once the training is over.
pub fn identity(b: &mut Builder, _: &Node) -> Result<()> {
    b.one_input().map(drop)
}

fn input(b: &mut Builder, node: &Node) -> Result<()> {
    let keys = ["batch_input_shape", "batch_shape"];
    let shape = keys.iter().find_map(|key| node.config.get(key));
    let shape = shape.ok_or_else(|| Error::user("has no `batch_input_shape`", "give the input a shape"))?;
    let shape = match shape.as_array().map(Vec::as_slice) {
        Some([_, rest @ ..]) => rest.iter().map(size).collect::<Result<Vec<_>>>(),
        _ => Err(Error::user("is not a shape", "expected [null, 16]")),
    };
    let shape = shape.map_err(|error| {
        let help = "hardware needs a fixed shape: build the model with one";
        Error::user(format!("the input's shape is not fixed: it {}", error.what), help)
    })?;
    b.push_input(Input { name: node.name.clone(), shape, format: None, next: None });
    Ok(())
}

/// Pushes a layer, and its own activation behind it, as `LAYER_FUNCTION`.
pub fn push_activated(b: &mut Builder, node: &Node, layer: Layer) -> Result<()> {
    b.push(layer);
    push_activation(b, node, "activation")
}

/// Pushes the activation that an argument names.
pub fn push_activation(b: &mut Builder, node: &Node, argument: &str) -> Result<()> {
    if let Some(function) = optional(&node.config, argument, activation)?.flatten() {
        let function = of_version(b, function);
        let word = function.split('(').next().unwrap_or(&function).trim_end_matches("_keras2").to_string();
        let layer = b.extra(node, &word, "activation")?.with("function", function);
        b.push(layer);
    }
    Ok(())
}

/// A function of the Keras that wrote the model: Keras 2 has another hard sigmoid.
pub fn of_version(b: &Builder, call: String) -> String {
    if call == "hard_sigmoid" && b.version() < 3 { "hard_sigmoid_keras2".into() } else { call }
}

fn dense(b: &mut Builder, node: &Node) -> Result<()> {
    let layer = kernel_and_bias(b, node, b.layer(node, "dense"), "units")?;
    let shape = layer.tensors.get("kernel").map(|kernel| kernel.shape.clone()).unwrap_or_default();
    if shape.len() != 2 {
        return Err(mismatch("kernel", &shape, "two axes, (inputs, units)"));
    }
    push_activated(b, node, layer)
}

/// Kernel, bias and their quantizers; the last axis of both is the argument `outputs`.
pub fn kernel_and_bias(b: &Builder, node: &Node, layer: Layer, outputs: &str) -> Result<Layer> {
    let names: &[&str] = if truth(&node.config, "use_bias", true)? { &["kernel", "bias"] } else { &["kernel"] };
    let mut arrays = b.arrays(node, names)?;
    let units = number_of(&node.config, outputs)?;
    for (name, tensor) in arrays.iter().filter(|(name, _)| names.contains(&name.as_str())) {
        if tensor.shape.last() != Some(&units) || (name == "bias" && tensor.shape.len() != 1) {
            let expected =
                if name == "bias" { format!("[{units}]") } else { format!("{units} as its last axis (`{outputs}`)") };
            return Err(mismatch(name, &tensor.shape, &expected));
        }
    }
    let layer = quantized(node, layer, &mut arrays, ["kernel", "kernel"], "kernel_quantizer")?;
    if names.len() == 1 {
        return Ok(layer);
    }
    quantized(node, layer, &mut arrays, ["bias", "bias"], "bias_quantizer")
}

fn einsum_dense(b: &mut Builder, node: &Node) -> Result<()> {
    let equation = field(&node.config, "equation", string)?;
    let biased = node.config.get("bias_axes").is_some_and(|axes| axes != &Value::Null);
    let mut arrays = b.arrays(node, if biased { &["kernel", "bias"] } else { &["kernel"] })?;
    let layer = b.layer(node, "einsum_dense").with("equation", equation);
    let layer = quantized(node, layer, &mut arrays, ["kernel", "kernel"], "kernel_quantizer")?;
    let layer = if biased { quantized(node, layer, &mut arrays, ["bias", "bias"], "bias_quantizer")? } else { layer };
    push_activated(b, node, layer)
}
