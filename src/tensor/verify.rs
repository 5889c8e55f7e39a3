//! What must hold in every tensor graph. A graph that breaks one of these is a bug of ours.
//!
//! 1. Operands precede their users.
//! 2. A node's shape and ranges are those that its operation gives for its operands; floats are read by float operations,
//!    quantizers and outputs only.
//! 3. Layers have legal and distinct names, so have ports and the graph itself, and each node belongs to a layer.
//! 4. Outputs are nodes of the graph, and there is at least one.
//! 5. Formats are at most [`Format::MAX_WIDTH`] bits wide.
//! 6. Thresholds of a staircase ascend.

use super::infer::infer;
use super::{Graph, Id, Node, Op, legal_name};
use crate::error::{Error, Result};
use crate::fixed::{Format, Quantization};

/// Checks the numbered conditions.
///
/// # Errors
/// The first condition that does not hold, with the node.
pub fn verify(graph: &Graph) -> Result<()> {
    for (index, node) in graph.nodes.iter().enumerate() {
        let id = Id(index as u32);
        check(1, id, node.args.iter().all(|arg| arg.0 < id.0), "an operand does not precede its user")?;
        let args: Vec<&Node> = node.args.iter().map(|arg| graph.node(*arg)).collect();
        let found = infer(&node.op, &args, &graph.inputs, &node.shape).map_err(|e| broken(2, id, &e.what))?;
        check(2, id, found.shape == node.shape, "the shape is not the operation's")?;
        check(2, id, found.ranges == node.ranges, "the ranges are not the operation's")?;
        check(3, id, (node.layer as usize) < graph.layers.len(), "the node belongs to no layer")?;
        if let Op::Quantize { elements } = &node.op {
            check(5, id, elements.iter().all(narrow), "a format is too wide")?;
        }
        if let Op::Steps { stairs } = &node.op {
            let ascends = stairs.iter().all(|s| s.steps.is_sorted_by(|a, b| a.0 < b.0));
            check(6, id, ascends, "thresholds do not ascend")?;
        }
    }
    let ports = graph.inputs.iter().map(|port| &port.name).chain(graph.outputs.iter().map(|(name, _)| name));
    let ports = ports.chain([&graph.name]);
    check(3, Id(0), distinct(ports) && distinct(graph.layers.iter()), "names are not legal and distinct")?;
    let outputs = graph.outputs.iter().all(|(_, id)| (id.0 as usize) < graph.nodes.len());
    check(4, Id(0), outputs && !graph.outputs.is_empty(), "an output is missing")?;
    check(5, Id(0), graph.inputs.iter().flat_map(|p| &p.elements).all(narrow), "a port's format is too wide")
}

fn narrow(q: &Quantization) -> bool {
    q.format.width <= Format::MAX_WIDTH
}

fn distinct<'a>(names: impl Iterator<Item = &'a String>) -> bool {
    let mut seen: Vec<String> = Vec::new();
    for name in names {
        if legal_name(name, &seen) != *name {
            return false;
        }
        seen.push(name.clone());
    }
    true
}

fn check(condition: u32, id: Id, holds: bool, what: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(broken(condition, id, what)) }
}

fn broken(condition: u32, id: Id, what: &str) -> Error {
    Error::bug(format!("tensor graph, condition ({condition}) at {id}: {what}"))
}

#[cfg(test)]
mod tests {
    use super::super::random;
    use super::*;

    #[test]
    fn broken_graphs_are_found() {
        let good = random::graph(1, true);
        verify(&good).expect("random graphs are sound");
        type Damage = fn(&mut Graph);
        let breaks: [(&str, Damage); 6] = [
            ("(1)", |g| g.nodes.swap(0, 5)),
            ("(2)", |g| g.nodes[4].shape = vec![99]),
            ("(2)", |g| g.nodes[0].ranges[0].hi += 1),
            ("(3)", |g| g.layers[1] = "always".into()),
            ("(3)", |g| g.nodes[2].layer = 1000),
            ("(4)", |g| g.outputs.clear()),
        ];
        for (condition, damage) in breaks {
            let mut graph = good.clone();
            damage(&mut graph);
            let error = verify(&graph).expect_err(condition);
            assert!(error.what.contains(condition), "{condition}: {error}");
        }
    }
}
