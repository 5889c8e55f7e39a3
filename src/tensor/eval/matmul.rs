//! The product with constants: the inner loop that evaluation spends its time in.

use super::run::Data;
use crate::fixed::Range;
use crate::tensor::{Graph, Id, Op};
use std::collections::HashMap;

/// Integer weights for a product with a constant matrix.
pub(super) struct MatMul {
    inner: usize,
    outer: usize,
    /// For each row of the left operand, which matrix it meets.
    groups: Vec<u32>,
    /// `[inner][outer]`, modulo 2^128; shifted so that every product lands on its output's grid.
    wide: Vec<Vec<i128>>,
    /// The same modulo 2^64, where the results fit.
    small: Option<Vec<Vec<i64>>>,
    /// Per group and output: can the absolute terms exceed 2^24 steps?
    rounds: Vec<Vec<bool>>,
}

/// The largest integer below which every float32 sum of integers is exact.
const FLOAT_EXACT: f64 = (1u64 << 24) as f64;

impl MatMul {
    /// `None` if the right operand is not constant.
    pub fn new(graph: &Graph, id: Id) -> Option<MatMul> {
        let node = graph.node(id);
        let (x, w) = (graph.node(node.args[0]), graph.node(node.args[1]));
        let Op::Constant { values } = &w.op else { return None };
        let (inner, outer) = (w.shape[0], w.shape[1]);
        let rows = x.len().checked_div(inner).unwrap_or(0);
        let mut product =
            MatMul { inner, outer, groups: Vec::new(), wide: Vec::new(), small: None, rounds: Vec::new() };
        let mut known: HashMap<(&[Range], &[Range]), u32> = HashMap::new();
        for row in 0..rows {
            let from = &x.ranges[row * inner..(row + 1) * inner];
            let to = &node.ranges[row * outer..(row + 1) * outer];
            let group = *known.entry((from, to)).or_insert_with(|| {
                let weight = |i: usize, o: usize| {
                    let (value, dead) = (values[i * outer + o], from[i].lo == 0 && from[i].hi == 0);
                    let shift = value.exponent() + from[i].exp - to[o].exp;
                    if dead || value.is_zero() { 0 } else { value.mantissa().checked_shl(shift as u32).unwrap_or(0) }
                };
                let matrix: Vec<i128> =
                    (0..inner).flat_map(|i| (0..outer).map(move |o| (i, o))).map(|(i, o)| weight(i, o)).collect();
                let bound = |o: usize| {
                    (0..inner).map(|i| magnitude(&from[i]) * (matrix[i * outer + o] as f64).abs()).sum::<f64>()
                };
                product.rounds.push((0..outer).map(|o| bound(o) > FLOAT_EXACT).collect());
                product.wide.push(matrix);
                product.wide.len() as u32 - 1
            });
            product.groups.push(group);
        }
        if Data::fits(&node.ranges) && Data::fits(&x.ranges) {
            product.small = Some(product.wide.iter().map(|m| m.iter().map(|w| *w as i64).collect()).collect());
        }
        Some(product)
    }

    /// The products of `count` samples.
    pub fn run(&self, x: &Data, count: usize) -> Data {
        match (&self.small, x) {
            (Some(matrices), Data::Small(x)) => {
                Data::Small(self.multiply(x, count, matrices, 0, |sum, x, w| sum.wrapping_add(x.wrapping_mul(w))))
            }
            _ => {
                let x: Vec<i128> = (0..x.len()).map(|i| x.at(i)).collect();
                Data::Wide(self.multiply(&x, count, &self.wide, 0, |sum, x, w| sum.wrapping_add(x.wrapping_mul(w))))
            }
        }
    }

    fn multiply<T: Copy + PartialEq>(
        &self,
        x: &[T],
        count: usize,
        matrices: &[Vec<T>],
        zero: T,
        step: impl Fn(T, T, T) -> T,
    ) -> Vec<T> {
        let rows = self.groups.len();
        let mut sums = vec![zero; count * rows * self.outer];
        for (index, sums) in sums.chunks_mut(self.outer.max(1)).enumerate() {
            let matrix = &matrices[self.groups[index % rows] as usize];
            for (x, weights) in x[index * self.inner..(index + 1) * self.inner].iter().zip(matrix.chunks(self.outer)) {
                if *x != zero {
                    sums.iter_mut().zip(weights).for_each(|(sum, w)| *sum = step(*sum, *x, *w));
                }
            }
        }
        sums
    }

    /// In how many sums the absolute terms exceed 2^24 steps, so that float32 might round; `None` if in none ever.
    pub fn float_roundings(&self, x: &Data, count: usize) -> Option<u64> {
        if self.rounds.iter().all(|row| row.iter().all(|rounds| !rounds)) {
            return None;
        }
        let rows = self.groups.len();
        let mut found = 0;
        for index in 0..count * rows {
            let group = self.groups[index % rows] as usize;
            let matrix = &self.wide[group];
            for output in (0..self.outer).filter(|o| self.rounds[group][*o]) {
                let term =
                    |i: usize| (x.at(index * self.inner + i) as f64 * matrix[i * self.outer + output] as f64).abs();
                found += u64::from((0..self.inner).map(term).sum::<f64>() > FLOAT_EXACT);
            }
        }
        Some(found)
    }
}

fn magnitude(range: &Range) -> f64 {
    (range.lo as f64).abs().max((range.hi as f64).abs())
}
