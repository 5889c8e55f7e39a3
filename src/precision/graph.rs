//! hls4ml's own list of layers, made from a network: a layer's activation is a layer of its own behind it.

use super::functions::Function;
use super::shapes;
use super::types::{Type, Wanted};
use super::weights;
use super::{recurrent, separable};
use crate::error::{At, Error, Result};
use crate::network::{Input, Layer, Network};
use serde_json::Value;
use std::collections::BTreeMap;

/// A layer of hls4ml's.
#[derive(Clone, Debug)]
pub struct Node {
    /// hls4ml's name for its class.
    pub class: &'static str,
    /// Our layer: its name, inputs, tensors, and the attributes that are left.
    pub layer: Layer,
    /// What an activation computes.
    pub function: Option<Function>,
    /// The layers that it is of ours, where it is several.
    pub parts: Vec<Layer>,
    /// Its types by usage: `result`, `weight`, ..
    pub types: BTreeMap<&'static str, Wanted>,
    /// Types that weights have by a quantizer of the network, whatever the file says.
    pub fixed: BTreeMap<&'static str, Type>,
    /// The shape of its result.
    pub shape: Vec<usize>,
    /// Its place among hls4ml's layers, from 1.
    pub index: usize,
}

/// All of them, each behind what it reads; inputs are nodes of the class `Input`.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// Names of the nodes whose results leave the network.
    pub outputs: Vec<String>,
}

/// Kinds of layers that multiply by a kernel.
const KERNELS: [&str; 5] = ["dense", "conv1d", "conv2d", "depthwise_conv1d", "depthwise_conv2d"];
/// Kinds that merge two tensors.
const MERGES: [&str; 6] = ["add", "subtract", "multiply", "average", "maximum", "minimum"];

impl Node {
    /// A type that has been found.
    ///
    /// # Errors
    /// It has not, which is a bug.
    pub fn known(&self, usage: &str) -> Result<Type> {
        match self.types.get(usage) {
            Some(Wanted::Type(known)) => Ok(*known),
            _ => Err(Error::bug(format!("type `{usage}` of `{}` was not found", self.layer.name))),
        }
    }

    /// Does hls4ml give it the memory, and so the type, of what it reads?
    pub fn in_place(&self) -> bool {
        ["Reshape", "Transpose", "ZeroPadding", "Cropping", "Resize"].contains(&self.class)
    }
}

impl Graph {
    /// Splits a network.
    ///
    /// # Errors
    /// A kind of layer that hls4ml does not have, or that is not followed there; the place is the layer.
    pub fn new(network: &Network) -> Result<Graph> {
        let mut graph = Graph::default();
        let mut moved = BTreeMap::new();
        for input in &network.inputs {
            graph.input(input);
        }
        let bidirectional = recurrent::bidirectional(network);
        let part = |layer: &Layer| bidirectional.values().flatten().any(|part| part.name == layer.name);
        for layer in network.ordered()? {
            let whole = bidirectional.get(&layer.name);
            if whole.is_none() && part(layer) {
                continue;
            }
            let inputs = whole.and_then(|parts| parts.first()).map_or(&layer.inputs, |forward| &forward.inputs);
            let inputs = inputs.iter().map(|name| moved.get(name).unwrap_or(name).clone()).collect();
            let layer = Layer { inputs, ..layer.clone() };
            let name = layer.name.clone();
            if let Some(parts) = whole {
                graph.bidirectional(layer, parts).at(format!("layer `{name}`"))?;
                continue;
            }
            let last = graph.add(layer, network).at(format!("layer `{name}`"))?;
            if last != name {
                moved.insert(name, last);
            }
        }
        graph.outputs = network.outputs.iter().map(|name| moved.get(name).unwrap_or(name).clone()).collect();
        Ok(graph)
    }

    /// The node of a name.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.layer.name == name)
    }

    /// What a node reads.
    pub fn read(&self, node: &Node, position: usize) -> Option<&Node> {
        node.layer.inputs.get(position).and_then(|name| self.node(name))
    }

    /// How many nodes and outputs read a node.
    pub fn readers(&self, name: &str) -> usize {
        let nodes = self.nodes.iter().flat_map(|node| &node.layer.inputs).filter(|input| *input == name);
        nodes.count() + self.outputs.iter().filter(|output| *output == name).count()
    }

    /// Takes a node with one input out; what read it reads its input.
    pub fn remove(&mut self, at: usize) {
        let node = self.nodes.remove(at);
        let Some(input) = node.layer.inputs.first() else { return };
        let names = self.nodes.iter_mut().flat_map(|node| &mut node.layer.inputs).chain(&mut self.outputs);
        names.filter(|name| **name == node.layer.name).for_each(|name| name.clone_from(input));
    }

    fn input(&mut self, input: &Input) {
        let layer = Layer::new(&input.name, "input", Vec::new());
        self.push(layer, "Input", None, input.shape.clone());
    }

    fn push(&mut self, layer: Layer, class: &'static str, function: Option<Function>, shape: Vec<usize>) {
        let index = self.nodes.len() + 1;
        let (types, fixed, parts) = Default::default();
        self.nodes.push(Node { class, layer, function, parts, types, fixed, shape, index });
    }

    fn shapes(&self, layer: &Layer) -> Result<Vec<Vec<usize>>> {
        let shape = |name: &String| self.node(name).map(|node| node.shape.clone());
        let known: Option<Vec<_>> = layer.inputs.iter().map(shape).collect();
        known.ok_or_else(|| Error::bug("a layer comes before what it reads"))
    }

    /// Adds a layer, and gives the name of the node that has its result.
    fn add(&mut self, mut layer: Layer, network: &Network) -> Result<String> {
        let inputs = self.shapes(&layer)?;
        let shape = shapes::result(&layer, &inputs)?;
        let rank = inputs.first().map_or(0, Vec::len);
        if layer.attributes.contains_key("result_format") || layer.attributes.contains_key("product_format") {
            return Err(Error::user("it already has formats inside", "leave --precision away"));
        }
        let kind = layer.kind.clone();
        let class = match kind.as_str() {
            kind if KERNELS.contains(&kind) => return self.kernel(layer, network, rank, shape),
            "separable_conv1d" | "separable_conv2d" => return self.separable(layer, network, rank, shape),
            "activation" | "relu" | "softmax" | "quantize" | "prelu" => return self.activation(layer, shape),
            "lstm" | "gru" => recurrent::class(&layer)?,
            "simple_rnn" => {
                let what = "`simple_rnn`, which hls4ml's Vivado and Vitis back ends do not have";
                return Err(Error::user(what, "use LSTM or GRU"));
            }
            "upsample" => {
                nearest(&layer, &shape)?;
                "Resize"
            }
            "dot" if rank == 1 => "Dot",
            "batch_norm" => "BatchNormalization",
            "flatten" | "reshape" => "Reshape",
            "transpose" => "Transpose",
            "pad" => "ZeroPadding",
            "crop" => "Cropping",
            "concatenate" => "Concatenate",
            "embedding" => "Embedding",
            "max_pool1d" | "average_pool1d" => "Pooling1D",
            "max_pool2d" | "average_pool2d" => "Pooling2D",
            "max" | "mean" if shape.len() == 1 && rank == 2 => "GlobalPooling1D",
            "max" | "mean" if shape.len() == 1 && rank == 3 => "GlobalPooling2D",
            kind if MERGES.contains(&kind) => "Merge",
            _ => return Err(unsupported(&kind)),
        };
        if ["Merge", "Concatenate", "Dot"].contains(&class) && layer.inputs.len() != 2 {
            return Err(Error::user(
                format!("it merges {} tensors; hls4ml merges two", layer.inputs.len()),
                "merge two at a time",
            ));
        }
        if class == "Embedding" && layer.attributes.remove("embeddings_quantizer").is_some() {
            return Err(Error::user("its embeddings have a quantizer, which hls4ml does not have", "leave it away"));
        }
        let name = layer.name.clone();
        self.push(layer, class, None, shape);
        Ok(name)
    }

    /// Two recurrent layers side by side, which are one to hls4ml.
    fn bidirectional(&mut self, layer: Layer, parts: &[Layer]) -> Result<()> {
        let inputs = self.shapes(&layer)?;
        let mut shape = Vec::new();
        for (at, part) in parts.iter().take(2).enumerate() {
            recurrent::check(part, at == 1)?;
            let own = shapes::result(part, &inputs)?;
            let units = shape.last().copied().unwrap_or(0) + own.last().copied().unwrap_or(0);
            shape = own;
            shape.last_mut().into_iter().for_each(|last| *last = units);
        }
        self.push(layer, "Bidirectional", None, shape);
        self.nodes.last_mut().into_iter().for_each(|node| node.parts = parts.to_vec());
        Ok(())
    }

    /// A matrix product or convolution, and its activation behind it.
    fn kernel(&mut self, mut layer: Layer, network: &Network, rank: usize, shape: Vec<usize>) -> Result<String> {
        let (name, text) = (layer.name.clone(), own_activation(&mut layer, network)?);
        self.weighted(layer, rank, shape.clone())?;
        self.behind(&name, name.clone(), text, shape)
    }

    /// A separable convolution is two convolutions to hls4ml: `NAME_depthwise` and `NAME_pointwise`.
    fn separable(&mut self, mut layer: Layer, network: &Network, rank: usize, shape: Vec<usize>) -> Result<String> {
        let (name, text) = (layer.name.clone(), own_activation(&mut layer, network)?);
        let (depthwise, pointwise) = separable::parts(layer)?;
        let between = shapes::result(&depthwise, &self.shapes(&depthwise)?)?;
        let last = pointwise.name.clone();
        self.weighted(depthwise, rank, between)?;
        self.weighted(pointwise, rank, shape.clone())?;
        self.behind(&name, last, text, shape)
    }

    /// A layer with weights, without its activation.
    fn weighted(&mut self, mut layer: Layer, rank: usize, shape: Vec<usize>) -> Result<()> {
        let fixed = weights::quantized(&mut layer)?;
        let class = match (layer.kind.as_str(), rank) {
            ("dense", 1) => "Dense",
            ("dense", 2) | ("conv1d", _) => "Conv1D",
            ("dense", 3) | ("conv2d", _) => "Conv2D",
            ("depthwise_conv1d", _) => "DepthwiseConv1D",
            ("depthwise_conv2d", _) => "DepthwiseConv2D",
            _ => {
                return Err(Error::user(
                    format!("a dense layer over {rank} axes, which hls4ml does not have"),
                    "reshape its input",
                ));
            }
        };
        if class.starts_with("Depthwise")
            && layer.tensors.get("kernel").is_some_and(|kernel| kernel.shape.last() != Some(&1))
        {
            let what = "its depth multiplier is not 1, which hls4ml's firmware does not support";
            return Err(Error::user(what, "use a depth multiplier of 1"));
        }
        self.push(layer, class, None, shape);
        if let Some(node) = self.nodes.last_mut() {
            node.fixed = fixed;
        }
        Ok(())
    }

    /// The activation `NAME_relu` behind a layer's last node; the name of what has the result.
    fn behind(&mut self, name: &str, last: String, text: Option<String>, shape: Vec<usize>) -> Result<String> {
        let Some(text) = text else { return Ok(last) };
        let word = text.split('(').next().unwrap_or(&text).trim_end_matches("_keras2");
        let behind = format!("{name}_{word}");
        let function = Function::parse(&text)?;
        self.push(Layer::new(&behind, "activation", vec![last]), function.class(), Some(function), shape);
        Ok(behind)
    }

    fn activation(&mut self, mut layer: Layer, shape: Vec<usize>) -> Result<String> {
        let text = match layer.kind.as_str() {
            "activation" => layer.attributes.remove("function"),
            "quantize" => layer.attributes.remove("format"),
            kind => Some(Value::from(kind)),
        };
        let text = text.and_then(|text| text.as_str().map(str::to_string));
        let text = text.ok_or_else(|| Error::user("it has formats of each element", "leave --precision away"))?;
        let function = Function::parse(&text)?;
        if function == Function::Prelu && layer.tensors.get("alpha").is_none_or(|alpha| alpha.shape != shape) {
            return Err(Error::user("hls4ml's PReLU has a slope for each element", "train without shared_axes"));
        }
        let last = layer.attributes.get("axis").and_then(Value::as_i64).unwrap_or(-1);
        if function == Function::Softmax && last != -1 && last + 1 != shape.len() as i64 {
            return Err(Error::user("a softmax over another axis than the last", "transpose its input"));
        }
        let name = layer.name.clone();
        layer.attributes.clear();
        // The tensor is the slopes of a PReLU.
        self.push(Layer { kind: "activation".into(), ..layer }, function.class(), Some(function), shape);
        Ok(name)
    }
}

/// Takes a layer's activation away, `linear` where it has none; none where a reader of Keras files has split it already.
fn own_activation(layer: &mut Layer, network: &Network) -> Result<Option<String>> {
    let given = match layer.attributes.remove("activation") {
        Some(Value::String(text)) => Some(text),
        Some(other) => return Err(Error::user(format!("`activation` is {other}"), "write a function or quantizer")),
        None => None,
    };
    let name = &layer.name;
    let behind = |other: &Layer| {
        let own = other.name.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('_'));
        own && other.kind == "activation" && other.inputs.first() == Some(name)
    };
    let split = given.is_none() && network.layers.iter().any(behind);
    Ok(if split { None } else { Some(given.unwrap_or_else(|| "linear".into())) })
}

/// hls4ml enlarges images by their nearest pixels (`nnet_image.h`); its 16 fraction bits suffice up to this length.
fn nearest(layer: &Layer, shape: &[usize]) -> Result<()> {
    if layer.attributes.get("interpolation").is_some_and(|value| value != "nearest") {
        return Err(Error::user("hls4ml's firmware has the interpolation `nearest` only", "use that one"));
    }
    match shape.iter().all(|length| *length <= 1 << 14) {
        true => Ok(()),
        false => Err(Error::user(format!("an image of {shape:?}"), "hls4ml's indices are exact up to 2^14")),
    }
}

fn unsupported(kind: &str) -> Error {
    let known = "separable_conv1d, separable_conv2d, lstm, gru, dot over vectors, upsample, prelu, activation, relu, softmax, quantize, batch_norm, flatten, reshape, transpose, pad, crop, concatenate, embedding, \
                 max_pool1d, max_pool2d, average_pool1d, average_pool2d, max and mean over all but the last axis";
    let help = format!("with a precision file: {}, {}, {known}", KERNELS.join(", "), MERGES.join(", "));
    Error::user(format!("`{kind}` in hls4ml's types is not supported"), help)
}
