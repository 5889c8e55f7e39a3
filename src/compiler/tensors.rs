//! The first stage: a network as tensors.

use super::{Head, Reading};
use crate::error::{At, Error, Result};
use crate::layers::{self, Expanded, WeightPort};
use crate::network::Network;
use crate::tensor::{Float, Graph, Tail, cast_outputs, fold, tail};

/// What the network means as tensors.
pub struct Tensors {
    /// The graph as expanded, and what the user should know.
    pub expanded: Expanded,
    /// The graph that becomes hardware.
    pub graph: Graph,
    /// What the host does to each output's codes.
    pub tails: Vec<Tail>,
    /// The weights that are input ports, the last ones.
    pub weights: Vec<WeightPort>,
}

/// Expands a network.
///
/// # Errors
/// Whatever is wrong with the network or the options; the error names the layer.
pub fn tensors(network: &Network, reading: &Reading) -> Result<Tensors> {
    let (input_formats, max_operations) = (reading.input_formats.clone(), reading.max_operations);
    let mut options = layers::Options { input_formats, max_operations, ..layers::Options::default() };
    if !reading.weights.is_constant() {
        network.stateless("--weight-storage")?;
        let traced = layers::expand(network, &layers::Options { sources: true, ..options.clone() })?;
        options.weights = layers::weights(network, &traced.graph)?;
    }
    let expanded = layers::expand(network, &options)?;
    let format = reading.output_format.as_ref();
    let format = format.map(|format| format.parse().map_err(|error: Error| error.at("--output-format"))).transpose()?;
    let headed = match (reading.head, &format) {
        (Head::Full | Head::Logits, _) => None,
        (Head::Argmax, _) => Some(layers::with_argmax(&expanded.graph)),
        (Head::Softmax, Some(format)) => Some(layers::with_softmax(&expanded.graph, format)),
        (Head::Softmax, None) => {
            let help = "give --output-format, such as ufixed<8,0,RND,SAT>";
            Some(Err(Error::user("a softmax in hardware needs the format of its result", help)))
        }
    };
    let headed = headed.transpose().at("--head")?;
    let (mut graph, mut tails) = tail(&fold(headed.as_ref().unwrap_or(&expanded.graph))?)?;
    if reading.head == Head::Logits {
        for tail in &mut tails {
            if tail.floats.last() == Some(&Float::Softmax) {
                tail.floats.pop();
            }
        }
    }
    if let Some(format) = format {
        graph = cast_outputs(&graph, format)?;
    }
    Ok(Tensors { expanded, graph, tails, weights: options.weights })
}
