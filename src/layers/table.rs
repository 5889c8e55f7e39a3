//! `table`: a function of one code, given value by value.
//!
//! `y = values[code] * 2^-out_f`, where the code is the unsigned bit pattern of the input in the format of `k` sign bits,
//! `i` integer bits and `f` fraction bits; the input must be in that format already.

use super::attributes::{attributes, one, required, tensors};
use super::{Layer, Make};
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Format};
use crate::network;
use crate::registry::Entry;
use crate::tensor::{Builder, Id};
use serde::Deserialize;

/// The entry.
pub const LAYER: Entry<Make> = Entry { name: "table", doc: "a function of one code, given value by value", make };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    k: u8,
    i: i32,
    f: i32,
    out_f: i32,
}

struct Table {
    format: Format,
    /// By the unsigned bit pattern.
    values: Vec<Fixed>,
}

fn make(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    let Attributes { k, i, f, out_f } = attributes(layer)?;
    let values = required(tensors(layer, &["values"], &[])?.pop().flatten())?;
    let bounded = k <= 1 && [i, f, out_f].iter().all(|n| n.abs() <= 256);
    let format = if bounded { Format::kif(k == 1, i, f) } else { Format { signed: false, width: 0, lsb: 0 } };
    if !bounded || format.width > 24 || values.data.len() != 1 << format.width {
        let what = format!("{} values for k={k}, i={i}, f={f}", values.data.len());
        return Err(Error::user(what, "give 2^(k+i+f) values, at most 2^24, with k 0 or 1"));
    }
    let value = |value: &f64| Fixed::from_f64(*value).map(|value| value.scale(-out_f));
    let values: Option<Vec<Fixed>> = values.data.iter().map(value).collect();
    let values = values.ok_or_else(|| Error::user("a value is NaN or infinite", "repair the table"))?;
    Ok(Box::new(Table { format, values }))
}

impl Layer for Table {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let range = self.format.range();
        let pattern = |code: i128| (code & ((1 << self.format.width) - 1)) as usize;
        let values = (range.lo..=range.hi).map(|code| self.values[pattern(code)]).collect();
        g.table(one(x)?, range.lo, range.exp, values)
    }
}
