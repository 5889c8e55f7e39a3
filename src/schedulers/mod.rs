//! Schedules: which pipeline stage computes each node.
//!
//! A schedule is a side table, never a change of the graph. A value's *stage* is the number of registers between the
//! input ports and the wire that computes it: inputs are at stage 0, before the input register; a value computed at
//! stage `a` and read at stage `b >= a` goes through `b - a` registers; outputs leave at stage `latency`. Constants are
//! wiring, listed at stage 0. With a latency of 2 or more, logic is at stages `1 .. latency` (registers at both ends); a latency of 1 has
//! only the output register, and its logic is at stage 0.
//!
//! To add a scheduler: a file with a [`Scheduler`] function and an entry below. [`Schedule::verify`] and
//! [`Schedule::verify_timing`] judge every result.

mod asap;
mod cut;
mod flow;
mod fuse;
mod min_registers;
mod random;
mod verify;

pub use fuse::fuse;

use crate::dfg::{Dfg, Id, Op};
use crate::error::{Error, Result};
use crate::registry::Entry;
use crate::targets::Target;

/// Makes a schedule.
pub type Scheduler = fn(&Dfg, &dyn Target, Goal) -> Result<Schedule>;

/// The schedulers, the default first.
pub const SCHEDULERS: &[Entry<Scheduler>] = &[min_registers::SCHEDULER, asap::SCHEDULER, random::SCHEDULER];

/// What the user asks for: a clock, a number of stages, or both. Neither means the fewest stages at any speed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Goal {
    /// The clock period in ps.
    pub period: Option<u32>,
    /// Registers from input port to output port.
    pub stages: Option<u32>,
}

/// A schedule of a dataflow graph at initiation interval 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The stage of each node, by id.
    pub stage: Vec<u32>,
    /// Registers on every path from input port to output port, input and output registers included.
    pub latency: u32,
    /// The shortest clock period, in ps, at which every stage is in time by the target's delays.
    pub period: u32,
}

impl Schedule {
    /// The stage at which a node is computed.
    pub fn of(&self, id: Id) -> u32 {
        self.stage[id.index()]
    }

    /// The last stage at which a node is read: by its users, and at `latency` if it is an output.
    pub fn last_use(&self, dfg: &Dfg) -> Vec<u32> {
        let mut last = self.stage.clone();
        for id in dfg.ids() {
            for arg in dfg[id].op.args() {
                last[arg.index()] = last[arg.index()].max(self.of(id));
            }
        }
        dfg.results.iter().for_each(|id| last[id.index()] = self.latency);
        last
    }

    /// Bits of all registers that values need.
    pub fn register_bits(&self, dfg: &Dfg) -> u64 {
        let last = self.last_use(dfg);
        let crossing = |id: Id| (last[id.index()] - self.of(id)) as u64 * dfg.range(id).width() as u64;
        dfg.ids().filter(|id| !is_constant(dfg, *id)).map(crossing).sum()
    }
}

/// Constants are wiring: they are never registered.
fn is_constant(dfg: &Dfg, id: Id) -> bool {
    matches!(dfg[id].op, Op::Const(_))
}

/// Delays of all nodes, and what the target allows between two registers.
struct Timing {
    delay: Vec<u32>,
    register: u32,
}

impl Timing {
    fn new(dfg: &Dfg, target: &dyn Target) -> Timing {
        Timing { delay: dfg.ids().map(|id| target.delay(dfg, id)).collect(), register: target.register_delay() }
    }

    /// The time between registers that the goal's clock leaves; if it has none, the shortest that its stages need.
    fn budget(&self, dfg: &Dfg, goal: Goal) -> Result<u32> {
        let (slowest, all) = (self.delay.iter().copied().max().unwrap_or(0), self.depth(dfg));
        if let Some(period) = goal.period {
            let budget = period.saturating_sub(self.register);
            let slow = dfg.ids().find(|id| self.delay[id.index()] > budget);
            return match slow {
                Some(id) => Err(self.too_slow(dfg, id, period)),
                None => Ok(budget),
            };
        }
        let Some(stages) = goal.stages else { return Ok(all) };
        let (mut low, mut high) = (slowest, all.max(slowest));
        while low < high {
            let middle = low + (high - low) / 2;
            if asap::asap(dfg, self, middle, goal.stages).latency <= stages { high = middle } else { low = middle + 1 }
        }
        Ok(high)
    }

    fn too_slow(&self, dfg: &Dfg, id: Id, period: u32) -> Error {
        let need = self.delay[id.index()] + self.register;
        let what =
            format!("`{}` takes {need} ps with its register, more than the {period} ps period", dfg[id].op.name());
        Error::user(what, format!("use a slower clock: at most {} MHz", 1_000_000 / need.max(1))).at(dfg.source(id))
    }

    /// The longest path of the whole graph.
    fn depth(&self, dfg: &Dfg) -> u32 {
        let mut arrival = vec![0; dfg.nodes.len()];
        for id in dfg.ids() {
            let operands = dfg[id].op.args().map(|arg| arrival[arg.index()]).max().unwrap_or(0);
            arrival[id.index()] = operands + self.delay[id.index()];
        }
        arrival.into_iter().max().unwrap_or(0)
    }

    /// The longest path between registers.
    fn longest(&self, dfg: &Dfg, stage: &[u32]) -> u32 {
        let mut arrival = vec![0u32; dfg.nodes.len()];
        for id in dfg.ids() {
            let here =
                dfg[id].op.args().filter(|arg| stage[arg.index()] == stage[id.index()] && !is_constant(dfg, *arg));
            let operands = here.map(|arg| arrival[arg.index()]).max().unwrap_or(0);
            arrival[id.index()] = operands + self.delay[id.index()];
        }
        arrival.into_iter().max().unwrap_or(0)
    }

    /// Makes a schedule of stages; the latency may be more than they need, as extra registers at the output.
    fn schedule(&self, dfg: &Dfg, stage: Vec<u32>, latency: u32) -> Schedule {
        let period = self.longest(dfg, &stage) + self.register;
        Schedule { stage, latency, period }
    }
}

/// The last stage that logic may be at, for a goal that the fewest possible stages meet.
fn latency(fewest: &Schedule, goal: Goal) -> Result<u32> {
    match goal.stages {
        Some(0) => Err(Error::user("0 stages: a design has at least its output register", "use --stages 1 or more")),
        Some(stages) if stages < fewest.latency => {
            let what = format!("{stages} stages are not enough at this clock: {} are needed", fewest.latency);
            Err(Error::user(what, format!("use --stages {}, or a slower clock", fewest.latency)))
        }
        Some(stages) => Ok(stages),
        None => Ok(fewest.latency),
    }
}
