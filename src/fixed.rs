//! Exact numbers: every integer computation of the project stands on this file.
//!
//! A [`Fixed`] is `mantissa * 2^exponent`, a [`Range`] is an interval of such numbers on one grid, a [`Format`] is a
//! range that fills a bit-vector. All arithmetic is `i128` and checked: `None` means beyond 127 bits.

mod quantize;

pub use quantize::{Overflow, Quantization, Rounding, wrap};

use std::cmp::Ordering;
use std::fmt;

/// The exact number `mantissa * 2^exponent`, kept odd or zero, so that equal numbers are equal structures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fixed {
    mantissa: i128,
    exponent: i32,
}

impl Fixed {
    /// The number 0.
    pub const ZERO: Fixed = Fixed { mantissa: 0, exponent: 0 };
    /// The number 1.
    pub const ONE: Fixed = Fixed { mantissa: 1, exponent: 0 };

    /// `mantissa * 2^exponent`.
    #[inline]
    pub fn new(mantissa: i128, exponent: i32) -> Fixed {
        if mantissa == 0 {
            return Fixed::ZERO;
        }
        let zeros = mantissa.trailing_zeros();
        Fixed { mantissa: mantissa >> zeros, exponent: exponent + zeros as i32 }
    }

    /// `2^exponent`.
    pub fn power_of_two(exponent: i32) -> Fixed {
        Fixed { mantissa: 1, exponent }
    }

    /// The value of a finite float, exactly; `None` for NaN and infinities.
    pub fn from_f64(value: f64) -> Option<Fixed> {
        if !value.is_finite() {
            return None;
        }
        let bits = value.to_bits();
        let biased = ((bits >> 52) & 0x7ff) as i32;
        let fraction = (bits & ((1 << 52) - 1)) as i128;
        let magnitude = if biased == 0 { fraction } else { fraction | 1 << 52 };
        let mantissa = if value < 0.0 { -magnitude } else { magnitude };
        Some(Fixed::new(mantissa, biased.max(1) - 1075))
    }

    /// The float equal to this number; `None` if it has more than 53 significant bits.
    pub fn to_f64(self) -> Option<f64> {
        let exact = self.mantissa.unsigned_abs() < 1 << 53 && (-1000..900).contains(&self.exponent);
        exact.then(|| self.mantissa as f64 * 2f64.powi(self.exponent))
    }

    /// The nearest `f32` (ties to even), as a float computation that starts from this exact number sees it.
    pub fn to_f32(self) -> f32 {
        // i128 -> f32 rounds once, to nearest even; a power of two then scales exactly (bar under- and overflow).
        self.mantissa as f32
            * 2f32.powi(self.exponent.clamp(-126, 126))
            * 2f32.powi(self.exponent - self.exponent.clamp(-126, 126))
    }

    /// The odd mantissa, or 0.
    pub fn mantissa(self) -> i128 {
        self.mantissa
    }

    /// The exponent of the lowest set bit; 0 for the number 0.
    pub fn exponent(self) -> i32 {
        self.exponent
    }

    /// Is this the number 0?
    pub fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// The integer `n` with `n * 2^exponent == self`; `None` if there is none within 127 bits.
    pub fn at(self, exponent: i32) -> Option<i128> {
        if self.mantissa == 0 {
            return Some(0);
        }
        let shift = self.exponent.checked_sub(exponent)?;
        if shift < 0 { None } else { shift_left(self.mantissa, shift as u32) }
    }

    /// The sum.
    pub fn add(self, other: Fixed) -> Option<Fixed> {
        let exponent = match (self.is_zero(), other.is_zero()) {
            (true, _) => return Some(other),
            (_, true) => return Some(self),
            _ => self.exponent.min(other.exponent),
        };
        Some(Fixed::new(self.at(exponent)?.checked_add(other.at(exponent)?)?, exponent))
    }

    /// The product.
    pub fn mul(self, other: Fixed) -> Option<Fixed> {
        Some(Fixed::new(self.mantissa.checked_mul(other.mantissa)?, self.exponent + other.exponent))
    }

    /// The number times `2^shift`.
    pub fn scale(self, shift: i32) -> Fixed {
        Fixed::new(self.mantissa, self.exponent + shift)
    }

    /// The negated number.
    pub fn negate(self) -> Fixed {
        Fixed { mantissa: -self.mantissa, exponent: self.exponent }
    }
}

impl PartialOrd for Fixed {
    fn partial_cmp(&self, other: &Fixed) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Fixed {
    fn cmp(&self, other: &Fixed) -> Ordering {
        let signs = self.mantissa.signum().cmp(&other.mantissa.signum());
        if signs != Ordering::Equal || self.mantissa == 0 {
            return signs;
        }
        let top = |x: &Fixed| 128 - x.mantissa.unsigned_abs().leading_zeros() as i32 + x.exponent;
        let magnitude = top(self).cmp(&top(other)).then_with(|| {
            // Equal top bits: aligning the mantissas at the top cannot overflow.
            let align = |x: &Fixed| x.mantissa.unsigned_abs() << x.mantissa.unsigned_abs().leading_zeros();
            align(self).cmp(&align(other))
        });
        if self.mantissa > 0 { magnitude } else { magnitude.reverse() }
    }
}

/// Prints `5p-3` for 5 * 2^-3 (C's binary exponent).
impl fmt::Display for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}p{}", self.mantissa, self.exponent)
    }
}

/// `value << shift`, checked.
#[inline]
pub fn shift_left(value: i128, shift: u32) -> Option<i128> {
    // Most values are narrow, and so is what becomes of them.
    if shift < 64 && value as i64 as i128 == value {
        return Some(value << shift);
    }
    if value == 0 {
        return Some(0);
    }
    let shifted = value.checked_shl(shift)?;
    (shift < 127 && shifted >> shift == value).then_some(shifted)
}

/// All numbers `n * 2^exp` with `lo <= n <= hi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Range {
    /// The least integer.
    pub lo: i128,
    /// The greatest integer.
    pub hi: i128,
    /// The exponent of the grid's step.
    pub exp: i32,
}

impl Range {
    /// The interval `[lo, hi] * 2^exp`.
    pub fn new(lo: i128, hi: i128, exp: i32) -> Range {
        debug_assert!(lo <= hi, "empty range [{lo}, {hi}]");
        Range { lo, hi, exp }
    }

    /// The one number `value`, on its own grid.
    pub fn point(value: Fixed) -> Range {
        Range { lo: value.mantissa, hi: value.mantissa, exp: value.exponent }
    }

    /// The value, if there is just one.
    pub fn constant(&self) -> Option<Fixed> {
        (self.lo == self.hi).then(|| Fixed::new(self.lo, self.exp))
    }

    /// Whether a bit-vector for it needs a sign bit.
    pub fn signed(&self) -> bool {
        self.lo < 0
    }

    /// Bits of the narrowest bit-vector that holds it: two's complement if signed, else plain binary; 0 for {0}.
    #[inline]
    pub fn width(&self) -> u32 {
        let bits = |n: i128| 128 - if n < 0 { (!n).leading_zeros() } else { n.leading_zeros() };
        bits(self.lo).max(bits(self.hi)) + self.signed() as u32
    }

    /// The same numbers on a finer (or equal) grid.
    #[inline]
    pub fn at(&self, exp: i32) -> Option<Range> {
        if self.exp == exp {
            return Some(*self);
        }
        let shift = u32::try_from(self.exp.checked_sub(exp)?).ok()?;
        Some(Range { lo: shift_left(self.lo, shift)?, hi: shift_left(self.hi, shift)?, exp })
    }

    /// Both ranges on the finer of the two grids; {0} is on every grid.
    #[inline]
    pub fn aligned(a: Range, b: Range) -> Option<(Range, Range)> {
        let zero = |r: &Range| r.lo == 0 && r.hi == 0;
        let exp = match (zero(&a), zero(&b)) {
            (true, false) => return Some((Range { exp: b.exp, ..a }, b)),
            (false, true) => return Some((a, Range { exp: a.exp, ..b })),
            _ => a.exp.min(b.exp),
        };
        Some((a.at(exp)?, b.at(exp)?))
    }

    /// The sums of the two ranges' numbers.
    #[inline]
    pub fn add(a: Range, b: Range) -> Option<Range> {
        let (a, b) = Range::aligned(a, b)?;
        Some(Range { lo: a.lo.checked_add(b.lo)?, hi: a.hi.checked_add(b.hi)?, exp: a.exp })
    }

    /// The products of the two ranges' numbers.
    pub fn mul(a: Range, b: Range) -> Option<Range> {
        let (p, q) = (a.lo.checked_mul(b.lo)?, a.lo.checked_mul(b.hi)?);
        let (r, s) = (a.hi.checked_mul(b.lo)?, a.hi.checked_mul(b.hi)?);
        Some(Range { lo: p.min(q).min(r).min(s), hi: p.max(q).max(r).max(s), exp: a.exp + b.exp })
    }

    /// The range times a constant.
    pub fn times(&self, factor: Fixed) -> Option<Range> {
        // Most factors are powers of two.
        let product = |code: i128| match factor.mantissa {
            1 => Some(code),
            mantissa => code.checked_mul(mantissa),
        };
        let (a, b) = (product(self.lo)?, product(self.hi)?);
        Some(Range { lo: a.min(b), hi: a.max(b), exp: self.exp + factor.exponent })
    }

    /// The negated numbers.
    pub fn negate(&self) -> Range {
        Range { lo: -self.hi, hi: -self.lo, exp: self.exp }
    }

    /// The least range that holds both, on the finer grid.
    pub fn union(a: Range, b: Range) -> Option<Range> {
        let (a, b) = Range::aligned(a, b)?;
        Some(Range { lo: a.lo.min(b.lo), hi: a.hi.max(b.hi), exp: a.exp })
    }

    /// Does it hold every number of `other`?
    pub fn contains(&self, other: &Range) -> bool {
        let coarse = match other.constant() {
            Some(value) => value.is_zero() || value.exponent >= self.exp,
            None => other.exp >= self.exp,
        };
        coarse && self.low() <= other.low() && other.high() <= self.high()
    }

    /// The least number.
    pub fn low(&self) -> Fixed {
        Fixed::new(self.lo, self.exp)
    }

    /// The greatest number.
    pub fn high(&self) -> Fixed {
        Fixed::new(self.hi, self.exp)
    }
}

/// Prints `[-128, 127]p-7`.
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {}]p{}", self.lo, self.hi, self.exp)
    }
}

/// A fixed-point number format: `width` bits (the sign included) whose lowest weighs `2^lsb`. Width 0 holds only 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Format {
    /// Two's complement, or plain binary.
    pub signed: bool,
    /// Bits, the sign included; at most [`Format::MAX_WIDTH`].
    pub width: u32,
    /// The exponent of the lowest bit.
    pub lsb: i32,
}

impl Format {
    /// The widest format that is read from files and options.
    pub const MAX_WIDTH: u32 = 64;

    /// ap_fixed's `fixed<W, I>` (sign among the I integer bits) or `ufixed<W, I>`.
    pub fn new(signed: bool, width: u32, integer: i32) -> Format {
        Format { signed, width, lsb: integer - width as i32 }
    }

    /// HGQ's (k, i, f): sign bit or not, integer bits without the sign, fraction bits; `k + i + f <= 0` holds only 0.
    pub fn kif(signed: bool, integer: i32, fraction: i32) -> Format {
        let width = (signed as i32 + integer + fraction).max(0) as u32;
        Format { signed: signed && width > 0, width, lsb: -fraction }
    }

    /// ap_fixed's I: the integer bits, a sign included.
    pub fn integer(&self) -> i32 {
        self.width as i32 + self.lsb
    }

    /// The numbers it holds.
    pub fn range(&self) -> Range {
        match (self.width, self.signed) {
            (0, _) => Range { lo: 0, hi: 0, exp: self.lsb },
            (w, true) => Range { lo: -(1i128 << (w - 1)), hi: (1i128 << (w - 1)) - 1, exp: self.lsb },
            (w, false) => Range { lo: 0, hi: (1i128 << w) - 1, exp: self.lsb },
        }
    }

    /// The narrowest format that holds a range.
    pub fn of(range: &Range) -> Format {
        Format { signed: range.signed(), width: range.width(), lsb: range.exp }
    }
}

/// Prints ap_fixed's `fixed<8,3>` or `ufixed<6,0>`.
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}fixed<{},{}>", if self.signed { "" } else { "u" }, self.width, self.integer())
    }
}
