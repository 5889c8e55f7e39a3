//! `generic`: plain Verilog for any FPGA with 6-input LUTs and carry chains.
//!
//! Delays are those of an UltraScale+ device of speed grade -2, as in `ultrascale_plus.rs`; sums are what every tool
//! infers: two operands a carry chain.

use super::fabric::Figures;
use super::{Make, Sums, ultrascale_plus};
use crate::registry::Entry;

/// The entry of this target.
pub const TARGET: Entry<Make> = Entry {
    name: "generic",
    doc: "plain Verilog; delays of UltraScale+ -2, areas of 6-input LUTs with carry chains",
    make: || Box::new(FIGURES),
};

const FIGURES: Figures = Figures {
    sums: Sums { operands: 2, registered: false, constant: false, direct: true, pass: 3 },
    hdl: None,
    ..ultrascale_plus::FIGURES
};
