//! Constants of an ONNX graph, folded as the framework would: floats are float32 after each operation.
//!
//! A constant that came out of a quantizer remembers its codes: element `e` is `codes[e] * scale[e]`, rounded to float32.

use super::proto;
use crate::error::{Error, Result};
use crate::files::MAX_ELEMENTS;

/// What a constant's elements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Floating point; kept as float32.
    Float,
    /// Integers of any width, and booleans.
    Integer,
}

/// Codes behind quantized constants.
#[derive(Clone, Debug, PartialEq)]
pub struct Codes {
    /// The integers.
    pub codes: Vec<f64>,
    /// The scale of each element.
    pub scale: Vec<f32>,
}

/// A constant tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Constant {
    /// Length of each axis; empty for a scalar. An axis may be empty.
    pub dims: Vec<usize>,
    /// The values, C order.
    pub data: Vec<f64>,
    /// What they are.
    pub kind: Kind,
    /// Where they came from, if from a quantizer.
    pub codes: Option<Codes>,
    /// The integer type's bounds, for QuantizeLinear's zero points.
    pub bounds: Option<(f64, f64)>,
}

/// How many elements a shape has, within the limit.
pub fn count(dims: &[usize]) -> Result<usize> {
    let product = dims.iter().try_fold(1usize, |product, length| product.checked_mul(*length));
    product.filter(|product| *product <= MAX_ELEMENTS).ok_or_else(|| {
        Error::user(format!("shape {dims:?} is too large"), format!("a tensor has at most {MAX_ELEMENTS} elements"))
    })
}

impl Constant {
    /// Floats.
    pub fn float(dims: Vec<usize>, data: Vec<f64>) -> Constant {
        Constant { dims, data, kind: Kind::Float, codes: None, bounds: None }
    }

    /// A vector of integers.
    pub fn integers(values: impl IntoIterator<Item = i64>) -> Constant {
        let data: Vec<f64> = values.into_iter().map(|value| value as f64).collect();
        Constant { dims: vec![data.len()], data, kind: Kind::Integer, codes: None, bounds: None }
    }

    /// From a stored tensor.
    ///
    /// # Errors
    /// An element type without numbers, data outside the file, or not as many values as the shape says.
    pub fn read(tensor: &proto::Tensor) -> Result<Constant> {
        if tensor.data_location == 1 {
            let help = "save the model in one file: onnx.save(onnx.load(FILE), OUT, save_as_external_data=False)";
            return Err(Error::user("its values are in another file, which is not opened", help));
        }
        let length = |dim: &i64| usize::try_from(*dim).ok();
        let dims: Option<Vec<usize>> = tensor.dims.iter().map(length).collect();
        let dims = dims.filter(|dims| dims.len() <= 16).ok_or_else(|| {
            Error::user(format!("its shape is {:?}", tensor.dims), "the file is damaged; export it again")
        })?;
        let expected = count(&dims)?;
        let (data, kind, bounds) = values(tensor, expected)?;
        if data.len() != expected {
            let what = format!("shape {dims:?} needs {expected} values, there are {}", data.len());
            return Err(Error::user(what, "the file is truncated or damaged; export it again"));
        }
        Ok(Constant { dims, data, kind, codes: None, bounds })
    }

    /// The same elements somewhere else: element `e` of the result is element `map[e]`.
    pub fn gathered(&self, dims: Vec<usize>, map: &[usize]) -> Constant {
        let pick = |data: &[f64]| map.iter().map(|e| data[*e]).collect::<Vec<_>>();
        let codes = self
            .codes
            .as_ref()
            .map(|codes| Codes { codes: pick(&codes.codes), scale: map.iter().map(|e| codes.scale[*e]).collect() });
        Constant { dims, data: pick(&self.data), kind: self.kind, codes, bounds: self.bounds }
    }

    /// The same elements in another shape.
    pub fn reshaped(&self, dims: Vec<usize>) -> Constant {
        Constant { dims, ..self.clone() }
    }

    /// The one value of a constant with one element.
    pub fn scalar(&self) -> Option<f64> {
        match self.data.as_slice() {
            [value] => Some(*value),
            _ => None,
        }
    }

    /// The values as integers.
    ///
    /// # Errors
    /// One is none.
    pub fn to_integers(&self) -> Result<Vec<i64>> {
        let integer = |value: &f64| (value.fract() == 0.0).then_some(*value as i64);
        self.data.iter().map(integer).collect::<Option<_>>().ok_or_else(|| {
            Error::user("a shape, axis or index is not an integer", "the file is damaged; export it again")
        })
    }
}

type Values = (Vec<f64>, Kind, Option<(f64, f64)>);

/// The elements of a stored tensor: in typed lists, or as little-endian bytes.
fn values(tensor: &proto::Tensor, expected: usize) -> Result<Values> {
    let raw = &tensor.raw_data;
    let bytes = |size: usize, read: fn(&[u8]) -> f64| -> Result<Vec<f64>> {
        if raw.len() != expected.saturating_mul(size) {
            let what = format!("shape {:?} needs {} bytes, there are {}", tensor.dims, expected * size, raw.len());
            return Err(Error::user(what, "the file is truncated or damaged; export it again"));
        }
        Ok(raw.chunks_exact(size).map(read).collect())
    };
    let small = || tensor.int32_data.iter().map(|value| f64::from(*value)).collect::<Vec<_>>();
    let stored = !raw.is_empty();
    let integer = |data, low: f64, high: f64| Ok((data, Kind::Integer, Some((low, high))));
    match tensor.data_type {
        1 if stored => Ok((bytes(4, |b| f64::from(f32::from_le_bytes(array(b))))?, Kind::Float, None)),
        1 => Ok((tensor.float_data.iter().map(|value| f64::from(*value)).collect(), Kind::Float, None)),
        11 if stored => Ok((bytes(8, |b| f64::from(f64::from_le_bytes(array(b)) as f32))?, Kind::Float, None)),
        11 => Ok((tensor.double_data.iter().map(|value| f64::from(*value as f32)).collect(), Kind::Float, None)),
        10 if stored => Ok((bytes(2, |b| half(u16::from_le_bytes(array(b))))?, Kind::Float, None)),
        10 => Ok((tensor.int32_data.iter().map(|value| half(*value as u16)).collect(), Kind::Float, None)),
        2 if stored => integer(bytes(1, |b| f64::from(b[0]))?, 0.0, 255.0),
        2 => integer(small(), 0.0, 255.0),
        3 if stored => integer(bytes(1, |b| f64::from(b[0] as i8))?, -128.0, 127.0),
        3 => integer(small(), -128.0, 127.0),
        4 if stored => integer(bytes(2, |b| f64::from(u16::from_le_bytes(array(b))))?, 0.0, 65535.0),
        4 => integer(small(), 0.0, 65535.0),
        5 if stored => integer(bytes(2, |b| f64::from(i16::from_le_bytes(array(b))))?, -32768.0, 32767.0),
        5 => integer(small(), -32768.0, 32767.0),
        6 if stored => integer(bytes(4, |b| f64::from(i32::from_le_bytes(array(b))))?, -2147483648.0, 2147483647.0),
        6 => integer(small(), -2147483648.0, 2147483647.0),
        7 if stored => Ok((bytes(8, |b| i64::from_le_bytes(array(b)) as f64)?, Kind::Integer, None)),
        7 => Ok((tensor.int64_data.iter().map(|value| *value as f64).collect(), Kind::Integer, None)),
        9 if stored => Ok((bytes(1, |b| f64::from(b[0]))?, Kind::Integer, None)),
        9 => Ok((small(), Kind::Integer, None)),
        21 => integer(nibbles(tensor, expected, false), 0.0, 15.0),
        22 => integer(nibbles(tensor, expected, true), -8.0, 7.0),
        other => Err(Error::user(
            format!("its element type is number {other} of ONNX"),
            "known: float16, float, double, bool, and integers of 4 to 64 bits",
        )),
    }
}

/// Exactly as many bytes as the type has.
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut all = [0; N];
    all.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    all
}

/// IEEE half precision.
fn half(bits: u16) -> f64 {
    let (sign, exponent, fraction) = (bits >> 15, i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let magnitude = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    };
    if sign == 1 { -magnitude } else { magnitude }
}

/// Two 4-bit integers a byte, the low one first.
fn nibbles(tensor: &proto::Tensor, expected: usize, signed: bool) -> Vec<f64> {
    let bytes: Vec<u8> = match tensor.raw_data.is_empty() {
        true => tensor.int32_data.iter().map(|value| *value as u8).collect(),
        false => tensor.raw_data.clone(),
    };
    let value = |nibble: u8| f64::from(nibble) - if signed && nibble > 7 { 16.0 } else { 0.0 };
    bytes.iter().flat_map(|byte| [value(byte & 15), value(byte >> 4)]).take(expected).collect()
}
