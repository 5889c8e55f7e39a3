//! Weights as hls4ml stores them.
//!
//! A QKeras quantizer of the network quantizes its weights first and decides their type, whatever the configuration says
//! (`add_weights_variable`). A batch normalisation is folded in float32. Every number is then printed with as many decimals as
//! its type has fraction bits, and cast to the type when the text is read: see [`Type::stored`].

use super::functions::Call;
use super::types::{Kind, Type};
use crate::error::{At, Error, Result};
use crate::fixed::Fixed;
use crate::network::{Layer, Tensor};
use crate::quantizers::{self, Role};
use serde_json::Value;
use std::collections::BTreeMap;

/// Quantizes a layer's weights by the quantizers of the network, takes these away, and gives the types they prescribe.
///
/// # Errors
/// A quantizer with a scale, or one that hls4ml's types do not cover.
pub fn quantized(layer: &mut Layer) -> Result<BTreeMap<&'static str, Type>> {
    let mut fixed = BTreeMap::new();
    for (tensor, attribute, usage) in [("kernel", "kernel_quantizer", "weight"), ("bias", "bias_quantizer", "bias")] {
        let Some(Value::String(text)) = layer.attributes.remove(attribute) else { continue };
        let Some(values) = layer.tensors.get(tensor) else { continue };
        let role = if tensor == "kernel" { Role::Kernel } else { Role::Other };
        let codes = quantizers::parse(&text)?.parameter(values, role).at(format!("`{attribute}`"))?;
        if codes.scale != [1.0] {
            let help = "hls4ml moves the scale behind the layer, which is not followed here; train with alpha=1";
            return Err(Error::user(format!("`{text}` has a scale that is no power of two"), help));
        }
        let data = codes.codes.iter().map(|code| code.to_f64()).collect::<Option<_>>();
        let data = data.ok_or_else(|| Error::user("a weight has more than 53 bits", "use a narrower quantizer"))?;
        let tensor_of = Tensor { shape: values.shape.clone(), data };
        fixed.extend(of_quantizer(&text, &tensor_of, tensor == "kernel")?.map(|known| (usage, known)));
        layer.tensors.insert(tensor.to_string(), tensor_of);
    }
    Ok(fixed)
}

/// hls4ml's `QKerasQuantizer.hls_type`; none for a format of ours, which hls4ml knows nothing of.
fn of_quantizer(text: &str, tensor: &Tensor, kernel: bool) -> Result<Option<Type>> {
    let call = Call::parse(text);
    let unknown = || {
        let help = "hls4ml's own types are followed for quantized_bits(..,alpha=1), quantized_po2, binary(alpha=1) and \
                    ternary(alpha=1)";
        Error::user(format!("weights of `{text}` in hls4ml's types are not supported"), help)
    };
    let unscaled = |position: usize| call.number("alpha", position) == Some(1.0);
    let two_bits = |kind: Kind| Type { kind, ..Type::fixed(true, 2, 2) };
    match call.name {
        "fixed" | "ufixed" => Ok(None),
        "quantized_bits" if unscaled(4) => {
            let bits = call.number("bits", 0).unwrap_or(8.0) as i32;
            let integer = call.number("integer", 1).unwrap_or(0.0) as i32;
            match bits == integer {
                true if bits == 1 => Err(unknown()),
                true => Ok(Some(Type { kind: Kind::Whole, ..Type::inferred(true, bits, bits)? })),
                false => Type::inferred(true, bits, integer + 1).map(Some),
            }
        }
        "quantized_po2" if !kernel => {
            let what = "biases of `quantized_po2`, with which hls4ml 1.3's firmware does not compile";
            Err(Error::user(what, "give the bias another quantizer, such as quantized_bits"))
        }
        "quantized_po2" => powers(tensor, call.number("bits", 0).unwrap_or(8.0) as u32).map(Some),
        "ternary" if unscaled(0) => Ok(Some(two_bits(Kind::Whole))),
        "binary" if unscaled(1) => Ok(Some(two_bits(if kernel { Kind::Binary } else { Kind::Whole }))),
        _ => Err(unknown()),
    }
}

/// A type that holds powers of two.
fn powers(tensor: &Tensor, bits: u32) -> Result<Type> {
    let exponents = || tensor.data.iter().filter_map(|value| Fixed::from_f64(*value)).map(|value| value.exponent());
    let (low, high) = (exponents().min().unwrap_or(0), exponents().max().unwrap_or(0));
    let wide = |_| {
        let what = format!("weights of quantized_po2 from 2^{low} to 2^{high} are more than 64 bits apart");
        Error::user(what, "give quantized_po2 fewer bits")
    };
    let plain = Type::inferred(true, high - low + 2, high + 2).map_err(wide)?;
    Ok(Type { kind: Kind::Exponent(bits), ..plain })
}

/// Refuses what `nnet::product::weight_exponential` would not compute exactly: it shifts in `ap_fixed<2 n, n>`, where `n` is the
/// number of the operand's bits and of the exponent's.
///
/// # Errors
/// A shifted operand does not fit there.
pub fn exponents_fit(kernel: &Tensor, bits: u32, x: Type) -> Result<()> {
    let room = bits as i32 + x.width();
    for weight in &kernel.data {
        let Some(power) = Fixed::from_f64(*weight).map(|weight| weight.exponent()) else { continue };
        let top = x.integer() + power + i32::from(!x.signed() || *weight < 0.0);
        if x.fraction() - power > room || top > room {
            let what =
                format!("hls4ml's firmware shifts {x} by {power} bits within {} bits, where it loses some", 2 * room);
            return Err(Error::user(what, "give the layer's input a wider type, or quantized_po2 fewer bits"));
        }
    }
    Ok(())
}

/// A batch normalisation's scale and shift, in the float32 of hls4ml's converter: `gamma / sqrt(variance + epsilon)` and
/// `beta - scale * mean`.
///
/// # Errors
/// A tensor is missing, of another length, or not finite.
pub fn folded(layer: &Layer) -> Result<(Vec<f32>, Vec<f32>)> {
    let get =
        |name: &str| layer.tensors.get(name).map(|tensor| tensor.data.iter().map(|v| *v as f32).collect::<Vec<_>>());
    let missing = || Error::user("`mean` or `variance` is missing", "give the layer both");
    let (mean, variance) = (get("mean").ok_or_else(missing)?, get("variance").ok_or_else(missing)?);
    let (gamma, beta) =
        (get("gamma").unwrap_or_else(|| vec![1.0; mean.len()]), get("beta").unwrap_or_else(|| vec![0.0; mean.len()]));
    if [&variance, &gamma, &beta].iter().any(|tensor| tensor.len() != mean.len()) {
        return Err(Error::user(
            "its tensors have different lengths",
            "mean, variance, gamma and beta have one value per channel",
        ));
    }
    let epsilon = layer.attributes.get("epsilon").and_then(Value::as_f64).unwrap_or(1e-3) as f32;
    let scale: Vec<f32> =
        gamma.iter().zip(&variance).map(|(gamma, variance)| gamma / (variance + epsilon).sqrt()).collect();
    let shift: Vec<f32> = (0..mean.len()).map(|c| beta[c] - scale[c] * mean[c]).collect();
    match scale.iter().chain(&shift).all(|value| value.is_finite()) {
        true => Ok((scale, shift)),
        false => Err(Error::user("its scale or shift is not finite", "repair the file, or use a larger epsilon")),
    }
}

/// A tensor as it is stored in a type.
///
/// # Errors
/// A value that is not finite.
pub fn stored(tensor: &Tensor, known: Type) -> Result<Tensor> {
    let wrong = || Error::user("a weight is NaN or infinite", "train the network again, or repair the file");
    let one = |value: &f64| if value.is_finite() { known.stored(*value) } else { None };
    // hls4ml prints float32 numbers.
    let data =
        tensor.data.iter().map(|value| one(&f64::from(*value as f32))).collect::<Option<_>>().ok_or_else(wrong)?;
    Ok(Tensor { shape: tensor.shape.clone(), data })
}
