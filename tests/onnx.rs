//! ONNX and QONNX files: real networks with the outputs that qonnx' executor gave, and damaged files.

mod common;

use common::{Random, nanotrig, shared};
use nanotrig::arrays::npz;
use nanotrig::frontends::read;
use nanotrig::network::Tensor;
use std::path::Path;

const JETS: &str = "data/jets_hlf/jets_hlf.npz";
const DIGITS: &str = "data/mnist_10k/mnist10k.npz";

fn array(path: &Path, key: &str) -> Tensor {
    let bytes = std::fs::read(path).unwrap();
    npz::Npz::open(&bytes).unwrap().get(key).unwrap().tensor().unwrap()
}

/// What `nanotrig run` gives for an array.
fn outputs(model: &Path, x: &Tensor, options: &[&str]) -> Vec<f64> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.npz"), npz::format([("x", x)]).unwrap()).unwrap();
    let given = ["run", model.to_str().unwrap(), "--input", "x.npz", "--output", "y.npz"];
    let ran = nanotrig(folder.path(), &[&given[..], options].concat());
    assert_eq!(ran.status, 0, "{}", ran.err);
    let bytes = std::fs::read(folder.path().join("y.npz")).unwrap();
    let file = npz::Npz::open(&bytes).unwrap();
    file.get(file.keys()[0]).unwrap().tensor().unwrap().data
}

#[test]
fn the_jet_tagger_equals_its_keras_original() {
    let (Some(model), Some(jets)) = (shared("data/models/qonnx/qkeras_jettagging.onnx"), shared(JETS)) else { return };
    let golden = shared("data/models/qonnx/qkeras_jettagging.golden.npz").unwrap();
    let keras = shared("data/models/hls4ml_examples/keras/qkeras_3layer.json").unwrap();
    let x = array(&jets, "x_std");
    // The stored logits are those of the float32 inputs, and 60 bits hold these exactly.
    let exact = ["--input-format", "fixed<60,10>"];
    let logits = outputs(&model, &x, &[&exact[..], &["--head", "logits"]].concat());
    assert_eq!(logits, array(&golden, "logits").data);
    let narrow = ["--input-format", "fixed<16,6>", "--head", "logits"];
    assert_eq!(outputs(&model, &x, &narrow), outputs(&keras, &x, &narrow));
    // onnxruntime's exponential and sum round differently from ours, in the last bits.
    let found = outputs(&model, &x, &exact);
    let near = found.iter().zip(&array(&golden, "softmax").data).all(|(a, b)| (a - b).abs() < 4e-7);
    assert!(near, "softmax");
}

#[test]
fn binary_networks_of_digits() {
    let (Some(golden), Some(digits)) = (shared("data/models/qonnx/tfc.golden.npz"), shared(DIGITS)) else { return };
    let all = array(&digits, "x_test");
    let pixels = Tensor { shape: vec![200, 28, 28], data: all.data[..200 * 784].to_vec() };
    let real = Tensor { data: pixels.data.iter().map(|x| f64::from(*x as f32 / 255.0)).collect(), ..pixels.clone() };
    for name in ["TFC_1W1A", "TFC_1W2A", "TFC_2W2A"] {
        let model = shared(&format!("data/models/qonnx/{name}.onnx")).unwrap();
        let want = array(&golden, name).data;
        // Pixels divided by 255, as the network has them, and the integers themselves.
        for given in [&real, &pixels] {
            assert_eq!(outputs(&model, given, &["--input-format", "u8/255"]), want, "{name}");
        }
    }
}

#[test]
fn a_keyword_in_speech() {
    let (Some(model), Some(_)) =
        (shared("data/models/qonnx/kwsmlp_w3a3.onnx"), shared("data/models/qonnx/kws_input.npy"))
    else {
        return;
    };
    let input = shared("data/models/qonnx/kws_input.npy").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["run", model.to_str().unwrap(), "--input", input.to_str().unwrap(), "--output", "y.csv"];
    let ran = nanotrig(folder.path(), &arguments);
    assert_eq!(ran.status, 0, "{}", ran.err);
    let text = std::fs::read_to_string(folder.path().join("y.csv")).unwrap();
    let found: Vec<f64> = text.lines().last().unwrap().split(',').map(|x| x.parse().unwrap()).collect();
    assert!(found.iter().zip(KEYWORD).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?}");
}

/// What qonnx 1.0.0 gives for the stored example; its float32 sums of 256 products round.
const KEYWORD: [f64; 12] = [
    3.623_069_3,
    -0.057_876_643,
    -3.704_096_6,
    3.090_606,
    -9.051_885,
    -6.702_099,
    -5.787_65,
    -4.433_341,
    -8.415_244,
    -1.655_268,
    -6.956_756,
    2.697_045,
];

#[test]
fn examples_load() {
    for name in [
        "bnn_model_fc_1layer",
        "branched_model_ch_last",
        "conv1d_small_keras",
        "conv2d_small_keras",
        "conv2d_small_mp_keras",
        "dense_big_keras",
        "separable_conv_model_ch_last",
        "three_layer_bn_keras",
        "three_layer_bn_pytorch",
        "three_layer_keras",
        "three_layer_pytorch",
        "two_layer_keras",
        "two_layer_pytorch",
    ] {
        let Some(path) = shared(&format!("data/models/hls4ml_examples/onnx/{name}.onnx")) else { return };
        let network = read(&path, None).unwrap_or_else(|error| panic!("{error}"));
        assert!(network.layers.len() > 2, "{name}");
    }
}

fn own(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/onnx").join(name)).unwrap()
}

/// A file with these bytes, read; what the error says.
fn refused(bytes: &[u8]) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    std::fs::write(&path, bytes).unwrap();
    let error = read(&path, None).err()?;
    assert_eq!(error.status(), 2, "{error}");
    assert!(!error.help.is_empty(), "{error}");
    Some(error.to_string())
}

#[test]
fn damaged_files_are_refused() {
    let mut random = Random(7);
    for name in ["dense.onnx", "conv.onnx", "shapes.onnx", "qcdq.onnx", "old.onnx"] {
        let whole = own(name);
        assert_eq!(refused(&whole), None, "{name}");
        for _ in 0..60 {
            assert!(refused(&whole[..random.below(whole.len())]).is_some(), "{name} cut");
            let mut bytes = whole.clone();
            for _ in 0..1 + random.below(4) {
                let at = random.below(bytes.len());
                bytes[at] = random.next() as u8;
            }
            // It may still be a network; whatever it is, there is no panic and no bug.
            refused(&bytes);
        }
    }
}

#[test]
fn what_is_not_supported_is_named() {
    // The same length, so that the file stays whole.
    let renamed = |name: &str, from: &str, to: &str| {
        let bytes = own(name);
        let found: Vec<usize> =
            (0..bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from.as_bytes())).collect();
        let mut changed = bytes.clone();
        found.iter().for_each(|at| changed[*at..at + from.len()].copy_from_slice(to.as_bytes()));
        refused(&changed).unwrap_or_default()
    };
    let unknown = renamed("conv.onnx", "GlobalAveragePool", "GlobalAveragePoll");
    assert!(unknown.contains("`GlobalAveragePoll` is not supported") && unknown.contains("Gemm"), "{unknown}");
    let rounding = renamed("quantizers.onnx", "HALF_DOWN", "HALF_LEFT");
    assert!(rounding.contains("HALF_LEFT") && rounding.contains("known: ROUND"), "{rounding}");
    let axis = renamed("old.onnx", "Dropout", "Dropped");
    assert!(axis.contains("node `"), "{axis}");
}
