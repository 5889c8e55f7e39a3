//! Convolutional networks for images that come pixel by pixel: the chain of circuits gives what the network gives.

mod common;

use common::{Random, nanotrig};
use nanotrig::frontends::native;
use nanotrig::network::{Input, Layer, Network, Tensor};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// A chain that grows layer by layer.
struct Grower {
    random: Random,
    network: Network,
}

impl Grower {
    fn new(seed: u64, shape: [usize; 3]) -> Grower {
        let input = Input { name: "image".into(), shape: shape.into(), format: Some("fixed<5,2>".into()), next: None };
        let name = format!("chain_{seed}");
        let network = Network { name, inputs: vec![input], layers: Vec::new(), outputs: Vec::new() };
        Grower { random: Random(seed), network }
    }

    fn tensor(&mut self, shape: &[usize]) -> Tensor {
        let mut weight = || (self.random.below(31) as f64 - 15.0) / 8.0;
        Tensor { shape: shape.to_vec(), data: (0..shape.iter().product()).map(|_| weight()).collect() }
    }

    fn push(mut self, kind: &str, change: impl FnOnce(&mut Grower, Layer) -> Layer) -> Grower {
        let before = self.network.outputs.pop().unwrap_or("image".into());
        let name = format!("{kind}_{}", self.network.layers.len() + 1);
        let layer = change(&mut self, Layer::new(&name, kind, vec![before]));
        self.network.layers.push(layer);
        self.network.outputs = vec![name];
        self
    }

    fn conv(self, kernel: [usize; 4], strides: [usize; 2]) -> Grower {
        let conv = self.push("conv2d", |own, layer| {
            let (kernel, bias) = (own.tensor(&kernel), own.tensor(&kernel[3..]));
            layer.with_tensor("kernel", kernel).with_tensor("bias", bias).with("strides", strides.to_vec())
        });
        conv.quantize()
    }

    fn quantize(self) -> Grower {
        let relu = self.push("relu", |_, layer| layer);
        relu.push("quantize", |_, layer| layer.with("format", "ufixed<5,3,RND,SAT>"))
    }

    fn pool(self, kind: &str, size: [usize; 2]) -> Grower {
        self.push(kind, |_, layer| layer.with("size", size.to_vec()))
    }

    /// What lies beside the map, for the last layer with windows.
    fn padded(mut self, padding: Value) -> Grower {
        let layer = self.network.layers.iter_mut().rev().find(|layer| layer.kind.ends_with("2d")).expect("a layer");
        *layer = layer.clone().with("padding", padding);
        self
    }

    fn dense(self, shape: [usize; 2]) -> Grower {
        self.push("dense", |own, layer| layer.with_tensor("kernel", own.tensor(&shape)))
    }

    fn flatten(self) -> Grower {
        self.push("flatten", |_, layer| layer)
    }
}

/// Compiles and, where Verilator is there, simulates; gives the summary.
fn streamed(network: &Network, options: &[&str], dir: &Path) -> String {
    native::write(network, &dir.join("net.toml")).expect("a writable folder");
    let simulated = Command::new("verilator").arg("--version").output().is_ok();
    let mut arguments = vec!["stream", "net.toml", "-o", "out"];
    arguments.extend(options);
    if simulated {
        arguments.extend(["--verify", "12"]);
    } else {
        eprintln!("skipped: verilator is not installed");
    }
    let ran = nanotrig(dir, &arguments);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("the circuits together give what the network gives"), "{}", ran.out);
    assert!(!simulated || ran.out.contains(": 0 mismatches"), "{}", ran.out);
    ran.out
}

#[test]
fn chains_give_what_networks_give() {
    let chains: [(Grower, &[&str]); 3] = [
        // Maps whose last row and column no window reaches, digits behind a pool, an image after the other.
        (
            Grower::new(1, [8, 7, 2])
                .conv([3, 3, 2, 3], [1, 1])
                .pool("max_pool2d", [2, 2])
                .conv([2, 2, 3, 4], [1, 1])
                .flatten()
                .dense([2 * 4, 3]),
            &[],
        ),
        // Strides, a window of one pixel, a mean, and pixels that come every other clock.
        (
            Grower::new(2, [9, 8, 1])
                .conv([3, 2, 1, 2], [2, 2])
                .conv([1, 1, 2, 3], [1, 1])
                .pool("average_pool2d", [2, 2])
                .flatten()
                .dense([2 * 2 * 3, 2]),
            &["--interval", "2"],
        ),
        // Layers behind the flattened map, for a device with cells of its own.
        (
            Grower::new(3, [4, 4, 3]).conv([2, 2, 3, 3], [1, 1]).flatten().dense([27, 4]).quantize().dense([4, 2]),
            &["--target", "ultrascale-plus"],
        ),
    ];
    for (chain, options) in chains {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let said = streamed(&chain.network, options, dir.path());
        assert!(said.lines().count() > 4, "{said}");
    }
}

#[test]
fn windows_reach_beyond_maps() {
    let same = || json!("same");
    let chains: [(Grower, &[&str]); 3] = [
        // A map of odd rows, digits behind a pool whose last windows wait for made-up pixels.
        (
            Grower::new(6, [7, 6, 2])
                .conv([3, 3, 2, 3], [1, 1])
                .padded(same())
                .pool("max_pool2d", [2, 2])
                .padded(same())
                .conv([3, 3, 3, 2], [1, 1])
                .padded(same())
                .flatten()
                .dense([4 * 3 * 2, 3]),
            &[],
        ),
        // Strides over an odd row, a window that only reaches behind the map, means that count what lies there, and pixels
        // that come every other clock.
        (
            Grower::new(7, [8, 9, 1])
                .conv([3, 3, 1, 2], [1, 2])
                .padded(same())
                .conv([2, 2, 2, 2], [1, 1])
                .padded(same())
                .push("average_pool2d", |_, layer| layer.with("size", vec![2, 2]).with("count_include_pad", true))
                .padded(json!([[1, 0], [0, 1]]))
                .flatten()
                .dense([4 * 3 * 2, 2]),
            &["--interval", "2"],
        ),
        // Layers before the first windows, maxima of negative numbers, a border, rows above and not below, a large window.
        (
            Grower::new(8, [6, 7, 2])
                .push("dense", |own, layer| {
                    let (kernel, bias) = (own.tensor(&[2, 2]), own.tensor(&[2]));
                    layer.with_tensor("kernel", kernel).with_tensor("bias", bias)
                })
                .push("quantize", |_, layer| layer.with("format", "fixed<4,3,RND,SAT>"))
                .push("max_pool2d", |_, layer| layer.with("size", vec![3, 3]).with("strides", vec![1, 1]))
                .padded(same())
                .push("pad", |_, layer| layer.with("padding", json!([[1, 1], [0, 1]])))
                .conv([3, 2, 2, 2], [1, 1])
                .conv([2, 3, 2, 2], [1, 2])
                .padded(json!([[1, 0], [1, 1]]))
                .conv([5, 4, 2, 1], [1, 1])
                .padded(same())
                .flatten()
                .dense([6 * 4, 2]),
            &[],
        ),
    ];
    for (chain, options) in chains {
        let dir = tempfile::tempdir().expect("a temporary folder");
        streamed(&chain.network, options, dir.path());
    }
}

#[test]
fn verilog_of_chains_is_clean() {
    let chain = Grower::new(4, [5, 6, 2]).conv([3, 3, 2, 2], [1, 1]).padded(json!("same")).conv([2, 1, 2, 2], [1, 1]);
    let chain = chain.padded(json!([[1, 0], [0, 0]])).conv([3, 3, 2, 2], [1, 1]).pool("max_pool2d", [2, 2]).flatten();
    let dir = tempfile::tempdir().expect("a temporary folder");
    native::write(&chain.dense([4, 2]).network, &dir.path().join("net.toml")).expect("a writable folder");
    let ran = nanotrig(dir.path(), &["stream", "net.toml", "-o", "out"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    let tools: [(&str, &[&str]); 2] = [
        ("verilator", &["--lint-only", "-Wall", "--top-module", "chain_4_stream"]),
        ("iverilog", &["-g2005", "-Wall", "-t", "null", "-s", "chain_4_stream"]),
    ];
    for (tool, arguments) in tools {
        let mut command = Command::new(tool);
        let files = ["verilog", "hdl/stream"].iter().flat_map(|folder| {
            let entries = std::fs::read_dir(dir.path().join("out").join(folder)).expect("a folder");
            entries.map(|entry| entry.expect("a file").path())
        });
        let Ok(output) = command.args(arguments).args(files).output() else {
            eprintln!("skipped: {tool} is not installed");
            continue;
        };
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.trim().is_empty(), "{tool}: {said}");
    }
}

#[test]
fn what_does_not_stream_is_said() {
    let base = || Grower::new(5, [6, 6, 1]);
    let grown = base().conv([3, 3, 1, 1], [1, 1]).padded(json!([[2, 1], [0, 0]])).flatten().network;
    let mean = base().pool("average_pool2d", [4, 4]).padded(json!("same")).flatten().network;
    let bordered =
        |value: f64| base().push("pad", |_, layer| layer.with("padding", json!([[1, 1], [1, 1]])).with("value", value));
    let mut skip = base().conv([1, 1, 1, 1], [1, 1]).push("add", |_, layer| layer).flatten().network;
    skip.layers[3].inputs.push("image".into());
    let cases = [
        (grown, "layer `conv2d_1`", "its padding makes the map larger"),
        (mean, "layer `average_pool2d_1`", "means are of fewer pixels"),
        (bordered(0.5).conv([2, 2, 1, 1], [1, 1]).flatten().network, "layer `pad_1`", "no border of zeros"),
        (bordered(0.0).flatten().network, "layer `flatten_2`", "`pad_1` does not stream before `flatten`"),
        (skip, "layer `add_4`", "a chain of layers"),
        (base().conv([3, 3, 1, 1], [1, 1]).network, "net.toml", "there is no `flatten`"),
        (
            base().push("transpose", |_, l| l.with("perm", vec![1, 0, 2])).flatten().network,
            "`transpose_1`",
            "does not stream",
        ),
    ];
    for (network, place, what) in cases {
        let dir = tempfile::tempdir().expect("a temporary folder");
        native::write(&network, &dir.path().join("net.toml")).expect("a writable folder");
        let ran = nanotrig(dir.path(), &["stream", "net.toml", "-o", "out"]);
        assert_eq!(ran.status, 2, "{what}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(place) && ran.err.contains(what) && ran.err.contains("help:"), "{what}: {}", ran.err);
        assert!(!dir.path().join("out").exists(), "{what}: nothing is left");
    }
}
