//! Activations: those without a table, those that our layer of hls4ml's functions computes, and tables.

use super::config::Precision;
use super::emit::Emitter;
use super::functions::{Function, Hard, Table};
use super::graph::Node;
use super::types::Type;
use super::weights;
use crate::error::{At, Error, Result};
use crate::fixed::Overflow;
use crate::network::{Layer, Tensor};
use serde_json::Value;

impl Emitter<'_> {
    /// Adds an activation that is no softmax.
    ///
    /// # Errors
    /// A parameter or table that is not followed.
    pub fn activation(&mut self, node: &Node) -> Result<()> {
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
            Some(function) => return self.fixed_point(node, function, result),
            None => return Err(Error::bug("an activation without a function")),
        };
        self.push(layer.with("result_format", result.to_string()));
        Ok(())
    }

    /// The type of a table's entries.
    ///
    /// # Errors
    /// The file names none where it should.
    pub fn table_type(&self, node: &Node) -> Result<Type> {
        let name = node.layer.name.as_str();
        let entry = self.precision.key_type(name, node.class, "table_t")?;
        let typedefs = self.precision.typedefs.as_ref();
        let typedef = || typedefs.and_then(|types| types.get(&format!("{}_table_t", name.to_lowercase()))).copied();
        Ok(entry.or_else(typedef).unwrap_or(Type::fixed(true, 18, 8)))
    }

    /// An activation that our layer of hls4ml's functions computes.
    fn fixed_point(&mut self, node: &Node, function: &Function, result: Type) -> Result<()> {
        let mut layer = Layer::new(&node.layer.name, "hls4ml_activation", node.layer.inputs.clone())
            .with("format", result.to_string())
            .with("input_format", self.read(node, 0)?.to_string());
        let (name, param) = match function {
            Function::Elu(alpha) => ("elu", Some(*alpha)),
            Function::Selu => ("selu", None),
            Function::Thresholded(theta) => ("thresholded_relu", Some(*theta)),
            Function::Prelu => ("prelu", None),
            Function::Hard(Hard::Keras | Hard::Sigmoid) => ("hard_sigmoid", None),
            Function::Hard(Hard::Tanh) => ("hard_tanh", None),
            _ => return Err(Error::bug("an activation without a form")),
        };
        layer = layer.with("function", name);
        if let Some(param) = param {
            layer = layer.with("param", param).with("param_format", node.known("param")?.to_string());
        }
        match function {
            Function::Elu(_) | Function::Selu => {
                layer = layer.with("table_format", self.table_type(node)?.to_string());
                layer = layer.with("table_size", table_size(self.precision, node)?);
            }
            // The file's types say nothing of slopes: QKeras' is 0.5 in ap_ufixed<2,0>.
            Function::Hard(Hard::Sigmoid | Hard::Tanh) => {
                layer = layer.with("param", 0.5).with("param_format", "ufixed<2,0>");
            }
            Function::Prelu => {
                let alpha = node.layer.tensors.get("alpha").ok_or_else(|| Error::bug("a PReLU without slopes"))?;
                let stored = weights::stored(alpha, node.known("param")?).at("`alpha`")?;
                layer = layer.with_tensor("alpha", Tensor::vector(stored.data));
            }
            _ => {}
        }
        self.push(layer);
        Ok(())
    }

    fn table(&mut self, node: &Node, table: Table, result: Type) -> Result<()> {
        let name = node.layer.name.as_str();
        let entry = self.table_type(node)?;
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

/// How many entries a table has that need be no power of two.
///
/// # Errors
/// Too many of them.
pub fn table_size(precision: &Precision, node: &Node) -> Result<u64> {
    let size = precision.setting(&node.layer.name, node.class, "table_size").map_or(Some(1024), Value::as_u64);
    let size = size.filter(|size| (2..=1 << 16).contains(size));
    size.ok_or_else(|| Error::user("`table_size` is no number from 2 to 2^16", "use 1024"))
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
