//! The text form. It parses back ([`std::str::FromStr`] in `parse.rs`).

use super::{Dfg, Id, Op, Table, Term};
use crate::port::Port;
use std::fmt;

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.negative { "-" } else { "" }, self.id)?;
        if self.shift == 0 { Ok(()) } else { write!(f, " << {}", self.shift) }
    }
}

/// Prints as in the text form, without the range: `add %0, -%1 << 2, 3p-4`.
impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name())?;
        let mut comma = " ";
        let mut item = |f: &mut fmt::Formatter<'_>, text: String| {
            write!(f, "{comma}{text}")?;
            comma = ", ";
            Ok(())
        };
        match self {
            Op::Input { port, element } => item(f, format!("{port}.{element}")),
            Op::Const(value) => item(f, value.to_string()),
            Op::Dot { terms, constant } => {
                terms.iter().try_for_each(|(id, factor)| item(f, format!("{id} * {factor}")))?;
                item(f, constant.to_string())
            }
            Op::Add { terms, constant } => {
                terms.iter().try_for_each(|term| item(f, term.to_string()))?;
                if constant.is_zero() { Ok(()) } else { item(f, constant.to_string()) }
            }
            Op::Mul(a, b) | Op::Max(a, b) | Op::Min(a, b) => item(f, format!("{a}, {b}")),
            Op::Scale(a, shift) => item(f, format!("{a} << {shift}")),
            Op::Floor(a, p) => item(f, format!("{a}, p{p}")),
            Op::Wrap { arg, top, signed } => {
                item(f, format!("{arg}, {} p{top}", if *signed { "signed" } else { "unsigned" }))
            }
            Op::Select { sign_of, negative, otherwise } => item(f, format!("{sign_of}, {negative}, {otherwise}")),
            Op::Table { table, args } => {
                item(f, format!("@{table}"))?;
                args.iter().try_for_each(|arg| item(f, arg.to_string()))
            }
        }
    }
}

fn port(f: &mut fmt::Formatter<'_>, kind: &str, port: &Port) -> fmt::Result {
    let shape: Vec<String> = port.shape.iter().map(usize::to_string).collect();
    let state = if port.state { "state " } else { "" };
    write!(f, "  {kind} {state}{} [{}] :", port.name, shape.join(", "))?;
    // Runs of equal formats are written once: `16 x fixed<8,3,TRN,WRAP>`.
    for run in port.elements.chunk_by(|a, b| a == b) {
        write!(f, " {} x {}", run.len(), run[0])?;
    }
    writeln!(f)
}

fn table(f: &mut fmt::Formatter<'_>, index: usize, table: &Table) -> fmt::Result {
    write!(f, "  table @{index} :")?;
    table.domains.iter().try_for_each(|domain| write!(f, " {domain}"))?;
    write!(f, " -> p{} =", table.exp)?;
    for entry in &table.entries {
        match entry {
            Some(value) => write!(f, " {value}")?,
            None => write!(f, " -")?,
        }
    }
    writeln!(f)
}

impl fmt::Display for Dfg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "dfg {} {{", self.name)?;
        let layer = |(name, channels): (&String, &u32)| format!(" {name}:{channels}");
        writeln!(f, "  layers{}", self.layers.iter().zip(&self.channels).map(layer).collect::<String>())?;
        self.inputs.iter().try_for_each(|input| port(f, "input", input))?;
        self.outputs.iter().try_for_each(|output| port(f, "output", output))?;
        self.tables.iter().enumerate().try_for_each(|(index, t)| table(f, index, t))?;
        for id in self.ids() {
            let line = format!("{id} = {}", self[id].op);
            writeln!(f, "  {line:<30} : {:<20} ; {}", self[id].range.to_string(), self.source(id))?;
        }
        let results: Vec<String> = self.results.iter().map(Id::to_string).collect();
        writeln!(f, "  results {}", results.join(" "))?;
        writeln!(f, "}}")
    }
}
