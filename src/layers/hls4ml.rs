//! What hls4ml's fixed-point layers are made of: casts, tables, sums with a cast after each step.
//!
//! Formats have ap_fixed's meaning. Tables hold the values that hls4ml's C++ computes in float and double when a design
//! starts, brought to the table's format; `exp` and its kin are rounded once here, so an entry whose true value lies within
//! a float's last bit of a step of the format could differ from a particular C library's.

use crate::error::{Error, Result};
use crate::fixed::{Fixed, Format, Overflow, Quantization, Range, Rounding};
use crate::tensor::{Builder, Id, Reduction};

/// The most entries of a table.
const ENTRIES: i128 = 1 << 16;

/// A format of an attribute; the default where there is none.
pub fn format(text: Option<&str>, default: &str) -> Result<Quantization> {
    text.unwrap_or(default).parse()
}

/// A number that hls4ml's C++ assigns to a format.
pub fn assign(value: f64, to: &Quantization) -> Result<Fixed> {
    let limit = |sign: i128| match to.overflow {
        Overflow::Wrap | Overflow::SatZero => Fixed::ZERO,
        _ if sign > 0 => to.format.range().high(),
        Overflow::SatSym if to.format.signed => to.format.range().high().negate(),
        _ => to.format.range().low(),
    };
    match Fixed::from_f64(value) {
        Some(value) => {
            to.apply(value).ok_or_else(|| Error::user(format!("{value} does not fit {to}"), "use fewer bits"))
        }
        None if value.is_nan() => Ok(Fixed::ZERO),
        None => Ok(limit(if value > 0.0 { 1 } else { -1 })),
    }
}

/// A cast.
pub fn cast(g: &mut Builder, x: Id, to: &Quantization) -> Result<Id> {
    g.quantize(x, vec![*to])
}

/// The format that the values are in: the one given, to which they are cast, or the least that holds them all.
pub fn declared(g: &mut Builder, x: Id, text: Option<&str>) -> Result<(Id, Format)> {
    if let Some(text) = text {
        let to: Quantization = text.parse()?;
        return Ok((cast(g, x, &to)?, to.format));
    }
    let x = g.exact(x)?;
    let node = g.graph().node(x);
    let wide = || Error::user("its inputs have no common format", "give `input_format`");
    let zero = Range::point(Fixed::ZERO);
    let all = node.ranges.iter().try_fold(zero, |all, range| Range::union(all, *range)).ok_or_else(wide)?;
    Ok((x, Format::of(&all)))
}

/// How an index is found: `clamp(truncate(x * factor) + offset, 0, size - 1)`, truncated toward zero as C++ does.
pub struct Index {
    /// The factor, `table_size / 16` for example.
    pub factor: Fixed,
    /// The index of 0.
    pub offset: i128,
    /// Entries of the table.
    pub size: i128,
}

/// The values of a table at the index of x.
pub fn lookup(g: &mut Builder, x: Id, index: &Index, values: Vec<Fixed>) -> Result<Id> {
    let factor = g.constant(&[], vec![index.factor])?;
    let scaled = g.mul(x, factor)?;
    let int = Quantization {
        format: Format { signed: true, width: 32, lsb: 0 },
        rounding: Rounding::TrnZero,
        overflow: Overflow::Wrap,
    };
    let whole = cast(g, scaled, &int)?;
    let low = g.constant(&[], vec![Fixed::new(-index.offset, 0)])?;
    let high = g.constant(&[], vec![Fixed::new(index.size - 1 - index.offset, 0)])?;
    let inside = g.max(whole, low)?;
    let inside = g.min(inside, high)?;
    g.table(inside, -index.offset, 0, values)
}

/// A table by the top bits of a number in a format: `value(x)` for each `x` that those bits alone give.
pub fn by_top_bits(
    g: &mut Builder,
    x: Id,
    format: Format,
    size: u32,
    value: impl Fn(f32) -> Result<Fixed>,
) -> Result<Id> {
    let bits = size.trailing_zeros();
    if !size.is_power_of_two() || bits > format.width || i128::from(size) > ENTRIES {
        let what = format!("a table of {size} entries cannot be addressed by the top bits of {} bits", format.width);
        return Err(Error::user(what, "give a power of two, at most 2 to the number of the operand's bits"));
    }
    let lsb = format.lsb + (format.width - bits) as i32;
    let top = Format { width: bits, lsb, ..format };
    let index = cast(g, x, &Quantization::plain(top))?;
    let range = top.range();
    let values = (range.lo..=range.hi).map(|code| value(Fixed::new(code, lsb).to_f32())).collect::<Result<_>>()?;
    g.table(index, range.lo, lsb, values)
}

/// The order of a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// From the first to the last, beginning with a zero of the format.
    Sequential,
    /// hls4ml's tree: the first half is the greatest power of two below the whole.
    Tree,
}

/// The sum over the last axis, which stays with length 1, each partial sum cast to a format.
pub fn sum(g: &mut Builder, x: Id, to: &Quantization, order: Order) -> Result<Id> {
    let mut shape = g.shape(x).to_vec();
    let Some(count) = shape.pop().filter(|count| *count > 0) else {
        return Err(Error::user("there is nothing to sum", "give the layer an axis with elements"));
    };
    let rows: usize = shape.iter().product();
    shape.push(1);
    let whole = g.reduce(x, Reduction::Sum, shape.len() - 1)?;
    if never_casts(g, x, whole, count, to) {
        return g.reshape(whole, &shape);
    }
    let column = |g: &mut Builder, i: usize| {
        g.gather(&[x], &shape, (0..rows).map(|row| (0, (row * count + i) as u32)).collect())
    };
    let columns: Vec<Id> = (0..count).map(|i| column(g, i)).collect::<Result<_>>()?;
    match order {
        Order::Tree => tree(g, &columns, to),
        Order::Sequential => {
            let first = cast(g, columns[0], to)?;
            columns[1..].iter().try_fold(first, |total, next| {
                let total = g.add(total, *next)?;
                cast(g, total, to)
            })
        }
    }
}

/// Does every partial sum stay within the format, on its grid?
fn never_casts(g: &Builder, x: Id, whole: Id, count: usize, to: &Quantization) -> bool {
    let (x, whole, full) = (g.graph().node(x), g.graph().node(whole), to.format.range());
    let bound = |part: fn(&Range) -> i128, row: &[Range]| {
        row.iter().try_fold(Fixed::ZERO, |total, range| total.add(Fixed::new(part(range), range.exp)))
    };
    whole.ranges.iter().all(|range| range.exp >= to.format.lsb)
        && x.ranges.chunks(count).all(|row| {
            let (low, high) = (bound(|r| r.lo.min(0), row), bound(|r| r.hi.max(0), row));
            low.is_some_and(|low| full.low() <= low) && high.is_some_and(|high| high <= full.high())
        })
}

fn tree(g: &mut Builder, columns: &[Id], to: &Quantization) -> Result<Id> {
    match columns {
        [one] => Ok(*one),
        _ => {
            let left = 1 << (columns.len() - 1).ilog2();
            let (a, b) = (tree(g, &columns[..left], to)?, tree(g, &columns[left..], to)?);
            let total = g.add(a, b)?;
            cast(g, total, to)
        }
    }
}

/// A table of a function of `range * (i - size/2) / size * 2`, as hls4ml fills it in float arithmetic.
pub fn centred(size: u32, half_range: f64, function: impl Fn(f32) -> f64, to: &Quantization) -> Result<Vec<Fixed>> {
    let n = size as f32;
    let at = |i: u32| (2.0 * half_range * f64::from(i as f32 - (f64::from(n) / 2.0) as f32) / f64::from(n)) as f32;
    (0..size).map(|i| assign(function(at(i)), to)).collect()
}

/// `exp` of a float, as a float.
pub fn exp(x: f32) -> f32 {
    libm::exp(f64::from(x)) as f32
}
