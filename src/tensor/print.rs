//! The text form of a tensor graph: `%id = op args : shape range ; layer`, one node a line. It is for people.

use super::{Float, Graph, Op, Staircase};
use crate::fixed::{Fixed, Range};
use std::fmt;

/// How many entries of a long list are shown.
const SHOWN: usize = 8;

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "tensor {} {{", self.name)?;
        for (index, node) in self.nodes.iter().enumerate() {
            match &node.op {
                Op::Float(Float::Function(function)) => write!(f, "  %{index} = float_{function}")?,
                op => write!(f, "  %{index} = {}", op.name())?,
            }
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
        Op::Lookup(lookup) => {
            let domains = list(&lookup.domains, Range::to_string);
            let entries = lookup.tables.iter().flatten().take(SHOWN).map(i64::to_string).collect::<Vec<_>>().join(" ");
            format!(" {} x ({domains} -> p{}: {entries} ..)", lookup.tables.len(), lookup.exp)
        }
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

/// Prints the operation and its constants: `mul [0.5, 0.25]`, `softmax`.
impl fmt::Display for Float {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.constants()) {
            (Float::Function(function), _) => write!(f, "float_{function}"),
            (_, []) => f.write_str(self.name()),
            (_, constants) => write!(f, "{} {constants:?}", self.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Builder, Float, Reduction};
    use crate::fixed::Fixed;
    use crate::port::Port;

    #[test]
    fn a_graph_prints() {
        let mut g = Builder::new("print");
        let elements = vec!["fixed<4,2>".parse().expect("a format"); 2];
        let x = g.input(Port { name: "x".into(), shape: vec![2], elements, state: false }).expect("input");
        g.layer("dense");
        let w = g.constant(&[2, 3], (1..7).map(|n| Fixed::new(n, -1)).collect()).expect("constant");
        let y = g.matmul(x, w).expect("matmul");
        let scaled = g.float(y, Float::Mul(vec![0.3])).expect("float");
        let q = g.quantize(scaled, vec!["fixed<3,3,RND,SAT>".parse().expect("a format")]).expect("quantize");
        let sum = g.reduce(q, Reduction::Sum, 0).expect("reduce");
        g.output("y", sum);
        let expected = "\
tensor print {
  %0 = input x : [2] [-8, 7]p-2 ; x
  %1 = constant (1p-1 1p0 3p-1 1p1 5p-1 3p0) : [2, 3] [1, 6]p-1 ; dense
  %2 = matmul %0, %1 : [3] [-72, 63]p-3 ; dense
  %3 = float_mul %2 (0.3) : [3] float ; dense
  %4 = quantize %3 (fixed<3,3,RND,SAT>) : [3] [-4, 3]p0 ; dense
  %5 = reduce_sum %4 axis 0 : [] [-12, 9]p0 ; dense
  output y = %5
}
";
        assert_eq!(g.finish().expect("valid").0.to_string(), expected);
    }
}
