//! Activations that are layers.

use super::super::super::json::{field, number, optional, size, string};
use super::super::architecture::Node;
use super::super::builder::Builder;
use super::super::quantizer::activation as function;
use super::Class;
use super::config::{axis, truth};
use super::core::of_version;
use crate::error::{Error, Result};
use serde_json::Value;

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

/// The quantizer that the moving averages of a training arrived at (QKeras 0.9, `qlayers.py`). Its integer bits are in the file,
/// or, where Keras does not track them (2.15 does not), are those of the averages.
fn adaptive(b: &mut Builder, node: &Node) -> Result<()> {
    let config = &node.config;
    let name = field(config, "activation", string)?;
    let bits = field(config, "total_bits", size)?;
    let arrays = b.arrays(node, &["quantizer_integer_bits?", "ema_min?", "ema_max?"])?;
    let one = |name: &str| match arrays.get(name).map(|tensor| tensor.data.as_slice()) {
        None => Ok(None),
        Some([one]) => Ok(Some(*one)),
        Some(several) => {
            let what = format!("has integer bits for each of {} channels", several.len());
            Err(Error::user(what, "train with per_channel=False"))
        }
    };
    let integer = match (one("quantizer_integer_bits")?, one("ema_min")?, one("ema_max")?) {
        (Some(integer), ..) => integer,
        (None, Some(low), Some(high)) => integer_bits(config, name, bits, low as f32, high as f32)?,
        _ => {
            let what = "the weights have neither the quantizer's integer bits nor its moving averages";
            return Err(Error::user(what, "save the model's weights after the training"));
        }
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

/// `_get_integer_bits` of QKeras 0.9, `qlayers.py`, in its float32 operations.
fn integer_bits(config: &Value, name: &str, bits: usize, low: f32, high: f32) -> Result<f64> {
    let negative = name == "quantized_bits" || optional(config, "relu_neg_slope", number)?.unwrap_or(0.0) != 0.0;
    let (low, high) = if negative { (low, high) } else { (low.max(0.0), high.max(0.0)) };
    let unsigned = bits as f32 - f32::from(u8::from(negative));
    let log2 = |value: f32| (libm::log(f64::from(value.abs())) as f32 / std::f32::consts::LN_2).max(0.0);
    let (mut below, mut above) = (log2(low), log2(high));
    if truth(config, "po2_rounding", false)? {
        (below, above) = (below.round_ties_even(), above.round_ties_even());
    } else {
        (below, above) = (below.ceil(), above.ceil());
        let most = |integer: f32| integer.exp2() - (integer - unsigned).min(0.0).exp2();
        above += f32::from(u8::from(high > most(above)));
        if truth(config, "symmetric", true)? {
            below += f32::from(u8::from(-most(below) > low));
        }
    }
    Ok(f64::from(below.max(above).min(unsigned)))
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
