//! Every pass and every multiplier keeps the function of random graphs.

use nanotrig::dfg::random::{Random, graph, inputs};
use nanotrig::dfg::{Evaluator, Op};
use nanotrig::multipliers::MULTIPLIERS;
use nanotrig::passes::{self, Context};
use nanotrig::targets::TARGETS;

#[test]
fn passes_keep_the_function() {
    for target in TARGETS {
        let target = (target.make)();
        for multiplier in MULTIPLIERS {
            let context = Context { target: &*target, multiplier: multiplier.make };
            for seed in 0..200 {
                let mut random = Random::new(seed);
                let dfg = graph(&mut random, 40).expect("small numbers");
                let batch = inputs(&mut random, &dfg.input_elements(), 64);
                let want = Evaluator::new(&dfg).expect("fits").run(&batch);
                let last = passes::run(&dfg, &context, None, |name, after| {
                    let got = Evaluator::new(after).expect("fits").run(&batch);
                    assert_eq!(got, want, "seed {seed}, {}, after {name}:\n{dfg}\n{after}", multiplier.name);
                });
                let last = last.expect("passes run");
                assert!(!last.nodes.iter().any(|node| matches!(node.op, Op::Dot { .. })), "a dot is left");
            }
        }
    }
}
