//! Arithmetic on constants, in float32 where they are floats.

use super::super::constant::{Constant, Kind, count};
use crate::error::{Error, Result};

/// The shape that shapes broadcast to, as in NumPy.
///
/// # Errors
/// They do not.
pub fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let rank = a.len().max(b.len());
    let length = |shape: &[usize], i: usize| (i + shape.len()).checked_sub(rank).map_or(1, |i| shape[i]);
    let axis = |i: usize| match (length(a, i), length(b, i)) {
        (x, y) if x == y || y == 1 => Some(x),
        (1, y) => Some(y),
        _ => None,
    };
    let shape: Option<Vec<usize>> = (0..rank).map(axis).collect();
    let shape = shape.ok_or_else(|| {
        let what = format!("shapes {a:?} and {b:?} do not broadcast");
        Error::user(what, "axes must be equal, or 1 where one value serves the whole axis")
    })?;
    count(&shape)?;
    Ok(shape)
}

/// For each element of `shape`, the element of a tensor of shape `from` that broadcasts to it.
pub fn spread(from: &[usize], shape: &[usize]) -> Vec<usize> {
    let stride = |axis: usize| from[axis + 1..].iter().product::<usize>();
    let lead = shape.len().saturating_sub(from.len());
    (0..shape.len()).fold(vec![0], |places, axis| {
        let step = match axis.checked_sub(lead) {
            Some(own) if from[own] > 1 => stride(own),
            _ => 0,
        };
        places.into_iter().flat_map(|place| (0..shape[axis]).map(move |i| place + i * step)).collect()
    })
}

/// An operation on pairs of elements.
///
/// # Errors
/// The shapes do not broadcast, or a result is NaN or infinite.
pub fn pairs(
    a: &Constant,
    b: &Constant,
    float: impl Fn(f32, f32) -> f32,
    integer: impl Fn(i64, i64) -> Option<i64>,
) -> Result<Constant> {
    let dims = broadcast(&a.dims, &b.dims)?;
    let both = spread(&a.dims, &dims).into_iter().zip(spread(&b.dims, &dims));
    let integers = a.kind == Kind::Integer && b.kind == Kind::Integer;
    let one = |(i, j): (usize, usize)| {
        let (x, y) = (a.data[i], b.data[j]);
        if integers { integer(x as i64, y as i64).map(|z| z as f64) } else { finite(float(x as f32, y as f32)) }
    };
    let data = both.map(one).collect::<Option<_>>().ok_or_else(not_finite)?;
    let kind = if integers { Kind::Integer } else { Kind::Float };
    Ok(Constant { dims, data, kind, codes: None, bounds: None })
}

/// An operation on single elements.
///
/// # Errors
/// A result is NaN or infinite.
pub fn each(a: &Constant, float: impl Fn(f32) -> f32) -> Result<Constant> {
    let data = a.data.iter().map(|x| finite(float(*x as f32))).collect::<Option<_>>().ok_or_else(not_finite)?;
    Ok(Constant { dims: a.dims.clone(), data, kind: a.kind, codes: None, bounds: None })
}

fn finite(x: f32) -> Option<f64> {
    x.is_finite().then_some(f64::from(x))
}

fn not_finite() -> Error {
    Error::user("a constant becomes NaN or infinite", "train the network again, or repair the file")
}
