//! The modules of `hdl/`: each is equal to its twin for simulation, by proof, exhaustively and at random; and designs
//! with instances of them are read, linted and simulated as others are. A tool that is not installed skips its test
//! with a message.

mod circuits;

use circuits::random_design;
use nanotrig::backends::{Context, File, files};
use nanotrig::dfg::random::{Random, inputs};
use nanotrig::dfg::{Builder, Dfg, Id, Source, Term};
use nanotrig::fixed::{Fixed, Format, Quantization, Range};
use nanotrig::netlist::{Netlist, Options, Simulator, build};
use nanotrig::port::Port;
use nanotrig::verilator::verify;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

const FAMILIES: [&str; 2] = ["ultrascale_plus", "series7"];

fn installed(tool: &str, version: &str) -> bool {
    let found = Command::new(tool).arg(version).output().is_ok();
    if !found {
        eprintln!("skipped: {tool} is not installed");
    }
    found
}

/// Runs a tool; whether it succeeded, and what it said.
fn ran(command: &mut Command) -> (bool, String) {
    let output = command.output().expect("the tool starts");
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), text)
}

/// Runs a tool that must succeed in silence.
fn silent(command: &mut Command, what: &str) {
    let (success, text) = ran(command);
    assert!(success && text.trim().is_empty(), "{what}: {command:?}\n{text}");
}

/// A module with parameters.
struct Case {
    module: &'static str,
    width: u32,
    low: u32,
    parameters: String,
}

/// Random bits, of which all, none or any are set.
fn mask(random: &mut Random, width: u32) -> u64 {
    let ones = (1u64 << width) - 1;
    let any = random.bits() & ones;
    *random.one(&[0, ones, any, any])
}

impl Case {
    fn new(module: &'static str, width: u32, low: u32, values: &[(&str, u32, u64)]) -> Case {
        let mut parameters = format!(".W({width})");
        values.iter().for_each(|(name, width, value)| write!(parameters, ", .{name}({width}'d{value})").unwrap());
        if module == "sum2" {
            write!(parameters, ", .LOW({low})").unwrap();
        }
        Case { module, width, low, parameters }
    }

    fn random(random: &mut Random, width: u32) -> Case {
        let three = random.below(2) == 0;
        let low = if three { 0 } else { 2 * random.below(u64::from(width).div_ceil(2)) as u32 };
        let mut values = vec![("CI", 1, random.below(2))];
        values.push(if three { ("MI", 1, random.below(2)) } else { ("K", width, mask(random, width) >> low << low) });
        let names = ["A_LIVE", "A_NOT", "B_LIVE", "B_NOT", "C_LIVE", "C_NOT"];
        for name in &names[..if three { 6 } else { 4 }] {
            values.push((name, width, mask(random, width)));
        }
        Case::new(if three { "sum3" } else { "sum2" }, width, low, &values)
    }

    /// An instance under a family of names; its result is `RESULT`.
    fn instance(&self, family: &str, index: usize) -> String {
        let (top, low) = (self.width - 1, self.low);
        let c = if self.module == "sum3" { format!(", .c(c[{top}:0])") } else { String::new() };
        format!(
            "  wire [{top}:{low}] {family}_{index};\n  {family}_{} #({}) u_{family}_{index} (.a(a[{top}:0]), .b(b[{top}:0]){c}, .sum({family}_{index}));\n",
            self.module, self.parameters
        )
    }
}

fn hdl(path: &str) -> String {
    std::fs::read_to_string(Path::new("hdl").join(path)).expect("a module of hdl/")
}

/// The modules in cells, and the twins under names of their own.
fn modules(family: &str) -> String {
    let cells = [format!("{family}/nanotrig_chain.v"), "lut6/nanotrig_sum2.v".into(), "lut6/nanotrig_sum3.v".into()];
    let twins = ["behavioural/nanotrig_sum2.v", "behavioural/nanotrig_sum3.v"];
    let twins = twins.map(|path| hdl(path).replace("module nanotrig_", "module twin_"));
    cells.map(|path| hdl(&path)).concat() + &twins.concat()
}

/// A module that says which cases differ from their twins.
fn compared(cases: &[Case], width: u32) -> String {
    let top = width - 1;
    let mut text = format!(
        "module compared(input [{top}:0] a, input [{top}:0] b, input [{top}:0] c, output [{}:0] wrong);\n",
        cases.len() - 1
    );
    for (index, case) in cases.iter().enumerate() {
        text += &case.instance("nanotrig", index);
        text += &case.instance("twin", index);
        writeln!(text, "  assign wrong[{index}] = nanotrig_{index} != twin_{index};").unwrap();
    }
    text + "endmodule\n"
}

/// Icarus runs all cases on all operands if they are narrow, else on random ones; the first that differ.
fn simulate(modules: &str, cases: &[Case], width: u32) -> Result<(), String> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (_, share) = ran(Command::new("yosys-config").arg("--datdir"));
    let cells = Path::new(share.trim()).join("xilinx/cells_sim.v");
    let bits = 3 * width;
    let (rounds, next) = if bits <= 12 {
        (1u64 << bits, "{c, b, a} = n".to_string())
    } else {
        (500, "{c, b, a} = {$random, $random, $random, $random, $random}".to_string())
    };
    let (top, last) = (width - 1, cases.len() - 1);
    let bench = format!(
        "module bench;\n  reg [{top}:0] a, b, c;\n  wire [{last}:0] wrong;\n  integer n;\n  compared compared (a, b, c, wrong);\n  \
         initial begin\n    for (n = 0; n < {rounds}; n = n + 1) begin\n      {next};\n      #1;\n      \
         if (wrong !== 0) begin\n        $display(\"wrong: %b at %h %h %h\", wrong, a, b, c);\n        $finish;\n      end\n    end\n    \
         $display(\"equal\");\n  end\nendmodule\n"
    );
    std::fs::write(dir.path().join("all.v"), format!("{modules}{}{bench}", compared(cases, width))).expect("written");
    let mut compile = Command::new("iverilog");
    compile.current_dir(dir.path()).args(["-g2012", "-o", "run", "-s", "bench", "all.v"]).arg(cells);
    let (success, text) = ran(&mut compile);
    assert!(success, "{text}");
    let (_, text) = ran(Command::new("vvp").current_dir(dir.path()).args(["-n", "run"]));
    if text.trim() == "equal" { Ok(()) } else { Err(text) }
}

fn simulators() -> bool {
    installed("iverilog", "-V") && installed("yosys-config", "--datdir")
}

/// All values of all parameters at one bit, many at two, and all operands.
#[test]
fn narrow_modules_equal_their_twins() {
    if !simulators() {
        return;
    }
    for width in 1..=2 {
        let values = 1u64 << width;
        let mut cases = Vec::new();
        for code in (0..values.pow(5) * 2).step_by(if width == 1 { 1 } else { 5 }) {
            let digit = |at: u32| code / 2 / values.pow(at) % values;
            let operands =
                ["A_LIVE", "A_NOT", "B_LIVE", "B_NOT"].iter().zip(1..).map(|(name, at)| (*name, width, digit(at)));
            let values: Vec<_> = operands.chain([("CI", 1, code % 2), ("K", width, digit(0))]).collect();
            cases.push(Case::new("sum2", width, 0, &values));
        }
        for code in (0..values.pow(6) * 4).step_by(if width == 1 { 1 } else { 67 }) {
            let digit = |at: u32| code / 4 / values.pow(at) % values;
            let names = ["A_LIVE", "A_NOT", "B_LIVE", "B_NOT", "C_LIVE", "C_NOT"];
            let operands = names.iter().zip(0..).map(|(name, at)| (*name, width, digit(at)));
            let values: Vec<_> = operands.chain([("CI", 1, code % 2), ("MI", 1, code / 2 % 2)]).collect();
            cases.push(Case::new("sum3", width, 0, &values));
        }
        simulate(&modules(FAMILIES[0]), &cases, width).unwrap_or_else(|text| panic!("{text}"));
    }
}

#[test]
fn random_modules_equal_their_twins() {
    if !simulators() {
        return;
    }
    let mut random = Random::new(7);
    for (family, widths) in [(FAMILIES[0], [4, 9, 17, 33]), (FAMILIES[1], [3, 5, 8, 21])] {
        for width in widths {
            let cases: Vec<Case> = (0..100).map(|_| Case::random(&mut random, width)).collect();
            simulate(&modules(family), &cases, width).unwrap_or_else(|text| panic!("{family}: {text}"));
        }
    }
}

/// A damaged module is not equal to its twin.
#[test]
fn damage_is_found() {
    if !simulators() {
        return;
    }
    let mut random = Random::new(8);
    let cases: Vec<Case> = (0..60).map(|_| Case::random(&mut random, 4)).collect();
    let whole = modules(FAMILIES[1]);
    for (from, to) in [
        ("A ^ B ^ {64{K[i]}} ^ M", "A ^ B ^ M"),
        ("(A1 & B1) | ((A1 ^ B1) & (A0 & B0))", "A1 & B1"),
        (".I3(b_below[i])", ".I3(b[i])"),
        ("A ^ B ^ C ^ M", "A ^ B ^ C"),
        ("(m_below & SAVE)", "m_below"),
        (".CYINIT(i == 0 ? ci : 1'b0)", ".CYINIT(1'b0)"),
    ] {
        let damaged = whole.replace(from, to);
        assert_ne!(damaged, whole, "{from}");
        assert!(simulate(&damaged, &cases, 4).is_err(), "{from} -> {to}");
    }
}

/// Yosys proves random cases of up to six bits, on its own models of the cells.
#[test]
fn modules_are_proved_equal_to_their_twins() {
    if !installed("yosys", "-V") {
        return;
    }
    let mut random = Random::new(9);
    for family in FAMILIES {
        let cases: Vec<Case> = (0..16).map(|index| Case::random(&mut random, 2 + index % 5)).collect();
        let dir = tempfile::tempdir().expect("a temporary folder");
        let text = modules(family) + &compared(&cases, 6);
        std::fs::write(dir.path().join("all.v"), text).expect("written");
        let script = "read_verilog +/xilinx/cells_sim.v; read_verilog all.v; hierarchy -check -top compared; proc; \
                      flatten; opt_clean; sat -verify -prove wrong 0";
        let (success, text) = ran(Command::new("yosys").current_dir(dir.path()).args(["-q", "-p", script]));
        assert!(success, "{family}: {text}");
    }
}

/// A design of sums of three, or of two and a constant, some of whose low bits are dropped.
fn sums(random: &mut Random) -> (Dfg, Netlist) {
    let format =
        |random: &mut Random| Format { signed: random.below(2) == 0, width: 3 + random.below(6) as u32, lsb: 0 };
    let elements: Vec<Quantization> = (0..4).map(|_| Quantization::plain(format(random))).collect();
    let port = Port { name: "x".into(), shape: vec![4], elements, state: false };
    let mut b = Builder::new("sums", vec![("x".into(), 4), ("sum".into(), 12)], vec![port]);
    let mut ids: Vec<Id> = (0..4).map(|element| b.input(0, element).expect("an input")).collect();
    for element in 0..12 {
        b.set_source(Source { layer: 1, element });
        let first = random.below(ids.len() as u64) as usize;
        let term = |at: usize, random: &mut Random| Term {
            id: ids[(first + at) % ids.len()],
            shift: random.below(5) as i32,
            negative: random.below(2) == 0,
        };
        let terms = (0..2 + random.below(2) as usize).map(|at| term(at, random)).collect();
        let constant = Fixed::new(random.within(-40, 40) as i128 * random.below(2) as i128, 0);
        let sum = b.add(terms, constant).expect("small numbers");
        let drop = b.range(sum).exp + 2 * random.below(4) as i32;
        let floor = b.floor(sum, drop).expect("small numbers");
        let range = b.range(floor);
        ids.push(if range.width() > 14 { b.wrap(floor, range.exp + 12, true).expect("small numbers") } else { floor });
    }
    let results = ids.split_off(8);
    let ranges = results.iter().map(|id| b.range(*id));
    let format = Format::of(&ranges.reduce(|x, y| Range::union(x, y).expect("small numbers")).expect("results"));
    let elements = vec![Quantization::plain(format); results.len()];
    let port = Port { name: "y".into(), shape: vec![results.len()], elements, state: false };
    let dfg = circuits::expand(&b.finish(vec![port], results).without_dead());
    let schedule = circuits::schedule(random, &dfg);
    let netlist = build(&dfg, &schedule, &Options::default()).unwrap_or_else(|error| panic!("{error}\n{dfg}"));
    (dfg, netlist)
}

/// A random design: of sums, or of everything.
fn design(random: &mut Random, size: usize) -> (Dfg, Netlist) {
    if random.below(2) == 0 { sums(random) } else { random_design(random, size, false) }
}

/// The files of a design whose sums are instances where that is better.
fn write(netlist: &Netlist, family: &str, dir: &Path) -> Vec<File> {
    let context = Context { cells: Some(family.into()), ..Context::default() };
    let files = files(netlist, &context).expect("templates fit");
    for file in &files {
        let path = dir.join(&file.path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
        std::fs::write(path, &file.text).expect("a writable folder");
    }
    files
}

/// The Verilog of the design, with the modules for one use.
fn verilog(files: &[File], used: &str) -> Vec<String> {
    let wanted = |path: &str| path.ends_with(".v") && (!path.starts_with("hdl/") || path.contains(used));
    files.iter().map(|file| file.path.clone()).filter(|path| wanted(path)).collect()
}

#[test]
fn random_designs_with_instances_are_read() {
    let tools = [("verilator", "--version"), ("iverilog", "-V"), ("yosys", "-V")].map(|(tool, v)| installed(tool, v));
    let mut seen = [0; 4];
    for seed in 0..24 {
        let (_, netlist) = design(&mut Random::new(seed), 30);
        let dir = tempfile::tempdir().expect("a temporary folder");
        let files = write(&netlist, FAMILIES[seed as usize % 2], dir.path());
        let text: String =
            files.iter().filter(|file| file.path.starts_with("verilog/")).map(|f| f.text.as_str()).collect();
        for (count, word) in seen.iter_mut().zip(["nanotrig_sum2 ", "nanotrig_sum3 ", ".LOW(", ".MI("]) {
            *count += text.matches(word).count();
        }
        // What is used is there, and nothing else.
        for module in ["nanotrig_sum2", "nanotrig_sum3"] {
            let there = |used: &str| files.iter().any(|file| file.path == format!("hdl/{used}/{module}.v"));
            assert_eq!([there("synthesis"), there("simulation")], [text.contains(&format!("{module} ")); 2]);
        }
        let what = format!("seed {seed}");
        if tools[0] {
            let mut command = Command::new("verilator");
            command.current_dir(dir.path()).args(["--lint-only", "-Wall", "--top-module", &netlist.name]);
            silent(command.args(verilog(&files, "simulation")), &what);
        }
        if tools[1] {
            let mut command = Command::new("iverilog");
            command.current_dir(dir.path()).args(["-g2001", "-Wall", "-t", "null", "-s", &netlist.name]);
            silent(command.args(verilog(&files, "simulation")), &what);
        }
        if tools[2] && seed < 6 {
            let read: Vec<String> =
                verilog(&files, "synthesis").iter().map(|path| format!("read_verilog {path}")).collect();
            let cells = "read_verilog -lib +/xilinx/cells_sim.v";
            let top = &netlist.name;
            let script = format!("{cells}; {}; hierarchy -check -top {top}; proc; check -assert", read.join("; "));
            let (success, text) = ran(Command::new("yosys").current_dir(dir.path()).args(["-q", "-p", &script]));
            assert!(success, "{what}: {text}");
        }
    }
    assert!(seen.iter().all(|count| *count > 5), "{seen:?}");
}

#[test]
fn verilator_simulates_instances() {
    if !installed("verilator", "--version") {
        return;
    }
    for seed in 300..302 {
        let mut random = Random::new(seed);
        let (dfg, netlist) = if seed == 300 { sums(&mut random) } else { random_design(&mut random, 60, false) };
        let batch = inputs(&mut random, &dfg.input_elements(), 2000);
        let expected = Simulator::new(&netlist).run(&batch);
        let dir = tempfile::tempdir().expect("a temporary folder");
        write(&netlist, FAMILIES[0], dir.path());
        let outcome = verify(dir.path(), &batch, &expected, &|_| {}).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((outcome.vectors, outcome.mismatches), (2000, 0), "seed {seed}: {:#?}\n{netlist}", outcome.report);
    }
}
