//! `add`, `multiply` and `concatenate` of several inputs; `multiply` of one squares it.

use super::attributes::{attributes, axis, tensors};
use super::{Layer, Make};
use crate::error::{Error, Result};
use crate::network;
use crate::registry::Entry;
use crate::tensor::{Builder, Id};
use serde::Deserialize;

/// The sum of the inputs.
pub const ADD: Entry<Make> =
    Entry { name: "add", doc: "the sum of the inputs, exact, with broadcasting", make: make_add };
/// The product of the inputs.
pub const MULTIPLY: Entry<Make> =
    Entry { name: "multiply", doc: "the product of the inputs; of one, its square", make: make_multiply };
/// The inputs behind one another.
pub const CONCATENATE: Entry<Make> =
    Entry { name: "concatenate", doc: "the inputs behind one another along an axis", make: make_concatenate };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Add {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Multiply {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Concatenate {
    #[serde(default = "last")]
    axis: i64,
}

fn last() -> i64 {
    -1
}

fn make_add(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    tensors(layer, &[], &[])?;
    Ok(Box::new(attributes::<Add>(layer)?))
}

fn make_multiply(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    tensors(layer, &[], &[])?;
    Ok(Box::new(attributes::<Multiply>(layer)?))
}

fn make_concatenate(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    tensors(layer, &[], &[])?;
    Ok(Box::new(attributes::<Concatenate>(layer)?))
}

fn nothing() -> Error {
    Error::user("the layer has no inputs", "give it at least one")
}

impl Layer for Add {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let (first, rest) = x.split_first().ok_or_else(nothing)?;
        rest.iter().try_fold(*first, |sum, x| g.add(sum, *x))
    }
}

impl Layer for Multiply {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        match x {
            [x] => g.mul(*x, *x),
            [first, rest @ ..] => rest.iter().try_fold(*first, |product, x| g.mul(product, *x)),
            [] => Err(nothing()),
        }
    }
}

impl Layer for Concatenate {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let first = g.shape(*x.first().ok_or_else(nothing)?).to_vec();
        let axis = axis(self.axis, first.len())?;
        let shapes: Vec<Vec<usize>> = x.iter().map(|id| g.shape(*id).to_vec()).collect();
        let mut shape = first.clone();
        shape[axis] = 0;
        for other in &shapes {
            let fits = other.len() == first.len() && (0..first.len()).all(|i| i == axis || other[i] == first[i]);
            if !fits {
                let what = format!("inputs of shapes {first:?} and {other:?} do not concatenate along axis {axis}");
                return Err(Error::user(what, "all other axes must be equal"));
            }
            shape[axis] += other[axis];
        }
        let (outer, inner): (usize, usize) = (first[..axis].iter().product(), first[axis + 1..].iter().product());
        let mut elements = Vec::new();
        for o in 0..outer {
            for (arg, other) in shapes.iter().enumerate() {
                let row = other[axis] * inner;
                elements.extend((o * row..(o + 1) * row).map(|e| (arg as u32, e as u32)));
            }
        }
        g.gather(x, &shape, elements)
    }
}
