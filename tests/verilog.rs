//! The printed Verilog: linted, read by three tools, and simulated against the netlist simulator.
//! A tool that is not installed skips its test with a message.

mod circuits;

use circuits::random_design;
use nanotrig::backends::{Context, File, files};
use nanotrig::dfg::random::{Random, inputs};
use nanotrig::netlist::{Netlist, Options, Simulator, build};
use nanotrig::schedulers::Schedule;
use nanotrig::verilator::verify;
use std::path::{Path, PathBuf};
use std::process::Command;

fn installed(tool: &str, version: &str) -> bool {
    let found = Command::new(tool).arg(version).output().is_ok();
    if !found {
        eprintln!("skipped: {tool} is not installed");
    }
    found
}

fn write(netlist: &Netlist, dir: &Path) -> Vec<File> {
    let files = files(netlist, &Context::default()).expect("templates fit");
    for file in &files {
        let path = dir.join(&file.path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
        std::fs::write(path, &file.text).expect("a writable folder");
    }
    files
}

fn verilog(files: &[File]) -> Vec<PathBuf> {
    files.iter().filter(|file| file.path.ends_with(".v")).map(|file| PathBuf::from(&file.path)).collect()
}

/// Runs a tool that must succeed in silence.
fn silent(command: &mut Command, what: &str) {
    let output = command.output().expect("the tool starts");
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.trim().is_empty(), "{what}: {command:?}\n{text}");
}

#[test]
fn verilator_lints_random_designs() {
    if !installed("verilator", "--version") {
        return;
    }
    for seed in 0..60 {
        let (_, netlist) = random_design(&mut Random::new(seed), 30, seed % 3 == 0);
        let dir = tempfile::tempdir().expect("a temporary folder");
        let files = write(&netlist, dir.path());
        let mut command = Command::new("verilator");
        command.current_dir(dir.path()).args(["--lint-only", "-Wall", "--top-module", &netlist.name]);
        silent(command.args(verilog(&files)), &format!("seed {seed}"));
    }
}

#[test]
fn icarus_accepts_random_designs() {
    if !installed("iverilog", "-V") {
        return;
    }
    for seed in 0..60 {
        let (_, netlist) = random_design(&mut Random::new(seed), 30, seed % 3 == 0);
        let dir = tempfile::tempdir().expect("a temporary folder");
        let files = write(&netlist, dir.path());
        let mut command = Command::new("iverilog");
        command.current_dir(dir.path()).args(["-g2001", "-Wall", "-t", "null", "-s", &netlist.name]);
        silent(command.args(verilog(&files)), &format!("seed {seed}"));
    }
}

#[test]
fn yosys_reads_random_designs() {
    if !installed("yosys", "-V") {
        return;
    }
    for seed in 0..15 {
        let (_, netlist) = random_design(&mut Random::new(seed), 30, seed % 3 == 0);
        let dir = tempfile::tempdir().expect("a temporary folder");
        let files = write(&netlist, dir.path());
        let read: Vec<String> = verilog(&files).iter().map(|path| format!("read_verilog {}", path.display())).collect();
        let script = format!("{}; hierarchy -check -top {}; proc; check -assert", read.join("; "), netlist.name);
        let mut command = Command::new("yosys");
        silent(command.current_dir(dir.path()).args(["-q", "-e", ".*", "-p", &script]), &format!("seed {seed}"));
    }
}

#[test]
fn verilator_simulates_what_the_netlist_does() {
    if !installed("verilator", "--version") {
        return;
    }
    for seed in 100..104 {
        let mut random = Random::new(seed);
        let (dfg, netlist) = random_design(&mut random, 40, false);
        let batch = inputs(&mut random, &dfg.input_elements(), 2000);
        let mut expected = Simulator::new(&netlist).run(&batch);
        let dir = tempfile::tempdir().expect("a temporary folder");
        write(&netlist, dir.path());
        let outcome = verify(dir.path(), &batch, &expected, &|_| {}).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((outcome.vectors, outcome.mismatches), (2000, 0), "seed {seed}: {:#?}\n{netlist}", outcome.report);
        // One wrong expected bit is one mismatch in each phase that streams it.
        let last = expected.data.len() - 1;
        expected.data[last] ^= 1;
        let outcome = verify(dir.path(), &batch, &expected, &|_| {}).expect("built before");
        assert!((1..=3).contains(&outcome.mismatches), "{outcome:?}");
    }
}

#[test]
fn the_same_netlist_gives_the_same_bytes() {
    let (_, netlist) = random_design(&mut Random::new(5), 40, true);
    let (_, again) = random_design(&mut Random::new(5), 40, true);
    let context = Context::default();
    assert_eq!(files(&netlist, &context).expect("fits"), files(&again, &context).expect("fits"));
}

/// Verilator reads at most 40000 tokens a line, so no line lists every element: here 200 of which not all bits are read,
/// half by a layer, half by an output port.
#[test]
fn lines_do_not_grow_with_the_elements() {
    let mut text = String::from("dfg wide {\n  layers x:200 cut:200\n  input x [200] : 200 x fixed<8,4,TRN,WRAP>\n");
    text += "  output y [200] : 200 x fixed<6,4,TRN,WRAP>\n";
    let inputs = (0..200).map(|i| format!("  %{i} = input 0.{i} : [-128, 127]p-4 ; x[{i}]\n"));
    let floors = (0..200).map(|i| format!("  %{} = floor %{i}, p-2 : [-32, 31]p-2 ; cut[{i}]\n", 200 + i));
    text.extend(inputs.chain(floors));
    text += "  %400 = const 0p0 : [0, 0]p0 ; cut[0]\n";
    text.extend((0..100).map(|i| format!("  %{} = max %{}, %400 : [0, 31]p-2 ; cut[{i}]\n", 401 + i, 200 + i)));
    let results: Vec<String> = (401..501).chain(300..400).map(|id| format!("%{id}")).collect();
    text += &format!("  results {}\n}}\n", results.join(" "));
    let dfg: nanotrig::dfg::Dfg = text.parse().expect("a graph");
    let schedule = Schedule { stage: vec![0; dfg.nodes.len()], latency: 0, period: 0, states: None };
    let netlist = build(&dfg, &schedule, &Options::default()).expect("builds");
    let files = files(&netlist, &Context::default()).expect("fits");
    let printed: Vec<&File> = files.iter().filter(|file| file.path.ends_with(".v")).collect();
    assert!(printed.iter().filter(|file| file.text.contains("wire unused")).count() >= 2, "a layer and the top");
    let longest = printed.iter().flat_map(|file| file.text.lines()).map(str::len).max();
    assert!(longest < Some(300), "{longest:?} characters");
}

/// The files of a small design, all in one text.
fn printed(text: &str) -> String {
    let dfg: nanotrig::dfg::Dfg = text.parse().expect("a graph");
    let schedule = Schedule { stage: STAGES.to_vec(), latency: 3, period: 0, states: None };
    let netlist = build(&dfg, &schedule, &Options { reset: true, ..Options::default() }).expect("builds");
    let files = files(&netlist, &Context::default()).expect("fits");
    let shown = files.iter().filter(|file| !file.path.ends_with(".cpp"));
    shown.map(|file| format!("==== {}\n{}", file.path, file.text)).collect()
}

/// Stages of the golden design's nodes.
const STAGES: [u32; 10] = [0, 0, 0, 1, 1, 0, 1, 2, 2, 2];

/// `tests/golden/backends/*.txt`: a graph, a line `// ---`, and what the back ends print. `BLESS=1` rewrites.
#[test]
fn golden() {
    for entry in std::fs::read_dir("tests/golden/backends").expect("the golden cases") {
        let path = entry.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("a text");
        let (graph, expected) = text.split_once("// ---\n").expect("a line `// ---`");
        let printed = printed(graph);
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, format!("{graph}// ---\n{printed}")).expect("a writable file");
        } else {
            assert_eq!(printed, expected, "{}: BLESS=1 accepts the change", path.display());
        }
    }
}
