//! `generic`: plain Verilog for any FPGA with 6-input LUTs and carry chains.
//!
//! Delays are those of an UltraScale+ device of speed grade -2, read from published Vivado timing reports: clock to
//! output 0.08 ns, set-up 0.025, uncertainty 0.035, LUT 0.04 to 0.15, LUT output into a carry chain and along 8 bits of it
//! 0.125, each further 8 bits 0.045, chain to sum 0.11, a routed net 0.10 to 0.27 (0.20 is taken). Areas are those Yosys
//! maps: one LUT per adder bit.

use super::{Area, Make, Target};
use crate::dfg::{Chain, Dfg, Id, Op, Operand, Term};
use crate::fixed::{Fixed, Range};
use crate::registry::Entry;

/// The entry of this target.
pub const TARGET: Entry<Make> = Entry {
    name: "generic",
    doc: "plain Verilog; delays of UltraScale+ -2, areas of 6-input LUTs with carry chains",
    make: || Box::new(Generic),
};

/// LUT and the net behind it, in ps.
const LUT: u32 = 100 + 200;
/// Entering and leaving a carry chain, and the nets around it, in ps.
const CHAIN: u32 = 350;
/// One carry-chain bit, in ps.
const CARRY_BIT: u32 = 6;

struct Generic;

impl Target for Generic {
    fn delay(&self, dfg: &Dfg, id: Id) -> u32 {
        let range = |id: Id| dfg.range(id);
        let width = dfg.range(id).width();
        let carry = |bits: u32| if bits == 0 { 0 } else { CHAIN + CARRY_BIT * bits };
        match &dfg[id].op {
            Op::Input { .. } | Op::Const(_) | Op::Scale(..) | Op::Floor(..) | Op::Wrap { .. } => 0,
            // An operation that a pass has yet to expand: as if it were a tree of its terms.
            Op::Dot { terms, .. } => carry(width) * (usize::BITS - terms.len().leading_zeros()),
            Op::Add { terms, constant } => match chain(dfg, id, terms, *constant) {
                Some(sum) => LUT * (sum.rows() - 2) + carry(sum.span()),
                None => carry(width),
            },
            Op::Mul(a, b) => {
                (carry(width) * (u32::BITS - range(*a).width().min(range(*b).width()).leading_zeros())).max(LUT)
            }
            Op::Max(a, b) | Op::Min(a, b) => match clip(dfg, &dfg[id].op, *a, *b) {
                Some(bits) => LUT * (1 + levels(bits)),
                None => carry(compared(range(*a), range(*b))) + LUT,
            },
            Op::Select { .. } => LUT,
            Op::Table { args, .. } => LUT * levels(index_bits(dfg, args)).max(1),
        }
    }

    fn area(&self, dfg: &Dfg, id: Id) -> Area {
        let range = |id: Id| dfg.range(id);
        let width = dfg.range(id).width() as f64;
        let logic = |luts: f64| Area { luts, carry: 0.0 };
        match &dfg[id].op {
            Op::Input { .. } | Op::Const(_) | Op::Scale(..) | Op::Floor(..) | Op::Wrap { .. } => Area::default(),
            Op::Dot { terms, .. } => Area { luts: width * terms.len() as f64, carry: width * terms.len() as f64 },
            Op::Add { terms, constant } => match chain(dfg, id, terms, *constant) {
                Some(sum) => Area { luts: (sum.meeting() + sum.extra()) as f64, carry: sum.span() as f64 },
                None => Area { luts: width, carry: width },
            },
            Op::Mul(a, b) => {
                let bits = range(*a).width() as f64 * range(*b).width() as f64;
                Area { luts: bits, carry: bits }
            }
            Op::Max(a, b) | Op::Min(a, b) => match clip(dfg, &dfg[id].op, *a, *b) {
                Some(bits) => logic(width * 0.5 + bits as f64 / 5.0),
                None => {
                    let bits = compared(range(*a), range(*b)) as f64;
                    Area { luts: width + bits, carry: bits }
                }
            },
            Op::Select { .. } => logic(width),
            Op::Table { args, .. } => {
                let bits = index_bits(dfg, args);
                logic(width * 2f64.powi(bits as i32 - 6).max(1.0))
            }
        }
    }

    fn register_delay(&self) -> u32 {
        80 + 25 + 35
    }

    fn adder_delay(&self) -> u32 {
        CHAIN + 12 * CARRY_BIT
    }

    fn part(&self) -> &'static str {
        "xcvu13p-flga2577-2-e"
    }
}

/// The sum's plan; sums beyond 127 bits are refused where their netlist is made.
fn chain(dfg: &Dfg, id: Id, terms: &[Term], constant: Fixed) -> Option<Chain> {
    let terms = terms.iter().filter(|term| dfg.range(term.id).width() > 0);
    let operands: Vec<Operand> = terms.map(|term| Operand::of(term, dfg.range(term.id))).collect();
    Chain::plan(&operands, constant, dfg.range(id))
}

/// LUT levels of a function of so many bits.
fn levels(bits: u32) -> u32 {
    let (mut levels, mut rest) = (0, bits);
    while rest > 1 {
        rest = rest.div_ceil(6);
        levels += 1;
    }
    levels
}

fn index_bits(dfg: &Dfg, args: &[Id]) -> u32 {
    args.iter().map(|arg| dfg.range(*arg).width()).sum()
}

fn compared(a: Range, b: Range) -> u32 {
    Range::union(a, b).map_or(0, |both| both.width())
}

/// Bits that decide a comparison with 0 (a sign: 0 bits), or with the top or bottom of a format (its dropped high bits);
/// `None` for any other.
fn clip(dfg: &Dfg, op: &Op, x: Id, bound: Id) -> Option<u32> {
    let bound = dfg.range(bound).constant()?;
    let range = dfg.range(x);
    let units = bound.at(range.exp)?;
    if units == 0 && matches!(op, Op::Max(..)) {
        return Some(0);
    }
    let limit = if matches!(op, Op::Min(..)) { units.checked_add(1)? } else { units.checked_neg()? };
    (limit > 0 && limit & (limit - 1) == 0).then(|| range.width().saturating_sub(limit.trailing_zeros()))
}
