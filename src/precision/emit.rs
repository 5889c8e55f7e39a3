//! hls4ml's layers with their types, as layers of ours.

use super::config::Precision;
use super::graph::{Graph, Node};
use super::types::{Kind, Type};
use super::{recurrent, softmax, weights};
use crate::error::{At, Error, Result};
use crate::fixed::Overflow;
use crate::network::{Input, Layer, Network, Tensor};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The network of a graph whose types are all known.
///
/// # Errors
/// Something that is not followed; the place is the layer.
pub fn network(name: &str, graph: &Graph, precision: &Precision) -> Result<Network> {
    let taken = graph.nodes.iter().map(|node| node.layer.name.clone()).collect();
    let length = |node: &Node| (node.layer.name.clone(), node.shape.iter().product());
    let lengths = graph.nodes.iter().map(length).collect();
    let mut emitter = Emitter { precision, taken, lengths, types: BTreeMap::new(), layers: Vec::new() };
    let mut inputs = Vec::new();
    for node in &graph.nodes {
        let place = || format!("layer `{}`", node.layer.name);
        if node.class == "Input" {
            let known = node.known("result").at(place())?;
            inputs.push(Input {
                name: node.layer.name.clone(),
                shape: node.shape.clone(),
                format: Some(known.to_string()),
                next: None,
            });
            emitter.types.insert(node.layer.name.clone(), known);
        } else {
            emitter.node(node).at(place())?;
        }
    }
    Ok(Network { name: name.to_string(), inputs, layers: emitter.layers, outputs: graph.outputs.clone() })
}

/// Layers as they are made.
pub struct Emitter<'p> {
    /// The user's file.
    pub precision: &'p Precision,
    taken: BTreeSet<String>,
    /// How many elements each result has.
    lengths: BTreeMap<String, usize>,
    /// The type that each result has in the C++.
    types: BTreeMap<String, Type>,
    layers: Vec<Layer>,
}

impl Emitter<'_> {
    /// Adds a layer.
    pub fn push(&mut self, layer: Layer) -> String {
        let name = layer.name.clone();
        self.layers.push(layer);
        name
    }

    /// A name of ours behind a layer's, which nothing has yet.
    pub fn fresh(&mut self, name: &str, part: &str) -> String {
        let mut fresh = format!("{name}_{part}");
        while !self.taken.insert(fresh.clone()) {
            fresh.push('_');
        }
        fresh
    }

    /// The type of what a node reads.
    ///
    /// # Errors
    /// It reads nothing, which is a bug.
    pub fn read(&self, node: &Node, position: usize) -> Result<Type> {
        let name = node.layer.inputs.get(position);
        name.and_then(|name| self.types.get(name)).copied().ok_or_else(|| Error::bug("a layer reads nothing"))
    }

    fn node(&mut self, node: &Node) -> Result<()> {
        let result = match node.in_place() {
            true => self.read(node, 0)?,
            false => node.known("result")?,
        };
        self.types.insert(node.layer.name.clone(), result);
        match node.class {
            "Dense" | "Conv1D" | "Conv2D" | "DepthwiseConv1D" | "DepthwiseConv2D" => self.kernel(node)?,
            "LSTM" | "GRU" => recurrent::emit(self, node)?,
            "Bidirectional" => recurrent::emit_both(self, node)?,
            "Dot" => self.dot(node)?,
            "BatchNormalization" => self.batch_norm(node)?,
            "Pooling1D" | "Pooling2D" | "GlobalPooling1D" | "GlobalPooling2D" => self.pool(node)?,
            "Softmax" => softmax::emit(self, node)?,
            "Activation" | "ParametrizedActivation" | "HardActivation" | "PReLU" => self.activation(node)?,
            "Merge" if node.layer.kind == "average" => self.average(node)?,
            "Embedding" => {
                let mut layer = node.layer.clone().with("result_format", result.to_string());
                self.stored(node, &mut layer, "embeddings", "embeddings_quantizer", node.known("embeddings")?)?;
                self.push(layer);
            }
            _ if node.in_place() => {
                self.push(node.layer.clone());
            }
            _ => {
                self.push(node.layer.clone().with("result_format", result.to_string()));
            }
        }
        Ok(())
    }

    /// A tensor as hls4ml stores it, and its type as the quantizer.
    fn stored(&self, node: &Node, layer: &mut Layer, name: &str, quantizer: &str, known: Type) -> Result<()> {
        let Some(tensor) = node.layer.tensors.get(name) else { return Ok(()) };
        layer.tensors.insert(name.to_string(), weights::stored(tensor, known).at(format!("`{name}`"))?);
        layer.attributes.insert(quantizer.to_string(), Value::from(known.to_string()));
        Ok(())
    }

    /// Refuses what would change the order of saturating sums.
    ///
    /// # Errors
    /// The strategy is one that is not followed.
    pub fn check_strategy(&self, node: &Node, accumulator: Type) -> Result<()> {
        let setting = |key: &str| self.precision.setting_or_model(&node.layer.name, node.class, key);
        let strategy = setting("strategy").and_then(Value::as_str).unwrap_or("latency").to_lowercase();
        let reuse = setting("reuse_factor").and_then(Value::as_f64).unwrap_or(1.0);
        if ["distributed_arithmetic", "distributedarithmetic", "da"].contains(&strategy.as_str()) {
            return Err(Error::user("strategy `distributed_arithmetic` is not supported", "use latency or resource"));
        }
        if strategy != "latency" && reuse != 1.0 && accumulator.quantization.overflow != Overflow::Wrap {
            let what = format!("`{accumulator}` saturates partial sums, whose order the strategy `{strategy}` changes");
            return Err(Error::user(what, "use strategy latency, ReuseFactor 1, or an accumulator that wraps"));
        }
        if strategy != "latency" && node.class.starts_with("Depthwise") {
            let what = format!("hls4ml's firmware has no strategy `{strategy}` for depthwise convolutions: it aborts");
            return Err(Error::user(what, "use strategy latency for this layer"));
        }
        Ok(())
    }

    fn kernel(&mut self, node: &Node) -> Result<()> {
        let accumulator = node.known("accum")?;
        self.check_strategy(node, accumulator)?;
        let weight = node.known("weight")?;
        if let (Kind::Exponent(bits), Some(kernel)) = (weight.kind, node.layer.tensors.get("kernel")) {
            weights::exponents_fit(kernel, bits, self.read(node, 0)?)?;
        }
        let result = node.known("result")?.to_string();
        let mut layer = node.layer.clone().with("result_format", result);
        for format in ["product_format", "accumulator_format"] {
            layer = layer.with(format, accumulator.to_string());
        }
        self.stored(node, &mut layer, "kernel", "kernel_quantizer", weight)?;
        if let (true, Some(kernel)) = (ternary(weight), layer.tensors.get_mut("kernel")) {
            // nnet::product::weight_ternary takes all but -1 and 0 for 1.
            kernel.data.iter_mut().filter(|value| **value == -2.0).for_each(|value| *value = 1.0);
        }
        self.stored(node, &mut layer, "bias", "bias_quantizer", node.known("bias")?)?;
        self.push(layer);
        Ok(())
    }

    fn batch_norm(&mut self, node: &Node) -> Result<()> {
        let (scale, shift) = weights::folded(&node.layer)?;
        let mut layer = Layer::new(&node.layer.name, "scale_shift", node.layer.inputs.clone());
        if scale.iter().all(|s| *s == 1.0) && shift.iter().all(|s| *s == 0.0) {
            // hls4ml takes a layer that does nothing out, and its cast with it.
            let input = self.read(node, 0)?;
            self.types.insert(node.layer.name.clone(), input);
            self.push(Layer { kind: "activation".into(), ..layer }.with("function", "linear"));
            return Ok(());
        }
        let vector = |values: Vec<f32>| Tensor::vector(values.into_iter().map(f64::from).collect());
        for (tensor, values, usage) in [("scale", scale, "scale"), ("shift", shift, "bias")] {
            let known = node.known(usage)?;
            layer.tensors.insert(tensor.into(), weights::stored(&vector(values), known)?);
            layer.attributes.insert(format!("{tensor}_quantizer"), Value::from(known.to_string()));
        }
        self.push(layer.with("result_format", node.known("result")?.to_string()));
        Ok(())
    }

    fn pool(&mut self, node: &Node) -> Result<()> {
        let (input, result) = (self.read(node, 0)?, node.known("result")?);
        let average = node.layer.kind.starts_with("average") || node.layer.kind == "mean";
        let mut layer = Layer::new(&node.layer.name, "hls4ml_pool", node.layer.inputs.clone())
            .with("op", if average { "average" } else { "max" })
            .with("accumulator_format", node.known("accum")?.to_string())
            .with("result_format", result.to_string());
        if node.class.starts_with("Pooling") {
            for (theirs, ours) in
                [("size", "size"), ("pool_size", "size"), ("strides", "strides"), ("padding", "padding")]
            {
                if let Some(value) = node.layer.attributes.get(theirs) {
                    layer.attributes.insert(ours.into(), value.clone());
                }
            }
            let padded = layer.attributes.get("padding").is_some_and(|padding| padding != "valid");
            if padded && !average && !input.signed() {
                // nnet_pooling.h sets the highest bit alone, which is the least number of a signed type only.
                let highest = f64::from(input.integer() - 1).exp2();
                layer = layer.with("pad_value", highest);
            }
        }
        self.push(layer);
        Ok(())
    }

    fn average(&mut self, node: &Node) -> Result<()> {
        let sum = self.fresh(&node.layer.name, "sum");
        let sum = self.push(Layer::new(sum, "add", node.layer.inputs.clone()));
        let half =
            Layer::new(&node.layer.name, "scale_shift", vec![sum]).with_tensor("scale", Tensor::vector(vec![0.5]));
        self.push(half.with("result_format", node.known("result")?.to_string()));
        Ok(())
    }

    /// `dot1d` of nnet_merge.h: products and partial sums are of the accumulator's type.
    fn dot(&mut self, node: &Node) -> Result<()> {
        let (accumulator, result) = (node.known("accum")?, node.known("result")?);
        let (name, cast) = (node.layer.name.as_str(), accumulator.to_string());
        let length = self.lengths.get(node.layer.inputs.first().map_or("", String::as_str)).copied().unwrap_or(0);
        let products = self.fresh(name, "products");
        let products =
            self.push(Layer::new(products, "multiply", node.layer.inputs.clone()).with("result_format", cast.clone()));
        if accumulator.quantization.overflow == Overflow::Wrap {
            // Wrapping once is wrapping after each sum.
            let total = self.fresh(name, "total");
            let sum = Layer::new(total, "sum", vec![products]).with("axis", -1).with("keep_dims", true);
            let total = self.push(sum.with("result_format", cast));
            self.push(
                Layer::new(name, "activation", vec![total])
                    .with("function", "linear")
                    .with("result_format", result.to_string()),
            );
            return Ok(());
        }
        let mut total = None;
        for at in 0..length {
            let term = self.fresh(name, "term");
            let term = self.push(Layer::new(term, "gather", vec![products.clone()]).with("indices", vec![at]));
            total = Some(match total {
                None => term,
                Some(total) => {
                    let sum = self.fresh(name, "sum");
                    self.push(Layer::new(sum, "add", vec![total, term]).with("result_format", cast.clone()))
                }
            });
        }
        let total = total.ok_or_else(|| Error::user("a dot product of nothing", "correct the layer"))?;
        self.push(
            Layer::new(name, "activation", vec![total])
                .with("function", "linear")
                .with("result_format", result.to_string()),
        );
        Ok(())
    }
}

/// Weights of `ap_int<2>`, whose products hls4ml takes for those of a ternary network (`product_type`).
fn ternary(weight: Type) -> bool {
    weight.kind == Kind::Whole && weight.signed() && weight.width() == 2
}
