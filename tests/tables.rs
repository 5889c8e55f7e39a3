//! Formats of training data: the same arrays in each are the same table; damaged files are refused.

use nanotrig::error::Kind;
use nanotrig::samples::tables::table;
use std::path::{Path, PathBuf};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tables").join(name)
}

#[test]
fn hdf5_is_what_npz_is() {
    let (hdf5, npz) = (table(&data("samples.h5")).unwrap(), table(&data("samples.npz")).unwrap());
    assert_eq!(npz.arrays.len(), 3);
    assert_eq!(hdf5.arrays.len(), 3);
    for (name, array) in &npz.arrays {
        assert_eq!(hdf5.get(name).unwrap(), array, "{name}");
    }
    assert_eq!(hdf5.classes("events/kind").unwrap(), npz.classes("events/kind").unwrap());
    assert_eq!(hdf5.samples(&["x".into()]).unwrap(), npz.samples(&["x".into()]).unwrap());
}

#[cfg(feature = "train")]
#[test]
fn parquet_is_what_npz_is() {
    let (parquet, npz) = (table(&data("samples.parquet")).unwrap(), table(&data("samples.npz")).unwrap());
    assert_eq!(parquet.arrays.len(), 3);
    for (name, array) in &npz.arrays {
        assert_eq!(parquet.get(&name.replace('/', ".")).unwrap(), array, "{name}");
    }
    assert_eq!(parquet.classes("events.kind").unwrap(), npz.classes("events/kind").unwrap());
}

/// Cut at every 97th byte, and with every 7th byte inverted: an error of the user's or a table, never a panic.
fn damage(file: &str) {
    let bytes = std::fs::read(data(file)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(file);
    let mut refused = 0;
    for end in (8..bytes.len()).step_by(97) {
        std::fs::write(&path, &bytes[..end]).unwrap();
        let error = table(&path).expect_err("truncated");
        assert_eq!(error.kind, Kind::User, "{error}");
    }
    for at in (8..bytes.len()).step_by(7) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0xff;
        std::fs::write(&path, damaged).unwrap();
        if let Err(error) = table(&path) {
            assert_eq!(error.kind, Kind::User, "{error}");
            refused += 1;
        }
    }
    assert!(refused > 20, "{refused}");
}

#[test]
fn damaged_hdf5_is_refused() {
    damage("samples.h5");
}

#[cfg(feature = "train")]
#[test]
fn damaged_parquet_is_refused() {
    damage("samples.parquet");
}

/// What a file may hold that is no table of samples.
#[cfg(feature = "train")]
#[test]
fn parquet_of_other_things() {
    for (file, says) in
        [("null.parquet", "missing (null)"), ("ragged.parquet", "one length"), ("map.parquet", "no number")]
    {
        let error = table(&data(file)).expect_err(file);
        assert_eq!(error.kind, Kind::User);
        assert!(error.to_string().contains(says), "{error}");
    }
}
