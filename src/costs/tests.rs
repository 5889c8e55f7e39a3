//! The tables of arXiv:2006.10159's energy and bits, and QTools' own numbers on other layers.

use super::*;
use crate::network::{Input, Layer, Network, Tensor};
use crate::registry::find;

/// A network of the paper: kernels' quantizers, whether hidden layers are normalised instead of biased, and activations.
struct Model {
    kernels: [&'static str; 4],
    activations: [&'static str; 3],
    widths: [usize; 4],
    normalized: bool,
}

fn zeros(shape: &[usize]) -> Tensor {
    Tensor { shape: shape.to_vec(), data: vec![0.0; shape.iter().product()] }
}

fn network(model: &Model) -> Network {
    let mut layers = Vec::new();
    let (mut before, mut inputs) = ("x".to_string(), 16);
    let mut push = |layer: Layer| {
        let name = layer.name.clone();
        layers.push(Layer { inputs: vec![std::mem::replace(&mut before, name)], ..layer });
    };
    for (at, (quantizer, width)) in model.kernels.iter().zip(model.widths).enumerate() {
        let hidden = at < 3;
        let mut dense = Layer::new(format!("dense_{}", at + 1), "dense", Vec::new())
            .with("kernel_quantizer", *quantizer)
            .with_tensor("kernel", zeros(&[inputs, width]));
        if !(hidden && model.normalized) {
            // The search left the output's bias at 8 bits.
            let bias = if model.normalized { "quantized_bits(8,3,1)" } else { quantizer };
            dense = dense.with("bias_quantizer", bias).with_tensor("bias", zeros(&[width]));
        }
        push(dense);
        if hidden && model.normalized {
            let mut norm = Layer::new(format!("norm_{}", at + 1), "batch_norm", Vec::new());
            for name in ["gamma", "beta", "mean", "variance"] {
                norm = norm.with_tensor(name, zeros(&[width]));
            }
            push(norm);
        }
        let function = model.activations.get(at).unwrap_or(&"softmax");
        push(Layer::new(format!("act_{}", at + 1), "activation", Vec::new()).with("function", *function));
        inputs = width;
    }
    let x = Input { name: "x".into(), shape: vec![16], format: Some("fixed<15,6>".into()), next: None };
    Network { name: "jet".into(), inputs: vec![x], layers, outputs: vec![before] }
}

const WIDE: [usize; 4] = [64, 32, 32, 5];
const NARROW: [usize; 4] = [32, 16, 16, 5];

fn bf() -> Model {
    let all = "quantized_bits(15,5,alpha=1)";
    Model { kernels: [all; 4], activations: [all; 3], widths: WIDE, normalized: false }
}

fn q6() -> Model {
    let kernel = "quantized_bits(6,0,alpha=1)";
    Model { kernels: [kernel; 4], activations: ["quantized_relu(6,0)"; 3], widths: WIDE, normalized: false }
}

fn qe() -> Model {
    let kernels = ["quantized_bits(4,0,1)", "ternary", "quantized_bits(2,1,1)", "stochastic_binary"];
    let activations = ["quantized_relu(4,2)", "quantized_relu(3,1)", "quantized_relu(4,2)"];
    Model { kernels, activations, widths: NARROW, normalized: true }
}

fn qb() -> Model {
    let kernels = ["quantized_bits(4,0,1)", "stochastic_binary", "ternary", "stochastic_binary"];
    let activations = ["quantized_relu(4,2)", "quantized_relu(4,2)", "quantized_relu(3,1)"];
    Model { kernels, activations, widths: NARROW, normalized: true }
}

fn cost(name: &str, network: &Network, options: &Options) -> Cost {
    (find("cost", COSTS, name).unwrap().make)(network, options).unwrap()
}

fn paper() -> Options {
    Options { energy: Energy { compat: Compat::Paper, ..Energy::default() }, ..Options::default() }
}

fn part(cost: &Cost, layer: &str, part: &str) -> f64 {
    let row = cost.rows.iter().find(|row| row.layer == layer).unwrap();
    row.parts.iter().find(|(name, _)| *name == part).unwrap().1
}

/// Every energy of the paper's notebook: 16 layers, the normalisations, the memory, 4 totals.
#[test]
fn energies_of_the_paper() {
    let table = [
        (bf(), [818.00, 1648.80, 821.20, 128.31], 3439.0),
        (q6(), [369.32, 355.20, 174.40, 27.25], 949.0),
        (qe(), [134.53, 21.44, 13.25, 1.65], 193.0),
        (qb(), [134.53, 12.16, 9.92, 1.65], 181.0),
    ];
    for (model, layers, total) in table {
        let energy = cost("energy", &network(&model), &paper());
        for (at, want) in layers.iter().enumerate() {
            assert_eq!(part(&energy, &format!("dense_{}", at + 1), "operations"), *want, "dense_{}", at + 1);
        }
        if model.normalized {
            for (norm, want) in [("norm_1", 70.4), ("norm_2", 35.2), ("norm_3", 35.2)] {
                assert_eq!(part(&energy, norm, "operations"), want);
            }
        }
        let memory = part(&energy, "dense_1", "inputs") + part(&energy, "act_4", "outputs");
        assert_eq!((memory * 100.0).round() / 100.0, 22.83);
        assert_eq!(energy.total, total);
        assert!(energy.notes.is_empty());
    }
}

/// The notebook counted these classes, and not the input.
fn notebook() -> Options {
    let part = |class: &str, parts: &[&str]| (class.to_string(), parts.iter().map(|part| part.to_string()).collect());
    let config = [
        part("QDense", &["parameters", "activations"]),
        part("BatchNormalization", &["parameters"]),
        part("QActivation", &["activations"]),
        part("Activation", &["activations"]),
    ];
    Options { bits: Bits { config: config.into(), ..Bits::default() }, ..Options::default() }
}

/// Every number of bits: of each layer's parameters and activations, and the totals.
#[test]
fn bits_of_the_paper() {
    let table = [
        (bf(), [16320.0, 31200.0, 15840.0, 2475.0], [960.0, 480.0, 480.0, 40.0], 67795.0),
        (q6(), [6528.0, 12480.0, 6336.0, 990.0], [384.0, 192.0, 192.0, 40.0], 27142.0),
        (qe(), [2048.0, 1024.0, 512.0, 120.0], [128.0, 48.0, 64.0, 40.0], 5008.0),
        (qb(), [2048.0, 512.0, 512.0, 120.0], [128.0, 64.0, 48.0, 40.0], 4496.0),
    ];
    for (model, parameters, activations, total) in table {
        let bits = cost("bits", &network(&model), &notebook());
        for at in 0..4 {
            assert_eq!(part(&bits, &format!("dense_{}", at + 1), "parameters"), parameters[at]);
            assert_eq!(part(&bits, &format!("act_{}", at + 1), "activations"), activations[at]);
        }
        if model.normalized {
            for (norm, want) in [("norm_1", 512.0), ("norm_2", 256.0), ("norm_3", 256.0)] {
                assert_eq!(part(&bits, norm, "parameters"), want);
            }
        }
        assert_eq!(bits.total, total);
    }
}

/// Without a rule of its own, the input counts, too; and the reference forgets all quantizers.
#[test]
fn bits_by_default_and_of_the_reference() {
    let bits = cost("bits", &network(&q6()), &Options::default());
    assert_eq!(bits.total, 27142.0 + 16.0 * 8.0);
    let reference = Options { bits: Bits { reference: true, ..Bits::default() }, ..Options::default() };
    let bits = cost("bits", &network(&q6()), &reference);
    assert_eq!(bits.total, (4389.0 + 16.0 + 128.0 + 5.0) * 8.0);
}

/// Weights and products that a person can count.
#[test]
fn effective_bit_operations() {
    let kernel = Tensor { shape: vec![2, 2], data: vec![0.75, 0.5, 0.0, -0.625] };
    let dense = Layer::new("dense", "dense", vec!["x".into()])
        .with_tensor("kernel", kernel)
        .with_tensor("bias", Tensor::vector(vec![0.375, 0.0]));
    let x = Input { name: "x".into(), shape: vec![2], format: Some("fixed<5,3>".into()), next: None };
    let network = Network { name: "n".into(), inputs: vec![x], layers: vec![dense], outputs: vec!["dense".into()] };
    // 4 bits behind the sign times 2 (0.75), 1 (0.5), 0 and 3 (0.625), and 2 bits of a bias (0.375).
    let ebops = cost("ebops", &network, &Options::default());
    assert_eq!(ebops.total, 4.0 * (2.0 + 1.0 + 3.0) + 2.0);
    assert_eq!(ebops.rows.len(), 1);
    assert!(cost("luts", &network, &Options::default()).total > 0.0);
    assert_eq!(cost("latency", &network, &Options::default()).total % 5.0, 0.0);
}

#[test]
fn mistakes_name_the_layer_and_the_quantizer() {
    let mut network = network(&q6());
    network.layers[2].attributes.insert("kernel_quantizer".into(), "quantum(3)".into());
    for name in ["bits", "energy"] {
        let error = (find("cost", COSTS, name).unwrap().make)(&network, &Options::default()).unwrap_err();
        assert_eq!(error.place, ["layer `dense_2`", "`kernel_quantizer`"], "{error}");
        assert!(error.what.contains("quantum(3)"), "{error}");
    }
}

/// What QTools itself (qkeras-v3 1.2.1) gives for convolutions, normalisations, merges, and each class of weights on each
/// class of inputs: `scripts/fixtures_qtools.py` writes it.
#[test]
fn energies_of_qtools() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/energy");
    let golden = std::fs::read_to_string(folder.join("golden.json")).unwrap();
    let golden: serde_json::Value = serde_json::from_str(&golden).unwrap();
    let (mut layers, mut wrong) = (0, Vec::new());
    for (model, settings) in golden.as_object().unwrap() {
        let network = crate::frontends::read(&folder.join(format!("{model}.keras")), None).unwrap();
        for (setting, want) in settings.as_object().unwrap() {
            let energy = cost("energy", &network, &qtools(setting));
            for (layer, want) in want["layers"].as_object().unwrap() {
                let names = [
                    ("inputs", "inputs"),
                    ("parameters", "parameters"),
                    ("op_cost", "operations"),
                    ("outputs", "outputs"),
                ];
                for (theirs, ours) in names {
                    let (want, got) = (want[theirs].as_f64().unwrap(), part(&energy, layer, ours));
                    // QTools computes memories in float32.
                    if (want - got).abs() > 4e-6 * want {
                        wrong.push(format!("{model}, {setting}, {layer}: {theirs} {want}, ours {got}"));
                    }
                }
                layers += 1;
            }
            if want["total"] != energy.total as u64 {
                wrong.push(format!("{model}, {setting}: total {}, ours {}", want["total"], energy.total));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(layers > 200, "{layers}");
}

/// The settings of `scripts/fixtures_qtools.py`.
fn qtools(setting: &str) -> Options {
    let default = Energy::default();
    let of = |name: &str| Operand::named(name).unwrap();
    let energy = match setting {
        "paper" => default,
        "autoqkeras" => Energy {
            activations: Memory::Dram,
            sram_bits: 0.0,
            dram_io: true,
            internal: of("fp32"),
            accumulator: of("fp32"),
            ..default
        },
        "sram" => Energy { parameters: Memory::Sram, activations: Memory::Sram, sram_bits: 0.0, ..default },
        "dram" => Energy {
            parameters: Memory::Dram,
            activations: Memory::Sram,
            sram_bits: f64::from(1 << 20),
            internal: of("int16"),
            accumulator: of("int16"),
            ..default
        },
        "trained" => Energy { trained: true, ..default },
        other => panic!("{other}"),
    };
    let reading = Reading { input_formats: vec![(None, "fixed<15,6>".into())], ..Reading::default() };
    Options { energy, reading, ..Options::default() }
}
