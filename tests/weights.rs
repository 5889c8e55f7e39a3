//! Weights at run time: on the ports a network's own weights are the network, others are the network that has those, in every
//! level and in Verilator; registers change all at once. Without Verilator or Icarus the tests say so and pass.

mod common;

use common::{Random, nanotrig};
use nanotrig::batch::Batch;
use nanotrig::compiler::{Making, Meaning, Reading, WeightStorage, agree, hardware, meaning, own_weights_agree};
use nanotrig::frontends::native;
use nanotrig::network::{Input, Layer, Network, Tensor};
use std::path::Path;
use std::process::Command;

fn installed(tool: &str, version: &str) -> bool {
    let found = Command::new(tool).arg(version).output().is_ok();
    if !found {
        println!("skipped: {tool} is not installed");
    }
    found
}

fn tensor(random: &mut Random, shape: &[usize]) -> Tensor {
    let count = shape.iter().product();
    let data = (0..count).map(|_| random.below(16) as f64 / 8.0 - 1.0).collect();
    Tensor { shape: shape.to_vec(), data }
}

const KERNEL: &str = "fixed<4,1,RND,SAT>";
const BIAS: &str = "fixed<5,2,RND,SAT>";
const ACTIVATION: &str = "ufixed<4,1,RND,SAT>";

/// A layer with quantizers, and tensors of these names and shapes.
fn layer(random: &mut Random, kind: &str, from: &str, quantizers: &[&str], tensors: &[(&str, &[usize])]) -> Layer {
    let mut layer = Layer::new(format!("my {kind}"), kind, vec![from.into()]).with("activation", ACTIVATION);
    for quantizer in quantizers {
        layer = layer.with(quantizer, if *quantizer == "bias_quantizer" { BIAS } else { KERNEL });
    }
    tensors.iter().fold(layer, |layer, (name, shape)| layer.with_tensor(name, tensor(random, shape)))
}

/// An image through a convolution, a separable and a depthwise one, and a dense layer.
fn network(seed: u64) -> Network {
    let mut random = Random(seed);
    let both = ["kernel_quantizer", "bias_quantizer"];
    let conv = layer(&mut random, "conv2d", "image", &both, &[("kernel", &[2, 2, 1, 2]), ("bias", &[2])]);
    let separable = ["depthwise_quantizer", "pointwise_quantizer", "bias_quantizer"];
    let tensors: [(&str, &[usize]); 3] =
        [("depthwise_kernel", &[2, 2, 2, 1]), ("pointwise_kernel", &[1, 1, 2, 2]), ("bias", &[2])];
    let separable = layer(&mut random, "separable_conv2d", "my conv2d", &separable, &tensors).with("padding", "same");
    let depthwise =
        layer(&mut random, "depthwise_conv2d", "my separable_conv2d", &both[..1], &[("kernel", &[2, 1, 2, 1])]);
    let flat = Layer::new("flat", "flatten", vec!["my depthwise_conv2d".into()]);
    let dense = layer(&mut random, "dense", "flat", &both, &[("kernel", &[8, 2]), ("bias", &[2])]);
    Network {
        name: "chip".into(),
        inputs: vec![Input {
            name: "image".into(),
            shape: vec![4, 3, 1],
            format: Some("fixed<4,2>".into()),
            next: None,
        }],
        layers: vec![conv, separable, depthwise, flat, dense],
        outputs: vec!["my dense".into()],
    }
}

fn read(network: &Network, weights: WeightStorage) -> Meaning {
    meaning(network, &Reading { weights, ..Reading::default() }).expect("a network")
}

#[test]
fn weights_on_ports_are_the_network_that_has_them() {
    let own = network(1);
    let reading = Reading { weights: WeightStorage::Ports, ..Reading::default() };
    let ports = read(&own, WeightStorage::Ports);
    let names: Vec<&str> = ports.dfg.inputs.iter().map(|port| port.name.as_str()).collect();
    let tensors = ["my_separable_conv2d_depthwise_kernel", "my_depthwise_conv2d_kernel", "my_dense_bias"];
    assert!(tensors.iter().all(|name| names.contains(name)) && names.len() == 9, "{names:?}");
    let made = hardware(&ports.dfg, &Making::default(), |_, _| ()).expect("hardware");
    let vectors = ports.vectors(300, 3);
    agree(&ports, &made, &vectors).expect("equal levels");
    own_weights_agree(&own, &reading, &ports, &vectors).expect("the network");
    // What other weights on the ports give, and the network that has them as constants.
    for seed in 2..6 {
        let other = network(seed);
        let theirs = read(&other, WeightStorage::Ports);
        assert_eq!(theirs.dfg, ports.dfg, "the circuit does not depend on the weights");
        assert_ne!(theirs.own_weights(), ports.own_weights());
        let constant = read(&other, WeightStorage::Constant);
        let events = constant.vectors(100, seed);
        let mut inputs = Batch::new(vectors.columns);
        for row in 0..events.rows() {
            inputs.data.extend(events.row(row).iter().chain(&theirs.own_weights()));
        }
        let want = constant.values(&constant.codes(&events).expect("codes")).expect("values");
        let codes = agree(&ports, &made, &inputs).expect("equal levels");
        assert_eq!(ports.values(&codes).expect("values"), want);
    }
}

/// A compile of the network in `DIR/out`.
fn compiled(dir: &Path, options: &[&str]) {
    native::write(&network(1), &dir.join("net.toml")).expect("written");
    let ran = nanotrig(dir, &[&["compile", "net.toml", "-o", "out", "--no-prove"], options].concat());
    assert_eq!(ran.status, 0, "{}", ran.err);
}

#[test]
fn verilator_agrees() {
    if !installed("verilator", "--version") {
        return;
    }
    for (storage, lines) in [("ports", 1), ("registers", 2)] {
        let dir = tempfile::tempdir().expect("a folder");
        compiled(dir.path(), &["--weight-storage", storage]);
        let ran = nanotrig(dir.path(), &["verify", "out", "--vectors", "1500"]);
        assert_eq!(ran.status, 0, "{storage}: {}{}", ran.out, ran.err);
        let good = ran.out.lines().filter(|line| line.contains("1500 vectors, ") && line.ends_with(": 0 mismatches"));
        assert_eq!(good.count(), lines, "{storage}: {}", ran.out);
    }
}

/// Two inputs, one output: for what is built many times.
fn tiny() -> Network {
    let tensors: [(&str, &[usize]); 2] = [("kernel", &[2, 1]), ("bias", &[1])];
    let dense = layer(&mut Random(1), "dense", "x", &["kernel_quantizer", "bias_quantizer"], &tensors);
    let inputs = vec![Input { name: "x".into(), shape: vec![2], format: Some("fixed<4,2>".into()), next: None }];
    Network { name: "tiny".into(), inputs, layers: vec![dense], outputs: vec!["my dense".into()] }
}

/// Registers that change one by one, too late, or not all: the test bench sees events of mixed weights.
#[test]
fn faults_of_registers_are_found() {
    if !installed("verilator", "--version") {
        return;
    }
    let faults = [
        ("        words <= waiting;", "        words[31:0] <= waiting[31:0];"),
        ("      if (change) begin", "      if (write) words <= waiting;\n      if (change) begin"),
        ("      words <= FIRST;", "      words <= ~FIRST;"),
        ("if (wstrb[1]) ", ""),
        ("bvalid <= write |", "bvalid <= change |"),
    ];
    for (right, wrong) in faults {
        let dir = tempfile::tempdir().expect("a folder");
        native::write(&tiny(), &dir.path().join("tiny.toml")).expect("written");
        let ran = nanotrig(dir.path(), &["compile", "tiny.toml", "-o", "out", "--weight-storage", "registers"]);
        assert_eq!(ran.status, 0, "{}", ran.err);
        let path = dir.path().join("out/hdl/stream/nanotrig_registers.v");
        let text = std::fs::read_to_string(&path).expect("a text");
        assert!(text.contains(right), "{right}");
        std::fs::write(path, text.replace(right, wrong)).expect("writable");
        let ran = nanotrig(dir.path(), &["verify", "out", "--vectors", "200"]);
        assert_eq!(ran.status, 1, "{wrong}: {}{}", ran.out, ran.err);
        assert!(ran.out.contains("mismatch: cycle "), "{wrong}: {}", ran.out);
    }
}

#[test]
fn registers_lint() {
    if !installed("verilator", "--version") || !installed("iverilog", "-V") {
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    compiled(dir.path(), &["--weight-storage", "registers"]);
    let folder = dir.path().join("out/shell");
    let folders = ["-y", "../verilog", "-y", "../hdl/stream"];
    let mut verilator = Command::new("verilator");
    verilator.args(["--lint-only", "-Wall", "--top-module", "chip_registers"]).args(folders);
    let mut iverilog = Command::new("iverilog");
    iverilog.args(["-g2001", "-Wall", "-t", "null", "-s", "chip_registers"]).args(folders);
    for command in [&mut verilator, &mut iverilog] {
        let output = command.arg("chip_registers.v").current_dir(&folder).output().expect("it starts");
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && text.trim().is_empty(), "{text}");
    }
}

#[test]
fn the_table_names_every_weight() {
    let dir = tempfile::tempdir().expect("a folder");
    compiled(dir.path(), &["--weight-storage", "registers"]);
    let text = std::fs::read_to_string(dir.path().join("out/weights.csv")).expect("a text");
    let lines: Vec<&str> = text.lines().collect();
    let network = network(1);
    let weights: usize = network.layers.iter().flat_map(|layer| layer.tensors.values()).map(|t| t.data.len()).sum();
    assert_eq!(lines.len(), weights + 1);
    let value = network.layers[0].tensors["kernel"].data[2];
    let code = (value * 8.0) as i64;
    // The estimates of such circuits are not of the kind that was fitted, and say so.
    let page = |dir: &Path| std::fs::read_to_string(dir.join("out/report.html")).expect("a page");
    let products = "no products of two variables were among them";
    assert!(page(dir.path()).contains(products));
    compiled(dir.path(), &[]);
    assert!(!page(dir.path()).contains(products));
    let third = format!("my_conv2d_kernel,2,my conv2d,kernel,8,4,12,\"fixed<4,1>\",{code},{value}");
    assert!(lines.contains(&third.as_str()), "{third}\n{text}");
}

#[test]
fn what_cannot_change_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    compiled(dir.path(), &[]);
    let refused = |arguments: &[&str], part: &str| {
        let ran = nanotrig(dir.path(), &[arguments, &["-o", "no"]].concat());
        assert_eq!(ran.status, 2, "{arguments:?}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(part), "{arguments:?}: {}", ran.err);
        assert!(!dir.path().join("no").exists());
    };
    let ports = ["--weight-storage", "ports"];
    let with = |model: &'static str, more: &[&'static str]| [&["compile", model], &ports[..], more].concat();
    refused(&with("net.toml", &["--interval", "2"]), "--weight-storage with --interval: ");
    refused(&with("net.toml", &["--interface", "axi-stream"]), "--weight-storage with --interface: ");
    refused(&["split", "net.toml", "--parts", "2", "--weight-storage", "ports"], "--weight-storage");
    refused(&["stream", "net.toml", "--weight-storage", "ports"], "--weight-storage");
    let write = |name: &str, change: &dyn Fn(&mut Layer)| {
        let mut network = network(1);
        change(&mut network.layers[4]);
        native::write(&network, &dir.path().join(name)).expect("written");
    };
    write("scaled.toml", &|layer| {
        layer.attributes.insert("kernel_quantizer".into(), "quantized_bits(4,0,alpha='auto')".into());
    });
    refused(&with("scaled.toml", &[]), "layer `my dense`: its bias stands behind a float32 scale");
    write("casts.toml", &|layer| {
        layer.attributes.insert("accumulator_format".into(), "fixed<12,6>".into());
    });
    refused(&with("casts.toml", &[]), "layer `my dense`: its kernel cannot be changed at run time");
    let mut plain = network(1);
    plain.layers = vec![Layer::new("flat", "flatten", vec!["image".into()])];
    plain.outputs = vec!["flat".into()];
    native::write(&plain, &dir.path().join("plain.toml")).expect("written");
    refused(&with("plain.toml", &[]), "no layer has a kernel or bias");
}
