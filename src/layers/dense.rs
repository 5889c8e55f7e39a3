//! `dense`: `y = activation(x W + b)`, over the last axis.

use super::attributes::{attributes, one};
pub use super::product::{Product, Weights};
use super::{Layer, Make};
use crate::error::{Error, Result};
use crate::network;
use crate::registry::Entry;
use crate::tensor::{Builder, Id};
use serde::Deserialize;

/// The entry.
pub const LAYER: Entry<Make> = Entry { name: "dense", doc: "y = activation(x W + b), over the last axis", make };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    units: Option<usize>,
    kernel_quantizer: Option<String>,
    bias_quantizer: Option<String>,
    activation: Option<String>,
    product_format: Option<String>,
    accumulator_format: Option<String>,
}

struct Dense {
    product: Product,
}

fn make(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    let Attributes { units, kernel_quantizer, bias_quantizer, activation, product_format, accumulator_format } =
        attributes(layer)?;
    let weights = Weights { kernel_quantizer, bias_quantizer, activation, product_format, accumulator_format };
    let product = Product::new(layer, weights, 2)?;
    match units {
        Some(units) if units != product.outputs() => Err(Error::user(
            format!("`units` is {units}, and the kernel has shape {:?}", product.kernel_shape()),
            "the kernel's shape is [inputs, units]",
        )),
        _ => Ok(Box::new(Dense { product })),
    }
}

impl Layer for Dense {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        self.product.expand(g, one(x)?)
    }
}
