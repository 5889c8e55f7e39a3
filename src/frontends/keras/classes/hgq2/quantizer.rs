//! HGQ2's quantizers: a format for each element, or for each along some axes.
//!
//! A stored quantizer has `k` (sign bit or not), `i` (bits before the point, without the sign) and `f` (fraction bits), or `b = i + f`
//! in place of `f`; `i`, `f` and `b` are real numbers that are rounded, half to even. At inference, with the rounding
//! and overflow of its configuration,
//!
//! `q(x) = 0` where `k + i + f <= 0`, else `overflow(round(x * 2^f) * 2^-f)`;
//!
//! clipping first, as HGQ2 does, is the same for these modes. *Weights* whose overflow is `WRAP` are only rounded, never
//! wrapped (their integer bits follow the weights during training); with `b`, only where the rounding is `RND`. A scaler divides
//! in front and multiplies behind; an affine map comes last. Source: `hgq/quantizer/internal/fixed_point_quantizer.py` of HGQ2
//! 0.2.0 and `quantizers` 1.2.2, run and compared.

use super::state::{Name, State};
use crate::error::{At, Error, Result};
use crate::fixed::{Format, Overflow, Rounding};
use crate::frontends::json::{field, list, number, optional, string};
use crate::frontends::keras::builder::Builder;
use crate::frontends::keras::classes::config::truth;
use crate::network::{Layer, Tensor};
use serde_json::Value;

/// A quantizer with its formats.
#[derive(Clone, Debug)]
pub struct Quantizer {
    rounding: Rounding,
    overflow: Overflow,
    /// 0 or 1, for each element; all three have the same shape.
    signed: Tensor,
    integer: Tensor,
    fraction: Tensor,
    /// Weights are only rounded.
    rounds_only: bool,
    /// The power of two that divides in front.
    scaler: i32,
    affine: Option<[f32; 2]>,
}

/// Reads a quantizer: its configuration, null for none, and the part that stores it.
///
/// # Errors
/// It is of a kind or mode without an exact meaning here, or its arrays are not what they should be.
pub fn quantizer(config: &Value, state: &State) -> Result<Option<Quantizer>> {
    if config.is_null() {
        return Ok(None);
    }
    let class = config.get("class_name").and_then(Value::as_str).unwrap_or("QuantizerConfig");
    let class = class.rsplit('>').next().unwrap_or(class);
    let config = config.get("config").unwrap_or(config);
    let kind = optional(config, "q_type", string)?.unwrap_or("kif");
    let state = state.part("quantizer", Name::Counted(&format!("fixed_point_quantizer_{kind}"), 0))?;
    let overflow = match class {
        // Whether a hard tanh was symmetric is not saved, and loading it makes it SAT.
        "HardTanhConfig" | "HardSigmoidConfig" => "SAT".to_string(),
        _ => field(config, "overflow_mode", string)?.to_uppercase(),
    };
    let rounding = field(config, "round_mode", string)?.to_uppercase();
    // Stochastic rounding is of the training only.
    let rounding: Rounding = rounding.strip_prefix("S_").unwrap_or(&rounding).parse().at("`round_mode`")?;
    if !["WRAP", "SAT", "SAT_SYM"].contains(&overflow.as_str()) {
        let what = format!("`overflow_mode` is {overflow}");
        return Err(Error::user(what, "supported: WRAP, SAT, SAT_SYM"));
    }
    let wraps = overflow == "WRAP";
    let names: &[&str] = match (kind, wraps) {
        ("kif", true) => &["f", "k", "i", "i_decay_speed"],
        ("kif", false) => &["i", "f", "k"],
        ("kbi", true) => &["b", "k", "i", "i_decay_speed"],
        ("kbi", false) => &["b", "i", "k"],
        ("dummy", _) => return Ok(None),
        _ => {
            let help = "use `kif` or `kbi` quantizers; the float quantizer's float32 logarithm has no exact meaning";
            return Err(Error::user(format!("is a quantizer of type `{kind}`"), help));
        }
    };
    let mut arrays = state.arrays(names)?;
    let mut take = |name: &str| arrays.remove(name).ok_or_else(|| Error::bug("an array that was there is gone"));
    let (signed, mut integer, mut fraction) = (take("k")?, take("i")?, take(if kind == "kif" { "f" } else { "b" })?);
    for bits in [&mut integer, &mut fraction] {
        bits.data.iter_mut().for_each(|bits| *bits = bits.round_ties_even());
    }
    if kind == "kbi" && fraction.shape == integer.shape {
        fraction.data.iter_mut().zip(&integer.data).for_each(|(bits, integer)| *bits -= integer);
    }
    check(&signed, &integer, &fraction)?;
    let is_weight = truth(config, "is_weight", false)? && wraps && truth(config, "trainable", true)?;
    let affine = match class {
        "HardSigmoidConfig" => Some([0.25, 0.5]),
        _ => optional(config, "affine", affine)?,
    };
    Ok(Some(Quantizer {
        rounds_only: is_weight && (kind == "kif" || rounding == Rounding::Rnd),
        rounding,
        overflow: overflow.parse()?,
        signed,
        integer,
        fraction,
        scaler: optional(config, "scaler", power_of_two)?.unwrap_or(0),
        affine,
    }))
}

fn affine(value: &Value) -> Result<[f32; 2]> {
    match list(value)?.as_slice() {
        [scale, shift] => Ok([number(scale)? as f32, number(shift)? as f32]),
        _ => Err(Error::user("is not a scale and a shift", "expected two numbers")),
    }
}

fn power_of_two(value: &Value) -> Result<i32> {
    let scaler = number(value)?;
    let exponent = scaler.log2();
    match scaler > 0.0 && exponent.fract() == 0.0 && exponent.abs() <= 100.0 {
        true => Ok(exponent as i32),
        false => Err(Error::user(format!("is {scaler}"), "scalers are powers of two")),
    }
}

/// Equal shapes, signs of 0 or 1, whole numbers of bits, at most 64 in all.
fn check(signed: &Tensor, integer: &Tensor, fraction: &Tensor) -> Result<()> {
    if signed.shape != integer.shape || signed.shape != fraction.shape {
        let what = format!("has bits of shapes {:?}, {:?}, {:?}", signed.shape, integer.shape, fraction.shape);
        return Err(Error::user(what, "the file is damaged; write it again"));
    }
    for ((k, i), f) in signed.data.iter().zip(&integer.data).zip(&fraction.data) {
        let whole = [i, f].iter().all(|bits| bits.abs() <= 256.0);
        if !whole || !(*k == 0.0 || *k == 1.0) || k + i + f > f64::from(Format::MAX_WIDTH) {
            let what = format!("has a format of k={k}, i={i}, f={f}");
            return Err(Error::user(what, "k is 0 or 1, and a format has at most 64 bits"));
        }
    }
    Ok(())
}

impl Quantizer {
    /// The shape of its formats, the axis of the samples included where it quantizes values.
    pub fn shape(&self) -> &[usize] {
        &self.signed.shape
    }

    /// Weights as they are at inference, in HGQ2's own float32 arithmetic.
    ///
    /// # Errors
    /// The shapes do not agree, or a weight is NaN or infinite.
    pub fn weights(&self, values: &Tensor) -> Result<Tensor> {
        let rank = values.shape.len();
        let fits = |(mine, theirs): (&usize, &usize)| *mine == 1 || mine == theirs;
        if self.shape().len() != rank || !self.shape().iter().zip(&values.shape).all(fits) {
            let what = format!("formats of shape {:?} for weights of shape {:?}", self.shape(), values.shape);
            return Err(Error::user(what, "the architecture and the weights must be of the same model"));
        }
        let data = values.data.iter().enumerate().map(|(at, value)| {
            let e = spread(at, &values.shape, self.shape());
            let value = self.weight(*value as f32, e);
            value.is_finite().then_some(f64::from(value)).ok_or_else(|| {
                Error::user("a weight is NaN or infinite", "train the network again, or repair the file")
            })
        });
        Tensor::new(values.shape.clone(), data.collect::<Result<_>>()?)
    }

    fn weight(&self, value: f32, e: usize) -> f32 {
        let (k, i, f) = (self.signed.data[e] as f32, self.integer.data[e] as f32, self.fraction.data[e] as f32);
        let scaler = (self.scaler as f32).exp2();
        let x = value / scaler;
        let mut q = if self.rounds_only {
            round(self.rounding, x * f.exp2()) / f.exp2()
        } else if k + i + f <= 0.0 {
            0.0
        } else {
            let top = i.exp2();
            let low = match self.overflow {
                Overflow::SatSym => -(top - (-f).exp2()) * k,
                _ => -top * k,
            };
            let clipped = if self.overflow == Overflow::Wrap { x } else { x.max(low).min(top - (-f).exp2()) };
            let q = round(self.rounding, clipped * f.exp2()) / f.exp2();
            match self.overflow {
                Overflow::Wrap => {
                    let bias = k * (i + k - 1.0).exp2();
                    (q + bias).rem_euclid((i + k).exp2()) - bias
                }
                _ => q,
            }
        };
        q *= scaler;
        match self.affine {
            Some([scale, shift]) => q * scale + shift,
            None => q,
        }
    }

    /// A format that holds those of all elements.
    ///
    /// # Errors
    /// It would have more than 24 bits, or the values are not codes of formats.
    pub fn hull(&self) -> Result<Format> {
        if self.affine.is_some() {
            let help = "quantize without `affine` in front of tables";
            return Err(Error::user("has an affine map behind it, and its values are not codes", help));
        }
        let bits = self.signed.data.iter().zip(&self.integer.data).zip(&self.fraction.data);
        let used = bits.filter(|((k, i), f)| *k + *i + *f > 0.0);
        let all = used.fold(None, |all: Option<[f64; 3]>, ((k, i), f)| match all {
            Some([signed, integer, fraction]) => Some([signed.max(*k), integer.max(*i), fraction.max(*f)]),
            None => Some([*k, *i, *f]),
        });
        let [signed, integer, fraction] = all.unwrap_or([0.0, 1.0, 0.0]).map(|bits| bits as i32);
        let format = Format::kif(signed == 1, integer + self.scaler, fraction - self.scaler);
        match (1..=24).contains(&format.width) {
            true => Ok(format),
            false => {
                let what = format!("its formats together have {} bits", format.width);
                Err(Error::user(what, "a table is addressed by at most 24 bits"))
            }
        }
    }

    /// A quantized number of a tensor of values: the element, and the lengths of the last axes, with which it counts.
    pub fn entry(&self, value: f32, element: usize, shape: &[usize]) -> f32 {
        let formats = &self.shape()[self.shape().len().saturating_sub(shape.len())..];
        self.weight(value, spread(element, shape, formats))
    }

    /// A quantized constant of the shape of a sample.
    ///
    /// # Errors
    /// As of [`Quantizer::weights`].
    pub fn row(&self, values: &Tensor) -> Result<Tensor> {
        let sample = Tensor { shape: [&[1], values.shape.as_slice()].concat(), data: values.data.clone() };
        Ok(Tensor { shape: values.shape.clone(), data: self.weights(&sample)?.data })
    }

    /// Pushes the layers that quantize a value; the name of the result.
    pub fn push(&self, b: &mut Builder, name: String, input: String) -> Result<String> {
        let [1, shape @ ..] = self.shape() else {
            let what = format!("formats of shape {:?} differ from sample to sample", self.shape());
            return Err(Error::user(what, "make the first axis homogeneous"));
        };
        let tensor = |values: &Tensor, shift: i32| {
            let data = values.data.iter().map(|value| value + f64::from(shift)).collect();
            Tensor { shape: shape.to_vec(), data }
        };
        let layer = Layer::new(&name, "quantize", vec![input]);
        let (integer, fraction) = (tensor(&self.integer, self.scaler), tensor(&self.fraction, -self.scaler));
        let same = |values: &Tensor| values.data.windows(2).all(|pair| pair[0] == pair[1]);
        let one = [&self.signed, &integer, &fraction].into_iter().all(same);
        let format = Format::kif(self.signed.data[0] == 1.0, integer.data[0] as i32, fraction.data[0] as i32);
        b.push(if one && format.width > 0 {
            let sign = if format.signed { "" } else { "u" };
            let modes = format!("{},{}", self.rounding, self.overflow);
            layer.with("format", format!("{sign}fixed<{},{},{modes}>", format.width, format.integer()))
        } else {
            layer
                .with("rounding", self.rounding.to_string())
                .with("overflow", self.overflow.to_string())
                .with_tensor("signed", tensor(&self.signed, 0))
                .with_tensor("integer", integer)
                .with_tensor("fraction", fraction)
        });
        let Some([scale, shift]) = self.affine else { return Ok(name) };
        let scaled = b.fresh(&format!("{name}_scale"));
        let scaled = b.push(
            Layer::new(scaled, "multiply", vec![name.clone()])
                .with_tensor("constant", Tensor::vector(vec![f64::from(scale)])),
        );
        let shifted = b.fresh(&format!("{name}_shift"));
        Ok(b.push(
            Layer::new(shifted, "add", vec![scaled]).with_tensor("constant", Tensor::vector(vec![f64::from(shift)])),
        ))
    }
}

/// The element of a smaller shape that stands for an element of a larger one, axes of 1 repeated.
fn spread(at: usize, shape: &[usize], small: &[usize]) -> usize {
    let (mut rest, mut stride, mut index) = (at, 1, 0);
    for (length, mine) in shape.iter().zip(small).rev() {
        index += (rest % length).min(mine - 1) * stride;
        stride *= mine;
        rest /= length;
    }
    index
}

/// Rounds to an integer, in HGQ2's float32 operations.
fn round(mode: Rounding, x: f32) -> f32 {
    let sign = if x == 0.0 { 0.0 } else { x.signum() };
    match mode {
        Rounding::Trn => x.floor(),
        Rounding::Rnd => (x + 0.5).floor(),
        Rounding::RndConv => x.round_ties_even(),
        Rounding::TrnZero => x.abs().floor() * sign,
        Rounding::RndZero => -(-x.abs() + 0.5).floor() * sign,
        Rounding::RndMinInf => -(-x + 0.5).floor(),
        Rounding::RndInf => (x.abs() + 0.5).floor() * sign,
    }
}
