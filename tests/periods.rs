//! No stage is longer than the period asked for, by the target's own delays, on any network and any target.

mod common;

use common::shared;
use nanotrig::compiler::{Making, Reading, hardware, meaning};
use nanotrig::frontends;
use nanotrig::report::{Checked, Report};
use nanotrig::schedulers::Goal;
use nanotrig::targets::TARGETS;
use std::path::PathBuf;

/// The networks of the bench, but for the one that is there for its size; without the bench, the example.
fn networks() -> Vec<PathBuf> {
    let Some(bench) = shared("bench/nets") else {
        println!("skipped: ../shared/bench is not there");
        return vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/jet_tagger/model.toml")];
    };
    let entries = bench.read_dir().expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<PathBuf> = entries.filter(|path| !path.ends_with("mixer_64x16.json.gz")).collect();
    paths.sort();
    paths
}

#[test]
fn no_stage_exceeds_the_period() {
    let mut stages = 0;
    for (count, path) in networks().into_iter().enumerate() {
        let meaning =
            meaning(&frontends::read(&path, None).expect("it is read"), &Reading::default()).expect("it is sound");
        // All targets on small networks, and one in turn on each of the others.
        let (turn, small) = (count % TARGETS.len(), meaning.dfg.nodes.len() < 1500);
        for target in TARGETS.iter().enumerate().filter(|(at, _)| small || *at == turn).map(|(_, target)| target) {
            let made = (target.make)();
            // Short, but long enough for any one operation of these networks.
            let period = 4 * made.adder_delay() + made.register_delay();
            let goal = Goal { period: Some(period), ..Goal::default() };
            let making = Making { target: made, goal, ..Making::default() };
            let hardware = hardware(&meaning.dfg, &making, |_, _| ()).expect("it can be made");
            let report = Report::new(&meaning, &hardware, &making, Reading::default(), target.name, Checked::default());
            assert_eq!(report.period_ns, f64::from(period) / 1000.0);
            for stage in &report.stages {
                let (place, delay) = (path.display(), stage.delay_ns);
                assert!(delay <= report.period_ns, "{place}, {}: stage {} takes {delay} ns", target.name, stage.stage);
                stages += 1;
            }
        }
    }
    assert!(stages > 10);
}
