//! `ice40`: Lattice iCE40 HX, with the open tools: Yosys' `synth_ice40` and nextpnr-ice40.
//!
//! Cell delays are those of Project IceStorm (`icefuzz/timings_hx1k.txt`, as Yosys' `ice40/cells_sim.v` quotes them): LUT4
//! 0.316 to 0.449 ns by pin (their mean, 0.386, is taken), into a chain 0.259, each further bit 0.126, chain to sum a LUT's
//! 0.316, clock to output 0.540, set-up 0.021. A routed net is 0.70: 2.8 times what `synth_ice40` allows ABC, as on an ECP5
//! after place and route. nextpnr places ports on pins, so a network with more port bits than the package has pins is for
//! synthesis only, unless it is part of a design of its user's.

use super::lut4::Lut4;
use super::{Make, Router};
use crate::registry::Entry;

/// The entry of this target.
pub const TARGET: Entry<Make> = Entry {
    name: "ice40",
    doc: "Lattice iCE40 HX: plain Verilog for Yosys and nextpnr-ice40",
    make: || Box::new(FIGURES),
};

const NET: u32 = 700;

const FIGURES: Lut4 = Lut4 {
    lut: 386 + NET,
    mux: 386 + NET, // there is no multiplexer besides the LUTs
    chain: 259 + 316 + NET,
    carry_bit: 126,
    cell_bits: 1,
    register: 540 + 21,
    yosys: "synth_ice40 -nobram",
    router: Router { program: "nextpnr-ice40", arguments: &["--hx8k", "--package", "ct256"] },
    part: "iCE40HX8K-CT256",
};
