//! A network that has formats, from any front end, as the beginning of a training that finds others.
//!
//! Its function is at first exactly what it was: each weight has the fraction bits that it needs, and some to spare, and each
//! quantized value its format. From there all of them are learned, as those of `learned` quantizers are.

use crate::error::{At, Error, Result};
use crate::fixed::{Overflow, Quantization};
use crate::network::{Layer, Network, Tensor};
use crate::quantizers::{self, learned::MOST};

/// Tensors of products.
const WEIGHTS: [&str; 2] = ["kernel", "bias"];
/// Tensors of a layer `quantize`.
const FORMATS: [&str; 3] = ["signed", "integer", "fraction"];

/// The network with all its formats learned; weights get so many fraction bits more than they need.
///
/// # Errors
/// A format has more bits than are learned.
pub fn learn(network: &Network, spare: i32) -> Result<Network> {
    let mut network = network.clone();
    for layer in &mut network.layers {
        let place = format!("layer `{}`", layer.name);
        match layer.kind.as_str() {
            "quantize" => format(layer).at(place)?,
            "dense" | "conv1d" | "conv2d" => weights(layer, spare),
            _ => (),
        }
    }
    Ok(network)
}

/// The weights that have no quantizer of their own.
fn weights(layer: &mut Layer, spare: i32) {
    for tensor in WEIGHTS {
        let quantizer = format!("{tensor}_quantizer");
        if layer.tensors.contains_key(tensor) && !layer.attributes.contains_key(&quantizer) {
            layer.attributes.insert(quantizer, format!("learned({spare},own=True)").into());
        }
    }
}

/// The format of a value: that of a call becomes the same of each element.
fn format(layer: &mut Layer) -> Result<()> {
    if let Some(text) = layer.attributes.get("format").and_then(serde_json::Value::as_str) {
        let Some(Quantization { format, rounding, overflow }) = quantizers::parse(text)?.activation()?.port() else {
            return Ok(());
        };
        if quantizers::parse(text)?.learned().is_some() || overflow == Overflow::SatZero {
            return Ok(());
        }
        let integer = format.integer() - i32::from(format.signed);
        let bits = [i32::from(format.signed), integer, -format.lsb];
        layer.attributes.remove("format");
        layer.attributes.insert("rounding".into(), rounding.to_string().into());
        layer.attributes.insert("overflow".into(), overflow.to_string().into());
        layer.tensors.extend(
            FORMATS.iter().zip(bits).map(|(name, bits)| (name.to_string(), Tensor::vector(vec![f64::from(bits)]))),
        );
    }
    let zero = layer.attributes.get("overflow").and_then(serde_json::Value::as_str) == Some("SAT_ZERO");
    if zero || FORMATS.iter().any(|name| !layer.tensors.contains_key(*name)) {
        return Ok(());
    }
    close(layer)?;
    layer.attributes.insert("learned".into(), true.into());
    Ok(())
}

/// Formats without bits, wherever their point is, are brought to where formats are learned.
fn close(layer: &mut Layer) -> Result<()> {
    let count = FORMATS.iter().map(|name| layer.tensors[*name].data.len()).max().unwrap_or(0);
    let at = |layer: &Layer, name: &str, e: usize| {
        let data = &layer.tensors[name].data;
        data[if data.len() == 1 { 0 } else { e.min(data.len() - 1) }]
    };
    let most = f64::from(MOST);
    let mut bits: [Vec<f64>; 3] = Default::default();
    for e in 0..count {
        let mut own = FORMATS.map(|name| at(layer, name, e));
        if own.iter().sum::<f64>() <= 0.0 {
            own = [0.0, most, -most];
        }
        if let Some(bits) = own.iter().find(|bits| bits.abs() > most) {
            let what = format!("a format has {bits} bits on a side of the point, and at most {MOST} are learned");
            return Err(Error::user(what, "train a network of smaller formats"));
        }
        bits.iter_mut().zip(own).for_each(|(all, own)| all.push(own));
    }
    let shapes = FORMATS.map(|name| layer.tensors[name].shape.clone());
    let shape = shapes.into_iter().max_by_key(|shape| shape.iter().product::<usize>()).unwrap_or_default();
    layer
        .tensors
        .extend(FORMATS.iter().zip(bits).map(|(name, data)| (name.to_string(), Tensor { shape: shape.clone(), data })));
    Ok(())
}
