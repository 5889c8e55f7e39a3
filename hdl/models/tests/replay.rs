//! The models of this crate and the modules of `hdl/stream`, clock by clock, at several widths: every output, where it has a
//! meaning, is the same. One program of Verilator's has an instance of each; it replays what the models did.
//! Without Verilator the test says so and passes.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use stream_models::{Cross, Depacketise, Fifo, Inputs, Model, Narrow, Outputs, Packetise, Skid, Widen};

/// Clocks that each instance is run for.
const CLOCKS: usize = 4000;

/// An instance of a module, and what its model did: a line a clock of input bits, edges among them, and output bits, highest
/// first; `-` where an output has no meaning.
struct Instance {
    module: &'static str,
    parameters: String,
    /// Names and widths.
    inputs: Vec<(&'static str, usize)>,
    outputs: Vec<(&'static str, usize)>,
    lines: Vec<[String; 2]>,
}

/// Small deterministic random numbers (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.next() % count == 0
    }

    fn bits(&mut self, width: usize) -> Vec<bool> {
        (0..width).map(|_| self.next() & 1 == 1).collect()
    }
}

/// Inputs of a clock. Phases of 500 clocks differ in how often either side stalls; words of a packet are often in order.
fn inputs(
    random: &mut Random,
    clock: usize,
    widths: [usize; 2],
    crossing: bool,
    place: &mut usize,
    frame: usize,
) -> Inputs {
    let phase = clock / 500;
    let edges =
        if crossing { [!random.one_in(2 + phase as u64 % 3), !random.one_in(4 - phase as u64 % 3)] } else { [true; 2] };
    let stalls = |random: &mut Random, side: usize| (phase >> side) & 1 == 1 && !random.one_in(3);
    let mut in_data = random.bits(widths[0]);
    if widths[1] > 0 && *place == 0 && !random.one_in(8) {
        // A header with the right size.
        let size = 16 * frame.saturating_sub(2);
        (0..14).for_each(|bit| in_data[48 + bit] = size >> bit & 1 == 1);
    }
    let in_last = if random.one_in(16) { random.one_in(2) } else { *place + 1 == frame };
    let (start, later) = (clock < 8, !crossing && random.one_in(300));
    Inputs {
        edges: if start { [true; 2] } else { edges },
        rst: start || later,
        in_valid: !stalls(random, 0),
        in_data,
        in_last,
        in_bad: random.one_in(20),
        out_ready: !stalls(random, 1),
        header: random.bits(widths[1]),
    }
}

fn digits(bits: &[bool]) -> String {
    bits.iter().rev().map(|bit| if *bit { '1' } else { '0' }).collect()
}

/// Runs a model. `widths` are those of the words in, of the words out, and of the header; `frame` is how many words belong
/// together.
fn run<M: Model>(module: &'static str, parameters: &str, widths: [usize; 3], frame: usize, seed: u64) -> Instance {
    let crossing = module == "nanotrig_cross";
    let has = |names: &[&str]| names.contains(&module);
    let last_in = has(&["nanotrig_widen", "nanotrig_packetise", "nanotrig_depacketise"]);
    let last_out = has(&["nanotrig_narrow", "nanotrig_packetise", "nanotrig_depacketise"]);
    let checks = has(&["nanotrig_widen", "nanotrig_depacketise"]);
    let (bad_in, bad_out) = (has(&["nanotrig_widen"]), has(&["nanotrig_depacketise"]));
    let packets = widths[2].max(if bad_out { 1 } else { 0 });
    let mut random = Random(seed);
    let mut model = M::default();
    let mut place = 0;
    let (mut lines, mut moved) = (Vec::new(), [0; 2]);
    for clock in 0..CLOCKS {
        let given = inputs(&mut random, clock, [widths[0], packets], crossing, &mut place, frame);
        let found = model.clock(&given);
        if given.in_valid && found.in_ready {
            place = if given.in_last || given.rst { 0 } else { place + 1 };
        }
        if given.rst {
            place = 0;
        }
        moved[0] += (given.in_valid && found.in_ready) as usize;
        moved[1] += (given.out_ready && found.out_valid) as usize;
        let known = clock >= 8;
        let bit = |bit: bool, known: bool| if known { digits(&[bit]) } else { "-".to_string() };
        let mut before = vec![digits(&[given.edges[0]])];
        before.extend(crossing.then(|| digits(&[given.edges[1]])));
        before.push(digits(&[given.rst]));
        before.extend(crossing.then(|| digits(&[given.rst])));
        before.extend([digits(&[given.in_valid]), digits(&given.in_data)]);
        before.extend(last_in.then(|| digits(&[given.in_last])));
        before.extend(bad_in.then(|| digits(&[given.in_bad])));
        before.push(digits(&[given.out_ready]));
        before.extend((widths[2] > 0).then(|| digits(&given.header)));
        let Outputs { in_ready, out_valid, out_data, out_last, out_bad, misframed } = found;
        let there = known && out_valid;
        let mut after = vec![bit(in_ready, known), bit(out_valid, known)];
        after.push(if there { digits(&out_data) } else { "-".into() });
        after.extend(last_out.then(|| bit(out_last, there)));
        after.extend(bad_out.then(|| bit(out_bad, there)));
        after.extend(checks.then(|| bit(misframed, known)));
        lines.push([before.join(" "), after.join(" ")]);
    }
    assert!(moved.iter().all(|words| *words > CLOCKS / 50), "{module}: words move: {moved:?}");
    let clocks: &[&str] = if crossing { &["in_clk", "out_clk", "in_rst", "out_rst"] } else { &["clk", "rst"] };
    let mut pins: Vec<(&str, usize)> = clocks.iter().map(|name| (*name, 1)).collect();
    pins.extend([("in_valid", 1), ("in_data", widths[0])]);
    pins.extend(last_in.then_some(("in_last", 1)));
    pins.extend(bad_in.then_some(("in_bad", 1)));
    pins.push(("out_ready", 1));
    pins.extend((widths[2] > 0).then_some(("header", widths[2])));
    let mut outputs = vec![("in_ready", 1), ("out_valid", 1), ("out_data", widths[1])];
    outputs.extend(last_out.then_some(("out_last", 1)));
    outputs.extend(bad_out.then_some(("out_bad", 1)));
    outputs.extend(checks.then_some(("misframed", 1)));
    Instance { module, parameters: parameters.into(), inputs: pins, outputs, lines }
}

/// Every module at several widths.
fn instances() -> Vec<Instance> {
    vec![
        run::<Skid<1>>("nanotrig_skid", ".W(1)", [1, 1, 0], 1, 1),
        run::<Skid<33>>("nanotrig_skid", ".W(33)", [33, 33, 0], 1, 2),
        run::<Skid<130>>("nanotrig_skid", ".W(130)", [130, 130, 0], 1, 3),
        run::<Fifo<1, 1>>("nanotrig_fifo", ".W(1), .DEPTH(1)", [1, 1, 0], 1, 4),
        run::<Fifo<9, 45>>("nanotrig_fifo", ".W(9), .DEPTH(5)", [9, 9, 0], 1, 5),
        run::<Fifo<64, 1024>>("nanotrig_fifo", ".W(64), .DEPTH(16)", [64, 64, 0], 1, 6),
        run::<Widen<1, 7>>("nanotrig_widen", ".W(1), .N(7)", [1, 7, 0], 7, 7),
        run::<Widen<16, 16>>("nanotrig_widen", ".W(16), .N(1)", [16, 16, 0], 1, 8),
        run::<Widen<32, 128>>("nanotrig_widen", ".W(32), .N(4)", [32, 128, 0], 4, 9),
        run::<Narrow<1, 7>>("nanotrig_narrow", ".W(1), .N(7)", [7, 1, 0], 1, 10),
        run::<Narrow<16, 16>>("nanotrig_narrow", ".W(16), .N(1)", [16, 16, 0], 1, 11),
        run::<Narrow<32, 128>>("nanotrig_narrow", ".W(32), .N(4)", [128, 32, 0], 1, 12),
        run::<Packetise<1>>("nanotrig_packetise", ".N(1)", [128, 128, 128], 1, 13),
        run::<Packetise<3>>("nanotrig_packetise", ".N(3)", [128, 128, 128], 3, 14),
        run::<Depacketise<1>>("nanotrig_depacketise", ".N(1)", [128, 128, 0], 3, 15),
        run::<Depacketise<4>>("nanotrig_depacketise", ".N(4)", [128, 128, 0], 6, 16),
        run::<Cross<1, 4, 3>>("nanotrig_cross", ".W(1), .A(2)", [1, 1, 0], 1, 17),
        run::<Cross<20, 320, 5>>("nanotrig_cross", ".W(20), .A(4)", [20, 20, 0], 1, 18),
    ]
}

/// The top module: all instances, each with pins of its own.
fn top(instances: &[Instance]) -> String {
    let mut pins = Vec::new();
    let mut body = String::new();
    for (index, instance) in instances.iter().enumerate() {
        let mut wires = Vec::new();
        for (kind, list) in [("input ", &instance.inputs), ("output", &instance.outputs)] {
            for (name, width) in list {
                pins.push(format!("  {kind} wire [{}:0] i{index}_{name}", width - 1));
                wires.push(format!(".{name}(i{index}_{name})"));
            }
        }
        let (module, parameters, wires) = (instance.module, &instance.parameters, wires.join(", "));
        writeln!(body, "  {module} #({parameters}) u{index} ({wires});").expect("a text");
    }
    format!("module replay (\n{}\n);\n{body}endmodule\n", pins.join(",\n"))
}

/// `pins.h`: which pins a line of the replay drives and shows.
fn header(instances: &[Instance]) -> String {
    let mut text = String::from("static const std::vector<std::vector<Pin>> PINS = {\n");
    for (index, instance) in instances.iter().enumerate() {
        let pin = |(name, width): &(&str, usize), output: bool| {
            let pin = format!("dut.i{index}_{name}");
            let clock = name.ends_with("clk");
            format!(
                "    {{\"i{index} {} {name}\", {width}, {output}, {clock}, [](Dut &dut, const uint32_t *w) {{ put({pin}, w); }}, \
                 [](Dut &dut, uint32_t *w) {{ get({pin}, w); }}}},\n",
                instance.module
            )
        };
        text += "  {\n";
        text.extend(instance.inputs.iter().map(|one| pin(one, false)));
        text.extend(instance.outputs.iter().map(|one| pin(one, true)));
        text += "  },\n";
    }
    text + "};\n"
}

#[test]
fn models_and_modules_are_the_same() {
    if Command::new("verilator").arg("--version").output().is_err() {
        println!("skipped: verilator is not installed");
        return;
    }
    let mut instances = instances();
    let dir = tempfile::tempdir().expect("a folder");
    let stream = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stream");
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).expect("writable");
    write("replay.v", &top(&instances));
    write("pins.h", &header(&instances));
    write("words.h", include_str!("../../../testbenches/words.h"));
    write("replay.cpp", include_str!("replay.cpp"));
    let mut build = Command::new("verilator");
    build.args(["--cc", "--exe", "--build", "-Wall", "-O3", "-CFLAGS", "-O1", "--prefix", "Vdut", "-o", "run", "-y"]);
    build.arg(&stream).args(["replay.v", "replay.cpp"]).current_dir(dir.path());
    let output = build.output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let replay = |instances: &[Instance]| {
        let mut text = String::new();
        for clock in 0..CLOCKS {
            let line = |instance: &Instance| instance.lines[clock].join(" ");
            writeln!(text, "{}", instances.iter().map(line).collect::<Vec<_>>().join(" ")).expect("a text");
        }
        write("lines.txt", &text);
        let run = Command::new(dir.path().join("obj_dir/run")).arg("lines.txt").current_dir(dir.path()).output();
        String::from_utf8(run.expect("it starts").stdout).expect("a text")
    };
    let said = replay(&instances);
    assert_eq!(said, format!("{CLOCKS} clocks, {} instances, 0 differences\n", instances.len()));
    // A bit that a model would have otherwise is seen.
    let line = &mut instances[5].lines[CLOCKS - 1][1];
    let flipped = if line.starts_with('1') { "0" } else { "1" };
    line.replace_range(0..1, flipped);
    assert!(replay(&instances).contains("i5 nanotrig_fifo in_ready"));
}
