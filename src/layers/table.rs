//! `table`: a function of one code, given value by value; the same for all elements, or one for each.
//!
//! `y = values[code] * 2^-out_fraction`, where the code is the unsigned bit pattern of the input in the format of a sign bit
//! if `signed`, `integer` bits and `fraction` bits; the input must be in that format already. `values` is a vector; with more
//! axes, those in front are the input's last ones, and each of their elements has its own table.

use super::attributes::{attributes, one, required, tensors};
use super::{Layer, Make};
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Format};
use crate::network;
use crate::registry::Entry;
use crate::tensor::{Builder, Id, Lookup};
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
    /// The lengths of the input's last axes, of which each element has its table; none for one table.
    shape: Vec<usize>,
    /// By the unsigned bit pattern, one table after the other.
    values: Vec<Fixed>,
}

/// The most values of all tables.
const VALUES: usize = 1 << 24;

fn make(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    let Attributes { signed, integer, fraction, out_fraction } = attributes(layer)?;
    let values = required(tensors(layer, &["values"], &[])?.pop().flatten())?;
    let bounded = [integer, fraction, out_fraction].iter().all(|n| n.abs() <= 256);
    let format =
        if bounded { Format::kif(signed, integer, fraction) } else { Format { signed: false, width: 0, lsb: 0 } };
    let (codes, shape) = values.shape.split_last().map_or((0, &[][..]), |(codes, shape)| (*codes, shape));
    if !bounded || format.width > 24 || codes != 1 << format.width || values.data.len() > VALUES {
        let what = format!("values {:?} for {} bits", values.shape, u8::from(signed) as i32 + integer + fraction);
        return Err(Error::user(
            what,
            "give a value for each code of signed + integer + fraction bits, of which there are at most 24",
        ));
    }
    let shape = shape.to_vec();
    let value = |value: &f64| Fixed::from_f64(*value).map(|value| value.scale(-out_fraction));
    let values: Option<Vec<Fixed>> = values.data.iter().map(value).collect();
    let values = values.ok_or_else(|| Error::user("a value is NaN or infinite", "repair the table"))?;
    Ok(Box::new(Table { format, shape, values }))
}

impl Layer for Table {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let range = self.format.range();
        let pattern = |code: i128| (code & ((1 << self.format.width) - 1)) as usize;
        let codes = 1 << self.format.width;
        let table = |values: &[Fixed]| (range.lo..=range.hi).map(|code| values[pattern(code)]).collect::<Vec<_>>();
        if self.shape.is_empty() {
            return g.table(one(x)?, range.lo, range.exp, table(&self.values));
        }
        let x = one(x)?;
        let shape = g.shape(x).to_vec();
        if !shape.ends_with(&self.shape) {
            let what = format!("tables for elements {:?} read a tensor of shape {shape:?}", self.shape);
            return Err(Error::user(what, "the first axes of `values` are the last ones of the input"));
        }
        let exp = self.values.iter().filter(|value| !value.is_zero()).map(|value| value.exponent()).min().unwrap_or(0);
        let integer = |value: Fixed| {
            let code = value.at(exp).and_then(|code| i64::try_from(code).ok());
            code.ok_or_else(|| {
                Error::user("values need more than 63 bits together", "give them a common, coarser step")
            })
        };
        let tables = self.values.chunks(codes).map(|values| table(values).into_iter().map(integer).collect());
        let lookup = Lookup { domains: vec![range], tables: tables.collect::<Result<_>>()?, exp };
        let (count, elements) = (shape.iter().product::<usize>(), self.shape.iter().product::<usize>());
        let codes = g.reshape(x, &[count / elements.max(1), elements, 1])?;
        let values = g.lookup(codes, lookup)?;
        g.reshape(values, &shape)
    }
}
