//! `ultrascale-plus`: AMD UltraScale+, speed grade -2, with sums as instances of LUT6_2 and CARRY8.
//!
//! Delays are read from published Vivado timing reports of such devices: clock to output 0.08 ns, set-up 0.025,
//! uncertainty 0.035, LUT 0.04 to 0.15, its second output (O5) 0.11 to 0.14, LUT output into a carry chain and along
//! 8 bits of it 0.125, each further 8 bits 0.045, chain to sum 0.11, a routed net 0.10 to 0.27 (0.20 is taken; 0.10
//! to the next LUT of the same slice, where a chain of three operands hands on a saved carry).

use super::fabric::Figures;
use super::{Make, Sums};
use crate::registry::Entry;

/// The entry of this target.
pub const TARGET: Entry<Make> = Entry {
    name: "ultrascale-plus",
    doc: "AMD UltraScale+ -2; sums of three operands, or two and a constant, in LUT6_2 and CARRY8",
    make: || Box::new(FIGURES),
};

pub(super) const FIGURES: Figures = Figures {
    lut: 100 + 200,
    chain: 350,
    carry_bit_tenths: 60,
    third: 120 + 100,
    register: 80 + 25 + 35,
    sums: Sums { operands: 3, registered: true, constant: true },
    part: "xcvu13p-flga2577-2-e",
    yosys: "synth_xilinx -family xcup -flatten -noiopad -nodsp -nobram -nolutram -nosrl",
    cells: Some("ultrascale_plus"),
};
