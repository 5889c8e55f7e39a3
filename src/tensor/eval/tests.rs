//! The evaluator against definitions in exact numbers.

use super::*;
use crate::fixed::{Format, Overflow, Quantization, Rounding};
use crate::port::Port;
use crate::random::Random;
use crate::tensor::random;
use crate::tensor::{Builder, Op, Reduction, pick};

/// Evaluates one sample node by node in plain [`Fixed`] arithmetic.
fn reference(graph: &Graph, codes: &[i128]) -> Vec<Vec<Fixed>> {
    let mut all: Vec<Vec<Fixed>> = Vec::new();
    let mut offset = 0;
    for node in &graph.nodes {
        let arg = |i: usize| &all[node.args[i].0 as usize];
        let shape_of = |i: usize| &graph.node(node.args[i]).shape;
        let pairs = || {
            let maps = (0..2).map(|i| super::super::infer::broadcast_map(shape_of(i), &node.shape)).collect::<Vec<_>>();
            (0..node.len()).map(|e| (arg(0)[maps[0][e] as usize], arg(1)[maps[1][e] as usize])).collect::<Vec<_>>()
        };
        let value = match &node.op {
            Op::Input { port } => {
                let ports = &graph.inputs[*port as usize].elements;
                offset += ports.len();
                ports.iter().zip(&codes[offset - ports.len()..]).map(|(q, c)| Fixed::new(*c, q.format.lsb)).collect()
            }
            Op::Constant { values } => values.clone(),
            Op::Add => pairs().into_iter().map(|(a, b)| a.add(b).expect("small")).collect(),
            Op::Mul => pairs().into_iter().map(|(a, b)| a.mul(b).expect("small")).collect(),
            Op::Max => pairs().into_iter().map(|(a, b)| a.max(b)).collect(),
            Op::Min => pairs().into_iter().map(|(a, b)| a.min(b)).collect(),
            Op::MatMul => {
                let (k, n) = (shape_of(1)[0], shape_of(1)[1]);
                let dot = |e: usize| {
                    let terms = (0..k).map(|i| arg(0)[e / n * k + i].mul(arg(1)[i * n + e % n]).expect("small"));
                    terms.fold(Fixed::ZERO, |a, b| a.add(b).expect("small"))
                };
                (0..node.len()).map(dot).collect()
            }
            Op::Reduce { kind, axis } => {
                let groups = super::super::infer::reduced(shape_of(0), *axis).1;
                let reduce = |group: &Vec<u32>| {
                    let terms = group.iter().map(|e| arg(0)[*e as usize]);
                    let fold = |a: Fixed, b| match kind {
                        Reduction::Sum => a.add(b).expect("small"),
                        Reduction::Max => a.max(b),
                        Reduction::Min => a.min(b),
                    };
                    terms.reduce(fold).expect("not empty")
                };
                groups.iter().map(reduce).collect()
            }
            Op::Gather { elements } => elements.iter().map(|(a, e)| arg(*a as usize)[*e as usize]).collect(),
            Op::Quantize { elements } => {
                let q = |(e, x): (usize, &Fixed)| pick(elements, e, &node.shape).apply(*x).expect("small");
                arg(0).iter().enumerate().map(q).collect()
            }
            Op::Steps { stairs } => {
                arg(0).iter().enumerate().map(|(e, x)| pick(stairs, e, &node.shape).at(*x)).collect()
            }
            Op::Table { lo, exp, values } => {
                arg(0).iter().map(|x| values[(x.at(*exp).expect("on grid") - lo) as usize]).collect()
            }
            Op::Lookup(lookup) => {
                let code = |(x, domain): (&Fixed, &crate::fixed::Range)| x.at(domain.exp).expect("on grid");
                let rows = arg(0).chunks(lookup.domains.len()).enumerate();
                rows.map(|(e, row)| {
                    let index = lookup.index(row.iter().zip(&lookup.domains).map(code)).expect("within");
                    Fixed::new(i128::from(lookup.table(e, &node.shape)[index]), lookup.exp)
                })
                .collect()
            }
            Op::Float(_) => Vec::new(),
        };
        all.push(value);
    }
    all
}

#[test]
fn every_node_has_its_exact_value_within_its_range() {
    for seed in 0..200 {
        let graph = random::graph(seed, false);
        let inputs = random::inputs(&graph, 10, seed);
        let watch: Vec<Id> = (0..graph.nodes.len() as u32).map(Id).collect();
        let found = evaluate(&graph, &inputs, &Options { watch, statistics: true }).expect("evaluates");
        for row in 0..10 {
            let expected = reference(&graph, inputs.row(row));
            for (index, node) in graph.nodes.iter().enumerate() {
                for (e, expected) in expected[index].iter().enumerate() {
                    let value = found.watched[index].number(row, e).expect("exact");
                    assert_eq!(value, *expected, "seed {seed} %{index}[{e}]\n{graph}");
                    assert!(node.ranges[e].contains(&Range::point(value)), "seed {seed} %{index}[{e}]\n{graph}");
                }
            }
        }
    }
}

/// One quantize node behind a wide input.
fn quantizing(q: Quantization) -> Graph {
    let mut g = Builder::new("q");
    let format = Format { signed: true, width: 7, lsb: -3 };
    let port = Port { name: "x".into(), shape: vec![1], elements: vec![Quantization::plain(format)], state: false };
    let x = g.input(port).expect("input");
    g.layer("quantizer");
    let y = g.quantize(x, vec![q]).expect("quantize");
    g.output("y", y);
    g.finish().expect("valid").0
}

/// `n / d` rounded, by the definition of each mode, from the two neighbours and the exact rest.
fn round_rational(rounding: Rounding, n: i128, d: i128) -> i128 {
    let (floor, rest) = (n.div_euclid(d), n.rem_euclid(d));
    let up = match rounding {
        Rounding::Trn => false,
        Rounding::TrnZero => rest > 0 && n < 0,
        Rounding::Rnd => 2 * rest >= d,
        Rounding::RndZero => 2 * rest > d || (2 * rest == d && n < 0),
        Rounding::RndInf => 2 * rest > d || (2 * rest == d && n > 0),
        Rounding::RndMinInf => 2 * rest > d,
        Rounding::RndConv => 2 * rest > d || (2 * rest == d && floor % 2 != 0),
    };
    floor + i128::from(up)
}

#[test]
fn quantizers_agree_with_rationals_on_every_code() {
    let mut inputs = Batch::new(1);
    (-64..64).for_each(|code| inputs.push(&[code]));
    for (rounding, overflow) in Rounding::ALL.into_iter().flat_map(|r| Overflow::ALL.map(|o| (r, o))) {
        for (signed, width, lsb) in
            [(true, 3, 0), (false, 3, -1), (true, 1, 1), (true, 9, -5), (false, 2, -4), (true, 2, 3)]
        {
            let q = Quantization { format: Format { signed, width, lsb }, rounding, overflow };
            let found = evaluate(&quantizing(q), &inputs, &Options::default()).expect("evaluates");
            let (lo, hi) =
                if signed { (-(1i128 << (width - 1)), (1i128 << (width - 1)) - 1) } else { (0, (1i128 << width) - 1) };
            for code in -64..64i128 {
                // code / 8 in units of 2^lsb, as a rational with a positive denominator.
                let (n, d) = if lsb + 3 >= 0 { (code, 1i128 << (lsb + 3)) } else { (code << -(lsb + 3), 1) };
                let rounded = round_rational(rounding, n, d);
                let least = if overflow == Overflow::SatSym && signed { lo + 1 } else { lo };
                let expected = match overflow {
                    _ if (least..=hi).contains(&rounded) => rounded,
                    Overflow::Wrap => (rounded - lo).rem_euclid(hi - lo + 1) + lo,
                    Overflow::Sat | Overflow::SatSym => rounded.clamp(least, hi),
                    Overflow::SatZero => 0,
                };
                let value = found.outputs[0].number((code + 64) as usize, 0);
                assert_eq!(value, Some(Fixed::new(expected, lsb)), "{q} of {code}/8");
            }
        }
    }
}

#[test]
fn statistics_count_overflows_and_still_bits() {
    let q = Quantization { format: Format::new(true, 4, 4), rounding: Rounding::Trn, overflow: Overflow::Wrap };
    let mut inputs = Batch::new(1);
    [0i128, 16, 32, 63].iter().for_each(|code| inputs.push(&[*code])); // 0, 2, 4, 7.875 -> 7
    let options = Options { statistics: true, ..Options::default() };
    let found = evaluate(&quantizing(q), &inputs, &options).expect("evaluates");
    let element = found.statistics[0].elements[0];
    assert_eq!((element.overflowed, element.min, element.max), (0, 0, 7));
    assert_eq!(element.still(4), [3]);
    let narrow = Quantization { format: Format::new(true, 2, 2), ..q };
    let found = evaluate(&quantizing(narrow), &inputs, &options).expect("evaluates");
    assert_eq!(found.statistics[0].elements[0].overflowed, 3);
    // Unsigned and saturating, -4 and -2 are rectified; 3.5 floors to 3 and fits.
    let relu = Quantization { format: Format::new(false, 2, 2), rounding: Rounding::Trn, overflow: Overflow::Sat };
    let signed = Quantization::plain(Format::new(true, 4, 3));
    let mut g = Builder::new("relu");
    let x = g.input(Port { name: "x".into(), shape: vec![1], elements: vec![signed], state: false }).expect("an input");
    let y = g.quantize(x, vec![relu]).expect("quantizes");
    g.output("y", y);
    let mut inputs = Batch::new(1);
    [-8i128, -4, 0, 7].iter().for_each(|code| inputs.push(&[*code]));
    let found = evaluate(&g.finish().expect("sound").0, &inputs, &options).expect("evaluates");
    assert_eq!(found.statistics[0].elements[0].overflowed, 0);
}

#[test]
fn a_code_outside_the_port_is_refused() {
    let q = Quantization::plain(Format::new(true, 4, 4));
    let mut inputs = Batch::new(1);
    inputs.push(&[64]);
    let error = evaluate(&quantizing(q), &inputs, &Options::default()).expect_err("64 is no 7-bit code");
    assert!(error.what.contains("code 64"), "{error}");
    let error = evaluate(&quantizing(q), &Batch::new(2), &Options::default()).expect_err("one column");
    assert!(error.what.contains("2 values"), "{error}");
}

#[test]
fn large_sums_are_counted() {
    let mut g = Builder::new("sum");
    let wide = Quantization::plain(Format::new(true, 20, 20));
    let x = g.input(Port { name: "x".into(), shape: vec![2], elements: vec![wide; 2], state: false }).expect("input");
    g.layer("dense");
    let w = g.constant(&[2, 1], vec![Fixed::new(33, 0), Fixed::new(35, 0)]).expect("constant");
    let y = g.matmul(x, w).expect("matmul");
    g.output("y", y);
    let graph = g.finish().expect("valid").0;
    let mut inputs = Batch::new(2);
    inputs.push(&[1, 1]);
    inputs.push(&[400_000, 400_000]);
    let found = evaluate(&graph, &inputs, &Options { statistics: true, ..Options::default() }).expect("evaluates");
    assert_eq!(found.float_sums, [(y, 1)]);
}

#[test]
fn ten_thousand_samples_of_a_dense_layer() {
    let mut random = Random::new(7);
    let mut g = Builder::new("dense");
    let q = Quantization::plain(Format::new(true, 8, 3));
    let x = g.input(Port { name: "x".into(), shape: vec![64], elements: vec![q; 64], state: false }).expect("input");
    g.layer("dense");
    let weights = (0..64 * 32).map(|_| Fixed::new(i128::from(random.within(-32, 31)), -5)).collect();
    let w = g.constant(&[64, 32], weights).expect("constant");
    let y = g.matmul(x, w).expect("matmul");
    let y = g.quantize(y, vec![q]).expect("quantize");
    g.output("y", y);
    let graph = g.finish().expect("valid").0;
    let inputs = random::inputs(&graph, 10_000, 1);
    let start = std::time::Instant::now();
    evaluate(&graph, &inputs, &Options::default()).expect("evaluates");
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}
