//! Trained networks of others: every stored output is reproduced bit for bit, at every level.

mod common;

use common::{nanotrig, shared};
use nanotrig::compiler::{Level, Making, Reading, agree, hardware, meaning};
use nanotrig::frontends::{neutral, read};
use nanotrig::port::Port;
use nanotrig::samples::{self, Samples};
use std::path::{Path, PathBuf};

const JETS: &str = "data/jets_hlf/jets_hlf.npz";
const QKERAS: &str = "data/models/hls4ml_examples/keras/qkeras_3layer";
const HGQ: [&str; 6] = [
    "cernbox_e24246_acc75.16",
    "openml_e20849_acc76.86",
    "openml_e50945_acc76.61",
    "openml_e71874_acc76.27",
    "openml_e87478_acc75.99",
    "openml_e93431_acc75.86",
];
/// Too large for a test without optimisation; `scripts/bench.sh` does it.
const LARGE: [&str; 1] = ["mixer_64x16"];

/// All logits of `nanotrig run` at each level, against the stored ones.
fn reproduces(model: &str, golden: &str, options: &[&str]) {
    let (Some(model), Some(golden), Some(jets)) = (shared(model), shared(golden), shared(JETS)) else { return };
    let logits = Port {
        name: "logits".into(),
        shape: vec![5],
        elements: vec!["fixed<32,16>".parse().unwrap(); 5],
        state: false,
    };
    let load = |path: &Path| samples::read(path, std::slice::from_ref(&logits)).unwrap();
    let want = load(&golden);
    assert_eq!(want.rows(), 700);
    let folder = tempfile::tempdir().unwrap();
    for level in ["tensor", "dfg", "netlist"] {
        let input = format!("{}:x_std", jets.display());
        let given = ["run", model.to_str().unwrap(), "--input", &input, "--output", "y.npy", "--level", level];
        let ran = nanotrig(folder.path(), &[&given[..], options].concat());
        assert_eq!(ran.status, 0, "{level}: {}", ran.err);
        same(&load(&folder.path().join("y.npy")), &want, &format!("{} at {level}", model.display()));
    }
}

fn same(got: &Samples, want: &Samples, what: &str) {
    assert_eq!(got.rows(), want.rows(), "{what}");
    for row in 0..want.rows() {
        assert_eq!(got.row(row), want.row(row), "{what}: sample {row}");
    }
}

#[test]
fn qkeras_three_layers() {
    let golden = format!("{QKERAS}.golden_fixed16_6_TRN.npz");
    reproduces(&format!("{QKERAS}.json"), &golden, &["--input-format", "fixed<16,6>", "--head", "logits"]);
}

#[test]
fn heterogeneous_formats() {
    for name in HGQ {
        let file = |end: &str| format!("data/models/hgq/{name}.{end}.npz");
        reproduces(&file("plain"), &file("golden"), &[]);
    }
}

/// The neutral networks of the shared benchmark.
fn neutral_nets() -> Vec<PathBuf> {
    let Some(nets) = shared("bench/nets") else { return Vec::new() };
    let mut nets: Vec<_> = std::fs::read_dir(nets).unwrap().map(|entry| entry.unwrap().path()).collect();
    nets.retain(|path| path.to_string_lossy().ends_with(".json.gz"));
    nets.sort();
    assert_eq!(nets.len(), 21);
    nets
}

#[test]
fn neutral_networks() {
    for path in neutral_nets() {
        let name = path.file_name().unwrap().to_string_lossy().replace(".json.gz", "");
        if LARGE.contains(&name.as_str()) {
            println!("left out: {name} is large");
            continue;
        }
        let start = std::time::Instant::now();
        let vectors = neutral::vectors(&path).unwrap();
        let meaning = meaning(&read(&path, None).unwrap(), &Reading::default()).unwrap();
        let hardware = hardware(&meaning.dfg, &Making::default(), |_, _| ()).unwrap();
        let data = vectors.inputs.concat();
        let columns = vectors.inputs[0].len();
        let inputs = samples::codes(&Samples { columns, data }, &meaning.dfg.inputs).unwrap();
        let formats = meaning.dfg.output_formats();
        let netlist = hardware.codes(Level::Netlist, &inputs).unwrap();
        assert!(inputs.rows() >= 16, "{name} has test vectors");
        for row in 0..inputs.rows() {
            for (column, format) in formats.iter().enumerate() {
                let want = vectors.output(row, column).at(format.lsb);
                assert_eq!(Some(netlist.row(row)[column]), want, "{name}: sample {row}, output {column}");
            }
        }
        agree(&meaning, &hardware, &meaning.vectors(50, 7)).unwrap();
        println!("{name}: {} samples, {:.1} s", inputs.rows(), start.elapsed().as_secs_f64());
    }
}
