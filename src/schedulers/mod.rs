//! Schedules: which pipeline stage computes each node.
//!
//! A schedule is a side table, never a change of the graph. A value's *stage* is the number of registers between the
//! input ports and the wire that computes it: inputs are at stage 0, before the input register; a value computed at
//! stage `a` and read at stage `b >= a` goes through `b - a` registers; outputs leave at stage `latency`. Constants are
//! wiring, listed at stage 0. With a latency of 2 or more, logic is at stages `1 .. latency` (registers at both ends); a latency of 1 has
//! only the output register, and its logic is at stage 0.
//!
//! A state is an input whose stage is free, and a result that leaves at a stage of its own ([`Loop`]): its register holds
//! at clock `t + reads` what an event of clock `t` reads, and takes that event's next value at the end of clock `t + writes`.
//!
//! To add a scheduler: a file with a [`Scheduler`] function and an entry below. [`Schedule::verify`] and
//! [`Schedule::verify_timing`] judge every result.

mod asap;
mod cut;
mod flow;
mod fuse;
mod logic;
mod min_registers;
mod moves;
mod random;
mod reads;
#[cfg(test)]
mod tests;
mod verify;

pub use fuse::fuse;
pub use reads::Use;

use crate::dfg::{Dfg, Id, Op};
use crate::error::Result;
use crate::registry::Entry;
use crate::targets::{Target, Times};
use reads::Reads;

/// Makes a schedule.
pub type Scheduler = fn(&Dfg, &dyn Target, Goal) -> Result<Schedule>;

/// The schedulers, the default first.
pub const SCHEDULERS: &[Entry<Scheduler>] = &[min_registers::SCHEDULER, asap::SCHEDULER, random::SCHEDULER];

/// What the user asks for. A clock: the fewest stages. Stages: the shortest period. A latency: the fastest clock at which
/// the answer is there in time. A clock and stages, or a clock and a latency: both. Nothing: the fewest stages at any speed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Goal {
    /// The clock period in ps.
    pub period: Option<u32>,
    /// Registers from input port to output port.
    pub stages: Option<u32>,
    /// The time that the answer may take, in ps: latency in cycles times period.
    pub latency: Option<u32>,
    /// Whether inputs come from registers, so that there may be logic at stage 0: for a piece of a circuit.
    pub registered: bool,
    /// Clocks from event to event, in which states must have come round; 0 is 1.
    pub interval: u32,
}

/// Where the loops of states are cut: all states are read at one stage, and written at one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loop {
    /// The stage at which the state's register is an input.
    pub reads: u32,
    /// The stage at whose end the register takes the next value, of an event that is one.
    pub writes: u32,
}

impl Loop {
    /// Clocks from event to event, at least: what an event wrote is there when the next one reads.
    pub fn clocks(self) -> u32 {
        self.writes + 1 - self.reads
    }
}

/// A schedule of a dataflow graph: at initiation interval 1, or of what happens in a clock ([`crate::reuse`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The stage of each node, by id.
    pub stage: Vec<u32>,
    /// Registers on every path from input port to output port, input and output registers included.
    pub latency: u32,
    /// The shortest clock period, in ps, at which every stage is in time by the target's delays.
    pub period: u32,
    /// The stages of states, if there are any.
    pub states: Option<Loop>,
}

impl Schedule {
    /// The stage at which a node is computed.
    pub fn of(&self, id: Id) -> u32 {
        self.stage[id.index()]
    }

    /// A schedule with the shortest period that its stages allow.
    fn new(dfg: &Dfg, times: &Times, stage: Vec<u32>, latency: u32) -> Schedule {
        let mut schedule = Schedule { stage, latency, period: 0, states: None };
        let longest = schedule.arrivals(dfg, times).into_iter().max().unwrap_or(0);
        schedule.period = longest + times.register;
        schedule
    }

    /// How each node is read.
    pub fn uses(&self, dfg: &Dfg) -> Vec<Use> {
        Reads::new(dfg).uses(dfg, self)
    }

    /// Bits of all registers: each bit of a value from its stage to that of its last reader. Wiring reads nothing itself.
    pub fn register_bits(&self, dfg: &Dfg) -> u64 {
        let reads = Reads::new(dfg);
        let writes = self.states.map_or(0, |states| states.writes);
        let stage: Vec<u32> = reads.cells.iter().map(|id| self.of(*id)).chain([writes]).collect();
        reads.register_bits(&stage, self.latency)
    }
}

/// Constants are wiring: they are never registered.
fn is_constant(dfg: &Dfg, id: Id) -> bool {
    matches!(dfg[id].op, Op::Const(_))
}
