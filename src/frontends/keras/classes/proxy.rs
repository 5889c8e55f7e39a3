//! Proxy models of HGQ and hls4ml: Keras layers with `FixedPointQuantizer` between them, which say every format; and `UnaryLUT`.
//!
//! A `FixedPointQuantizer` has arrays `keep_negative`, `bits` and `integers` (the sign included), for each element or along some
//! axes, and ap_fixed's modes. Weights are values already. A `UnaryLUT` has a value for each code of its input format.

use super::super::super::json::{field, integer, list, optional, string};
use super::super::architecture::Node;
use super::super::builder::Builder;
use super::Class;
use super::config::mismatch;
use crate::error::{At, Error, Result};
use crate::fixed::{Format, Overflow, Rounding};
use crate::network::Tensor;
use serde_json::Value;

/// This family.
pub const CLASSES: &[Class] = &[("FixedPointQuantizer", quantizer), ("UnaryLUT", table)];

fn mode(config: &Value, name: &str, default: &str) -> Result<String> {
    let text = optional(config, name, string)?.unwrap_or(default).to_string();
    match name {
        "RND" => text.parse::<Rounding>().map(drop),
        _ => text.parse::<Overflow>().map(drop),
    }
    .at(format!("`{name}`"))?;
    Ok(text)
}

fn quantizer(b: &mut Builder, node: &Node) -> Result<()> {
    let names = ["keep_negative", "bits", "integers"];
    let arrays = b.arrays(node, &names)?;
    let [signed, bits, integers] = names.map(|name| arrays.get(name).ok_or_else(|| Error::bug("an array is gone")));
    let (signed, bits, integers) = (signed?, bits?, integers?);
    let shape = match bits.shape.as_slice() {
        [1, shape @ ..] => shape,
        [] => &[],
        shape => return Err(mismatch("bits", shape, "an axis of the samples of length 1")),
    };
    for (name, other) in [("keep_negative", signed), ("integers", integers)] {
        if other.shape != bits.shape {
            return Err(mismatch(name, &other.shape, &format!("{:?}, as the bits have", bits.shape)));
        }
    }
    let each = signed.data.iter().zip(&bits.data).zip(&integers.data);
    if let Some(((k, bits), _)) = each
        .clone()
        .find(|((k, bits), _)| !(**k == 0.0 || **k == 1.0) || **bits < 0.0 || **bits > f64::from(Format::MAX_WIDTH))
    {
        let what = format!("has a format of {bits} bits and keep_negative {k}");
        return Err(Error::user(what, "a format has at most 64 bits, and a sign bit or not"));
    }
    let tensor = |data: Vec<f64>| Tensor { shape: shape.to_vec(), data };
    // Without bits there is nothing but 0, whatever the other two say.
    let sign = |((k, bits), _): ((&f64, &f64), &f64)| if *bits == 0.0 { 0.0 } else { *k };
    let whole = |((k, bits), i): ((&f64, &f64), &f64)| if *bits == 0.0 { 0.0 } else { i - k };
    let part = |((_, bits), i): ((&f64, &f64), &f64)| if *bits == 0.0 { 0.0 } else { bits - i };
    let layer = b
        .layer(node, "quantize")
        .with("rounding", mode(&node.config, "RND", "TRN")?)
        .with("overflow", mode(&node.config, "SAT", "WRAP")?)
        .with_tensor("signed", tensor(each.clone().map(sign).collect()))
        .with_tensor("integer", tensor(each.clone().map(whole).collect()))
        .with_tensor("fraction", tensor(each.map(part).collect()));
    b.push(layer);
    Ok(())
}

fn table(b: &mut Builder, node: &Node) -> Result<()> {
    let kif = |value: &Value| list(value)?.iter().map(integer).collect::<Result<Vec<i64>>>();
    let kif = field(&node.config, "kif_in", kif)?;
    let [k @ (0 | 1), i, f] = kif[..] else {
        return Err(Error::user(
            format!("`kif_in` is {kif:?}"),
            "expected a sign bit or not, integer and fraction bits",
        ));
    };
    let width = (i.abs() <= 256 && f.abs() <= 256).then_some(k + i + f).filter(|width| (1..=24).contains(width));
    let width = width.ok_or_else(|| Error::user(format!("`kif_in` is {kif:?}"), "a table has at most 24 bits"))?;
    let values = b.arrays(node, &["table"])?.remove("table").ok_or_else(|| Error::bug("an array is gone"))?;
    if values.shape != [1usize << width] {
        return Err(mismatch("table", &values.shape, &format!("one value for each of 2^{width} codes")));
    }
    let sign = if k == 1 { "" } else { "u" };
    let codes = b.extra(node, "codes", "quantize")?;
    let codes = codes.with("format", format!("{sign}fixed<{width},{},RND_CONV,WRAP>", k + i));
    b.push(codes);
    let layer = b.layer(node, "table").with("signed", k == 1).with("integer", i).with("fraction", f);
    b.push(layer.with("out_fraction", 0).with_tensor("values", values));
    Ok(())
}
