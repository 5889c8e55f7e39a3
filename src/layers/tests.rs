//! Small networks, layer by layer, and every error once.

use super::*;
use crate::batch::Batch;
use crate::network::{Input, Network, Tensor};
use crate::tensor::{Options as Evaluate, evaluate, fold};
use serde_json::{Value, json};

mod formats;
mod mistakes;

/// A layer `l` of a kind on the input `x`.
fn layer(kind: &str, attributes: Value, tensors: &[(&str, &[usize], &[f64])]) -> network::Layer {
    let mut layer = network::Layer::new("l", kind, vec!["x".into()]);
    if let Value::Object(attributes) = attributes {
        layer.attributes = attributes;
    }
    for (name, shape, data) in tensors {
        layer.tensors.insert((*name).into(), Tensor { shape: shape.to_vec(), data: data.to_vec() });
    }
    layer
}

/// One layer behind an input of 8-bit integers (and a layer that does nothing, lest a quantizer become the input's).
fn alone(mut layer: network::Layer, shape: &[usize]) -> Result<Expanded> {
    let same = network::Layer::new("same", "reshape", vec!["x".into()]).with("shape", shape.to_vec());
    layer.inputs = vec!["same".into()];
    let input = Input { name: "x".into(), shape: shape.to_vec(), format: Some("fixed<8,8>".into()), next: None };
    let outputs = vec![layer.name.clone()];
    expand(
        &Network { name: "test".into(), inputs: vec![input], layers: vec![same, layer], outputs },
        &Options::default(),
    )
}

/// Shape and values of one sample.
fn value(expanded: &Expanded, x: &[i128]) -> (Vec<usize>, Vec<f64>) {
    let mut batch = Batch::new(x.len());
    batch.push(x);
    let found = evaluate(&expanded.graph, &batch, &Evaluate::default()).expect("evaluates").outputs.remove(0);
    let folded = fold(&expanded.graph).expect("folds");
    assert_eq!(evaluate(&folded, &batch, &Evaluate::default()).expect("evaluates").outputs[0], found);
    let number = |e: usize| found.number(0, e).and_then(|n| n.to_f64()).expect("short");
    (found.shape().to_vec(), (0..found.columns()).map(number).collect())
}

#[test]
fn layers_compute_their_formulas() {
    let image: Vec<i128> = (1..=12).collect();
    let ones = [1.0; 4];
    let scaled = [f64::from(5.0f32 * 0.3f32)];
    let none = json!({});
    type Case<'a> = (network::Layer, &'a [usize], &'a [i128], &'a [usize], &'a [f64]);
    let cases: Vec<Case<'_>> = vec![
        (
            layer(
                "dense",
                json!({"activation": "relu"}),
                &[("kernel", &[2, 2], &[1.0, -1.0, 2.0, 0.5]), ("bias", &[2], &[0.25, 0.0])],
            ),
            &[2],
            &[1, 2],
            &[2],
            &[5.25, 0.0],
        ),
        // 0.3 is no power of two: codes are multiplied, the scale follows in float32.
        (
            layer(
                "dense",
                json!({"kernel_quantizer": "quantized_bits(4,0,alpha=0.3)"}),
                &[("kernel", &[1, 1], &[0.5])],
            ),
            &[1],
            &[10],
            &[1],
            &scaled,
        ),
        (
            layer("conv2d", json!({"strides": [2, 1]}), &[("kernel", &[2, 2, 1, 1], &ones)]),
            &[4, 3, 1],
            &image,
            &[2, 2, 1],
            &[12.0, 16.0, 36.0, 40.0],
        ),
        (
            layer("conv2d", json!({"padding": "same", "strides": [2, 2]}), &[("kernel", &[2, 2, 1, 1], &ones)]),
            &[4, 3, 1],
            &image,
            &[2, 2, 1],
            &[12.0, 9.0, 36.0, 21.0],
        ),
        (
            layer("conv1d", none.clone(), &[("kernel", &[2, 1, 1], &[1.0, -1.0])]),
            &[3, 1],
            &[5, 3, 9],
            &[2, 1],
            &[2.0, -6.0],
        ),
        (layer("max_pool2d", json!({"size": [2, 2]}), &[]), &[4, 3, 1], &image, &[2, 1, 1], &[5.0, 11.0]),
        (
            layer("max_pool2d", json!({"pool_size": [2, 2], "padding": "same"}), &[]),
            &[2, 3, 1],
            &image[..6],
            &[1, 2, 1],
            &[5.0, 6.0],
        ),
        (layer("activation", json!({"function": "quantized_relu(4,2)"}), &[]), &[2], &[-3, 9], &[2], &[0.0, 3.75]),
        (
            layer("activation", json!({"function": "quantized_relu(5,2,negative_slope=0.25)"}), &[]),
            &[3],
            &[-3, -99, 1],
            &[3],
            &[-0.75, -1.0, 1.0],
        ),
        (layer("activation", json!({"function": "binary(alpha=0.5)"}), &[]), &[2], &[-3, 0], &[2], &[-0.5, 0.5]),
        (layer("relu", none.clone(), &[]), &[2], &[-3, 9], &[2], &[0.0, 9.0]),
        (layer("quantize", json!({"format": "fixed<3,3,TRN,SAT>"}), &[]), &[2], &[-9, 2], &[2], &[-4.0, 2.0]),
        (
            layer(
                "quantize",
                json!({"overflow": "SAT"}),
                &[("signed", &[2], &[1.0, 0.0]), ("integer", &[2], &[2.0, 1.0]), ("fraction", &[2], &[0.0, -3.0])],
            ),
            &[2],
            &[-9, 2],
            &[2],
            &[-4.0, 0.0],
        ),
        (layer("sum", json!({"axis": 0}), &[]), &[2, 3], &image[..6], &[3], &[5.0, 7.0, 9.0]),
        (layer("sum", json!({"axis": [0, 1], "keep_dims": true}), &[]), &[2, 3], &image[..6], &[1, 1], &[21.0]),
        (layer("max", json!({"axis": -1}), &[]), &[2, 3], &image[..6], &[2], &[3.0, 6.0]),
        (
            layer("reshape", json!({"shape": [-1, 2]}), &[]),
            &[2, 3],
            &image[..6],
            &[3, 2],
            &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        ),
        (
            layer("transpose", json!({"perm": [1, 0]}), &[]),
            &[2, 3],
            &image[..6],
            &[3, 2],
            &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0],
        ),
        (layer("flatten", none.clone(), &[]), &[2, 1], &[1, 2], &[2], &[1.0, 2.0]),
        (layer("multiply", none.clone(), &[]), &[2], &[-3, 2], &[2], &[9.0, 4.0]),
    ];
    for (layer, shape, x, expected_shape, expected) in cases {
        let kind = layer.kind.clone();
        let (shape, found) = value(&alone(layer, shape).unwrap_or_else(|error| panic!("{error}")), x);
        assert_eq!((shape.as_slice(), found.as_slice()), (expected_shape, expected), "{kind}");
    }
}

/// Name, kind, inputs and attributes of a layer.
type Row<'a> = (&'a str, &'a str, &'a [&'a str], Value);

/// Two inputs, then layers given as (name, kind, inputs, attributes).
fn chained(layers: &[Row<'_>]) -> Result<Expanded> {
    let input = |name: &str| Input { name: name.into(), shape: vec![2], format: Some("fixed<8,8>".into()), next: None };
    let make = |(name, kind, inputs, attributes): &Row<'_>| {
        let mut layer = network::Layer::new(*name, *kind, inputs.iter().map(|i| i.to_string()).collect());
        layer.attributes = attributes.as_object().cloned().unwrap_or_default();
        layer
    };
    let layers: Vec<network::Layer> = layers.iter().map(make).collect();
    let outputs = vec![layers.last().expect("a layer").name.clone()];
    expand(&Network { name: "test".into(), inputs: vec![input("a"), input("b")], layers, outputs }, &Options::default())
}

#[test]
fn inputs_merge() {
    for (kind, shape, expected) in [
        ("add", vec![2], vec![4.0, 6.0]),
        ("multiply", vec![2], vec![3.0, 8.0]),
        ("concatenate", vec![4], vec![1.0, 2.0, 3.0, 4.0]),
    ] {
        let expanded = chained(&[("m", kind, &["a", "b"], json!({}))]).expect("expands");
        assert_eq!(value(&expanded, &[1, 2, 3, 4]), (shape, expected), "{kind}");
    }
}

#[test]
fn a_batch_norm_before_a_pool_and_a_quantizer_is_exact_steps() {
    // A negative gamma turns the maximum into a minimum of codes.
    let tensors: &[(&str, &[usize], &[f64])] = &[
        ("mean", &[2], &[1.0, 2.0]),
        ("variance", &[2], &[0.5, 2.0]),
        ("gamma", &[2], &[1.5, -0.7]),
        ("beta", &[2], &[0.1, 0.2]),
    ];
    let mut norm = layer("batch_norm", json!({"epsilon": 0.001}), tensors);
    norm.name = "norm".into();
    let mut pool = layer("max_pool2d", json!({"size": [1, 2]}), &[]);
    (pool.name, pool.inputs) = ("pool".into(), vec!["norm".into()]);
    let mut quantizer = layer("activation", json!({"function": "quantized_bits(6,3,alpha=1)"}), &[]);
    (quantizer.name, quantizer.inputs) = ("q".into(), vec!["pool".into()]);
    let input = Input { name: "x".into(), shape: vec![1, 2, 2], format: Some("fixed<5,5>".into()), next: None };
    let layers = vec![norm, pool, quantizer];
    let network = Network { name: "test".into(), inputs: vec![input], layers, outputs: vec!["q".into()] };
    let expanded = expand(&network, &Options::default()).expect("expands");
    for (a, b) in (-16..16).flat_map(|a| [-16, -3, 0, 7, 15].map(|b| (a, b))) {
        let (_, found) = value(&expanded, &[a, a, b, b]);
        let float = |x: i128, mean: f32, variance: f32, gamma: f32, beta: f32| {
            let inverse = (1.0 / f64::from(variance + 0.001f32).sqrt()) as f32 * gamma;
            x as f32 * inverse + (beta - mean * inverse)
        };
        let q = |x: f32| f64::from((x * 4.0).round_ties_even().clamp(-32.0, 31.0) / 4.0);
        let first = q(float(a, 1.0, 0.5, 1.5, 0.1).max(float(b, 1.0, 0.5, 1.5, 0.1)));
        let second = q(float(a, 2.0, 2.0, -0.7, 0.2).max(float(b, 2.0, 2.0, -0.7, 0.2)));
        assert_eq!(found, [first, second], "{a} {b}");
    }
}

#[test]
fn inputs_take_their_first_quantizers_format() {
    let quantize = |format: &str| json!({ "format": format });
    let same =
        chained(&[("q", "quantize", &["a"], quantize("fixed<6,3,RND,SAT>")), ("s", "add", &["q", "b"], json!({}))])
            .expect("expands");
    let ports =
        |expanded: &Expanded| expanded.graph.inputs.iter().map(|p| p.elements[0].to_string()).collect::<Vec<_>>();
    assert_eq!(ports(&same), ["fixed<6,3,RND,SAT>", "fixed<8,8,TRN,WRAP>"]);
    let two = chained(&[
        ("q", "quantize", &["a"], quantize("fixed<6,3>")),
        ("r", "quantize", &["a"], quantize("fixed<7,3>")),
        ("s", "add", &["q", "r", "b"], json!({})),
    ]);
    assert_eq!(ports(&two.expect("expands"))[0], "fixed<8,8,TRN,WRAP>");
}

#[test]
fn input_formats_come_from_outside_or_default() {
    let input = Input { name: "x".into(), shape: vec![1], format: None, next: None };
    let layers = vec![layer("relu", json!({}), &[])];
    let network = Network { name: "test".into(), inputs: vec![input], layers, outputs: vec!["l".into()] };
    let with = |formats: &[(Option<&str>, &str)]| {
        let input_formats = formats.iter().map(|(name, format)| (name.map(Into::into), format.to_string())).collect();
        expand(&network, &Options { input_formats, ..Options::default() })
    };
    let default = with(&[]).expect("expands");
    assert_eq!(default.graph.inputs[0].elements[0].to_string(), "fixed<16,6,TRN,WRAP>");
    assert!(default.notes[0].starts_with("x: no quantizer stands behind"), "{:?}", default.notes);
    let pixels = with(&[(None, "fixed<4,4>"), (Some("x"), "u8/255")]).expect("expands");
    assert_eq!(pixels.graph.inputs[0].elements[0].to_string(), "ufixed<8,8,RND_CONV,SAT>");
    assert_eq!(value(&pixels, &[51]).1, [f64::from(51f32 / 255f32)]);
    for (formats, what) in [
        ((Some("y"), "u8"), "no input `y`"),
        ((None, "u99"), "`u99` is no input format"),
        ((None, "q8"), "no fixed-point format"),
    ] {
        let error = with(&[formats]).expect_err(what);
        assert!(error.what.contains(what), "{error}");
    }
}

#[test]
fn mistakes_are_explained() {
    let kernel: (&str, &[usize], &[f64]) = ("kernel", &[2, 1], &[1.0, 2.0]);
    let cases = [
        (layer("densse", json!({}), &[]), "no layer is called `densse`", "known: dense"),
        (layer("dense", json!({}), &[]), "tensor `kernel` is missing", "known: kernel, bias"),
        (layer("dense", json!({}), &[kernel, ("weight", &[1], &[1.0])]), "no tensor `weight`", "known: kernel, bias"),
        (layer("dense", json!({"unit": 1}), &[kernel]), "unknown field `unit`", "attributes of the dense"),
        (layer("dense", json!({"units": 2}), &[kernel]), "`units` is 2", "[inputs, units]"),
        (layer("dense", json!({}), &[("kernel", &[2], &[1.0, 2.0])]), "the kernel has shape [2]", "2 axes"),
        (
            layer("dense", json!({}), &[("kernel", &[3, 1], &[1.0; 3])]),
            "last axis has 2 elements",
            "flatten or transpose",
        ),
        (layer("dense", json!({}), &[("kernel", &[2, 1], &[1.0])]), "has 1 values", "2 values"),
        (layer("dense", json!({}), &[kernel, ("bias", &[2], &[1.0; 2])]), "the bias has shape [2]", "one per output"),
        (layer("dense", json!({"kernel_quantizer": "bernoulli"}), &[kernel]), "draws random numbers", "binary"),
        (layer("dense", json!({}), &[("kernel", &[2, 1], &[f64::NAN, 1.0])]), "NaN", "repair"),
        (
            layer("dense", json!({}), &[("kernel", &[2, 1], &[(-133f64).exp2(), 133f64.exp2()])]),
            "more than 127 bits",
            "give unquantized weights",
        ),
        (layer("dense", json!({}), &[("kernel", &[2, 1], &[0.1, 1.0])]), "no quantizer covers it", "kernel_quantizer"),
        (layer("dense", json!({"activation": "relu7"}), &[kernel]), "`relu7` is neither", "functions: linear"),
        (
            layer("conv2d", json!({}), &[("kernel", &[1, 1, 1, 1], &[1.0])]),
            "the input has shape [2]",
            "[height, width, channels]",
        ),
        (layer("conv2d", json!({"strides": [0, 1]}), &[]), "`strides` is [0, 1]", "2 lengths"),
        (layer("max_pool2d", json!({"size": [2]}), &[]), "`size` is [2]", "2 lengths"),
        (
            layer("batch_norm", json!({}), &[("mean", &[3], &[0.0; 3]), ("variance", &[3], &[1.0; 3])]),
            "2 channels",
            "last axis",
        ),
        (
            layer("batch_norm", json!({}), &[("mean", &[2], &[0.0; 2]), ("variance", &[2], &[-1.0; 2])]),
            "not positive",
            "epsilon",
        ),
        (layer("activation", json!({}), &[]), "missing field `function`", "attributes"),
        (layer("softmax", json!({"axis": 3}), &[]), "no axis 3", "from 0"),
        (
            layer("quantize", json!({"format": "fixed<4,4>", "rounding": "RND"}), &[]),
            "comes with",
            "fixed<8,3,RND,SAT>",
        ),
        (layer("quantize", json!({}), &[]), "`signed` is missing", "known: signed, integer, fraction"),
        (layer("sum", json!({"axis": 1}), &[]), "no axis 1", "from -1"),
        (layer("reshape", json!({"shape": [3]}), &[]), "does not hold the 2 elements", "as many"),
        (layer("transpose", json!({"perm": [0, 0]}), &[]), "`perm` is [0, 0]", "every axis once"),
        (
            layer(
                "table",
                json!({"signed": false, "integer": 2, "fraction": 0, "out_fraction": 0}),
                &[("values", &[2], &[0.0; 2])],
            ),
            "values [2] for 2 bits",
            "each code",
        ),
        (
            layer(
                "table",
                json!({"signed": true, "integer": 7, "fraction": 0, "out_fraction": 0}),
                &[("values", &[3, 256], &[0.0; 768])],
            ),
            "tables for elements [3] read a tensor of shape [2]",
            "the last ones of the input",
        ),
        (
            layer(
                "table",
                json!({"signed": true, "integer": 7, "fraction": 0, "out_fraction": 0}),
                &[("values", &[2, 256], &[&[1e-30][..], &[1e30; 511]].concat())],
            ),
            "values need more than 63 bits together",
            "coarser step",
        ),
        (layer("layer_norm", json!({}), &[]), "no formats in which to normalise", "nanotrig import"),
        (
            layer(
                "table",
                json!({"signed": false, "integer": 1, "fraction": 0, "out_fraction": 0}),
                &[("values", &[2], &[0.0; 2])],
            ),
            "does not stay within",
            "quantize the input",
        ),
    ];
    for (layer, what, help) in cases {
        let kind = layer.kind.clone();
        let error = alone(layer, &[2]).err().unwrap_or_else(|| panic!("{kind} ({what}) expands"));
        assert!(error.what.contains(what) && error.help.contains(help), "{kind}: {error}");
        assert_eq!(error.place.first().map(String::as_str), Some("layer `l`"), "{error}");
    }
}

#[test]
fn floats_in_the_wrong_place_are_explained() {
    let function = |name: &str| json!({ "function": name });
    let cases: [(&[Row<'_>], &str); 4] = [
        (
            &[("s", "activation", &["a"], function("sigmoid")), ("m", "add", &["s", "b"], json!({}))],
            "float result of `s`",
        ),
        (
            &[
                ("s", "softmax", &["a"], json!({})),
                ("q", "activation", &["s"], function("tanh")),
                ("m", "add", &["q", "b"], json!({})),
            ],
            "reads a softmax",
        ),
        (
            &[("s", "activation", &["a"], function("tanh")), ("m", "concatenate", &["s", "b"], json!({}))],
            "joins or moves float",
        ),
        (&[("c", "concatenate", &["a", "b"], json!({"axis": 1}))], "no axis 1"),
    ];
    for (layers, what) in cases {
        let error = chained(layers).expect_err(what);
        assert!(error.what.contains(what), "{error}");
    }
}
