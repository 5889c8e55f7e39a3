//! hls4ml's types: `ap_fixed<16,6,AP_RND,AP_SAT>`, `fixed<16,6>`, `ap_uint<4>`, `auto`.

use crate::error::{Error, Result};
use crate::fixed::{Fixed, Format, Overflow, Quantization, Rounding};
use std::fmt;

/// A type that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Type {
    /// Its format, rounding and overflow.
    pub quantization: Quantization,
    /// What numbers of it are in the C++.
    pub kind: Kind,
}

/// What numbers of a type are in the C++.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `ap_fixed` or `ap_ufixed`.
    Fixed,
    /// `ap_int` or `ap_uint`; hls4ml prints weights of it without decimals.
    Whole,
    /// Weights that are a sign and an exponent of so many bits. The format is one that holds them all.
    Exponent(u32),
    /// Weights of one bit that mean -1 and 1. The format is one of two bits.
    Binary,
}

/// What a configuration says of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// hls4ml infers it.
    Auto,
    /// This one.
    Type(Type),
}

impl Type {
    /// `fixed<width,integer>` (`TRN`, `WRAP`).
    pub const fn fixed(signed: bool, width: u32, integer: i32) -> Type {
        let format = Format { signed, width, lsb: integer - width as i32 };
        Type {
            quantization: Quantization { format, rounding: Rounding::Trn, overflow: Overflow::Wrap },
            kind: Kind::Fixed,
        }
    }

    /// The same format with other modes.
    pub const fn with(self, rounding: Rounding, overflow: Overflow) -> Type {
        Type { quantization: Quantization { format: self.quantization.format, rounding, overflow }, kind: self.kind }
    }

    /// A sum or product that hls4ml infers.
    ///
    /// # Errors
    /// More bits than formats have.
    pub fn inferred(signed: bool, width: i32, integer: i32) -> Result<Type> {
        let wide = || {
            let what = format!("hls4ml would infer a type of {width} bits");
            Error::user(what, format!("name the type; formats have 1 to {} bits", Format::MAX_WIDTH))
        };
        let width = u32::try_from(width).ok().filter(|width| (1..=Format::MAX_WIDTH).contains(width));
        Ok(Type::fixed(signed, width.ok_or_else(wide)?, integer))
    }

    /// Does hls4ml compute with it when it infers types?
    pub fn inferable(&self) -> bool {
        matches!(self.kind, Kind::Fixed | Kind::Whole)
    }

    /// Bits, the sign included.
    pub fn width(&self) -> i32 {
        self.quantization.format.width as i32
    }

    /// Bits before the point, the sign included.
    pub fn integer(&self) -> i32 {
        self.quantization.format.integer()
    }

    /// Bits behind the point.
    pub fn fraction(&self) -> i32 {
        -self.quantization.format.lsb
    }

    /// Is there a sign?
    pub fn signed(&self) -> bool {
        self.quantization.format.signed
    }

    /// A constant as hls4ml stores it: printed with as many decimals as the type has fraction bits, read back and cast.
    pub fn stored(&self, value: f64) -> Option<f64> {
        let decimals = match self.kind {
            Kind::Fixed => self.fraction().max(0) as usize,
            Kind::Whole => 0,
            Kind::Exponent(_) | Kind::Binary => return self.cast(value),
        };
        let printed: f64 = format!("{value:.decimals$}").parse().ok()?;
        self.cast(printed)
    }

    /// A constant cast to the type.
    pub fn cast(&self, value: f64) -> Option<f64> {
        self.quantization.apply(Fixed::from_f64(value)?)?.to_f64()
    }
}

/// As our quantizers are written.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.quantization.fmt(f)
    }
}

impl Wanted {
    /// Reads a type.
    ///
    /// # Errors
    /// It is none, or one that is not fixed-point.
    pub fn parse(text: &str) -> Result<Wanted> {
        let wrong = || {
            let help = "write ap_fixed<16,6,AP_RND,AP_SAT>, ap_ufixed<..>, ap_int<8>, ap_uint<8>, or auto";
            Error::user(format!("`{text}` is no fixed-point type"), help)
        };
        let plain = text.trim();
        if plain.eq_ignore_ascii_case("auto") {
            return Ok(Wanted::Auto);
        }
        // A typedef of packed data: nnet::array<ap_fixed<16,6>,8*1>.
        let plain =
            plain.strip_prefix("nnet::array<").and_then(|rest| Some(&rest[..=rest.find('>')?])).unwrap_or(plain);
        let call = plain.strip_prefix("ap_").unwrap_or(plain).strip_suffix('>').ok_or_else(wrong)?;
        let (name, arguments) = call.split_once('<').ok_or_else(wrong)?;
        let parts: Vec<&str> = arguments.split(',').map(|part| part.trim()).collect();
        let (signed, whole) = match name {
            "fixed" => (true, false),
            "ufixed" => (false, false),
            "int" => (true, true),
            "uint" => (false, true),
            _ => return Err(wrong()),
        };
        let number = |index: usize| parts.get(index).and_then(|part| part.parse::<i32>().ok()).ok_or_else(wrong);
        let width = number(0)?;
        let integer = if whole { width } else { number(1)? };
        let modes = parts.get(if whole { 1 } else { 2 }..).unwrap_or_default();
        if modes.len() > 3 || (whole && !modes.is_empty()) || integer.abs() > 256 {
            return Err(wrong());
        }
        // The last argument counts bits that are forced on overflow; AP_SAT there is an enumerator of the value 0.
        if modes.get(2).is_some_and(|bits| !["0", "AP_SAT"].contains(bits)) {
            return Err(Error::user(format!("`{text}` has saturation bits"), "only 0 of them are supported"));
        }
        let mode = |index: usize, default: &'static str| {
            modes.get(index).map_or(default, |mode| mode.strip_prefix("AP_").unwrap_or(mode)).to_string()
        };
        let known = Type::inferred(signed, width, integer).map_err(|_| wrong())?;
        let known = known.with(mode(0, "TRN").parse()?, mode(1, "WRAP").parse()?);
        let kind = if whole { Kind::Whole } else { Kind::Fixed };
        Ok(Wanted::Type(Type { kind, ..known }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_as_hls4ml_writes_them() {
        let native = |text: &str| match Wanted::parse(text).unwrap() {
            Wanted::Type(known) => known.to_string(),
            Wanted::Auto => "auto".into(),
        };
        assert_eq!(native("ap_fixed<16, 6>"), "fixed<16,6,TRN,WRAP>");
        assert_eq!(native("ap_ufixed<10,-2,AP_RND_CONV,AP_SAT,0>"), "ufixed<10,-2,RND_CONV,SAT>");
        assert_eq!(native("fixed<18,8,RND,SAT,0>"), "fixed<18,8,RND,SAT>");
        assert_eq!(native("uint<1>"), "ufixed<1,1,TRN,WRAP>");
        assert_eq!(native("ap_fixed<15,12,AP_RND,AP_SAT,AP_SAT>"), "fixed<15,12,RND,SAT>");
        assert_eq!(native("nnet::array<ap_fixed<14,14>,800*1>"), "fixed<14,14,TRN,WRAP>");
        assert_eq!(native("Auto"), "auto");
        for wrong in [
            "float",
            "ap_fixed<16>",
            "ap_fixed<0,0>",
            "ap_fixed<16,6,UP>",
            "ap_int<8,AP_RND>",
            "ap_fixed<8,4,AP_RND,AP_WRAP,2>",
            "",
        ] {
            assert!(Wanted::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn constants_are_printed_before_they_are_cast() {
        let weight = Type::fixed(true, 6, 1);
        // Truncation alone gives 0; with five decimals the text is 0.03125.
        assert_eq!(weight.cast(0.031249), Some(0.0));
        assert_eq!(weight.stored(0.031249), Some(0.03125));
        let Wanted::Type(whole) = Wanted::parse("ap_int<5>").unwrap() else { panic!() };
        assert_eq!((whole.stored(0.9), whole.stored(2.5), whole.stored(-1.6)), (Some(1.0), Some(2.0), Some(-2.0)));
    }
}
