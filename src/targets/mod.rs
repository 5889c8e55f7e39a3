//! What an operation costs on a device: delay and area.
//!
//! To add a target: a file with a [`Target`] and an entry below.

pub mod calibration;
mod ecp5;
mod fabric;
mod fitted;
mod generic;
mod gowin;
mod ice40;
mod lut4;
mod series7;
mod ultrascale_plus;

use crate::dfg::{Dfg, Id};
use crate::registry::Entry;
use std::ops::Add;

/// Makes a target.
pub type Make = fn() -> Box<dyn Target>;

/// The targets, the default first.
pub const TARGETS: &[Entry<Make>] =
    &[generic::TARGET, ultrascale_plus::TARGET, series7::TARGET, ecp5::TARGET, ice40::TARGET, gowin::TARGET];

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
    /// Whether any constant is free in a chain of two operands.
    pub constant: bool,
}

/// A device family.
pub trait Target {
    /// Time through a node's logic and the net it drives, in ps; 0 for wiring.
    fn delay(&self, dfg: &Dfg, id: Id) -> u32;

    /// Logic of a node. Registers are counted by the schedule.
    fn area(&self, dfg: &Dfg, id: Id) -> Area;

    /// What a register costs a stage: clock to output, set-up and clock uncertainty, in ps.
    fn register_delay(&self) -> u32;

    /// A typical adder, in ps: what a level counts for where sums are ordered.
    fn adder_delay(&self) -> u32;

    /// What one carry chain adds.
    fn sums(&self) -> Sums {
        Sums { operands: 2, constant: false }
    }

    /// The folder of `hdl/` with the device's carry chain, if sums are to be instances of modules of `hdl/`.
    fn cells(&self) -> Option<&'static str> {
        None
    }

    /// The command with which Yosys synthesizes for the device, without the top module.
    fn yosys(&self) -> &'static str;

    /// What places and routes for the device, if there is an open tool.
    fn router(&self) -> Option<Router> {
        None
    }

    /// The device: for AMD's, as Vivado names it.
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
