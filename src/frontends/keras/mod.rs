//! `keras`: networks of Keras 2, Keras 3, QKeras and what is built on them, Sequential or Functional.
//!
//! | file | what |
//! | --- | --- |
//! | `.h5` of `model.save` | the architecture is its attribute `model_config`; from Keras 2 or 3 |
//! | `.keras` | a zip with `config.json` and `model.weights.h5`; or HDF5 under that name |
//! | `.json` of `model.to_json()` | with the `.h5` of `model.save_weights` beside it: `NAME_weights.h5`, `NAME.h5` or `NAME.weights.h5` for `NAME.json`, unless the user names another |
//!
//! The classes of layers, and what each becomes, are the open set `classes`. Nested models are flattened, `encoder/dense`; a layer
//! that is called again is a further layer with the same weights, `dense_1`; layers that do nothing after training vanish.
//! A layer's own activation is a layer `LAYER_FUNCTION`. Quantizers become call strings.

mod architecture;
mod builder;
mod calls;
mod classes;
mod paths;
mod quantizer;
mod shape;
mod weights;

use super::{Content, FrontEnd, Source, json};
use crate::arrays::npz::Npz;
use crate::error::{At, Error, Result};
use crate::files;
use crate::network::Network;
use crate::registry::Entry;
use std::path::{Path, PathBuf};
use weights::Weights;

pub use weights::is_hdf5;

/// This front end.
pub const FRONTEND: Entry<FrontEnd> = Entry {
    name: "keras",
    doc: "Keras, QKeras, HGQ and HGQ2 .h5, .keras or .json",
    make: FrontEnd { recognise, read, takes_weights: true },
};

fn recognise(source: &Source) -> bool {
    match &source.content {
        Content::Hdf5(_) => true,
        Content::Json(json) => json.get("class_name").is_some() && json.get("config").is_some(),
        Content::Zip(bytes) => Npz::open(bytes).is_ok_and(|zip| zip.files().any(|name| name == "config.json")),
        _ => false,
    }
}

fn read(source: &Source) -> Result<Network> {
    let (config, inside, written) = match &source.content {
        Content::Hdf5(bytes) => {
            let inside = Weights::open(bytes.clone())?;
            let config = inside.model_config()?.ok_or_else(|| {
                let help = "this file has weights only; name the .json of model.to_json(), with this file beside it";
                Error::user("has no attribute `model_config`", help)
            })?;
            let written = inside.version()?;
            (json::parse(config.as_bytes()).at("model_config")?, Some(inside), written)
        }
        Content::Zip(bytes) => {
            let zip = Npz::open(bytes)?;
            let config = json::parse(&zip.file("config.json")?).at("config.json")?;
            let metadata = zip.file("metadata.json").and_then(|bytes| json::parse(&bytes)).unwrap_or_default();
            let weights = Weights::open(zip.file("model.weights.h5")?).at("model.weights.h5")?;
            (config, Some(weights), version(&metadata))
        }
        Content::Json(config) => (config.clone(), None, version(config)),
        _ => return Err(Error::bug("a Keras model that is neither HDF5, zip nor JSON")),
    };
    let weights = match (&source.weights, inside) {
        (Some(path), _) => open(path)?,
        (None, Some(inside)) => inside,
        (None, None) => open(&beside(&source.path)?)?,
    };
    let architecture = architecture::parse(&config)?;
    // Keras 3 names the module of every class, and Keras 2 its version.
    let version = written.unwrap_or(if config.get("module").is_some() { 3 } else { 2 });
    let mut builder = builder::Builder::new(&weights, &architecture, version);
    for node in &architecture.nodes {
        let place = format!("layer `{}` ({})", node.name, node.class);
        classes::of(node).and_then(|translate| builder.call(node, translate)).at(place)?;
    }
    builder.finish(source.stem(), &architecture)
}

/// The major version of Keras in `keras_version`.
fn version(value: &serde_json::Value) -> Option<u32> {
    value.get("keras_version")?.as_str()?.split('.').next()?.parse().ok()
}

fn open(path: &Path) -> Result<Weights> {
    let place = path.display().to_string();
    Ok(Weights::open(files::read(path)?).at(&place)?.beside(place))
}

/// The file of weights that belongs to an architecture.
fn beside(path: &Path) -> Result<PathBuf> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().to_string();
    let candidates = [format!("{stem}_weights.h5"), format!("{stem}.h5"), format!("{stem}.weights.h5")];
    candidates.iter().map(|name| path.with_file_name(name)).find(|path| path.is_file()).ok_or_else(|| {
        let what = format!("has no weights beside it; looked for {}", candidates.join(", "));
        Error::user(what, "name the file with --weights FILE")
    })
}
