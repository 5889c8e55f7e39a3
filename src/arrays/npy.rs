//! NumPy's `.npy`: a magic, a header that is a Python dict, and raw values.

use super::{Array, Values, elements, from_fortran};
use crate::error::{Error, Result};
use crate::network::Tensor;

const MAGIC: &[u8] = b"\x93NUMPY";
const HELP: &str = "write it with numpy.save or numpy.savez from an array of numbers";
const MAX_TEXT: usize = 1 << 24;

/// Does it start like `.npy`?
pub fn is_npy(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// What the header says: the type, the order, and the shape.
struct Header {
    big_endian: bool,
    kind: char,
    size: usize,
    fortran: bool,
    shape: Vec<usize>,
}

/// Reads booleans, integers, `f4`, `f8` and unicode text, in either byte order and either axis order.
pub fn parse(bytes: &[u8]) -> Result<Array> {
    let (text, body) = split(bytes).ok_or_else(|| Error::user("is not a whole .npy array", HELP))?;
    let header = header(text)?;
    let count = elements(&header.shape)?;
    let length = count.checked_mul(header.size).filter(|length| *length <= body.len());
    let body = length.and_then(|length| body.get(..length)).ok_or_else(|| {
        let what = format!("is truncated: shape {:?} needs more than its {} bytes", header.shape, body.len());
        Error::user(what, "fetch or write it again")
    })?;
    let values = match header.kind {
        'U' => Values::Text(reorder(&header, texts(&header, body, count)?)),
        _ => Values::Numbers(reorder(&header, numbers(&header, body)?)),
    };
    Ok(Array { shape: header.shape, values })
}

fn split(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (length, start) = match rest.first()? {
        1 => (u16::from_le_bytes(rest.get(2..4)?.try_into().ok()?) as usize, 4),
        2 | 3 => (u32::from_le_bytes(rest.get(2..6)?.try_into().ok()?) as usize, 6),
        _ => return None,
    };
    let end = start + length;
    Some((std::str::from_utf8(rest.get(start..end)?).ok()?, &rest[end..]))
}

fn header(text: &str) -> Result<Header> {
    let wrong = |what: &str| Error::user(format!("has {what} in its .npy header"), HELP);
    let after = |key: &str| text.split_once(&format!("'{key}':")).map(|(_, rest)| rest.trim_start());
    let descr = after("descr").ok_or_else(|| wrong("no type"))?;
    let descr = descr.strip_prefix('\'').and_then(|rest| rest.split_once('\'')).map(|(descr, _)| descr);
    let descr = descr.ok_or_else(|| wrong("a structured type"))?;
    let mut letters = descr.chars();
    let (order, kind) = (letters.next(), letters.next());
    let (big_endian, kind) = match (order, kind) {
        (Some('>'), Some(kind)) => (true, kind),
        (Some('<' | '|' | '='), Some(kind)) => (false, kind),
        _ => return Err(wrong("an unknown type")),
    };
    let size: usize = letters.as_str().parse().map_err(|_| wrong("an unknown type"))?;
    let size = match (kind, size) {
        ('b', 1) | ('i' | 'u', 1 | 2 | 4 | 8) | ('f', 4 | 8) => size,
        ('U', 1..=MAX_TEXT) => 4 * size,
        _ => return Err(wrong(&format!("the type `{descr}`, which nanotrig does not read,"))),
    };
    let fortran = match after("fortran_order") {
        Some(rest) if rest.starts_with("True") => true,
        Some(rest) if rest.starts_with("False") => false,
        _ => return Err(wrong("no axis order")),
    };
    let axes = after("shape").and_then(|rest| rest.strip_prefix('(')).and_then(|rest| rest.split_once(')'));
    let axes = axes.ok_or_else(|| wrong("no shape"))?.0.split(',').map(str::trim).filter(|axis| !axis.is_empty());
    let shape = axes.map(|axis| axis.parse().map_err(|_| wrong("a wrong shape"))).collect::<Result<_>>()?;
    Ok(Header { big_endian, kind, size, fortran, shape })
}

fn reorder<T: Clone>(header: &Header, data: Vec<T>) -> Vec<T> {
    if header.fortran && header.shape.len() > 1 { from_fortran(&header.shape, &data) } else { data }
}

/// The bits of an element, zero-extended.
fn bits(header: &Header, chunk: &[u8]) -> u64 {
    let byte = |value: u64, byte: &u8| value << 8 | *byte as u64;
    if header.big_endian { chunk.iter().fold(0, byte) } else { chunk.iter().rev().fold(0, byte) }
}

fn numbers(header: &Header, body: &[u8]) -> Result<Vec<f64>> {
    let exact = |value: i128| {
        (value.unsigned_abs() <= 1 << 53).then_some(value as f64).ok_or_else(|| {
            let help = "nanotrig reads integers up to 2^53; store the array as float64 or scale it";
            Error::user(format!("holds the integer {value}, which float64 cannot"), help)
        })
    };
    let convert = |chunk: &[u8]| {
        let bits = bits(header, chunk);
        let up = 64 - 8 * header.size as u32;
        match (header.kind, header.size) {
            ('f', 4) => Ok(f32::from_bits(bits as u32) as f64),
            ('f', _) => Ok(f64::from_bits(bits)),
            ('i', _) => exact((((bits << up) as i64) >> up) as i128),
            _ => exact(bits as i128),
        }
    };
    body.chunks_exact(header.size).map(convert).collect()
}

fn texts(header: &Header, body: &[u8], count: usize) -> Result<Vec<String>> {
    let letter = |chunk: &[u8]| char::from_u32(bits(header, chunk) as u32);
    let text = |chunk: &[u8]| -> Option<String> {
        let letters: Option<String> = chunk.chunks_exact(4).map(letter).collect();
        Some(letters?.trim_end_matches('\0').to_string())
    };
    let wrong = || Error::user("holds broken unicode text", HELP);
    let texts: Vec<_> = body.chunks_exact(header.size).map(|chunk| text(chunk).ok_or_else(wrong)).collect();
    debug_assert_eq!(texts.len(), count);
    texts.into_iter().collect()
}

/// The `.npy` file of a float64 array.
pub fn format(tensor: &Tensor) -> Vec<u8> {
    let axes: String = tensor.shape.iter().map(|length| format!("{length}, ")).collect();
    let axes = if tensor.shape.len() == 1 { axes.trim_end() } else { axes.trim_end_matches(", ") };
    let mut header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({axes}), }}");
    // NumPy's alignment: the values start at a multiple of 64.
    let end = (MAGIC.len() + 4 + header.len() + 1).next_multiple_of(64) - MAGIC.len() - 4;
    header.push_str(&" ".repeat(end - 1 - header.len()));
    header.push('\n');
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(tensor.data.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(header: &str, body: &[u8]) -> Vec<u8> {
        let length = (header.len() as u16).to_le_bytes();
        [MAGIC, &[1, 0], &length, header.as_bytes(), body].concat()
    }

    #[test]
    fn round_trip() {
        for shape in [vec![], vec![3], vec![2, 3], vec![2, 1, 3], vec![0, 4]] {
            let count = shape.iter().product::<usize>();
            let tensor = Tensor { shape, data: (0..count).map(|n| n as f64 / 3.0).collect() };
            assert_eq!(parse(&format(&tensor)).unwrap().tensor().unwrap(), tensor);
        }
    }

    #[test]
    fn types_and_orders() {
        let numbers = |header: &str, body: &[u8]| parse(&raw(header, body)).unwrap().tensor().unwrap();
        let dict = |descr: &str, order: &str, shape: &str| {
            format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n")
        };
        assert_eq!(numbers(&dict("|i1", "False", "(2,)"), &[255, 3]).data, [-1.0, 3.0]);
        assert_eq!(numbers(&dict(">i2", "False", "()"), &[255, 254]).data, [-2.0]);
        assert_eq!(numbers(&dict("|b1", "False", "(1,)"), &[1]).data, [1.0]);
        let column_major = numbers(&dict("|u1", "True", "(2, 3)"), &[0, 10, 1, 11, 2, 12]);
        assert_eq!(column_major.data, [0.0, 1.0, 2.0, 10.0, 11.0, 12.0]);
        let text = parse(&raw(&dict("<U2", "False", "()"), &[65, 0, 0, 0, 0, 0, 0, 0])).unwrap();
        assert_eq!(text.text().unwrap(), "A");
    }

    #[test]
    fn absurd_headers() {
        for (descr, shape) in [
            ("<f8", "(1000000, 1000000)"),
            ("<f8", "(18446744073709551615, 18446744073709551615)"),
            ("<f8", "(99999999999999999999999999,)"),
            ("<f8", "(-1,)"),
            ("<U99999999999", "()"),
            ("|O", "(1,)"),
            ("<f8", "(3,)"),
        ] {
            let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
            let error = parse(&raw(&header, &[0; 16])).unwrap_err();
            assert!(!error.help.is_empty(), "{error}");
        }
        let big = "{'descr': '<i8', 'fortran_order': False, 'shape': (), }";
        assert!(parse(&raw(big, &(1i64 << 60).to_le_bytes())).unwrap_err().what.contains("1152921504606846976"));
    }
}
