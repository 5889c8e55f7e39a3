//! Sums of two that are read by one sum of the same stage become sums of three, where the device has them.
//!
//! Before: `%8 = add %5, %6` and `%9 = add %8, %7 << 1` in one stage, %8 read by %9 alone; after: `%9 = add %5, %6, %7 << 1`.
//!
//! Such a chain takes hardly any constant. Where only sums that take any read it, the bits that find no room are left out,
//! and its readers add them.
//!
//! It comes after the schedule, because on some devices a chain of three is one LUT a bit only where a register takes its
//! sum at once (see [`crate::targets::Sums`]): through wiring at most, or a ReLU, which is the register's reset. No stage
//! becomes slower than the schedule's period, and no register is added.

use super::Schedule;
use crate::dfg::{Builder, Chain, Dfg, Id, Op, Operand, Term};
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Range};
use crate::targets::{Target, Times};

/// Bits find no room as others do: so often at most.
const ROUNDS: usize = 4;

/// Fuses sums; gives the graph unchanged if the device adds two operands only.
///
/// # Errors
/// None but bugs: a fused sum is a value that was there before, but for a constant.
pub fn fuse(dfg: Dfg, schedule: Schedule, target: &dyn Target) -> Result<(Dfg, Schedule)> {
    if target.sums().operands < 3 {
        return Ok((dfg, schedule));
    }
    // Readers that add more may become slower.
    for shifting in [true, false] {
        let (fused, stage) = fused(&dfg, &schedule, target, shifting)?;
        let schedule = Schedule { stage, ..schedule.clone() };
        if !shifting || schedule.verify_timing(&fused, target, schedule.period).is_ok() {
            return Ok((fused, schedule));
        }
    }
    Ok((dfg, schedule))
}

/// The graph with sums fused, and the stages of its nodes.
fn fused(dfg: &Dfg, schedule: &Schedule, target: &dyn Target, shifting: bool) -> Result<(Dfg, Vec<u32>)> {
    let (uses, behind) = (dfg.uses(), behind(dfg, schedule, target));
    let moves = if shifting { moves(dfg, schedule, &behind) } else { vec![false; dfg.nodes.len()] };
    let builder = Builder::like(dfg);
    let times = Times::new(builder.dfg(), target);
    let mut fusion = Fusion { target, times, schedule, builder, stage: Vec::new(), arrival: Vec::new() };
    let mut new: Vec<Id> = Vec::with_capacity(dfg.nodes.len());
    // What each new node is more than its old one.
    let mut more: Vec<Fixed> = Vec::with_capacity(dfg.nodes.len());
    for id in dfg.ids() {
        fusion.builder.set_source(dfg[id].from);
        let stage = schedule.of(id);
        let mut op = fusion.builder.adopt(dfg, id, |arg| new[arg.index()]);
        if let (Op::Add { constant, .. }, Op::Add { terms, .. }) = (&mut op, &dfg[id].op) {
            let mut brought = terms.iter().map(|term| more[term.id.index()].mul(term.factor()));
            let total = brought.try_fold(*constant, |sum, more| sum.add(more?.negate()));
            *constant = total.ok_or_else(|| Error::bug(format!("{id} becomes too wide")))?;
        }
        let mut best = (fusion.push(op, stage)?, Fixed::ZERO);
        let behind = behind[id.index()];
        if let (Op::Add { terms, .. }, true) = (&dfg[id].op, behind.is_some() || !target.sums().registered) {
            let alone = |arg: Id| uses[arg.index()] == 1 && schedule.of(arg) == stage;
            let inner: Vec<Id> =
                terms.iter().map(|term| term.id).filter(|arg| alone(*arg)).map(|arg| new[arg.index()]).collect();
            best = fusion.best(best.0, &inner, behind, moves[id.index()])?;
        }
        new.push(best.0);
        more.push(best.1);
    }
    let results: Vec<Id> = dfg.results.iter().map(|id| new[id.index()]).collect();
    let (stage, full) = (fusion.stage, fusion.builder.finish(dfg.outputs.clone(), results));
    let live = live(&full);
    let stage = stage.into_iter().zip(live).filter_map(|(stage, live)| live.then_some(stage)).collect();
    Ok((full.without_dead(), stage))
}

/// Sums that may be another number: only sums of two read them, which are not to become sums of three themselves.
fn moves(dfg: &Dfg, schedule: &Schedule, behind: &[Option<u32>]) -> Vec<bool> {
    let two = |id: Id| matches!(&dfg[id].op, Op::Add { terms, .. } if terms.len() == 2);
    let mut moves: Vec<bool> = dfg.ids().map(two).collect();
    dfg.results.iter().for_each(|id| moves[id.index()] = false);
    // Whether a sum before a register reads it in its stage.
    let mut inner = vec![false; dfg.nodes.len()];
    for id in dfg.ids().rev() {
        let fuses = two(id) && behind[id.index()].is_some();
        for arg in dfg[id].op.args() {
            inner[arg.index()] |= fuses && schedule.of(arg) == schedule.of(id);
            moves[arg.index()] &= two(id) && !fuses && !inner[id.index()];
        }
    }
    moves
}

struct Fusion<'a> {
    target: &'a dyn Target,
    times: Times,
    schedule: &'a Schedule,
    builder: Builder,
    /// The stage of each new node, and when it is there in its stage.
    stage: Vec<u32>,
    arrival: Vec<u32>,
}

impl Fusion<'_> {
    /// A new node at a stage; one that was there stays where it is.
    fn push(&mut self, op: Op, stage: u32) -> Result<Id> {
        let id = self.builder.push(op)?;
        let dfg = self.builder.dfg();
        self.times.extend(dfg, self.target);
        for index in self.stage.len()..dfg.nodes.len() {
            let id = Id(index as u32);
            let here = dfg[id].op.args().filter(|arg| self.stage[arg.index()] == stage);
            let arrivals =
                here.map(|arg| i64::from(self.arrival[arg.index()]) + i64::from(self.times.arc(dfg, id, arg)));
            let ready = arrivals.fold(i64::from(self.times.delay(id)), i64::max);
            self.arrival.push(ready.clamp(0, i64::from(u32::MAX)) as u32);
            self.stage.push(stage);
        }
        Ok(id)
    }

    fn luts(&self, id: Id) -> f64 {
        self.target.area(self.builder.dfg(), id).luts
    }

    /// The sum, or the sum of three with one of its inner sums that saves most and leaves time for what is behind it, and
    /// what that is more than the sum.
    fn best(&mut self, sum: Id, inner: &[Id], behind: Option<u32>, moves: bool) -> Result<(Id, Fixed)> {
        let (mut best, mut saved) = ((sum, Fixed::ZERO), 0.0);
        let (range, stage) = (self.builder.range(sum), self.stage[sum.index()]);
        for inner in inner {
            let Some((terms, constant)) = joined(self.builder.op(sum), self.builder.op(*inner), *inner) else {
                continue;
            };
            let both = self.luts(sum) + self.luts(*inner);
            let more = if moves { self.room(&terms, constant, range) } else { Fixed::ZERO };
            let (Some(constant), Some(expected)) = (constant.add(more), Range::add(range, Range::point(more))) else {
                continue;
            };
            let fused = self.push(Op::Add { terms, constant }, stage)?;
            let arrival = self.arrival[fused.index()];
            let in_time = match behind {
                Some(behind) => arrival + behind + self.target.register_delay() <= self.schedule.period,
                None => arrival <= self.arrival[sum.index()],
            };
            let own = self.builder.range(fused);
            let same = own.low() == expected.low() && own.high() == expected.high();
            let three = matches!(self.builder.op(fused), Op::Add { terms, .. } if terms.len() == 3);
            let wider = f64::from(own.width()) - f64::from(range.width());
            let saves = both - self.luts(fused) - wider.max(0.0);
            if same && self.stage[fused.index()] == stage && three && in_time && saves > saved {
                (best, saved) = ((fused, more), saves);
            }
        }
        Ok(best)
    }

    /// What a sum of three has to be more, that its constant finds room; 0 where nothing helps.
    fn room(&self, terms: &[Term], constant: Fixed, range: Range) -> Fixed {
        let operands: Vec<Operand> = terms.iter().map(|term| Operand::of(term, self.builder.range(term.id))).collect();
        if operands.iter().any(|operand| operand.range.width() == 0) {
            return Fixed::ZERO;
        }
        let try_one = |up: bool| {
            let mut more = Fixed::ZERO;
            for _ in 0..ROUNDS {
                let result = Range::add(range, Range::point(more))?;
                let plan = Chain::plan(&operands, constant.add(more)?, result, true)?;
                let homeless = i128::try_from(plan.homeless()).ok()?;
                if homeless == 0 {
                    return Some((result.width(), more));
                }
                let next = 1i128 << (128 - homeless.leading_zeros()).min(120);
                more = more.add(Fixed::new(if up { next - homeless } else { -homeless }, plan.exp))?;
            }
            None
        };
        let found = [false, true].into_iter().filter_map(try_one).min_by_key(|(width, _)| *width);
        found.map_or(Fixed::ZERO, |(_, more)| more)
    }
}

/// A sum of two with one of its operands, itself a sum of two, written out; `None` if that is no sum of three values.
fn joined(outer: &Op, inner: &Op, id: Id) -> Option<(Vec<Term>, Fixed)> {
    let (Op::Add { terms: outer, constant }, Op::Add { terms: inner, constant: offset }) = (outer, inner) else {
        return None;
    };
    let ([a, b], [_, _]) = (&outer[..], &inner[..]) else { return None };
    let (of, other) = if a.id == id { (a, b) } else { (b, a) };
    let within = inner.iter().map(|term| Term {
        id: term.id,
        shift: term.shift + of.shift,
        negative: term.negative != of.negative,
    });
    let terms: Vec<Term> = within.chain([*other]).collect();
    let constant = constant.add(offset.mul(of.factor())?)?;
    Some((terms, constant))
}

/// The time behind each node that nothing but registers read in its stage, through wiring or a ReLU at most.
fn behind(dfg: &Dfg, schedule: &Schedule, target: &dyn Target) -> Vec<Option<u32>> {
    let mut behind = vec![Some(0); dfg.nodes.len()];
    let zero = |id: Id| dfg.range(id).constant().is_some_and(Fixed::is_zero);
    for id in dfg.ids().rev() {
        let passes = match dfg[id].op {
            Op::Scale(..) | Op::Floor(..) | Op::Wrap { .. } => true,
            Op::Max(a, b) => zero(a) || zero(b),
            _ => false,
        };
        let rest = behind[id.index()].filter(|_| passes).map(|rest| rest + target.delay(dfg, id));
        for arg in dfg[id].op.args().filter(|arg| schedule.of(*arg) == schedule.of(id)) {
            let own = &mut behind[arg.index()];
            *own = own.and_then(|own| Some(own.max(rest?)));
        }
    }
    behind
}

/// Which nodes results depend on.
fn live(dfg: &Dfg) -> Vec<bool> {
    let mut live = vec![false; dfg.nodes.len()];
    dfg.results.iter().for_each(|id| live[id.index()] = true);
    for id in dfg.ids().rev() {
        if live[id.index()] {
            dfg[id].op.args().for_each(|arg| live[arg.index()] = true);
        }
    }
    live
}
