//! `random`: a legal schedule at random, to test what reads schedules. Timing is not its business.

use super::{Goal, Loop, Schedule, Scheduler, is_constant};
use crate::dfg::{Dfg, Op};
use crate::error::Result;
use crate::random::Random;
use crate::registry::Entry;
use crate::targets::{Target, Times};

/// The entry of this scheduler.
pub const SCHEDULER: Entry<Scheduler> =
    Entry { name: "random", doc: "a legal schedule at random, seeded by the graph's size: for tests", make: run };

fn run(dfg: &Dfg, target: &dyn Target, goal: Goal) -> Result<Schedule> {
    let mut random = Random::new(dfg.nodes.len() as u64);
    let last = goal.stages.unwrap_or(6).max(1) - 1;
    let first = 1.min(last);
    let mut stage = vec![0; dfg.nodes.len()];
    dfg.ids().filter(|id| dfg.is_state(*id)).for_each(|id| stage[id.index()] = first);
    for id in dfg.ids().filter(|id| !matches!(dfg[*id].op, Op::Input { .. } | Op::Const(_))) {
        let operands = dfg[id].op.args().filter(|arg| !is_constant(dfg, *arg));
        let earliest = operands.map(|arg| stage[arg.index()]).max().unwrap_or(0).max(first);
        let wait = if random.below(4) == 0 { random.below(3) as u32 } else { 0 };
        stage[id.index()] = (earliest + wait).min(last);
    }
    let states = (dfg.states() > 0).then_some(Loop { reads: first, writes: last });
    Ok(Schedule { states, ..Schedule::new(dfg, &Times::new(dfg, target), stage, last + 1) })
}
