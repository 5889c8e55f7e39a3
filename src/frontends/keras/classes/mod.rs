//! Classes of Keras layers: each translates into one or several layers of ours. A family is a file here with its list
//! `CLASSES`, and one line in [`FAMILIES`].
//!
//! A class of any package is found by its name alone: `Custom>QDense` and `qkeras.qlayers` + `QDense` are `QDense`.

mod activation;
mod config;
mod conv;
mod core;
mod custom;
mod folded;
mod merge;
mod normalization;
mod pool;
mod recurrent;
mod shape;

use super::architecture::Node;
use super::builder::Builder;
use crate::error::{Error, Result};

/// Translates one call of a layer.
pub type Translate = fn(&mut Builder, &Node) -> Result<()>;

/// A class's name and what translates it.
pub type Class = (&'static str, Translate);

/// All families of classes.
pub const FAMILIES: &[&[Class]] = &[
    core::CLASSES,
    conv::CLASSES,
    pool::CLASSES,
    normalization::CLASSES,
    activation::CLASSES,
    merge::CLASSES,
    shape::CLASSES,
    recurrent::CLASSES,
    folded::CLASSES,
    custom::CLASSES,
];

/// The names of all classes.
pub fn names() -> impl Iterator<Item = &'static str> {
    FAMILIES.iter().flat_map(|family| family.iter()).map(|(name, _)| *name)
}

/// What translates a class.
///
/// # Errors
/// It is not known, or known and not supported for a reason; near names are listed.
pub fn find(class: &str) -> Result<Translate> {
    let mut known = FAMILIES.iter().flat_map(|family| family.iter());
    if let Some((_, translate)) = known.find(|(name, _)| *name == class) {
        return Ok(*translate);
    }
    let help = match REFUSED.iter().flat_map(|family| family.iter()).find(|(name, _)| *name == class) {
        Some((_, why)) => why.to_string(),
        None => {
            let near = near(class);
            let start =
                if near.is_empty() { "supported".to_string() } else { format!("near: {}; all", near.join(", ")) };
            format!("{start}: {}", names().collect::<Vec<_>>().join(", "))
        }
    };
    Err(Error::user(format!("layers of class `{class}` are not supported"), help))
}

/// Classes that are known and refused, and what to do instead.
const REFUSED: &[&[(&str, &str)]] = &[recurrent::REFUSED, OTHERS];

const OTHERS: &[(&str, &str)] = &[
    ("Lambda", "a Lambda holds Python code, which is not run; use layers of Keras"),
    ("Conv1DTranspose", "use UpSampling1D and Conv1D"),
    ("Conv2DTranspose", "use UpSampling2D and Conv2D"),
    ("QConv2DTranspose", "use UpSampling2D and QConv2D"),
    ("GarNet", GARNET),
    ("GarNetStack", GARNET),
    ("GroupNormalization", "use LayerNormalization or BatchNormalization"),
    ("UnitNormalization", "it divides by a norm of the data; use BatchNormalization"),
];

const GARNET: &str = "its weights 2^-d are powers of unquantized distances, multiplied by unquantized features and summed: the file names \
                      no format for them, so nothing exact can be built; train with a quantizer on the distances and on the weights";

/// Names that have much in common with a class's.
fn near(class: &str) -> Vec<&'static str> {
    let class = class.to_lowercase();
    let short = class.trim_start_matches('q');
    let mut close: Vec<_> = names()
        .map(|name| (strsim::normalized_damerau_levenshtein(short, name.to_lowercase().trim_start_matches('q')), name))
        .filter(|(close, _)| *close >= 0.6)
        .collect();
    close.sort_by(|a, b| b.0.total_cmp(&a.0));
    close.into_iter().take(4).map(|(_, name)| name).collect()
}
