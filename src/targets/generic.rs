//! `generic`: plain Verilog for any FPGA with 6-input LUTs and carry chains.
//!
//! Delays are those of an UltraScale+ device of speed grade -2, read from published Vivado timing reports: clock to
//! output 0.08 ns, set-up 0.025, uncertainty 0.035, LUT 0.04 to 0.15 (0.10 is taken), a carry chain as said at [`CELLS`], a
//! routed net 0.10 to 0.27 (0.20 is taken). Areas are those Yosys maps: one LUT per adder bit.

use super::{Area, Cells, Make, Target};
use crate::dfg::{Chain, Dfg, Id, Op, Operand, Term};
use crate::fixed::{Fixed, Range};
use crate::registry::Entry;

/// The entry of this target.
pub const TARGET: Entry<Make> = Entry {
    name: "generic",
    doc: "plain Verilog; delays of UltraScale+ -2, areas of 6-input LUTs with carry chains",
    make: || Box::new(Generic),
};

/// Published delays, in ps. LUT output into a chain and to the carry out of its eighth bit: 125; each eight bits further,
/// with the hop between them: 45; carry into a chain to its sums: 76 at the lowest bit, 146 at the highest.
const CELLS: Cells = Cells {
    lut: 100,
    net: 200,
    carry_entry: 77,
    carry_bit: 6,
    carry_exit: 80,
    clock_to_output: 80,
    setup: 25,
    uncertainty: 35,
};
/// LUT and the net around it, in ps.
const LUT: u32 = CELLS.lut + CELLS.net;
/// Entering and leaving a carry chain, its LUTs, and the net around it, in ps.
const CHAIN: u32 = LUT + CELLS.carry_entry + CELLS.carry_exit;
/// One carry-chain bit, in ps.
const CARRY_BIT: u32 = CELLS.carry_bit;

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

    fn arc(&self, dfg: &Dfg, id: Id, operand: Id) -> i32 {
        let (range, result) = (dfg.range(operand), dfg.range(id));
        let ripples = ripples(dfg, operand);
        let delay = self.delay(dfg, id) as i32;
        match &dfg[id].op {
            Op::Wrap { .. } if ripples => (CARRY_BIT as i32) * (top(result) - top(range)).min(0),
            Op::Add { terms, .. } => {
                // Where its last bit enters the chain: of bits that come one after another the highest, else the lowest.
                let last = if ripples { top(range) } else { range.exp };
                let enters = terms.iter().filter(|term| term.id == operand).map(|term| last + term.shift).min();
                let bits = span(dfg, id) as i32;
                let passed = enters.map_or(0, |enters| enters - (top(result) - bits)).clamp(0, bits);
                delay - CARRY_BIT as i32 * passed
            }
            _ => delay,
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
        CELLS.clock_to_output + CELLS.setup + CELLS.uncertainty
    }

    fn cells(&self) -> Option<Cells> {
        Some(CELLS)
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

/// Bits of a sum's carry chain.
fn span(dfg: &Dfg, id: Id) -> u32 {
    match &dfg[id].op {
        Op::Add { terms, constant } => {
            chain(dfg, id, terms, *constant).map_or(dfg.range(id).width(), |chain| chain.span())
        }
        _ => 0,
    }
}

/// The exponent above the highest bit.
fn top(range: Range) -> i32 {
    range.exp + range.width() as i32
}

/// Whether a value's bits come one after another, out of a carry chain.
fn ripples(dfg: &Dfg, id: Id) -> bool {
    match &dfg[id].op {
        Op::Scale(arg, _) | Op::Floor(arg, _) | Op::Wrap { arg, .. } => ripples(dfg, *arg),
        _ => span(dfg, id) > 0,
    }
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
