//! `ebops`: effective bit operations, bits of one factor times bits of the other, summed over all products.
//!
//! Source: HGQ (arXiv:2405.00645). They are counted on the tensor graph, so on exactly what is built: a weight has the bits
//! from its highest to its lowest that is not 0, so that a 0 or a power of two costs what it does in logic; a value has the
//! bits of its range, without the sign. A constant that is added, a bias, counts its bits once.

use super::{Cost, Measure, Options, Row, class, own_name};
use crate::compiler::meaning;
use crate::error::Result;
use crate::fixed::{Fixed, Range};
use crate::network::Network;
use crate::registry::Entry;
use crate::tensor::{Graph, Node, Op, broadcast_map};

/// The entry.
pub const COST: Entry<Measure> =
    Entry { name: "ebops", doc: "effective bit operations of the tensor graph, as HGQ defines them", make: ebops };

fn ebops(network: &Network, options: &Options) -> Result<Cost> {
    let meaning = meaning(network, &options.reading)?;
    let graph = &meaning.graph;
    let mut sums = vec![0u64; graph.layers.len()];
    for node in &graph.nodes {
        if let Some(sum) = sums.get_mut(node.layer as usize) {
            *sum += operations(graph, node);
        }
    }
    let row = |(name, sum): (&String, &u64)| {
        let layer = own_name(&meaning, name);
        let class = network.layer(&layer).map_or("", class).to_string();
        Row { layer, class, total: *sum as f64, parts: Vec::new() }
    };
    let rows: Vec<Row> = graph.layers.iter().zip(&sums).filter(|(_, sum)| **sum > 0).map(row).collect();
    let total = rows.iter().map(|row| row.total).sum();
    Ok(Cost { unit: "EBOPs", rows, total, notes: Vec::new() })
}

/// Bits of a number between its highest and lowest that is set.
fn enclosed(value: Fixed) -> u64 {
    // The mantissa is odd, or 0.
    u64::from(128 - value.mantissa().unsigned_abs().leading_zeros())
}

/// Bits of each element: of a constant its own, of a value its range's.
fn bits(node: &Node) -> Vec<u64> {
    let range = |range: &Range| match range.constant() {
        Some(value) => enclosed(value),
        None => u64::from(range.width()) - u64::from(range.signed()),
    };
    node.ranges.iter().map(range).collect()
}

fn operations(graph: &Graph, node: &Node) -> u64 {
    let args: Vec<&Node> = node.args.iter().map(|id| graph.node(*id)).collect();
    match (&node.op, args.as_slice()) {
        (Op::MatMul, [x, w]) => {
            let (x, columns, w) = (bits(x), w.shape.last().copied().unwrap_or(1).max(1), bits(w));
            // A row of the kernel meets one element of each row of x: the sum of its bits is all that matters.
            let rows: Vec<u64> = w.chunks(columns).map(|row| row.iter().sum()).collect();
            x.iter().enumerate().map(|(i, bits)| bits * rows[i % rows.len().max(1)]).sum()
        }
        (Op::Mul, [a, b]) => pairs(a, b, &node.shape).map(|(a, b)| a * b).sum(),
        (Op::Add, [a, b]) => {
            let constant = |node: &Node| matches!(node.op, Op::Constant { .. });
            match (constant(a), constant(b)) {
                (false, true) => pairs(a, b, &node.shape).map(|(_, b)| b).sum(),
                (true, false) => pairs(a, b, &node.shape).map(|(a, _)| a).sum(),
                _ => 0,
            }
        }
        _ => 0,
    }
}

/// The bits of both operands, for each element of the result.
fn pairs(a: &Node, b: &Node, shape: &[usize]) -> impl Iterator<Item = (u64, u64)> {
    let each = |node: &Node| {
        let bits = bits(node);
        broadcast_map(&node.shape, shape).into_iter().map(move |e| bits[e as usize]).collect::<Vec<_>>()
    };
    each(a).into_iter().zip(each(b))
}
