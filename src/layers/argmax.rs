//! `argmax` and `top_k`: which elements of an axis are greatest; the first wins where several are equal.
//!
//! `argmax`: attributes `axis` (default the last) and `keep_dims`; the result is an index. `top_k`: attributes `k`, `axis` and
//! `output`, `"values"` or `"indices"`, greatest first (as TensorFlow's and ONNX' TopK).
//!
//! In gates a comparison tree: each element carries its place from the end as low bits, `key = x * 2^n + (last - i)`, so that
//! the greatest key is the first of the greatest elements, and its low bits say which.

use super::attributes::{attributes, axis, one, tensors};
use super::{Layer, Make};
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Format, Quantization, Range};
use crate::network;
use crate::registry::Entry;
use crate::tensor::{Builder, Id, Reduction, Staircase};
use serde::Deserialize;

/// The index of the greatest.
pub const ARGMAX: Entry<Make> =
    Entry { name: "argmax", doc: "the index of an axis' greatest element, the first of equal ones", make: make_argmax };
/// The greatest few.
pub const TOP_K: Entry<Make> =
    Entry { name: "top_k", doc: "values or indices of an axis' k greatest elements, greatest first", make: make_top_k };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Argmax {
    axis: Option<i64>,
    #[serde(default)]
    keep_dims: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TopK {
    axis: Option<i64>,
    k: usize,
    output: Option<String>,
}

fn make_argmax(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    tensors(layer, &[], &[])?;
    Ok(Box::new(attributes::<Argmax>(layer)?))
}

fn make_top_k(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    tensors(layer, &[], &[])?;
    let top: TopK = attributes(layer)?;
    if top.output.as_ref().is_some_and(|output| !["values", "indices"].contains(&output.as_str())) {
        return Err(Error::user("`output` is neither \"values\" nor \"indices\"", "choose one of them"));
    }
    Ok(Box::new(top))
}

impl Layer for Argmax {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        let mut shape = g.shape(x).to_vec();
        let axis = axis(self.axis.unwrap_or(-1), shape.len())?;
        let y = argmax(g, x, axis)?;
        shape[axis] = 1;
        if self.keep_dims { g.reshape(y, &shape) } else { Ok(y) }
    }
}

impl Layer for TopK {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        let mut shape = g.shape(x).to_vec();
        let axis = axis(self.axis.unwrap_or(-1), shape.len())?;
        let length = shape[axis];
        if self.k == 0 || self.k > length || self.k * length > 1 << 16 {
            return Err(Error::user(
                format!("`k` is {}, of {length} elements", self.k),
                "give 1 up to the axis' length",
            ));
        }
        let keys = Keys::new(g, x, axis)?;
        let mut best: Vec<Id> = Vec::new();
        for place in 0..length {
            // An insertion: each greater one stays, the lesser moves on.
            let mut next = slice(g, keys.id, axis, place)?;
            for kept in &mut best {
                let greater = g.max(*kept, next)?;
                next = g.min(*kept, next)?;
                *kept = greater;
            }
            if best.len() < self.k {
                best.push(next);
            }
        }
        shape[axis] = 1;
        let indices = self.output.as_deref() == Some("indices");
        let read = |key: &Id| if indices { keys.index(g, *key) } else { keys.value(g, *key) };
        let read: Vec<Id> = best.iter().map(read).collect::<Result<_>>()?;
        join(g, &read, &shape, axis)
    }
}

/// The index of the greatest along an axis, which is gone afterwards.
pub fn argmax(g: &mut Builder, x: Id, axis: usize) -> Result<Id> {
    let keys = Keys::new(g, x, axis)?;
    let best = g.reduce(keys.id, Reduction::Max, axis)?;
    keys.index(g, best)
}

/// 1 where the greatest is, 0 elsewhere; over the last axis.
pub fn one_hot(g: &mut Builder, x: Id) -> Result<Id> {
    let mut shape = g.shape(x).to_vec();
    let axis = shape.len().saturating_sub(1);
    let keys = Keys::new(g, x, axis)?;
    let best = g.reduce(keys.id, Reduction::Max, axis)?;
    shape[axis] = 1;
    let best = g.reshape(best, &shape)?;
    let minus_one = g.constant(&[], vec![Fixed::new(-1, 0)])?;
    let best = g.mul(best, minus_one)?;
    let behind = g.add(keys.id, best)?;
    g.steps(behind, vec![Staircase { first: Fixed::ZERO, steps: vec![(Fixed::ZERO, Fixed::ONE)] }])
}

/// Elements with their places.
struct Keys {
    id: Id,
    /// The exponent of the elements' finest grid.
    exp: i32,
    /// Bits of a place.
    bits: u32,
    last: i128,
}

impl Keys {
    fn new(g: &mut Builder, x: Id, axis: usize) -> Result<Keys> {
        let x = g.exact(x)?;
        let shape = g.shape(x).to_vec();
        let Some(length) = shape.get(axis).copied().filter(|length| *length > 0) else {
            return Err(Error::user("there is nothing to compare", "give the layer an axis with elements"));
        };
        let last = length as i128 - 1;
        let bits = 128 - last.leading_zeros();
        let ranges = &g.graph().node(x).ranges;
        let exp = ranges.iter().filter(|r| r.lo != 0 || r.hi != 0).map(|range| range.exp).min().unwrap_or(0);
        let up = g.constant(&[], vec![Fixed::power_of_two(bits as i32 - exp)])?;
        let inner = shape[axis + 1..].iter().product::<usize>();
        let place = |e: usize| Fixed::new(last - (e / inner % length) as i128, 0);
        let places = g.constant(&shape, (0..shape.iter().product()).map(place).collect())?;
        let high = g.mul(x, up)?;
        Ok(Keys { id: g.add(high, places)?, exp, bits, last })
    }

    /// The place that a key carries.
    fn index(&self, g: &mut Builder, key: Id) -> Result<Id> {
        let low = Quantization::plain(Format { signed: false, width: self.bits, lsb: 0 });
        let place = g.quantize(key, vec![low])?;
        let (minus_one, last) =
            (g.constant(&[], vec![Fixed::new(-1, 0)])?, g.constant(&[], vec![Fixed::new(self.last, 0)])?);
        let place = g.mul(place, minus_one)?;
        g.add(place, last)
    }

    /// The element itself.
    fn value(&self, g: &mut Builder, key: Id) -> Result<Id> {
        let down = g.constant(&[], vec![Fixed::power_of_two(self.exp - self.bits as i32)])?;
        let scaled = g.mul(key, down)?;
        let ranges = g.graph().node(scaled).ranges.clone();
        let floor = |range: &Range| {
            let drop = (self.exp - range.exp).max(0) as u32;
            let whole = Range { lo: range.lo >> drop.min(126), hi: range.hi >> drop.min(126), exp: self.exp };
            Quantization::plain(Format::of(&whole))
        };
        g.quantize(scaled, ranges.iter().map(floor).collect())
    }
}

/// One place of an axis, which stays with length 1.
fn slice(g: &mut Builder, x: Id, axis: usize, place: usize) -> Result<Id> {
    let mut shape = g.shape(x).to_vec();
    let (length, inner) = (shape[axis], shape[axis + 1..].iter().product::<usize>());
    shape[axis] = 1;
    let count = shape.iter().product::<usize>();
    let from = |e: usize| ((e / inner * length + place) * inner + e % inner) as u32;
    g.gather(&[x], &shape, (0..count).map(|e| (0, from(e))).collect())
}

/// Parts of length 1 one after another along an axis.
fn join(g: &mut Builder, parts: &[Id], shape: &[usize], axis: usize) -> Result<Id> {
    let mut whole = shape.to_vec();
    whole[axis] = parts.len();
    let inner = shape[axis + 1..].iter().product::<usize>();
    let from = |e: usize| {
        let part = e / inner % parts.len();
        (part as u32, (e / inner / parts.len() * inner + e % inner) as u32)
    };
    let count = whole.iter().product::<usize>();
    g.gather(parts, &whole, (0..count).map(from).collect())
}
