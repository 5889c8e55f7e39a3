//! `time_distributed`: another layer, applied to each step of `[steps, ..]` by itself, with the same weights.
//!
//! Attribute `layer` is the kind of the inner layer; all other attributes and all tensors are its own.

use super::attributes::one;
use super::{LAYERS, Layer, Make};
use crate::error::{At, Error, Result};
use crate::network::{self, elements};
use crate::registry::{Entry, find};
use crate::tensor::{Builder, Id};
use serde_json::Value;

/// The entry.
pub const LAYER: Entry<Make> =
    Entry { name: "time_distributed", doc: "another layer, on each element of the first axis", make };

struct TimeDistributed {
    inner: Box<dyn Layer>,
}

fn make(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    let mut inner = layer.clone();
    let Some(Value::String(kind)) = inner.attributes.remove("layer") else {
        return Err(Error::user("`layer` is missing", "name the kind of the layer that is applied to each step"));
    };
    // A step of a step has the rest of the shape as its own.
    if kind == LAYER.name {
        return Err(Error::user("`layer` is a time_distributed layer itself", "reshape the two axes to one"));
    }
    inner.kind = kind;
    let entry = find("layer", LAYERS, &inner.kind)?;
    Ok(Box::new(TimeDistributed { inner: (entry.make)(&inner).at(format!("`{}`", inner.kind))? }))
}

impl Layer for TimeDistributed {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        let (&steps, rest) = match g.shape(x).split_first() {
            Some((steps, rest)) if !rest.is_empty() => (steps, &rest.to_vec()),
            _ => {
                let what = format!("its input has shape {:?}", g.shape(x));
                return Err(Error::user(what, "give it a sequence, [steps, ..]"));
            }
        };
        let count = elements(rest)?;
        let mut results = Vec::with_capacity(steps);
        for step in 0..steps {
            let own = (0..count).map(|e| (0, (step * count + e) as u32)).collect();
            let part = g.gather(&[x], rest, own)?;
            results.push(self.inner.expand(g, &[part])?);
        }
        let Some(first) = results.first() else { return Err(Error::user("it has no steps", "give it at least one")) };
        let mut shape = vec![steps];
        shape.extend_from_slice(g.shape(*first));
        let count = elements(g.shape(*first))? as u32;
        g.gather(&results, &shape, (0..steps as u32).flat_map(|s| (0..count).map(move |e| (s, e))).collect())
    }
}
