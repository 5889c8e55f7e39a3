//! Layers: what each kind of layer computes, as operations of the tensor graph.
//!
//! An open set: a file of this folder is one family, and [`LAYERS`] lists its members. A layer is made from the attributes
//! and tensors of a [`network::Layer`], and expands into nodes of a [`Builder`]. Shapes are without the sample axis;
//! images are height, width, channels.

mod softmax;
mod activation;
mod argmax;
mod attributes;
mod batch_norm;
mod casts;
mod constants;
mod contraction;
mod conv;
mod dense;
mod depthwise;
mod einsum;
mod embedding;
mod expand;
mod head;
mod hls4ml;
mod hls4ml_activation;
mod hls4ml_pool;
mod inputs;
mod kan;
mod layer_norm;
mod merge;
mod multi_threshold;
mod pad;
mod pool;
mod prelu;
mod product;
mod quant;
mod quantize;
mod recurrent;
mod reduce;
mod reshape;
mod result;
mod scale_shift;
mod select;
mod table;
mod thermometer;
mod time_distributed;
mod truth_table;
mod weights;
mod windows;

pub use expand::{Expanded, Options, expand};
pub use head::{with_argmax, with_softmax};
pub use weights::{WeightPort, weights};
pub use windows::{Movement, Padding, Windows};

use crate::error::Result;
use crate::fixed::Quantization;
use crate::host::{Host, Thermometer};
use crate::network;
use crate::registry::Entry;
use crate::tensor::{Builder, Id};

/// Makes a layer from what the user wrote.
pub type Make = fn(&network::Layer) -> Result<Box<dyn Layer>>;

/// All kinds of layers.
pub const LAYERS: &[Entry<Make>] = &[
    dense::LAYER,
    einsum::EINSUM_DENSE,
    conv::CONV2D,
    conv::CONV1D,
    conv::CONV2D_TRANSPOSE,
    conv::CONV1D_TRANSPOSE,
    depthwise::DEPTHWISE_CONV2D,
    depthwise::DEPTHWISE_CONV1D,
    depthwise::SEPARABLE_CONV2D,
    depthwise::SEPARABLE_CONV1D,
    embedding::LAYER,
    pool::MAX_POOL2D,
    pool::MAX_POOL1D,
    pool::AVERAGE_POOL2D,
    pool::AVERAGE_POOL1D,
    batch_norm::LAYER,
    scale_shift::LAYER,
    activation::LAYER,
    activation::RELU,
    softmax::LAYER,
    hls4ml_activation::LAYER,
    layer_norm::LAYER,
    argmax::ARGMAX,
    argmax::TOP_K,
    prelu::LAYER,
    quantize::LAYER,
    quant::LAYER,
    quant::TRUNC,
    multi_threshold::LAYER,
    recurrent::SIMPLE_RNN,
    recurrent::LSTM,
    recurrent::GRU,
    reduce::SUM,
    reduce::MEAN,
    reduce::MAX,
    reduce::MIN,
    reshape::RESHAPE,
    reshape::FLATTEN,
    reshape::TRANSPOSE,
    pad::PAD,
    pad::CROP,
    pad::UPSAMPLE,
    select::SLICE,
    select::GATHER,
    select::REVERSE,
    select::REPEAT,
    merge::ADD,
    merge::SUBTRACT,
    merge::MULTIPLY,
    merge::DIVIDE,
    merge::AVERAGE,
    merge::MAXIMUM,
    merge::MINIMUM,
    merge::CONCATENATE,
    einsum::EINSUM,
    einsum::MATMUL,
    einsum::DOT,
    table::LAYER,
    hls4ml_pool::LAYER,
    time_distributed::LAYER,
    truth_table::LAYER,
    thermometer::LAYER,
    kan::LAYER,
];

/// A layer, ready to expand.
pub trait Layer {
    /// Adds the layer's nodes to the graph and gives its value.
    ///
    /// # Errors
    /// The inputs' number or shapes do not suit it, or a result would need more than 127 bits.
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id>;

    /// The formats of an input port of the given shape that this layer would stand behind, if all it does is to quantize.
    ///
    /// # Errors
    /// Its formats do not suit the shape.
    fn port(&self, _shape: &[usize]) -> Result<Option<Vec<Quantization>>> {
        Ok(None)
    }

    /// What the host does before that format, for the port that this layer would stand behind.
    fn host(&self) -> Host {
        Host::Nothing
    }

    /// The thresholds of a layer that makes bits of features, which the host can do as well.
    fn thermometer(&self) -> Option<&Thermometer> {
        None
    }
}

#[cfg(test)]
mod tests;
