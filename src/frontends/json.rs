//! Fields of JSON documents, with errors that name them.

use crate::error::{At, Error, Result};
use crate::network::{Tensor, elements};
use serde_json::{Map, Value};

/// The longest document that is parsed; a number may take 32 bytes of memory and 2 of text.
const MAX_BYTES: usize = 1 << 26;

/// A JSON document.
pub fn parse(bytes: &[u8]) -> Result<Value> {
    if bytes.len() > MAX_BYTES {
        let what = format!("is JSON of {} bytes, more than {MAX_BYTES}", bytes.len());
        return Err(Error::user(what, "check that this is the right file; large arrays belong in .npz or .h5"));
    }
    serde_json::from_slice(bytes).or_else(|error| serde_json::from_slice(&finite(bytes)).map_err(|_| error)).map_err(
        |error| {
            let help = "the file is truncated or damaged; fetch or write it again";
            Error::user(format!("broken JSON: {error}"), help)
        },
    )
}

/// The document with null for what Python writes and JSON does not have: `Infinity`, `-Infinity`, `NaN`.
fn finite(bytes: &[u8]) -> Vec<u8> {
    let mut clean = Vec::with_capacity(bytes.len());
    let (mut at, mut text) = (0, false);
    while let Some(byte) = bytes.get(at) {
        let rest = &bytes[at..];
        let word = [&b"Infinity"[..], b"-Infinity", b"NaN"].into_iter().find(|word| !text && rest.starts_with(word));
        match word {
            Some(word) => {
                clean.extend(b"null");
                at += word.len();
            }
            // An escape hides a quote.
            None if text && *byte == b'\\' => {
                clean.extend(rest.iter().take(2));
                at += 2;
            }
            None => {
                text ^= *byte == b'"';
                clean.push(*byte);
                at += 1;
            }
        }
    }
    clean
}

/// What a value is, for messages.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn expected<T>(found: Option<T>, value: &Value, what: &str) -> Result<T> {
    found.ok_or_else(|| Error::user(format!("is {}, expected {what}", kind(value)), "correct this field"))
}

/// An object.
pub fn object(value: &Value) -> Result<&Map<String, Value>> {
    expected(value.as_object(), value, "an object")
}

/// A list.
pub fn list(value: &Value) -> Result<&Vec<Value>> {
    expected(value.as_array(), value, "a list")
}

/// A string.
pub fn string(value: &Value) -> Result<&str> {
    expected(value.as_str(), value, "a string")
}

/// A finite number.
pub fn number(value: &Value) -> Result<f64> {
    expected(value.as_f64().filter(|number| number.is_finite()), value, "a number")
}

/// A whole number.
pub fn integer(value: &Value) -> Result<i64> {
    let whole = |number: f64| (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64);
    expected(value.as_i64().or_else(|| value.as_f64().and_then(whole)), value, "a whole number")
}

/// A whole number from 0 on.
pub fn size(value: &Value) -> Result<usize> {
    let integer = integer(value)?;
    usize::try_from(integer).map_err(|_| Error::user(format!("is {integer}"), "a size cannot be negative"))
}

/// A list of sizes.
pub fn sizes(value: &Value) -> Result<Vec<usize>> {
    list(value)?.iter().map(size).collect()
}

/// A field that must be there; its name becomes part of an error's place.
pub fn field<'v, T>(object: &'v Value, name: &str, read: impl FnOnce(&'v Value) -> Result<T>) -> Result<T> {
    let missing = || Error::user(format!("has no `{name}`"), format!("add the field `{name}`"));
    read(object.get(name).ok_or_else(missing)?).at(format!("`{name}`"))
}

/// A field that may be missing or null.
pub fn optional<'v, T>(object: &'v Value, name: &str, read: impl FnOnce(&'v Value) -> Result<T>) -> Result<Option<T>> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => read(value).map(Some).at(format!("`{name}`")),
    }
}

/// Nested lists of numbers, or one number.
pub fn tensor(value: &Value) -> Result<Tensor> {
    let mut shape = Vec::new();
    let mut inner = value;
    while let Some(list) = inner.as_array() {
        shape.push(list.len());
        match list.first() {
            Some(first) => inner = first,
            None => break,
        }
    }
    elements(&shape)?;
    let mut data = Vec::new();
    flatten(value, &shape, &mut data)?;
    Tensor::new(shape, data)
}

fn flatten(value: &Value, shape: &[usize], data: &mut Vec<f64>) -> Result<()> {
    match shape.split_first() {
        None => data.push(number(value)?),
        Some((length, rest)) => {
            let list = list(value)?;
            if list.len() != *length {
                let what = format!("has lists of {length} and of {} elements side by side", list.len());
                return Err(Error::user(what, "make the nested lists rectangular"));
            }
            list.iter().try_for_each(|value| flatten(value, rest, data))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_python_writes_and_json_does_not_have() {
        let text = br#"{"a": Infinity, "b": [-Infinity, NaN], "c": "NaN \" Infinity", "d": 1}"#;
        assert_eq!(parse(text).unwrap(), json!({"a": null, "b": [null, null], "c": "NaN \" Infinity", "d": 1}));
        assert!(parse(br#"{"a": Infinit}"#).unwrap_err().what.contains("broken JSON"));
    }
}
