//! Arithmetic between tensors, and between a tensor and a constant.
//!
//! A constant that is added to a product, and to nothing else, becomes the product's bias. Multiplying by 1 and adding 0
//! are left out.

use super::super::constant::Constant;
use super::super::graph::{Graph, Tensor, Value, against, undequantized};
use super::super::node::Node;
use super::activation::function;
use super::fold::{each, pairs};
use super::{Operator, refuse};
use crate::error::{Error, Result};
use crate::network::Tensor as Array;

/// The family.
pub const OPERATORS: &[(&str, Operator)] = &[
    ("Add", |g, node| binary(g, node, "add")),
    ("Sub", |g, node| binary(g, node, "subtract")),
    ("Mul", |g, node| binary(g, node, "multiply")),
    ("Div", |g, node| binary(g, node, "divide")),
    ("Max", |g, node| several(g, node, "maximum")),
    ("Min", |g, node| several(g, node, "minimum")),
    ("Sum", |g, node| several(g, node, "add")),
    ("Mean", |g, node| several(g, node, "average")),
    ("Pow", power),
    ("Neg", negate),
    ("Where", |_, _| refuse("choosing by a condition is not supported", "use Max, Min, Clip or Relu")),
];

fn folded(kind: &str, a: &Constant, b: &Constant) -> Result<Constant> {
    match kind {
        "add" => pairs(a, b, |x, y| x + y, i64::checked_add),
        "subtract" => pairs(a, b, |x, y| x - y, i64::checked_sub),
        "multiply" => pairs(a, b, |x, y| x * y, i64::checked_mul),
        "divide" => pairs(a, b, |x, y| x / y, i64::checked_div),
        "maximum" => pairs(a, b, f32::max, |x, y| Some(x.max(y))),
        "minimum" => pairs(a, b, f32::min, |x, y| Some(x.min(y))),
        _ => refuse("constants with an average", "fold constants first: python -m onnxsim IN OUT").map(|()| a.clone()),
    }
}

fn binary(g: &mut Graph, node: &Node, kind: &str) -> Result<()> {
    let y = match (g.value(node, 0)?, g.value(node, 1)?) {
        (Value::Constant(a), Value::Constant(b)) => {
            let folded = folded(kind, &a, &b)?;
            return g.folds(node, folded);
        }
        (Value::Tensor(a), Value::Tensor(b)) => tensors(g, node, kind, &a, &b)?,
        (Value::Tensor(x), Value::Constant(c)) => constant(g, node, kind, &x, &c, false)?,
        (Value::Constant(c), Value::Tensor(x)) => match kind {
            "divide" => {
                let layer = g.layer(node, "activation", &[&x]).with("function", "reciprocal");
                let x = g.elementwise(&x, layer);
                constant(g, node, "multiply", &x, &c, false)?
            }
            _ => constant(g, node, kind, &x, &c, true)?,
        },
        _ => return Err(undequantized()),
    };
    g.gives(node, y)
}

/// Both operands computed.
fn tensors(g: &mut Graph, node: &Node, kind: &str, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let fits = |(x, y): (&usize, &usize)| x == y || *x == 1 || *y == 1;
    if a.rank() != b.rank() || !a.shape.iter().zip(&b.shape).all(fits) || a.batch() != b.batch() {
        let what = format!("tensors of shapes {:?} and {:?}", a.shape, b.shape);
        return Err(Error::user(what, "give both as many axes, equal or of length 1"));
    }
    if kind == "divide" {
        return refuse("a division by computed values", "divide by a constant").map(|()| a.clone());
    }
    let b = g.arranged(b, &a.order)?;
    let layer = g.layer(node, kind, &[a, &b]);
    let mut y = g.elementwise(a, layer);
    y.shape.iter_mut().zip(&b.shape).for_each(|(own, other)| *own = *(own as &usize).max(other));
    Ok(y)
}

/// One operand constant.
fn constant(g: &mut Graph, node: &Node, kind: &str, x: &Tensor, c: &Constant, first: bool) -> Result<Tensor> {
    let neutral = match kind {
        "add" => Some(0.0),
        "subtract" if !first => Some(0.0),
        "multiply" | "divide" => Some(1.0),
        _ => None,
    };
    let (array, shape) = against(c, x)?;
    if shape == x.shape && array.data.iter().all(|value| Some(*value) == neutral) {
        return Ok(x.clone());
    }
    let from = node.input(if first { 1 } else { 0 }).unwrap_or("");
    if kind == "add"
        && shape == x.shape
        && g.read_once(from)
        && let Some(y) = as_bias(g, x, &array)
    {
        return Ok(y);
    }
    let mut layer = g.layer(node, kind, &[x]).with_tensor("constant", array);
    if first && kind == "subtract" {
        layer = layer.with("constant_first", true);
    }
    let y = g.elementwise(x, layer);
    Ok(Tensor { shape, ..y })
}

/// Gives the product behind `x` a bias, if it is one without.
fn as_bias(g: &mut Graph, x: &Tensor, bias: &Array) -> Option<Tensor> {
    let outputs = *x.physical().last()?;
    let data = match bias.data.len() {
        1 => vec![bias.data[0]; outputs],
        count if count == outputs && bias.shape == [outputs] => bias.data.clone(),
        _ => return None,
    };
    let layer = g.network.layers.iter_mut().rev().find(|layer| layer.name == x.layer)?;
    if !["dense", "conv1d", "conv2d"].contains(&layer.kind.as_str()) || layer.tensors.contains_key("bias") {
        return None;
    }
    layer.tensors.insert("bias".into(), Array::vector(data));
    Some(x.clone())
}

fn several(g: &mut Graph, node: &Node, kind: &str) -> Result<()> {
    let values = (0..node.inputs.len()).map(|index| g.value(node, index)).collect::<Result<Vec<_>>>()?;
    if kind == "average" {
        let mut all = values.into_iter().map(|value| match value {
            Value::Tensor(tensor) => Ok(tensor),
            _ => Err(Error::user("an average with constants", "use Add and Mul")),
        });
        let first = all.next().ok_or_else(|| Error::user("it has no arguments", "give it some"))??;
        let mut parts = vec![first.clone()];
        for tensor in all {
            let tensor = g.arranged(&tensor?, &first.order)?;
            if tensor.shape != first.shape {
                return refuse("an average of tensors of different shapes", "make the shapes equal");
            }
            parts.push(tensor);
        }
        let parts: Vec<&Tensor> = parts.iter().collect();
        let layer = g.layer(node, kind, &parts);
        let y = g.elementwise(&first, layer);
        return g.gives(node, y);
    }
    let mut all = values.into_iter();
    let mut result = all.next().ok_or_else(|| Error::user("it has no arguments", "give it some"))?;
    for value in all {
        result = match (result, value) {
            (Value::Constant(a), Value::Constant(b)) => Value::Constant(folded(kind, &a, &b)?.into()),
            (Value::Tensor(a), Value::Tensor(b)) => Value::Tensor(tensors(g, node, kind, &a, &b)?),
            (Value::Tensor(x), Value::Constant(c)) | (Value::Constant(c), Value::Tensor(x)) => {
                let (array, shape) = against(&c, &x)?;
                let layer = g.layer(node, kind, &[&x]).with_tensor("constant", array);
                let y = g.elementwise(&x, layer);
                Value::Tensor(Tensor { shape, ..y })
            }
            _ => return Err(undequantized()),
        };
    }
    g.result(node, 0, result);
    Ok(())
}

fn power(g: &mut Graph, node: &Node) -> Result<()> {
    let exponent = g.required(node, 1)?;
    if let Value::Constant(base) = g.value(node, 0)? {
        let root = |x: f32, y: f32| if y == 0.5 { x.sqrt() } else { x.powf(y) };
        let folded = pairs(
            &base,
            &Constant { kind: super::super::constant::Kind::Float, ..(*exponent).clone() },
            root,
            |_, _| None,
        )?;
        return g.folds(node, folded);
    }
    match exponent.scalar() {
        Some(1.0) => {
            let x = g.value(node, 0)?;
            g.result(node, 0, x);
            Ok(())
        }
        Some(2.0) => function(g, node, "square"),
        Some(0.5) => function(g, node, "sqrt"),
        Some(-1.0) => function(g, node, "reciprocal"),
        _ => refuse("a power with this exponent", "exponents 2, 1, 0.5 and -1 are supported"),
    }
}

fn negate(g: &mut Graph, node: &Node) -> Result<()> {
    match g.value(node, 0)? {
        Value::Constant(c) => {
            let folded = each(&c, |x| -x)?;
            g.folds(node, folded)
        }
        Value::Tensor(x) => {
            let minus = Constant::float(Vec::new(), vec![-1.0]);
            let y = constant(g, node, "multiply", &x, &minus, false)?;
            g.gives(node, y)
        }
        Value::Pending(_) => Err(undequantized()),
    }
}
