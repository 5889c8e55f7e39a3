//! `softmax`: normalised exponentials over an axis; `y_i = exp(x_i) / sum_j exp(x_j)`.
//!
//! Without `implementation` it is float32 and ends a network. With one it is hardware, as hls4ml's C++ computes it
//! (`nnet_activation.h`, 1.x), and needs `format`, that of the result:
//!
//! - `latency`: `exp_i = E(x_i)`, `y_i = exp_i * I(sum_j exp_j)`; tables `E` and `I` are addressed by the top bits of their
//!   operands, which are in `input_format` and `inv_input_format`.
//! - `stable`: the same with `E(x_max - x_i)` of `exp(-d)`, the difference cast to `norm_format`.
//! - `legacy`: `y_i = I(1 + sum over j != i of E(x_j - x_i))`, all in `table_format`; `E` over -8..8, `I` over 0..64.
//! - `argmax`: 1 for the first greatest element, 0 for the others.
//!
//! Table sizes are `exp_table_size` and `inv_table_size` (1024, or fewer where the operand has fewer bits); `exp_format`,
//! `inv_format`, `inv_input_format` and `accumulator_format` are `fixed<18,8,RND,SAT>` by default, as in hls4ml; exponents are
//! scaled by `exp_scale`. Partial sums are cast to `accumulator_format`, in hls4ml's order.

use super::argmax::one_hot;
use super::attributes::{attributes, axis, one, tensors};
use super::hls4ml::{Index, Order, assign, by_top_bits, cast, centred, declared, exp, format, lookup, sum};
use super::{Layer, Make};
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Format, Quantization};
use crate::network;
use crate::registry::Entry;
use crate::tensor::{Builder, Float, Id, Reduction};
use serde::Deserialize;

/// Probabilities.
pub const LAYER: Entry<Make> = Entry {
    name: "softmax",
    doc: "normalised exponentials: float at the end of a network, or hls4ml's hardware",
    make,
};

const TABLE: &str = "fixed<18,8,RND,SAT>";
const IMPLEMENTATIONS: [&str; 4] = ["latency", "stable", "legacy", "argmax"];

/// Attributes, all optional.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Softmax {
    axis: Option<i64>,
    implementation: Option<String>,
    format: Option<String>,
    input_format: Option<String>,
    exp_format: Option<String>,
    exp_table_size: Option<u32>,
    exp_scale: Option<f32>,
    inv_format: Option<String>,
    inv_table_size: Option<u32>,
    inv_input_format: Option<String>,
    accumulator_format: Option<String>,
    norm_format: Option<String>,
    table_format: Option<String>,
}

fn make(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    tensors(layer, &[], &[])?;
    let softmax: Softmax = attributes(layer)?;
    match softmax.implementation.as_deref() {
        Some(name) if !IMPLEMENTATIONS.contains(&name) => {
            let what = format!("no implementation of a softmax is called `{name}`");
            Err(Error::user(what, format!("known: {}", IMPLEMENTATIONS.join(", "))))
        }
        Some(_) if softmax.format.is_none() => {
            Err(Error::user("`format` is missing", "a softmax in hardware needs the format of its result"))
        }
        _ => Ok(Box::new(softmax)),
    }
}

impl Layer for Softmax {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        let shape = g.shape(x).to_vec();
        let axis = axis(self.axis.unwrap_or(-1), shape.len())?;
        if self.implementation.is_some() {
            let moved = swap_last(g, x, axis)?;
            let y = self.hardware(g, moved)?;
            return swap_last(g, y, axis);
        }
        if axis + 1 != shape.len() {
            return Err(Error::user("a softmax is over the last axis only", "transpose its input"));
        }
        g.float(x, Float::Softmax)
    }
}

/// What `--head softmax` builds over the last axis: `stable` with tables of up to 4096 entries and formats in which nothing
/// overflows. Exponentials are at most 1 and have 17 fraction bits; their sum is at least 1.
///
/// # Errors
/// As the layer's.
pub fn stable(g: &mut Builder, x: Id, to: &Quantization) -> Result<Id> {
    let count = g.shape(x).last().copied().unwrap_or(1) as u32;
    let (x, own) = declared(g, x, None)?;
    let carries = 1 + count.next_power_of_two().trailing_zeros();
    let sums = format!("ufixed<{},{carries},RND,SAT>", 17 + carries);
    let softmax = Softmax {
        implementation: Some("stable".into()),
        format: Some(to.to_string()),
        exp_format: Some("ufixed<18,1,RND,SAT>".into()),
        exp_table_size: Some(1 << own.width.min(12)),
        inv_format: Some("ufixed<18,1,RND,SAT>".into()),
        inv_table_size: Some(4096),
        inv_input_format: Some(sums.clone()),
        accumulator_format: Some(sums),
        norm_format: Some(Quantization::plain(Format { signed: false, ..own }).to_string()),
        ..Softmax::default()
    };
    softmax.hardware(g, x)
}

impl Softmax {
    fn hardware(&self, g: &mut Builder, x: Id) -> Result<Id> {
        let to = format(self.format.as_deref(), TABLE)?;
        let (x, own) = declared(g, x, self.input_format.as_deref())?;
        match self.implementation.as_deref() {
            Some("legacy") => self.legacy(g, x, &to),
            Some("argmax") => {
                let y = one_hot(g, x)?;
                cast(g, y, &to)
            }
            Some("latency") => {
                let size = self.exp_table_size.unwrap_or(self.default_size(own)?);
                self.normalised(g, x, (own, 1.0), size, &to)
            }
            _ => {
                let shape = g.shape(x).to_vec();
                let greatest = g.reduce(x, Reduction::Max, shape.len() - 1)?;
                let mut one = shape.clone();
                one[shape.len() - 1] = 1;
                let greatest = g.reshape(greatest, &one)?;
                let minus_one = g.constant(&[], vec![Fixed::new(-1, 0)])?;
                let negative = g.mul(x, minus_one)?;
                let distance = g.add(greatest, negative)?;
                let norm = match &self.norm_format {
                    Some(text) => text.parse()?,
                    // The input's bits without its sign.
                    None => {
                        Quantization::plain(Format { signed: false, width: own.width - u32::from(own.signed), ..own })
                    }
                };
                let distance = cast(g, distance, &norm)?;
                let size = self.default_size(own)?.min(1 << norm.format.width.min(16));
                let size = self.exp_table_size.unwrap_or(size);
                self.normalised(g, distance, (norm.format, -1.0), size, &to)
            }
        }
    }

    /// hls4ml's size of both tables where none is given: 1024, or fewer if an operand has fewer bits.
    fn default_size(&self, input: Format) -> Result<u32> {
        let inv = format(self.inv_format.as_deref(), TABLE)?;
        Ok(self.inv_table_size.unwrap_or(1 << input.width.min(inv.format.width).min(10)))
    }

    /// Exponentials of `sign * x`, times the inverse of their sum.
    fn normalised(
        &self,
        g: &mut Builder,
        x: Id,
        (own, sign): (Format, f32),
        size: u32,
        to: &Quantization,
    ) -> Result<Id> {
        let exponentials = format(self.exp_format.as_deref(), TABLE)?;
        let accumulator = format(self.accumulator_format.as_deref(), TABLE)?;
        let inverse_input = format(self.inv_input_format.as_deref(), TABLE)?;
        let inverse = format(self.inv_format.as_deref(), TABLE)?;
        let scale = self.exp_scale.unwrap_or(1.0);
        let value = |x: f32| {
            let entry = assign(f64::from(exp(sign * (x * scale))), &exponentials)?;
            assign_exact(entry, &accumulator)
        };
        let table = by_top_bits(g, x, own, size, value)?;
        let total = sum(g, table, &accumulator, Order::Tree)?;
        let total = cast(g, total, &inverse_input)?;
        let size = match self.inv_table_size {
            Some(size) => size,
            None => self.default_size(own)?.min(1 << inverse_input.format.width.min(16)),
        };
        let factor = by_top_bits(g, total, inverse_input.format, size, |x| assign(f64::from(1.0 / x), &inverse))?;
        let y = g.mul(table, factor)?;
        cast(g, y, to)
    }

    fn legacy(&self, g: &mut Builder, x: Id, to: &Quantization) -> Result<Id> {
        let table = format(self.table_format.as_deref(), "fixed<18,8>")?;
        let sizes = (self.exp_table_size.unwrap_or(1024), self.inv_table_size.unwrap_or(1024));
        if ![sizes.0, sizes.1].iter().all(|size| (2..=1 << 16).contains(size)) {
            return Err(Error::user(format!("tables of {sizes:?} entries"), "give 2 to 65536"));
        }
        let exponentials = centred(sizes.0, 8.0, |x| f64::from(exp(x)), &table)?;
        let inverse = |i: u32| match (64.0 * f64::from(i) / f64::from(sizes.1 as f32)) as f32 {
            x if x > 0.0 => assign(1.0 / f64::from(x), &table),
            _ => Ok(Fixed::ZERO),
        };
        let inverses = (0..sizes.1).map(inverse).collect::<Result<Vec<_>>>()?;
        let size = i128::from(sizes.0);
        let index = Index { factor: Fixed::new(size, -4), offset: size / 2, size };
        let (rows, count) = split(g.shape(x));
        let pairs = [rows, count, count];
        // `[row, i, j]` of `x_j - x_i`.
        let along = |g: &mut Builder, pick: fn(usize, usize) -> usize| {
            let element = |e: usize| (0, (e / (count * count) * count + pick(e / count % count, e % count)) as u32);
            g.gather(&[x], &pairs, (0..rows * count * count).map(element).collect())
        };
        let (xi, xj) = (along(g, |i, _| i)?, along(g, |_, j| j)?);
        let minus_one = g.constant(&[], vec![Fixed::new(-1, 0)])?;
        let xi = g.mul(xi, minus_one)?;
        let difference = g.add(xj, xi)?;
        let looked = lookup(g, difference, &index, exponentials)?;
        let unit = g.constant(&[1], vec![assign(1.0, &table)?])?;
        let own = |e: usize| if e / count % count == e % count { (1, 0) } else { (0, e as u32) };
        let terms = g.gather(&[looked, unit], &pairs, (0..rows * count * count).map(own).collect())?;
        let total = sum(g, terms, &table, Order::Sequential)?;
        let index = Index { factor: Fixed::new(i128::from(sizes.1), -6), offset: 0, size: i128::from(sizes.1) };
        let y = lookup(g, total, &index, inverses)?;
        let shape = g.shape(x).to_vec();
        let y = g.reshape(y, &shape)?;
        cast(g, y, to)
    }
}

fn assign_exact(value: Fixed, to: &Quantization) -> Result<Fixed> {
    to.apply(value).ok_or_else(|| Error::user(format!("{value} does not fit {to}"), "use fewer bits"))
}

/// Rows and length of the last axis.
fn split(shape: &[usize]) -> (usize, usize) {
    let count = shape.last().copied().unwrap_or(1);
    (shape.iter().product::<usize>() / count.max(1), count)
}

/// The tensor with an axis and the last one exchanged.
fn swap_last(g: &mut Builder, x: Id, axis: usize) -> Result<Id> {
    let mut shape = g.shape(x).to_vec();
    let last = shape.len() - 1;
    if axis == last {
        return Ok(x);
    }
    let stride = |shape: &[usize], axis: usize| shape[axis + 1..].iter().product::<usize>();
    let (from_axis, from_last) = (stride(&shape, axis), stride(&shape, last));
    shape.swap(axis, last);
    let element = |e: usize| {
        let (a, l) = (e / stride(&shape, axis) % shape[axis], e % shape[last]);
        let rest = e - a * stride(&shape, axis) - l;
        // The other axes keep their places, but strides between the two exchanged ones change.
        let mut source = a * from_last + l * from_axis;
        let mut before = shape.clone();
        before.swap(axis, last);
        for other in (0..last).filter(|other| *other != axis) {
            source += rest / stride(&shape, other) % shape[other] * stride(&before, other);
        }
        (0, source as u32)
    };
    let count = shape.iter().product::<usize>();
    g.gather(&[x], &shape, (0..count).map(element).collect())
}
