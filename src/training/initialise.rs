//! Random weights for layers that have none yet.
//!
//! Kernels are those of [`quantizers::initial`], biases 0, and batch normalisations do nothing. A layer has a bias unless only
//! batch normalisations read it, which have one of their own. Shapes follow from the layer's attributes and what it reads.

use crate::error::{At, Error, Result};
use crate::layers;
use crate::network::{Layer, Network, Tensor};
use crate::quantizers;
use crate::random::Random;
use std::collections::HashMap;

/// The network with weights for each layer that lacks them.
///
/// # Errors
/// A layer lacks weights whose shape nothing says, or a mistake in the network.
pub fn initialise(network: &Network, seed: u64) -> Result<Network> {
    let mut network = network.clone();
    let order: Vec<String> = network.ordered()?.iter().map(|layer| layer.name.clone()).collect();
    let mut random = Random::new(seed);
    for name in order {
        let Some(at) = network.layers.iter().position(|layer| layer.name == name) else { continue };
        if !lacks(&network.layers[at]) {
            continue;
        }
        let shape = shape_before(&network, &network.layers[at])?;
        let bias = !normalised(&network, &name);
        let tensors = tensors(&network.layers[at], &shape, bias, &mut random).at(format!("layer `{name}`"))?;
        for (tensor, value) in tensors {
            network.layers[at].tensors.entry(tensor.into()).or_insert(value);
        }
    }
    Ok(network)
}

/// Is it a layer with weights, and has none?
fn lacks(layer: &Layer) -> bool {
    let first = match layer.kind.as_str() {
        "dense" | "conv1d" | "conv2d" | "depthwise_conv1d" | "depthwise_conv2d" => "kernel",
        "separable_conv1d" | "separable_conv2d" => "depthwise_kernel",
        "batch_norm" => "mean",
        _ => return false,
    };
    !layer.tensors.contains_key(first)
}

/// The shape of what a layer reads: the layers before it have their weights already.
fn shape_before(network: &Network, layer: &Layer) -> Result<Vec<usize>> {
    let input = layer.inputs.first().ok_or_else(|| Error::user("a layer reads nothing", "name its inputs"))?;
    if let Some(input) = network.input(input) {
        return Ok(input.shape.clone());
    }
    let mut needed: Vec<&str> = vec![input];
    let mut at = 0;
    while at < needed.len() {
        let read = network.layer(needed[at]).map_or(&[][..], |layer| &layer.inputs);
        let new: Vec<&str> = read.iter().map(String::as_str).filter(|name| !needed.contains(name)).collect();
        needed.extend(new);
        at += 1;
    }
    let before = Network {
        name: network.name.clone(),
        inputs: network.inputs.iter().filter(|input| needed.contains(&input.name.as_str())).cloned().collect(),
        layers: network.layers.iter().filter(|layer| needed.contains(&layer.name.as_str())).cloned().collect(),
        outputs: vec![input.clone()],
    };
    let expanded = layers::expand(&before, &layers::Options::default())?;
    let values: HashMap<&str, _> = expanded.values.iter().map(|(name, id)| (name.as_str(), *id)).collect();
    let id = values.get(input.as_str()).ok_or_else(|| Error::bug(format!("`{input}` was not expanded")))?;
    Ok(expanded.graph.node(*id).shape.clone())
}

/// Do batch normalisations, and nothing else, read a layer?
fn normalised(network: &Network, name: &str) -> bool {
    let mut readers = network.layers.iter().filter(|layer| layer.inputs.iter().any(|input| input == name)).peekable();
    readers.peek().is_some() && readers.all(|layer| layer.kind == "batch_norm")
}

/// The axes of a kernel before its inputs and outputs.
fn kernel_size(layer: &Layer) -> Result<Vec<usize>> {
    let axes = match layer.kind.as_str() {
        kind if kind.ends_with("conv1d") => 1,
        kind if kind.ends_with("conv2d") => 2,
        _ => return Ok(Vec::new()),
    };
    let size: Option<Vec<usize>> =
        layer.attributes.get("kernel_size").and_then(|size| serde_json::from_value(size.clone()).ok());
    size.filter(|size| size.len() == axes && size.iter().all(|length| *length > 0)).ok_or_else(|| {
        Error::user(
            "it has no kernel and no `kernel_size`",
            "give `kernel_size`, such as [3, 3], and the kernel is random",
        )
    })
}

/// A layer's weights.
fn tensors(layer: &Layer, shape: &[usize], bias: bool, random: &mut Random) -> Result<Vec<(&'static str, Tensor)>> {
    let channels = shape.last().copied().unwrap_or(1);
    let all = |value: f64, length: usize| Tensor::vector(vec![value; length]);
    if layer.kind == "batch_norm" {
        let zeros = || all(0.0, channels);
        let ones = || all(1.0, channels);
        return Ok(vec![("mean", zeros()), ("variance", ones()), ("gamma", ones()), ("beta", zeros())]);
    }
    let size = kernel_size(layer)?;
    let axes = size.len();
    let with = |mut size: Vec<usize>, inner: [usize; 2]| {
        size.extend(inner);
        size
    };
    let (kernels, outputs) = if layer.kind.starts_with("depthwise") {
        (vec![("kernel", with(size, [channels, 1]))], channels)
    } else if layer.kind.starts_with("separable") {
        let outputs = outputs(layer)?;
        let pointwise = with(vec![1; axes], [channels, outputs]);
        (vec![("depthwise_kernel", with(size, [channels, 1])), ("pointwise_kernel", pointwise)], outputs)
    } else {
        let (outputs, groups) = (outputs(layer)?, number(layer, "groups").unwrap_or(1).max(1));
        (vec![("kernel", with(size, [channels / groups, outputs]))], outputs)
    };
    let mut tensors = Vec::new();
    for (name, shape) in kernels {
        let attribute = format!("{}_quantizer", name.strip_suffix("_kernel").unwrap_or(name));
        let quantizer = layer.attributes.get(&attribute).and_then(serde_json::Value::as_str);
        let quantizer = quantizer.map(quantizers::parse).transpose()?;
        tensors.push((name, quantizers::initial::kernel(&shape, quantizer.as_deref(), random)?));
    }
    if bias {
        tensors.push(("bias", all(0.0, outputs)));
    }
    Ok(tensors)
}

fn number(layer: &Layer, name: &str) -> Option<usize> {
    layer.attributes.get(name).and_then(serde_json::Value::as_u64).map(|n| n as usize)
}

/// How many outputs a layer without a kernel is to have.
fn outputs(layer: &Layer) -> Result<usize> {
    number(layer, "units").or_else(|| number(layer, "filters")).ok_or_else(|| {
        let name = if layer.kind == "dense" { "units" } else { "filters" };
        Error::user(format!("it has no kernel and no `{name}`"), format!("give `{name}`, and the kernel is random"))
    })
}
