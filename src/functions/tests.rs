//! Every function: its exact form against its float32 form, its trend on a fine grid, and each error once.

use super::*;

/// Calls with other parameters than the defaults.
const CALLS: &[&str] = &[
    "relu(6)",
    "relu(max_value=4,negative_slope=0.25)",
    "relu(negative_slope=0.3)",
    "relu(8,0.5,1)",
    "relu(threshold=1.5)",
    "leaky_relu(0.25)",
    "leaky_relu(2)",
    "leaky_relu(-4)",
    "leaky_relu(0)",
    "thresholded_relu(0.3)",
    "thresholded_relu(-1.25)",
    "clip(-1,2.5)",
    "clip(low=0.1)",
    "clip(high=3)",
    "soft_shrink(0.75)",
    "elu(0.5)",
    "celu(2)",
    "hard_sigmoid_keras2(0.25,0.5)",
    "hard_sigmoid_keras2(0.1875,0.5)",
    "power(3)",
    "power(2)",
    "power(1)",
    "power(0.5)",
];

fn functions() -> Vec<Function> {
    let all = FUNCTIONS.iter().map(|entry| entry.name).filter(|name| *name != "power").chain(CALLS.iter().copied());
    all.map(|call| Function::parse(call).unwrap_or_else(|error| panic!("{error}"))).collect()
}

#[test]
fn monotone_functions_are() {
    for function in functions().iter().filter(|function| function.trend() != Trend::Other) {
        let values: Vec<f32> =
            (-40_000..40_000).map(|n| function.at(n as f32 / 2048.0)).filter(|y| y.is_finite()).collect();
        let falling = function.trend() == Trend::Falling;
        assert!(values.len() > 1000, "{function}");
        assert!(
            values.windows(2).all(|pair| if falling { pair[0] >= pair[1] } else { pair[0] <= pair[1] }),
            "{function}"
        );
    }
}

#[test]
fn ranges_of_exact_forms_hold_every_result() {
    for function in functions() {
        for exact in function.exact().unwrap_or_default() {
            for (lo, hi, exp) in [(-9, 12, -2), (-3, -2, 1), (1, 5, 0), (-40, 40, -4)] {
                let Some(range) = exact.shifted(Range::new(lo, hi, exp)) else { continue };
                for code in lo..=hi {
                    let x = Fixed::new(code, exp);
                    let y = match exact {
                        Exact::Clip(low, high) => {
                            high.map_or(x, |high| x.min(high)).max(low.unwrap_or(x.min(range.low())))
                        }
                        Exact::Leaky(slope) if x < Fixed::ZERO => x.mul(slope).expect("small"),
                        Exact::Scale(slope) => x.mul(slope).expect("small"),
                        Exact::Add(constant) => x.add(constant).expect("small"),
                        _ => x,
                    };
                    assert!(range.contains(&Range::point(y)), "{function}: {x} -> {y} not in {range}");
                }
            }
        }
    }
}

#[test]
fn calls_are_printed_and_read() {
    for function in functions() {
        let text = function.to_string();
        assert_eq!(Function::parse(&text).expect("reads what it prints"), function, "{text}");
        assert!(Function::is_known(&text));
    }
    assert_eq!(
        format!("{}", Function::parse("relu( 6, 0.5)").expect("a call")),
        "relu(max_value=6,negative_slope=0.5)"
    );
}

#[test]
fn mistakes_are_explained() {
    let cases = [
        ("rleu", "no function is called `rleu`", "known: relu, relu6"),
        ("leaky_relu(slope=0.3)", "`slope` is not an argument", "takes negative_slope"),
        ("power", "`exponent` is missing", "write power(exponent)"),
        ("clip('a')", "`low` is 'a'", "a number"),
        ("elu(1e300)", "beyond float32", "3e38"),
    ];
    for (text, what, help) in cases {
        let error = Function::parse(text).expect_err(text);
        assert!(error.what.contains(what) && error.help.contains(help), "`{text}`: {error}");
    }
}
