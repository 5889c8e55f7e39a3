//! `asic`: Verilog for any standard-cell flow: no initial values, a synchronous reset, no vendor's primitives.
//!
//! No library of cells is known here. Delays and areas are those of `generic.rs`, an FPGA's: they order what is cheap and what
//! is dear, and a current process is faster. Ask the flow of the library for numbers; Yosys' script maps to simple gates.

use super::fabric::Figures;
use super::{Make, Sums, ultrascale_plus};
use crate::registry::Entry;

/// The entry of this target.
pub const TARGET: Entry<Make> = Entry {
    name: "asic",
    doc: "no initial values, synchronous reset, no primitives; delays and areas as for generic",
    make: || Box::new(FIGURES),
};

const FIGURES: Figures = Figures {
    sums: Sums { operands: 2, registered: false, constant: false, direct: false, pass: 3 },
    part: "",
    yosys: "synth -flatten",
    hdl: None,
    initial_values: false,
    ..ultrascale_plus::FIGURES
};
