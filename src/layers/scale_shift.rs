//! `scale_shift`: `y = x * scale + shift`, exact: a batch normalisation in fixed-point numbers (hls4ml's `normalize`).
//!
//! `scale` and `shift` have one value per element of the last axis, or broadcast in another way.

use super::attributes::{attributes, one, required, tensors};
use super::{Layer, Make};
use crate::error::{At, Error, Result};
use crate::fixed::{Fixed, Quantization};
use crate::network::{self, Tensor};
use crate::quantizers::{self, Role};
use crate::registry::Entry;
use crate::tensor::{Builder, Id};
use serde::Deserialize;

/// The entry.
pub const LAYER: Entry<Make> = Entry { name: "scale_shift", doc: "y = x * scale + shift, exact", make };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    scale_quantizer: Option<String>,
    shift_quantizer: Option<String>,
    product_format: Option<String>,
}

struct ScaleShift {
    scale: Constant,
    shift: Option<Constant>,
    product: Option<Quantization>,
}

struct Constant {
    shape: Vec<usize>,
    values: Vec<Fixed>,
}

fn make(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    let attributes: Attributes = attributes(layer)?;
    let mut found = tensors(layer, &["scale"], &["shift"])?.into_iter();
    let scale = constant(required(found.next().flatten())?, attributes.scale_quantizer.as_deref()).at("`scale`")?;
    let shift = found.next().flatten().map(|shift| constant(shift, attributes.shift_quantizer.as_deref()));
    let product = attributes.product_format.map(|text| text.parse().at("`product_format`")).transpose()?;
    Ok(Box::new(ScaleShift { scale, shift: shift.transpose().at("`shift`")?, product }))
}

/// The numbers, quantized exactly.
fn constant(tensor: Tensor, quantizer: Option<&str>) -> Result<Constant> {
    let values = match quantizer {
        Some(text) => {
            let codes = quantizers::parse(text)?.parameter(&tensor, Role::Other).at(format!("`{text}`"))?;
            if codes.scale != [1.0] {
                let help = "use a fixed-point format, or a quantizer with alpha=1";
                return Err(Error::user(format!("`{text}` has a scale that is no power of two"), help));
            }
            codes.codes
        }
        None => {
            let wrong = || Error::user("a value is NaN or infinite", "train the network again, or repair the file");
            tensor.data.iter().map(|value| Fixed::from_f64(*value)).collect::<Option<_>>().ok_or_else(wrong)?
        }
    };
    Ok(Constant { shape: tensor.shape, values })
}

impl Layer for ScaleShift {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let scale = g.constant(&self.scale.shape, self.scale.values.clone())?;
        let mut y = g.mul(one(x)?, scale)?;
        if let Some(product) = self.product {
            y = g.quantize(y, vec![product])?;
        }
        let Some(shift) = &self.shift else { return Ok(y) };
        let shift = g.constant(&shift.shape, shift.values.clone())?;
        g.add(y, shift)
    }
}
