//! Rounding and overflow, with ap_fixed's names and meaning (UG1399, "Arbitrary Precision Fixed-Point Data Types").

use super::{Fixed, Format, Range, shift_left};
use crate::error::{Error, Result};
use std::fmt;
use std::str::FromStr;

/// What happens to bits below the format's lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Rounding {
    /// `TRN`: toward minus infinity.
    #[default]
    Trn,
    /// `TRN_ZERO`: toward zero.
    TrnZero,
    /// `RND`: to nearest, ties toward plus infinity.
    Rnd,
    /// `RND_ZERO`: to nearest, ties toward zero.
    RndZero,
    /// `RND_INF`: to nearest, ties away from zero.
    RndInf,
    /// `RND_MIN_INF`: to nearest, ties toward minus infinity.
    RndMinInf,
    /// `RND_CONV`: to nearest, ties to even.
    RndConv,
}

/// What happens to numbers outside the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Overflow {
    /// `WRAP`: high bits are dropped.
    #[default]
    Wrap,
    /// `SAT`: the nearest number of the format.
    Sat,
    /// `SAT_ZERO`: zero.
    SatZero,
    /// `SAT_SYM`: the nearest of the format's numbers, the most negative left out.
    SatSym,
}

const ROUNDINGS: [(Rounding, &str); 7] = [
    (Rounding::Trn, "TRN"),
    (Rounding::TrnZero, "TRN_ZERO"),
    (Rounding::Rnd, "RND"),
    (Rounding::RndZero, "RND_ZERO"),
    (Rounding::RndInf, "RND_INF"),
    (Rounding::RndMinInf, "RND_MIN_INF"),
    (Rounding::RndConv, "RND_CONV"),
];
const OVERFLOWS: [(Overflow, &str); 4] =
    [(Overflow::Wrap, "WRAP"), (Overflow::Sat, "SAT"), (Overflow::SatZero, "SAT_ZERO"), (Overflow::SatSym, "SAT_SYM")];

impl Rounding {
    /// All modes.
    pub const ALL: [Rounding; 7] = [
        Rounding::Trn,
        Rounding::TrnZero,
        Rounding::Rnd,
        Rounding::RndZero,
        Rounding::RndInf,
        Rounding::RndMinInf,
        Rounding::RndConv,
    ];

    /// `value / 2^drop` rounded to an integer.
    pub fn apply(self, value: i128, drop: u32) -> i128 {
        if drop == 0 || value == 0 {
            return value;
        }
        if drop > 126 {
            // |value| < 2^127: floor is 0 or -1, and the nearest integer is 0 except at the tie with a drop of 127.
            return match self {
                Rounding::Trn => -((value < 0) as i128),
                _ => 0,
            };
        }
        let floor = value >> drop;
        let rest = value - (floor << drop);
        let half = 1i128 << (drop - 1);
        let up = match self {
            Rounding::Trn => false,
            Rounding::TrnZero => value < 0 && rest > 0,
            Rounding::Rnd => rest >= half,
            Rounding::RndZero => rest > half || (rest == half && value < 0),
            Rounding::RndInf => rest > half || (rest == half && value > 0),
            Rounding::RndMinInf => rest > half,
            Rounding::RndConv => rest > half || (rest == half && floor & 1 == 1),
        };
        floor + up as i128
    }
}

impl Overflow {
    /// All modes.
    pub const ALL: [Overflow; 4] = [Overflow::Wrap, Overflow::Sat, Overflow::SatZero, Overflow::SatSym];

    /// The code of `format` for the integer `value` on the format's grid.
    pub fn apply(self, value: i128, format: &Format) -> i128 {
        let range = format.range();
        let lo = if self == Overflow::SatSym && format.width > 0 && range.lo < 0 { range.lo + 1 } else { range.lo };
        match self {
            _ if (lo..=range.hi).contains(&value) => value,
            Overflow::Wrap => wrap(value, format.width, format.signed),
            Overflow::SatZero => 0,
            Overflow::Sat | Overflow::SatSym => value.clamp(lo, range.hi),
        }
    }
}

/// The low `width` bits of `value`, read as two's complement if `signed`.
pub fn wrap(value: i128, width: u32, signed: bool) -> i128 {
    if width == 0 {
        return 0;
    }
    let up = 128 - width;
    if signed { (value << up) >> up } else { (((value as u128) << up) >> up) as i128 }
}

/// A quantizer on numbers: a format with its rounding and overflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quantization {
    /// The format of the result.
    pub format: Format,
    /// What happens to low bits.
    pub rounding: Rounding,
    /// What happens to high bits.
    pub overflow: Overflow,
}

impl Quantization {
    /// ap_fixed's defaults: `TRN`, `WRAP`.
    pub fn plain(format: Format) -> Quantization {
        Quantization { format, rounding: Rounding::Trn, overflow: Overflow::Wrap }
    }

    /// The code (times `2^format.lsb` the value) of a number; `None` beyond 127 bits.
    pub fn code(&self, value: Fixed) -> Option<i128> {
        if value.is_zero() {
            return Some(0);
        }
        let shift = value.exponent() - self.format.lsb;
        let rounded = if shift >= 0 {
            match shift_left(value.mantissa(), shift as u32) {
                Some(integer) => integer,
                None if self.overflow == Overflow::Wrap => return (shift >= self.format.width as i32).then_some(0),
                None => value.mantissa().signum() << 100,
            }
        } else {
            self.rounding.apply(value.mantissa(), (-shift) as u32)
        };
        Some(self.overflow.apply(rounded, &self.format))
    }

    /// Is every number of a range quantized to itself?
    pub fn keeps(&self, range: &Range) -> bool {
        let full = self.format.range();
        let symmetric = self.overflow == Overflow::SatSym && full.lo < 0;
        Range { lo: full.lo + symmetric as i128, ..full }.contains(range)
    }

    /// The quantized number; `None` beyond 127 bits.
    pub fn apply(&self, value: Fixed) -> Option<Fixed> {
        Some(Fixed::new(self.code(value)?, self.format.lsb))
    }
}

/// Prints `fixed<8,3,RND,SAT>`.
impl fmt::Display for Quantization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.format.signed { "" } else { "u" };
        let (width, integer) = (self.format.width, self.format.integer());
        write!(f, "{sign}fixed<{width},{integer},{},{}>", self.rounding, self.overflow)
    }
}

impl fmt::Display for Rounding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ROUNDINGS.iter().find(|(mode, _)| mode == self).map_or("", |(_, name)| name))
    }
}

impl fmt::Display for Overflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(OVERFLOWS.iter().find(|(mode, _)| mode == self).map_or("", |(_, name)| name))
    }
}

fn known<T: Copy>(kind: &str, names: &[(T, &str)], text: &str) -> Result<T> {
    names.iter().find(|(_, name)| *name == text).map(|(mode, _)| *mode).ok_or_else(|| {
        let all: Vec<_> = names.iter().map(|(_, name)| *name).collect();
        Error::user(format!("`{text}` is no {kind} mode"), format!("known: {}", all.join(", ")))
    })
}

impl FromStr for Rounding {
    type Err = Error;
    fn from_str(text: &str) -> Result<Rounding> {
        known("rounding", &ROUNDINGS, text)
    }
}

impl FromStr for Overflow {
    type Err = Error;
    fn from_str(text: &str) -> Result<Overflow> {
        known("overflow", &OVERFLOWS, text)
    }
}

impl FromStr for Quantization {
    type Err = Error;

    /// Reads `fixed<W,I>`, `ufixed<W,I>` with optional rounding and overflow; `ap_` before it is accepted.
    fn from_str(text: &str) -> Result<Quantization> {
        let wrong = || {
            let help = "write fixed<W,I>, ufixed<W,I> or with rounding and overflow as in fixed<8,3,RND,SAT>";
            Error::user(format!("`{text}` is no fixed-point format"), help)
        };
        let clean: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let body = clean.strip_prefix("ap_").unwrap_or(&clean).strip_suffix('>').ok_or_else(wrong)?;
        let (signed, body) = match (body.strip_prefix("fixed<"), body.strip_prefix("ufixed<")) {
            (Some(body), _) => (true, body),
            (_, Some(body)) => (false, body),
            _ => return Err(wrong()),
        };
        let fields: Vec<&str> = body.split(',').collect();
        let [width, integer, modes @ ..] = fields.as_slice() else { return Err(wrong()) };
        let width: u32 = width.parse().map_err(|_| wrong())?;
        let integer: i32 = integer.parse().map_err(|_| wrong())?;
        if width == 0 || width > Format::MAX_WIDTH || integer.unsigned_abs() > 256 || modes.len() > 2 {
            let help = format!("formats have 1 to {} bits and at most 256 integer bits", Format::MAX_WIDTH);
            return Err(Error::user(format!("`{text}` is not a supported format"), help));
        }
        let rounding = modes.first().map_or(Ok(Rounding::Trn), |mode| mode.trim_start_matches("AP_").parse())?;
        let overflow = modes.get(1).map_or(Ok(Overflow::Wrap), |mode| mode.trim_start_matches("AP_").parse())?;
        Ok(Quantization { format: Format::new(signed, width, integer), rounding, overflow })
    }
}
