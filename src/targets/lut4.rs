//! What devices with 4-input LUTs and carry chains have in common: each is its [`Lut4`] figures.
//!
//! A carry-chain bit takes a LUT's place. A LUT of four inputs holds one output bit of a multiplexer or a clip, where LUTs of
//! six hold two; a table of n bits takes `2^(n - 4)` LUTs a bit, which multiplexers of the fabric join.

use super::fabric::{clip, compared, index_bits, plan};
use super::{Area, Router, Target, Time};
use crate::dfg::{Dfg, Id, Op, Term};
use crate::fixed::Fixed;

/// A device's published figures, in ps.
pub struct Lut4 {
    /// A LUT, and the net behind it.
    pub lut: u32,
    /// A multiplexer that joins two tables, without a net.
    pub mux: u32,
    /// Entering and leaving a carry chain, and the net behind it.
    pub chain: u32,
    /// One carry-chain bit.
    pub carry_bit: u32,
    /// Bits of a carry cell: chains end at whole cells.
    pub cell_bits: u32,
    /// Clock to output, set-up, and the net from a LUT to its register.
    pub register: u32,
    /// The command with which Yosys synthesizes for the device.
    pub yosys: &'static str,
    /// What places and routes.
    pub router: Router,
    /// The device.
    pub part: &'static str,
}

impl Target for Lut4 {
    fn time(&self, dfg: &Dfg, id: Id) -> Time {
        let range = |id: Id| dfg.range(id);
        let width = dfg.range(id).width();
        let levels = |terms: usize| usize::BITS - terms.leading_zeros();
        let delay = match &dfg[id].op {
            Op::Input { .. } | Op::Const(_) | Op::Scale(..) | Op::Floor(..) | Op::Wrap { .. } => 0,
            Op::Dot { terms, .. } => self.chain(width) * levels(terms.len()),
            Op::Add { terms, constant } => {
                let (bits, rows) = adder(dfg, id, terms, *constant);
                self.lut * rows + self.chain(bits)
            }
            Op::Mul(a, b) => {
                let rows = range(*a).width().min(range(*b).width()) as usize;
                (self.chain(width) * levels(rows)).max(self.lut)
            }
            Op::Max(a, b) | Op::Min(a, b) => match clip(dfg, &dfg[id].op, *a, *b) {
                Some(bits) => self.lut * (1 + tree(bits)),
                None => self.chain(compared(range(*a), range(*b))) + self.lut,
            },
            Op::Select { .. } => self.lut,
            Op::Table { args, .. } => {
                let joined = index_bits(dfg, args).saturating_sub(4);
                // Four levels of multiplexers are within a cell's reach; further ones are LUTs.
                self.lut + self.mux * joined.min(4) + self.lut * joined.saturating_sub(4)
            }
        };
        delay.into()
    }

    fn area(&self, dfg: &Dfg, id: Id) -> Area {
        let range = |id: Id| dfg.range(id);
        let width = f64::from(dfg.range(id).width());
        let logic = |luts: f64| Area { luts, carry: 0.0 };
        let chain = |bits: u32| {
            let bits = f64::from(bits.next_multiple_of(self.cell_bits.max(1)));
            Area { luts: bits, carry: bits }
        };
        match &dfg[id].op {
            Op::Input { .. } | Op::Const(_) | Op::Scale(..) | Op::Floor(..) | Op::Wrap { .. } => Area::default(),
            Op::Dot { terms, .. } => Area { luts: width * terms.len() as f64, carry: width * terms.len() as f64 },
            Op::Add { terms, constant } => {
                let (bits, rows) = adder(dfg, id, terms, *constant);
                chain(bits) + logic(f64::from(bits * rows))
            }
            Op::Mul(a, b) => {
                let bits = f64::from(range(*a).width()) * f64::from(range(*b).width());
                Area { luts: bits, carry: bits }
            }
            Op::Max(a, b) | Op::Min(a, b) => match clip(dfg, &dfg[id].op, *a, *b) {
                Some(bits) => logic(width + f64::from(bits) / 3.0),
                None => chain(compared(range(*a), range(*b))) + logic(width),
            },
            Op::Select { .. } => logic(width),
            Op::Table { args, .. } => logic(width * 2f64.powi(index_bits(dfg, args) as i32 - 4).max(1.0)),
        }
    }

    fn register_delay(&self) -> u32 {
        self.register
    }

    fn adder_delay(&self) -> u32 {
        self.chain(12)
    }

    fn yosys(&self) -> &'static str {
        self.yosys
    }

    fn router(&self) -> Option<Router> {
        Some(self.router)
    }

    fn part(&self) -> &'static str {
        self.part
    }
}

impl Lut4 {
    /// A carry chain of so many bits; none is wiring.
    fn chain(&self, bits: u32) -> u32 {
        if bits == 0 { 0 } else { self.chain + self.carry_bit * bits }
    }
}

/// Bits of a sum's chain, and rows of LUTs that add what is beyond two operands before it.
fn adder(dfg: &Dfg, id: Id, terms: &[Term], constant: Fixed) -> (u32, u32) {
    match plan(dfg, id, terms, constant, false) {
        Some(plan) if plan.span() == 0 => (0, 0),
        Some(plan) => (plan.span(), plan.rows() - 2),
        None => (dfg.range(id).width(), 0),
    }
}

/// LUT levels of an AND or OR of so many bits.
fn tree(bits: u32) -> u32 {
    let (mut levels, mut rest) = (0, bits);
    while rest > 1 {
        rest = rest.div_ceil(4);
        levels += 1;
    }
    levels
}
