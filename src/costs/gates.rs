//! Which gate multiplies, divides or adds two data types, its size, and the type of the result.
//!
//! Source: QKeras' `qtools/quantized_operators` (multiplier, divider, adder, accumulator). [`Compat`] says where its
//! releases differ.

use super::operand::{Kind, Operand};
use crate::error::{Error, Result};

/// Whose numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compat {
    /// QKeras 0.7.4, of arXiv:2006.10159: a product has as many bits as both factors, a sum always has room for a bias, and
    /// the multiplexer of a stochastic weight is one bit wide.
    Paper,
    /// QKeras since 2022: a product has one sign bit, and a bias is added behind the sum, if there is one.
    #[default]
    Current,
}

/// The gate of an operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gate {
    /// Is it a multiplier? All others cost as much as an adder, times their factor.
    pub multiplies: bool,
    /// Its energy relative to an adder (or multiplier) of that size.
    pub factor: f64,
    /// Its size in bits.
    pub bits: f64,
    /// The type of its result.
    pub output: Operand,
}

impl Gate {
    fn new(multiplies: bool, factor: f64, bits: f64, output: Operand) -> Gate {
        Gate { multiplies, factor, bits, output }
    }
}

/// The product of a weight and an input.
pub fn multiply(weight: &Operand, x: &Operand, compat: Compat) -> Gate {
    let few = |operand: &Operand| matches!(operand.kind, Kind::Ternary | Kind::Binary);
    match (weight.kind, x.kind) {
        (Kind::Float, _) | (_, Kind::Float) => {
            let bits = |operand: &Operand| if operand.is_float() { operand.bits } else { 0 };
            let bits = bits(weight).max(bits(x));
            Gate::new(true, 1.0, f64::from(bits), Operand::float(bits))
        }
        (Kind::Bit, _) | (_, Kind::Bit) => and(weight, x),
        (Kind::Binary, Kind::Binary) => Gate::new(false, 0.3, 1.0, Operand { stochastic: false, ..*weight }),
        _ if few(weight) && (compat == Compat::Current || !weight.stochastic) => {
            mux(weight, x, weight.kind == Kind::Binary)
        }
        // The release compared names, and so took a stochastic weight for the operand that is switched.
        _ if few(weight) || few(x) => mux(x, weight, x.kind == Kind::Binary && !x.stochastic),
        (Kind::PowerOfTwo, Kind::PowerOfTwo) => exponents(weight, x),
        (Kind::PowerOfTwo, _) => shift(weight, x, weight.exponents()),
        (_, Kind::PowerOfTwo) => shift(x, weight, x.exponents()),
        _ => {
            let signed = weight.signed || x.signed;
            let bits = match compat {
                Compat::Paper => weight.bits + x.bits,
                Compat::Current => weight.integer + x.integer + weight.fraction() + x.fraction() + i32::from(signed),
            };
            let size = f64::from(weight.bits * x.bits).sqrt();
            Gate::new(true, 1.0, size, Operand::fixed(bits, weight.integer + x.integer, signed))
        }
    }
}

/// `data`, its negative, or 0, as the switch says; a binary switch needs half of a ternary one.
fn mux(switch: &Operand, data: &Operand, binary: bool) -> Gate {
    let bits = data.bits + i32::from(switch.signed && !data.signed);
    let output = match data.kind {
        Kind::PowerOfTwo => {
            Operand { bits, integer: bits, signed: data.signed || switch.signed, values: None, ..*data }
        }
        Kind::Fixed => Operand::fixed(bits, data.integer, data.signed || switch.signed),
        _ => Operand { kind: Kind::Ternary, bits, signed: true, stochastic: false, ..*data },
    };
    Gate::new(false, if binary { 0.3 } else { 0.6 }, f64::from(data.bits), output)
}

/// One operand is 0 or 1.
fn and(weight: &Operand, x: &Operand) -> Gate {
    let other = if weight.kind == Kind::Bit { x } else { weight };
    if matches!(other.kind, Kind::Ternary | Kind::Binary) {
        let ternary = Operand { kind: Kind::Ternary, ..Operand::fixed(2, 2, true) };
        return Gate::new(false, 0.1, 2.0, ternary);
    }
    let output = Operand { bits: weight.bits.max(x.bits), signed: weight.signed || x.signed, values: None, ..*other };
    Gate::new(false, 0.1, f64::from(output.bits), output)
}

/// Powers of two times powers of two: the exponents are added.
fn exponents(a: &Operand, b: &Operand) -> Gate {
    let bits = a.bits.max(b.bits) + 1;
    let limit = a.limit.zip(b.limit).map(|(a, b)| a * b);
    let output = Operand { kind: Kind::PowerOfTwo, limit, ..Operand::fixed(bits, bits, a.signed || b.signed) };
    Gate::new(false, 1.0, f64::from(bits), output)
}

/// A number shifted `below` bits down to `above` bits up. A power that takes few known values needs a multiplexer of them.
fn shift(power: &Operand, data: &Operand, (below, above): (i32, i32)) -> Gate {
    let bits = data.bits + above + below + i32::from(power.signed && !data.signed);
    let output = Operand::fixed(bits, data.integer + above, data.signed || power.signed);
    match power.values {
        Some(values) => Gate::new(false, 0.3 * values as f64, f64::from(data.bits), output),
        None => {
            let size = (2f64.powi(power.bits) * f64::from(data.bits)).sqrt();
            Gate::new(false, 1.0, size * size.log10(), output)
        }
    }
}

/// The quotient, as batch normalisation needs it.
///
/// # Errors
/// The divisor has values that nothing is divided by.
pub fn divide(numerator: &Operand, divisor: &Operand) -> Result<Gate> {
    let float = |bits| Gate::new(true, 1.0, f64::from(bits), Operand::float(bits));
    let bits = |operand: &Operand| if operand.is_float() { operand.bits } else { 0 };
    match (numerator.kind, divisor.kind) {
        (_, Kind::Float) | (Kind::Float, _) => Ok(float(bits(numerator).max(bits(divisor)))),
        // The quotient of other numbers is a float.
        (_, Kind::Fixed) => Ok(float(32)),
        (Kind::PowerOfTwo, Kind::PowerOfTwo) => {
            let gate = exponents(numerator, divisor);
            let limit = numerator.limit.zip(divisor.limit).map(|(a, b)| a / b);
            Ok(Gate { output: Operand { limit, signed: true, ..gate.output }, ..gate })
        }
        (_, Kind::PowerOfTwo) => {
            let (below, above) = divisor.exponents();
            Ok(shift(divisor, numerator, (above, below)))
        }
        _ => Err(Error::user(
            "a variance of that quantizer divides nothing",
            "quantize it to powers of two, or not at all",
        )),
    }
}

/// The type of a sum of two.
pub fn add(a: &Operand, b: &Operand) -> Operand {
    if a.is_float() || b.is_float() {
        return Operand::float(a.bits.max(b.bits));
    }
    let (a, b) = (a.spread(), b.spread());
    let (integer, signed) = (a.integer.max(b.integer) + 1, a.signed || b.signed);
    Operand::fixed(integer + i32::from(signed) + a.fraction().max(b.fraction()), integer, signed)
}

/// The type of a sum of `terms` equal types.
pub fn accumulate(term: &Operand, terms: usize) -> Operand {
    if term.is_float() {
        return *term;
    }
    let (term, more) = (term.spread(), (terms.max(1) as f64).log2().ceil() as i32);
    Operand::fixed(term.bits + more, term.integer + more, term.signed)
}
