//! `batch_norm`: `y = x * inv + (beta - mean * inv)`, `inv = gamma / sqrt(variance + epsilon)`, in float32 in this order.
//!
//! This is `tf.nn.batch_normalization`, which Keras runs at inference for dense layers, bit by bit, but for the inverse
//! square root: TensorFlow's vectorised one misses the nearest float32 by a bit for some inputs, and which depends on
//! the processor; ours is the nearest. For images Keras calls a fused kernel (oneDNN's on most machines) that rounds in
//! yet another order; results there may differ from ours in the last bit, before the next quantizer.
//!
//! Quantizers of QKeras' QBatchNormalization quantize an array each, and `inverse_quantizer` quantizes `inv`.

use super::attributes::{attributes, floats, one, tensors};
use super::{Layer, Make};
use crate::error::{At, Error, Result};
use crate::fixed::Fixed;
use crate::network::{self, Tensor};
use crate::quantizers::{self, Role};
use crate::registry::Entry;
use crate::tensor::{Builder, Float, Id, Made};
use serde::Deserialize;

/// The entry.
pub const LAYER: Entry<Make> =
    Entry { name: "batch_norm", doc: "gamma * (x - mean) / sqrt(variance + epsilon) + beta, over the last axis", make };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    #[serde(default = "epsilon")]
    epsilon: f64,
    gamma_quantizer: Option<String>,
    beta_quantizer: Option<String>,
    mean_quantizer: Option<String>,
    variance_quantizer: Option<String>,
    inverse_quantizer: Option<String>,
}

/// Keras' default.
fn epsilon() -> f64 {
    1e-3
}

struct BatchNorm {
    inverse: Vec<f32>,
    offset: Vec<f32>,
    /// The epsilon of one that can be trained: without quantizers.
    trainable: Option<f32>,
}

fn make(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    let attributes: Attributes = attributes(layer)?;
    let found = tensors(layer, &["mean", "variance"], &["gamma", "beta"])?;
    let quantizers = [&attributes.gamma_quantizer, &attributes.beta_quantizer, &attributes.mean_quantizer];
    let others = [&attributes.variance_quantizer, &attributes.inverse_quantizer];
    let plain = quantizers.iter().chain(&others).all(|quantizer| quantizer.is_none());
    let trainable = plain.then_some(attributes.epsilon as f32);
    let calls = [
        ("mean", &attributes.mean_quantizer),
        ("variance", &attributes.variance_quantizer),
        ("gamma", &attributes.gamma_quantizer),
        ("beta", &attributes.beta_quantizer),
    ];
    let quantize = |(tensor, (name, call)): (&Option<Tensor>, &(&str, &Option<String>))| {
        tensor.as_ref().map(|tensor| quantized(tensor, call.as_deref()).at(format!("`{name}`"))).transpose()
    };
    let found: Vec<Option<Vec<f32>>> = found.iter().zip(&calls).map(quantize).collect::<Result<_>>()?;
    let channels = found[0].as_ref().map_or(0, Vec::len);
    if found.iter().flatten().any(|tensor| tensor.len() != channels) {
        let help = "mean, variance, gamma and beta have one value per channel";
        return Err(Error::user("its tensors have different lengths", help));
    }
    let get = |index: usize, default: f32| found[index].clone().unwrap_or_else(|| vec![default; channels]);
    let (mean, variance, gamma, beta) = (get(0, 0.0), get(1, 1.0), get(2, 1.0), get(3, 0.0));
    let root = |v: &f32| {
        let sum = f64::from(v + attributes.epsilon as f32);
        (sum > 0.0).then(|| (1.0 / sum.sqrt()) as f32)
    };
    let roots: Option<Vec<f32>> = variance.iter().map(root).collect();
    let not_positive = || Error::user("a variance is not positive", "repair the file, or use a larger epsilon");
    let inverse: Vec<f32> =
        roots.ok_or_else(not_positive)?.iter().zip(&gamma).map(|(root, gamma)| root * gamma).collect();
    let inverse = match &attributes.inverse_quantizer {
        Some(call) => {
            let values = inverse.iter().map(|value| f64::from(*value)).collect();
            quantized(&Tensor::vector(values), Some(call)).at("`inverse_quantizer`")?
        }
        None => inverse,
    };
    let offset = (0..channels).map(|c| beta[c] - mean[c] * inverse[c]).collect();
    Ok(Box::new(BatchNorm { inverse, offset, trainable }))
}

/// An array as float32, quantized if it has a quantizer.
fn quantized(tensor: &Tensor, call: Option<&str>) -> Result<Vec<f32>> {
    let Some(call) = call else { return floats(tensor) };
    let codes = quantizers::parse(call)?.parameter(tensor, Role::Other)?;
    let value = |(e, code): (usize, &Fixed)| code.to_f32() * codes.scale[e % codes.scale.len()];
    Ok(codes.codes.iter().enumerate().map(value).collect())
}

impl Layer for BatchNorm {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        let channels = g.shape(x).last().copied().unwrap_or(1);
        if channels != self.inverse.len() {
            let what = format!("the input has {channels} channels, and the layer {}", self.inverse.len());
            return Err(Error::user(what, "normalisation is over the last axis"));
        }
        let (scale, shift) = (Float::Mul(self.inverse.clone()), Float::Add(self.offset.clone()));
        let Some(epsilon) = self.trainable else {
            let scaled = g.float(x, scale)?;
            return g.float(scaled, shift);
        };
        let channels = || (0..self.inverse.len() as u32).collect();
        let scaled = g.float_of(x, scale, Made::Inverse(epsilon), channels)?;
        g.float_of(scaled, shift, Made::Offset(epsilon), channels)
    }
}
