//! The cheapest place for one row of registers: a minimum cut.

use crate::dfg::Id;
use petgraph::algo::dinics;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use std::collections::HashMap;

/// No cut goes through an edge of this capacity.
const NEVER: u64 = 1 << 40;

/// Decides for each free node whether it is before the registers, so that the fewest bits are registered.
///
/// Values are given one by one with [`Cut::value`]; then [`Cut::before`] solves.
#[derive(Default)]
pub struct Cut {
    graph: DiGraph<(), u64>,
    ends: Option<(NodeIndex, NodeIndex)>,
    free: HashMap<Id, NodeIndex>,
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
    fn ends(&mut self) -> (NodeIndex, NodeIndex) {
        *self.ends.get_or_insert_with(|| (self.graph.add_node(()), self.graph.add_node(())))
    }

    fn node(&mut self, id: Id, side: Side) -> NodeIndex {
        let (before, after) = self.ends();
        match side {
            Side::Before => before,
            Side::After => after,
            Side::Free => *self.free.entry(id).or_insert_with(|| self.graph.add_node(())),
        }
    }

    /// A value of `width` bits and its readers: it is registered if it is before, and a reader after, the registers.
    pub fn value(&mut self, value: (Id, Side), width: u32, readers: impl Iterator<Item = (Id, Side)>) {
        let maker = self.node(value.0, value.1);
        let crossing = self.graph.add_node(());
        // A little more for every row: of equal cuts the one with fewer values is taken.
        self.graph.add_edge(maker, crossing, 64 * width as u64 + 1);
        for (reader, side) in readers {
            let reader = self.node(reader, side);
            self.graph.add_edge(crossing, reader, NEVER);
            // A reader that is before has its operands before.
            self.graph.add_edge(reader, maker, NEVER);
        }
    }

    /// The free nodes that are before the registers in a minimum cut: as few as possible.
    pub fn before(mut self) -> Vec<Id> {
        let (source, sink) = self.ends();
        let (_, flows) = dinics(&self.graph, source, sink);
        // What the source still reaches in the residual graph.
        let mut reached = vec![false; self.graph.node_count()];
        let mut open = vec![source];
        reached[source.index()] = true;
        while let Some(node) = open.pop() {
            let ahead = self.graph.edges(node).filter(|e| flows[e.id().index()] < *e.weight()).map(|e| e.target());
            let back = self.graph.edges_directed(node, petgraph::Direction::Incoming);
            let back = back.filter(|e| flows[e.id().index()] > 0).map(|e| e.source());
            for next in ahead.chain(back) {
                if !std::mem::replace(&mut reached[next.index()], true) {
                    open.push(next);
                }
            }
        }
        self.free.into_iter().filter(|(_, node)| reached[node.index()]).map(|(id, _)| id).collect()
    }
}
