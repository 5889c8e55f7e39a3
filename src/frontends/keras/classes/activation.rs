//! Activations that are layers.

use super::super::super::json::{field, number, optional, size, string};
use super::super::architecture::Node;
use super::super::builder::Builder;
use super::super::quantizer::activation as function;
use super::Class;
use super::config::{axis, truth};
use super::core::of_version;
use crate::error::{Error, Result};

/// This family.
pub const CLASSES: &[Class] = &[
    ("Activation", activation),
    ("QActivation", activation),
    ("QAdaptiveActivation", adaptive),
    ("ReLU", relu),
    ("LeakyReLU", leaky_relu),
    ("PReLU", prelu),
    ("ThresholdedReLU", |b, node| parameter(b, node, "thresholded_relu", "theta", 1.0)),
    ("ELU", |b, node| parameter(b, node, "elu", "alpha", 1.0)),
    ("Softmax", softmax),
];

fn push(b: &mut Builder, node: &Node, call: String) -> Result<()> {
    let layer = b.layer(node, "activation").with("function", call);
    b.push(layer);
    Ok(())
}

fn activation(b: &mut Builder, node: &Node) -> Result<()> {
    let call = field(&node.config, "activation", function)?.unwrap_or_else(|| "linear".into());
    let call = match call.as_str() {
        // QKeras has its own: 0.5 x + 0.5, cut to [0, 1].
        "hard_sigmoid" if node.class == "QActivation" => "hard_sigmoid_keras2(0.5,0.5)".into(),
        _ => of_version(b, call),
    };
    push(b, node, call)
}

/// The quantizer that the moving averages of a training arrived at (QKeras 0.9, `qlayers.py`): its integer bits are in the file.
fn adaptive(b: &mut Builder, node: &Node) -> Result<()> {
    let config = &node.config;
    let name = field(config, "activation", string)?;
    let bits = field(config, "total_bits", size)?;
    let arrays = b.arrays(node, &["quantizer_integer_bits", "ema_min?", "ema_max?"])?;
    let integer = arrays.get("quantizer_integer_bits").map(|tensor| tensor.data.clone()).unwrap_or_default();
    let [integer] = integer.as_slice() else {
        let what = format!("has integer bits for each of {} channels", integer.len());
        return Err(Error::user(what, "train with per_channel=False"));
    };
    let symmetric = u8::from(truth(config, "symmetric", true)?);
    let call = match name {
        "quantized_bits" => format!("quantized_bits({bits},{integer},symmetric={symmetric},alpha=1.0)"),
        "quantized_relu" => {
            let slope = optional(config, "relu_neg_slope", number)?.unwrap_or(0.0);
            format!("quantized_relu({bits},{integer},negative_slope={slope},is_quantized_clip=False)")
        }
        other => return Err(Error::user(format!("adapts `{other}`"), "known: quantized_bits, quantized_relu")),
    };
    push(b, node, call)
}

fn softmax(b: &mut Builder, node: &Node) -> Result<()> {
    let axis = axis(b, &node.config, -1)?;
    let layer = b.layer(node, "softmax");
    b.push(if axis == -1 { layer } else { layer.with("axis", axis) });
    Ok(())
}

fn relu(b: &mut Builder, node: &Node) -> Result<()> {
    let given = |name: &str| optional(&node.config, name, number);
    let (slope, theta) = (given("negative_slope")?.unwrap_or(0.0), given("threshold")?.unwrap_or(0.0));
    match (given("max_value")?, slope == 0.0, theta == 0.0) {
        (None, true, true) => {
            let layer = b.layer(node, "relu");
            b.push(layer);
            Ok(())
        }
        (Some(6.0), true, true) => push(b, node, "relu6".into()),
        (Some(most), true, true) => push(b, node, format!("clip(0,{most})")),
        (None, false, true) => push(b, node, format!("leaky_relu({slope})")),
        (None, true, false) => push(b, node, format!("thresholded_relu({theta})")),
        (most, ..) => {
            let what = format!("combines max_value {most:?}, negative_slope {slope} and threshold {theta}");
            Err(Error::user(what, "use one of the three at a time"))
        }
    }
}

fn leaky_relu(b: &mut Builder, node: &Node) -> Result<()> {
    let name = if node.config.get("negative_slope").is_some() { "negative_slope" } else { "alpha" };
    parameter(b, node, "leaky_relu", name, 0.3)
}

/// A function with one number, which Keras holds as float32.
fn parameter(b: &mut Builder, node: &Node, function: &str, name: &str, default: f64) -> Result<()> {
    let value = optional(&node.config, name, number)?.unwrap_or(default);
    push(b, node, format!("{function}({})", value as f32))
}

fn prelu(b: &mut Builder, node: &Node) -> Result<()> {
    let alpha = b.arrays(node, &["alpha"])?.remove("alpha").unwrap_or_default();
    let layer = b.layer(node, "prelu").with_tensor("alpha", alpha);
    b.push(layer);
    Ok(())
}
