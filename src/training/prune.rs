//! Pruning: the smallest weights of each kernel become 0 and stay so, more of them as training goes on.
//!
//! The share of zeros is `sparsity * (1 - (1 - t)^3)`, where t goes from 0 to 1 between two points of the training (Zhu and
//! Gupta 2017, arXiv 1710.01878).

use super::parameters::Parameters;
use super::recipe::Pruning;
use tch::{Kind, Tensor};

/// The share of zeros at a share of all steps.
pub fn sparsity(pruning: &Pruning, share: f64) -> f64 {
    let t = ((share - pruning.from) / (pruning.to - pruning.from)).clamp(0.0, 1.0);
    pruning.sparsity * (1.0 - (1.0 - t).powi(3))
}

/// 0 for the weights that are to be 0, and 1 for all other parameters.
pub fn mask(parameters: &Parameters, sparsity: f64) -> Tensor {
    let own = |entry: &super::parameters::Entry| {
        let flat = entry.own.flatten(0, -1);
        let gone = (flat.numel() as f64 * sparsity).round() as i64;
        if !entry.is_kernel() || gone == 0 {
            return flat.ones_like();
        }
        let (_, order) = flat.abs().sort_stable(true, 0, false);
        let mask = flat.ones_like();
        mask.index_fill(0, &order.narrow(0, 0, gone), 0.0)
    };
    let all: Vec<Tensor> = parameters.entries().iter().map(own).collect();
    if all.is_empty() { Tensor::ones([0], (Kind::Float, tch::Device::Cpu)) } else { Tensor::cat(&all, 0) }
}
