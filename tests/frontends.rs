//! Front ends on real files, and the native format's round trip.

mod common;

use common::{Random, shared};
use nanotrig::frontends::native::{Container, write_with};
use nanotrig::frontends::{neutral, read};
use nanotrig::network::{Input, Layer, Network, Tensor};
use std::path::{Path, PathBuf};

/// Kinds of the layers, in order.
fn kinds(network: &Network) -> Vec<&str> {
    network.layers.iter().map(|layer| layer.kind.as_str()).collect()
}

fn attribute<'n>(network: &'n Network, layer: &str, name: &str) -> &'n str {
    network.layer(layer).and_then(|layer| layer.attributes.get(name)).and_then(|value| value.as_str()).unwrap()
}

/// Writes a network in both containers and reads it back.
fn round_trip(network: &Network) {
    let folder = tempfile::tempdir().unwrap();
    for container in [Container::Npz, Container::Safetensors] {
        let path = folder.path().join(format!("net-{}.toml", container.extension()));
        write_with(network, &path, container).unwrap();
        assert_eq!(&read(&path, None).unwrap(), network);
    }
}

fn keras(name: &str) -> Option<PathBuf> {
    shared(&format!("data/models/hls4ml_examples/keras/{name}"))
}

#[test]
fn qkeras_three_layers() {
    let Some(path) = keras("qkeras_3layer.json") else { return };
    let network = read(&path, None).unwrap();
    assert_eq!(network.inputs, [Input { name: "fc1_input".into(), shape: vec![16], format: None, next: None }]);
    let expected =
        ["dense", "activation", "dense", "activation", "dense", "activation", "dense", "activation"].to_vec();
    assert_eq!(kinds(&network), expected);
    assert_eq!(attribute(&network, "fc1", "kernel_quantizer"), "quantized_bits(6,0,alpha=1)");
    assert_eq!(attribute(&network, "relu1", "function"), "quantized_relu(6,0)");
    assert_eq!(attribute(&network, "softmax", "function"), "softmax");
    assert_eq!(network.layer("fc1").unwrap().tensors["kernel"].shape, [16, 64]);
    assert_eq!(network.outputs, ["softmax"]);
    round_trip(&network);
    let explicit = read(&path, Some(&path.with_file_name("qkeras_3layer_weights.h5"))).unwrap();
    assert_eq!(explicit, network);
    let wrong = read(&path, Some(&path.with_file_name("qkeras_mnist_dense_weights.h5"))).unwrap_err();
    let text = wrong.to_string();
    assert!(
        text.contains("layer `fc1` (QDense): ") && text.contains("weights.h5: the weights have no group"),
        "{text}"
    );
}

#[test]
fn qkeras_mnist() {
    let Some(path) = keras("qkeras_mnist_dense.json") else { return };
    let network = read(&path, None).unwrap();
    assert_eq!(network.inputs[0].shape, [784]);
    assert_eq!(attribute(&network, "q_activation_2", "function"), "quantized_relu(2,0)");
    assert_eq!(attribute(&network, "q_dense_2", "kernel_quantizer"), "quantized_po2(4,max_value=1)");
    round_trip(&network);
    let Some(path) = keras("qkeras_mnist_cnn.json") else { return };
    let network = read(&path, None).unwrap();
    assert!(kinds(&network).contains(&"max_pool2d"));
    assert_eq!(kinds(&network)[..3], ["conv2d", "activation", "activation"]);
    round_trip(&network);
}

#[test]
fn the_other_keras_examples() {
    for name in [
        "KERAS_1layer.json",
        "KERAS_3layer_batch_norm.json",
        "KERAS_dense_16x100x100x100x100x100x5.json",
        "KERAS_conv2d_model.json",
        "jetTagger_Conv2D_Small.json",
        "jetTagger_Conv2D_Small_NoBatchNorm.json",
    ] {
        let Some(path) = keras(name) else { return };
        let network = read(&path, None).unwrap_or_else(|error| panic!("{error}"));
        println!("{name}: {:?}", kinds(&network));
        round_trip(&network);
    }
    let Some(path) = keras("garnet_1layer.json") else { return };
    let error = read(&path, None).unwrap_err();
    assert!(error.what.contains("are not supported") && error.help.contains("unquantized distances"), "{error}");
    let Some(path) = keras("keras_bnn.json") else { return };
    let network = read(&path, None).unwrap_or_else(|error| panic!("{error}"));
    let kernel = network.layers.iter().find_map(|layer| layer.tensors.get("kernel")).unwrap();
    assert!(kernel.data.iter().all(|weight| weight.abs() == 1.0));
    for name in ["KERAS_3layer_ternary_small.json", "KERAS_3layer_binarydense_relu_max.json", "KERAS_conv1d_small.json"]
    {
        let Some(path) = keras(name) else { return };
        round_trip(&read(&path, None).unwrap_or_else(|error| panic!("{error}")));
    }
    let Some(path) = keras("qkeras-v3_3layer.keras") else { return };
    let network = read(&path, None).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(attribute(&network, "fc1", "kernel_quantizer"), "quantized_bits(6,0,alpha=1)");
    assert_eq!(network.layer("output").unwrap().tensors["kernel"].shape, [32, 5]);
}

#[test]
fn single_files_of_keras() {
    for (name, first) in [
        ("hls4ml_tutorial/model_1_float_16x64x32x32x5.h5", "fc1"),
        ("hls4ml_tutorial/model_2_pruned75_16x64x32x32x5.h5", "fc1"),
        ("hls4ml_tutorial/model_3_qkeras6_pruned75_16x64x32x32x5.h5", "fc1"),
        ("jetid_l1/model_QMLP_nconst_8_nbits_8.h5", ""),
    ] {
        let Some(path) = shared(&format!("data/models/{name}")) else { return };
        let result = read(&path, None);
        println!("{name}: {:?}", result.as_ref().map(|network| (kinds(network), network.layers[0].name.clone())));
        let network = result.unwrap_or_else(|error| panic!("{error}"));
        assert!(first.is_empty() || network.layer(first).is_some(), "{name}");
        round_trip(&network);
    }
    let Some(path) = shared("data/models/mlperf_tiny/AD08_anomaly_autoencoder_qkeras.h5") else { return };
    let network = read(&path, None).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(network.layers[0].kind, "dense");
    assert!(network.layers[0].tensors.contains_key("bias"));
    round_trip(&network);
}

#[test]
fn hgq_jet_taggers() {
    let Some(folder) = shared("data/models/hgq") else { return };
    let files = files(&folder, ".plain.npz");
    assert_eq!(files.len(), 6);
    for path in files {
        let network = read(&path, None).unwrap();
        let layer = ["quantize", "dense", "relu"];
        assert_eq!(kinds(&network), [&layer[..], &layer[..], &layer[..], &layer[..2]].concat());
        assert_eq!(network.inputs[0].shape, [16]);
        assert_eq!(attribute(&network, "quantize_0", "rounding"), "TRN");
        round_trip(&network);
    }
}

fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.to_string_lossy().ends_with(end)).collect();
    paths.sort();
    paths
}

#[test]
fn neutral_nets() {
    let Some(folder) = shared("bench/nets") else { return };
    let files = files(&folder, ".json.gz");
    assert!(files.len() >= 20);
    for path in files {
        let network = read(&path, None).unwrap_or_else(|error| panic!("{error}"));
        let vectors = neutral::vectors(&path).unwrap();
        let columns: usize = network.inputs[0].shape.iter().product();
        assert!(!vectors.inputs.is_empty() && vectors.inputs.iter().all(|row| row.len() == columns));
        assert_eq!(kinds(&network)[0], "quantize");
        round_trip(&network);
    }
}

/// A network of random layers, attributes, names and tensors.
fn random(seed: u64) -> Network {
    let random = &mut Random(seed);
    let names = ["x", "a b", "ünï.cöde", "tab\"quote", "c/d", "e.f", "0", "back\\slash", "layer", "'single'"];
    let inputs = 1 + random.below(2);
    let input = |at: usize| Input {
        name: names[at].into(),
        shape: vec![1 + at; at],
        format: (at == 1).then(|| "ufixed<8,0>".to_string()),
        next: None,
    };
    let mut network = Network {
        name: format!("net {seed}"),
        inputs: (0..inputs).map(input).collect(),
        layers: Vec::new(),
        outputs: Vec::new(),
    };
    for at in inputs..names.len() {
        let mut reads = vec![names[at - 1].to_string()];
        if at == inputs {
            reads = names[..inputs].iter().map(|name| name.to_string()).collect();
        } else if random.below(3) == 0 {
            reads.push(names[random.below(at)].to_string());
        }
        let mut layer = Layer::new(names[at], "dense", reads)
            .with("count", random.next() as i64)
            .with("real", f64::from_bits(random.next() >> 2))
            .with("whole_real", random.below(1 << 40) as f64)
            .with("truth", random.below(2) == 0)
            .with("odd key", vec![1, 2])
            .with("text", "multi\nline \"text\" \u{7f}")
            .with("nested", serde_json::json!({"a": [1, 2.5, "x", []], "b c": {}}));
        for (name, shape) in
            [("kernel", vec![8, 1 + random.below(16)]), ("bias", vec![1 + random.below(4)]), ("s", vec![])]
        {
            let count = shape.iter().product();
            let data = (0..count).map(|_| f64::from_bits(random.next() >> 2) - random.below(3) as f64).collect();
            layer = layer.with_tensor(name, Tensor { shape, data });
        }
        network.layers.push(layer);
    }
    network.outputs = vec![names[names.len() - 1].into(), names[3].into()];
    network
}

#[test]
fn random_networks_round_trip() {
    for seed in 0..20 {
        round_trip(&random(seed));
    }
}
