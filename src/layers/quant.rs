//! `quant` and `trunc`: integer codes with any float32 scale, as in QONNX and Brevitas.
//!
//! `quant`: `q = clip(round(x / scale + zero_point), low, high)`, `y = (q - zero_point) * scale`. Tensors `scale` (positive) and
//! `zero_point` (default 0) broadcast to the input. Attributes `low` and `high` (integers), and `rounding`: `ROUND` (half to
//! even, the default), `CEIL`, `FLOOR`, `UP` (away from zero), `DOWN` or `ROUND_TO_ZERO`, `HALF_UP` (away from zero), `HALF_DOWN`,
//! or `SIGN` (1 for `x / scale + zero_point >= 0`, else -1). Division, sum and product are float32, in this order, as in QONNX'
//! executor; with scales that are powers of two and no zero point all of it is exact. A value that has these codes already
//! keeps them. An input port behind a `quant` carries the codes, and the host divides by the scale.
//!
//! `trunc`: `q = round_half_even(x / scale)`, `t = round(clip(q / 2^shift, low, high))`, `y = t * out_scale`, with the same roundings
//! (default `FLOOR`); without `low` and `high` nothing is clipped.
//!
//! Source: `int_quant` and `trunc_v1`, `trunc_v2` of qonnx 1.0.0.

use super::attributes::{attributes, floats, one, required, tensors};
use super::{Layer, Make};
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Format, Overflow, Quantization, Range, Rounding};
use crate::host::Host;
use crate::network::{self, Tensor};
use crate::quantizers::Steps;
use crate::registry::Entry;
use crate::tensor::{Builder, Float, Id, Staircase, broadcast, broadcast_map};
use serde::Deserialize;

/// Codes with a scale.
pub const LAYER: Entry<Make> =
    Entry { name: "quant", doc: "integers from `low` to `high`, with any float32 scale and zero point", make };
/// Low bits of codes dropped.
pub const TRUNC: Entry<Make> = Entry { name: "trunc", doc: "drops low bits of codes with a scale", make: make_trunc };

/// The most steps of a rounding that is no format's.
const MOST_STEPS: i64 = 1 << 16;
/// Bounds of codes.
const MOST: i64 = 1 << 48;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    low: i64,
    high: i64,
    #[serde(default)]
    rounding: Mode,
}

/// How numbers become integers.
#[derive(Deserialize, Clone, Copy, Debug, Default, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Mode {
    #[default]
    Round,
    Ceil,
    Floor,
    Up,
    #[serde(alias = "ROUND_TO_ZERO")]
    Down,
    HalfUp,
    HalfDown,
    Sign,
}

/// Codes from `low` to `high`.
#[derive(Clone, Copy)]
struct Codes {
    low: i64,
    high: i64,
    mode: Mode,
}

struct Quant {
    codes: Codes,
    scale: Tensor,
    zero: Option<Tensor>,
}

fn make(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    let Attributes { low, high, rounding } = attributes(layer)?;
    let mut found = tensors(layer, &["scale"], &["zero_point"])?.into_iter();
    let scale = required(found.next().flatten())?;
    let zero = found.next().flatten().filter(|zero| zero.data.iter().any(|value| *value != 0.0));
    if floats(&scale)?.iter().any(|scale| *scale <= 0.0) || scale.data.is_empty() {
        return Err(Error::user("a scale is not positive", "scales are positive; train the network again"));
    }
    if let Some(zero) = &zero {
        floats(zero)?;
    }
    Ok(Box::new(Quant { codes: Codes::new(low, high, rounding)?, scale, zero }))
}

impl Mode {
    /// The rounding of a format, where it is one.
    fn rounding(self) -> Option<Rounding> {
        match self {
            Mode::Round => Some(Rounding::RndConv),
            Mode::Floor => Some(Rounding::Trn),
            Mode::Down => Some(Rounding::TrnZero),
            _ => None,
        }
    }

    /// The framework's own float32 function.
    fn apply(self, x: f32) -> f32 {
        let sign = if x == 0.0 { 0.0 } else { x.signum() };
        match self {
            Mode::Round => x.round_ties_even(),
            Mode::Ceil => x.ceil(),
            Mode::Floor => x.floor(),
            Mode::Up => sign * x.abs().ceil(),
            Mode::Down => x.trunc(),
            Mode::HalfUp => sign * (x.abs() + 0.5).floor(),
            Mode::HalfDown => sign * (x.abs() - 0.5).ceil(),
            Mode::Sign if x >= 0.0 => 1.0,
            Mode::Sign => -1.0,
        }
    }
}

impl Codes {
    fn new(low: i64, high: i64, mode: Mode) -> Result<Codes> {
        match low <= high && low >= -MOST && high <= MOST {
            true => Ok(Codes { low, high, mode }),
            false => Err(Error::user(
                format!("`low` is {low}, and `high` {high}"),
                format!("give integers between {} and {MOST}, the lower one first", -MOST),
            )),
        }
    }

    /// The format that holds the codes in units of `2^lsb`; it clips to them, or to a few more.
    fn quantization(&self, rounding: Rounding, lsb: i32) -> Quantization {
        let range = Range::new(i128::from(self.low), i128::from(self.high), lsb);
        let format = Format { width: range.width().max(1), ..Format::of(&range) };
        let symmetric = format.signed && i128::from(self.low) == format.range().lo + 1;
        Quantization { format, rounding, overflow: if symmetric { Overflow::SatSym } else { Overflow::Sat } }
    }

    /// Brings codes in units of `2^lsb` that a format holds between the bounds.
    fn clipped(&self, g: &mut Builder, x: Id, lsb: &[i32]) -> Result<Id> {
        let shape: Vec<usize> = if lsb.len() == 1 { Vec::new() } else { g.shape(x).to_vec() };
        let bound = |code: i64| lsb.iter().map(|lsb| Fixed::new(i128::from(code), *lsb)).collect::<Vec<_>>();
        let outside = |side: fn(&Range, Fixed) -> bool, code: i64| {
            let ranges = &g.graph().node(x).ranges;
            let own = |e: usize| Fixed::new(i128::from(code), lsb[e % lsb.len()]);
            ranges.iter().enumerate().any(|(e, range)| side(range, own(e)))
        };
        let (below, above) =
            (outside(|range, low| range.low() < low, self.low), outside(|range, high| range.high() > high, self.high));
        let mut y = x;
        if below {
            let low = g.constant(&shape, bound(self.low))?;
            y = g.max(y, low)?;
        }
        if above {
            let high = g.constant(&shape, bound(self.high))?;
            y = g.min(y, high)?;
        }
        Ok(y)
    }

    /// The integers of a number in units of 1.
    fn of(&self, g: &mut Builder, x: Id) -> Result<Id> {
        if let Some(rounding) = self.mode.rounding() {
            let y = g.quantize(x, vec![self.quantization(rounding, 0)])?;
            return self.clipped(g, y, &[0]);
        }
        if self.high - self.low > MOST_STEPS {
            let what = format!("{} integers, rounded as no fixed-point format rounds", self.high - self.low + 1);
            return Err(Error::user(what, "use at most 16 bits, or the rounding ROUND, FLOOR or DOWN"));
        }
        let steps = Steps::of(|x| self.mode.apply(x.clamp(self.low as f32, self.high as f32)));
        g.steps(x, vec![Staircase { first: steps.first, steps: steps.steps }])
    }

    /// Are these numbers integers between bounds?
    fn hold(&self, ranges: &[Range], zero: i128) -> bool {
        let fits = |range: &Range| {
            let whole = range.at(0);
            whole.is_some_and(|r| i128::from(self.low) - zero <= r.lo && r.hi <= i128::from(self.high) - zero)
        };
        self.mode != Mode::Sign && ranges.iter().all(fits)
    }
}

/// `(codes - zero) * scale`, exact where the scale is a power of two.
///
/// # Errors
/// The number of scales does not fit the shape.
pub fn dequantized(g: &mut Builder, codes: Id, zero: f32, scale: Vec<f32>) -> Result<Id> {
    let zeros = if zero == 0.0 { Vec::new() } else { vec![zero] };
    scaled(g, codes, &zeros, scale)
}

fn scaled(g: &mut Builder, codes: Id, zero: &[f32], scale: Vec<f32>) -> Result<Id> {
    let mut y = codes;
    let shape = |g: &Builder, count: usize| match count {
        1 => Vec::new(),
        count if Some(&count) == g.shape(codes).last() => vec![count],
        _ => g.shape(codes).to_vec(),
    };
    if !zero.is_empty() {
        let minus: Vec<f64> = zero.iter().map(|zero| -f64::from(*zero)).collect();
        let minus = g.floats(&shape(g, zero.len()), &minus)?;
        y = g.add(y, minus)?;
    }
    if scale.iter().all(|scale| power(*scale).is_some()) {
        if scale.iter().all(|scale| *scale == 1.0) {
            return Ok(y);
        }
        let exact: Vec<f64> = scale.iter().map(|scale| f64::from(*scale)).collect();
        let exact = g.floats(&shape(g, scale.len()), &exact)?;
        return g.mul(y, exact);
    }
    g.float(y, Float::Mul(scale))
}

/// The exponent of a power of two.
fn power(scale: f32) -> Option<i32> {
    Fixed::from_f64(f64::from(scale)).filter(|scale| scale.mantissa() == 1).map(Fixed::exponent)
}

/// One number where all are equal, one per element of the last axis where they repeat, else one each.
fn list(tensor: &Tensor, shape: &[usize]) -> Result<Vec<f32>> {
    let all = floats(tensor)?;
    if all.iter().all(|value| *value == all[0]) {
        return Ok(all.into_iter().take(1).collect());
    }
    if broadcast(&tensor.shape, shape).as_deref() != Some(shape) {
        let what = format!("a scale or zero point of shape {:?} for an input of shape {shape:?}", tensor.shape);
        return Err(Error::user(what, "axes must be equal, or 1 where one value serves the whole axis"));
    }
    if tensor.shape.len() == 1 {
        return Ok(all);
    }
    Ok(broadcast_map(&tensor.shape, shape).into_iter().map(|e| all[e as usize]).collect())
}

impl Quant {
    /// The exponents of the scales, if all are powers of two and nothing is added.
    fn powers(&self, scale: &[f32]) -> Option<Vec<i32>> {
        if self.zero.is_some() || self.codes.mode == Mode::Sign {
            return None;
        }
        scale.iter().map(|scale| power(*scale)).collect()
    }
}

impl Layer for Quant {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        let shape = g.shape(x).to_vec();
        let scale = list(&self.scale, &shape)?;
        let zero = self.zero.as_ref().map(|zero| list(zero, &shape)).transpose()?.unwrap_or_default();
        if let (Some(powers), Some(rounding)) = (self.powers(&scale), self.codes.mode.rounding()) {
            let count = if powers.len() == 1 { 1 } else { shape.iter().product() };
            let all: Vec<i32> = (0..count).map(|e| powers[e % powers.len()]).collect();
            let y = g.quantize(x, all.iter().map(|lsb| self.codes.quantization(rounding, *lsb)).collect())?;
            return self.codes.clipped(g, y, &all);
        }
        // The same codes again: dividing by the scale and rounding gives them back.
        if let (Some((base, own)), [scale], [] | [_]) = (g.codes(x), scale.as_slice(), zero.as_slice()) {
            let offset = zero.first().copied().unwrap_or(0.0);
            let small = self.codes.low.abs().max(self.codes.high.abs()) < 1 << 20;
            if own == *scale
                && offset.fract() == 0.0
                && small
                && self.codes.hold(&g.graph().node(base).ranges, offset as i128)
            {
                return Ok(x);
            }
        }
        let mut t = x;
        if self.codes.mode != Mode::Sign || !zero.is_empty() {
            t = g.float(t, Float::Div(scale.clone()))?;
        }
        if !zero.is_empty() {
            t = g.float(t, Float::Add(zero.clone()))?;
        }
        let codes = self.codes.of(g, t)?;
        scaled(g, codes, &zero, scale)
    }

    fn port(&self, shape: &[usize]) -> Result<Option<Vec<Quantization>>> {
        let scale = list(&self.scale, shape)?;
        let Some(rounding) = self.codes.mode.rounding() else { return Ok(None) };
        if let Some(powers) = self.powers(&scale) {
            let count = if powers.len() == 1 { 1 } else { shape.iter().product() };
            return Ok(Some((0..count).map(|e| self.codes.quantization(rounding, powers[e % powers.len()])).collect()));
        }
        let simple = self.host() != Host::Nothing;
        Ok(simple.then(|| vec![self.codes.quantization(rounding, 0)]))
    }

    fn host(&self) -> Host {
        let same =
            |tensor: &Tensor| tensor.data.first().filter(|first| tensor.data.iter().all(|x| x == *first)).copied();
        let zero = self.zero.as_ref().map_or(Some(0.0), same).filter(|zero| zero.fract() == 0.0);
        match (same(&self.scale), zero) {
            (Some(scale), Some(zero)) if zero != 0.0 || power(scale as f32).is_none() => {
                Host::Scale { scale: scale as f32, zero: zero as f32 }
            }
            _ => Host::Nothing,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Trunc {
    scale: f32,
    out_scale: f32,
    shift: u32,
    #[serde(default = "floor")]
    rounding: Mode,
    low: Option<i64>,
    high: Option<i64>,
}

fn floor() -> Mode {
    Mode::Floor
}

fn make_trunc(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    tensors(layer, &[], &[])?;
    let trunc: Trunc = attributes(layer)?;
    let finite = [trunc.scale, trunc.out_scale].iter().all(|scale| scale.is_finite() && *scale > 0.0);
    if !finite || trunc.shift > 48 || trunc.rounding == Mode::Sign {
        return Err(Error::user(
            "`scale`, `shift` or `rounding` is out of range",
            "give positive scales, and a shift up to 48",
        ));
    }
    Codes::new(trunc.low.unwrap_or(-MOST), trunc.high.unwrap_or(MOST), trunc.rounding)?;
    Ok(Box::new(trunc))
}

impl Layer for Trunc {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        let whole = Codes { low: -MOST, high: MOST, mode: Mode::Round };
        let codes = match g.codes(x) {
            Some((base, own)) if own == self.scale && whole.hold(&g.graph().node(base).ranges, 0) => base,
            _ if power(self.scale).is_some() => {
                let inverse = g.floats(&[], &[1.0 / f64::from(self.scale)])?;
                let x = g.exact(x)?;
                let codes = g.mul(x, inverse)?;
                whole.of(g, codes)?
            }
            _ => {
                let t = g.float(x, Float::Div(vec![self.scale]))?;
                whole.of(g, t)?
            }
        };
        let down = g.constant(&[], vec![Fixed::power_of_two(-(self.shift as i32))])?;
        let small = g.mul(codes, down)?;
        let ranges = &g.graph().node(small).ranges;
        let ends = |pick: fn(&Range) -> Fixed| ranges.iter().filter_map(move |range| pick(range).to_f64());
        let least = ends(Range::low).fold(0.0, f64::min).floor() as i64;
        let most = ends(Range::high).fold(0.0, f64::max).ceil() as i64;
        let (low, high) = (self.low.unwrap_or(least), self.high.unwrap_or(most));
        let t = Codes::new(low, high, self.rounding)?.of(g, small)?;
        scaled(g, t, &[], vec![self.out_scale])
    }
}
