//! The architecture of a Keras model: which layers there are and what each reads.

use super::super::json::{field, list, object, optional, string};
use crate::error::{At, Error, Result};
use serde_json::{Value, json};

/// A layer of Keras.
#[derive(Debug)]
pub struct Node {
    /// Its name, unique in the model.
    pub name: String,
    /// Its class, without a package.
    pub class: String,
    /// Its arguments.
    pub config: Value,
    /// Names of the layers it reads.
    pub inputs: Vec<String>,
    /// The group of its weights.
    pub group: String,
}

/// A model.
#[derive(Debug)]
pub struct Architecture {
    /// All layers.
    pub nodes: Vec<Node>,
    /// Names of the inputs in port order, if the file tells it.
    pub inputs: Option<Vec<String>>,
    /// Names of the layers whose values leave the model.
    pub outputs: Vec<String>,
}

/// Reads what `model.to_json()` writes.
pub fn parse(model: &Value) -> Result<Architecture> {
    let config = model.get("config").unwrap_or(&Value::Null);
    match field(model, "class_name", string)? {
        "Sequential" => sequential(config),
        "Functional" | "Model" => functional(config),
        other => {
            let help = "build the model as tf.keras.Sequential or as a functional tf.keras.Model";
            Err(Error::user(format!("the model is of class `{other}`"), help))
        }
    }
}

/// A layer's class, arguments and group of weights; a pruning wrapper is taken off.
fn node(layer: &Value) -> Result<Node> {
    let class = field(layer, "class_name", string)?;
    let class = class.rsplit('>').next().unwrap_or(class);
    let config = field(layer, "config", object)?;
    let own = config.get("name").or(layer.get("name")).and_then(Value::as_str);
    let group = own.ok_or_else(|| Error::user(format!("a layer of class `{class}` has no name"), "name it"))?;
    if class == "PruneLowMagnitude" {
        let mut inner = field(&layer["config"], "layer", node).at(format!("layer `{group}`"))?;
        inner.name = layer.get("name").and_then(Value::as_str).unwrap_or(group).to_string();
        inner.group = group.to_string();
        return Ok(inner);
    }
    let name = layer.get("name").and_then(Value::as_str).unwrap_or(group).to_string();
    let config = Value::Object(config.clone());
    Ok(Node { name, class: class.to_string(), config, inputs: Vec::new(), group: group.to_string() })
}

fn sequential(config: &Value) -> Result<Architecture> {
    let layers = match config.as_array() {
        Some(layers) => layers,
        None => field(config, "layers", list)?,
    };
    let mut nodes = layers.iter().map(node).collect::<Result<Vec<_>>>()?;
    let first = nodes.first().ok_or_else(|| Error::user("the model has no layers", "add some"))?;
    if first.class != "InputLayer" {
        let keys = ["batch_input_shape", "batch_shape"];
        let shape = keys.iter().find_map(|key| first.config.get(key)).or(config.get("build_input_shape"));
        let shape = shape.ok_or_else(|| {
            let help = "give the first layer an input_shape, or build the model before saving it";
            Error::user("the model does not say the shape of its input", help)
        })?;
        let (name, config) = (format!("{}_input", first.name), json!({ "batch_input_shape": shape }));
        let input = Node { group: name.clone(), name, class: "InputLayer".into(), config, inputs: Vec::new() };
        nodes.insert(0, input);
    }
    for at in 1..nodes.len() {
        let before = nodes[at - 1].name.clone();
        nodes[at].inputs.push(before);
    }
    let outputs = nodes.last().map(|node| vec![node.name.clone()]).unwrap_or_default();
    Ok(Architecture { nodes, inputs: None, outputs })
}

fn functional(config: &Value) -> Result<Architecture> {
    let mut nodes = Vec::new();
    for layer in field(config, "layers", list)? {
        let mut node = node(layer)?;
        let place = format!("layer `{}`", node.name);
        node.inputs = optional(layer, "inbound_nodes", inbound).at(place)?.unwrap_or_default();
        nodes.push(node);
    }
    let inputs = Some(field(config, "input_layers", tensors)?);
    Ok(Architecture { nodes, inputs, outputs: field(config, "output_layers", tensors)? })
}

/// What a layer reads: one call, with one tensor or several.
fn inbound(calls: &Value) -> Result<Vec<String>> {
    match list(calls)?.as_slice() {
        [] => Ok(Vec::new()),
        [Value::Object(call)] => {
            // Keras 3 keeps the arguments of the call.
            let mut names = Vec::new();
            histories(call.get("args").unwrap_or(&Value::Null), &mut names)?;
            Ok(names)
        }
        [call] => tensors(call),
        several => {
            let what = format!("is called {} times", several.len());
            Err(Error::user(what, "shared layers are not supported; give each call a layer of its own"))
        }
    }
}

/// `["dense", 0, 0, {}]`, or a list of those.
fn tensors(value: &Value) -> Result<Vec<String>> {
    match list(value)?.as_slice() {
        [Value::String(_), ..] => Ok(vec![tensor(value)?]),
        several => several.iter().map(tensor).collect(),
    }
}

fn tensor(value: &Value) -> Result<String> {
    match list(value)?.as_slice() {
        [Value::String(name), node, index, ..] if node == &json!(0) && index == &json!(0) => Ok(name.clone()),
        [Value::String(name), ..] => {
            let what = format!("reads a second call or a second result of `{name}`");
            Err(Error::user(what, "shared layers and layers with several results are not supported"))
        }
        _ => Err(Error::user("names no layer", "expected [\"layer\", 0, 0]")),
    }
}

fn histories(value: &Value, names: &mut Vec<String>) -> Result<()> {
    match value {
        Value::Array(values) => values.iter().try_for_each(|value| histories(value, names)),
        Value::Object(object) => match object.get("config").and_then(|config| config.get("keras_history")) {
            Some(history) => tensor(history).map(|name| names.push(name)),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}
