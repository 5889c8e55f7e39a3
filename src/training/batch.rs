//! Samples as tensors.

use super::loss::Wanted;
use tch::Tensor;

/// Samples, as many as one likes.
pub struct Batch {
    /// The values of each port, `[samples, ..]`.
    pub inputs: Vec<Tensor>,
    /// What the network should make of them.
    pub targets: Wanted,
}

impl Batch {
    /// Some that follow each other.
    pub fn part(&self, start: usize, length: usize) -> Batch {
        let (start, length) = (start as i64, length as i64);
        let inputs = self.inputs.iter().map(|input| input.narrow(0, start, length)).collect();
        Batch { inputs, targets: self.targets.narrow(start, length) }
    }

    /// Those with these numbers, in this order.
    pub fn select(&self, order: &Tensor) -> Batch {
        let inputs = self.inputs.iter().map(|input| input.index_select(0, order)).collect();
        Batch { inputs, targets: self.targets.select(order) }
    }
}
