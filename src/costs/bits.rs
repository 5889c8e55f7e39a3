//! `bits`: the bits of weights and activations, as AutoQKeras counts them.
//!
//! Source: QKeras' `autoqkeras/forgiving_metrics/forgiving_bits.py`. Dense layers and convolutions: each array times the bits
//! of its quantizer; a batch normalisation: one scale and one offset a channel; activations times their bits. Layers of other
//! kinds count nothing, but for separable convolutions, which here count as their two parts.

use super::class::{class, function, is_quantized, quantized_class, text};
use super::operand::Operand;
use super::sizes::{sizes, weighted};
use super::{Cost, Measure, Options, Row};
use crate::error::{At, Result};
use crate::network::{Layer, Network};
use crate::registry::Entry;
use std::collections::BTreeMap;

/// The entry.
pub const COST: Entry<Measure> =
    Entry { name: "bits", doc: "bits of weights and activations, as AutoQKeras counts them", make: bits };

/// The rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Bits {
    /// Of each element of an input.
    pub input: f64,
    /// Of each element of a softmax or sigmoid.
    pub output: f64,
    /// Of whatever has no quantizer.
    pub reference_bits: f64,
    /// Which parts count (`parameters`, `activations`), by the Keras class of a layer or `default`.
    pub config: BTreeMap<String, Vec<String>>,
    /// Counts as if there were no quantizers.
    pub reference: bool,
}

impl Default for Bits {
    /// AutoQKeras' own.
    fn default() -> Bits {
        let all = vec!["parameters".to_string(), "activations".to_string()];
        Bits {
            input: 8.0,
            output: 8.0,
            reference_bits: 8.0,
            config: BTreeMap::from([("default".to_string(), all)]),
            reference: false,
        }
    }
}

/// Bits of batch normalisation with quantizers: a scale's and an offset's.
const NORMALIZATION: (f64, f64) = (6.0, 5.0);

fn bits(network: &Network, options: &Options) -> Result<Cost> {
    let (rules, sizes) = (&options.bits, sizes(network)?);
    let size = |name: &str| sizes.get(name).map_or(0.0, |shape| shape.iter().product::<usize>() as f64);
    let mut rows: Vec<Row> = Vec::new();
    for input in &network.inputs {
        rows.extend(rules.row(&input.name, "InputLayer".into(), 0.0, rules.input * size(&input.name)));
    }
    for layer in network.ordered()? {
        let place = || format!("layer `{}`", layer.name);
        let class = if rules.reference { class(layer).to_string() } else { quantized_class(layer) };
        let parameters = rules.parameters(layer).at(place())?;
        let activations = rules.activation(layer, size(&layer.name)).at(place())?;
        rows.extend(rules.row(&layer.name, class, parameters, activations));
    }
    let total = rows.iter().map(|row| row.total).sum();
    Ok(Cost { unit: "bits", rows, total, notes: Vec::new() })
}

impl Bits {
    /// A row, if its class counts.
    fn row(&self, layer: &str, class: String, parameters: f64, activations: f64) -> Option<Row> {
        let counted = self.config.get(&class).or_else(|| self.config.get("default"))?;
        let part = |name: &str, bits| if counted.iter().any(|part| part == name) { bits } else { 0.0 };
        let total = part("parameters", parameters) + part("activations", activations);
        let parts = vec![("parameters", parameters), ("activations", activations)];
        Some(Row { layer: layer.into(), class, total, parts })
    }

    /// Bits of a function that is a quantizer, or of any other.
    fn of(&self, call: Option<&str>) -> Result<f64> {
        let operand = call.filter(|_| !self.reference).map(Operand::of).transpose()?.flatten();
        Ok(operand.map_or(self.reference_bits, |operand| f64::from(operand.bits)))
    }

    /// Bits of each element of an array: its quantizer's, those that exact values need, or of what has neither.
    fn of_tensor(&self, layer: &Layer, name: &str, attribute: &str) -> Result<f64> {
        let call = text(layer, attribute).filter(|_| !self.reference);
        let exact = || layer.tensors.get(name).filter(|_| !self.reference).and_then(|t| Operand::of_values(&t.data));
        let operand = call.map(Operand::of_quantizer).transpose().at(format!("`{attribute}`"))?.or_else(exact);
        Ok(operand.map_or(self.reference_bits, |operand| f64::from(operand.bits)))
    }

    fn parameters(&self, layer: &Layer) -> Result<f64> {
        let size = |name: &str| layer.tensors.get(name).map_or(0.0, |tensor| tensor.data.len() as f64);
        if layer.kind == "batch_norm" {
            let quantized = is_quantized(layer) && !self.reference;
            let (scale, offset) = if quantized { NORMALIZATION } else { (self.reference_bits, self.reference_bits) };
            return Ok(scale * size("variance") + offset * size("beta"));
        }
        if !weighted(layer) {
            return Ok(0.0);
        }
        let mut sum = 0.0;
        for name in ["kernel", "depthwise_kernel", "pointwise_kernel", "bias"] {
            let attribute = format!("{}_quantizer", name.trim_end_matches("_kernel"));
            sum += size(name) * self.of_tensor(layer, name, &attribute)?;
        }
        Ok(sum)
    }

    /// Bits of a layer's value, of so many elements; 0 where nothing is stored.
    fn activation(&self, layer: &Layer, size: f64) -> Result<f64> {
        let (acts, quantized) = (class(layer) == "Activation", is_quantized(layer) && !self.reference);
        let formats = if self.reference { Vec::new() } else { Operand::of_elements(layer) };
        if !formats.is_empty() {
            let sum: i32 = formats.iter().map(|format| format.bits).sum();
            return Ok(f64::from(sum) * size / formats.len() as f64);
        }
        let each = match function(layer) {
            None | Some("linear") => 0.0,
            Some("softmax") if acts || quantized => self.output,
            Some("sigmoid") if acts => self.output,
            call if acts || weighted(layer) => self.of(call)?,
            _ => 0.0,
        };
        Ok(each * size)
    }
}
