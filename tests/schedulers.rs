//! Every scheduler's results satisfy both judges, and keep their promises.

use nanotrig::dfg::random::{Random, graph, inputs};
use nanotrig::dfg::{Dfg, Evaluator};
use nanotrig::multipliers::MULTIPLIERS;
use nanotrig::passes::{self, Context, Way};
use nanotrig::schedulers::{Goal, SCHEDULERS, Schedule, fuse};
use nanotrig::targets::TARGETS;

#[test]
fn schedules_are_causal_and_in_time() {
    let target = (TARGETS[0].make)();
    let context = Context { target: &*target, multiplier: MULTIPLIERS[0].make, way: Way::default() };
    for seed in 0..100 {
        let dfg = graph(&mut Random::new(seed), 40).expect("small numbers");
        let dfg = passes::run(&dfg, &context, None, |_, _| ()).expect("passes run");
        for scheduler in SCHEDULERS {
            let run = |goal: Goal| -> Schedule {
                let schedule = (scheduler.make)(&dfg, &*target, goal).expect("feasible");
                schedule.verify(&dfg).unwrap_or_else(|error| panic!("{}: seed {seed}: {error}\n{dfg}", scheduler.name));
                schedule.verify_timing(&dfg, &*target, schedule.period).expect("its own period");
                schedule
            };
            for stages in 1..7 {
                assert_eq!(run(Goal { period: None, stages: Some(stages), ..Goal::default() }).latency, stages);
            }
            if scheduler.name != "random" {
                let slow = run(Goal { period: Some(4000), stages: None, ..Goal::default() });
                assert!(slow.period <= 4000);
                // The same number of stages is possible, one fewer is not (but a single output register may do for two).
                let again = run(Goal { period: Some(4000), stages: Some(slow.latency), ..Goal::default() });
                assert_eq!(again.latency, slow.latency);
                let fewer = Goal { period: Some(4000), stages: Some(slow.latency - 1), ..Goal::default() };
                assert!(slow.latency <= 2 || (scheduler.make)(&dfg, &*target, fewer).is_err());
            }
        }
    }
}

#[test]
fn min_registers_never_needs_more_than_asap() {
    let target = (TARGETS[0].make)();
    let context = Context { target: &*target, multiplier: MULTIPLIERS[0].make, way: Way::default() };
    let (mut least, mut earliest) = (0, 0);
    for seed in 0..100 {
        let dfg = graph(&mut Random::new(seed), 60).expect("small numbers");
        let dfg = passes::run(&dfg, &context, None, |_, _| ()).expect("passes run");
        let goal = Goal { period: Some(4000), stages: None, ..Goal::default() };
        let bits = |name: &str| {
            let scheduler = SCHEDULERS.iter().find(|entry| entry.name == name).expect("it is listed");
            (scheduler.make)(&dfg, &*target, goal).expect("feasible").register_bits(&dfg)
        };
        let (a, b) = (bits("min-registers"), bits("asap"));
        assert!(a <= b, "seed {seed}: {a} > {b}");
        (least, earliest) = (least + a, earliest + b);
    }
    assert!(least < earliest, "minimum cuts find something: {least} of {earliest}");
}

/// Sums of three keep every value, every stage's time and every register, and cost less.
#[test]
fn fused_sums_keep_the_schedule() {
    let target =
        TARGETS.iter().find(|entry| entry.name == "ultrascale-plus").map(|entry| (entry.make)()).expect("listed");
    let context = Context { target: &*target, multiplier: MULTIPLIERS[0].make, way: Way::default() };
    let mut saved = 0;
    for seed in 0..200 {
        let mut random = Random::new(seed);
        let dfg = graph(&mut random, 60).expect("small numbers");
        let dfg = passes::run(&dfg, &context, None, |_, _| ()).expect("passes run");
        let goal = Goal { period: Some(1500 + 500 * (seed as u32 % 4)), ..Goal::default() };
        let Ok(schedule) = (SCHEDULERS[0].make)(&dfg, &*target, goal) else { continue };
        let (fused, after) = fuse(dfg.clone(), schedule.clone(), &*target).expect("sums that were there");
        fused.verify().unwrap_or_else(|error| panic!("seed {seed}: {error}\n{fused}"));
        after.verify(&fused).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{fused}"));
        after.verify_timing(&fused, &*target, schedule.period).expect("no stage is slower");
        assert_eq!((after.latency, after.period), (schedule.latency, schedule.period));
        assert!(after.register_bits(&fused) <= schedule.register_bits(&dfg), "seed {seed}");
        let luts = |dfg: &Dfg| dfg.ids().map(|id| target.area(dfg, id).luts).sum::<f64>();
        assert!(luts(&fused) <= luts(&dfg), "seed {seed}");
        saved += (luts(&fused) < luts(&dfg)) as u32;
        let batch = inputs(&mut random, &dfg.input_elements(), 50);
        let run = |dfg: &Dfg| Evaluator::new(dfg).expect("fits").run(&batch);
        assert_eq!(run(&fused), run(&dfg), "seed {seed}\n{dfg}\n{fused}");
    }
    assert!(saved > 20, "sums were fused in {saved} of 200 graphs");
}
