//! `qkeras`: Keras 2 and QKeras networks, Sequential or Functional.
//!
//! Either one `.h5` that `model.save` wrote (the architecture is its attribute `model_config`), or the `.json` of
//! `model.to_json()` with the `.h5` of `model.save_weights` beside it: `NAME_weights.h5` or `NAME.h5` for `NAME.json`,
//! unless the user names another.
//!
//! | Keras | becomes |
//! | --- | --- |
//! | `InputLayer`, or the first layer's shape | an input |
//! | `Dense` `QDense` `Conv2D` `QConv2D` | `dense`, `conv2d`, with quantizers as call strings |
//! | `Activation` `QActivation`, a layer's own `activation` | `activation`; the latter is named `LAYER_FUNCTION` |
//! | `ReLU` `Softmax` `BatchNormalization` `MaxPooling2D` | `relu`, `softmax`, `batch_norm`, `max_pool2d` |
//! | `Flatten` `Reshape` `Permute` `Add` `Multiply` `Concatenate` | `flatten`, `reshape`, `transpose`, `add`, ... |
//! | `Dropout` and other layers that do nothing after training | nothing |

mod architecture;
mod layers;
mod quantizer;
mod weights;

use super::{Content, FrontEnd, Source, json};
use crate::error::{At, Error, Result};
use crate::files;
use crate::network::Network;
use crate::registry::Entry;
use std::path::{Path, PathBuf};
use weights::Weights;

pub use weights::is_hdf5;

/// This front end.
pub const FRONTEND: Entry<FrontEnd> = Entry {
    name: "qkeras",
    doc: "Keras 2 and QKeras .h5 or .json",
    make: FrontEnd { recognise, read, takes_weights: true },
};

fn recognise(source: &Source) -> bool {
    match &source.content {
        Content::Hdf5(_) => true,
        Content::Json(json) => json.get("class_name").is_some() && json.get("config").is_some(),
        _ => false,
    }
}

fn read(source: &Source) -> Result<Network> {
    match &source.content {
        Content::Hdf5(bytes) => {
            let inside = Weights::open(bytes.clone())?;
            let config = inside.model_config()?.ok_or_else(|| {
                let help = "this file has weights only; name the .json of model.to_json(), with this file beside it";
                Error::user("has no attribute `model_config`", help)
            })?;
            let config = json::parse(config.as_bytes()).at("model_config")?;
            let weights = match &source.weights {
                Some(path) => open(path)?,
                None => inside,
            };
            build(source, &config, &weights)
        }
        Content::Json(config) => {
            let path = source.weights.clone().map_or_else(|| beside(&source.path), Ok)?;
            build(source, config, &open(&path)?)
        }
        _ => Err(Error::bug("a Keras model that is neither HDF5 nor JSON")),
    }
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

fn build(source: &Source, config: &serde_json::Value, weights: &Weights) -> Result<Network> {
    let architecture = architecture::parse(config)?;
    let mut builder = layers::Builder::new(weights, &architecture);
    for node in &architecture.nodes {
        builder.add(node).at(format!("layer `{}` ({})", node.name, node.class))?;
    }
    builder.finish(source.stem(), &architecture)
}
