//! NumPy's `.npz`: a zip of `.npy` files.

use super::{Array, npy, zip};
use crate::error::{At, Error, Result};
use crate::network::Tensor;

/// An archive, its directory read and its arrays not yet.
#[derive(Debug)]
pub struct Npz<'a> {
    bytes: &'a [u8],
    members: Vec<zip::Member>,
}

/// Does it start like a zip?
pub fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

impl<'a> Npz<'a> {
    /// Reads the directory.
    pub fn open(bytes: &'a [u8]) -> Result<Npz<'a>> {
        Ok(Npz { bytes, members: zip::members(bytes)? })
    }

    /// Names of the files in the zip, arrays or not.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| member.name.as_str())
    }

    /// The content of a file in the zip, array or not.
    pub fn file(&self, name: &str) -> Result<Vec<u8>> {
        let member = self.members.iter().find(|member| member.name == name);
        let missing = || {
            let known: Vec<_> = self.files().take(40).collect();
            Error::user(format!("has no file `{name}`"), format!("its files: {}", known.join(", ")))
        };
        zip::extract(self.bytes, member.ok_or_else(missing)?).at(name)
    }

    /// Names of the arrays, in the order of the file.
    pub fn keys(&self) -> Vec<&str> {
        self.files().filter_map(|name| name.strip_suffix(".npy")).collect()
    }

    /// Is there an array of this name?
    pub fn has(&self, key: &str) -> bool {
        self.keys().contains(&key)
    }

    /// Reads an array; a missing one is answered with the names there are.
    pub fn get(&self, key: &str) -> Result<Array> {
        let member = self.members.iter().find(|member| member.name.strip_suffix(".npy") == Some(key));
        let member = member.ok_or_else(|| {
            Error::user(format!("has no array `{key}`"), format!("its arrays: {}", self.keys().join(", ")))
        })?;
        zip::extract(self.bytes, member).and_then(|bytes| npy::parse(&bytes)).at(key)
    }
}

/// The `.npz` file of float64 arrays, in this order.
pub fn format<'t>(arrays: impl IntoIterator<Item = (&'t str, &'t Tensor)>) -> Result<Vec<u8>> {
    let members: Vec<_> =
        arrays.into_iter().map(|(name, tensor)| (format!("{name}.npy"), npy::format(tensor))).collect();
    zip::format(&members)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let a = Tensor { shape: vec![2, 2], data: vec![1.0, 2.0, 3.0, 4.5] };
        let b = Tensor { shape: vec![], data: vec![7.0] };
        format([("a", &a), ("b.c/d", &b)]).unwrap()
    }

    #[test]
    fn round_trip() {
        let bytes = sample();
        let npz = Npz::open(&bytes).unwrap();
        assert_eq!(npz.keys(), ["a", "b.c/d"]);
        assert_eq!(npz.get("a").unwrap().tensor().unwrap().data, [1.0, 2.0, 3.0, 4.5]);
        assert_eq!(npz.get("b.c/d").unwrap().tensor().unwrap().data, [7.0]);
        assert_eq!(npz.get("z").unwrap_err().help, "its arrays: a, b.c/d");
    }

    #[test]
    fn damage_is_an_error_or_harmless() {
        let bytes = sample();
        let all = |bytes: &[u8]| -> Result<()> {
            let npz = Npz::open(bytes)?;
            npz.keys().iter().try_for_each(|key| npz.get(key).map(drop))
        };
        for end in 0..bytes.len() {
            assert!(all(&bytes[..end]).is_err(), "{end}");
        }
        for at in 0..bytes.len() {
            for flip in [1, 0x80, 0xff] {
                let mut broken = bytes.clone();
                broken[at] ^= flip;
                let _ = all(&broken);
            }
        }
    }

    #[test]
    fn a_member_that_claims_too_much() {
        let mut bytes = sample();
        let at = (0..bytes.len()).find(|at| bytes[*at..].starts_with(b"PK\x01\x02")).unwrap();
        bytes[at + 24..at + 28].copy_from_slice(&u32::MAX.to_le_bytes());
        let error = Npz::open(&bytes).unwrap().get("a").unwrap_err();
        assert!(error.what.contains("claims 4294967295 bytes"), "{error}");
    }
}
