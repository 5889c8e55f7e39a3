//! What an operation costs on a device: delay and area.
//!
//! To add a target: a file with a [`Target`] and an entry below.

mod asic;
pub mod calibration;
mod ecp5;
mod fabric;
mod fitted;
mod generic;
mod gowin;
mod ice40;
mod lut4;
mod series7;
mod times;
mod ultrascale_plus;

pub use times::Times;

use crate::dfg::{Dfg, Id, Op};
use crate::fixed::Fixed;
use crate::registry::Entry;
use serde::Serialize;
use std::ops::Add;

/// Makes a target.
pub type Make = fn() -> Box<dyn Target>;

/// The targets, the default first.
pub const TARGETS: &[Entry<Make>] = &[
    generic::TARGET,
    ultrascale_plus::TARGET,
    series7::TARGET,
    ecp5::TARGET,
    ice40::TARGET,
    gowin::TARGET,
    asic::TARGET,
];

/// Logic of an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Area {
    /// Look-up tables.
    pub luts: f64,
    /// Carry-chain bits.
    pub carry: f64,
}

impl Add for Area {
    type Output = Area;
    fn add(self, other: Area) -> Area {
        Area { luts: self.luts + other.luts, carry: self.carry + other.carry }
    }
}

/// Time through a node's logic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Time {
    /// From registers to the last bit, the net that it drives included, in ps.
    pub delay: u32,
    /// Bits that come one after another, out of a carry chain; 0 where all come at once.
    pub chain: u32,
}

impl From<u32> for Time {
    /// All bits come at once, after so many ps.
    fn from(delay: u32) -> Time {
        Time { delay, chain: 0 }
    }
}

/// Delays of a device's cells, in ps: what a mapped netlist is priced with, and what the delay of an operation is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Cells {
    /// Through a look-up table, whatever its pins.
    pub lut: u32,
    /// A routed net.
    pub net: u32,
    /// From the output of a LUT into the carry chain that it feeds.
    pub carry_entry: u32,
    /// Along one bit of a carry chain.
    pub carry_bit: u32,
    /// From a carry chain to the sum's output.
    pub carry_exit: u32,
    /// Clock edge to the output of a register.
    pub clock_to_output: u32,
    /// Input of a register to the clock edge.
    pub setup: u32,
    /// What a clock edge may be early.
    pub uncertainty: u32,
}

/// A nextpnr and the device that it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Router {
    /// The program, `nextpnr-ecp5`.
    pub program: &'static str,
    /// The device, and what else it needs.
    pub arguments: &'static [&'static str],
}

/// What one carry chain of a device adds at one LUT a bit, beyond two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums {
    /// Operands of one chain: 2, or 3 where LUTs save the carries of three. Such a chain adds no constant besides, but
    /// what fits into zero bits of its operands and two lowest units, which negations take first.
    ///
    /// On AMD's devices a chain of three gives out a saved carry and a sum at each bit, and a slice has one output for
    /// both. It costs one LUT a bit only where the sum goes straight into a register, which has an input of its own;
    /// else up to two, no less than two chains, though it is still faster than those.
    pub operands: usize,
    /// Whether sums of three are to be used only where a register takes them at once, for that reason.
    pub registered: bool,
    /// Whether any constant is free in a chain of two operands.
    pub constant: bool,
    /// Whether an operand enters the chain itself beside the LUT that adds, so that what computes its bits needs LUTs of
    /// its own, where that of the other operand is one with the LUT that adds.
    pub direct: bool,
    /// Tenths of a LUT for a position at which only one operand has bits, and which passes the carry on (measured with Yosys
    /// on jet taggers): few where the chain adds by itself, so that such a position needs a LUT only if something else is
    /// computed in it.
    pub pass: u32,
}

/// A device family.
pub trait Target {
    /// Time through a node's logic; no time for wiring.
    fn time(&self, dfg: &Dfg, id: Id) -> Time;

    /// Time through a node's logic and the net it drives, in ps; 0 for wiring.
    fn delay(&self, dfg: &Dfg, id: Id) -> u32 {
        self.time(dfg, id).delay
    }

    /// Along one bit of a carry chain, in ps: what a chain behind a chain need not wait for.
    fn carry_bit(&self) -> u32 {
        0
    }

    /// Logic of a node. Registers are counted by the schedule.
    fn area(&self, dfg: &Dfg, id: Id) -> Area;

    /// Whether a node is free where nothing but registers reads it: a ReLU is their synchronous reset by the sign.
    fn gates(&self, dfg: &Dfg, id: Id) -> bool {
        let zero = |arg: Id| dfg.range(arg).constant().is_some_and(Fixed::is_zero);
        matches!(dfg[id].op, Op::Max(a, b) if zero(a) || zero(b))
    }

    /// What a register costs a stage: clock to output, set-up and clock uncertainty, in ps.
    fn register_delay(&self) -> u32;

    /// A typical adder, in ps: what a level counts for where sums are ordered.
    fn adder_delay(&self) -> u32;

    /// Delays of the device's cells, where netlists for it can be priced (`scripts/price.py`).
    fn cells(&self) -> Option<Cells> {
        None
    }

    /// What one carry chain adds.
    fn sums(&self) -> Sums {
        Sums { operands: 2, registered: false, constant: false, direct: false, pass: 6 }
    }

    /// The folder of `hdl/` with the device's carry chain, if sums are to be instances of modules of `hdl/`.
    fn hdl(&self) -> Option<&'static str> {
        None
    }

    /// The command with which Yosys synthesizes for the device, without the top module.
    fn yosys(&self) -> &'static str;

    /// What places and routes for the device, if there is an open tool.
    fn router(&self) -> Option<Router> {
        None
    }

    /// Whether registers may have an initial value; without, circuits have a reset.
    fn initial_values(&self) -> bool {
        true
    }

    /// The device: for AMD's, as Vivado names it; nothing where there is none.
    fn part(&self) -> &'static str;
}

/// When each node's value is there in a circuit without registers, in ps.
pub fn arrivals(dfg: &Dfg, target: &dyn Target) -> Vec<u32> {
    let mut arrival: Vec<u32> = Vec::with_capacity(dfg.nodes.len());
    for id in dfg.ids() {
        let operands = dfg[id].op.args().map(|arg| arrival[arg.index()]).max().unwrap_or(0);
        arrival.push(operands + target.delay(dfg, id));
    }
    arrival
}
