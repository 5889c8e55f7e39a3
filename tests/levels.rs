//! Random networks of every kind of layer mean the same at every level, after every pass, with every scheduler, and as
//! files: written and read back, compiled once and again.

mod common;
mod structural;

use common::{Random, nanotrig};
use nanotrig::batch::Batch;
use nanotrig::compiler::{Level, Making, Meaning, Reading, agree, hardware, meaning};
use nanotrig::dfg::Evaluator;
use nanotrig::fixed::{Overflow, Rounding};
use nanotrig::frontends::{native, read};
use nanotrig::layers::LAYERS;
use nanotrig::multipliers::MULTIPLIERS;
use nanotrig::network::{Input, Layer, Network, Tensor};
use nanotrig::schedulers::{Goal, SCHEDULERS};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Networks in each test.
const NETWORKS: u64 = 200;
/// Samples of each network.
const SAMPLES: usize = 60;

/// A network that grows layer by layer.
struct Grower {
    random: Random,
    network: Network,
    /// Each value's name and shape.
    values: Vec<(String, Vec<usize>)>,
    /// Which of the structural kinds is next.
    turn: usize,
}

impl Grower {
    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.random.below(of.len())]
    }

    fn format(&mut self, width: usize) -> String {
        let width = 1 + self.random.below(width);
        let integer = self.random.below(5) as i32 - 1;
        let sign = *self.one(&["fixed", "ufixed"]);
        let (rounding, overflow) = (*self.one(&Rounding::ALL), *self.one(&Overflow::ALL));
        format!("{sign}<{width},{integer},{rounding},{overflow}>")
    }

    /// Weights on a grid of quarters.
    fn tensor(&mut self, shape: &[usize]) -> Tensor {
        let count = shape.iter().product();
        let mut weight = || if self.random.below(3) == 0 { 0.0 } else { (self.random.below(31) as f64 - 15.0) / 4.0 };
        Tensor { shape: shape.to_vec(), data: (0..count).map(|_| weight()).collect() }
    }

    /// Adds a layer and, lest widths grow without end, mostly a quantizer.
    fn push(&mut self, kind: &str, inputs: &[usize], shape: Vec<usize>, change: impl FnOnce(Layer) -> Layer) {
        let name = format!("l{}", self.network.layers.len());
        let inputs = inputs.iter().map(|at| self.values[*at].0.clone()).collect();
        self.network.layers.push(change(Layer::new(&name, kind, inputs)));
        self.values.push((name, shape));
        if kind != "quantize" && self.random.below(4) > 0 {
            self.quantize(self.values.len() - 1);
        }
    }

    fn quantize(&mut self, from: usize) {
        let format = self.format(6);
        let shape = self.values[from].1.clone();
        self.push("quantize", &[from], shape, |layer| layer.with("format", format));
    }

    /// A layer of sequences behind a value of two axes.
    fn sequence(&mut self, from: usize) {
        let shape = self.values[from].1.clone();
        let (steps, last) = (shape[0], shape[1]);
        let kind = *self.one(&["simple_rnn", "lstm", "gru", "time_distributed"]);
        let gates = ["simple_rnn", "", "gru", "lstm"].iter().position(|k| *k == kind).map_or(1, |at| at + 1);
        let kernel = self.tensor(&[last, gates]);
        if kind == "time_distributed" {
            return self.push(kind, &[from], vec![steps, gates], |layer| {
                layer.with("layer", "dense").with_tensor("kernel", kernel)
            });
        }
        let recurrent = self.tensor(&[1, gates]);
        self.push(kind, &[from], vec![steps, 1], |layer| {
            let layer = layer.with_tensor("kernel", kernel).with_tensor("recurrent_kernel", recurrent);
            let layer = layer.with("activation", "quantized_tanh(4)").with("return_sequences", true);
            let layer = layer.with("state_quantizer", "fixed<5,2,TRN,SAT>").with("go_backwards", steps % 2 == 0);
            if kind == "simple_rnn" { layer } else { layer.with("recurrent_activation", "quantized_sigmoid(3)") }
        });
    }

    /// A layer of a random kind behind a random value.
    fn grow(&mut self) {
        let from = self.random.below(self.values.len());
        let shape = self.values[from].1.clone();
        let (rank, last) = (shape.len(), *shape.last().unwrap());
        let units = 1 + self.random.below(3);
        let replaced = |with: usize| [&shape[..rank - 1], &[with]].concat();
        match self.random.below(18) {
            0 | 1 => {
                let (kernel, bias) = (self.tensor(&[last, units]), self.tensor(&[units]));
                let quantizer =
                    *self.one(&["fixed<6,4>", "quantized_bits(4,1,alpha=1)", "ternary(alpha=1)", "binary(alpha=1)"]);
                self.push("dense", &[from], replaced(units), |layer| {
                    let layer = layer.with("kernel_quantizer", quantizer);
                    layer.with_tensor("kernel", kernel).with_tensor("bias", bias)
                });
            }
            2 if rank == 3 && shape[0] > 1 && shape[1] > 1 => {
                let kernel = self.tensor(&[2, 2, last, units]);
                self.push("conv2d", &[from], vec![shape[0] - 1, shape[1] - 1, units], |l| {
                    l.with_tensor("kernel", kernel)
                });
            }
            3 | 13 if rank == 2 && self.random.below(3) > 0 => self.sequence(from),
            3 if rank == 2 => {
                let kernel = self.tensor(&[2, last, units]);
                self.push("conv1d", &[from], vec![shape[0], units], |layer| {
                    layer.with_tensor("kernel", kernel).with("padding", "same")
                });
            }
            4 if rank == 3 => {
                let pooled = vec![shape[0].div_ceil(2), shape[1].div_ceil(2), last];
                self.push("max_pool2d", &[from], pooled, |l| l.with("size", vec![2, 2]).with("padding", "same"));
            }
            5 => self.push("relu", &[from], shape, |layer| layer),
            6 => {
                let quantizer =
                    *self.one(&["quantized_relu(4,2)", "quantized_relu(4,2,negative_slope=0.25)", "quantized_tanh(4)"]);
                self.push("activation", &[from], shape, |layer| layer.with("function", quantizer));
            }
            7 => {
                let kind = *self.one(&["sum", "max"]);
                let axis = self.random.below(rank);
                let mut kept = shape.clone();
                kept[axis] = 1;
                self.push(kind, &[from], kept, |layer| layer.with("axis", axis as i64).with("keep_dims", true));
            }
            8 => {
                let kind = *self.one(&["add", "multiply", "concatenate"]);
                let same: Vec<usize> = (0..self.values.len()).filter(|at| self.values[*at].1 == shape).collect();
                let other = *self.one(&same);
                let shape = if kind == "concatenate" { replaced(2 * last) } else { shape.clone() };
                self.push(kind, &[from, other], shape, |layer| layer);
            }
            9 => {
                let perm: Vec<usize> = (0..rank).rev().collect();
                self.push("transpose", &[from], shape.iter().rev().copied().collect(), |l| l.with("perm", perm));
            }
            10 => {
                let elements = shape.iter().product::<usize>();
                let (kind, to) = if self.random.below(2) == 0 {
                    ("flatten", vec![elements])
                } else {
                    ("reshape", vec![elements, 1])
                };
                let shape = to.clone();
                self.push(
                    kind,
                    &[from],
                    shape,
                    |layer| if kind == "reshape" { layer.with("shape", to) } else { layer },
                );
            }
            11 => {
                self.push("quantize", &[from], shape.clone(), |layer| layer.with("format", "ufixed<3,3,TRN,WRAP>"));
                let mut entry = || self.random.below(64) as f64 - 32.0;
                let values = Tensor::vector((0..8).map(|_| entry()).collect());
                let at = self.values.len() - 1;
                self.push("table", &[at], shape, |layer| {
                    let layer =
                        layer.with("signed", false).with("integer", 3).with("fraction", 0).with("out_fraction", 2);
                    layer.with_tensor("values", values)
                });
            }
            12 => {
                let [mean, beta, gamma] = [0, 1, 2].map(|_| self.tensor(&[last]));
                let variance = Tensor::vector((0..last).map(|at| 0.5 + at as f64).collect());
                let name = self.values.len();
                self.push("batch_norm", &[from], shape.clone(), |layer| {
                    let layer = layer.with_tensor("mean", mean).with_tensor("variance", variance);
                    layer.with_tensor("beta", beta).with_tensor("gamma", gamma)
                });
                // Floats end at a quantizer.
                if self.values.len() == name + 1 {
                    self.quantize(name);
                }
                self.values.remove(name);
            }
            14..=17 => self.structural(from),
            _ => self.quantize(from),
        }
    }
}

/// A random network; outputs are what nothing reads.
fn network(seed: u64) -> Network {
    let network = Network { name: format!("random_{seed}"), inputs: vec![], layers: vec![], outputs: vec![] };
    let mut grower = Grower { random: Random(seed), network, values: vec![], turn: seed as usize };
    for at in 0..1 + grower.random.below(2) {
        let shape = [vec![3], vec![3, 2], vec![2, 3, 2]][grower.random.below(3)].clone();
        let format = grower.format(5);
        let name = format!("x{at}");
        grower.network.inputs.push(Input {
            name: name.clone(),
            shape: shape.clone(),
            format: Some(format),
            next: None,
        });
        grower.values.push((name, shape));
    }
    let layers = 2 + grower.random.below(6);
    while grower.network.layers.len() < layers {
        grower.grow();
    }
    let mut network = grower.network;
    let read: BTreeSet<String> = network.layers.iter().flat_map(|layer| layer.inputs.clone()).collect();
    let names = network.inputs.iter().map(|input| &input.name).chain(network.layers.iter().map(|layer| &layer.name));
    network.outputs = names.filter(|name| !read.contains(*name)).cloned().collect();
    network
}

/// The meaning of a random network, and vectors; `None` where its exact values outgrow the numbers.
fn sample(seed: u64) -> Option<(Network, Meaning, Batch)> {
    let network = network(seed);
    match meaning(&network, &Reading::default()) {
        Ok(meaning) => {
            let vectors = meaning.vectors(SAMPLES, seed);
            Some((network, meaning, vectors))
        }
        Err(error) => {
            let known = ["127 bits", "64 bits"].iter().any(|part| format!("{error}").contains(part));
            assert!(known, "seed {seed}: {error}\n{network:#?}");
            None
        }
    }
}

#[test]
fn levels_agree_after_every_pass() {
    let (mut made, mut kinds) = (0, BTreeMap::new());
    for seed in 0..NETWORKS {
        let Some((network, meaning, vectors)) = sample(seed) else { continue };
        made += 1;
        network.layers.iter().for_each(|layer| *kinds.entry(layer.kind.clone()).or_insert(0) += 1);
        let want = meaning.codes(&vectors).unwrap();
        assert_eq!(Evaluator::new(&meaning.dfg).unwrap().run(&vectors), want, "seed {seed}: before any pass");
        for multiplier in MULTIPLIERS {
            let making = Making { multiplier: multiplier.make, ..Making::default() };
            let hardware = hardware(&meaning.dfg, &making, |pass, dfg| {
                assert_eq!(Evaluator::new(dfg).unwrap().run(&vectors), want, "seed {seed}: after {pass}");
            });
            let hardware = hardware.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            agree(&meaning, &hardware, &vectors).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        }
    }
    println!("{made} of {NETWORKS} networks: {kinds:?}");
    assert!(made * 10 >= NETWORKS * 8, "most networks are small enough");
    let golden = common::golden_kinds();
    for entry in LAYERS {
        let seen = kinds.contains_key(entry.name) || golden.contains(entry.name);
        assert!(seen, "neither a random network nor a golden one (tests/data) has a {} layer", entry.name);
    }
}

#[test]
fn schedulers_keep_the_function() {
    for seed in 0..NETWORKS / 2 {
        let Some((_, meaning, vectors)) = sample(seed) else { continue };
        let want = meaning.codes(&vectors).unwrap();
        for scheduler in SCHEDULERS {
            for stages in [1, 2, 5] {
                let goal = Goal { period: None, stages: Some(stages), ..Goal::default() };
                let making = Making { scheduler: scheduler.make, goal, reset: stages == 2, ..Making::default() };
                let hardware = hardware(&meaning.dfg, &making, |_, _| ());
                let hardware = hardware.unwrap_or_else(|error| panic!("seed {seed}: {}: {error}", scheduler.name));
                assert_eq!(hardware.netlist.latency, stages);
                let got = hardware.codes(Level::Netlist, &vectors).unwrap();
                assert_eq!(got, want, "seed {seed}: {} with {stages} stages", scheduler.name);
            }
        }
    }
}

#[test]
fn native_files_keep_the_network() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.toml");
    for seed in 0..NETWORKS {
        let network = network(seed);
        native::write(&network, &path).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert_eq!(read(&path, None).unwrap(), network, "seed {seed}");
    }
}

/// The program: `import` and `run` give what `run` gives.
#[test]
fn imported_networks_give_the_same_outputs() {
    let folder = tempfile::tempdir().unwrap();
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/qkeras/fixed_mlp.json");
    let vectors = format!("{}:x", model.with_extension("npz").display());
    let run = |arguments: &[&str]| {
        let ran = nanotrig(folder.path(), arguments);
        assert_eq!(ran.status, 0, "{arguments:?}: {}", ran.err);
    };
    run(&["import", model.to_str().unwrap(), "-o", "net.toml"]);
    run(&["run", model.to_str().unwrap(), "--input", &vectors, "--output", "a.npy"]);
    for level in ["tensor", "dfg", "netlist"] {
        run(&["run", "net.toml", "--input", &vectors, "--output", "b.npy", "--level", level]);
        let bytes = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
        assert!(bytes("a.npy").len() > 200);
        assert_eq!(bytes("a.npy"), bytes("b.npy"), "{level}");
    }
}

/// All files of a folder, by their path in it.
fn files(folder: &Path, below: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, below, found);
        } else {
            found.insert(path.strip_prefix(below).unwrap().display().to_string(), std::fs::read(&path).unwrap());
        }
    }
}

/// `report.json` without the times that the compile and its proof took.
fn timeless(report: &[u8]) -> Value {
    let mut report: Value = serde_json::from_slice(report).unwrap();
    assert!(report["compile_s"].as_f64().unwrap() >= 0.0);
    report["compile_s"] = json!(0);
    report["proof"]["seconds"] = json!(0);
    report
}

/// The same network gives the same bytes, wherever its file and the output are; only the compile's time differs.
#[test]
fn compiled_again_the_files_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for seed in [3, 4, 5] {
        let network = network(seed);
        let mut made = Vec::new();
        for place in ["here", "some/where/else"] {
            let place = folder.path().join(place);
            std::fs::create_dir_all(&place).unwrap();
            native::write(&network, &place.join("net.toml")).unwrap();
            let ran = nanotrig(&place, &["compile", "net.toml", "-o", "out", "--clock", "300", "--reset"]);
            assert_eq!(ran.status, 0, "seed {seed}: {}", ran.err);
            let mut found = BTreeMap::new();
            files(&place.join("out"), &place.join("out"), &mut found);
            made.push(found);
        }
        let (first, second) = (&made[0], &made[1]);
        assert!(first.len() > 10 && first.keys().eq(second.keys()), "{:?}", first.keys());
        for (name, bytes) in first {
            match name.as_str() {
                "report.json" => assert_eq!(timeless(bytes), timeless(&second[name])),
                "report.html" => (),
                _ => assert!(*bytes == second[name], "seed {seed}: {name} differs"),
            }
        }
    }
}
