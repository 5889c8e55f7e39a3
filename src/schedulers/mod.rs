//! Schedules: which pipeline stage computes each node.
//!
//! A schedule is a side table, never a change of the graph. A value's *stage* is the number of registers between the
//! input ports and the wire that computes it: inputs are at stage 0, before the input register; a value computed at
//! stage `a` and read at stage `b >= a` goes through `b - a` registers; outputs leave at stage `latency`.

use crate::dfg::{Dfg, Id};

/// A schedule of a dataflow graph at initiation interval 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The stage of each node, by id.
    pub stage: Vec<u32>,
    /// Registers on every path from input port to output port, input and output registers included.
    pub latency: u32,
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
}
