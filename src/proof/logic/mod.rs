//! Circuits as gates: the bits of a netlist, or of Verilog that is read back, compared with a dataflow graph node by node.
//!
//! Every node of the graph that is no wiring is a *word* of free bits, its code; its definition is gates over the words of
//! its operands. Whatever bits of the circuit are found equal to bits of a word are known as these from there on, whatever
//! they are called, so that what is compared is small: a sum by its linear form modulo a power of two ([`sum`]), anything
//! else by binary decision diagrams ([`decide`]), where the codes lie in the ranges that were proved of the nodes; words
//! are replaced by their definitions where they are not enough. Samples tell early what differs, and what may be equal.

mod decide;
mod diagrams;
mod gates;
mod graph;
mod matched;
mod sum;
mod word;

pub use decide::Effort;
pub use gates::{Bit, Logic, ONE, ZERO};
pub use sum::Sum;
pub use word::{Word, elements, extended};
