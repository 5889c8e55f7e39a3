//! The weights of a Keras model in HDF5.
//!
//! *Named* files (Keras 2, and `.h5` of Keras 3) have a group for each layer, and in it, at some depth, `kernel:0` and its like.
//! *Numbered* files (`model.weights.h5` of Keras 3) have `layers/q_dense_1/vars/0`; only the class knows what its arrays are.

use super::paths::Place;
use crate::arrays::hdf5::{self, damaged};
use crate::error::{At, Error, Result};
use crate::files::fenced;
use crate::network::Tensor;
use hdf5_pure::{AttrValue, Dataset, File, Group};
use std::collections::BTreeMap;

/// Groups inside groups; Keras nests two or three.
const MAX_DEPTH: usize = 12;
/// Arrays that a layer, or a nested model, may have.
const MAX_ARRAYS: usize = 4096;

pub use hdf5::is_hdf5;

/// A part of a layer that has weights of its own, such as the forward half of a Bidirectional.
#[derive(Clone, Copy, Debug, Default)]
pub struct Part {
    /// How the name of one group of a named file begins: `forward_`; empty for any.
    pub named: &'static str,
    /// The path below the layer in a numbered file: `forward_layer/cell`; empty for the layer itself.
    pub numbered: &'static str,
}

/// An HDF5 file with a group for each layer.
pub struct Weights {
    file: File,
    bytes: u64,
    /// Are the arrays numbered rather than named?
    numbered: bool,
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
        let file = hdf5::open(bytes)?;
        let numbered = fenced(|| {
            let groups = file.root().groups().map_err(damaged)?;
            let top = |name: &str| groups.iter().any(|group| group == name);
            Ok((top("layers") || top(EARLY))
                && !top("model_weights")
                && !file.root().attrs().is_ok_and(|attrs| attrs.contains_key("layer_names")))
        })?;
        Ok(Weights { file, bytes: length, numbered, place: None })
    }

    /// The same, in a file beside the architecture; errors name it.
    pub fn beside(self, place: String) -> Weights {
        Weights { place: Some(place), ..self }
    }

    /// The architecture that `model.save` stores.
    pub fn model_config(&self) -> Result<Option<String>> {
        self.text("model_config")
    }

    /// The major version of Keras that wrote the file.
    pub fn version(&self) -> Result<Option<u32>> {
        Ok(self.text("keras_version")?.and_then(|version| version.split('.').next()?.parse().ok()))
    }

    /// An attribute of the file.
    fn text(&self, name: &str) -> Result<Option<String>> {
        let mut attributes = fenced(|| self.file.root().attrs().map_err(damaged))?;
        Ok(match attributes.remove(name) {
            Some(AttrValue::String(text) | AttrValue::AsciiString(text)) => Some(text),
            Some(AttrValue::VarLenString(text) | AttrValue::VarLenAsciiString(text)) => Some(text),
            Some(AttrValue::StringSized { value, .. } | AttrValue::AsciiStringSized { value, .. }) => Some(value),
            Some(_) => return Err(Error::user(format!("`{name}` is no text"), "save the model again")),
            None => None,
        })
    }

    /// Arrays of a layer, or of a part of it. `names` are all that it has, in the order in which Keras makes them (those
    /// that are trained first, then the others), which is their order in a numbered file. A name that differs between
    /// versions is `depthwise_kernel|kernel`, found under the first. A name that ends in `?` may be missing.
    pub fn arrays(&self, place: &Place, part: Part, names: &[&str]) -> Result<BTreeMap<String, Tensor>> {
        let mut found: BTreeMap<String, Tensor> = if self.numbered {
            let vars = self.vars(place, part.numbered)?;
            let least = names.iter().filter(|name| !name.ends_with('?')).count();
            if vars.len() < least || vars.len() > names.len() {
                let what =
                    format!("the weights have {} arrays, expected {}: {}", vars.len(), names.len(), names.join(", "));
                return Err(self.located(Error::user(what, "these are not the weights of this model")));
            }
            names.iter().map(|name| first_name(name).to_string()).zip(vars).collect()
        } else {
            let paths = self.named(place)?;
            let inside =
                |path: &[String]| part.named.is_empty() || path.iter().any(|step| step.starts_with(part.named));
            let mut found = BTreeMap::new();
            for (path, tensor) in paths.into_iter().filter(|(path, _)| inside(path)) {
                let name = path.last().cloned().unwrap_or_default();
                if found.insert(name.clone(), tensor).is_some() {
                    let what = format!("the weights have two arrays `{name}`");
                    return Err(self.located(Error::user(what, "give the layers inside this one names of their own")));
                }
            }
            found
        };
        for name in names {
            let (ours, mut all) = (first_name(name), name.trim_end_matches('?').split('|'));
            match all.find_map(|name| found.remove(name)) {
                Some(tensor) => drop(found.insert(ours.to_string(), tensor)),
                None if name.ends_with('?') => {}
                None => {
                    let known: Vec<_> = found.keys().map(String::as_str).collect();
                    let help = format!("these are not the weights of this model; they have: {}", known.join(", "));
                    return Err(self.located(Error::user(format!("the weights have no `{ours}`"), help)));
                }
            }
        }
        Ok(found)
    }

    /// Is this a Keras 3 archive's file?
    pub fn is_numbered(&self) -> bool {
        self.numbered
    }

    /// The arrays below a layer in a numbered file, in order; none where there is no such group.
    pub fn vars(&self, place: &Place, part: &str) -> Result<Vec<Tensor>> {
        let found = fenced(|| {
            let mut found = Vec::new();
            let Some(group) = self.walk(place, part)? else { return Ok(found) };
            let Ok(vars) = group.group("vars") else { return Ok(found) };
            let mut names = vars.datasets().map_err(damaged)?;
            if names.len() > MAX_ARRAYS {
                return Err(Error::user(format!("has {} arrays", names.len()), "the file is damaged; write it again"));
            }
            names.sort_by_key(|name| (name.parse::<usize>().unwrap_or(usize::MAX), name.clone()));
            for name in names {
                let dataset = vars.dataset(&name).map_err(damaged).at(&name)?;
                found.push(self.tensor(&dataset).at(&name)?);
            }
            Ok(found)
        });
        found.at(format!("{}/{part}", place.numbered)).map_err(|error| self.located(error))
    }

    /// The names of the groups below a layer in a numbered file; for classes whose parts are not always there.
    pub fn parts(&self, place: &Place, part: &str) -> Result<Vec<String>> {
        fenced(|| match self.walk(place, part)? {
            Some(group) => group.groups().map_err(damaged),
            None => Ok(Vec::new()),
        })
    }

    /// The group of a layer or its part in a numbered file.
    fn walk(&self, place: &Place, part: &str) -> Result<Option<Group>> {
        let mut group = self.file.root();
        for (at, step) in place.numbered.split('/').chain(part.split('/')).filter(|step| !step.is_empty()).enumerate() {
            let step = if at == 0 && group.group(step).is_err() { EARLY } else { step };
            match group.group(step) {
                Ok(inner) => group = inner,
                Err(_) => return Ok(None),
            }
        }
        Ok(Some(group))
    }

    /// Paths and arrays of a layer in a named file.
    pub fn named(&self, place: &Place) -> Result<Vec<(Vec<String>, Tensor)>> {
        let [layer, inner @ ..] = place.named.as_slice() else { return Ok(Vec::new()) };
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
            let mut found = Vec::new();
            self.collect(&group, &mut Vec::new(), &mut found)?;
            Ok(found)
        });
        let all = found.map_err(|error| self.located(error))?;
        // Some versions of Keras leave out the names of the models around the layer.
        let below = |inner: &[String]| -> Vec<_> {
            let steps = |path: &[String]| {
                let mut path = path.iter();
                inner.iter().all(|name| path.any(|step| step == name))
            };
            all.iter().filter(|(path, _)| steps(path)).cloned().collect()
        };
        let ends = (0..inner.len().max(1)).map(|from| below(inner.get(from..).unwrap_or_default()));
        Ok(ends.into_iter().find(|found| !found.is_empty()).unwrap_or_default())
    }

    /// Arrays below a group, with their paths.
    fn collect(&self, group: &Group, path: &mut Vec<String>, found: &mut Vec<(Vec<String>, Tensor)>) -> Result<()> {
        if path.len() > MAX_DEPTH || found.len() > MAX_ARRAYS {
            return Err(Error::user("the weights are nested too deeply", "the file is damaged; write it again"));
        }
        for name in group.datasets().map_err(damaged)? {
            let dataset = group.dataset(&name).map_err(damaged).at(&name)?;
            let tensor = self.tensor(&dataset).at(&name)?;
            let base = name.split(':').next().unwrap_or(&name).to_string();
            found.push((path.iter().cloned().chain([base]).collect(), tensor));
        }
        for name in group.groups().map_err(damaged)? {
            let below = group.group(&name).map_err(damaged).at(&name)?;
            path.push(name.clone());
            self.collect(&below, path, found).at(&name)?;
            path.pop();
        }
        Ok(())
    }

    fn tensor(&self, dataset: &Dataset) -> Result<Tensor> {
        let Tensor { shape, data } = hdf5::array(dataset, self.bytes)?.tensor()?;
        match shape.is_empty() && data.len() == 1 {
            // HGQ2 keeps an infinite speed of the training among its weights; a network's own are checked with it.
            true => Ok(Tensor { shape, data }),
            false => Tensor::new(shape, data),
        }
    }

    fn located(&self, error: Error) -> Error {
        match &self.place {
            Some(place) => error.at(place),
            None => error,
        }
    }
}

/// The name under which an array is given.
fn first_name(name: &str) -> &str {
    name.trim_end_matches('?').split('|').next().unwrap_or(name)
}

/// What Keras 2.12 and 2.13 call `layers` in an archive.
const EARLY: &str = "_layer_checkpoint_dependencies";
