//! Layers as Keras calls them: the energy's and the bits' rules, and the limits of a search, are written for its classes.

use super::operand::Operand;
use crate::network::Layer;

/// Kinds of ours and the Keras class of each.
const CLASSES: &[(&str, &str)] = &[
    ("dense", "Dense"),
    ("einsum_dense", "EinsumDense"),
    ("conv2d", "Conv2D"),
    ("conv1d", "Conv1D"),
    ("conv2d_transpose", "Conv2DTranspose"),
    ("conv1d_transpose", "Conv1DTranspose"),
    ("depthwise_conv2d", "DepthwiseConv2D"),
    ("depthwise_conv1d", "DepthwiseConv1D"),
    ("separable_conv2d", "SeparableConv2D"),
    ("separable_conv1d", "SeparableConv1D"),
    ("batch_norm", "BatchNormalization"),
    ("activation", "Activation"),
    ("softmax", "Activation"),
    ("relu", "Activation"),
    ("quantize", "Activation"),
    ("max_pool2d", "MaxPooling2D"),
    ("max_pool1d", "MaxPooling1D"),
    ("average_pool2d", "AveragePooling2D"),
    ("average_pool1d", "AveragePooling1D"),
    ("add", "Add"),
    ("subtract", "Subtract"),
    ("multiply", "Multiply"),
    ("maximum", "Maximum"),
    ("minimum", "Minimum"),
    ("average", "Average"),
    ("concatenate", "Concatenate"),
    ("flatten", "Flatten"),
    ("reshape", "Reshape"),
    ("simple_rnn", "SimpleRNN"),
    ("lstm", "LSTM"),
    ("gru", "GRU"),
];

/// The class of a layer without its quantizers; a kind that Keras does not have keeps its name.
pub fn class(layer: &Layer) -> &str {
    CLASSES.iter().find(|(kind, _)| *kind == layer.kind).map_or(layer.kind.as_str(), |(_, class)| class)
}

/// The class of a layer with its quantizers: `QDense` for a `Dense` that has some.
pub fn quantized_class(layer: &Layer) -> String {
    let class = class(layer);
    if is_quantized(layer) && CLASSES.iter().any(|(_, known)| *known == class) {
        format!("Q{class}")
    } else {
        class.to_string()
    }
}

/// Has the layer a quantizer of its own?
pub fn is_quantized(layer: &Layer) -> bool {
    match class(layer) {
        "Activation" => {
            layer.kind == "quantize" || function(layer).is_some_and(|call| matches!(Operand::of(call), Ok(Some(_))))
        }
        _ => layer.attributes.keys().any(|name| name.ends_with("_quantizer")),
    }
}

/// The text of an attribute.
pub fn text<'a>(layer: &'a Layer, attribute: &str) -> Option<&'a str> {
    layer.attributes.get(attribute)?.as_str()
}

/// The function of an activation layer, or the one that a layer ends with.
pub fn function(layer: &Layer) -> Option<&str> {
    match layer.kind.as_str() {
        "activation" => text(layer, "function"),
        "quantize" => text(layer, "format"),
        "softmax" | "relu" => Some(&layer.kind),
        _ => text(layer, "activation"),
    }
}
