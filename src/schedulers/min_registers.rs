//! `min-registers`: the fewest stages, then the fewest register bits.
//!
//! It starts from the earliest schedule and moves one row of registers at a time, between its two neighbours, to its
//! minimum cut, until no row moves. A node may go before a row if it is then in time after the previous row, and must if
//! it would be late before the next.

use super::asap::asap;
use super::cut::{Cut, Side};
use super::{Goal, Schedule, Scheduler, Timing, is_constant, latency};
use crate::dfg::{Dfg, Id, Op};
use crate::error::Result;
use crate::registry::Entry;
use crate::targets::Target;

/// The entry of this scheduler.
pub const SCHEDULER: Entry<Scheduler> =
    Entry { name: "min-registers", doc: "the fewest stages, then the fewest register bits (minimum cuts)", make: run };

/// Sweeps over all rows at most; most graphs settle in two or three.
const SWEEPS: usize = 6;

fn run(dfg: &Dfg, target: &dyn Target, goal: Goal) -> Result<Schedule> {
    let timing = Timing::new(dfg, target);
    let budget = timing.budget(dfg, goal)?;
    let earliest = asap(dfg, &timing, budget, goal.stages);
    let latency = latency(&earliest, goal)?;
    let mut rows = Rows { dfg, timing: &timing, budget, stage: earliest.stage, users: users(dfg) };
    let mut bits = u64::MAX;
    for _ in 0..SWEEPS {
        // Down first: the earliest schedule is as far up as it goes.
        (1..latency.max(2) - 1).rev().for_each(|row| rows.improve(row));
        (1..latency.max(2) - 1).for_each(|row| rows.improve(row));
        let now = Schedule { stage: rows.stage.clone(), latency, period: 0 }.register_bits(dfg);
        if now >= bits {
            break;
        }
        bits = now;
    }
    Ok(timing.schedule(dfg, rows.stage, latency))
}

fn users(dfg: &Dfg) -> Vec<Vec<Id>> {
    let mut users = vec![Vec::new(); dfg.nodes.len()];
    for id in dfg.ids() {
        dfg[id].op.args().for_each(|arg| users[arg.index()].push(id));
    }
    users
}

struct Rows<'a> {
    dfg: &'a Dfg,
    timing: &'a Timing,
    budget: u32,
    stage: Vec<u32>,
    users: Vec<Vec<Id>>,
}

impl Rows<'_> {
    /// Moves the registers between stages `row` and `row + 1` to their cheapest place.
    fn improve(&mut self, row: u32) {
        let between: Vec<Id> = self.dfg.ids().filter(|id| self.moves(*id, row)).collect();
        let side = self.sides(row, &between);
        let mut cut = Cut::default();
        let mut outputs = vec![false; self.dfg.nodes.len()];
        self.dfg.results.iter().for_each(|id| outputs[id.index()] = true);
        for id in self.dfg.ids().filter(|id| !is_constant(self.dfg, *id) && self.stage[id.index()] <= row + 1) {
            let readers = self.users[id.index()].iter().map(|user| (*user, side[user.index()]));
            // An output is read after every row.
            let end = outputs[id.index()].then_some((id, Side::After));
            let before = side[id.index()];
            if before != Side::After {
                cut.value((id, before), self.dfg.range(id).width(), readers.chain(end));
            }
        }
        between.iter().filter(|id| side[id.index()] == Side::Before).for_each(|id| self.stage[id.index()] = row);
        between.iter().filter(|id| side[id.index()] != Side::Before).for_each(|id| self.stage[id.index()] = row + 1);
        cut.before().into_iter().for_each(|id| self.stage[id.index()] = row);
    }

    fn moves(&self, id: Id, row: u32) -> bool {
        let logic = !matches!(self.dfg[id].op, Op::Input { .. } | Op::Const(_));
        logic && (row..=row + 1).contains(&self.stage[id.index()])
    }

    /// Which nodes must be before, or after, this row.
    fn sides(&self, row: u32, between: &[Id]) -> Vec<Side> {
        let side = |stage: &u32| if *stage <= row { Side::Before } else { Side::After };
        let mut sides: Vec<Side> = self.stage.iter().map(side).collect();
        between.iter().for_each(|id| sides[id.index()] = Side::Free);
        let mut arrival = vec![0u32; self.dfg.nodes.len()];
        for id in between {
            let here = self.dfg[*id].op.args().filter(|arg| self.moves(*arg, row));
            let ready = here.map(|arg| arrival[arg.index()]).max().unwrap_or(0);
            arrival[id.index()] = ready + self.timing.delay[id.index()];
            if arrival[id.index()] > self.budget {
                sides[id.index()] = Side::After;
            }
        }
        let mut tail = vec![0u32; self.dfg.nodes.len()];
        for id in between.iter().rev() {
            let here = self.users[id.index()].iter().filter(|user| self.moves(**user, row));
            let rest = here.map(|user| tail[user.index()]).max().unwrap_or(0);
            tail[id.index()] = rest + self.timing.delay[id.index()];
            if tail[id.index()] > self.budget {
                sides[id.index()] = Side::Before;
            }
        }
        sides
    }
}
