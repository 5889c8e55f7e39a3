//! Seeded random graphs with every primitive, for tests that compare two ways to compute the same thing.

use super::{Builder, Float, Graph, Id, Lookup, Reduction, Staircase};
use crate::batch::Batch;
use crate::error::Result;
use crate::fixed::{Fixed, Format, Overflow, Quantization, Rounding};
use crate::functions::Function;
use crate::port::Port;
use crate::random::Random;

/// A quantizer of at most `width` bits.
pub fn quantization(random: &mut Random, width: i64) -> Quantization {
    let signed = random.within(0, 1) == 1;
    let width = random.within(1, width) as u32;
    let format = Format { signed, width, lsb: random.within(-4, 0) as i32 };
    Quantization { format, rounding: *random.one(&Rounding::ALL), overflow: *random.one(&Overflow::ALL) }
}

/// A random graph of 2 to 4 inputs and a dozen nodes; with float chains if wanted.
///
/// # Panics
/// Never for any seed: the tests run thousands.
pub fn graph(seed: u64, floats: bool) -> Graph {
    let mut random = Random::new(seed);
    let mut builder = Builder::new(&format!("random_{seed}"));
    grow(&mut builder, &mut random, floats).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    builder.finish().unwrap_or_else(|error| panic!("seed {seed}: {error}")).0
}

fn grow(g: &mut Builder, random: &mut Random, floats: bool) -> Result<()> {
    let mut values: Vec<Id> = Vec::new();
    for index in 0..random.within(1, 3) {
        let shape = vec![random.within(1, 2) as usize, random.within(1, 4) as usize];
        let elements =
            (0..shape.iter().product()).map(|_| Quantization::plain(quantization(random, 4).format)).collect();
        values.push(g.input(Port { name: format!("x{index}"), shape, elements, state: false })?);
    }
    for index in 0..random.within(6, 14) {
        g.layer(&format!("layer {index}"));
        let x = *random.one(&values);
        let next = step(g, random, x, &values, floats)?;
        // Keep codes small: what grew is quantized.
        let wide = g.graph().node(next).ranges.iter().any(|range| range.width() > 12);
        let q = quantization(random, 6);
        values.push(if wide { g.quantize(next, vec![q])? } else { next });
    }
    let last = values.len() - 1;
    for (index, id) in [last, last / 2].into_iter().enumerate() {
        g.output(&format!("y{index}"), values[id]);
    }
    if floats {
        let x = g.float(values[last], Float::Mul(vec![0.3]))?;
        let y = g.float(x, Float::Softmax)?;
        g.output("probability", y);
    }
    Ok(())
}

fn step(g: &mut Builder, random: &mut Random, x: Id, values: &[Id], floats: bool) -> Result<Id> {
    let shape = g.shape(x).to_vec();
    let last = shape.last().copied().unwrap_or(1);
    let same: Vec<Id> = values.iter().copied().filter(|id| g.shape(*id) == shape).collect();
    let other = *random.one(&same);
    let number = |random: &mut Random| Fixed::new(i128::from(random.within(-9, 9)), random.within(-3, 1) as i32);
    match random.within(0, if floats { 14 } else { 12 }) {
        0 if !shape.is_empty() => {
            let columns = random.within(1, 3) as usize;
            let weights = (0..last * columns).map(|_| number(random)).collect();
            let w = g.constant(&[last, columns], weights)?;
            g.matmul(x, w)
        }
        1 => g.add(x, other),
        2 => g.mul(x, other),
        3 => g.max(x, other),
        4 => g.min(x, other),
        5 | 6 if shape.len() > 1 => {
            let kind = *random.one(&[Reduction::Sum, Reduction::Max, Reduction::Min]);
            let axis = random.within(0, shape.len() as i64 - 1) as usize;
            g.reduce(x, kind, axis)
        }
        7 => {
            let count = g.graph().node(x).len() as i64 - 1;
            let elements = (0..4).map(|_| (0, random.within(0, count) as u32)).collect();
            g.gather(&[x], &[2, 2], elements)
        }
        8 => g.steps(x, vec![stairs(random)]),
        9 => {
            let format = Format { signed: true, width: 4, lsb: -1 };
            let q = Quantization { format, rounding: Rounding::Rnd, overflow: Overflow::Sat };
            let code = g.quantize(x, vec![q])?;
            let fine = format.range();
            g.table(code, fine.lo, fine.exp, (fine.lo..=fine.hi).map(|_| number(random)).collect())
        }
        10 => {
            let c = g.constant(&[], vec![number(random)])?;
            g.add(x, c)
        }
        11 if (1..=3).contains(&last) && !shape.is_empty() => tables(g, random, x, last),
        13 | 14 => chain(g, random, x, last),
        _ => {
            let q = quantization(random, 6);
            g.quantize(x, vec![q])
        }
    }
}

/// A table for each element, of two-bit codes.
fn tables(g: &mut Builder, random: &mut Random, x: Id, last: usize) -> Result<Id> {
    let format = Format { signed: random.within(0, 1) == 1, width: 2, lsb: -1 };
    let code = g.quantize(x, vec![Quantization { format, rounding: Rounding::Trn, overflow: Overflow::Sat }])?;
    let count = g.graph().node(x).len() / last;
    let entries = |random: &mut Random| (0..1 << (2 * last)).map(|_| random.within(-3, 3)).collect();
    let tables = (0..count).map(|_| entries(random)).collect();
    g.lookup(code, Lookup { domains: vec![format.range(); last], tables, exp: -2 })
}

fn stairs(random: &mut Random) -> Staircase {
    let mut threshold = random.within(-8, 0);
    let steps = (0..random.within(1, 4)).map(|_| {
        threshold += random.within(1, 5);
        (Fixed::new(i128::from(threshold), -1), Fixed::new(i128::from(random.within(-4, 4)), -2))
    });
    let steps = steps.collect();
    Staircase { first: Fixed::new(i128::from(random.within(-4, 4)), 0), steps }
}

/// A batch normalisation or something like it, and a quantizer.
fn chain(g: &mut Builder, random: &mut Random, x: Id, last: usize) -> Result<Id> {
    let mut constants =
        |scale: f32| -> Vec<f32> { (0..last).map(|_| random.within(-1000, 1000) as f32 * scale + 0.017).collect() };
    let (scale, offset) = (constants(0.002), constants(0.004));
    let mut y = g.float(x, Float::Mul(scale))?;
    y = g.float(y, Float::Add(offset))?;
    let functions: [&'static str; 10] =
        ["relu", "tanh", "sigmoid", "gelu", "leaky_relu(0.3)", "abs", "elu(0.7)", "hard_silu", "negative", "floor"];
    y = match random.within(0, 3) {
        0 => g.float(y, Float::Div(vec![3.0]))?,
        1 => g.float(y, Float::Leaky(vec![0.25]))?,
        _ => g.function(y, Function::parse(random.one::<&str>(&functions))?)?,
    };
    match random.within(0, 2) {
        0 => g.steps(y, vec![stairs(random)]),
        _ => {
            let q = quantization(random, 5);
            g.quantize(y, vec![q])
        }
    }
}

/// Random codes for a graph's inputs.
pub fn inputs(graph: &Graph, rows: usize, seed: u64) -> Batch {
    let mut random = Random::new(seed ^ 0xabcd);
    let elements: Vec<_> = graph.inputs.iter().flat_map(|port| &port.elements).collect();
    let mut batch = Batch::new(elements.len());
    for _ in 0..rows {
        let row: Vec<i128> = elements
            .iter()
            .map(|element| {
                let range = element.format.range();
                range.lo + i128::from(random.bits() >> 1) % (range.hi - range.lo + 1)
            })
            .collect();
        batch.push(&row);
    }
    batch
}
