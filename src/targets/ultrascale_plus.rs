//! `ultrascale-plus`: AMD UltraScale+, speed grade -2, with sums as instances of LUT6_2 and CARRY8.
//!
//! Delays are read from published Vivado timing reports of such devices: clock to output 0.08 ns, set-up 0.025,
//! uncertainty 0.035, LUT 0.04 to 0.15 (0.10 is taken), its second output (O5) 0.11 to 0.14, LUT output into a carry chain
//! and to the carry out of its eighth bit 0.125, each further 8 bits with the hop between them 0.045, carry into a chain to
//! its sums 0.076 at the lowest bit and 0.146 at the highest, a routed net 0.10 to 0.27 (0.20 is taken; 0.10 to the next
//! LUT of the same slice, where a chain of three operands hands on a saved carry).

use super::fabric::Figures;
use super::{Cells, Make, Sums};
use crate::registry::Entry;

/// The entry of this target.
pub const TARGET: Entry<Make> = Entry {
    name: "ultrascale-plus",
    doc: "AMD UltraScale+ -2; sums of three operands, or two and a constant, in LUT6_2 and CARRY8",
    make: || Box::new(FIGURES),
};

pub(super) const FIGURES: Figures = Figures {
    delays: Cells {
        lut: 100,
        net: 200,
        carry_entry: 77,
        carry_bit: 6,
        carry_exit: 80,
        clock_to_output: 80,
        setup: 25,
        uncertainty: 35,
    },
    third: 120 + 100,
    sums: Sums { operands: 3, registered: true, constant: true, direct: true, pass: 3 },
    part: "xcvu13p-flga2577-2-e",
    yosys: "synth_xilinx -family xcup -flatten -noiopad -nodsp -nobram -nolutram -nosrl",
    hdl: Some("ultrascale_plus"),
    initial_values: true,
};
