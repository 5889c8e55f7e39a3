//! Every cast, one after another, on numbers: what the graph must give.

use super::*;
use crate::batch::Batch;
use crate::lower::lower;
use crate::port::Port;
use crate::random::Random;
use crate::tensor::{Graph, Options, evaluate};

/// The definition.
fn reference(casts: &Casts, matrix: &Matrix<'_>, x: &[Fixed], output: usize) -> Fixed {
    let cast = |value: Fixed, to: &Option<Quantization>| to.map_or(value, |to| to.apply(value).expect("narrow"));
    let start = cast(matrix.bias.map_or(Fixed::ZERO, |bias| bias[output]), &casts.accumulator);
    x.iter().enumerate().fold(start, |sum, (input, x)| {
        let product = x.mul(matrix.kernel[input * matrix.outputs + output]).expect("narrow");
        let product = cast(cast(product, &casts.product), &casts.accumulator);
        cast(sum.add(product).expect("narrow"), &casts.accumulator)
    })
}

fn format(random: &mut Random) -> Option<Quantization> {
    let format =
        Format { signed: random.below(4) > 0, width: 3 + random.below(9) as u32, lsb: random.below(8) as i32 - 6 };
    let rounding = *random.one(&Rounding::ALL);
    let overflow = *random.one(&Overflow::ALL);
    (random.below(4) > 0).then_some(Quantization { format, rounding, overflow })
}

fn graph(casts: &Casts, matrix: &Matrix<'_>, port: Quantization, rows: usize) -> Graph {
    let mut g = Builder::new("test");
    let inner = matrix.kernel.len() / matrix.outputs;
    let port = Port { name: "x".into(), shape: vec![rows, inner], elements: vec![port; rows * inner], state: false };
    let x = g.input(port).expect("an input");
    g.layer("product");
    let y = casts.multiply(&mut g, x, matrix).expect("narrow");
    g.output("y", y);
    g.finish().expect("sound").0
}

#[test]
fn every_cast_is_the_chain_of_its_definition() {
    let mut random = Random::new(5);
    for case in 0..400 {
        let casts = Casts { product: format(&mut random), accumulator: format(&mut random) };
        let mut size = |most: i64| random.within(1, most) as usize;
        let (inner, outputs, rows) = (size(5), size(3), size(2));
        let mut number = |most: i64, exp: i32| Fixed::new(random.within(-most, most).into(), exp);
        let kernel: Vec<Fixed> = (0..inner * outputs).map(|_| number(9, -2)).collect();
        let bias: Vec<Fixed> = (0..outputs).map(|_| number(40, -4)).collect();
        let matrix = Matrix { kernel: &kernel, outputs, bias: (case % 3 > 0).then_some(&bias[..]) };
        let port = Quantization::plain(Format { signed: true, width: 5, lsb: -3 });
        let graph = graph(&casts, &matrix, port, rows);
        let dfg = lower(&graph).expect("narrow");
        let mut inputs = Batch::new(rows * inner);
        for _ in 0..30 {
            inputs.push(&(0..rows * inner).map(|_| i128::from(random.within(-16, 15))).collect::<Vec<_>>());
        }
        let found = evaluate(&graph, &inputs, &Options::default()).expect("evaluates").outputs.remove(0);
        let numbers = crate::dfg::Evaluator::new(&dfg).expect("fits").run(&inputs);
        let formats = dfg.output_formats();
        for sample in 0..inputs.rows() {
            let x: Vec<Fixed> = inputs.row(sample).iter().map(|code| Fixed::new(*code, -3)).collect();
            for (element, format) in formats.iter().enumerate() {
                let row = element / outputs;
                let want = reference(&casts, &matrix, &x[row * inner..(row + 1) * inner], element % outputs);
                assert_eq!(found.number(sample, element), Some(want), "case {case}: {casts:?}\n{graph}");
                let number = Fixed::new(numbers.row(sample)[element], format.lsb);
                assert_eq!(number, want, "case {case}: {casts:?}\n{dfg}");
            }
        }
    }
}

#[test]
fn formats_that_change_nothing_are_dropped() {
    let kernel = [3, -5, 1, 2].map(|code| Fixed::new(code, -2));
    let bias = [Fixed::ONE; 2];
    let matrix = Matrix { kernel: &kernel, outputs: 2, bias: Some(&bias) };
    let port = Quantization::plain(Format { signed: true, width: 5, lsb: -3 });
    let plain = graph(&Casts::default(), &matrix, port, 1);
    for wide in ["fixed<20,10>", "fixed<20,10,RND,SAT>"] {
        let wide = Casts::new(Some(wide), Some(wide)).expect("formats");
        let cast = lower(&graph(&wide, &matrix, port, 1)).expect("narrow");
        assert_eq!(cast.to_string(), lower(&plain).expect("narrow").to_string());
    }
    // Truncated products, and one wrap of the sum that might need it: no chain.
    let narrow = Casts::new(Some("fixed<6,3>"), Some("fixed<6,3>")).expect("formats");
    let cast = lower(&graph(&narrow, &matrix, port, 1)).expect("narrow").to_string();
    assert_eq!(cast.matches("= wrap").count(), 1, "{cast}");
}
