//! The weights of a Keras model in HDF5: a group for each layer, and in it, at some depth, `kernel:0` and its like.

use crate::error::{At, Error, Result};
use crate::files::{MAX_ELEMENTS, fenced};
use crate::network::Tensor;
use hdf5_pure::{AttrValue, Dataset, File, Group};
use std::collections::BTreeMap;

const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";
/// Groups inside groups; Keras nests two or three.
const MAX_DEPTH: usize = 8;
/// Arrays that a layer may have.
const MAX_ARRAYS: usize = 256;
/// Deflate cannot shrink further than this.
const MAX_RATIO: u64 = 1040;

/// Does the file start with HDF5's signature?
pub fn is_hdf5(bytes: &[u8]) -> bool {
    bytes.starts_with(SIGNATURE)
}

/// An HDF5 file with a group for each layer.
pub struct Weights {
    file: File,
    bytes: u64,
    /// Where it is, if not in the file with the architecture.
    place: Option<String>,
}

impl Weights {
    /// Opens a file.
    pub fn open(bytes: Vec<u8>) -> Result<Weights> {
        if !is_hdf5(&bytes) {
            return Err(Error::user("is not HDF5", "give the .h5 file of model.save or model.save_weights"));
        }
        let length = bytes.len() as u64;
        if let Some(whole) = whole_length(&bytes).filter(|whole| *whole > length) {
            let what = format!("is truncated: it has {length} of {whole} bytes");
            return Err(Error::user(what, "fetch or write it again"));
        }
        let file = fenced(|| File::from_bytes(bytes).map_err(damaged))?;
        Ok(Weights { file, bytes: length, place: None })
    }

    /// The same, in a file beside the architecture; errors name it.
    pub fn beside(self, place: String) -> Weights {
        Weights { place: Some(place), ..self }
    }

    /// The architecture that `model.save` stores.
    pub fn model_config(&self) -> Result<Option<String>> {
        let mut attributes = fenced(|| self.file.root().attrs().map_err(damaged))?;
        Ok(match attributes.remove("model_config") {
            Some(AttrValue::String(text) | AttrValue::AsciiString(text)) => Some(text),
            Some(AttrValue::VarLenString(text) | AttrValue::VarLenAsciiString(text)) => Some(text),
            Some(AttrValue::StringSized { value, .. } | AttrValue::AsciiStringSized { value, .. }) => Some(value),
            Some(_) => return Err(Error::user("`model_config` is no text", "save the model again")),
            None => None,
        })
    }

    /// The arrays of a layer: `kernel`, `bias`, `gamma`, ...
    pub fn tensors(&self, layer: &str) -> Result<BTreeMap<String, Tensor>> {
        let found = fenced(|| {
            let root = self.file.root();
            let root = root.group("model_weights").unwrap_or(root);
            let group = root.group(layer).map_err(|_| {
                let mut known = root.groups().unwrap_or_default();
                known.sort_unstable();
                known.truncate(40);
                let help = format!("these are not the weights of this model; they have: {}", known.join(", "));
                Error::user(format!("the weights have no group `{layer}`"), help)
            })?;
            let mut found = BTreeMap::new();
            self.collect(&group, 0, &mut found)?;
            Ok(found)
        });
        match &self.place {
            Some(place) => found.at(place),
            None => found,
        }
    }

    fn collect(&self, group: &Group, depth: usize, found: &mut BTreeMap<String, Tensor>) -> Result<()> {
        if depth > MAX_DEPTH || found.len() > MAX_ARRAYS {
            return Err(Error::user("the weights are nested too deeply", "the file is damaged; write it again"));
        }
        for name in group.datasets().map_err(damaged)? {
            let base = name.split(':').next().unwrap_or(&name).to_string();
            let dataset = group.dataset(&name).map_err(damaged).at(&name)?;
            let tensor = self.tensor(&dataset).at(&name)?;
            if found.insert(base.clone(), tensor).is_some() {
                let what = format!("the weights have two arrays `{base}`");
                return Err(Error::user(what, "layers with other layers inside are not supported"));
            }
        }
        for name in group.groups().map_err(damaged)? {
            let inner = group.group(&name).map_err(damaged).at(&name)?;
            self.collect(&inner, depth + 1, found).at(&name)?;
        }
        Ok(())
    }

    fn tensor(&self, dataset: &Dataset) -> Result<Tensor> {
        let shape = dataset.shape().map_err(damaged)?;
        let count = shape.iter().try_fold(1u64, |count, length| count.checked_mul(*length));
        let stored = count.and_then(|count| count.checked_mul(dataset.element_size().ok()?.max(1)));
        if stored.is_none_or(|stored| stored / MAX_RATIO > self.bytes || stored / 4 > MAX_ELEMENTS as u64) {
            let what = format!("claims shape {shape:?}, more than the file can hold");
            return Err(Error::user(what, "the file is truncated or damaged; fetch or write it again"));
        }
        let data = dataset.read_f64().map_err(damaged)?;
        Tensor::new(shape.iter().map(|length| *length as usize).collect(), data)
    }
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

fn damaged(error: hdf5_pure::Error) -> Error {
    let help = "the file is truncated, damaged or of an unknown kind of HDF5; fetch or write it again";
    Error::user(format!("broken HDF5: {error}"), help)
}
