//! `result_format`, an attribute of every kind of layer: the fixed-point format that its result is brought to.
//!
//! hls4ml's layers each have a type of their result; what the layer computes is cast to it, with its rounding and overflow.

use super::{LAYERS, Layer};
use crate::error::{At, Error, Result};
use crate::fixed::Quantization;
use crate::network;
use crate::registry::find;
use crate::tensor::{Builder, Id};

/// The attribute.
pub const ATTRIBUTE: &str = "result_format";

/// A layer whose result is cast.
struct Cast {
    layer: Box<dyn Layer>,
    format: Quantization,
}

/// Makes a layer of any kind.
///
/// # Errors
/// There is no such kind; its attributes and tensors do not suit it; or `result_format` is no fixed-point format.
pub fn make(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    let entry = find("layer", LAYERS, &layer.kind)?;
    let Some(format) = layer.attributes.get(ATTRIBUTE) else { return (entry.make)(layer) };
    let wrong =
        || Error::user(format!("is {format}"), "write a format, such as \"fixed<16,6,RND,SAT>\"").at("`result_format`");
    let format = format.as_str().ok_or_else(wrong)?.parse().at("`result_format`")?;
    let mut plain = layer.clone();
    plain.attributes.remove(ATTRIBUTE);
    Ok(Box::new(Cast { layer: (entry.make)(&plain)?, format }))
}

impl Layer for Cast {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let y = self.layer.expand(g, x)?;
        g.quantize(y, vec![self.format])
    }
}
