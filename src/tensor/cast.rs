//! Other outputs than the network's own: brought to a format that the user asks for, or computed further.

use super::{Builder, Graph, Id};
use crate::error::Result;
use crate::fixed::Quantization;
use crate::port::Port;

/// The graph with every element of every output quantized. Outputs must be exact.
///
/// # Errors
/// As [`Builder::quantize`].
pub fn cast_outputs(graph: &Graph, to: Quantization) -> Result<Graph> {
    with_outputs(graph, |builder, id| builder.quantize(id, vec![to]))
}

/// The graph with outputs computed further (the next values of states are not), each by nodes of the output's layer.
///
/// # Errors
/// Those of `further`.
pub fn with_outputs(graph: &Graph, mut further: impl FnMut(&mut Builder, Id) -> Result<Id>) -> Result<Graph> {
    let mut builder = Builder::resume(&graph.name, &graph.layers, &graph.inputs);
    let mut new: Vec<Id> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let args: Vec<Id> = node.args.iter().map(|arg| new[arg.0 as usize]).collect();
        new.push(builder.copy(node, &args)?);
    }
    let events = graph.outputs.len() - Port::states(&graph.inputs);
    for (index, (name, id)) in graph.outputs.iter().enumerate() {
        builder.set_layer(graph.node(*id).layer);
        let output = new[id.0 as usize];
        let output = if index < events { further(&mut builder, output)? } else { output };
        builder.output(name, output);
    }
    Ok(builder.finish()?.0)
}
