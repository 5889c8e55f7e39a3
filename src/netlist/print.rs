//! The text form, for reading: `dense_1_3 : s10 = sum jet_2[7] x 2 ++ jet_2, jet_5 ; dense_1[3] = ...`. An operand lists its parts
//! highest first, as Verilog does.

use super::{Bits, Cell, Netlist, Part};
use std::fmt;

/// Prints the operation, its operands by net number: `sum {%2[7:0]}, -{%3[7:0]}`.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.text(|id| format!("%{}", id.0)))
    }
}

impl Cell {
    fn text(&self, name: impl Fn(super::NetId) -> String) -> String {
        let bits = |bits: &Bits| bits.text(&name);
        match self {
            Cell::Input { port, lo } => format!("input {port} from bit {lo}"),
            Cell::Wire(a) => format!("wire {}", bits(a)),
            Cell::Sum(terms) => {
                let term = |(a, negative): &(Bits, bool)| format!("{}{}", if *negative { "-" } else { "" }, bits(a));
                format!("sum {}", terms.iter().map(term).collect::<Vec<_>>().join(", "))
            }
            Cell::Mul(a, b) => format!("mul {}, {}", bits(a), bits(b)),
            Cell::Mux { sel, a, b } => format!("mux {} ? {} : {}", bits(sel), bits(a), bits(b)),
            Cell::Less(a, b) => format!("less {}, {}", bits(a), bits(b)),
            Cell::Any(a) => format!("any {}", bits(a)),
            Cell::All(a) => format!("all {}", bits(a)),
            Cell::Not(a) => format!("not {}", bits(a)),
            Cell::Rom { index, entries } => {
                let entries: Vec<String> = entries.iter().map(u128::to_string).collect();
                format!("rom {} of {}", bits(index), entries.join(" "))
            }
            Cell::Register(a) => format!("register {}", bits(a)),
            Cell::Valid(stage) => format!("valid at stage {stage}"),
            Cell::Digits { start, value, digit } => {
                format!("digits of {digit} {} ? {}", bits(start), bits(value))
            }
            Cell::Total { start, part, first, digit, signed } => {
                let sign = if *signed { "signed" } else { "unsigned" };
                format!("{sign} total by {digit} {} ? {first}, {}", bits(start), bits(part))
            }
        }
    }
}

impl Bits {
    fn text(&self, name: impl Fn(super::NetId) -> String) -> String {
        let part = |part: &Part| match part {
            Part::Const { bits, width } => format!("{width}'b{bits:0width$b}", width = *width as usize),
            Part::Slice { net, lo, width: 1 } => format!("{}[{lo}]", name(*net)),
            Part::Slice { net, lo, width } => format!("{}[{}:{lo}]", name(*net), lo + width - 1),
            Part::Not { net, lo, width: 1 } => format!("~{}[{lo}]", name(*net)),
            Part::Not { net, lo, width } => format!("~{}[{}:{lo}]", name(*net), lo + width - 1),
            Part::Repeat { net, bit, count } => format!("{count} x {}[{bit}]", name(*net)),
        };
        format!("{{{}}}", self.0.iter().rev().map(part).collect::<Vec<_>>().join(", "))
    }
}

impl fmt::Display for Netlist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let interval = if self.interval > 1 { format!(", interval {}", self.interval) } else { String::new() };
        let reset = if self.reset { ", reset" } else { "" };
        writeln!(f, "netlist {} (latency {}{interval}{reset}) {{", self.name, self.latency)?;
        let name = |id: super::NetId| self[id].name.clone();
        for net in &self.nets {
            let kind = if net.signed { 's' } else { 'u' };
            let line = format!("{} : {kind}{} = {}", net.name, net.width, net.cell.text(name));
            writeln!(f, "  {line:<60} ; {}: {}", self.layers[net.layer as usize], net.note)?;
        }
        for (port, bits) in self.outputs.iter().zip(&self.results) {
            writeln!(f, "  output {} = {}", port.name, bits.text(name))?;
        }
        for (state, turn) in self.states.iter().flat_map(|state| Some((state, self.turn?))) {
            let (held, next) = (&state.held.name, state.bits.text(name));
            writeln!(f, "  state {held}, read at stage {}, written at stage {} = {next}", turn.reads, turn.writes)?;
        }
        writeln!(f, "}}")
    }
}
