//! What stands behind a classifier's outputs in hardware, on request: probabilities, or the index of the greatest.

use super::argmax::argmax;
use super::softmax::stable;
use crate::error::{Error, Result};
use crate::fixed::Quantization;
use crate::tensor::{Float, Graph, Id, Op, with_outputs};

/// The graph whose outputs are the index of the greatest element of the last axis; the first wins where several are equal.
/// What does not change the order, a softmax or one positive scale for all, is left away first.
///
/// # Errors
/// An output has a single element, or ends in a float chain that has no exact value.
pub fn with_argmax(graph: &Graph) -> Result<Graph> {
    with_outputs(graph, |g, id| {
        let shape = g.shape(id).to_vec();
        if shape.last().is_none_or(|length| *length < 2) {
            let what = format!("an output of shape {shape:?} has no greatest element");
            return Err(Error::user(what, "leave --head out, or name a network with an output per class"));
        }
        let logits = without_order(g.graph(), id);
        argmax(g, logits, shape.len() - 1)
    })
}

/// The graph whose trailing softmax is hardware, of hls4ml's form `stable` with tables of up to 4096 entries.
///
/// # Errors
/// An output does not end in a softmax, or what it reads has no exact value.
pub fn with_softmax(graph: &Graph, to: &Quantization) -> Result<Graph> {
    with_outputs(graph, |g, id| {
        let node = g.graph().node(id);
        if node.op != Op::Float(Float::Softmax) {
            return Err(Error::user("an output does not end in a softmax", "leave --head out, or add a softmax layer"));
        }
        let logits = node.args[0];
        stable(g, logits, to)
    })
}

/// The value before trailing operations that keep the order of the elements.
fn without_order(graph: &Graph, id: Id) -> Id {
    let mut id = id;
    while let Op::Float(float) = &graph.node(id).op {
        let equal = float.constants().windows(2).all(|pair| pair[0] == pair[1]);
        let keeps = match float {
            Float::Softmax => true,
            Float::Mul(c) | Float::Div(c) => equal && c[0] > 0.0,
            Float::Add(_) => equal,
            Float::Leaky(_) | Float::Function(_) => false,
        };
        if !keeps {
            break;
        }
        id = graph.node(id).args[0];
    }
    id
}
