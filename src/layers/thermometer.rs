//! `thermometer`: bits that say which thresholds each feature exceeds.
//!
//! Tensor `thresholds` [features, bits]: `bit[f, b] = x[f] > thresholds[f, b]`, or `>=` with `strict = false`; the result has
//! the shape [features, bits]. Comparisons are exact: thresholds are taken as the numbers that they are. Where the layer
//! alone reads an input, the input's format `bits` leaves the encoding to the host: the port then carries the bits.

use super::attributes::{attributes, one, required, tensors};
use super::{Layer, Make};
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Range};
use crate::host::Thermometer;
use crate::network;
use crate::registry::Entry;
use crate::tensor::{Builder, Id, Staircase};
use serde::Deserialize;

/// The entry.
pub const LAYER: Entry<Make> = Entry { name: "thermometer", doc: "bits: which thresholds each feature exceeds", make };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    #[serde(default = "yes")]
    strict: bool,
}

fn yes() -> bool {
    true
}

fn make(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    let Attributes { strict } = attributes(layer)?;
    let thresholds = required(tensors(layer, &["thresholds"], &[])?.pop().flatten())?;
    let [features, bits] = thresholds.shape[..] else {
        return Err(Error::user(format!("`thresholds` has shape {:?}", thresholds.shape), "it is [features, bits]"));
    };
    if features == 0 || bits == 0 {
        return Err(Error::user("there are no thresholds", "give each feature at least one"));
    }
    let exact: Option<Vec<Fixed>> = thresholds.data.iter().map(|value| Fixed::from_f64(*value)).collect();
    let exact = exact.ok_or_else(|| Error::user("a threshold is NaN or infinite", "repair the thresholds"))?;
    let thresholds = exact.chunks(bits).map(<[Fixed]>::to_vec).collect();
    Ok(Box::new(Thermometer { thresholds, strict }))
}

impl Layer for Thermometer {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        let (features, bits) = (self.thresholds.len(), self.thresholds.first().map_or(0, Vec::len));
        if g.shape(x) != [features] {
            let what = format!("thresholds of {features} features read a tensor of shape {:?}", g.shape(x));
            return Err(Error::user(what, format!("the input has one axis, of {features} features")));
        }
        let spread = (0..features).flat_map(|feature| (0..bits).map(move |_| (0, feature as u32)));
        let x = g.gather(&[x], &[features, bits], spread.collect())?;
        let ranges = g.graph().node(x).ranges.clone();
        let mut stairs = Vec::with_capacity(features * bits);
        for (at, threshold) in self.thresholds.iter().flatten().enumerate() {
            stairs.push(self.stair(*threshold, ranges.get(at)).ok_or_else(|| {
                let what = format!("threshold {} of feature {} is out of reach", at % bits, at / bits);
                Error::user(what, "quantize the input first, or correct the threshold")
            })?);
        }
        g.steps(x, stairs)
    }

    fn thermometer(&self) -> Option<&Thermometer> {
        Some(self)
    }
}

impl Thermometer {
    /// A bit as a staircase of a feature in this range.
    fn stair(&self, threshold: Fixed, range: Option<&Range>) -> Option<Staircase> {
        let always = |bit: Fixed| Some(Staircase { first: bit, steps: Vec::new() });
        match range {
            Some(range) if range.low() > threshold => return always(Fixed::ONE),
            Some(range) if range.high() < threshold => return always(Fixed::ZERO),
            _ => {}
        }
        let from = if self.strict { above(threshold, range)? } else { threshold };
        Some(Staircase { first: Fixed::ZERO, steps: vec![(from, Fixed::ONE)] })
    }
}

/// The least number above a threshold on a grid; of float32 values, which have no range, the next float32.
fn above(threshold: Fixed, range: Option<&Range>) -> Option<Fixed> {
    let Some(range) = range else {
        // Of the float32 numbers above the threshold, the least is the successor of the greatest one not above it.
        let near = threshold.to_f32();
        let next = if Fixed::from_f64(f64::from(near))? <= threshold { near.next_up() } else { near };
        return Fixed::from_f64(f64::from(next));
    };
    let drop = range.exp.checked_sub(threshold.exponent())?;
    let code = match drop {
        ..=0 => threshold.at(range.exp)?,
        _ => threshold.mantissa() >> drop.min(127),
    };
    Some(Fixed::new(code.checked_add(1)?, range.exp))
}
