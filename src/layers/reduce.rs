//! `sum` and `max` over axes, exact.

use super::attributes::{attributes, axis, one, tensors};
use super::{Layer, Make};
use crate::error::Result;
use crate::network;
use crate::registry::Entry;
use crate::tensor::{Builder, Id, Reduction};
use serde::Deserialize;

/// The sum.
pub const SUM: Entry<Make> = Entry { name: "sum", doc: "the sum over an axis, exact", make: make_sum };
/// The maximum.
pub const MAX: Entry<Make> = Entry { name: "max", doc: "the maximum over an axis", make: make_max };

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

struct Reduce {
    kind: Reduction,
    axes: Vec<i64>,
    keep: bool,
}

fn make_sum(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    make(layer, Reduction::Sum)
}

fn make_max(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    make(layer, Reduction::Max)
}

fn make(layer: &network::Layer, kind: Reduction) -> Result<Box<dyn Layer>> {
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
        // From the last, so that the others keep their places.
        let y = axes.iter().rev().try_fold(x, |x, axis| g.reduce(x, self.kind, *axis))?;
        axes.iter().for_each(|axis| shape[*axis] = 1);
        if self.keep { g.reshape(y, &shape) } else { Ok(y) }
    }
}
