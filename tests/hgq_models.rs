//! Trained networks of HGQ and HGQ2 that others published, as their frameworks saved them. Skipped where the data is not there.

mod common;

use common::{nanotrig, shared};
use nanotrig::arrays::npz::{self, Npz};
use nanotrig::frontends::read;
use nanotrig::network::Tensor;
use std::path::Path;

fn array(path: &Path, key: &str) -> Tensor {
    Npz::open(&std::fs::read(path).unwrap()).unwrap().get(key).unwrap().tensor().unwrap()
}

/// The only output of a model.
fn run(model: &Path, input: &str, x: &Tensor) -> Tensor {
    let scratch = tempfile::tempdir().unwrap();
    std::fs::write(scratch.path().join("x.npz"), npz::format([(input, x)]).unwrap()).unwrap();
    let model = model.display().to_string();
    let ran = nanotrig(scratch.path(), &["run", &model, "--input", "x.npz", "--output", "y.npz"]);
    assert_eq!(ran.status, 0, "{model}: {}", ran.err);
    let bytes = std::fs::read(scratch.path().join("y.npz")).unwrap();
    let npz = Npz::open(&bytes).unwrap();
    let key = npz.keys().into_iter().next().unwrap().to_string();
    npz.get(&key).unwrap().tensor().unwrap()
}

#[test]
fn jet_taggers_give_the_logits_of_hgq2() {
    let (Some(folder), Some(jets)) = (shared("data/models/hgq"), shared("data/jets_hlf/jets_hlf.npz")) else { return };
    let x = array(&jets, "x_std");
    let mut seen = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let golden = entry.unwrap().path();
        let name = golden.file_name().unwrap().to_string_lossy().to_string();
        let Some(stem) = name.strip_suffix(".golden.npz") else { continue };
        let candidates = ["keras", "h5"].map(|end| folder.join(format!("{stem}.{end}")));
        let model = candidates.iter().find(|path| path.is_file()).unwrap();
        let input = read(model, None).unwrap().inputs[0].name.clone();
        let want = array(&golden, "logits");
        assert_eq!(run(model, &input, &x).data, want.data, "{name}");
        assert_eq!(run(&folder.join(format!("{stem}.plain.npz")), "input", &x).data, want.data, "{name}");
        seen += 1;
    }
    assert_eq!(seen, 6);
}

#[test]
fn every_file_is_read() {
    let Some(folder) = shared("data/models/hgq") else { return };
    for (name, layers) in [
        ("mlpmixer_64p16f_acc81.39.h5", 20),
        ("hgq_jet_classifier.h5", 8),
        ("hgq_mnist_heterogeneous.h5", 16),
        ("hgq_mnist_homogeneous.h5", 16),
        ("proxy_jet_classifier.json", 8),
        ("proxy_mnist_heterogeneous_act.json", 16),
        ("proxy_mnist_homogeneous_act.json", 16),
    ] {
        let network = read(&folder.join(name), None).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(network.layers.len() >= layers, "{name}: {} layers", network.layers.len());
    }
    for name in ["jet_classifier", "mnist_heterogeneous", "mnist_homogeneous"] {
        let act = if name.starts_with("mnist") { "_act" } else { "" };
        let whole = read(&folder.join(format!("hgq_{name}.h5")), None).unwrap();
        let proxy = read(&folder.join(format!("proxy_{name}{act}.json")), None).unwrap();
        assert_eq!(whole.layers, proxy.layers, "{name}: the two files hold one network");
    }
}
