//! What each node of a graph needs at every step, made once.

use super::steps::{Quantize, Stairs, constants, lengths, slope};
use crate::error::{Error, Result};
use crate::fixed::{Overflow, Quantization, Rounding};
use crate::functions::Gradient;
use crate::tensor::{Graph, Id, Made, Op, Source};
use tch::Tensor;

/// What a node needs besides its operands.
pub enum Plan {
    /// Nothing.
    Plain,
    /// Numbers that stay.
    Constant(Tensor),
    /// Numbers of a parameter.
    Sourced(Source, Option<Tensor>),
    /// Where each element comes from; none where it is a new shape only.
    Gather(Option<Tensor>),
    /// The greater of a value and 0: unlike for others, there is no slope where they are equal.
    Relu,
    Quantize(Quantize, Gradient, f32),
    Learned(Learned),
    Steps(Stairs, Gradient, f32),
    Table(Tensor),
}

/// Formats that are learned.
pub struct Learned {
    /// The layer that has them.
    pub layer: String,
    /// 1 where values may be negative, else 0.
    pub signed: Tensor,
    /// Whether any may.
    pub negative: bool,
    /// What becomes of values between two numbers.
    pub rounding: Rounding,
    /// What becomes of values beyond.
    pub overflow: Overflow,
}

/// Which nodes outputs depend on.
pub fn live(graph: &Graph) -> Vec<bool> {
    let mut live = vec![false; graph.nodes.len()];
    graph.outputs.iter().for_each(|(_, id)| live[id.0 as usize] = true);
    for index in (0..graph.nodes.len()).rev() {
        if live[index] {
            graph.nodes[index].args.iter().for_each(|arg| live[arg.0 as usize] = true);
        }
    }
    live
}

/// Is it the constant 0?
fn is_zero(graph: &Graph, id: Id) -> bool {
    matches!(&graph.node(id).op, Op::Constant { values } if values.iter().all(|value| value.is_zero()))
}

/// What a node needs besides its operands.
pub fn plan(graph: &Graph, id: Id) -> Result<Plan> {
    let node = graph.node(id);
    let order = |elements: Vec<u32>| {
        let same = elements.iter().enumerate().all(|(i, e)| i as u32 == *e);
        let elements: Vec<i64> = elements.into_iter().map(i64::from).collect();
        (!same).then(|| Tensor::from_slice(&elements))
    };
    if let Some(source) = graph.sources.constants.get(&id) {
        // A list in order may still be shorter than the parameter: scales are one for each channel.
        let whole = !matches!(source.made, Made::Scales(..));
        let elements: Vec<i64> = source.elements.iter().map(|e| i64::from(*e)).collect();
        let order = if whole { order(source.elements.clone()) } else { Some(Tensor::from_slice(&elements)) };
        return Ok(Plan::Sourced(source.clone(), order));
    }
    let stated = graph.sources.gradients.get(&id).cloned();
    Ok(match &node.op {
        Op::Constant { values } => {
            let values: Vec<f32> = values.iter().map(|value| value.to_f32()).collect();
            Plan::Constant(Tensor::from_slice(&values).view(lengths(&node.shape).as_slice()))
        }
        Op::Gather { elements } => {
            let mut starts = vec![0];
            node.args.iter().for_each(|arg| starts.push(starts[starts.len() - 1] + graph.node(*arg).len() as u32));
            let flat: Vec<u32> = elements.iter().map(|(arg, e)| starts[*arg as usize] + e).collect();
            let all = starts.last() == Some(&(flat.len() as u32));
            let places: Vec<i64> = flat.iter().map(|e| i64::from(*e)).collect();
            Plan::Gather(if all { order(flat) } else { Some(Tensor::from_slice(&places)) })
        }
        Op::Max if is_zero(graph, node.args[1]) && graph.node(node.args[0]).shape == node.shape => Plan::Relu,
        Op::Quantize { elements } if graph.sources.formats.contains_key(&id) => {
            let formats = &graph.sources.formats[&id];
            let signed: Vec<f32> = formats.signed.iter().map(|sign| f32::from(u8::from(*sign))).collect();
            let signed = Tensor::from_slice(&signed).view(lengths(&node.shape).as_slice());
            let Quantization { rounding, overflow, .. } = elements[0];
            let negative = formats.signed.contains(&true);
            Plan::Learned(Learned { layer: formats.layer.clone(), signed, negative, rounding, overflow })
        }
        Op::Quantize { elements } => {
            let (gradient, factor) = stated.unwrap_or_else(|| (slope(elements), 1.0));
            Plan::Quantize(Quantize::new(elements, &node.shape), gradient, factor)
        }
        Op::Steps { stairs } => {
            let (gradient, factor) = stated.unwrap_or((Gradient::Straight, 1.0));
            Plan::Steps(Stairs::new(stairs, &node.shape), gradient, factor)
        }
        Op::Table { values, .. } => {
            Plan::Table(Tensor::from_slice(&values.iter().map(|value| value.to_f32()).collect::<Vec<_>>()))
        }
        Op::Float(float) if !float.constants().is_empty() => Plan::Constant(constants(float.constants(), &node.shape)),
        Op::Lookup(_) => {
            let what = "a table of several inputs has no gradient";
            return Err(Error::user(what, "train the network in the framework that it comes from"));
        }
        _ => Plan::Plain,
    })
}
