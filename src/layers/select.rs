//! `slice`, `gather`, `reverse` and `repeat`: some elements of a tensor, or all of them elsewhere.

use super::attributes::{attributes, axis, one, tensors};
use super::pad::take;
use super::{Layer, Make};
use crate::error::{Error, Result};
use crate::network;
use crate::registry::Entry;
use crate::tensor::{Builder, Id};
use serde::Deserialize;

/// Ranges of each axis.
pub const SLICE: Entry<Make> =
    Entry { name: "slice", doc: "`starts`, `ends` and `steps` of each axis, as in Python", make: made::<Slice> };
/// Chosen elements of an axis.
pub const GATHER: Entry<Make> = Entry { name: "gather", doc: "chosen elements of an axis", make: made::<Gather> };
/// An axis turned round.
pub const REVERSE: Entry<Make> = Entry { name: "reverse", doc: "axes in the opposite order", make: made::<Reverse> };
/// The same vector many times.
pub const REPEAT: Entry<Make> =
    Entry { name: "repeat", doc: "the same tensor `count` times, along a new first axis", make: made::<Repeat> };

/// One number, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Numbers {
    One(i64),
    Many(Vec<i64>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Slice {
    starts: Vec<Option<i64>>,
    ends: Vec<Option<i64>>,
    steps: Option<Vec<i64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Gather {
    indices: Numbers,
    #[serde(default = "last")]
    axis: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reverse {
    axis: Numbers,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Repeat {
    count: usize,
}

fn last() -> i64 {
    -1
}

fn made<T: serde::de::DeserializeOwned + Layer + 'static>(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    tensors(layer, &[], &[])?;
    Ok(Box::new(attributes::<T>(layer)?))
}

/// Every index of every axis.
fn whole(shape: &[usize]) -> Vec<Vec<usize>> {
    shape.iter().map(|length| (0..*length).collect()).collect()
}

impl Layer for Slice {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        let shape = g.shape(x).to_vec();
        let steps = self.steps.clone().unwrap_or_else(|| vec![1; self.starts.len()]);
        if self.starts.len() > shape.len() || [self.ends.len(), steps.len()] != [self.starts.len(); 2] {
            let what = format!("`starts`, `ends` and `steps` do not suit an input of {} axes", shape.len());
            return Err(Error::user(what, "give one of each for each axis, from the first; null is the whole"));
        }
        let mut axes = whole(&shape);
        for (axis, step) in steps.iter().enumerate() {
            axes[axis] = indices(shape[axis] as i64, self.starts[axis], self.ends[axis], *step)?;
        }
        take(g, x, &axes)
    }
}

/// The indices of Python's `start:end:step`.
fn indices(length: i64, start: Option<i64>, end: Option<i64>, step: i64) -> Result<Vec<usize>> {
    let back = step < 0;
    let place = |index: i64| if index < 0 { index.saturating_add(length) } else { index };
    let clamp = |index: i64| if back { place(index).clamp(-1, length - 1) } else { place(index).clamp(0, length) };
    let (start, end) = match back {
        false => (start.map_or(0, clamp), end.map_or(length, clamp)),
        true => (start.map_or(length - 1, clamp), end.map_or(-1, clamp)),
    };
    let next = |index: &i64| index.checked_add(step);
    let inside = |index: &i64| if back { *index > end } else { *index < end };
    let found: Vec<usize> = match step {
        0 => Vec::new(),
        _ => std::iter::successors(Some(start), next).take_while(inside).map(|index| index as usize).collect(),
    };
    match found.is_empty() {
        true => Err(Error::user(format!("a slice of an axis of {length} is empty"), "correct starts, ends and steps")),
        false => Ok(found),
    }
}

impl Layer for Gather {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        let mut shape = g.shape(x).to_vec();
        let along = axis(self.axis, shape.len())?;
        let (indices, single) = match &self.indices {
            Numbers::One(index) => (vec![*index], true),
            Numbers::Many(indices) => (indices.clone(), false),
        };
        let index = |i: &i64| {
            let found = usize::try_from(if *i < 0 { i + shape[along] as i64 } else { *i }).ok();
            let found = found.filter(|i| *i < shape[along]);
            let what = || format!("there is no element {i} in an axis of {}", shape[along]);
            found.ok_or_else(|| Error::user(what(), "indices count from 0, or from -1, the last"))
        };
        let mut axes = whole(&shape);
        axes[along] = indices.iter().map(index).collect::<Result<_>>()?;
        let y = take(g, x, &axes)?;
        if !single {
            return Ok(y);
        }
        shape.remove(along);
        g.reshape(y, &shape)
    }
}

impl Layer for Reverse {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        let shape = g.shape(x).to_vec();
        let mut axes = whole(&shape);
        let turned = match &self.axis {
            Numbers::One(axis) => std::slice::from_ref(axis),
            Numbers::Many(axes) => axes,
        };
        for turned in turned {
            axes[axis(*turned, shape.len())?].reverse();
        }
        take(g, x, &axes)
    }
}

impl Layer for Repeat {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        let count = g.graph().node(x).len();
        let mut shape = vec![self.count];
        shape.extend(g.shape(x));
        g.room(network::elements(&shape)?)?;
        g.gather(&[x], &shape, (0..self.count * count).map(|e| (0, (e % count) as u32)).collect())
    }
}
