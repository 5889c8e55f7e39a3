//! Comma-separated columns, with their names in the first row, or `0`, `1`, .. where that has numbers.

use super::{Format, Table};
use crate::arrays::{Array, Values};
use crate::error::{Error, Result};
use crate::registry::Entry;

/// The entry.
pub const TABLE: Entry<Format> = Entry {
    name: "csv",
    doc: "comma-separated columns, named in the first row",
    make: Format { recognise: |bytes| std::str::from_utf8(bytes).is_ok(), read },
};

fn read(bytes: &[u8]) -> Result<Table> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).trim(csv::Trim::All).comment(Some(b'#')).from_reader(bytes);
    let mut rows: Vec<csv::StringRecord> = Vec::new();
    for record in reader.records() {
        rows.push(record.map_err(|error| Error::user(format!("{error}"), "every row has as many columns"))?);
    }
    let first = rows.first().ok_or_else(|| Error::user("has no rows", "one row is a sample"))?;
    let header = first.iter().all(|cell| cell.parse::<f64>().is_err()) && rows.len() > 1;
    let names: Vec<String> =
        first.iter().enumerate().map(|(at, cell)| if header { cell.to_string() } else { at.to_string() }).collect();
    let body = &rows[usize::from(header)..];
    let column = |(at, name): (usize, String)| {
        let cells = || body.iter().map(|row| row.get(at).unwrap_or(""));
        let numbers: Option<Vec<f64>> = cells().map(|cell| cell.parse().ok()).collect();
        let values = match numbers {
            Some(numbers) => Values::Numbers(numbers),
            None => Values::Text(cells().map(str::to_string).collect()),
        };
        (name, Array { shape: vec![body.len()], values })
    };
    Ok(Table { arrays: names.into_iter().enumerate().map(column).collect() })
}
