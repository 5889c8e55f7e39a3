//! Writing samples.

use super::{Samples, columns, misfit, names};
use crate::arrays::{npy, npz};
use crate::error::{At, Error, Result};
use crate::files;
use crate::network::Tensor;
use crate::port::Port;
use std::fmt::Write;
use std::path::Path;

/// Writes float64 samples as `.npy`, `.npz` (an array for each port) or `.csv` (with a header), by extension.
///
/// # Errors
/// The extension is another, the columns do not fit the ports, or the file cannot be written.
pub fn write(path: &Path, ports: &[Port], samples: &Samples) -> Result<()> {
    let place = path.display().to_string();
    if samples.columns != columns(ports) {
        return Err(misfit(samples.columns, ports).at(place));
    }
    let bytes = match path.extension().and_then(|extension| extension.to_str()) {
        Some("npy") => npy::format(&whole(ports, samples)),
        Some("npz") => {
            let tensors = parts(ports, samples);
            npz::format(ports.iter().zip(&tensors).map(|(port, tensor)| (port.name.as_str(), tensor))).at(place)?
        }
        Some("csv") => csv(ports, samples).into_bytes(),
        _ => {
            let help = "name a file that ends in .npy, .npz or .csv";
            return Err(Error::user("has no extension that nanotrig writes", help).at(place));
        }
    };
    files::write(path, &bytes)
}

/// One array: the port's shape if there is one port, else flat.
fn whole(ports: &[Port], samples: &Samples) -> Tensor {
    let rest = match ports {
        [port] => port.shape.clone(),
        _ => vec![samples.columns],
    };
    Tensor { shape: [vec![samples.rows()], rest].concat(), data: samples.data.clone() }
}

/// An array for each port.
fn parts(ports: &[Port], samples: &Samples) -> Vec<Tensor> {
    let mut start = 0;
    let part = |port: &Port| {
        let columns = start..start + port.elements.len();
        start = columns.end;
        let data = (0..samples.rows()).flat_map(|row| samples.row(row)[columns.clone()].to_vec()).collect();
        Tensor { shape: [vec![samples.rows()], port.shape.clone()].concat(), data }
    };
    ports.iter().map(part).collect()
}

fn csv(ports: &[Port], samples: &Samples) -> String {
    let mut text = names(ports).join(",");
    for row in 0..samples.rows() {
        for (column, value) in samples.row(row).iter().enumerate() {
            // The shortest text that reads back as the same float64.
            let _ = write!(text, "{}{value:?}", if column == 0 { '\n' } else { ',' });
        }
    }
    text.push('\n');
    text
}
