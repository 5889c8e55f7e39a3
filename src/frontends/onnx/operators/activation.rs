//! Functions of single elements, and `Softmax`.

use super::super::constant::Constant;
use super::super::graph::{Graph, Pending, Tensor, Value, against, axis};
use super::super::node::Node;
use super::fold::each;
use super::{Operator, refuse};
use crate::error::{Error, Result};
use std::rc::Rc;

/// The family.
pub const OPERATORS: &[(&str, Operator)] = &[
    ("Relu", relu),
    ("Sigmoid", |g, node| function(g, node, "sigmoid")),
    ("Tanh", |g, node| function(g, node, "tanh")),
    ("Softplus", |g, node| function(g, node, "softplus")),
    ("Softsign", |g, node| function(g, node, "softsign")),
    ("HardSwish", |g, node| function(g, node, "hard_silu")),
    ("Exp", |g, node| function(g, node, "exponential")),
    ("Log", |g, node| function(g, node, "log")),
    ("Sqrt", |g, node| function(g, node, "sqrt")),
    ("Reciprocal", |g, node| function(g, node, "reciprocal")),
    ("Abs", |g, node| function(g, node, "abs")),
    ("Sign", |g, node| function(g, node, "sign")),
    ("Floor", |g, node| function(g, node, "floor")),
    ("Ceil", |g, node| function(g, node, "ceil")),
    ("Round", |g, node| function(g, node, "round")),
    ("LeakyRelu", |g, node| function(g, node, &format!("leaky_relu({})", node.float("alpha", 0.01)))),
    ("ThresholdedRelu", |g, node| function(g, node, &format!("thresholded_relu({})", node.float("alpha", 1.0)))),
    ("Elu", |g, node| function(g, node, &format!("elu({})", node.float("alpha", 1.0)))),
    ("Selu", selu),
    ("Gelu", gelu),
    ("HardSigmoid", hard_sigmoid),
    ("PRelu", prelu),
    ("Clip", clip),
    ("Softmax", softmax),
    ("LogSoftmax", |_, _| {
        refuse("the logarithm of a softmax is not supported", "end the model at the logits, or at a Softmax")
    }),
    ("Erf", |_, _| {
        refuse("the error function is not supported by itself", "export GELU as the operator Gelu (opset 20)")
    }),
];

fn relu(g: &mut Graph, node: &Node) -> Result<()> {
    match g.value(node, 0)? {
        Value::Constant(c) => {
            let folded = each(&c, |x| x.max(0.0))?;
            g.folds(node, folded)
        }
        _ => {
            let x = g.tensor(node, 0)?;
            let layer = g.layer(node, "relu", &[&x]);
            let y = g.elementwise(&x, layer);
            g.gives(node, y)
        }
    }
}

/// The same function, folded.
fn known(name: &str) -> Option<fn(f32) -> f32> {
    Some(match name {
        "exponential" => f32::exp,
        "log" => f32::ln,
        "sqrt" => f32::sqrt,
        "reciprocal" => f32::recip,
        "abs" => f32::abs,
        "floor" => f32::floor,
        "ceil" => f32::ceil,
        "round" => f32::round_ties_even,
        "tanh" => f32::tanh,
        "sigmoid" => |x| 1.0 / (1.0 + (-x).exp()),
        _ => return None,
    })
}

/// A layer with a function of ours.
pub fn function(g: &mut Graph, node: &Node, text: &str) -> Result<()> {
    if let (Value::Constant(c), Some(function)) = (g.value(node, 0)?, known(text)) {
        let folded = each(&c, function)?;
        return g.folds(node, folded);
    }
    let x = g.tensor(node, 0)?;
    let y = applied(g, node, &x, text);
    g.gives(node, y)
}

/// A function of a tensor.
fn applied(g: &mut Graph, node: &Node, x: &Tensor, text: &str) -> Tensor {
    let layer = g.layer(node, "activation", &[x]).with("function", text);
    g.elementwise(x, layer)
}

fn selu(g: &mut Graph, node: &Node) -> Result<()> {
    let near = |name: &str, value: f32| (node.float(name, value) - value).abs() < 1e-5;
    if !near("alpha", 1.673_263_2) || !near("gamma", 1.050_701) {
        return refuse("its `alpha` or `gamma` is not SELU's own", "use Elu and Mul");
    }
    function(g, node, "selu")
}

fn gelu(g: &mut Graph, node: &Node) -> Result<()> {
    let tanh = node.text("approximate", "none") == "tanh";
    function(g, node, if tanh { "gelu_tanh" } else { "gelu" })
}

/// `max(0, min(1, alpha * x + beta))`, in this order.
fn hard_sigmoid(g: &mut Graph, node: &Node) -> Result<()> {
    let mut x = g.tensor(node, 0)?;
    for (kind, value) in [("multiply", node.float("alpha", 0.2)), ("add", node.float("beta", 0.5))] {
        let constant = Constant::float(Vec::new(), vec![f64::from(value)]);
        let layer = g.layer(node, kind, &[&x]).with_tensor("constant", against(&constant, &x)?.0);
        x = g.elementwise(&x, layer);
    }
    let y = applied(g, node, &x, "clip(0,1)");
    g.gives(node, y)
}

fn prelu(g: &mut Graph, node: &Node) -> Result<()> {
    let x = g.tensor(node, 0)?;
    let slope = g.required(node, 1)?;
    if let Some(slope) = slope.scalar() {
        return function(g, node, &format!("leaky_relu({slope})"));
    }
    let (alpha, shape) = against(&slope, &x)?;
    if shape != x.shape {
        return Err(Error::user("its slopes do not fit its input", "give one slope, or one per channel"));
    }
    let layer = g.layer(node, "prelu", &[&x]).with_tensor("alpha", alpha);
    let y = g.elementwise(&x, layer);
    g.gives(node, y)
}

/// Bounds are attributes before version 11, arguments since.
fn clip(g: &mut Graph, node: &Node) -> Result<()> {
    let bound = |index: usize, name: &str| -> Result<Option<f64>> {
        if node.has(name) {
            return Ok(Some(f64::from(node.float(name, 0.0))));
        }
        let Some(constant) = g.constant(node, index)? else { return Ok(None) };
        let many = || Error::user("a bound of Clip has several elements", "give one number");
        constant.scalar().ok_or_else(many).map(Some)
    };
    let infinite = |bound: &f64| bound.abs() < 3e38;
    let (low, high) = (bound(1, "min")?.filter(infinite), bound(2, "max")?.filter(infinite));
    let (least, most) = (low.unwrap_or(f64::NEG_INFINITY), high.unwrap_or(f64::INFINITY));
    if least > most || least.is_nan() || most.is_nan() {
        return Err(Error::user(format!("it clips from {least} to {most}"), "the lower bound comes first"));
    }
    match g.value(node, 0)? {
        Value::Constant(c) => {
            let data = c.data.iter().map(|x| x.clamp(least, most)).collect();
            g.folds(node, Constant { data, codes: None, ..(*c).clone() })
        }
        Value::Pending(pending) => {
            let bounds = (pending.bounds.0.max(least), pending.bounds.1.min(most));
            if bounds.0 > bounds.1 {
                return Err(Error::user("no integer is left", "clip within the integers' range"));
            }
            g.result(node, 0, Value::Pending(Rc::new(Pending { bounds, ..(*pending).clone() })));
            Ok(())
        }
        Value::Tensor(x) => {
            let y = match (low, high) {
                (None, None) => x,
                (Some(low), Some(high)) => applied(g, node, &x, &format!("clip({low},{high})")),
                (Some(0.0), None) => {
                    let layer = g.layer(node, "relu", &[&x]);
                    g.elementwise(&x, layer)
                }
                (Some(low), None) => applied(g, node, &x, &format!("clip({low})")),
                (None, Some(high)) => applied(g, node, &x, &format!("clip(high={high})")),
            };
            g.gives(node, y)
        }
    }
}

/// Over the last axis; before version 13, over all axes from the given one.
fn softmax(g: &mut Graph, node: &Node) -> Result<()> {
    let x = g.tensor(node, 0)?;
    let old = g.opset < 13;
    let along = axis(node.integer("axis", if old { 1 } else { -1 }), x.rank())?;
    if old && x.shape[along + 1..].iter().any(|length| *length != 1) {
        return refuse("it normalises over several axes", "export with version 13 of the operators, or newer");
    }
    x.axis(along)?;
    let order: Vec<usize> = x.order.iter().copied().filter(|own| *own != along).chain([along]).collect();
    let x = g.arranged(&x, &order)?;
    let layer = g.layer(node, "softmax", &[&x]);
    let y = g.elementwise(&x, layer);
    g.gives(node, y)
}
