//! The training engine's float forward is the integer evaluator's, bit by bit, and its gradients are those of the quantizers.
//! Needs `--features train`.
#![cfg(feature = "train")]

use nanotrig::batch::Batch;
use nanotrig::fixed::Quantization;
use nanotrig::frontends;
use nanotrig::layers;
use nanotrig::network::{Input, Layer, Network};
use nanotrig::random::Random;
use nanotrig::tensor::{self, Float, Op};
use nanotrig::training::{Engine, Mode, initialise, learn};
use std::path::Path;
use tch::Tensor;

/// Networks that are compared; there are more whose sums are beyond float32.
const LEAST: usize = 90;

/// A multilayer perceptron without weights, with an activation behind each hidden layer.
fn perceptron(kernel: &str, activation: &str) -> Network {
    let x = Input { name: "x".into(), shape: vec![8], format: Some("fixed<8,3,RND,SAT>".into()), next: None };
    let dense = |name: &str, before: &str, units: usize| {
        let layer = Layer::new(name, "dense", vec![before.into()]).with("units", units);
        layer.with("kernel_quantizer", kernel).with("bias_quantizer", "quantized_bits(8,2,alpha=1)")
    };
    let layers = vec![dense("a", "x", 12).with("activation", activation), dense("b", "a", 3)];
    Network { name: "net".into(), inputs: vec![x], layers, outputs: vec!["b".into()] }
}

/// Random codes of all ports.
fn codes(ports: &[nanotrig::port::Port], rows: usize, seed: u64) -> Batch {
    let elements: Vec<Quantization> = ports.iter().flat_map(|port| port.elements.iter().copied()).collect();
    let mut random = Random::new(seed);
    let mut batch = Batch::new(elements.len());
    for _ in 0..rows {
        let code = |q: &Quantization| {
            let range = q.format.range();
            random.within(range.lo.max(-(1 << 40)) as i64, range.hi.min(1 << 40) as i64) as i128
        };
        batch.data.extend(elements.iter().map(code).collect::<Vec<_>>());
    }
    batch
}

/// The codes of each port as float32 numbers.
fn floats(ports: &[nanotrig::port::Port], codes: &Batch) -> Vec<Tensor> {
    let mut start = 0;
    let port = |port: &nanotrig::port::Port| {
        let count = port.elements.len();
        let value =
            |row: usize, e: usize| (codes.row(row)[start + e] as f64 * 2f64.powi(port.elements[e].format.lsb)) as f32;
        let values: Vec<f32> =
            (0..codes.rows()).flat_map(|row| (0..count).map(move |e| (row, e))).map(|(r, e)| value(r, e)).collect();
        start += count;
        let mut shape = vec![codes.rows() as i64];
        shape.extend(port.shape.iter().map(|length| *length as i64));
        Tensor::from_slice(&values).view(shape.as_slice())
    };
    ports.iter().map(port).collect()
}

/// How many values of engine and evaluator were equal; none where a sum is beyond float32, or where training is refused.
fn compared(network: &Network, rows: usize) -> usize {
    let mut expanded = layers::expand(network, &layers::Options::default()).unwrap();
    for (_, id) in &mut expanded.graph.outputs {
        if expanded.graph.nodes[id.0 as usize].op == Op::Float(Float::Softmax) {
            *id = expanded.graph.nodes[id.0 as usize].args[0];
        }
    }
    let graph = &expanded.graph;
    let wide = |q: &Quantization| q.format.width > 24;
    if graph.inputs.iter().flat_map(|port| &port.elements).any(wide) {
        return 0;
    }
    let codes = codes(&graph.inputs, rows, 1);
    let watch = (0..graph.nodes.len()).map(|node| tensor::Id(node as u32)).collect();
    let evaluation = tensor::evaluate(graph, &codes, &tensor::Options { watch, statistics: true }).unwrap();
    let beyond = |value: &tensor::Value| match value {
        tensor::Value::Exact { codes, .. } => codes.data.iter().any(|code| code.abs() > 1 << 24),
        tensor::Value::Float { .. } => false,
    };
    if evaluation.float_sums.iter().any(|(_, count)| *count > 0) || evaluation.watched.iter().any(beyond) {
        return 0;
    }
    let Ok(engine) = Engine::new(network) else { return 0 };
    let pass = engine.forward(&floats(&graph.inputs, &codes), Mode::default()).unwrap();
    let mut count = 0;
    for (output, exact) in pass.outputs.iter().zip(&evaluation.outputs) {
        let floats = Vec::<f32>::try_from(output.detach().flatten(0, -1).contiguous()).unwrap();
        assert_eq!(floats.len(), rows * exact.columns(), "{}", network.name);
        for (at, float) in floats.iter().enumerate() {
            let Some(number) = exact.number(at / exact.columns(), at % exact.columns()) else { continue };
            assert_eq!(number.to_f32(), *float, "{} at {at}: {:?}", network.name, network.layers.last());
            count += 1;
        }
    }
    count
}

#[test]
fn every_quantizer() {
    let kernels = [
        "quantized_bits(6,0,alpha=1)",
        "quantized_bits(4,0,1)",
        "quantized_bits(5,0,alpha='auto')",
        "quantized_linear(4,0)",
        "ternary",
        "ternary(alpha='auto')",
        "binary",
        "stochastic_binary",
        "quantized_po2(4,1)",
        "fixed<7,2,RND,SAT>",
        "learned(4)",
    ];
    let activations = [
        "relu",
        "quantized_relu(6)",
        "quantized_relu(4,2,negative_slope=0.25)",
        "quantized_bits(5,2)",
        "quantized_tanh(4)",
        "quantized_sigmoid(5,use_real_sigmoid=1)",
        "quantized_ulaw(5,1)",
        "quantized_hswish(6,2)",
        "quantized_relu_po2(4)",
        "binary",
        "ternary",
        "ternary(alpha=0.7)",
        "fixed<6,3>",
        "ufixed<6,3,RND_ZERO,SAT_ZERO>",
        "fixed<6,3,RND_INF,SAT_SYM>",
        "fixed<6,3,RND_MIN_INF,WRAP>",
        "fixed<6,3,TRN_ZERO,SAT>",
    ];
    for kernel in kernels {
        for activation in [activations[1], activations[3]] {
            let network = initialise(&perceptron(kernel, activation), 5).unwrap();
            assert_eq!(compared(&network, 50), 150, "{kernel}, {activation}");
        }
    }
    for activation in activations {
        let network = initialise(&perceptron(kernels[0], activation), 3).unwrap();
        // The values of the logarithmic law have so many bits that sums of them are beyond float32.
        let expected = if activation.starts_with("quantized_ulaw") { 0 } else { 150 };
        assert_eq!(compared(&network, 50), expected, "{activation}");
    }
}

/// A network of weights and formats that training may begin with.
fn with_formats(overflow: &str) -> Network {
    let tensor = |shape: &[usize], data: &[f64]| nanotrig::network::Tensor::new(shape.to_vec(), data.to_vec()).unwrap();
    let format = |name: &str, before: &str, bits: [&[f64]; 3]| {
        let layer =
            Layer::new(name, "quantize", vec![before.into()]).with("rounding", "TRN").with("overflow", overflow);
        ["signed", "integer", "fraction"]
            .iter()
            .zip(bits)
            .fold(layer, |layer, (name, bits)| layer.with_tensor(name, tensor(&[bits.len()], bits)))
    };
    let dense = |name: &str, before: &str, kernel: Vec<f64>, rows: usize, bias: &[f64]| {
        let layer = Layer::new(name, "dense", vec![before.into()]);
        let kernel = tensor(&[rows, kernel.len() / rows], &kernel);
        layer.with_tensor("kernel", kernel).with_tensor("bias", tensor(&[bias.len()], bias))
    };
    let kernel: Vec<f64> = (0..24).map(|e| f64::from((e * 7) % 11 - 5) / 8.0).collect();
    let second: Vec<f64> = (0..12).map(|e| f64::from((e * 5) % 7 - 3) * 2.0).collect();
    let layers = vec![
        format("a_format", "x", [&[1.0], &[2.0], &[3.0, 1.0, 0.0, 2.0, 3.0, 4.0]]),
        dense("a", "a_format", kernel, 6, &[0.5, 0.0, -1.0, 0.125]).with("activation", "relu"),
        // The third has no bits: it is 0.
        format("b_format", "a", [&[0.0, 0.0, 1.0, 0.0], &[3.0, 2.0, 23.0, 4.0], &[1.0, 2.0, -24.0, 0.0]]),
        dense("b", "b_format", second, 4, &[0.0, 4.0, -2.0]),
    ];
    let x = Input { name: "x".into(), shape: vec![6], format: Some("fixed<7,3>".into()), next: None };
    Network { name: "formats".into(), inputs: vec![x], layers, outputs: vec!["b".into()] }
}

#[test]
fn a_network_that_is_trained_on_begins_as_it_was() {
    for overflow in ["WRAP", "SAT", "SAT_SYM"] {
        for spare in [0, 2] {
            let network = with_formats(overflow);
            let learned = learn(&network, spare).unwrap();
            assert_ne!(learned, network);
            let of = |network: &Network| {
                let expanded = layers::expand(network, &layers::Options::default()).unwrap();
                let codes = codes(&expanded.graph.inputs, 60, 4);
                tensor::evaluate(&expanded.graph, &codes, &tensor::Options::default()).unwrap().outputs
            };
            assert_eq!(of(&network), of(&learned), "{overflow}");
            // Values that wrap are in the engine what they are in hardware, but in training.
            assert_eq!(compared(&learned, 60), 180, "{overflow}");
            let quantize = |network: &Network| network.layer("b_format").unwrap().attributes["learned"].clone();
            assert_eq!(quantize(&learned), true);
        }
    }
}

/// All networks of `tests/data`, as far as their sums are float32 numbers.
#[test]
fn networks_of_every_front_end() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut same = 0;
    for folder in std::fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path()) {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let Ok(network) = frontends::read(&path, None) else { continue };
            if layers::expand(&network, &layers::Options::default()).is_ok() && compared(&network, 12) > 0 {
                same += 1;
            }
        }
    }
    assert!(same >= LEAST, "{same} networks");
}
