//! `onnx`: ONNX and QONNX graphs, as Brevitas, PyTorch, tf2onnx and the QONNX tools write them.
//!
//! Protocol Buffers are read with `prost` ([`proto`]); constants are folded ([`constant`]); each operator is a function
//! ([`operators`], an open set) that adds layers to the network ([`graph`]). The first axis of inputs counts samples; a
//! model with another length there is read as one for single samples.
//!
//! Quantizers stay what they are in the graph: `Quant`, `BipolarQuant`, and `QuantizeLinear` with `DequantizeLinear` (and a
//! `Clip` between them) become `quant` layers; quantized weights become codes and, where it is no power of two, a scale
//! behind the product. Weights without a quantizer are taken as they are.

mod constant;
mod graph;
mod node;
mod operators;
mod proto;

use super::{Content, FrontEnd, Source};
use crate::error::{At, Error, Result};
use crate::network::{Input, Layer, Network};
use crate::registry::Entry;
use constant::Constant;
use graph::{Graph, Tensor, Value};
use node::Node;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

pub use operators::OPERATORS;

/// This front end.
pub const FRONTEND: Entry<FrontEnd> = Entry {
    name: "onnx",
    doc: "ONNX and QONNX .onnx (Brevitas, PyTorch)",
    make: FrontEnd { recognise, read, takes_weights: false },
};

/// The largest file, in bytes; a network of this size does not fit an FPGA.
const MOST_BYTES: usize = 1 << 26;
/// The most nodes, initializers, or inputs.
const MOST: usize = 1 << 16;

/// The bytes of a file that may be one; text may be too, by chance.
fn bytes(source: &Source) -> Option<&[u8]> {
    match &source.content {
        Content::Other(bytes) => Some(bytes),
        Content::Text(text) => Some(text.as_bytes()),
        _ => None,
    }
}

fn recognise(source: &Source) -> bool {
    let Some(bytes) = bytes(source) else { return false };
    // A file may be damaged further on; the first field, `ir_version`, tells it from other binary files.
    let model = || proto::decode::<proto::Model>(bytes).ok();
    let looks = bytes.len() <= MOST_BYTES
        && model()
            .is_some_and(|model| model.graph.is_some() && (model.ir_version > 0 || !model.opset_import.is_empty()));
    looks || (matches!(source.content, Content::Other(_)) && bytes.first() == Some(&8) && bytes.len() > 16)
}

fn read(source: &Source) -> Result<Network> {
    let bytes = bytes(source).ok_or_else(|| Error::bug("an ONNX file that is another container"))?;
    if bytes.len() > MOST_BYTES {
        let help = "models of this size do not fit an FPGA; check that this is the right file";
        return Err(Error::user(format!("has more than {MOST_BYTES} bytes"), help));
    }
    let model: proto::Model = proto::decode(bytes)?;
    let sets: Vec<proto::OperatorSet> = proto::decode_all(&model.opset_import, MOST, "operator sets")?;
    let own = |set: &&proto::OperatorSet| set.domain.is_empty() || set.domain == "ai.onnx";
    let opset = sets.iter().find(own).map_or(9, |set| set.version);
    if !model.functions.is_empty() {
        let help = "inline them first: onnx.save(onnx.inliner.inline_local_functions(onnx.load(FILE)), OUT)";
        return Err(Error::user("has local functions", help));
    }
    let graph = model.graph.ok_or_else(|| Error::user("has no graph", "the file is damaged; export it again"))?;
    let graph: proto::Graph = proto::decode(&graph)?;
    build(source.stem(), opset, &graph)
}

fn build(name: String, opset: i64, stored: &proto::Graph) -> Result<Network> {
    if !stored.sparse_initializer.is_empty() {
        return Err(Error::user("has sparse initializers", "store the weights as plain tensors"));
    }
    let nodes: Vec<proto::Node> = proto::decode_all(&stored.node, MOST, "nodes")?;
    let nodes = nodes.into_iter().map(Node::new).collect::<Result<Vec<_>>>()?;
    let outputs: Vec<proto::ValueInfo> = proto::decode_all(&stored.output, MOST, "outputs")?;
    let mut readers: HashMap<String, usize> = HashMap::new();
    let read = nodes.iter().flat_map(|node| &node.inputs).chain(outputs.iter().map(|output| &output.name));
    read.for_each(|name| *readers.entry(name.clone()).or_default() += 1);
    // An output is never swallowed by the node that reads it.
    outputs.iter().for_each(|output| *readers.entry(output.name.clone()).or_default() += 1);
    let mut graph = Graph::new(name, opset, readers);
    for tensor in &stored.initializer {
        let tensor: proto::Tensor = proto::decode(tensor)?;
        let constant = Constant::read(&tensor).at(format!("initializer `{}`", tensor.name))?;
        graph.define(&tensor.name, Value::Constant(Rc::new(constant)));
    }
    for input in proto::decode_all::<proto::ValueInfo>(&stored.input, MOST, "inputs")? {
        if graph.find(&input.name).is_none() {
            self::input(&mut graph, &input).at(format!("input `{}`", input.name))?;
        }
    }
    for node in &nodes {
        operators::apply(&mut graph, node).at(node.place())?;
    }
    for output in &outputs {
        self::output(&mut graph, &output.name).at(format!("output `{}`", output.name))?;
    }
    let mut network = graph.network;
    outputs.iter().enumerate().for_each(|(index, output)| rename(&mut network, index, &output.name));
    drop_dead(&mut network);
    Ok(network)
}

/// An input: its first axis counts samples.
fn input(graph: &mut Graph, info: &proto::ValueInfo) -> Result<()> {
    let tensor = info.kind.as_ref().and_then(|kind| kind.tensor.as_ref());
    let tensor = tensor.ok_or_else(|| Error::user("is no tensor", "networks read tensors of numbers"))?;
    let format = match tensor.elem_type {
        0 | 1 | 10 | 11 => None,
        2 => Some("u8".to_string()),
        3 => Some("s8".to_string()),
        4 => Some("u16".to_string()),
        5 => Some("s16".to_string()),
        6 | 7 => None,
        other => {
            let what = format!("its element type is number {other} of ONNX");
            return Err(Error::user(what, "inputs are floats or integers"));
        }
    };
    let dims = tensor.shape.as_ref().map(|shape| shape.dim.as_slice()).unwrap_or_default();
    let Some((_, rest)) = dims.split_first() else {
        let help = "export the model with the shape of its inputs, the first axis counting samples";
        return Err(Error::user("its shape is not in the file", help));
    };
    let length = |dim: &proto::Dimension| match dim.value {
        Some(value) if value > 0 => Ok(value as usize),
        _ => {
            let name = dim.name.clone().unwrap_or_else(|| "?".into());
            let help = "only the first axis, which counts samples, may be free; export the model with fixed lengths";
            Err(Error::user(format!("the length of an axis is not in the file, but `{name}`"), help))
        }
    };
    let shape: Vec<usize> = rest.iter().map(length).collect::<Result<_>>()?;
    crate::network::elements(&shape)?;
    let name = graph.fresh(&info.name);
    graph.network.inputs.push(Input { name: name.clone(), shape: shape.clone(), format, next: None });
    let full: Vec<usize> = [1].into_iter().chain(shape).collect();
    graph.define(&info.name, Value::Tensor(Tensor::plain(name, full)));
    Ok(())
}

/// An output: a layer of its own, with the axes as ONNX has them.
fn output(graph: &mut Graph, name: &str) -> Result<()> {
    let tensor = match graph.find(name) {
        Some(Value::Tensor(tensor)) => tensor.clone(),
        Some(Value::Constant(_)) => return Err(Error::user("does not depend on an input", "remove it from the model")),
        Some(Value::Pending(_)) => {
            return Err(Error::user("is what QuantizeLinear made", "put DequantizeLinear behind it"));
        }
        None => return Err(Error::user("nothing makes it", "the file is damaged; export it again")),
    };
    let tensor = graph.plain(&tensor)?;
    let taken = graph.network.outputs.contains(&tensor.layer) || graph.network.input(&tensor.layer).is_some();
    let layer = match taken {
        false => tensor.layer,
        true => {
            let own = graph.fresh(name);
            graph.push(Layer::new(own, "activation", vec![tensor.layer]).with("function", "linear"))
        }
    };
    graph.network.outputs.push(layer);
    Ok(())
}

/// Gives the layer of an output the output's name, where that is free.
fn rename(network: &mut Network, index: usize, name: &str) {
    let wanted: String = name.chars().map(|c| if c.is_control() { '_' } else { c }).collect();
    if wanted.is_empty() || network.layer(&wanted).is_some() || network.input(&wanted).is_some() {
        return;
    }
    let layer = std::mem::replace(&mut network.outputs[index], wanted.clone());
    let names = network.layers.iter_mut().flat_map(|other| std::iter::once(&mut other.name).chain(&mut other.inputs));
    names.filter(|name| **name == layer).for_each(|name| *name = wanted.clone());
}

/// Leaves out layers that no output depends on.
fn drop_dead(network: &mut Network) {
    let mut alive: HashSet<String> = network.outputs.iter().cloned().collect();
    for layer in network.layers.iter().rev() {
        if alive.contains(&layer.name) {
            alive.extend(layer.inputs.iter().cloned());
        }
    }
    network.layers.retain(|layer| alive.contains(&layer.name));
}
