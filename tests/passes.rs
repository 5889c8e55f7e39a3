//! Every pass and every multiplier keeps the function of random graphs.

use nanotrig::compiler::{Making, Meaning, Reading, hardware, meaning};
use nanotrig::dfg::random::{Random, graph, inputs};
use nanotrig::dfg::{Evaluator, Op};
use nanotrig::frontends;
use nanotrig::multipliers::{Effort, MULTIPLIERS};
use nanotrig::passes::{self, Context, Way};
use nanotrig::schedulers::Goal;
use nanotrig::targets::TARGETS;
use std::path::Path;

#[test]
fn passes_keep_the_function() {
    for target in TARGETS {
        let target = (target.make)();
        let efforts = [Effort::Default, Effort::Fast, Effort::High];
        for (multiplier, effort) in MULTIPLIERS.iter().flat_map(|one| efforts.map(|effort| (one, effort))) {
            let slack = (effort != Effort::Default) as u32;
            let context = Context {
                target: &*target,
                multiplier: multiplier.make,
                way: Way { effort, slack, tight: effort == Effort::High, spare: slack },
            };
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

/// The longest path of the jet tagger, in ps, with constant matrices made in a way.
fn longest(way: Way) -> u32 {
    let target = (TARGETS[0].make)();
    let context = Context { target: &*target, multiplier: MULTIPLIERS[0].make, way };
    let dfg = passes::run(&jet_tagger().dfg, &context, None, |_, _| ()).expect("passes run");
    let mut arrival: Vec<u32> = Vec::new();
    for id in dfg.ids() {
        let operands = dfg[id].op.args().map(|arg| arrival[arg.index()]).max().unwrap_or(0);
        arrival.push(operands + target.delay(&dfg, id));
    }
    dfg.results.iter().map(|id| arrival[id.index()]).max().unwrap_or(0)
}

fn jet_tagger() -> Meaning {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/jet_tagger/model.toml");
    let network = frontends::read(&model, None).expect("the example");
    meaning(&network, &Reading::default()).expect("the example")
}

#[test]
fn tight_sums_have_a_shorter_path() {
    let tight = Way { tight: true, ..Way::default() };
    let (deepest, tight, spared) = (longest(Way::default()), longest(tight), longest(Way { spare: 1, ..tight }));
    assert!(tight < spared && spared <= deepest, "{tight}, {spared}, {deepest} ps");
}

/// The period that tight sums reach in one stage is met when it is asked for, though the other ways cannot meet it.
#[test]
fn a_period_that_one_way_meets() {
    let dfg = jet_tagger().dfg;
    let making = |period| Making {
        goal: Goal { period, stages: Some(1), ..Goal::default() },
        effort: Effort::High,
        ..Making::default()
    };
    let shortest = hardware(&dfg, &making(None), |_, _| ()).expect("one stage").schedule.period;
    let asked = hardware(&dfg, &making(Some(shortest)), |_, _| ()).expect("the same");
    assert!(asked.schedule.period <= shortest);
    assert!(hardware(&dfg, &making(Some(shortest / 2)), |_, _| ()).is_err());
}
