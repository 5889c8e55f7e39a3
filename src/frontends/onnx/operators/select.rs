//! Parts of tensors, and tensors put together: `Concat`, `Split`, `Slice`, `Gather`, `Pad`, `Resize`, `Tile`.

use super::super::constant::{Constant, count};
use super::super::graph::{Graph, Tensor, Value, against, axis, undequantized};
use super::super::node::Node;
use super::{Operator, refuse};
use crate::error::{Error, Result};
use serde_json::json;

/// The family.
pub const OPERATORS: &[(&str, Operator)] = &[
    ("Concat", concat),
    ("Split", split),
    ("Slice", slice),
    ("Gather", gather),
    ("Pad", pad),
    ("Resize", resize),
    ("Upsample", resize),
    ("Tile", |_, _| refuse("repeated tensors are not supported", "use Concat")),
];

/// Elements of an axis, by their indices.
fn picked(c: &Constant, along: usize, indices: &[usize]) -> Result<Constant> {
    let mut dims = c.dims.clone();
    dims[along] = indices.len();
    count(&dims)?;
    let (outer, inner): (usize, usize) = (dims[..along].iter().product(), dims[along + 1..].iter().product());
    let length = c.dims[along];
    let place = |o: usize, i: usize| (o * length + i) * inner;
    let map = (0..outer).flat_map(|o| indices.iter().flat_map(move |i| place(o, *i)..place(o, *i) + inner));
    Ok(c.gathered(dims, &map.collect::<Vec<_>>()))
}

/// Elements `start, start + step, ..` of an axis.
fn part(g: &mut Graph, node: &Node, value: &Value, along: usize, indices: &[usize]) -> Result<Value> {
    if indices.is_empty() {
        return Err(Error::user("nothing is left of an axis", "the file is damaged; export it again"));
    }
    match value {
        Value::Constant(c) => Ok(Value::Constant(picked(c, along, indices)?.into())),
        Value::Pending(_) => Err(undequantized()),
        Value::Tensor(x) if indices.iter().copied().eq(0..x.shape[along]) => Ok(value.clone()),
        Value::Tensor(x) => {
            let own = x.axis(along)?;
            let step = indices.get(1).map_or(1, |second| second.wrapping_sub(indices[0]));
            let even = step < 1 << 31 && step > 0 && indices.windows(2).all(|two| two[1].wrapping_sub(two[0]) == step);
            let layer = match even {
                true => {
                    let mut ends = x.physical();
                    let (mut starts, mut steps) = (vec![0; ends.len()], vec![1; ends.len()]);
                    (starts[own], ends[own], steps[own]) = (indices[0], indices[indices.len() - 1] + 1, step);
                    let layer = g.layer(node, "slice", &[x]).with("starts", starts).with("ends", ends);
                    if step == 1 { layer } else { layer.with("steps", steps) }
                }
                false => g.layer(node, "gather", &[x]).with("indices", indices.to_vec()).with("axis", own),
            };
            let mut y = x.with(g.push(layer));
            y.shape[along] = indices.len();
            Ok(Value::Tensor(y))
        }
    }
}

fn shape_of(value: &Value) -> Vec<usize> {
    match value {
        Value::Constant(c) => c.dims.clone(),
        Value::Tensor(x) => x.shape.clone(),
        Value::Pending(pending) => pending.x.shape.clone(),
    }
}

fn concat(g: &mut Graph, node: &Node) -> Result<()> {
    let values = (0..node.inputs.len()).map(|index| g.value(node, index)).collect::<Result<Vec<_>>>()?;
    let shape = values.first().map(shape_of).unwrap_or_default();
    let along = axis(node.integer("axis", 1), shape.len())?;
    let misfit =
        || Error::user("its arguments' shapes differ outside the axis", "the file is damaged; export it again");
    let fits = |value: &Value| {
        let other = shape_of(value);
        other.len() == shape.len() && (0..shape.len()).all(|axis| axis == along || other[axis] == shape[axis])
    };
    if !values.iter().all(fits) {
        return Err(misfit());
    }
    let constants: Vec<_> =
        values.iter().filter_map(|value| if let Value::Constant(c) = value { Some(c) } else { None }).collect();
    if constants.len() == values.len() {
        let mut dims = shape.clone();
        dims[along] = values.iter().map(|value| shape_of(value)[along]).sum();
        count(&dims)?;
        let outer: usize = dims[..along].iter().product();
        let mut data = Vec::new();
        for o in 0..outer {
            for c in &constants {
                let row = c.dims[along..].iter().product::<usize>();
                data.extend_from_slice(&c.data[o * row..(o + 1) * row]);
            }
        }
        let kind = constants[0].kind;
        return g.folds(node, Constant { dims, data, kind, codes: None, bounds: None });
    }
    let first = values.iter().find_map(|value| if let Value::Tensor(x) = value { Some(x.clone()) } else { None });
    let first = first.ok_or_else(undequantized)?;
    let mut parts = Vec::new();
    for value in &values {
        parts.push(match value {
            Value::Tensor(x) => g.arranged(x, &first.order)?,
            Value::Constant(c) => {
                // A constant part: zeros of a tensor's making, and the constant added.
                let _ = against(c, &first);
                return refuse(
                    "constants joined with computed values",
                    "pad with Pad, or leave the constant part away",
                );
            }
            Value::Pending(_) => return Err(undequantized()),
        });
    }
    let own = first.axis(along)?;
    let inputs: Vec<&Tensor> = parts.iter().collect();
    let layer = g.layer(node, "concatenate", &inputs).with("axis", own);
    let mut y = first.with(g.push(layer));
    y.shape[along] = parts.iter().map(|part| part.shape[along]).sum();
    g.gives(node, y)
}

/// Lengths are an attribute before version 13, an argument since; without them, parts are equal (the last may be shorter).
fn split(g: &mut Graph, node: &Node) -> Result<()> {
    let value = g.value(node, 0)?;
    let shape = shape_of(&value);
    let along = axis(node.integer("axis", 0), shape.len())?;
    let given = match g.constant(node, 1)? {
        Some(lengths) => Some(lengths.to_integers()?),
        None => node.integers("split"),
    };
    let parts = node.outputs.len().max(1);
    let lengths: Vec<usize> = match given {
        Some(lengths) => lengths.iter().map(|length| usize::try_from(*length).unwrap_or(usize::MAX)).collect(),
        None => {
            let each = shape[along].div_ceil(parts);
            (0..parts).map(|part| shape[along].saturating_sub(part * each).min(each)).collect()
        }
    };
    let total = lengths.iter().try_fold(0usize, |sum, length| sum.checked_add(*length));
    if total != Some(shape[along]) || lengths.len() < parts {
        let what = format!("parts of {lengths:?} of an axis of length {}", shape[along]);
        return Err(Error::user(what, "the file is damaged; export it again"));
    }
    let mut start = 0;
    for (index, length) in lengths.iter().enumerate().take(node.outputs.len()) {
        if node.output(index).is_some_and(|name| g.reads(name)) {
            let indices: Vec<usize> = (start..start + length).collect();
            let part = part(g, node, &value, along, &indices)?;
            g.result(node, index, part);
        }
        start += length;
    }
    Ok(())
}

/// Bounds are attributes before version 10, arguments since.
fn slice(g: &mut Graph, node: &Node) -> Result<()> {
    let list = |g: &Graph, index: usize, name: &str| -> Result<Option<Vec<i64>>> {
        match g.constant(node, index)? {
            Some(c) => c.to_integers().map(Some),
            None => Ok(node.integers(name)),
        }
    };
    let starts = list(g, 1, "starts")?.unwrap_or_default();
    let ends = list(g, 2, "ends")?.unwrap_or_default();
    let axes = list(g, 3, "axes")?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = list(g, 4, "steps")?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()].iter().any(|length| *length != starts.len()) || steps.contains(&0) {
        return Err(Error::user(
            "its bounds have different lengths, or a step of 0",
            "the file is damaged; export it again",
        ));
    }
    let mut value = g.value(node, 0)?;
    for (((start, end), along), step) in starts.iter().zip(&ends).zip(&axes).zip(&steps) {
        let shape = shape_of(&value);
        let along = axis(*along, shape.len())?;
        let length = shape[along] as i64;
        let from_end = |at: i64| if at < 0 { at.saturating_add(length) } else { at };
        let indices: Vec<usize> = if *step > 0 {
            let (start, end) = (from_end(*start).clamp(0, length), from_end(*end).clamp(0, length));
            (start..end).step_by(usize::try_from(*step).unwrap_or(usize::MAX)).map(|i| i as usize).collect()
        } else {
            let (start, end) = (from_end(*start).clamp(-1, length - 1), from_end(*end).clamp(-1, length - 1));
            let back = usize::try_from(step.unsigned_abs()).unwrap_or(usize::MAX);
            (end + 1..=start).rev().step_by(back).map(|i| i as usize).collect()
        };
        value = part(g, node, &value, along, &indices)?;
    }
    g.result(node, 0, value);
    Ok(())
}

fn gather(g: &mut Graph, node: &Node) -> Result<()> {
    let value = g.value(node, 0)?;
    let shape = shape_of(&value);
    let along = axis(node.integer("axis", 0), shape.len())?;
    let indices = match (g.value(node, 1)?, &value) {
        (Value::Constant(indices), _) => indices,
        (Value::Tensor(x), Value::Constant(table)) if along == 0 && table.dims.len() == 2 => {
            let x = g.plain(&x)?;
            let array = crate::network::Tensor::new(table.dims.clone(), table.data.clone())?;
            let layer = g.layer(node, "embedding", &[&x]).with_tensor("embeddings", array);
            let mut y = x.shape.clone();
            y.push(table.dims[1]);
            let name = g.push(layer);
            return g.gives(node, Tensor::plain(name, y));
        }
        _ => return refuse("elements at computed places", "gather at constant indices, or from a constant table"),
    };
    let length = shape[along];
    let index = |at: i64| usize::try_from(if at < 0 { at + length as i64 } else { at }).ok().filter(|at| *at < length);
    let places: Option<Vec<usize>> = indices.to_integers()?.into_iter().map(index).collect();
    let places = places.ok_or_else(|| {
        Error::user(
            format!("an index outside the {length} elements of axis {along}"),
            "the file is damaged; export it again",
        )
    })?;
    let picked = part(g, node, &value, along, &places)?;
    if indices.dims.len() == 1 {
        g.result(node, 0, picked);
        return Ok(());
    }
    // The indices' own axes take the place of the axis.
    let dims: Vec<usize> = shape[..along].iter().chain(&indices.dims).chain(&shape[along + 1..]).copied().collect();
    match picked {
        Value::Constant(c) => g.folds(node, c.reshaped(dims)),
        Value::Tensor(x) => {
            let x = g.plain(&x)?;
            let layer = g.layer(node, "reshape", &[&x]).with("shape", dims.get(1..).unwrap_or_default().to_vec());
            let name = g.push(layer);
            g.gives(node, Tensor::plain(name, dims))
        }
        Value::Pending(_) => Err(undequantized()),
    }
}

/// Amounts are an attribute before version 11, an argument since.
fn pad(g: &mut Graph, node: &Node) -> Result<()> {
    let x = g.tensor(node, 0)?;
    let mode = node.text("mode", "constant");
    if mode != "constant" {
        return refuse("padding that repeats or reflects", "pad with zeros (mode \"constant\")");
    }
    let given = match g.constant(node, 1)? {
        Some(pads) => pads.to_integers()?,
        None => node.integers("pads").unwrap_or_default(),
    };
    let axes: Vec<usize> = match g.constant(node, 3)? {
        Some(axes) => axes.to_integers()?.iter().map(|a| axis(*a, x.rank())).collect::<Result<_>>()?,
        None => (0..x.rank()).collect(),
    };
    let value = match g.constant(node, 2)? {
        Some(value) => value.data.first().copied().unwrap_or(0.0),
        None => f64::from(node.float("value", 0.0)),
    };
    let wrong =
        || Error::user(format!("`pads` is {given:?}"), "give an amount before and behind each axis, of at least 0");
    let amount =
        |at: usize| given.get(at).and_then(|n| usize::try_from(*n).ok()).filter(|n| *n < 1 << 20).ok_or_else(wrong);
    if given.len() != 2 * axes.len() {
        return Err(wrong());
    }
    let mut y = x.clone();
    let mut amounts = vec![[0, 0]; x.rank().saturating_sub(1)];
    for (at, along) in axes.iter().enumerate() {
        let both = [amount(at)?, amount(at + axes.len())?];
        if both != [0, 0] {
            amounts[x.axis(*along)?] = both;
            y.shape[*along] += both[0] + both[1];
        }
    }
    if y.shape == x.shape {
        return g.gives(node, x);
    }
    let mut layer = g.layer(node, "pad", &[&x]).with("padding", json!(amounts));
    if value != 0.0 {
        layer = layer.with("value", value);
    }
    let name = g.push(layer);
    g.gives(node, y.with(name))
}

/// Whole multiples of spatial axes, by the nearest neighbour.
fn resize(g: &mut Graph, node: &Node) -> Result<()> {
    let x = g.tensor(node, 0)?;
    let mode = node.text("mode", "nearest");
    if mode != "nearest" {
        return refuse("enlarging by other means than the nearest neighbour", "use mode \"nearest\"");
    }
    let place = if node.op == "Upsample" { 1 } else { 2 };
    let scales = match g.constant(node, place)? {
        Some(scales) if !scales.data.is_empty() => scales.data.clone(),
        _ => match (node.floats("scales"), g.constant(node, 3)?) {
            (Some(scales), _) => scales.into_iter().map(f64::from).collect(),
            (_, Some(sizes)) if sizes.data.len() == x.rank() => {
                sizes.data.iter().zip(&x.shape).map(|(size, length)| size / *length as f64).collect()
            }
            _ => Vec::new(),
        },
    };
    let transform = node.text("coordinate_transformation_mode", "half_pixel");
    let nearest = node.text("nearest_mode", "round_prefer_floor");
    let simple = node.op == "Upsample"
        || (transform == "asymmetric" && nearest == "floor")
        || (transform.starts_with("half_pixel") && nearest.starts_with("round"));
    let whole = scales.iter().all(|scale| scale.fract() == 0.0 && (1.0..=4096.0).contains(scale));
    if scales.len() != x.rank() || !whole || !simple || scales.get(x.batch()) != Some(&1.0) {
        let what = format!("scales {scales:?}, `{transform}`, `{nearest}` for a tensor of shape {:?}", x.shape);
        return Err(Error::user(what, "enlarge by whole numbers, with half_pixel or asymmetric coordinates"));
    }
    let mut y = x.clone();
    y.shape.iter_mut().zip(&scales).for_each(|(length, scale)| *length = length.saturating_mul(*scale as usize));
    crate::network::elements(&y.shape)?;
    let mut last = x;
    for along in (0..y.rank()).filter(|along| scales[*along] != 1.0) {
        let times = scales[along] as usize;
        let indices: Vec<usize> = (0..y.shape[along]).map(|i| i / times).collect();
        if let Value::Tensor(tensor) = part(g, node, &Value::Tensor(last.clone()), along, &indices)? {
            last = tensor;
        }
    }
    g.gives(node, last)
}
