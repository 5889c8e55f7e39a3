//! What a network costs: bits, energy, operations on bits, look-up tables, time.
//!
//! An open set: a file of this folder is one measure, and [`COSTS`] lists them. Bits and energy are QKeras' own numbers
//! (QTools, AutoQKeras), which need shapes and quantizers but no weights; the others are counted on what the compiler makes.

mod bits;
mod class;
mod ebops;
mod energy;
mod gates;
mod latency;
mod luts;
mod operand;
mod sizes;

pub use bits::Bits;
pub use class::{class, function, is_quantized, quantized_class, text};
pub use energy::{Energy, Memory, Sram};
pub use gates::Compat;
pub use operand::Operand;
pub use sizes::{Sizes, shape, sizes, weighted};

use crate::compiler::{Making, Meaning, Reading};
use crate::error::Result;
use crate::network::Network;
use crate::registry::Entry;
use crate::targets::TARGETS;

/// What a layer costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its name.
    pub layer: String,
    /// Its kind, as Keras calls it where Keras has it.
    pub class: String,
    /// The part that counts.
    pub total: f64,
    /// What it is made of, whether or not it counts.
    pub parts: Vec<(&'static str, f64)>,
}

/// What a network costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    /// The unit.
    pub unit: &'static str,
    /// A row a layer, in the order of computation.
    pub rows: Vec<Row>,
    /// The whole.
    pub total: f64,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// How costs are counted.
pub struct Options {
    /// What the file leaves open.
    pub reading: Reading,
    /// The name of the target whose hardware is counted.
    pub target: String,
    /// The hardware that is counted.
    pub making: Making,
    /// The rules of the bits.
    pub bits: Bits,
    /// The rules of the energy.
    pub energy: Energy,
}

impl Cost {
    /// What a layer costs, by the network's name of it.
    pub fn of_layer(&self, name: &str) -> f64 {
        self.rows.iter().find(|row| row.layer == name).map_or(0.0, |row| row.total)
    }
}

impl Default for Options {
    /// The paper's rules, on the first target.
    fn default() -> Options {
        Options {
            reading: Reading::default(),
            target: TARGETS[0].name.into(),
            making: Making::default(),
            bits: Bits::default(),
            energy: Energy::default(),
        }
    }
}

/// The network's own name of a layer, by the legal name that it has in the graphs.
fn own_name(meaning: &Meaning, legal: &str) -> String {
    let graph = &meaning.expanded.graph;
    let own = meaning.expanded.values.iter().find(|(_, id)| graph.layer_of(*id) == legal);
    own.map_or(legal, |(name, _)| name).to_string()
}

/// A measure of a network.
pub type Measure = fn(&Network, &Options) -> Result<Cost>;

/// All measures.
pub const COSTS: &[Entry<Measure>] = &[bits::COST, energy::COST, ebops::COST, luts::COST, latency::COST];

#[cfg(test)]
mod tests;
