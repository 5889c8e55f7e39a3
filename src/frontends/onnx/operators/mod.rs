//! Operators: each is a function that reads a node's arguments and defines its results.
//!
//! An open set: a file of this folder is a family, with a list of its operators; [`OPERATORS`] lists the families. Where all
//! arguments are constants the result is one too ([`fold`] has the arithmetic).

mod activation;
mod arithmetic;
mod conv;
mod fold;
mod linear;
mod normalize;
mod pool;
mod quantize;
mod recurrent;
mod reduce;
mod select;
mod shape;

use super::graph::Graph;
use super::node::Node;
use crate::error::{Error, Result};

/// Adds a node to the graph.
pub type Operator = fn(&mut Graph, &Node) -> Result<()>;

/// Operators by their names, family after family.
pub const OPERATORS: &[&[(&str, Operator)]] = &[
    quantize::OPERATORS,
    linear::OPERATORS,
    conv::OPERATORS,
    pool::OPERATORS,
    normalize::OPERATORS,
    activation::OPERATORS,
    arithmetic::OPERATORS,
    reduce::OPERATORS,
    shape::OPERATORS,
    select::OPERATORS,
    recurrent::OPERATORS,
];

/// Domains of operators, but for vendors' whose operators have ONNX' names and meanings.
const DOMAINS: [&str; 9] = [
    "",
    "ai.onnx",
    "qonnx.custom_op.general",
    "qonnx.custom_op.channels_last",
    "qonnx.custom_op.fpgadataflow",
    "finn.custom_op.general",
    "onnx.brevitas",
    "onnxruntime",
    "com.microsoft",
];

/// Adds a node to the graph, by the operator of its name.
///
/// # Errors
/// No operator has the name; or what the operator says.
pub fn apply(graph: &mut Graph, node: &Node) -> Result<()> {
    let mut all = OPERATORS.iter().copied().flatten();
    let known = DOMAINS.contains(&node.domain.as_str());
    match all.find(|(name, _)| known && *name == node.op) {
        Some((_, operator)) => {
            operator(graph, node)?;
            node.outputs.iter().try_for_each(|name| graph.bounded(name))
        }
        None => {
            let domain = if known { String::new() } else { format!(" of the domain `{}`", node.domain) };
            let mut names: Vec<&str> = OPERATORS.iter().copied().flatten().map(|(name, _)| *name).collect();
            names.sort_unstable();
            Err(Error::user(
                format!("the operator `{}`{domain} is not supported", node.op),
                format!("known: {}", names.join(", ")),
            ))
        }
    }
}

/// Refuses an operator with its reason.
fn refuse(what: &str, help: &str) -> Result<()> {
    Err(Error::user(what, help))
}
