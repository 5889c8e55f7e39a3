//! Shapes: operators that move no element, and constants.

use super::super::constant::{Constant, Kind, count};
use super::super::graph::{Graph, Tensor, Value, axis, samples_mixed, undequantized};
use super::super::node::Node;
use super::fold::{broadcast, spread};
use super::linear::transposed;
use super::{Operator, refuse};
use crate::error::{Error, Result};

/// The family.
pub const OPERATORS: &[(&str, Operator)] = &[
    ("Identity", same),
    ("Dropout", same),
    ("Cast", cast),
    ("Reshape", reshape),
    ("Flatten", flatten),
    ("Squeeze", squeeze),
    ("Unsqueeze", unsqueeze),
    ("Transpose", transpose),
    ("Expand", expand),
    ("Shape", shape),
    ("Size", size),
    ("Range", range),
    ("Constant", constant),
    ("ConstantOfShape", constant_of_shape),
];

fn same(g: &mut Graph, node: &Node) -> Result<()> {
    let value = g.value(node, 0)?;
    g.result(node, 0, value);
    Ok(())
}

fn cast(g: &mut Graph, node: &Node) -> Result<()> {
    let floats = matches!(node.integer("to", 1), 1 | 10 | 11 | 16);
    match (g.value(node, 0)?, floats) {
        (Value::Constant(c), true) => {
            let data = c.data.iter().map(|value| f64::from(*value as f32)).collect();
            g.folds(node, Constant { data, kind: Kind::Float, bounds: None, ..(*c).clone() })
        }
        (Value::Constant(c), false) => {
            let data = c.data.iter().map(|value| value.trunc()).collect();
            g.folds(node, Constant { dims: c.dims.clone(), data, kind: Kind::Integer, codes: None, bounds: None })
        }
        (value, true) => {
            g.result(node, 0, value);
            Ok(())
        }
        // An index (of ArgMax, TopK) is an integer already; whether this is one, is not known here.
        (Value::Tensor(x), false)
            if g.network.layer(&x.layer).is_some_and(|layer| ["argmax", "top_k"].contains(&layer.kind.as_str())) =>
        {
            g.gives(node, x)
        }
        (_, false) => refuse("a cast of computed values to integers", "use a quantizer"),
    }
}

/// A tensor in another shape, both with the sample axis first.
fn reshaped(g: &mut Graph, node: &Node, x: &Tensor, shape: Vec<usize>) -> Result<()> {
    let x = g.plain(x)?;
    if shape.first() != Some(&1) {
        return Err(samples_mixed());
    }
    if shape.iter().product::<usize>() != x.shape.iter().product::<usize>() {
        let what = format!("shape {shape:?} does not hold the elements of shape {:?}", x.shape);
        return Err(Error::user(what, "shapes are those of one sample; export the model with a batch of 1"));
    }
    if shape == x.shape {
        return g.gives(node, x);
    }
    let layer = g.layer(node, "reshape", &[&x]).with("shape", shape[1..].to_vec());
    let name = g.push(layer);
    g.gives(node, Tensor::plain(name, shape))
}

/// A value in another shape.
fn any_reshaped(g: &mut Graph, node: &Node, shape: impl Fn(&[usize]) -> Result<Vec<usize>>) -> Result<()> {
    match g.value(node, 0)? {
        Value::Constant(c) => {
            let dims = shape(&c.dims)?;
            if count(&dims)? != c.data.len() {
                let what = format!("shape {dims:?} does not hold the elements of shape {:?}", c.dims);
                return Err(Error::user(what, "the file is damaged; export it again"));
            }
            g.folds(node, c.reshaped(dims))
        }
        Value::Tensor(x) => {
            let shape = shape(&x.shape)?;
            reshaped(g, node, &x, shape)
        }
        Value::Pending(_) => Err(undequantized()),
    }
}

fn reshape(g: &mut Graph, node: &Node) -> Result<()> {
    let wanted = match g.constant(node, 1)? {
        Some(shape) => shape.to_integers()?,
        None => node.integers("shape").unwrap_or_default(),
    };
    let zeros = node.integer("allowzero", 0) != 0;
    any_reshaped(g, node, |from| {
        let unclear = || Error::user(format!("`shape` is {wanted:?} for {from:?}"), "at most one length may be -1");
        let mut shape = Vec::new();
        for (at, length) in wanted.iter().enumerate() {
            shape.push(match length {
                0 if !zeros => *from.get(at).ok_or_else(unclear)?,
                -1 => 1,
                length => usize::try_from(*length).map_err(|_| unclear())?,
            });
        }
        let (known, all) = (count(&shape)?.max(1), count(from)?);
        let free: Vec<usize> = (0..wanted.len()).filter(|at| wanted[*at] == -1).collect();
        match free.as_slice() {
            [] => Ok(shape),
            [at] if all % known == 0 => {
                shape[*at] = all / known;
                Ok(shape)
            }
            _ => Err(unclear()),
        }
    })
}

/// Into a matrix; the first axis goes on counting samples.
fn flatten(g: &mut Graph, node: &Node) -> Result<()> {
    let along = node.integer("axis", 1);
    any_reshaped(g, node, |from| {
        let along = if along == from.len() as i64 { from.len() } else { axis(along, from.len().max(1))? };
        Ok(vec![from[..along].iter().product(), from[along..].iter().product()])
    })
}

/// Axes are an attribute before version 13, an argument since.
fn axes(g: &Graph, node: &Node) -> Result<Option<Vec<i64>>> {
    match g.constant(node, 1)? {
        Some(axes) => axes.to_integers().map(Some),
        None => Ok(node.integers("axes")),
    }
}

fn squeeze(g: &mut Graph, node: &Node) -> Result<()> {
    let given = axes(g, node)?;
    let gone = |shape: &[usize], batch: Option<usize>| -> Result<Vec<usize>> {
        let all = || (0..shape.len()).filter(|at| shape[*at] == 1 && Some(*at) != batch).collect();
        let gone = given.as_ref().map(|axes| axes.iter().map(|a| axis(*a, shape.len())).collect::<Result<Vec<_>>>());
        let gone: Vec<usize> = gone.transpose()?.unwrap_or_else(all);
        match gone.iter().find(|at| shape[**at] != 1 || Some(**at) == batch) {
            Some(at) if Some(*at) == batch => Err(samples_mixed()),
            Some(at) => {
                Err(Error::user(format!("axis {at} has length {}", shape[*at]), "only axes of length 1 go away"))
            }
            None => Ok(gone),
        }
    };
    let kept = |shape: &[usize], gone: &[usize]| {
        (0..shape.len()).filter(|at| !gone.contains(at)).map(|at| shape[at]).collect::<Vec<_>>()
    };
    match g.value(node, 0)? {
        Value::Tensor(x) => {
            let gone = gone(&x.shape, Some(x.batch()))?;
            let shape = kept(&x.shape, &gone);
            let left = |at: usize| at - gone.iter().filter(|other| **other < at).count();
            let order: Vec<usize> = x.order.iter().filter(|at| !gone.contains(at)).map(|at| left(*at)).collect();
            named(g, node, &x, shape, order)
        }
        Value::Constant(c) => {
            let dims = kept(&c.dims, &gone(&c.dims, None)?);
            g.folds(node, c.reshaped(dims))
        }
        Value::Pending(_) => Err(undequantized()),
    }
}

fn unsqueeze(g: &mut Graph, node: &Node) -> Result<()> {
    let given = axes(g, node)?.unwrap_or_default();
    let rank = |shape: &[usize]| shape.len() + given.len();
    let added = |shape: &[usize]| given.iter().map(|a| axis(*a, rank(shape))).collect::<Result<Vec<_>>>();
    let places =
        |shape: &[usize], added: &[usize]| (0..rank(shape)).filter(|at| !added.contains(at)).collect::<Vec<_>>();
    let wider = |shape: &[usize], places: &[usize]| {
        let mut wide = vec![1; rank(shape)];
        places.iter().zip(shape).for_each(|(at, length)| wide[*at] = *length);
        wide
    };
    match g.value(node, 0)? {
        Value::Tensor(x) => {
            let added = added(&x.shape)?;
            let places = places(&x.shape, &added);
            let shape = wider(&x.shape, &places);
            let order = x.order.iter().map(|at| places[*at]).chain(added.iter().copied()).collect();
            named(g, node, &x, shape, order)
        }
        Value::Constant(c) => {
            let places = places(&c.dims, &added(&c.dims)?);
            let dims = wider(&c.dims, &places);
            g.folds(node, c.reshaped(dims))
        }
        Value::Pending(_) => Err(undequantized()),
    }
}

/// The same elements with axes of length 1 more or less.
fn named(g: &mut Graph, node: &Node, x: &Tensor, shape: Vec<usize>, order: Vec<usize>) -> Result<()> {
    let y = Tensor { layer: x.layer.clone(), shape, order };
    let layer = g.layer(node, "reshape", &[x]).with("shape", y.physical());
    let name = g.push(layer);
    g.gives(node, y.with(name))
}

/// Axes get other names; no element moves. A matrix that is turned around stays what it is but for the names.
fn transpose(g: &mut Graph, node: &Node) -> Result<()> {
    let perm = |rank: usize| -> Result<Vec<usize>> {
        let Some(given) = node.integers("perm").filter(|perm| !perm.is_empty()) else {
            return Ok((0..rank).rev().collect());
        };
        let perm: Vec<usize> = given.iter().map(|a| axis(*a, rank)).collect::<Result<_>>()?;
        match perm.len() == rank && (0..rank).all(|axis| perm.contains(&axis)) {
            true => Ok(perm),
            false => Err(Error::user(format!("`perm` is {given:?} for {rank} axes"), "name every axis once")),
        }
    };
    match g.value(node, 0)? {
        Value::Constant(c) => {
            let perm = perm(c.dims.len())?;
            g.folds(node, transposed(&c, &perm))
        }
        Value::Tensor(x) => {
            let perm = perm(x.rank())?;
            let place = |axis: &usize| perm.iter().position(|old| old == axis).unwrap_or(0);
            let order = x.order.iter().map(place).collect();
            let shape = perm.iter().map(|axis| x.shape[*axis]).collect();
            g.gives(node, Tensor { layer: x.layer, shape, order })
        }
        Value::Pending(_) => Err(undequantized()),
    }
}

fn expand(g: &mut Graph, node: &Node) -> Result<()> {
    let wanted = g.required(node, 1)?.to_integers()?;
    let wanted: Option<Vec<usize>> = wanted.iter().map(|length| usize::try_from(*length).ok()).collect();
    let wanted = wanted.ok_or_else(|| Error::user("a length is negative", "the file is damaged; export it again"))?;
    match g.value(node, 0)? {
        Value::Constant(c) => {
            let dims = broadcast(&c.dims, &wanted)?;
            let map = spread(&c.dims, &dims);
            g.folds(node, c.gathered(dims, &map))
        }
        Value::Tensor(x) if broadcast(&x.shape, &wanted)? == x.shape => g.gives(node, x),
        // An axis of length 1 repeats: the tensor with zeros of the wanted shape added.
        Value::Tensor(x) => {
            let x = g.plain(&x)?;
            let shape = broadcast(&x.shape, &wanted)?;
            if shape.len() != x.rank() || shape[0] != 1 {
                return Err(samples_mixed());
            }
            let zeros = crate::network::Tensor::new(shape[1..].to_vec(), vec![0.0; shape.iter().product()])?;
            let layer = g.layer(node, "add", &[&x]).with_tensor("constant", zeros);
            let name = g.push(layer);
            g.gives(node, Tensor::plain(name, shape))
        }
        Value::Pending(_) => Err(undequantized()),
    }
}

/// The shape of a value, of one sample for computed ones.
fn dims(g: &Graph, node: &Node) -> Result<Vec<usize>> {
    Ok(match g.value(node, 0)? {
        Value::Constant(c) => c.dims.clone(),
        Value::Tensor(x) => x.shape,
        Value::Pending(pending) => pending.x.shape.clone(),
    })
}

fn shape(g: &mut Graph, node: &Node) -> Result<()> {
    let dims = dims(g, node)?;
    let rank = dims.len() as i64;
    let place = |name: &str, default: i64| {
        let at = node.integer(name, default);
        (if at < 0 { at.saturating_add(rank) } else { at }).clamp(0, rank) as usize
    };
    let (start, end) = (place("start", 0), place("end", rank));
    let part = dims.get(start..end.max(start)).unwrap_or_default();
    g.folds(node, Constant::integers(part.iter().map(|length| *length as i64)))
}

fn size(g: &mut Graph, node: &Node) -> Result<()> {
    let all = count(&dims(g, node)?)? as i64;
    g.folds(node, Constant::integers([all]).reshaped(Vec::new()))
}

fn range(g: &mut Graph, node: &Node) -> Result<()> {
    let mut ends = Vec::new();
    for index in 0..3 {
        let value = g.required(node, index)?.to_integers()?;
        ends.push(value.first().copied().unwrap_or(0));
    }
    let (start, limit, step) = (ends[0], ends[1], ends[2]);
    let length =
        if step == 0 { i128::MAX } else { (i128::from(limit) - i128::from(start)).div_euclid(i128::from(step)).max(0) };
    let length = usize::try_from(length).ok().filter(|length| *length < 1 << 20);
    let length = length
        .ok_or_else(|| Error::user(format!("a range from {start} to {limit} by {step}"), "export it as a constant"))?;
    let up = (0..=length as i64).map(|i| start.saturating_add(step.saturating_mul(i)));
    g.folds(node, Constant::integers(up.filter(|value| if step > 0 { *value < limit } else { *value > limit })))
}

fn constant(g: &mut Graph, node: &Node) -> Result<()> {
    let value = match node.tensor("value")? {
        Some(value) => value,
        None if node.has("value_float") => Constant::float(Vec::new(), vec![f64::from(node.float("value_float", 0.0))]),
        None if node.has("value_int") => Constant::integers([node.integer("value_int", 0)]).reshaped(Vec::new()),
        None => match (node.floats("value_floats"), node.integers("value_ints")) {
            (Some(all), _) => Constant::float(vec![all.len()], all.into_iter().map(f64::from).collect()),
            (_, Some(all)) => Constant::integers(all),
            _ => return refuse("a constant without numbers", "constants are tensors of numbers"),
        },
    };
    g.folds(node, value)
}

fn constant_of_shape(g: &mut Graph, node: &Node) -> Result<()> {
    let shape = g.required(node, 0)?.to_integers()?;
    let dims: Option<Vec<usize>> = shape.iter().map(|length| usize::try_from(*length).ok()).collect();
    let dims =
        dims.ok_or_else(|| Error::user(format!("`shape` is {shape:?}"), "the file is damaged; export it again"))?;
    let value = node.tensor("value")?.unwrap_or_else(|| Constant::float(vec![1], vec![0.0]));
    let one = value.scalar().ok_or_else(|| Error::user("`value` has several elements", "give one number"))?;
    let data = vec![one; count(&dims)?];
    g.folds(node, Constant { dims, data, kind: value.kind, codes: None, bounds: value.bounds })
}
