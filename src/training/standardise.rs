//! Standardisation as a part of the network: features of any units go straight into the ports.
//!
//! Each feature has a format of its own, with so many fraction bits below the power of two that is nearest to its standard
//! deviation, and integer bits for all training samples. Behind it the feature is shifted by that power, which is wiring, and
//! its mean is subtracted, on the same grid: exact, and without a multiplication. Features then have means near 0 and
//! standard deviations from 0.7 to 1.4.

use super::data::Data;
use crate::error::{Error, Result};
use crate::network::{Layer, Network, Tensor};

/// The network behind its inputs' standardisation; one that has it already stays as it is.
///
/// # Errors
/// A feature is constant, or the network has not one input of features.
pub fn standardise(network: &Network, data: &Data, fraction: i32) -> Result<Network> {
    let [input] = network.inputs.as_slice() else {
        return Err(Error::user("the network has several inputs", "standardise the data before"));
    };
    if input.shape != [data.inputs.columns] {
        let what = format!("the input has shape {:?}, and samples {} features", input.shape, data.inputs.columns);
        return Err(Error::user(what, "features have one axis; images are not standardised"));
    }
    let [format, standard] = ["format", "standard"].map(|name| format!("{}_{name}", input.name));
    if network.layer(&standard).is_some() {
        return Ok(network.clone());
    }
    let features: Vec<Feature> = (0..data.inputs.columns).map(|at| Feature::of(data, at)).collect::<Result<_>>()?;
    let each = |value: &dyn Fn(&Feature) -> f64| Tensor::vector(features.iter().map(value).collect());
    let mut quantize =
        Layer::new(&*format, "quantize", vec![input.name.clone()]).with("rounding", "RND").with("overflow", "SAT");
    quantize.tensors.insert("signed".into(), each(&|feature| f64::from(u8::from(feature.low < 0.0))));
    quantize.tensors.insert("integer".into(), each(&|feature| f64::from(feature.integer())));
    quantize.tensors.insert("fraction".into(), each(&|feature| f64::from(fraction - feature.power)));
    let mut shift = Layer::new(&*standard, "scale_shift", vec![format]);
    shift.tensors.insert("scale".into(), each(&|feature| 2f64.powi(-feature.power)));
    let steps = 2f64.powi(fraction);
    shift
        .tensors
        .insert("shift".into(), each(&|feature| -(feature.mean * 2f64.powi(-feature.power) * steps).round() / steps));
    let mut network = network.clone();
    let own = network.inputs[0].name.clone();
    let readers = network.layers.iter_mut().flat_map(|layer| &mut layer.inputs);
    readers.filter(|name| **name == own).for_each(|name| name.clone_from(&standard));
    // Layers of an unlabelled order: these come first.
    network.layers.splice(0..0, [quantize, shift]);
    network.inputs[0].format = None;
    Ok(network)
}

/// What the training samples say of a feature.
struct Feature {
    low: f64,
    high: f64,
    mean: f64,
    /// The base-2 logarithm of its standard deviation, rounded.
    power: i32,
}

impl Feature {
    fn of(data: &Data, column: usize) -> Result<Feature> {
        let values = || (0..data.rows()).map(|row| data.inputs.row(row)[column]);
        let count = data.rows() as f64;
        let mean = values().sum::<f64>() / count;
        let variance = values().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count;
        let (low, high) = values().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        if low == high {
            let what = format!("feature {column} is {low} in all {} training samples", data.rows());
            return Err(Error::user(what, "leave it out: it says nothing; features count from 0"));
        }
        let power = variance.sqrt().log2().round() as i32;
        Ok(Feature { low, high, mean, power })
    }

    /// Integer bits, without the sign, that hold all samples.
    fn integer(&self) -> i32 {
        let size = self.high.abs().max(self.low.abs());
        size.log2().floor() as i32 + 1
    }
}
