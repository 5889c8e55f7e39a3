//! `prelu`: `y = x` above 0 and `alpha * x` below; `alpha` is a tensor that broadcasts to the input's shape.
//!
//! Exact where every slope is 0 or plus or minus a power of two; float32 elsewhere (Keras' `PReLU` rounds the product once).

use super::attributes::{attributes, floats, one, required, tensors};
use super::{Layer, Make};
use crate::error::{Error, Result};
use crate::network;
use crate::registry::Entry;
use crate::tensor::{Builder, Id, broadcast, broadcast_map};
use serde::Deserialize;

/// The entry.
pub const LAYER: Entry<Make> = Entry { name: "prelu", doc: "x above 0, alpha * x below, a slope per element", make };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

struct Prelu {
    shape: Vec<usize>,
    alpha: Vec<f32>,
}

fn make(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    let Nothing {} = attributes(layer)?;
    let alpha = required(tensors(layer, &["alpha"], &[])?.pop().flatten())?;
    Ok(Box::new(Prelu { alpha: floats(&alpha)?, shape: alpha.shape }))
}

impl Layer for Prelu {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        let shape = g.shape(x).to_vec();
        if broadcast(&self.shape, &shape).as_ref() != Some(&shape) {
            let what = format!("`alpha` has shape {:?}, and the input {shape:?}", self.shape);
            return Err(Error::user(what, "give it the input's shape, with 1 for the axes that share a slope"));
        }
        let slopes = broadcast_map(&self.shape, &shape).into_iter().map(|e| self.alpha[e as usize]).collect();
        g.leaky(x, slopes)
    }
}
