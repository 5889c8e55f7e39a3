//! What devices with 6-input LUTs and carry chains have in common: each is its [`Figures`].
//!
//! Areas are those Yosys maps: one LUT per adder bit, and one for a comparison's.

use super::{Area, Cells, Sums, Target, Time};
use crate::dfg::{Chain, Dfg, Id, Op, Operand, Term};
use crate::fixed::{Fixed, Range};

/// A device's published figures, in ps.
pub struct Figures {
    /// Delays of the cells.
    pub delays: Cells,
    /// What a third operand adds to a chain: the LUT output that saves its carry, and the net to the next LUT.
    pub third: u32,
    /// What a carry chain adds.
    pub sums: Sums,
    /// The device that the Vivado project names.
    pub part: &'static str,
    /// The command with which Yosys synthesizes for the device.
    pub yosys: &'static str,
    /// The folder of `hdl/` with the device's carry chain.
    pub hdl: Option<&'static str>,
    /// Whether registers may have an initial value.
    pub initial_values: bool,
}

impl Target for Figures {
    fn time(&self, dfg: &Dfg, id: Id) -> Time {
        let range = |id: Id| dfg.range(id);
        let width = dfg.range(id).width();
        let chain = |bits: u32| if bits == 0 { 0 } else { self.chain(bits) };
        let delay = match &dfg[id].op {
            Op::Input { .. } | Op::Const(_) | Op::Scale(..) | Op::Floor(..) | Op::Wrap { .. } => 0,
            // An operation that a pass has yet to expand: as if it were a tree of its terms.
            Op::Dot { terms, .. } => chain(width) * (usize::BITS - terms.len().leading_zeros()),
            Op::Add { terms, .. } => {
                let Adder { bits, third, rows, .. } = self.adder(dfg, id, terms);
                let saved = if third { self.third } else { 0 };
                return Time { delay: chain(bits) + saved + self.lut() * rows, chain: bits };
            }
            Op::Mul(a, b) => {
                (chain(width) * (u32::BITS - range(*a).width().min(range(*b).width()).leading_zeros())).max(self.lut())
            }
            Op::Max(a, b) | Op::Min(a, b) => match clip(dfg, &dfg[id].op, *a, *b) {
                Some(bits) => self.lut() * (1 + levels(bits)),
                None => chain(compared(range(*a), range(*b))) + self.lut(),
            },
            Op::Select { .. } => self.lut(),
            Op::Table { args, .. } => self.lut() * levels(index_bits(dfg, args)).max(1),
        };
        delay.into()
    }

    fn carry_bit(&self) -> u32 {
        self.delays.carry_bit
    }

    fn area(&self, dfg: &Dfg, id: Id) -> Area {
        let range = |id: Id| dfg.range(id);
        let width = dfg.range(id).width() as f64;
        let logic = |luts: f64| Area { luts, carry: 0.0 };
        match &dfg[id].op {
            Op::Input { .. } | Op::Const(_) | Op::Scale(..) | Op::Floor(..) | Op::Wrap { .. } => Area::default(),
            Op::Dot { terms, .. } => Area { luts: width * terms.len() as f64, carry: width * terms.len() as f64 },
            Op::Add { terms, .. } => {
                let Adder { bits, luts, .. } = self.adder(dfg, id, terms);
                Area { luts: f64::from(luts), carry: bits as f64 }
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
        self.delays.clock_to_output + self.delays.setup + self.delays.uncertainty
    }

    fn adder_delay(&self) -> u32 {
        self.chain(12)
    }

    fn sums(&self) -> Sums {
        self.sums
    }

    fn part(&self) -> &'static str {
        self.part
    }

    fn yosys(&self) -> &'static str {
        self.yosys
    }

    fn hdl(&self) -> Option<&'static str> {
        self.hdl
    }

    fn initial_values(&self) -> bool {
        self.initial_values
    }

    fn cells(&self) -> Option<Cells> {
        Some(self.delays)
    }
}

impl Figures {
    /// A LUT, and the net behind it.
    fn lut(&self) -> u32 {
        self.delays.lut + self.delays.net
    }

    /// A carry chain of so many bits, its LUTs, and the net behind it.
    fn chain(&self, bits: u32) -> u32 {
        self.lut() + self.delays.carry_entry + self.delays.carry_exit + self.delays.carry_bit * bits
    }

    /// What a sum takes on this device. What its chain does not add goes through rows of LUTs before it.
    fn adder(&self, dfg: &Dfg, id: Id, terms: &[Term]) -> Adder {
        let Op::Add { constant, .. } = &dfg[id].op else { return Adder::default() };
        let Some(plan) = plan(dfg, id, terms, *constant, self.sums.constant) else {
            return Adder { bits: dfg.range(id).width(), ..Adder::default() };
        };
        let operands = terms.len() as u32;
        let third = operands == 3 && self.sums.operands == 3;
        let free = match operands {
            0 | 1 => true,
            3 if third => plan.homeless() == 0,
            _ => plan.extra() == 0 || self.sums.constant && !third,
        };
        let rows = operands.saturating_sub(if third { 3 } else { 2 }) + !free as u32;
        let luts = if rows > 0 { plan.span() * (1 + rows) } else { plan.meeting(self.sums.constant) } + third as u32;
        if plan.span() == 0 { Adder::default() } else { Adder { bits: plan.span(), third, rows, luts } }
    }
}

/// A sum as a carry chain.
#[derive(Default)]
struct Adder {
    /// Bits of the chain; 0 if the operands are wired side by side.
    bits: u32,
    /// Whether the chain adds three operands: it is then one bit longer.
    third: bool,
    /// Operands, or a constant, that a row of LUTs adds before the chain.
    rows: u32,
    /// LUTs: where one operand only has bits, the chain takes them as they are.
    luts: u32,
}

/// The sum's plan; sums beyond 127 bits are refused where their netlist is made.
/// `free` as for [`Chain::plan`].
pub(super) fn plan(dfg: &Dfg, id: Id, terms: &[Term], constant: Fixed, free: bool) -> Option<Chain> {
    let terms = terms.iter().filter(|term| dfg.range(term.id).width() > 0);
    let operands: Vec<Operand> = terms.map(|term| Operand::of(term, dfg.range(term.id))).collect();
    Chain::plan(&operands, constant, dfg.range(id), free)
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
