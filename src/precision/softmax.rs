//! hls4ml's softmax (nnet_activation.h of 1.3): tables of exponentials and of the reciprocal of their sum.
//!
//! `stable`: `d = max - x` wraps in an unsigned type without the operand's sign bit; its top bits, and those of the sum in
//! `inv_inp_t`, are the tables' indices. `latency` reads the exponential at `x` itself. Terms and partial sums are of `accum_t`.

use super::activation::{Lookup, table_bits, table_size};
use super::emit::Emitter;
use super::functions::exp;
use super::graph::Node;
use super::types::Type;
use crate::error::{Error, Result};
use crate::fixed::{Overflow, Rounding};
use crate::network::{Layer, Tensor};
use serde_json::Value;

/// The type of tables and of the sum where none is named.
const TABLE: Type = Type::fixed(true, 18, 8).with(Rounding::Rnd, Overflow::Sat);

/// Adds a softmax.
///
/// # Errors
/// An implementation or type that is not followed.
pub fn emit(g: &mut Emitter, node: &Node) -> Result<()> {
    let (precision, name) = (g.precision, node.layer.name.as_str());
    let text = |key: &str, default: &str| {
        let value = precision.setting(name, node.class, key).and_then(Value::as_str);
        value.unwrap_or(default).to_lowercase()
    };
    if precision.setting(name, node.class, "skip") == Some(&Value::Bool(true)) {
        g.push(Layer::new(name, "activation", node.layer.inputs.clone()).with("function", "linear"));
        return Ok(());
    }
    let stable = match text("implementation", "stable").as_str() {
        "stable" => true,
        "latency" => false,
        "argmax" | "legacy" => return whole(g, node, &text("implementation", "stable")),
        other => {
            let what = format!("hls4ml has no softmax implementation `{other}`");
            return Err(Error::user(what, "use stable, latency, legacy or argmax, or skip: true"));
        }
    };
    let types: Vec<Type> = ["exp_table_t", "inv_table_t", "inv_inp_t"]
        .iter()
        .map(|key| Ok(precision.key_type(name, node.class, key)?.unwrap_or(TABLE)))
        .collect::<Result<_>>()?;
    let [exp_type, inv_type, inv_input] = types[..] else { return Err(Error::bug("three types")) };
    let (input, accumulator) = (g.read(node, 0)?, node.known("accum")?);
    let bits = table_bits(precision, node)?.min(input.width() as u32).min(inv_type.width() as u32);
    if exp_type.signed() && exp_type.integer() < 2 && stable || inv_input.width() < bits as i32 {
        return Err(Error::user(
            "the types of the softmax' tables are too narrow for it",
            "use ap_fixed<18,8,AP_RND,AP_SAT>",
        ));
    }
    let layer = |name: &str, kind: &str, inputs: &[&str]| {
        Layer::new(name, kind, inputs.iter().map(|i| i.to_string()).collect())
    };
    let mut x = node.layer.inputs.first().cloned().unwrap_or_default();
    let mut index = Type::fixed(input.signed(), bits, input.integer());
    if stable {
        let sign = i32::from(input.signed());
        let width = (input.width() - sign).max(1) as u32;
        let norm = Type::fixed(false, width, input.integer() - sign);
        index = Type::fixed(false, bits.min(width), input.integer() - sign);
        let (maximum, minus, difference) = (g.fresh(name, "max"), g.fresh(name, "minus"), g.fresh(name, "difference"));
        g.push(layer(&maximum, "max", &[&x]).with("axis", -1).with("keep_dims", true));
        g.push(layer(&minus, "scale_shift", &[&x]).with_tensor("scale", Tensor::vector(vec![-1.0])));
        g.push(layer(&difference, "add", &[&maximum, &minus]).with("result_format", norm.to_string()));
        x = difference;
    }
    let exps = points(index).map(|x| f64::from(exp(if stable { -x } else { x }).min(f32::MAX))).collect();
    let terms = g.fresh(name, "exp");
    g.lookup(&terms, vec![x], Lookup { index, entry: exp_type, values: exps }, Some(accumulator))?;
    let (sum, inverse) = (g.fresh(name, "sum"), g.fresh(name, "inverse"));
    // Terms are not negative: a saturating sum is the same in every order.
    let total = g.fresh(name, "total");
    g.push(
        layer(&total, "sum", &[&terms])
            .with("axis", -1)
            .with("keep_dims", true)
            .with("result_format", accumulator.to_string()),
    );
    g.push(layer(&sum, "quantize", &[&total]).with("format", inv_input.to_string()));
    let inverse_index = Type::fixed(inv_input.signed(), bits, inv_input.integer());
    let inverses = points(inverse_index).map(|x| f64::from((1.0 / x).clamp(f32::MIN, f32::MAX))).collect();
    g.lookup(&inverse, vec![sum], Lookup { index: inverse_index, entry: inv_type, values: inverses }, None)?;
    g.push(layer(name, "multiply", &[&terms, &inverse]).with("result_format", node.known("result")?.to_string()));
    Ok(())
}

/// The two implementations that read nothing of the file but the sizes of tables; those of `legacy` are of `fixed<18,8>`, whatever
/// the file says, since the firmware's configuration names no other type.
fn whole(g: &mut Emitter, node: &Node, implementation: &str) -> Result<()> {
    let inverse = g.precision.key_type(&node.layer.name, node.class, "inv_table_t")?.unwrap_or(TABLE);
    let input = g.read(node, 0)?;
    let size = table_size(g.precision, node)?.min(1 << input.width().min(inverse.width()).min(16));
    let mut layer = Layer::new(&node.layer.name, "softmax", node.layer.inputs.clone())
        .with("implementation", implementation)
        .with("format", node.known("result")?.to_string())
        .with("input_format", input.to_string());
    if implementation == "legacy" {
        layer = layer.with("exp_table_size", size).with("inv_table_size", size).with("table_format", "fixed<18,8>");
    }
    g.push(layer);
    Ok(())
}

/// The numbers of a type's bit patterns 0, 1, ..
fn points(index: Type) -> impl Iterator<Item = f32> {
    let (width, step) = (index.width(), f64::from(-index.fraction()).exp2());
    let code = move |pattern: i64| {
        if index.signed() && pattern >= 1 << (width - 1) { pattern - (1 << width) } else { pattern }
    };
    (0..1i64 << width).map(move |pattern| (code(pattern) as f64 * step) as f32)
}
