//! The maximum flow of a network, and its cut nearest to the source: Dinic's algorithm (1970).
//!
//! Our own, because graphs of convolutions have a million nodes: petgraph's takes time proportional to all of them for each
//! path that it augments.

/// No edge.
const NONE: u32 = u32::MAX;

/// Nodes and edges; an edge and its reverse are neighbours in the lists.
#[derive(Default)]
pub struct Flow {
    /// The first edge of each node.
    first: Vec<u32>,
    /// The next edge of the same node.
    next: Vec<u32>,
    to: Vec<u32>,
    /// What may still flow.
    room: Vec<u64>,
}

impl Flow {
    /// A new node.
    pub fn node(&mut self) -> u32 {
        self.first.push(NONE);
        self.first.len() as u32 - 1
    }

    /// A new edge.
    pub fn edge(&mut self, from: u32, to: u32, capacity: u64) {
        for (from, to, room) in [(from, to, capacity), (to, from, 0)] {
            self.next.push(self.first[from as usize]);
            self.first[from as usize] = self.to.len() as u32;
            self.to.push(to);
            self.room.push(room);
        }
    }

    /// The nodes that the source still reaches when nothing more can flow to the sink: the least such set.
    pub fn before(mut self, source: u32, sink: u32) -> Vec<bool> {
        loop {
            let levels = self.levels(source);
            if levels[sink as usize] == NONE {
                return levels.into_iter().map(|level| level != NONE).collect();
            }
            self.block(levels, source, sink);
        }
    }

    /// Edges from the source to each node, where something may still flow.
    fn levels(&self, source: u32) -> Vec<u32> {
        let mut levels = vec![NONE; self.first.len()];
        levels[source as usize] = 0;
        let mut queue = vec![source];
        let mut at = 0;
        while let Some(node) = queue.get(at).copied() {
            at += 1;
            let mut edge = self.first[node as usize];
            while edge != NONE {
                let to = self.to[edge as usize];
                if self.room[edge as usize] > 0 && levels[to as usize] == NONE {
                    levels[to as usize] = levels[node as usize] + 1;
                    queue.push(to);
                }
                edge = self.next[edge as usize];
            }
        }
        levels
    }

    /// Lets flow what can flow from level to level.
    fn block(&mut self, mut levels: Vec<u32>, source: u32, sink: u32) {
        // The edge of each node that is tried next, and the path to the present node.
        let mut current = self.first.clone();
        let mut path: Vec<u32> = Vec::new();
        let mut node = source;
        loop {
            if node == sink {
                let least = path.iter().map(|edge| self.room[*edge as usize]).min().unwrap_or(0);
                for edge in &path {
                    self.room[*edge as usize] -= least;
                    self.room[*edge as usize ^ 1] += least;
                }
                // Back to where the first edge is full.
                let full = path.iter().position(|edge| self.room[*edge as usize] == 0).unwrap_or(0);
                node = self.to[path[full] as usize ^ 1];
                path.truncate(full);
                continue;
            }
            let mut edge = current[node as usize];
            let open = |edge: u32| {
                let to = self.to[edge as usize];
                self.room[edge as usize] > 0 && levels[to as usize] == levels[node as usize] + 1
            };
            while edge != NONE && !open(edge) {
                edge = self.next[edge as usize];
            }
            current[node as usize] = edge;
            if edge != NONE {
                path.push(edge);
                node = self.to[edge as usize];
                continue;
            }
            // Nothing leads on from here.
            levels[node as usize] = NONE;
            let Some(edge) = path.pop() else { return };
            node = self.to[edge as usize ^ 1];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// The least set of nodes with the source whose edges to the others have the least capacity in all.
    fn reference(edges: &[(u32, u32, u64)], nodes: u32) -> Vec<bool> {
        let capacity = |set: u32| {
            let out = edges.iter().filter(|(from, to, _)| set >> from & 1 == 1 && set >> to & 1 == 0);
            out.map(|(.., capacity)| capacity).sum::<u64>()
        };
        let sets = (0..1u32 << nodes).filter(|set| set & 1 == 1 && set >> (nodes - 1) == 0);
        let best = sets.min_by_key(|set| (capacity(*set), set.count_ones())).expect("the source alone");
        (0..nodes).map(|node| best >> node & 1 == 1).collect()
    }

    #[test]
    fn it_is_the_least_of_all_cuts() {
        let mut random = Random::new(3);
        for _ in 0..300 {
            let nodes = random.within(2, 8) as u32;
            let mut node = || random.below(u64::from(nodes)) as u32;
            let mut edges: Vec<(u32, u32, u64)> = (0..3 * nodes).map(|_| (node(), node(), 0)).collect();
            edges.iter_mut().for_each(|edge| edge.2 = random.below(6));
            let mut flow = Flow::default();
            (0..nodes).for_each(|_| {
                flow.node();
            });
            edges.iter().for_each(|(from, to, capacity)| flow.edge(*from, *to, *capacity));
            assert_eq!(flow.before(0, nodes - 1), reference(&edges, nodes), "{edges:?}");
        }
    }
}
