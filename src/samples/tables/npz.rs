//! NumPy's `.npz`.

use super::{Format, Table};
use crate::arrays::npz;
use crate::error::{At, Result};
use crate::registry::Entry;

/// The entry.
pub const TABLE: Entry<Format> =
    Entry { name: "npz", doc: "NumPy's .npz: named arrays", make: Format { recognise: npz::is_zip, read } };

fn read(bytes: &[u8]) -> Result<Table> {
    let npz = npz::Npz::open(bytes)?;
    let array = |key: &&str| Ok((key.to_string(), npz.get(key).at(*key)?));
    Ok(Table { arrays: npz.keys().iter().map(array).collect::<Result<_>>()? })
}
