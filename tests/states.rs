//! States: what an event leaves for the next, at every level, in every clock, and what is refused.

mod common;

use common::nanotrig;
use nanotrig::backends::{self, Context};
use nanotrig::batch::Batch;
use nanotrig::compiler::{Hardware, Making, Meaning, Reading, agree, hardware, meaning};
use nanotrig::dfg::Dfg;
use nanotrig::dfg::random::Random;
use nanotrig::netlist::Stepper;
use nanotrig::network::{Input, Layer, Network, Tensor};
use nanotrig::proof::Proof;
use nanotrig::proof::verilog::Interface;
use nanotrig::registry::find;
use nanotrig::samples::Samples;
use nanotrig::schedulers::{Goal, SCHEDULERS};

fn input(name: &str, shape: &[usize], format: &str, next: Option<&str>) -> Input {
    Input { name: name.into(), shape: shape.to_vec(), format: Some(format.into()), next: next.map(String::from) }
}

fn layer(name: &str, kind: &str, inputs: &[&str]) -> Layer {
    Layer::new(name, kind, inputs.iter().map(|name| name.to_string()).collect())
}

fn kernel(random: &mut Random, rows: usize, columns: usize) -> Tensor {
    let data = (0..rows * columns).map(|_| (random.below(17) as f64 - 8.0) / 8.0).collect();
    Tensor { shape: vec![rows, columns], data }
}

/// Three states: `a` of a random linear recurrence that saturates, `b` one of the input alone, `c` the `a` of the event before.
fn network(random: &mut Random) -> Network {
    let inputs = vec![
        input("x", &[3], "fixed<6,3>", None),
        input("a", &[2], "fixed<9,4,RND,SAT>", Some("sum")),
        input("b", &[3], "fixed<4,3,TRN,WRAP>", Some("x")),
        input("c", &[2], "fixed<9,4>", Some("a")),
    ];
    let layers = vec![
        layer("from_x", "dense", &["x"]).with_tensor("kernel", kernel(random, 3, 2)),
        layer("from_a", "dense", &["a"]).with_tensor("kernel", kernel(random, 2, 2)),
        layer("sum", "add", &["from_x", "from_a"]),
        layer("from_b", "dense", &["b"]).with_tensor("kernel", kernel(random, 3, 2)),
        layer("all", "concatenate", &["sum", "from_b", "c"]),
        layer("y", "relu", &["all"]),
    ];
    Network { name: "keeps".into(), inputs, layers, outputs: vec!["y".into()] }
}

/// What the network says, in float64, which is exact at these widths.
fn reference(network: &Network, events: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let wrapped = |x: f64, step: f64, range: f64| ((x / step).floor() * step + range).rem_euclid(2.0 * range) - range;
    let dense = |name: &str, x: &[f64]| -> Vec<f64> {
        let kernel = &network.layer(name).unwrap().tensors["kernel"];
        (0..2).map(|column| x.iter().zip(kernel.data.chunks(2)).map(|(x, row)| x * row[column]).sum()).collect()
    };
    let (mut a, mut b, mut c) = (vec![0.0; 2], vec![0.0; 3], vec![0.0; 2]);
    let mut answers = Vec::new();
    for x in events {
        let sum: Vec<f64> = dense("from_x", x).iter().zip(dense("from_a", &a)).map(|(x, a)| x + a).collect();
        let all = [sum.clone(), dense("from_b", &b), c].concat();
        answers.push(all.into_iter().map(|value| value.max(0.0)).collect());
        c = a;
        a = sum.iter().map(|sum| ((sum * 32.0 + 0.5).floor() / 32.0).clamp(-8.0, 255.0 / 32.0)).collect();
        b = x.iter().map(|x| wrapped(*x, 0.5, 4.0)).collect();
    }
    answers
}

fn made(network: &Network, goal: Goal, interval: u32, scheduler: &str) -> (Meaning, Hardware) {
    let scheduler = find("scheduler", SCHEDULERS, scheduler).unwrap().make;
    let meaning = meaning(network, &Reading::default()).unwrap();
    let making = Making { goal, interval, scheduler, ..Making::default() };
    let hardware = hardware(&meaning.dfg, &making, |_, _| ()).unwrap();
    (meaning, hardware)
}

/// Events in clocks with gaps, no closer than the circuit allows; a reset after a third of them, behind which all begin anew.
fn streamed(hardware: &Hardware, inputs: &Batch, random: &mut Random) -> Vec<Vec<i128>> {
    let netlist = &hardware.netlist;
    let mut stepper = Stepper::new(netlist);
    let (mut answers, mut row, mut since, mut begun) = (Vec::new(), 0, u32::MAX, false);
    let mut idle = 0;
    while idle < 2 * netlist.latency + 2 {
        if row == inputs.rows() / 3 && !begun {
            stepper.step(inputs.row(0), true, true);
            (answers, row, since, begun) = (Vec::new(), 0, u32::MAX, true);
        }
        let valid = row < inputs.rows() && since >= netlist.interval && random.below(3) > 0;
        let noise = inputs.row(random.below(inputs.rows() as u64) as usize);
        let (codes, answered) = stepper.step(if valid { inputs.row(row) } else { noise }, valid, false);
        if answered {
            answers.push(codes);
        }
        since = if valid { 1 } else { since.saturating_add(1) };
        idle = if row < inputs.rows() { 0 } else { idle + 1 };
        row += valid as usize;
    }
    answers
}

#[test]
fn every_schedule_keeps_what_the_network_keeps() {
    let ways = [
        (Goal { period: Some(8000), ..Goal::default() }, 1),
        (Goal { period: Some(2600), ..Goal::default() }, 3),
        (Goal { period: Some(1700), ..Goal::default() }, 6),
        (Goal { stages: Some(1), ..Goal::default() }, 1),
        (Goal { stages: Some(4), ..Goal::default() }, 2),
    ];
    let mut apart = 0;
    for seed in 0..6 {
        let mut random = Random::new(seed);
        let network = network(&mut random);
        let events: Vec<Vec<f64>> =
            (0..120).map(|_| (0..3).map(|_| (random.below(64) as f64 - 32.0) / 8.0).collect()).collect();
        let given = Samples { columns: 3, data: events.concat() };
        let wanted = reference(&network, &events);
        for scheduler in ["min-registers", "asap", "random"] {
            // The random one knows no time.
            for (goal, interval) in ways.into_iter().filter(|(goal, _)| scheduler != "random" || goal.period.is_none())
            {
                let (meaning, hardware) = made(&network, goal, interval, scheduler);
                agree(&meaning, &hardware, &meaning.vectors(100, seed)).unwrap();
                let inputs = meaning.input_codes(&given).unwrap();
                let found = meaning.values(&meaning.codes(&inputs).unwrap()).unwrap();
                assert_eq!(found.data, wanted.concat());
                let [outside, codes] = meaning.outside(&inputs, &meaning.codes(&inputs).unwrap());
                let answers = streamed(&hardware, &outside, &mut random);
                assert_eq!(answers.concat(), codes.data, "{scheduler} {goal:?}\n{}", hardware.netlist);
                let clocks = hardware.schedule.states.unwrap().clocks();
                assert_eq!(hardware.netlist.interval, clocks);
                assert!(scheduler == "random" || clocks <= interval);
                apart += (clocks > 1) as u32;
            }
        }
    }
    assert!(apart > 10, "loops of several stages");
}

#[test]
fn the_text_of_the_numbers_is_read_back() {
    let (meaning, hardware) =
        made(&network(&mut Random::new(1)), Goal { period: Some(5000), ..Goal::default() }, 2, "asap");
    for dfg in [&meaning.dfg, &hardware.dfg] {
        assert_eq!(dfg.to_string().parse::<Dfg>().unwrap(), *dfg);
    }
    let text = meaning.dfg.to_string();
    let refused = |from: &str, to: &str| {
        assert!(text.contains(from));
        let damaged = text.replacen(from, to, 1).parse::<Dfg>().and_then(|dfg| dfg.verify());
        assert!(damaged.is_err(), "{to}");
    };
    refused("output state a_next", "output a_next");
    refused("input state c", "input c");
    refused("input state b [3] : 3 x fixed<4,3", "input state b [3] : 3 x fixed<5,3");
}

/// Whether Verilog is proved, after a change of the top module.
fn proved(edit: impl Fn(&str) -> String) -> bool {
    let (meaning, hardware) =
        made(&network(&mut Random::new(2)), Goal { period: Some(2600), ..Goal::default() }, 3, "min-registers");
    let netlist = &hardware.netlist;
    let files = backends::files(netlist, &Context::default()).unwrap().into_iter();
    let files = files.filter(|file| file.path.starts_with("verilog/"));
    let files: Vec<(String, String)> = files
        .map(|file| {
            let text = if file.path == "verilog/keeps.v" { edit(&file.text) } else { file.text.clone() };
            (file.path, text)
        })
        .collect();
    let mut proof = Proof::of(&meaning.graph, &meaning.dfg.outputs, None).unwrap();
    proof.numbers("numbers", &meaning.dfg);
    proof.numbers("passes", &hardware.dfg);
    proof.circuit("netlist", &hardware.dfg, netlist);
    assert!(proof.holds(), "{:?}", proof.links);
    proof.verilog("verilog", &hardware.dfg, &files, &Interface::of(netlist));
    proof.holds()
}

#[test]
fn the_proof_knows_when_a_state_is_written() {
    let turn = made(&network(&mut Random::new(2)), Goal { period: Some(2600), ..Goal::default() }, 3, "min-registers")
        .1
        .netlist
        .turn;
    let writes = turn.unwrap().writes as usize;
    assert!(proved(|text| text.to_string()));
    let edited = |from: &str, to: &str| {
        let (from, to) = (from.to_string(), to.to_string());
        proved(|text| {
            assert!(text.contains(&from), "{from}\n{text}");
            text.replacen(&from, &to, 1)
        })
    };
    let event = format!("else if (valid[{}]) a <= a_next", writes - 1);
    assert!(edited("// What an event", "// What some event"));
    for damage in [
        format!("else if (valid[{writes}]) a <= a_next"),
        "else if (in_valid) a <= a_next".into(),
        "else a <= a_next".into(),
        format!("else if (valid[{}]) a <= c_next", writes - 1),
        format!("else if (valid[{}]) a <= c", writes - 1),
        "else if (rst) a <= a_next".into(),
    ] {
        assert!(!edited(&event, &damage), "{damage}");
    }
    assert!(!edited("if (rst) a <= 18'd0", "if (rst) a <= 18'd1"));
    assert!(!edited("if (rst) a <= 18'd0;\n    else if", "if"));
    assert!(!edited("a = 18'd0;", "a = 18'd1;"));
    assert!(!edited("assign a_next[8:0] = ", "assign a_next[8:0] = ~"));
}

/// Compiles a file, or does something else with it; the status and what was said.
fn ran(text: &str, command: &str) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("net.toml"), text).unwrap();
    let ran = nanotrig(folder.path(), &command.split_whitespace().collect::<Vec<_>>());
    (ran.status, ran.err + &ran.out)
}

const SUM: &str = r#"
format = "nanotrig/1"
[[input]]
name = "x"
shape = [2]
format = "fixed<8,8>"
[[input]]
name = "total"
shape = [2]
format = "fixed<8,8>"
next = "sum"
[[layer]]
name = "sum"
kind = "add"
inputs = ["x", "total"]
"#;

#[test]
fn a_sum_of_events_on_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("net.toml", SUM);
    write("x.csv", "x[0],x[1]\n1,100\n2,100\n3,-1\n4,0\n");
    // The answer is the whole sum, of which the state keeps the low bits.
    write("y.csv", "sum[0],sum[1]\n1,100\n3,200\n6,-57\n10,-57\n");
    let run = |line: &str| {
        let ran = nanotrig(folder.path(), &line.split_whitespace().collect::<Vec<_>>());
        assert_eq!(ran.status, 0, "{line}: {}{}", ran.out, ran.err);
        ran.out + &ran.err
    };
    run("compile net.toml -o out --input x.csv --expect y.csv");
    for level in ["tensor", "dfg", "netlist"] {
        run(&format!("run net.toml --input x.csv --output z.csv --level {level}"));
        let text = std::fs::read_to_string(folder.path().join("z.csv")).unwrap();
        assert_eq!(
            text.lines().skip(1).collect::<Vec<_>>(),
            ["1.0,100.0", "3.0,200.0", "6.0,-57.0", "10.0,-57.0"],
            "{level}"
        );
    }
    let top = std::fs::read_to_string(folder.path().join("out/verilog/net.v")).unwrap();
    assert!(top.contains("input  wire rst,") && !top.contains("wire [15:0] total,"), "{top}");
    let report = std::fs::read_to_string(folder.path().join("out/report.json")).unwrap();
    assert!(report.contains("\"states\""), "{report}");
    run("import net.toml -o again.toml");
    let again = std::fs::read_to_string(folder.path().join("again.toml")).unwrap();
    assert!(again.contains("next = \"sum\""), "{again}");
}

#[test]
fn mistakes_have_answers() {
    let compile = "compile net.toml -o out";
    let cases = [
        (SUM.replace("fixed<8,8>\"\nnext", "u8\"\nnext"), compile, "fixed<8,3,RND,SAT>"),
        (SUM.replace("format = \"fixed<8,8>\"\nnext", "next"), compile, "a state needs a fixed-point format"),
        (SUM.replace("next = \"sum\"", "next = \"nothing\""), compile, "nothing is called `nothing`"),
        (
            SUM.replace("shape = [2]\nformat = \"fixed<8,8>\"\nnext", "shape = [1]\nformat = \"fixed<8,8>\"\nnext"),
            compile,
            "[2], not [1]",
        ),
        (SUM.replace("name = \"x\"\nshape = [2]", "name = \"x\"\nshape = [2]\nnext = \"sum\""), compile, "no input"),
        (SUM.into(), "compile net.toml -o out --weight-storage ports", "--weight-storage takes networks whose events"),
        (SUM.into(), "compile net.toml -o out --input-format total=fixed<4,2>", "there is no input `total`"),
        (SUM.into(), "split net.toml -o out --at sum", "split takes networks whose events"),
        (SUM.into(), "stream net.toml -o out", "a stream of pixels takes networks whose events"),
    ];
    for (text, command, said) in cases {
        let (status, output) = ran(&text, command);
        assert_eq!(status, 2, "{command}: {output}");
        assert!(output.contains(said), "{said}: {output}");
    }
}

/// A recurrent layer of one step, whose functions are of hardware.
fn recurrent(kind: &str, state: &str) -> String {
    let gates = if kind == "simple_rnn" { 1 } else { 3 };
    let row = vec!["0.5"; 2 * gates].join(", ");
    let more = if kind == "simple_rnn" { "" } else { "recurrent_activation = \"quantized_sigmoid(4)\"\n" };
    format!(
        "format = \"nanotrig/1\"\n[[input]]\nname = \"x\"\nshape = [1, 2]\nformat = \"fixed<5,2>\"\n[[layer]]\nname = \"r\"\n\
         kind = \"{kind}\"\nstateful = true\n{more}{state}[layer.tensors]\nkernel = [[{row}], [{row}]]\n\
         recurrent_kernel = [[{row}], [{row}]]\n"
    )
}

#[test]
fn a_recurrent_layer_finds_the_formats_of_its_state() {
    let tanh = "activation = \"quantized_tanh(5)\"\n";
    let bounded = tanh.to_string() + "state_quantizer = \"quantized_bits(5,0,alpha=1)\"\n";
    for (kind, state) in [("simple_rnn", tanh), ("gru", &bounded)] {
        let (status, output) = ran(&recurrent(kind, state), "compile net.toml -o out --interval 8");
        assert_eq!(status, 0, "{kind}: {output}");
        assert!(output.contains("r_h "), "{output}");
    }
    let (status, output) = ran(&recurrent("simple_rnn", "activation = \"linear\"\n"), "compile net.toml -o out");
    assert!(status == 2 && output.contains("its state is wider after each event"), "{output}");
    let (status, output) = ran(&recurrent("simple_rnn", "activation = \"tanh\"\n"), "compile net.toml -o out");
    assert!(status == 2 && output.contains("state_format"), "{output}");
    let (status, output) = ran(&recurrent("gru", tanh), "compile net.toml -o out");
    assert!(status == 2 && output.contains("its state is wider after each event"), "{output}");
    let (status, output) = ran(&recurrent("gru", &bounded), "compile net.toml -o out --period 2");
    assert!(status == 2 && output.contains("use --interval"), "{output}");
}
