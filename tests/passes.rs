//! Every pass and every multiplier keeps the function of random graphs.

use nanotrig::dfg::random::{Random, graph, inputs};
use nanotrig::dfg::{Evaluator, Op};
use nanotrig::multipliers::{Effort, MULTIPLIERS};
use nanotrig::passes::{self, Context};
use nanotrig::targets::TARGETS;

#[test]
fn passes_keep_the_function() {
    for target in TARGETS {
        let target = (target.make)();
        let efforts = [Effort::Default, Effort::Fast, Effort::High];
        for (multiplier, effort) in MULTIPLIERS.iter().flat_map(|one| efforts.map(|effort| (one, effort))) {
            let slack = (effort != Effort::Default) as u32;
            let context = Context { target: &*target, multiplier: multiplier.make, effort, slack };
            for seed in 0..[200, 20, 5][(effort != Effort::Default) as usize + (effort == Effort::High) as usize] {
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
