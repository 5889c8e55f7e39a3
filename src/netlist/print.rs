//! The text form, for reading: `dense_1_3 : s10 = sum jet_2[7] x 2 ++ jet_2, jet_5 ; dense_1[3] = ...`. An operand lists its parts
//! highest first, as Verilog does.

use super::{Bits, Cell, NetId, Netlist, Part};
use std::borrow::Cow;
use std::fmt::{self, Write};

/// Prints the operation, its operands by net number: `sum {%2[7:0]}, -{%3[7:0]}`.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, &|id| format!("%{}", id.0).into())
    }
}

impl Cell {
    fn write<'a>(&self, f: &mut impl Write, name: &impl Fn(NetId) -> Cow<'a, str>) -> fmt::Result {
        // Operands, each with what stands before it.
        let list = |f: &mut _, operands: &[(&str, &Bits)]| {
            operands.iter().try_for_each(|(before, bits)| {
                Write::write_str(f, before)?;
                bits.write(f, name)
            })
        };
        match self {
            Cell::Input { port, lo } => write!(f, "input {port} from bit {lo}"),
            Cell::Wire(a) => list(f, &[("wire ", a)]),
            Cell::Sum(terms) => terms.iter().enumerate().try_for_each(|(index, (bits, negative))| {
                f.write_str(if index == 0 { "sum " } else { ", " })?;
                list(f, &[(if *negative { "-" } else { "" }, bits)])
            }),
            Cell::Mul(a, b) => list(f, &[("mul ", a), (", ", b)]),
            Cell::Mux { sel, a, b } => list(f, &[("mux ", sel), (" ? ", a), (" : ", b)]),
            Cell::Less(a, b) => list(f, &[("less ", a), (", ", b)]),
            Cell::Any(a) => list(f, &[("any ", a)]),
            Cell::All(a) => list(f, &[("all ", a)]),
            Cell::Not(a) => list(f, &[("not ", a)]),
            Cell::Rom { index, entries } => {
                list(f, &[("rom ", index)])?;
                f.write_str(" of")?;
                entries.iter().try_for_each(|entry| write!(f, " {entry}"))
            }
            Cell::Register(a) => list(f, &[("register ", a)]),
            Cell::Valid(stage) => write!(f, "valid at stage {stage}"),
            Cell::Digits { start, value, digit } => {
                write!(f, "digits of {digit} ")?;
                list(f, &[("", start), (" ? ", value)])
            }
            Cell::Total { start, part, first, digit, signed } => {
                write!(f, "{} total by {digit} ", if *signed { "signed" } else { "unsigned" })?;
                list(f, &[("", start)])?;
                write!(f, " ? {first}")?;
                list(f, &[(", ", part)])
            }
        }
    }
}

impl Bits {
    fn write<'a>(&self, f: &mut impl Write, name: &impl Fn(NetId) -> Cow<'a, str>) -> fmt::Result {
        f.write_char('{')?;
        for (index, part) in self.0.iter().rev().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            match part {
                Part::Const { bits, width } => write!(f, "{width}'b{bits:0width$b}", width = *width as usize)?,
                Part::Slice { net, lo, width: 1 } => write!(f, "{}[{lo}]", name(*net))?,
                Part::Slice { net, lo, width } => write!(f, "{}[{}:{lo}]", name(*net), lo + width - 1)?,
                Part::Not { net, lo, width: 1 } => write!(f, "~{}[{lo}]", name(*net))?,
                Part::Not { net, lo, width } => write!(f, "~{}[{}:{lo}]", name(*net), lo + width - 1)?,
                Part::Repeat { net, bit, count } => write!(f, "{count} x {}[{bit}]", name(*net))?,
            }
        }
        f.write_char('}')
    }
}

impl fmt::Display for Netlist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let interval = if self.interval > 1 { format!(", interval {}", self.interval) } else { String::new() };
        let reset = if self.reset { ", reset" } else { "" };
        writeln!(f, "netlist {} (latency {}{interval}{reset}) {{", self.name, self.latency)?;
        let name = |id: NetId| Cow::from(&self[id].name);
        let mut line = String::new();
        for net in &self.nets {
            line.clear();
            write!(line, "{} : {}{} = ", net.name, if net.signed { 's' } else { 'u' }, net.width)?;
            net.cell.write(&mut line, &name)?;
            writeln!(f, "  {line:<60} ; {}: {}", self.layers[net.layer as usize], net.note)?;
        }
        for (port, bits) in self.outputs.iter().zip(&self.results) {
            write!(f, "  output {} = ", port.name)?;
            bits.write(f, &name)?;
            writeln!(f)?;
        }
        for (state, turn) in self.states.iter().flat_map(|state| Some((state, self.turn?))) {
            let held = &state.held.name;
            write!(f, "  state {held}, read at stage {}, written at stage {} = ", turn.reads, turn.writes)?;
            state.bits.write(f, &name)?;
            writeln!(f)?;
        }
        writeln!(f, "}}")
    }
}
