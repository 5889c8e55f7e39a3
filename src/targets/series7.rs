//! `series7`: AMD 7-series, with sums as instances of LUT6_2 and CARRY4.
//!
//! Cell delays are those that Project X-Ray measured in Vivado for Artix-7 (prjxray-db, `artix7/timings/slicel.sdf` and
//! `CLBLL_L.sdf`, slow corner, as Yosys' `xilinx/cells_sim.v` quotes them): LUT 0.13 to 0.64 ns by pin (their mean, 0.42,
//! is taken), chain from S to CO[3] 0.51, each further 4 bits 0.114, CI to sum 0.31, clock to output 0.303, set-up below
//! 0 (0 is taken). A routed net is 0.30, the allowance that Yosys' `synth_xilinx` gives ABC for this family; the clock's
//! uncertainty 0.035, as for UltraScale+.

use super::fabric::Figures;
use super::{Cells, Make, Sums};
use crate::registry::Entry;

/// The entry of this target.
pub const TARGET: Entry<Make> = Entry {
    name: "series7",
    doc: "AMD 7-series; sums of three operands, or two and a constant, in LUT6_2 and CARRY4",
    make: || Box::new(FIGURES),
};

const FIGURES: Figures = Figures {
    delays: Cells {
        lut: 420,
        net: 300,
        // The first 4 bits, less those bits at the rate of further ones (0.0285 a bit).
        carry_entry: 508 - 114,
        carry_bit: 29,
        carry_exit: 313,
        clock_to_output: 303,
        setup: 0,
        uncertainty: 35,
    },
    third: 420 + 300,
    sums: Sums { operands: 3, registered: true, constant: true, direct: true, pass: 3 },
    part: "xc7a200tfbg676-1",
    yosys: "synth_xilinx -family xc7 -flatten -noiopad -nodsp -nobram -nolutram -nosrl",
    hdl: Some("series7"),
    initial_values: true,
};
