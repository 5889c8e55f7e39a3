//! Every scheduler's promise, against all schedules of small graphs.

use super::logic::Logic;
use super::{Goal, SCHEDULERS, Schedule, min_registers, moves};
use crate::dfg::random::graph;
use crate::dfg::{Dfg, Op};
use crate::random::Random;
use crate::targets::{TARGETS, Target};

fn small(seed: u64, size: usize) -> Dfg {
    let mut random = Random::new(seed);
    loop {
        let dfg = graph(&mut random, size).expect("small numbers");
        let logic = dfg.nodes.iter().filter(|node| !matches!(node.op, Op::Input { .. } | Op::Const(_)));
        if (1..=size).contains(&logic.count()) {
            return dfg;
        }
    }
}

/// Register bits, and ReLUs that no register takes over.
fn cost(logic: &Logic, schedule: &Schedule) -> u64 {
    let stage: Vec<u32> = logic.reads.cells.iter().map(|id| schedule.of(*id)).collect();
    logic.cost(&stage, schedule.latency)
}

/// Calls `each` with the cost of every causal, timely schedule of so many stages; wiring is where it reads.
fn schedules(logic: &Logic, dfg: &Dfg, target: &dyn Target, (latency, period): (u32, u32), each: &mut dyn FnMut(u64)) {
    let mut stage: Vec<u32> = logic.fixed.iter().map(|input| !*input as u32).collect();
    loop {
        let schedule = logic.schedule(dfg, &stage, 1.min(latency - 1), latency);
        if schedule.verify(dfg).is_ok() && schedule.verify_timing(dfg, target, period).is_ok() {
            each(cost(logic, &schedule));
        }
        // Counts up.
        let mut cells = (0..stage.len()).filter(|cell| !logic.fixed[*cell]);
        loop {
            let Some(cell) = cells.next() else { return };
            if stage[cell] + 1 < latency {
                stage[cell] += 1;
                break;
            }
            stage[cell] = 1;
        }
    }
}

#[test]
fn min_registers_is_the_optimum_of_all_schedules() {
    let target = (TARGETS[0].make)();
    let (mut counted, mut better) = (0, 0);
    for seed in 0..400 {
        let dfg = small(seed, 7);
        let logic = Logic::new(&dfg, &*target);
        for period in [900, 1400, 2200] {
            let goal = Goal { period: Some(period), ..Goal::default() };
            let Ok(plan) = logic.plan(&dfg, goal) else { continue };
            let free = logic.fixed.iter().filter(|input| !**input).count() as u32;
            if plan.latency < 3 || f64::from(plan.latency - 1).powi(free as i32) > 2e4 {
                continue;
            }
            let mut least = u64::MAX;
            schedules(&logic, &dfg, &*target, (plan.latency, period), &mut |bits| least = least.min(bits));
            let schedule = (min_registers::SCHEDULER.make)(&dfg, &*target, goal).expect("feasible");
            assert_eq!(cost(&logic, &schedule), least, "seed {seed}, {period} ps\n{dfg}");
            let swept = min_registers::sweep(&logic, &plan);
            better += (logic.cost(&swept, plan.latency) > least) as u32;
            counted += 1;
            // One stage fewer is impossible.
            let mut fewer = 0;
            schedules(&logic, &dfg, &*target, (plan.latency - 1, period), &mut |_| fewer += 1);
            assert_eq!(fewer, 0, "seed {seed}, {period} ps\n{dfg}");
        }
    }
    assert!(counted > 100, "{counted} graphs are small enough");
    println!("{counted} graphs; single rows miss the optimum of {better}");
}

#[test]
fn stages_are_given_the_shortest_period() {
    let target = (TARGETS[0].make)();
    for seed in 0..150 {
        let dfg = small(seed, 6);
        let logic = Logic::new(&dfg, &*target);
        for stages in 2..4 {
            for entry in SCHEDULERS.iter().filter(|entry| entry.name != "random") {
                let goal = Goal { stages: Some(stages), ..Goal::default() };
                let schedule: Schedule = (entry.make)(&dfg, &*target, goal).expect("any number of stages");
                assert_eq!(schedule.latency, stages);
                let shorter = schedule.period - 1;
                let mut found = 0;
                schedules(&logic, &dfg, &*target, (stages, shorter), &mut |_| found += 1);
                assert_eq!(found, 0, "{}: seed {seed}, {stages} stages\n{dfg}", entry.name);
            }
        }
    }
}

#[test]
fn a_latency_is_met_at_the_fastest_clock() {
    let target = (TARGETS[0].make)();
    for seed in 0..60 {
        let dfg = small(seed, 30);
        let make = min_registers::SCHEDULER.make;
        let stages =
            |stages| make(&dfg, &*target, Goal { stages: Some(stages), ..Goal::default() }).expect("any number");
        for latency in [2000, 4000, 8000] {
            let all: Vec<Schedule> = (1..30).map(stages).collect();
            let fits = |schedule: &&Schedule| schedule.latency * schedule.period <= latency;
            let fastest = all.iter().filter(fits).map(|schedule| schedule.period).min();
            match make(&dfg, &*target, Goal { latency: Some(latency), ..Goal::default() }) {
                Ok(schedule) => {
                    assert_eq!(Some(schedule.period), fastest, "seed {seed}, {latency} ps\n{dfg}");
                    assert!(schedule.latency * schedule.period <= latency);
                }
                Err(error) => assert!(fastest.is_none(), "seed {seed}: {error}"),
            }
        }
    }
}

#[test]
fn what_cannot_be_met_says_so() {
    let (target, dfg) = ((TARGETS[0].make)(), small(3, 30));
    let error = |goal| {
        (min_registers::SCHEDULER.make)(&dfg, &*target, goal)
            .err()
            .map(|error| format!("{error:?}"))
            .unwrap_or_default()
    };
    let base = Goal::default();
    assert!(error(Goal { stages: Some(0), ..base }).contains("at least its output register"));
    assert!(error(Goal { period: Some(150), ..base }).contains("more than the 150 ps period"));
    assert!(error(Goal { latency: Some(200), ..base }).contains("a latency of 0.2 ns is not enough"));
    assert!(error(Goal { latency: Some(2500), period: Some(2500), ..base }).contains("periods are needed"));
    assert!(error(Goal { stages: Some(1), period: Some(2500), ..base }).contains("stages are not enough"));
}

/// Sets that move together never lose, and settle where nothing moves.
#[test]
fn moves_only_save() {
    let target = (TARGETS[0].make)();
    let (mut before, mut after) = (0, 0);
    for seed in 0..60 {
        let dfg = small(seed, 80);
        let logic = Logic::new(&dfg, &*target);
        let Ok(plan) = logic.plan(&dfg, Goal { period: Some(2000), ..Goal::default() }) else { continue };
        let mut stage = min_registers::sweep(&logic, &plan);
        let swept = logic.cost(&stage, plan.latency);
        moves::improve(&logic, &plan, &mut stage);
        let moved = logic.cost(&stage, plan.latency);
        assert!(moved <= swept, "seed {seed}");
        let schedule = logic.schedule(&dfg, &stage, plan.first, plan.latency);
        schedule.verify(&dfg).expect("causal");
        schedule.verify_timing(&dfg, &*target, 2000).expect("in time");
        // From the earliest schedule alone the moves come to the same number: it is the optimum.
        let mut other = plan.stage.clone();
        moves::improve(&logic, &plan, &mut other);
        assert_eq!(logic.cost(&other, plan.latency), moved, "seed {seed}");
        (before, after) = (before + swept, after + moved);
    }
    println!("{before} bits by single rows, {after} by sets");
    assert!(after > 4_000, "{after} bits: the graphs are no test");
}
