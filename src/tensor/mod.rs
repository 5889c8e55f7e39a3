//! The tensor graph: tensors of exact *codes*, and float32 chains between them.
//!
//! A value is either **exact** (every element a number on a grid, [`crate::fixed::Fixed`]) or **float** (float32, in the
//! source framework's own order of operations). Floats exist only between an exact value and the next quantizer
//! ([`Op::Quantize`], [`Op::Steps`]), which makes exact values of them again, or at the end of the network, where they stay
//! outside the hardware. [`fold`] turns each such chain into the step function of the code that it computes.

mod op;

pub use op::{Float, Op, Reduction, Staircase};

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
}
