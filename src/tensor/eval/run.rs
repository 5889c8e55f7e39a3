//! Runs the nodes of a graph on one chunk of samples.

use super::narrow;
use super::prepare::{Meet, Prepared};
use super::statistics::{ElementStatistics, Statistics};
use crate::batch::Batch;
use crate::error::{At, Error, Result};
use crate::fixed::{Fixed, Overflow, Quantization, Range, shift_left};
use crate::tensor::{Graph, Id, Node, Op, Reduction, Staircase, pick};

/// The values of a node for a chunk of samples, row after row.
#[derive(Clone)]
pub(super) enum Data {
    Small(Vec<i64>),
    Wide(Vec<i128>),
    Float(Vec<f32>),
}

impl Data {
    /// Do all codes of these ranges fit an `i64`?
    pub fn fits(ranges: &[Range]) -> bool {
        ranges.iter().all(|r| i64::try_from(r.lo).is_ok() && i64::try_from(r.hi).is_ok())
    }

    pub fn len(&self) -> usize {
        match self {
            Data::Small(data) => data.len(),
            Data::Wide(data) => data.len(),
            Data::Float(data) => data.len(),
        }
    }

    /// A code.
    pub fn at(&self, index: usize) -> i128 {
        match self {
            Data::Small(data) => i128::from(data[index]),
            Data::Wide(data) => data[index],
            Data::Float(_) => 0,
        }
    }

    pub fn floats(&self) -> &[f32] {
        match self {
            Data::Float(data) => data,
            _ => &[],
        }
    }

    pub fn append_to(&self, codes: &mut Vec<i128>) {
        codes.extend((0..self.len()).map(|i| self.at(i)));
    }
}

/// What is the same for all chunks.
pub(super) struct Job<'a> {
    pub graph: &'a Graph,
    pub prepared: &'a [Prepared],
    pub wanted: &'a [Id],
    pub statistics: bool,
}

/// What one chunk gave.
pub(super) struct Chunk {
    /// The wanted nodes' values.
    pub values: Vec<Data>,
    pub statistics: Vec<Statistics>,
    pub float_sums: Vec<(Id, u64)>,
}

impl Job<'_> {
    /// Runs samples `from..to`.
    pub fn run(&self, inputs: &Batch, from: usize, to: usize) -> Result<Chunk> {
        let mut all: Vec<Data> = Vec::with_capacity(self.graph.nodes.len());
        let mut chunk = Chunk { values: Vec::new(), statistics: Vec::new(), float_sums: Vec::new() };
        let read = self.read();
        for (index, node) in self.graph.nodes.iter().enumerate() {
            let id = Id(index as u32);
            let data = match &self.prepared[index] {
                Prepared::Input(offset) => self.input(node, inputs, *offset, from, to)?,
                // Weights: they are in the products that were prepared.
                _ if matches!(node.op, Op::Constant { .. }) && !read[index] => Data::Small(Vec::new()),
                prepared => {
                    let args: Vec<&Data> = node.args.iter().map(|arg| &all[arg.0 as usize]).collect();
                    if let (true, Prepared::MatMul(product)) = (self.statistics, prepared) {
                        let count = product.float_roundings(args[0], to - from);
                        chunk.float_sums.extend(count.map(|count| (id, count)));
                    }
                    self.node(id, prepared, &args, to - from, &mut chunk.statistics).at(self.graph.layer_of(id))?
                }
            };
            all.push(data);
        }
        chunk.values = self.wanted.iter().map(|id| all[id.0 as usize].clone()).collect();
        Ok(chunk)
    }

    /// Which nodes' values are read, sample by sample.
    fn read(&self) -> Vec<bool> {
        let mut read = vec![false; self.graph.nodes.len()];
        self.wanted.iter().for_each(|id| read[id.0 as usize] = true);
        for (node, prepared) in self.graph.nodes.iter().zip(self.prepared) {
            let args = if let Prepared::MatMul(_) = prepared { &node.args[..1] } else { &node.args[..] };
            args.iter().for_each(|arg| read[arg.0 as usize] = true);
        }
        read
    }

    fn input(&self, node: &Node, inputs: &Batch, offset: usize, from: usize, to: usize) -> Result<Data> {
        for row in from..to {
            let codes = &inputs.row(row)[offset..offset + node.len()];
            if let Some(e) = (0..codes.len()).find(|e| codes[*e] < node.ranges[*e].lo || codes[*e] > node.ranges[*e].hi)
            {
                let what = format!("sample {row}, element {e}: code {} is not in {}", codes[e], node.ranges[e]);
                return Err(Error::user(what, "quantize the inputs to the port's format first"));
            }
        }
        Ok(exact(node, to - from, |row, e| inputs.row(from + row)[offset + e]))
    }

    fn node(
        &self,
        id: Id,
        prepared: &Prepared,
        args: &[&Data],
        count: usize,
        statistics: &mut Vec<Statistics>,
    ) -> Result<Data> {
        let node = self.graph.node(id);
        let n = node.len();
        let width = |arg: usize| self.graph.node(node.args[arg]).len();
        Ok(match (&node.op, prepared) {
            (Op::Constant { values }, _) => constants(node, values, count),
            (_, Prepared::MatMul(product)) => product.run(args[0], count),
            (Op::MatMul, _) => self.variable_product(node, args, count),
            (op, Prepared::Binary(pairs)) => {
                let (left, right) = (width(0), width(1));
                if let ([Data::Small(x), Data::Small(y)], true) = (args, Data::fits(&node.ranges))
                    && let Some(codes) = narrow::binary(op, pairs, [(x, left), (y, right)], count)
                {
                    return Ok(Data::Small(codes));
                }
                exact(node, count, |row, e| {
                    let (i, j, meet) = pairs[e];
                    let (x, y) = (args[0].at(row * left + i as usize), args[1].at(row * right + j as usize));
                    meeting(op, x, y, meet)
                })
            }
            (Op::Reduce { kind, .. }, Prepared::Reduce(groups)) => {
                let from = width(0);
                exact(node, count, |row, e| {
                    let mut terms = groups[e].iter().map(|(i, shift)| args[0].at(row * from + *i as usize) << shift);
                    let first = terms.next().unwrap_or(0);
                    terms.fold(first, |x, y| match kind {
                        Reduction::Sum => x.wrapping_add(y),
                        Reduction::Max => x.max(y),
                        Reduction::Min => x.min(y),
                    })
                })
            }
            (Op::Gather { elements }, _) => {
                let widths: Vec<usize> = (0..args.len()).map(width).collect();
                let only = (args.len() == 1).then(|| args[0]);
                if let Some(Data::Small(x)) = only.filter(|_| Data::fits(&node.ranges)) {
                    // Rows and columns exchanged, and the like: a copy.
                    let sample =
                        |x: &[i64]| elements.iter().map(|(_, element)| x[*element as usize]).collect::<Vec<_>>();
                    return Ok(Data::Small(x.chunks(widths[0].max(1)).take(count).flat_map(sample).collect()));
                }
                exact(node, count, |row, e| {
                    let (arg, element) = (elements[e].0 as usize, elements[e].1 as usize);
                    args[arg].at(row * widths[arg] + element)
                })
            }
            (_, Prepared::Steps(which, stairs)) => {
                exact(node, count, |row, e| stairs[which[e] as usize].at(args[0].at(row * n + e)))
            }
            (Op::Steps { stairs }, _) => float_steps(node, stairs, args[0].floats(), count)?,
            (Op::Table { lo, exp, values }, _) => {
                let x = self.graph.node(node.args[0]);
                exact(node, count, |row, e| {
                    let code = args[0].at(row * n + e);
                    let index = if code == 0 { 0 } else { code << (x.ranges[e].exp - exp) };
                    values[(index - lo) as usize].at(node.ranges[e].exp).unwrap_or(0)
                })
            }
            (Op::Lookup(lookup), _) => {
                let (x, inputs) = (self.graph.node(node.args[0]), lookup.domains.len());
                exact(node, count, |row, e| {
                    let code = |(place, domain): (usize, &Range)| {
                        let code = args[0].at(row * x.len() + e * inputs + place);
                        if code == 0 { 0 } else { code << (x.ranges[e * inputs + place].exp - domain.exp) }
                    };
                    let index = lookup.index(lookup.domains.iter().enumerate().map(code)).unwrap_or(0);
                    let entry = Fixed::new(i128::from(lookup.table(e, &node.shape)[index]), lookup.exp);
                    entry.at(node.ranges[e].exp).unwrap_or(0)
                })
            }
            (Op::Quantize { elements }, _) => self.quantize(id, elements, args[0], count, statistics)?,
            (Op::Float(float), _) => {
                let mut data = self.to_floats(node.args[0], args[0]);
                data.chunks_mut(n.max(1)).for_each(|sample| float.apply(sample, &node.shape));
                Data::Float(data)
            }
            (op, _) => return Err(Error::bug(format!("`{}` was not prepared", op.name()))),
        })
    }

    /// The nearest float32 of each value.
    fn to_floats(&self, id: Id, data: &Data) -> Vec<f32> {
        let node = self.graph.node(id);
        match data {
            Data::Float(data) => data.clone(),
            _ => {
                let float = |i: usize| Fixed::new(data.at(i), node.ranges[i % node.len()].exp).to_f32();
                (0..data.len()).map(float).collect()
            }
        }
    }

    /// A product of two variables.
    fn variable_product(&self, node: &Node, args: &[&Data], count: usize) -> Data {
        let (x, w) = (self.graph.node(node.args[0]), self.graph.node(node.args[1]));
        let (inner, outer) = (w.shape[0], w.shape[1]);
        exact(node, count, |row, e| {
            let (position, output) = (e / outer, e % outer);
            let term = |i: usize| {
                let (left, right) = (position * inner + i, i * outer + output);
                let product = args[0].at(row * x.len() + left).wrapping_mul(args[1].at(row * w.len() + right));
                let shift = x.ranges[left].exp + w.ranges[right].exp - node.ranges[e].exp;
                if product == 0 { 0 } else { product.checked_shl(shift as u32).unwrap_or(0) }
            };
            (0..inner).map(term).fold(0, i128::wrapping_add)
        })
    }

    fn quantize(
        &self,
        id: Id,
        elements: &[Quantization],
        x: &Data,
        count: usize,
        statistics: &mut Vec<Statistics>,
    ) -> Result<Data> {
        let (node, arg) = (self.graph.node(id), self.graph.node(self.graph.node(id).args[0]));
        let n = node.len();
        let mut seen = vec![ElementStatistics::NONE; if self.statistics { n } else { 0 }];
        let mut wrong = None;
        let elements: Vec<&Quantization> = (0..n).map(|e| pick(elements, e, &node.shape)).collect();
        let data = exact(node, count, |row, e| {
            let q = elements[e];
            let found = match x {
                Data::Float(data) => quantize_float(q, data[row * n + e]),
                // A format without bits has the number 0 only.
                _ if q.format.width == 0 && !self.statistics => return 0,
                _ => Some(quantize_code(q, x.at(row * n + e), arg.ranges[e].exp)),
            };
            let Some((code, overflowed)) = found else {
                wrong = Some(e);
                return 0;
            };
            if let Some(element) = seen.get_mut(e) {
                element.see(code, overflowed);
            }
            // A value that the quantizer provably keeps may be on a coarser grid than its format.
            code >> (node.ranges[e].exp - q.format.lsb).max(0)
        });
        if let Some(element) = wrong {
            return Err(not_finite(element));
        }
        if self.statistics {
            statistics.push(Statistics { node: id, samples: count as u64, elements: seen });
        }
        Ok(data)
    }
}

fn not_finite(element: usize) -> Error {
    let what = format!("element {element} is NaN or infinite where it is quantized");
    Error::user(what, "check the scales and the variances of the layers before it")
}

/// Codes of a node, computed element by element.
fn exact(node: &Node, count: usize, mut code: impl FnMut(usize, usize) -> i128) -> Data {
    let n = node.len();
    if Data::fits(&node.ranges) {
        let mut codes = Vec::with_capacity(count * n);
        (0..count).for_each(|row| codes.extend((0..n).map(|e| code(row, e) as i64)));
        return Data::Small(codes);
    }
    let mut codes = Vec::with_capacity(count * n);
    (0..count).for_each(|row| codes.extend((0..n).map(|e| code(row, e))));
    Data::Wide(codes)
}

/// The same codes for every sample.
fn constants(node: &Node, values: &[Fixed], count: usize) -> Data {
    let codes = values.iter().map(|value| value.mantissa());
    if Data::fits(&node.ranges) {
        return Data::Small(codes.map(|code| code as i64).collect::<Vec<_>>().repeat(count));
    }
    Data::Wide(codes.collect::<Vec<_>>().repeat(count))
}

fn meeting(op: &Op, x: i128, y: i128, meet: Meet) -> i128 {
    let (x, y) = match meet {
        Meet::Left => return x,
        Meet::Right => return y,
        Meet::Shift(a, b) => (x << a, y << b),
    };
    match op {
        Op::Add => x.wrapping_add(y),
        Op::Mul => x.wrapping_mul(y),
        Op::Max => x.max(y),
        _ => x.min(y),
    }
}

/// The code of `q` for `code * 2^exp`, and whether it overflowed.
pub(in crate::tensor) fn quantize_code(q: &Quantization, code: i128, exp: i32) -> (i128, bool) {
    if code == 0 {
        return (0, false);
    }
    let shift = exp - q.format.lsb;
    let rounded = if shift < 0 { Some(q.rounding.apply(code, -shift as u32)) } else { shift_left(code, shift as u32) };
    match rounded {
        Some(rounded) => {
            let code = q.overflow.apply(rounded, &q.format);
            // An unsigned saturating format is how frameworks write a rectifier: below zero, it does its work.
            let rectified = rounded < 0 && !q.format.signed && q.overflow != Overflow::Wrap;
            (code, code != rounded && !rectified)
        }
        None => (q.code(Fixed::new(code, exp)).unwrap_or(0), true),
    }
}

/// The same for a float; infinities saturate where the quantizer does, NaN has no code.
pub(in crate::tensor) fn quantize_float(q: &Quantization, x: f32) -> Option<(i128, bool)> {
    if let Some(value) = Fixed::from_f64(f64::from(x)) {
        return Some(quantize_code(q, value.mantissa(), value.exponent()));
    }
    let range = q.format.range();
    match q.overflow {
        Overflow::Sat | Overflow::SatSym if x == f32::INFINITY => Some((range.hi, true)),
        Overflow::Sat | Overflow::SatSym if x == f32::NEG_INFINITY => {
            Some((q.overflow.apply(i128::MIN / 4, &q.format), true))
        }
        _ => None,
    }
}

/// The rounded code of a float before overflow, cut off just outside the format where the quantizer saturates.
pub(in crate::tensor) fn round_float(q: &Quantization, x: f32) -> Option<i128> {
    let range = q.format.range();
    let (below, above) = (range.lo - 1, range.hi + 1);
    let Some(value) = Fixed::from_f64(f64::from(x)) else {
        quantize_float(q, x)?;
        return Some(if x > 0.0 { above } else { below });
    };
    let shift = value.exponent() - q.format.lsb;
    let rounded = match shift {
        _ if value.is_zero() => 0,
        ..0 => q.rounding.apply(value.mantissa(), -shift as u32),
        _ => match shift_left(value.mantissa(), shift as u32) {
            Some(rounded) => rounded,
            None if q.overflow == Overflow::Wrap => return None,
            None => value.mantissa().signum() << 100,
        },
    };
    Some(if q.overflow == Overflow::Wrap { rounded } else { rounded.clamp(below, above) })
}

fn float_steps(node: &Node, stairs: &[Staircase], x: &[f32], count: usize) -> Result<Data> {
    let n = node.len();
    let mut wrong = None;
    let data = exact(node, count, |row, e| match Fixed::from_f64(f64::from(x[row * n + e])) {
        Some(value) => pick(stairs, e, &node.shape).at(value).at(node.ranges[e].exp).unwrap_or(0),
        None => {
            wrong = Some(e);
            0
        }
    });
    wrong.map_or(Ok(data), |element| Err(not_finite(element)))
}
