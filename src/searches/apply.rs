//! A trial's network: the base with the chosen quantizers and widths.

use super::space::{Effect, RATES, Space};
use crate::costs::{Sizes, shape, sizes, weighted};
use crate::error::{At, Error, Result};
use crate::network::{Layer, Network, Tensor};
use crate::quantizers::{self, initial};
use crate::random::Random;
use std::collections::BTreeMap;

/// QKeras' own quantizers of a batch normalisation: the square root of the variance is then a shift.
const NORMALIZATION: [(&str, &str); 4] = [
    ("gamma_quantizer", "quantized_relu_po2(6,2048)"),
    ("beta_quantizer", "quantized_po2(5)"),
    ("mean_quantizer", "quantized_po2(5)"),
    ("variance_quantizer", "quantized_relu_po2(6,quadratic_approximation=True)"),
];

/// A network of the space, and the point of the learning rate.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// The network; its weights are the base's.
    pub network: Network,
    /// Which of [`RATES`] points, if it is chosen.
    pub rate: Option<usize>,
}

/// The network of some choices, an index for each parameter. Layers whose shapes change get zeros.
///
/// # Errors
/// The widths do not suit each other, as in a sum of two branches; the error names the layer.
pub fn apply(base: &Network, space: &Space, choices: &[usize]) -> Result<Applied> {
    let mut network = base.clone();
    let mut widths: BTreeMap<&str, f64> = BTreeMap::new();
    let mut rate = None;
    for (parameter, choice) in space.parameters.iter().zip(choices) {
        let missing = || Error::bug(format!("`{}` has no choice {choice}", parameter.name));
        let value = parameter.values.get(*choice).ok_or_else(missing)?;
        for effect in &parameter.effects {
            match effect {
                Effect::Attribute(layer, attribute) => set(&mut network, layer, attribute, value)?,
                Effect::Width(layer) => drop(widths.insert(layer, value.parse().unwrap_or(1.0))),
                Effect::Rate => rate = Some(*choice),
            }
        }
    }
    for name in &space.converted {
        for (attribute, call) in NORMALIZATION {
            set(&mut network, name, attribute, call)?;
        }
    }
    if widths.values().any(|factor| *factor != 1.0) {
        network = resized(&network, &widths)?;
    }
    Ok(Applied { network, rate })
}

/// The learning rate's factor: one of the points from `1 + min(0, (trial - reference) / reference)` to 1.1.
pub fn rate_factor(point: usize, trial: f64, reference: f64) -> f64 {
    let low = 1.0 + ((trial - reference) / reference).min(0.0);
    low + (1.1 - low) * point as f64 / (RATES - 1) as f64
}

fn set(network: &mut Network, name: &str, attribute: &str, value: &str) -> Result<()> {
    let layer = network.layers.iter_mut().find(|layer| layer.name == name);
    let layer = layer.ok_or_else(|| Error::bug(format!("there is no layer `{name}`")))?;
    if ["relu", "softmax"].contains(&layer.kind.as_str()) {
        layer.kind = "activation".into();
    }
    layer.attributes.insert(attribute.into(), value.into());
    Ok(())
}

/// The network with other widths; layers behind follow.
fn resized(network: &Network, widths: &BTreeMap<&str, f64>) -> Result<Network> {
    let old = sizes(network)?;
    let mut new: Sizes = network.inputs.iter().map(|input| (input.name.clone(), input.shape.clone())).collect();
    let mut resized = network.clone();
    for name in network.ordered()?.iter().map(|layer| layer.name.clone()) {
        let Some(layer) = resized.layers.iter_mut().find(|layer| layer.name == name) else { continue };
        let last = |sizes: &Sizes, layer: &Layer| {
            layer.inputs.first().and_then(|input| sizes.get(input)).and_then(|shape| shape.last().copied()).unwrap_or(1)
        };
        let (before, now) = (last(&old, layer), last(&new, layer));
        let factor = widths.get(name.as_str()).copied().unwrap_or(1.0);
        resize(layer, before, now, factor);
        new.insert(name.clone(), shape(layer, &new).at(format!("layer `{name}`"))?);
    }
    match network.outputs.iter().find(|output| old.get(*output) != new.get(*output)) {
        None => Ok(resized),
        Some(output) => {
            let what = format!("other widths change the shape of the output `{output}`");
            Err(Error::user(what, "name the last layer with weights in `tune_filters_exceptions`"))
        }
    }
}

/// Arrays for another number of channels read, `before` to `now`, and given.
fn resize(layer: &mut Layer, before: usize, now: usize, factor: f64) {
    let transposed = layer.kind.ends_with("_transpose");
    let own = |name: &str| layer.tensors.get(name).map(|tensor| tensor.shape.clone());
    let kernel = own("kernel").or_else(|| own("pointwise_kernel")).unwrap_or_default();
    // A depthwise kernel gives what it reads; transposed kernels have their outputs before their inputs.
    let width = match layer.kind.starts_with("depthwise") {
        true => None,
        false => kernel.iter().rev().nth(usize::from(transposed)).filter(|_| weighted(layer)),
    };
    let gives = width.map(|width| ((*width as f64 * factor) as usize).max(1));
    let between = now * own("depthwise_kernel").and_then(|shape| shape.last().copied()).unwrap_or(1);
    for (name, tensor) in &mut layer.tensors {
        let mut shape = tensor.shape.clone();
        let rank = shape.len();
        match (name.as_str(), gives) {
            ("kernel" | "pointwise_kernel", Some(width)) if rank > 1 => {
                let (reads, gives) = if transposed { (rank - 1, rank - 2) } else { (rank - 2, rank - 1) };
                (shape[reads], shape[gives]) = (between, width);
            }
            ("bias", Some(width)) if rank == 1 => shape[0] = width,
            ("kernel" | "depthwise_kernel", _) if rank > 1 => shape[rank - 2] = now,
            _ if rank == 1 && shape[0] == before => shape[0] = now,
            _ => {}
        }
        if shape != tensor.shape {
            let count = shape.iter().product();
            *tensor = Tensor { shape, data: vec![0.0; count] };
        }
    }
    for attribute in ["units", "filters"] {
        if let (Some(value), Some(width)) = (layer.attributes.get_mut(attribute), gives) {
            *value = width.into();
        }
    }
}

/// The network with fresh weights: kernels as [`quantizers::initial`] draws them, biases 0, normalisations that do
/// nothing. Arrays of layers that `keeps` their weights stay, unless they are all 0.
///
/// # Errors
/// A quantizer has no use for weights.
pub fn fresh(network: &Network, seed: u64, keeps: &dyn Fn(&str) -> bool) -> Result<Network> {
    let mut network = network.clone();
    let mut random = Random::new(seed);
    for layer in &mut network.layers {
        let keep = keeps(&layer.name);
        let attributes = &layer.attributes;
        for (name, tensor) in &mut layer.tensors {
            if keep && tensor.data.iter().any(|value| *value != 0.0) {
                continue;
            }
            let rank = tensor.shape.len();
            match name.as_str() {
                "kernel" | "depthwise_kernel" | "pointwise_kernel" | "recurrent_kernel" if rank > 1 => {
                    let attribute = format!("{}_quantizer", name.trim_end_matches("_kernel"));
                    let quantizer = attributes.get(&attribute).and_then(serde_json::Value::as_str);
                    let quantizer =
                        quantizer.map(quantizers::parse).transpose().at(format!("layer `{}`", layer.name))?;
                    *tensor = initial::kernel(&tensor.shape, quantizer.as_deref(), &mut random)?;
                }
                "bias" | "beta" | "mean" => tensor.data.fill(0.0),
                "gamma" | "variance" => tensor.data.fill(1.0),
                _ => {}
            }
        }
    }
    Ok(network)
}
