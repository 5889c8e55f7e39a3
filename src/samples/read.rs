//! Reading samples and labels.

use super::{Samples, columns, misfit};
use crate::arrays::{npy, npz};
use crate::error::{At, Error, Result};
use crate::files;
use crate::network::Tensor;
use crate::port::Port;
use std::path::{Path, PathBuf};

/// Samples for these ports, from `.npy`, `.npz` or `.csv`, told apart by content.
///
/// An `.npz` has an array for each port, of the port's name; for a single port a lone array of any name will do, and
/// `FILE.npz:KEY` names one. An array has the samples along its first axis.
///
/// # Errors
/// The file cannot be read, its shape does not fit the ports, or a value is not finite.
pub fn read(path: &Path, ports: &[Port]) -> Result<Samples> {
    let (file, key) = split(path);
    samples(&file, key.as_deref(), ports).at(path.display().to_string())
}

fn samples(file: &Path, key: Option<&str>, ports: &[Port]) -> Result<Samples> {
    let bytes = files::read(file).map_err(without_place)?;
    if !npz::is_zip(&bytes) {
        return fit(single(&bytes)?, ports);
    }
    let npz = npz::Npz::open(&bytes)?;
    if let ([_], Some(key)) = (ports, key.or(lone(&npz.keys()))) {
        return fit(npz.get(key)?.tensor().at(key)?, ports).at(key);
    }
    let one = |port: &Port| {
        let tensor = npz.get(&port.name)?.tensor()?;
        fit(tensor, std::slice::from_ref(port)).at(&port.name)
    };
    let parts = ports.iter().map(one).collect::<Result<Vec<_>>>()?;
    let rows = parts.first().map_or(0, Samples::rows);
    if let Some((port, part)) = ports.iter().zip(&parts).find(|(_, part)| part.rows() != rows) {
        let what = format!("`{}` has {} samples, `{}` has {rows}", port.name, part.rows(), ports[0].name);
        return Err(Error::user(what, "give every port as many samples"));
    }
    let data = (0..rows).flat_map(|row| parts.iter().flat_map(move |part| part.row(row).iter().copied())).collect();
    Ok(Samples { columns: columns(ports), data })
}

/// Labels: class numbers from 0, or one-hot rows.
///
/// # Errors
/// The file cannot be read, or holds anything else.
pub fn labels(path: &Path) -> Result<Vec<usize>> {
    let (file, key) = split(path);
    let read = || {
        let bytes = files::read(&file).map_err(without_place)?;
        let tensor = if npz::is_zip(&bytes) {
            let npz = npz::Npz::open(&bytes)?;
            let keys = npz.keys();
            let usual = ["labels", "y"].into_iter().find(|key| keys.contains(key));
            let key = key.as_deref().or(lone(&keys)).or(usual).unwrap_or("labels");
            npz.get(key)?.tensor().at(key)?
        } else {
            single(&bytes)?
        };
        classes(&tensor)
    };
    read().at(path.display().to_string())
}

pub(super) fn classes(tensor: &Tensor) -> Result<Vec<usize>> {
    let width = match tensor.shape[..] {
        [_] | [_, 1] => 1,
        [_, width] if width > 0 => width,
        _ => {
            let help = "labels are one class number for each sample, or one-hot rows";
            return Err(Error::user(format!("has shape {:?}", tensor.shape), help));
        }
    };
    let class = |(at, row): (usize, &[f64])| {
        let class = match row {
            [class] if class.fract() == 0.0 && (0.0..1e6).contains(class) => Some(*class as usize),
            [_] => None,
            _ => {
                let hot = row.iter().position(|value| *value == 1.0);
                hot.filter(|_| row.iter().filter(|value| **value != 0.0).count() == 1)
            }
        };
        let help = "labels are class numbers from 0, or one-hot rows";
        class.ok_or_else(|| Error::user(format!("row {at} is no class: {row:?}"), help))
    };
    tensor.data.chunks_exact(width).enumerate().map(class).collect()
}

/// `FILE:KEY`, unless there is a file of that whole name.
fn split(path: &Path) -> (PathBuf, Option<String>) {
    let whole = path.to_string_lossy();
    match whole.rsplit_once(':') {
        Some((file, key)) if !path.exists() && Path::new(file).is_file() => (file.into(), Some(key.to_string())),
        _ => (path.to_path_buf(), None),
    }
}

/// The caller says the path, with the key.
fn without_place(mut error: Error) -> Error {
    error.place.clear();
    error
}

fn lone<'k>(keys: &[&'k str]) -> Option<&'k str> {
    if let [key] = keys { Some(key) } else { None }
}

fn single(bytes: &[u8]) -> Result<Tensor> {
    if npy::is_npy(bytes) { npy::parse(bytes)?.tensor() } else { csv(bytes) }
}

/// The samples of one array.
fn fit(tensor: Tensor, ports: &[Port]) -> Result<Samples> {
    let columns = columns(ports);
    let [rows, rest @ ..] = tensor.shape.as_slice() else {
        return Err(Error::user("is a single number", "samples are along the first axis of an array"));
    };
    let found: usize = rest.iter().product();
    if found != columns {
        return Err(misfit(found, ports));
    }
    if *rows == 0 || columns == 0 {
        return Err(Error::user("has no samples", "give at least one"));
    }
    if let Some(at) = tensor.data.iter().position(|value| !value.is_finite()) {
        let what = format!("row {}, column {} is {}", at / columns, at % columns, tensor.data[at]);
        return Err(Error::user(what, "every value must be finite; rows and columns count from 0"));
    }
    Ok(Samples { columns, data: tensor.data })
}

/// Comma-separated numbers; a first row with anything but numbers is a header.
fn csv(bytes: &[u8]) -> Result<Tensor> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).trim(csv::Trim::All).comment(Some(b'#')).from_reader(bytes);
    let (mut data, mut columns, mut header) = (Vec::new(), 0, true);
    for record in reader.records() {
        let record = record.map_err(|error| Error::user(format!("{error}"), "one row is a sample, of numbers"))?;
        let line = record.position().map_or(0, |position| position.line());
        let number = |(column, cell): (usize, &str)| {
            let help = "write numbers, separated by commas; columns count from 0";
            let wrong = || Error::user(format!("line {line}, column {column} is `{cell}`, no number"), help);
            cell.parse::<f64>().map_err(|_| wrong())
        };
        let numbers = record.iter().enumerate().map(number).collect::<Result<Vec<_>>>();
        match numbers {
            Err(_) if header && record.iter().all(|cell| !cell.is_empty() && cell.parse::<f64>().is_err()) => {}
            numbers => data.extend(numbers?),
        }
        (columns, header) = (record.len(), false);
    }
    if data.is_empty() {
        return Err(Error::user("has no samples", "one row is a sample, of numbers separated by commas"));
    }
    Ok(Tensor { shape: vec![data.len() / columns, columns], data })
}
