//! Table layers: a small network of float32 numbers on each edge between an input and an output, behind a quantizer and in
//! front of one, and exact sums. They become a table for each edge, as HGQ2's own hardware has them.
//!
//! `iq` quantizes a copy of the input for each edge, `toq` what the edge's network gives; so an edge's table has an entry for each
//! code of `iq`. An entry is computed as `toq(network(x))`: each product with its bias exactly (in f64) and rounded once to
//! float32, functions as in [`crate::functions`], the batch normalisation as Keras' (`QDenseT`) or HGQ2's (`QEinsumDenseT`). HGQ2
//! computes the network in float32 in an order that depends on Keras' backend, which may differ in the last bit before `toq`.
//!
//! `QDenseT` is `QEinsumDenseT` of `...i,io->...o`; `QConvT1D` and `QConvT2D` are `QDenseT` of patches. Source: `hgq/layers/table`
//! of HGQ2 0.2.0, run and compared.

use super::super::Class;
use super::super::config::{per_axis, truth};
use super::edges::{Edges, Normalize};
use super::state::Name;
use super::{State, activation, argument, named, output, quantizer, with_ebops};
use crate::error::{At, Error, Result};
use crate::frontends::json::{field, optional, size, string};
use crate::frontends::keras::architecture::Node;
use crate::frontends::keras::builder::Builder;
use crate::network::Layer;
use serde_json::Value;

/// This family.
pub const CLASSES: &[Class] = &[
    ("QDenseT", dense),
    ("QEinsumDenseT", einsum_dense),
    ("QConvT1D", |b, node| conv(b, node, 1)),
    ("QConvT2D", |b, node| conv(b, node, 2)),
];

/// What is summed: the axes of the edges, those of the input first, and what of them are axes of the weights.
struct Axes {
    /// The input's axes, and behind them those that only the weights have.
    edges: Vec<usize>,
    /// How many of them are the input's.
    inputs: usize,
    /// Of the edges' axes, those of the weights, in their order.
    weights: Vec<usize>,
    /// Of the edges' axes, those that are summed.
    summed: Vec<usize>,
    /// The order of the others in the result.
    order: Vec<usize>,
}

impl Axes {
    /// Of an equation: one letter an axis, the first one, or the first of `...`, that of the samples. `output` are the last lengths.
    fn of(equation: &str, input: &[usize], output: &[Option<usize>]) -> Result<Axes> {
        let wrong = || {
            let what = format!("`equation` is {equation}, and its input has shape {input:?}");
            Error::user(what, "write the model again: INPUT,KERNEL->OUTPUT with one letter an axis")
        };
        let clean: String = equation.chars().filter(|c| !c.is_whitespace()).collect();
        let (operands, result) = clean.split_once("->").ok_or_else(wrong)?;
        let (from, kernel) = operands.split_once(',').ok_or_else(wrong)?;
        // The axes of the samples and those of `...` become digits.
        let named = from.trim_start_matches("...").chars().count();
        let letters = |term: &str| -> Option<Vec<char>> {
            let more = match term.strip_prefix("...") {
                Some(_) => (input.len() + 1).checked_sub(named)?,
                None => 0,
            };
            let extra = (0..more).map(|at| char::from_u32('\u{e000}' as u32 + at as u32));
            extra.chain(term.trim_start_matches("...").chars().map(Some)).collect()
        };
        let (from, kernel, result) = (letters(from), letters(kernel), letters(result));
        let (Some(from), Some(kernel), Some(result)) = (from, kernel, result) else { return Err(wrong()) };
        if from.len() != input.len() + 1 || from.first() != result.first() {
            return Err(wrong());
        }
        let (from, result) = (&from[1..], &result[1..]);
        let more: Vec<char> = kernel.iter().copied().filter(|axis| !from.contains(axis)).collect();
        let all: Vec<char> = from.iter().chain(&more).copied().collect();
        let place = |list: &[char], axis: &char| list.iter().position(|other| other == axis).ok_or_else(wrong);
        // The axes of `...` are not in `output_shape`.
        let length = |axis: &char| {
            let behind = result.len() - place(result, axis)?;
            output.len().checked_sub(behind).and_then(|at| output[at]).ok_or_else(wrong)
        };
        let edges = input.iter().map(|length| Ok(*length)).chain(more.iter().map(length)).collect::<Result<_>>()?;
        let kept: Vec<char> = all.iter().copied().filter(|axis| result.contains(axis)).collect();
        Ok(Axes {
            edges,
            inputs: input.len(),
            weights: kernel.iter().map(|axis| place(&all, axis)).collect::<Result<_>>()?,
            summed: (0..all.len()).filter(|at| !result.contains(&all[*at])).collect(),
            order: result.iter().map(|axis| place(&kept, axis)).collect::<Result<_>>()?,
        })
    }

    /// Each input by its outputs: the last axis is summed, and one more is behind it.
    fn dense(input: &[usize], outputs: usize) -> Result<Axes> {
        let Some(last) = input.len().checked_sub(1) else {
            return Err(Error::user("the input has no axes", "give it a vector"));
        };
        let edges: Vec<usize> = input.iter().copied().chain([outputs]).collect();
        let order = (0..input.len()).collect();
        Ok(Axes { edges, inputs: input.len(), weights: vec![last, last + 1], summed: vec![last], order })
    }
}

fn dense(b: &mut Builder, node: &Node) -> Result<()> {
    let input = b.one_input()?;
    let outputs = field(&node.config, "n_out", size)?;
    tables_of_dense(b, node, input, outputs)
}

fn tables_of_dense(b: &mut Builder, node: &Node, input: String, outputs: usize) -> Result<()> {
    let state = State::of(b, node)?;
    let axes = Axes::dense(b.shape(&input)?, outputs)?;
    let biased = truth(&node.config, "use_bias", true)?;
    let normalize = match truth(&node.config, "batch_norm", false)? {
        true => {
            let names = normalization(node, ["gamma", "beta"])?;
            let module = state.part("bn_module", Name::Counted("batch_normalization", 0))?;
            Some(Normalize::keras(node, &module.arrays(&names).at("bn_module")?, axes.edges[axes.summed[0]])?)
        }
        false => None,
    };
    tables(b, node, &state, input, axes, biased, normalize)
}

fn einsum_dense(b: &mut Builder, node: &Node) -> Result<()> {
    let state = State::of(b, node)?;
    let input = b.one_input()?;
    let equation = field(&node.config, "equation", string)?;
    let output = match argument(&node.config, "output_shape") {
        Value::Array(lengths) => lengths.iter().map(|length| length.as_u64().map(|length| length as usize)).collect(),
        _ => vec![Some(field(&node.config, "output_shape", size)?)],
    };
    let shape = b.shape(&input)?.to_vec();
    let axes = Axes::of(equation, &shape, &output)?;
    let normal = truth(&node.config, "batch_norm", false)?;
    let biased = !argument(&node.config, "bias_axes").is_null() && !normal;
    let normalize = match normal {
        true => {
            let kernel = equation.split([',', '-']).nth(1).unwrap_or_default().trim();
            let over = field(&node.config, "normalize_axes", string)?;
            let over: Option<Vec<usize>> = over.chars().map(|axis| kernel.chars().position(|k| k == axis)).collect();
            let over = over.ok_or_else(|| {
                Error::user("it normalises over an axis that its kernel does not have", "leave out normalize_axes")
            })?;
            let arrays = state.arrays(&with_ebops_last(node, normalization(node, ["bn_gamma", "bn_beta"])?)?)?;
            let inputs = axes.summed.iter().map(|at| axes.edges[*at]).product();
            Some(Normalize::hgq(node, &arrays, over, inputs)?)
        }
        false => {
            state.arrays(&with_ebops(node, &[], &[])?)?;
            None
        }
    };
    tables(b, node, &state, input, axes, biased, normalize)
}

/// The names of a batch normalisation's arrays.
fn normalization<'n>(node: &Node, trained: [&'n str; 2]) -> Result<Vec<&'n str>> {
    let mut names = Vec::new();
    for (argument, name) in ["bn_scale", "bn_center"].into_iter().zip(trained) {
        if truth(&node.config, argument, true)? {
            names.push(name);
        }
    }
    names.extend(["moving_mean", "moving_variance"]);
    Ok(names)
}

fn with_ebops_last<'n>(node: &Node, names: Vec<&'n str>) -> Result<Vec<&'n str>> {
    let ebops = with_ebops(node, &[], &[])?;
    Ok(names.into_iter().chain(ebops).collect())
}

/// Pushes the copies of the input for each edge, their quantizer, the tables and their sums.
fn tables(
    b: &mut Builder,
    node: &Node,
    state: &State,
    input: String,
    axes: Axes,
    biased: bool,
    normalize: Option<Normalize>,
) -> Result<()> {
    let absent = |name: &str| {
        let what = format!("has no quantizer `{name}`, whose codes its tables would have");
        Error::user(what, "leave both enable_iq and the quantizers of table layers at their default")
    };
    let enabled = truth(&node.config, "enable_iq", true)?;
    let iq = quantizer(argument(&node.config, "iq_conf"), &state.quantizer("iq")?).at("iq")?;
    let iq = iq.filter(|_| enabled).ok_or_else(|| absent("iq"))?;
    let toq = state.part("toq", Name::Counted("quantizer", 0))?;
    let toq = quantizer(argument(&node.config, "toq_conf"), &toq).at("toq")?.ok_or_else(|| absent("toq"))?;
    let format = iq.hull().at("iq")?;
    let edges = Edges::read(node, state, &axes.edges, &axes.weights, biased, normalize)?;
    let (values, out_fraction) = edges.tables(&axes.edges, format, &toq)?;

    let copies: usize = axes.edges[axes.inputs..].iter().product();
    let spread = spread(b, node, input, &axes.edges[..axes.inputs], copies, &axes.edges);
    let name = named(b, node, "iq");
    let codes = iq.push(b, name, spread)?;
    let name = named(b, node, "tables");
    let mut result = b.push(
        Layer::new(name, "table", vec![codes])
            .with("signed", format.signed)
            .with("integer", format.integer() - i32::from(format.signed))
            .with("fraction", -format.lsb)
            .with("out_fraction", out_fraction)
            .with_tensor("values", values),
    );
    if !axes.summed.is_empty() {
        let name = named(b, node, "sum");
        result = b.push(Layer::new(name, "sum", vec![result]).with("axis", axes.summed.clone()));
    }
    if !axes.order.is_sorted() {
        let name = named(b, node, "transpose");
        result = b.push(Layer::new(name, "transpose", vec![result]).with("perm", axes.order.clone()));
    }
    let result = activation(b, node, "activation", result)?;
    output(b, node, state, result)
}

/// Copies of each element along new last axes.
fn spread(b: &mut Builder, node: &Node, input: String, shape: &[usize], copies: usize, edges: &[usize]) -> String {
    if edges.len() == shape.len() {
        return input;
    }
    let one: Vec<usize> = shape.iter().copied().chain([1]).collect();
    let name = named(b, node, "column");
    let column = b.push(Layer::new(name, "reshape", vec![input]).with("shape", one));
    let name = named(b, node, "copies");
    let spread = Layer::new(name, "gather", vec![column]).with("indices", vec![0; copies]).with("axis", shape.len());
    let spread = b.push(spread);
    if edges.len() == shape.len() + 1 {
        return spread;
    }
    let name = named(b, node, "edges");
    b.push(Layer::new(name, "reshape", vec![spread]).with("shape", edges.to_vec()))
}

fn conv(b: &mut Builder, node: &Node, rank: usize) -> Result<()> {
    let data_format = optional(&node.config, "data_format", string)?.unwrap_or("channels_last");
    if data_format != "channels_last" {
        return Err(Error::user(format!("`data_format` is {data_format}"), "only channels_last is supported"));
    }
    let input = b.one_input()?;
    let shape = b.shape(&input)?.to_vec();
    let sizes = |name: &str| Ok(per_axis(&node.config, name, rank)?.unwrap_or_else(|| vec![1; rank]));
    let (kernel, strides, dilation) = (sizes("kernel_size")?, sizes("strides")?, sizes("dilation_rate")?);
    let padding = optional(&node.config, "padding", string)?.unwrap_or("valid");
    if shape.len() != rank + 1 || !["valid", "same"].contains(&padding) {
        let what = format!("its input has shape {shape:?}, and `padding` is {padding}");
        return Err(Error::user(what, format!("the input has {rank} axes and channels; padding is valid or same")));
    }
    let mut pads = vec![[0, 0]; rank + 1];
    let mut windows = Vec::new();
    for axis in 0..rank {
        let (length, stride, step) = (shape[axis], strides[axis], dilation[axis]);
        let reach = kernel[axis].checked_sub(1).and_then(|steps| steps.checked_mul(step)).map(|reach| reach + 1);
        let bad = || Error::user(format!("a window of {} does not fit", kernel[axis]), "correct kernel_size");
        let reach = reach.filter(|_| stride > 0 && step > 0).ok_or_else(bad)?;
        let count = match padding {
            "same" => length.div_ceil(stride),
            _ => (length + 1).checked_sub(reach).filter(|room| *room > 0).ok_or_else(bad)?.div_ceil(stride),
        };
        let missing = ((count.max(1) - 1) * stride + reach).saturating_sub(length);
        if padding == "same" {
            pads[axis] = [missing / 2, missing - missing / 2];
        }
        windows
            .push((0..count).flat_map(|at| (0..kernel[axis]).map(move |k| at * stride + k * step)).collect::<Vec<_>>());
    }
    let patches = patches(b, node, input, &pads, &windows, &kernel, shape[rank]);
    tables_of_dense(b, node, patches, field(&node.config, "filters", size)?)
}

/// Patches along each axis become the last axis: the window's axes, then channels.
fn patches(
    b: &mut Builder,
    node: &Node,
    input: String,
    pads: &[[usize; 2]],
    windows: &[Vec<usize>],
    kernel: &[usize],
    channels: usize,
) -> String {
    let mut x = input;
    if pads.iter().flatten().any(|pad| *pad > 0) {
        let name = named(b, node, "pad");
        x = b.push(Layer::new(name, "pad", vec![x]).with("padding", pads.to_vec()));
    }
    for (axis, indices) in windows.iter().enumerate() {
        let name = named(b, node, &format!("windows_{axis}"));
        x = b.push(Layer::new(name, "gather", vec![x]).with("indices", indices.clone()).with("axis", axis));
    }
    let counts: Vec<usize> = windows.iter().zip(kernel).map(|(windows, kernel)| windows.len() / kernel).collect();
    if let [rows, columns] = counts[..] {
        let name = named(b, node, "split");
        let split = [rows, kernel[0], columns, kernel[1], channels];
        x = b.push(Layer::new(name, "reshape", vec![x]).with("shape", split.to_vec()));
        let name = named(b, node, "order");
        x = b.push(Layer::new(name, "transpose", vec![x]).with("perm", vec![0, 2, 1, 3, 4]));
    }
    let size: usize = kernel.iter().product::<usize>() * channels;
    let name = named(b, node, "patches");
    b.push(Layer::new(name, "reshape", vec![x]).with("shape", [counts, vec![size]].concat()))
}
