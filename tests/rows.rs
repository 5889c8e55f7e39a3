//! Equal rows of a layer are instances of one module: found, printed, linted, and simulated against the netlist simulator.
//! A tool that is not installed skips its part with a message.

use nanotrig::backends::{Context, File, files};
use nanotrig::dfg::random::{Random, inputs};
use nanotrig::dfg::{Builder, Dfg, Id, Op, Source, Term};
use nanotrig::fixed::{Fixed, Format, Quantization};
use nanotrig::netlist::{Netlist, Options, Simulator, build};
use nanotrig::port::Port;
use nanotrig::schedulers::Schedule;
use nanotrig::verilator::verify;
use std::path::Path;
use std::process::Command;

/// Six rows of two channels, each of two inputs: `steps` sums and extremes, the last half of them a stage later. The last
/// row has other constants.
fn design(steps: u32) -> (Dfg, Netlist) {
    let format: Quantization = "fixed<8,4>".parse().expect("a format");
    let port = |name: &str, elements: Vec<Quantization>| Port {
        name: name.into(),
        shape: vec![elements.len()],
        elements,
        state: false,
    };
    let layers = vec![("x".into(), 2), ("mix".into(), 2), ("end".into(), 2)];
    let mut b = Builder::new("rows", layers, vec![port("x", vec![format; 12])]);
    let at = |layer, element| Source { layer, element };
    let (mut results, mut late) = (Vec::new(), Vec::new());
    for row in 0..6 {
        let mut pair: Vec<Id> = (0..2)
            .map(|channel| {
                b.set_source(at(0, 2 * row + channel));
                b.input(0, 2 * row + channel).expect("an input")
            })
            .collect();
        for step in 0..steps {
            b.set_source(at(1, 2 * row + step % 2));
            let before = b.dfg().nodes.len();
            let bound = b.constant(Fixed::new(i128::from(step) + if row == 5 { 9 } else { 2 }, -4)).expect("small");
            let sum = b.add(vec![Term::plus(pair[0], 0), Term::minus(pair[1], 1)], Fixed::ZERO).expect("small");
            let extreme = if step % 2 == 0 { b.max(sum, bound) } else { b.min(sum, bound) }.expect("small");
            pair = vec![pair[1], extreme];
            late.resize(before, false);
            late.resize(b.dfg().nodes.len(), step >= steps / 2);
        }
        results.extend(pair);
    }
    let formats = results.iter().map(|id| Quantization::plain(Format::of(&b.range(*id)))).collect();
    let dfg = b.finish(vec![port("y", formats)], results);
    let late = dfg.ids().map(|id| late[id.index()] && !matches!(dfg[id].op, Op::Const(_)));
    let stage = late.map(u32::from).collect();
    let netlist = build(&dfg, &Schedule { stage, latency: 2, period: 0, states: None }, &Options::default());
    let netlist = netlist.unwrap_or_else(|error| panic!("{error}\n{dfg}"));
    (dfg, netlist)
}

fn printed(netlist: &Netlist) -> Vec<File> {
    files(netlist, &Context::default()).expect("templates fit")
}

fn text<'a>(files: &'a [File], path: &str) -> &'a str {
    files.iter().find(|file| file.path == path).map_or("", |file| &file.text)
}

fn write(files: &[File], dir: &Path) {
    for file in files {
        let path = dir.join(&file.path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
        std::fs::write(path, &file.text).expect("a writable folder");
    }
}

#[test]
fn equal_rows_are_instances_of_one_module() {
    let files = printed(&design(12).1);
    let (layer, row) = (text(&files, "verilog/mix.v"), text(&files, "verilog/mix_row.v"));
    let instances: Vec<&str> = layer.lines().filter_map(|line| line.trim().strip_prefix("mix_row u_row")).collect();
    assert_eq!(instances, ["0 (", "1 (", "2 (", "3 (", "4 ("], "{layer}");
    assert!(layer.contains("mix_11 ") && !layer.contains("mix_1 "), "the last row alone is the layer's own:\n{layer}");
    assert!(row.contains("mix_1 ") && row.contains("Its instances are 5 equal rows"), "{row}");
    assert!(layer.contains(".x_0(x_8)"), "{layer}");
    for list in ["verilator/args.f", "yosys/synth.ys", "yosys/layers.ys", "vivado/project.tcl"] {
        let of = |name: &str| text(&files, list).find(name);
        assert!(of("verilog/mix_row.v").is_some_and(|row| Some(row) < of("verilog/mix.v")), "{list}");
    }
    assert!(text(&files, "verilator/args.f").contains("-fno-gate"));
}

/// Registers alone are as short as an instance that has them.
#[test]
fn small_rows_stay_in_their_layer() {
    let files = printed(&design(1).1);
    assert!(text(&files, "verilog/x.v").contains("x_2_s1 <= x_2;") && text(&files, "verilog/x_row.v").is_empty());
}

#[test]
fn tools_read_rows_and_simulate_what_the_netlist_does() {
    if Command::new("verilator").arg("--version").output().is_err() {
        eprintln!("skipped: verilator is not installed");
        return;
    }
    let (dfg, netlist) = design(12);
    let (files, dir) = (printed(&netlist), tempfile::tempdir().expect("a temporary folder"));
    write(&files, dir.path());
    let verilog = files.iter().map(|file| &file.path).filter(|path| path.ends_with(".v"));
    let mut lint = Command::new("verilator");
    lint.current_dir(dir.path()).args(["--lint-only", "-Wall", "--top-module", "rows"]).args(verilog);
    let said = lint.output().expect("verilator starts");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let batch = inputs(&mut Random::new(7), &dfg.input_elements(), 2000);
    let mut expected = Simulator::new(&netlist).run(&batch);
    let outcome = verify(dir.path(), &batch, &expected, &|_| {}).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((outcome.vectors, outcome.mismatches), (2000, 0), "{:#?}", outcome.report);
    // Of each row one wrong bit is noticed.
    let columns = expected.columns;
    (0..6).for_each(|row| expected.data[columns * row + 2 * row + 1] ^= 1);
    let outcome = verify(dir.path(), &batch, &expected, &|_| {}).expect("built before");
    assert!(outcome.mismatches >= 6, "{outcome:?}");
}
