//! `sum`, `mean`, `max` and `min` over axes; global pooling is one of them over an image's height and width.
//!
//! Sums, maxima and minima are exact. A mean is the exact sum, divided in float32, or exactly by a power of two.

use super::attributes::{attributes, axis, one, tensors};
use super::{Layer, Make};
use crate::error::Result;
use crate::fixed::Fixed;
use crate::network;
use crate::registry::Entry;
use crate::tensor::{Builder, Float, Id, Reduction, shorten};
use serde::Deserialize;

/// The sum.
pub const SUM: Entry<Make> =
    Entry { name: "sum", doc: "the sum over axes, exact", make: |layer| make(layer, Kind::Of(Reduction::Sum)) };
/// The mean.
pub const MEAN: Entry<Make> = Entry { name: "mean", doc: "the mean over axes", make: |layer| make(layer, Kind::Mean) };
/// The maximum.
pub const MAX: Entry<Make> =
    Entry { name: "max", doc: "the maximum over axes", make: |layer| make(layer, Kind::Of(Reduction::Max)) };
/// The minimum.
pub const MIN: Entry<Make> =
    Entry { name: "min", doc: "the minimum over axes", make: |layer| make(layer, Kind::Of(Reduction::Min)) };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    axis: Axes,
    #[serde(default)]
    keep_dims: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Axes {
    One(i64),
    Many(Vec<i64>),
}

#[derive(Clone, Copy)]
enum Kind {
    Of(Reduction),
    Mean,
}

struct Reduce {
    kind: Kind,
    axes: Vec<i64>,
    keep: bool,
}

fn make(layer: &network::Layer, kind: Kind) -> Result<Box<dyn Layer>> {
    tensors(layer, &[], &[])?;
    let attributes: Attributes = attributes(layer)?;
    let axes = match attributes.axis {
        Axes::One(axis) => vec![axis],
        Axes::Many(axes) => axes,
    };
    Ok(Box::new(Reduce { kind, axes, keep: attributes.keep_dims }))
}

impl Layer for Reduce {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        let mut shape = g.shape(x).to_vec();
        let mut axes: Vec<usize> = self.axes.iter().map(|a| axis(*a, shape.len())).collect::<Result<_>>()?;
        axes.sort_unstable();
        axes.dedup();
        let (kind, count) = match self.kind {
            Kind::Of(kind) => (kind, 1),
            Kind::Mean => (Reduction::Sum, axes.iter().map(|axis| shape[*axis]).product()),
        };
        // From the last, so that the others keep their places.
        let y = axes.iter().rev().try_fold(x, |x, axis| g.reduce(x, kind, *axis))?;
        axes.iter().for_each(|axis| shape[*axis] = 1);
        let y = if self.keep { g.reshape(y, &shape)? } else { y };
        divided(g, y, vec![count])
    }
}

/// Divided by whole numbers, one for all or one for each element: exactly by powers of two, otherwise in float32.
///
/// # Errors
/// As [`Builder::float`].
pub fn divided(g: &mut Builder, x: Id, counts: Vec<usize>) -> Result<Id> {
    if counts.iter().all(|count| *count == 1) {
        return Ok(x);
    }
    let shape = g.shape(x).to_vec();
    let counts = if counts.len() == 1 { counts } else { shorten(counts, &shape) };
    if !g.is_float(x) && counts.iter().all(|count| count.is_power_of_two()) {
        let own = match counts.len() {
            1 => Vec::new(),
            n if Some(&n) == shape.last() => vec![n],
            _ => shape,
        };
        let shares = counts.iter().map(|count| Fixed::power_of_two(-(count.trailing_zeros() as i32)));
        let shares = g.constant(&own, shares.collect())?;
        return g.mul(x, shares);
    }
    g.float(x, Float::Div(counts.into_iter().map(|count| count as f32).collect()))
}
