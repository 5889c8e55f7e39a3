//! Weights that are input ports: of which layers, in which formats, and with which codes the network's own weights come.
//!
//! Kernels and biases of dense layers and convolutions can be ports: what stands in their products and sums as it is.
//! What else a network learned (batch normalisations, scales of quantizers, slopes) stays in the circuit.

use super::expand::place;
use crate::error::{At, Error, Result};
use crate::fixed::{Fixed, Format, Quantization, Range};
use crate::network::{Layer, Network};
use crate::port::Port;
use crate::quantizers::{self, Role};
use crate::tensor::{Graph, Op, Parameter};

/// The tensors of dense layers and convolutions.
const TENSORS: [&str; 4] = ["kernel", "depthwise_kernel", "pointwise_kernel", "bias"];

/// A tensor of weights that is an input port.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightPort {
    /// The layer, as the user named it.
    pub layer: String,
    /// The tensor of the layer.
    pub tensor: String,
    /// Name, shape and format: the quantizer's, or the narrowest signed one of weights without a quantizer.
    pub port: Port,
    /// The codes of the network's own weights, C order.
    pub own: Vec<i128>,
}

/// The ports that carry a network's weights, in the order of its layers; `graph` is the network's, with its sources.
///
/// # Errors
/// A kernel or bias that does not stand in the graph as it is: the layer's kind, casts of its products, or a float32
/// scale before its bias forbid it.
pub fn weights(network: &Network, graph: &Graph) -> Result<Vec<WeightPort>> {
    let mut ports = Vec::new();
    for layer in network.ordered()? {
        for tensor in TENSORS.iter().filter(|tensor| layer.tensors.contains_key(**tensor)) {
            ports.push(port(layer, tensor, graph).at(place(layer))?);
        }
    }
    if ports.is_empty() {
        let what = "no layer has a kernel or bias that could be changed at run time";
        return Err(Error::user(what, "leave --weight-storage out"));
    }
    Ok(ports)
}

fn port(layer: &Layer, tensor: &str, graph: &Graph) -> Result<WeightPort> {
    let shape = layer.tensors.get(tensor).map(|tensor| tensor.shape.clone()).unwrap_or_default();
    let mut codes: Vec<Option<Fixed>> = vec![None; shape.iter().product()];
    let mut quantizer = None;
    for (id, source) in &graph.sources.constants {
        let Some(parameter) = source.made.tensor() else { continue };
        if source.layer != layer.name || parameter.tensor != tensor {
            continue;
        }
        let Op::Constant { values } = &graph.node(*id).op else {
            let what = format!("its {tensor} stands behind a float32 scale, and cannot be changed at run time");
            return Err(Error::user(what, "train with a scale that is a power of two: alpha=1 or 'auto_po2'"));
        };
        for (element, value) in source.elements.iter().zip(values) {
            let place = codes.get_mut(*element as usize);
            *place.ok_or_else(|| Error::bug(format!("{tensor} has no element {element}")))? = Some(*value);
        }
        quantizer = Some(parameter);
    }
    let Some(parameter) = quantizer else {
        let what = format!("its {tensor} cannot be changed at run time: it is no plain factor of sums, or has casts");
        return Err(Error::user(
            what,
            "weights of dense layers and convolutions can, without formats of their products",
        ));
    };
    let element = format(parameter, codes.iter().flatten())?;
    let code = |code: &Option<Fixed>| code.unwrap_or(Fixed::ZERO).at(element.format.lsb);
    let outside = || Error::bug(format!("a weight of {tensor} is outside its format"));
    let own = codes.iter().map(code).collect::<Option<Vec<i128>>>().ok_or_else(outside)?;
    let elements = vec![element; own.len()];
    let port = Port { name: format!("{}_{tensor}", layer.name), shape, elements, state: false };
    Ok(WeightPort { layer: layer.name.clone(), tensor: tensor.into(), port, own })
}

/// The format of a quantizer that is one, or the narrowest signed one that holds these codes.
fn format<'a>(parameter: &Parameter, codes: impl Iterator<Item = &'a Fixed> + Clone) -> Result<Quantization> {
    if let Some(text) = &parameter.quantizer {
        let role = if parameter.kernel { Role::Kernel } else { Role::Other };
        let own = quantizers::parse(text)?.format(role).map(|(own, _)| own);
        let holds = |own: &Quantization| codes.clone().all(|code| own.format.range().contains(&Range::point(*code)));
        if let Some(own) = own.filter(holds) {
            return Ok(own);
        }
    }
    let wide = || Error::user("its weights have no common format", "train with a fixed-point quantizer");
    let zero = Range::point(Fixed::ZERO);
    let all = codes.copied().try_fold(zero, |all, code| Range::union(all, Range::point(code))).ok_or_else(wide)?;
    let signed = Range { lo: all.lo.min(-1), hi: all.hi.max(0), exp: all.exp };
    Ok(Quantization::plain(Format::of(&signed)))
}
