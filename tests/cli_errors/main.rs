//! Every mistake of the user's, through the program: status 2, where it is, what to do, and nothing left behind.
//!
//! `tests/golden/errors/NAME.txt` holds the command line and what it says; `BLESS=1` rewrites.

#[path = "../common/mod.rs"]
mod common;
mod networks;

use common::{bless, nanotrig, shared};
use networks::{broken_files, keras_models, unsound_networks};
use std::collections::BTreeSet;
use std::path::Path;

/// A mistake.
struct Case {
    /// Name of its snapshot.
    name: &'static str,
    /// The command line.
    run: &'static str,
    /// Files in the folder it runs in.
    files: Vec<(&'static str, Vec<u8>)>,
    /// What the message must say: file, layer, field.
    says: &'static [&'static str],
}

fn case<const N: usize>(
    name: &'static str,
    run: &'static str,
    files: [(&'static str, Vec<u8>); N],
    says: &'static [&'static str],
) -> Case {
    Case { name, run, files: files.into(), says }
}

const COMPILE: &str = "compile net.toml -o out";
const INPUT: &str = "[[input]]\nname = \"x\"\nshape = [2]\nformat = \"fixed<8,4>\"\n";
const DENSE: &str = "[[layer]]\nname = \"d\"\nkind = \"dense\"\nkernel_quantizer = \"quantized_bits(4,0,alpha=1)\"\n\
    [layer.tensors]\nkernel = [[0.5, -0.25], [0.25, 1.0]]\n";

/// A native network of this body.
fn toml(body: &str) -> (&'static str, Vec<u8>) {
    ("net.toml", format!("format = \"nanotrig/1\"\n{body}").into_bytes())
}

/// The same, behind the usual input.
fn layers(layers: &str) -> (&'static str, Vec<u8>) {
    toml(&format!("{INPUT}{layers}"))
}

fn good() -> (&'static str, Vec<u8>) {
    layers(DENSE)
}

/// A sequential QKeras model of one layer of two units on two inputs.
fn keras(class: &str, arguments: &str) -> (&'static str, Vec<u8>) {
    let config = format!("{{\"name\": \"fc1\", \"batch_input_shape\": [null, 2], \"units\": 2{arguments}}}");
    let layer = format!("{{\"class_name\": \"{class}\", \"config\": {config}}}");
    ("net.json", format!("{{\"class_name\": \"Sequential\", \"config\": {{\"layers\": [{layer}]}}}}").into_bytes())
}

fn neutral(ops: &str) -> (&'static str, Vec<u8>) {
    let input = "{\"shape\": [2], \"k\": 1, \"i\": 3, \"f\": 4}";
    ("net.json", format!("{{\"format\": \"neutral-net/1\", \"input\": {input}, \"ops\": [{ops}]}}").into_bytes())
}

fn repository(path: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn start(mut bytes: Vec<u8>, length: usize) -> Vec<u8> {
    bytes.truncate(length);
    bytes
}

/// Options that ask for what cannot be.
fn options() -> Vec<Case> {
    let goal = |name, run, says: &'static [&'static str]| case(name, run, [good()], says);
    vec![
        goal("stages-0", "compile net.toml -o out --stages 0", &["--stages"]),
        case(
            "stages-too-few",
            "compile net.toml -o out --stages 1 --clock 1450",
            [layers(&format!("{DENSE}{}", DENSE.replace("\"d\"", "\"e\"")))],
            &["net.toml", "1 stages are not enough", "--stages 4"],
        ),
        goal("stages-too-many", "compile net.toml -o out --stages 100000", &["--stages"]),
        goal("interval-0", "compile net.toml -o out --interval 0", &["--interval"]),
        goal("interval-no-matrix", "compile net.toml -o out --interval 4", &["net.toml", "--interval 4"]),
        goal("interval-stages", "compile net.toml -o out --interval 4 --stages 9", &["--interval", "--clock"]),
        goal("interval-split", "split net.toml -o out --parts 2 --interval 4", &["--interval 4"]),
        case(
            "interval-stream",
            "compile net.toml -o out --interval 4 --interface axi-stream",
            [toml(&format!(
                "{}{}",
                INPUT.replace("[2]", "[4]"),
                DENSE.replace("kernel = [", "kernel = [[0.5, 1.0], [1.0, 0.25], ")
            ))],
            &["--interface axi-stream", "one every 4"],
        ),
        goal("clock-too-fast", "compile net.toml -o out --clock 5000", &["net.toml", "d[", "MHz"]),
        goal("clock-0", "compile net.toml -o out --clock 0", &["--clock"]),
        goal("clock-nan", "compile net.toml -o out --clock nan", &["--clock"]),
        goal("clock-negative", "compile net.toml -o out --clock=-5", &["--clock"]),
        goal("clock-infinite", "compile net.toml -o out --clock inf", &["--clock"]),
        goal("period-0", "compile net.toml -o out --period 0", &["--period"]),
        goal("latency-too-short", "compile net.toml -o out --latency 1", &["latency"]),
        goal("unknown-target", "compile net.toml -o out --target spartan", &["spartan", "known: generic"]),
        goal("unknown-scheduler", "compile net.toml -o out --scheduler magic", &["magic", "known: min-registers"]),
        goal("unknown-multiplier", "compile net.toml -o out --multiplier magic", &["magic", "known: shift-add"]),
        goal("unknown-pass", "dump net.toml --after magic", &["magic", "known: "]),
        goal("input-format", "compile net.toml -o out --input-format fixed<8", &["--input-format", "fixed<8"]),
        goal("input-format-word", "compile net.toml -o out --input-format u8/0", &["--input-format", "u8/0"]),
        goal("input-format-name", "compile net.toml -o out --input-format y=fixed<8,3>", &["--input-format", "`y`"]),
        goal("output-format", "compile net.toml -o out --output-format fixed<99,3>", &["--output-format"]),
        goal(
            "output-format-rounding",
            "compile net.toml -o out --output-format fixed<9,3,UP>",
            &["--output-format", "UP"],
        ),
        goal("max-operations", "compile net.toml -o out --max-operations 1", &["net.toml", "--max-operations"]),
    ]
}

/// Samples that do not fit, and folders that are somebody's.
fn samples_and_folders() -> Vec<Case> {
    let csv = |text: &str| ("x.csv", text.as_bytes().to_vec());
    const RUN: &str = "run net.toml --input x.csv --output y.npy";
    const EXPECT: &str = "compile net.toml -o out --input x.csv --expect y.csv";
    let expected = |text: &str| ("y.csv", text.as_bytes().to_vec());
    let labels = |text: &str| ("l.csv", text.as_bytes().to_vec());
    vec![
        case("nan-sample", RUN, [good(), csv("1,2\n3,nan\n")], &["x.csv", "row 1, column 1", "NaN"]),
        case("sample-columns", RUN, [good(), csv("1,2,3\n")], &["x.csv", "3 values", "x [2]"]),
        case("sample-word", RUN, [good(), csv("1,2\n3,a\n")], &["x.csv", "line 2, column 1", "`a`"]),
        case("no-samples", RUN, [good(), csv("a,b\n")], &["x.csv", "no samples"]),
        case("missing-samples", RUN, [good()], &["x.csv", "cannot be read"]),
        case("truncated-samples", RUN, [good(), ("x.csv", b"\x93NUMPY\x01\x00\xff".to_vec())], &["x.csv"]),
        case("samples-archive", RUN, [good(), ("x.csv", b"PK\x03\x04abc".to_vec())], &["x.csv"]),
        case(
            "output-extension",
            "run net.toml --input x.csv --output y.txt",
            [good(), csv("1,2\n")],
            &["y.txt", ".npz"],
        ),
        case("output-folder", "run net.toml --input x.csv --output no/y.npy", [good(), csv("1,2\n")], &["no/y.npy"]),
        case(
            "unknown-inner",
            "run net.toml --input x.csv --output y.npy --layer e",
            [good(), csv("1,2\n")],
            &["`e`", "known: x, d"],
        ),
        case(
            "expected-rows",
            EXPECT,
            [good(), csv("1,2\n3,4\n"), expected("1,2\n")],
            &["y.csv", "1 rows", "2 samples"],
        ),
        case("expected-columns", EXPECT, [good(), csv("1,2\n"), expected("1\n")], &["y.csv", "1 values", "d [2]"]),
        case(
            "compile-nan-sample",
            "compile net.toml -o out --input x.csv",
            [good(), csv("nan,2\n")],
            &["x.csv", "NaN"],
        ),
        case(
            "labels",
            "evaluate net.toml --input x.csv --labels l.csv",
            [good(), csv("1,2\n"), labels("7\n")],
            &["l.csv", "label 7"],
        ),
        case(
            "labels-rows",
            "evaluate net.toml --input x.csv --labels l.csv",
            [good(), csv("1,2\n"), labels("0\n1\n")],
            &["l.csv", "2 labels", "1 samples"],
        ),
        case(
            "folder-not-ours",
            COMPILE,
            [good(), ("out/thesis.tex", b"mine".to_vec())],
            &["out", "not written by nanotrig"],
        ),
        case(
            "folder-forged",
            COMPILE,
            [good(), ("out/report.json", b"{}".to_vec()), ("out/a", vec![])],
            &["out", "not written"],
        ),
        case("folder-is-file", COMPILE, [good(), ("out", b"mine".to_vec())], &["out"]),
        case("folder-below", "compile net.toml -o a/b/out", [layers(&DENSE.replace("dense", "dens"))], &["`d`"]),
        case("folder-below-file", "compile net.toml -o net.toml/out", [good()], &["net.toml"]),
        case("verify-nothing", "verify out", [], &["out/report.json", "cannot be read"]),
        case("verify-not-ours", "verify out", [("out/report.json", b"{}".to_vec())], &["out/report.json"]),
        case("import-folder", "import net.toml -o no/n.toml", [good()], &["no/n", "cannot be written"]),
        case("unwritable", "compile net.toml -o /proc/nanotrig/out", [good()], &["/proc"]),
    ]
}

fn cases() -> Vec<Case> {
    [broken_files(), unsound_networks(), keras_models(), options(), samples_and_folders()]
        .into_iter()
        .flatten()
        .collect()
}

/// Every path below a folder, and what files hold.
fn listing(folder: &Path) -> BTreeSet<(String, Vec<u8>)> {
    let mut found = BTreeSet::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path.clone());
            }
            found.insert((path.display().to_string(), std::fs::read(&path).unwrap_or_default()));
        }
    }
    found
}

fn message(case: &Case) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in &case.files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let before = listing(folder.path());
    let ran = nanotrig(folder.path(), &case.run.split(' ').collect::<Vec<_>>());
    let text = ran.err.replace(&folder.path().display().to_string(), "DIR");
    let help = text.split_once("\n  help: ").is_some_and(|(_, help)| help.trim().len() > 5);
    let missing: Vec<_> = case.says.iter().filter(|part| !text.contains(**part)).collect();
    let wrong = match () {
        () if ran.status != 2 => format!("status {}", ran.status),
        () if !ran.out.is_empty() => format!("it says {} on standard output", ran.out),
        () if text.contains("panicked") || text.contains("internal error") => "a panic or a bug of ours".into(),
        () if !text.starts_with("error: ") || !help => "no `error: ` or no help".into(),
        () if !missing.is_empty() => format!("{missing:?} is not in it"),
        () if listing(folder.path()) != before => "it left or changed files".into(),
        () => return Ok(format!("// run: {}\n{text}", case.run)),
    };
    Err(format!("{}: {wrong}:\n{text}", case.name))
}

#[test]
fn every_mistake_is_refused_with_a_message() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/errors");
    let mut names = BTreeSet::new();
    let mut wrong = Vec::new();
    for case in cases() {
        let path = golden.join(format!("{}.txt", case.name));
        assert!(names.insert(format!("{}.txt", case.name)), "{} is there twice", case.name);
        match message(&case) {
            Err(text) => wrong.push(text),
            Ok(text) if bless() => {
                std::fs::create_dir_all(&golden).unwrap();
                std::fs::write(path, text).unwrap();
            }
            Ok(text) => {
                let want = std::fs::read_to_string(&path).unwrap_or_default();
                if text != want {
                    wrong.push(format!("{}: it says\n{text}instead of\n{want}(BLESS=1 accepts)", case.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let found = std::fs::read_dir(&golden).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(found.collect::<BTreeSet<_>>(), names, "a snapshot for each mistake, and no others");
}

/// What the argument parser refuses; the words are its own.
#[test]
fn wrong_arguments() {
    let folder = tempfile::tempdir().unwrap();
    for run in [
        "",
        "compil net.toml",
        "compile net.toml",
        "compile net.toml -o out --clock fast",
        "compile net.toml -o out --clock -5",
        "compile net.toml -o out --stages -1",
        "compile net.toml -o out --stages 2 --latency 9",
        "compile net.toml -o out --clock 200 --period 5",
        "compile net.toml -o out --expect y.npy",
        "run net.toml --input x.npy --output y.npy --level rtl",
        "list colours",
    ] {
        let ran = nanotrig(folder.path(), &run.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>());
        assert_eq!(ran.status, 2, "`{run}`: {}", ran.err);
        assert!(ran.err.contains("--help") || ran.err.contains("Usage"), "`{run}`: {}", ran.err);
        assert!(listing(folder.path()).is_empty(), "`{run}` left something");
    }
}

/// A failed compile leaves the earlier result as it was; a second one replaces all of it.
#[test]
fn a_folder_of_ours_is_replaced_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let write = |(name, bytes): (&str, Vec<u8>)| std::fs::write(folder.path().join(name), bytes).unwrap();
    let compile = || nanotrig(folder.path(), &COMPILE.split(' ').collect::<Vec<_>>());
    write(good());
    assert_eq!(compile().status, 0);
    std::fs::write(folder.path().join("out/verilog/stale.v"), "").unwrap();
    let before = listing(&folder.path().join("out"));
    write(layers(&DENSE.replace("dense", "dens")));
    assert_eq!(compile().status, 2);
    assert_eq!(listing(&folder.path().join("out")), before);
    write(good());
    assert_eq!(compile().status, 0);
    assert!(!folder.path().join("out/verilog/stale.v").exists());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "the network and the folder");
}

/// Networks of others that were trained without quantizers.
#[test]
fn float_networks_are_refused_at_their_first_layer() {
    let Some(model) = shared("data/models/hls4ml_examples/keras/KERAS_3layer.json") else { return };
    let weights = model.with_file_name("KERAS_3layer_weights.h5");
    let folder = tempfile::tempdir().unwrap();
    let given = ["compile", model.to_str().unwrap(), "-o", "out", "--weights", weights.to_str().unwrap()];
    let ran = nanotrig(folder.path(), &given);
    assert_eq!(ran.status, 2, "{}", ran.err);
    assert!(
        ran.err.contains("fc1_relu") && ran.err.contains("kernel") && ran.err.contains("no quantizer"),
        "{}",
        ran.err
    );
    assert!(listing(folder.path()).is_empty());
}

/// The default build has no libtorch.
#[test]
#[cfg(not(feature = "train"))]
fn training_says_how_it_is_installed() {
    let folder = tempfile::tempdir().unwrap();
    let ran = nanotrig(folder.path(), &["train", "recipe.toml", "-o", "out"]);
    assert_eq!(ran.status, 2, "{}", ran.err);
    assert!(ran.err.contains("built without training") && ran.err.contains("scripts/libtorch.sh"), "{}", ran.err);
}
