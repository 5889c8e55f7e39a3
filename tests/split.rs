//! Networks in several devices: parts of random graphs give what the whole gives, and a system in Verilator what the network gives.

mod circuits;
mod common;

use circuits::random_design;
use common::nanotrig;
use nanotrig::batch::Batch;
use nanotrig::dfg::Evaluator;
use nanotrig::dfg::random::{Random, inputs};
use nanotrig::split::Cut;
use std::process::Command;

#[test]
fn parts_of_random_graphs_give_what_the_whole_gives() {
    let mut cuts = 0;
    for seed in 0..200 {
        let mut random = Random::new(seed);
        let (dfg, _) = random_design(&mut random, 30, false);
        let given = inputs(&mut random, &dfg.input_elements(), 100);
        let expected = Evaluator::new(&dfg).expect("small").run(&given);
        let layers = dfg.layers.len();
        let ends: Vec<usize> = (0..layers.saturating_sub(1)).filter(|_| random.below(2) == 0).collect();
        let cut = Cut::new(&dfg, &ends);
        branches_give_what_they_gave_together(&cut, &given);
        let parts = cut.parts().unwrap_or_else(|error| panic!("seed {seed}: {error}\n{dfg}"));
        assert_eq!(parts.len(), ends.len() + 1);
        let mut codes = given.clone();
        for (index, part) in parts.iter().enumerate() {
            part.verify().unwrap_or_else(|error| panic!("seed {seed}: {error}\n{part}"));
            if index < ends.len() {
                let bits: u32 = part.outputs.iter().map(|port| port.width()).sum();
                assert_eq!(bits, cut.link(index), "seed {seed}");
                if bits == 0 {
                    break;
                }
            }
            codes = Evaluator::new(part).expect("small").run(&codes);
        }
        if codes.columns == expected.columns && codes.rows() == expected.rows() {
            assert_eq!(codes, expected, "seed {seed}\n{dfg}");
            cuts += ends.len();
        }
    }
    assert!(cuts > 100, "{cuts} cuts were compared");
}

/// Branches have the inputs and results of the part that they are of.
fn branches_give_what_they_gave_together(cut: &Cut, given: &Batch) {
    let (whole, branched) = (cut.parts().expect("parts"), cut.clone().branched());
    let (parts, branches) = (branched.parts().expect("parts"), branched.branches());
    assert_eq!(parts.len(), whole.len() + branches - 1);
    let run =
        |branch: usize| Evaluator::new(&parts[branch]).expect("small").run(&given.select(&branched.columns(branch)));
    let answers: Vec<Batch> = (0..branches).map(run).filter(|answer| answer.columns > 0).collect();
    let together = Evaluator::new(&whole[0]).expect("small").run(given);
    let sorted = |batch: &Batch| {
        (0..batch.rows())
            .map(|row| {
                let mut row = batch.row(row).to_vec();
                row.sort();
                row
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(sorted(&Batch::beside(&answers)), sorted(&together));
}

/// Three layers and a path around the middle one.
const MODEL: &str = r#"
format = "nanotrig/1"
name = "chain"
[[input]]
name = "x"
shape = [12]
format = "fixed<12,4>"
[[layer]]
name = "first"
kind = "quantize"
format = "fixed<6,3,RND,SAT>"
[[layer]]
name = "middle"
kind = "activation"
function = "relu"
[[layer]]
name = "joined"
kind = "add"
inputs = ["middle", "first"]
"#;

#[test]
fn a_system_gives_what_the_network_gives() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("chain.toml"), MODEL).expect("writable");
    let mut arguments =
        vec!["split", "chain.toml", "-o", "out", "--at", "first", "--at", "middle", "--link-latency", "7"];
    let verilator = Command::new("verilator").arg("--version").output().is_ok();
    if verilator {
        arguments.extend(["--verify", "1000"]);
    } else {
        println!("skipped: verilator is not installed");
    }
    let ran = nanotrig(dir.path(), &arguments);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    assert!(!verilator || ran.out.ends_with(" cycles: 0 mismatches\n"), "{}", ran.out);
    let yaml = std::fs::read_to_string(dir.path().join("out/system.yaml")).expect("a description");
    assert_eq!(yaml.matches("- name: ").count(), 3, "{yaml}");
    assert_eq!(yaml.matches("{from: ").count(), 2, "{yaml}");
    let balanced = nanotrig(dir.path(), &["split", "chain.toml", "-o", "out", "--parts", "2"]);
    assert_eq!(balanced.status, 0, "{}", balanced.err);
    for (options, part) in [
        (&["--at", "joined"][..], "known: x, first, middle"),
        (&["--at", "nothing"], "no layer of that name"),
        (&["--parts", "9"], "layers with logic"),
        (&["--parts", "1"], "layers with logic"),
        (&["--parts", "2", "--link-latency", "0"], "1 to 1000 clocks"),
    ] {
        let ran = nanotrig(dir.path(), &[&["split", "chain.toml", "-o", "new"], options].concat());
        assert_eq!(ran.status, 2, "{options:?}: {}", ran.err);
        assert!(ran.err.contains(part), "{options:?}: {}", ran.err);
        assert!(!dir.path().join("new").exists());
    }
}

/// Three sensors, two of which share a port, each with a layer of its own, that meet in a sum; some values go around the sum.
const SENSORS: &str = r#"
format = "nanotrig/1"
name = "sensors"
outputs = ["all"]
[[input]]
name = "a"
shape = [20]
format = "fixed<9,4>"
[[input]]
name = "others"
shape = [5]
format = "fixed<12,4>"
[[layer]]
name = "b"
kind = "slice"
inputs = ["others"]
starts = [0]
ends = [3]
[[layer]]
name = "c"
kind = "slice"
inputs = ["others"]
starts = [3]
ends = [5]
[[layer]]
name = "of_b"
kind = "quantize"
inputs = ["b"]
format = "fixed<6,3,RND,SAT>"
[[layer]]
name = "of_a"
kind = "max"
inputs = ["a"]
axis = 0
keep_dims = true
[[layer]]
name = "of_c"
kind = "activation"
inputs = ["c"]
function = "abs"
[[layer]]
name = "joined"
kind = "concatenate"
inputs = ["of_a", "of_b", "of_c"]
[[layer]]
name = "total"
kind = "sum"
axis = 0
keep_dims = true
[[layer]]
name = "scaled"
kind = "activation"
function = "relu"
[[layer]]
name = "all"
kind = "concatenate"
inputs = ["scaled", "of_b"]
"#;

#[test]
fn branches_are_circuits_beside_each_other() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("sensors.toml"), SENSORS).expect("writable");
    let mut arguments = vec!["split", "sensors.toml", "-o", "out", "--branches", "--at", "joined", "--at", "total"];
    if Command::new("verilator").arg("--version").output().is_ok() {
        arguments.extend(["--verify", "1000"]);
    } else {
        println!("skipped: verilator is not installed");
    }
    let ran = nanotrig(dir.path(), &arguments);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    assert!(arguments.len() == 9 || ran.out.ends_with(" cycles: 0 mismatches\n"), "{}", ran.out);
    let yaml = std::fs::read_to_string(dir.path().join("out/system.yaml")).expect("a description");
    assert_eq!(yaml.matches("- name: ").count(), 5, "{yaml}");
    assert_eq!(yaml.matches("input_channels: 3").count(), 1, "{yaml}");
    assert_eq!(yaml.matches(", to: sensors_4_packets").count(), 3, "{yaml}");
    let ran = nanotrig(dir.path(), &["split", "sensors.toml", "-o", "new", "--branches", "--at", "total"]);
    assert_eq!(ran.status, 2, "{}", ran.err);
    assert!(ran.err.contains("all up to `total` is connected"), "{}", ran.err);
    assert!(!dir.path().join("new").exists());
}
