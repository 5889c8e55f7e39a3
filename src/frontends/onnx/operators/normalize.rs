//! Normalisations: `BatchNormalization`.

use super::super::graph::Graph;
use super::super::node::Node;
use super::conv::is_channels_last;
use super::{Operator, refuse};
use crate::error::{Error, Result};
use crate::network::Tensor as Array;

/// The family.
pub const OPERATORS: &[(&str, Operator)] = &[
    ("BatchNormalization", batch),
    ("LayerNormalization", |_, _| {
        refuse(
            "it divides by float32 statistics of each sample",
            "use BatchNormalization, or hls4ml's fixed-point `layer_norm` in a native network",
        )
    }),
    ("InstanceNormalization", |_, _| refuse("it divides by statistics of each sample", "use BatchNormalization")),
];

fn batch(g: &mut Graph, node: &Node) -> Result<()> {
    let x = g.tensor(node, 0)?;
    node.only("training_mode", 0, "export the model in evaluation mode")?;
    let names = ["gamma", "beta", "mean", "variance"];
    let channels = g.required(node, 1)?.data.len();
    // OnnxMLTools turns matrices around for it (samples last) and back behind it; the layer's last axis is right there too.
    let turned = x.rank() == 2 && x.batch() == 1;
    let x = if turned || is_channels_last(node) { x } else { g.channels_last(&x)? };
    if x.order.last().map(|axis| x.shape[*axis]) != Some(channels) {
        let what = format!("{channels} channels for a tensor of shape {:?}", x.shape);
        return Err(Error::user(what, "normalisation is over axis 1"));
    }
    let mut layer = g.layer(node, "batch_norm", &[&x]).with("epsilon", f64::from(node.float("epsilon", 1e-5)));
    for (index, name) in names.iter().enumerate() {
        let constant = g.required(node, index + 1)?;
        layer = layer.with_tensor(name, Array::vector(constant.data.clone()));
    }
    let y = g.elementwise(&x, layer);
    g.gives(node, y)
}
