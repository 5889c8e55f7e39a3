//! What can be computed once per node before samples are seen: element maps, shifts, integer weights and thresholds.

use super::matmul::MatMul;
use crate::fixed::{Range, shift_left};
use crate::tensor::infer::{broadcast_map, reduced};
use crate::tensor::{Graph, Id, Op, Staircase, pick};
use std::collections::HashMap;

/// A node, ready to run.
pub(super) enum Prepared {
    /// The first column of the port in the batch.
    Input(usize),
    /// A product with constants.
    MatMul(MatMul),
    /// For each element: left and right element, and how to bring them together.
    Binary(Vec<(u32, u32, Meet)>),
    /// For each element: the elements it is taken over, each with its shift to the result's grid.
    Reduce(Vec<Vec<(u32, u32)>>),
    /// For each element its staircase.
    Steps(Vec<u32>, Vec<IntegerStairs>),
    /// Nothing to prepare.
    Plain,
}

/// How two elements come together on the result's grid.
#[derive(Clone, Copy)]
pub(super) enum Meet {
    /// Shift both left by so much.
    Shift(u32, u32),
    /// The left one alone decides.
    Left,
    /// The right one alone decides.
    Right,
}

/// A staircase in codes: `values[number of thresholds <= code]`.
pub(super) struct IntegerStairs {
    pub thresholds: Vec<i128>,
    pub values: Vec<i128>,
}

pub(super) fn prepare(graph: &Graph, id: Id) -> Prepared {
    let node = graph.node(id);
    match &node.op {
        Op::Input { port } => {
            Prepared::Input(graph.inputs[..*port as usize].iter().map(|port| port.elements.len()).sum())
        }
        Op::MatMul => match MatMul::new(graph, id) {
            Some(product) => Prepared::MatMul(product),
            None => Prepared::Plain,
        },
        Op::Add | Op::Mul | Op::Max | Op::Min => prepare_binary(graph, id),
        Op::Reduce { axis, .. } => {
            let x = graph.node(node.args[0]);
            let (_, groups) = reduced(&x.shape, *axis);
            let groups = groups.iter().zip(&node.ranges).map(|(group, to)| {
                // An element on a finer grid than the maximum's never is the maximum.
                let usable = group.iter().filter_map(|e| Some((*e, shift(&x.ranges[*e as usize], to)?)));
                usable.collect()
            });
            Prepared::Reduce(groups.collect())
        }
        Op::Steps { stairs } if !graph.node(node.args[0]).is_float() => prepare_steps(graph, id, stairs),
        Op::Constant { .. } | Op::Gather { .. } | Op::Quantize { .. } | Op::Steps { .. } => Prepared::Plain,
        Op::Table { .. } | Op::Lookup(_) | Op::Float(_) => Prepared::Plain,
    }
}

/// The left shift from one grid to a finer one; 0 for the constant 0, which has no grid of its own.
fn shift(from: &Range, to: &Range) -> Option<u32> {
    if from.lo == 0 && from.hi == 0 { Some(0) } else { u32::try_from(from.exp.checked_sub(to.exp)?).ok() }
}

fn prepare_binary(graph: &Graph, id: Id) -> Prepared {
    let node = graph.node(id);
    let (a, b) = (graph.node(node.args[0]), graph.node(node.args[1]));
    let pairs = broadcast_map(&a.shape, &node.shape).into_iter().zip(broadcast_map(&b.shape, &node.shape));
    let meet = |((i, j), to): ((u32, u32), &Range)| {
        let (x, y) = (&a.ranges[i as usize], &b.ranges[j as usize]);
        let max = node.op == Op::Max;
        let way = match (&node.op, shift(x, to), shift(y, to)) {
            (Op::Mul, _, _) => Meet::Shift(0, 0),
            (Op::Max | Op::Min, _, _) if x.high() <= y.low() => {
                if max {
                    Meet::Right
                } else {
                    Meet::Left
                }
            }
            (Op::Max | Op::Min, _, _) if y.high() <= x.low() => {
                if max {
                    Meet::Left
                } else {
                    Meet::Right
                }
            }
            (_, Some(x), Some(y)) => Meet::Shift(x, y),
            // One side is finer than the result: it cannot be what decides.
            (_, None, _) => Meet::Right,
            (_, _, None) => Meet::Left,
        };
        (i, j, way)
    };
    Prepared::Binary(pairs.zip(&node.ranges).map(meet).collect())
}

fn prepare_steps(graph: &Graph, id: Id, stairs: &[Staircase]) -> Prepared {
    let node = graph.node(id);
    let x = graph.node(node.args[0]);
    let mut known: HashMap<(usize, i32, i32), u32> = HashMap::new();
    let mut integers = Vec::new();
    let indices: Vec<usize> = (0..stairs.len()).collect();
    let which = (0..node.len()).map(|e| {
        let (index, from, to) = (*pick(&indices, e, &node.shape), x.ranges[e].exp, node.ranges[e].exp);
        *known.entry((index, from, to)).or_insert_with(|| {
            integers.push(IntegerStairs::new(&stairs[index], from, to));
            integers.len() as u32 - 1
        })
    });
    Prepared::Steps(which.collect(), integers)
}

impl IntegerStairs {
    fn new(stairs: &Staircase, from: i32, to: i32) -> IntegerStairs {
        // code * 2^from >= threshold, if and only if code >= ceil(threshold / 2^from).
        let ceiling = |threshold: &crate::fixed::Fixed| {
            let up = threshold.exponent() - from;
            let sign = threshold.mantissa().signum();
            match up {
                0.. => {
                    shift_left(threshold.mantissa(), up as u32).unwrap_or(if sign < 0 { i128::MIN } else { i128::MAX })
                }
                -126..0 => -((-threshold.mantissa()) >> -up),
                _ => (sign > 0) as i128,
            }
        };
        let value = |v: &crate::fixed::Fixed| v.at(to).unwrap_or(0); // off the grid only where it is never reached
        let values = std::iter::once(&stairs.first).chain(stairs.steps.iter().map(|(_, v)| v)).map(value).collect();
        IntegerStairs { thresholds: stairs.steps.iter().map(|(t, _)| ceiling(t)).collect(), values }
    }

    /// The value for a code.
    pub fn at(&self, code: i128) -> i128 {
        self.values[self.thresholds.partition_point(|threshold| *threshold <= code)]
    }
}
