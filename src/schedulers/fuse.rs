//! Sums of two that are read by one sum of the same stage become sums of three, where the device has them.
//!
//! Before: `%8 = add %5, %6` and `%9 = add %8, %7 << 1` in one stage, %8 read by %9 alone; after: `%9 = add %5, %6, %7 << 1`.
//!
//! It comes after the schedule, because on some devices a chain of three is one LUT a bit only where a register takes its
//! sum at once (see [`crate::targets::Sums`]): through wiring at most, or a ReLU, which is the register's reset. No stage
//! becomes slower than the schedule's period, and no register is added.

use super::Schedule;
use crate::dfg::{Builder, Dfg, Id, Op, Term};
use crate::error::Result;
use crate::fixed::Fixed;
use crate::targets::Target;

/// Fuses sums; gives the graph unchanged if the device adds two operands only.
///
/// # Errors
/// None but bugs: a fused sum is a value that was there before.
pub fn fuse(dfg: Dfg, schedule: Schedule, target: &dyn Target) -> Result<(Dfg, Schedule)> {
    if target.sums().operands < 3 {
        return Ok((dfg, schedule));
    }
    let (uses, behind) = (dfg.uses(), behind(&dfg, &schedule, target));
    let builder = Builder::like(&dfg);
    let mut fusion = Fusion { target, schedule: &schedule, builder, stage: Vec::new(), arrival: Vec::new() };
    let mut new: Vec<Id> = Vec::with_capacity(dfg.nodes.len());
    for id in dfg.ids() {
        fusion.builder.set_source(dfg[id].from);
        let stage = schedule.of(id);
        let op = fusion.builder.adopt(&dfg, id, |arg| new[arg.index()]);
        let mut best = fusion.push(op, stage)?;
        let behind = behind[id.index()];
        if let (Op::Add { terms, .. }, true) = (&dfg[id].op, behind.is_some() || !target.sums().registered) {
            let alone = |arg: Id| uses[arg.index()] == 1 && schedule.of(arg) == stage;
            let inner: Vec<Id> =
                terms.iter().map(|term| term.id).filter(|arg| alone(*arg)).map(|arg| new[arg.index()]).collect();
            best = fusion.best(best, &inner, stage, behind)?;
        }
        new.push(best);
    }
    let results: Vec<Id> = dfg.results.iter().map(|id| new[id.index()]).collect();
    let (stage, full) = (fusion.stage, fusion.builder.finish(dfg.outputs.clone(), results));
    let live = live(&full);
    let stage = stage.into_iter().zip(live).filter_map(|(stage, live)| live.then_some(stage)).collect();
    Ok((full.without_dead(), Schedule { stage, ..schedule.clone() }))
}

struct Fusion<'a> {
    target: &'a dyn Target,
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
        for index in self.stage.len()..dfg.nodes.len() {
            let id = Id(index as u32);
            let here = dfg[id].op.args().filter(|arg| self.stage[arg.index()] == stage);
            let ready = here.map(|arg| self.arrival[arg.index()]).max().unwrap_or(0);
            self.arrival.push(ready + self.target.delay(dfg, id));
            self.stage.push(stage);
        }
        Ok(id)
    }

    fn luts(&self, id: Id) -> f64 {
        self.target.area(self.builder.dfg(), id).luts
    }

    /// The sum, or the sum of three with one of its inner sums that saves most and leaves time for what is behind it.
    fn best(&mut self, sum: Id, inner: &[Id], stage: u32, behind: Option<u32>) -> Result<Id> {
        let (mut best, mut saved) = (sum, 0.0);
        for inner in inner {
            let Some((terms, constant)) = joined(self.builder.op(sum), self.builder.op(*inner), *inner) else {
                continue;
            };
            let both = self.luts(sum) + self.luts(*inner);
            let fused = self.push(Op::Add { terms, constant }, stage)?;
            let arrival = self.arrival[fused.index()];
            let in_time = match behind {
                Some(behind) => arrival + behind + self.target.register_delay() <= self.schedule.period,
                None => arrival <= self.arrival[sum.index()],
            };
            let same = self.builder.range(fused) == self.builder.range(sum) && self.stage[fused.index()] == stage;
            let three = matches!(self.builder.op(fused), Op::Add { terms, .. } if terms.len() == 3);
            let saves = both - self.luts(fused);
            if same && three && in_time && saves > saved {
                (best, saved) = (fused, saves);
            }
        }
        Ok(best)
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
    let distinct = (0..3).all(|index| terms[..index].iter().all(|term| term.id != terms[index].id));
    let constant = constant.add(offset.mul(of.factor())?)?;
    distinct.then_some((terms, constant))
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
