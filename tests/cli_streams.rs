//! What the program says and reads: a reader that goes away, and names that Verilog cannot have.

mod common;

use common::nanotrig;
use nanotrig::arrays::npz::{self, Npz};
use nanotrig::network::Tensor;
use std::path::Path;
use std::process::{Command, Stdio};

/// A network whose input and output have names that are words of Verilog.
const NETWORK: &str = "format = \"nanotrig/1\"\noutputs = [\"reg\"]\n\
    [[input]]\nname = \"input\"\nshape = [2]\nformat = \"fixed<8,4>\"\n\
    [[input]]\nname = \"a/b:0\"\nshape = [2]\nformat = \"fixed<8,4>\"\n\
    [[layer]]\nname = \"reg\"\nkind = \"add\"\ninputs = [\"input\", \"a/b:0\"]\nresult_format = \"fixed<9,5>\"\n";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("net.toml"), NETWORK).unwrap();
    let tensor = |data: [f64; 4]| Tensor { shape: vec![2, 2], data: data.to_vec() };
    let (x, b) = (tensor([1.0, -2.0, 0.5, 0.25]), tensor([0.5, 0.5, 1.0, -1.0]));
    let y = tensor([1.5, -1.5, 1.5, -0.75]);
    std::fs::write(folder.path().join("x.npz"), npz::format([("input", &x), ("a/b:0", &b)]).unwrap()).unwrap();
    std::fs::write(folder.path().join("y.npz"), npz::format([("reg", &y)]).unwrap()).unwrap();
    std::fs::write(folder.path().join("labels.csv"), "0\n1\n").unwrap();
    folder
}

/// Runs the program with nobody at the other end of its standard output and error.
fn unheard(folder: &Path, arguments: &str) -> i32 {
    let gone = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        Stdio::from(writer)
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_nanotrig"));
    command.args(arguments.split_whitespace()).current_dir(folder).stdout(gone()).stderr(gone());
    command.status().expect("nanotrig starts").code().expect("not killed by a signal")
}

#[test]
fn a_reader_that_goes_away_changes_no_status() {
    let folder = folder();
    for (arguments, status) in [
        ("list layers", 0),
        ("dump net.toml --level dfg", 0),
        ("compile net.toml -o out", 0),
        ("compile net.toml -o out2 --json", 0),
        ("import net.toml -o copy.toml", 0),
        ("run net.toml --input x.npz --output z.npz", 0),
        ("evaluate net.toml --input x.npz --labels labels.csv", 0),
        ("evaluate net.toml --input x.npz --layer reg", 0),
        ("compile net.toml -o out3 --input x.npz --expect z.npz", 0),
        ("compile missing.toml -o out4", 2),
        ("list nothing", 2),
    ] {
        assert_eq!(unheard(folder.path(), arguments), status, "{arguments}");
    }
}

/// As a shell's pipe closes: after the program has started, and before it has said all.
#[test]
fn a_reader_that_stops_early() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nanotrig"));
    let mut child = command.args(["list", "layers"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn samples_have_the_network_s_own_names() {
    let folder = folder();
    let ran = |arguments: &str| {
        let ran = nanotrig(folder.path(), &arguments.split_whitespace().collect::<Vec<_>>());
        assert_eq!(ran.status, 0, "{arguments}: {}", ran.err);
        ran.out
    };
    for level in ["tensor", "netlist"] {
        ran(&format!("run net.toml --input x.npz --output z.npz --level {level}"));
        let bytes = std::fs::read(folder.path().join("z.npz")).unwrap();
        let npz = Npz::open(&bytes).unwrap();
        assert_eq!(npz.keys(), ["reg"]);
        assert_eq!(npz.get("reg").unwrap().tensor().unwrap().data, [1.5, -1.5, 1.5, -0.75]);
    }
    let out = ran("evaluate net.toml --input x.npz --labels labels.csv");
    assert!(out.contains("a/b:0 (host)"), "{out}");
    ran("compile net.toml -o out --input x.npz --expect y.npz");
    let report = std::fs::read_to_string(folder.path().join("out/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let names = |ports: &str| {
        let ports = report[ports].as_array().unwrap().clone();
        ports.iter().map(|port| (port["name"].clone(), port["tensor"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(names("inputs"), [("input_".into(), "input".into()), ("a_b_0".into(), "a/b:0".into())]);
    assert_eq!(names("outputs"), [("reg_".into(), "reg".into())]);
    assert_eq!(report["checked"]["mismatches"], 0);
}
