//! Recurrent layers at every level against the equations in plain float64, which is exact at these widths; and their errors.

mod common;

use common::Random;
use nanotrig::compiler::{Making, Reading, agree, hardware, meaning};
use nanotrig::error::Error;
use nanotrig::fixed::{Fixed, Quantization};
use nanotrig::network::{Input, Layer, Network, Tensor};

/// A layer on a `[steps, features]` input of codes.
fn network(layer: Layer, shape: &[usize]) -> Network {
    let input = Input { name: "x".into(), shape: shape.to_vec(), format: Some("fixed<4,2>".into()), next: None };
    let outputs = vec![layer.name.clone()];
    Network { name: "test".into(), inputs: vec![input], layers: vec![layer], outputs }
}

fn one<'a>(random: &mut Random, of: &[&'a str]) -> &'a str {
    of[random.below(of.len())]
}

fn tensor(random: &mut Random, shape: &[usize]) -> Tensor {
    let count = shape.iter().product();
    Tensor { shape: shape.to_vec(), data: (0..count).map(|_| (random.below(9) as f64 - 4.0) / 4.0).collect() }
}

/// A random layer: kind, formats behind everything, both directions.
fn layer(random: &mut Random, features: usize) -> Layer {
    let kind = one(random, &["simple_rnn", "lstm", "gru"]);
    let units = 1 + random.below(3);
    let columns = units
        * match kind {
            "simple_rnn" => 1,
            "lstm" => 4,
            _ => 3,
        };
    let mut layer = Layer::new("l", kind, vec!["x".into()])
        .with("units", units)
        .with("activation", one(random, &["relu", "linear", "fixed<4,1,RND,SAT>", "quantized_relu(4,1)"]))
        .with("return_sequences", random.below(2) == 0)
        .with("go_backwards", random.below(2) == 0)
        .with("state_quantizer", one(random, &["fixed<5,2,RND,SAT>", "fixed<4,2>", "binary(alpha=1)"]))
        .with_tensor("kernel", tensor(random, &[features, columns]))
        .with_tensor("recurrent_kernel", tensor(random, &[units, columns]));
    let mut maybe = |name: &str, format: &str| {
        if random.below(2) == 0 {
            layer.attributes.insert(name.into(), format.into());
        }
    };
    maybe("gate_format", "fixed<6,3,TRN,SAT>");
    maybe("activation_format", "fixed<5,2,RND_CONV,SAT>");
    maybe("state_format", "fixed<6,2,TRN,WRAP>");
    if kind == "lstm" {
        maybe("carry_format", "fixed<6,3,RND,WRAP>");
    }
    if kind != "simple_rnn" {
        maybe("recurrent_activation_format", "ufixed<4,1,RND,SAT>");
        let function = one(random, &["quantized_sigmoid(3)", "relu", "ufixed<3,0,TRN,SAT>"]);
        layer.attributes.insert("recurrent_activation".into(), function.into());
    }
    let after = kind == "gru" && random.below(2) == 0;
    if kind == "gru" {
        layer.attributes.insert("reset_after".into(), after.into());
    }
    if random.below(3) > 0 {
        let shape = if after { vec![2, columns] } else { vec![columns] };
        layer.tensors.insert("bias".into(), tensor(random, &shape));
    }
    layer
}

/// A function or format by its text.
fn function(text: &str, x: f64) -> f64 {
    match text {
        "linear" => x,
        "relu" => x.max(0.0),
        "quantized_relu(4,1)" => (x * 8.0).round_ties_even().clamp(0.0, 15.0) / 8.0,
        "quantized_sigmoid(3)" => ((0.5 * x + 0.5).clamp(0.0, 1.0) * 8.0).round_ties_even().min(7.0) / 8.0,
        "binary(alpha=1)" => {
            if x < 0.0 {
                -1.0
            } else {
                1.0
            }
        }
        format => {
            let format: Quantization = format.parse().unwrap();
            format.apply(Fixed::from_f64(x).unwrap()).unwrap().to_f64().unwrap()
        }
    }
}

/// The equations.
fn reference(layer: &Layer, x: &[f64], steps: usize) -> Vec<f64> {
    let text = |name: &str| layer.attributes.get(name).and_then(|value| value.as_str());
    let flag = |name: &str| layer.attributes.get(name).is_some_and(|value| value == true);
    let apply = |name: &str, x: f64| text(name).map_or(x, |text| function(text, x));
    let (kernel, recurrent) = (&layer.tensors["kernel"], &layer.tensors["recurrent_kernel"]);
    let (units, columns, features) = (recurrent.shape[0], kernel.shape[1], kernel.shape[0]);
    let after = flag("reset_after");
    let bias = |row: usize, j: usize| match layer.tensors.get("bias") {
        Some(bias) if row == 0 || after => bias.data[row * columns + j],
        _ => 0.0,
    };
    let dot = |state: &[f64], j: usize| -> f64 { (0..units).map(|i| state[i] * recurrent.data[i * columns + j]).sum() };
    let a = |x: f64| apply("activation_format", apply("activation", x));
    let r = |x: f64| apply("recurrent_activation_format", apply("recurrent_activation", x));
    let gate = |x: f64| apply("gate_format", x);
    let (mut h, mut c, mut all) = (vec![0.0; units], vec![0.0; units], Vec::new());
    for at in 0..steps {
        let step = if flag("go_backwards") { steps - 1 - at } else { at };
        let row = &x[step * features..(step + 1) * features];
        let w = |j: usize| bias(0, j) + (0..features).map(|i| row[i] * kernel.data[i * columns + j]).sum::<f64>();
        let read: Vec<f64> = h.iter().map(|h| apply("state_quantizer", *h)).collect();
        let carry: Vec<f64> = c.iter().map(|c| apply("state_quantizer", *c)).collect();
        let u = |j: usize| dot(&read, j);
        let reset = |j: usize| r(gate(w(units + j) + u(units + j) + bias(1, units + j)));
        let inner: Vec<f64> =
            if layer.kind == "gru" { (0..units).map(|j| reset(j) * read[j]).collect() } else { vec![] };
        for j in 0..units {
            let next = match layer.kind.as_str() {
                "simple_rnn" => a(gate(w(j) + u(j))),
                "lstm" => {
                    let [i, f, n, o] = [0, 1, 2, 3].map(|k| gate(w(k * units + j) + u(k * units + j)));
                    c[j] = apply("carry_format", r(f) * carry[j] + r(i) * a(n));
                    r(o) * a(c[j])
                }
                _ => {
                    let z = r(gate(w(j) + u(j) + bias(1, j)));
                    let k = 2 * units + j;
                    let state = if after { reset(j) * (u(k) + bias(1, k)) } else { dot(&inner, k) };
                    z * read[j] + (1.0 - z) * a(gate(w(k) + state))
                }
            };
            h[j] = apply("state_format", next);
        }
        all.push(h.clone());
    }
    if flag("return_sequences") { all.concat() } else { h }
}

#[test]
fn all_levels_compute_the_equations() {
    for seed in 0..60 {
        let mut random = Random(seed);
        let (steps, features) = (1 + random.below(4), 1 + random.below(3));
        let layer = layer(&mut random, features);
        let network = network(layer.clone(), &[steps, features]);
        let meaning = meaning(&network, &Reading::default()).unwrap_or_else(|e| panic!("seed {seed}: {e}\n{layer:?}"));
        let hardware = hardware(&meaning.dfg, &Making::default(), |_, _| {}).unwrap();
        let inputs = meaning.vectors(40, seed);
        let codes = agree(&meaning, &hardware, &inputs).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let found = meaning.values(&codes).unwrap();
        for row in 0..inputs.rows() {
            let x: Vec<f64> = inputs.row(row).iter().map(|code| *code as f64 / 4.0).collect();
            let want = reference(&layer, &x, steps);
            let columns = want.len();
            assert_eq!(found.data[row * columns..(row + 1) * columns], want, "seed {seed}, {layer:?}");
        }
    }
}

/// An LSTM of one unit with more attributes.
fn lstm(attributes: &[(&str, &str)], units: usize) -> Layer {
    let ones = |rows: usize| Tensor { shape: vec![rows, 4 * units], data: vec![0.25; rows * 4 * units] };
    let layer = Layer::new("l", "lstm", vec!["x".into()]);
    let layer = layer.with_tensor("kernel", ones(2)).with_tensor("recurrent_kernel", ones(units));
    attributes.iter().fold(layer, |layer, (name, value)| layer.with(name, *value))
}

fn error(layer: Layer, shape: &[usize]) -> Error {
    let text = format!("{layer:?}");
    meaning(&network(layer, shape), &Reading::default()).err().unwrap_or_else(|| panic!("{text} is accepted"))
}

#[test]
fn mistakes_are_explained() {
    let float = error(lstm(&[], 1), &[3, 2]);
    assert!(float.what.contains("`recurrent_activation` is `sigmoid`"), "{float}");
    assert!(float.help.contains("`recurrent_activation_format`"), "{float}");
    let exact = [("recurrent_activation", "relu"), ("activation", "relu")];
    let wide = error(lstm(&exact, 1), &[30, 2]);
    assert!(wide.what.contains("steps the state is so wide") && wide.help.contains("state_quantizer"), "{wide}");
    let rank = error(lstm(&exact, 1), &[2]);
    assert!(rank.help.contains("[steps, features]"), "{rank}");
    let features = error(lstm(&exact, 1), &[2, 3]);
    assert!(features.help.contains("takes 2 features"), "{features}");
    let steps = error(lstm(&exact, 1), &[5000, 2]);
    assert!(steps.help.contains("4096 steps"), "{steps}");
    let shape = error(lstm(&exact, 1).with_tensor("bias", Tensor::vector(vec![0.0; 3])), &[3, 2]);
    assert!(shape.what.contains("`bias` has shape [3]") && shape.help.contains("[4]"), "{shape}");
    let units = error(lstm(&exact, 2).with("units", 3), &[3, 2]);
    assert!(units.help.contains("`units`"), "{units}");
    let misplaced = error(lstm(&exact, 1).with("reset_after", true), &[3, 2]);
    assert!(misplaced.what.contains("no `reset_after`"), "{misplaced}");
}

#[test]
fn a_gru_without_state_quantizer_does_not_grow() {
    let random = &mut Random(7);
    let layer = Layer::new("l", "gru", vec!["x".into()])
        .with("activation", "fixed<4,1,RND,SAT>")
        .with("recurrent_activation", "quantized_sigmoid(2)")
        .with_tensor("kernel", tensor(random, &[2, 6]))
        .with_tensor("recurrent_kernel", tensor(random, &[2, 6]));
    let meaning = meaning(&network(layer, &[12, 2]), &Reading::default()).unwrap();
    // The state lies between candidates of [-1, 1), whatever intervals of sums say.
    let formats = meaning.dfg.output_formats();
    assert!(formats.iter().all(|format| format.integer() == 1), "{formats:?}");
}
