//! Branches: pieces of a part that have no value and no layer in common, as the networks of detector sectors have until they meet.

use crate::dfg::{Dfg, Id, Op};

/// The branch of each node that is `inside`, 0 elsewhere, and how many there are. A layer is in one branch; the elements of an input
/// port may be in several, and constants are in none. A branch computes something that leaves; what else there is belongs to the first.
pub fn of(dfg: &Dfg, inside: impl Fn(Id) -> bool, leaving: &[Id]) -> (Vec<usize>, usize) {
    let mut joined = Joined((0..dfg.nodes.len()).collect());
    let mut layers: Vec<Option<usize>> = vec![None; dfg.layers.len()];
    let varies = |id: Id| dfg.range(id).constant().is_none();
    let computed = |id: Id| varies(id) && !matches!(dfg[id].op, Op::Input { .. });
    for id in dfg.ids().filter(|id| inside(*id) && computed(*id)) {
        joined.join(id.index(), *layers[dfg[id].from.layer as usize].get_or_insert(id.index()));
        dfg[id].op.args().filter(|arg| varies(*arg)).for_each(|arg| joined.join(id.index(), arg.index()));
    }
    let mut roots: Vec<usize> = leaving.iter().filter(|id| computed(**id)).map(|id| joined.root(id.index())).collect();
    // In the order of the first node.
    roots.sort_unstable();
    roots.dedup();
    let mut branch = |index| roots.binary_search(&joined.root(index)).unwrap_or(0);
    ((0..dfg.nodes.len()).map(&mut branch).collect(), roots.len().max(1))
}

/// Sets of nodes: each points to one before it in the set, the first to itself.
struct Joined(Vec<usize>);

impl Joined {
    fn root(&mut self, mut at: usize) -> usize {
        while self.0[at] != at {
            self.0[at] = self.0[self.0[at]]; // shorter for the next one that asks
            at = self.0[at];
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        let first = a.min(b);
        (self.0[a], self.0[b]) = (first, first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_sets_have_their_first_member_as_root() {
        let mut joined = Joined((0..5).collect());
        joined.join(3, 4);
        joined.join(1, 4);
        assert_eq!((0..5).map(|at| joined.root(at)).collect::<Vec<_>>(), [0, 1, 2, 1, 1]);
    }
}
