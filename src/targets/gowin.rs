//! `gowin`: Gowin GW1N of grade C6/I5, with the open tools: Yosys' `synth_gowin` and nextpnr-himbaechel.
//!
//! Cell delays are those that Project Apicula read from the vendor's data, slow corner, as Yosys' `gowin/cells_sim.v` quotes
//! them: LUT4 0.902 to 1.583 ns by pin (their mean, 1.289, is taken), ALU from operand to carry 1.380, each further bit
//! 0.082, carry to sum 0.811, multiplexer of two tables 0.160, clock to output 0.660, set-up 0.576. A routed net is 1.0:
//! twice what `synth_gowin` allows ABC, not measured. nextpnr places ports on pins: see `ice40.rs`.

use super::lut4::Lut4;
use super::{Make, Router};
use crate::registry::Entry;

/// The entry of this target.
pub const TARGET: Entry<Make> = Entry {
    name: "gowin",
    doc: "Gowin GW1N: plain Verilog for Yosys and nextpnr-himbaechel",
    make: || Box::new(FIGURES),
};

const NET: u32 = 1000;

const FIGURES: Lut4 = Lut4 {
    lut: 1289 + NET,
    mux: 160,
    chain: 1380 + 811 + NET,
    carry_bit: 82,
    cell_bits: 1,
    register: 660 + 576,
    yosys: "synth_gowin -nobram -nolutram -nodsp",
    router: Router {
        program: "nextpnr-himbaechel",
        arguments: &["--device", "GW1NR-LV9QN88PC6/I5", "--vopt", "family=GW1N-9C"],
    },
    part: "GW1NR-LV9QN88PC6/I5",
};
