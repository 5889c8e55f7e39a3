//! The cheapest place for one row of registers: a minimum cut.

use super::flow::Flow;

/// No cut goes through an edge of this capacity.
pub const NEVER: u64 = 1 << 40;

/// A bit of a register.
const BIT: u64 = 64;

/// Which side of the registers a cell is on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Computed before them.
    Before,
    /// Computed after them.
    After,
    /// To be decided: this free cell, by number.
    Free(u32),
}

/// Decides for each free cell whether it is before the registers, so that the fewest bits are registered.
///
/// Values are given one by one with [`Cut::value`]; then [`Cut::before`] solves.
pub struct Cut {
    graph: Flow,
    free: u32,
}

/// The source and the sink of the flow; the free cells follow.
const BEFORE: u32 = 0;
const AFTER: u32 = 1;

impl Cut {
    /// So many free cells.
    pub fn new(free: u32) -> Cut {
        let mut graph = Flow::default();
        (0..free + 2).for_each(|_| {
            graph.node();
        });
        Cut { graph, free }
    }

    fn node(side: Side) -> u32 {
        match side {
            Side::Before => BEFORE,
            Side::After => AFTER,
            Side::Free(number) => number + 2,
        }
    }

    /// If the cell is before the registers, so is its operand.
    pub fn needs(&mut self, cell: Side, operand: Side) {
        let (cell, operand) = (Self::node(cell), Self::node(operand));
        if cell != AFTER && operand != BEFORE {
            self.graph.edge(cell, operand, NEVER);
        }
    }

    /// A value of `width` bits and its readers: it is registered if its maker is before, and a reader after, the registers.
    pub fn value(&mut self, maker: Side, width: u32, readers: impl Iterator<Item = Side>) {
        let crossing = self.graph.node();
        // A little more for every row: of equal cuts the one with fewer values is taken.
        self.graph.edge(Self::node(maker), crossing, BIT * u64::from(width) + 1);
        // Nothing need flow to the source.
        for reader in readers.filter(|reader| *reader != Side::Before) {
            self.graph.edge(crossing, Self::node(reader), NEVER);
        }
    }

    /// A gate that costs so many bits unless it is before, and all its readers behind, the registers.
    pub fn gate(&mut self, gate: Side, bits: u32, readers: impl Iterator<Item = Side>) {
        let (bits, inside) = (BIT * u64::from(bits), self.graph.node());
        if gate != Side::Before {
            self.graph.edge(BEFORE, Self::node(gate), bits);
        }
        self.graph.edge(inside, AFTER, bits);
        for reader in readers.filter(|reader| *reader != Side::After) {
            self.graph.edge(Self::node(reader), inside, NEVER);
        }
    }

    /// Which free cells are before the registers in a minimum cut: as few as possible.
    pub fn before(self) -> Vec<bool> {
        let mut reached = self.graph.before(BEFORE, AFTER);
        reached.truncate(self.free as usize + 2);
        reached.split_off(2)
    }
}
