//! `reshape`, `flatten` and `transpose`: the same elements, elsewhere.

use super::attributes::{attributes, axis, one, tensors};
use super::{Layer, Make};
use crate::error::{Error, Result};
use crate::network;
use crate::registry::Entry;
use crate::tensor::{Builder, Id};
use serde::Deserialize;

/// To a shape.
pub const RESHAPE: Entry<Make> =
    Entry { name: "reshape", doc: "another shape, C order; one axis may be -1", make: make_reshape };
/// To one axis.
pub const FLATTEN: Entry<Make> = Entry { name: "flatten", doc: "one axis, C order", make: make_flatten };
/// Axes in another order.
pub const TRANSPOSE: Entry<Make> = Entry { name: "transpose", doc: "axes in the order `perm`", make: make_transpose };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reshape {
    shape: Vec<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Flatten {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Transpose {
    perm: Vec<i64>,
}

fn make_reshape(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    tensors(layer, &[], &[])?;
    Ok(Box::new(attributes::<Reshape>(layer)?))
}

fn make_flatten(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    tensors(layer, &[], &[])?;
    Ok(Box::new(attributes::<Flatten>(layer)?))
}

fn make_transpose(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    tensors(layer, &[], &[])?;
    Ok(Box::new(attributes::<Transpose>(layer)?))
}

impl Layer for Reshape {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        let count: usize = g.shape(x).iter().product();
        let known: i64 =
            self.shape.iter().filter(|length| **length != -1).try_fold(1i64, |n, l| n.checked_mul(*l)).unwrap_or(0);
        let free = self.shape.iter().filter(|length| **length == -1).count();
        if free > 1 || known <= 0 || self.shape.iter().any(|length| *length < -1) {
            let what = format!("`shape` is {:?}", self.shape);
            return Err(Error::user(what, "give lengths of at least 1; one of them may be -1, for what remains"));
        }
        let length = |length: &i64| if *length == -1 { count / known as usize } else { *length as usize };
        let shape: Vec<usize> = self.shape.iter().map(length).collect();
        g.reshape(x, &shape)
    }
}

impl Layer for Flatten {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        let count = g.shape(x).iter().product();
        g.reshape(x, &[count])
    }
}

impl Layer for Transpose {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        let from = g.shape(x).to_vec();
        let perm: Vec<usize> = self.perm.iter().map(|p| axis(*p, from.len())).collect::<Result<_>>()?;
        if perm.len() != from.len() || (0..from.len()).any(|axis| !perm.contains(&axis)) {
            let what = format!("`perm` is {:?}, and the input has {} axes", self.perm, from.len());
            return Err(Error::user(what, "name every axis once, from 0, without the sample axis"));
        }
        let strides: Vec<usize> = (0..from.len()).map(|axis| from[axis + 1..].iter().product()).collect();
        let shape: Vec<usize> = perm.iter().map(|axis| from[*axis]).collect();
        let mut elements = vec![0];
        for axis in &perm {
            elements = elements
                .iter()
                .flat_map(|base| (0..from[*axis]).map(move |i| (base, i)))
                .map(|(base, i)| base + i * strides[*axis])
                .collect();
        }
        g.gather(&[x], &shape, elements.into_iter().map(|e| (0, e as u32)).collect())
    }
}
