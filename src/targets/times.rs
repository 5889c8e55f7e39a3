//! The times of a whole graph: each node is asked for once.

use super::{Target, Time};
use crate::dfg::{Dfg, Id, Op};
use crate::fixed::Range;

/// What a target says of the times of a graph's nodes.
pub struct Times {
    own: Vec<Time>,
    /// Whether a value's bits come one after another, out of a carry chain.
    ripples: Vec<bool>,
    carry_bit: i32,
    /// What a register costs a stage, in ps.
    pub register: u32,
}

impl Times {
    /// Asks the target about every node.
    pub fn new(dfg: &Dfg, target: &dyn Target) -> Times {
        let (carry_bit, register) = (target.carry_bit() as i32, target.register_delay());
        let mut times = Times { own: Vec::new(), ripples: Vec::new(), carry_bit, register };
        times.extend(dfg, target);
        times
    }

    /// Asks about the nodes that a growing graph has gained.
    pub fn extend(&mut self, dfg: &Dfg, target: &dyn Target) {
        for id in (self.own.len()..dfg.nodes.len()).map(|index| Id(index as u32)) {
            let time = target.time(dfg, id);
            let ripples = match &dfg[id].op {
                Op::Scale(arg, _) | Op::Floor(arg, _) | Op::Wrap { arg, .. } => self.ripples[arg.index()],
                _ => time.chain > 0,
            };
            self.own.push(time);
            self.ripples.push(ripples);
        }
    }

    /// Time through a node's logic and the net it drives, from registers, in ps.
    pub fn delay(&self, id: Id) -> u32 {
        self.own[id.index()].delay
    }

    /// Time from the last bit of an operand to the last bit of the node, in ps. It may be less than [`Times::delay`], which
    /// is from registers, where all bits are there at once: an adder behind an adder begins with the low bits. Where wiring
    /// drops bits that come last, it is less than 0. It is never more than the delay.
    pub fn arc(&self, dfg: &Dfg, id: Id, operand: Id) -> i32 {
        let Time { delay, chain } = self.own[id.index()];
        let (delay, bits) = (delay.min(i32::MAX as u32) as i32, chain as i32);
        let (range, result, ripples) = (dfg.range(operand), dfg.range(id), self.ripples[operand.index()]);
        match &dfg[id].op {
            Op::Wrap { .. } if ripples => self.carry_bit * (top(result) - top(range)).min(0),
            Op::Add { terms, .. } if bits > 0 => {
                // Where its last bit enters the chain: of bits that come one after another the highest, else the lowest.
                let last = if ripples { top(range) } else { range.exp };
                let enters = terms.iter().filter(|term| term.id == operand).map(|term| last + term.shift).min();
                let passed = enters.map_or(0, |enters| enters - (top(result) - bits)).clamp(0, bits);
                delay - self.carry_bit * passed
            }
            _ => delay,
        }
    }
}

/// The exponent above the highest bit.
fn top(range: Range) -> i32 {
    range.exp + range.width() as i32
}
