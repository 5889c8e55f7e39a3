//! The test vectors inside a neutral net.

use super::super::json::{field, integer, list, number, sizes};
use super::super::{Content, Source};
use crate::error::{At, Error, Result};
use crate::fixed::Fixed;
use crate::network::elements;
use serde_json::Value;
use std::path::Path;

/// Inputs and expected outputs, exactly.
#[derive(Clone, Debug, PartialEq)]
pub struct Vectors {
    /// Real inputs, a row for each sample; exact as float64.
    pub inputs: Vec<Vec<f64>>,
    /// Expected integers, a row for each sample: the value is the integer times `2^-fraction`.
    pub outputs: Vec<Vec<i128>>,
    /// Fraction bits of the outputs.
    pub fraction: i32,
}

impl Vectors {
    /// An expected output as an exact number.
    pub fn output(&self, row: usize, column: usize) -> Fixed {
        Fixed::new(self.outputs[row][column], -self.fraction)
    }
}

/// Reads the test vectors of a neutral net; an empty set if it has none.
///
/// # Errors
/// The file cannot be read or its vectors do not fit its input.
pub fn vectors(path: &Path) -> Result<Vectors> {
    let source = Source::open(path, None)?;
    let Content::Json(json) = &source.content else {
        let error = Error::user("is no neutral net", "only neutral-net/1 files have vectors inside");
        return Err(error.at(path.display().to_string()));
    };
    read(json).at(path.display().to_string())
}

fn read(json: &Value) -> Result<Vectors> {
    let Some(test) = json.get("test") else {
        return Ok(Vectors { inputs: Vec::new(), outputs: Vec::new(), fraction: 0 });
    };
    let (columns, fractions) = field(json, "input", |input| {
        let columns = elements(&field(input, "shape", sizes)?)?;
        Ok((columns, field(input, "f", |f| each(f, columns))?))
    })?;
    let row = |row: &Value| -> Result<Vec<f64>> {
        let codes = list(row)?;
        if codes.len() != columns {
            let what = format!("has {} elements, expected {columns}", codes.len());
            return Err(Error::user(what, "give every input element"));
        }
        let scaled = |(code, f): (&Value, &i64)| Ok(number(code)? * 2f64.powi(-*f as i32));
        codes.iter().zip(&fractions).map(scaled).collect()
    };
    let expected = |row: &Value| list(row)?.iter().map(|code| integer(code).map(i128::from)).collect();
    let inputs = field(test, "x", list)?.iter().map(row).collect::<Result<Vec<_>>>().at("`x`").at("`test`")?;
    let outputs: Vec<_> =
        field(test, "y", list)?.iter().map(expected).collect::<Result<Vec<_>>>().at("`y`").at("`test`")?;
    if inputs.len() != outputs.len() {
        let what = format!("`test` has {} inputs and {} outputs", inputs.len(), outputs.len());
        return Err(Error::user(what, "give as many outputs as inputs"));
    }
    let fraction = field(test, "y_frac", integer).at("`test`")?;
    let fraction = i32::try_from(fraction).ok().filter(|fraction| fraction.abs() < 1024);
    let fraction = fraction.ok_or_else(|| Error::user("`y_frac` is absurd", "write the fraction bits of `y`"))?;
    Ok(Vectors { inputs, outputs, fraction })
}

/// A list of `count` integers within reason, or one for all.
fn each(value: &Value, count: usize) -> Result<Vec<i64>> {
    let all: Vec<i64> = match value.as_array() {
        Some(list) => list.iter().map(integer).collect::<Result<_>>()?,
        None => vec![integer(value)?; count],
    };
    if all.len() != count || all.iter().any(|f| f.abs() > 256) {
        return Err(Error::user("is not a format for each element", "give integers from -256 to 256"));
    }
    Ok(all)
}
