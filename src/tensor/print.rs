//! The text form of a tensor graph: `%id = op args : shape range ; layer`, one node a line. It is for people.

use super::{Graph, Op, Staircase};
use crate::fixed::{Fixed, Range};
use std::fmt;

/// How many entries of a long list are shown.
const SHOWN: usize = 8;

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "tensor {} {{", self.name)?;
        for (index, node) in self.nodes.iter().enumerate() {
            write!(f, "  %{index} = {}", node.op.name())?;
            for (i, arg) in node.args.iter().enumerate() {
                write!(f, "{} {arg}", if i > 0 { "," } else { "" })?;
            }
            write!(f, "{} : {:?} ", details(self, &node.op), node.shape)?;
            match summary(&node.ranges) {
                Some(range) => write!(f, "{range}")?,
                None => f.write_str("float")?,
            }
            writeln!(f, " ; {}", self.layers.get(node.layer as usize).map_or("", String::as_str))?;
        }
        for (name, id) in &self.outputs {
            writeln!(f, "  output {name} = {id}")?;
        }
        writeln!(f, "}}")
    }
}

/// The range that holds all elements; the finest grid.
fn summary(ranges: &[Range]) -> Option<Range> {
    let first = *ranges.first()?;
    ranges.iter().try_fold(first, |all, range| Range::union(all, *range))
}

fn list<T>(items: &[T], show: impl Fn(&T) -> String) -> String {
    let mut shown: Vec<String> = items.iter().take(SHOWN).map(show).collect();
    if items.len() > SHOWN {
        shown.push(format!(".. {} more", items.len() - SHOWN));
    }
    shown.join(" ")
}

fn details(graph: &Graph, op: &Op) -> String {
    match op {
        Op::Input { port } => format!(" {}", graph.inputs.get(*port as usize).map_or("?", |p| p.name.as_str())),
        Op::Constant { values } => format!(" ({})", list(values, Fixed::to_string)),
        Op::MatMul | Op::Add | Op::Mul | Op::Max | Op::Min => String::new(),
        Op::Reduce { axis, .. } => format!(" axis {axis}"),
        Op::Gather { elements } => format!(" ({})", list(elements, |(arg, e)| format!("{arg}[{e}]"))),
        Op::Quantize { elements } => format!(" ({})", list(elements, ToString::to_string)),
        Op::Steps { stairs } => format!(" ({})", list(stairs, stair)),
        Op::Table { lo, exp, values } => format!(" from {lo}p{exp} ({})", list(values, Fixed::to_string)),
        Op::Float(float) => match float.constants() {
            [] => String::new(),
            constants => format!(" ({})", list(constants, ToString::to_string)),
        },
    }
}

fn stair(stair: &Staircase) -> String {
    let steps = list(&stair.steps, |(threshold, value)| format!(">={threshold}:{value}"));
    format!("[{} {steps}]", stair.first)
}
