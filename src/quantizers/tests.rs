//! Every quantizer against QKeras' own outputs (`tests/data/qkeras/quantizers.json`), and every error once.

use super::*;
use serde_json::Value;

/// The outputs that QKeras gave.
fn golden(name: &str) -> Value {
    let path = format!("{}/tests/data/qkeras/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).expect("the file is in the repository")).expect("it is JSON")
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|v| v.as_f64().expect("a number")).collect()
}

/// The value of an activation at a float.
fn at(activation: &Activation, x: f32) -> f64 {
    let x = activation.before.as_ref().map_or(x, |function| function.at(x));
    let exact = Fixed::from_f64(f64::from(x)).expect("finite");
    let stairs = |s: &Steps| match s.steps.partition_point(|(threshold, _)| *threshold <= exact) {
        0 => s.first,
        n => s.steps[n - 1].1,
    };
    let value = match &activation.shape {
        Shape::Quantize(q) => q.apply(exact).expect("small"),
        Shape::Steps(steps) => stairs(steps),
        Shape::Leaky { positive, negative, slope, steps } => {
            let low = exact.min(Fixed::ZERO).scale(*slope);
            let sum = positive.apply(exact).expect("small").add(negative.apply(low).expect("small")).expect("small");
            assert_eq!(sum, stairs(steps), "the two forms of a leaky relu at {x}");
            sum
        }
    };
    value.to_f64().expect("short") * f64::from(activation.scale)
}

#[test]
fn quantizers_give_what_qkeras_gives() {
    let files = [golden("quantizers"), golden("quantized_linear")];
    let mut seen = std::collections::BTreeSet::new();
    let cases =
        files.iter().flat_map(|file| file["cases"].as_array().expect("a list").iter().map(move |case| (file, case)));
    for (golden, case) in cases {
        let text = case["quantizer"].as_str().expect("a string");
        let (role, name) = (case["role"].as_str().expect("a string"), case["input"].as_str().expect("a string"));
        let input = &golden["inputs"][name];
        let shape = numbers(&input["shape"]).iter().map(|n| *n as usize).collect();
        let x = Tensor { shape, data: numbers(&input["data"]) };
        let quantizer = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let found: Vec<f64> = if role == "activation" {
            let activation = quantizer.activation().unwrap_or_else(|error| panic!("{text}: {error}"));
            x.data.iter().map(|x| at(&activation, *x as f32)).collect()
        } else {
            let role = if role == "kernel" { Role::Kernel } else { Role::Other };
            let codes = quantizer.parameter(&x, role).unwrap_or_else(|error| panic!("{text}: {error}"));
            let scale = |e: usize| f64::from(codes.scale[e % codes.scale.len()]);
            codes.codes.iter().enumerate().map(|(e, code)| code.to_f64().expect("short") * scale(e)).collect()
        };
        for ((x, found), expected) in x.data.iter().zip(&found).zip(numbers(&case["y"])) {
            // QKeras returns x + (q - x): off by roundings of x and q.
            let allowed = 2f64.powi(-22) * x.abs().max(expected.abs());
            assert!(
                (found - expected).abs() <= allowed,
                "{text} as {role} of {name}: {x} -> {found}, QKeras {expected}"
            );
        }
        seen.insert(text.split('(').next().expect("a name").to_string());
    }
    let untested = ["fixed", "ufixed", "bernoulli", "learned"];
    for entry in QUANTIZERS {
        assert!(seen.contains(entry.name) || untested.contains(&entry.name), "`{}` has no golden values", entry.name);
    }
}

#[test]
fn formats_quantize_exactly() {
    let x = Tensor { shape: vec![4], data: vec![0.3, -0.3, 7.9, 0.125] };
    let codes = parse("fixed<4,2,RND,SAT>").and_then(|q| q.parameter(&x, Role::Kernel)).expect("quantizes");
    let expected = [(1, -2), (-1, -2), (7, -2), (1, -2)].map(|(m, e)| Fixed::new(m, e));
    assert_eq!(codes, Codes { codes: expected.to_vec(), scale: vec![1.0] });
    let port = parse("ufixed<4,2>").and_then(|q| q.activation()).expect("activation").port();
    assert_eq!(port, Some("ufixed<4,2>".parse().expect("a format")));
}

#[test]
fn mistakes_are_explained() {
    let cases = [
        ("quantised_bits(6)", "no quantizer is called `quantised_bits`", "known: fixed"),
        ("quantized_bits(6,0,alhpa=1)", "`alhpa` is not an argument", "alpha"),
        ("quantized_bits(6,bits=6)", "`bits` is given twice", "takes bits"),
        ("quantized_bits(6", "no closing parenthesis", "quantized_bits(6,0,alpha=1)"),
        ("quantized_bits(alpha=1,6)", "follows a named argument", "quantized_bits(6,0,alpha=1)"),
        ("quantized_bits(x)", "`x` is no value", "quantized_bits(6,0,alpha=1)"),
        ("quantized_bits(6.5)", "`bits` is 6.5", "an integer from 1 to 32"),
        ("quantized_bits('six')", "`bits` is 'six'", "a number"),
        ("quantized_bits(6,alpha='best')", "`alpha` is 'best'", "'auto_po2'"),
        ("quantized_bits(6,qnoise_factor=0.5)", "`qnoise_factor`", "set it to 1"),
        ("quantized_relu(6,negative_slope=0.3)", "`negative_slope` is 0.3", "power of two"),
        ("quantized_po2(1)", "no bits for an exponent", "exponent's sign"),
        ("quantized_po2(4,log2_rounding='up')", "`log2_rounding` is up", "known: rnd, floor"),
        ("ternary(alpha='auto',threshold=0.5)", "finds the threshold itself", "leave the threshold out"),
        ("bernoulli", "draws random numbers", "binary"),
        ("fixed<4>", "no fixed-point format", "fixed<W,I>"),
    ];
    for (text, what, help) in cases {
        let error = parse(text).err().unwrap_or_else(|| panic!("`{text}` is read"));
        assert!(error.what.contains(what) && error.help.contains(help), "`{text}`: {error}");
    }
    let bad = Tensor { shape: vec![1], data: vec![f64::NAN] };
    for text in ["fixed<4,2>", "quantized_bits(4)", "binary", "ternary", "quantized_po2(4)"] {
        let error = parse(text).and_then(|q| q.parameter(&bad, Role::Kernel)).expect_err("NaN");
        assert!(error.what.contains("NaN"), "{text}: {error}");
    }
    let error = parse("quantized_bits(4,alpha='auto')").and_then(|q| q.activation()).expect_err("follows the data");
    assert!(error.what.contains("follow the data"), "{error}");
}

#[test]
fn slopes_are_those_of_qkeras() {
    let pairs = [("quantizers", "gradients"), ("quantized_linear", "gradients_quantized_linear")];
    let mut seen = 0;
    for (inputs, slopes) in pairs.map(|(inputs, slopes)| (golden(inputs), golden(slopes))) {
        for case in slopes["cases"].as_array().expect("a list") {
            let text = case["quantizer"].as_str().expect("a string");
            let (role, name) = (case["role"].as_str().expect("a string"), case["input"].as_str().expect("a string"));
            let input = &inputs["inputs"][name];
            let shape = numbers(&input["shape"]).iter().map(|n| *n as usize).collect();
            let x = Tensor { shape, data: numbers(&input["data"]) };
            let quantizer = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let found: Vec<f32> = if role == "activation" {
                let activation = quantizer.activation().unwrap_or_else(|error| panic!("{text}: {error}"));
                let before = |x: f32| activation.before.as_ref().map_or(1.0, |function| function.slope(x));
                let slope = |(x, expected): (&f64, f64)| {
                    let x = *x as f32;
                    // At the bend of a hard function the slope is that of either side, or between them.
                    let (left, right) = (before(x - 0.02), before(x + 0.02));
                    let bends = (left - right).abs() > 0.1 && left.min(right) <= expected as f32 + 1e-2;
                    activation.gradient.at(x)
                        * if bends && expected as f32 <= left.max(right) + 1e-2 { expected as f32 } else { before(x) }
                };
                x.data.iter().zip(numbers(&case["slope"])).map(slope).collect()
            } else {
                let role = if role == "kernel" { Role::Kernel } else { Role::Other };
                let format =
                    quantizer.format(role).map(|(_, slope)| x.data.iter().map(|x| slope.at(*x as f32)).collect());
                let slopes = || quantizer.slopes(&x, role).unwrap_or_else(|error| panic!("{text}: {error}"));
                format.or_else(slopes).unwrap_or_else(|| vec![1.0; x.data.len()])
            };
            for ((x, found), expected) in x.data.iter().zip(&found).zip(numbers(&case["slope"])) {
                let close = (f64::from(*found) - expected).abs() <= 2e-3 * expected.abs().max(1.0);
                assert!(close, "{text} as {role} at {x}: the slope is {found}, QKeras' {expected}");
            }
            seen += 1;
        }
    }
    assert!(seen > 60, "{seen} cases");
}

/// Draws are of the probabilities that the formulas say, and never change the scale.
#[test]
fn stochastic_quantizers_draw_in_training() {
    let x = Tensor { shape: vec![4, 1], data: vec![-1.0, -0.1, 0.1, 1.0] };
    let mean = |text: &str| {
        let quantizer = parse(text).unwrap();
        let mut random = crate::random::Random::new(1);
        let draws = 20000;
        let mut sum = [0.0; 4];
        for _ in 0..draws {
            let codes = quantizer.drawn(&x, Role::Kernel, &mut random).unwrap().expect("it draws");
            assert_eq!(codes.scale, quantizer.parameter(&x, Role::Kernel).unwrap().scale);
            codes.codes.iter().zip(&mut sum).for_each(|(code, sum)| *sum += code.to_f64().unwrap() / f64::from(draws));
        }
        sum
    };
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    // The standard deviation of x is the root of 0.505, and the scale of signs is 2^round(log2 0.55) = 1/2.
    let binary = x.data.iter().map(|x| 0.5 * (2.0 * sigmoid(6.0 * x / 0.505f64.sqrt()) - 1.0));
    for (found, expected) in mean("stochastic_binary").iter().zip(binary) {
        assert!((found - expected).abs() < 0.02, "{found}, expected {expected}");
    }
    // Ternary signs are those of the two great numbers, whose scale is 1.
    let d = 0.505f64.sqrt();
    let ternary = x.data.iter().map(|x| sigmoid(8.0 * (x - 0.5) / d) + sigmoid(8.0 * (x + 0.5) / d) - 1.0);
    for (found, expected) in mean("stochastic_ternary").iter().zip(ternary) {
        assert!((found - expected).abs() < 0.02, "{found}, expected {expected}");
    }
    let none = parse("ternary").unwrap().drawn(&x, Role::Kernel, &mut crate::random::Random::new(1)).unwrap();
    assert_eq!(none, None);
}
