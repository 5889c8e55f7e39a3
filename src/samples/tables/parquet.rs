//! Parquet: columns of numbers or text, fields of records by their paths, `jet.pt`.
//!
//! A column of lists is an array with one more axis, if all lists have one length.

use super::{Format, Table};
use crate::arrays::{Array, Values};
use crate::error::{At, Error, Result};
use crate::files::{MAX_ELEMENTS, MAX_UNPACKED, fenced};
use crate::registry::Entry;
use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};

/// The entry.
pub const TABLE: Entry<Format> = Entry {
    name: "parquet",
    doc: "Parquet: columns of numbers, texts or lists of one length",
    make: Format { recognise: |bytes| bytes.starts_with(b"PAR1"), read },
};

/// A column as far as it is read.
struct Column {
    name: String,
    /// Of one row.
    shape: Vec<usize>,
    rows: usize,
    values: Values,
}

fn read(bytes: &[u8]) -> Result<Table> {
    fenced(|| {
        let file = SerializedFileReader::new(Bytes::copy_from_slice(bytes)).map_err(damaged)?;
        check_size(&file)?;
        let mut columns = Vec::new();
        let mut elements = 0;
        for (at, row) in file.get_row_iter(None).map_err(damaged)?.enumerate() {
            elements += record(&row.map_err(damaged)?, "", at, &mut 0, &mut columns)?;
            if elements > MAX_ELEMENTS {
                return Err(too_large());
            }
        }
        let array = |Column { name, shape, rows, values }| {
            let shape = [vec![rows], shape].concat();
            (name, Array { shape, values })
        };
        Ok(Table { arrays: columns.into_iter().map(array).collect() })
    })
}

/// What the file claims of itself, before memory is spent on it.
fn check_size(file: &SerializedFileReader<Bytes>) -> Result<()> {
    let groups = file.metadata().row_groups();
    let sum = |size: fn(&parquet::file::metadata::RowGroupMetaData) -> i64| {
        groups.iter().try_fold(0u64, |sum, group| sum.checked_add(u64::try_from(size(group)).ok()?))
    };
    let small = sum(|group| group.num_rows()).is_some_and(|rows| rows <= MAX_ELEMENTS as u64)
        && sum(|group| group.total_byte_size()).is_some_and(|bytes| bytes <= MAX_UNPACKED);
    if small { Ok(()) } else { Err(too_large()) }
}

/// Appends a row's fields to their columns, which follow one another from `next` on, as the first row has them; gives how many numbers
/// and texts there were.
fn record(row: &Row, path: &str, at: usize, next: &mut usize, columns: &mut Vec<Column>) -> Result<usize> {
    let mut elements = 0;
    for (name, field) in row.get_column_iter() {
        if let Field::Group(inner) = field {
            elements += record(inner, &format!("{path}{name}."), at, next, columns)?;
            continue;
        }
        if at == 0 {
            let (name, values) = (format!("{path}{name}"), Values::Numbers(Vec::new()));
            columns.push(Column { name, shape: Vec::new(), rows: 0, values });
        }
        let missing = || Error::user(format!("row {at} has other columns"), "write the file again");
        let column = columns.get_mut(*next).ok_or_else(missing)?;
        *next += 1;
        let shape = append(field, &mut column.values).at(format!("row {at} of `{}`", column.name))?;
        if column.rows == 0 {
            column.shape.clone_from(&shape);
        }
        if column.shape != shape || column.rows != at {
            let what = format!("row {at} of `{}` has shape {shape:?}, rows before {:?}", column.name, column.shape);
            return Err(Error::user(what, "pad the lists to one length; rows count from 0"));
        }
        column.rows += 1;
        elements += shape.iter().product::<usize>();
    }
    Ok(elements)
}

/// Appends a field's numbers or texts; gives its shape.
fn append(field: &Field, values: &mut Values) -> Result<Vec<usize>> {
    if let Field::ListInternal(list) = field {
        let shapes: Vec<Vec<usize>> = list.elements().iter().map(|one| append(one, values)).collect::<Result<_>>()?;
        let first = shapes.first().cloned().unwrap_or_default();
        if shapes.iter().any(|shape| *shape != first) {
            return Err(Error::user("has lists of several lengths", "pad them to one length"));
        }
        return Ok([vec![shapes.len()], first].concat());
    }
    match (field, &mut *values) {
        (Field::Str(text), Values::Text(texts)) => texts.push(text.clone()),
        (Field::Str(text), Values::Numbers(none)) if none.is_empty() => *values = Values::Text(vec![text.clone()]),
        (_, Values::Numbers(numbers)) => numbers.push(number(field)?),
        _ => return Err(Error::user("is no text, as rows before are", "the file is damaged; write it again")),
    }
    Ok(Vec::new())
}

fn number(field: &Field) -> Result<f64> {
    Ok(match field {
        Field::Bool(value) => f64::from(u8::from(*value)),
        Field::Byte(value) => f64::from(*value),
        Field::Short(value) => f64::from(*value),
        Field::Int(value) => f64::from(*value),
        Field::Long(value) => *value as f64,
        Field::UByte(value) => f64::from(*value),
        Field::UShort(value) => f64::from(*value),
        Field::UInt(value) => f64::from(*value),
        Field::ULong(value) => *value as f64,
        Field::Float16(value) => value.to_f64(),
        Field::Float(value) => f64::from(*value),
        Field::Double(value) => *value,
        Field::Null => return Err(Error::user("is missing (null)", "fill it, or leave the row out")),
        _ => return Err(Error::user(format!("is `{field}`, no number and no text"), "write numbers, texts or lists")),
    })
}

fn too_large() -> Error {
    let what = format!("has more than {MAX_ELEMENTS} elements or {MAX_UNPACKED} bytes");
    Error::user(what, "give a file of fewer samples, or of the columns alone that are needed")
}

fn damaged(error: ParquetError) -> Error {
    let help = "the file is truncated, damaged or of a kind of Parquet that is not read; write it again";
    Error::user(format!("broken Parquet: {error}"), help)
}
