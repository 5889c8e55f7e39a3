//! `asap`: every node as soon as its operands are there.

use super::logic::Logic;
use super::{Goal, Schedule, Scheduler};
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

/// The earliest stage of each cell with `budget` ps between registers, which no cell may exceed, and the registers from
/// input port to output port. Logic begins at stage `first`.
pub fn earliest(logic: &Logic, budget: i64, first: u32) -> (Vec<u32>, u32) {
    let mut stage = vec![first; logic.delay.len()];
    let mut arrival = vec![0i64; logic.delay.len()];
    for cell in logic.cells() {
        let at = cell as usize;
        if logic.input[at] {
            stage[at] = 0;
            continue;
        }
        let operands = logic.from.of(cell);
        let latest = operands.iter().map(|arc| stage[arc.cell as usize]).fold(first, u32::max);
        let here = operands.iter().filter(|arc| stage[arc.cell as usize] == latest);
        let ready = here.map(|arc| arrival[arc.cell as usize] + arc.time).fold(logic.delay[at], i64::max);
        (stage[at], arrival[at]) = if ready <= budget { (latest, ready) } else { (latest + 1, logic.delay[at]) };
    }
    let latency = stage.iter().copied().max().unwrap_or(0) + 1;
    (stage, latency)
}
