//! `add`, `subtract`, `multiply`, `divide`, `average`, `maximum`, `minimum` of inputs, or of one input and the tensor
//! `constant`; and `concatenate`.
//!
//! Element by element, with broadcasting, exact. An average is the exact sum, divided in float32 or exactly by a power of two;
//! `multiply` of one input squares it. With a constant see [`super::constants`].

use super::attributes::{attributes, axis, tensors};
use super::constants::with_constant;
use super::reduce::divided;
use super::{Layer, Make};
use crate::error::{Error, Result};
use crate::fixed::Fixed;
use crate::network::{self, Tensor};
use crate::registry::Entry;
use crate::tensor::{Builder, Id};
use serde::Deserialize;

/// The sum of the inputs.
pub const ADD: Entry<Make> =
    Entry { name: "add", doc: "the sum of the inputs, exact, with broadcasting", make: |layer| make(layer, Kind::Add) };
/// The first input less the second.
pub const SUBTRACT: Entry<Make> = Entry {
    name: "subtract",
    doc: "the first input less the second, exact, with broadcasting",
    make: |layer| make(layer, Kind::Subtract),
};
/// The product of the inputs.
pub const MULTIPLY: Entry<Make> = Entry {
    name: "multiply",
    doc: "the product of the inputs; of one, its square",
    make: |layer| make(layer, Kind::Multiply),
};
/// The input by a constant.
pub const DIVIDE: Entry<Make> =
    Entry { name: "divide", doc: "the input divided by a constant", make: |layer| make(layer, Kind::Divide) };
/// The mean of the inputs.
pub const AVERAGE: Entry<Make> =
    Entry { name: "average", doc: "the mean of the inputs", make: |layer| make(layer, Kind::Average) };
/// The greatest of the inputs.
pub const MAXIMUM: Entry<Make> =
    Entry { name: "maximum", doc: "the greatest of the inputs", make: |layer| make(layer, Kind::Maximum) };
/// The least of the inputs.
pub const MINIMUM: Entry<Make> =
    Entry { name: "minimum", doc: "the least of the inputs", make: |layer| make(layer, Kind::Minimum) };
/// The inputs behind one another.
pub const CONCATENATE: Entry<Make> =
    Entry { name: "concatenate", doc: "the inputs behind one another along an axis", make: make_concatenate };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    #[serde(default)]
    constant_first: bool,
}

/// What two tensors become.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// The sum.
    Add,
    /// The difference.
    Subtract,
    /// The product.
    Multiply,
    /// The quotient; of a constant only.
    Divide,
    /// The mean.
    Average,
    /// The greater.
    Maximum,
    /// The less.
    Minimum,
}

struct Merge {
    kind: Kind,
    constant: Option<Tensor>,
    constant_first: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Concatenate {
    #[serde(default = "last")]
    axis: i64,
}

fn last() -> i64 {
    -1
}

fn make(layer: &network::Layer, kind: Kind) -> Result<Box<dyn Layer>> {
    let optional: &[&str] = if kind == Kind::Average { &[] } else { &["constant"] };
    let constant = tensors(layer, &[], optional)?.pop().flatten();
    let Attributes { constant_first } = attributes(layer)?;
    if constant_first && constant.is_none() {
        return Err(Error::user("`constant_first` without a constant", "give the tensor `constant`, or leave it out"));
    }
    Ok(Box::new(Merge { kind, constant, constant_first }))
}

fn make_concatenate(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    tensors(layer, &[], &[])?;
    Ok(Box::new(attributes::<Concatenate>(layer)?))
}

fn nothing() -> Error {
    Error::user("the layer has no inputs", "give it at least one")
}

impl Layer for Merge {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        if let Some(constant) = &self.constant {
            let x = super::attributes::one(x)?;
            return with_constant(g, x, self.kind, constant, self.constant_first);
        }
        let (first, rest) = x.split_first().ok_or_else(nothing)?;
        match self.kind {
            Kind::Add => rest.iter().try_fold(*first, |sum, x| g.add(sum, *x)),
            Kind::Average => {
                let sum = rest.iter().try_fold(*first, |sum, x| g.add(sum, *x))?;
                divided(g, sum, vec![x.len()])
            }
            Kind::Multiply if rest.is_empty() => g.mul(*first, *first),
            Kind::Multiply => rest.iter().try_fold(*first, |product, x| g.mul(product, *x)),
            Kind::Maximum => rest.iter().try_fold(*first, |most, x| g.max(most, *x)),
            Kind::Minimum => rest.iter().try_fold(*first, |least, x| g.min(least, *x)),
            Kind::Subtract => match rest {
                [second] => {
                    let minus = g.constant(&[], vec![Fixed::new(-1, 0)])?;
                    let negated = g.mul(*second, minus)?;
                    g.add(*first, negated)
                }
                _ => Err(Error::user(format!("the layer has {} inputs, and takes two", x.len()), "give it two inputs")),
            },
            Kind::Divide => {
                let what = "a division of two inputs";
                let help = "divide by the tensor `constant`, or multiply by an activation `reciprocal` and a quantizer";
                Err(Error::user(what, help))
            }
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
