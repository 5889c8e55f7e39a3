//! The flows that every compile writes: Yosys' is run, as a user would.

use std::path::Path;
use std::process::Command;

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
kernel = [[1, -3, 0.5, 2], [0.25, 5, -1, 1], [3, 0, 0.75, -2]]
bias = [0.5, -1, 0, 2]

[[layer]]
name = "relu_1"
kind = "relu"

[[layer]]
name = "quantize_1"
kind = "quantize"
format = "ufixed<5,3,RND,SAT>"

[[layer]]
name = "dense_2"
kind = "dense"
[layer.tensors]
kernel = [[1, -1], [2, 0.5], [-3, 1], [0.25, 1]]
"#;

fn compile(dir: &Path) -> std::path::PathBuf {
    let model = dir.join("small.toml");
    std::fs::write(&model, MODEL).expect("writes");
    let out = dir.join("out");
    let mut command = Command::new(env!("CARGO_BIN_EXE_nanotrig"));
    let output = command.arg("compile").arg(&model).arg("-o").arg(&out).args(["--stages", "4"]).output().expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    out
}

#[test]
fn yosys_synthesizes_what_a_compile_wrote() {
    if Command::new("yosys").arg("-V").output().is_err() {
        println!("skipped: yosys is not installed");
        return;
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    let out = compile(dir.path());
    let output = Command::new("yosys").args(["-q", "-s", "yosys/synth.ys"]).current_dir(&out).output().expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let statistics = std::fs::read_to_string(out.join("yosys/stat.txt")).expect("the script wrote it");
    let count = |prefix: &str| -> u64 {
        let cells = statistics.lines().filter(|line| line.trim().starts_with(prefix));
        cells.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum()
    };
    let report = std::fs::read_to_string(out.join("report.json")).expect("a report");
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    let registers = report["registers"].as_u64().expect("a count");
    assert!(count("LUT") > 20, "{statistics}");
    // Yosys may drop a register bit that is a copy of another; it has no reason to add one.
    assert!((registers / 2..=registers).contains(&count("FD")), "{registers} registers\n{statistics}");
}

#[test]
fn vivado_scripts_name_every_file_that_is_there() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let out = compile(dir.path());
    let script = std::fs::read_to_string(out.join("vivado/project.tcl")).expect("a script");
    for entry in std::fs::read_dir(out.join("verilog")).expect("a folder") {
        let name = entry.expect("a file").file_name().to_string_lossy().to_string();
        assert!(script.contains(&name), "{name} is not in\n{script}");
    }
    let constraints = std::fs::read_to_string(out.join("vivado/clock.xdc")).expect("constraints");
    assert!(constraints.contains("create_clock"), "{constraints}");
}

/// A module cannot have a port of its own name.
#[test]
fn a_network_that_is_called_as_its_input() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(dir.path().join("x.toml"), MODEL.replace("name = \"small\"", "name = \"x\"")).expect("writes");
    let mut command = Command::new(env!("CARGO_BIN_EXE_nanotrig"));
    let ran = command.args(["compile", "x.toml", "-o", "out"]).current_dir(dir.path()).output().expect("runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let top = std::fs::read_to_string(dir.path().join("out/verilog/x_2.v")).expect("the top module");
    assert!(top.contains("module x_2 (") && top.contains("input  wire [17:0] x,"), "{top}");
}

/// Constants that cancel in a sum leave it on their grid: -0.875 + 0.625 - 0.625 + 0.5 + 0.375 is 0.
#[test]
fn constants_that_cancel() {
    let model = "format = \"nanotrig/1\"\nname = \"small\"\n[[input]]\nname = \"x\"\nshape = [1]\nformat = \"fixed<2,2>\"\n\
        [[layer]]\nname = \"first\"\nkind = \"dense\"\n[layer.tensors]\nkernel = [[0, 0, 0, 0, 0, 1]]\nbias = [1, -1, 1, 1, 1, 0]\n\
        [[layer]]\nname = \"second\"\nkind = \"dense\"\n[layer.tensors]\n\
        kernel = [[-0.875], [-0.625], [-0.625], [0.5], [0.375], [-0.75]]\n";
    let dir = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(dir.path().join("small.toml"), model).expect("writes");
    std::fs::write(dir.path().join("x.csv"), "-2\n-1\n0\n1\n").expect("writes");
    let nanotrig = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nanotrig"));
        let ran = command.args(arguments).current_dir(dir.path()).output().expect("runs");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    };
    nanotrig(&["run", "small.toml", "--input", "x.csv", "--output", "y.csv"]);
    let text = std::fs::read_to_string(dir.path().join("y.csv")).expect("outputs");
    let values: Vec<f64> = text.lines().filter_map(|line| line.parse().ok()).collect();
    assert_eq!(values, [1.5, 0.75, 0.0, -0.75], "{text}");
    // All levels agree, too.
    nanotrig(&["compile", "small.toml", "-o", "out"]);
}
