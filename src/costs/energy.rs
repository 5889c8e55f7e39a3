//! `energy`: picojoules of an event on a 45 nm chip, as QTools estimates them.
//!
//! Source: QKeras' `qtools/qenergy/qenergy.py`, on the table of M. Horowitz, "Computing's energy problem", ISSCC 2014. A
//! layer's operations are priced by the gates of [`super::gates`], its operands by the memory that they lie in. What counts
//! is QTools' sum rule, which takes activations and normalisations for fused with the layer before.

use super::class::{class, function, quantized_class, text};
use super::gates::{Compat, Gate};
use super::operand::Operand;
use super::sizes::{Sizes, sizes};
use super::{Cost, Measure, Options, Row};
use crate::error::{At, Result};
use crate::network::{Layer, Network};
use crate::registry::Entry;
use std::collections::BTreeMap;

mod layers;
use layers::{Priced, price};

/// The entry.
pub const COST: Entry<Measure> =
    Entry { name: "energy", doc: "pJ an event at 45 nm, as QTools estimates it", make: energy };

/// Where arrays lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Memory {
    /// In the logic, for free.
    #[default]
    Fixed,
    /// On the chip.
    Sram,
    /// Beside the chip.
    Dram,
}

/// How an access to SRAM is priced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sram {
    /// The energy of a bit for each word of 64 bits, as QTools does: 64 times too cheap beside DRAM.
    #[default]
    Word,
    /// The energy of a bit for each bit.
    Bit,
}

/// The rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Energy {
    /// Whose numbers.
    pub compat: Compat,
    /// Where weights lie.
    pub parameters: Memory,
    /// Where values between layers lie; those of inputs and outputs lie in SRAM, or in DRAM with `dram_io`.
    pub activations: Memory,
    /// Inputs and outputs come from DRAM, through SRAM.
    pub dram_io: bool,
    /// The smallest SRAM in bits: a larger one costs more for each access.
    pub sram_bits: f64,
    /// How SRAM is priced.
    pub sram: Sram,
    /// The type of weights and parameters without a quantizer.
    pub internal: Operand,
    /// The type of products, sums and activations of layers without quantizers.
    pub accumulator: Operand,
    /// Weights are trained: powers of two are as many as there are different ones.
    pub trained: bool,
    /// Prices as if there were no quantizers.
    pub reference: bool,
}

impl Default for Energy {
    /// The paper's: weights and activations in the logic, SRAM of 16 MiB, half precision for what is not quantized.
    fn default() -> Energy {
        Energy {
            compat: Compat::Current,
            parameters: Memory::Fixed,
            activations: Memory::Fixed,
            dram_io: false,
            sram_bits: 8.0 * 16.0 * 1024.0 * 1024.0,
            sram: Sram::Word,
            internal: Operand::float(16),
            accumulator: Operand::float(16),
            trained: false,
            reference: false,
        }
    }
}

/// An addition of fixed-point numbers of so many bits, in pJ; multiplexers and other gates are a factor of it.
fn addition(bits: f64) -> f64 {
    (0.003125 * bits).max(0.0)
}

/// A multiplication of fixed-point numbers of so many bits, in pJ.
fn multiplication(bits: f64) -> f64 {
    (0.002994791667 * bits * bits + 0.001041666667 * bits).max(0.0)
}

impl Gate {
    /// Its energy in pJ; the type of the result says whether it is floating point.
    fn energy(&self) -> f64 {
        self.factor
            * match (self.output.is_float(), self.multiplies) {
                (true, true) => {
                    if self.output.bits <= 16 {
                        1.1
                    } else {
                        3.7
                    }
                }
                (true, false) => sum_energy(&self.output),
                (false, true) => multiplication(self.bits),
                (false, false) => addition(self.bits),
            }
    }
}

/// The energy of an addition whose result is of this type.
fn sum_energy(output: &Operand) -> f64 {
    match output.is_float() {
        true if output.bits <= 16 => 0.4,
        true => 0.9,
        false => addition(f64::from(output.bits)),
    }
}

impl Energy {
    /// SRAM access of so many bits, in pJ.
    fn sram_energy(&self, bits: f64) -> f64 {
        let n = bits.max(self.sram_bits).max(1.0).log2();
        let price = (9.02427321e-4 * n.powi(3) - 2.68847858e-2 * n.powi(2) + 0.208900804 * n).max(0.0);
        price * if self.sram == Sram::Word { (bits / 64.0).ceil() } else { bits }
    }

    /// Reading or writing so many bits.
    fn access(&self, memory: Memory, bits: f64) -> f64 {
        match memory {
            Memory::Fixed => 0.0,
            Memory::Sram => self.sram_energy(bits),
            Memory::Dram => 20.3125 * bits + if self.dram_io { self.sram_energy(bits) } else { 0.0 },
        }
    }

    /// Where a layer's values lie; those at the boundary of the network elsewhere.
    fn place(&self, boundary: bool) -> Memory {
        match (boundary, self.dram_io) {
            (false, _) => self.activations,
            (true, true) => Memory::Dram,
            (true, false) => Memory::Sram,
        }
    }
}

/// Types of the values of a network, by name.
type Types = BTreeMap<String, Operand>;

fn energy(network: &Network, options: &Options) -> Result<Cost> {
    let (rules, sizes) = (&options.energy, sizes(network)?);
    let mut types = input_types(network, options)?;
    let (mut rows, mut total, mut notes) = (Vec::new(), 0.0, Vec::new());
    for layer in network.ordered()? {
        let place = || format!("layer `{}`", layer.name);
        let inputs: Vec<Operand> = layer.inputs.iter().filter_map(|name| types.get(name).copied()).collect();
        let priced = price(layer, &inputs, &sizes, rules).at(place())?;
        if priced.unknown {
            notes.push(format!(
                "layer `{}`: QTools has no price for a {}; it costs nothing here",
                layer.name, layer.kind
            ));
        }
        let row = row(layer, network, &priced, &inputs, &sizes, rules);
        total += row.total;
        rows.push(row);
        types.insert(layer.name.clone(), priced.output);
    }
    // QTools drops what is behind the point, once.
    Ok(Cost { unit: "pJ", rows, total: total.trunc(), notes })
}

/// Types of the inputs: their formats, those of the quantizers that everything reads them through, or fixed<16,6>.
fn input_types(network: &Network, options: &Options) -> Result<Types> {
    let of = |input: &crate::network::Input| {
        if options.energy.reference {
            return Ok(options.energy.internal);
        }
        let named = |(name, _): &&(Option<String>, String)| name.as_ref().is_none_or(|name| *name == input.name);
        let asked = options.reading.input_formats.iter().rev().find(named).map(|(_, format)| format);
        if let Some(format) = asked.or(input.format.as_ref()) {
            return Operand::of_input(format);
        }
        let mut reads = network.layers.iter().filter(|layer| layer.inputs.contains(&input.name));
        let first = reads.next().filter(|layer| class(layer) == "Activation").and_then(function);
        Ok(first.map(Operand::of).transpose()?.flatten().unwrap_or(Operand::fixed(16, 5, true)))
    };
    network
        .inputs
        .iter()
        .map(|input| Ok((input.name.clone(), of(input).at(format!("input `{}`", input.name))?)))
        .collect()
}

fn row(layer: &Layer, network: &Network, priced: &Priced, inputs: &[Operand], sizes: &Sizes, rules: &Energy) -> Row {
    let size = |name: &str| sizes.get(name).map_or(0.0, |shape| shape.iter().product::<usize>() as f64);
    let first = layer.inputs.iter().any(|name| network.input(name).is_some());
    let last = network.outputs.contains(&layer.name);
    let reads = layer.inputs.iter().zip(inputs);
    let read = reads.map(|(name, x)| rules.access(rules.place(first), size(name) * f64::from(x.bits))).sum();
    let parameters = priced.arrays.iter().map(|bits| rules.access(rules.parameters, *bits)).sum();
    let written = rules.access(rules.place(last), size(&layer.name) * f64::from(priced.output.bits));
    let parts = [("inputs", read), ("parameters", parameters), ("operations", priced.operations), ("outputs", written)];
    let parts: Vec<(&'static str, f64)> = parts.into_iter().map(|(name, energy)| (name, hundredths(energy))).collect();
    let counted = parts.iter().filter(|(part, _)| counts(class(layer)).contains(part));
    let total = hundredths(counted.map(|(_, energy)| energy).sum());
    let class = if rules.reference { class(layer).to_string() } else { quantized_class(layer) };
    Row { layer: layer.name.clone(), class, total, parts }
}

/// The parts of a class that are in the sum.
fn counts(class: &str) -> &'static [&'static str] {
    match class {
        "Activation" => &["outputs"],
        "BatchNormalization" => &["parameters"],
        "Add" | "Subtract" | "MaxPooling2D" => &["operations"],
        _ => &["inputs", "parameters", "operations"],
    }
}

/// To two places, as QTools prints and sums them.
fn hundredths(energy: f64) -> f64 {
    // Formatting rounds the decimal number that the float is, which multiplying by 100 would not.
    // The sum of nothing is -0.
    format!("{energy:.2}").parse().unwrap_or(energy) + 0.0
}

/// The type that the quantizer in this attribute gives, if there is one and it counts.
///
/// # Errors
/// It has none that QTools knows.
fn quantizer(layer: &Layer, attribute: &str, rules: &Energy) -> Result<Option<Operand>> {
    let call = text(layer, attribute).filter(|_| !rules.reference);
    call.map(Operand::of_quantizer).transpose().at(format!("`{attribute}`"))
}
