//! The dataflow IR: evaluation against the operations' definition, the text's round trip, refusals.

use nanotrig::dfg::random::{Random, graph, inputs};
use nanotrig::dfg::{Dfg, Evaluator, Op};
use nanotrig::fixed::Fixed;

/// Evaluates one sample node by node, by the definition in `op.rs`; checks every range on the way.
fn by_definition(dfg: &Dfg, row: &[i128]) -> Vec<i128> {
    let mut values: Vec<Fixed> = Vec::new();
    let elements = dfg.input_elements();
    for node in &dfg.nodes {
        let value = match node.op {
            Op::Input { element, .. } => Fixed::new(row[element as usize], elements[element as usize].format.lsb),
            ref op => op.eval(|id| values[id.index()], &dfg.tables).expect("small numbers"),
        };
        let code = value.at(node.range.exp).expect("on its grid");
        assert!((node.range.lo..=node.range.hi).contains(&code), "{} = {value} leaves {}", node.op, node.range);
        values.push(value);
    }
    let formats = dfg.output_formats();
    dfg.results
        .iter()
        .zip(formats)
        .map(|(id, format)| values[id.index()].at(format.lsb).expect("on its grid"))
        .collect()
}

#[test]
fn random_graphs_evaluate_as_defined_and_stay_in_range() {
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let dfg = graph(&mut random, 30).expect("small numbers");
        dfg.verify().expect("valid");
        let batch = inputs(&mut random, &dfg.input_elements(), 100);
        let out = Evaluator::new(&dfg).expect("fits").run(&batch);
        for row in 0..batch.rows() {
            assert_eq!(out.row(row), by_definition(&dfg, batch.row(row)), "seed {seed}\n{dfg}");
        }
    }
}

#[test]
fn text_round_trips() {
    for seed in 0..300 {
        let dfg = graph(&mut Random::new(seed), 30).expect("small numbers");
        let text = dfg.to_string();
        let back: Dfg = text.parse().unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
        assert_eq!(back, dfg, "seed {seed}");
    }
}

const SMALL: &str = "dfg d {
  layers x:2 y:1
  input x [2] : 2 x fixed<8,1,TRN,WRAP>
  output y [1] : 1 x fixed<12,5,TRN,WRAP>
  %0 = input 0.0 : [-128, 127]p-7 ; x[0]
  %1 = input 0.1 : [-128, 127]p-7 ; x[1]
  %2 = add %0, %1 << 2 : [-640, 635]p-7 ; y[0]
  results %2
}";

#[test]
fn a_wrong_range_is_refused_with_its_line() {
    SMALL.parse::<Dfg>().expect("the range is implied");
    SMALL.replace("[-640, 635]", "[-700, 700]").parse::<Dfg>().expect("a wider range is true too");
    let error = SMALL.replace("[-640, 635]", "[-640, 600]").parse::<Dfg>().expect_err("too tight").to_string();
    assert!(error.contains("line 7: `add` carries [-640, 635]p-7, not [-640, 600]p-7"), "{error}");
}

#[test]
fn garbage_text_is_an_error_not_a_panic() {
    for cut in 0..SMALL.len() {
        let _ = SMALL[..cut].parse::<Dfg>();
        let mut damaged = SMALL.to_string();
        damaged.remove(cut);
        let _ = damaged.parse::<Dfg>();
    }
}
