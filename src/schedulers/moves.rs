//! Any set of cells moves by one stage: the optimum of all rows together.
//!
//! Register bits are a sum of differences of stages, and what is allowed are bounds of such differences: the dual of a
//! network flow, as in retiming (Leiserson and Saxe 1991). Such a function (L-natural-convex, Murota 2003) is at its minimum
//! if no set of cells gains by moving one stage up, and none by moving one stage down; the best set is a minimum cut.
//!
//! Time bounds pairs of cells: if all between them were in one stage, and the path too long, then the one behind cannot stay
//! when the one before comes to its stage.

use super::cut::NEVER;
use super::flow::Flow;
use super::logic::{Logic, Plan};
use super::reads::OUTPUT;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Moves sets of cells as long as register bits are saved.
pub fn improve(logic: &Logic, plan: &Plan, stage: &mut [u32]) {
    let moves = Moves { logic, budget: plan.budget, first: plan.first, latency: plan.latency };
    let (mut idle, mut later, mut known) = (0, true, None);
    while idle < 2 {
        let drags: &Vec<(u32, u32)> = known.get_or_insert_with(|| moves.drags(stage));
        let set = moves.best(stage, later, drags);
        idle = if set.is_empty() { idle + 1 } else { 0 };
        for cell in &set {
            stage[*cell as usize] = if later { stage[*cell as usize] + 1 } else { stage[*cell as usize] - 1 };
        }
        if set.is_empty() {
            later = !later;
        } else {
            known = None;
        }
    }
}

struct Moves<'a> {
    logic: &'a Logic,
    budget: i64,
    first: u32,
    latency: u32,
}

/// Cells that paths reach, each left when all paths to it are known: in their order. Empty between uses.
struct Paths {
    longest: Vec<Option<i64>>,
    next: BinaryHeap<Reverse<u32>>,
}

impl Paths {
    fn reach(&mut self, cell: u32, time: i64) {
        let longest = &mut self.longest[cell as usize];
        if longest.is_none() {
            self.next.push(Reverse(cell));
        }
        *longest = Some(longest.unwrap_or(0).max(time));
    }

    fn pop(&mut self) -> Option<(u32, i64)> {
        let Reverse(cell) = self.next.pop()?;
        Some((cell, self.longest[cell as usize].take()?))
    }
}

/// The set that moves is with the source.
const STAYS: u32 = 1;

impl Moves<'_> {
    /// The set that gains most by moving one stage later or earlier: the least such set.
    fn best(&self, stage: &[u32], later: bool, drags: &[(u32, u32)]) -> Vec<u32> {
        let logic = self.logic;
        let mut graph = Flow::default();
        (0..logic.delay.len() + 2).for_each(|_| {
            graph.node();
        });
        // What each cell gains by moving, its own values and those that it alone holds up.
        let mut gain = vec![0i64; logic.delay.len()];
        for cell in logic.cells() {
            for value in logic.reads.values.of(cell) {
                let width = i64::from(value.width);
                gain[cell as usize] += if later { width } else { -width };
                let last = logic.reads.last(value, stage, self.latency);
                let readers = logic.reads.readers(value).iter();
                let holds: Vec<u32> =
                    readers.copied().filter(|reader| *reader == OUTPUT || stage[*reader as usize] == last).collect();
                match (&holds[..], later) {
                    _ if last == self.latency => {}
                    ([one], _) => gain[*one as usize] += if later { -width } else { width },
                    (many, _) => {
                        let all = graph.node();
                        let (from, to) = if later { (all, STAYS) } else { (0, all) };
                        graph.edge(from, to, width as u64);
                        for reader in many.iter().map(|reader| reader + 2) {
                            let (from, to) = if later { (reader, all) } else { (all, reader) };
                            graph.edge(from, to, NEVER);
                        }
                    }
                }
            }
        }
        self.gates(stage, later, &mut graph, &mut gain);
        for cell in logic.cells() {
            let gain = gain[cell as usize];
            if gain > 0 {
                graph.edge(0, cell + 2, gain as u64);
            } else if gain < 0 {
                graph.edge(cell + 2, STAYS, gain.unsigned_abs());
            }
            if !self.may(cell, stage, later) {
                graph.edge(cell + 2, STAYS, NEVER);
            }
        }
        for (before, behind) in drags {
            let (cell, other) = if later { (before, behind) } else { (behind, before) };
            graph.edge(cell + 2, other + 2, NEVER);
        }
        let moved = graph.before(0, STAYS);
        logic.cells().filter(|cell| moved[*cell as usize + 2]).collect()
    }

    /// What gates gain: one is free if all its readers are in later stages.
    fn gates(&self, stage: &[u32], later: bool, graph: &mut Flow, gain: &mut [i64]) {
        for cell in self.logic.cells().filter(|cell| self.logic.gate[*cell as usize] > 0) {
            let bits = u64::from(self.logic.gate[cell as usize]);
            let users = || self.logic.to.of(cell).iter().map(|arc| arc.cell);
            let apart = users().map(|user| stage[user as usize] - stage[cell as usize]).min();
            // The cell and its nearest readers, apart by one stage, stay apart if both move; in one stage, they part if
            // only the readers move later or the cell earlier.
            let (cost, with) = match apart {
                Some(1) => (true, cell + 2),
                Some(0) => (false, if later { 0 } else { STAYS }),
                _ => continue,
            };
            let node = graph.node();
            let (from, to) = if later { (with, node) } else { (node, with) };
            graph.edge(from, to, bits);
            for user in users().filter(|user| Some(stage[*user as usize] - stage[cell as usize]) == apart) {
                let (from, to) = if later { (node, user + 2) } else { (user + 2, node) };
                graph.edge(from, to, NEVER);
            }
            if !cost {
                gain[cell as usize] += if later { -(bits as i64) } else { bits as i64 };
            }
        }
    }

    /// Whether a cell has a stage to move to.
    fn may(&self, cell: u32, stage: &[u32], later: bool) -> bool {
        let at = stage[cell as usize];
        !self.logic.fixed[cell as usize] && if later { at + 1 < self.latency } else { at > self.first }
    }

    /// Pairs of cells of which the second must move later if the first does, and the first earlier if the second does.
    fn drags(&self, stage: &[u32]) -> Vec<(u32, u32)> {
        let mut drags = Vec::new();
        let mut tell = |before: u32, behind: u32| drags.push((before, behind));
        let logic = self.logic;
        let (same, both) = self.tails(stage);
        let mut late: Vec<Vec<u32>> = vec![Vec::new(); stage.len()];
        let mut paths = Paths { longest: vec![None; stage.len()], next: BinaryHeap::new() };
        for cell in logic.cells().rev() {
            let users = || logic.to.of(cell).iter().filter(|arc| stage[arc.cell as usize] == stage[cell as usize]);
            users().for_each(|arc| tell(cell, arc.cell));
            if logic.fixed[cell as usize] {
                continue;
            }
            let found = self.late(cell, stage, [&same, &both], &mut paths);
            // What a user in the same stage has told need not be told again.
            let told = |other: &u32| users().any(|arc| late[arc.cell as usize].binary_search(other).is_ok());
            found.iter().filter(|other| !told(other)).for_each(|other| tell(cell, *other));
            late[cell as usize] = found;
        }
        drags
    }

    /// The first cells of the next stage, along each path, that would be too late in the stage of this cell; in order.
    fn late(&self, cell: u32, stage: &[u32], [same, both]: [&[i64]; 2], paths: &mut Paths) -> Vec<u32> {
        let at = stage[cell as usize];
        let mut late = Vec::new();
        paths.reach(cell, self.logic.delay[cell as usize]);
        while let Some((here, time)) = paths.pop() {
            let next = stage[here as usize] > at;
            let rest = if next { same[here as usize] } else { both[here as usize] };
            if next && time > self.budget {
                late.push(here);
            } else if time + rest > self.budget {
                for arc in self.logic.to.of(here).iter().filter(|arc| stage[arc.cell as usize] <= at + 1) {
                    paths.reach(arc.cell, time + arc.time);
                }
            }
        }
        late
    }

    /// The longest paths from each cell within its stage, and within its stage and the next.
    fn tails(&self, stage: &[u32]) -> (Vec<i64>, Vec<i64>) {
        let (mut same, mut both) = (vec![0i64; stage.len()], vec![0i64; stage.len()]);
        for cell in self.logic.cells().rev() {
            let at = stage[cell as usize];
            for arc in self.logic.to.of(cell) {
                let (to, user) = (stage[arc.cell as usize], arc.cell as usize);
                if to == at {
                    same[cell as usize] = same[cell as usize].max(arc.time + same[user]);
                    both[cell as usize] = both[cell as usize].max(arc.time + both[user]);
                } else if to == at + 1 {
                    both[cell as usize] = both[cell as usize].max(arc.time + same[user]);
                }
            }
        }
        (same, both)
    }
}
