//! What layers compute is what the frameworks computed: expanded, evaluated, folded and split, against golden outputs.

mod common;

use common::shared;
use nanotrig::arrays::npz::Npz;
use nanotrig::batch::Batch;
use nanotrig::fixed::Fixed;
use nanotrig::frontends::{neutral, read};
use nanotrig::layers::{Expanded, Options, expand};
use nanotrig::network::{Network, Tensor};
use nanotrig::tensor::{Graph, Value, apply_tail, evaluate, fold, tail};
use std::path::{Path, PathBuf};

/// Real inputs as codes of the ports, each by its own quantizer.
fn codes(graph: &Graph, inputs: &[Vec<f64>]) -> Batch {
    let elements: Vec<_> = graph.inputs.iter().flat_map(|port| port.elements.clone()).collect();
    let mut batch = Batch::new(elements.len());
    for row in inputs {
        let code = |(x, q): (&f64, &nanotrig::fixed::Quantization)| q.code(Fixed::from_f64(*x).unwrap()).unwrap();
        batch.push(&row.iter().zip(&elements).map(code).collect::<Vec<_>>());
    }
    batch
}

/// The one output, computed directly, and through folding and splitting; both must agree.
fn run(expanded: &Expanded, inputs: &[Vec<f64>]) -> (Vec<Vec<f64>>, Graph) {
    let batch = codes(&expanded.graph, inputs);
    let direct = evaluate(&expanded.graph, &batch, &Default::default()).unwrap().outputs.remove(0);
    let folded = fold(&expanded.graph).unwrap();
    let (exact, tails) = tail(&folded).unwrap();
    assert!(exact.nodes.iter().all(|node| !node.is_float()), "floats are left\n{exact}");
    let split = evaluate(&exact, &batch, &Default::default()).unwrap().outputs.remove(0);
    match &direct {
        Value::Float { data, .. } => assert_eq!(&apply_tail(&tails[0], &split), data),
        Value::Exact { .. } => assert_eq!(split, direct),
    }
    let columns = direct.columns();
    let row = |r: usize| (0..columns).map(|e| direct.number(r, e).unwrap().to_f64().unwrap()).collect();
    ((0..inputs.len()).map(row).collect(), exact)
}

fn array(path: &Path, key: &str) -> Vec<Vec<f64>> {
    let bytes = std::fs::read(path).unwrap();
    let tensor: Tensor = Npz::open(&bytes).unwrap().get(key).unwrap().tensor().unwrap();
    tensor.data.chunks(tensor.shape[1..].iter().product()).map(<[f64]>::to_vec).collect()
}

/// The network without its last softmax.
fn without_softmax(mut network: Network) -> Network {
    if network.layers.last().is_some_and(|l| l.attributes.get("function").is_some_and(|f| f == "softmax")) {
        let last = network.layers.pop().unwrap();
        network.outputs = last.inputs;
    }
    network
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/qkeras").join(name)
}

/// The largest difference of two outputs, and the share of samples that are equal within float32 rounding.
fn compare(found: &[Vec<f64>], golden: &[Vec<f64>]) -> (f64, f64) {
    let distance = |a: &Vec<f64>, b: &Vec<f64>| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let distances: Vec<f64> = found.iter().zip(golden).map(|(a, b)| distance(a, b)).collect();
    let equal = distances.iter().filter(|d| **d < 2e-6).count() as f64 / golden.len() as f64;
    (distances.iter().copied().fold(0.0, f64::max), equal)
}

#[test]
fn qkeras_models_give_their_outputs() {
    for name in ["grid_mlp", "fixed_mlp", "mixed_mlp", "auto_mlp", "conv"] {
        let network = read(&data(&format!("{name}.json")), Some(&data(&format!("{name}_weights.h5")))).unwrap();
        let golden = data(&format!("{name}.npz"));
        let inputs = array(&golden, "x");
        let (y, _) = run(&expand(&network, &Options::default()).unwrap(), &inputs);
        let (far, equal) = compare(&y, &array(&golden, "y"));
        let (logits, exact) = run(&expand(&without_softmax(network), &Options::default()).unwrap(), &inputs);
        let (logits_far, logits_equal) = compare(&logits, &array(&golden, "logits"));
        println!(
            "{name}: y {equal} (off by {far}), logits {logits_equal} (off by {logits_far}); {} nodes",
            exact.nodes.len()
        );
        assert!(equal == 1.0 && logits_equal == 1.0, "{name}: {equal}, {logits_equal}");
    }
}

#[test]
fn neutral_nets_give_their_vectors() {
    let Some(folder) = shared("bench/nets") else { return };
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_string_lossy().ends_with(".json.gz") {
            continue;
        }
        let vectors = neutral::vectors(&path).unwrap();
        let expanded = expand(&read(&path, None).unwrap(), &Options::default()).unwrap();
        assert!(expanded.notes.is_empty(), "{:?}", expanded.notes);
        let (found, _) = run(&expanded, &vectors.inputs);
        for (row, found) in found.iter().enumerate() {
            let expected: Vec<f64> = (0..found.len()).map(|c| vectors.output(row, c).to_f64().unwrap()).collect();
            assert_eq!(found, &expected, "{}, vector {row}", path.display());
        }
    }
}

#[test]
fn published_models_give_their_golden_logits() {
    let keras = "data/models/hls4ml_examples/keras";
    let Some(jets) = shared("data/jets_hlf/jets_hlf.npz") else { return };
    let inputs = array(&jets, "x_std");
    let mut models =
        vec![(format!("{keras}/qkeras_3layer.json"), format!("{keras}/qkeras_3layer.golden_fixed16_6_TRN.npz"))];
    for name in
        ["cernbox_e24246_acc75.16", "openml_e20849_acc76.86", "openml_e71874_acc76.27", "openml_e93431_acc75.86"]
    {
        models.push((format!("data/models/hgq/{name}.plain.npz"), format!("data/models/hgq/{name}.golden.npz")));
    }
    for (model, golden) in models {
        let (Some(model), Some(golden)) = (shared(&model), shared(&golden)) else { return };
        let golden = array(&golden, "logits");
        let network = without_softmax(read(&model, None).unwrap());
        let (found, _) = run(&expand(&network, &Options::default()).unwrap(), &inputs[..golden.len()]);
        assert_eq!(found, golden, "{}", model.display());
    }
}
