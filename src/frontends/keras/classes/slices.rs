//! Python's `x[:, 1:3, -1]` of a tensor, with the samples' axis first.

use super::super::super::json::integer;
use super::super::architecture::Node;
use super::super::builder::Builder;
use crate::error::{Error, Result};
use crate::network::Layer;
use serde_json::Value;

/// What is taken of an axis.
enum Take {
    One(usize),
    Some(Vec<usize>),
}

/// Pushes what the entries of a slice take; one that takes everything does nothing.
///
/// # Errors
/// It slices the samples, adds axes, or is beyond the tensor.
pub fn slices(b: &mut Builder, node: &Node, specs: &Value) -> Result<()> {
    let read = b.one_input()?;
    let shape = b.shape(&read)?.to_vec();
    let mut entries: Vec<&Value> = match specs {
        Value::Array(entries) => entries.iter().collect(),
        one => vec![one],
    };
    let is = |entry: &Value, class: &str| entry.get("class_name").and_then(Value::as_str) == Some(class);
    let whole = Value::Object(serde_json::Map::new());
    if let Some(at) = entries.iter().position(|entry| is(entry, "__ellipsis__")) {
        let missing = (shape.len() + 2).checked_sub(entries.len()).ok_or_else(too_many)?;
        entries.splice(at..=at, std::iter::repeat_n(&whole, missing));
    }
    let Some((samples, entries)) = entries.split_first() else { return Ok(()) };
    if entries.len() > shape.len() {
        return Err(too_many());
    }
    let all =
        |entry: &Value| ["start", "stop", "step"].into_iter().all(|name| bound(entry, name).is_ok_and(|b| b.is_none()));
    if !samples.is_object() || !all(samples) {
        return Err(Error::user(
            "slices the axis of the samples",
            "hardware sees one sample at a time: begin with `:`",
        ));
    }
    let mut last = read;
    let taken: Vec<Option<Take>> =
        entries.iter().zip(&shape).map(|(entry, length)| take(entry, *length)).collect::<Result<_>>()?;
    let count = taken.iter().flatten().count();
    // From the last, so that the others keep their places.
    let each = taken.iter().enumerate().rev().filter_map(|(axis, take)| Some((axis, take.as_ref()?)));
    for (at, (axis, take)) in each.enumerate() {
        let name = if at + 1 == count { node.name.clone() } else { b.fresh(&format!("{}_{axis}", node.name)) };
        let layer = Layer::new(name, "gather", vec![last]).with("axis", axis);
        last = b.push(match take {
            Take::One(index) => layer.with("indices", *index),
            Take::Some(indices) => layer.with("indices", indices.clone()),
        });
    }
    Ok(())
}

fn too_many() -> Error {
    Error::user("slices more axes than the tensor has", "write the model again")
}

/// A bound of a slice; in Keras 3 they are in its configuration.
fn bound(entry: &Value, name: &str) -> Result<Option<i64>> {
    let entry = entry.get("config").unwrap_or(entry);
    entry.get(name).filter(|value| !value.is_null()).map(integer).transpose()
}

fn take(entry: &Value, length: usize) -> Result<Option<Take>> {
    let size = length as i64;
    if !entry.is_object() {
        let index = integer(entry).map_err(|_| {
            Error::user("slices with something that is no number and no range", "use numbers, ranges and `...`")
        })?;
        let place = usize::try_from(if index < 0 { index + size } else { index }).ok().filter(|at| *at < length);
        let what = || Error::user(format!("there is no element {index} in an axis of {length}"), "count from 0");
        return place.map(|place| Some(Take::One(place))).ok_or_else(what);
    }
    let (start, stop, step) = (bound(entry, "start")?, bound(entry, "stop")?, bound(entry, "step")?.unwrap_or(1));
    if start.is_none() && stop.is_none() && step == 1 {
        return Ok(None);
    }
    let low = if step < 0 { -1 } else { 0 };
    let clamp = |at: i64| (if at < 0 { at.saturating_add(size) } else { at }).clamp(low, size + low);
    let first = start.map_or(if step < 0 { size - 1 } else { 0 }, clamp);
    let end = stop.map_or(if step < 0 { -1 } else { size }, clamp);
    let inside = |at: &i64| if step < 0 { *at > end } else { *at < end };
    let indices: Vec<usize> = match step {
        0 => Vec::new(),
        _ => std::iter::successors(Some(first), |at| at.checked_add(step))
            .take_while(inside)
            .map(|at| at as usize)
            .collect(),
    };
    match indices.is_empty() {
        true => Err(Error::user(format!("a slice of an axis of {length} is empty"), "correct its bounds")),
        false => Ok(Some(Take::Some(indices))),
    }
}
