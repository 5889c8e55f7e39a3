//! ONNX and QONNX files: real networks with the outputs that qonnx' executor gave, and damaged files.

mod common;

use common::{Random, nanotrig, shared};
use nanotrig::compiler::{Reading, meaning};
use nanotrig::frontends::read;
use nanotrig::samples::Samples;
use std::path::Path;

const JETS: &str = "data/jets_hlf/jets_hlf.npz";
const DIGITS: &str = "data/mnist_10k/mnist10k.npz";

fn array(path: &Path, key: &str) -> nanotrig::network::Tensor {
    let bytes = std::fs::read(path).unwrap();
    nanotrig::arrays::npz::Npz::open(&bytes).unwrap().get(key).unwrap().tensor().unwrap()
}

/// The first samples of an array.
fn samples(tensor: &nanotrig::network::Tensor, rows: usize) -> Samples {
    let columns = tensor.shape[1..].iter().product();
    Samples { columns, data: tensor.data[..rows * columns].to_vec() }
}

fn outputs(model: &Path, format: &str, given: &Samples) -> Vec<f64> {
    let reading = Reading { input_formats: vec![(None, format.into())], ..Reading::default() };
    let meaning = meaning(&read(model, None).unwrap(), &reading).unwrap_or_else(|error| panic!("{error}"));
    let codes = meaning.codes(&meaning.input_codes(given).unwrap()).unwrap();
    meaning.values(&codes).unwrap().data
}

#[test]
fn the_jet_tagger_equals_its_keras_original() {
    let (Some(model), Some(jets)) = (shared("data/models/qonnx/qkeras_jettagging.onnx"), shared(JETS)) else { return };
    let golden = shared("data/models/qonnx/qkeras_jettagging.golden.npz").unwrap();
    let keras = shared("data/models/hls4ml_examples/keras/qkeras_3layer.json").unwrap();
    let given = samples(&array(&jets, "x_std"), 700);
    // The stored logits are those of the float32 inputs, and 60 bits hold these exactly.
    let head = |format: &str, model: &Path| {
        let reading = Reading {
            input_formats: vec![(None, format.into())],
            head: nanotrig::compiler::Head::Logits,
            ..Reading::default()
        };
        let meaning = meaning(&read(model, None).unwrap(), &reading).unwrap();
        meaning.values(&meaning.codes(&meaning.input_codes(&given).unwrap()).unwrap()).unwrap().data
    };
    assert_eq!(head("fixed<60,10>", &model), array(&golden, "logits").data);
    assert_eq!(head("fixed<16,6>", &model), head("fixed<16,6>", &keras));
    // onnxruntime's exponential and sum round differently from ours, in the last bits.
    let found = outputs(&model, "fixed<60,10>", &given);
    let near = found.iter().zip(&array(&golden, "softmax").data).all(|(a, b)| (a - b).abs() < 4e-7);
    assert!(near, "softmax");
}

#[test]
fn binary_networks_of_digits() {
    let (Some(golden), Some(digits)) = (shared("data/models/qonnx/tfc.golden.npz"), shared(DIGITS)) else { return };
    let pixels = samples(&array(&digits, "x_test"), 200);
    let real = Samples { columns: 784, data: pixels.data.iter().map(|x| f64::from(*x as f32 / 255.0)).collect() };
    for name in ["TFC_1W1A", "TFC_1W2A", "TFC_2W2A"] {
        let model = shared(&format!("data/models/qonnx/{name}.onnx")).unwrap();
        let want = array(&golden, name).data;
        // Pixels divided by 255, as the network has them, and the integers themselves.
        for given in [&real, &pixels] {
            assert_eq!(outputs(&model, "u8/255", given), want, "{name}");
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
