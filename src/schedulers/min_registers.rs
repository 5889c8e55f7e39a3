//! `min-registers`: the fewest stages, then the fewest register bits; a ReLU before a register counts as saved bits, since it
//! is the register's reset.
//!
//! It starts from the earliest schedule. First one row of registers at a time is moved, between its two neighbours, to its
//! minimum cut, until no row moves: that is fast, and in networks within a thousandth of the optimum (in random graphs it
//! misses 2 %). Then, in graphs of up to [`JOINT`] cells, any set of cells moves together by one stage ([`super::moves`]),
//! which ends at the optimum.

use super::cut::{Cut, Side};
use super::logic::{Arc, Logic, Plan};
use super::moves;
use super::reads::OUTPUT;
use super::{Goal, Schedule, Scheduler};
use crate::dfg::Dfg;
use crate::error::Result;
use crate::registry::Entry;
use crate::targets::Target;

/// The entry of this scheduler.
pub const SCHEDULER: Entry<Scheduler> = Entry {
    name: "min-registers",
    doc: "the fewest stages, then the fewest register bits and ReLUs before registers (minimum cuts)",
    make: run,
};

/// Sweeps over all rows at most; most graphs settle in two or three.
const SWEEPS: usize = 6;
/// Graphs of more cells keep what single rows give: the joint moves of 2000 cells take a quarter of the whole compile.
const JOINT: usize = 1_000;

fn run(dfg: &Dfg, target: &dyn Target, goal: Goal) -> Result<Schedule> {
    let logic = Logic::new(dfg, target);
    let plan = logic.plan(dfg, goal)?;
    let mut stage = sweep(&logic, &plan);
    if logic.delay.len() <= JOINT {
        moves::improve(&logic, &plan, &mut stage);
    }
    Ok(logic.schedule(dfg, &stage, plan.first, plan.latency))
}

/// Moves rows until none moves; gives the stages of the cells.
pub fn sweep(logic: &Logic, plan: &Plan) -> Vec<u32> {
    let mut rows = Rows::new(logic, plan);
    let mut bits = u64::MAX;
    for _ in 0..SWEEPS {
        // Down first: the earliest schedule is as far up as it goes.
        (1..plan.latency.max(2) - 1).rev().for_each(|row| rows.improve(row));
        (1..plan.latency.max(2) - 1).for_each(|row| rows.improve(row));
        let now = logic.cost(&rows.stage, plan.latency);
        if now >= bits {
            break;
        }
        bits = now;
    }
    rows.stage
}

struct Rows<'a> {
    logic: &'a Logic,
    budget: i64,
    stage: Vec<u32>,
    /// The cells of each stage, inputs aside, operands before users.
    at: Vec<Vec<u32>>,
    /// Of the cells between two rows: which side they are on, and times from the row before or to the row behind.
    side: Vec<Side>,
    time: Vec<i64>,
    /// The last row for which a cell's values were looked at.
    seen: Vec<u64>,
    turn: u64,
    /// Whether a row is where it should be: nothing moved into its two stages or out of them since it was moved.
    settled: Vec<bool>,
}

impl Rows<'_> {
    fn new<'a>(logic: &'a Logic, plan: &Plan) -> Rows<'a> {
        let count = logic.delay.len();
        let mut at = vec![Vec::new(); plan.latency as usize];
        for cell in logic.cells().filter(|cell| !logic.fixed[*cell as usize]) {
            at[plan.stage[cell as usize] as usize].push(cell);
        }
        let (side, time, seen) = (vec![Side::Before; count], vec![0; count], vec![0; count]);
        let (stage, settled) = (plan.stage.clone(), vec![false; plan.latency as usize]);
        Rows { logic, budget: plan.budget, stage, at, side, time, seen, turn: 0, settled }
    }

    /// Moves the registers between stages `row` and `row + 1` to their cheapest place.
    fn improve(&mut self, row: u32) {
        if std::mem::replace(&mut self.settled[row as usize], true) {
            return;
        }
        let mut between = std::mem::take(&mut self.at[row as usize]);
        between.append(&mut self.at[row as usize + 1]);
        between.sort_unstable();
        self.sides(row, &between);
        let mut cut = Cut::new(between.len() as u32);
        self.turn += 1;
        for cell in &between {
            let operands = self.logic.from.of(*cell);
            for operand in operands.iter().filter(|arc| self.moves(arc.cell, row)) {
                cut.needs(self.side[*cell as usize], self.side[operand.cell as usize]);
            }
            let gate = self.logic.gate[*cell as usize];
            let readers: Vec<Side> = self.logic.to.of(*cell).iter().map(|arc| self.of(arc.cell, row)).collect();
            let near = self.logic.to.of(*cell).iter().any(|arc| self.moves(arc.cell, row));
            if gate > 0 && near {
                cut.gate(self.side[*cell as usize], gate, readers.into_iter());
            }
            for maker in operands.iter().map(|arc| arc.cell).chain([*cell]) {
                if std::mem::replace(&mut self.seen[maker as usize], self.turn) != self.turn {
                    self.values(&mut cut, maker, row);
                }
            }
        }
        let before = cut.before();
        let mut moved = false;
        for (cell, free) in between.iter().zip(before) {
            let up = match self.side[*cell as usize] {
                Side::Before => true,
                Side::After => false,
                Side::Free(_) => free,
            };
            let stage = row + !up as u32;
            moved |= std::mem::replace(&mut self.stage[*cell as usize], stage) != stage;
            self.at[stage as usize].push(*cell);
        }
        if moved {
            self.settled[row as usize - 1] = false;
            self.settled[row as usize + 1] = false;
        }
    }

    /// Tells the cut of a cell's values, where it has a say.
    fn values(&self, cut: &mut Cut, maker: u32, row: u32) {
        let from = self.of(maker, row);
        if from == Side::After {
            return;
        }
        for value in self.logic.reads.values.of(maker) {
            let readers = || self.logic.reads.readers(value).iter().map(|reader| self.of(*reader, row));
            // What is registered in any case costs the same in any case.
            let decided = from == Side::Before && readers().any(|side| side == Side::After);
            if !decided && readers().any(|side| side != Side::Before) {
                cut.value(from, value.width, readers());
            }
        }
    }

    fn moves(&self, cell: u32, row: u32) -> bool {
        !self.logic.fixed[cell as usize] && (row..=row + 1).contains(&self.stage[cell as usize])
    }

    /// Which side of a row a reader is on.
    fn of(&self, reader: u32, row: u32) -> Side {
        match reader {
            OUTPUT => Side::After,
            cell if self.moves(cell, row) => self.side[cell as usize],
            cell if self.stage[cell as usize] <= row => Side::Before,
            _ => Side::After,
        }
    }

    /// Which cells must be before, or after, this row.
    fn sides(&mut self, row: u32, between: &[u32]) {
        for (number, cell) in between.iter().enumerate() {
            let here = self.logic.from.of(*cell).iter().filter(|arc| self.moves(arc.cell, row));
            let ready = here.map(|arc| self.time[arc.cell as usize] + arc.time);
            let ready = ready.fold(self.logic.delay[*cell as usize], i64::max);
            self.time[*cell as usize] = ready;
            let waits = self
                .logic
                .from
                .of(*cell)
                .iter()
                .any(|arc| self.stage[arc.cell as usize] > row && !self.moves(arc.cell, row));
            let late = ready > self.budget || waits;
            self.side[*cell as usize] = if late { Side::After } else { Side::Free(number as u32) };
        }
        for cell in between.iter().rev() {
            let here = self.logic.to.of(*cell).iter().filter(|arc| self.moves(arc.cell, row));
            let rest = here.map(|arc| arc.time + self.time[arc.cell as usize]).fold(0, i64::max);
            self.time[*cell as usize] = rest;
            let due = |arc: &Arc| self.stage[arc.cell as usize] <= row && !self.moves(arc.cell, row);
            if self.logic.delay[*cell as usize] + rest > self.budget || self.logic.to.of(*cell).iter().any(due) {
                self.side[*cell as usize] = Side::Before;
            }
        }
    }
}
