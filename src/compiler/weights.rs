//! Weights at run time: the network's own, and others of the same formats.

use super::{Meaning, Reading, codes, tensors};
use crate::batch::Batch;
use crate::dfg::random;
use crate::error::{Error, Result};
use crate::network::Network;
use crate::port::Port;
use crate::samples;
use serde::{Deserialize, Serialize};

/// Where kernels and biases of dense layers and convolutions are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WeightStorage {
    /// In the circuit.
    #[default]
    Constant,
    /// Input ports of the circuit, read with each event.
    Ports,
    /// Registers of a module around the circuit, written through AXI4-Lite.
    Registers,
}

impl WeightStorage {
    /// Are they in the circuit, as they are unless asked otherwise?
    pub fn is_constant(&self) -> bool {
        *self == WeightStorage::Constant
    }
}

/// Events in a row that have the same weights, among the test vectors.
const SAME: usize = 32;

impl Meaning {
    /// The input ports that carry an event; those that carry weights come behind them, and then states.
    pub fn event_ports(&self) -> &[Port] {
        &self.dfg.inputs[..self.dfg.inputs.len() - self.weights.len() - self.states()]
    }

    /// The codes of the network's own weights, ports after one another.
    pub fn own_weights(&self) -> Vec<i128> {
        self.weights.iter().flat_map(|weight| weight.own.iter().copied()).collect()
    }

    /// The codes of events with the network's own weights behind each, and room for states.
    pub(super) fn with_own_weights(&self, events: &Batch) -> Batch {
        let mut own = self.own_weights();
        own.resize(self.dfg.input_elements().len() - events.columns, 0);
        let rows = (0..events.rows()).flat_map(|row| events.row(row).iter().chain(&own).copied());
        Batch { columns: events.columns + own.len(), data: rows.collect() }
    }

    /// Gives test vectors weights that stay for some events: the network's own and random ones in turn.
    pub(super) fn weighted(&self, mut vectors: Batch, seed: u64) -> Batch {
        if self.weights.is_empty() {
            return vectors;
        }
        let (own, first) = (self.own_weights(), samples::columns(self.event_ports()));
        let elements = &self.dfg.input_elements()[first..];
        let sets = vectors.rows().div_ceil(2 * SAME);
        let random = random::inputs(&mut random::Random::new(seed ^ 0x77), elements, sets);
        for (row, vector) in vectors.data.chunks_exact_mut(vectors.columns).enumerate() {
            let set = if (row / SAME).is_multiple_of(2) { &own } else { random.row(row / (2 * SAME)) };
            vector[first..].copy_from_slice(set);
        }
        vectors
    }
}

/// Checks that with its own weights on the ports, if they are there, a network is what it is with constant ones, on these vectors' events.
///
/// # Errors
/// The first event on which it is not, as a bug; or those of [`tensors`].
pub fn own_weights_agree(network: &Network, reading: &Reading, meaning: &Meaning, vectors: &Batch) -> Result<()> {
    if reading.weights.is_constant() {
        return Ok(());
    }
    let constant = tensors(network, &Reading { weights: WeightStorage::Constant, ..reading.clone() })?;
    let columns = samples::columns(meaning.event_ports());
    let rows = (0..vectors.rows()).flat_map(|row| vectors.row(row)[..columns].iter().copied());
    let events = Batch { columns, data: rows.collect() };
    let want = codes(&constant.graph, &events, &meaning.dfg.output_formats())?;
    let got = meaning.codes(&meaning.with_own_weights(&events))?;
    match (0..events.rows()).find(|row| got.row(*row) != want.row(*row)) {
        None => Ok(()),
        Some(row) => {
            let (got, want) = (got.row(row), want.row(row));
            Err(Error::bug(format!("event {row}: weights on ports give {got:?}, constant ones {want:?}")))
        }
    }
}
