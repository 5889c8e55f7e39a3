//! HGQ, for Keras 2: weights and pre-activations with a number of fraction bits for each element.
//!
//! At inference `q(x) = floor(x * 2^f + 1/2) * 2^-f`, or without the half for the strategy `floor`, where `f` is
//! the stored number of bits, clipped to `bw_clip` and rounded half to even. Nothing overflows: the integer bits are chosen later, from traced
//! extremes that are not in the file. So an input needs a format (`--input-format`), and every other width follows. The bias has the finest
//! bits of its channel. Batch normalisation is fused before the weights are quantized. Source: HGQ 0.2.6, run and compared.

use super::super::super::json::{field, integer, list, number, optional, string};
use super::super::architecture::Node;
use super::super::builder::{Arrays, Builder};
use super::config::{per_axis, truth};
use super::core::push_activation;
use super::{Class, find};
use crate::error::{At, Error, Result};
use crate::network::{Layer, Tensor};
use serde_json::Value;

/// This family.
pub const CLASSES: &[Class] = &[
    ("HDense", |b, node| product(b, node, "dense", 0)),
    ("HDenseBatchNorm", |b, node| product(b, node, "dense", 0)),
    ("HConv1D", |b, node| product(b, node, "conv1d", 1)),
    ("HConv1DBatchNorm", |b, node| product(b, node, "conv1d", 1)),
    ("HConv2D", |b, node| product(b, node, "conv2d", 2)),
    ("HConv2DBatchNorm", |b, node| product(b, node, "conv2d", 2)),
    ("HBatchNormalization", normalization),
    ("HQuantize", |b, node| quantize(b, node, false)),
    ("HActivation", |b, node| {
        push_activation(b, node, "activation")?;
        quantize(b, node, true)
    }),
    ("HAdd", |b, node| {
        let sum = b.layer(node, "add");
        let name = b.fresh(&format!("{}_sum", node.name));
        b.push(Layer { name, ..sum });
        quantize(b, node, false)
    }),
    ("Signature", super::core::identity),
    ("PReshape", |b, node| find("Reshape")?(b, node)),
    ("PFlatten", |b, node| find("Flatten")?(b, node)),
    ("PConcatenate", |b, node| find("Concatenate")?(b, node)),
    ("PMaxPooling1D", |b, node| find("MaxPooling1D")?(b, node)),
    ("PMaxPooling2D", |b, node| find("MaxPooling2D")?(b, node)),
    ("PAveragePooling1D", |b, node| find("AveragePooling1D")?(b, node)),
    ("PAveragePooling2D", |b, node| find("AveragePooling2D")?(b, node)),
    ("PDropout", super::core::identity),
    ("PPermute", |b, node| find("Permute")?(b, node)),
];

/// The stored bits as they are used.
fn bits(config: &Value, stored: &Tensor) -> Result<Tensor> {
    let clip = |value: &Value| match list(value)?.as_slice() {
        [low, high] => Ok((integer(low)? as f64, integer(high)? as f64)),
        _ => Err(Error::user("is not two numbers", "write the model again")),
    };
    let clip = optional(config, "bw_clip", clip)?;
    let (low, high) = clip.filter(|(low, high)| low <= high).unwrap_or((-127.0, 127.0));
    let data = stored.data.iter().map(|bits| bits.clamp(low, high).round_ties_even()).collect();
    Tensor::new(stored.shape.clone(), data)
}

/// Does the quantizer round down, rather than to nearest? `covered`: a bias can take the half that rounding adds.
fn floors(config: &Value, covered: bool) -> Result<bool> {
    Ok(match config.get("rnd_strategy") {
        Some(Value::String(name)) if name == "floor" => true,
        Some(Value::String(name)) if name == "auto" => !covered,
        Some(Value::Number(number)) => number.as_i64() == Some(3),
        _ => false,
    })
}

/// Weights, in HGQ's float32 arithmetic.
fn rounded(values: &Tensor, bits: impl Fn(usize) -> f64, floor: bool) -> Tensor {
    let one = |(at, value): (usize, &f64)| {
        let scale = (bits(at) as f32).exp2();
        let half = if floor { 0.0 } else { 0.5 };
        f64::from((*value as f32 * scale + half).floor() / scale)
    };
    Tensor { shape: values.shape.clone(), data: values.data.iter().enumerate().map(one).collect() }
}

/// The element of a smaller shape that stands for one of a larger shape of the same rank.
fn spread(at: usize, shape: &[usize], small: &[usize]) -> usize {
    let (mut rest, mut stride, mut index) = (at, 1, 0);
    for (length, own) in shape.iter().zip(small).rev() {
        index += (rest % length).min(own - 1) * stride;
        (rest, stride) = (rest / length, stride * own);
    }
    index
}

fn push_grid(b: &mut Builder, layer: Layer, bits: &Tensor, floor: bool) -> Result<()> {
    let [1, shape @ ..] = bits.shape.as_slice() else {
        let what = format!("bits of shape {:?} differ from sample to sample", bits.shape);
        return Err(Error::user(what, "skip the axis of the samples"));
    };
    let fraction = Tensor { shape: shape.to_vec(), data: bits.data.clone() };
    b.push(layer.with("rounding", if floor { "TRN" } else { "RND" }).with_tensor("fraction", fraction));
    Ok(())
}

/// A quantizer alone, or behind a function or a sum.
fn quantize(b: &mut Builder, node: &Node, standard: bool) -> Result<()> {
    let stored = b.arrays(node, &["activation_bw"])?;
    let config = node.config.get("paq_conf").unwrap_or(&Value::Null);
    let bits = bits(config, &stored["activation_bw"])?;
    let floor = floors(config, standard)?;
    let layer = b.layer(node, "quantize");
    push_grid(b, layer, &bits, floor)
}

/// A matrix product or convolution: weights, pre-activation quantizer, activation.
fn product(b: &mut Builder, node: &Node, kind: &str, axes: usize) -> Result<()> {
    let biased = truth(&node.config, "use_bias", true)?;
    let normalised = node.class.ends_with("BatchNorm");
    let mut names = vec!["kernel", "kernel_bw", "activation_bw"];
    names.extend(biased.then_some("bias"));
    // HGQ does not save whether its batch normalisations center and scale; their arrays tell.
    let stored = b.weights().named(&node.place)?;
    let has = |name: &str| stored.iter().any(|(path, _)| path.last().is_some_and(|last| last == name));
    let center = normalised && biased && has("bn_beta");
    let scale = normalised && has("bn_gamma");
    names.extend(center.then_some(["bn_beta", "moving_mean"]).into_iter().flatten());
    names.extend(scale.then_some(["bn_gamma", "moving_variance"]).into_iter().flatten());
    let mut arrays = b.arrays(node, &names)?;
    fuse(&mut arrays, &node.config, center, scale)?;
    let (kernel_config, config) = (&node.config["kq_conf"], &node.config["paq_conf"]);
    let (kernel, stored) = (&arrays["kernel"], bits(kernel_config, &arrays["kernel_bw"])?);
    let fits = |(own, length): (&usize, &usize)| *own == 1 || own == length;
    if stored.shape.len() != kernel.shape.len() || !stored.shape.iter().zip(&kernel.shape).all(fits) {
        return Err(super::config::mismatch("kernel_bw", &stored.shape, &format!("one that fits {:?}", kernel.shape)));
    }
    let at = |at: usize| stored.data[spread(at, &kernel.shape, &stored.shape)];
    let kernel = rounded(kernel, at, floors(kernel_config, true)?);
    let bits = bits(config, &arrays["activation_bw"]).at("activation_bw")?;
    let last = bits.shape.last().copied().unwrap_or(1);
    let count: usize = bits.shape.iter().product();
    let covered = biased && (count == 1 || (count == last && arrays["bias"].shape == [last]));
    let floor = floors(config, covered)?;
    let name = b.fresh(&format!("{}_sum", node.name));
    let mut layer = Layer { name, ..b.layer(node, kind) }.with_tensor("kernel", kernel);
    if axes > 0 {
        layer = windowed(node, layer, axes)?;
    }
    if biased {
        // The finest of each channel.
        let finest = |channel: usize| {
            let own = bits.data.iter().skip(channel % last).step_by(last);
            own.copied().fold(f64::NEG_INFINITY, f64::max)
        };
        layer = layer.with_tensor("bias", rounded(&arrays["bias"], finest, floor));
    }
    b.push(layer);
    let layer = b.layer(node, "quantize");
    push_grid(b, layer, &bits, floor)?;
    push_activation(b, node, "activation")
}

/// `HBatchNormalization`: `paq(kq(k) x + paq(beta - mean / k))`, where `k = gamma / sqrt(variance + epsilon)`. HGQ 0.2.6 divides the
/// mean by `k`, where a batch normalisation multiplies, and so its firmware does as well.
fn normalization(b: &mut Builder, node: &Node) -> Result<()> {
    let stored = b.weights().named(&node.place)?;
    let has = |name: &str| stored.iter().any(|(path, _)| path.last().is_some_and(|last| last == name));
    let mut names = vec!["kernel_bw", "activation_bw"];
    names.extend(["bn_beta", "moving_mean", "bn_gamma", "moving_variance"].into_iter().filter(|name| has(name)));
    let arrays = b.arrays(node, &names)?;
    let bits_of = |config: &str, name: &str| bits(&node.config[config], &arrays[name]).at(name.to_string());
    let (kernel_bits, out_bits) = (bits_of("kq_conf", "kernel_bw")?, bits_of("paq_conf", "activation_bw")?);
    let (gamma, variance) = (arrays.get("bn_gamma"), arrays.get("moving_variance"));
    let (beta, mean) = (arrays.get("bn_beta"), arrays.get("moving_mean"));
    let known = [gamma, variance, beta, mean].into_iter().flatten().next();
    let shape = known.map_or_else(|| vec![1; out_bits.shape.len()], |tensor| tensor.shape.clone());
    let fits = |small: &[usize]| {
        small.len() == shape.len() && small.iter().zip(&shape).all(|(own, length)| *own == 1 || own == length)
    };
    let others = [gamma, variance, beta, mean].into_iter().flatten();
    if shape.first() != Some(&1) || !fits(&kernel_bits.shape) || others.into_iter().any(|other| other.shape != shape) {
        return Err(super::config::mismatch(
            "moving_mean",
            &shape,
            "1 and the lengths of an axis, as the other arrays",
        ));
    }
    // Biases get the bits of the results, and so a value for each of those.
    let wide: Vec<usize> = shape.iter().zip(&out_bits.shape).map(|(own, bits)| *own.max(bits)).collect();
    let extends = |(small, wide): (&usize, &usize)| *small == 1 || small == wide;
    if out_bits.shape.len() != shape.len()
        || !shape.iter().chain(&out_bits.shape).zip(wide.iter().chain(&wide)).all(extends)
    {
        return Err(super::config::mismatch("activation_bw", &out_bits.shape, &format!("one that fits {shape:?}")));
    }
    let epsilon = optional(&node.config, "epsilon", number)?.unwrap_or(1e-3) as f32;
    let at = |tensor: Option<&Tensor>, at: usize, none: f32| tensor.map_or(none, |tensor| tensor.data[at] as f32);
    let count: usize = shape.iter().product();
    let scale: Vec<f32> = (0..count)
        .map(|e| at(gamma, e, 1.0) * (1.0 / f64::from(at(variance, e, 1.0) + epsilon).sqrt()) as f32)
        .collect();
    let shift = |e: usize| {
        let e = spread(e, &wide, &shape);
        f64::from(at(beta, e, 0.0) - at(mean, e, 0.0) / scale[e])
    };
    let shift = Tensor::new(wide.clone(), (0..wide.iter().product()).map(shift).collect())?;
    let scale = Tensor::new(shape.clone(), scale.iter().copied().map(f64::from).collect())?;
    let floor = floors(&node.config["paq_conf"], false)?;
    let own = |bits: &Tensor, e: usize, shape: &[usize]| bits.data[spread(e, shape, &bits.shape)];
    let scale = rounded(&scale, |e| own(&kernel_bits, e, &shape), floors(&node.config["kq_conf"], true)?);
    let shift = rounded(&shift, |e| own(&out_bits, e, &wide), floor);
    let sample = |tensor: Tensor| Tensor { shape: tensor.shape[1..].to_vec(), data: tensor.data };
    let name = b.fresh(&format!("{}_scaled", node.name));
    let layer = Layer { name, ..b.layer(node, "scale_shift") };
    b.push(layer.with_tensor("scale", sample(scale)).with_tensor("shift", sample(shift)));
    let layer = b.layer(node, "quantize");
    push_grid(b, layer, &out_bits, floor)
}

fn windowed(node: &Node, layer: Layer, axes: usize) -> Result<Layer> {
    let format = optional(&node.config, "data_format", string)?.unwrap_or("channels_last");
    if format != "channels_last" {
        return Err(Error::user(format!("`data_format` is {format}"), "only channels_last is supported"));
    }
    let sizes = |name: &str| Ok(per_axis(&node.config, name, axes)?.unwrap_or_else(|| vec![1; axes]));
    let layer = layer.with("strides", sizes("strides")?).with("padding", field(&node.config, "padding", string)?);
    Ok(match sizes("dilation_rate")? {
        rates if rates.iter().all(|rate| *rate == 1) => layer,
        rates => layer.with("dilation", rates),
    })
}

/// Puts a batch normalisation into kernel and bias: `s = gamma / sqrt(variance + epsilon)`, `kernel * s`, `bias - mean * s + beta`.
fn fuse(arrays: &mut Arrays, config: &Value, center: bool, scale: bool) -> Result<()> {
    let channels = arrays["kernel"].shape.last().copied().unwrap_or(1);
    for name in ["bias", "bn_beta", "moving_mean", "bn_gamma", "moving_variance"] {
        if let Some(other) = arrays.get(name).filter(|other| other.shape != [channels]) {
            return Err(super::config::mismatch(name, &other.shape, &format!("[{channels}]")));
        }
    }
    let epsilon = optional(config, "epsilon", number)?.unwrap_or(1e-3) as f32;
    let value = |arrays: &Arrays, name: &str, at: usize| arrays[name].data[at] as f32;
    let factor = |arrays: &Arrays, at: usize| match scale {
        true => value(arrays, "bn_gamma", at) * (1.0 / (value(arrays, "moving_variance", at) + epsilon).sqrt()),
        false => 1.0 / (1.0 + epsilon).sqrt(),
    };
    let factors: Vec<f32> = (0..channels).map(|at| factor(arrays, at)).collect();
    if center {
        let bias = |at: usize| {
            let shifted = value(arrays, "bias", at) - value(arrays, "moving_mean", at) * factors[at];
            f64::from(shifted + value(arrays, "bn_beta", at))
        };
        let data = (0..channels).map(bias).collect();
        arrays.insert("bias".into(), Tensor::new(vec![channels], data)?);
    }
    if let Some(kernel) = arrays.get_mut("kernel").filter(|_| scale) {
        let data = kernel.data.iter().enumerate();
        kernel.data = data.map(|(at, weight)| f64::from(*weight as f32 * factors[at % channels])).collect();
    }
    Ok(())
}
