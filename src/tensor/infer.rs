//! Shapes and exact ranges: what each primitive's result looks like, from its operands.
//!
//! The builder makes nodes with it and the verifier checks them with it. Ranges are intervals per element; a result beyond
//! 127 bits is an error.

use super::{Float, Node, Op, Reduction, Staircase, pick};
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Overflow, Quantization, Range};
use crate::port::Port;
use std::collections::HashMap;

/// Shape and ranges of a result; no ranges where it is float.
pub(super) struct Inferred {
    pub shape: Vec<usize>,
    pub ranges: Vec<Range>,
}

/// The result of `op`. `shape` is the wanted shape of operations that can have any (input, constant, gather).
pub(super) fn infer(op: &Op, args: &[&Node], inputs: &[Port], shape: &[usize]) -> Result<Inferred> {
    check_operands(op, args)?;
    let x = args.first().copied();
    let same = |ranges| Ok(Inferred { shape: x.map_or(Vec::new(), |x| x.shape.clone()), ranges });
    match (op, x) {
        (Op::Input { port }, _) => infer_input(inputs, *port as usize),
        (Op::Constant { values }, _) => {
            check_count("constant", values.len(), shape)?;
            Ok(Inferred { shape: shape.to_vec(), ranges: values.iter().copied().map(Range::point).collect() })
        }
        (Op::Gather { elements }, _) => infer_gather(elements, args, shape),
        (Op::MatMul, Some(x)) => infer_matmul(x, args[1]),
        (Op::Add | Op::Mul | Op::Max | Op::Min, Some(x)) => infer_binary(op, x, args[1]),
        (Op::Reduce { kind, axis }, Some(x)) => infer_reduce(*kind, *axis, x),
        (Op::Quantize { elements }, Some(x)) => {
            check_list("quantizers", elements.len(), x, false)?;
            same((0..x.len()).map(|e| quantized(pick(elements, e, &x.shape), x.ranges.get(e))).collect())
        }
        (Op::Steps { stairs }, Some(x)) => {
            check_list("staircases", stairs.len(), x, true)?;
            let ranges = (0..x.len()).map(|e| stair_range(pick(stairs, e, &x.shape), x.ranges.get(e)));
            same(ranges.collect::<Option<_>>().ok_or_else(too_wide)?)
        }
        (Op::Table { lo, exp, values }, Some(x)) => {
            same(x.ranges.iter().map(|range| table_range(*lo, *exp, values, range)).collect::<Result<_>>()?)
        }
        (Op::Lookup(lookup), Some(x)) => lookup.infer(x),
        (Op::Float(float), Some(x)) => {
            let constants = float.constants();
            if !constants.is_empty() || !matches!(float, Float::Function(_) | Float::Softmax) {
                check_list("constants", constants.len(), x, true)?;
            }
            match constants.iter().all(|c| c.is_finite()) {
                true => same(Vec::new()),
                false => {
                    Err(Error::user("a constant is NaN or infinite", "train the network again, or repair the file"))
                }
            }
        }
        (_, None) => Err(Error::bug(format!("`{}` without operands", op.name()))),
    }
}

/// Right number of operands, and exact ones where they must be.
fn check_operands(op: &Op, args: &[&Node]) -> Result<()> {
    let expected = match op {
        Op::Input { .. } | Op::Constant { .. } => 0,
        Op::MatMul | Op::Add | Op::Mul | Op::Max | Op::Min => 2,
        Op::Gather { .. } => args.len(),
        Op::Reduce { .. } | Op::Quantize { .. } | Op::Steps { .. } => 1,
        Op::Table { .. } | Op::Lookup(_) | Op::Float(_) => 1,
    };
    if args.len() != expected {
        return Err(Error::bug(format!("`{}` has {} operands, not {expected}", op.name(), args.len())));
    }
    let takes_floats = matches!(op, Op::Quantize { .. } | Op::Steps { .. } | Op::Float(_));
    match args.iter().any(|arg| arg.is_float()) && !takes_floats {
        true => Err(Error::bug(format!("`{}` reads a float value", op.name()))),
        false => Ok(()),
    }
}

fn infer_input(inputs: &[Port], port: usize) -> Result<Inferred> {
    let port = inputs.get(port).ok_or_else(|| Error::bug(format!("there is no input port {port}")))?;
    check_count(&port.name, port.elements.len(), &port.shape)?;
    Ok(Inferred { shape: port.shape.clone(), ranges: port.elements.iter().map(|e| e.format.range()).collect() })
}

fn infer_gather(elements: &[(u32, u32)], args: &[&Node], shape: &[usize]) -> Result<Inferred> {
    check_count("gather", elements.len(), shape)?;
    let range = |(arg, element): &(u32, u32)| {
        let found = args.get(*arg as usize).and_then(|node| node.ranges.get(*element as usize));
        found.copied().ok_or_else(|| Error::bug(format!("gather reads element {element} of operand {arg}")))
    };
    Ok(Inferred { shape: shape.to_vec(), ranges: elements.iter().map(range).collect::<Result<_>>()? })
}

fn check_count(what: &str, count: usize, shape: &[usize]) -> Result<()> {
    let expected: usize = shape.iter().product();
    match count == expected {
        true => Ok(()),
        false => Err(Error::user(
            format!("{what} has {count} values, and its shape {shape:?} has {expected} elements"),
            "give as many values as the shape says",
        )),
    }
}

fn check_list(what: &str, count: usize, x: &Node, per_last_axis: bool) -> Result<()> {
    let last = x.shape.last().copied().unwrap_or(1);
    match count == 1 || count == x.len() || (per_last_axis && count == last) {
        true => Ok(()),
        false => Err(Error::user(
            format!("{count} {what} for a tensor of shape {:?}", x.shape),
            format!("give 1, {last} (one per element of the last axis) or {} (one each)", x.len()),
        )),
    }
}

/// The error of a number beyond 127 bits.
pub(super) fn too_wide() -> Error {
    Error::user(
        "an exact result needs more than 127 bits",
        "quantize the operands of this layer, or give unquantized weights a quantizer",
    )
}

fn is_zero(range: &Range) -> bool {
    range.lo == 0 && range.hi == 0
}

/// The sums; a zero does not refine the grid.
pub(super) fn sum(a: Range, b: Range) -> Option<Range> {
    match (is_zero(&a), is_zero(&b)) {
        (true, _) => Some(b),
        (_, true) => Some(a),
        _ => Range::add(a, b),
    }
}

/// The sum of several, on the finest grid of those that are no constant zero: constants that cancel leave theirs, too.
fn total(terms: impl Iterator<Item = Option<Range>>) -> Option<Range> {
    let (mut total, mut finest) = (Range::point(Fixed::ZERO), None);
    for term in terms {
        let term = term?;
        if !is_zero(&term) {
            finest = Some(finest.map_or(term.exp, |exp: i32| exp.min(term.exp)));
            total = Range::add(total, term)?;
        }
    }
    match finest {
        Some(exp) if is_zero(&total) => Some(Range { exp, ..total }),
        Some(exp) => total.at(exp),
        None => Some(total),
    }
}

/// The products; a constant zero gives the plain zero.
pub(super) fn product(a: Range, b: Range) -> Option<Range> {
    if is_zero(&a) || is_zero(&b) {
        return Some(Range::point(Fixed::ZERO));
    }
    let x = [a.lo.checked_mul(b.lo)?, a.lo.checked_mul(b.hi)?, a.hi.checked_mul(b.lo)?, a.hi.checked_mul(b.hi)?];
    let (lo, hi) = x.iter().fold((x[0], x[0]), |(lo, hi), v| (lo.min(*v), hi.max(*v)));
    Some(Range { lo, hi, exp: a.exp.checked_add(b.exp)? })
}

/// The greater (or lesser) of two numbers.
fn extreme(a: Range, b: Range, max: bool) -> Option<Range> {
    let pick = |x: i128, y: i128| if max { x.max(y) } else { x.min(y) };
    // One operand that always wins keeps its own, perhaps coarser, grid.
    if a.high() <= b.low() {
        return Some(if max { b } else { a });
    }
    if b.high() <= a.low() {
        return Some(if max { a } else { b });
    }
    if is_zero(&a) || is_zero(&b) {
        let other = if is_zero(&a) { b } else { a };
        return Some(Range { lo: pick(other.lo, 0), hi: pick(other.hi, 0), exp: other.exp });
    }
    let (a, b) = Range::aligned(a, b)?;
    Some(Range { lo: pick(a.lo, b.lo), hi: pick(a.hi, b.hi), exp: a.exp })
}

/// The shape that two shapes broadcast to, as in NumPy; `None` if they do not.
pub fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let axis = |shape: &[usize], i: usize| (i + shape.len()).checked_sub(rank).map_or(1, |i| shape[i]);
    (0..rank)
        .map(|i| match (axis(a, i), axis(b, i)) {
            (x, y) if x == y => Some(x),
            (1, y) => Some(y),
            (x, 1) => Some(x),
            _ => None,
        })
        .collect()
}

/// For each element of `shape`, the element of a tensor of shape `from` that is broadcast to it.
pub fn broadcast_map(from: &[usize], shape: &[usize]) -> Vec<u32> {
    let mut map = vec![0u32];
    let mut stride = from.iter().product::<usize>();
    for (i, length) in shape.iter().enumerate() {
        let own = (i + from.len()).checked_sub(shape.len()).map_or(1, |i| from[i]);
        stride /= if i + from.len() >= shape.len() { own.max(1) } else { 1 };
        let step = |j: usize| if own == 1 { 0 } else { (j * stride) as u32 };
        map = map.iter().flat_map(|base| (0..*length).map(move |j| base + step(j))).collect();
    }
    map
}

fn infer_binary(op: &Op, a: &Node, b: &Node) -> Result<Inferred> {
    let shape = broadcast(&a.shape, &b.shape).ok_or_else(|| {
        let what = format!("shapes {:?} and {:?} do not broadcast", a.shape, b.shape);
        Error::user(what, "make the axes equal, or 1 where one value serves the whole axis")
    })?;
    let pairs = broadcast_map(&a.shape, &shape).into_iter().zip(broadcast_map(&b.shape, &shape));
    let range = |(i, j): (u32, u32)| {
        let (x, y) = (a.ranges[i as usize], b.ranges[j as usize]);
        match op {
            Op::Add => sum(x, y),
            // A number times itself is no less than 0.
            Op::Mul if std::ptr::eq(a, b) => product(x, y).map(|range| Range { lo: range.lo.max(0), ..range }),
            Op::Mul => product(x, y),
            Op::Max => extreme(x, y, true),
            _ => extreme(x, y, false),
        }
    };
    let ranges = pairs.map(range).collect::<Option<_>>().ok_or_else(too_wide)?;
    Ok(Inferred { shape, ranges })
}

fn infer_matmul(x: &Node, w: &Node) -> Result<Inferred> {
    let (Some((&inner, leading)), [k, n]) = (x.shape.split_last(), w.shape.as_slice()) else {
        let what = format!("a matrix product of shapes {:?} and {:?}", x.shape, w.shape);
        return Err(Error::user(what, "the left operand needs an axis, and the right one exactly two"));
    };
    if inner != *k {
        let what = format!("the input's last axis has {inner} elements, and the kernel takes {k}");
        return Err(Error::user(what, "check the layer's input, or flatten or transpose it first"));
    }
    let shape: Vec<usize> = leading.iter().copied().chain([*n]).collect();
    // Windows of a convolution repeat the same ranges: each distinct row is computed once.
    let mut seen: HashMap<&[Range], Vec<Range>> = HashMap::new();
    let mut ranges = Vec::with_capacity(shape.iter().product());
    for row in 0..leading.iter().product() {
        let row = &x.ranges[row * inner..(row + 1) * inner];
        if !seen.contains_key(row) {
            let columns = (0..*n).map(|o| total((0..inner).map(|i| product(row[i], w.ranges[i * n + o]))));
            seen.insert(row, columns.collect::<Option<_>>().ok_or_else(too_wide)?);
        }
        ranges.extend_from_slice(&seen[row]);
    }
    Ok(Inferred { shape, ranges })
}

/// For each element of an axis' result, the elements it is taken over.
pub(super) fn reduced(shape: &[usize], axis: usize) -> (Vec<usize>, Vec<Vec<u32>>) {
    let (outer, inner) = (shape[..axis].iter().product::<usize>(), shape[axis + 1..].iter().product::<usize>());
    let length = shape[axis];
    let element = |o: usize, i: usize| (0..length).map(|a| ((o * length + a) * inner + i) as u32).collect();
    let elements = (0..outer).flat_map(|o| (0..inner).map(move |i| (o, i))).map(|(o, i)| element(o, i)).collect();
    (shape[..axis].iter().chain(&shape[axis + 1..]).copied().collect(), elements)
}

fn infer_reduce(kind: Reduction, axis: usize, x: &Node) -> Result<Inferred> {
    if axis >= x.shape.len() || x.shape[axis] == 0 {
        let what = format!("there is nothing to reduce along axis {axis} of shape {:?}", x.shape);
        return Err(Error::user(what, "axes count from 0, without the sample axis"));
    }
    let (shape, elements) = reduced(&x.shape, axis);
    let range = |group: &Vec<u32>| {
        let mut ranges = group.iter().map(|e| x.ranges[*e as usize]);
        if kind == Reduction::Sum {
            return total(ranges.map(Some));
        }
        let first = ranges.next()?;
        ranges.try_fold(first, |total, next| extreme(total, next, kind == Reduction::Max))
    };
    Ok(Inferred { shape, ranges: elements.iter().map(range).collect::<Option<_>>().ok_or_else(too_wide)? })
}

/// What a quantizer makes of a range; `None` for a float value, of which nothing is known.
pub(crate) fn quantized(q: &Quantization, x: Option<&Range>) -> Range {
    let full = q.format.range();
    let lowest = if q.overflow == Overflow::SatSym && full.lo < 0 { full.lo + 1 } else { full.lo };
    let limits = Range { lo: lowest, ..full };
    let Some(x) = x else { return if q.overflow == Overflow::SatSym { limits } else { full } };
    let inside = |range: &Range| lowest <= range.lo && range.hi <= full.hi;
    if x.exp >= q.format.lsb {
        return match x.at(q.format.lsb) {
            Some(fine) if inside(&fine) => *x,
            Some(fine) if q.overflow != Overflow::Wrap => clamped(&fine, &limits, q.overflow),
            None if q.overflow != Overflow::Wrap => limits,
            _ => full,
        };
    }
    let drop = x.exp.abs_diff(q.format.lsb);
    let round = |n: i128| q.rounding.apply(n, drop);
    let rounded = Range { lo: round(x.lo), hi: round(x.hi), exp: q.format.lsb };
    match q.overflow {
        _ if inside(&rounded) => rounded,
        Overflow::Wrap => full,
        Overflow::Sat | Overflow::SatZero | Overflow::SatSym => clamped(&rounded, &limits, q.overflow),
    }
}

fn clamped(x: &Range, limits: &Range, overflow: Overflow) -> Range {
    let (lo, hi) = (x.lo.clamp(limits.lo, limits.hi), x.hi.clamp(limits.lo, limits.hi));
    match overflow {
        Overflow::SatZero if x.hi < limits.lo || x.lo > limits.hi => Range { lo: 0, hi: 0, exp: x.exp },
        Overflow::SatZero => Range { lo: lo.min(0), hi: hi.max(0), exp: x.exp },
        _ => Range { lo, hi, exp: x.exp },
    }
}

/// The least range on one grid that holds some numbers.
pub(super) fn hull(values: impl Iterator<Item = Fixed> + Clone) -> Option<Range> {
    let exp = values.clone().filter(|v| !v.is_zero()).map(Fixed::exponent).min().unwrap_or(0);
    let mut codes = values.map(|v| v.at(exp));
    let first = codes.next()??;
    let (lo, hi) = codes.try_fold((first, first), |(lo, hi), code| Some((lo.min(code?), hi.max(code?))))?;
    Some(Range { lo, hi, exp })
}

/// The values a staircase takes over a range.
fn stair_range(stair: &Staircase, x: Option<&Range>) -> Option<Range> {
    let all = std::iter::once(stair.first).chain(stair.steps.iter().map(|(_, value)| *value));
    let Some(x) = x else { return hull(all) };
    let index = |value: Fixed| stair.steps.partition_point(|(threshold, _)| *threshold <= value);
    let (from, to) = (index(x.low()), index(x.high()));
    hull(all.skip(from).take(to + 1 - from))
}

fn table_range(lo: i128, exp: i32, values: &[Fixed], x: &Range) -> Result<Range> {
    let inside = |code: i128| usize::try_from(code.checked_sub(lo)?).ok().filter(|i| *i < values.len());
    let on_grid = if is_zero(x) { Some(Range { exp, ..*x }) } else { x.at(exp) };
    let bounds = on_grid.and_then(|x| Some((inside(x.lo)?, inside(x.hi)?)));
    let Some((from, to)) = bounds else {
        let what = format!("the input, {x}, does not stay within the table's {} entries from {lo}p{exp}", values.len());
        return Err(Error::user(what, "quantize the input to the table's format first"));
    };
    hull(values[from..=to].iter().copied()).ok_or_else(too_wide)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::{Format, Rounding};

    #[test]
    fn broadcasting_follows_numpy() {
        assert_eq!(broadcast(&[2, 3], &[3]), Some(vec![2, 3]));
        assert_eq!(broadcast(&[2, 1], &[1, 3]), Some(vec![2, 3]));
        assert_eq!(broadcast(&[2], &[3]), None);
        assert_eq!(broadcast_map(&[3], &[2, 3]), [0, 1, 2, 0, 1, 2]);
        assert_eq!(broadcast_map(&[2, 1], &[2, 3]), [0, 0, 0, 1, 1, 1]);
        assert_eq!(broadcast_map(&[], &[2]), [0, 0]);
    }

    #[test]
    fn ranges_of_quantizers_hold_every_result() {
        for rounding in Rounding::ALL {
            for overflow in Overflow::ALL {
                for (signed, width, lsb) in [(true, 3, 0), (false, 2, 1), (true, 1, -1), (true, 4, -3), (false, 0, 0)] {
                    let q = Quantization { format: Format { signed, width, lsb }, rounding, overflow };
                    for (lo, hi, exp) in [(-9, 12, -2), (-3, 2, 1), (1, 5, 0), (7, 40, -1), (-50, -20, -1)] {
                        let range = quantized(&q, Some(&Range::new(lo, hi, exp)));
                        for n in lo..=hi {
                            let value = q.apply(Fixed::new(n, exp)).expect("small");
                            assert!(range.contains(&Range::point(value)), "{q}: {n}p{exp} -> {value} not in {range}");
                        }
                    }
                }
            }
        }
    }
}
