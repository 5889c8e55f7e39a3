//! Shells: their Verilog is clean, and they lose nothing. `scripts/shells.sh` streams a million events through each.
//! Without Verilator or Icarus the tests say so and pass.

mod common;

use common::nanotrig;
use std::path::Path;
use std::process::Command;

/// Two inputs and two outputs, one with a single bit; a sum keeps some registers busy.
const MODEL: &str = include_str!("data/interfaces/tiny.toml");

fn installed(tool: &str, version: &str) -> bool {
    let found = Command::new(tool).arg(version).output().is_ok();
    if !found {
        println!("skipped: {tool} is not installed");
    }
    found
}

/// A compile of the model with an interface, in `DIR/out`.
fn compiled(dir: &Path, options: &[&str]) {
    std::fs::write(dir.join("tiny.toml"), MODEL).expect("writable");
    let ran = nanotrig(dir, &[&["compile", "tiny.toml", "-o", "out", "--stages", "4"], options].concat());
    assert_eq!(ran.status, 0, "{}", ran.err);
}

/// Words of one event or many, of one bit, of more bits than an event; all interfaces.
const SHELLS: [&str; 8] = [
    "fixed-slot=4",
    "fixed-slot=9",
    "axi-stream",
    "axi-stream=1:3",
    "axi-stream=19:200",
    "packets",
    "crossing=8",
    "crossing=64:5",
];

#[test]
fn the_report_has_the_shell() {
    let dir = tempfile::tempdir().expect("a folder");
    compiled(dir.path(), &["--interface", "axi-stream=8"]);
    let report = std::fs::read_to_string(dir.path().join("out/report.json")).expect("a report");
    let shell = nanotrig::report::Report::parse(&report).expect("ours").shell.expect("a shell");
    assert_eq!((shell.interface.as_str(), shell.top.as_str()), ("axi-stream=8", "tiny_axi_stream"));
    assert!(shell.pins.contains(&"input  wire [7:0] s_axis_tdata".to_string()), "{:?}", shell.pins);
}

#[test]
fn shells_lint() {
    if !installed("verilator", "--version") || !installed("iverilog", "-V") {
        return;
    }
    for shell in SHELLS {
        let dir = tempfile::tempdir().expect("a folder");
        compiled(dir.path(), &["--interface", shell]);
        let folder = dir.path().join("out/shell");
        let names = std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path());
        let top = names.into_iter().find(|path| path.extension().is_some_and(|end| end == "v")).expect("a module");
        let top = top.file_stem().expect("a name").to_str().expect("a text").to_string();
        let folders = ["-y", "../verilog", "-y", "../hdl/stream"];
        let mut verilator = Command::new("verilator");
        verilator.args(["--lint-only", "-Wall", "--top-module", &top]).args(folders);
        let mut iverilog = Command::new("iverilog");
        iverilog.args(["-g2001", "-Wall", "-t", "null", "-s", &top]).args(folders);
        for command in [&mut verilator, &mut iverilog] {
            let output = command.arg(format!("{top}.v")).current_dir(&folder).output().expect("it starts");
            let text =
                format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            assert!(output.status.success() && text.trim().is_empty(), "{shell}: {text}");
        }
    }
}

#[test]
fn shells_lose_nothing() {
    if !installed("verilator", "--version") {
        return;
    }
    for shell in ["fixed-slot=9", "axi-stream=19:2", "packets", "crossing=8"] {
        let dir = tempfile::tempdir().expect("a folder");
        compiled(dir.path(), &["--interface", shell]);
        let ran = nanotrig(dir.path(), &["verify", "out", "--vectors", "2000"]);
        let said = ran.out.lines().last().unwrap_or_default();
        assert_eq!(ran.status, 0, "{shell}: {}{}", ran.out, ran.err);
        assert!(said.starts_with("shell: 2000 vectors, ") && said.ends_with(": 0 mismatches"), "{shell}: {said}");
    }
}

/// A test bench that could not fail would prove nothing: a queue one place too short, and a block that forgets a word.
#[test]
fn faults_are_found() {
    if !installed("verilator", "--version") {
        return;
    }
    for (block, right, wrong) in
        [("nanotrig_credits", "held != DEPTH[A-1:0]", "1'b1"), ("nanotrig_skid", "hold & (spare_full | take)", "1'b0")]
    {
        let dir = tempfile::tempdir().expect("a folder");
        compiled(dir.path(), &["--interface", "axi-stream=19:2"]);
        let path = dir.path().join(format!("out/hdl/stream/{block}.v"));
        let text = std::fs::read_to_string(&path).expect("a text");
        assert!(text.contains(right), "{block}");
        std::fs::write(path, text.replace(right, wrong)).expect("writable");
        let ran = nanotrig(dir.path(), &["verify", "out", "--vectors", "2000"]);
        assert_eq!(ran.status, 1, "{block}: {}{}", ran.out, ran.err);
        assert!(ran.out.contains("mismatch: clock "), "{block}: {}", ran.out);
    }
}

#[test]
fn what_does_not_suit_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("tiny.toml"), MODEL).expect("writable");
    for (interface, part) in [
        ("axi", "known: bare, fixed-slot, axi-stream"),
        ("bare=3", "takes no value"),
        ("fixed-slot", "the number of clocks is missing"),
        ("fixed-slot=x", "`x` is no number"),
        ("fixed-slot=3", "takes 4 clocks, and the slot is 3"),
        ("axi-stream=0", "`0` is no size of words"),
        ("axi-stream=8:", "`8:` is no size of words"),
        ("packets=64", "words have 128 bits"),
        ("crossing=99999", "is no size of words"),
    ] {
        let ran =
            nanotrig(dir.path(), &["compile", "tiny.toml", "-o", "out", "--stages", "4", "--interface", interface]);
        assert_eq!(ran.status, 2, "{interface}: {}", ran.err);
        assert!(ran.err.contains(part) && ran.err.contains("help: "), "{interface}: {}", ran.err);
        assert!(!dir.path().join("out").exists(), "{interface}");
    }
}

/// `--target asic`: nothing has an initial value, there is a reset, and no instance but of what is in the folder.
#[test]
fn an_asic_has_no_initial_values() {
    let dir = tempfile::tempdir().expect("a folder");
    compiled(dir.path(), &["--target", "asic", "--interface", "axi-stream=16"]);
    let out = dir.path().join("out");
    assert!(!out.join("vivado").exists() && !out.join("hdl/synthesis").exists());
    let mut modules = 0;
    for folder in ["verilog", "shell", "hdl/stream"] {
        for entry in std::fs::read_dir(out.join(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.extension().is_none_or(|end| end != "v") {
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a text");
            let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
            assert!(!code.iter().any(|line| line.contains("initial")), "{}", path.display());
            let registers = code.iter().filter(|line| line.trim_start().starts_with("reg "));
            registers.for_each(|line| assert!(!line.contains('='), "{}: {line}", path.display()));
            assert!(!text.contains("posedge rst") && !text.contains("negedge"), "{}", path.display());
            modules += 1;
        }
    }
    assert!(modules > 5);
    if installed("verilator", "--version") {
        let ran = nanotrig(dir.path(), &["verify", "out", "--vectors", "1000"]);
        assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    }
}
