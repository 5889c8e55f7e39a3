//! Executable specifications of the modules of `hdl/stream`, in rust-hdl: the same pins, the same bits in the same clock.
//!
//! They say what a module does in the plainest way, not how `hdl/` does it: a queue is one long register that is shifted.
//! `tests/replay.rs` simulates them with random pins, and compares every output of every clock with the module in Verilator.

mod cross;
mod fifo;
mod packets;
mod skid;
mod width;

pub use cross::Cross;
pub use fifo::Fifo;
pub use packets::{Depacketise, Packetise};
pub use skid::Skid;
pub use width::{Narrow, Widen};

use rust_hdl::prelude::{Bits, Block, simulate};

/// The pins that a test bench drives in one clock; a module has some of them.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// Whether the clock of the in side, and that of the out side, has an edge. Most modules have one clock, the first.
    pub edges: [bool; 2],
    /// Synchronous reset, of both sides.
    pub rst: bool,
    pub in_valid: bool,
    pub in_data: Vec<bool>,
    pub in_last: bool,
    pub in_bad: bool,
    pub out_ready: bool,
    /// A packet's header.
    pub header: Vec<bool>,
}

/// The pins that a module drives, before the clock's edge; without a meaning where it has none of that name.
#[derive(Clone, Debug, Default)]
pub struct Outputs {
    pub in_ready: bool,
    pub out_valid: bool,
    pub out_data: Vec<bool>,
    pub out_last: bool,
    pub out_bad: bool,
    pub misframed: bool,
}

/// A module's model.
pub trait Model: Block + Default {
    /// Sets the pins, and the levels of both clocks.
    fn drive(&mut self, inputs: &Inputs, clocks: [bool; 2]);
    /// Reads the pins.
    fn sample(&self) -> Outputs;

    /// One clock: what the module drives before the edge.
    fn clock(&mut self, inputs: &Inputs) -> Outputs {
        self.settle(inputs, [false; 2]);
        let outputs = self.sample();
        self.settle(inputs, inputs.edges);
        self.settle(inputs, [false; 2]);
        outputs
    }

    /// Drives the pins until nothing changes.
    fn settle(&mut self, inputs: &Inputs, clocks: [bool; 2]) {
        self.drive(inputs, clocks);
        assert!(simulate(self, 20), "the model has a loop");
    }
}

/// A vector from bits, the lowest first; missing ones are 0.
fn vector<const N: usize>(bits: &[bool]) -> Bits<N> {
    let set = |word: Bits<N>, (at, bit): (usize, &bool)| if *bit { word.replace_bit(at, true) } else { word };
    bits.iter().take(N).enumerate().fold(Bits::<N>::default(), set)
}

/// The bits of a vector, the lowest first.
fn list<const N: usize>(word: Bits<N>) -> Vec<bool> {
    (0..N).map(|at| word.get_bit(at)).collect()
}
