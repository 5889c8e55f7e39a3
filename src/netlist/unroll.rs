//! A circuit with an interval as one without: what it does in the clocks of an event stands side by side.
//!
//! A net with a value in each clock becomes as many nets, digits become slices of their value, and a total the sums of all
//! clocks. The result has the function of the circuit, event by event, and none of its time; it is for
//! [`super::Simulator`], which follows events and not clocks.

use super::{Bits, Cell, Net, NetId, Netlist, Part};

/// The circuit without registers that read themselves.
pub fn unroll(netlist: &Netlist) -> Netlist {
    let serial = netlist.serial();
    let mut made = Unrolled { nets: Vec::new(), copies: Vec::new() };
    for (net, serial) in netlist.nets.iter().zip(serial) {
        let copies = match &net.cell {
            // Nothing that is left reads it.
            Cell::Valid(_) => Vec::new(),
            Cell::Digits { value, digit, .. } => {
                let value = made.at(value, 0);
                let from = |clock: u32| value.slice(clock * digit, net.width - clock * digit);
                let digits = (0..netlist.interval).map(|clock| from(clock).resize(net.width, false));
                digits.map(|bits| made.push(net, Cell::Wire(bits), net.width, false)).collect()
            }
            Cell::Total { .. } => vec![made.total(net, netlist.interval)],
            cell => {
                let clocks = if serial { netlist.interval as usize } else { 1 };
                (0..clocks).map(|clock| made.copy(net, cell, clock)).collect()
            }
        };
        made.copies.push(copies);
    }
    let results = netlist.results.iter().map(|bits| made.at(bits, 0)).collect();
    Netlist { nets: made.nets, results, rows: Vec::new(), interval: 1, ..netlist.clone() }
}

struct Unrolled {
    nets: Vec<Net>,
    /// The nets that stand for each of the circuit's, clock by clock.
    copies: Vec<Vec<NetId>>,
}

impl Unrolled {
    /// An operand in a clock of an event; what has one value has it in all.
    fn at(&self, bits: &Bits, clock: usize) -> Bits {
        bits.renamed(|id| {
            let copies = &self.copies[id.0 as usize];
            copies.get(clock).or(copies.first()).copied().unwrap_or(id)
        })
    }

    fn push(&mut self, net: &Net, cell: Cell, width: u32, signed: bool) -> NetId {
        self.nets.push(Net { cell, width, signed, ..net.clone() });
        NetId(self.nets.len() as u32 - 1)
    }

    fn copy(&mut self, net: &Net, cell: &Cell, clock: usize) -> NetId {
        let mut cell = cell.clone();
        cell.map_operands(|bits| self.at(bits, clock));
        self.push(net, cell, net.width, net.signed)
    }

    /// The sums of all clocks, and the digits that leave them.
    fn total(&mut self, net: &Net, interval: u32) -> NetId {
        let Cell::Total { part, first, digit, signed, .. } = &net.cell else { return NetId(0) };
        let width = part.width();
        let mut whole = Bits::empty();
        let mut before = Bits(vec![Part::Const { bits: *first, width }]);
        for clock in 0..interval {
            let terms = vec![(self.at(part, clock as usize), false), (before, false)];
            let sum = Bits::net(self.push(net, Cell::Sum(terms), width, *signed), width);
            let low = if clock + 1 < interval { *digit } else { width };
            whole = whole.then(&sum.slice(0, low));
            before = sum.slice(*digit, width - digit).resize(width, *signed);
        }
        self.push(net, Cell::Wire(whole), net.width, net.signed)
    }
}
