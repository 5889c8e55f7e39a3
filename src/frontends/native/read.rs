//! TOML to a network.

use super::super::Source;
use super::{DOCUMENT_KEYS, FORMAT, INPUT_KEYS, LAYER_KEYS, arrays};
use crate::error::{At, Error, Result};
use crate::frontends::json;
use crate::network::{Input, Layer, Network};
use serde_json::Value;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The longest document that is parsed; large arrays are elsewhere.
const MAX_BYTES: usize = 1 << 24;

/// The network of a document.
pub fn document(source: &Source, text: &str) -> Result<Network> {
    if text.len() > MAX_BYTES {
        let what = format!("is TOML of {} bytes, more than {MAX_BYTES}", text.len());
        return Err(Error::user(what, "put large arrays in the weights file"));
    }
    let lines = Lines(text);
    let parsed = DeTable::parse(text).map_err(|error| {
        let place = error.span().map_or_else(|| "the file".to_string(), |span| lines.place(&span));
        Error::user(format!("broken TOML: {}", error.message()), "correct the syntax; see https://toml.io").at(place)
    })?;
    let document = Table { table: parsed.get_ref(), lines: &lines };
    document.only(&DOCUMENT_KEYS)?;
    let format = document.required("format", |value| json::string(value).map(str::to_string))?;
    if format != FORMAT {
        let what = format!("`format` is `{format}`");
        return Err(Error::user(what, format!("this version of nanotrig reads `{FORMAT}`")));
    }
    let name = document.optional("name", |value| json::string(value).map(str::to_string))?;
    let mut network = Network {
        name: name.unwrap_or_else(|| source.stem()),
        inputs: document.tables("input", input)?,
        layers: document.tables("layer", layer)?,
        outputs: document.optional("outputs", strings)?.unwrap_or_default(),
    };
    defaults(&mut network, document.get("outputs").is_some())?;
    if let Some(weights) = document.optional("weights", |value| json::string(value).map(str::to_string))? {
        arrays::load(&mut network, &source.path, &weights)?;
    }
    Ok(network)
}

/// A layer reads the one before; the last layer leaves the network.
fn defaults(network: &mut Network, outputs_given: bool) -> Result<()> {
    if network.inputs.is_empty() {
        return Err(Error::user("the network has no input", "add an [[input]] with a name and a shape"));
    }
    let mut before = network.only_event().map(|input| input.name.clone());
    for layer in &mut network.layers {
        if layer.inputs.is_empty() {
            let missing = || Error::user("has no `inputs`, and there are several", "name the ones that it reads");
            layer.inputs.push(before.ok_or_else(|| missing().at(format!("layer `{}`", layer.name)))?);
        }
        before = Some(layer.name.clone());
    }
    if !outputs_given {
        network.outputs.extend(before);
    }
    Ok(())
}

fn input(table: &Table) -> Result<Input> {
    table.only(&INPUT_KEYS)?;
    Ok(Input {
        name: table.required("name", |value| json::string(value).map(str::to_string))?,
        shape: table.required("shape", json::sizes)?,
        format: table.optional("format", |value| json::string(value).map(str::to_string))?,
        next: table.optional("next", |value| json::string(value).map(str::to_string))?,
    })
}

fn layer(table: &Table) -> Result<Layer> {
    let name = table.required("name", |value| json::string(value).map(str::to_string))?;
    let place = format!("layer `{name}`");
    let kind = table.required("kind", |value| json::string(value).map(str::to_string)).at(&place)?;
    let mut layer = Layer::new(name, kind, table.optional("inputs", strings).at(&place)?.unwrap_or_default());
    for (key, value) in table.table {
        let key = key.get_ref().as_ref();
        if !LAYER_KEYS.contains(&key) {
            layer.attributes.insert(key.to_string(), table.lines.value(value).at(format!("`{key}`")).at(&place)?);
        }
    }
    if let Some(tensors) = table.get("tensors") {
        let wrong = || Error::user("`tensors` is no table", "write [layer.tensors] with nested lists of numbers");
        let inner = tensors.get_ref().as_table().ok_or_else(|| wrong().at(&place))?;
        for (key, value) in inner {
            let key = key.get_ref().as_ref();
            let within = || format!("{place}: `{key}`: {}", table.lines.place(&value.span()));
            let json = table.lines.value(value).at(format!("{place}: `{key}`"))?;
            let tensor = json::tensor(&json).map_err(|error| error.at(within()))?;
            layer.tensors.insert(key.to_string(), tensor);
        }
    }
    Ok(layer)
}

fn strings(value: &Value) -> Result<Vec<String>> {
    json::list(value)?.iter().map(|value| json::string(value).map(str::to_string)).collect()
}

/// A table, with the text it was read from.
struct Table<'t> {
    table: &'t DeTable<'t>,
    lines: &'t Lines<'t>,
}

impl Table<'_> {
    fn get(&self, key: &str) -> Option<&Spanned<DeValue<'_>>> {
        self.table.iter().find(|(name, _)| name.get_ref().as_ref() == key).map(|(_, value)| value)
    }

    /// No other keys than these.
    fn only(&self, known: &[&str]) -> Result<()> {
        let unknown = self.table.keys().find(|key| !known.contains(&key.get_ref().as_ref()));
        unknown.map_or(Ok(()), |key| {
            let what = format!("unknown key `{}`", key.get_ref());
            Err(Error::user(what, format!("known: {}", known.join(", "))).at(self.lines.place(&key.span())))
        })
    }

    fn optional<T>(&self, key: &str, read: impl FnOnce(&Value) -> Result<T>) -> Result<Option<T>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let place = || format!("{}: `{key}`", self.lines.place(&value.span()));
        let json = self.lines.value(value).at(format!("`{key}`"))?;
        read(&json).map(Some).map_err(|error| error.at(place()))
    }

    fn required<T>(&self, key: &str, read: impl FnOnce(&Value) -> Result<T>) -> Result<T> {
        self.optional(key, read)?.ok_or_else(|| {
            let error = Error::user(format!("`{key}` is missing"), format!("add {key} = ..."));
            match self.table.values().next() {
                Some(first) => error.at(self.lines.place(&first.span())),
                None => error,
            }
        })
    }

    /// An array of tables; none at all is an empty one.
    fn tables<T>(&self, key: &str, read: impl Fn(&Table) -> Result<T>) -> Result<Vec<T>> {
        let Some(value) = self.get(key) else { return Ok(Vec::new()) };
        let wrong = || {
            let error = Error::user(format!("`{key}` is no list of tables"), format!("write [[{key}]] before each"));
            error.at(self.lines.place(&value.span()))
        };
        let each = |value: &Spanned<DeValue>| {
            let table = value.get_ref().as_table().ok_or_else(wrong)?;
            read(&Table { table, lines: self.lines })
        };
        value.get_ref().as_array().ok_or_else(wrong)?.iter().map(each).collect()
    }
}

/// The text, for places in it.
struct Lines<'t>(&'t str);

impl Lines<'_> {
    fn place(&self, span: &Range<usize>) -> String {
        let before = self.0.get(..span.start).unwrap_or(self.0);
        format!("line {}", before.matches('\n').count() + 1)
    }

    /// The same value as JSON.
    fn value(&self, value: &Spanned<DeValue>) -> Result<Value> {
        let wrong = |what: &str| {
            let help = "values are strings, finite numbers, truth values, lists and tables";
            Error::user(format!("is {what}"), help).at(self.place(&value.span()))
        };
        Ok(match value.get_ref() {
            DeValue::String(text) => Value::from(text.as_ref()),
            DeValue::Boolean(truth) => Value::from(*truth),
            DeValue::Integer(integer) => {
                let parsed = i64::from_str_radix(integer.as_str(), integer.radix());
                Value::from(parsed.map_err(|_| wrong("beyond 63 bits"))?)
            }
            DeValue::Float(float) => {
                let parsed = float.as_str().parse::<f64>().map_err(|_| wrong("no number"))?;
                Value::Number(serde_json::Number::from_f64(parsed).ok_or_else(|| wrong("not a finite number"))?)
            }
            DeValue::Datetime(_) => return Err(wrong("a date")),
            DeValue::Array(array) => array.iter().map(|value| self.value(value)).collect::<Result<_>>()?,
            DeValue::Table(table) => {
                let pair = |(key, value): (&Spanned<_>, &Spanned<DeValue>)| -> Result<(String, Value)> {
                    let key: &std::borrow::Cow<str> = key.get_ref();
                    Ok((key.to_string(), self.value(value)?))
                };
                Value::Object(table.iter().map(pair).collect::<Result<_>>()?)
            }
        })
    }
}
