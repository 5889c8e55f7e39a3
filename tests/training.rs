//! Networks learn, the integer evaluator agrees, and an interrupted run goes on as if nothing had happened. Needs
//! `--features train`.
#![cfg(feature = "train")]

use nanotrig::network::{Input, Layer, Network};
use nanotrig::random::Random;
use nanotrig::samples::Samples;
use nanotrig::training::{Data, Recipe, Run, Split, Targets, Trained, initialise, score, standardise, train};

/// A multilayer perceptron without weights, with an activation behind each hidden layer.
fn perceptron(kernel: &str, activation: &str, widths: &[usize]) -> Network {
    let x = Input { name: "x".into(), shape: vec![8], format: Some("fixed<8,3,RND,SAT>".into()), next: None };
    let mut layers = Vec::new();
    let mut before = "x".to_string();
    for (index, units) in widths.iter().enumerate() {
        let name = format!("dense_{}", index + 1);
        let mut layer = Layer::new(&*name, "dense", vec![before]).with("units", *units);
        layer = layer.with("kernel_quantizer", kernel).with("bias_quantizer", "quantized_bits(8,2,alpha=1)");
        if index + 1 < widths.len() {
            layer = layer.with("activation", activation);
        }
        layers.push(layer);
        before = name;
    }
    Network { name: "net".into(), inputs: vec![x], layers, outputs: vec![before] }
}

/// Points around two centres for each class.
fn blobs(rows: usize, columns: usize, classes: usize, seed: u64) -> Data {
    let mut random = Random::new(seed);
    let mut data = Vec::new();
    let mut labels = Vec::new();
    for row in 0..rows {
        let class = row % classes;
        labels.push(class);
        for column in 0..columns {
            let centre = Random::new((class * columns + column) as u64).unit() * 3.0 - 1.5;
            data.push(centre + random.unit() + random.unit() - 1.0);
        }
    }
    Data { inputs: Samples { columns, data }, targets: Targets::Classes { classes: labels, soft: None } }
}

#[test]
fn depthwise_and_separable_layers_begin_with_random_kernels() {
    let layer = |kind: &str, from: &str| {
        let layer = Layer::new(kind, kind, vec![from.into()]).with("kernel_size", vec![3, 2]);
        layer.with("depthwise_quantizer", "fixed<4,1>").with("bias_quantizer", "fixed<4,1>")
    };
    let mut depthwise = layer("depthwise_conv2d", "x").with("kernel_quantizer", "fixed<4,1>");
    depthwise.attributes.remove("depthwise_quantizer");
    let separable =
        layer("separable_conv2d", "depthwise_conv2d").with("filters", 5).with("pointwise_quantizer", "fixed<4,1>");
    let network = Network {
        name: "net".into(),
        inputs: vec![Input { name: "x".into(), shape: vec![8, 8, 2], format: Some("fixed<4,2>".into()), next: None }],
        layers: vec![depthwise, separable],
        outputs: vec!["separable_conv2d".into()],
    };
    let filled = initialise(&network, 1).unwrap();
    let shapes: Vec<(&str, &[usize])> = (filled.layers.iter().flat_map(|layer| &layer.tensors))
        .map(|(name, tensor)| (name.as_str(), tensor.shape.as_slice()))
        .collect();
    let wanted: [(&str, &[usize]); 5] = [
        ("bias", &[2]),
        ("kernel", &[3, 2, 2, 1]),
        ("bias", &[5]),
        ("depthwise_kernel", &[3, 2, 2, 1]),
        ("pointwise_kernel", &[1, 1, 2, 5]),
    ];
    assert_eq!(shapes, wanted);
    assert!(filled.layers[1].tensors["depthwise_kernel"].data.iter().any(|weight| *weight != 0.0));
    nanotrig::layers::expand(&filled, &nanotrig::layers::Options::default()).expect("a network");
}

/// Numbers that depend on the inputs, and more where the last one is great: mean and Cholesky factor are to be learned.
#[test]
fn uncertainties_are_learned_and_the_evaluator_agrees() {
    let mut random = Random::new(3);
    let (mut inputs, mut targets) = (Vec::new(), Vec::new());
    for _ in 0..1500 {
        let x: Vec<f64> = (0..8).map(|_| 2.0 * random.unit() - 1.0).collect();
        let error = |random: &mut Random| (random.unit() + random.unit() - 1.0) * (3.0 + x[7]);
        targets.extend([2.0 * x[0] + error(&mut random), x[1] - x[2] + error(&mut random)]);
        inputs.extend(x);
    }
    let targets = Targets::Values(Samples { columns: 2, data: targets });
    let split = Data { inputs: Samples { columns: 8, data: inputs }, targets }.split(0.2, 1).unwrap();
    let recipe = "loss = { kind = 'gaussian_nll' }\noptimizer = { rate = 0.003 }";
    let recipe = Recipe { epochs: 10, batch: 64, ..Recipe::parse(recipe).unwrap() };
    let mut network = perceptron("fixed<8,2,RND,SAT>", "quantized_relu(6,2)", &[16, 5]);
    let bias = nanotrig::network::Tensor::vector(vec![0.0, 3.0, 0.0, 3.0, 0.0]);
    network.layers[1].tensors.insert("bias".into(), bias);
    let trained = train(&network, &split, &recipe, &mut |_| ()).unwrap();
    let best = trained.history.iter().min_by(|a, b| a.validation_loss.total_cmp(&b.validation_loss)).unwrap();
    assert!((trained.score.loss - best.validation_loss).abs() < 1e-4, "{:?} {}", trained.score, best.validation_loss);
    assert!(trained.score.loss < trained.history[0].loss);
}

#[test]
fn a_network_learns_and_the_evaluator_agrees() {
    let recipe = Recipe { epochs: 8, batch: 64, ..Recipe::parse("optimizer = { rate = 0.01 }").unwrap() };
    let split = blobs(1500, 8, 3, 1).split(0.2, 1).unwrap();
    let network = perceptron("quantized_bits(4,0,alpha=1)", "quantized_relu(4,2)", &[16, 3]);
    let mut seen = 0;
    let trained = train(&network, &split, &recipe, &mut |_| seen += 1).unwrap();
    assert_eq!(seen, 8);
    let best = trained.history.iter().min_by(|a, b| a.validation_loss.total_cmp(&b.validation_loss)).unwrap();
    assert!(trained.score.accuracy.unwrap() > 0.9, "{:?}", trained.score);
    assert_eq!(trained.score.accuracy, best.accuracy, "float and integers agree");
    assert!((trained.score.loss - best.validation_loss).abs() < 1e-6);
    let again = train(&network, &split, &recipe, &mut |_| ()).unwrap();
    assert_eq!(trained.network, again.network, "the same seed gives the same weights");
    assert_eq!(score(&again.network, &split.validation, &recipe.loss).unwrap(), trained.score);
}

#[test]
fn two_ports_learn_as_one_does() {
    let recipe = Recipe { epochs: 2, batch: 64, ..Recipe::parse("optimizer = { rate = 0.01 }").unwrap() };
    let split = blobs(600, 8, 3, 1).split(0.2, 1).unwrap();
    let one = perceptron("quantized_bits(4,0,alpha=1)", "quantized_relu(4,2)", &[16, 3]);
    let mut two = one.clone();
    let port = |name: &str, length: usize| Input { name: name.into(), shape: vec![length], ..one.inputs[0].clone() };
    two.inputs = vec![port("a", 5), port("b", 3)];
    two.layers.insert(0, Layer::new("x", "concatenate", vec!["a".into(), "b".into()]));
    let [one, two] = [one, two].map(|network| train(&network, &split, &recipe, &mut |_| ()).unwrap());
    assert_eq!(two.network.layers[1..], one.network.layers[..]);
    assert_eq!((two.history, two.score), (one.history, one.score));
}

/// The recipe of short runs.
fn short(more: &str) -> Recipe {
    let recipe = Recipe::parse(&format!("{more}\noptimizer = {{ rate = 0.01 }}")).unwrap();
    Recipe { epochs: 6, batch: 64, ..recipe }
}

#[test]
fn a_run_that_stopped_goes_on_to_the_same_weights() {
    let recipe = short("front = 3\npruning = { sparsity = 0.5, every = 5 }");
    let split = blobs(600, 8, 3, 1).split(0.2, 1).unwrap();
    let network = perceptron("ternary", "quantized_bits(4,2,alpha=1)", &[16, 3]);
    let whole = train(&network, &split, &recipe, &mut |_| ()).unwrap();
    let mut first = Run::new(&network, &split, &recipe).unwrap();
    for _ in 0..3 {
        first.epoch().unwrap();
    }
    let checkpoint = first.checkpoint().unwrap();
    let mut second = Run::new(&network, &split, &recipe).unwrap();
    second.restore(&checkpoint).unwrap();
    while !second.finished() {
        second.epoch().unwrap();
    }
    let resumed = second.finish().unwrap();
    assert_eq!(resumed.network, whole.network);
    assert_eq!(resumed.history, whole.history);
    let points = |trained: &Trained| trained.front.iter().map(|p| (p.epoch, p.network.clone())).collect::<Vec<_>>();
    assert_eq!(points(&resumed), points(&whole));
    assert!(!whole.front.is_empty());
    assert_eq!(resumed.score, whole.score);
}

#[test]
fn pruned_weights_are_zero() {
    let recipe = short("pruning = { sparsity = 0.75, to = 0.5, every = 2 }");
    let split = blobs(600, 8, 3, 1).split(0.2, 1).unwrap();
    let network = perceptron("quantized_bits(6,0,alpha=1)", "quantized_relu(4,2)", &[16, 3]);
    let trained = train(&network, &split, &recipe, &mut |_| ()).unwrap();
    // The best epoch may be an early one; the last is what counts here.
    let mut run = Run::new(&network, &split, &recipe).unwrap();
    while !run.finished() {
        run.epoch().unwrap();
    }
    let weights = &run.checkpoint().unwrap()["parameters"].data;
    let zeros = weights.iter().filter(|weight| **weight == 0.0).count();
    assert!(zeros >= (8 * 16 + 16 * 3) * 3 / 4, "{zeros} of {}", weights.len());
    assert!(trained.score.accuracy.unwrap() > 0.8);
}

/// `quantize`, `dense`, and again, with formats that are learned.
fn learned() -> Network {
    let input = Input { name: "x".into(), shape: vec![8], format: None, next: None };
    let mut layers = Vec::new();
    let mut before = "x".to_string();
    for (index, units) in [12, 3].into_iter().enumerate() {
        let (format, dense) = (format!("format_{index}"), format!("dense_{index}"));
        layers.push(Layer::new(&*format, "quantize", vec![before]).with("format", "learned(4,3)"));
        let layer =
            Layer::new(&*dense, "dense", vec![format]).with("units", units).with("kernel_quantizer", "learned(5)");
        let layer = layer.with("bias_quantizer", "learned(5)");
        layers.push(if index == 0 { layer.with("activation", "relu") } else { layer });
        before = dense;
    }
    Network { name: "learned".into(), inputs: vec![input], layers, outputs: vec![before] }
}

#[test]
fn formats_are_learned_and_written_into_the_network() {
    let split = blobs(1500, 8, 3, 1).split(0.2, 1).unwrap();
    let bits = |penalty: &str| {
        let recipe = Recipe { epochs: 12, ..short(penalty) };
        let trained = train(&learned(), &split, &recipe, &mut |_| ()).unwrap();
        let last = trained.history.last().unwrap();
        assert!(trained.score.accuracy.unwrap() > 0.9, "{:?}", trained.score);
        let best = trained.history.iter().min_by(|a, b| a.validation_loss.total_cmp(&b.validation_loss)).unwrap();
        assert_eq!(trained.score.accuracy, best.accuracy, "float and integers agree");
        let quantize = trained.network.layer("format_1").unwrap();
        assert!(!quantize.attributes.contains_key("format") && quantize.tensors.contains_key("fraction"));
        last.ebops
    };
    let (free, dear) = (bits(""), bits("ebops = 1e-3"));
    assert!(dear < 0.5 * free, "{dear} bit operations under a penalty, {free} without");
}

#[test]
fn a_trained_network_is_trained_on_and_becomes_smaller() {
    let split = blobs(1500, 8, 3, 1).split(0.2, 1).unwrap();
    let mut network = learned();
    for layer in network.layers.iter_mut().filter(|layer| layer.kind == "quantize") {
        layer.attributes.insert("format".into(), "learned(4,3,overflow='WRAP',rounding='TRN')".into());
    }
    let first = train(&network, &split, &Recipe { epochs: 12, ..short("ebops = 1e-6") }, &mut |_| ()).unwrap();
    let format = first.network.layer("format_1").unwrap();
    assert_eq!([&format.attributes["overflow"], &format.attributes["rounding"]], ["WRAP", "TRN"]);
    // Integer bits are those of the samples: none that training has seen wraps.
    let best = first.history.iter().min_by(|a, b| a.validation_loss.total_cmp(&b.validation_loss)).unwrap();
    assert!((first.score.accuracy.unwrap() - best.accuracy.unwrap()).abs() < 0.02, "{:?}, {best:?}", first.score);
    let recipe = Recipe { epochs: 12, ..short("ebops = 1e-3\nlearn = 1") };
    let second = train(&first.network, &split, &recipe, &mut |_| ()).unwrap();
    let (before, after) = (first.history.last().unwrap().ebops, second.history.last().unwrap().ebops);
    assert!(after < 0.6 * before, "{after} bit operations, {before} before");
    assert!(second.history[0].accuracy.unwrap() > 0.9 && second.score.accuracy.unwrap() > 0.9, "{:?}", second.score);
}

#[test]
fn features_are_standardised_by_the_network() {
    let mut data = blobs(600, 8, 3, 1);
    for (at, value) in data.inputs.data.iter_mut().enumerate() {
        *value = *value * [100.0, 0.01][at % 2] + 40.0;
    }
    let split = data.split(0.2, 1).unwrap();
    let network = standardise(&learned(), &split.train, 5).unwrap();
    assert_eq!(network, standardise(&network, &split.train, 5).unwrap(), "once is enough");
    let trained = train(&network, &split, &Recipe { epochs: 12, ..short("") }, &mut |_| ()).unwrap();
    assert!(trained.score.accuracy.unwrap() > 0.9, "{:?}", trained.score);
    // It is wiring before and after.
    assert_eq!(trained.network.layer("x_standard"), network.layer("x_standard"));
}

#[test]
fn layers_that_are_not_trained_are_named() {
    let split = blobs(300, 8, 3, 1).split(0.2, 1).unwrap();
    let mut network = perceptron("quantized_bits(4,0,alpha=1)", "quantized_relu(4,2)", &[16, 3]);
    assert!(Run::new(&network, &split, &short("")).unwrap().frozen().is_empty());
    let slopes = nanotrig::network::Tensor::vector(vec![0.25; 3]);
    network.layers.push(Layer::new("bend", "prelu", vec!["dense_2".into()]).with_tensor("alpha", slopes));
    network.outputs = vec!["bend".into()];
    assert_eq!(Run::new(&network, &split, &short("")).unwrap().frozen(), ["bend"]);
}

#[test]
fn a_teacher_may_be_in_the_data() {
    let recipe = short("loss = { kind = \"distillation\" }\ndata = { probabilities = [\"p\"] }");
    let mut data = blobs(900, 8, 3, 1);
    let Targets::Classes { classes, soft } = &mut data.targets else { panic!("classes") };
    let sure = |class: usize| (0..3).map(move |other| if other == class { 0.9 } else { 0.05 });
    *soft = Some(Samples { columns: 3, data: classes.iter().flat_map(|class| sure(*class)).collect() });
    // What the classes say then has no part in the training.
    classes.iter_mut().skip(1).step_by(4).for_each(|class| *class = 0);
    let split = data.split(0.2, 1).unwrap();
    let network = perceptron("quantized_bits(4,0,alpha=1)", "quantized_relu(4,2)", &[16, 3]);
    let trained = train(&network, &split, &recipe, &mut |_| ()).unwrap();
    let right = score(&trained.network, &blobs(300, 8, 3, 9), &recipe.loss).unwrap();
    assert!(right.accuracy.unwrap() > 0.9, "{right:?}");
    let error = Recipe::parse("loss = { kind = \"distillation\" }").unwrap_err();
    assert!(error.what.contains("has no teacher"), "{error}");
    let narrow = perceptron("quantized_bits(4,0,alpha=1)", "quantized_relu(4,2)", &[16, 4]);
    let error = train(&narrow, &split, &recipe, &mut |_| ()).err().expect("one class more");
    assert!(error.what.contains("probabilities of 3 classes, and the network 4 outputs"), "{error}");
}

#[test]
fn a_coarse_step_still_learns() {
    let split = blobs(1500, 8, 3, 1).split(0.2, 1).unwrap();
    // Steps of 1, where Keras draws kernels below 0.6.
    let network = perceptron("quantized_bits(2,1,1,alpha=1.0)", "quantized_relu(4,2)", &[16, 3]);
    let trained = train(&network, &split, &Recipe { epochs: 12, ..short("") }, &mut |_| ()).unwrap();
    assert!(trained.score.accuracy.unwrap() > 0.9, "{:?}", trained.score);
    let greatest = trained.network.layers[0].tensors["kernel"].data.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    assert!(greatest <= 2.0, "weights stay where they have a code: {greatest}");
}

#[test]
fn mistakes_are_explained() {
    let network = perceptron("quantized_bits(4,0,alpha=1)", "quantized_relu(4,2)", &[16, 3]);
    let split = blobs(300, 8, 3, 1).split(0.2, 1).unwrap();
    let fails = |network: &Network, split: &Split, recipe: &Recipe, what: &str| {
        let error = train(network, split, recipe, &mut |_| ()).err().expect(what);
        assert!(error.what.contains(what) && error.status() == 2, "{error}");
    };
    let data = |labels: usize| blobs(300, 8, labels, 1).split(0.2, 1).unwrap();
    fails(&network, &data(4), &short(""), "the label 3, and the network 3 outputs");
    let narrow = blobs(300, 7, 3, 1).split(0.2, 1).unwrap();
    fails(&network, &narrow, &short(""), "has 7 values in each sample, which do not fit the ports x [8]");
    // Weights with codes stay near them; those whose bits are learned may go anywhere.
    let wild =
        Recipe { optimizer: nanotrig::training::recipe::Optimizer { rate: 1e38, ..Default::default() }, ..short("") };
    fails(&learned(), &split, &wild, "NaN or infinite");
    let mut constant = split.clone();
    constant.train.inputs.data.iter_mut().skip(3).step_by(8).for_each(|value| *value = 7.0);
    let error = standardise(&network, &constant.train, 5).unwrap_err();
    assert!(error.what.contains("feature 3 is 7") && error.status() == 2, "{error}");
    let error = blobs(3, 8, 3, 1).split(0.01, 1).unwrap_err();
    assert!(error.what.contains("leave nothing to train or to validate on"), "{error}");
    for (text, what) in [("epoch = 3", "unknown field"), ("epochs = 0", "`epochs` is 0"), ("ebops = -1.0", "`ebops`")] {
        let error = Recipe::parse(text).expect_err(what);
        assert!(error.what.contains(what), "{error}");
    }
}

/// A folder with a recipe, its network and data, as a user has them.
fn project(epochs: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let network = r#"
format = "nanotrig/1"
[[input]]
name = "x"
shape = [4]
format = "fixed<8,3,RND,SAT>"
[[layer]]
name = "hidden"
kind = "dense"
units = 16
kernel_quantizer = "stochastic_ternary"
activation = "quantized_relu(4,2)"
[[layer]]
name = "last"
kind = "dense"
units = 3
kernel_quantizer = "quantized_bits(6,0,alpha=1)"
"#;
    let recipe = format!(
        "network = \"network.toml\"\nepochs = {epochs}\nbatch = 32\n[data]\ntrain = \"data.csv\"\ntargets = \"class\"\n"
    );
    let data = blobs(600, 4, 3, 1);
    let Targets::Classes { classes, .. } = &data.targets else { panic!("classes") };
    let mut table = "a,b,c,d,class\n".to_string();
    for (row, class) in classes.iter().enumerate() {
        let values: Vec<String> = data.inputs.row(row).iter().map(f64::to_string).collect();
        table += &format!("{},{class}\n", values.join(","));
    }
    for (name, text) in [("network.toml", network), ("recipe.toml", &recipe), ("data.csv", &table)] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn a_run_that_was_killed_goes_on_to_the_same_files() {
    let folder = project(40);
    let place = |name: &str| folder.path().join(name).display().to_string();
    let started = |out: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_nanotrig"));
        command.args(["train", &place("recipe.toml"), "-o", &place(&format!("new/{out}"))]);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped()).spawn().unwrap()
    };
    assert!(started("whole").wait().unwrap().success());
    let written = |checkpoint: &std::path::Path| std::fs::metadata(checkpoint).and_then(|data| data.modified()).ok();
    for signal in ["-TERM", "-KILL"] {
        let mut killed = started("killed");
        // As soon as an epoch is kept; it is killed at any moment of a later one.
        let kept = folder.path().join("new/killed.checkpoint.npz");
        let before = written(&kept);
        while written(&kept) == before {
            assert!(killed.try_wait().unwrap().is_none(), "it ended before it could be killed");
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        assert!(
            std::process::Command::new("kill").args([signal, &killed.id().to_string()]).status().unwrap().success()
        );
        let ended = killed.wait_with_output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(!said.contains("panicked"), "{said}");
        assert_eq!(ended.status.code(), if signal == "-TERM" { Some(130) } else { None });
        assert!(!folder.path().join("new/killed").exists(), "nothing is half written");
    }
    let resumed = started("killed").wait_with_output().unwrap();
    let said = String::from_utf8(resumed.stderr).unwrap();
    assert!(resumed.status.success() && said.contains("goes on from"), "{said}");
    let files = folder.path().join("new/whole").read_dir().unwrap();
    let files: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    assert!(files.len() > 3, "{files:?}");
    for file in files {
        let read = |out: &str| std::fs::read(folder.path().join("new").join(out).join(&file)).unwrap();
        assert!(read("whole") == read("killed"), "{file:?} differs");
    }
}
