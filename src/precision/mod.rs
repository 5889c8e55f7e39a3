//! Networks in hls4ml's types: `--precision FILE`.
//!
//! The file is an hls4ml configuration (YAML: `Model`, `LayerType`, `LayerName`), or the typedefs of a firmware as JSON
//! (`input_t`, `layer2_t`, `weight2_t`, ..). [`apply`] makes of a network the one that hls4ml 1.3 (Vivado and Vitis,
//! `io_parallel`) would compute, bit for bit in its C simulation:
//!
//! - an activation given with a layer is a layer of its own behind it, `NAME_relu`, and `NAME_linear` where there is none;
//! - weights are cast to their types, products and partial sums to the accumulator's, results to the layer's;
//! - a batch normalisation is a scale and a shift, or part of the weights before it where their result is `auto`;
//! - sigmoid, tanh, elu, selu and softmax are tables; hard functions and PReLU have parameters in types of their own;
//! - a separable convolution is a depthwise and a pointwise one; an LSTM or GRU has its sums and functions in the accumulator's type;
//! - weights of QKeras' `quantized_po2`, `binary` and `ternary` are multiplied as `nnet_mult.h` does;
//! - what is not named has the type that hls4ml gives it, `auto` included.
//!
//! Each layer keeps its name, so that `run --layer NAME` gives what hls4ml's trace gives.

mod activation;
mod config;
mod emit;
mod functions;
mod graph;
mod infer;
mod recurrent;
mod separable;
mod shapes;
mod softmax;
mod types;
mod weights;

pub use config::Precision;

use crate::error::{At, Error, Result};
use crate::network::Network;
use functions::Function;
use graph::{Graph, Node};
use std::collections::BTreeMap;
use types::{Kind, Type, Wanted};

/// The network in hls4ml's types.
///
/// # Errors
/// The file names a layer that is not there, or a layer is not one that is followed; the place is the layer.
pub fn apply(network: &Network, precision: &Precision) -> Result<Network> {
    network.stateless("--precision")?;
    let mut graph = Graph::new(network)?;
    let mut precision = precision.clone();
    for layer in network.layers.iter().filter(|layer| layer.kind.starts_with("separable_conv")) {
        if precision.typedefs.is_some() {
            let what = "a separable convolution with typedefs, which name its two parts by numbers";
            return Err(Error::user(what, "give hls4ml's configuration").at(format!("layer `{}`", layer.name)));
        }
        let class = if layer.kind.ends_with("1d") { "SeparableConv1D" } else { "SeparableConv2D" };
        precision.separate(&layer.name, class);
    }
    let precision = &precision;
    if let Some(name) =
        precision.names().find(|name| !graph.nodes.iter().any(|node| node.layer.name.eq_ignore_ascii_case(name)))
    {
        let known: Vec<&str> = graph.nodes.iter().map(|node| node.layer.name.as_str()).collect();
        let what = format!("there is no layer `{name}` in hls4ml's list of this network's layers");
        return Err(Error::user(what, format!("known: {}", known.join(", "))));
    }
    match &precision.typedefs {
        Some(typedefs) => named_types(&mut graph, typedefs)?,
        None => {
            for at in 0..graph.nodes.len() {
                let place = format!("layer `{}`", graph.nodes[at].layer.name);
                wanted_types(&mut graph.nodes[at], precision).at(place)?;
            }
            infer::simplify(&mut graph, precision)?;
            infer::infer(&mut graph, precision)?;
            infer::drop_linear(&mut graph);
        }
    }
    emit::network(&network.name, &graph, precision)
}

/// Classes with a kernel, whose bias hls4ml adds where there is none.
const KERNELS: [&str; 5] = ["Dense", "Conv1D", "Conv2D", "DepthwiseConv1D", "DepthwiseConv2D"];

/// The usages of types that a class has.
fn usages(class: &str) -> &'static [&'static str] {
    match class {
        "Dense" | "Conv1D" | "Conv2D" | "DepthwiseConv1D" | "DepthwiseConv2D" => &["weight", "bias", "accum", "result"],
        "LSTM" | "GRU" => &["weight", "bias", "recurrent_weight", "recurrent_bias", "accum", "result"],
        "Bidirectional" => &[
            "forward_weight",
            "forward_bias",
            "forward_recurrent_weight",
            "forward_recurrent_bias",
            "backward_weight",
            "backward_bias",
            "backward_recurrent_weight",
            "backward_recurrent_bias",
            "accum",
            "result",
        ],
        "Dot" => &["accum", "result"],
        "PReLU" => &["param", "result"],
        "BatchNormalization" => &["scale", "bias", "result"],
        "Pooling1D" | "Pooling2D" | "GlobalPooling1D" | "GlobalPooling2D" | "Softmax" => &["accum", "result"],
        "ParametrizedActivation" => &["param", "result"],
        "Embedding" => &["embeddings", "result"],
        _ => &["result"],
    }
}

/// The types that the configuration wants.
fn wanted_types(node: &mut Node, precision: &Precision) -> Result<()> {
    for usage in usages(node.class) {
        let missing = *usage == "bias" && KERNELS.contains(&node.class) && !node.layer.tensors.contains_key("bias");
        let wanted = match node.fixed.get(usage) {
            Some(known) => Wanted::Type(*known),
            // hls4ml makes an ap_uint<1> of a bias that is not there.
            None if missing => Wanted::Type(Type { kind: Kind::Whole, ..Type::fixed(false, 1, 1) }),
            None => precision.wanted(&node.layer.name, node.class, usage)?,
        };
        node.types.insert(usage, wanted);
    }
    Ok(())
}

/// The types that a firmware's typedefs name, by the layer's number or name.
fn named_types(graph: &mut Graph, typedefs: &BTreeMap<String, Type>) -> Result<()> {
    let mut at = 0;
    while at < graph.nodes.len() {
        let node = &graph.nodes[at];
        let (index, name) = (node.index, node.layer.name.clone());
        let last = graph.outputs.contains(&name);
        let find = |usage: &str| {
            let keys = match usage {
                "result" if node.class == "Input" && index == 1 => vec!["input_t".to_string()],
                "result" if node.class == "Input" => vec![format!("input{index}_t")],
                "result" if last => vec!["result_t".into(), format!("layer{index}_t")],
                "result" => vec![format!("layer{index}_t"), format!("{name}_result_t")],
                "accum" => vec![format!("{name}_accum_t"), "model_default_t".into()],
                usage => vec![format!("{usage}{index}_t"), format!("{name}_{usage}_t"), "model_default_t".into()],
            };
            keys.iter().find_map(|key| typedefs.get(&key.to_lowercase())).copied()
        };
        let plain = node.function == Some(Function::Linear) || node.in_place();
        if plain && find("result").is_none() {
            // It was taken out, or has the memory of what it reads.
            graph.remove(at);
            continue;
        }
        // Where the linear activation of the last layer was taken out, that layer has the result's type.
        let behind = graph.nodes.iter().any(|other| {
            let linear = other.function == Some(Function::Linear) && other.layer.inputs == [name.clone()];
            linear && graph.outputs.contains(&other.layer.name) && !typedefs.contains_key(&format!("layer{index}_t"))
        });
        let mut types = BTreeMap::new();
        for usage in usages(node.class) {
            let known = if behind && *usage == "result" { typedefs.get("result_t").copied() } else { find(usage) };
            let missing =
                || Error::user(format!("the typedefs have no type for `{usage}`"), "give all typedefs of defines.h");
            types.insert(*usage, Wanted::Type(known.ok_or_else(missing).at(format!("layer `{name}`"))?));
        }
        graph.nodes[at].types = types;
        at += 1;
    }
    Ok(())
}
