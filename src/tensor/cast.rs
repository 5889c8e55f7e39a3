//! Outputs brought to a format that the user asks for.

use super::{Builder, Graph, Id};
use crate::error::Result;
use crate::fixed::Quantization;

/// The graph with every element of every output quantized. Outputs must be exact.
///
/// # Errors
/// As [`Builder::quantize`].
pub fn cast_outputs(graph: &Graph, to: Quantization) -> Result<Graph> {
    let mut builder = Builder::resume(&graph.name, &graph.layers, &graph.inputs);
    let mut new: Vec<Id> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let args: Vec<Id> = node.args.iter().map(|arg| new[arg.0 as usize]).collect();
        new.push(builder.copy(node, &args)?);
    }
    for (name, id) in &graph.outputs {
        builder.set_layer(graph.node(*id).layer);
        let cast = builder.quantize(new[id.0 as usize], vec![to])?;
        builder.output(name, cast);
    }
    Ok(builder.finish()?.0)
}
