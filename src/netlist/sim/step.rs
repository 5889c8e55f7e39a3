//! What the simulator does with planes, step by step.

use super::codes::Word;
use super::plane::{Plane, WORDS, transpose};
use std::ops::Range;

/// The planes of the constant bits.
pub const ZERO: u32 = 0;
/// See [`ZERO`].
pub const ONE: u32 = 1;

/// A netlist made ready: planes are numbers of slots.
#[derive(Debug, Default)]
pub struct Program {
    pub loads: Vec<Word>,
    pub steps: Vec<Step>,
    /// What steps do bit by bit: two planes and that of the result.
    pub wires: Vec<[u32; 3]>,
    pub stores: Vec<Word>,
    /// Slots in use at most.
    pub slots: usize,
    /// Columns of the results.
    pub results: usize,
}

/// What happens along the bits of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// `a + b`, `b` only where the plane `with` has ones.
    Add,
    /// `a - b`, likewise.
    Sub,
    /// `a` where the plane `with` has ones, else `b`.
    Mux,
}

/// A step.
#[derive(Debug)]
pub enum Step {
    Chain { rule: Rule, with: u32, wires: Range<usize> },
    Lookup(Box<Lookup>),
}

/// Entries at an index.
#[derive(Debug)]
pub struct Lookup {
    pub index: Vec<u32>,
    pub out: Vec<u32>,
    /// 64 bits of each entry, the lowest first, then the next 64.
    pub entries: Vec<Vec<u64>>,
}

impl Program {
    /// Slots for the planes, the constants set.
    pub fn planes(&self) -> Vec<Plane> {
        let mut planes = vec![Plane::default(); self.slots];
        planes[ONE as usize] = Plane::of(true);
        planes
    }
}

impl Step {
    #[inline(always)]
    pub fn run(&self, wires: &[[u32; 3]], planes: &mut [Plane]) {
        match self {
            Step::Chain { rule, with, wires: range } => {
                let (with, wires) = (*with, &wires[range.clone()]);
                let mask = planes[with as usize];
                match rule {
                    Rule::Add if with == ONE => sum(false, wires, planes, |b| b),
                    Rule::Sub if with == ONE => sum(true, wires, planes, |b| b),
                    Rule::Add => sum(false, wires, planes, |b| b.and(mask)),
                    Rule::Sub => sum(true, wires, planes, |b| b.and(mask)),
                    Rule::Mux => {
                        for [a, b, out] in wires {
                            planes[*out as usize] = mask.select(planes[*a as usize], planes[*b as usize]);
                        }
                    }
                }
            }
            Step::Lookup(lookup) => lookup.run(planes),
        }
    }
}

/// A row of full adders.
#[inline(always)]
fn sum(minus: bool, wires: &[[u32; 3]], planes: &mut [Plane], masked: impl Fn(Plane) -> Plane) {
    let mut carry = Plane::of(minus);
    for [a, b, out] in wires {
        let (a, b) = (planes[*a as usize], masked(planes[*b as usize]));
        let b = if minus { b.not() } else { b };
        planes[*out as usize] = a.odd(b, carry);
        carry = a.majority(b, carry);
    }
}

impl Lookup {
    #[inline(always)]
    fn run(&self, planes: &mut [Plane]) {
        for word in 0..WORDS {
            let mut index = [0; 64];
            for (bits, plane) in index.iter_mut().zip(&self.index) {
                *bits = planes[*plane as usize].0[word];
            }
            transpose(&mut index);
            for (entries, out) in self.entries.iter().zip(self.out.chunks(64)) {
                let mut block = index.map(|index| entries.get(index as usize).copied().unwrap_or(0));
                transpose(&mut block);
                for (plane, bits) in out.iter().zip(block) {
                    planes[*plane as usize].0[word] = bits;
                }
            }
        }
    }
}
