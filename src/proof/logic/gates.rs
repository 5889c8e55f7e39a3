//! Gates, shared: equal structures are equal bits. Each has its values on samples that the inputs can have.

use super::decide::{QuickMap, QuickSet};
use crate::dfg::Dfg;
use std::collections::HashMap;
use std::time::Instant;

/// A gate's number twice, and 1 if it is inverted.
pub type Bit = u32;
/// The constant 0.
pub const ZERO: Bit = 0;
/// The constant 1.
pub const ONE: Bit = 1;

/// Words of samples.
pub const LANES: usize = 4;
/// Values on all samples.
pub type Lanes = [u64; LANES];

/// What gives a bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gate {
    /// A constant, the first gate.
    Zero,
    /// A bit of a word.
    Variable(u32, u32),
    /// Both.
    And(Bit, Bit),
    /// One of the two.
    Xor(Bit, Bit),
}

/// Free bits that make an integer.
#[derive(Clone, Debug)]
pub struct Free {
    /// Its bits, lowest first.
    pub bits: Vec<Bit>,
    /// The least and the greatest integer that it can be, where not all bits can be anything.
    pub limits: Option<(i128, i128)>,
    /// Whether the highest bit is a sign.
    pub signed: bool,
}

/// All gates, and the graph that they are compared with.
#[derive(Default)]
pub struct Logic<'a> {
    gates: Vec<Gate>,
    lanes: Vec<Lanes>,
    ids: QuickMap<Gate, u32>,
    /// The words.
    pub(super) words: Vec<Free>,
    /// Words of products, by their operands.
    pub(super) products: HashMap<(Vec<Bit>, Vec<Bit>), u32>,
    /// The graph.
    pub(super) dfg: Option<&'a Dfg>,
    /// The codes of its nodes.
    pub(super) codes: Vec<Vec<Bit>>,
    /// The words of its input elements, by port and element.
    pub(super) inputs: HashMap<(u32, u32), Vec<Bit>>,
    /// The nodes of which words are the codes.
    pub(super) nodes: HashMap<u32, u32>,
    /// Definitions of nodes' words.
    pub(super) definitions: HashMap<u32, Vec<Bit>>,
    /// Nodes by the names that a circuit gives them.
    pub(super) named: HashMap<String, u32>,
    /// Bits of words, by their values on samples (of the two, those that begin with 0).
    pub(super) seen: HashMap<Lanes, Vec<Bit>>,
    /// Nodes that are sums, by the bits that they read.
    pub(super) sums: HashMap<Vec<Bit>, Vec<u32>>,
    /// Bits that were proved to be bits of words.
    pub(super) proved: QuickMap<Bit, Bit>,
    /// Bits that were looked for among the words' in vain.
    pub(super) unknown: QuickSet<Bit>,
    /// Pairs that were not found equal with much effort.
    pub(super) failed: QuickSet<(Bit, Bit)>,
    /// The first net with a node's name that was found to be no node: for messages.
    pub strange: Option<String>,
    /// After this, nothing is found out any more.
    pub deadline: Option<Instant>,
}

impl<'a> Logic<'a> {
    /// No gates but constants.
    pub fn new(dfg: Option<&'a Dfg>) -> Logic<'a> {
        Logic { gates: vec![Gate::Zero], lanes: vec![[0; LANES]], dfg, ..Logic::default() }
    }

    /// What gives a bit, not inverted.
    pub fn gate(&self, bit: Bit) -> Gate {
        self.gates[(bit >> 1) as usize]
    }

    /// A bit's values on the samples.
    pub fn lanes(&self, bit: Bit) -> Lanes {
        let lanes = self.lanes[(bit >> 1) as usize];
        if bit & 1 == 1 { lanes.map(|lane| !lane) } else { lanes }
    }

    /// A new word of which the values on samples are known.
    pub(super) fn word(&mut self, limits: Option<(i128, i128)>, signed: bool, lanes: &[Lanes]) -> u32 {
        let word = self.words.len() as u32;
        let bits = lanes.iter().enumerate().map(|(at, lanes)| self.shared(Gate::Variable(word, at as u32), *lanes));
        let bits = bits.collect();
        self.words.push(Free { bits, limits, signed });
        word
    }

    fn shared(&mut self, gate: Gate, lanes: Lanes) -> Bit {
        if let Some(id) = self.ids.get(&gate) {
            return id << 1;
        }
        let id = self.gates.len() as u32;
        self.gates.push(gate);
        self.lanes.push(lanes);
        self.ids.insert(gate, id);
        id << 1
    }

    /// Both.
    pub fn and(&mut self, a: Bit, b: Bit) -> Bit {
        let (a, b) = (a.min(b), a.max(b));
        match (a, b) {
            (ZERO, _) => ZERO,
            (ONE, b) => b,
            (a, b) if a == b => a,
            (a, b) if a == b ^ 1 => ZERO,
            _ => {
                let (x, y) = (self.lanes(a), self.lanes(b));
                self.shared(Gate::And(a, b), std::array::from_fn(|at| x[at] & y[at]))
            }
        }
    }

    /// One of the two.
    pub fn xor(&mut self, a: Bit, b: Bit) -> Bit {
        let (a, b, inverted) = ((a & !1).min(b & !1), (a & !1).max(b & !1), (a ^ b) & 1);
        if a == b {
            return inverted;
        }
        if a == ZERO {
            return b ^ inverted;
        }
        let (x, y) = (self.lanes(a), self.lanes(b));
        self.shared(Gate::Xor(a, b), std::array::from_fn(|at| x[at] ^ y[at])) ^ inverted
    }

    /// One or both.
    pub fn or(&mut self, a: Bit, b: Bit) -> Bit {
        self.and(a ^ 1, b ^ 1) ^ 1
    }

    /// `yes` where the bit is 1, else `no`.
    pub fn choose(&mut self, bit: Bit, yes: Bit, no: Bit) -> Bit {
        match (yes, no) {
            (ZERO, no) => self.and(bit ^ 1, no),
            (ONE, no) => self.or(bit, no),
            (yes, ZERO) => self.and(bit, yes),
            (yes, ONE) => self.or(bit ^ 1, yes),
            (yes, no) => {
                let either = self.xor(yes, no);
                let changed = self.and(bit, either);
                self.xor(no, changed)
            }
        }
    }

    /// The sum of three bits: its low and its high bit.
    pub(super) fn added(&mut self, a: Bit, b: Bit, c: Bit) -> (Bit, Bit) {
        let half = self.xor(a, b);
        let low = self.xor(half, c);
        let high = self.choose(half, c, a);
        (low, high)
    }
}
