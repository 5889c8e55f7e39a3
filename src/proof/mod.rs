//! That each step kept the function, for all inputs.
//!
//! Every level (tensor graph, dataflow graphs, netlist, the Verilog text as it is read back from its files) is evaluated
//! with symbols for inputs in one [`Space`] of canonical values, each by the meaning of its own operations. Equal outputs
//! are then equal forms. Nothing here uses code of the optimiser, scheduler, netlist builder or printer.

mod apply;
pub mod circuit;
pub mod curve;
mod form;
pub mod numbers;
mod round;
mod space;
pub mod tensors;
pub mod vector;
pub mod verilog;

pub use form::{Atom, Form};
pub use space::{Kind, Line, LineId, Space, View};
pub use vector::Vector;
