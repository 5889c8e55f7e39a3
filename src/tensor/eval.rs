//! Evaluates a graph on many samples: exactly in integers, and in real float32 operations where the graph has floats.
//!
//! The referee of every accuracy and every bit that nanotrig reports. Codes are `i64` where ranges prove that they fit,
//! `i128` elsewhere; sums wrap on the way and are exact at the end, because the result is proven to fit. Samples are
//! worked on in chunks, in parallel.

mod matmul;
mod narrow;
mod prepare;
mod run;
mod statistics;

pub use statistics::{ElementStatistics, Statistics};

use super::{Graph, Id};
pub(super) use run::{quantize_float, round_float};

use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Range};
use prepare::Prepared;
use rayon::prelude::*;

/// Samples in a chunk: few enough for the caches, enough to make scheduling cheap.
const CHUNK: usize = 64;

/// What to give besides the outputs.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Nodes whose values are wanted.
    pub watch: Vec<Id>,
    /// Whether to gather [`Evaluation::statistics`] and [`Evaluation::float_sums`].
    pub statistics: bool,
}

/// The values of one node for all samples.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Exact: element `e` of sample `r` is `codes.row(r)[e] * 2^exps[e]`.
    Exact {
        /// The node's shape.
        shape: Vec<usize>,
        /// The exponent of each element's grid.
        exps: Vec<i32>,
        /// The codes.
        codes: Batch,
    },
    /// Float32, one row of `shape`'s elements a sample.
    Float {
        /// The node's shape.
        shape: Vec<usize>,
        /// The values, row after row.
        data: Vec<f32>,
    },
}

impl Value {
    /// The shape, without the sample axis.
    pub fn shape(&self) -> &[usize] {
        match self {
            Value::Exact { shape, .. } | Value::Float { shape, .. } => shape,
        }
    }

    /// Elements of a sample.
    pub fn columns(&self) -> usize {
        self.shape().iter().product()
    }

    /// One element of one sample as an exact number; `None` for NaN and infinities.
    pub fn number(&self, row: usize, element: usize) -> Option<Fixed> {
        match self {
            Value::Exact { exps, codes, .. } => Some(Fixed::new(codes.row(row)[element], exps[element])),
            Value::Float { data, .. } => Fixed::from_f64(f64::from(data[row * self.columns() + element])),
        }
    }
}

/// What [`evaluate`] gives.
#[derive(Clone, Debug, Default)]
pub struct Evaluation {
    /// The outputs, in the graph's order.
    pub outputs: Vec<Value>,
    /// The values of [`Options::watch`], in its order.
    pub watched: Vec<Value>,
    /// For each `quantize` node, what happened in it.
    pub statistics: Vec<Statistics>,
    /// For each sum, how often a float32 computation of it might have rounded (absolute terms beyond 2^24 steps).
    /// Sums that cannot, by their ranges, are left out.
    pub float_sums: Vec<(Id, u64)>,
}

/// Evaluates a graph on samples of port codes, the ports' elements one after another.
///
/// # Errors
/// The batch's width is not that of the ports; a code lies outside its port's format; a float becomes NaN or infinite
/// before a quantizer that cannot take it.
pub fn evaluate(graph: &Graph, inputs: &Batch, options: &Options) -> Result<Evaluation> {
    let columns: usize = graph.inputs.iter().map(|port| port.elements.len()).sum();
    if inputs.columns != columns {
        let what = format!("samples have {} values, and the network's inputs {columns} elements", inputs.columns);
        return Err(Error::user(what, "give one column per input element, in port order"));
    }
    let prepared: Vec<Prepared> = (0..graph.nodes.len()).map(|i| prepare::prepare(graph, Id(i as u32))).collect();
    let wanted: Vec<Id> = graph.outputs.iter().map(|(_, id)| *id).chain(options.watch.iter().copied()).collect();
    let job = run::Job { graph, prepared: &prepared, wanted: &wanted, statistics: options.statistics };
    let rows = inputs.rows();
    let starts: Vec<usize> = (0..rows).step_by(CHUNK).collect();
    let chunks: Vec<run::Chunk> =
        starts.par_iter().map(|start| job.run(inputs, *start, (start + CHUNK).min(rows))).collect::<Result<_>>()?;
    Ok(gather(graph, &wanted, &chunks, options))
}

/// Puts the chunks together.
fn gather(graph: &Graph, wanted: &[Id], chunks: &[run::Chunk], options: &Options) -> Evaluation {
    let value = |(slot, id): (usize, &Id)| {
        let node = graph.node(*id);
        let shape = node.shape.clone();
        if node.is_float() {
            let data = chunks.iter().flat_map(|c| c.values[slot].floats().iter().copied()).collect();
            return Value::Float { shape, data };
        }
        let mut codes = Batch::new(node.len());
        chunks.iter().for_each(|c| c.values[slot].append_to(&mut codes.data));
        Value::Exact { shape, exps: node.ranges.iter().map(|r: &Range| r.exp).collect(), codes }
    };
    let mut values: Vec<Value> = wanted.iter().enumerate().map(value).collect();
    let watched = values.split_off(graph.outputs.len());
    let mut evaluation = Evaluation { outputs: values, watched, ..Evaluation::default() };
    if options.statistics {
        evaluation.statistics = statistics::merge(chunks.iter().map(|chunk| &chunk.statistics));
        for chunk in chunks {
            for (id, count) in &chunk.float_sums {
                match evaluation.float_sums.iter_mut().find(|(other, _)| other == id) {
                    Some((_, total)) => *total += count,
                    None => evaluation.float_sums.push((*id, *count)),
                }
            }
        }
    }
    evaluation
}

#[cfg(test)]
mod tests;
