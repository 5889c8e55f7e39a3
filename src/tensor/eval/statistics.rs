//! What happened in a quantizer: how often it overflowed, which bits moved.

use crate::tensor::Id;

/// What happened in one `quantize` node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// The node.
    pub node: Id,
    /// Samples seen.
    pub samples: u64,
    /// One entry per element.
    pub elements: Vec<ElementStatistics>,
}

/// What happened to one element, in codes of its format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ElementStatistics {
    /// How often it wrapped or saturated; negative numbers that an unsigned saturating format makes 0 do not count.
    pub overflowed: u64,
    /// The least code.
    pub min: i128,
    /// The greatest code.
    pub max: i128,
    /// Bits that were 1 at least once.
    pub ones: u128,
    /// Bits that were 0 at least once.
    pub zeros: u128,
}

impl ElementStatistics {
    /// Nothing seen yet.
    pub const NONE: ElementStatistics =
        ElementStatistics { overflowed: 0, min: i128::MAX, max: i128::MIN, ones: 0, zeros: 0 };

    /// Sees one code.
    pub fn see(&mut self, code: i128, overflowed: bool) {
        self.overflowed += u64::from(overflowed);
        self.min = self.min.min(code);
        self.max = self.max.max(code);
        self.ones |= code as u128;
        self.zeros |= !code as u128;
    }

    /// Bits of a format of `width` bits that never moved, lowest first.
    pub fn still(&self, width: u32) -> Vec<u32> {
        (0..width.min(128)).filter(|bit| (self.ones & self.zeros) >> bit & 1 == 0).collect()
    }

    fn join(&mut self, other: &ElementStatistics) {
        self.overflowed += other.overflowed;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.ones |= other.ones;
        self.zeros |= other.zeros;
    }
}

/// The statistics of all chunks; every chunk has the same nodes in the same order.
pub(super) fn merge<'a>(chunks: impl Iterator<Item = &'a Vec<Statistics>>) -> Vec<Statistics> {
    let mut all: Vec<Statistics> = Vec::new();
    for chunk in chunks {
        if all.is_empty() {
            all.clone_from(chunk);
            continue;
        }
        for (total, part) in all.iter_mut().zip(chunk) {
            total.samples += part.samples;
            total.elements.iter_mut().zip(&part.elements).for_each(|(a, b)| a.join(b));
        }
    }
    all
}
