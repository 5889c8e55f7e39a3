//! Classes that are not Keras' own and that published networks use.

use super::super::super::json::{number, optional};
use super::super::architecture::Node;
use super::super::builder::Builder;
use super::Class;
use super::config::truth;
use super::core::{kernel_and_bias, push_activated};
use crate::error::{Error, Result};
use crate::network::{Tensor, elements};

/// This family.
pub const CLASSES: &[Class] = &[
    ("BinaryDense", |b, node| few_valued(b, node, |w| if w > 0.0 { 1.0 } else { -1.0 })),
    ("TernaryDense", |b, node| few_valued(b, node, |w| f64::from(i8::from(w > 0.5) - i8::from(w <= -0.5)))),
    ("NodeEdgeProjection", node_edge_projection),
];

/// Why others are not here.
pub const REFUSED: &[(&str, &str)] = &[("GarNet", GARNET), ("GarNetStack", GARNET)];

const GARNET: &str = "it multiplies features by 2^-d of unquantized distances d, and sums: the file names no format for either, so nothing \
                      exact can be built; train it with quantizers behind the distances and the exponentials";

/// BinaryNet's and TernaryNet's dense layers for Keras, that hls4ml's examples use: `H` times one of two or three values of `w / H`. A
/// weight of 0 becomes `-H`, as rounding half to even has it; hls4ml's `BinaryQuantizer` and `TernaryQuantizer` agree.
fn few_valued(b: &mut Builder, node: &Node, value: fn(f64) -> f64) -> Result<()> {
    let h = optional(&node.config, "H", number)?.unwrap_or(1.0);
    let mut layer = kernel_and_bias(b, node, b.layer(node, "dense"), "units")?;
    if let Some(kernel) = layer.tensors.get_mut("kernel") {
        kernel.data.iter_mut().for_each(|weight| *weight = h * value(*weight / h));
    }
    push_activated(b, node, layer)
}

/// The fully connected graph of an interaction network: edge `i` goes from node `s` to node `r`, pairs `(r, s)` in the order of
/// `itertools.permutations(range(nodes), 2)`. To edges, it copies the node that receives or sends; to nodes, it sums their edges.
fn node_edge_projection(b: &mut Builder, node: &Node) -> Result<()> {
    let input = b.one_input()?;
    let [rows, _] = b.shape(&input)? else {
        return Err(Error::user("reads a tensor that is no [nodes, features]", "give it one with two axes"));
    };
    let (rows, receiving) = (*rows, truth(&node.config, "receiving", true)?);
    let to_edges = truth(&node.config, "node_to_edge", true)?;
    let nodes = if to_edges { rows } else { (((4 * rows + 1) as f64).sqrt() as usize).div_ceil(2) };
    let pairs =
        (0..nodes).flat_map(|r| (0..nodes).filter(move |s| *s != r).map(move |s| if receiving { r } else { s }));
    if to_edges {
        let indices: Vec<usize> = pairs.collect();
        elements(&[indices.len()])?;
        let layer = b.layer(node, "gather").with("indices", indices).with("axis", 0);
        b.push(layer);
        return Ok(());
    }
    if nodes * nodes.saturating_sub(1) != rows {
        let what = format!("reads {rows} edges, which is not n (n - 1) for any number of nodes");
        return Err(Error::user(what, "give it the edges of a fully connected graph"));
    }
    let mut kernel = vec![0.0; elements(&[rows, nodes])?];
    for (edge, at) in pairs.enumerate() {
        kernel[edge * nodes + at] = 1.0;
    }
    let layer = b.extra(node, "features_first", "transpose")?.with("perm", vec![1, 0]);
    b.push(layer);
    let layer = b.extra(node, "sums", "dense")?.with_tensor("kernel", Tensor::new(vec![rows, nodes], kernel)?);
    b.push(layer);
    let layer = b.layer(node, "transpose").with("perm", vec![1, 0]);
    b.push(layer);
    Ok(())
}
