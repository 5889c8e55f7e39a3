//! The tensor graph: tensors of exact *codes*, and float32 chains between them.
//!
//! A value is either **exact** (every element a number on a grid, [`crate::fixed::Fixed`]) or **float** (float32, in the
//! source framework's own order of operations). Floats exist only between an exact value and the next quantizer
//! ([`Op::Quantize`], [`Op::Steps`]), which makes exact values of them again, or at the end of the network, where they stay
//! outside the hardware. [`fold`] turns each such chain into the step function of the code that it computes.
//!
//! Float nodes are read by float operations, quantizers and outputs only: the [`Builder`] moves gathers in front of float
//! chains and makes chains exact where an exact operation reads them.

mod build;
mod cast;
mod count;
mod eval;
mod floats;
mod fold;
mod functions;
mod infer;
mod lookup;
mod names;
mod op;
mod print;
pub mod random;
mod scaled;
mod sources;
mod tail;
mod verify;

pub use build::Builder;
pub use cast::{cast_outputs, with_outputs};
pub use eval::{ElementStatistics, Evaluation, Options, Statistics, Value, evaluate};
pub(crate) use floats::{is_power_of_two, shorten};
pub use fold::fold;
pub(crate) use infer::quantized;
pub use infer::{broadcast, broadcast_map};
pub use lookup::Lookup;
pub use names::legal_name;
pub use op::{Float, Op, Reduction, Staircase, pick};
pub use sources::{Formats, Made, Parameter, Source, Sources};
pub use tail::{Tail, apply_tail, tail};
pub use verify::verify;

use crate::fixed::Range;
use crate::port::Port;

/// A node of a [`Graph`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub u32);

/// A tensor in the graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// How it is computed.
    pub op: Op,
    /// Its operands.
    pub args: Vec<Id>,
    /// Its shape, without the sample axis; empty for a scalar.
    pub shape: Vec<usize>,
    /// An exact bound of each element, C order; empty where the value is float.
    pub ranges: Vec<Range>,
    /// Index into [`Graph::layers`] of the layer it belongs to.
    pub layer: u32,
}

/// A tensor graph.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// The network's name, a legal Verilog identifier.
    pub name: String,
    /// Names of the layers (inputs first), in dataflow order; legal and distinct Verilog identifiers.
    pub layers: Vec<String>,
    /// Input ports.
    pub inputs: Vec<Port>,
    /// The nodes, operands before users.
    pub nodes: Vec<Node>,
    /// Name and node of each output tensor.
    pub outputs: Vec<(String, Id)>,
    /// Where constants come from; empty unless training asked for it.
    pub sources: Sources,
}

impl Node {
    /// Elements of the tensor.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Has it no elements?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Is its value float32, not exact?
    pub fn is_float(&self) -> bool {
        matches!(self.op, Op::Float(_))
    }
}

impl Graph {
    /// A node.
    pub fn node(&self, id: Id) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// The name of the layer a node belongs to.
    pub fn layer_of(&self, id: Id) -> &str {
        self.layers.get(self.node(id).layer as usize).map_or("", String::as_str)
    }

    /// The last node of a layer: the layer's value.
    pub fn value_of_layer(&self, name: &str) -> Option<Id> {
        let layer = self.layers.iter().position(|layer| layer == name)? as u32;
        let last = self.nodes.iter().rposition(|node| node.layer == layer)?;
        Some(Id(last as u32))
    }
}

/// Prints `%3`.
impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "%{}", self.0)
    }
}
