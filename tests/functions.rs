//! Element-wise functions, the greatest of an axis, and a classifier's head: formulas and all levels agree.

use nanotrig::batch::Batch;
use nanotrig::compiler::{Head, Making, Meaning, Reading, agree, hardware, meaning};
use nanotrig::fixed::{Fixed, Quantization};
use nanotrig::functions::{FUNCTIONS, Function};
use nanotrig::network::{Input, Layer, Network};
use nanotrig::quantizers::{Shape, Steps, parse};
use serde_json::json;

fn network(shape: &[usize], format: &str, layers: Vec<Layer>) -> Network {
    let input = Input { name: "x".into(), shape: shape.to_vec(), format: Some(format.into()), next: None };
    let outputs = vec![layers.last().unwrap().name.clone()];
    Network { name: "net".into(), inputs: vec![input], layers, outputs }
}

/// Every code of an input of one element, or random ones; the outputs, equal at every level.
fn outputs(meaning: &Meaning, inputs: &Batch) -> Vec<Vec<f64>> {
    let hardware = hardware(&meaning.dfg, &Making::default(), |_, _| ()).unwrap();
    let codes = agree(meaning, &hardware, inputs).unwrap();
    let values = meaning.values(&codes).unwrap();
    (0..values.rows()).map(|row| values.row(row).to_vec()).collect()
}

/// Where a function has a value for every code of the port.
fn port(name: &str) -> &'static str {
    match name {
        "log" | "log1p" | "sqrt" | "rsqrt" => "ufixed<8,4>",
        _ => "fixed<8,4>",
    }
}

#[test]
fn functions_are_the_steps_of_their_float32_results() {
    let calls = ["power(3)", "leaky_relu(0.3)", "relu(6,0.25,0)", "relu(4,0.5,1)", "clip(-1,2.5)", "elu(0.7)"];
    let names = FUNCTIONS.iter().map(|entry| entry.name).filter(|name| *name != "power");
    // A port has no lower bound but 0, which these cannot take.
    for call in names.filter(|name| !["log", "rsqrt", "reciprocal"].contains(name)).chain(calls) {
        let function = Function::parse(call).unwrap();
        let to: Quantization = "fixed<9,4,RND_CONV,SAT>".parse().unwrap();
        let layers = vec![
            Layer::new("f", "activation", vec!["x".into()]).with("function", call),
            Layer::new("q", "quantize", vec!["f".into()]).with("format", "fixed<9,4,RND_CONV,SAT>"),
        ];
        let format: Quantization = port(call).parse().unwrap();
        let meaning = meaning(&network(&[1], port(call), layers), &Reading::default()).unwrap();
        let range = format.format.range();
        let mut inputs = Batch::new(1);
        (range.lo..=range.hi).for_each(|code| inputs.push(&[code]));
        for (code, found) in (range.lo..=range.hi).zip(outputs(&meaning, &inputs)) {
            let y = function.at(Fixed::new(code, range.exp).to_f32());
            let wanted = to.apply(Fixed::from_f64(f64::from(y)).unwrap()).unwrap();
            assert_eq!(Some(found[0]), wanted.to_f64(), "{call} at code {code}: {y}");
        }
    }
}

#[test]
fn the_greatest_and_where_it_is() {
    for (format, n) in [("fixed<3,3>", 5), ("fixed<6,2>", 4), ("ufixed<2,2>", 3), ("fixed<8,3>", 9), ("fixed<4,4>", 1)]
    {
        for (kind, attributes) in [
            ("argmax", json!({})),
            ("top_k", json!({"k": n.min(3), "output": "indices"})),
            ("top_k", json!({"k": n.min(3)})),
        ] {
            let indices = kind == "argmax" || attributes.get("output").is_some();
            let mut layer = Layer::new("y", kind, vec!["x".into()]);
            layer.attributes = attributes.as_object().unwrap().clone();
            // Along the middle axis of three.
            layer.attributes.insert("axis".into(), json!(1));
            let meaning = meaning(&network(&[2, n, 3], format, vec![layer]), &Reading::default()).unwrap();
            let inputs = meaning.vectors(40, 3);
            let step = format.parse::<Quantization>().unwrap().format.lsb;
            let kept = if kind == "argmax" { 1 } else { n.min(3) };
            for (row, found) in outputs(&meaning, &inputs).iter().enumerate() {
                for (a, c) in (0..2).flat_map(|a| (0..3).map(move |c| (a, c))) {
                    let x = |i: usize| inputs.row(row)[(a * n + i) * 3 + c];
                    let mut order: Vec<usize> = (0..n).collect();
                    order.sort_by_key(|i| (-x(*i), *i));
                    for (place, i) in order.iter().take(kept).enumerate() {
                        let wanted = if indices { *i as f64 } else { Fixed::new(x(*i), step).to_f64().unwrap() };
                        assert_eq!(found[(a * kept + place) * 3 + c], wanted, "{format} {kind} {row}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_softmax_along_another_axis_is_the_same() {
    for implementation in ["latency", "stable", "legacy", "argmax"] {
        let softmax = |axis: i64, input: &str| {
            let layer = Layer::new("s", "softmax", vec![input.into()]).with("axis", axis);
            layer.with("implementation", implementation).with("format", "ufixed<8,1>").with("exp_table_size", 64)
        };
        let turn =
            |name: &str, input: &str| Layer::new(name, "transpose", vec![input.into()]).with("perm", vec![2, 1, 0]);
        let direct = network(&[4, 3, 2], "fixed<8,3>", vec![softmax(0, "x")]);
        let turned = network(&[4, 3, 2], "fixed<8,3>", vec![turn("a", "x"), softmax(-1, "a"), turn("b", "s")]);
        let direct = meaning(&direct, &Reading::default()).unwrap();
        let turned = meaning(&turned, &Reading::default()).unwrap();
        let inputs = direct.vectors(30, 5);
        assert_eq!(direct.codes(&inputs).unwrap(), turned.codes(&inputs).unwrap(), "{implementation}");
    }
}

/// A classifier with a scale and a softmax at its end.
fn classifier() -> Network {
    let dense = Layer::new("d", "quantize", vec!["x".into()]).with("format", "fixed<7,3>");
    let softmax = Layer::new("s", "softmax", vec!["d".into()]);
    network(&[4], "fixed<8,3>", vec![dense, softmax])
}

#[test]
fn heads_are_hardware() {
    let full = meaning(&classifier(), &Reading::default()).unwrap();
    let inputs = full.vectors(60, 9);
    let probabilities = outputs(&full, &inputs);
    let argmax = Reading { head: Head::Argmax, ..Reading::default() };
    let argmax = meaning(&classifier(), &argmax).unwrap();
    assert_eq!(argmax.outputs()[0].elements.len(), 1);
    for (p, index) in probabilities.iter().zip(outputs(&argmax, &inputs)) {
        let best = p.iter().copied().fold(0.0, f64::max);
        assert_eq!(p.iter().position(|p| *p == best).unwrap() as f64, index[0], "{p:?}");
    }
    let format = Some("ufixed<8,0,RND,SAT>".to_string());
    let softmax = Reading { head: Head::Softmax, output_format: format, ..Reading::default() };
    let softmax = meaning(&classifier(), &softmax).unwrap();
    for (p, found) in probabilities.iter().zip(outputs(&softmax, &inputs)) {
        let far = p.iter().zip(&found).map(|(p, found)| (p - found).abs()).fold(0.0, f64::max);
        assert!(far < 0.02, "{p:?} {found:?}");
    }
}

#[test]
fn heads_that_cannot_be_are_explained() {
    let head = |head: Head, format: Option<&str>, network: &Network| {
        let reading = Reading { head, output_format: format.map(String::from), ..Reading::default() };
        meaning(network, &reading).err().unwrap()
    };
    let error = head(Head::Softmax, None, &classifier());
    assert!(error.what.contains("format of its result") && error.help.contains("--output-format"), "{error}");
    let plain = Layer::new("d", "quantize", vec!["x".into()]).with("format", "fixed<7,3>");
    let error = head(Head::Softmax, Some("ufixed<8,0>"), &network(&[4], "fixed<8,3>", vec![plain.clone()]));
    assert!(error.what.contains("does not end in a softmax"), "{error}");
    let error = head(Head::Argmax, None, &network(&[1], "fixed<8,3>", vec![plain]));
    assert!(error.what.contains("no greatest element"), "{error}");
}

/// Golden values of the quantizers themselves are QKeras' (`src/quantizers/tests.rs`); here they run at every level.
#[test]
fn quantizers_that_are_no_formats_run_at_every_level() {
    let calls = [
        "quantized_hswish(6,2)",
        "quantized_hswish(5,1,relu_shift=2,relu_upper_bound=4)",
        "quantized_ulaw(5,2)",
        "quantized_linear(6,2)",
        "quantized_linear(4,1,0)",
        "quantized_linear(1,1)",
        "quantized_tanh(5,use_real_tanh=True)",
        "quantized_sigmoid(6,use_real_sigmoid=True)",
    ];
    for call in calls {
        let activation = parse(call).and_then(|quantizer| quantizer.activation()).unwrap();
        // A layer between, lest the quantizer become the port's.
        let same = Layer::new("same", "reshape", vec!["x".into()]).with("shape", vec![1]);
        let layer = Layer::new("q", "activation", vec!["same".into()]).with("function", call);
        let meaning = meaning(&network(&[1], "fixed<9,4>", vec![same, layer]), &Reading::default()).unwrap();
        let mut inputs = Batch::new(1);
        (-256..256).for_each(|code| inputs.push(&[code]));
        for (code, found) in (-256..256).zip(outputs(&meaning, &inputs)) {
            let x = Fixed::new(code, -5).to_f32();
            let x = activation.before.as_ref().map_or(x, |function| function.at(x));
            let x = Fixed::from_f64(f64::from(x)).unwrap();
            let wanted = match &activation.shape {
                Shape::Quantize(to) => to.apply(x).unwrap(),
                Shape::Steps(Steps { first, steps }) => {
                    steps.iter().rev().find(|(from, _)| *from <= x).map_or(*first, |(_, value)| *value)
                }
                Shape::Leaky { .. } => unreachable!("none of these leaks"),
            };
            assert_eq!((activation.scale, found[0]), (1.0, wanted.to_f64().unwrap()), "{call} at code {code}");
        }
    }
}
