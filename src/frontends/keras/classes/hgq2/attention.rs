//! `QMultiHeadAttention` and `QLinformerAttention`: projections, a product, a softmax, a product, a projection.
//!
//! For samples of two axes (time, features): `q = query(x)`, `k = key(y)`, `v = value(z)` with formats of each element,
//! `a = softmax_oq(softmax(softmax_iq(k . q)))` with the factor `1 / sqrt(key_dim)` inside its exponential, and
//! `attention_output(a . v)`. Linformer first projects the time axis of `y` and `z`. Masks are refused.

use super::super::Class;
use super::super::config::{number_of, truth};
use super::softmax::{Tables, compose};
use super::state::Name;
use super::{State, argument, named, output, push_quantizer, quantized, take};
use crate::error::{At, Error, Result};
use crate::frontends::keras::architecture::Node;
use crate::frontends::keras::builder::Builder;
use crate::network::Layer;
use serde_json::Value;

/// This family.
pub const CLASSES: &[Class] = &[("QMultiHeadAttention", attention), ("QLinformerAttention", attention)];

fn attention(b: &mut Builder, node: &Node) -> Result<()> {
    let state = State::of(b, node)?;
    let config = |name: &str| argument(&node.config, name);
    let [query, key, value] = operands(b, node)?;
    for input in [&query, &key, &value] {
        if b.shape(input)?.len() != 2 {
            return Err(Error::user(
                "attends over several axes",
                "only samples of two axes, (time, features), are supported",
            ));
        }
    }
    let linear = |b: &mut Builder, attribute: &str, at: usize, read: String| match node.class.as_str() {
        "QLinformerAttention" => {
            let part = state.part(attribute, Name::Counted("q_einsum_dense", at))?;
            // With share_kv_proj there is only one.
            let part =
                if part.exists()? { part } else { state.part("lin_k_proj", Name::Counted("q_einsum_dense", 0))? };
            let inside = Projection { word: attribute, equation: "abc,bd->adc", input: None };
            inside.push(b, node, &part, read)
        }
        _ => Ok(read),
    };
    let key = linear(b, "lin_k_proj", 0, key)?;
    let value = linear(b, "lin_v_proj", 1, value)?;
    let parts = [("key_dense", "key"), ("query_dense", "query"), ("value_dense", "value")];
    let parts = parts.map(|(attribute, name)| state.part(attribute, Name::Is(name)));
    let [key_part, query_part, value_part] = parts;
    let (key_part, query_part, value_part) = (key_part?, query_part?, value_part?);
    // What several projections share is saved with one of them.
    let shared = |own: &State<'_>| -> Result<bool> { own.quantizer("iq")?.exists() };
    let fuse = config("fuse").as_str().unwrap_or("none").to_string();
    let project = |b: &mut Builder, word: &'static str, part: &State, read: String, fused: bool| {
        let mut input = part.quantizer("iq")?;
        if fused && !shared(part)? {
            // With "kv" the query has its own.
            let others =
                if fuse == "qkv" { &[&key_part, &value_part, &query_part][..] } else { &[&key_part, &value_part] };
            for other in others {
                if shared(other)? {
                    input = other.quantizer("iq")?;
                    break;
                }
            }
        }
        Projection { word, equation: "abc,cde->abde", input: Some(input) }.push(b, node, part, read)
    };
    let query = project(b, "query", &query_part, query, fuse == "qkv")?;
    let key = project(b, "key", &key_part, key, fuse != "none")?;
    let value = project(b, "value", &value_part, value, fuse != "none")?;
    let name = named(b, node, "scores");
    let scores = b.push(Layer::new(name, "einsum", vec![key, query]).with("equation", "aecd,abcd->acbe"));
    let attended = soften(b, node, &state, scores)?;
    let name = named(b, node, "combined");
    let combined = b.push(Layer::new(name, "einsum", vec![attended, value]).with("equation", "acbe,aecd->abcd"));
    let part = state.part("output_dense", Name::Is("attention_output"))?;
    let last = Projection { word: "", equation: "abcd,cde->abe", input: None };
    let result = last.push(b, node, &part, combined)?;
    output(b, node, &state, result)
}

/// Query, key and value: `value` is `query` and `key` is `value` unless given.
fn operands(b: &Builder, node: &Node) -> Result<[String; 3]> {
    for argument in
        ["query_mask", "value_mask", "key_mask", "attention_mask", "use_causal_mask", "return_attention_scores"]
    {
        let given = node.call.kwargs.get(argument).unwrap_or(&Value::Null);
        if !matches!(given, Value::Null | Value::Bool(false)) {
            return Err(Error::user(
                format!("is called with `{argument}`"),
                "only attention without masks is supported",
            ));
        }
    }
    let find = |name: &str, at: usize| {
        let place = node.call.args.get(at).and_then(|arg| arg.get("tensor")?.as_u64()).map(|place| place as usize);
        let place = place.or_else(|| node.call.named(name))?;
        b.reads().get(place).cloned()
    };
    let query = find("query", 0).ok_or_else(|| Error::user("has no query", "call it with a query and a value"))?;
    let value = find("value", 1).unwrap_or_else(|| query.clone());
    let key = find("key", 2).unwrap_or_else(|| value.clone());
    Ok([query, key, value])
}

/// The softmax over the last axis of the scores, between its quantizers.
fn soften(b: &mut Builder, node: &Node, state: &State, scores: String) -> Result<String> {
    let config = |name: &str| argument(&node.config, name);
    let softmax = state.part("softmax", Name::Counted("q_softmax", 0))?;
    let tables = Tables {
        exp: [config("softmax_exp_iq_conf"), config("softmax_exp_oq_conf")],
        inv: [config("softmax_inv_iq_conf"), config("softmax_inv_oq_conf")],
        factor: (1.0 / (number_of(&node.config, "key_dim")? as f64).sqrt()) as f32,
        stable: truth(&node.config, "stable_softmax", true)?,
    };
    let name = named(b, node, "softmax");
    let (before, behind) = (format!("{name}_iq"), format!("{name}_oq"));
    let part = softmax.quantizer("iq")?;
    let read = match part.exists()? {
        true => push_quantizer(b, before, scores, config("softmax_iq_conf"), &part).at("softmax: iq")?,
        false => scores,
    };
    let soft = compose(b, &name, read, &softmax, &[-1], &tables)?;
    push_quantizer(b, behind, soft, config("softmax_oq_conf"), &softmax.quantizer("oq")?).at("softmax: oq")
}

/// A `QEinsumDense` inside an attention layer.
struct Projection<'w> {
    /// What it is called; empty for the layer itself.
    word: &'w str,
    equation: &'static str,
    /// The input quantizer, if it is not the part's own.
    input: Option<State<'w>>,
}

impl Projection<'_> {
    fn push(self, b: &mut Builder, node: &Node, part: &State, read: String) -> Result<String> {
        let config = |name: &str| argument(&node.config, name);
        let name = if self.word.is_empty() { node.name.clone() } else { named(b, node, self.word) };
        let (before, behind) = (format!("{name}_iq"), format!("{name}_oq"));
        let input = match self.input {
            Some(input) => input,
            None => part.quantizer("iq")?,
        };
        let read = match input.exists()? {
            true => push_quantizer(b, before, read, config("qkvo_iq_conf"), &input).at("iq")?,
            false => read,
        };
        let bias = part.quantizer("bq")?;
        let biased = bias.exists()?;
        let mut names = if biased { vec!["kernel", "bias"] } else { vec!["kernel"] };
        if truth(&node.config, "enable_ebops", false)? {
            names.extend(["beta", "ebops"]);
        }
        let mut arrays = part.arrays(&names)?;
        let kernel =
            quantized(&take(&mut arrays, "kernel")?, config("qkvo_kq_conf"), &part.quantizer("kq")?).at("kq")?;
        let mut layer =
            Layer::new(name, "einsum_dense", vec![read]).with("equation", self.equation).with_tensor("kernel", kernel);
        if biased {
            let bias = quantized(&take(&mut arrays, "bias")?, config("qkvo_bq_conf"), &bias).at("bq")?;
            layer = layer.with_tensor("bias", bias);
        }
        let result = b.push(layer);
        let quantizer = part.quantizer("oq")?;
        match quantizer.exists()? {
            true => push_quantizer(b, behind, result, config("qkvo_oq_conf"), &quantizer).at("oq"),
            false => Ok(result),
        }
    }
}
