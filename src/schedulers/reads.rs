//! Which bits of which value each operation reads.
//!
//! Wiring (scales, floors, wraps) has no stage of its own: registers hold bits of what it reads, and no others. So whoever
//! reads wiring reads some bits of the value behind it, and each value is split where its readers differ.

use super::Schedule;
use crate::dfg::{Dfg, Id, Op};

/// In the place of a reader: an output port.
pub const OUTPUT: u32 = u32::MAX;
/// In the place of a cell: none, for a constant.
pub const NONE: u32 = u32::MAX;

/// A list for each index.
#[derive(Default)]
pub struct Lists<T> {
    starts: Vec<u32>,
    items: Vec<T>,
}

impl<T: Copy> Lists<T> {
    /// The items of each of `count` indices, in the order given.
    pub fn new(count: usize, pairs: Vec<(u32, T)>) -> Lists<T> {
        let mut starts = vec![0; count + 1];
        pairs.iter().for_each(|(index, _)| starts[*index as usize + 1] += 1);
        (0..count).for_each(|index| starts[index + 1] += starts[index]);
        let (mut next, mut order) = (starts.clone(), vec![0; pairs.len()]);
        for (place, (index, _)) in pairs.iter().enumerate() {
            order[next[*index as usize] as usize] = place;
            next[*index as usize] += 1;
        }
        Lists { starts, items: order.into_iter().map(|place| pairs[place].1).collect() }
    }

    /// The items of an index.
    pub fn of(&self, index: u32) -> &[T] {
        &self.items[self.starts[index as usize] as usize..self.starts[index as usize + 1] as usize]
    }
}

/// Neighbouring bits of a cell's result that have the same readers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Value {
    /// How many bits.
    pub width: u32,
    /// The exponent above the highest of them.
    top: i32,
    /// Its readers' place in [`Reads::readers`].
    readers: (u32, u32),
}

/// How a node's bits are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// Highest bits that nobody reads: synthesis makes no logic for them.
    pub unread: u32,
    /// Whether all its readers are behind a register.
    pub registered: bool,
}

/// A graph without its wiring: cells are inputs and operations with logic, operands before users.
#[derive(Default)]
pub struct Reads {
    /// The node of each cell.
    pub cells: Vec<Id>,
    /// The cell behind each node: its own, or that which wiring reads; [`NONE`] for constants.
    pub root: Vec<u32>,
    /// The values of each cell.
    pub values: Lists<Value>,
    readers: Vec<u32>,
    /// In the place of a reader, the next number after the cells': the registers of states.
    pub states: u32,
}

/// A node as bits of a cell: `lo .. hi` are exponents of the cell's own result, which is `2^shift` times less.
#[derive(Clone, Copy)]
struct Window {
    root: u32,
    shift: i32,
    lo: i32,
    hi: i32,
}

/// A reader of bits `lo .. hi`.
#[derive(Clone, Copy)]
struct Read {
    reader: u32,
    lo: i32,
    hi: i32,
}

impl Reads {
    /// What the operations of a graph read.
    pub fn new(dfg: &Dfg) -> Reads {
        let mut reads = Reads::default();
        let mut windows: Vec<Window> = Vec::with_capacity(dfg.nodes.len());
        let mut pairs = Vec::new();
        for id in dfg.ids() {
            let range = dfg.range(id);
            let (lo, hi) = (range.exp, range.exp + range.width() as i32);
            windows.push(match dfg[id].op {
                Op::Const(_) => Window { root: NONE, shift: 0, lo, hi },
                Op::Scale(arg, _) | Op::Floor(arg, _) | Op::Wrap { arg, .. } => {
                    let of = windows[arg.index()];
                    let shift = of.shift + if let Op::Scale(_, shift) = dfg[id].op { shift } else { 0 };
                    Window { root: of.root, shift, lo: of.lo.max(lo - shift), hi: of.hi.min(hi - shift) }
                }
                _ => {
                    let reader = reads.cells.len() as u32;
                    reads.cells.push(id);
                    pairs.extend(dfg[id].op.args().filter_map(|arg| windows[arg.index()].read(reader)));
                    Window { root: reader, shift: 0, lo, hi }
                }
            });
        }
        reads.states = reads.cells.len() as u32;
        let results = dfg.leaving().map(|(id, state)| (id, if state { reads.states } else { OUTPUT }));
        pairs.extend(results.filter_map(|(id, reader)| windows[id.index()].read(reader)));
        reads.root = windows.iter().map(|window| window.root).collect();
        let of = Lists::new(reads.cells.len(), pairs);
        let mut values = Vec::new();
        for cell in 0..reads.cells.len() as u32 {
            reads.split(of.of(cell)).into_iter().for_each(|value| values.push((cell, value)));
        }
        reads.values = Lists::new(reads.cells.len() + 1, values);
        reads
    }

    /// Who reads a value.
    pub fn readers(&self, value: &Value) -> &[u32] {
        &self.readers[value.readers.0 as usize..value.readers.1 as usize]
    }

    /// How each node is read, in a schedule.
    pub fn uses(&self, dfg: &Dfg, schedule: &Schedule) -> Vec<Use> {
        let mut uses = vec![Use::default(); dfg.nodes.len()];
        for (cell, id) in self.cells.iter().enumerate() {
            let (own, range) = (schedule.of(*id), dfg.range(*id));
            let values = self.values.of(cell as u32);
            let read = values.iter().map(|value| value.top).max().unwrap_or(range.exp);
            // Output ports and states are behind a register always.
            let later = |reader: &u32| self.cells.get(*reader as usize).is_none_or(|cell| schedule.of(*cell) > own);
            uses[id.index()] = Use {
                unread: (range.exp + range.width() as i32 - read).max(0) as u32,
                registered: values.iter().all(|value| self.readers(value).iter().all(later)),
            };
        }
        uses
    }

    /// Bits of all registers, for the stages of cells, and then of the registers of states, which are not among them.
    pub fn register_bits(&self, stage: &[u32], latency: u32) -> u64 {
        let mut bits = 0;
        for cell in 0..self.cells.len() as u32 {
            let own = stage[cell as usize];
            let crossing =
                |value: &Value| u64::from(value.width) * u64::from(self.last(value, stage, latency).max(own) - own);
            bits += self.values.of(cell).iter().map(crossing).sum::<u64>();
        }
        bits
    }

    /// The last stage at which a value is read.
    pub fn last(&self, value: &Value, stage: &[u32], latency: u32) -> u32 {
        let at = |reader: &u32| if *reader == OUTPUT { latency } else { stage[*reader as usize] };
        self.readers(value).iter().map(at).max().unwrap_or(0)
    }

    /// The values of a cell that is read so.
    fn split(&mut self, reads: &[Read]) -> Vec<Value> {
        let mut ends: Vec<i32> = reads.iter().flat_map(|read| [read.lo, read.hi]).collect();
        ends.sort_unstable();
        ends.dedup();
        let mut values: Vec<Value> = Vec::new();
        for pair in ends.windows(2) {
            let here = reads.iter().filter(|read| read.lo <= pair[0] && pair[1] <= read.hi);
            let mut readers: Vec<u32> = here.map(|read| read.reader).collect();
            readers.sort_unstable();
            readers.dedup();
            let width = (pair[1] - pair[0]) as u32;
            match values.last_mut() {
                Some(last) if self.readers(last) == readers => {
                    (last.width, last.top) = (last.width + width, pair[1]);
                }
                _ if readers.is_empty() => {}
                _ => {
                    let start = self.readers.len() as u32;
                    self.readers.extend(&readers);
                    values.push(Value { width, top: pair[1], readers: (start, self.readers.len() as u32) });
                }
            }
        }
        values
    }
}

impl Window {
    fn read(&self, reader: u32) -> Option<(u32, Read)> {
        (self.root != NONE && self.lo < self.hi).then_some((self.root, Read { reader, lo: self.lo, hi: self.hi }))
    }
}
