//! `kan`: a layer of a Kolmogorov-Arnold network: a table on each edge, and exact sums.
//!
//! Tensor `tables` [inputs, outputs, codes] of integers: `y[o] = sum over i of tables[i, o, code(x[i]) - first] *
//! 2^-out_fraction`, where the code is the input in steps of `2^-fraction`, and `first` (default 0) is that of a table's first
//! entry. The input's last axis is summed over; the others stay. An edge that was pruned has a table of zeros.

use super::activation::activate;
use super::attributes::{attributes, integers, one, required, tensors};
use super::{Layer, Make};
use crate::error::{Error, Result};
use crate::fixed::Range;
use crate::network;
use crate::registry::Entry;
use crate::tensor::{Builder, Id, Lookup, Reduction};
use serde::Deserialize;

/// The entry.
pub const LAYER: Entry<Make> =
    Entry { name: "kan", doc: "Kolmogorov-Arnold: a table on each edge, and exact sums", make };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    #[serde(default)]
    first: i64,
    #[serde(default)]
    fraction: i32,
    #[serde(default)]
    out_fraction: i32,
    activation: Option<String>,
}

struct Kan {
    inputs: usize,
    outputs: usize,
    /// One table an edge, inputs first.
    lookup: Lookup,
    activation: Option<String>,
}

fn make(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    let Attributes { first, fraction, out_fraction, activation } = attributes(layer)?;
    let tables = required(tensors(layer, &["tables"], &[])?.pop().flatten())?;
    let bounded = first.unsigned_abs() <= 1 << 40 && fraction.abs() <= 256 && out_fraction.abs() <= 256;
    let [inputs, outputs, codes] = tables.shape[..] else {
        return Err(Error::user(format!("`tables` has shape {:?}", tables.shape), "it is [inputs, outputs, codes]"));
    };
    if !bounded || inputs == 0 || outputs == 0 || codes == 0 {
        let what = format!("`tables` has shape {:?}, first code {first}", tables.shape);
        return Err(Error::user(what, "give every edge at least one code, and codes within 40 bits"));
    }
    let first = i128::from(first);
    let domain = Range::new(first, first + codes as i128 - 1, -fraction);
    let values = integers(&tables, "tables")?;
    let tables = values.chunks(codes).map(<[i64]>::to_vec).collect();
    let lookup = Lookup { domains: vec![domain], tables, exp: -out_fraction };
    Ok(Box::new(Kan { inputs, outputs, lookup, activation }))
}

impl Layer for Kan {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        let shape = g.shape(x).to_vec();
        let Some((_, positions)) = shape.split_last().filter(|(inputs, _)| **inputs == self.inputs) else {
            let what = format!("tables of {} inputs read a tensor of shape {shape:?}", self.inputs);
            return Err(Error::user(what, "the input's last axis has as many elements as `tables` has inputs"));
        };
        let count: usize = positions.iter().product();
        let edges = (0..count * self.inputs).flat_map(|from| (0..self.outputs).map(move |_| (0, from as u32)));
        let codes = g.gather(&[x], &[count, self.inputs * self.outputs, 1], edges.collect())?;
        let values = g.lookup(codes, self.lookup.clone())?;
        let edges: Vec<usize> = positions.iter().copied().chain([self.inputs, self.outputs]).collect();
        let values = g.reshape(values, &edges)?;
        let sums = g.reduce(values, Reduction::Sum, positions.len())?;
        match &self.activation {
            Some(activation) => activate(g, sums, activation),
            None => Ok(sums),
        }
    }
}
