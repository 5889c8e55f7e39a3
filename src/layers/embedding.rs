//! `embedding`: a row of a table for each integer code.
//!
//! A code beyond the table, which a framework refuses or leaves undefined, reads its nearest row.

use super::attributes::{attributes, one, required, tensors};
use super::product::quantized;
use super::{Layer, Make};
use crate::error::{At, Error, Result};
use crate::fixed::Fixed;
use crate::network;
use crate::quantizers::{Codes, Role};
use crate::registry::Entry;
use crate::tensor::{Builder, Float, Id};
use serde::Deserialize;

/// The entry.
pub const LAYER: Entry<Make> = Entry { name: "embedding", doc: "a row of a table for each integer code", make };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    embeddings_quantizer: Option<String>,
}

struct Embedding {
    rows: usize,
    columns: usize,
    codes: Codes,
}

fn make(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    let attributes: Attributes = attributes(layer)?;
    let table = required(tensors(layer, &["embeddings"], &[])?.pop().flatten())?;
    let [rows, columns] = table.shape[..] else {
        let what = format!("the embeddings have shape {:?}", table.shape);
        return Err(Error::user(what, "their shape is [codes, features]"));
    };
    let codes = quantized(&table, attributes.embeddings_quantizer.as_deref(), Role::Other).at("`embeddings`")?;
    Ok(Box::new(Embedding { rows, columns, codes }))
}

impl Layer for Embedding {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let mut x = g.exact(one(x)?)?;
        let node = g.graph().node(x);
        if node.ranges.iter().any(|range| range.constant().map_or(range.exp, |value| value.exponent()) < 0) {
            let help = "give the input whole numbers, such as --input-format u4, or quantize it to them";
            return Err(Error::user("an embedding reads numbers that are no integers", help));
        }
        let (first, last) = (Fixed::ZERO, Fixed::new(self.rows as i128 - 1, 0));
        if node.ranges.iter().any(|range| range.low() < first || range.high() > last) {
            g.note(format!("codes beyond the {} rows of the embedding read its nearest row", self.rows));
            let (low, high) = (g.constant(&[], vec![first])?, g.constant(&[], vec![last])?);
            x = g.max(x, low)?;
            x = g.min(x, high)?;
        }
        let column = |c: usize| (0..self.rows).map(|row| self.codes.codes[row * self.columns + c]).collect();
        let columns: Vec<Id> = (0..self.columns).map(|c| g.table(x, 0, 0, column(c))).collect::<Result<_>>()?;
        let mut shape = g.shape(x).to_vec();
        let count: usize = shape.iter().product();
        shape.push(self.columns);
        let elements = (0..count).flat_map(|e| (0..self.columns).map(move |c| (c as u32, e as u32)));
        let y = g.gather(&columns, &shape, elements.collect())?;
        g.float(y, Float::Mul(self.codes.scale.clone()))
    }
}
