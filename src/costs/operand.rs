//! The data type of an operand, as QTools knows it: what a quantizer's results are, without their values.
//!
//! Source: QKeras' `qtools/quantized_operators/quantizer_impl.py`. Two of its habits are kept: `integer` leaves the sign
//! bit out, and `quantized_tanh` has -1 integer bits.

use crate::call::Call;
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Format, Quantization, Range};
use crate::network::Layer;

/// What kind of numbers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Fixed point.
    Fixed,
    /// A sign and a power of two; `bits` are those of sign and exponent.
    PowerOfTwo,
    /// -1, 0 and 1.
    Ternary,
    /// -1 and 1.
    Binary,
    /// 0 and 1.
    Bit,
    /// Floating point.
    Float,
}

/// The most significant bits of a weight that is on a grid; a trained float has 24.
const MOST_BITS: u32 = 20;

/// A data type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Operand {
    /// What kind of numbers.
    pub kind: Kind,
    /// Bits, the sign included.
    pub bits: i32,
    /// Integer bits, without the sign; -1 of floats.
    pub integer: i32,
    /// Is there a sign?
    pub signed: bool,
    /// The greatest magnitude of a power of two, where there is a limit.
    pub limit: Option<f64>,
    /// How many different powers of two a trained array has, where that is known.
    pub values: Option<usize>,
    /// Is it one of the quantizers that draw at random in training?
    pub stochastic: bool,
}

impl Operand {
    /// Fixed point.
    pub fn fixed(bits: i32, integer: i32, signed: bool) -> Operand {
        Operand { kind: Kind::Fixed, bits, integer, signed, limit: None, values: None, stochastic: false }
    }

    /// Floating point of so many bits.
    pub fn float(bits: i32) -> Operand {
        Operand { kind: Kind::Float, ..Operand::fixed(bits, -1, true) }
    }

    /// What `int8`, `int16`, `int32`, `fp16`, `fp32` stand for.
    pub fn named(name: &str) -> Option<Operand> {
        match name {
            "int8" => Some(Operand::fixed(8, 0, true)),
            "int16" => Some(Operand::fixed(16, 7, true)),
            "int32" => Some(Operand::fixed(32, 10, true)),
            "fp16" => Some(Operand::float(16)),
            "fp32" => Some(Operand::float(32)),
            _ => None,
        }
    }

    /// Of a format of ours.
    pub fn of_format(format: &Format) -> Operand {
        Operand::fixed(format.width as i32, format.integer() - i32::from(format.signed), format.signed)
    }

    /// Of a quantizer's call; `None` of functions and other quantizers.
    ///
    /// # Errors
    /// It is no call, or a format that is none.
    pub fn of(text: &str) -> Result<Option<Operand>> {
        if text.contains('<') {
            let text = text.strip_prefix("ap_").unwrap_or(text);
            return Ok(Some(Operand::of_format(&text.parse::<Quantization>()?.format)));
        }
        let call = Call::parse(text)?;
        let whole = |name, place, default: i32| call.number(name, place).map_or(default, |number| number as i32);
        let (bits, integer) = (whole("bits", 0, 8), whole("integer", 1, 0));
        let flag = |name, place, default| call.number(name, place).map_or(default, |number| number != 0.0);
        let limit = call.number("max_value", 1).filter(|limit| *limit != 0.0);
        let power = |signed| Operand { kind: Kind::PowerOfTwo, limit, ..Operand::fixed(bits, bits, signed) };
        let few = |kind, bits, signed| Operand { kind, ..Operand::fixed(bits, bits, signed) };
        let drawn = |operand: Operand| Operand { stochastic: true, ..operand };
        Ok(Some(match call.name.as_str() {
            "quantized_bits" | "quantized_linear" => Operand::fixed(bits, integer, flag("keep_negative", 3, true)),
            "quantized_relu" if bits == 1 && integer == 1 => few(Kind::Bit, 1, false),
            "quantized_relu" => Operand::fixed(bits, integer, flag("negative_slope", 3, false)),
            "quantized_hswish" | "quantized_ulaw" => Operand::fixed(bits, integer, true),
            "quantized_tanh" => Operand::fixed(bits, -1, true),
            "quantized_sigmoid" => Operand::fixed(bits, 0, false),
            "quantized_po2" => power(true),
            "quantized_relu_po2" => power(false),
            "binary" if flag("use_01", 0, false) => few(Kind::Bit, 1, false),
            "binary" => few(Kind::Binary, 1, true),
            "stochastic_binary" => drawn(few(Kind::Binary, 1, true)),
            "bernoulli" => drawn(few(Kind::Bit, 1, false)),
            "ternary" => few(Kind::Ternary, 2, true),
            "stochastic_ternary" => drawn(few(Kind::Ternary, 2, true)),
            _ => return Ok(None),
        }))
    }

    /// Of a quantizer's call.
    ///
    /// # Errors
    /// It is none that has a data type here.
    pub fn of_quantizer(text: &str) -> Result<Operand> {
        let unknown = || {
            let help = "costs know QKeras' quantizers and fixed-point formats";
            Error::user(format!("`{text}` has no data type that costs could be counted for"), help)
        };
        Operand::of(text)?.ok_or_else(unknown)
    }

    /// Of weights that are exact as they are: the narrowest fixed point that holds them. `None` where they are floats that
    /// nothing has quantized yet, or all 0.
    pub fn of_values(values: &[f64]) -> Option<Operand> {
        let exact: Option<Vec<Fixed>> = values.iter().map(|value| Fixed::from_f64(*value)).collect();
        let exact: Vec<Fixed> = exact?.into_iter().filter(|value| !value.is_zero()).collect();
        if exact.iter().any(|value| value.mantissa().unsigned_abs() >> MOST_BITS > 0) {
            return None;
        }
        let lsb = exact.iter().map(|value| value.exponent()).min()?;
        let range = exact.iter().map(|value| value.at(lsb)).collect::<Option<Vec<i128>>>()?;
        let (lo, hi) = range.iter().fold((0, 0), |(lo, hi), code| (code.min(&lo).to_owned(), code.max(&hi).to_owned()));
        Some(Operand::of_format(&Format::of(&Range::new(lo, hi, lsb))))
    }

    /// Of a list of formats, as a `quantize` layer has one for each element; empty where the layer has none.
    pub fn of_elements(layer: &Layer) -> Vec<Operand> {
        let list = |name: &str| layer.tensors.get(name).map(|tensor| tensor.data.as_slice());
        let (Some(signed), Some(integer), Some(fraction)) = (list("signed"), list("integer"), list("fraction")) else {
            return Vec::new();
        };
        let at = |list: &[f64], e: usize| list.get(e).or(list.first()).map_or(0, |bits| *bits as i32);
        let one = |e: usize| {
            let (signed, integer) = (at(signed, e), at(integer, e));
            Operand::fixed((signed + integer + at(fraction, e)).max(0), integer, signed != 0)
        };
        (0..signed.len().max(integer.len()).max(fraction.len())).map(one).collect()
    }

    /// Of the codes of an input port, as `fixed<16,6>` or `u8/255`.
    ///
    /// # Errors
    /// It is no format.
    pub fn of_input(text: &str) -> Result<Operand> {
        if text.contains('<') {
            return Ok(Operand::of_format(&text.parse::<Quantization>()?.format));
        }
        let (codes, scale) = text.split_once('/').unwrap_or((text, ""));
        let signed = codes.starts_with('s');
        let bits = codes.trim_start_matches(['u', 's']).parse::<i32>().map_err(|_| {
            Error::user(
                format!("`{text}` is no input format"),
                "write fixed<16,6>, u8, or u8/255 for codes with a scale",
            )
        })?;
        let integer = if scale.is_empty() { bits - i32::from(signed) } else { 0 };
        Ok(Operand::fixed(bits, integer, signed))
    }

    /// Bits behind the point.
    pub fn fraction(&self) -> i32 {
        self.bits - i32::from(self.signed) - self.integer
    }

    /// Is it floating point?
    pub fn is_float(&self) -> bool {
        self.kind == Kind::Float
    }

    /// Bits below and above the point that a power of two may need: the exponents reach from `-below` to `above`.
    pub fn exponents(&self) -> (i32, i32) {
        // More than that has no meaning in a circuit, and would not fit the arithmetic.
        let magnitude = (self.bits - i32::from(self.signed) - 1).clamp(0, 24);
        let most = (1 << magnitude) - 1;
        let above = match self.limit {
            None => most,
            Some(limit) if limit <= 0.0 => 0,
            Some(limit) => (limit.log2().ceil() as i32).min(most),
        };
        (1 << magnitude, above.max(0))
    }

    /// The fixed-point type that holds it: powers of two are spread out.
    pub fn spread(&self) -> Operand {
        if self.kind != Kind::PowerOfTwo {
            return *self;
        }
        let (below, above) = self.exponents();
        Operand::fixed(i32::from(self.signed) + below + above, above, self.signed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Tensor;

    fn of(text: &str) -> Operand {
        Operand::of(text).unwrap().unwrap()
    }

    #[test]
    fn calls_and_formats() {
        assert_eq!(of("quantized_bits(6,0,alpha=1)"), Operand::fixed(6, 0, true));
        assert_eq!(of("quantized_bits(4,1,keep_negative=False)"), Operand::fixed(4, 1, false));
        assert_eq!(of("fixed<8,3,RND,SAT>"), Operand::fixed(8, 2, true));
        assert_eq!(of("ufixed<8,3>"), Operand::fixed(8, 3, false));
        assert_eq!(of("quantized_relu(1,1)").kind, Kind::Bit);
        assert!(of("quantized_relu(4,2,negative_slope=0.25)").signed);
        assert!(of("stochastic_binary").stochastic);
        assert_eq!(of("binary(use_01=1)").kind, Kind::Bit);
        assert_eq!(Operand::of("softmax"), Ok(None));
        assert!(Operand::of("quantized_bits(").is_err());
    }

    #[test]
    fn exponents_of_powers_of_two() {
        // Three bits behind the sign: -4 to 3; a limit of 1 leaves no bit above the point.
        assert_eq!(of("quantized_po2(4)").exponents(), (4, 3));
        assert_eq!(of("quantized_po2(4,1)").exponents(), (4, 0));
        assert_eq!(of("quantized_relu_po2(4,4)").exponents(), (8, 2));
        assert_eq!(of("quantized_po2(4,2)").spread(), Operand::fixed(6, 1, true));
    }

    #[test]
    fn exact_weights_and_formats_of_elements() {
        assert_eq!(Operand::of_values(&[0.75, -0.5, 0.0]), Some(Operand::fixed(3, 0, true)));
        assert_eq!(Operand::of_values(&[6.0, 4.0]), Some(Operand::fixed(2, 3, false)));
        assert_eq!((Operand::of_values(&[0.0]), Operand::of_values(&[0.1])), (None, None));
        let tensor = |data: &[f64]| Tensor::vector(data.to_vec());
        let layer = Layer::new("q", "quantize", Vec::new())
            .with_tensor("signed", tensor(&[1.0]))
            .with_tensor("integer", tensor(&[2.0, 0.0]))
            .with_tensor("fraction", tensor(&[3.0, -4.0]));
        assert_eq!(Operand::of_elements(&layer), [Operand::fixed(6, 2, true), Operand::fixed(0, 0, true)]);
    }

    #[test]
    fn inputs() {
        assert_eq!(Operand::of_input("fixed<15,6>"), Ok(Operand::fixed(15, 5, true)));
        assert_eq!(Operand::of_input("u8/255"), Ok(Operand::fixed(8, 0, false)));
        assert_eq!(Operand::of_input("s4"), Ok(Operand::fixed(4, 3, true)));
        assert!(Operand::of_input("bits").is_err());
    }
}
