//! HGQ2: layers of Keras 3 with quantizers that have a format for each element.
//!
//! A layer quantizes its inputs (`iq`), computes as Keras' layer does with quantized weights (`kq`, `bq`), and quantizes its
//! output (`oq`), each if enabled. Weights are quantized here, in HGQ2's float32 arithmetic, and are exact from then on; quantizers
//! of values become layers `LAYER_iq` and `LAYER_oq`. Batch normalisation is fused into the weights before they are quantized,
//! as HGQ2 does at inference. Checked against HGQ2 0.2.0 in `tests/data/hgq2`.

mod attention;
mod dense;
mod edges;
mod functions;
mod merge;
mod norm;
mod quantizer;
mod recurrent;
mod softmax;
mod state;
mod table;

use super::Class;
use super::config::truth;
use crate::error::{At, Error, Result};
use crate::frontends::keras::architecture::Node;
use crate::frontends::keras::builder::Builder;
use crate::network::{Layer, Tensor};
use quantizer::quantizer;
use serde_json::Value;
use state::State;

/// The families.
pub const FAMILIES: &[&[Class]] = &[
    dense::CLASSES,
    norm::CLASSES,
    merge::CLASSES,
    functions::CLASSES,
    softmax::CLASSES,
    attention::CLASSES,
    table::CLASSES,
    recurrent::CLASSES,
];

/// Classes of HGQ2 that are known and refused.
const REFUSED: &[(&str, &[&str])] = &[
    (
        "use QMultiHeadAttention, or compose it from QEinsumDenseT and QEinsum",
        &["QMultiHeadAttentionT", "QLinformerAttentionT"],
    ),
    ("spiking layers keep a state between events", &["QLIF", "QSimpleSNN"]),
];

/// What translates a class of HGQ2.
///
/// # Errors
/// It is not known, or known and refused.
pub fn find(class: &str) -> Result<super::Translate> {
    let all = || FAMILIES.iter().flat_map(|family| family.iter());
    all().find(|(name, _)| *name == class).map(|(_, translate)| *translate).ok_or_else(|| {
        let refused = REFUSED.iter().find(|(_, names)| names.contains(&class));
        let known = || format!("supported: {}", all().map(|(name, _)| *name).collect::<Vec<_>>().join(", "));
        let help = refused.map_or_else(known, |(why, _)| why.to_string());
        Error::user(format!("layers of class `{class}` of HGQ2 are not supported"), help)
    })
}

/// An argument, or null.
fn argument<'n>(config: &'n Value, name: &str) -> &'n Value {
    config.get(name).unwrap_or(&Value::Null)
}

/// Pushes the quantizer that a part of a layer stores, if it is enabled; the name of what is then to be read.
fn push_quantizer(b: &mut Builder, name: String, input: String, config: &Value, state: &State) -> Result<String> {
    match quantizer(config, state)? {
        Some(quantizer) => {
            let name = b.fresh(&name);
            quantizer.push(b, name, input)
        }
        None => Ok(input),
    }
}

/// The quantized input of a layer with one.
fn input(b: &mut Builder, node: &Node, state: &State) -> Result<String> {
    let input = b.one_input()?;
    if !truth(&node.config, "enable_iq", true)? {
        return Ok(input);
    }
    let name = format!("{}_iq", node.name);
    push_quantizer(b, name, input, argument(&node.config, "iq_conf"), &state.quantizer("iq")?).at("iq")
}

/// The quantized inputs of a layer with several.
fn inputs(b: &mut Builder, node: &Node, state: &State) -> Result<Vec<String>> {
    let reads = b.reads().to_vec();
    if !truth(&node.config, "enable_iq", true)? {
        return Ok(reads);
    }
    let configs = argument(&node.config, "iq_confs");
    let all = state.part("iq", state::Name::Counted("multiple_quantizers", 0))?;
    let mut names = Vec::new();
    for (at, read) in reads.into_iter().enumerate() {
        let config = match configs {
            Value::Array(configs) => configs.get(at).unwrap_or(&Value::Null),
            one => one,
        };
        let numbered = if at == 0 { "quantizers/quantizer".to_string() } else { format!("quantizers/quantizer_{at}") };
        let part = all.part(&numbered, state::Name::Counted("quantizer", at))?;
        names.push(push_quantizer(b, format!("{}_iq_{at}", node.name), read, config, &part).at(format!("iq {at}"))?);
    }
    Ok(names)
}

/// Quantizes the output, if that is enabled, and makes it the result.
fn output(b: &mut Builder, node: &Node, state: &State, result: String) -> Result<()> {
    let result = match truth(&node.config, "enable_oq", false)? {
        true => {
            let name = format!("{}_oq", node.name);
            push_quantizer(b, name, result, argument(&node.config, "oq_conf"), &state.quantizer("oq")?).at("oq")?
        }
        false => result,
    };
    b.give(vec![result]);
    Ok(())
}

/// Pushes the layer's own activation; the name of the result.
fn activation(b: &mut Builder, node: &Node, name: &str, input: String) -> Result<String> {
    let read = crate::frontends::keras::quantizer::activation;
    let function = crate::frontends::json::optional(&node.config, name, read)?.flatten();
    Ok(match function {
        Some(function) => {
            let word = function.split('(').next().unwrap_or(&function).to_string();
            let name = b.fresh(&format!("{}_{word}", node.name));
            b.push(Layer::new(name, "activation", vec![input]).with("function", function))
        }
        None => input,
    })
}

/// A name that says which part of a layer it is.
fn named(b: &mut Builder, node: &Node, word: &str) -> String {
    b.fresh(&format!("{}_{word}", node.name))
}

/// Pushes a product, sum or the like with a constant, float32 as in the file; the name of the result.
fn constant(b: &mut Builder, name: String, kind: &str, input: String, value: f64) -> String {
    b.push(Layer::new(name, kind, vec![input]).with_tensor("constant", Tensor { shape: Vec::new(), data: vec![value] }))
}

/// Names of the arrays of a layer: those that are trained, what every layer with `enable_ebops` has, and others.
fn with_ebops<'n>(node: &Node, trained: &[&'n str], others: &[&'n str]) -> Result<Vec<&'n str>> {
    let ebops: &[&str] = if truth(&node.config, "enable_ebops", false)? { &["beta", "ebops"] } else { &[] };
    Ok(trained.iter().chain(ebops).chain(others).copied().collect())
}

/// An array that was asked for.
fn take(arrays: &mut crate::frontends::keras::builder::Arrays, name: &str) -> Result<Tensor> {
    arrays.remove(name).ok_or_else(|| Error::bug("an array that was there is gone"))
}

/// Weights through the quantizer of a part, if it is enabled.
fn quantized(tensor: &Tensor, config: &Value, state: &State) -> Result<Tensor> {
    match quantizer(config, state)? {
        Some(quantizer) => quantizer.weights(tensor),
        None => Ok(tensor.clone()),
    }
}
