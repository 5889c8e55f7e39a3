//! The C++ emulator: the bits of the numbers, on random graphs and on a network with every mode of rounding and overflow, and
//! those that `nanotrig run` gives for a file of values. Without a C++ compiler the tests say so and pass.

mod circuits;
mod common;

use circuits::random_design;
use common::nanotrig;
use nanotrig::batch::Batch;
use nanotrig::dfg::random::{Random, inputs};
use nanotrig::dfg::{Builder, Dfg, Evaluator, Id, Source, Table};
use nanotrig::emulator;
use nanotrig::fixed::{Format, Overflow, Quantization, Range, Rounding};
use nanotrig::port::Port;
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
        let (dfg, _) = random_design(&mut random, 60, false);
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

/// A table of bits and small numbers: a sum of them, one with a wrong entry, or anything.
fn table(random: &mut Random, b: &mut Builder, kind: usize) -> Id {
    let elements: Vec<u32> = (0..8).filter(|_| random.below(2) == 0).collect();
    let args: Vec<Id> = elements.iter().map(|element| b.input(0, *element).expect("an input")).collect();
    let domains: Vec<Range> = args.iter().map(|arg| b.range(*arg)).collect();
    let weights: Vec<i128> = args.iter().map(|_| random.within(-90, 90).into()).collect();
    let mut entries = vec![Some(i128::from(random.within(-500, 500)))];
    for (domain, weight) in domains.iter().zip(&weights) {
        let points =
            |entry: &Option<i128>| (domain.lo..=domain.hi).map(|x| entry.map(|e| e + x * weight)).collect::<Vec<_>>();
        entries = entries.iter().flat_map(points).collect();
    }
    let last = entries.len() - 1;
    match kind {
        0 => {}
        1 => entries[last] = entries[last].map(|entry| entry + 1),
        _ => entries.iter_mut().for_each(|entry| *entry = Some(random.within(-9, 9).into())),
    }
    b.table(Table { domains, entries, exp: random.within(-3, 1) as i32 }, args).expect("small")
}

fn tables(random: &mut Random, kind: usize) -> Dfg {
    let format = |text: &str| text.parse::<Quantization>().expect("a format");
    let bits = ["ufixed<1,1>", "ufixed<1,0>", "fixed<1,1>", "ufixed<1,3>", "ufixed<1,1>"].map(format);
    let formats = [&bits[..], &["fixed<3,3>", "ufixed<2,1>", "fixed<2,0>"].map(format)].concat();
    let port = |name: &str, elements: Vec<Quantization>| Port {
        name: name.into(),
        shape: vec![elements.len()],
        elements,
        state: false,
    };
    let layers = vec![("x".into(), 8), ("tables".into(), 20)];
    let mut b = Builder::new("tables", layers, vec![port("x", formats)]);
    b.set_source(Source { layer: 1, element: 0 });
    let results: Vec<Id> = (0..20).map(|_| table(random, &mut b, kind)).collect();
    let elements = results.iter().map(|id| Quantization::plain(Format::of(&b.range(*id)))).collect();
    b.finish(vec![port("y", elements)], results).without_dead()
}

/// Tables that are sums of their operands are written as sums, and no others.
#[test]
fn tables_give_the_same_codes() {
    if !compiler() {
        return;
    }
    let mut random = Random::new(5);
    for kind in 0..3 {
        let dfg = tables(&mut random, kind);
        let given = inputs(&mut random, &dfg.input_elements(), 2003);
        let expected = Evaluator::new(&dfg).expect("small").run(&given);
        let dir = tempfile::tempdir().expect("a folder");
        write(&dfg, dir.path());
        std::fs::write(dir.path().join("emulator/test.cpp"), program(&dfg, &given, &expected)).expect("writable");
        assert_eq!(built(dir.path(), "test", &[]), "0", "{dfg}");
        let header = std::fs::read_to_string(dir.path().join("emulator/tables.h")).expect("a file");
        assert_eq!(header.contains("= lookup("), kind > 0, "{header}");
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
