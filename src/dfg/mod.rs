//! The dataflow IR: a graph of scalar *numbers*.
//!
//! A value is a number with an exact range; it cannot overflow, and its width is derived, never stored. Nodes are in an
//! append-only vector, operands before users, and every node knows the layer element it came from. Graphs are made
//! through [`Builder`], which folds constants, applies identities and shares equal nodes as it builds.

mod build;
mod chain;
mod eval;
mod fit;
mod linear;
mod op;
mod parse;
mod print;
pub mod random;
mod simplify;
mod tables;
mod verify;

pub use build::Builder;
pub use chain::{Addend, Chain, INDEX, Operand, Raised};
pub use eval::Evaluator;
pub use linear::Linear;
pub use op::{Op, Term};

use crate::fixed::{Fixed, Format, Quantization, Range};
use crate::port::Port;
use std::fmt;

/// A node of a [`Dfg`]; prints as `%3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub u32);

impl Id {
    /// The node's place in [`Dfg::nodes`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

/// The layer element that a node was made for; prints (through [`Dfg::source`]) as `dense_1[3]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Source {
    /// Index into [`Dfg::layers`].
    pub layer: u32,
    /// Flat index of the element in the layer's output.
    pub element: u32,
}

/// A number in the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// How it is computed.
    pub op: Op,
    /// An exact bound of its values.
    pub range: Range,
    /// What it was made for.
    pub from: Source,
}

/// A function on numbers given by its values: row-major over the operands' domains, `None` for a don't-care.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Table {
    /// Each operand's domain: low, high, step.
    pub domains: Vec<Range>,
    /// One entry per point of the domains' product, in units of `2^exp`.
    pub entries: Vec<Option<i128>>,
    /// The exponent of the entries' unit.
    pub exp: i32,
}

/// A dataflow graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dfg {
    /// The network's name, a legal Verilog identifier.
    pub name: String,
    /// Names of the layers, in dataflow order; legal and distinct Verilog identifiers.
    pub layers: Vec<String>,
    /// Elements of the last axis of each layer's output: the outputs of one row of its matrix product.
    pub channels: Vec<u32>,
    /// Input ports.
    pub inputs: Vec<Port>,
    /// Output ports.
    pub outputs: Vec<Port>,
    /// The nodes, operands before users.
    pub nodes: Vec<Node>,
    /// The tables, each used by some node.
    pub tables: Vec<Table>,
    /// The node of each output element, ports after one another.
    pub results: Vec<Id>,
}

impl std::ops::Index<Id> for Dfg {
    type Output = Node;
    fn index(&self, id: Id) -> &Node {
        &self.nodes[id.index()]
    }
}

impl Dfg {
    /// All ids, operands before users.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = Id> + use<> {
        (0..self.nodes.len() as u32).map(Id)
    }

    /// Exact range of a node.
    pub fn range(&self, id: Id) -> Range {
        self[id].range
    }

    /// The layer element of a node, as `dense_1[3]`.
    pub fn source(&self, id: Id) -> String {
        let from = self[id].from;
        format!("{}[{}]", self.layers[from.layer as usize], from.element)
    }

    /// Which row of its layer's outputs an element belongs to: all channels at one position.
    pub fn row(&self, from: Source) -> u32 {
        from.element / self.channels.get(from.layer as usize).map_or(1, |channels| (*channels).max(1))
    }

    /// The declared formats of all output elements, in the order of [`Dfg::results`].
    pub fn output_formats(&self) -> Vec<Format> {
        self.outputs.iter().flat_map(|port| port.elements.iter().map(|element| element.format)).collect()
    }

    /// The declared quantizers of all input elements, ports after one another.
    pub fn input_elements(&self) -> Vec<Quantization> {
        self.inputs.iter().flat_map(|port| port.elements.iter().copied()).collect()
    }

    /// How many ports are states.
    pub fn states(&self) -> usize {
        Port::states(&self.inputs)
    }

    /// Is a node an element of a state?
    pub fn is_state(&self, id: Id) -> bool {
        matches!(self[id].op, Op::Input { port, .. } if self.inputs[port as usize].state)
    }

    /// The node of each output element, and whether it is what a state becomes.
    pub fn leaving(&self) -> impl Iterator<Item = (Id, bool)> {
        let states = self.outputs.iter().flat_map(|port| std::iter::repeat_n(port.state, port.elements.len()));
        self.results.iter().copied().zip(states)
    }

    /// How often each node is used, outputs included.
    pub fn uses(&self) -> Vec<u32> {
        let mut uses = vec![0; self.nodes.len()];
        for node in &self.nodes {
            node.op.args().for_each(|arg| uses[arg.index()] += 1);
        }
        self.results.iter().for_each(|id| uses[id.index()] += 1);
        uses
    }
}

impl Table {
    /// The flat index of the entry for operand values given as integers on the domains' grids; `None` outside.
    pub fn index(&self, point: &[i128]) -> Option<usize> {
        let mut index = 0usize;
        for (domain, value) in self.domains.iter().zip(point) {
            if !(domain.lo..=domain.hi).contains(value) {
                return None;
            }
            index = index * (domain.hi - domain.lo + 1) as usize + (value - domain.lo) as usize;
        }
        Some(index)
    }

    /// The value at an entry; don't-cares read as 0.
    pub fn value(&self, index: usize) -> Fixed {
        Fixed::new(self.entries[index].unwrap_or(0), self.exp)
    }
}
