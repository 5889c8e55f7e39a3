//! HDF5: the datasets of all groups, called by their paths, `events/x`.

use super::{Format, Table};
use crate::arrays::Array;
use crate::arrays::hdf5::{array, damaged, is_hdf5, open};
use crate::error::{At, Error, Result};
use crate::files::fenced;
use crate::registry::Entry;
use hdf5_pure::Group;

/// The entry.
pub const TABLE: Entry<Format> =
    Entry { name: "hdf5", doc: "HDF5: datasets by their paths", make: Format { recognise: is_hdf5, read } };

/// Groups inside groups, and datasets in all.
const MOST: (usize, usize) = (12, 4096);

fn read(bytes: &[u8]) -> Result<Table> {
    let file = open(bytes.to_vec())?;
    fenced(|| {
        let mut arrays = Vec::new();
        collect(&file.root(), "", bytes.len() as u64, &mut arrays)?;
        Ok(Table { arrays })
    })
}

fn collect(group: &Group, path: &str, bytes: u64, found: &mut Vec<(String, Array)>) -> Result<()> {
    for name in group.datasets().map_err(damaged)? {
        let dataset = group.dataset(&name).map_err(damaged)?;
        let path = format!("{path}{name}");
        let array = array(&dataset, bytes).at(&path)?;
        found.push((path, array));
    }
    for name in group.groups().map_err(damaged)? {
        let below = format!("{path}{name}/");
        if below.matches('/').count() > MOST.0 || found.len() > MOST.1 {
            return Err(Error::user("has too many groups or datasets", "give a file of the samples alone"));
        }
        collect(&group.group(&name).map_err(damaged)?, &below, bytes, found)?;
    }
    Ok(())
}
