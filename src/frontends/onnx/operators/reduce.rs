//! Reductions over axes, `ArgMax` and `TopK` of one.

use super::super::graph::{Graph, Tensor, Value, axis, samples_mixed};
use super::super::node::Node;
use super::{Operator, refuse};
use crate::error::Result;
use crate::network::Layer;
use serde_json::json;

/// The family.
pub const OPERATORS: &[(&str, Operator)] = &[
    ("ReduceSum", |g, node| reduce(g, node, "sum")),
    ("ReduceMean", |g, node| reduce(g, node, "mean")),
    ("ReduceMax", |g, node| reduce(g, node, "max")),
    ("ReduceMin", |g, node| reduce(g, node, "min")),
    ("ArgMax", arg_max),
    ("TopK", top),
];

/// A tensor without some of ONNX' axes, as the layer (which has dropped them too, or kept them with length 1) gives it.
fn reduced(x: &Tensor, name: String, axes: &[usize], keep: bool) -> Tensor {
    let mut y = x.with(name);
    if keep {
        axes.iter().for_each(|axis| y.shape[*axis] = 1);
        return y;
    }
    let left = |axis: usize| axis - axes.iter().filter(|gone| **gone < axis).count();
    y.order = x.order.iter().filter(|axis| !axes.contains(axis)).map(|axis| left(*axis)).collect();
    y.shape = (0..x.rank()).filter(|axis| !axes.contains(axis)).map(|axis| x.shape[axis]).collect();
    y
}

/// Axes are an attribute in old versions, an argument in new ones; none means all.
fn reduce(g: &mut Graph, node: &Node, kind: &str) -> Result<()> {
    let x = g.tensor(node, 0)?;
    let given = match g.constant(node, 1)? {
        Some(axes) => Some(axes.to_integers()?),
        None => node.integers("axes"),
    };
    let none = given.as_ref().is_none_or(|axes| axes.is_empty());
    if none && node.integer("noop_with_empty_axes", 0) != 0 {
        g.result(node, 0, Value::Tensor(x));
        return Ok(());
    }
    let mut axes: Vec<usize> = match given.filter(|axes| !axes.is_empty()) {
        Some(axes) => axes.iter().map(|a| axis(*a, x.rank())).collect::<Result<_>>()?,
        None => (0..x.rank()).filter(|axis| *axis != x.batch()).collect(),
    };
    axes.sort_unstable();
    axes.dedup();
    let keep = node.integer("keepdims", 1) != 0;
    let physical = axes.iter().map(|axis| x.axis(*axis)).collect::<Result<Vec<_>>>()?;
    let layer = g.layer(node, kind, &[&x]).with("axis", json!(physical));
    let layer = if keep { layer.with("keep_dims", true) } else { layer };
    let name = g.push(layer);
    g.gives(node, reduced(&x, name, &axes, keep))
}

/// The index of the greatest element, over the layer's last axis.
fn index(g: &mut Graph, node: &Node, x: &Tensor, along: usize, keep: bool) -> Result<Tensor> {
    let layer = g.layer(node, "argmax", &[x]).with("axis", x.axis(along)?);
    let name = g.push(layer);
    let y = reduced(x, name, &[along], false);
    if !keep {
        return Ok(y);
    }
    let kept = reduced(x, y.layer.clone(), &[along], true);
    let shape = kept.physical();
    let name = g.fresh(&format!("{}_kept", y.layer));
    g.push(Layer::new(name.clone(), "reshape", vec![y.layer]).with("shape", shape));
    Ok(kept.with(name))
}

fn arg_max(g: &mut Graph, node: &Node) -> Result<()> {
    let x = g.tensor(node, 0)?;
    node.only("select_last_index", 0, "of equal values, the first is chosen")?;
    let along = axis(node.integer("axis", 0), x.rank())?;
    let y = index(g, node, &x, along, node.integer("keepdims", 1) != 0)?;
    g.gives(node, y)
}

fn top(g: &mut Graph, node: &Node) -> Result<()> {
    let x = g.tensor(node, 0)?;
    let count = match g.constant(node, 1)? {
        Some(count) => count.to_integers()?.first().copied().unwrap_or(0),
        None => node.integer("k", 0),
    };
    node.only("largest", 1, "TopK of the greatest values is supported")?;
    let along = axis(node.integer("axis", -1), x.rank())?;
    if along == x.batch() {
        return Err(samples_mixed());
    }
    let most = x.shape[along];
    let count = usize::try_from(count).ok().filter(|count| (1..=most).contains(count));
    let Some(count) = count else {
        return refuse("as many greatest values as there are none of", "give a `k` within the axis");
    };
    if count > 1 {
        for (index, output) in ["values", "indices"].into_iter().enumerate() {
            if node.output(index).is_some_and(|name| g.reads(name)) {
                let layer = g.layer(node, "top_k", &[&x]).with("k", count).with("axis", x.axis(along)?);
                let mut y = x.with(g.push(layer.with("output", output)));
                y.shape[along] = count;
                g.result(node, index, Value::Tensor(y));
            }
        }
        return Ok(());
    }
    if node.output(0).is_some_and(|name| g.reads(name)) {
        let layer = g.layer(node, "max", &[&x]).with("axis", x.axis(along)?).with("keep_dims", true);
        let name = g.push(layer);
        g.gives(node, reduced(&x, name, &[along], true))?;
    }
    if node.output(1).is_some_and(|name| g.reads(name)) {
        let y = index(g, node, &x, along, true)?;
        g.result(node, 1, Value::Tensor(y));
    }
    Ok(())
}
