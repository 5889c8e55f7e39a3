//! `ecp5`: Lattice ECP5 of speed grade 8, with the open tools: Yosys' `synth_ecp5` and nextpnr-ecp5.
//!
//! Cell delays are nextpnr's of speed grade 8, from the database of Project Trellis, as its timing reports of our networks
//! show them: LUT4 0.18 (the quick pin) to 0.24 ns, 0.20 is taken; into a chain of CCU2C and over its first bit 0.355,
//! each further two bits 0.056, chain to sum 0.293 to 0.328; PFUMX 0.193; clock to output 0.395, set-up 0, LUT to register
//! 0.118. (Yosys' `ecp5/cells_sim.v` has the grade 6's: LUT4 0.141 to 0.379, CCU2C 0.516 in, 0.043 on, 0.273 out.) A routed
//! net is 0.85, the mean of those reports' critical paths, which have 0.5 to 1.8.

use super::lut4::Lut4;
use super::{Make, Router};
use crate::registry::Entry;

/// The entry of this target.
pub const TARGET: Entry<Make> = Entry {
    name: "ecp5",
    doc: "Lattice ECP5 -8: plain Verilog for Yosys and nextpnr-ecp5",
    make: || Box::new(FIGURES),
};

const NET: u32 = 850;

const FIGURES: Lut4 = Lut4 {
    lut: 200 + NET,
    mux: 193,
    chain: 355 + 310 + NET,
    carry_bit: 28,
    cell_bits: 2,
    register: 395 + 118,
    yosys: "synth_ecp5 -noiopad -nobram -nolutram -nodsp",
    router: Router {
        program: "nextpnr-ecp5",
        // A network has more port bits than the package has pins.
        arguments: &["--85k", "--package", "CABGA756", "--speed", "8", "--out-of-context"],
    },
    part: "LFE5U-85F-8BG756C",
};
