//! `quantize`: brings its input to a format: a quantizer's call, or formats of each element.
//!
//! Attribute `format`, such as `fixed<8,3,RND,SAT>`; or tensors `signed` (0 or 1), `integer` (bits before the point, without
//! the sign) and `fraction`, each with one value, one per element of the last axis, or one each, and attributes `rounding`
//! (default `TRN`) and `overflow` (default `WRAP`). `signed + integer + fraction <= 0` leaves only 0.

use super::activation::activate;
use super::attributes::{attributes, one, required, tensors};
use super::{Layer, Make};
use crate::error::{Error, Result};
use crate::fixed::{Format, Overflow, Quantization, Rounding};
use crate::network::{self, Tensor};
use crate::quantizers;
use crate::registry::Entry;
use crate::tensor::{Builder, Id, pick};
use serde::Deserialize;

/// The entry.
pub const LAYER: Entry<Make> = Entry { name: "quantize", doc: "to a format, or a format of each element", make };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    format: Option<String>,
    rounding: Option<String>,
    overflow: Option<String>,
}

enum Quantize {
    Call(String),
    /// As many as the longest of the tensors.
    Elements(Vec<Quantization>),
}

fn make(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    let attributes: Attributes = attributes(layer)?;
    let Some(format) = attributes.format else {
        let (rounding, overflow) = (attributes.rounding.as_deref(), attributes.overflow.as_deref());
        let rounding = rounding.map_or(Ok(Rounding::Trn), str::parse)?;
        let overflow = overflow.map_or(Ok(Overflow::Wrap), str::parse)?;
        let found = tensors(layer, &["signed", "integer", "fraction"], &[])?;
        let found: Vec<Tensor> = found.into_iter().map(required).collect::<Result<_>>()?;
        return Ok(Box::new(Quantize::Elements(elements(&found, rounding, overflow)?)));
    };
    tensors(layer, &[], &[])?;
    if attributes.rounding.is_some() || attributes.overflow.is_some() {
        let help = "write them into the format, as in fixed<8,3,RND,SAT>";
        return Err(Error::user("`format` comes with `rounding` or `overflow`", help));
    }
    quantizers::parse(&format)?.activation()?;
    Ok(Box::new(Quantize::Call(format)))
}

fn elements(found: &[Tensor], rounding: Rounding, overflow: Overflow) -> Result<Vec<Quantization>> {
    let count = found.iter().map(|tensor| tensor.data.len()).max().unwrap_or(0);
    let at = |tensor: &Tensor, e: usize| {
        let value = *pick(&tensor.data, e, &[count]);
        let integer = value.fract() == 0.0 && value.abs() <= 256.0;
        integer.then_some(value as i32).ok_or_else(|| {
            let what = format!("`signed`, `integer` or `fraction` has the value {value}");
            Error::user(what, "give integers between -256 and 256")
        })
    };
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

/// A list for a shape: one for all stays one, one per element of the last axis is repeated.
fn spread(elements: &[Quantization], shape: &[usize]) -> Vec<Quantization> {
    let count: usize = shape.iter().product();
    match elements.len() {
        n if n > 1 && n != count && Some(&n) == shape.last() => (0..count).map(|e| *pick(elements, e, shape)).collect(),
        _ => elements.to_vec(),
    }
}

impl Layer for Quantize {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        match self {
            Quantize::Call(text) => activate(g, x, text),
            Quantize::Elements(elements) => {
                let elements = spread(elements, g.shape(x));
                g.quantize(x, elements)
            }
        }
    }

    fn port(&self, shape: &[usize]) -> Result<Option<Vec<Quantization>>> {
        match self {
            Quantize::Call(text) => Ok(quantizers::parse(text)?.activation()?.port().map(|format| vec![format])),
            Quantize::Elements(elements) => Ok(Some(spread(elements, shape))),
        }
    }
}
