//! The cheapest place for one row of registers: a minimum cut.

use super::flow::Flow;
use crate::dfg::Id;
use std::collections::HashMap;

/// No cut goes through an edge of this capacity.
const NEVER: u64 = 1 << 40;

/// Decides for each free node whether it is before the registers, so that the fewest bits are registered.
///
/// Values are given one by one with [`Cut::value`]; then [`Cut::before`] solves.
#[derive(Default)]
pub struct Cut {
    graph: Flow,
    ends: Option<(u32, u32)>,
    free: HashMap<Id, u32>,
}

/// Which side of the registers a node is on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Computed before them.
    Before,
    /// Computed after them.
    After,
    /// To be decided.
    Free,
}

impl Cut {
    fn ends(&mut self) -> (u32, u32) {
        *self.ends.get_or_insert_with(|| (self.graph.node(), self.graph.node()))
    }

    fn node(&mut self, id: Id, side: Side) -> u32 {
        let (before, after) = self.ends();
        match side {
            Side::Before => before,
            Side::After => after,
            Side::Free => *self.free.entry(id).or_insert_with(|| self.graph.node()),
        }
    }

    /// A value of `width` bits and its readers: it is registered if it is before, and a reader after, the registers.
    pub fn value(&mut self, value: (Id, Side), width: u32, readers: impl Iterator<Item = (Id, Side)>) {
        let (before, after) = self.ends();
        let maker = self.node(value.0, value.1);
        let crossing = self.graph.node();
        // A little more for every row: of equal cuts the one with fewer values is taken.
        self.graph.edge(maker, crossing, 64 * width as u64 + 1);
        for (reader, side) in readers {
            let reader = self.node(reader, side);
            // Nothing need flow to the source, or from the sink.
            if reader != before {
                self.graph.edge(crossing, reader, NEVER);
            }
            // A reader that is before has its operands before.
            if maker != before && reader != after {
                self.graph.edge(reader, maker, NEVER);
            }
        }
    }

    /// The free nodes that are before the registers in a minimum cut: as few as possible.
    pub fn before(mut self) -> Vec<Id> {
        let (source, sink) = self.ends();
        let reached = self.graph.before(source, sink);
        self.free.into_iter().filter(|(_, node)| reached[*node as usize]).map(|(id, _)| id).collect()
    }
}
