//! The operations of each class of layers, and the types of their results.
//!
//! Source: QKeras' `qtools/generate_layer_data_type_map.py` and `qtools_util.py`.

use super::super::class::{class, function, is_quantized, text};
use super::super::gates::{Compat, Gate, accumulate, add, divide, multiply};
use super::super::operand::{Kind, Operand};
use super::super::sizes::Sizes;
use super::{Energy, quantizer, sum_energy};
use crate::error::{Error, Result};
use crate::network::{Layer, Tensor};
use crate::quantizers::{self, Role};
use std::collections::{BTreeMap, HashSet};

/// A layer's operations and types.
pub struct Priced {
    /// pJ of its operations.
    pub operations: f64,
    /// Bits of each of its arrays.
    pub arrays: Vec<f64>,
    /// The type of its value.
    pub output: Operand,
    /// Does QTools not know it?
    pub unknown: bool,
}

/// What a parameter has that QTools finds no quantizer for, in a layer that has others.
const DEFAULT: (i32, i32) = (8, 0);

fn plain(output: Operand) -> Priced {
    Priced { operations: 0.0, arrays: Vec::new(), output, unknown: false }
}

/// Prices a layer that reads values of these types.
///
/// # Errors
/// It reads nothing; a quantizer is no call; its quantizers have no such use.
pub fn price(layer: &Layer, inputs: &[Operand], sizes: &Sizes, rules: &Energy) -> Result<Priced> {
    let x = *inputs.first().ok_or_else(|| Error::user("reads nothing", "name the layers that it reads"))?;
    let shape = |name: &String| sizes.get(name).map_or(&[][..], Vec::as_slice);
    let largest = layer.inputs.iter().map(|name| shape(name).iter().product::<usize>()).max().unwrap_or(0) as f64;
    let passed = if rules.reference { rules.accumulator } else { x };
    match layer.kind.as_str() {
        "activation" | "softmax" | "quantize" => Ok(plain(activation(layer, rules)?)),
        "batch_norm" => normalization(layer, &x, largest, rules),
        "separable_conv2d" | "separable_conv1d" => separable(layer, &x, sizes, rules),
        _ if layer.tensors.contains_key("kernel") && !recurrent(layer) => product(layer, "kernel", &x, sizes, rules),
        "add" | "subtract" | "multiply" | "maximum" | "minimum" | "average" | "concatenate" => {
            merge(layer, inputs, largest, rules)
        }
        "average_pool2d" | "average_pool1d" | "mean" => pool(layer, &x, shape(&layer.inputs[0]), sizes, rules),
        "relu" | "flatten" | "reshape" | "transpose" | "max_pool2d" | "max_pool1d" | "max" | "pad" | "crop"
        | "upsample" | "slice" | "gather" | "reverse" | "repeat" => Ok(plain(passed)),
        _ => Ok(Priced { unknown: true, ..plain(passed) }),
    }
}

fn recurrent(layer: &Layer) -> bool {
    layer.tensors.contains_key("recurrent_kernel")
}

/// The type that a layer's own function gives, where it is a quantizer.
fn activated(layer: &Layer, rules: &Energy, otherwise: Operand) -> Result<Operand> {
    let call = function(layer).filter(|_| !rules.reference);
    Ok(call.map(Operand::of).transpose()?.flatten().unwrap_or(otherwise))
}

fn activation(layer: &Layer, rules: &Energy) -> Result<Operand> {
    let formats = if rules.reference { Vec::new() } else { Operand::of_elements(layer) };
    // A format for each element: the one that holds them all.
    let most = |of: fn(&Operand) -> i32| formats.iter().map(of).max();
    if let (Some(integer), Some(fraction)) = (most(|format| format.integer), most(Operand::fraction)) {
        let signed = formats.iter().any(|format| format.signed);
        return Ok(Operand::fixed(i32::from(signed) + integer + fraction, integer, signed));
    }
    activated(layer, rules, rules.accumulator)
}

/// A weight's type; with trained weights, how many powers of two there are.
fn weight(layer: &Layer, name: &str, attribute: &str, rules: &Energy) -> Result<Option<Operand>> {
    let found = quantizer(layer, attribute, rules)?;
    let Some(operand) = found.filter(|operand| rules.trained && operand.kind == Kind::PowerOfTwo) else {
        return Ok(found);
    };
    let values = layer.tensors.get(name).map(|tensor| different(tensor, layer, attribute)).transpose()?;
    Ok(Some(Operand { values, ..operand }))
}

/// The same, or the type of weights that are exact without a quantizer.
fn exact_weight(layer: &Layer, name: &str, attribute: &str, rules: &Energy) -> Result<Option<Operand>> {
    let exact = |tensor: &Tensor| Operand::of_values(&tensor.data);
    let exact = || layer.tensors.get(name).filter(|_| !rules.reference).and_then(exact);
    Ok(weight(layer, name, attribute, rules)?.or_else(exact))
}

/// How many different values a quantized array has.
fn different(tensor: &Tensor, layer: &Layer, attribute: &str) -> Result<usize> {
    let codes = quantizers::parse(text(layer, attribute).unwrap_or_default())?.parameter(tensor, Role::Other)?;
    Ok(codes.codes.iter().collect::<HashSet<_>>().len())
}

/// A matrix product or convolution.
fn product(layer: &Layer, name: &str, x: &Operand, sizes: &Sizes, rules: &Energy) -> Result<Priced> {
    let kernel = &layer.tensors[name].shape;
    let output = sizes.get(&layer.name).map_or(&[][..], Vec::as_slice);
    let count = multiplications(layer, kernel, output, sizes);
    let attribute = format!("{}_quantizer", name.trim_end_matches("_kernel"));
    let own = exact_weight(layer, name, &attribute, rules)?;
    let bias = layer.tensors.contains_key("bias") && name != "depthwise_kernel";
    let terms = terms(layer, name, kernel, rules.compat);
    let mut gate = multiply(&own.unwrap_or(rules.internal), x, rules.compat);
    let own_bias = exact_weight(layer, "bias", "bias_quantizer", rules)?;
    let bias_type =
        own_bias.unwrap_or(if own.is_some() { Operand::fixed(DEFAULT.0, DEFAULT.1, true) } else { rules.internal });
    let sum = match (own, rules.compat) {
        (None, _) => {
            gate.output = rules.accumulator;
            rules.accumulator
        }
        (_, Compat::Paper) => accumulate(&gate.output, terms + 1),
        (_, Compat::Current) if bias => add(&accumulate(&gate.output, terms), &bias_type),
        (_, Compat::Current) => accumulate(&gate.output, terms),
    };
    // A bias is counted once an output of the kernel, as QTools does: once a multiplier in depthwise kernels.
    let mut arrays = vec![kernel.iter().product::<usize>() as f64 * f64::from(own.unwrap_or(rules.internal).bits)];
    arrays.extend(bias.then(|| kernel.last().map_or(0, |last| *last) as f64 * f64::from(bias_type.bits)));
    let operations = count * (gate.energy() + sum_energy(&sum));
    Ok(Priced { operations, arrays, output: activated(layer, rules, sum)?, unknown: false })
}

/// How many multiplications there are; zeros are not skipped.
fn multiplications(layer: &Layer, kernel: &[usize], output: &[usize], sizes: &Sizes) -> f64 {
    let all = |shape: &[usize]| shape.iter().map(|length| *length as f64).product::<f64>();
    let positions = |shape: &[usize]| all(&shape[..shape.len().saturating_sub(1)]);
    let input = layer.inputs.first().and_then(|name| sizes.get(name)).map_or(&[][..], Vec::as_slice);
    match class(layer) {
        "Dense" => positions(input) * all(kernel),
        "EinsumDense" => einsum(layer, kernel, input),
        _ => positions(output) * all(kernel),
    }
}

/// The product of the lengths of all axes of an equation.
fn einsum(layer: &Layer, kernel: &[usize], input: &[usize]) -> f64 {
    let equation = text(layer, "equation").unwrap_or_default();
    let (reads, weights) = equation.split("->").next().and_then(|left| left.split_once(',')).unwrap_or_default();
    let lengths = reads.chars().rev().zip(input.iter().rev()).chain(weights.chars().zip(kernel));
    lengths.collect::<BTreeMap<_, _>>().values().map(|length| **length as f64).product()
}

/// How many products a sum has.
fn terms(layer: &Layer, name: &str, kernel: &[usize], compat: Compat) -> usize {
    let depthwise = class(layer).starts_with("Depthwise") || name == "depthwise_kernel";
    // Until 2022 the channels were counted, though each has a sum of its own.
    let outer = if depthwise && compat == Compat::Current { 2 } else { 1 };
    kernel[..kernel.len().saturating_sub(outer)].iter().product()
}

/// Two products, with nothing quantized between them.
fn separable(layer: &Layer, x: &Operand, sizes: &Sizes, rules: &Energy) -> Result<Priced> {
    let mut first = layer.clone();
    first.attributes.remove("activation");
    let kernel = |name: &str| {
        layer.tensors.get(name).ok_or_else(|| Error::user(format!("tensor `{name}` is missing"), "give it"))
    };
    let (depth, _) = (kernel("depthwise_kernel")?, kernel("pointwise_kernel")?);
    let channels = depth.shape[depth.shape.len().saturating_sub(2)..].iter().product();
    let mut between = sizes.clone();
    between.get_mut(&layer.name).and_then(|shape| shape.last_mut()).into_iter().for_each(|last| *last = channels);
    let depthwise = product(&first, "depthwise_kernel", x, &between, rules)?;
    let pointwise = product(layer, "pointwise_kernel", &depthwise.output, sizes, rules)?;
    let arrays = [depthwise.arrays, pointwise.arrays].concat();
    Ok(Priced { operations: depthwise.operations + pointwise.operations, arrays, ..pointwise })
}

/// Batch normalisation: a scale's quotient, a product and a sum for each element.
fn normalization(layer: &Layer, x: &Operand, elements: f64, rules: &Energy) -> Result<Priced> {
    let quantized = is_quantized(layer) && !rules.reference;
    let default = if quantized { Operand::fixed(DEFAULT.0, DEFAULT.1, true) } else { rules.internal };
    let own = |name: &str, otherwise: Operand| {
        Ok(weight(layer, name, &format!("{name}_quantizer"), rules)?.unwrap_or(if quantized {
            otherwise
        } else {
            rules.internal
        }))
    };
    let (gamma, variance) = (own("gamma", default)?, own("variance", default)?);
    let (beta, mean) = (own("beta", *x)?, own("mean", *x)?);
    let deviation = match variance.kind {
        Kind::PowerOfTwo => Operand {
            limit: variance.limit.map(|limit| limit.sqrt().round_ties_even()),
            bits: variance.bits - 1,
            integer: variance.bits - 1,
            ..variance
        },
        _ => variance,
    };
    let (scale, center) = (layer.tensors.contains_key("gamma"), layer.tensors.contains_key("beta"));
    let mut quotient = divide(if scale { &gamma } else { x }, &deviation)?;
    let mut scaled = scale.then(|| {
        let values = gamma.values.zip(deviation.values).map(|(a, b)| a * b);
        multiply(&Operand { values, ..quotient.output }, x, rules.compat)
    });
    if !quantized {
        let float = |gate: &mut Gate| gate.output = rules.accumulator;
        float(&mut quotient);
        scaled.iter_mut().for_each(float);
    }
    let energy = quotient.energy() + scaled.map_or(0.0, |gate| gate.energy());
    let product = scaled.unwrap_or(quotient).output;
    let output = if center { add(&product, &beta) } else { product };
    let channels = layer.tensors.get("variance").map_or(0, |tensor| tensor.data.len()) as f64;
    let arrays = [gamma, beta, mean, variance].iter().map(|operand| channels * f64::from(operand.bits)).collect();
    let output = if quantized { output } else { rules.accumulator };
    Ok(Priced { operations: elements * energy, arrays, output, unknown: false })
}

/// Layers of several inputs.
fn merge(layer: &Layer, inputs: &[Operand], elements: f64, rules: &Energy) -> Result<Priced> {
    let spread = || inputs.iter().map(Operand::spread);
    let float = inputs.iter().filter(|operand| operand.is_float()).map(|operand| operand.bits).max();
    let most = |of: fn(&Operand) -> i32| spread().map(|operand| of(&operand)).max().unwrap_or(0);
    let signed = inputs.iter().any(|operand| operand.signed);
    let widest = match float {
        Some(bits) => Operand::float(bits),
        None if inputs.windows(2).all(|pair| pair[0] == pair[1]) => inputs[0],
        None => Operand::fixed(most(|operand| operand.bits), most(|operand| operand.integer), signed),
    };
    let sum = match float {
        Some(bits) => Operand::float(bits),
        None => Operand::fixed(most(|operand| operand.bits) + 1, most(|operand| operand.integer) + 1, signed),
    };
    let (energy, output) = match layer.kind.as_str() {
        "add" | "subtract" => (sum_energy(&sum), sum),
        "multiply" => {
            let (first, rest) = inputs.split_first().ok_or_else(|| Error::user("reads nothing", "name its inputs"))?;
            let gates = rest.iter().scan(*first, |so_far, x| {
                let gate = multiply(so_far, x, rules.compat);
                *so_far = gate.output;
                Some(gate)
            });
            gates.last().map_or((0.0, *first), |gate| (gate.energy(), gate.output))
        }
        // Upstream knows the gates of the others, and prices none of them.
        _ => (0.0, widest),
    };
    let output = if rules.reference { rules.accumulator } else { output };
    Ok(Priced { operations: (inputs.len() as f64 - 1.0) * elements * energy, ..plain(output) })
}

/// Average pooling: the sum of one window for each channel, however many windows there are.
fn pool(layer: &Layer, x: &Operand, input: &[usize], sizes: &Sizes, rules: &Energy) -> Result<Priced> {
    let lengths = |name: &str| -> Option<Vec<usize>> {
        layer.attributes.get(name)?.as_array()?.iter().map(|length| Some(length.as_u64()? as usize)).collect()
    };
    let window = lengths("size").or_else(|| lengths("pool_size"));
    let window = window.unwrap_or_else(|| input[..input.len().saturating_sub(1)].to_vec());
    let area: usize = window.iter().product();
    let channels = sizes.get(&layer.name).and_then(|shape| shape.last()).map_or(0, |last| *last);
    let sum = if rules.reference { rules.accumulator } else { accumulate(x, area) };
    Ok(Priced { operations: (channels * area) as f64 * sum_energy(&sum), ..plain(sum) })
}
