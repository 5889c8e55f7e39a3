//! The C++ emulator: the bits of the numbers, on random graphs and on a network with every mode of rounding and overflow, and
//! those that `nanotrig run` gives for a file of values. Without a C++ compiler the tests say so and pass.

mod circuits;
mod common;

use circuits::random_design;
use common::nanotrig;
use nanotrig::batch::Batch;
use nanotrig::dfg::random::{Random, inputs};
use nanotrig::dfg::{Dfg, Evaluator};
use nanotrig::emulator;
use nanotrig::fixed::{Overflow, Rounding};
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

fn compiler() -> bool {
    let found = Command::new("g++").arg("--version").output().is_ok();
    if !found {
        println!("skipped: g++ is not installed");
    }
    found
}

fn write(dfg: &Dfg, dir: &Path) {
    for file in emulator::files(dfg).expect("fits") {
        let path = dir.join(&file.path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        std::fs::write(path, &file.text).expect("writable");
    }
}

/// Builds `emulator/PROGRAM.cpp` without a warning, runs it, and gives what it says.
fn built(dir: &Path, program: &str, arguments: &[&str]) -> String {
    let mut build = Command::new("g++");
    build.current_dir(dir.join("emulator")).args([
        "-std=c++17",
        "-O1",
        "-mavx2",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-Wno-psabi",
    ]);
    let output = build.args(["-o", "program", &format!("{program}.cpp")]).output().expect("g++ starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut run = Command::new(dir.join("emulator/program"));
    let output = run.args(arguments).current_dir(dir).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// A program that evaluates rows of codes one by one and side by side, and counts what differs from the expected codes.
fn program(dfg: &Dfg, given: &Batch, expected: &Batch) -> String {
    let list = |batch: &Batch| {
        let mut text = String::new();
        batch.data.iter().for_each(|code| write!(text, "{},", *code as i64).expect("a text"));
        text
    };
    let name = format!("nanotrig_{}", dfg.name);
    format!(
        "#include \"{0}.h\"\n#include <cstdio>\nstatic const long long in[] = {{{1}}}, out[] = {{{2}}};\n\
         int main() {{\n  using namespace {name};\n  static Integer x[{3}], y[{4}];\n\
         for (std::size_t i = 0; i < {3}; i++) x[i] = Integer(in[i]);\n  int wrong = 0;\n\
         evaluate({5}, x, y);\n  for (std::size_t i = 0; i < {4}; i++) wrong += y[i] != Integer(out[i]);\n\
         for (std::size_t r = 0; r < {5}; r++) evaluate(x + r * INPUTS, y + r * OUTPUTS);\n\
         for (std::size_t i = 0; i < {4}; i++) wrong += y[i] != Integer(out[i]);\n  std::printf(\"%d\", wrong);\n}}\n",
        dfg.name,
        list(given),
        list(expected),
        given.data.len(),
        expected.data.len(),
        given.rows()
    )
}

#[test]
fn random_graphs_give_the_same_codes() {
    if !compiler() {
        return;
    }
    for seed in 0..6 {
        let mut random = Random::new(seed);
        let (dfg, _) = random_design(&mut random, 60);
        let given = inputs(&mut random, &dfg.input_elements(), 203);
        let mut expected = Evaluator::new(&dfg).expect("small").run(&given);
        let dir = tempfile::tempdir().expect("a folder");
        write(&dfg, dir.path());
        std::fs::write(dir.path().join("emulator/test.cpp"), program(&dfg, &given, &expected)).expect("writable");
        assert_eq!(built(dir.path(), "test", &[]), "0", "seed {seed}\n{dfg}");
        if seed == 0 {
            // One wrong code is seen one by one and side by side.
            expected.data[7] ^= 1;
            std::fs::write(dir.path().join("emulator/test.cpp"), program(&dfg, &given, &expected)).expect("writable");
            assert_eq!(built(dir.path(), "test", &[]), "2");
        }
    }
}

/// Numbers of a file of values.
fn numbers(text: &str) -> Vec<f64> {
    let rows = text.lines().filter(|line| !line.contains('['));
    rows.flat_map(|line| line.split(',')).map(|cell| cell.parse().expect("a number")).collect()
}

/// Inputs in every mode of rounding and overflow, signed and not, with values between, at and beyond the codes.
#[test]
fn a_file_of_values_gives_what_run_gives() {
    if !compiler() {
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let mut model = String::from("format = \"nanotrig/1\"\nname = \"modes\"\n");
    let mut layers = String::new();
    let mut given = String::new();
    let mut count = 0;
    for rounding in Rounding::ALL {
        for overflow in Overflow::ALL {
            let sign = ["", "u"][count % 2];
            let format = format!("{sign}fixed<{},{},{rounding},{overflow}>", 1 + count % 9, count % 5);
            writeln!(model, "[[input]]\nname = \"x{count}\"\nshape = [1]\nformat = \"{format}\"").expect("a text");
            count += 1;
        }
    }
    let names: Vec<String> = (0..count).map(|index| format!("\"x{index}\"")).collect();
    writeln!(layers, "[[layer]]\nname = \"all\"\nkind = \"concatenate\"\ninputs = [{}]", names.join(", "))
        .expect("a text");
    layers += "[[layer]]\nname = \"twice\"\nkind = \"add\"\ninputs = [\"all\", \"all\"]\n";
    let values = [0.0, 0.5, -0.5, 0.375, -0.375, 1e-300, -1e-300, 5.0625, -7.9375, 123.25, -200.5, 1e30, -1e30];
    for row in 0..200 {
        let value = |column: usize| match (row * 7 + column * 3) % 17 {
            at if at < values.len() && row % 2 == 0 => values[at],
            at => (row * 31 % 257) as f64 / 32.0 - at as f64 / 4.0,
        };
        let cells: Vec<String> = (0..count).map(|column| value(column).to_string()).collect();
        writeln!(given, "{}", cells.join(",")).expect("a text");
    }
    std::fs::write(dir.path().join("m.toml"), model + &layers).expect("writable");
    std::fs::write(dir.path().join("x.csv"), given).expect("writable");
    for arguments in [
        &["run", "m.toml", "--input", "x.csv", "--output", "y.csv"][..],
        &["compile", "m.toml", "-o", "out", "--stages", "2"],
    ] {
        let ran = nanotrig(dir.path(), arguments);
        assert_eq!(ran.status, 0, "{}", ran.err);
    }
    built(&dir.path().join("out"), "main", &["../x.csv", "../emulated.csv"]);
    let read = |name: &str| numbers(&std::fs::read_to_string(dir.path().join(name)).expect("a file"));
    let (want, got) = (read("y.csv"), read("emulated.csv"));
    assert_eq!(want.len(), 200 * count);
    assert_eq!(want, got);
}
