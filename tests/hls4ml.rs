//! Real firmware of hls4ml, bit for bit: what the FPGA and the C simulation gave, and an independent evaluator of the C++.

mod common;

use common::{nanotrig, shared};
use nanotrig::arrays::npz::{self, Npz};
use nanotrig::network::Tensor;
use std::path::Path;
use std::process::Command;

fn array(path: &Path, key: &str) -> Tensor {
    Npz::open(&std::fs::read(path).unwrap()).unwrap().get(key).unwrap().tensor().unwrap()
}

fn save(path: &Path, name: &str, tensor: &Tensor) {
    std::fs::write(path, npz::format([(name, tensor)]).unwrap()).unwrap();
}

/// Runs a model and gives its one output (or one of its layers).
fn run(folder: &Path, arguments: &[&str]) -> Vec<f64> {
    let out = folder.join("y.npz");
    let all: Vec<&str> = std::iter::once("run").chain(arguments.iter().copied()).chain(["--output", "y.npz"]).collect();
    let ran = nanotrig(folder, &all);
    assert_eq!(ran.status, 0, "{}", ran.err);
    let bytes = std::fs::read(out).unwrap();
    let npz = Npz::open(&bytes).unwrap();
    npz.get(npz.keys()[0]).unwrap().tensor().unwrap().data
}

/// As printed with six significant digits, which is how hls4ml's test bench writes a layer's values.
fn printed(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap()
}

/// 6000 events through an Alveo U55C: every value equal.
#[test]
fn topo2a_as_the_fpga_computed_it() {
    let Some(data) = shared("data/topo2a") else { return };
    let folder = tempfile::tempdir().unwrap();
    let vectors = data.join("vectors.npz");
    save(&folder.path().join("x.npz"), "inputs", &array(&vectors, "x"));
    let (model, types) = (data.join("keras_model.keras"), data.join("types.json"));
    let arguments = [model.to_str().unwrap(), "--precision", types.to_str().unwrap(), "--input", "x.npz"];
    let got = run(folder.path(), &arguments);
    let want = array(&vectors, "hw_out_int");
    assert_eq!((got.len(), want.data.len()), (18000, 18000));
    assert!(got.iter().zip(&want.data).all(|(got, want)| got * 1024.0 == *want));
}

/// hls4ml's own example, with the configuration beside it, as hls4ml 1.3 compiles it.
#[test]
fn an_example_of_hls4ml_with_its_configuration() {
    let Some(data) = shared("data/models/hls4ml_examples") else { return };
    let folder = tempfile::tempdir().unwrap();
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/hls4ml/example_qkeras_3layer.npz");
    save(&folder.path().join("x.npz"), "x", &array(&vectors, "x"));
    let (model, config) = (data.join("keras/qkeras_3layer.json"), data.join("config-files/qkeras_3layer_config.yml"));
    let arguments = [model.to_str().unwrap(), "--precision", config.to_str().unwrap(), "--input", "x.npz"];
    assert_eq!(run(folder.path(), &arguments), array(&vectors, "y").data);
}

/// Mistakes in a file of precisions name what is known.
#[test]
fn mistakes_in_a_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/hls4ml/dense_auto.h5");
    let model_type = "Model: {Precision: \"ap_fixed<16,6>\"}";
    let cases = [
        ("LayerName: {fc9: {Precision: auto}}", "there is no layer `fc9`", "known: x, fc1, fc1_linear, act1, fc2"),
        (
            "LayerName: {fc1: {Precision: {weight: float}}}",
            "`float` is no fixed-point type",
            "ap_fixed<16,6,AP_RND,AP_SAT>",
        ),
        ("LayerName: {fc1: {Precision: \"ap_fixed<16,6,AP_UP>\"}}", "`UP` is no rounding mode", "known: TRN"),
        ("LayerName: {fc1: {Strategy: distributed_arithmetic}}", "distributed_arithmetic", "latency or resource"),
        ("LayerName: [", "broken YAML", "hls4ml's configuration"),
        ("LayerName: {fc1: {Precision: {weight: 3}}}", "is 3, expected a type", "ap_fixed<16,6>"),
        ("LayerName: {fc1: {Precision: {accum: \"ap_fixed<90,6>\"}}}", "no fixed-point type", ""),
    ];
    for (text, what, help) in cases {
        std::fs::write(folder.path().join("p.yml"), format!("{model_type}\n{text}\n")).unwrap();
        let ran = nanotrig(folder.path(), &["dump", model.to_str().unwrap(), "--precision", "p.yml"]);
        assert_eq!(ran.status, 2, "{text}: {}", ran.err);
        assert!(ran.err.contains(what) && ran.err.contains(help) && ran.err.contains("p.yml"), "{text}: {}", ran.err);
    }
    std::fs::write(folder.path().join("p.yml"), "LayerName: {fc1: {Precision: {weight: auto}}}").unwrap();
    let ran = nanotrig(folder.path(), &["dump", model.to_str().unwrap(), "--precision", "p.yml"]);
    assert!(ran.status == 2 && ran.err.contains("no default"), "{}", ran.err);
}

/// A Python with NumPy, or none (said aloud). `NANOTRIG_PYTHON` names one.
fn python() -> Option<String> {
    let name = std::env::var("NANOTRIG_PYTHON").unwrap_or_else(|_| "python3".into());
    let works = Command::new(&name).args(["-c", "import numpy"]).output().is_ok_and(|output| output.status.success());
    if !works {
        println!("skipped: {name} has no numpy (NANOTRIG_PYTHON names another)");
    }
    works.then_some(name)
}

fn script(python: &str, folder: &Path, name: &str, arguments: &[&str]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(name);
    let output = Command::new(python).arg(script).args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A qubit's readout with an integer accumulator: every layer's values as the C simulation gave them. (The Keras file beside
/// it holds other weights than the firmware.)
#[test]
fn every_layer_of_the_qubit_readout() {
    let (Some(data), Some(python)) = (shared("data/qubit_readout"), python()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let (types, dump) = (data.join("two_layer_types.json"), data.join("two_layer_w400_h8.npz"));
    let arguments = [types.to_str().unwrap(), "--weights", dump.to_str().unwrap(), "-o", "two.toml"];
    script(&python, folder.path(), "from_hls4ml.py", &arguments);
    save(&folder.path().join("x.npz"), "x", &array(&dump, "x"));
    let layers = [("fc1", "fc1_out"), ("fc1_relu", "fc1_relu_out"), ("batchnorm1", "batchnorm1_out"), ("fc2", "y_hls")];
    for (layer, key) in layers {
        let got = run(folder.path(), &["two.toml", "--input", "x.npz", "--layer", layer]);
        let want = array(&dump, key).data;
        assert_eq!(got.len(), want.len());
        for (got, want) in got.iter().zip(&want) {
            assert_eq!(printed(*got), printed(*want), "{layer}");
        }
    }
}

/// The board's decisions, 4400 windows.
#[test]
fn the_qubit_board_decides_the_same() {
    let (Some(data), Some(python)) = (shared("data/qubit_readout"), python()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let (types, weights) = (data.join("single_layer_types.json"), data.join("single_layer_w100.npz"));
    let arguments = [types.to_str().unwrap(), "--weights", weights.to_str().unwrap(), "-o", "single.toml"];
    script(&python, folder.path(), "from_hls4ml.py", &arguments);
    let windows = data.join("board_windows.npz");
    save(&folder.path().join("x.npz"), "x", &array(&windows, "x"));
    let got = run(folder.path(), &["single.toml", "--input", "x.npz"]);
    let board = array(&windows, "board_out").data;
    let decide = |pair: &[f64]| pair[1] > pair[0];
    assert_eq!(got.len(), 8800);
    assert!(got.chunks(2).zip(board.chunks(2)).all(|(got, board)| decide(got) == decide(board)));
}

/// The networks of CMS' Level-1 trigger against an evaluator of the C++ that shares nothing with ours.
#[test]
fn trigger_networks_as_the_cpp_computes_them() {
    let (Some(data), Some(python)) = (shared("data/models/cms_l1"), python()) else { return };
    // L1METML_v1 and the larger ones take long in this profile: scripts/verify_cms.sh has them all.
    let names = [
        "AXOL1TL_v1",
        "AXOL1TL_v4",
        "AXOL1TL_v5",
        "CICADA_v1",
        "CICADA_v2p2p0",
        "EMTFnn_v1",
        "L1TSC4NGJetModel_v0",
        "TOPO_HHbbWW_1mu_v1",
        "TOoLLiP_v1",
        "TOoLLiP_v2",
        "TOoLLiP_v3",
    ];
    for name in names {
        let folder = tempfile::tempdir().unwrap();
        let source = data.join(format!("{name}.json"));
        script(&python, folder.path(), "from_hls4ml.py", &[source.to_str().unwrap(), "-o", "model.toml"]);
        let oracle = [source.to_str().unwrap(), "--samples", "30", "--inputs", "x.npz", "--outputs", "want.npz"];
        script(&python, folder.path(), "ap_fixed_oracle.py", &oracle);
        let ran = nanotrig(folder.path(), &["run", "model.toml", "--input", "x.npz", "--output", "y.npz"]);
        assert_eq!(ran.status, 0, "{name}: {}", ran.err);
        let (want, got) = (
            std::fs::read(folder.path().join("want.npz")).unwrap(),
            std::fs::read(folder.path().join("y.npz")).unwrap(),
        );
        let (want, got) = (Npz::open(&want).unwrap(), Npz::open(&got).unwrap());
        assert_eq!(want.keys().len(), got.keys().len(), "{name}");
        for (theirs, ours) in want.keys().iter().zip(got.keys()) {
            let (theirs, ours) =
                (want.get(theirs).unwrap().tensor().unwrap(), got.get(ours).unwrap().tensor().unwrap());
            assert_eq!(theirs.data, ours.data, "{name}");
        }
    }
}
