//! A whole network becomes a tensor graph.

use super::inputs::{input, state};
use super::{Layer, WeightPort, result};
use crate::error::{At, Error, Result};
use crate::host::Host;
use crate::network::{self, Network};
use crate::tensor::{Builder, Graph, Id};
use std::collections::HashMap;

/// What the user may say about a network from outside.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Formats of inputs, each for the input of that name, or for all.
    pub input_formats: Vec<(Option<String>, String)>,
    /// More operations than this are an error, before memory is spent on them.
    pub max_operations: Option<usize>,
    /// Whether the graph says where its constants come from, for training.
    pub sources: bool,
    /// Weights that are input ports, behind the network's own inputs.
    pub weights: Vec<WeightPort>,
}

impl Options {
    /// The format asked for an input: the last one for it, else the last one for all.
    pub(super) fn format(&self, input: &str) -> Option<&str> {
        let named = self.input_formats.iter().rev().find(|(name, _)| name.as_deref() == Some(input));
        let all = || self.input_formats.iter().rev().find(|(name, _)| name.is_none());
        named.or_else(all).map(|(_, format)| format.as_str())
    }
}

/// A network as a graph.
#[derive(Clone, Debug)]
pub struct Expanded {
    /// The graph; float chains are still in it.
    pub graph: Graph,
    /// What the user should know.
    pub notes: Vec<String>,
    /// The value of each input and layer, by the name that the user gave it, in the order of computation.
    pub values: Vec<(String, Id)>,
    /// What the host does to each input, in port order.
    pub hosts: Vec<Host>,
}

/// Expands a network's layers, in the order of their edges.
///
/// # Errors
/// A mistake in the network; the error's place is the layer.
pub fn expand(network: &Network, options: &Options) -> Result<Expanded> {
    let order = network.ordered()?;
    if let Some((Some(name), _)) = options
        .input_formats
        .iter()
        .find(|(name, _)| name.as_ref().is_some_and(|name| network.events().all(|input| input.name != *name)))
    {
        let known: Vec<_> = network.events().map(|input| input.name.as_str()).collect();
        return Err(Error::user(
            format!("--input-format: there is no input `{name}`"),
            format!("known: {}", known.join(", ")),
        ));
    }
    let make = |layer: &network::Layer| result::make(layer).at(place(layer));
    let layers: Vec<Box<dyn Layer>> = order.iter().map(|layer| make(layer)).collect::<Result<_>>()?;
    let made: Vec<(&network::Layer, &dyn Layer)> =
        order.iter().copied().zip(layers.iter().map(AsRef::as_ref)).collect();
    let g = Builder::limited(&network.name, options.max_operations.unwrap_or(usize::MAX));
    let mut g = if options.sources { g.with_sources() } else { g };
    let mut values: Vec<(String, Id)> = Vec::new();
    let mut known: HashMap<&str, Id> = HashMap::new();
    let mut hosts = Vec::new();
    for port in network.events() {
        let (id, host) =
            placed(input(&mut g, network, &made, port, options), &port.name, format!("input `{}`", port.name))?;
        known.insert(&port.name, id);
        values.push((port.name.clone(), id));
        hosts.push(host);
    }
    for weight in &options.weights {
        g.weight_port(&weight.layer, &weight.tensor, weight.port.clone())?;
        hosts.push(Host::Nothing);
    }
    for (port, _) in network.states() {
        let id = state(&mut g, port).at(format!("state `{}`", port.name))?;
        known.insert(&port.name, id);
        values.push((port.name.clone(), id));
    }
    for (layer, made) in made {
        g.layer(&layer.name);
        let args: Option<Vec<Id>> = layer.inputs.iter().map(|name| known.get(name.as_str()).copied()).collect();
        let args = args.ok_or_else(|| Error::bug(format!("`{}` comes before what it reads", layer.name)))?;
        let by_host = |(port, host): (&network::Input, &Host)| {
            matches!(host, Host::Bits(_)) && layer.inputs == [port.name.as_str()]
        };
        let id = match args[..] {
            [bits] if network.events().zip(&hosts).any(by_host) => bits,
            _ => placed(made.expand(&mut g, &args), &layer.name, place(layer))?,
        };
        known.insert(&layer.name, id);
        values.push((layer.name.clone(), id));
    }
    for output in &network.outputs {
        let id = known.get(output.as_str()).ok_or_else(|| Error::bug(format!("output `{output}` was not computed")))?;
        g.output(output, *id);
    }
    for (port, next) in network.states() {
        let find =
            |name: &str| known.get(name).copied().ok_or_else(|| Error::bug(format!("`{name}` was not computed")));
        g.next(find(&port.name)?, find(next)?).at(format!("state `{}`", port.name))?;
    }
    let (graph, notes) = g.finish()?;
    Ok(Expanded { graph, notes, values, hosts })
}

/// A layer, as errors name it.
pub(super) fn place(layer: &network::Layer) -> String {
    format!("layer `{}`", layer.name)
}

/// The layer or input as the error's place; the builder may have said its bare name already.
fn placed<T>(result: Result<T>, name: &str, place: String) -> Result<T> {
    result.map_err(|mut error| {
        if error.place.first().is_some_and(|first| first == name) {
            error.place.remove(0);
        }
        error.at(place)
    })
}
