//! Normalisations and scales.

use super::super::super::json::{number, optional};
use super::super::architecture::Node;
use super::super::builder::Builder;
use super::super::quantizer::quantizer;
use super::Class;
use super::config::{axis, constant, floats, mismatch, truth};
use crate::error::{At, Error, Result};
use crate::network::Tensor;
use serde_json::Value;

/// This family.
pub const CLASSES: &[Class] = &[
    ("BatchNormalization", batch_norm),
    ("QBatchNormalization", batch_norm),
    ("SyncBatchNormalization", batch_norm),
    ("LayerNormalization", layer_norm),
    ("Normalization", normalization),
    ("Rescaling", rescaling),
];

/// Why others are not here.
pub const REFUSED: &[(&str, &str)] = &[
    ("GroupNormalization", "use LayerNormalization or BatchNormalization"),
    ("UnitNormalization", "it divides by a norm of the data; use BatchNormalization"),
];

/// The quantizers of a QBatchNormalization; each quantizes one array, and the last one `gamma / sqrt(variance + epsilon)`.
const QUANTIZERS: [&str; 5] =
    ["gamma_quantizer", "beta_quantizer", "mean_quantizer", "variance_quantizer", "inverse_quantizer"];

/// Gamma and beta, as far as they are there.
fn scale_and_center(config: &Value) -> Result<Vec<&'static str>> {
    let mut names = Vec::new();
    for (argument, name) in [("scale", "gamma"), ("center", "beta")] {
        if truth(config, argument, true)? {
            names.push(name);
        }
    }
    Ok(names)
}

fn batch_norm(b: &mut Builder, node: &Node) -> Result<()> {
    let axis = axis(b, &node.config, -1)?;
    let input = b.one_input()?;
    let last = b.shape(&input).map(|shape| shape.len() as i64).unwrap_or(0);
    // Behind the axis, channels move to the end and back.
    let moved = (axis != -1).then(|| {
        let from = (last + axis).max(0) as usize;
        let rest = (0..last as usize).filter(|at| *at != from);
        let to: Vec<usize> = rest.chain([from]).collect();
        let mut back = vec![0; to.len()];
        to.iter().enumerate().for_each(|(at, axis)| back[*axis] = at);
        (to, back)
    });
    if let Some((to, _)) = &moved {
        let layer = b.extra(node, "channels_last", "transpose")?.with("perm", to.clone());
        b.push(layer);
    }
    let epsilon = optional(&node.config, "epsilon", number)?.unwrap_or(1e-3);
    let mut names = scale_and_center(&node.config)?;
    names.extend(["moving_mean", "moving_variance"]);
    let mut arrays = b.arrays(node, &names)?;
    let mut layer = b.layer(node, "batch_norm").with("epsilon", epsilon);
    for name in names {
        if let Some(tensor) = arrays.remove(name) {
            layer = layer.with_tensor(name.trim_start_matches("moving_"), tensor);
        }
    }
    let channels = layer.tensors["mean"].shape.clone();
    if let Some((name, other)) = layer.tensors.iter().find(|(_, tensor)| tensor.shape != channels) {
        return Err(mismatch(name, &other.shape, &format!("{channels:?}, as the mean has")));
    }
    for name in QUANTIZERS {
        let used = layer.tensors.contains_key(name.trim_end_matches("_quantizer")) || name == "inverse_quantizer";
        if let Some(call) = optional(&node.config, name, quantizer)?.flatten().filter(|_| used) {
            layer = layer.with(name, call);
        }
    }
    b.push(layer);
    if let Some((_, back)) = moved {
        let layer = b.extra(node, "channels_back", "transpose")?.with("perm", back);
        b.push(layer);
    }
    Ok(())
}

fn layer_norm(b: &mut Builder, node: &Node) -> Result<()> {
    if truth(&node.config, "rms_scaling", false)? {
        return Err(Error::user("has `rms_scaling`", "use the layer without it"));
    }
    let axis = axis(b, &node.config, -1)?;
    let epsilon = optional(&node.config, "epsilon", number)?.unwrap_or(1e-3);
    let names = scale_and_center(&node.config)?;
    let mut layer = b.layer(node, "layer_norm").with("axis", axis).with("epsilon", epsilon);
    for (name, tensor) in b.arrays(node, &names)? {
        layer = layer.with_tensor(&name, tensor);
    }
    b.push(layer);
    Ok(())
}

/// `(x - mean) / max(sqrt(variance), epsilon)`, with Keras' epsilon of 1e-7; or its inverse.
fn normalization(b: &mut Builder, node: &Node) -> Result<()> {
    let given = |name: &str| optional(&node.config, name, floats);
    let (mean, variance) = match (given("mean")?, given("variance")?) {
        (Some(mean), Some(variance)) => (mean, variance),
        _ => {
            let mut arrays = b.arrays(node, &["mean|adapt_mean", "variance|adapt_variance", "count?"])?;
            let mut take = |name: &str| arrays.remove(name).map(|tensor: Tensor| tensor.data).unwrap_or_default();
            (take("mean"), take("variance"))
        }
    };
    let axis = axis_or_scalar(b, node)?;
    let deviation: Vec<f64> = variance.iter().map(|v| f64::from((*v as f32).sqrt().max(1e-7))).collect();
    let shape =
        |values: &[f64]| if values.len() == 1 { Vec::new() } else { [vec![values.len()], vec![1; axis]].concat() };
    let mut steps = [("subtract", "add", mean), ("divide", "multiply", deviation)];
    if truth(&node.config, "invert", false)? {
        steps.reverse();
    }
    for (at, (forward, inverse, values)) in steps.into_iter().enumerate() {
        let kind = if truth(&node.config, "invert", false)? { inverse } else { forward };
        let layer = if at == 1 { b.layer(node, kind) } else { b.extra(node, kind, kind)? };
        let shape = shape(&values);
        b.push(constant(layer, values, &shape)?);
    }
    Ok(())
}

/// How many axes are behind the one that is normalised.
fn axis_or_scalar(b: &Builder, node: &Node) -> Result<usize> {
    match node.config.get("axis") {
        Some(Value::Null) => Ok(0),
        Some(Value::Array(axes)) if axes.is_empty() => Ok(0),
        _ => Ok((-1 - axis(b, &node.config, -1)?).max(0) as usize),
    }
}

/// `x * scale + offset` in float32.
fn rescaling(b: &mut Builder, node: &Node) -> Result<()> {
    let given = |name: &str, default: f64| -> Result<Vec<f64>> {
        Ok(optional(&node.config, name, floats)?.unwrap_or_else(|| vec![default]))
    };
    let (scale, offset) = (given("scale", 1.0)?, given("offset", 0.0).at("`offset`")?);
    let shape = |values: &[f64]| if values.len() == 1 { Vec::new() } else { vec![values.len()] };
    let layer = b.layer(node, "multiply");
    let at = shape(&scale);
    b.push(constant(layer, scale, &at)?);
    if offset.iter().any(|value| *value != 0.0) {
        let layer = b.extra(node, "offset", "add")?;
        let at = shape(&offset);
        b.push(constant(layer, offset, &at)?);
    }
    Ok(())
}
