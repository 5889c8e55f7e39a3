//! `asap`: every node as soon as its operands are there.

use super::logic::{Earliest, Logic};
use super::{Goal, Loop, Schedule, Scheduler};
use crate::dfg::Dfg;
use crate::error::Result;
use crate::registry::Entry;
use crate::targets::Target;

/// The entry of this scheduler.
pub const SCHEDULER: Entry<Scheduler> =
    Entry { name: "asap", doc: "every node as soon as its operands are there: the fewest stages", make: run };

fn run(dfg: &Dfg, target: &dyn Target, goal: Goal) -> Result<Schedule> {
    let logic = Logic::new(dfg, target);
    let plan = logic.plan(dfg, goal)?;
    Ok(logic.schedule(dfg, &plan.stage, plan.first, plan.latency))
}

/// The earliest stage of each cell with `budget` ps between registers, which no cell may exceed. Logic begins at stage
/// `first`. States are read as early as leaves them `interval` clocks to come round, or, where that is too few, as few as can be.
pub fn earliest(logic: &Logic, budget: i64, first: u32, interval: u32) -> Earliest {
    let mut best = reading(logic, budget, first, first);
    let clocks = |found: &Earliest| found.states.map_or(0, Loop::clocks);
    // What does not depend on states is there at the last stage; nothing is gained by waiting longer.
    for reads in first + 1..best.latency {
        if clocks(&best) <= interval.max(1) {
            break;
        }
        let found = reading(logic, budget, first, reads);
        if clocks(&found) < clocks(&best) {
            best = found;
        }
    }
    best
}

/// The earliest schedule in which states are read at a stage.
fn reading(logic: &Logic, budget: i64, first: u32, reads: u32) -> Earliest {
    let mut stage = vec![first; logic.delay.len()];
    let mut arrival = vec![0i64; logic.delay.len()];
    for cell in logic.cells() {
        let at = cell as usize;
        let operands = logic.from.of(cell);
        let latest = operands.iter().map(|arc| stage[arc.cell as usize]).fold(first, u32::max);
        if logic.fixed[at] {
            stage[at] = match cell == logic.reads.states {
                true if logic.carries => latest.max(reads),
                false if logic.state[at] => reads,
                _ => 0,
            };
            continue;
        }
        let here = operands.iter().filter(|arc| stage[arc.cell as usize] == latest);
        let ready = here.map(|arc| arrival[arc.cell as usize] + arc.time).fold(logic.delay[at], i64::max);
        (stage[at], arrival[at]) = if ready <= budget { (latest, ready) } else { (latest + 1, logic.delay[at]) };
    }
    let states = logic.states(&stage);
    let latency = stage.iter().copied().max().unwrap_or(0) + 1;
    Earliest { stage, latency, states }
}
