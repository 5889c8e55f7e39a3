//! `scale_shift`: `y = x * scale + shift`, exact, over the last axis: a batch normalisation whose factors are quantized.
//!
//! With a `product_format` each product is cast before the shift, as in hls4ml's `normalize`.

use super::attributes::{attributes, one, required, tensors};
use super::product::quantized;
use super::{Layer, Make};
use crate::error::{At, Error, Result};
use crate::fixed::{Fixed, Quantization};
use crate::network::{self, Tensor};
use crate::quantizers::Role;
use crate::registry::Entry;
use crate::tensor::{Builder, Id, Made, Parameter};
use serde::Deserialize;

/// The entry.
pub const LAYER: Entry<Make> = Entry { name: "scale_shift", doc: "x * scale + shift, exact, over the last axis", make };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    scale_quantizer: Option<String>,
    shift_quantizer: Option<String>,
    product_format: Option<String>,
}

/// An exact tensor, and which parameter it is.
struct Exact {
    shape: Vec<usize>,
    values: Vec<Fixed>,
    parameter: Parameter,
}

struct ScaleShift {
    scale: Exact,
    shift: Option<Exact>,
    product: Option<Quantization>,
}

fn make(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    let Attributes { scale_quantizer, shift_quantizer, product_format } = attributes(layer)?;
    let mut found = tensors(layer, &["scale"], &["shift"])?.into_iter();
    let scale = exact("scale", required(found.next().flatten())?, scale_quantizer).at("`scale`")?;
    let shift = found.next().flatten().map(|shift| exact("shift", shift, shift_quantizer)).transpose().at("`shift`")?;
    let product = product_format.as_deref().map(str::parse).transpose()?;
    Ok(Box::new(ScaleShift { scale, shift, product }))
}

fn exact(name: &str, tensor: Tensor, quantizer: Option<String>) -> Result<Exact> {
    let codes = quantized(&tensor, quantizer.as_deref(), Role::Other)?;
    match codes.scale == [1.0] {
        true => {
            let parameter = Parameter { tensor: name.into(), quantizer, kernel: false };
            Ok(Exact { shape: tensor.shape, values: codes.codes, parameter })
        }
        false => {
            let what = "its quantizer has a scale that is no power of two";
            Err(Error::user(what, "use a quantizer with alpha=1 or 'auto_po2'"))
        }
    }
}

impl Exact {
    fn expand(&self, g: &mut Builder) -> Result<Id> {
        let id = g.constant(&self.shape, self.values.clone())?;
        // Without a quantizer training would leave the grid: such constants stay as they are.
        if self.parameter.quantizer.is_some() {
            g.source(id, Made::Values(self.parameter.clone()), || (0..self.values.len() as u32).collect());
        }
        Ok(id)
    }
}

impl Layer for ScaleShift {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        let scale = self.scale.expand(g)?;
        let mut y = g.mul(x, scale)?;
        if let Some(format) = self.product {
            y = g.quantize(y, vec![format])?;
        }
        let Some(shift) = &self.shift else { return Ok(y) };
        let shift = shift.expand(g)?;
        g.add(y, shift)
    }
}
