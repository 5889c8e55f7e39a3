//! Pooling: `MaxPool`, `AveragePool` and the global ones.

use super::super::graph::Graph;
use super::super::node::Node;
use super::conv::{Windows, image};
use super::{Operator, refuse};
use crate::error::{Error, Result};
use serde_json::json;

/// The family.
pub const OPERATORS: &[(&str, Operator)] = &[
    ("MaxPool", max),
    ("MaxPoolNHWC", max),
    ("AveragePool", average),
    ("GlobalMaxPool", |g, node| global(g, node, "max")),
    ("GlobalAveragePool", |g, node| global(g, node, "mean")),
    ("QuantAvgPool2d", |_, _| refuse("FINN's QuantAvgPool2d is not supported", "export with AveragePool and Trunc")),
];

fn max(g: &mut Graph, node: &Node) -> Result<()> {
    if node.output(1).is_some() {
        return refuse("it also gives the places of the maxima", "export without `Indices`");
    }
    pool(g, node, "max_pool")
}

fn average(g: &mut Graph, node: &Node) -> Result<()> {
    pool(g, node, "average_pool")
}

fn pool(g: &mut Graph, node: &Node, kind: &str) -> Result<()> {
    let x = g.tensor(node, 0)?;
    let (x, spatial, _) = image(g, node, &x)?;
    let lengths: Vec<usize> = spatial.iter().map(|axis| x.shape[*axis]).collect();
    let size = node.integers("kernel_shape").unwrap_or_default();
    let size: Vec<usize> = size.iter().map(|length| usize::try_from(*length).unwrap_or(0)).collect();
    let mut windows = Windows::new(node, size.clone(), &lengths)?;
    if node.integer("ceil_mode", 0) != 0 {
        for axis in 0..lengths.len() {
            let wide = (size[axis] - 1) * windows.dilations[axis] + 1;
            let [before, behind] = windows.pads[axis];
            let room = lengths[axis] + before + behind - wide;
            if room.is_multiple_of(windows.strides[axis]) {
                continue;
            }
            // A last window that begins inside; those that would begin in the padding are left out.
            let begin = (room / windows.strides[axis] + 1) * windows.strides[axis];
            if begin >= lengths[axis] + before {
                continue;
            }
            if kind == "average_pool" {
                return refuse(
                    "averages with `ceil_mode` and a partial window",
                    "pad the input, or leave `ceil_mode` away",
                );
            }
            windows.count[axis] += 1;
            windows.pads[axis][1] = begin + wide - lengths[axis] - before;
        }
    }
    let name = format!("{kind}{}d", spatial.len());
    let mut layer = windows.on(g.layer(node, &name, &[&x]).with("size", json!(size)));
    if kind == "average_pool" && node.integer("count_include_pad", 0) != 0 {
        layer = layer.with("count_include_pad", true);
    }
    if kind == "average_pool" && windows.dilations.iter().any(|d| *d != 1) {
        return refuse("averages of dilated windows", "leave `dilations` away");
    }
    let y = windows.result(&x, &layer.name, &spatial);
    g.push(layer);
    g.gives(node, y)
}

fn global(g: &mut Graph, node: &Node, kind: &str) -> Result<()> {
    let x = g.tensor(node, 0)?;
    let (x, spatial, _) = image(g, node, &x)?;
    let axes = spatial.iter().map(|axis| x.axis(*axis)).collect::<Result<Vec<_>>>()?;
    if spatial.is_empty() {
        return Err(Error::user("there is nothing to pool", "the file is damaged; export it again"));
    }
    let layer = g.layer(node, kind, &[&x]).with("axis", json!(axes)).with("keep_dims", true);
    let mut y = x.with(layer.name.clone());
    spatial.iter().for_each(|axis| y.shape[*axis] = 1);
    g.push(layer);
    g.gives(node, y)
}
