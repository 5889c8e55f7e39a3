//! `multi_threshold`: how many thresholds a value reaches, times `out_scale`, plus `out_bias`.
//!
//! `y = out_scale * #{t : x >= thresholds[c, t]} + out_bias`. Tensor `thresholds[channels, steps]`, one row per element of the last
//! axis, or one for all; their order does not matter. The count is exact; a scale or bias that float32 would round is float32.
//! Source: `multithreshold` of qonnx 1.0.0.

use super::attributes::{attributes, one, required, tensors};
use super::quant::dequantized;
use super::{Layer, Make};
use crate::error::{Error, Result};
use crate::fixed::Fixed;
use crate::network::{self, Tensor};
use crate::registry::Entry;
use crate::tensor::{Builder, Float, Id, Staircase};
use serde::Deserialize;

/// The entry.
pub const LAYER: Entry<Make> =
    Entry { name: "multi_threshold", doc: "how many thresholds a value reaches, per channel", make };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    #[serde(default = "unit")]
    out_scale: f32,
    #[serde(default)]
    out_bias: f32,
}

fn unit() -> f32 {
    1.0
}

struct MultiThreshold {
    attributes: Attributes,
    stairs: Vec<Staircase>,
}

fn make(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    let attributes: Attributes = attributes(layer)?;
    let thresholds = required(tensors(layer, &["thresholds"], &[])?.remove(0))?;
    let stairs = stairs(&thresholds)?;
    if !attributes.out_scale.is_finite() || !attributes.out_bias.is_finite() || attributes.out_scale == 0.0 {
        return Err(Error::user("`out_scale` or `out_bias` is out of range", "give finite numbers, the scale not 0"));
    }
    Ok(Box::new(MultiThreshold { attributes, stairs }))
}

/// A staircase for each row: equal thresholds are one higher step.
fn stairs(thresholds: &Tensor) -> Result<Vec<Staircase>> {
    let [_, steps] = thresholds.shape[..] else {
        let what = format!("`thresholds` has shape {:?}", thresholds.shape);
        return Err(Error::user(what, "give it the shape [channels, steps]"));
    };
    let row = |row: &[f64]| {
        let mut all: Vec<Fixed> = row.iter().map(|t| Fixed::from_f64(*t)).collect::<Option<_>>()?;
        all.sort_unstable();
        let mut stair = Staircase { first: Fixed::ZERO, steps: Vec::new() };
        for (at, threshold) in all.iter().enumerate() {
            if all.get(at + 1) != Some(threshold) {
                stair.steps.push((*threshold, Fixed::new(at as i128 + 1, 0)));
            }
        }
        Some(stair)
    };
    let all: Option<Vec<Staircase>> = thresholds.data.chunks(steps.max(1)).map(row).collect();
    all.ok_or_else(|| Error::user("a threshold is NaN or infinite", "train the network again, or repair the file"))
}

impl Layer for MultiThreshold {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        let Attributes { out_scale, out_bias } = self.attributes;
        let count = g.steps(x, self.stairs.clone())?;
        let y = match out_scale {
            negative if negative < 0.0 => g.float(count, Float::Mul(vec![out_scale]))?,
            _ => dequantized(g, count, 0.0, vec![out_scale])?,
        };
        if out_bias == 0.0 {
            return Ok(y);
        }
        if g.is_float(y) {
            return g.float(y, Float::Add(vec![out_bias]));
        }
        let bias = g.floats(&[], &[f64::from(out_bias)])?;
        g.add(y, bias)
    }
}
