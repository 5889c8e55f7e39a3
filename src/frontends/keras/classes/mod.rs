//! Classes of Keras layers: each translates into one or several layers of ours. A family is a file here with its list
//! `CLASSES`, and one line in [`FAMILIES`].
//!
//! A class of any package is found by its name alone: `Custom>QDense` and `qkeras.qlayers` + `QDense` are `QDense`.

mod activation;
mod attention;
mod config;
mod conv;
mod core;
mod custom;
mod folded;
mod hgq1;
mod hgq2;
mod merge;
mod normalization;
mod operations;
mod pool;
mod proxy;
mod recurrent;
mod shape;
mod slices;

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
    hgq1::CLASSES,
    proxy::CLASSES,
    folded::CLASSES,
    recurrent::CLASSES,
    attention::CLASSES,
    custom::CLASSES,
    operations::CLASSES,
];

/// The names of all classes.
pub fn names() -> impl Iterator<Item = &'static str> {
    FAMILIES.iter().chain(hgq2::FAMILIES).flat_map(|family| family.iter()).map(|(name, _)| *name)
}

/// What translates the class of a call. HGQ2's classes share names with QKeras'; the package tells which is meant.
///
/// # Errors
/// It is not known, or known and not supported for a reason; near names are listed.
pub fn of(node: &Node) -> Result<Translate> {
    if node.module.starts_with("keras") && node.module.contains(".ops") {
        return Ok(operations::keras);
    }
    if node.module.starts_with("hgq") { hgq2::find(&node.class) } else { find(&node.class) }
}

/// What translates a class of Keras, or of a package whose names are its own.
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
const REFUSED: &[&[(&str, &str)]] =
    &[core::REFUSED, conv::REFUSED, normalization::REFUSED, recurrent::REFUSED, custom::REFUSED];

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
