//! `hls4ml_activation`: an activation in fixed point, with the tables and casts of hls4ml's C++ (`nnet_activation.h`, 1.x).
//!
//! Attributes: `function`; `format`, of the result; `input_format` (default: the least that holds all inputs), to which inputs
//! are cast; for tables `table_size` (1024) and `table_format` (`fixed<18,8>`); for
//! functions with a parameter `param` and `param_format` (a slope, a threshold, `alpha`; for hard functions the slope 0.2 in
//! `ufixed<16,0>`) and `shift` with `shift_format` (0.5 in `ufixed<2,0>`). `prelu` has a tensor `alpha`.
//!
//! With `S = table_size` and `t(i)` the table's entry, all indices clamped to the table and truncated toward zero:
//! `sigmoid`, `softplus`, `softsign`: `t(S/2 + x*S/16)`; `tanh`: `t(S/2 + x*S/8)`; `elu`: `x` from 0 on, else
//! `param * t(-x*S/8)`; `selu`: `1.0507 * x` in `ufixed<16,1>` from 0 on, else `t(-x*S/8)`. The others have no table.

use super::attributes::{attributes, floats, one, tensors};
use super::hls4ml::{Index, assign, cast, centred, declared, exp, format, lookup};
use super::{Layer, Make};
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Quantization};
use crate::functions::Exact;
use crate::network;
use crate::registry::Entry;
use crate::tensor::{Builder, Id, Staircase};
use serde::Deserialize;

/// The entry.
pub const LAYER: Entry<Make> =
    Entry { name: "hls4ml_activation", doc: "an activation in fixed point, by hls4ml's tables and casts", make };

const FUNCTIONS: [&str; 17] = [
    "linear",
    "relu",
    "relu6",
    "relu1",
    "sigmoid",
    "tanh",
    "softplus",
    "softsign",
    "elu",
    "selu",
    "hard_sigmoid",
    "hard_tanh",
    "leaky_relu",
    "thresholded_relu",
    "prelu",
    "binary_tanh",
    "ternary_tanh",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    function: String,
    format: String,
    input_format: Option<String>,
    table_size: Option<u32>,
    table_format: Option<String>,
    param: Option<f64>,
    param_format: Option<String>,
    shift: Option<f64>,
    shift_format: Option<String>,
}

struct Activation {
    function: String,
    to: Quantization,
    from: Option<String>,
    size: u32,
    table: Quantization,
    param: Option<Fixed>,
    shift: Fixed,
    alpha: Vec<f32>,
}

fn make(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    let a: Attributes = attributes(layer)?;
    if !FUNCTIONS.contains(&a.function.as_str()) {
        return Err(Error::user(
            format!("no hls4ml function is called `{}`", a.function),
            format!("known: {}", FUNCTIONS.join(", ")),
        ));
    }
    let alpha = match a.function == "prelu" {
        true => tensors(layer, &["alpha"], &[])?.pop().flatten().map(|alpha| floats(&alpha)).transpose()?,
        false => tensors(layer, &[], &[])?.pop().flatten().map(|_| Vec::new()),
    };
    let size = a.table_size.unwrap_or(1024);
    if !(2..=1 << 16).contains(&size) {
        return Err(Error::user(format!("`table_size` is {size}"), "give 2 to 65536"));
    }
    let hard = a.function.starts_with("hard");
    let number = |value: f64, text: Option<&str>, default: &str| match (text, hard) {
        (None, false) => Fixed::from_f64(value).ok_or_else(|| Error::user("`param` is not finite", "give a number")),
        _ => assign(value, &format(text, default)?),
    };
    let param = a.param.or(hard.then_some(0.2));
    let param = param.map(|value| number(value, a.param_format.as_deref(), "ufixed<16,0>")).transpose()?;
    if param.is_none() && ["leaky_relu", "thresholded_relu"].contains(&a.function.as_str()) {
        return Err(Error::user("`param` is missing", "give the slope or threshold"));
    }
    Ok(Box::new(Activation {
        to: a.format.parse()?,
        from: a.input_format,
        table: format(a.table_format.as_deref(), "fixed<18,8>")?,
        shift: number(a.shift.unwrap_or(0.5), a.shift_format.as_deref(), "ufixed<2,0>")?,
        alpha: alpha.unwrap_or_default(),
        function: a.function,
        param,
        size,
    }))
}

impl Layer for Activation {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        let (x, own) = declared(g, x, self.from.as_deref())?;
        let clip = |low: i128, high: i128| Exact::Clip(Some(Fixed::new(low, 0)), Some(Fixed::new(high, 0)));
        let param = self.param.unwrap_or(Fixed::ONE);
        let y = match self.function.as_str() {
            "relu" => g.exact_step(x, Exact::Clip(Some(Fixed::ZERO), None))?,
            "relu6" => g.exact_step(x, clip(0, 6))?,
            "relu1" => g.exact_step(x, clip(0, 1))?,
            "sigmoid" => self.centred(g, x, 8, |x| f64::from((1.0 / f64::from(1.0 + exp(-x))) as f32))?,
            "tanh" => self.centred(g, x, 4, |x| libm::tanh(f64::from(x)))?,
            "softplus" => self.centred(g, x, 8, |x| f64::from(libm::log(f64::from(exp(x)) + 1.0) as f32))?,
            "softsign" => self.centred(g, x, 8, |x| f64::from((f64::from(x) / (f64::from(x.abs()) + 1.0)) as f32))?,
            "elu" => self.half(g, x, Fixed::ONE, param, |x| f64::from((f64::from(exp(x)) - 1.0) as f32))?,
            "selu" => {
                let lambda = assign(SCALE, &format(None, "ufixed<16,1>")?)?;
                let value = |x: f32| f64::from((SCALE * (ALPHA * (f64::from(exp(x)) - 1.0))) as f32);
                self.half(g, x, lambda, Fixed::ONE, value)?
            }
            "hard_sigmoid" => self.hard(g, x, param)?,
            "hard_tanh" => {
                let y = self.hard(g, x, param)?;
                let (two, minus_one) =
                    (g.constant(&[], vec![Fixed::new(2, 0)])?, g.constant(&[], vec![Fixed::new(-1, 0)])?);
                let y = g.mul(y, two)?;
                g.add(y, minus_one)?
            }
            "leaky_relu" => g.exact_step(x, Exact::Leaky(param))?,
            "thresholded_relu" => g.exact_step(x, Exact::Gate(param))?,
            "prelu" => self.prelu(g, x)?,
            "binary_tanh" => {
                let sign = Staircase { first: Fixed::new(-1, 0), steps: vec![(Fixed::ZERO, Fixed::ONE)] };
                g.steps(x, vec![sign])?
            }
            "ternary_tanh" => {
                // Twice the input, in the input's own format.
                let two = g.constant(&[], vec![Fixed::new(2, 0)])?;
                let twice = g.mul(x, two)?;
                let twice = cast(g, twice, &Quantization::plain(own))?;
                let above = |n: i128| Fixed::new((n << -own.lsb.min(0)) + 1, own.lsb.min(0));
                let steps = vec![(above(-1), Fixed::ZERO), (above(1), Fixed::ONE)];
                g.steps(twice, vec![Staircase { first: Fixed::new(-1, 0), steps }])?
            }
            _ => x,
        };
        cast(g, y, &self.to)
    }
}

const SCALE: f64 = 1.050_700_987_355_480_5;
const ALPHA: f64 = 1.673_263_242_354_377_3;

impl Activation {
    /// A table over `-half_range..half_range`.
    fn centred(&self, g: &mut Builder, x: Id, half_range: i128, function: impl Fn(f32) -> f64) -> Result<Id> {
        let size = i128::from(self.size);
        let factor = Fixed::new(size, -half_range.trailing_zeros().cast_signed() - 1);
        let index = Index { factor, offset: half_range * size / (2 * half_range), size };
        lookup(g, x, &index, centred(self.size, half_range as f64, function, &self.table)?)
    }

    /// `slope * x` from 0 on, and `factor` times a table over `-8..0` below.
    fn half(&self, g: &mut Builder, x: Id, slope: Fixed, factor: Fixed, function: impl Fn(f32) -> f64) -> Result<Id> {
        let at = |i: u32| (-8.0 * f64::from(i) / f64::from(self.size as f32)) as f32;
        let values = (0..self.size).map(|i| assign(function(at(i)), &self.table)).collect::<Result<Vec<_>>>()?;
        let zero = g.constant(&[], vec![Fixed::ZERO])?;
        let (positive, negative) = (g.max(x, zero)?, g.min(x, zero)?);
        // The first entry is 0, so the halves can be added.
        let index = Index { factor: Fixed::new(-i128::from(self.size), -3), offset: 0, size: i128::from(self.size) };
        let negative = lookup(g, negative, &index, values)?;
        let (slope, factor) = (g.constant(&[], vec![slope])?, g.constant(&[], vec![factor])?);
        let (positive, negative) = (g.mul(positive, slope)?, g.mul(negative, factor)?);
        g.add(positive, negative)
    }

    fn hard(&self, g: &mut Builder, x: Id, slope: Fixed) -> Result<Id> {
        let (slope, shift) = (g.constant(&[], vec![slope])?, g.constant(&[], vec![self.shift])?);
        let y = g.mul(x, slope)?;
        let y = g.add(y, shift)?;
        g.exact_step(y, Exact::Clip(Some(Fixed::ZERO), Some(Fixed::ONE)))
    }

    fn prelu(&self, g: &mut Builder, x: Id) -> Result<Id> {
        let shape = g.shape(x).to_vec();
        let count: usize = shape.iter().product();
        if self.alpha.len() != count && shape.last() != Some(&self.alpha.len()) {
            let what = format!("`alpha` has {} values, and the input shape {shape:?}", self.alpha.len());
            return Err(Error::user(what, "give a slope per element, or per element of the last axis"));
        }
        g.exact_leaky(x, &self.alpha, &shape)
    }
}
