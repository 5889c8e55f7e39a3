//! Separable convolutions: hls4ml's `SeparableToDepthwiseAndConv` makes two layers of one (`seperable_to_dw_conv.py`).

use crate::error::{Error, Result};
use crate::network::Layer;

/// `NAME_depthwise` and `NAME_pointwise`.
///
/// # Errors
/// A kernel is missing.
pub fn parts(mut layer: Layer) -> Result<(Layer, Layer)> {
    let (first, second) = (format!("{}_depthwise", layer.name), format!("{}_pointwise", layer.name));
    let (kinds, axes) = match layer.kind.as_str() {
        "separable_conv1d" => (["depthwise_conv1d", "conv1d"], 1),
        _ => (["depthwise_conv2d", "conv2d"], 2),
    };
    let missing = || Error::user("`depthwise_kernel` or `pointwise_kernel` is missing", "give the layer both");
    let mut depthwise = Layer::new(&first, kinds[0], layer.inputs);
    let mut pointwise = Layer::new(&second, kinds[1], vec![first]);
    for attribute in ["strides", "padding", "dilation"] {
        depthwise.attributes.extend(layer.attributes.remove(attribute).map(|value| (attribute.to_string(), value)));
    }
    for (theirs, to) in [("depthwise", &mut depthwise), ("pointwise", &mut pointwise)] {
        let kernel = layer.tensors.remove(&format!("{theirs}_kernel")).ok_or_else(missing)?;
        if kernel.shape.len() != axes + 2 {
            let what = format!("`{theirs}_kernel` has shape {:?}", kernel.shape);
            return Err(Error::user(what, format!("it has {} axes", axes + 2)));
        }
        to.tensors.insert("kernel".into(), kernel);
        let quantizer = layer.attributes.remove(&format!("{theirs}_quantizer"));
        to.attributes.extend(quantizer.map(|value| ("kernel_quantizer".to_string(), value)));
    }
    pointwise.tensors.extend(layer.tensors);
    pointwise.attributes.extend(layer.attributes);
    Ok((depthwise, pointwise))
}
