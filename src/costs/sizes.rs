//! The shape of every value of a network, found layer by layer and without its numbers: weights that are not trained or
//! quantized yet have shapes, too.

use crate::error::{At, Error, Result};
use crate::layers::{self, Options};
use crate::network::{Input, Layer, Network};
use std::collections::BTreeMap;

/// Shapes of inputs and layers by name, without the sample axis.
pub type Sizes = BTreeMap<String, Vec<usize>>;

/// The shapes of a network's values.
///
/// # Errors
/// A layer does not suit what it reads; the error's place is the layer.
pub fn sizes(network: &Network) -> Result<Sizes> {
    let mut sizes: Sizes = network.inputs.iter().map(|input| (input.name.clone(), input.shape.clone())).collect();
    for layer in network.ordered()? {
        let shape = shape(layer, &sizes)?;
        sizes.insert(layer.name.clone(), shape);
    }
    Ok(sizes)
}

/// The shape of a layer's value, given those of what it reads.
///
/// # Errors
/// As [`sizes`].
pub fn shape(layer: &Layer, known: &Sizes) -> Result<Vec<usize>> {
    let mut alone = skeleton(layer);
    let mut inputs = Vec::new();
    for (at, name) in layer.inputs.iter().enumerate() {
        let missing = || Error::bug(format!("`{name}` comes after what reads it"));
        let shape = known.get(name).ok_or_else(missing)?.clone();
        inputs.push(Input { name: format!("x{at}"), shape, format: Some("fixed<2,1>".into()), next: None });
    }
    alone.inputs = inputs.iter().map(|input| input.name.clone()).collect();
    let outputs = vec![alone.name.clone()];
    let network = Network { name: "alone".into(), inputs, layers: vec![alone], outputs };
    let expanded = layers::expand(&network, &Options::default())?;
    let last = expanded.values.last().map(|(_, id)| expanded.graph.node(*id).shape.clone());
    last.ok_or_else(|| Error::bug("a layer without a value")).at(format!("layer `{}`", layer.name))
}

/// The layer with zeros for weights that a quantizer would read, and without these quantizers.
fn skeleton(layer: &Layer) -> Layer {
    let mut bare = layer.clone();
    // A name that no input of the small network has.
    bare.name = format!("layer_{}", layer.name);
    if !weighted(layer) {
        return bare;
    }
    bare.attributes.retain(|name, _| !name.ends_with("_quantizer") && name != "activation");
    bare.tensors.values_mut().for_each(|tensor| tensor.data.iter_mut().for_each(|value| *value = 0.0));
    bare
}

/// Has the layer a kernel?
pub fn weighted(layer: &Layer) -> bool {
    layer.tensors.keys().any(|name| name == "kernel" || name == "pointwise_kernel")
}
