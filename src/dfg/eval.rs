//! Evaluates a graph on many samples at a time, in the narrowest machine integer that provably suffices.

use super::{Dfg, Op};
use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::fixed::Range;
use rayon::prelude::*;

/// Samples evaluated together: a node's values stay in the first-level cache.
const LANES: usize = 64;

/// A graph made ready for evaluation.
pub struct Evaluator<'a> {
    dfg: &'a Dfg,
    steps: Vec<Step>,
    /// Shift of each result onto its output format's grid.
    shifts: Vec<i32>,
    narrow: bool,
}

/// What a node does on integers of its own grid.
enum Step {
    Input(usize),
    Const(i128),
    /// Sum of `operand * factor`, plus a constant, then `>> down` (exact).
    Sum {
        terms: Vec<(usize, i128)>,
        constant: i128,
        down: u32,
    },
    Mul(usize, usize),
    Shift(usize, u32),
    Wrap {
        arg: usize,
        width: u32,
        signed: bool,
    },
    Max([(usize, u32); 2]),
    Min([(usize, u32); 2]),
    Select {
        sign_of: usize,
        sides: [(usize, u32); 2],
    },
    /// Flat index = sum of `((x << up) - low) * stride`.
    Table {
        args: Vec<(usize, u32, i128, i128)>,
        table: usize,
    },
}

trait Lane: Copy + Send + Sync + Ord {
    fn from(value: i128) -> Self;
    fn into(self) -> i128;
    fn add(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn up(self, shift: u32) -> Self;
    fn down(self, shift: u32) -> Self;
    fn wrap(self, width: u32, signed: bool) -> Self;
    fn negative(self) -> bool;
}

macro_rules! lane {
    ($int:ty, $unsigned:ty) => {
        // Ranges prove that nothing overflows; wrapping operations keep the checks out of the inner loops.
        impl Lane for $int {
            fn from(value: i128) -> Self {
                value as $int
            }
            fn into(self) -> i128 {
                self as i128
            }
            fn add(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            fn mul(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }
            fn up(self, shift: u32) -> Self {
                self.wrapping_shl(shift)
            }
            fn down(self, shift: u32) -> Self {
                self >> shift
            }
            fn wrap(self, width: u32, signed: bool) -> Self {
                let up = <$int>::BITS - width;
                if signed { (self << up) >> up } else { (((self as $unsigned) << up) >> up) as $int }
            }
            fn negative(self) -> bool {
                self < 0
            }
        }
    };
}
lane!(i64, u64);
lane!(i128, u128);

impl<'a> Evaluator<'a> {
    /// Prepares a verified graph.
    ///
    /// # Errors
    /// A result that its output format cannot hold is a bug of whoever made the graph.
    pub fn new(dfg: &'a Dfg) -> Result<Evaluator<'a>> {
        let starts: Vec<usize> = dfg
            .inputs
            .iter()
            .scan(0, |start, port| Some(std::mem::replace(start, *start + port.elements.len())))
            .collect();
        let steps: Vec<Step> =
            dfg.ids().map(|id| step(dfg, &dfg[id].op, &dfg[id].range, &starts)).collect::<Result<_>>()?;
        let formats = dfg.output_formats();
        let shifts: Vec<i32> =
            dfg.results.iter().zip(&formats).map(|(id, format)| dfg.range(*id).exp - format.lsb).collect();
        for (id, format) in dfg.results.iter().zip(&formats) {
            if !format.range().contains(&dfg.range(*id)) {
                return Err(Error::bug(format!("output {} in {} exceeds {format}", dfg.source(*id), dfg.range(*id))));
            }
        }
        Ok(Evaluator { narrow: narrow(dfg, &steps), dfg, steps, shifts })
    }

    /// The output codes of a batch of input codes, each in its port element's format.
    pub fn run(&self, inputs: &Batch) -> Batch {
        let columns = self.dfg.results.len();
        let chunks: Vec<Vec<i128>> = inputs
            .data
            .par_chunks(inputs.columns.max(1) * LANES)
            .map(|rows| {
                if self.narrow {
                    self.chunk::<i64>(rows, inputs.columns)
                } else {
                    self.chunk::<i128>(rows, inputs.columns)
                }
            })
            .collect();
        Batch { columns, data: chunks.concat() }
    }

    fn chunk<L: Lane>(&self, rows: &[i128], columns: usize) -> Vec<i128> {
        let lanes = rows.len() / columns.max(1);
        let mut values: Vec<L> = vec![L::from(0); self.steps.len() * lanes];
        for (index, step) in self.steps.iter().enumerate() {
            let (done, rest) = values.split_at_mut(index * lanes);
            let of = |arg: usize| &done[arg * lanes..(arg + 1) * lanes];
            self.step(step, &mut rest[..lanes], of, |lane, column| rows[lane * columns + column]);
        }
        let mut out = Vec::with_capacity(lanes * self.shifts.len());
        for lane in 0..lanes {
            for (id, shift) in self.dfg.results.iter().zip(&self.shifts) {
                let value = values[id.index() * lanes + lane].into();
                out.push(if *shift < 0 { value >> -shift } else { value << shift });
            }
        }
        out
    }

    fn step<'v, L: Lane + 'v>(
        &self,
        step: &Step,
        out: &mut [L],
        of: impl Fn(usize) -> &'v [L],
        input: impl Fn(usize, usize) -> i128,
    ) {
        let pairs = |out: &mut [L], [(a, up), (b, vp)]: [(usize, u32); 2], f: fn(L, L) -> L| {
            out.iter_mut().zip(of(a).iter().zip(of(b))).for_each(|(o, (a, b))| *o = f(a.up(up), b.up(vp)));
        };
        match step {
            Step::Input(column) => out.iter_mut().enumerate().for_each(|(lane, o)| *o = L::from(input(lane, *column))),
            Step::Const(value) => out.fill(L::from(*value)),
            Step::Sum { terms, constant, down } => {
                out.fill(L::from(*constant));
                for (arg, factor) in terms {
                    let factor = L::from(*factor);
                    out.iter_mut().zip(of(*arg)).for_each(|(o, a)| *o = o.add(a.mul(factor)));
                }
                if *down > 0 {
                    out.iter_mut().for_each(|o| *o = o.down(*down));
                }
            }
            Step::Mul(a, b) => pairs(out, [(*a, 0), (*b, 0)], |a, b| a.mul(b)),
            Step::Shift(a, down) => out.iter_mut().zip(of(*a)).for_each(|(o, a)| *o = a.down(*down)),
            Step::Wrap { arg, width, signed } => {
                out.iter_mut().zip(of(*arg)).for_each(|(o, a)| *o = a.wrap(*width, *signed));
            }
            Step::Max(sides) => pairs(out, *sides, |a, b| a.max(b)),
            Step::Min(sides) => pairs(out, *sides, |a, b| a.min(b)),
            Step::Select { sign_of, sides } => {
                let (sign, [(a, up), (b, vp)]) = (of(*sign_of), *sides);
                for (((o, s), a), b) in out.iter_mut().zip(sign).zip(of(a)).zip(of(b)) {
                    *o = if s.negative() { a.up(up) } else { b.up(vp) };
                }
            }
            Step::Table { args, table } => {
                let entries = &self.dfg.tables[*table].entries;
                for (lane, o) in out.iter_mut().enumerate() {
                    let place = |(arg, up, low, stride): &(usize, u32, i128, i128)| {
                        ((of(*arg)[lane].into() << up) - low) * stride
                    };
                    *o = L::from(entries[args.iter().map(place).sum::<i128>() as usize].unwrap_or(0));
                }
            }
        }
    }
}

fn step(dfg: &Dfg, op: &Op, range: &Range, starts: &[usize]) -> Result<Step> {
    let exp = |id: super::Id| dfg.range(id).exp;
    let too_wide = || Error::bug("a sum exceeds 127 bits on its operands' common grid");
    let side = |id: super::Id| -> Result<(usize, u32)> {
        // A zero's grid says nothing, so its shift does not matter.
        let up = if dfg.range(id).constant().is_some_and(|c| c.is_zero()) { 0 } else { exp(id) - range.exp };
        Ok((id.index(), u32::try_from(up).map_err(|_| Error::bug("a comparison on too coarse a grid"))?))
    };
    Ok(match op {
        Op::Input { port, element } => Step::Input(starts[*port as usize] + *element as usize),
        Op::Const(value) => Step::Const(value.at(range.exp).ok_or_else(too_wide)?),
        Op::Dot { .. } | Op::Add { .. } => {
            let (terms, constant) = match op {
                Op::Dot { terms, constant } => (terms.clone(), *constant),
                Op::Add { terms, constant } => (terms.iter().map(|t| (t.id, t.factor())).collect(), *constant),
                _ => (Vec::new(), crate::fixed::Fixed::ZERO),
            };
            let grids = terms.iter().map(|(id, factor)| exp(*id) + factor.exponent());
            let constant_grid = if constant.is_zero() { range.exp } else { constant.exponent() };
            let grid = grids.chain([range.exp, constant_grid]).min().unwrap_or(range.exp);
            let integers = terms.iter().map(|(id, factor)| Some((id.index(), factor.at(grid - exp(*id))?)));
            let terms = integers.collect::<Option<_>>().ok_or_else(too_wide)?;
            Step::Sum { terms, constant: constant.at(grid).ok_or_else(too_wide)?, down: (range.exp - grid) as u32 }
        }
        Op::Mul(a, b) => Step::Mul(a.index(), b.index()),
        Op::Scale(a, _) => Step::Shift(a.index(), 0),
        Op::Floor(a, _) => Step::Shift(a.index(), (range.exp - exp(*a)).clamp(0, 127) as u32),
        Op::Wrap { arg, top, signed } => {
            Step::Wrap { arg: arg.index(), width: (top - exp(*arg)).clamp(1, 126) as u32, signed: *signed }
        }
        Op::Max(a, b) => Step::Max([side(*a)?, side(*b)?]),
        Op::Min(a, b) => Step::Min([side(*a)?, side(*b)?]),
        Op::Select { sign_of, negative, otherwise } => {
            Step::Select { sign_of: sign_of.index(), sides: [side(*negative)?, side(*otherwise)?] }
        }
        Op::Table { table, args } => {
            let domains = &dfg.tables[*table as usize].domains;
            let mut stride = 1;
            let mut places = Vec::with_capacity(args.len());
            for (arg, domain) in args.iter().zip(domains).rev() {
                let up = (exp(*arg) - domain.exp).clamp(0, 126) as u32;
                places.push((arg.index(), up, domain.lo, stride));
                stride *= domain.hi - domain.lo + 1;
            }
            Step::Table { args: places, table: *table as usize }
        }
    })
}

/// Do all values, and all partial sums on their common grids, fit in 62 bits?
fn narrow(dfg: &Dfg, steps: &[Step]) -> bool {
    const LIMIT: u128 = 1 << 62;
    let bound = |arg: usize| dfg.nodes[arg].range.lo.unsigned_abs().max(dfg.nodes[arg].range.hi.unsigned_abs());
    let side = |(arg, up): &(usize, u32)| *up < 62 && bound(*arg) << up < LIMIT;
    steps.iter().enumerate().all(|(index, step)| {
        let inside = match step {
            Step::Sum { terms, constant, .. } => {
                let total = terms.iter().try_fold(constant.unsigned_abs(), |sum, (arg, factor)| {
                    sum.checked_add(bound(*arg).checked_mul(factor.unsigned_abs())?)
                });
                total.is_some_and(|total| total < LIMIT)
            }
            Step::Shift(_, down) => *down < 64,
            Step::Wrap { width, .. } => *width < 64,
            Step::Max(sides) | Step::Min(sides) | Step::Select { sides, .. } => sides.iter().all(side),
            _ => true,
        };
        inside && bound(index) < LIMIT
    })
}
