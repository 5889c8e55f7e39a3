//! Samples: real values in the network's own units, as `.npy`, `.npz` or `.csv`, and the codes that the ports carry.
//!
//! One row is a sample, one column an element of the flattened ports, in port order. The host's part of the contract is
//! here: [`codes`] applies each port element's quantizer, rounding included; [`values`] turns codes back into float64,
//! exactly or not at all.

mod host;
mod read;
mod scores;
pub mod tables;
mod write;

pub use host::{apply, prepared};
pub use read::{labels, read};
pub use scores::{area, predicted};
pub use write::write;

use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Quantization};
use crate::port::Port;

/// A matrix of real values.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    /// Elements a sample has.
    pub columns: usize,
    /// The values, row after row; finite.
    pub data: Vec<f64>,
}

impl Samples {
    /// The number of samples.
    pub fn rows(&self) -> usize {
        self.data.len().checked_div(self.columns).unwrap_or(0)
    }

    /// One sample.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.data[row * self.columns..(row + 1) * self.columns]
    }
}

/// Elements of all ports.
pub fn columns(ports: &[Port]) -> usize {
    ports.iter().map(|port| port.elements.len()).sum()
}

/// Each column's place, `x[3]`, for messages and headers.
fn names(ports: &[Port]) -> Vec<String> {
    let each = |port: &Port| (0..port.elements.len()).map(|at| format!("{}[{at}]", port.name)).collect::<Vec<_>>();
    ports.iter().flat_map(each).collect()
}

fn quantizers(ports: &[Port]) -> Vec<Quantization> {
    ports.iter().flat_map(|port| port.elements.iter().copied()).collect()
}

fn misfit(found: usize, ports: &[Port]) -> Error {
    let ports: Vec<_> = ports.iter().map(|port| format!("{} {:?}", port.name, port.shape)).collect();
    let what = format!("has {found} values in each sample, which do not fit the ports {}", ports.join(", "));
    Error::user(what, "one row is a sample; its elements are those of all ports, in their order")
}

/// The codes of real values: each element's quantizer applied.
///
/// # Errors
/// The columns do not fit the ports, or a value is beyond 127 bits.
pub fn codes(samples: &Samples, ports: &[Port]) -> Result<Batch> {
    let quantizers = quantizers(ports);
    if samples.columns != quantizers.len() {
        return Err(misfit(samples.columns, ports));
    }
    let mut batch = Batch::new(samples.columns);
    batch.data.reserve(samples.data.len());
    for (at, value) in samples.data.iter().enumerate() {
        let (row, column) = (at / samples.columns, at % samples.columns);
        let code = Fixed::from_f64(*value).and_then(|value| quantizers[column].code(value));
        batch.data.push(code.ok_or_else(|| {
            let what = format!("row {row}, column {column} is {value}, too large for {}", quantizers[column]);
            Error::user(what, "scale the input, or give the port a format that saturates")
        })?);
    }
    Ok(batch)
}

/// The real values of codes.
///
/// # Errors
/// The columns do not fit the ports, or a value has more than 53 significant bits.
pub fn values(batch: &Batch, ports: &[Port]) -> Result<Samples> {
    let quantizers = quantizers(ports);
    if batch.columns != quantizers.len() {
        return Err(misfit(batch.columns, ports));
    }
    let value = |(at, code): (usize, &i128)| {
        let column = at % batch.columns;
        Fixed::new(*code, quantizers[column].format.lsb).to_f64().ok_or_else(|| {
            let name = &names(ports)[column];
            let what = format!("row {}, {name} needs more than the 53 bits of float64", at / batch.columns);
            Error::user(what, "narrow the output with --output-format")
        })
    };
    let data = batch.data.iter().enumerate().map(value).collect::<Result<_>>()?;
    Ok(Samples { columns: batch.columns, data })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::Format;
    use std::path::Path;

    pub(super) fn port(name: &str, shape: &[usize], format: &str) -> Port {
        let count = shape.iter().product();
        Port { name: name.into(), shape: shape.into(), elements: vec![format.parse().unwrap(); count], state: false }
    }

    #[test]
    fn the_host_applies_the_quantizer() {
        let ports = [port("a", &[2], "fixed<4,2,RND,SAT>"), port("b", &[1], "ufixed<2,2>")];
        let samples = Samples { columns: 3, data: vec![0.125, 9.0, 5.75, -0.125, -9.0, -1.0] };
        let batch = codes(&samples, &ports).unwrap();
        assert_eq!(batch.data, [1, 7, 1, 0, -8, 3]);
        assert_eq!(values(&batch, &ports).unwrap().data, [0.25, 1.75, 1.0, 0.0, -2.0, 3.0]);
        let misfit = codes(&Samples { columns: 2, data: vec![0.0; 2] }, &ports).unwrap_err();
        assert!(misfit.what.contains("ports a [2], b [1]"), "{misfit}");
    }

    #[test]
    fn beyond_float64() {
        let mut wide = port("y", &[1], "fixed<64,64>");
        wide.elements[0].format = Format::new(true, 64, 64);
        let batch = Batch { columns: 1, data: vec![4, (1 << 54) + 1] };
        let error = values(&batch, &[wide]).unwrap_err();
        assert!(error.what.contains("row 1, y[0]"), "{error}");
    }

    #[test]
    fn round_trips() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let one = [port("x", &[2, 2], "fixed<8,4>")];
        let two = [port("x", &[2], "fixed<8,4>"), port("y", &[2], "fixed<8,4>")];
        let samples = Samples { columns: 4, data: (0..12).map(|n| n as f64 / 3.0).collect() };
        for name in ["s.npy", "s.npz", "s.csv"] {
            for ports in [&one[..], &two[..]] {
                write(&path(name), ports, &samples).unwrap();
                assert_eq!(read(&path(name), ports).unwrap(), samples, "{name}");
            }
        }
        assert!(write(&path("s.txt"), &one, &samples).unwrap_err().help.contains(".npz"));
    }

    fn text(content: &str, ports: &[Port]) -> Result<Samples> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.csv");
        std::fs::write(&path, content).unwrap();
        read(&path, ports)
    }

    #[test]
    fn csv_mistakes_name_the_place() {
        let ports = [port("x", &[2], "fixed<8,4>")];
        assert_eq!(text("1,2\n3, 4\n", &ports).unwrap().data, [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(text("a,b\n1,2\n", &ports).unwrap().data, [1.0, 2.0]);
        for (content, part) in [
            ("1,2\n3,nan\n", "row 1, column 1 is NaN"),
            ("1,2\ninf,3\n", "row 1, column 0 is inf"),
            ("1,2\n3,x\n", "line 2, column 1 is `x`"),
            ("1,2\n3\n", "line: 2"),
            ("1,2,3\n", "has 3 values in each sample"),
            ("a,b\n", "has no samples"),
            ("1,\n", "line 1, column 1 is ``"),
        ] {
            let error = text(content, &ports).unwrap_err();
            assert!(error.to_string().contains(part), "{content:?}: {error}");
        }
    }

    #[test]
    fn npz_keys() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.npz");
        let samples = Samples { columns: 1, data: vec![1.0, 2.0] };
        let ports = [port("a", &[1], "fixed<8,4>"), port("b", &[1], "fixed<8,4>")];
        let both = Samples { columns: 2, data: vec![1.0, 10.0, 2.0, 20.0] };
        write(&path, &ports, &both).unwrap();
        assert_eq!(read(&path, &ports[..1]).unwrap(), samples);
        let error = read(&path, &[port("c", &[1], "fixed<8,4>")]).unwrap_err();
        assert!(error.to_string().contains("a, b"), "{error}");
        let named = format!("{}:b", path.display());
        assert_eq!(read(Path::new(&named), &[port("c", &[1], "fixed<8,4>")]).unwrap().data, [10.0, 20.0]);
        assert_eq!(labels(Path::new(&named)).unwrap(), [10, 20]);
    }

    #[test]
    fn labels_are_integers_or_one_hot() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("l.csv");
        let read = |content: &str| {
            std::fs::write(&path, content).unwrap();
            labels(&path)
        };
        assert_eq!(read("label\n0\n4\n").unwrap(), [0, 4]);
        assert_eq!(read("0,1,0\n1,0,0\n").unwrap(), [1, 0]);
        assert!(read("0.5\n").unwrap_err().what.contains("row 0"));
        assert!(read("0,1\n1,1\n").unwrap_err().what.contains("row 1"));
    }
}
