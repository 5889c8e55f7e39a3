//! The graph that schedulers work on: cells, the time between them, and what a goal leaves between two registers.
//!
//! Times are of a value's *last* bit. Carry chains overlap: an adder behind an adder begins with low bits that are there
//! before the high ones. So the time from an operand to a result is the target's for that pair, and less than the delay
//! from a register, where all bits are there at once.

use super::asap::earliest;
use super::reads::{Lists, NONE, Reads};
use super::{Goal, Loop, Schedule};
use crate::dfg::{Dfg, Id, Op};
use crate::error::{Error, Result};
use crate::targets::{Target, Times};

/// Register bits that a LUT is worth: devices have twice as many registers.
const LUT: u32 = 2;

/// Time from one cell's result to another's, in ps.
#[derive(Clone, Copy)]
pub struct Arc {
    /// The other end.
    pub cell: u32,
    /// The time.
    pub time: i64,
}

/// Cells and the time between them.
pub struct Logic {
    /// Cells, and the bits that they read.
    pub reads: Reads,
    /// From each cell's operands.
    pub from: Lists<Arc>,
    /// To each cell's users.
    pub to: Lists<Arc>,
    /// From registers to the result of each cell.
    pub delay: Vec<i64>,
    /// Whether its stage is given: inputs, and the registers of states, which read their next values.
    pub fixed: Vec<bool>,
    /// Whether it is an input that is a state.
    pub state: Vec<bool>,
    /// Whether there are states.
    pub carries: bool,
    /// What each cell costs that is read in its own stage, in register bits: it would be free before a register.
    pub gate: Vec<u32>,
    times: Times,
}

/// What a goal asks for: the time between registers, the stages, and the earliest schedule of the cells.
pub struct Plan {
    /// Time between registers, in ps.
    pub budget: i64,
    /// The first stage with logic: inputs have registers of their own, unless they come from some or there is a single stage.
    pub first: u32,
    /// Registers from input port to output port.
    pub latency: u32,
    /// The earliest stage of each cell.
    pub stage: Vec<u32>,
}

/// The earliest schedule.
pub struct Earliest {
    /// The stage of each cell.
    pub stage: Vec<u32>,
    /// Registers from input port to output port.
    pub latency: u32,
    /// The stages of states, if there are any.
    pub states: Option<Loop>,
}

impl Logic {
    /// The cells of a graph without dots.
    pub fn new(dfg: &Dfg, target: &dyn Target) -> Logic {
        let (reads, times) = (Reads::new(dfg), Times::new(dfg, target));
        // The last cell stands for the registers of states: it reads and does nothing.
        let (count, states) = (reads.cells.len() + 1, reads.states);
        let mut behind = vec![0i64; dfg.nodes.len()];
        let (mut from, mut to) = (Vec::new(), Vec::new());
        for id in dfg.ids() {
            let cell = reads.root[id.index()];
            let own = cell != NONE && reads.cells[cell as usize] == id;
            for arg in dfg[id].op.args().filter(|arg| reads.root[arg.index()] != NONE) {
                let time = behind[arg.index()] + i64::from(times.arc(dfg, id, arg));
                if own {
                    let operand = reads.root[arg.index()];
                    from.push((cell, Arc { cell: operand, time }));
                    to.push((operand, Arc { cell, time }));
                } else {
                    behind[id.index()] = time;
                }
            }
        }
        for (id, _) in dfg.leaving().filter(|(id, state)| *state && reads.root[id.index()] != NONE) {
            let (cell, time) = (reads.root[id.index()], behind[id.index()]);
            from.push((states, Arc { cell, time }));
            to.push((cell, Arc { cell: states, time }));
        }
        let delay = reads.cells.iter().map(|id| i64::from(times.delay(*id))).chain([0]).collect();
        let fixed = reads.cells.iter().map(|id| matches!(dfg[*id].op, Op::Input { .. })).chain([true]).collect();
        let state = reads.cells.iter().map(|id| dfg.is_state(*id)).chain([false]).collect();
        let (from, to) = (Lists::new(count, from), Lists::new(count, to));
        let read = |cell: usize| reads.values.of(cell as u32).iter().map(|value| value.width).sum::<u32>();
        let gate = |(cell, id): (usize, &Id)| if target.gates(dfg, *id) { LUT * read(cell) } else { 0 };
        let gate = reads.cells.iter().enumerate().map(gate).chain([0]).collect();
        let carries = dfg.states() > 0;
        Logic { reads, from, to, delay, fixed, state, carries, gate, times }
    }

    /// What a schedule of cells costs: bits of registers, and gates that no register takes over.
    pub fn cost(&self, stage: &[u32], latency: u32) -> u64 {
        let inside = |cell: &u32| self.to.of(*cell).iter().any(|arc| stage[arc.cell as usize] == stage[*cell as usize]);
        let gates = self.cells().filter(|cell| self.gate[*cell as usize] > 0 && inside(cell));
        gates.map(|cell| u64::from(self.gate[cell as usize])).sum::<u64>() + self.reads.register_bits(stage, latency)
    }

    /// The stages of states, if there are any.
    pub fn states(&self, stage: &[u32]) -> Option<Loop> {
        let writes = stage[self.reads.states as usize];
        let reads = self.cells().find(|cell| self.state[*cell as usize]).map(|cell| stage[cell as usize]);
        self.carries.then_some(Loop { reads: reads.unwrap_or(writes), writes })
    }

    /// Cells, operands before users.
    pub fn cells(&self) -> std::ops::Range<u32> {
        0..self.delay.len() as u32
    }

    /// What a register costs a stage.
    fn register(&self) -> i64 {
        i64::from(self.times.register)
    }

    /// Works out what a goal asks for.
    ///
    /// # Errors
    /// A goal that cannot be met.
    pub fn plan(&self, dfg: &Dfg, goal: Goal) -> Result<Plan> {
        if goal.stages == Some(0) {
            let help = "use --stages 1 or more";
            return Err(Error::user("0 stages: a design has at least its output register", help));
        }
        if let Some(period) = goal.period {
            let budget = i64::from(period) - self.register();
            if let Some(cell) = self.cells().find(|cell| self.delay[*cell as usize] > budget) {
                return Err(self.too_slow(dfg, cell, period));
            }
            return self.within(goal, budget);
        }
        match (goal.stages, goal.latency) {
            (Some(stages), _) => self.within(goal, self.shortest(stages, goal.interval)),
            (None, Some(latency)) => self.soonest(i64::from(latency), goal.interval),
            (None, None) => self.within(goal, self.depth()),
        }
    }

    /// The fewest stages for so much time between registers, or the stages asked for.
    fn within(&self, goal: Goal, budget: i64) -> Result<Plan> {
        let first = if goal.registered { 0 } else { behind_inputs(goal.stages) };
        let Earliest { stage, latency: fewest, states } = earliest(self, budget, first, goal.interval);
        if let Some(clocks) = states.map(Loop::clocks).filter(|clocks| *clocks > goal.interval.max(1)) {
            let what = format!("what a state carries to the next event takes {clocks} clocks at this clock");
            return Err(Error::user(what, format!("use --interval {clocks}, or a slower clock")));
        }
        if let Some(stages) = goal.stages.filter(|stages| *stages < fewest) {
            let what = format!("{stages} stages are not enough at this clock: {fewest} are needed");
            return Err(Error::user(what, format!("use --stages {fewest}, or a slower clock")));
        }
        let latency = goal.stages.unwrap_or(fewest);
        if let (Some(period), Some(asked)) = (goal.period, goal.latency) {
            let takes = u64::from(latency) * u64::from(period);
            if takes > u64::from(asked) {
                let what = format!("a latency of {} ns is not enough at this clock", ns(i64::from(asked)));
                let help =
                    format!("{latency} periods are needed: use --latency {}, or leave the clock", ns(takes as i64));
                return Err(Error::user(what, help));
            }
        }
        let first = if goal.registered { 0 } else { 1.min(latency - 1) };
        Ok(Plan { budget, first, latency, stage })
    }

    /// The shortest time between registers that a number of stages leaves.
    fn shortest(&self, stages: u32, interval: u32) -> i64 {
        let (mut low, mut high) = (self.slowest(), self.depth());
        while low < high {
            let middle = low + (high - low) / 2;
            let found = earliest(self, middle, behind_inputs(Some(stages)), interval);
            if found.latency <= stages && found.states.is_none_or(|states| states.clocks() <= interval.max(1)) {
                high = middle
            } else {
                low = middle + 1
            }
        }
        high
    }

    /// The fastest clock at which the answer is there in time, in as few stages as it needs.
    fn soonest(&self, latency: i64, interval: u32) -> Result<Plan> {
        let (mut best, mut stages) = (None, 1);
        while i64::from(stages) * (self.slowest() + self.register()) <= latency {
            let budget = self.shortest(stages, interval);
            let fits = i64::from(stages) * (budget + self.register()) <= latency;
            if fits && best.is_none_or(|(_, least)| budget < least) {
                best = Some((stages, budget));
            }
            if budget <= self.slowest() {
                break;
            }
            stages += 1;
        }
        let Some((stages, budget)) = best else {
            let what = format!("a latency of {} ns is not enough", ns(latency));
            let help = format!("the longest path takes {} ns with its register", ns(self.depth() + self.register()));
            return Err(Error::user(what, help));
        };
        self.within(Goal { stages: Some(stages), interval, ..Goal::default() }, budget)
    }

    fn too_slow(&self, dfg: &Dfg, cell: u32, period: u32) -> Error {
        let need = self.delay[cell as usize] + self.register();
        let id = self.reads.cells[cell as usize];
        let what =
            format!("`{}` takes {need} ps with its register, more than the {period} ps period", dfg[id].op.name());
        Error::user(what, format!("use a slower clock: at most {} MHz", 1_000_000 / need.max(1))).at(dfg.source(id))
    }

    fn slowest(&self) -> i64 {
        self.delay.iter().copied().max().unwrap_or(0)
    }

    /// The longest path of the whole graph.
    fn depth(&self) -> i64 {
        let mut arrival = vec![0i64; self.delay.len()];
        for cell in self.cells() {
            let operands = self.from.of(cell).iter().map(|arc| arrival[arc.cell as usize] + arc.time);
            arrival[cell as usize] = operands.fold(self.delay[cell as usize], i64::max);
        }
        arrival.into_iter().max().unwrap_or(0)
    }

    /// The schedule of a graph from that of its cells. Wiring is where it reads, from stage `first` on.
    pub fn schedule(&self, dfg: &Dfg, stage: &[u32], first: u32, latency: u32) -> Schedule {
        let of = |id: Id| match self.reads.root[id.index()] {
            NONE => 0,
            cell if self.reads.cells[cell as usize] == id => stage[cell as usize],
            cell => stage[cell as usize].max(first),
        };
        let states = self.states(stage);
        Schedule { states, ..Schedule::new(dfg, &self.times, dfg.ids().map(of).collect(), latency) }
    }
}

/// The first stage with logic behind input ports, which have registers unless a single stage is asked for.
fn behind_inputs(stages: Option<u32>) -> u32 {
    (stages != Some(1)) as u32
}

/// Picoseconds as nanoseconds.
fn ns(ps: i64) -> f64 {
    ps as f64 / 1000.0
}
