//! QKeras quantizers, as objects or as call strings, to one canonical call string.
//!
//! `bits` and `integer` come first by position, other arguments by keyword in QKeras' order. Arguments at QKeras'
//! default, and those that matter in training only, are left out: `quantized_bits(6,0,alpha=1)`.

use super::super::json::{field, kind, object, string};
use crate::error::{Error, Result};
use serde_json::Value;

/// An argument of a quantizer: its name and QKeras' default.
type Parameter = (&'static str, &'static str);

/// Not written: arguments that change nothing after training.
const TRAINING: [&str; 4] = ["use_stochastic_rounding", "use_ste", "var_name", "use_variables"];

/// The quantizers of QKeras 0.9, their arguments by position.
#[rustfmt::skip]
const QUANTIZERS: &[(&str, &[Parameter])] = &[
    ("quantized_bits", &[("bits", ""), ("integer", ""), ("symmetric", "0"), ("keep_negative", "True"), ("alpha", "None"),
        ("use_stochastic_rounding", ""), ("scale_axis", "None"), ("qnoise_factor", "1.0"), ("var_name", ""), ("use_ste", ""),
        ("use_variables", "")]),
    ("quantized_linear", &[("bits", ""), ("integer", ""), ("symmetric", ""), ("keep_negative", "True"), ("alpha", "None"),
        ("use_stochastic_rounding", ""), ("scale_axis", "None"), ("qnoise_factor", "1.0"), ("var_name", ""),
        ("use_variables", "")]),
    ("quantized_relu", &[("bits", ""), ("integer", ""), ("use_sigmoid", "0"), ("negative_slope", "0"),
        ("use_stochastic_rounding", ""), ("relu_upper_bound", "None"), ("is_quantized_clip", "True"),
        ("qnoise_factor", "1.0"), ("var_name", ""), ("use_ste", ""), ("use_variables", "")]),
    ("quantized_ulaw", &[("bits", ""), ("integer", ""), ("symmetric", "0"), ("u", "255")]),
    ("quantized_tanh", &[("bits", ""), ("use_stochastic_rounding", ""), ("symmetric", "0"), ("use_real_tanh", "0")]),
    ("quantized_sigmoid", &[("bits", ""), ("symmetric", "0"), ("use_real_sigmoid", "0"), ("use_stochastic_rounding", "")]),
    ("quantized_po2", &[("bits", ""), ("max_value", "None"), ("use_stochastic_rounding", ""),
        ("quadratic_approximation", "0"), ("log2_rounding", "'rnd'"), ("qnoise_factor", "1.0"), ("var_name", ""),
        ("use_ste", ""), ("use_variables", "")]),
    ("quantized_relu_po2", &[("bits", ""), ("max_value", "None"), ("negative_slope", "0"), ("use_stochastic_rounding", ""),
        ("quadratic_approximation", "0"), ("log2_rounding", "'rnd'"), ("qnoise_factor", "1.0"), ("var_name", ""),
        ("use_ste", ""), ("use_variables", "")]),
    ("quantized_hswish", &[("bits", ""), ("integer", ""), ("symmetric", "0"), ("alpha", "None"),
        ("use_stochastic_rounding", ""), ("scale_axis", "None"), ("qnoise_factor", "1.0"), ("var_name", ""), ("use_ste", ""),
        ("use_variables", ""), ("relu_shift", "3"), ("relu_upper_bound", "6"), ("keep_negative", "True")]),
    ("binary", &[("use_01", "0"), ("alpha", "None"), ("use_stochastic_rounding", "")]),
    ("ternary", &[("alpha", "None"), ("threshold", "None"), ("use_stochastic_rounding", ""), ("number_of_unrolls", "5")]),
    ("bernoulli", &[("alpha", "None"), ("temperature", "6"), ("use_real_sigmoid", "True")]),
    ("stochastic_binary", &[("alpha", "None"), ("temperature", "6"), ("use_real_sigmoid", "True")]),
    ("stochastic_ternary", &[("alpha", "None"), ("threshold", "None"), ("temperature", "8"), ("use_real_sigmoid", "True"),
        ("number_of_unrolls", "5")]),
];

/// The default of an argument that is always written, where the file leaves it out.
const BITS: [(&str, &str); 2] = [("bits", "8"), ("integer", "0")];

/// Activation functions that are no quantizers.
const FUNCTIONS: &[&str] = &[
    "linear",
    "relu",
    "relu6",
    "leaky_relu",
    "softmax",
    "sigmoid",
    "tanh",
    "hard_sigmoid",
    "hard_tanh",
    "hard_silu",
    "softplus",
    "softsign",
    "elu",
    "selu",
    "gelu",
    "silu",
    "exponential",
    "mish",
    "binary_sigmoid",
    "binary_tanh",
    "ternary_tanh",
];

/// Other names of functions.
const ALIASES: &[(&str, &str)] = &[
    ("swish", "silu"),
    ("hard_swish", "hard_silu"),
    ("exp", "exponential"),
    // hls4ml's examples have a function of their own: K.relu(x, max_value=1).
    ("relu1", "clip(0,1)"),
    // tf.nn.leaky_relu, and that of Keras 3, have this slope.
    ("leaky_relu", "leaky_relu(0.2)"),
];

/// Layers that a layer has as its activation, with the number they take and its default.
const LAYERS: &[(&str, &str, &[&str], f64)] = &[
    ("LeakyReLU", "leaky_relu", &["negative_slope", "alpha"], 0.3),
    ("ELU", "elu", &["alpha"], 1.0),
    ("ThresholdedReLU", "thresholded_relu", &["theta"], 1.0),
];

/// A quantizer's call string; `None` for null.
pub fn quantizer(value: &Value) -> Result<Option<String>> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => call(text).map(Some),
        Value::Object(_) => from_object(value).map(Some),
        _ => Err(Error::user(format!("is {}, expected a quantizer", kind(value)), "correct this field")),
    }
}

/// An activation: a function's name or a quantizer's call string; `None` for null and linear.
pub fn activation(value: &Value) -> Result<Option<String>> {
    let name = match value {
        Value::String(text) => Some(text.as_str()),
        Value::Object(object) => match (object.get("class_name"), object.get("config")) {
            (Some(Value::String(class)), Some(Value::String(name))) if class == "function" => Some(name.as_str()),
            (Some(Value::String(class)), _) if FUNCTIONS.contains(&class.to_lowercase().as_str()) => {
                Some(class.as_str())
            }
            _ => None,
        },
        _ => None,
    };
    let lower = name.map(str::to_lowercase);
    let lower = lower.as_deref().map(|name| ALIASES.iter().find(|(of, _)| *of == name).map_or(name, |(_, to)| to));
    match lower {
        Some("linear") => Ok(None),
        Some(function)
            if FUNCTIONS.contains(&function)
                || function.contains('(') && ALIASES.iter().any(|(_, to)| *to == function) =>
        {
            Ok(Some(function.to_string()))
        }
        _ => match layer(value) {
            Some(call) => Ok(Some(call)),
            None => quantizer(value),
        },
    }
}

/// A layer as an activation.
fn layer(value: &Value) -> Option<String> {
    let class = value.get("class_name")?.as_str()?;
    let (_, function, names, default) = LAYERS.iter().find(|(name, ..)| *name == class)?;
    let given = names.iter().find_map(|name| value.get("config")?.get(name)?.as_f64());
    Some(format!("{function}({})", given.unwrap_or(*default) as f32))
}

fn from_object(value: &Value) -> Result<String> {
    let class = field(value, "class_name", string)?;
    let class = class.rsplit('>').next().unwrap_or(class);
    let config = field(value, "config", object)?;
    let mut arguments = Vec::new();
    for (name, value) in config {
        // Keras 3 wraps the numbers of NumPy.
        let value = value.get("config").and_then(|inner| inner.get("value")).unwrap_or(value);
        if name == "name" || name == "dtype" {
            continue;
        }
        let text = match value {
            Value::Null => "None".to_string(),
            Value::Bool(true) => "True".to_string(),
            Value::Bool(false) => "False".to_string(),
            Value::Number(number) => number.to_string(),
            Value::String(text) if text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c)) => {
                format!("'{text}'")
            }
            _ if TRAINING.contains(&name.as_str()) => continue,
            _ => {
                let what = format!("`{name}` is {}", kind(value));
                return Err(Error::user(what, "arguments are numbers, truth values, words or null").at(class));
            }
        };
        arguments.push((name.clone(), text));
    }
    canonical(class, arguments)
}

/// Reads `quantized_bits(6, 0, alpha=1)`, or a name without arguments.
fn call(text: &str) -> Result<String> {
    let wrong = || Error::user(format!("`{text}` is no quantizer"), "write a call such as quantized_bits(6,0,alpha=1)");
    let text = text.trim();
    let (name, body) = match text.split_once('(') {
        Some((name, rest)) => (name.trim(), rest.strip_suffix(')').ok_or_else(wrong)?),
        None => (text, ""),
    };
    let parameters = parameters(name)?;
    let mut arguments = Vec::new();
    for (at, argument) in body.split(',').map(str::trim).filter(|argument| !argument.is_empty()).enumerate() {
        let (name, value) = match argument.split_once('=') {
            Some((name, value)) => (name.trim(), value.trim()),
            None => (parameters.get(at).ok_or_else(wrong)?.0, argument),
        };
        let word = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "_.+-".contains(c));
        let quoted = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
        let value = match quoted('\'').or(quoted('"')) {
            Some(text) if word(text) => format!("'{text}'"),
            None if ["True", "False", "None"].contains(&value) || number(value).is_some() => value.to_string(),
            _ => return Err(wrong()),
        };
        arguments.push((name.to_string(), value));
    }
    canonical(name, arguments)
}

fn parameters(class: &str) -> Result<&'static [Parameter]> {
    QUANTIZERS.iter().find(|(name, _)| *name == class).map(|(_, parameters)| *parameters).ok_or_else(|| {
        let known: Vec<_> = QUANTIZERS.iter().map(|(name, _)| *name).collect();
        let help = format!("quantizers: {}; functions: {}", known.join(", "), FUNCTIONS.join(", "));
        Error::user(format!("no quantizer or activation is called `{class}`"), help)
    })
}

/// A number, or a truth value as 0 or 1.
fn number(text: &str) -> Option<f64> {
    match text {
        "True" => Some(1.0),
        "False" => Some(0.0),
        _ => text.parse::<f64>().ok().filter(|number| number.is_finite()),
    }
}

fn same(a: &str, b: &str) -> bool {
    a == b || number(a).is_some_and(|a| number(b) == Some(a))
}

fn canonical(class: &str, mut arguments: Vec<(String, String)>) -> Result<String> {
    let parameters = parameters(class)?;
    for (at, (name, _)) in arguments.iter().enumerate() {
        if arguments[..at].iter().any(|(other, _)| other == name) {
            return Err(Error::user(format!("`{name}` is given twice"), "give each argument once").at(class));
        }
    }
    let mut written = Vec::new();
    for (name, default) in parameters {
        let found = arguments.iter().position(|(argument, _)| argument == name);
        let given = found.map(|found| arguments.remove(found).1);
        let implied = BITS.iter().find(|(bits, _)| bits == name).map(|(_, implied)| implied.to_string());
        let positional = implied.is_some();
        match given.or(implied) {
            Some(value) if *name == "qnoise_factor" && !same(&value, "1") => {
                let what = format!("`qnoise_factor` is {value}: its results are only partly quantized");
                return Err(Error::user(what, "finish the training with qnoise_factor = 1").at(class));
            }
            Some(_) if TRAINING.contains(name) => {}
            Some(value) if positional => written.push(value),
            Some(value) if !same(&value, default) => written.push(format!("{name}={value}")),
            _ => {}
        }
    }
    // Arguments of another version of QKeras: whoever reads the call decides.
    let others = arguments.into_iter().filter(|(name, value)| value != "None" && !TRAINING.contains(&name.as_str()));
    written.extend(others.map(|(name, value)| format!("{name}={value}")));
    Ok(format!("{class}({})", written.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn calls_become_canonical() {
        for (text, expected) in [
            ("quantized_bits(6, 0, alpha=1)", "quantized_bits(6,0,alpha=1)"),
            ("quantized_bits(4,0,1)", "quantized_bits(4,0,symmetric=1)"),
            ("quantized_bits(bits=4, alpha=\"auto_po2\")", "quantized_bits(4,0,alpha='auto_po2')"),
            ("quantized_relu(2)", "quantized_relu(2,0)"),
            ("quantized_relu(6,2,0,0.25,True)", "quantized_relu(6,2,negative_slope=0.25)"),
            ("quantized_bits(6,0,0,False,use_stochastic_rounding=True)", "quantized_bits(6,0,keep_negative=False)"),
            ("ternary", "ternary()"),
            ("binary(alpha=1.0)", "binary(alpha=1.0)"),
            ("quantized_tanh(8, symmetric=True)", "quantized_tanh(8,symmetric=True)"),
            ("quantized_linear(8,2,0)", "quantized_linear(8,2,symmetric=0)"),
            (
                "quantized_bits(6,0,post_training_scale=None,elements_per_scale=4)",
                "quantized_bits(6,0,elements_per_scale=4)",
            ),
        ] {
            assert_eq!(quantizer(&json!(text)).unwrap().unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn objects_become_calls() {
        let config =
            json!({"bits": 4, "max_value": 1, "use_stochastic_rounding": false, "quadratic_approximation": false});
        let object = json!({"class_name": "quantized_po2", "config": config});
        assert_eq!(quantizer(&object).unwrap().unwrap(), "quantized_po2(4,max_value=1)");
        let object = json!({"class_name": "Custom>quantized_bits", "config": {"bits": 6, "keep_negative": true, "alpha": "auto"}});
        assert_eq!(quantizer(&object).unwrap().unwrap(), "quantized_bits(6,0,alpha='auto')");
        let config = json!({"bits": 6, "integer": 2, "keep_negative": true, "alpha": 1.0, "relu_shift": 3}); // of qkeras-v3
        let object = json!({"class_name": "quantized_hswish", "config": config});
        assert_eq!(quantizer(&object).unwrap().unwrap(), "quantized_hswish(6,2,alpha=1.0)");
        assert_eq!(activation(&json!({"class_name": "function", "config": "relu"})).unwrap().unwrap(), "relu");
        assert_eq!(activation(&json!("linear")).unwrap(), None);
    }

    #[test]
    fn mistakes_are_named() {
        for (value, part) in [
            (json!("quantised_bits(6)"), "no quantizer or activation is called `quantised_bits`"),
            (json!("quantized_bits(6"), "is no quantizer"),
            (json!("quantized_bits(6,__import__)"), "is no quantizer"),
            (json!("quantized_bits(6,bits=6)"), "given twice"),
            (json!("quantized_relu(6,qnoise_factor=0.5)"), "only partly quantized"),
            (json!({"class_name": "MyBits", "config": {}}), "`MyBits`"),
            (json!({"class_name": "binary", "config": {"alpha": [1, 2]}}), "`alpha` is a list"),
            (json!(6), "is a number"),
        ] {
            let error = quantizer(&value).unwrap_err();
            assert!(error.what.contains(part), "{error}");
        }
    }
}
