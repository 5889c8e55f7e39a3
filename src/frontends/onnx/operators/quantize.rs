//! Quantizers: QONNX' `Quant` (`IntQuant`), `BipolarQuant`, `Trunc` and `MultiThreshold`, and ONNX' `QuantizeLinear` with
//! `DequantizeLinear`.
//!
//! `Quant`: `q = clip(round(x / scale + zero), low, high)`, `y = (q - zero) * scale`. `QuantizeLinear` rounds before it adds the
//! zero point, so that `y = clip(round(x / scale), low - zero, high - zero) * scale`. Divisions and products are float32.

use super::super::constant::{Codes, Constant, Kind};
use super::super::graph::{Graph, Pending, Tensor, Value, against, axis, undequantized};
use super::super::node::Node;
use super::Operator;
use super::fold::{broadcast, spread};
use crate::error::{At, Error, Result};
use std::rc::Rc;

/// The family.
pub const OPERATORS: &[(&str, Operator)] = &[
    ("Quant", quant),
    ("IntQuant", quant),
    ("BipolarQuant", bipolar),
    ("Trunc", trunc),
    ("MultiThreshold", multi_threshold),
    ("QuantizeLinear", quantize_linear),
    ("DequantizeLinear", dequantize_linear),
];

/// The widest integers of a quantizer.
const MOST_BITS: f64 = 48.0;

/// What a quantizer does to numbers.
struct Quantizer {
    scale: Rc<Constant>,
    zero: Option<Rc<Constant>>,
    low: f64,
    high: f64,
    rounding: String,
}

fn quant(g: &mut Graph, node: &Node) -> Result<()> {
    let bits = bits(&*g.required(node, 3)?)?;
    let (signed, narrow) = (node.integer("signed", 1) != 0, node.integer("narrow", 1) != 0);
    let rounding = node.text("rounding_mode", "ROUND").to_uppercase();
    let quantizer = Quantizer {
        scale: scale(g, node, 1)?,
        zero: zero(g.constant(node, 2)?),
        low: if signed { -(bits - 1.0).exp2() + f64::from(u8::from(narrow)) } else { 0.0 },
        high: if signed { (bits - 1.0).exp2() - 1.0 } else { bits.exp2() - 1.0 - f64::from(u8::from(narrow)) },
        rounding: if rounding == "HALF_EVEN" { "ROUND".into() } else { rounding },
    };
    // One signed bit is a sign, in QONNX' executor and in Brevitas.
    let quantizer = match (bits, signed) {
        (1.0, true) => Quantizer { low: -1.0, high: 1.0, rounding: "SIGN".into(), ..quantizer },
        _ => quantizer,
    };
    apply(g, node, quantizer)
}

fn bipolar(g: &mut Graph, node: &Node) -> Result<()> {
    let scale = scale(g, node, 1)?;
    apply(g, node, Quantizer { scale, zero: None, low: -1.0, high: 1.0, rounding: "SIGN".into() })
}

/// The one number of bits.
fn bits(constant: &Constant) -> Result<f64> {
    match constant.data.as_slice() {
        [bits, rest @ ..]
            if bits.fract() == 0.0 && (1.0..=MOST_BITS).contains(bits) && rest.iter().all(|other| other == bits) =>
        {
            Ok(*bits)
        }
        other => {
            let shown = &other[..other.len().min(4)];
            let help = format!("give one number of bits, from 1 to {MOST_BITS}");
            Err(Error::user(format!("the bit width is {shown:?}"), help))
        }
    }
}

/// A constant scale, positive.
fn scale(g: &Graph, node: &Node, index: usize) -> Result<Rc<Constant>> {
    let scale = g.required(node, index)?;
    match scale.data.iter().find(|value| !value.is_finite() || **value <= 0.0) {
        None if !scale.data.is_empty() => Ok(scale),
        None => Err(Error::user("the scale has no elements", "the file is damaged; export it again")),
        Some(value) => Err(Error::user(format!("a scale is {value}"), "scales are positive; train the network again")),
    }
}

/// A zero point that is not zero.
fn zero(constant: Option<Rc<Constant>>) -> Option<Rc<Constant>> {
    constant.filter(|constant| constant.data.iter().any(|value| *value != 0.0))
}

/// Quantizes a constant, or adds a layer.
fn apply(g: &mut Graph, node: &Node, quantizer: Quantizer) -> Result<()> {
    match g.value(node, 0)? {
        Value::Constant(x) => {
            let folded = quantizer.fold(&x)?;
            g.folds(node, folded)
        }
        Value::Tensor(x) => {
            let y = quantizer.layer(g, node, &x)?;
            g.gives(node, y)
        }
        Value::Pending(_) => Err(undequantized()),
    }
}

impl Quantizer {
    fn fold(&self, x: &Constant) -> Result<Constant> {
        let mut dims = broadcast(&x.dims, &self.scale.dims)?;
        if let Some(zero) = &self.zero {
            dims = broadcast(&dims, &zero.dims)?;
        }
        let value = spread(&x.dims, &dims).into_iter().map(|e| x.data[e] as f32);
        let scale: Vec<f32> = spread(&self.scale.dims, &dims).into_iter().map(|e| self.scale.data[e] as f32).collect();
        let zero: Vec<f32> = match &self.zero {
            Some(zero) => spread(&zero.dims, &dims).into_iter().map(|e| zero.data[e] as f32).collect(),
            None => vec![0.0; scale.len()],
        };
        let mut codes = Vec::with_capacity(scale.len());
        for (e, x) in value.enumerate() {
            let q = (x / scale[e] + zero[e]).clamp(self.low as f32, self.high as f32);
            codes.push(f64::from(round(&self.rounding, q)? - zero[e]));
        }
        Ok(coded(dims, codes, scale))
    }

    fn layer(&self, g: &mut Graph, node: &Node, x: &Tensor) -> Result<Tensor> {
        let (scale, shape) = against(&self.scale, x).at("scale")?;
        if shape != x.shape {
            return Err(Error::user("its scale has more axes or elements than its input", "export the model again"));
        }
        round(&self.rounding, 0.0)?;
        let mut layer = g.layer(node, "quant", &[x]).with("low", self.low as i64).with("high", self.high as i64);
        if self.rounding != "ROUND" {
            layer = layer.with("rounding", self.rounding.clone());
        }
        layer = layer.with_tensor("scale", scale);
        if let Some(zero) = &self.zero {
            layer = layer.with_tensor("zero_point", against(zero, x).at("zero point")?.0);
        }
        Ok(g.elementwise(x, layer))
    }
}

/// Quantized values with their codes.
fn coded(dims: Vec<usize>, codes: Vec<f64>, scale: Vec<f32>) -> Constant {
    let data = codes.iter().zip(&scale).map(|(code, scale)| f64::from(*code as f32 * scale)).collect();
    Constant { codes: Some(Codes { codes, scale }), ..Constant::float(dims, data) }
}

/// QONNX' rounding modes, as its executor computes them.
fn round(mode: &str, x: f32) -> Result<f32> {
    let sign = if x == 0.0 { 0.0 } else { x.signum() };
    Ok(match mode {
        "ROUND" => x.round_ties_even(),
        "CEIL" => x.ceil(),
        "FLOOR" => x.floor(),
        "UP" => sign * x.abs().ceil(),
        "DOWN" | "ROUND_TO_ZERO" => x.trunc(),
        "HALF_UP" => sign * (x.abs() + 0.5).floor(),
        "HALF_DOWN" => sign * (x.abs() - 0.5).ceil(),
        "SIGN" => {
            if x >= 0.0 {
                1.0
            } else {
                -1.0
            }
        }
        _ => {
            let help = "known: ROUND, HALF_EVEN, CEIL, FLOOR, UP, DOWN, ROUND_TO_ZERO, HALF_UP, HALF_DOWN";
            return Err(Error::user(format!("`rounding_mode` is {mode}"), help));
        }
    })
}

fn trunc(g: &mut Graph, node: &Node) -> Result<()> {
    let x = g.tensor(node, 0)?;
    let scale = scale(g, node, 1)?;
    let from = bits(&*g.required(node, 3)?)?;
    let rounding = node.text("rounding_mode", "FLOOR").to_uppercase();
    round(&rounding, 0.0)?;
    let second = node.input(5).is_some();
    let to = bits(&*g.required(node, if second { 5 } else { 4 })?)?;
    let one = |constant: &Constant| {
        let help = "truncate with one scale for the whole tensor";
        constant.scalar().ok_or_else(|| Error::user("its scale or zero point has several elements", help))
    };
    let size = one(&scale)?;
    let zero = zero(g.constant(node, 2)?).map_or(Ok(0.0), |zero| one(&zero))?;
    let mut layer = g.layer(node, "trunc", &[&x]).with("scale", size);
    let shift = match second {
        false => {
            layer = layer.with("out_scale", size);
            from - to
        }
        true => {
            let out = one(&*g.required(node, 4)?)?;
            let (signed, narrow) =
                (node.integer("signed", 1) != 0, f64::from(u8::from(node.integer("narrow", 0) != 0)));
            let low = if signed { -(to - 1.0).exp2() + narrow } else { 0.0 };
            let high = if signed { (to - 1.0).exp2() - 1.0 } else { to.exp2() - 1.0 - narrow };
            layer = layer.with("out_scale", out).with("low", low as i64).with("high", high as i64);
            (out as f32 / size as f32).log2().round_ties_even() as f64
        }
    };
    if !(0.0..=MOST_BITS).contains(&shift) {
        return Err(Error::user(format!("it drops {shift} bits"), "truncation drops no fewer than 0 bits"));
    }
    if zero != 0.0 {
        return Err(Error::user("its zero point is not 0", "truncate with a zero point of 0"));
    }
    layer = layer.with("shift", shift as i64).with("rounding", rounding);
    let y = g.elementwise(&x, layer);
    g.gives(node, y)
}

fn multi_threshold(g: &mut Graph, node: &Node) -> Result<()> {
    let x = g.tensor(node, 0)?;
    let thresholds = g.required(node, 1)?;
    let [channels, _] = thresholds.dims[..] else {
        let what = format!("the thresholds have shape {:?}", thresholds.dims);
        return Err(Error::user(what, "thresholds have shape [channels, steps]"));
    };
    // Without a layout, qonnx takes three axes for [samples, steps, channels].
    let layout = node.text("data_layout", "");
    let channel = layout.find('C').unwrap_or(if layout.is_empty() && x.rank() == 3 { 2 } else { 1 });
    let x = match (channels, channel) {
        (1, _) => x,
        (_, 1) => g.channels_last(&x)?,
        (_, last) if last + 1 == x.rank() => g.plain(&x)?,
        _ => {
            let what = format!("`data_layout` is {layout}, of a tensor of shape {:?}", x.shape);
            return Err(Error::user(what, "channels are the second axis or the last"));
        }
    };
    if channels != 1 && x.shape.get(channel) != Some(&channels) {
        let what = format!("thresholds of {channels} channels for a tensor of shape {:?}", x.shape);
        return Err(Error::user(what, "give one row of thresholds per channel, or one for all"));
    }
    let array = crate::network::Tensor::new(thresholds.dims.clone(), thresholds.data.clone()).at("thresholds")?;
    let layer = g
        .layer(node, "multi_threshold", &[&x])
        .with("out_scale", f64::from(node.float("out_scale", 1.0)))
        .with("out_bias", f64::from(node.float("out_bias", 0.0)))
        .with_tensor("thresholds", array);
    let y = g.elementwise(&x, layer);
    g.gives(node, y)
}

fn quantize_linear(g: &mut Graph, node: &Node) -> Result<()> {
    node.only("block_size", 0, "quantize per tensor or per channel")?;
    let scale = scale(g, node, 1)?;
    let zero_point = g.constant(node, 2)?;
    let typed = match node.integer("output_dtype", 0) {
        0 | 2 => (0.0, 255.0),
        3 => (-128.0, 127.0),
        4 => (0.0, 65535.0),
        5 => (-32768.0, 32767.0),
        21 => (0.0, 15.0),
        22 => (-8.0, 7.0),
        other => {
            let what = format!("`output_dtype` is number {other} of ONNX");
            return Err(Error::user(what, "quantize to integers of 4, 8 or 16 bits"));
        }
    };
    let bounds = zero_point.as_ref().and_then(|zero| zero.bounds).unwrap_or(typed);
    let zero = zero(zero_point);
    match g.value(node, 0)? {
        Value::Tensor(x) => {
            let pending = Pending { x, scale, zero, axis: node.integer("axis", 1), bounds };
            g.result(node, 0, Value::Pending(Rc::new(pending)));
            Ok(())
        }
        Value::Constant(x) => {
            let (scale, zero) = aligned(&scale, zero.as_deref(), node.integer("axis", 1), x.dims.len())?;
            let (s, z) = (spread_to(&scale, &x.dims)?, zero.map(|zero| spread_to(&zero, &x.dims)).transpose()?);
            let code = |e: usize| {
                let q = f64::from((x.data[e] as f32 / s[e] as f32).round_ties_even());
                (q + z.as_ref().map_or(0.0, |z| z[e])).clamp(bounds.0, bounds.1)
            };
            let data = (0..x.data.len()).map(code).collect();
            let dims = x.dims.clone();
            g.folds(node, Constant { dims, data, kind: Kind::Integer, codes: None, bounds: Some(bounds) })
        }
        Value::Pending(_) => Err(undequantized()),
    }
}

/// A scale and a zero point of one axis, as they broadcast along `along`.
fn aligned(scale: &Constant, zero: Option<&Constant>, along: i64, rank: usize) -> Result<(Constant, Option<Constant>)> {
    let align = |c: &Constant| -> Result<Constant> {
        if c.dims.len() != 1 || c.data.len() == 1 {
            return Ok(c.reshaped(if c.data.len() == 1 { Vec::new() } else { c.dims.clone() }));
        }
        let along = axis(along, rank)?;
        Ok(c.reshaped((0..rank).map(|axis| if axis == along { c.data.len() } else { 1 }).collect()))
    };
    Ok((align(scale)?, zero.map(align).transpose()?))
}

fn spread_to(c: &Constant, dims: &[usize]) -> Result<Vec<f64>> {
    if broadcast(&c.dims, dims)? != dims {
        let what = format!("a scale of shape {:?} for a tensor of shape {dims:?}", c.dims);
        return Err(Error::user(what, "give one scale, or one per channel"));
    }
    Ok(spread(&c.dims, dims).into_iter().map(|e| c.data[e]).collect())
}

fn dequantize_linear(g: &mut Graph, node: &Node) -> Result<()> {
    node.only("block_size", 0, "quantize per tensor or per channel")?;
    let scale = scale(g, node, 1)?;
    let zero = zero(g.constant(node, 2)?);
    let along = node.integer("axis", 1);
    match g.value(node, 0)? {
        Value::Constant(x) => {
            let (scale, zero) = aligned(&scale, zero.as_deref(), along, x.dims.len())?;
            let scale = spread_to(&scale, &x.dims)?.into_iter().map(|scale| scale as f32).collect();
            let zero = zero.map(|zero| spread_to(&zero, &x.dims)).transpose()?;
            let code = |e: usize| x.data[e] - zero.as_ref().map_or(0.0, |zero| zero[e]);
            let codes = (0..x.data.len()).map(code).collect();
            g.folds(node, coded(x.dims.clone(), codes, scale))
        }
        Value::Pending(pending) => {
            let same = |a: &Option<Rc<Constant>>, b: &Option<Rc<Constant>>| {
                a.as_ref().map(|c| &c.data) == b.as_ref().map(|c| &c.data)
            };
            if pending.scale.data != scale.data || !same(&pending.zero, &zero) {
                let help = "give QuantizeLinear and DequantizeLinear the same scale and zero point";
                return Err(Error::user("its scale or zero point is not that of its QuantizeLinear", help));
            }
            let (scale, zero) = aligned(&scale, zero.as_deref(), pending.axis, pending.x.rank())?;
            let zero = zero.map_or(Some(0.0), |zero| {
                zero.data.first().copied().filter(|first| zero.data.iter().all(|other| other == first))
            });
            let zero =
                zero.ok_or_else(|| Error::user("its zero points differ", "use one zero point for all channels"))?;
            let (low, high) = (pending.bounds.0 - zero, pending.bounds.1 - zero);
            let quantizer = Quantizer { scale: Rc::new(scale), zero: None, low, high, rounding: "ROUND".into() };
            let y = quantizer.layer(g, node, &pending.x)?;
            g.gives(node, y)
        }
        Value::Tensor(x) => {
            let (scale, zero) = aligned(&scale, zero.as_deref(), along, x.rank())?;
            let x = match zero {
                Some(zero) => {
                    let layer = g.layer(node, "subtract", &[&x]).with_tensor("constant", against(&zero, &x)?.0);
                    g.elementwise(&x, layer)
                }
                None => x,
            };
            let layer = g.layer(node, "multiply", &[&x]).with_tensor("constant", against(&scale, &x)?.0);
            let y = g.elementwise(&x, layer);
            g.gives(node, y)
        }
    }
}
