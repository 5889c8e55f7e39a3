//! Lowering keeps the function: random tensor graphs evaluate alike at both levels.

use nanotrig::dfg::Evaluator;
use nanotrig::lower::lower;
use nanotrig::tensor::{Options, Value, evaluate, fold, random, tail};

#[test]
fn tensor_and_dataflow_agree() {
    for seed in 0..200 {
        let graph = random::graph(seed, seed % 2 == 0);
        let (graph, _) = tail(&fold(&graph).expect("folds")).expect("splits");
        let inputs = random::inputs(&graph, 50, seed);
        let want = evaluate(&graph, &inputs, &Options::default()).expect("evaluates").outputs;
        let dfg = lower(&graph).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let got = Evaluator::new(&dfg).expect("fits").run(&inputs);
        let formats = dfg.output_formats();
        for row in 0..inputs.rows() {
            let mut column = 0;
            for value in &want {
                let Value::Exact { .. } = value else { panic!("a tail is left") };
                for element in 0..value.columns() {
                    let number = value.number(row, element).and_then(|number| number.at(formats[column].lsb));
                    assert_eq!(Some(got.row(row)[column]), number, "seed {seed}, row {row}, column {column}");
                    column += 1;
                }
            }
        }
    }
}
