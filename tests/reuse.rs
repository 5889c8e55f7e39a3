//! An interval above 1: digits clock by clock give what the network gives, at every level, in every tool, at any distance of events.

mod common;

use common::{Random, nanotrig};
use nanotrig::backends::{Context, files};
use nanotrig::batch::Batch;
use nanotrig::compiler::{Hardware, Making, Meaning, Reading, agree, hardware, meaning};
use nanotrig::dfg::Id;
use nanotrig::netlist::{Bits, Cell, Netlist, Part, Stepper};
use nanotrig::network::{Input, Layer, Network, Tensor};
use nanotrig::reuse::Folded;
use nanotrig::schedulers::{Goal, Schedule};
use nanotrig::targets::TARGETS;
use nanotrig::verilator::verify;
use std::collections::VecDeque;
use std::path::Path;
use std::process::Command;

/// Networks in the test of all levels.
const NETWORKS: u64 = 60;
/// One with digits of two matrices.
const SEED: u64 = 21;

fn format(random: &mut Random, width: usize) -> String {
    let (width, integer) = (1 + random.below(width), random.below(4) as i32);
    let sign = ["fixed", "ufixed"][random.below(2)];
    format!("{sign}<{width},{integer},{},{}>", ["TRN", "RND"][random.below(2)], ["SAT", "WRAP"][random.below(2)])
}

/// Weights on a grid of eighths, some 0.
fn tensor(random: &mut Random, shape: &[usize]) -> Tensor {
    let mut weight = || if random.below(5) == 0 { 0.0 } else { (random.below(255) as f64 - 127.0) / 8.0 };
    Tensor { shape: shape.to_vec(), data: (0..shape.iter().product()).map(|_| weight()).collect() }
}

/// One to three matrices with what stands between them; sequences share theirs, and what skips a matrix waits for it.
fn network(seed: u64) -> Network {
    let mut random = Random(seed);
    let (name, sequence) = (format!("folded_{seed}"), seed.is_multiple_of(3));
    let mut last = 4 + random.below(5);
    let shape = if sequence { vec![3, last] } else { vec![last] };
    let input = Input { name: "x".into(), shape, format: Some(format(&mut random, 9)), next: None };
    let mut network = Network { name, inputs: vec![input], layers: Vec::new(), outputs: Vec::new() };
    let mut before = "x".to_string();
    for number in 0..1 + random.below(3) {
        let units = if number > 0 && random.below(2) == 0 { last } else { 1 + random.below(6) };
        let (kernel, bias) = (tensor(&mut random, &[last, units]), tensor(&mut random, &[units]));
        let dense = Layer::new(format!("dense_{number}"), "dense", vec![before.clone()]);
        network.layers.push(dense.with_tensor("kernel", kernel).with_tensor("bias", bias));
        let mut now = format!("dense_{number}");
        if units == last && number > 0 {
            let name = format!("skip_{number}");
            network.layers.push(Layer::new(&name, "add", vec![now, before.clone()]));
            now = name;
        }
        if random.below(3) > 0 {
            let name = format!("relu_{number}");
            network.layers.push(Layer::new(&name, "relu", vec![now]));
            now = name;
        }
        if random.below(4) > 0 {
            let name = format!("quantize_{number}");
            let format = format(&mut random, 8);
            network.layers.push(Layer::new(&name, "quantize", vec![now]).with("format", format));
            now = name;
        }
        (before, last) = (now, units);
    }
    network.outputs = vec![before];
    network
}

fn goal() -> Goal {
    Goal { period: Some(20_000), ..Goal::default() }
}

/// A network of so many inputs as hardware; 1-bit inputs have no digits.
fn made(seed: u64, making: &Making) -> Option<(Meaning, Hardware)> {
    let meaning = meaning(&network(seed), &Reading::default()).expect("a network");
    match hardware(&meaning.dfg, making, |_, _| ()) {
        Ok(hardware) => Some((meaning, hardware)),
        Err(error) => {
            assert!(format!("{error}").contains("no layer has a constant matrix"), "seed {seed}: {error}");
            None
        }
    }
}

/// The outputs of samples that come `interval` clocks apart or later, clock by clock.
fn by_clocks(netlist: &Netlist, samples: &Batch, random: &mut Random) -> Vec<Vec<i128>> {
    let mut stepper = Stepper::new(netlist);
    let (mut row, mut since, mut due, mut outputs) = (0, netlist.interval, VecDeque::new(), Vec::new());
    let mut clock = 0;
    while row < samples.rows() || !due.is_empty() {
        let valid = row < samples.rows() && since >= netlist.interval && random.below(4) > 0;
        // Between events the inputs hold anything.
        let inputs = samples.row(if valid { row } else { random.below(samples.rows()) });
        let (codes, answers) = stepper.step(inputs, valid, false);
        if valid {
            due.push_back(clock + netlist.latency);
        }
        assert_eq!(answers, due.front() == Some(&clock), "out_valid at clock {clock}");
        if answers {
            due.pop_front();
            outputs.push(codes);
        }
        (row, since, clock) = (row + usize::from(valid), if valid { 1 } else { since + 1 }, clock + 1);
    }
    outputs
}

#[test]
fn digits_keep_the_function_at_every_level_and_clock() {
    let (mut random, mut count) = (Random(1), 0);
    for seed in 0..NETWORKS {
        let target = (TARGETS[seed as usize % TARGETS.len()].make)();
        let making = Making { interval: 2 + seed as u32 % 7, target, goal: goal(), ..Making::default() };
        let Some((meaning, hardware)) = made(seed, &making) else { continue };
        count += 1;
        let vectors = meaning.vectors(60, seed);
        let want = agree(&meaning, &hardware, &vectors).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let got = by_clocks(&hardware.netlist, &vectors, &mut random);
        assert!(got.iter().enumerate().all(|(row, codes)| codes == want.row(row)), "seed {seed}");
    }
    println!("{count} of {NETWORKS} networks have digits");
    assert!(count * 10 >= NETWORKS * 7, "most networks have digits");
}

/// Writes the files of all back ends.
fn write(netlist: &Netlist, context: &Context, dir: &Path) -> Vec<String> {
    let files = files(netlist, context).expect("templates fit");
    for file in &files {
        let path = dir.join(&file.path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
        std::fs::write(path, &file.text).expect("a writable folder");
    }
    files.into_iter().map(|file| file.path).filter(|path| path.ends_with(".v")).collect()
}

#[test]
fn verilog_is_accepted_and_right() {
    for seed in 0..6 {
        let making = Making { interval: 2 + seed as u32, reset: seed % 2 == 1, goal: goal(), ..Making::default() };
        let Some((meaning, hardware)) = made(seed, &making) else { continue };
        let dir = tempfile::tempdir().expect("a temporary folder");
        let paths = write(&hardware.netlist, &Context::default(), dir.path());
        let top = &hardware.netlist.name;
        let tools: [(&str, &[&str]); 2] = [
            ("verilator", &["--lint-only", "-Wall", "--top-module", top]),
            ("iverilog", &["-g2001", "-Wall", "-t", "null", "-s", top]),
        ];
        for (tool, arguments) in tools {
            let run = Command::new(tool).current_dir(dir.path()).args(arguments).args(&paths).output();
            let Ok(output) = run else {
                eprintln!("skipped: {tool} is not installed");
                continue;
            };
            let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && said.trim().is_empty(), "seed {seed}: {tool}: {said}");
        }
        if seed > 2 || Command::new("verilator").arg("--version").output().is_err() {
            continue;
        }
        let inputs = meaning.vectors(300, seed);
        let outcome = verify(dir.path(), &inputs, &meaning.codes(&inputs).expect("codes"), &|_| ()).expect("runs");
        assert_eq!(outcome.mismatches, 0, "seed {seed}: {:?}", outcome.report);
        assert!(outcome.cycles >= 300 * u64::from(making.interval), "events come at their interval");
    }
}

/// A network with digits, its graph of a clock, and the schedule of that.
fn folded() -> (Hardware, Folded) {
    let (_, hardware) = made(SEED, &Making { interval: 4, goal: goal(), ..Making::default() }).expect("digits");
    let folded = hardware.folded.clone().expect("a folded graph");
    (hardware, folded)
}

#[test]
fn damaged_schedules_are_refused() {
    let (hardware, folded) = folded();
    let target = (TARGETS[0].make)();
    let judge = |schedule: &Schedule| folded.verify(schedule, &*target, 20_000).map_err(|error| format!("{error}"));
    judge(&hardware.schedule).expect("the schedule is right");
    let linked: Vec<Id> = folded.dfg.ids().filter(|id| folded.link(&folded.dfg[*id].op).is_some()).collect();
    assert!(linked.len() > 3);
    for id in &linked {
        let mut early = hardware.schedule.clone();
        let link = folded.link(&folded.dfg[*id].op).expect("a link");
        let ready = early.of(folded.source(link)) + folded.links[link].span(folded.interval);
        early.stage[id.index()] = ready - 1;
        assert!(judge(&early).expect_err("before its source").contains("condition 2"));
    }
    let mut late = hardware.schedule.clone();
    late.stage[folded.source(0).index()] += 1;
    assert!(judge(&late).is_err(), "a source behind its digits");
    let mut mixed = folded.clone();
    let node = mixed.dfg.results[0];
    mixed.dfg.results[0] = linked[0];
    assert!(mixed.verify(&hardware.schedule, &*target, 20_000).is_err(), "an output of digits");
    mixed.dfg.results[0] = node;
    mixed.verify(&hardware.schedule, &*target, 20_000).expect("as before");
    assert!(folded.verify(&hardware.schedule, &*target, 700).is_err(), "too fast");
}

#[test]
fn damaged_circuits_are_refused() {
    let netlist = folded().0.netlist;
    netlist.verify().expect("the circuit is right");
    let damaged = |change: &dyn Fn(&mut Netlist)| {
        let mut other = netlist.clone();
        change(&mut other);
        format!("{}", other.verify().expect_err("a damaged circuit"))
    };
    let at = |kind: fn(&Cell) -> bool| netlist.nets.iter().position(|net| kind(&net.cell)).expect("such a cell");
    let digits = at(|cell| matches!(cell, Cell::Digits { .. }));
    let total = at(|cell| matches!(cell, Cell::Total { .. }));
    let valid = at(|cell| matches!(cell, Cell::Valid(stage) if *stage > 0));
    // Digits or a total that begin a stage too early; another interval; digits where a value is asked for.
    assert!(damaged(&|n| n.nets[valid].cell = Cell::Valid(0)).contains("condition 6"));
    assert!(damaged(&|n| n.interval = 5).contains("condition 4"));
    let slice = |net: usize, width| Bits(vec![Part::Slice { net: nanotrig::netlist::NetId(net as u32), lo: 0, width }]);
    assert!(
        damaged(&|n| {
            let Cell::Total { part, .. } = &mut n.nets[total].cell else { return };
            let width = part.width();
            *part = slice(0, 1).resize(width, false);
        })
        .contains("condition 6")
    );
    assert!(
        damaged(&|n| {
            let width = n.results[0].width();
            n.results[0] = slice(digits, 1).resize(width, false);
        })
        .contains("condition 7")
    );
}

#[test]
fn a_proof_says_that_it_does_not_follow_clocks() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    nanotrig::frontends::native::write(&network(SEED), &dir.path().join("net.toml")).expect("a writable folder");
    let compiled = nanotrig(dir.path(), &["compile", "net.toml", "-o", "out", "--interval", "3"]);
    assert_eq!(compiled.status, 0, "{}", compiled.err);
    assert!(compiled.out.contains("an event every 3 cycles"), "{}", compiled.out);
    let proof = nanotrig(dir.path(), &["prove", "out"]);
    assert_eq!(proof.status, 1, "{}{}", proof.out, proof.err);
    assert!(proof.out.contains("Verilog            0 of") && proof.out.contains("not proved"), "{}", proof.out);
}
