//! Scales that follow the weights: QKeras' least squares, per channel.
//!
//! Channels are the elements of the last axis. A tensor of one axis has no axes to average over: each of its elements is
//! a channel of its own (QKeras `_get_scale`), though maxima are over all of it.

use crate::call::Alpha;

/// Keras' `epsilon()`.
pub const EPSILON: f32 = 1e-7;

/// The number of channels for averages.
pub fn channels(shape: &[usize]) -> usize {
    shape.last().copied().unwrap_or(1).max(1)
}

/// The greatest `|x|` of each channel; of all elements if there is only one axis.
pub fn greatest(x: &[f32], shape: &[usize]) -> Vec<f32> {
    let count = if shape.len() > 1 { channels(shape) } else { 1 };
    let mut greatest = vec![0f32; count];
    x.iter().enumerate().for_each(|(e, x)| greatest[e % count] = greatest[e % count].max(x.abs()));
    greatest
}

/// `2^round(log2(scale + eps))`, computed as QKeras does, in float32 through the natural logarithm.
pub fn snap(scale: f32) -> f32 {
    2f32.powi(((scale + EPSILON).ln() / std::f32::consts::LN_2).round_ties_even() as i32)
}

/// The scale `s` of each channel that makes `s * q` closest to `x`: `mean(x*q) / (mean(q*q) + eps)`, snapped to a power
/// of two for [`Alpha::AutoPo2`].
pub fn least_squares(x: &[f32], q: &[f32], shape: &[usize], alpha: Alpha) -> Vec<f32> {
    let count = channels(shape);
    let rows = (x.len() / count).max(1) as f64;
    let mean = |channel: usize, with: &[f32]| {
        let products = (channel..x.len()).step_by(count).map(|e| f64::from(q[e] * with[e]));
        (products.sum::<f64>() / rows) as f32
    };
    let scale = (0..count).map(|channel| mean(channel, x) / (mean(channel, q) + EPSILON));
    scale.map(|s| if alpha == Alpha::AutoPo2 { snap(s) } else { s }).collect()
}

/// TensorFlow's sign: 0 for 0.
pub fn sign(x: f32) -> f32 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        0.0
    }
}

/// The standard deviation of each channel, and Keras' epsilon.
pub fn deviations(x: &[f32], shape: &[usize]) -> Vec<f32> {
    let count = if shape.len() > 1 { channels(shape) } else { 1 };
    let deviation = |channel: usize| {
        let own = || x.iter().skip(channel).step_by(count).map(|x| f64::from(*x));
        let rows = own().count().max(1) as f64;
        let mean = own().sum::<f64>() / rows;
        (own().map(|x| (x - mean) * (x - mean)).sum::<f64>() / rows).sqrt() as f32 + EPSILON
    };
    (0..count).map(deviation).collect()
}

/// The probability of 1 in a draw: QKeras' sigmoid, or its hard one.
pub fn probability(x: f32, real: bool) -> f64 {
    if real { 1.0 / (1.0 + (-f64::from(x)).exp()) } else { (0.5 * f64::from(x) + 0.5).clamp(0.0, 1.0) }
}
