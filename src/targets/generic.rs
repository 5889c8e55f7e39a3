//! `generic`: plain Verilog for any FPGA with 6-input LUTs and carry chains.
//!
//! Delays are those of an UltraScale+ device of speed grade -2, read from published Vivado timing reports: clock to
//! output 0.08 ns, set-up 0.025, uncertainty 0.035, LUT 0.04 to 0.15, LUT output into a carry chain and along 8 bits of it
//! 0.125, each further 8 bits 0.045, chain to sum 0.11, a routed net 0.10 to 0.27 (0.20 is taken). Areas are those Yosys
//! maps: one LUT per adder bit.

use super::{Area, Make, Target};
use crate::dfg::{Dfg, Id, Op, Term};
use crate::fixed::Range;
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
        let chain = |bits: u32| if bits == 0 { 0 } else { CHAIN + CARRY_BIT * bits };
        match &dfg[id].op {
            Op::Input { .. } | Op::Const(_) | Op::Scale(..) | Op::Floor(..) | Op::Wrap { .. } => 0,
            // An operation that a pass has yet to expand: as if it were a tree of its terms.
            Op::Dot { terms, .. } => chain(width) * (usize::BITS - terms.len().leading_zeros()),
            Op::Add { terms, .. } => match adder(dfg, id, terms) {
                Adder { bits, extra: 0 } => chain(bits),
                Adder { bits, extra } => LUT * extra + chain(bits),
            },
            Op::Mul(a, b) => {
                (chain(width) * (u32::BITS - range(*a).width().min(range(*b).width()).leading_zeros())).max(LUT)
            }
            Op::Max(a, b) | Op::Min(a, b) => match clip(dfg, &dfg[id].op, *a, *b) {
                Some(bits) => LUT * (1 + levels(bits)),
                None => chain(compared(range(*a), range(*b))) + LUT,
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
            Op::Add { terms, .. } => {
                let Adder { bits, extra } = adder(dfg, id, terms);
                Area { luts: bits as f64 * (1 + extra) as f64, carry: bits as f64 }
            }
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

    fn yosys(&self) -> &'static str {
        "synth_xilinx -family xcup -flatten -noiopad -nodsp -nobram -nolutram -nosrl"
    }

    fn part(&self) -> &'static str {
        "xcvu13p-flga2577-2-e"
    }
}

/// A sum as carry chains.
pub(super) struct Adder {
    /// Bits of the longest chain; 0 if the operands are wired side by side.
    pub bits: u32,
    /// Operands (and constant) beyond two: each is a row of LUTs before the chain.
    pub extra: u32,
}

pub(super) fn adder(dfg: &Dfg, id: Id, terms: &[Term]) -> Adder {
    let Op::Add { constant, .. } = &dfg[id].op else { return Adder { bits: 0, extra: 0 } };
    let result = dfg.range(id);
    let top = result.exp + result.width() as i32;
    // Where each operand begins, and where it ends if it is never negative.
    let mut spans: Vec<(i32, Option<i32>)> = terms
        .iter()
        .map(|term| {
            let range = dfg.range(term.id);
            let low = range.exp + term.shift;
            (low, (!term.negative && range.lo >= 0).then_some(low + range.width() as i32))
        })
        .collect();
    if !constant.is_zero() {
        let positive = constant.mantissa() > 0;
        let end = constant.exponent() + (128 - constant.mantissa().unsigned_abs().leading_zeros()) as i32;
        spans.push((constant.exponent(), positive.then_some(end)));
    }
    spans.sort_by_key(|(low, _)| *low);
    // Operands that end below the next one's begin are wired.
    let joined = spans.len() > 1 && spans.windows(2).all(|pair| pair[0].1.is_some_and(|end| end <= pair[1].0));
    let negative = terms.iter().any(|term| term.negative);
    if !negative && (joined || spans.len() < 2) {
        return Adder { bits: 0, extra: 0 };
    }
    let lowest_subtracted =
        terms.iter().filter(|term| term.negative).map(|term| dfg.range(term.id).exp + term.shift).min();
    let second = spans.get(1).map_or(spans[0].0, |(low, _)| *low);
    let start = lowest_subtracted.map_or(second, |low| low.min(second));
    Adder { bits: (top - start).max(1) as u32, extra: (spans.len() as u32).saturating_sub(2) }
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

pub(super) fn index_bits(dfg: &Dfg, args: &[Id]) -> u32 {
    args.iter().map(|arg| dfg.range(*arg).width()).sum()
}

pub(super) fn compared(a: Range, b: Range) -> u32 {
    Range::union(a, b).map_or(0, |both| both.width())
}

/// Bits that decide a comparison with 0 (a sign: 0 bits), or with the top or bottom of a format (its dropped high bits);
/// `None` for any other.
pub(super) fn clip(dfg: &Dfg, op: &Op, x: Id, bound: Id) -> Option<u32> {
    let bound = dfg.range(bound).constant()?;
    let range = dfg.range(x);
    let units = bound.at(range.exp)?;
    if units == 0 && matches!(op, Op::Max(..)) {
        return Some(0);
    }
    let limit = if matches!(op, Op::Min(..)) { units.checked_add(1)? } else { units.checked_neg()? };
    (limit > 0 && limit & (limit - 1) == 0).then(|| range.width().saturating_sub(limit.trailing_zeros()))
}
