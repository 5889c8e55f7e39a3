//! `quantize`: brings its input to a format: a quantizer's call, or formats of each element.
//!
//! Attribute `format`, such as `fixed<8,3,RND,SAT>`; or tensors `signed` (0 or 1), `integer` (bits before the point, without
//! the sign) and `fraction`, each with one value, one per element of the last axis, one each, or of the input's rank with axes
//! of 1 where a format holds for all; and attributes `rounding` (default `TRN`) and `overflow` (default `WRAP`).
//! `signed + integer + fraction <= 0` leaves only 0. With `learned = true` training begins with these formats and finds others. Without `signed` and `integer` there is no overflow: the input is only rounded to
//! `fraction` bits.

use super::activation::activate;
use super::attributes::{attributes, one, required, tensors};
use super::{Layer, Make};
use crate::error::{Error, Result};
use crate::fixed::{Format, Overflow, Quantization, Range, Rounding};
use crate::network::{self, Tensor};
use crate::quantizers;
use crate::registry::Entry;
use crate::tensor::{Builder, Id, pick};
use serde::Deserialize;

/// The entry.
pub const LAYER: Entry<Make> = Entry { name: "quantize", doc: "to a format, or a format of each element", make };

/// Integer bits of a float value that is only rounded; the true range is found when its chain becomes steps.
const WIDE: i32 = 24;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    format: Option<String>,
    rounding: Option<String>,
    overflow: Option<String>,
    #[serde(default)]
    learned: bool,
}

enum Quantize {
    Call(String),
    /// For each element of a shape, which the input's shape extends; and whether they are learned.
    Elements(Vec<Quantization>, Vec<usize>, bool),
    /// Rounds to so many fraction bits, for each element of a shape; nothing overflows.
    Grid(Vec<i32>, Vec<usize>, Rounding),
}

fn make(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    let attributes: Attributes = attributes(layer)?;
    let Some(format) = attributes.format else {
        let (rounding, overflow) = (attributes.rounding.as_deref(), attributes.overflow.as_deref());
        let rounding = rounding.map_or(Ok(Rounding::Trn), str::parse)?;
        let alone = !layer.tensors.contains_key("signed") && !layer.tensors.contains_key("integer");
        if alone && overflow.is_none() && layer.tensors.contains_key("fraction") {
            let fraction = required(tensors(layer, &["fraction"], &[])?.pop().flatten())?;
            let bits = fraction.data.iter().map(|bits| whole(*bits)).collect::<Result<_>>()?;
            return Ok(Box::new(Quantize::Grid(bits, fraction.shape, rounding)));
        }
        let overflow = overflow.map_or(Ok(Overflow::Wrap), str::parse)?;
        let found = tensors(layer, &["signed", "integer", "fraction"], &[])?;
        let found: Vec<Tensor> = found.into_iter().map(required).collect::<Result<_>>()?;
        let shape = found.iter().max_by_key(|tensor| tensor.data.len()).map(|tensor| tensor.shape.clone());
        let elements = elements(&found, rounding, overflow)?;
        return Ok(Box::new(Quantize::Elements(elements, shape.unwrap_or_default(), attributes.learned)));
    };
    tensors(layer, &[], &[])?;
    if attributes.rounding.is_some() || attributes.overflow.is_some() || attributes.learned {
        let help = "write them into the format, as in fixed<8,3,RND,SAT> or learned(4,5,overflow='WRAP')";
        return Err(Error::user("`format` comes with `rounding`, `overflow` or `learned`", help));
    }
    quantizers::parse(&format)?.activation()?;
    Ok(Box::new(Quantize::Call(format)))
}

fn whole(bits: f64) -> Result<i32> {
    let whole = bits.fract() == 0.0 && bits.abs() <= 256.0;
    whole.then_some(bits as i32).ok_or_else(|| {
        let what = format!("`signed`, `integer` or `fraction` has the value {bits}");
        Error::user(what, "give integers between -256 and 256")
    })
}

fn elements(found: &[Tensor], rounding: Rounding, overflow: Overflow) -> Result<Vec<Quantization>> {
    let count = found.iter().map(|tensor| tensor.data.len()).max().unwrap_or(0);
    let at = |tensor: &Tensor, e: usize| whole(*pick(&tensor.data, e, &[count]));
    if count == 0 || found.iter().any(|tensor| ![1, count].contains(&tensor.data.len())) {
        let lengths: Vec<usize> = found.iter().map(|tensor| tensor.data.len()).collect();
        let what = format!("`signed`, `integer` and `fraction` have {lengths:?} values");
        return Err(Error::user(what, "give as many of each, or one for all"));
    }
    let one = |e: usize| {
        let format = Format::kif(at(&found[0], e)? != 0, at(&found[1], e)?, at(&found[2], e)?);
        match format.width <= Format::MAX_WIDTH {
            true => Ok(Quantization { format, rounding, overflow }),
            false => Err(Error::user(
                format!("element {e} has a format of {} bits", format.width),
                format!("formats have at most {} bits", Format::MAX_WIDTH),
            )),
        }
    };
    (0..count).map(one).collect()
}

/// A list for a shape: one for all stays one, one per element of the last axis is repeated, and so are those of a shape of
/// the same rank along its axes of 1.
fn spread<T: Copy>(elements: &[T], own: &[usize], shape: &[usize]) -> Vec<T> {
    let count: usize = shape.iter().product();
    let n = elements.len();
    let extends = own.len() == shape.len() && own.iter().zip(shape).all(|(own, length)| *own == 1 || own == length);
    if n > 1 && n != count && extends && own.iter().product::<usize>() == n {
        let place = |e: usize| {
            let (mut rest, mut stride, mut place) = (e, 1, 0);
            for (own, length) in own.iter().zip(shape).rev() {
                place += (rest % length).min(own - 1) * stride;
                (rest, stride) = (rest / length, stride * own);
            }
            place
        };
        return (0..count).map(|e| elements[place(e)]).collect();
    }
    match n {
        n if n > 1 && n != count && Some(&n) == shape.last() => (0..count).map(|e| *pick(elements, e, shape)).collect(),
        _ => elements.to_vec(),
    }
}

/// A format for each element of a value in which it does not overflow; that of a float is wide.
fn unbounded(g: &Builder, x: Id, fractions: &[i32], rounding: Rounding) -> Result<Vec<Quantization>> {
    let ranges = &g.graph().node(x).ranges;
    let count = if ranges.is_empty() { fractions.len() } else { ranges.len() };
    let one = |e: usize| {
        let fraction = *pick(fractions, e, &[count]);
        let wide = Format::kif(true, WIDE, fraction);
        let Some(range) = ranges.get(e) else {
            return Quantization { format: wide, rounding, overflow: Overflow::Sat };
        };
        let fine = range.at(range.exp.min(-fraction)).unwrap_or(*range);
        let drop = (-fraction).saturating_sub(fine.exp).max(0) as u32;
        let rounded = Range::new(rounding.apply(fine.lo, drop), rounding.apply(fine.hi, drop), fine.exp + drop as i32);
        Quantization { format: Format { lsb: -fraction, ..Format::of(&rounded) }, rounding, overflow: Overflow::Wrap }
    };
    if ![1, count].contains(&fractions.len()) {
        let what = format!("`fraction` has {} values for {count} elements", fractions.len());
        return Err(Error::user(what, "give one for each element, or one for all"));
    }
    Ok((0..count).map(one).collect())
}

impl Layer for Quantize {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        match self {
            Quantize::Call(text) => {
                let y = activate(g, x, text)?;
                if let Some(learned) = quantizers::parse(text)?.learned() {
                    let shape = learned.group.shape(g.shape(y));
                    let first = vec![learned.quantization().format; shape.iter().product()];
                    let ranges = &g.graph().node(x).ranges;
                    let negative = |e: usize| ranges.get(e).is_none_or(|range| range.lo < 0);
                    let signed = (0..g.graph().node(y).len()).map(negative).collect();
                    g.learned(y, shape, first, signed);
                }
                Ok(y)
            }
            Quantize::Elements(elements, own, learned) => {
                let all = spread(elements, own, g.shape(x));
                let y = g.quantize(x, all.clone())?;
                if *learned {
                    let shape = if elements.len() == 1 { Vec::new() } else { own.clone() };
                    let first = elements.iter().map(|element| element.format).collect();
                    // Integer bits that follow the data do so for what the data may be.
                    let ranges = &g.graph().node(x).ranges;
                    let negative = |e: usize| ranges.get(e).is_none_or(|range| range.lo < 0);
                    let wraps = all.iter().all(|element| element.overflow == Overflow::Wrap);
                    let sign = |e: usize| if wraps { negative(e) } else { pick(&all, e, g.shape(y)).format.signed };
                    let signed = (0..g.graph().node(y).len()).map(sign).collect();
                    g.learned(y, shape, first, signed);
                }
                Ok(y)
            }
            Quantize::Grid(fractions, own, rounding) => {
                let fractions = spread(fractions, own, g.shape(x));
                let elements = unbounded(g, x, &fractions, *rounding)?;
                g.quantize(x, elements)
            }
        }
    }

    fn port(&self, shape: &[usize]) -> Result<Option<Vec<Quantization>>> {
        match self {
            Quantize::Call(text) => Ok(quantizers::parse(text)?.activation()?.port().map(|format| vec![format])),
            Quantize::Elements(elements, own, _) => Ok(Some(spread(elements, own, shape))),
            Quantize::Grid(..) => Ok(None),
        }
    }
}
