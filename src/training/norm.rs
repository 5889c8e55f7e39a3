//! Batch normalisations: the moments of the batch in training, those that followed them afterwards.
//!
//! Forward, the graph multiplies by `gamma / sqrt(variance + epsilon)` and adds `beta - mean * that`, in float32 in this order. In
//! training, mean and variance are those of the batch, and have a gradient; the layer's own follow them by a hundredth, as
//! Keras' do.

use super::parameters::Parameters;
use super::present::Present;
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use tch::{Kind, Tensor};

/// Keras' default.
const MOMENTUM: f64 = 0.99;

/// What one made of a batch.
pub struct Moments {
    /// Of the batch.
    mean: Tensor,
    variance: Tensor,
    /// The factor of each channel.
    pub inverse: Tensor,
    /// What is added to each.
    pub offset: Tensor,
}

/// Factors and offsets for a value `[samples, .., channels]`.
///
/// # Errors
/// The layer has no mean and variance.
pub fn moments(present: &Present, layer: &str, x: &Tensor, training: bool, epsilon: f32) -> Result<Moments> {
    let own = |tensor: &str| present.find(layer, tensor).map(|found| found.codes.shallow_clone());
    let lacks = || Error::bug(format!("`{layer}` has no mean or variance"));
    let (mut mean, mut variance) = (own("mean").ok_or_else(lacks)?, own("variance").ok_or_else(lacks)?);
    let channels = mean.numel() as i64;
    let of_batch = training && x.size().last() == Some(&channels);
    if of_batch {
        let rows = x.reshape([-1, channels]);
        mean = rows.mean_dim([0i64].as_slice(), false, Kind::Float);
        variance = (rows - &mean).square().mean_dim([0i64].as_slice(), false, Kind::Float);
    }
    let sum = &variance + f64::from(epsilon);
    // Outside training the factor is the nearest float32, as the layer has it.
    let root = if of_batch { sum.rsqrt() } else { sum.to_kind(Kind::Double).sqrt().reciprocal().to_kind(Kind::Float) };
    let inverse = own("gamma").map_or_else(|| root.shallow_clone(), |gamma| &root * gamma);
    let shift = &mean * &inverse;
    let offset = own("beta").map_or_else(|| shift.neg(), |beta| beta - &shift);
    Ok(Moments { mean, variance, inverse, offset })
}

/// The layers' own moments follow a batch's.
pub fn follow(parameters: &Parameters, moments: &BTreeMap<String, Moments>) {
    tch::no_grad(|| {
        for (layer, found) in moments {
            for (tensor, value) in [("mean", &found.mean), ("variance", &found.variance)] {
                if let Some(entry) = parameters.find(layer, tensor) {
                    // Not the values themselves: all parameters are one tensor, and numbers that the gradients still need would
                    // count as changed.
                    let mut own = entry.own.data();
                    let next = &own * MOMENTUM + value.detach() * (1.0 - MOMENTUM);
                    own.copy_(&next);
                }
            }
        }
    });
}
