//! Golden cases: `tests/golden/SET/*.txt` holds `// run: NAME [OPTION]...`, an input, a line `// ---` and what comes out.
//! `BLESS=1 cargo test --test golden` rewrites what comes out; read the difference before committing it.

mod common;

use common::bless;
use nanotrig::arrays::npz;
use nanotrig::backends;
use nanotrig::batch::Batch;
use nanotrig::compiler::{Reading, meaning};
use nanotrig::costs::COSTS;
use nanotrig::dfg::{Dfg, Evaluator};
use nanotrig::error::{Error, Result};
use nanotrig::fixed::Fixed;
use nanotrig::frontends::{self, native};
use nanotrig::functions::Function;
use nanotrig::interfaces::{self, Choice};
use nanotrig::multipliers::MULTIPLIERS;
use nanotrig::netlist::{self, Options};
use nanotrig::network::Tensor;
use nanotrig::packages;
use nanotrig::passes::{self, Context, Way};
use nanotrig::quantizers::{self, Codes, Role};
use nanotrig::registry::find;
use nanotrig::schedulers::{Goal, SCHEDULERS};
use nanotrig::targets::TARGETS;
use std::fmt::Write;
use std::path::Path;

/// Runs a case: words of its first line, and its input.
type Run = fn(&[&str], &str) -> Result<String>;

/// All cases of a set, or those that differ.
fn golden(set: &str, run: Run) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(set);
    let mut wrong = Vec::new();
    let mut paths: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let (case, expected) = text.split_once("// ---\n").expect("a line `// ---`");
        let (first, input) = case.split_once('\n').unwrap();
        let words: Vec<&str> = first.strip_prefix("// run: ").expect("a first line `// run: `").split(' ').collect();
        let found = run(&words, input).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        if bless() {
            std::fs::write(&path, format!("{case}// ---\n{found}")).unwrap();
        } else if found != expected {
            wrong.push(format!("{}:\n{found}instead of\n{expected}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}\nBLESS=1 accepts", wrong.join("\n"));
}

/// The passes up to one, with a multiplier.
fn after(dfg: &str, pass: Option<&str>, multiplier: &str) -> Result<Dfg> {
    let target = (TARGETS[0].make)();
    let context = Context {
        target: &*target,
        multiplier: find("multiplier", MULTIPLIERS, multiplier)?.make,
        way: Way::default(),
    };
    passes::run(&dfg.parse()?, &context, pass, |_, _| ())
}

#[test]
fn passes() {
    golden("passes", |words, input| {
        find("pass", passes::PASSES, words[0])?;
        Ok(format!("{}\n", after(input, Some(words[0]), MULTIPLIERS[0].name)?.to_string().trim_end()))
    });
}

#[test]
fn multipliers() {
    golden("multipliers", |words, input| {
        Ok(format!("{}\n", after(input, Some("expand-dots"), words[0])?.to_string().trim_end()))
    });
}

/// The value of `--OPTION N`.
fn option(words: &[&str], name: &str) -> Option<u32> {
    words.iter().position(|word| *word == name).map(|at| words[at + 1].parse().unwrap())
}

#[test]
fn schedulers() {
    golden("schedulers", |words, input| {
        let (dfg, target): (Dfg, _) = (input.parse()?, (TARGETS[0].make)());
        let goal = Goal {
            period: option(words, "--period"),
            stages: option(words, "--stages"),
            latency: option(words, "--latency"),
            ..Goal::default()
        };
        let schedule = (find("scheduler", SCHEDULERS, words[0])?.make)(&dfg, &*target, goal)?;
        schedule.verify(&dfg)?;
        let mut text = String::new();
        for id in dfg.ids() {
            writeln!(text, "stage {}: {id} = {}", schedule.of(id), dfg[id].op).unwrap();
        }
        let (latency, bits) = (schedule.latency, schedule.register_bits(&dfg));
        writeln!(text, "{latency} registers, {bits} register bits, {} ps", schedule.period).unwrap();
        Ok(text)
    });
}

/// Words: the interface, and its value if there is one. Two stages.
#[test]
fn interfaces() {
    golden("interfaces", |words, input| {
        let (dfg, target): (Dfg, _) = (input.parse()?, (TARGETS[0].make)());
        let goal = Goal { stages: Some(2), ..Goal::default() };
        let schedule = (SCHEDULERS[0].make)(&dfg, &*target, goal)?;
        let netlist = netlist::build(&dfg, &schedule, &Options { reset: true, ..Options::default() })?;
        let Some(shell) = Choice::parse(&words.join("="))?.shell(&netlist)? else { return Ok("no shell\n".into()) };
        let files = interfaces::files(&shell, &netlist)?;
        let shown = files.iter().filter(|file| !file.path.ends_with(".cpp") && !file.path.starts_with("hdl/"));
        let blocks = files.iter().filter(|file| file.path.starts_with("hdl/"));
        let mut text: String = blocks.map(|file| format!("{}\n", file.path)).collect();
        text.extend(shown.map(|file| format!("==== {}\n{}", file.path, file.text)));
        Ok(text)
    });
}

#[test]
fn costs() {
    golden("costs", |words, input| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.toml");
        std::fs::write(&path, input).unwrap();
        let cost = (find("cost", COSTS, words[0])?.make)(&frontends::read(&path, None)?, &Default::default())?;
        let mut text = String::new();
        for row in &cost.rows {
            let parts: Vec<_> = row.parts.iter().map(|(name, value)| format!(", {name} {value}")).collect();
            writeln!(text, "{} ({}): {} {}{}", row.layer, row.class, row.total, cost.unit, parts.join("")).unwrap();
        }
        writeln!(text, "{} {}", cost.total, cost.unit).unwrap();
        Ok(text)
    });
}

/// Parameters with their values, a line each, to the trials that a search makes where each scores the sum of its choices.
#[cfg(feature = "search")]
#[test]
fn searches() {
    use nanotrig::searches::{Parameter, Problem, SEARCHES, Space, Trial};
    golden("searches", |words, input| {
        let parameter = |line: &str| {
            let (name, values) = line.split_once(": ").expect("NAME: VALUES");
            let values = values.split(' ').map(String::from).collect();
            Parameter { name: name.into(), values, effects: Vec::new() }
        };
        let space = Space { parameters: input.lines().map(parameter).collect(), ..Space::default() };
        let problem = Problem { space: &space, seed: 1, max_trials: 12, epochs: 9, factor: 3 };
        let tuner = &find("search", SEARCHES, words[0])?.make;
        let (mut trials, mut text) = (Vec::new(), String::new());
        for number in 0..(tuner.count)(&problem) {
            let proposal = (tuner.propose)(&problem, number, &trials).expect("nothing is under way");
            let chosen = proposal.choices.iter().zip(&space.parameters).map(|(c, p)| p.values[*c].as_str());
            writeln!(text, "{number}: {} epochs, {}", proposal.epochs, chosen.collect::<Vec<_>>().join(" ")).unwrap();
            let score = Some(proposal.choices.iter().sum::<usize>() as f64);
            trials.push(Trial { number, choices: proposal.choices, score, running: false });
        }
        Ok(text)
    });
}

/// Words: the package, the interface, and its value if there is one. Two stages.
#[test]
fn packages() {
    golden("packages", |words, input| {
        let (dfg, target): (Dfg, _) = (input.parse()?, (TARGETS[0].make)());
        let goal = Goal { stages: Some(2), ..Goal::default() };
        let schedule = (SCHEDULERS[0].make)(&dfg, &*target, goal)?;
        let netlist = netlist::build(&dfg, &schedule, &Options { reset: words[1] != "bare", ..Options::default() })?;
        let shell = Choice::parse(&words[1..].join("="))?.shell(&netlist)?;
        let given = Batch { columns: 2, data: vec![0, 0, -32, 31] };
        let answers = Evaluator::new(&dfg)?.run(&given);
        let design = packages::Design {
            netlist: &netlist,
            shell: shell.as_ref(),
            context: &backends::Context::default(),
            vectors: [&given, &answers],
        };
        let files = (find("package", packages::PACKAGES, words[0])?.make)(&design)?;
        Ok(files.iter().map(|file| format!("==== {}\n{}", file.path, file.text)).collect())
    });
}

#[test]
fn targets() {
    golden("targets", |words, input| {
        let (dfg, target): (Dfg, _) = (input.parse()?, (find("target", TARGETS, words[0])?.make)());
        let mut text = String::new();
        for id in dfg.ids() {
            let area = target.area(&dfg, id);
            let (op, delay) = (dfg[id].op.to_string(), target.delay(&dfg, id));
            writeln!(text, "{id} = {op:<24} {delay:>5} ps {:>6.1} LUT {:>3} carry", area.luts, area.carry).unwrap();
        }
        let (register, adder) = (target.register_delay(), target.adder_delay());
        writeln!(text, "register {register} ps, typical adder {adder} ps, part {}", target.part()).unwrap();
        Ok(text)
    });
}

#[test]
fn layers() {
    golden("layers", |_, input| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.toml");
        std::fs::write(&path, input).unwrap();
        let meaning = meaning(&frontends::read(&path, None)?, &Reading::default())?;
        Ok(format!("{}\n", meaning.expanded.graph.to_string().trim_end()))
    });
}

/// Lines `CALL : NUMBER...`; gives the float32 results.
#[test]
fn functions() {
    golden("functions", |_, input| {
        let line = |line: &str| -> Result<String> {
            let (call, numbers) = line.split_once(" : ").unwrap();
            let function = Function::parse(call)?;
            let values = numbers.split(' ').map(|x| function.at(x.parse().unwrap()).to_string());
            Ok(format!("{function} {:?} : {}\n", function.trend(), values.collect::<Vec<_>>().join(" ")))
        };
        let shown = |text: &str| line(text).unwrap_or_else(|error| format!("{text} : {error}\n"));
        Ok(input.lines().map(shown).collect())
    });
}

/// Lines `CALL : NUMBER...`; gives the exact quantized numbers, as parameters of a kernel, or why not.
#[test]
fn quantizers() {
    golden("quantizers", |_, input| {
        let mut text = String::new();
        for line in input.lines() {
            let (call, numbers) = line.split_once(" : ").expect("CALL : NUMBERS");
            let data = numbers.split(' ').map(|number| number.parse().unwrap()).collect();
            let parsed = quantizers::parse(call.trim());
            let codes = parsed.and_then(|quantizer| quantizer.parameter(&Tensor::vector(data), Role::Kernel));
            match codes {
                Ok(Codes { codes, scale }) => {
                    let shown: Vec<_> = codes.iter().map(Fixed::to_string).collect();
                    writeln!(text, "{call} : {} times {scale:?}", shown.join(" ")).unwrap();
                }
                Err(error) => writeln!(text, "{call} : {error}").unwrap(),
            }
        }
        Ok(text)
    });
}

/// The input is a file; or `// run: NAME FILE` names one of the repository; or lines `NAME SHAPE = NUMBERS` and
/// `NAME = TEXT` are the arrays of an `.npz`.
#[test]
fn frontends() {
    golden("frontends", |words, input| {
        let folder = tempfile::tempdir().unwrap();
        let path = match words.get(1) {
            Some(file) => Path::new(env!("CARGO_MANIFEST_DIR")).join(file),
            None => folder.path().join("net"),
        };
        if words[0] == "hgq" {
            std::fs::write(&path, archive(input)).unwrap();
        } else if words.len() == 1 {
            std::fs::write(&path, input).unwrap();
        }
        let source = frontends::Source::open(&path, None)?;
        let chosen = frontends::FRONTENDS.iter().find(|entry| (entry.make.recognise)(&source)).map(|entry| entry.name);
        assert_eq!(chosen, Some(words[0]), "recognised by its content");
        let out = folder.path().join("out.toml");
        native::write(&frontends::read(&path, None)?, &out)?;
        Ok(std::fs::read_to_string(out).unwrap())
    });
}

/// An `.npz`; its text `meta` is an array of character codes, as numpy writes strings.
fn archive(input: &str) -> Vec<u8> {
    let mut arrays = Vec::new();
    let mut meta = Vec::new();
    for line in input.lines() {
        let (head, body) = line.split_once(" = ").expect("NAME = ...");
        match head.split_once(' ') {
            None => meta = text_array(body),
            Some((name, shape)) => {
                let shape = shape.split('x').map(|length| length.parse().unwrap()).collect();
                let data = body.split(' ').map(|number| number.parse().unwrap()).collect();
                arrays.push((name.to_string(), Tensor::new(shape, data).unwrap()));
            }
        }
    }
    let mut members: Vec<(String, Vec<u8>)> = vec![("meta.npy".into(), meta)];
    let pairs: Vec<(String, Vec<u8>)> =
        arrays.iter().map(|(name, tensor)| (format!("{name}.npy"), nanotrig::arrays::npy::format(tensor))).collect();
    members.extend(pairs);
    nanotrig::arrays::zip::format(&members).unwrap()
}

/// A 0-d array of a unicode string.
fn text_array(text: &str) -> Vec<u8> {
    let mut header = format!("{{'descr': '<U{}', 'fortran_order': False, 'shape': (), }}", text.chars().count());
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    text.chars().for_each(|c| bytes.extend((c as u32).to_le_bytes()));
    bytes
}

/// The reader of the cases above needs npz files that are real.
#[test]
fn archives_are_whole() {
    let bytes = archive("meta = []\na 2x1 = 1 2");
    let npz = npz::Npz::open(&bytes).unwrap();
    assert_eq!(npz.get("meta").unwrap().text().unwrap(), "[]");
    assert_eq!(npz.get("a").unwrap().tensor().unwrap().shape, [2, 1]);
    assert!(npz.get("b").is_err_and(|error: Error| error.what.contains('b')));
}
