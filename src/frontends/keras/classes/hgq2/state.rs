//! What a layer of HGQ2 stores: arrays of its own, and parts such as quantizers that store theirs.
//!
//! In an archive a part is below the attribute that holds it, `iq/quantizer/vars/0`, and arrays have numbers. In HDF5 of Keras 3
//! it is below its own name, `dense_1_iq/fixed_point_quantizer_kif/f`; names that HGQ2 does not choose are Keras' own, which
//! count: `quantizer`, `quantizer_1`.

use crate::error::{Error, Result};
use crate::frontends::keras::architecture::Node;
use crate::frontends::keras::builder::{Arrays, Builder};
use crate::frontends::keras::paths::Place;
use crate::frontends::keras::weights::Weights;
use crate::network::Tensor;
use std::collections::BTreeSet;

/// How a part's group is called in a named file.
#[derive(Clone, Copy, Debug)]
pub enum Name<'n> {
    /// Just so.
    Is(&'n str),
    /// It ends so.
    Ends(&'n str),
    /// Keras' own name: the word alone or with a number; of those, by number, which.
    Counted(&'n str, usize),
}

/// The arrays of a layer, or of a part of it.
#[derive(Clone)]
pub struct State<'w> {
    weights: &'w Weights,
    place: Place,
    /// The path below the layer, in an archive.
    part: String,
    /// Paths and arrays, in a named file.
    named: Vec<(Vec<String>, Tensor)>,
}

impl<'w> State<'w> {
    /// What the layer of a call stores.
    pub fn of(b: &Builder<'w>, node: &Node) -> Result<State<'w>> {
        let weights = b.weights();
        let mut named = Vec::new();
        if !weights.is_numbered() {
            let layer = node.place.named.last().cloned().unwrap_or_default();
            for (path, tensor) in weights.named(&node.place)? {
                // The names of the models around the layer come first.
                let start = path.iter().position(|step| *step == layer).map_or(0, |at| at + 1);
                named.push((path[start.min(path.len() - 1)..].to_vec(), tensor));
            }
        }
        Ok(State { weights, place: node.place.clone(), part: String::new(), named })
    }

    /// A part: the attribute that holds it, and its name.
    pub fn part(&self, attribute: &str, name: Name) -> Result<State<'w>> {
        let mut part = self.clone();
        if self.weights.is_numbered() {
            let known = self.weights.parts(&self.place, &self.part)?;
            let private = format!("_{attribute}");
            // Which of the two an attribute with a property is saved under depends on the version of Keras.
            let step = if known.contains(&private) && !known.iter().any(|name| name == attribute) {
                &private
            } else {
                attribute
            };
            part.part = if self.part.is_empty() { step.to_string() } else { format!("{}/{step}", self.part) };
            return Ok(part);
        }
        let groups: BTreeSet<&String> =
            self.named.iter().filter(|(path, _)| path.len() > 1).filter_map(|(path, _)| path.first()).collect();
        let found = match name {
            Name::Is(name) => groups.into_iter().find(|group| *group == name),
            Name::Ends(end) => groups.into_iter().find(|group| group.ends_with(end)),
            Name::Counted(word, at) => {
                let number = |group: &String| match group.strip_prefix(word)? {
                    "" => Some(0),
                    rest => rest.strip_prefix('_')?.parse::<u64>().ok(),
                };
                let mut counted: Vec<_> =
                    groups.into_iter().filter_map(|group| number(group).map(|number| (number, group))).collect();
                counted.sort_unstable();
                counted.get(at).map(|(_, group)| *group)
            }
        };
        let found = found.cloned();
        part.named = match found {
            Some(found) => {
                let below = self.named.iter().filter(|(path, _)| path.len() > 1 && path[0] == found);
                below.map(|(path, tensor)| (path[1..].to_vec(), tensor.clone())).collect()
            }
            None => Vec::new(),
        };
        Ok(part)
    }

    /// A quantizer among the parts.
    pub fn quantizer(&self, attribute: &str) -> Result<State<'w>> {
        self.part(attribute, Name::Ends(&format!("_{attribute}")))
    }

    /// Is there anything?
    pub fn exists(&self) -> Result<bool> {
        if self.weights.is_numbered() {
            return Ok(!self.weights.parts(&self.place, &self.part)?.is_empty());
        }
        Ok(!self.named.is_empty())
    }

    /// Arrays of its own: all that it has, in the order of an archive (those that are trained, then the others).
    pub fn arrays(&self, names: &[&str]) -> Result<Arrays> {
        let found: Arrays = if self.weights.is_numbered() {
            let vars = self.weights.vars(&self.place, &self.part)?;
            if vars.len() != names.len() {
                let what = format!(
                    "`{}` has {} arrays in the file, expected {}: {}",
                    if self.part.is_empty() { "the layer" } else { &self.part },
                    vars.len(),
                    names.len(),
                    names.join(", ")
                );
                return Err(Error::user(what, "save the model with HGQ2 0.1 or 0.2; these may not be its weights"));
            }
            names.iter().map(|name| name.to_string()).zip(vars).collect()
        } else {
            let own = self.named.iter().filter(|(path, _)| path.len() == 1);
            own.map(|(path, tensor)| (path[0].clone(), tensor.clone())).collect()
        };
        match names.iter().find(|name| !found.contains_key(**name)) {
            None => Ok(found),
            Some(missing) => {
                let known: Vec<_> = found.keys().map(String::as_str).collect();
                let help = format!("these are not the weights of this model; they have: {}", known.join(", "));
                Err(Error::user(format!("the weights have no `{missing}`"), help))
            }
        }
    }
}
