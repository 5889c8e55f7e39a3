//! Operations between layers: Keras 3's `keras.ops`, and TensorFlow's functions that Keras 2 wraps as `TFOpLambda` and
//! `SlicingOpLambda`.
//!
//! An operation reads tensors and numbers, in its call's arguments and, for Keras 3, in its configuration. Axes count the samples'.
//! What would move values from sample to sample is refused.

use super::super::super::json::{integer, list, number, sizes, string, tensor};
use super::super::architecture::Node;
use super::super::builder::Builder;
use super::Class;
use super::slices::slices;
use crate::error::{At, Error, Result};
use crate::network::{Layer, Tensor};
use serde_json::Value;

/// This family.
pub const CLASSES: &[Class] = &[("TFOpLambda", lambda), ("SlicingOpLambda", lambda)];

/// What operations are called here, and in Keras or TensorFlow where that differs.
const SYNONYMS: &[(&str, &str)] = &[
    ("true_divide", "divide"),
    ("truediv", "divide"),
    ("absolute", "abs"),
    ("concat", "concatenate"),
    ("clip_by_value", "clip"),
    ("neg", "negative"),
    ("exp", "exponential"),
    ("swish", "silu"),
    ("getitem", "get_item"),
    ("mat_mul", "matmul"),
    ("reverse", "flip"),
    ("amax", "max"),
    ("amin", "min"),
];

const BINARY: [&str; 6] = ["add", "subtract", "multiply", "divide", "maximum", "minimum"];
const REDUCTIONS: [&str; 4] = ["sum", "mean", "max", "min"];
/// Functions of one number that are called as ours.
const FUNCTIONS: [&str; 20] = [
    "relu",
    "relu6",
    "tanh",
    "sigmoid",
    "softplus",
    "softsign",
    "silu",
    "selu",
    "abs",
    "negative",
    "square",
    "sqrt",
    "rsqrt",
    "exponential",
    "log",
    "sign",
    "floor",
    "ceil",
    "round",
    "reciprocal",
];
const OTHERS: [&str; 15] = [
    "leaky_relu",
    "clip",
    "softmax",
    "concatenate",
    "stack",
    "reshape",
    "transpose",
    "expand_dims",
    "squeeze",
    "get_item",
    "flip",
    "matmul",
    "einsum",
    "identity",
    "stop_gradient",
];

/// An argument of an operation.
enum Operand {
    Tensor(String),
    Constant(Tensor),
}

/// An operation of `keras.ops`: the class `TrueDivide` is `true_divide`.
pub fn keras(b: &mut Builder, node: &Node) -> Result<()> {
    let mut name = String::new();
    for (at, letter) in node.class.chars().enumerate() {
        if letter.is_ascii_uppercase() && at > 0 {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    operation(b, node, &name)
}

/// A function of TensorFlow: `math.reduce_sum` is `sum`.
fn lambda(b: &mut Builder, node: &Node) -> Result<()> {
    let function = super::super::super::json::field(&node.config, "function", string)?;
    let name = function.rsplit('.').next().unwrap_or(function);
    operation(b, node, name.strip_prefix("reduce_").unwrap_or(name))
}

fn operation(b: &mut Builder, node: &Node, name: &str) -> Result<()> {
    let name = SYNONYMS.iter().find(|(theirs, _)| *theirs == name).map_or(name, |(_, ours)| ours);
    match name {
        _ if BINARY.contains(&name) => binary(b, node, name),
        _ if REDUCTIONS.contains(&name) => reduction(b, node, name),
        _ if FUNCTIONS.contains(&name) => function(b, node, name.to_string()),
        "leaky_relu" | "clip" => bounded(b, node, name),
        "softmax" => {
            let axis = axes(b, node, 1, -1)?;
            let read = b.one_input()?;
            let layer = Layer::new(&node.name, "softmax", vec![read]);
            b.push(if axis == [-1] { layer } else { layer.with("axis", axis[0]) });
            Ok(())
        }
        "concatenate" => {
            let axis = axes(b, node, b.reads().len(), -1)?[0];
            let layer = b.layer(node, "concatenate").with("axis", axis);
            b.push(layer);
            Ok(())
        }
        "stack" => stack(b, node),
        "reshape" => reshape(b, node),
        "transpose" => transpose(b, node),
        "expand_dims" | "squeeze" => ones(b, node, name == "squeeze"),
        "flip" => {
            let axis = axes(b, node, 1, 0)?;
            let layer = b.layer(node, "reverse").with("axis", axis);
            b.push(layer);
            Ok(())
        }
        "get_item" => {
            let specs = argument(node, 1, &["key", "slice_spec"]);
            slices(b, node, specs.unwrap_or(&Value::Null))
        }
        "matmul" => matmul(b, node),
        "einsum" => {
            let equation = argument(node, usize::MAX, &["subscripts", "equation"]).map(string).transpose()?;
            let equation = equation.ok_or_else(|| Error::user("has no equation", "give it by name"))?.to_string();
            let layer = b.layer(node, "einsum").with("equation", equation);
            b.push(layer);
            Ok(())
        }
        "identity" | "stop_gradient" => b.one_input().map(drop),
        _ => {
            let known: Vec<&str> = BINARY.iter().chain(&REDUCTIONS).chain(&FUNCTIONS).chain(&OTHERS).copied().collect();
            let help = format!("operations between layers that are: {}; or use a layer of Keras", known.join(", "));
            Err(Error::user(format!("the operation `{name}` is not supported"), help))
        }
    }
}

/// The functions that have numbers.
fn bounded(b: &mut Builder, node: &Node, name: &str) -> Result<()> {
    if name == "leaky_relu" {
        let slope = argument(node, 1, &["negative_slope", "alpha"]).map(number).transpose()?.unwrap_or(0.2);
        return function(b, node, format!("leaky_relu({})", slope as f32));
    }
    let bound = |at: usize, names: &[&str]| {
        let found = argument(node, at, names).ok_or_else(|| Error::user("has no bounds", "give two numbers"))?;
        number(found).map(|bound| bound as f32)
    };
    let (low, high) = (bound(1, &["x_min", "clip_value_min"])?, bound(2, &["x_max", "clip_value_max"])?);
    function(b, node, format!("clip({low},{high})"))
}

/// An argument by its names, or by its place; Keras 3 has some in its configuration. Nothing for null.
fn argument<'n>(node: &'n Node, at: usize, names: &[&str]) -> Option<&'n Value> {
    let named = names.iter().find_map(|name| node.call.kwargs.get(*name).or_else(|| node.config.get(*name)));
    named.or_else(|| node.call.args.get(at)).filter(|value| !value.is_null())
}

fn operand(b: &Builder, node: &Node, at: usize, names: &[&str]) -> Result<Operand> {
    let missing = || Error::user(format!("has no argument {at}"), "write the model again");
    let value = argument(node, at, names).ok_or_else(missing)?;
    if let Some(place) = value.get("tensor").and_then(Value::as_u64) {
        return b.reads().get(place as usize).cloned().map(Operand::Tensor).ok_or_else(missing);
    }
    // Keras 3 wraps arrays.
    let value = value.get("config").and_then(|config| config.get("value")).unwrap_or(value);
    let values = match value {
        Value::Array(_) => tensor(value)?,
        value => Tensor { shape: Vec::new(), data: vec![number(value)?] },
    };
    let data: Vec<f64> = values.data.iter().map(|value| f64::from(*value as f32)).collect();
    let shape = values.shape.clone();
    Ok(Operand::Constant(Tensor { shape, data }))
}

fn binary(b: &mut Builder, node: &Node, kind: &str) -> Result<()> {
    let pair = (operand(b, node, 0, &["x", "x1"])?, operand(b, node, 1, &["y", "x2"])?);
    let (read, mut constant, first) = match pair {
        (Operand::Tensor(left), Operand::Tensor(right)) => {
            if kind == "divide" {
                return Err(Error::user("divides a tensor by a tensor", "multiply by a quantized reciprocal instead"));
            }
            if b.shape(&left)?.len() != b.shape(&right)?.len() {
                let what =
                    "joins tensors of different numbers of axes, of which the samples' would not be the first of both";
                return Err(Error::user(what, "reshape one of them"));
            }
            b.push(Layer::new(&node.name, kind, vec![left, right]));
            return Ok(());
        }
        (Operand::Tensor(read), Operand::Constant(constant)) => (read, constant, false),
        (Operand::Constant(constant), Operand::Tensor(read)) => (read, constant, true),
        _ => return Err(Error::user("reads no tensor", "write the model again")),
    };
    let rank = b.shape(&read)?.len();
    if constant.shape.len() == rank + 1 && constant.shape.first() == Some(&1) {
        constant.shape.remove(0);
    }
    if constant.shape.len() > rank {
        let what = format!("has a constant of shape {:?}, which differs from sample to sample", constant.shape);
        return Err(Error::user(what, "give it a first axis of 1"));
    }
    if first && kind == "divide" {
        return Err(Error::user("divides a constant by a tensor", "multiply by a quantized reciprocal instead"));
    }
    let layer = Layer::new(&node.name, kind, vec![read]).with_tensor("constant", constant);
    b.push(if first && kind == "subtract" { layer.with("constant_first", true) } else { layer });
    Ok(())
}

fn function(b: &mut Builder, node: &Node, function: String) -> Result<()> {
    let layer = b.layer(node, "activation").with("function", function);
    b.push(layer);
    Ok(())
}

/// The argument `axis`, a number or several, counted from the end of a sample's.
fn axes(b: &Builder, node: &Node, at: usize, default: i64) -> Result<Vec<i64>> {
    let input = b.reads().first().cloned().unwrap_or_default();
    let axes = match argument(node, at, &["axis"]) {
        None => vec![default],
        Some(Value::Array(axes)) => axes.iter().map(integer).collect::<Result<_>>()?,
        Some(axis) => vec![integer(axis)?],
    };
    let found: Vec<i64> = axes.into_iter().map(|axis| b.axis(&input, axis)).collect::<Result<_>>().at("`axis`")?;
    match found.is_empty() {
        true => Err(Error::user("`axis` is empty", "name an axis")),
        false => Ok(found),
    }
}

fn reduction(b: &mut Builder, node: &Node, kind: &str) -> Result<()> {
    if argument(node, 1, &["axis"]).is_none() {
        let help = "give it axes without 0, the axis of the samples";
        return Err(Error::user("reduces over all axes, the samples' too", help));
    }
    if argument(node, usize::MAX, &["initial"]).is_some() {
        return Err(Error::user("has an `initial` value", "leave it out"));
    }
    let keep = argument(node, 2, &["keepdims", "keep_dims"]) == Some(&Value::Bool(true));
    let layer = b.layer(node, kind).with("axis", axes(b, node, 1, -1)?);
    b.push(if keep { layer.with("keep_dims", true) } else { layer });
    Ok(())
}

fn stack(b: &mut Builder, node: &Node) -> Result<()> {
    let reads = b.reads().to_vec();
    let first = reads.first().cloned().unwrap_or_default();
    let mut shape = b.shape(&first)?.to_vec();
    let axis = argument(node, reads.len(), &["axis"]).map(integer).transpose()?.unwrap_or(0);
    let place = if axis < 0 { axis + shape.len() as i64 + 1 } else { axis - 1 };
    let place = usize::try_from(place).ok().filter(|place| *place <= shape.len());
    let place = place.ok_or_else(|| Error::user(format!("stacks along axis {axis}"), "use an axis of the sample"))?;
    shape.insert(place, 1);
    let mut rows = Vec::new();
    for read in reads {
        let name = b.fresh(&format!("{}_row", node.name));
        rows.push(b.push(Layer::new(name, "reshape", vec![read]).with("shape", shape.clone())));
    }
    b.push(Layer::new(&node.name, "concatenate", rows).with("axis", place));
    b.give(vec![node.name.clone()]);
    Ok(())
}

fn reshape(b: &mut Builder, node: &Node) -> Result<()> {
    let wanted = argument(node, 1, &["newshape", "shape"]).map(list).transpose()?;
    let wanted: Vec<i64> = wanted.into_iter().flatten().map(|length| length.as_i64().unwrap_or(-1)).collect();
    let size: usize = b.shape(&b.one_input()?)?.iter().product();
    let [-1, rest @ ..] = wanted.as_slice() else {
        return Err(Error::user(
            format!("reshapes to {wanted:?}"),
            "the first axis is that of the samples: give it as -1",
        ));
    };
    let known = rest.iter().try_fold(1usize, |all, length| all.checked_mul(usize::try_from(*length).ok()?));
    if known != Some(size) {
        let what = format!("reshapes samples of {size} elements to {rest:?}");
        return Err(Error::user(what, "a sample keeps its elements: give all lengths but the first"));
    }
    let layer = b.layer(node, "reshape").with("shape", rest.to_vec());
    b.push(layer);
    Ok(())
}

fn transpose(b: &mut Builder, node: &Node) -> Result<()> {
    let axes = argument(node, 1, &["axes", "perm"]).map(sizes).transpose()?.unwrap_or_default();
    let [0, rest @ ..] = axes.as_slice() else {
        let what = format!("transposes to {axes:?}, which moves the axis of the samples");
        return Err(Error::user(what, "give all axes, 0 first"));
    };
    if rest.contains(&0) {
        return Err(Error::user(format!("transposes to {axes:?}"), "give each axis once"));
    }
    let perm: Vec<usize> = rest.iter().map(|axis| axis - 1).collect();
    let layer = b.layer(node, "transpose").with("perm", perm);
    b.push(layer);
    Ok(())
}

/// Adds an axis of 1, or takes some away.
fn ones(b: &mut Builder, node: &Node, squeeze: bool) -> Result<()> {
    let mut shape = b.shape(&b.one_input()?)?.to_vec();
    let value = argument(node, 1, &["axis"]).ok_or_else(|| Error::user("has no axis", "name one"))?;
    let axes = match value {
        Value::Array(axes) => axes.iter().map(integer).collect::<Result<Vec<_>>>()?,
        axis => vec![integer(axis)?],
    };
    let wrong =
        || Error::user(format!("has the axes {axes:?} in a sample of shape {shape:?}"), "count the samples' as 0");
    let last = shape.len() as i64 + i64::from(!squeeze);
    let place = |axis: &i64| usize::try_from(if *axis < 0 { axis + last } else { axis - 1 }).ok();
    let mut places: Vec<usize> = axes.iter().map(place).collect::<Option<_>>().ok_or_else(wrong)?;
    places.sort_unstable_by(|a, b| b.cmp(a));
    let fits = |place: &usize| if squeeze { shape.get(*place) == Some(&1) } else { *place <= shape.len() };
    if !places.iter().all(fits) || (!squeeze && places.len() != 1) {
        return Err(wrong());
    }
    for place in places {
        if squeeze {
            shape.remove(place);
        } else {
            shape.insert(place, 1);
        }
    }
    let layer = b.layer(node, "reshape").with("shape", shape);
    b.push(layer);
    Ok(())
}

fn matmul(b: &mut Builder, node: &Node) -> Result<()> {
    let yes = |name: &str| argument(node, usize::MAX, &[name]) == Some(&Value::Bool(true));
    if ["transpose_a", "adjoint_a", "adjoint_b"].into_iter().any(yes) {
        return Err(Error::user("transposes its first operand", "transpose it before"));
    }
    let (left, right) = (operand(b, node, 0, &["a", "x1"])?, operand(b, node, 1, &["b", "x2"])?);
    let (Operand::Tensor(left), Operand::Tensor(right)) = (left, right) else {
        return Err(Error::user("multiplies by a constant matrix", "use a Dense layer"));
    };
    if b.shape(&left)?.len() < 2 || b.shape(&left)?.len() != b.shape(&right)?.len() {
        let what = "multiplies tensors that are no matrices, or of different numbers of axes";
        return Err(Error::user(what, "give each sample of both two axes or more"));
    }
    let layer = Layer::new(&node.name, "matmul", vec![left, right]);
    b.push(if yes("transpose_b") { layer.with("transpose_b", true) } else { layer });
    Ok(())
}
