//! Sums, products, quotients and extremes of a tensor and a constant, as a framework computes them in float32.
//!
//! Where no float32 result can round, the operation is exact; elsewhere it is a float32 operation, which the next quantizer
//! turns into steps. Maxima and minima never round.

use super::attributes::floats;
use super::merge::Kind;
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Range};
use crate::functions::Function;
use crate::network::{Tensor, elements};
use crate::tensor::{Builder, Float, Id, broadcast, broadcast_map, is_power_of_two, shorten};

/// Integers up to this are float32 numbers, and so are their multiples by a moderate power of two.
const FLOAT_EXACT: i128 = 1 << 24;

/// `x` and a constant; `first` says that the constant stands before it.
///
/// # Errors
/// The shapes do not broadcast, or the operation has no such form.
pub fn with_constant(g: &mut Builder, x: Id, kind: Kind, constant: &Tensor, first: bool) -> Result<Id> {
    let shape = broadcast(g.shape(x), &constant.shape).ok_or_else(|| {
        let what = format!("shapes {:?} and {:?} do not broadcast", g.shape(x), constant.shape);
        Error::user(what, "make the axes equal, or 1 where one value serves the whole axis")
    })?;
    let mut x = x;
    if shape != g.shape(x) {
        g.room(elements(&shape)?)?;
        let map = broadcast_map(g.shape(x), &shape).into_iter().map(|e| (0, e)).collect();
        x = g.gather(&[x], &shape, map)?;
    }
    let values = floats(constant)?;
    let mut c: Vec<f32> = broadcast_map(&constant.shape, &shape).into_iter().map(|e| values[e as usize]).collect();
    match kind {
        Kind::Subtract if first => x = negated(g, x)?,
        Kind::Subtract => c.iter_mut().for_each(|c| *c = -*c),
        Kind::Divide if first => {
            let help = "put an activation `reciprocal` and a quantizer before it, and multiply";
            return Err(Error::user("a constant divided by the input", help));
        }
        // A power of two divides as exactly as it multiplies.
        Kind::Divide if c.iter().all(|c| is_power_of_two(*c)) => c.iter_mut().for_each(|c| *c = 1.0 / *c),
        Kind::Divide => return g.float(x, Float::Div(shorten(c, &shape))),
        _ => {}
    }
    let c = shorten(c, &shape);
    match kind {
        Kind::Add | Kind::Subtract if exact(g, x, &c, |x, c| Range::add(x, Range::point(c))) => {
            let c = constants(g, &c, &shape)?;
            g.add(x, c)
        }
        Kind::Add | Kind::Subtract => g.float(x, Float::Add(c)),
        Kind::Multiply | Kind::Divide if exact(g, x, &c, |x, c| x.times(c)) => {
            let c = constants(g, &c, &shape)?;
            g.mul(x, c)
        }
        Kind::Multiply | Kind::Divide | Kind::Average => g.float(x, Float::Mul(c)),
        Kind::Maximum if g.is_float(x) && c == [0.0] => g.function(x, Function::parse("relu")?),
        Kind::Maximum | Kind::Minimum if g.is_float(x) => {
            let what = "a maximum or minimum of float values and a constant";
            Err(Error::user(what, "put a quantizer before this layer, or use the activation `clip`"))
        }
        Kind::Maximum | Kind::Minimum => {
            let c = constants(g, &c, &shape)?;
            if kind == Kind::Maximum { g.max(x, c) } else { g.min(x, c) }
        }
    }
}

fn negated(g: &mut Builder, x: Id) -> Result<Id> {
    if g.is_float(x) {
        return g.float(x, Float::Mul(vec![-1.0]));
    }
    let minus = g.constant(&[], vec![Fixed::new(-1, 0)])?;
    g.mul(x, minus)
}

/// A shortened list as an exact tensor that broadcasts to a shape.
fn constants(g: &mut Builder, c: &[f32], shape: &[usize]) -> Result<Id> {
    let own = match c.len() {
        1 => Vec::new(),
        n if Some(&n) == shape.last() => vec![n],
        _ => shape.to_vec(),
    };
    g.floats(&own, &c.iter().map(|c| f64::from(*c)).collect::<Vec<_>>())
}

/// Is every operand and every result a float32 number?
fn exact(g: &Builder, x: Id, c: &[f32], result: impl Fn(Range, Fixed) -> Option<Range>) -> bool {
    let node = g.graph().node(x);
    let fits = |r: &Range| r.lo >= -FLOAT_EXACT && r.hi <= FLOAT_EXACT && (-120..=100).contains(&r.exp);
    let element = |(e, range): (usize, &Range)| {
        let c = Fixed::from_f64(f64::from(c[e % c.len()]));
        fits(range) && c.and_then(|c| result(*range, c)).is_some_and(|range| fits(&range))
    };
    !node.is_float() && node.ranges.iter().enumerate().all(element)
}
