//! Shapes of results, as far as hls4ml's types depend on them. What is wrong with a layer is said when it is made.

use crate::error::{Error, Result};
use crate::network::Layer;
use serde_json::Value;

/// The shape of a layer's result.
///
/// # Errors
/// It cannot be told from the attributes.
pub fn result(layer: &Layer, inputs: &[Vec<usize>]) -> Result<Vec<usize>> {
    let x = inputs.first().cloned().unwrap_or_default();
    let unknown = |what: &str| Error::user(format!("{what} {x:?} do not suit each other"), "correct the layer");
    let shape = match layer.kind.as_str() {
        "dense" => with_last(&x, kernel(layer).last().copied()),
        "conv1d" | "conv2d" => convolved(layer, &x, &kernel(layer), |taps| taps.last().copied()),
        "depthwise_conv1d" | "depthwise_conv2d" => convolved(layer, &x, &kernel(layer), |taps| match taps {
            [.., channels, multiplier] => channels.checked_mul(*multiplier),
            _ => None,
        }),
        "separable_conv1d" | "separable_conv2d" => {
            let points = tensor(layer, "pointwise_kernel");
            convolved(layer, &x, &tensor(layer, "depthwise_kernel"), |_| points.last().copied())
        }
        "lstm" | "gru" => recurrent(layer, &x),
        "upsample" => list(layer, "size").filter(|size| size.len() < x.len()).and_then(|size| {
            let factor = |axis: usize| size.get(axis).copied().unwrap_or(1);
            x.iter().enumerate().map(|(axis, length)| length.checked_mul(factor(axis))).collect()
        }),
        "dot" if inputs.iter().all(|input| input.len() == 1) => Some(vec![1]),
        "max_pool1d" | "average_pool1d" | "max_pool2d" | "average_pool2d" => {
            let size = list(layer, "size").or_else(|| list(layer, "pool_size")).unwrap_or_default();
            let channels = x.last().copied();
            let image = x.len().checked_sub(1).and_then(|axes| windows(layer, &x[..axes], &size));
            image.map(|mut image| {
                image.extend(channels);
                image
            })
        }
        "flatten" => Some(vec![x.iter().product()]),
        "reshape" => reshaped(layer, &x),
        "transpose" => list(layer, "perm").and_then(|perm| perm.iter().map(|axis| x.get(*axis).copied()).collect()),
        "concatenate" => concatenated(layer, inputs),
        "max" | "mean" | "sum" | "min" => reduced(layer, &x),
        "embedding" => layer.tensors.get("embeddings").and_then(|table| table.shape.last()).map(|depth| {
            let mut shape = x.clone();
            shape.push(*depth);
            shape
        }),
        "pad" | "crop" => resized(layer, &x),
        _ => Some(inputs.iter().fold(Vec::new(), |a, b| broadcast(&a, b))),
    };
    shape.ok_or_else(|| unknown("its attributes and the shape"))
}

fn kernel(layer: &Layer) -> Vec<usize> {
    tensor(layer, "kernel")
}

/// The shape of a tensor; none where it is missing.
fn tensor(layer: &Layer, name: &str) -> Vec<usize> {
    layer.tensors.get(name).map(|tensor| tensor.shape.clone()).unwrap_or_default()
}

/// The shape of a convolution's result; `channels` gives the last axis from the kernel's shape.
fn convolved(
    layer: &Layer,
    x: &[usize],
    taps: &[usize],
    channels: impl Fn(&[usize]) -> Option<usize>,
) -> Option<Vec<usize>> {
    let axes = taps.len().checked_sub(2).filter(|axes| x.len() == axes + 1)?;
    let mut image = windows(layer, &x[..axes], &taps[..axes])?;
    image.push(channels(taps)?);
    Some(image)
}

/// `[steps, units]`, or the units of the last step.
fn recurrent(layer: &Layer, x: &[usize]) -> Option<Vec<usize>> {
    let [steps, _] = x else { return None };
    let units = *tensor(layer, "recurrent_kernel").first()?;
    let sequences = layer.attributes.get("return_sequences").and_then(Value::as_bool).unwrap_or(false);
    Some(if sequences { vec![*steps, units] } else { vec![units] })
}

fn with_last(x: &[usize], last: Option<usize>) -> Option<Vec<usize>> {
    let mut shape = x.to_vec();
    *shape.last_mut()? = last?;
    Some(shape)
}

/// An attribute that is a list of lengths.
pub fn list(layer: &Layer, key: &str) -> Option<Vec<usize>> {
    let one = |value: &Value| value.as_u64().and_then(|length| usize::try_from(length).ok());
    layer.attributes.get(key)?.as_array()?.iter().map(one).collect()
}

/// Pairs of `padding` or `cropping`.
fn pairs(layer: &Layer, key: &str) -> Option<Vec<[usize; 2]>> {
    serde_json::from_value(layer.attributes.get(key)?.clone()).ok()
}

fn windows(layer: &Layer, image: &[usize], taps: &[usize]) -> Option<Vec<usize>> {
    let pool = layer.kind.contains("pool");
    let strides = list(layer, "strides").unwrap_or_else(|| if pool { taps.to_vec() } else { vec![1; taps.len()] });
    let dilation = list(layer, "dilation").unwrap_or_else(|| vec![1; taps.len()]);
    let padding = layer.attributes.get("padding").and_then(Value::as_str).unwrap_or("valid");
    let explicit = pairs(layer, "padding");
    let length = |axis: usize| {
        let (stride, reach) = (*strides.get(axis)?, dilation.get(axis)?.checked_mul(taps.get(axis)?.checked_sub(1)?)?);
        let added =
            explicit.as_ref().and_then(|pairs| pairs.get(axis)).map_or(0, |pair| pair[0].saturating_add(pair[1]));
        let length = image[axis].checked_add(added)?;
        match padding {
            _ if stride == 0 => None,
            "same" | "causal" if explicit.is_none() => Some(length.div_ceil(stride)),
            _ => Some(length.checked_sub(reach)?.checked_sub(1)? / stride + 1),
        }
    };
    (0..image.len()).map(length).collect()
}

fn reshaped(layer: &Layer, x: &[usize]) -> Option<Vec<usize>> {
    let target: Vec<i64> =
        layer.attributes.get("shape")?.as_array()?.iter().map(Value::as_i64).collect::<Option<_>>()?;
    let known: usize = target.iter().filter(|length| **length > 0).map(|length| *length as usize).product();
    let rest = x.iter().product::<usize>().checked_div(known)?;
    Some(target.iter().map(|length| if *length > 0 { *length as usize } else { rest }).collect())
}

fn concatenated(layer: &Layer, inputs: &[Vec<usize>]) -> Option<Vec<usize>> {
    let mut shape = inputs.first()?.clone();
    let axis = axes(layer, shape.len()).map_or(shape.len().checked_sub(1), |axes| axes.first().copied())?;
    *shape.get_mut(axis)? = inputs.iter().map(|input| input.get(axis).copied()).sum::<Option<usize>>()?;
    Some(shape)
}

/// The attribute `axis`, one or several.
fn axes(layer: &Layer, rank: usize) -> Option<Vec<usize>> {
    let value = layer.attributes.get("axis")?;
    let one = |value: &Value| {
        let axis = value.as_i64()?;
        usize::try_from(if axis < 0 { axis + rank as i64 } else { axis }).ok().filter(|axis| *axis < rank)
    };
    match value.as_array() {
        Some(list) => list.iter().map(one).collect(),
        None => one(value).map(|axis| vec![axis]),
    }
}

fn reduced(layer: &Layer, x: &[usize]) -> Option<Vec<usize>> {
    let axes = axes(layer, x.len())?;
    let keep = layer.attributes.get("keep_dims").and_then(Value::as_bool).unwrap_or(false);
    let kept = x.iter().enumerate().filter(|(axis, _)| keep || !axes.contains(axis));
    Some(kept.map(|(axis, length)| if axes.contains(&axis) { 1 } else { *length }).collect())
}

fn resized(layer: &Layer, x: &[usize]) -> Option<Vec<usize>> {
    let pad = layer.kind == "pad";
    let pairs = pairs(layer, if pad { "padding" } else { "cropping" })?;
    let length = |(axis, length): (usize, &usize)| {
        let change = pairs.get(axis).map_or(Some(0), |pair| pair[0].checked_add(pair[1]))?;
        if pad { length.checked_add(change) } else { length.checked_sub(change) }
    };
    x.iter().enumerate().map(length).collect()
}

fn broadcast(a: &[usize], b: &[usize]) -> Vec<usize> {
    let rank = a.len().max(b.len());
    let at = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis]);
    (0..rank).map(|axis| at(a, axis).max(at(b, axis))).collect()
}
