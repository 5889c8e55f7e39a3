//! The netlist: bit-vectors of explicit width in a clock cycle. Nothing is extended, truncated or signed implicitly.
//!
//! A [`Net`] is one named bit-vector with the [`Cell`] that drives it; cells come after the nets they read, registers
//! included (the pipeline has no loops, but for registers that read themselves). Wiring is not a cell: an operand is a [`Bits`], a concatenation of slices.

mod bits;
mod build;
mod cell;
mod cycle;
mod kept;
mod print;
mod rows;
mod sim;
mod unroll;
mod verify;

pub use bits::ones;
pub use build::{Options, build, build_folded, node_names};
pub use cell::{Bits, Cell, Part};
pub use cycle::Stepper;
pub use rows::{Row, Rows};
pub use sim::Simulator;
pub use verify::legal;

use crate::port::Port;
use crate::schedulers::Loop;

/// Index of a net.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetId(pub u32);

/// A named bit-vector and what drives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Net {
    /// Its name, unique in the netlist, a legal Verilog identifier such as `relu_1_3_s4`.
    pub name: String,
    /// Bits, at least 1.
    pub width: u32,
    /// Whether the highest bit is a sign (for reading waves and text; no operation depends on it).
    pub signed: bool,
    /// What drives it.
    pub cell: Cell,
    /// Index into [`Netlist::layers`]: the module it belongs to.
    pub layer: u32,
    /// Which row of its layer's outputs it is made for: all channels at one position.
    pub row: u32,
    /// What it is, for the source comment: the dataflow node's text, its format and layer element.
    pub note: String,
}

impl std::ops::Index<NetId> for Netlist {
    type Output = Net;
    fn index(&self, id: NetId) -> &Net {
        &self.nets[id.0 as usize]
    }
}

/// A pipelined circuit.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Netlist {
    /// The top module's name.
    pub name: String,
    /// Names of the modules, in dataflow order.
    pub layers: Vec<String>,
    /// Input ports.
    pub inputs: Vec<Port>,
    /// Output ports.
    pub outputs: Vec<Port>,
    /// The nets, drivers before readers.
    pub nets: Vec<Net>,
    /// Equal rows of layers, which the Verilog has a module for.
    pub rows: Vec<Rows>,
    /// The bits of each output port, as wide as the port.
    pub results: Vec<Bits>,
    /// Registers on every path from input port to output port.
    pub latency: u32,
    /// Whether the design has a synchronous reset port `rst`.
    pub reset: bool,
    /// Clocks from event to event, at least.
    pub interval: u32,
    /// What is kept from event to event.
    pub states: Vec<State>,
    /// The stages at which states are read and written, if there are any.
    pub turn: Option<Loop>,
}

/// A register of the top module: an input of the pipeline at one stage, 0 after reset, and taken at another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// What is read. Its number as a port is behind those of the input ports.
    pub held: Port,
    /// The value for the next event: of the same format.
    pub next: Port,
    /// Its bits.
    pub bits: Bits,
}

impl Netlist {
    /// What events and states are read from, in the order of their numbers in [`Cell::Input`].
    pub fn sources(&self) -> impl Iterator<Item = &Port> {
        self.inputs.iter().chain(self.states.iter().map(|state| &state.held))
    }

    /// What leaves the pipeline, with its bits and the stage at which it does: output ports, then states.
    pub fn sinks(&self) -> impl Iterator<Item = (&Port, &Bits, u32)> {
        let writes = self.turn.map_or(0, |turn| turn.writes);
        let states = self.states.iter().map(move |state| (&state.next, &state.bits, writes));
        self.outputs.iter().zip(&self.results).map(|(port, bits)| (port, bits, self.latency)).chain(states)
    }

    /// The stage at which an input port, or a state, is read.
    pub fn source_stage(&self, port: u32) -> u32 {
        if (port as usize) < self.inputs.len() { 0 } else { self.turn.map_or(0, |turn| turn.reads) }
    }
}
