//! A network as its authors wrote it: named layers, edges, attributes and weights. Nothing is interpreted here.

use std::collections::BTreeMap;

/// Real numbers with a shape, C order.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Tensor {
    /// Length of each axis; empty for a scalar.
    pub shape: Vec<usize>,
    /// The values; as many as the shape says.
    pub data: Vec<f64>,
}

/// An input of the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Its name, unique among inputs and layers.
    pub name: String,
    /// Its shape, without the sample axis.
    pub shape: Vec<usize>,
    /// The format the host brings it to, as `fixed<16,6>` or `u8/255`, if the file says one.
    pub format: Option<String>,
}

/// A layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Its name, unique among inputs and layers.
    pub name: String,
    /// What it is: a name of [`crate::layers`].
    pub kind: String,
    /// Names of the inputs and layers it reads.
    pub inputs: Vec<String>,
    /// Scalars, strings and small lists; quantizers are call strings such as `quantized_bits(6,0,alpha=1)`.
    pub attributes: serde_json::Map<String, serde_json::Value>,
    /// Weights and other arrays.
    pub tensors: BTreeMap<String, Tensor>,
}

/// A network.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// Inputs, in port order.
    pub inputs: Vec<Input>,
    /// Layers, in the order of the file; [`Network::ordered`] sorts them by their edges.
    pub layers: Vec<Layer>,
    /// Names of the layers (or inputs) whose values leave the network, in port order.
    pub outputs: Vec<String>,
}
