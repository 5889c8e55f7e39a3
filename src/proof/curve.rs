//! Curves: functions on an interval of integers, piece by piece linear.
//!
//! A piece begins at its start and ends before the next one's. In canonical form each piece is as long as it can be, from
//! the left, so that equal functions are equal structures. `None` means beyond 127 bits, or more than [`MOST`] pieces.

use super::form::gcd;
use crate::fixed::{Fixed, shift_left};
use std::borrow::Cow;
use std::hash::{Hash, Hasher};

/// Most pieces of a curve.
pub const MOST: usize = 1 << 16;

/// `value + slope * (t - start)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Piece {
    /// The first integer.
    pub start: i128,
    /// The value there.
    pub value: i128,
    /// The difference from one integer to the next.
    pub slope: i128,
}

/// A function on `pieces[0].start ..= last`, in units of `2^exp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Curve {
    /// The pieces, ascending.
    pub pieces: Vec<Piece>,
    /// The greatest argument.
    pub last: i128,
    /// The exponent of the values' unit.
    pub exp: i32,
}

impl Hash for Curve {
    /// A few pieces tell most curves apart.
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.pieces.len(), self.last, self.exp).hash(state);
        self.pieces.iter().step_by(self.pieces.len() / 16 + 1).for_each(|piece| piece.hash(state));
    }
}

/// Joins runs of points into canonical pieces.
#[derive(Default)]
struct Joiner {
    pieces: Vec<Piece>,
    /// Points of the last piece.
    points: i128,
}

impl Joiner {
    /// Appends `count` points from `run.start` on.
    fn push(&mut self, mut run: Piece, mut count: i128) -> Option<()> {
        while count > 0 {
            let Some(last) = self.pieces.last_mut() else {
                return self.begin(run, count);
            };
            if self.points == 1 {
                last.slope = run.value.checked_sub(last.value)?;
            }
            let next = last.value.checked_add(last.slope.checked_mul(self.points)?)?;
            if next != run.value {
                return self.begin(run, count);
            }
            let all = count == 1 || run.slope == last.slope;
            let taken = if all { count } else { 1 };
            self.points += taken;
            count -= taken;
            run =
                Piece { start: run.start + taken, value: run.value.checked_add(run.slope.checked_mul(taken)?)?, ..run };
        }
        Some(())
    }

    fn begin(&mut self, run: Piece, count: i128) -> Option<()> {
        // A lone point has no slope yet.
        self.pieces.push(Piece { slope: if count == 1 { 0 } else { run.slope }, ..run });
        self.points = count;
        (self.pieces.len() <= MOST).then_some(())
    }
}

impl Curve {
    /// `constant + factor * t` on `lo ..= hi`.
    pub fn line(lo: i128, hi: i128, factor: Fixed, constant: Fixed) -> Option<Curve> {
        let exp = match (factor.is_zero(), constant.is_zero()) {
            (true, _) => constant.exponent(),
            (_, true) => factor.exponent(),
            _ => factor.exponent().min(constant.exponent()),
        };
        let slope = factor.at(exp)?;
        let value = constant.at(exp)?.checked_add(slope.checked_mul(lo)?)?;
        let slope = if lo == hi { 0 } else { slope };
        Some(Curve { pieces: vec![Piece { start: lo, value, slope }], last: hi, exp })
    }

    /// The pieces with the last argument of each.
    pub fn runs(&self) -> impl Iterator<Item = (Piece, i128)> + '_ {
        let ends = self.pieces.iter().skip(1).map(|piece| piece.start - 1).chain([self.last]);
        self.pieces.iter().copied().zip(ends)
    }

    fn joined(&self, exp: i32, runs: impl Iterator<Item = Option<(Piece, i128)>>) -> Option<Curve> {
        let mut joiner = Joiner { pieces: Vec::with_capacity(self.pieces.len()), points: 0 };
        for run in runs {
            let (piece, end) = run?;
            joiner.push(piece, end - piece.start + 1)?;
        }
        Some(Curve { pieces: joiner.pieces, last: self.last, exp })
    }

    /// The same function in pieces as long as they can be.
    pub fn canonical(&self) -> Option<Curve> {
        self.joined(self.exp, self.runs().map(Some))
    }

    /// The value at an argument.
    pub fn at(&self, t: i128) -> Option<Fixed> {
        let index = self.pieces.partition_point(|piece| piece.start <= t).checked_sub(1)?;
        let piece = self.pieces[index];
        let value = piece.value.checked_add(piece.slope.checked_mul(t - piece.start)?)?;
        Some(Fixed::new(value, self.exp))
    }

    /// The same function in a finer unit.
    fn on(&self, exp: i32) -> Option<Cow<'_, Curve>> {
        if exp == self.exp {
            return Some(Cow::Borrowed(self));
        }
        let shift = u32::try_from(self.exp.checked_sub(exp)?).ok()?;
        let fine = |piece: &Piece| {
            Some(Piece {
                start: piece.start,
                value: shift_left(piece.value, shift)?,
                slope: shift_left(piece.slope, shift)?,
            })
        };
        let pieces = self.pieces.iter().map(fine).collect::<Option<_>>()?;
        Some(Cow::Owned(Curve { pieces, last: self.last, exp }))
    }

    /// `factor * f + constant`.
    pub fn affine(&self, factor: Fixed, constant: Fixed) -> Option<Curve> {
        let scaled = |piece: &Piece| {
            let m = factor.mantissa();
            Some(Piece { start: piece.start, value: piece.value.checked_mul(m)?, slope: piece.slope.checked_mul(m)? })
        };
        if factor.is_zero() {
            return Curve::line(self.pieces[0].start, self.last, Fixed::ZERO, constant);
        }
        let exp = self.exp + factor.exponent();
        let scaled = Curve { pieces: self.pieces.iter().map(scaled).collect::<Option<_>>()?, last: self.last, exp };
        if constant.is_zero() {
            return Some(scaled);
        }
        let mut fine = scaled.on(exp.min(constant.exponent()))?.into_owned();
        let constant = constant.at(fine.exp)?;
        for piece in &mut fine.pieces {
            piece.value = piece.value.checked_add(constant)?;
        }
        Some(fine)
    }

    /// Both functions cut at the same places: runs of `(start, end, f's piece, g's piece)`.
    fn together<'c>(&'c self, other: &'c Curve) -> impl Iterator<Item = (i128, i128, Piece, Piece)> + 'c {
        let (mut i, mut j) = (0, 0);
        let mut start = self.pieces[0].start;
        let end = |curve: &Curve, at: usize| curve.pieces.get(at + 1).map_or(curve.last, |piece| piece.start - 1);
        std::iter::from_fn(move || {
            if start > self.last || start > other.last {
                return None;
            }
            let (f, g) = (end(self, i), end(other, j));
            let stop = f.min(g);
            let run = (start, stop, moved(self.pieces[i], start), moved(other.pieces[j], start));
            i += (f == stop) as usize;
            j += (g == stop) as usize;
            start = stop + 1;
            Some(run)
        })
    }

    /// The sum of two functions.
    pub fn add(&self, other: &Curve) -> Option<Curve> {
        let exp = self.exp.min(other.exp);
        let (f, g) = (self.on(exp)?, other.on(exp)?);
        let runs = f.together(&g).map(|(start, end, f, g)| {
            let (value, slope) = (f.value.checked_add(g.value)?, f.slope.checked_add(g.slope)?);
            Some((Piece { start, value, slope }, end))
        });
        self.joined(exp, runs)
    }

    /// The greatest multiple of `2^p` not above the function.
    pub fn floor(&self, p: i32) -> Option<Curve> {
        if self.exp >= p {
            return Some(self.clone());
        }
        let unit = 1i128.checked_shl((p - self.exp) as u32).filter(|unit| *unit > 0)?;
        let mut joiner = Joiner::default();
        for (piece, end) in self.runs() {
            // floor(v + s k) == (s - r) k + floor(v + r k), for s - r a multiple of the unit
            let half = unit / 2;
            let rest = (piece.slope + half).rem_euclid(unit) - half;
            let whole = (piece.slope - rest) / unit;
            let mut k = 0;
            let count = end - piece.start + 1;
            while k < count {
                let now = piece.value.checked_add(rest.checked_mul(k)?)?;
                let level = now.div_euclid(unit);
                // how many further points stay on this level
                let run = match rest {
                    0 => count - k,
                    1.. => ((level + 1).checked_mul(unit)?.checked_sub(now)? + rest - 1) / rest,
                    _ => now.checked_sub(level.checked_mul(unit)?)? / -rest + 1,
                };
                let run = run.min(count - k);
                let value = level.checked_add(whole.checked_mul(k)?)?;
                joiner.push(Piece { start: piece.start + k, value, slope: whole }, run)?;
                k += run;
            }
        }
        Some(Curve { pieces: joiner.pieces, last: self.last, exp: p })
    }

    /// `below` where `self < 0`, else `other`: a function of where it is.
    pub fn select(&self, below: &Curve, above: &Curve) -> Option<Curve> {
        let exp = below.exp.min(above.exp);
        let (below, above) = (below.on(exp)?, above.on(exp)?);
        let mut runs = Vec::new();
        for (piece, end) in self.runs() {
            let mut start = piece.start;
            while start <= end {
                let here = moved(piece, start);
                let negative = here.value < 0;
                // the last argument of this sign
                let stop = match (negative, here.slope) {
                    (true, 1..) => start + (-here.value - 1) / here.slope,
                    (false, ..0) => start + here.value / -here.slope,
                    _ => end,
                };
                let stop = stop.min(end);
                (if negative { &below } else { &above }).cut(start, stop, &mut runs);
                start = stop + 1;
            }
        }
        self.joined(exp, runs.into_iter().map(Some))
    }

    /// The pieces between two arguments.
    fn cut(&self, start: i128, end: i128, runs: &mut Vec<(Piece, i128)>) {
        let mut index = self.pieces.partition_point(|piece| piece.start <= start).saturating_sub(1);
        let mut from = start;
        while from <= end && index < self.pieces.len() {
            let stop = self.pieces.get(index + 1).map_or(self.last, |piece| piece.start - 1).min(end);
            runs.push((moved(self.pieces[index], from), stop));
            from = stop + 1;
            index += 1;
        }
    }

    /// The product, where at each place one of the two is constant.
    pub fn mul(&self, other: &Curve) -> Option<Curve> {
        let mut joiner = Joiner::default();
        for (start, end, f, g) in self.together(other) {
            if f.slope == 0 || g.slope == 0 || start == end {
                let slope = f.value.checked_mul(g.slope)?.checked_add(f.slope.checked_mul(g.value)?)?;
                joiner.push(Piece { start, value: f.value.checked_mul(g.value)?, slope }, end - start + 1)?;
                continue;
            }
            if end - start > MOST as i128 {
                return None;
            }
            for t in start..=end {
                let (f, g) = (moved(f, t), moved(g, t));
                joiner.push(Piece { start: t, value: f.value.checked_mul(g.value)?, slope: 0 }, 1)?;
            }
        }
        Some(Curve { pieces: joiner.pieces, last: self.last, exp: self.exp + other.exp })
    }

    /// A function of several functions' values, point by point where they change.
    pub fn map(curves: &[Curve], exp: i32, mut f: impl FnMut(&[Fixed]) -> Option<i128>) -> Option<Curve> {
        let first = curves.first()?;
        let mut joiner = Joiner::default();
        let mut at = vec![0; curves.len()];
        let mut start = first.pieces[0].start;
        let mut point = vec![Fixed::ZERO; curves.len()];
        while start <= first.last {
            let mut stop = first.last;
            let mut flat = true;
            for ((curve, at), point) in curves.iter().zip(&mut at).zip(&mut point) {
                while curve.pieces.get(*at + 1).is_some_and(|piece| piece.start <= start) {
                    *at += 1;
                }
                stop = stop.min(curve.pieces.get(*at + 1).map_or(curve.last, |piece| piece.start - 1));
                flat &= curve.pieces[*at].slope == 0;
                *point = Fixed::new(moved(curve.pieces[*at], start).value, curve.exp);
            }
            let stop = if flat { stop } else { start };
            joiner.push(Piece { start, value: f(&point)?, slope: 0 }, stop - start + 1)?;
            start = stop + 1;
        }
        Some(Curve { pieces: joiner.pieces, last: first.last, exp })
    }

    /// The least and the greatest value.
    pub fn extremes(&self) -> Option<(i128, i128)> {
        let mut extremes: Option<(i128, i128)> = None;
        for (piece, end) in self.runs() {
            for value in [piece.value, moved(piece, end).value] {
                let (lo, hi) = extremes.unwrap_or((value, value));
                extremes = Some((lo.min(value), hi.max(value)));
            }
        }
        extremes
    }

    /// The value from one argument to another, where it is the same.
    pub fn level(&self, lo: i128, hi: i128) -> Option<Fixed> {
        let flat = |(piece, end): (Piece, i128)| piece.start <= lo && hi <= end && (piece.slope == 0 || lo == hi);
        (lo <= hi && self.runs().any(flat)).then(|| self.at(lo)).flatten()
    }

    /// The curve as `constant + factor * f` with `f` 0 at its first argument, without a common factor, and first rising.
    pub fn normal(mut self) -> Option<(Curve, Fixed, Fixed)> {
        let constant = Fixed::new(self.pieces[0].value, self.exp);
        let first = self.pieces[0].value;
        let mut content = 0;
        for piece in &mut self.pieces {
            piece.value = piece.value.checked_sub(first)?;
            if content != 1 {
                content = gcd(gcd(content, piece.value), piece.slope);
            }
        }
        let rising = self.pieces.iter().flat_map(|piece| [piece.value, piece.slope]).find(|value| *value != 0)?;
        let content = if rising < 0 { -content } else { content };
        if content != 1 {
            for piece in &mut self.pieces {
                piece.value /= content;
                piece.slope /= content;
            }
        }
        let factor = Fixed::new(content, self.exp);
        Some((Curve { exp: 0, ..self }, factor, constant))
    }
}

/// A piece seen from a later argument.
pub fn moved(piece: Piece, to: i128) -> Piece {
    Piece { start: to, value: piece.value + piece.slope * (to - piece.start), slope: piece.slope }
}
