//! `asap`: every node as soon as its operands are there.

use super::{Goal, Schedule, Scheduler, Timing, is_constant, latency};
use crate::dfg::{Dfg, Op};
use crate::error::Result;
use crate::registry::Entry;
use crate::targets::Target;

/// The entry of this scheduler.
pub const SCHEDULER: Entry<Scheduler> =
    Entry { name: "asap", doc: "every node as soon as its operands are there: the fewest stages", make: run };

fn run(dfg: &Dfg, target: &dyn Target, goal: Goal) -> Result<Schedule> {
    let timing = Timing::new(dfg, target);
    let schedule = asap(dfg, &timing, timing.budget(dfg, goal)?, goal.stages);
    let latency = latency(&schedule, goal)?;
    Ok(timing.schedule(dfg, schedule.stage, latency))
}

/// The earliest schedule with `budget` ps between registers; no node may be slower than that. Inputs are registered,
/// unless a single stage is asked for.
pub fn asap(dfg: &Dfg, timing: &Timing, budget: u32, stages: Option<u32>) -> Schedule {
    let first = (stages != Some(1)) as u32;
    let mut stage = vec![first; dfg.nodes.len()];
    let mut arrival = vec![0u32; dfg.nodes.len()];
    for id in dfg.ids() {
        if matches!(dfg[id].op, Op::Input { .. } | Op::Const(_)) {
            stage[id.index()] = 0;
            continue;
        }
        let operands = || dfg[id].op.args().filter(|arg| !is_constant(dfg, *arg));
        let latest = operands().map(|arg| stage[arg.index()]).max().unwrap_or(0).max(first);
        let here = operands().filter(|arg| stage[arg.index()] == latest);
        let ready = here.map(|arg| arrival[arg.index()]).max().unwrap_or(0);
        let delay = timing.delay[id.index()];
        let fits = ready + delay <= budget;
        stage[id.index()] = if fits { latest } else { latest + 1 };
        arrival[id.index()] = if fits { ready + delay } else { delay };
    }
    let latency = stage.iter().copied().max().unwrap_or(0) + 1;
    timing.schedule(dfg, stage, latency)
}
