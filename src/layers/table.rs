//! `table`: a function of one code, given value by value.
//!
//! `y = values[code] * 2^-out_fraction`, where the code is the unsigned bit pattern of the input in the format of a sign bit
//! if `signed`, `integer` bits and `fraction` bits; the input must be in that format already.

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
    signed: bool,
    integer: i32,
    fraction: i32,
    out_fraction: i32,
}

struct Table {
    format: Format,
    /// By the unsigned bit pattern.
    values: Vec<Fixed>,
}

fn make(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    let Attributes { signed, integer, fraction, out_fraction } = attributes(layer)?;
    let values = required(tensors(layer, &["values"], &[])?.pop().flatten())?;
    let bounded = [integer, fraction, out_fraction].iter().all(|n| n.abs() <= 256);
    let format =
        if bounded { Format::kif(signed, integer, fraction) } else { Format { signed: false, width: 0, lsb: 0 } };
    if !bounded || format.width > 24 || values.data.len() != 1 << format.width {
        let what = format!("{} values for {} bits", values.data.len(), u8::from(signed) as i32 + integer + fraction);
        return Err(Error::user(
            what,
            "give a value for each code of signed + integer + fraction bits, of which there are at most 24",
        ));
    }
    let value = |value: &f64| Fixed::from_f64(*value).map(|value| value.scale(-out_fraction));
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
