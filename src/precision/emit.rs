//! hls4ml's layers with their types, as layers of ours.

use super::config::Precision;
use super::functions::{Function, Table};
use super::graph::{Graph, Node};
use super::types::Type;
use super::{softmax, weights};
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
    let mut emitter = Emitter { precision, taken, types: BTreeMap::new(), layers: Vec::new() };
    let mut inputs = Vec::new();
    for node in &graph.nodes {
        let place = || format!("layer `{}`", node.layer.name);
        if node.class == "Input" {
            let known = node.known("result").at(place())?;
            inputs.push(Input {
                name: node.layer.name.clone(),
                shape: node.shape.clone(),
                format: Some(known.to_string()),
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
            "Dense" | "Conv1D" | "Conv2D" => self.kernel(node)?,
            "BatchNormalization" => self.batch_norm(node)?,
            "Pooling1D" | "Pooling2D" | "GlobalPooling1D" | "GlobalPooling2D" => self.pool(node)?,
            "Softmax" => softmax::emit(self, node)?,
            "Activation" | "ParametrizedActivation" => self.activation(node)?,
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

    fn kernel(&mut self, node: &Node) -> Result<()> {
        let accumulator = node.known("accum")?;
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
        let result = node.known("result")?.to_string();
        let mut layer = node.layer.clone().with("result_format", result);
        for format in ["product_format", "accumulator_format"] {
            layer = layer.with(format, accumulator.to_string());
        }
        self.stored(node, &mut layer, "kernel", "kernel_quantizer", node.known("weight")?)?;
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

    fn activation(&mut self, node: &Node) -> Result<()> {
        let layer = Layer::new(&node.layer.name, "activation", node.layer.inputs.clone());
        let result = node.known("result")?;
        let layer = match &node.function {
            Some(Function::Linear) => layer.with("function", "linear"),
            Some(Function::Relu) => layer.with("function", "relu"),
            Some(Function::Leaky(slope)) => {
                let slope = node.known("param")?.cast(*slope);
                let slope = slope.ok_or_else(|| Error::user("the slope is not finite", "give a number"))?;
                layer.with("function", format!("leaky_relu({slope:?})"))
            }
            Some(Function::Table(table)) => return self.table(node, *table, result),
            _ => return Err(Error::bug("an activation without a function")),
        };
        self.push(layer.with("result_format", result.to_string()));
        Ok(())
    }

    fn table(&mut self, node: &Node, table: Table, result: Type) -> Result<()> {
        let name = node.layer.name.as_str();
        let entry = self.precision.key_type(name, node.class, "table_t")?;
        let typedef = || {
            self.precision
                .typedefs
                .as_ref()
                .and_then(|types| types.get(&format!("{}_table_t", name.to_lowercase())))
                .copied()
        };
        let entry = entry.or_else(typedef).unwrap_or(Type::fixed(true, 18, 8));
        let bits = table_bits(self.precision, node)?;
        let points = 1i64 << bits;
        let value = |pattern: i64| {
            let index = (pattern + points / 2) % points;
            // The point of an index, in the order of the C++: 2 * 8.0 * (ii - N / 2.0) / N.
            let x = f64::from(table.spread()).exp2() * (index as f64 - points as f64 / 2.0) / points as f64;
            table.value(x as f32)
        };
        let index = Type::fixed(true, bits, table.spread());
        let index = index.with(crate::fixed::Rounding::TrnZero, Overflow::Sat);
        let input = node.layer.inputs.clone();
        let lookup = Lookup { index, entry, values: (0..points).map(value).collect() };
        self.lookup(name, input, lookup, Some(result))
    }

    /// Brings a value to the index' type, and looks the entry of its bit pattern up.
    ///
    /// # Errors
    /// An entry that is not finite.
    pub fn lookup(&mut self, name: &str, inputs: Vec<String>, lookup: Lookup, result: Option<Type>) -> Result<()> {
        let Lookup { index, entry, values } = lookup;
        let indices = self.fresh(name, "index");
        let indices = self.push(Layer::new(indices, "quantize", inputs).with("format", index.to_string()));
        let code = |value: &f64| entry.cast(*value).map(|value| value * f64::from(entry.fraction()).exp2());
        let codes: Option<Vec<f64>> = values.iter().map(code).collect();
        let codes = codes.ok_or_else(|| Error::user("a table has an entry that is not finite", "use another type"))?;
        let mut layer = Layer::new(name, "table", vec![indices])
            .with("signed", index.signed())
            .with("integer", index.integer() - i32::from(index.signed()))
            .with("fraction", index.fraction())
            .with("out_fraction", entry.fraction())
            .with_tensor("values", Tensor::vector(codes));
        if let Some(result) = result {
            layer = layer.with("result_format", result.to_string());
        }
        self.push(layer);
        Ok(())
    }
}

/// A table and how it is read.
pub struct Lookup {
    /// The type of the index, whose bit pattern counts.
    pub index: Type,
    /// The type of entries.
    pub entry: Type,
    /// Entries, by bit pattern, before their cast.
    pub values: Vec<f64>,
}

/// The bits of a table's index.
///
/// # Errors
/// The table's size is no power of two, or too large.
pub fn table_bits(precision: &Precision, node: &Node) -> Result<u32> {
    let size = precision.setting(&node.layer.name, node.class, "table_size").map_or(Some(1024), Value::as_u64);
    let size = size.filter(|size| size.is_power_of_two() && (2..=1 << 20).contains(size));
    let wrong = || Error::user("`table_size` is no power of two up to 2^20", "use 1024");
    Ok(size.ok_or_else(wrong)?.trailing_zeros())
}
