//! The shape of a sample behind a layer of ours; just enough to count axes, and for classes that depend on it.

use crate::network::Layer;
use serde_json::Value;

/// The shape of a layer's result, from those of its inputs; nothing where it is not known.
pub fn shape(layer: &Layer, inputs: &[&[usize]]) -> Option<Vec<usize>> {
    let first = *inputs.first()?;
    let kernel = layer.tensors.get("kernel").map(|kernel| kernel.shape.as_slice());
    let sizes = |name: &str| numbers(layer.attributes.get(name)?);
    let with_last = |shape: &[usize], last: usize| {
        let (_, rest) = shape.split_last()?;
        Some(rest.iter().copied().chain([last]).collect())
    };
    Some(match layer.kind.as_str() {
        "flatten" => vec![first.iter().product()],
        "reshape" => reshaped(first, &sizes("shape")?)?,
        "transpose" => sizes("perm")?.iter().map(|axis| first.get(*axis as usize).copied()).collect::<Option<_>>()?,
        "repeat" => {
            let count = layer.attributes.get("count")?.as_u64()? as usize;
            [count].into_iter().chain(first.iter().copied()).collect()
        }
        "embedding" => {
            let length = *layer.tensors.get("embeddings")?.shape.last()?;
            first.iter().copied().chain([length]).collect()
        }
        "sum" | "mean" | "max" | "min" | "argmax" => reduced(layer, first)?,
        "dense" => with_last(first, *kernel?.last()?)?,
        "einsum_dense" => einsum(layer, &[first, kernel?])?,
        "einsum" => einsum(layer, inputs)?,
        "conv1d" | "conv2d" => windows(layer, first, *kernel?.last()?, kernel?)?,
        "conv1d_transpose" | "conv2d_transpose" => grown(layer, first, kernel?)?,
        "depthwise_conv1d" | "depthwise_conv2d" => {
            windows(layer, first, kernel?.iter().rev().take(2).product(), kernel?)?
        }
        "separable_conv1d" | "separable_conv2d" => {
            let depthwise = &layer.tensors.get("depthwise_kernel")?.shape;
            windows(layer, first, *layer.tensors.get("pointwise_kernel")?.shape.last()?, depthwise)?
        }
        "max_pool1d" | "average_pool1d" | "max_pool2d" | "average_pool2d" => {
            let size: Vec<usize> = sizes("size")?.iter().map(|size| *size as usize).collect();
            windows(layer, first, *first.last()?, &size)?
        }
        "pad" | "crop" => {
            let sign = if layer.kind == "pad" { 1 } else { -1 };
            let amounts = layer.attributes.get(if sign == 1 { "padding" } else { "cropping" })?.as_array()?;
            let length = |(length, amount): (&usize, &Value)| {
                usize::try_from(*length as i64 + sign * numbers(amount)?.iter().sum::<i64>()).ok()
            };
            first.iter().zip(amounts).map(length).collect::<Option<_>>()?
        }
        "upsample" => {
            let by = sizes("size")?.into_iter().chain([1]);
            first.iter().zip(by).map(|(length, by)| length * by as usize).collect()
        }
        "concatenate" => {
            let axis = layer.attributes.get("axis").and_then(Value::as_i64).unwrap_or(-1);
            let axis = usize::try_from(if axis < 0 { axis + first.len() as i64 } else { axis }).ok()?;
            let mut shape = first.to_vec();
            *shape.get_mut(axis)? = inputs.iter().map(|input| input.get(axis).copied()).sum::<Option<usize>>()?;
            shape
        }
        "simple_rnn" | "lstm" | "gru" => {
            let units = layer.attributes.get("units")?.as_u64()? as usize;
            let all = layer.attributes.get("return_sequences").and_then(Value::as_bool).unwrap_or(false);
            if all { vec![*first.first()?, units] } else { vec![units] }
        }
        "gather" => {
            let axis = layer.attributes.get("axis")?.as_u64()? as usize;
            let mut shape = first.to_vec();
            let Some(indices) = sizes("indices") else {
                return (axis < shape.len()).then(|| {
                    shape.remove(axis);
                    shape
                });
            };
            *shape.get_mut(axis)? = indices.len();
            shape
        }
        "dot" => dotted(layer, inputs)?,
        "matmul" => multiplied(layer, inputs)?,
        "slice" | "truth_table" | "thermometer" => return None,
        // Element by element, with broadcasting.
        _ => inputs.iter().try_fold(Vec::new(), |all, input| broadcast(&all, input))?,
    })
}

fn numbers(value: &Value) -> Option<Vec<i64>> {
    value.as_array()?.iter().map(Value::as_i64).collect()
}

fn reshaped(from: &[usize], to: &[i64]) -> Option<Vec<usize>> {
    let known: i64 = to.iter().filter(|length| **length > 0).try_fold(1i64, |all, length| all.checked_mul(*length))?;
    let rest = (from.iter().product::<usize>() as i64).checked_div(known)?;
    to.iter().map(|length| usize::try_from(if *length < 0 { rest } else { *length }).ok()).collect()
}

fn reduced(layer: &Layer, from: &[usize]) -> Option<Vec<usize>> {
    let axis = layer.attributes.get("axis")?;
    let axes = numbers(axis).or_else(|| Some(vec![axis.as_i64()?]))?;
    let keep = layer.attributes.get("keep_dims").and_then(Value::as_bool).unwrap_or(false);
    let hit = |at: usize| axes.iter().any(|axis| *axis == at as i64 || axis + from.len() as i64 == at as i64);
    let kept = from.iter().enumerate().filter(|(at, _)| keep || !hit(*at));
    Some(kept.map(|(at, length)| if hit(at) { 1 } else { *length }).collect())
}

/// The axes of both operands but those that are summed over; a number has one.
fn dotted(layer: &Layer, inputs: &[&[usize]]) -> Option<Vec<usize>> {
    let axes = layer.attributes.get("axes")?;
    let axes = numbers(axes).or_else(|| Some(vec![axes.as_i64()?; 2]))?;
    let mut shape = Vec::new();
    for (input, axis) in inputs.iter().zip(axes) {
        let summed = usize::try_from(if axis < 0 { axis + input.len() as i64 } else { axis }).ok()?;
        shape.extend(input.iter().enumerate().filter(|(at, _)| *at != summed).map(|(_, length)| *length));
    }
    Some(if shape.is_empty() { vec![1] } else { shape })
}

/// Matrices over the last two axes, either of them turned over.
fn multiplied(layer: &Layer, inputs: &[&[usize]]) -> Option<Vec<usize>> {
    let [(left, a), (right, b)] = [inputs.first()?.split_last_chunk::<2>()?, inputs.get(1)?.split_last_chunk::<2>()?];
    let turned = |name: &str| layer.attributes.get(name).and_then(Value::as_bool).unwrap_or(false);
    let mut shape = broadcast(left, right)?;
    shape.extend([a[usize::from(turned("transpose_a"))], b[usize::from(!turned("transpose_b"))]]);
    Some(shape)
}

fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    let mut shape = long.to_vec();
    for (length, other) in shape.iter_mut().rev().zip(short.iter().rev()) {
        *length = if *length == 1 { *other } else { *length };
    }
    Some(shape)
}

/// The shape behind windows that start with these lengths.
fn windows(layer: &Layer, from: &[usize], channels: usize, window: &[usize]) -> Option<Vec<usize>> {
    let per_axis = |name: &str, axis: usize| {
        let list = layer.attributes.get(name).and_then(numbers);
        list.and_then(|list| list.get(axis).copied()).map(|value| value as usize)
    };
    let same = layer.attributes.get("padding").and_then(Value::as_str) != Some("valid");
    let padded = layer.attributes.contains_key("padding") && same;
    let (_, axes) = from.split_last()?;
    let pooling = layer.kind.contains("pool");
    let length = |(axis, length): (usize, &usize)| {
        let stride = per_axis("strides", axis).or(pooling.then(|| window.get(axis).copied()).flatten()).unwrap_or(1);
        let reach = (window.get(axis)?.checked_sub(1)?) * per_axis("dilation", axis).unwrap_or(1);
        let room = if padded { *length } else { length.checked_sub(reach)? };
        Some(room.div_ceil(stride.max(1)))
    };
    let lengths: Option<Vec<usize>> = axes.iter().enumerate().map(length).collect();
    Some(lengths?.into_iter().chain([channels]).collect())
}

/// The shape behind a transposed convolution: `valid` has all that any window reaches, `same` the stride for each.
fn grown(layer: &Layer, from: &[usize], kernel: &[usize]) -> Option<Vec<usize>> {
    let list = |name: &str| layer.attributes.get(name).and_then(numbers);
    let at = |list: &Option<Vec<i64>>, axis: usize| {
        list.as_ref().map_or(Some(1), |list| usize::try_from(*list.get(axis)?).ok())
    };
    let (strides, dilation) = (list("strides"), list("dilation"));
    let same = layer.attributes.get("padding").and_then(Value::as_str) != Some("valid");
    let (_, axes) = from.split_last()?;
    let length = |(axis, length): (usize, &usize)| {
        let stride = at(&strides, axis)?;
        let reach = kernel.get(axis)?.checked_sub(1)?.checked_mul(at(&dilation, axis)?)? + 1;
        let grown = length.checked_mul(stride)?;
        grown.checked_add(if same { 0 } else { reach.saturating_sub(stride) })
    };
    let lengths: Option<Vec<usize>> = axes.iter().enumerate().map(length).collect();
    Some(lengths?.into_iter().chain([*kernel.get(axes.len())?]).collect())
}

/// The output of an equation with one letter an axis; `...` stands for the leading axes of the first operand.
fn einsum(layer: &Layer, operands: &[&[usize]]) -> Option<Vec<usize>> {
    let equation: String = layer.attributes.get("equation")?.as_str()?.split_whitespace().collect();
    let (left, output) = equation.split_once("->")?;
    let mut lengths = std::collections::HashMap::new();
    let mut leading = Vec::new();
    let letter = |letter: &u8| letter.is_ascii_alphabetic();
    let batch = if equation.starts_with("...") { None } else { left.bytes().find(letter) };
    for (term, shape) in left.split(',').zip(operands) {
        let letters: Vec<u8> = term.bytes().filter(letter).filter(|letter| Some(*letter) != batch).collect();
        let more = shape.len().checked_sub(letters.len())?;
        if term.contains("...") {
            leading = shape[..more].to_vec();
        }
        lengths.extend(letters.into_iter().zip(shape[more..].iter().copied()));
    }
    let named = output.bytes().filter(letter).filter(|letter| Some(*letter) != batch);
    let named: Option<Vec<usize>> = named.map(|letter| lengths.get(&letter).copied()).collect();
    Some(leading.into_iter().chain(named?).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_two_inputs() {
        let dot = |axes: i64| Layer::new("d", "dot", vec![]).with("axes", axes);
        assert_eq!(shape(&dot(-1), &[&[3], &[3]]), Some(vec![1]));
        assert_eq!(shape(&dot(0), &[&[3, 2], &[3, 4]]), Some(vec![2, 4]));
        let product = Layer::new("m", "matmul", vec![]);
        assert_eq!(shape(&product, &[&[5, 1, 2, 3], &[4, 3, 6]]), Some(vec![5, 4, 2, 6]));
        let turned = product.with("transpose_a", true).with("transpose_b", true);
        assert_eq!(shape(&turned, &[&[3, 2], &[6, 3]]), Some(vec![2, 6]));
        assert_eq!(shape(&turned, &[&[3], &[6, 3]]), None);
    }
}
