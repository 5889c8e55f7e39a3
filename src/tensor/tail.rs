//! What stays outside the hardware: the float chain at the end of an output.

use super::fold::{chain, copy, mapped};
use super::{Builder, Float, Graph, Id, Op, Value};
use crate::error::Result;

/// The float chain behind one output, applied by the host in float32.
#[derive(Clone, Debug, PartialEq)]
pub struct Tail {
    /// The output's shape, without the sample axis.
    pub shape: Vec<usize>,
    /// The operations, in order; none if the output is exact.
    pub floats: Vec<Float>,
}

/// The graph whose outputs are the exact values before each output's float chain, and those chains, in output order.
/// Nodes that no output needs are left out; inputs stay.
///
/// # Errors
/// A bug of ours only; call it on a folded graph to get one without floats.
pub fn tail(graph: &Graph) -> Result<(Graph, Vec<Tail>)> {
    let ends: Vec<(Id, Vec<Id>)> = graph.outputs.iter().map(|(_, id)| chain(graph, *id)).collect();
    let mut live = vec![false; graph.nodes.len()];
    ends.iter().for_each(|(base, _)| live[base.0 as usize] = true);
    for index in (0..graph.nodes.len()).rev() {
        live[index] |= matches!(graph.nodes[index].op, Op::Input { .. });
        if live[index] {
            graph.nodes[index].args.iter().for_each(|arg| live[arg.0 as usize] = true);
        }
    }
    let mut builder = Builder::resume(&graph.name, &graph.layers, &graph.inputs);
    let mut new = vec![None; graph.nodes.len()];
    for (index, node) in graph.nodes.iter().enumerate().filter(|(index, _)| live[*index]) {
        new[index] = Some(copy(&mut builder, &new, node)?);
    }
    let mut tails = Vec::new();
    for ((name, id), (base, floats)) in graph.outputs.iter().zip(ends) {
        builder.output(name, mapped(&new, base)?);
        let float = |id: Id| if let Op::Float(float) = &graph.node(id).op { Some(float.clone()) } else { None };
        let floats = floats.into_iter().filter_map(float).collect();
        tails.push(Tail { shape: graph.node(*id).shape.clone(), floats });
    }
    Ok((builder.finish()?.0, tails))
}

/// The host's part: the exact values of an output as float32, and the chain applied to them, row after row.
pub fn apply_tail(tail: &Tail, value: &Value) -> Vec<f32> {
    let mut data = match value {
        Value::Float { data, .. } => data.clone(),
        Value::Exact { exps, codes, .. } => {
            let float = |(i, code): (usize, &i128)| crate::fixed::Fixed::new(*code, exps[i % exps.len()]).to_f32();
            codes.data.iter().enumerate().map(float).collect()
        }
    };
    for sample in data.chunks_mut(value.columns().max(1)) {
        tail.floats.iter().for_each(|float| float.apply(sample, &tail.shape));
    }
    data
}

#[cfg(test)]
mod tests {
    use super::super::{Options, evaluate, fold, random};
    use super::*;

    #[test]
    fn a_tail_computes_what_the_floats_did() {
        for seed in 100..130 {
            let graph = fold(&random::graph(seed, true)).expect("random chains fold");
            let (exact, tails) = tail(&graph).expect("splits");
            assert!(exact.nodes.iter().all(|node| !node.is_float()));
            let inputs = random::inputs(&graph, 20, seed);
            let whole = evaluate(&graph, &inputs, &Options::default()).expect("evaluates");
            let split = evaluate(&exact, &inputs, &Options::default()).expect("evaluates");
            for ((whole, split), tail) in whole.outputs.iter().zip(&split.outputs).zip(&tails) {
                let data = apply_tail(tail, split);
                if let Value::Float { data: expected, .. } = whole {
                    assert_eq!(&data, expected);
                }
            }
        }
    }
}
