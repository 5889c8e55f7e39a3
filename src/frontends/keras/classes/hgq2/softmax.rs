//! `QSoftmax`: two tables, a sum and a product.
//!
//! Stable: `e = exp_oq(exp(-s * exp_iq(max(x) - x)))`; otherwise `e = exp_oq(exp(s * x))`. Then
//! `y = e * inv_oq(1 / (inv_iq(sum e) + 1e-7))`, the functions in float32, everything between quantizers exact.

use super::super::Class;
use super::super::config::{axes, truth};
use super::state::Name;
use super::{State, argument, constant, input, output, push_quantizer};
use crate::error::{At, Result};
use crate::frontends::json::{number, optional};
use crate::frontends::keras::architecture::Node;
use crate::frontends::keras::builder::Builder;
use crate::network::Layer;
use serde_json::Value;

/// This family.
pub const CLASSES: &[Class] = &[("QSoftmax", softmax)];

/// The configurations of the four quantizers of the tables.
pub struct Tables<'n> {
    /// Of the exponential's input and output.
    pub exp: [&'n Value; 2],
    /// Of the reciprocal's input and output.
    pub inv: [&'n Value; 2],
    /// The factor of the exponent.
    pub factor: f32,
    /// Is the greatest value subtracted?
    pub stable: bool,
}

fn softmax(b: &mut Builder, node: &Node) -> Result<()> {
    let state = State::of(b, node)?;
    let axes = axes(b, &node.config, "axes", -1)?;
    let read = input(b, node, &state)?;
    let config = |name: &str| argument(&node.config, name);
    let tables = Tables {
        exp: [config("exp_iq_conf"), config("exp_oq_conf")],
        inv: [config("inv_iq_conf"), config("inv_oq_conf")],
        factor: optional(&node.config, "input_scaler", number)?.unwrap_or(1.0) as f32,
        stable: truth(&node.config, "stable", true)?,
    };
    let result = compose(b, &node.name, read, &state, &axes, &tables)?;
    output(b, node, &state, result)
}

/// Pushes the layers of a softmax named so, over axes counted from the end.
pub fn compose(
    b: &mut Builder,
    name: &str,
    read: String,
    state: &State,
    axes: &[i64],
    tables: &Tables,
) -> Result<String> {
    let exp = state.part("exp_table", Name::Ends("_exp_table"))?;
    let inv = state.part("inv_table", Name::Ends("_inv_table"))?;
    let word = |b: &mut Builder, word: &str| b.fresh(&format!("{name}_{word}"));
    let mut x = read;
    if tables.stable {
        let (greatest, below) = (word(b, "max"), word(b, "below"));
        let greatest =
            b.push(Layer::new(greatest, "max", vec![x.clone()]).with("axis", axes.to_vec()).with("keep_dims", true));
        x = b.push(Layer::new(below, "subtract", vec![greatest, x]));
        let quantizer = word(b, "exp_iq");
        x = push_quantizer(b, quantizer, x, tables.exp[0], &exp.quantizer("iq")?).at("exp_table: iq")?;
    }
    let factor = if tables.stable { -tables.factor } else { tables.factor };
    if factor != 1.0 {
        let scaled = word(b, "exponent");
        x = constant(b, scaled, "multiply", x, f64::from(factor));
    }
    let (function, quantizer) = (word(b, "exp"), word(b, "exp_oq"));
    x = b.push(Layer::new(function, "activation", vec![x]).with("function", "exponential"));
    let e = push_quantizer(b, quantizer, x, tables.exp[1], &exp.quantizer("oq")?).at("exp_table: oq")?;
    let (sum, before) = (word(b, "sum"), word(b, "inv_iq"));
    let sum = b.push(Layer::new(sum, "sum", vec![e.clone()]).with("axis", axes.to_vec()).with("keep_dims", true));
    let sum = push_quantizer(b, before, sum, tables.inv[0], &inv.quantizer("iq")?).at("inv_table: iq")?;
    let (shifted, function, behind) = (word(b, "sum_epsilon"), word(b, "inv"), word(b, "inv_oq"));
    let sum = constant(b, shifted, "add", sum, f64::from(1e-7f32));
    let inverse = b.push(Layer::new(function, "activation", vec![sum]).with("function", "reciprocal"));
    let inverse = push_quantizer(b, behind, inverse, tables.inv[1], &inv.quantizer("oq")?).at("inv_table: oq")?;
    Ok(b.push(Layer::new(name, "multiply", vec![e, inverse])))
}
