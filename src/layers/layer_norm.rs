//! `layer_norm`: `(x - mean) / sqrt(variance + epsilon) * gamma + beta` over the last axis, in hls4ml's fixed-point form
//! (`nnet_layernorm.h`, 1.x).
//!
//! Sums, mean, differences, squares and variance are each cast to `accumulator_format`, the mean as `sum * (1 / n)` in that
//! format; `1 / sqrt` is a table of `table_size` (1024) entries of `table_format` over variances from 0 to
//! `2^-table_range_power2` (0), shifted by `epsilon`, a power of ten (0.001). The last product and sum are exact, and cast to
//! `format`. Tensors `gamma` and `beta`, each optional, with `gamma_quantizer` and `beta_quantizer`.

use super::attributes::{attributes, axis, floats, one, tensors};
use super::hls4ml::{Index, Order, assign, cast, format, lookup, sum};
use super::{Layer, Make};
use crate::error::{At, Error, Result};
use crate::fixed::{Fixed, Quantization};
use crate::network::{self, Tensor};
use crate::quantizers::{self, Role};
use crate::registry::Entry;
use crate::tensor::{Builder, Id};
use serde::Deserialize;

/// The entry.
pub const LAYER: Entry<Make> =
    Entry { name: "layer_norm", doc: "normalisation over the last axis, in hls4ml's fixed-point form", make };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    axis: Option<i64>,
    epsilon: Option<f64>,
    format: String,
    accumulator_format: String,
    table_format: Option<String>,
    table_size: Option<u32>,
    table_range_power2: Option<i32>,
    gamma_quantizer: Option<String>,
    beta_quantizer: Option<String>,
}

struct LayerNorm {
    axis: i64,
    to: Quantization,
    accumulator: Quantization,
    table: Vec<Fixed>,
    range: i32,
    gamma: Option<Vec<Fixed>>,
    beta: Option<Vec<Fixed>>,
}

fn make(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    // As a float model has it.
    if ["format", "accumulator_format"].iter().any(|name| !layer.attributes.contains_key(*name)) {
        let what = "has no formats in which to normalise: float32 rounds the mean and the root in an order of its own";
        let help = "write the network with `nanotrig import MODEL -o MODEL.toml`, and give the layer `format` and `accumulator_format`";
        return Err(Error::user(what, help));
    }
    let a: Attributes = attributes(layer)?;
    let mut found = tensors(layer, &[], &["gamma", "beta"])?;
    let (beta, gamma) = (found.pop().flatten(), found.pop().flatten());
    let (size, range) = (a.table_size.unwrap_or(1024), a.table_range_power2.unwrap_or(0));
    if !(2..=1 << 16).contains(&size) || !(-16..=16).contains(&range) {
        let what = format!("`table_size` is {size} and `table_range_power2` {range}");
        return Err(Error::user(what, "give 2 to 65536 entries, and a range power from -16 to 16"));
    }
    let epsilon = a.epsilon.unwrap_or(1e-3);
    let power = -epsilon.log10().round();
    if !(0.0..=12.0).contains(&power) || (10f64.powf(-power) - epsilon).abs() > 1e-6 * epsilon {
        return Err(Error::user(
            format!("`epsilon` is {epsilon}"),
            "hls4ml's table takes a power of ten, such as 0.001",
        ));
    }
    let table = format(a.table_format.as_deref(), "fixed<18,8>")?;
    let (least, step) = (10f64.powf(-power) as f32, 2f32.powi(-range) / size as f32);
    let entry = |i: u32| assign(1.0 / f64::from((least + step * i as f32).sqrt()), &table);
    Ok(Box::new(LayerNorm {
        axis: a.axis.unwrap_or(-1),
        to: a.format.parse()?,
        accumulator: a.accumulator_format.parse()?,
        table: (0..size).map(entry).collect::<Result<_>>()?,
        range,
        gamma: parameters(gamma, a.gamma_quantizer.as_deref()).at("gamma")?,
        beta: parameters(beta, a.beta_quantizer.as_deref()).at("beta")?,
    }))
}

/// Parameters as exact numbers.
fn parameters(tensor: Option<Tensor>, quantizer: Option<&str>) -> Result<Option<Vec<Fixed>>> {
    let Some(tensor) = tensor else { return Ok(None) };
    let Some(call) = quantizer else {
        let exact: Option<Vec<Fixed>> = floats(&tensor)?.iter().map(|x| Fixed::from_f64(f64::from(*x))).collect();
        return Ok(exact);
    };
    let codes = quantizers::parse(call)?.parameter(&tensor, Role::Other)?;
    match codes.scale[..] {
        [1.0] => Ok(Some(codes.codes)),
        _ => Err(Error::user("its quantizer has a scale", "use a fixed-point format")),
    }
}

impl Layer for LayerNorm {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        let x = g.exact(x)?;
        let shape = g.shape(x).to_vec();
        if axis(self.axis, shape.len())? + 1 != shape.len() {
            return Err(Error::user("a layer_norm is over the last axis only", "transpose its input"));
        }
        let count = shape[shape.len() - 1];
        let own = |list: &Option<Vec<Fixed>>| list.as_ref().is_some_and(|list| list.len() != count);
        if own(&self.gamma) || own(&self.beta) {
            return Err(Error::user(
                format!("`gamma` or `beta` has not {count} values"),
                "give one per element of the last axis",
            ));
        }
        let accumulator = &self.accumulator;
        let inverse = g.constant(&[], vec![assign(1.0 / count as f64, accumulator)?])?;
        let x = cast(g, x, accumulator)?;
        let total = sum(g, x, accumulator, Order::Sequential)?;
        let mean = g.mul(total, inverse)?;
        let mean = cast(g, mean, accumulator)?;
        let minus_one = g.constant(&[], vec![Fixed::new(-1, 0)])?;
        let mean = g.mul(mean, minus_one)?;
        let difference = g.add(x, mean)?;
        let difference = cast(g, difference, accumulator)?;
        let square = g.mul(difference, difference)?;
        let square = cast(g, square, accumulator)?;
        let total = sum(g, square, accumulator, Order::Sequential)?;
        let variance = g.mul(total, inverse)?;
        let variance = cast(g, variance, accumulator)?;
        let size = self.table.len() as i128;
        let index = Index { factor: Fixed::new(size, self.range), offset: 0, size };
        let factor = lookup(g, variance, &index, self.table.clone())?;
        let mut y = g.mul(difference, factor)?;
        if let Some(gamma) = &self.gamma {
            let gamma = g.constant(&[count], gamma.clone())?;
            y = g.mul(y, gamma)?;
        }
        if let Some(beta) = &self.beta {
            let beta = g.constant(&[count], beta.clone())?;
            y = g.add(y, beta)?;
        }
        cast(g, y, &self.to)
    }
}
