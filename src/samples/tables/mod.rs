//! Tables: named arrays with one row a sample, as files of training data have them.
//!
//! An open set: a file of this folder is one format, recognised by its content. A column of a table and an array of several
//! axes are the same thing here: an array whose first axis is the samples.

mod csv;
mod hdf5;
mod npz;
#[cfg(feature = "train")]
mod parquet;

use super::Samples;
use crate::arrays::{Array, Values};
use crate::error::{At, Error, Result};
use crate::files;
use crate::registry::Entry;
use std::path::Path;

/// A format of tables.
pub struct Format {
    /// Is it this format, by its first bytes?
    pub recognise: fn(&[u8]) -> bool,
    /// Reads all arrays.
    pub read: fn(&[u8]) -> Result<Table>,
}

/// All formats; the last takes any text.
pub const TABLES: &[Entry<Format>] = &[
    npz::TABLE,
    hdf5::TABLE,
    #[cfg(feature = "train")]
    parquet::TABLE,
    csv::TABLE,
];

/// Named arrays, each with one row a sample.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// In the order of the file.
    pub arrays: Vec<(String, Array)>,
}

/// Reads a table from a file.
///
/// # Errors
/// The file cannot be read, or is damaged.
pub fn table(path: &Path) -> Result<Table> {
    let bytes = files::read(path)?;
    let format = TABLES.iter().find(|entry| (entry.make.recognise)(&bytes));
    let unknown = || {
        let known: Vec<&str> = TABLES.iter().map(|entry| entry.name).collect();
        Error::user("is no table of a known format", format!("known: {}", known.join(", ")))
    };
    format.ok_or_else(unknown).and_then(|entry| (entry.make.read)(&bytes)).at(path.display().to_string())
}

impl Table {
    /// An array.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn get(&self, name: &str) -> Result<&Array> {
        let found = self.arrays.iter().find(|(own, _)| own == name).map(|(_, array)| array);
        found.ok_or_else(|| {
            let known: Vec<&str> = self.arrays.iter().take(40).map(|(name, _)| name.as_str()).collect();
            Error::user(format!("there is no array or column `{name}`"), format!("known: {}", known.join(", ")))
        })
    }

    /// Arrays of numbers side by side, each sample's elements of the first before those of the next.
    ///
    /// # Errors
    /// One is missing, holds text, has other samples, or a number that is not finite.
    pub fn samples(&self, names: &[String]) -> Result<Samples> {
        let mut parts = Vec::with_capacity(names.len());
        for name in names {
            let array = self.get(name)?.clone();
            let rows = array.shape.first().copied().unwrap_or(0);
            let tensor = array.tensor().at(format!("`{name}`"))?;
            if let Some(at) = tensor.data.iter().position(|value| !value.is_finite()) {
                let row = at / (tensor.data.len() / rows.max(1)).max(1);
                let what = format!("row {row} of `{name}` is {}", tensor.data[at]);
                return Err(Error::user(what, "every value must be finite; rows count from 0"));
            }
            parts.push((name, rows, tensor.data));
        }
        let rows = parts.first().map_or(0, |(_, rows, _)| *rows);
        if let Some((name, other, _)) = parts.iter().find(|(_, other, _)| *other != rows) {
            let what = format!("`{name}` has {other} samples, and `{}` {rows}", names[0]);
            return Err(Error::user(what, "give arrays of as many samples"));
        }
        if rows == 0 {
            return Err(Error::user("there are no samples", "give at least one array with one row a sample"));
        }
        let row = |row: usize| {
            parts.iter().flat_map(move |(_, rows, data)| &data[row * (data.len() / rows)..][..data.len() / rows])
        };
        let data: Vec<f64> = (0..rows).flat_map(row).copied().collect();
        Ok(Samples { columns: data.len() / rows, data })
    }

    /// Classes: whole numbers from 0, one-hot rows, or texts, which are numbered in alphabetical order.
    ///
    /// # Errors
    /// The array is missing, or holds anything else.
    pub fn classes(&self, name: &str) -> Result<Vec<usize>> {
        let array = self.get(name)?.clone();
        match &array.values {
            Values::Numbers(_) => super::read::classes(&array.tensor()?).at(format!("`{name}`")),
            Values::Text(texts) => {
                let mut known: Vec<&String> = texts.iter().collect();
                known.sort();
                known.dedup();
                Ok(texts.iter().map(|text| known.binary_search(&text).unwrap_or(0)).collect())
            }
        }
    }
}
