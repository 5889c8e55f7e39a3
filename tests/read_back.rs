//! A second reader of the Verilog: what Yosys reads of it, as JSON, is proved to be the dataflow graph, as the prover's own
//! reader's is. The two readers share no line of code.

mod common;

use common::nanotrig;
use nanotrig::dfg::Dfg;
use nanotrig::proof::logic::{Bit, Effort, Logic, Word, elements, extended};
use nanotrig::report::Report;
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::process::Command;

/// A bit of Yosys: a number, or a constant as text.
type Wire = Value;
/// A word, and the registers behind the inputs; none for constants.
type Known = (Word, Option<u32>);

/// A net: its bits, its names, and what it is once it was read.
struct Net {
    bits: Vec<Wire>,
    names: Vec<String>,
    known: Option<Known>,
}

/// The top module as Yosys has it.
struct Module {
    cells: Vec<Value>,
    known: Vec<Option<Known>>,
    /// The cell that gives a bit, and the bit's place in its output.
    drivers: HashMap<u64, (usize, u32)>,
    inputs: HashMap<u64, Bit>,
    nets: Vec<Net>,
    /// The nets of a bit, and its place in each.
    homes: HashMap<u64, Vec<(usize, usize)>>,
}

fn number(text: &Value) -> u64 {
    text.as_str().map_or_else(|| text.as_u64(), |text| u64::from_str_radix(text, 2).ok()).expect("a number")
}

fn wires(value: &Value) -> Vec<Wire> {
    value.as_array().expect("bits").clone()
}

impl Module {
    fn of(module: &Value, data: &HashSet<u64>) -> Module {
        let cells: Vec<Value> = module["cells"].as_object().expect("cells").values().cloned().collect();
        let mut drivers = HashMap::new();
        for (index, cell) in cells.iter().enumerate() {
            for (at, bit) in output(cell).iter().enumerate() {
                drivers.insert(bit.as_u64().expect("a net"), (index, at as u32));
            }
        }
        let mut by_bits: BTreeMap<String, Net> = BTreeMap::new();
        for (name, net) in module["netnames"].as_object().expect("nets") {
            let bits = wires(&net["bits"]);
            let own = by_bits.entry(net["bits"].to_string()).or_insert(Net { bits, names: Vec::new(), known: None });
            own.names.push(name.rsplit('.').next().unwrap_or(name).to_string());
        }
        let nets: Vec<Net> = by_bits.into_values().collect();
        let mut homes: HashMap<u64, Vec<(usize, usize)>> = HashMap::new();
        for (index, net) in nets.iter().enumerate() {
            // Of the ports, `clk` and the valid bit are no data.
            let driven = |bit: &Wire| bit.as_u64().is_none_or(|bit| drivers.contains_key(&bit) || data.contains(&bit));
            for (at, bit) in net.bits.iter().enumerate().filter(|_| net.bits.iter().all(driven)) {
                if let Some(bit) = bit.as_u64() {
                    homes.entry(bit).or_default().push((index, at));
                }
            }
        }
        Module { known: vec![None; cells.len()], cells, drivers, inputs: HashMap::new(), nets, homes }
    }

    /// Some bits: slices of nets, and constants. Of several nets, the one of which most bits follow, and the narrowest.
    fn read(&mut self, logic: &mut Logic, bits: &[Wire]) -> Known {
        let (mut words, mut stage, mut at) = (Vec::new(), None, 0);
        while at < bits.len() {
            let Some(bit) = bits[at].as_u64() else {
                words.push(Word::bit((bits[at] == "1") as Bit));
                at += 1;
                continue;
            };
            let run = |(net, from): &(usize, usize)| {
                self.nets[*net].bits[*from..].iter().zip(&bits[at..]).take_while(|(own, bit)| own == bit).count()
            };
            let homes = self.homes.get(&bit).into_iter().flatten();
            let best = homes.max_by_key(|home| (run(home), Reverse(self.nets[home.0].bits.len()))).copied();
            let count = best.map_or(1, |home| run(&home));
            let (word, own) = match best {
                Some((net, from)) => {
                    let (word, stage) = self.net(logic, net);
                    (word.slice(from as u32, count as u32).expect("bits of it"), stage)
                }
                None => {
                    let (cell, from) = self.drivers[&bit];
                    let (word, stage) = self.cell(logic, cell);
                    (word.slice(from, 1).expect("a bit of it"), stage)
                }
            };
            stage = together(stage, own);
            words.push(word);
            at += count;
        }
        (logic.joined(words).expect("narrow enough"), stage)
    }

    /// A net: slices of cells' outputs, bits of inputs, constants. It is a node where it is one of those whose names it has.
    fn net(&mut self, logic: &mut Logic, index: usize) -> Known {
        if let Some(known) = &self.nets[index].known {
            return known.clone();
        }
        let bits = self.nets[index].bits.clone();
        let (mut words, mut stage, mut at) = (Vec::new(), None, 0);
        while at < bits.len() {
            let (word, own) = match bits[at].as_u64() {
                None => (Word::bit((bits[at] == "1") as Bit), None),
                Some(bit) if self.inputs.contains_key(&bit) => (Word::bit(self.inputs[&bit]), Some(0)),
                Some(bit) => {
                    let (cell, lo) = self.drivers[&bit];
                    let place = |count: u32| bits.get(at + count as usize).and_then(Value::as_u64);
                    let follows =
                        |count: u32| place(count).and_then(|bit| self.drivers.get(&bit)) == Some(&(cell, lo + count));
                    let count = (1..).find(|count| !follows(*count)).expect("an end");
                    let (word, stage) = self.cell(logic, cell);
                    (word.slice(lo, count).expect("bits of it"), stage)
                }
            };
            stage = together(stage, own);
            at += word.width() as usize;
            words.push(word);
        }
        let word = logic.joined(words).expect("narrow enough");
        let word = self.nets[index].names.iter().fold(word, |word, name| logic.known(word, name));
        self.nets[index].known = Some((word.clone(), stage));
        (word, stage)
    }

    fn cell(&mut self, logic: &mut Logic, index: usize) -> Known {
        if let Some(known) = &self.known[index] {
            return known.clone();
        }
        let cell = self.cells[index].clone();
        let kind = cell["type"].as_str().expect("a type");
        let port = |name: &str| cell["connections"].get(name).map(wires).unwrap_or_default();
        let register = kind == "$dff";
        let operands = if register { ["D", "", ""] } else { ["A", "B", "S"] };
        let read = operands.map(|name| self.read(logic, &port(name)));
        let stage = read.iter().fold(None, |stage, (_, own)| together(stage, *own));
        let [a, b, s] = read.map(|(word, _)| word);
        let signed = cell["parameters"].get("A_SIGNED").is_some_and(|signed| number(signed) == 1);
        let word = operation(logic, kind, signed, output(&cell).len() as u32, a, b, s);
        let known = (word, stage.map(|stage| stage + register as u32));
        self.known[index] = Some(known.clone());
        known
    }
}

/// The bits that a cell gives.
fn output(cell: &Value) -> Vec<Wire> {
    let connections = &cell["connections"];
    wires(connections.get("Q").unwrap_or(&connections["Y"]))
}

/// The stage of two values that meet.
fn together(a: Option<u32>, b: Option<u32>) -> Option<u32> {
    assert!(a.is_none() || b.is_none() || a == b, "values of different stages meet");
    a.or(b)
}

/// What a cell gives, by Yosys' manual ("internal cell library").
fn operation(logic: &mut Logic, kind: &str, signed: bool, width: u32, a: Word, b: Word, s: Word) -> Word {
    let to =
        |logic: &mut Logic, word: &Word, width: u32| logic.resized(word.clone(), width, signed).expect("narrow enough");
    let both = a.width().max(b.width());
    let bit = |bit: Bit| Word::Bits(extended(vec![bit], width, false));
    let pair = |logic: &mut Logic, gate: &dyn Fn(&mut Logic, Bit, Bit) -> Bit| {
        let (a, b) = (to(logic, &a, width), to(logic, &b, width));
        let (a, b) = (logic.bits(&a), logic.bits(&b));
        Word::Bits(a.into_iter().zip(b).map(|(a, b)| gate(logic, a, b)).collect())
    };
    let any = |logic: &mut Logic, word: &Word| {
        let bits = logic.bits(word);
        logic.any(&bits)
    };
    let less = |logic: &mut Logic, x: &Word, y: &Word| {
        let (x, y) = (to(logic, x, both), to(logic, y, both));
        let (x, y) = (logic.bits(&x), logic.bits(&y));
        logic.less(&x, &y, signed)
    };
    match kind {
        "$dff" => a,
        "$pos" => to(logic, &a, width),
        "$add" | "$sub" => {
            let (a, b) = (to(logic, &a, width), to(logic, &b, width));
            logic.plus(&a, &b, if kind == "$add" { 1 } else { -1 }).expect("narrow enough")
        }
        "$neg" => {
            let a = to(logic, &a, width);
            logic.plus(&Word::constant(&vec![false; width as usize]), &a, -1).expect("narrow enough")
        }
        "$mul" => {
            let (a, b) = (to(logic, &a, width), to(logic, &b, width));
            logic.times(&a, &b).expect("narrow enough")
        }
        "$not" => {
            let a = to(logic, &a, width);
            Word::Bits(logic.bits(&a).into_iter().map(|bit| bit ^ 1).collect())
        }
        "$and" => pair(logic, &|logic, a, b| logic.and(a, b)),
        "$or" => pair(logic, &|logic, a, b| logic.or(a, b)),
        "$xor" => pair(logic, &|logic, a, b| logic.xor(a, b)),
        "$xnor" => pair(logic, &|logic, a, b| logic.xor(a, b) ^ 1),
        "$mux" | "$pmux" => {
            let (a, b, s) = (logic.bits(&a), logic.bits(&b), logic.bits(&s));
            let choice = |chosen: Vec<Bit>, (at, s): (usize, &Bit)| {
                logic.chosen(*s, &b[at * a.len()..(at + 1) * a.len()], &chosen)
            };
            Word::Bits(s.iter().enumerate().fold(a.clone(), choice))
        }
        "$shiftx" => {
            let (mut all, by) = (logic.bits(&a), logic.bits(&b));
            for (at, bit) in by.iter().enumerate() {
                let shifted: Vec<Bit> =
                    (0..all.len()).map(|own| all.get(own + (1 << at)).copied().unwrap_or(0)).collect();
                all = logic.chosen(*bit, &shifted, &all);
            }
            Word::Bits(extended(all, width, false))
        }
        "$eq" | "$ne" => {
            let (x, y) = (to(logic, &a, both), to(logic, &b, both));
            let (x, y) = (logic.bits(&x), logic.bits(&y));
            let differ: Vec<Bit> = x.into_iter().zip(y).map(|(x, y)| logic.xor(x, y)).collect();
            bit(logic.any(&differ) ^ (kind == "$eq") as Bit)
        }
        "$lt" => bit(less(logic, &a, &b)),
        "$gt" => bit(less(logic, &b, &a)),
        "$ge" => bit(less(logic, &a, &b) ^ 1),
        "$le" => bit(less(logic, &b, &a) ^ 1),
        "$logic_not" => bit(any(logic, &a) ^ 1),
        "$reduce_or" | "$reduce_bool" => bit(any(logic, &a)),
        "$reduce_and" => {
            let bits: Vec<Bit> = logic.bits(&a).into_iter().map(|bit| bit ^ 1).collect();
            bit(logic.any(&bits) ^ 1)
        }
        "$logic_and" | "$logic_or" => {
            let (a, b) = (any(logic, &a), any(logic, &b));
            bit(if kind == "$logic_and" { logic.and(a, b) } else { logic.or(a, b) })
        }
        _ => panic!("{kind} is no cell of a network"),
    }
}

/// Compiles a network, has Yosys read its Verilog, and says which outputs are proved.
fn proved(dir: &Path, model: &str, options: &[&str], edit: impl Fn(&mut Value)) -> Vec<bool> {
    let ran = nanotrig(dir, &[&["compile", model, "-o", "out", "--no-prove"], options].concat());
    assert_eq!(ran.status, 0, "{}", ran.err);
    let out = dir.join("out");
    let text = |path: &str| std::fs::read_to_string(out.join(path)).expect(path);
    let report = Report::parse(&text("report.json")).expect("a report");
    let script = format!(
        "read_verilog verilog/*.v; {} hierarchy -top {}; proc -norom; flatten; opt_clean; write_json read.json",
        if out.join("hdl/simulation").exists() { "read_verilog hdl/simulation/*.v;" } else { "" },
        report.top
    );
    let yosys = Command::new("yosys").current_dir(&out).args(["-q", "-p", &script]).output().expect("runs");
    assert!(yosys.status.success(), "{}", String::from_utf8_lossy(&yosys.stderr));
    let mut design: Value = serde_json::from_str(&text("read.json")).expect("JSON");
    let module = &mut design["modules"][&report.top];
    edit(module);
    let dfg: Dfg = text("ir/optimised.txt").parse().expect("a graph");
    equal(&dfg, module, report.latency_cycles)
}

fn equal(dfg: &Dfg, module: &Value, latency: u32) -> Vec<bool> {
    let mut logic = Logic::of(dfg, None).expect("codes");
    let mut inputs = HashMap::new();
    for (index, port) in dfg.inputs.iter().enumerate() {
        let element = |element: usize| logic.input(index as u32, element as u32).expect("an input");
        let bits = (0..port.elements.len()).flat_map(element);
        let named = wires(&module["ports"][&port.name]["bits"]);
        inputs.extend(named.iter().map(|bit| bit.as_u64().expect("a net")).zip(bits));
    }
    let mut own = Module::of(module, &inputs.keys().copied().collect());
    own.inputs = inputs;
    let mut found = Vec::new();
    for port in &dfg.outputs {
        let (word, stage) = own.read(&mut logic, &wires(&module["ports"][&port.name]["bits"]));
        assert!(stage.is_none_or(|stage| stage == latency), "{} is behind {stage:?} registers", port.name);
        let bits = logic.bits(&word);
        found.extend(elements(port, &bits).expect("elements"));
    }
    let wanted = logic.wanted().expect("outputs");
    assert_eq!(wanted.len(), found.len());
    let pairs =
        wanted.iter().zip(&found).map(|(wanted, found)| wanted.iter().copied().zip(found.iter().copied()).collect());
    pairs.map(|pairs: Vec<(Bit, Bit)>| logic.equal(&pairs, Effort::MUCH).into_iter().all(|equal| equal)).collect()
}

fn model(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path).display().to_string()
}

#[test]
fn yosys_reads_the_networks() {
    if Command::new("yosys").arg("-V").output().is_err() {
        println!("skipped: yosys is not installed");
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let networks = ["fuzz/small.toml", "examples/jet_tagger/model.toml", "examples/surface_code/model.toml"];
    for network in networks {
        for target in ["generic", "ultrascale-plus"] {
            let proved = proved(dir.path(), &model(network), &["--target", target, "--stages", "3"], |_| ());
            assert!(proved.iter().all(|proved| *proved), "{network} on {target}: {proved:?}");
        }
    }
}

#[test]
fn what_yosys_reads_otherwise_is_refused() {
    if Command::new("yosys").arg("-V").output().is_err() {
        println!("skipped: yosys is not installed");
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let damage = |module: &mut Value| {
        // The first sum's lowest bit of A is 1.
        let cells = module["cells"].as_object_mut().expect("cells");
        let sum = cells.values_mut().find(|cell| cell["type"] == "$add").expect("a sum");
        sum["connections"]["A"][0] = Value::from("1");
    };
    let proved = proved(dir.path(), &model("fuzz/small.toml"), &[], damage);
    assert!(proved.contains(&false), "{proved:?}");
}
