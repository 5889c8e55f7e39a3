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

#[test]
fn damaged_hdf5_is_refused() {
    let bytes = std::fs::read(data("samples.h5")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("samples.h5");
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
