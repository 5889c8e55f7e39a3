//! Names of nets, and formulas for comments.

use crate::dfg::{Dfg, Id, Op};
use crate::fixed::Fixed;
use std::collections::{HashMap, HashSet};

/// Gives out unique names: `dense_1_3` for the last node of an element, `dense_1_3_t2` for its second helper.
pub struct Names {
    /// The name each node would like.
    wanted: Vec<String>,
    taken: HashSet<String>,
}

/// Names that the top module uses itself.
pub const RESERVED: [&str; 6] = ["clk", "rst", "in_valid", "out_valid", "valid", "unused"];

impl Names {
    /// The names of a graph's nodes.
    pub fn new(dfg: &Dfg) -> Names {
        let is_cell = |op: &Op| !matches!(op, Op::Const(_) | Op::Scale(..) | Op::Floor(..) | Op::Wrap { .. });
        let cells = || dfg.ids().filter(|id| is_cell(&dfg[*id].op));
        let last: HashMap<_, Id> = cells().map(|id| (dfg[id].from, id)).collect();
        let mut helpers: HashMap<_, u32> = HashMap::new();
        let mut wanted = vec![String::new(); dfg.nodes.len()];
        for id in cells() {
            let from = dfg[id].from;
            let element = format!("{}_{}", dfg.layers[from.layer as usize], from.element);
            wanted[id.index()] = if last[&from] == id {
                element
            } else {
                let helper = helpers.entry(from).or_default();
                *helper += 1;
                format!("{element}_t{helper}")
            };
        }
        let ports = dfg.inputs.iter().chain(&dfg.outputs).map(|port| port.name.clone());
        Names { wanted, taken: ports.chain(RESERVED.map(String::from)).collect() }
    }

    /// The name of an input element.
    pub fn input(&mut self, port: &str, element: u32) -> String {
        self.unique(format!("{port}_{element}"))
    }

    /// The name of the net that carries a node.
    pub fn node(&mut self, id: Id) -> String {
        self.unique(self.wanted[id.index()].clone())
    }

    /// The name of a net on the way to a node.
    pub fn part(&mut self, id: Id, suffix: &str) -> String {
        self.unique(format!("{}_{suffix}", self.wanted[id.index()]))
    }

    /// The name of the valid bit of a stage.
    pub fn valid(&mut self, stage: u32) -> String {
        self.unique(format!("valid_s{stage}"))
    }

    /// The name of a net's register that ends a stage.
    pub fn register(&mut self, net: &str, stage: u32) -> String {
        self.unique(format!("{net}_s{stage}"))
    }

    fn unique(&mut self, name: String) -> String {
        let mut free = name.clone();
        let mut copy = 1;
        while !self.taken.insert(free.clone()) {
            copy += 1;
            free = format!("{name}_n{copy}");
        }
        free
    }
}

/// The names that a netlist gives to inputs and to nodes with cells, as far as no part of another takes one first; the names
/// of other nodes are empty.
pub fn node_names(dfg: &Dfg) -> Vec<String> {
    let mut names = Names::new(dfg);
    let name = |id: Id| match &dfg[id].op {
        Op::Input { port, element } => names.input(&dfg.inputs[*port as usize].name, *element),
        _ if names.wanted[id.index()].is_empty() => String::new(),
        _ => names.node(id),
    };
    dfg.ids().map(name).collect()
}

/// A node as a formula, `jet_2 + 2*jet_5 - 0.375`; `label` names operands, others are formulas themselves.
pub fn formula(dfg: &Dfg, id: Id, label: impl Fn(Id) -> Option<String> + Copy) -> String {
    let name = |arg: Id| label(arg).unwrap_or_else(|| nested(dfg, arg, label));
    match &dfg[id].op {
        Op::Input { port, element } => format!("{}[{element}]", dfg.inputs[*port as usize].name),
        Op::Const(value) => number(*value),
        Op::Dot { .. } => "dot".into(),
        Op::Add { terms, constant } => {
            let mut text = String::new();
            for term in terms {
                let factor = if term.shift == 0 { String::new() } else { format!("{}*", power(term.shift)) };
                join(&mut text, term.negative, &format!("{factor}{}", name(term.id)));
            }
            if !constant.is_zero() {
                let negative = *constant < Fixed::ZERO;
                join(&mut text, negative, &number(if negative { constant.negate() } else { *constant }));
            }
            text
        }
        Op::Mul(a, b) => format!("{} * {}", name(*a), name(*b)),
        Op::Scale(a, shift) => format!("{}*{}", power(*shift), name(*a)),
        Op::Floor(a, p) => format!("floor({}, {})", name(*a), power(*p)),
        Op::Wrap { arg, top, .. } => format!("wrap({}, {})", name(*arg), power(*top)),
        Op::Max(a, b) => format!("max({}, {})", name(*a), name(*b)),
        Op::Min(a, b) => format!("min({}, {})", name(*a), name(*b)),
        Op::Select { sign_of, negative, otherwise } => {
            format!("{} < 0 ? {} : {}", name(*sign_of), name(*negative), name(*otherwise))
        }
        Op::Table { table, args } => {
            let args: Vec<String> = args.iter().map(|arg| name(*arg)).collect();
            format!("table{table}({})", args.join(", "))
        }
    }
}

/// An operand without a name, which is wiring: its formula if that is short, else the dataflow node's number.
fn nested(dfg: &Dfg, id: Id, label: impl Fn(Id) -> Option<String> + Copy) -> String {
    let inline = |id: Id| matches!(dfg[id].op, Op::Scale(..) | Op::Floor(..) | Op::Wrap { .. } | Op::Add { .. });
    let named = |arg: Id| label(arg).is_some() || matches!(dfg[arg].op, Op::Const(_));
    let short = |arg: Id| named(arg) || inline(arg) && dfg[arg].op.args().all(named);
    match &dfg[id].op {
        Op::Const(value) => number(*value),
        Op::Add { .. } if dfg[id].op.args().all(short) => format!("({})", formula(dfg, id, label)),
        _ if inline(id) && dfg[id].op.args().all(short) => formula(dfg, id, label),
        _ => id.to_string(),
    }
}

fn join(text: &mut String, negative: bool, term: &str) {
    text.push_str(match (text.is_empty(), negative) {
        (true, true) => "-",
        (true, false) => "",
        (false, true) => " - ",
        (false, false) => " + ",
    });
    text.push_str(term);
}

/// `2^exponent` as a reader likes it: 4, 0.25, 2^-20.
fn power(exponent: i32) -> String {
    if exponent.abs() <= 6 { number(Fixed::power_of_two(exponent)) } else { format!("2^{exponent}") }
}

/// A number in decimal where that is exact and short.
fn number(value: Fixed) -> String {
    match value.to_f64() {
        Some(float) if value.exponent() >= -10 && float.abs() < 1e6 => float.to_string(),
        _ => value.to_string(),
    }
}
