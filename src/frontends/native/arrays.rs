//! The file of large arrays that belongs to a native network.

use crate::arrays::npz::{self, Npz, is_zip};
use crate::error::{At, Error, Result};
use crate::files::{self, MAX_ELEMENTS, fenced};
use crate::network::{Network, Tensor};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// How large arrays are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// NumPy's archive.
    Npz,
    /// Safetensors, as float64.
    Safetensors,
}

impl Container {
    /// The extension of its files.
    pub fn extension(self) -> &'static str {
        match self {
            Container::Npz => "npz",
            Container::Safetensors => "safetensors",
        }
    }

    /// The file of these arrays.
    pub(super) fn format(self, arrays: &BTreeMap<String, &Tensor>) -> Result<Vec<u8>> {
        if self == Container::Npz {
            return npz::format(arrays.iter().map(|(name, tensor)| (name.as_str(), *tensor)));
        }
        let failed = |error: safetensors::SafeTensorError| Error::bug(format!("safetensors: {error}"));
        let bytes = |tensor: &Tensor| tensor.data.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let data: Vec<Vec<u8>> = arrays.values().map(|tensor| bytes(tensor)).collect();
        let mut views = Vec::new();
        for ((name, tensor), data) in arrays.iter().zip(&data) {
            views.push((name, TensorView::new(Dtype::F64, tensor.shape.clone(), data).map_err(failed)?));
        }
        safetensors::serialize(views, None).map_err(failed)
    }
}

/// Adds the arrays of a file to the layers they belong to.
pub(super) fn load(network: &mut Network, toml: &Path, weights: &str) -> Result<()> {
    let path = inside(toml, weights)?;
    let bytes = files::read(&path)?;
    let arrays = if is_zip(&bytes) { from_npz(&bytes) } else { fenced(|| from_safetensors(&bytes)) };
    for (key, tensor) in arrays.at(weights)? {
        let layer = key.rsplit_once('.').and_then(|(layer, name)| {
            Some((network.layers.iter_mut().find(|other| other.name == layer)?, name.to_string()))
        });
        let (layer, name) = layer.ok_or_else(|| {
            let help = "arrays are called `layer.tensor`, with the name of a layer of this file";
            Error::user(format!("the array `{key}` belongs to no layer"), help).at(weights)
        })?;
        if layer.tensors.insert(name, tensor).is_some() {
            let help = "keep it in one of the two";
            return Err(Error::user(format!("`{key}` is also in the TOML"), help).at(weights));
        }
    }
    Ok(())
}

/// The path of the weights, which must not leave the folder of the TOML file, by links neither.
fn inside(toml: &Path, weights: &str) -> Result<PathBuf> {
    let outside = || {
        let what = format!("`{weights}` is not inside the folder of this file");
        Error::user(what, "put the weights beside this file and name them relative to it").at("`weights`")
    };
    let relative = Path::new(weights);
    if weights.is_empty() || !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(outside());
    }
    let folder = toml.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let path = folder.join(relative);
    match (folder.canonicalize(), path.canonicalize()) {
        (Ok(folder), Ok(real)) if !real.starts_with(&folder) => Err(outside()),
        _ => Ok(path),
    }
}

fn limited(arrays: Vec<(String, Tensor)>) -> Result<Vec<(String, Tensor)>> {
    let total: usize = arrays.iter().map(|(_, tensor)| tensor.data.len()).sum();
    if total > MAX_ELEMENTS {
        let help = format!("a network has at most {MAX_ELEMENTS} weights");
        return Err(Error::user(format!("has {total} numbers"), help));
    }
    Ok(arrays)
}

fn from_npz(bytes: &[u8]) -> Result<Vec<(String, Tensor)>> {
    let npz = Npz::open(bytes)?;
    let read = |key: &str| Ok((key.to_string(), npz.get(key)?.tensor().at(key)?));
    let mut arrays = Vec::new();
    for key in npz.keys() {
        arrays.push(read(key)?);
        arrays = limited(arrays)?;
    }
    Ok(arrays)
}

fn from_safetensors(bytes: &[u8]) -> Result<Vec<(String, Tensor)>> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| {
        let help = "weights are an .npz of numpy.savez or a .safetensors file";
        Error::user(format!("is neither .npz nor safetensors ({error})"), help)
    })?;
    let mut names = file.names();
    names.sort_unstable();
    let read = |name: &str| -> Result<(String, Tensor)> {
        let view = file.tensor(name).map_err(|error| Error::user(format!("{error}"), "write the file again"))?;
        Ok((name.to_string(), Tensor::new(view.shape().to_vec(), numbers(&view)?)?))
    };
    limited(names.into_iter().map(|name| read(name).at(name)).collect::<Result<_>>()?)
}

fn numbers(view: &TensorView) -> Result<Vec<f64>> {
    fn each<const N: usize>(view: &TensorView, read: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        view.data().chunks_exact(N).filter_map(|chunk| chunk.try_into().ok()).map(read).collect()
    }
    Ok(match view.dtype() {
        Dtype::F64 => each(view, f64::from_le_bytes),
        Dtype::F32 => each(view, |bytes| f32::from_le_bytes(bytes) as f64),
        Dtype::I32 => each(view, |bytes| i32::from_le_bytes(bytes) as f64),
        Dtype::I16 => each(view, |bytes| i16::from_le_bytes(bytes) as f64),
        Dtype::I8 => each(view, |bytes| i8::from_le_bytes(bytes) as f64),
        Dtype::U8 => each(view, |bytes| u8::from_le_bytes(bytes) as f64),
        other => {
            let help = "store it as float64, float32, or integers of up to 32 bits";
            return Err(Error::user(format!("has the type {other:?}"), help));
        }
    })
}
