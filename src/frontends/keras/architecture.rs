//! The architecture of a Keras model, flattened: every call of a layer is a node, also those inside nested models.

use super::super::json::{field, list, object, optional, string};
use super::calls::{Call, Reference, calls, references};
use super::paths::{Counter, Place};
use crate::error::{At, Error, Result};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

/// Models inside models.
const MAX_DEPTH: usize = 8;
/// Calls of layers in a model.
const MAX_NODES: usize = 4096;
/// Classes that hold layers of their own.
const MODELS: [&str; 3] = ["Sequential", "Functional", "Model"];

/// A call of a layer.
#[derive(Debug, Clone)]
pub struct Node {
    /// Unique in the model: `encoder/dense` inside a nested model, `dense_1` for a second call of `dense`.
    pub name: String,
    /// The layer's class, without a package.
    pub class: String,
    /// The module or package of the class, if the file says it.
    pub module: String,
    /// The layer's arguments.
    pub config: Value,
    /// What it reads, in the order of the call.
    pub inputs: Vec<Source>,
    /// The arguments of this call, positional and named; a tensor is `{"tensor": place in inputs}`.
    pub call: Call,
    /// Where its weights are.
    pub place: Place,
}

/// A result of a node: its name, and which of its results.
pub type Source = (String, usize);

/// A model.
#[derive(Debug)]
pub struct Architecture {
    /// All calls, each behind those it reads.
    pub nodes: Vec<Node>,
    /// Names of the inputs in port order, if the file tells it.
    pub inputs: Option<Vec<String>>,
    /// What leaves the model.
    pub outputs: Vec<Source>,
}

/// A layer as the file lists it.
#[derive(Clone)]
struct Item {
    name: String,
    class: String,
    module: String,
    config: Value,
    place: Place,
    calls: Vec<Call>,
}

/// Reads what `model.to_json()` writes.
pub fn parse(model: &Value) -> Result<Architecture> {
    let class = field(model, "class_name", string)?;
    let class = class.rsplit('>').next().unwrap_or(class);
    if !MODELS.contains(&class) {
        let help = "build the model as keras.Sequential or as a functional keras.Model; a class of your own has no \
                    architecture in its file";
        return Err(Error::user(format!("the model is of class `{class}`"), help));
    }
    let mut flat = Flat { nodes: Vec::new(), taken: HashSet::new() };
    let config = model.get("config").unwrap_or(&Value::Null);
    let outputs = flat.model(config, "", &Place::default(), None, 0)?;
    let inputs = optional(config, "input_layers", references)?;
    let inputs = inputs.map(|inputs| inputs.into_iter().map(|input| input.layer).collect());
    Ok(Architecture { nodes: flat.nodes, inputs, outputs })
}

struct Flat {
    nodes: Vec<Node>,
    /// Names that layers and their further calls have.
    taken: HashSet<String>,
}

impl Flat {
    /// Adds the nodes of a model and tells its outputs. `given` are the inputs of a nested model.
    fn model(
        &mut self,
        config: &Value,
        prefix: &str,
        place: &Place,
        given: Option<&[Source]>,
        depth: usize,
    ) -> Result<Vec<Source>> {
        if depth > MAX_DEPTH {
            return Err(Error::user(format!("models are nested more than {MAX_DEPTH} deep"), "flatten the model"));
        }
        let layers = match config.as_array() {
            Some(layers) => layers,
            None => field(config, "layers", list)?,
        };
        let mut counter = Counter::default();
        let mut items = Vec::new();
        for layer in layers {
            let mut item = item(layer, place, &mut counter)?;
            item.calls =
                optional(layer, "inbound_nodes", calls).at(format!("layer `{}`", item.name))?.unwrap_or_default();
            self.taken.insert(format!("{prefix}{}", item.name));
            items.push(item);
        }
        match config.get("output_layers") {
            Some(outputs) => {
                let inputs = field(config, "input_layers", references)?;
                let outputs = references(outputs).at("`output_layers`")?;
                self.functional(items, &inputs, &outputs, prefix, given, depth)
            }
            None => self.sequential(items, config, prefix, given, depth),
        }
    }

    fn sequential(
        &mut self,
        mut items: Vec<Item>,
        config: &Value,
        prefix: &str,
        given: Option<&[Source]>,
        depth: usize,
    ) -> Result<Vec<Source>> {
        let first = items.first().ok_or_else(|| Error::user("the model has no layers", "add some"))?;
        let mut current: Option<Vec<Source>> = given.map(<[Source]>::to_vec);
        if first.class != "InputLayer" && given.is_none() {
            let keys = ["batch_input_shape", "batch_shape"];
            let shape = keys.iter().find_map(|key| first.config.get(key));
            let shape = shape.or(inner_shape(&first.config)).or(config.get("build_input_shape"));
            let shape = shape.ok_or_else(|| {
                let help = "give the first layer an input_shape, or build the model before saving it";
                Error::user("the model does not say the shape of its input", help)
            })?;
            let (name, config) = (format!("{}_input", first.name), json!({ "batch_input_shape": shape }));
            items.insert(0, Item { name, config, class: "InputLayer".into(), ..first.clone() });
        }
        for item in &items {
            if item.class == "InputLayer" && given.is_some() {
                continue;
            }
            let call = Call::of(current.as_deref().map_or(0, <[Source]>::len));
            current = Some(self.call(item, &call, 0, current.unwrap_or_default(), prefix, depth)?);
        }
        Ok(current.unwrap_or_default())
    }

    fn functional(
        &mut self,
        items: Vec<Item>,
        inputs: &[Reference],
        outputs: &[Reference],
        prefix: &str,
        given: Option<&[Source]>,
        depth: usize,
    ) -> Result<Vec<Source>> {
        let mut values: HashMap<(&str, usize), Vec<Source>> = HashMap::new();
        let mut pending = Vec::new();
        for item in &items {
            let bound = given.and_then(|given| given.get(inputs.iter().position(|input| input.layer == item.name)?));
            match (given, bound) {
                (_, Some(source)) => drop(values.insert((&item.name, 0), vec![source.clone()])),
                (Some(_), None) if item.class == "InputLayer" => {}
                _ if item.calls.is_empty() => pending.push((item, Call::of(0), 0)),
                _ => pending.extend(item.calls.iter().enumerate().map(|(at, call)| (item, call.clone(), at))),
            }
        }
        let offset = offsets(&items, outputs);
        let resolve = |values: &HashMap<(&str, usize), Vec<Source>>, reference: &Reference| {
            let offset = offset.get(reference.layer.as_str()).copied().unwrap_or(0);
            let results = values.get(&(reference.layer.as_str(), reference.call.checked_sub(offset)?))?;
            match results.get(reference.tensor) {
                Some(source) => Some(source.clone()),
                // Only the class knows how many results it has.
                None => results.first().map(|(name, _)| (name.clone(), reference.tensor)),
            }
        };
        while !pending.is_empty() {
            let mut later = Vec::new();
            let before = pending.len();
            for (item, call, at) in pending {
                let sources: Option<Vec<_>> = call.tensors.iter().map(|tensor| resolve(&values, tensor)).collect();
                match sources {
                    Some(sources) => {
                        let results = self.call(item, &call, at, sources, prefix, depth)?;
                        values.insert((&item.name, at), results);
                    }
                    None => later.push((item, call, at)),
                }
            }
            if later.len() == before {
                return Err(unresolved(&items, &later));
            }
            pending = later;
        }
        let found = |output: &Reference| {
            let missing = || Error::user(format!("nothing is called `{}`", output.layer), "name a layer of the model");
            resolve(&values, output).ok_or_else(missing).at("outputs")
        };
        outputs.iter().map(found).collect()
    }

    /// Adds one call of a layer, or of a nested model.
    fn call(
        &mut self,
        item: &Item,
        call: &Call,
        at: usize,
        inputs: Vec<Source>,
        prefix: &str,
        depth: usize,
    ) -> Result<Vec<Source>> {
        let mut name = format!("{prefix}{}", item.name);
        if at > 0 {
            name.push_str(&format!("_{at}"));
            while !self.taken.insert(name.clone()) {
                name.push('_');
            }
        }
        if MODELS.contains(&item.class.as_str()) {
            return self.model(&item.config, &format!("{name}/"), &item.place, Some(&inputs), depth + 1);
        }
        if self.nodes.len() == MAX_NODES {
            let what = format!("the model has more than {MAX_NODES} calls of layers");
            return Err(Error::user(what, "split the model"));
        }
        self.nodes.push(Node {
            name: name.clone(),
            class: item.class.clone(),
            module: item.module.clone(),
            config: item.config.clone(),
            inputs,
            call: call.clone(),
            place: item.place.clone(),
        });
        Ok(vec![(name, 0)])
    }
}

/// A layer's class, arguments and place of weights; a pruning wrapper is taken off.
fn item(layer: &Value, outer: &Place, counter: &mut Counter) -> Result<Item> {
    let class = field(layer, "class_name", string)?;
    let (package, class) = class.rsplit_once('>').unwrap_or(("", class));
    let module = layer.get("module").and_then(Value::as_str).unwrap_or(package);
    let config = layer.get("config").unwrap_or(&Value::Null);
    let own = config.get("name").or(layer.get("name")).and_then(Value::as_str);
    let own = own.ok_or_else(|| Error::user(format!("a layer of class `{class}` has no name"), "name it"))?;
    let name = layer.get("name").and_then(Value::as_str).unwrap_or(own);
    let mut item = Item {
        name: name.to_string(),
        class: class.to_string(),
        module: module.to_string(),
        config: config.clone(),
        // Operations of Keras 3 that are no layers hold no weights and are not counted.
        place: outer.inside(
            own,
            if module.starts_with("keras") && module.contains(".ops") { None } else { Some(counter.name(class)) },
        ),
        calls: Vec::new(),
    };
    if class == "PruneLowMagnitude" {
        let inner = field(config, "layer", |inner| object(inner).map(|_| inner)).at(format!("layer `{own}`"))?;
        let class = field(inner, "class_name", string)?;
        item.class = class.rsplit('>').next().unwrap_or(class).to_string();
        item.config = inner.get("config").unwrap_or(&Value::Null).clone();
        item.place = item.place.below("layer");
    } else if !MODELS.contains(&class) {
        object(config).at(format!("layer `{own}`: `config`"))?;
    }
    Ok(item)
}

/// The shape in the layer that a wrapper, or a nested model, has first.
fn inner_shape(config: &Value) -> Option<&Value> {
    let keys = ["batch_input_shape", "batch_shape"];
    let inner = config.get("layers").and_then(|layers| layers.get(0)).or(config.get("layer"))?.get("config")?;
    keys.iter().find_map(|key| inner.get(key))
}

/// Keras counts the calls of some nested models from 1, because making them was a call as well.
fn offsets<'i>(items: &'i [Item], outputs: &[Reference]) -> HashMap<&'i str, usize> {
    let models = items.iter().filter(|item| MODELS.contains(&item.class.as_str()));
    let mut calls: HashMap<&str, usize> = models.map(|item| (item.name.as_str(), item.calls.len())).collect();
    let mut late: HashMap<String, usize> = HashMap::new();
    for reference in items.iter().flat_map(|item| &item.calls).flat_map(|call| &call.tensors).chain(outputs) {
        let highest = late.entry(reference.layer.clone()).or_default();
        *highest = reference.call.max(*highest);
    }
    for (name, calls) in &mut calls {
        *calls = usize::from(late.get(*name).is_some_and(|highest| *highest >= *calls));
    }
    calls
}

/// Why the rest of a functional model cannot be put in order.
fn unresolved(items: &[Item], pending: &[(&Item, Call, usize)]) -> Error {
    for (item, call, _) in pending {
        for tensor in &call.tensors {
            let known = items.iter().find(|item| item.name == tensor.layer);
            let exists = known.is_some_and(|known| tensor.call <= known.calls.len());
            if !exists {
                let what = match known {
                    Some(_) => format!("`{}` has no call {}", tensor.layer, tensor.call),
                    None => format!("nothing is called `{}`", tensor.layer),
                };
                return Error::user(what, "the file is damaged; write it again").at(format!("layer `{}`", item.name));
            }
        }
    }
    let names: Vec<_> = pending.iter().take(8).map(|(item, ..)| item.name.as_str()).collect();
    Error::user(format!("these layers read each other in a circle: {}", names.join(", ")), "write the file again")
}
