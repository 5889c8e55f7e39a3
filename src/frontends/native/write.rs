//! A network to TOML and a file of large arrays.

use super::{Container, FORMAT, LAYER_KEYS};
use crate::error::{At, Error, Result};
use crate::files;
use crate::network::{Layer, Network, Tensor};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Larger tensors go to the file of arrays.
const MAX_INLINE: usize = 64;

/// Writes a network as TOML; arrays of more than 64 elements go to `NAME.weights.npz` beside it.
///
/// # Errors
/// The network is not sound, or a file cannot be written.
pub fn write(network: &Network, path: &Path) -> Result<()> {
    write_with(network, path, Container::Npz)
}

/// The same, with a choice of the container for arrays.
///
/// # Errors
/// The network is not sound, or a file cannot be written.
pub fn write_with(network: &Network, path: &Path, container: Container) -> Result<()> {
    network.validate()?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let weights = format!("{stem}.weights.{}", container.extension());
    let mut large = BTreeMap::new();
    let body = layers(network, &mut large)?;
    let mut text = format!("format = {}\nname = {}\n", quote(FORMAT), quote(&network.name));
    if !large.is_empty() {
        text += &format!("weights = {}\n", quote(&weights));
        files::write(&path.with_file_name(&weights), &container.format(&large)?)?;
    }
    text += &format!("outputs = {}\n", value(&Value::from(network.outputs.clone()))?);
    for input in &network.inputs {
        text += &format!("\n[[input]]\nname = {}\n", quote(&input.name));
        text += &format!("shape = {}\n", value(&Value::from(input.shape.clone()))?);
        if let Some(format) = &input.format {
            text += &format!("format = {}\n", quote(format));
        }
        if let Some(next) = &input.next {
            text += &format!("next = {}\n", quote(next));
        }
    }
    files::write(path, (text + &body).as_bytes())
}

/// The text of all layers; tensors too large for it are collected.
fn layers<'n>(network: &'n Network, large: &mut BTreeMap<String, &'n Tensor>) -> Result<String> {
    let mut text = String::new();
    let mut before = network.only_event().map(|input| &input.name);
    for layer in &network.layers {
        let place = format!("layer `{}`", layer.name);
        let implied = before.is_some_and(|before| layer.inputs == [before.as_str()]);
        text += &format!("\n[[layer]]\nname = {}\nkind = {}\n", quote(&layer.name), quote(&layer.kind));
        if !implied {
            text += &format!("inputs = {}\n", value(&Value::from(layer.inputs.clone())).at(&place)?);
        }
        text += &attributes(layer).at(&place)?;
        text += &tensors(layer, large).at(&place)?;
        before = Some(&layer.name);
    }
    Ok(text)
}

fn attributes(layer: &Layer) -> Result<String> {
    let mut text = String::new();
    for (key, attribute) in &layer.attributes {
        if LAYER_KEYS.contains(&key.as_str()) {
            return Err(Error::bug(format!("an attribute is called `{key}`, which the format keeps for itself")));
        }
        text += &format!("{} = {}\n", name(key), value(attribute).at(format!("`{key}`"))?);
    }
    Ok(text)
}

fn tensors<'n>(layer: &'n Layer, large: &mut BTreeMap<String, &'n Tensor>) -> Result<String> {
    let mut text = String::new();
    for (key, tensor) in &layer.tensors {
        if tensor.data.len() > MAX_INLINE {
            if key.contains('.') {
                return Err(Error::bug(format!("a tensor is called `{key}`, with a dot")));
            }
            large.insert(format!("{}.{key}", layer.name), tensor);
            continue;
        }
        if text.is_empty() {
            text += "[layer.tensors]\n";
        }
        let mut numbers = tensor.data.iter();
        text += &format!("{} = {}\n", name(key), nested(&tensor.shape, &mut numbers));
    }
    Ok(text)
}

fn nested(shape: &[usize], numbers: &mut std::slice::Iter<f64>) -> String {
    match shape.split_first() {
        None => numbers.next().map(|number| format!("{number:?}")).unwrap_or_default(),
        Some((length, rest)) => {
            let parts: Vec<_> = (0..*length).map(|_| nested(rest, numbers)).collect();
            format!("[{}]", parts.join(", "))
        }
    }
}

/// A bare key where that is allowed.
fn name(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { key.to_string() } else { quote(key) }
}

/// A basic string: JSON's escapes are TOML's, but for the delete character.
fn quote(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

fn value(json: &Value) -> Result<String> {
    let unsupported = |what: &str| Error::user(format!("{what} cannot be written as TOML"), "leave it out");
    Ok(match json {
        Value::Null => return Err(unsupported("null")),
        Value::Bool(truth) => truth.to_string(),
        Value::String(text) => quote(text),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => integer.to_string(),
            (None, Some(float)) if number.is_f64() => format!("{float:?}"),
            _ => return Err(unsupported("an integer beyond 63 bits")),
        },
        Value::Array(values) => {
            let values = values.iter().map(value).collect::<Result<Vec<_>>>()?;
            format!("[{}]", values.join(", "))
        }
        Value::Object(object) => {
            let pair = |(key, json): (&String, &Value)| Ok(format!("{} = {}", name(key), value(json)?));
            let pairs = object.iter().map(pair).collect::<Result<Vec<_>>>()?;
            format!("{{ {} }}", pairs.join(", "))
        }
    })
}
