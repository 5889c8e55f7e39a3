//! The calls of a layer in a functional model: the tensors it reads, and its other arguments.
//!
//! Keras 2 writes `[["dense", 0, 0, {}], ..]` for a call, with keyword arguments in the last place of a tensor. Keras 3
//! writes `{"args": [..], "kwargs": {..}}`, and a tensor in it is an object with a `keras_history`.

use super::super::json::{list, size};
use crate::error::{Error, Result};
use serde_json::{Map, Value, json};

/// A result of a call of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// The layer's name.
    pub layer: String,
    /// Which call of it.
    pub call: usize,
    /// Which result of that call.
    pub tensor: usize,
}

/// A call.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// The tensors, in order of appearance.
    pub tensors: Vec<Reference>,
    /// Positional arguments; a tensor is `{"tensor": place in tensors}`.
    pub args: Vec<Value>,
    /// Named arguments, in the same form.
    pub kwargs: Map<String, Value>,
}

impl Call {
    /// A call with so many tensors and nothing else.
    pub fn of(tensors: usize) -> Call {
        let args = (0..tensors).map(|at| json!({ "tensor": at })).collect();
        Call { tensors: Vec::new(), args, kwargs: Map::new() }
    }

    /// The place in a node's inputs of a named argument.
    pub fn named(&self, name: &str) -> Option<usize> {
        self.kwargs.get(name)?.get("tensor")?.as_u64().map(|at| at as usize)
    }

    fn tensor(&mut self, reference: Reference) -> Value {
        self.tensors.push(reference);
        json!({ "tensor": self.tensors.len() - 1 })
    }

    /// An argument of Keras 3, its tensors replaced.
    fn argument(&mut self, value: &Value) -> Result<Value> {
        Ok(match value {
            Value::Array(values) => values.iter().map(|value| self.argument(value)).collect::<Result<_>>()?,
            Value::Object(object) => match object.get("config").and_then(|config| config.get("keras_history")) {
                Some(history) => self.tensor(reference(history)?),
                None => value.clone(),
            },
            _ => value.clone(),
        })
    }

    /// A keyword argument of Keras 2.
    fn keyword(&mut self, value: &Value) -> Result<Value> {
        Ok(match value.as_array().map(Vec::as_slice) {
            Some([Value::String(name), Value::Number(_), Value::Number(_)]) if name != "_CONSTANT_VALUE" => {
                self.tensor(reference(value)?)
            }
            Some(values) => values.iter().map(|value| self.keyword(value)).collect::<Result<_>>()?,
            None => value.clone(),
        })
    }
}

/// The calls of a layer: the field `inbound_nodes`.
pub fn calls(value: &Value) -> Result<Vec<Call>> {
    list(value)?.iter().map(call).collect()
}

fn call(value: &Value) -> Result<Call> {
    let mut call = Call::default();
    match value {
        Value::Object(object) => {
            let args = call.argument(object.get("args").unwrap_or(&Value::Null))?;
            // A list of tensors as the only argument is the same as several arguments.
            call.args = match args {
                Value::Array(args) => args,
                _ => Vec::new(),
            };
            for (name, value) in object.get("kwargs").and_then(Value::as_object).into_iter().flatten() {
                let value = call.argument(value)?;
                call.kwargs.insert(name.clone(), value);
            }
        }
        _ => {
            let values = list(value)?;
            let single = matches!(values.first(), Some(Value::String(_)));
            let entries = if single { vec![value] } else { values.iter().collect() };
            for entry in entries {
                let argument = match list(entry)?.as_slice() {
                    [Value::String(name), _, constant, ..] if name == "_CONSTANT_VALUE" => constant.clone(),
                    _ => {
                        let tensor = reference(entry)?;
                        call.tensor(tensor)
                    }
                };
                call.args.push(argument);
                for (name, value) in entry.get(3).and_then(Value::as_object).into_iter().flatten() {
                    let value = call.keyword(value)?;
                    call.kwargs.insert(name.clone(), value);
                }
            }
        }
    }
    Ok(call)
}

/// `["dense", 0, 0]`, a list of those, or an object of those: the inputs or outputs of a model.
pub fn references(value: &Value) -> Result<Vec<Reference>> {
    match value {
        Value::Array(values) if matches!(values.first(), Some(Value::String(_))) => Ok(vec![reference(value)?]),
        Value::Array(values) => {
            let nested: Vec<Vec<Reference>> = values.iter().map(references).collect::<Result<_>>()?;
            Ok(nested.into_iter().flatten().collect())
        }
        Value::Object(object) => {
            // Keras sorts the names.
            let mut entries: Vec<_> = object.iter().collect();
            entries.sort_by_key(|(name, _)| name.as_str());
            let nested: Vec<Vec<Reference>> =
                entries.iter().map(|(_, value)| references(value)).collect::<Result<_>>()?;
            Ok(nested.into_iter().flatten().collect())
        }
        _ => Err(Error::user("names no layer", "expected [\"layer\", 0, 0]")),
    }
}

fn reference(value: &Value) -> Result<Reference> {
    match list(value)?.as_slice() {
        [Value::String(layer), call, tensor, ..] => {
            Ok(Reference { layer: layer.clone(), call: size(call)?, tensor: size(tensor)? })
        }
        _ => Err(Error::user("names no layer", "expected [\"layer\", 0, 0]")),
    }
}
