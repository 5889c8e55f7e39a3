//! One clock cycle at a time, one stream: the plain reading of every cell, with registers, valid and reset.

use super::{Bits, Cell, Netlist, Part, ones};
use crate::fixed::{Format, wrap};

/// A netlist with the contents of its registers. Data registers start at 0 (in hardware: anything).
pub struct Stepper<'a> {
    netlist: &'a Netlist,
    /// Each net's bits; a register's are those it holds.
    values: Vec<u128>,
    /// Whether the event at each stage is one, the youngest first.
    valid: Vec<bool>,
    /// The codes of all states.
    states: Vec<i128>,
}

impl<'a> Stepper<'a> {
    /// The state before the first cycle.
    pub fn new(netlist: &'a Netlist) -> Stepper<'a> {
        let valid = vec![false; netlist.latency as usize];
        let states = netlist.states.iter().map(|state| state.held.elements.len()).sum();
        Stepper { netlist, values: vec![0; netlist.nets.len()], valid, states: vec![0; states] }
    }

    /// One cycle: the output codes and `out_valid` while these inputs are applied, before the clock edge that ends it.
    /// `inputs` are the codes of all port elements; `rst` at the edge drops every event in flight, and states are 0 behind it.
    pub fn step(&mut self, inputs: &[i128], in_valid: bool, rst: bool) -> (Vec<i128>, bool) {
        let ports = pack(self.netlist, inputs.iter().chain(&self.states));
        for (index, net) in self.netlist.nets.iter().enumerate() {
            if let Cell::Valid(stage) = net.cell {
                self.values[index] = self.arrived(stage, in_valid).into();
            } else if !net.cell.is_register() {
                self.values[index] = self.cell(&net.cell, &ports) & ones(net.width);
            }
        }
        let mut outputs = self.outputs();
        let next = outputs.split_off(outputs.len() - self.states.len());
        if rst && self.netlist.reset {
            self.states.fill(0);
        } else if self.netlist.turn.is_some_and(|turn| self.arrived(turn.writes, in_valid)) {
            self.states = next;
        }
        let out_valid = self.valid.last().copied().unwrap_or(in_valid);
        self.clock(in_valid, rst);
        (outputs, out_valid)
    }

    /// Whether there is an event at a stage.
    fn arrived(&self, stage: u32, in_valid: bool) -> bool {
        stage.checked_sub(1).map_or(in_valid, |before| self.valid[before as usize])
    }

    fn clock(&mut self, in_valid: bool, rst: bool) {
        let held = |(net, own): (&super::Net, &u128)| match &net.cell {
            Cell::Register(bits) => Some(self.read(bits)),
            Cell::Digits { start, value, digit } => {
                let (new, low) = (self.read(value), net.width - digit);
                Some(if self.read(start) == 1 { new } else { new >> low << low | own >> digit })
            }
            Cell::Total { start, part, first, digit, signed } => {
                let (width, low) = (part.width(), net.width - part.width());
                let sum = wrap((own >> low) as i128, width, *signed) >> digit;
                let before = if self.read(start) == 1 { *first } else { sum as u128 };
                let sum = before.wrapping_add(self.read(part)) & ones(width);
                Some(sum << low | own >> digit & ones(low))
            }
            _ => None,
        };
        let next: Vec<Option<u128>> = self.netlist.nets.iter().zip(&self.values).map(held).collect();
        for (value, next) in self.values.iter_mut().zip(next) {
            *value = next.unwrap_or(*value);
        }
        self.valid.insert(0, in_valid);
        self.valid.truncate(self.netlist.latency as usize);
        if rst && self.netlist.reset {
            self.valid.fill(false);
        }
    }

    /// The codes of output ports, and then of what states are next.
    fn outputs(&self) -> Vec<i128> {
        let mut codes = Vec::new();
        for (port, bits, _) in self.netlist.sinks() {
            let mut lo = 0;
            for Format { signed, width, .. } in port.elements.iter().map(|element| element.format) {
                codes.push(wrap(self.read(&bits.slice(lo, width)) as i128, width, signed));
                lo += width;
            }
        }
        codes
    }

    /// The value of an operand of at most 128 bits.
    fn read(&self, bits: &Bits) -> u128 {
        bits.placed().fold(0, |value, (at, part)| {
            let part = match part {
                Part::Const { bits, .. } => bits,
                Part::Slice { net, lo, width } => self.values[net.0 as usize] >> lo & ones(width),
                Part::Not { net, lo, width } => !self.values[net.0 as usize] >> lo & ones(width),
                Part::Repeat { net, bit, count } => (self.values[net.0 as usize] >> bit & 1) * ones(count),
            };
            value | part << at
        })
    }

    fn cell(&self, cell: &Cell, ports: &[Vec<bool>]) -> u128 {
        let read = |bits: &Bits| self.read(bits);
        match cell {
            Cell::Input { port, lo } => {
                let bits = ports[*port as usize][*lo as usize..].iter().take(128).enumerate();
                bits.fold(0, |value, (at, bit)| value | (*bit as u128) << at)
            }
            Cell::Wire(a) => read(a),
            Cell::Sum(terms) => terms.iter().fold(0, |sum: u128, (bits, negative)| {
                if *negative { sum.wrapping_sub(read(bits)) } else { sum.wrapping_add(read(bits)) }
            }),
            Cell::Mul(a, b) => read(a).wrapping_mul(read(b)),
            Cell::Mux { sel, a, b } => read(if read(sel) == 1 { a } else { b }),
            Cell::Less(a, b) => {
                let signed = |bits: &Bits| wrap(read(bits) as i128, bits.width(), true);
                (signed(a) < signed(b)) as u128
            }
            Cell::Any(a) => (read(a) != 0) as u128,
            Cell::All(a) => (read(a) == ones(a.width())) as u128,
            Cell::Not(a) => 1 - read(a),
            Cell::Rom { index, entries } => entries[read(index) as usize],
            // Registers change at the clock edge only.
            Cell::Register(a) => read(a),
            Cell::Valid(_) | Cell::Digits { .. } | Cell::Total { .. } => 0,
        }
    }
}

/// The bits of each input port and state, lowest first.
fn pack<'a>(netlist: &Netlist, mut codes: impl Iterator<Item = &'a i128>) -> Vec<Vec<bool>> {
    let mut ports = Vec::new();
    for port in netlist.sources() {
        let mut bits = Vec::with_capacity(port.width() as usize);
        for element in &port.elements {
            let code = codes.next().copied().unwrap_or(0);
            bits.extend((0..element.format.width).map(|bit| code >> bit & 1 == 1));
        }
        ports.push(bits);
    }
    ports
}
