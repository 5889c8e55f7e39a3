//! HDF5, read without trusting it.

use super::{Array, Values};
use crate::error::{Error, Result};
use crate::files::{MAX_ELEMENTS, fenced};
use hdf5_pure::{DType, Dataset, File};

const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";
/// Deflate cannot shrink further than this.
const MAX_RATIO: u64 = 1040;

/// Does the file start with HDF5's signature?
pub fn is_hdf5(bytes: &[u8]) -> bool {
    bytes.starts_with(SIGNATURE)
}

/// Opens a file that has the signature.
///
/// # Errors
/// It is truncated or damaged.
pub fn open(bytes: Vec<u8>) -> Result<File> {
    let length = bytes.len() as u64;
    if let Some(whole) = whole_length(&bytes).filter(|whole| *whole > length) {
        let what = format!("is truncated: it has {length} of {whole} bytes");
        return Err(Error::user(what, "fetch or write it again"));
    }
    fenced(|| File::from_bytes(bytes).map_err(damaged))
}

/// A dataset of a file of so many bytes; its reader may panic, so that the caller must be [`fenced`].
///
/// # Errors
/// It claims more elements than the file can hold, is damaged, or holds neither numbers nor text.
pub fn array(dataset: &Dataset, bytes: u64) -> Result<Array> {
    let shape = dataset.shape().map_err(damaged)?;
    let count = shape.iter().try_fold(1u64, |count, length| count.checked_mul(*length));
    let stored = count.and_then(|count| count.checked_mul(dataset.element_size().ok()?.max(1)));
    if stored.is_none_or(|stored| stored / MAX_RATIO > bytes || stored / 4 > MAX_ELEMENTS as u64) {
        let what = format!("claims shape {shape:?}, more than the file can hold");
        return Err(Error::user(what, "the file is truncated or damaged; fetch or write it again"));
    }
    let values = match dataset.dtype().map_err(damaged)? {
        DType::String | DType::VariableLengthString => Values::Text(dataset.read_string().map_err(damaged)?),
        _ => Values::Numbers(dataset.read_f64().map_err(damaged)?),
    };
    let found = match &values {
        Values::Numbers(numbers) => numbers.len(),
        Values::Text(texts) => texts.len(),
    };
    if Some(found as u64) != count {
        return Err(Error::user(format!("has {found} elements, and shape {shape:?}"), "the file is damaged"));
    }
    Ok(Array { shape: shape.iter().map(|length| *length as usize).collect(), values })
}

/// The length that the superblock claims, where its addresses have 8 bytes and count from the file's start.
fn whole_length(bytes: &[u8]) -> Option<u64> {
    let (sizes, base) = match bytes.get(8)? {
        0 => (13, 24),
        1 => (13, 28),
        2 | 3 => (9, 12),
        _ => return None,
    };
    let address = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    (*bytes.get(sizes)? == 8 && address(base)? == 0).then(|| address(base + 16)).flatten()
}

/// What the library says of a file.
pub fn damaged(error: hdf5_pure::Error) -> Error {
    let help = "the file is truncated, damaged or of an unknown kind of HDF5; fetch or write it again";
    Error::user(format!("broken HDF5: {error}"), help)
}
