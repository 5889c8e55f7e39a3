//! Layers in the order of their edges; what is wrong with a network's edges is found here.

use crate::error::{Error, Result};
use crate::network::Network;
use std::collections::HashMap;

/// Indices of the layers, each after all that it reads; as near to the file's order as that allows.
///
/// # Errors
/// A name is used twice; a layer or output reads what is not there; a cycle; a layer whose value reaches no output.
pub fn order(network: &Network) -> Result<Vec<usize>> {
    let mut layers: HashMap<&str, Option<usize>> = HashMap::new();
    let inputs = network.inputs.iter().map(|input| (input.name.as_str(), None));
    for (name, index) in
        inputs.chain(network.layers.iter().enumerate().map(|(i, layer)| (layer.name.as_str(), Some(i))))
    {
        if layers.insert(name, index).is_some() {
            return Err(Error::user(
                format!("two inputs or layers are called `{name}`"),
                "give each a name of its own",
            ));
        }
    }
    let find = |name: &str| {
        layers.get(name).copied().ok_or_else(|| {
            Error::user(format!("there is no input or layer `{name}`"), format!("known: {}", known(network)))
        })
    };
    let mut edges = Vec::new();
    for layer in &network.layers {
        let reads: Result<Vec<Option<usize>>> = layer.inputs.iter().map(|name| find(name)).collect();
        edges.push(reads.map_err(|error| error.at(&layer.name))?.into_iter().flatten().collect::<Vec<usize>>());
    }
    if network.outputs.is_empty() {
        return Err(Error::user("the network has no outputs", "name at least one layer as an output"));
    }
    let mut live = vec![false; network.layers.len()];
    let mut todo: Vec<usize> = Vec::new();
    for output in &network.outputs {
        todo.extend(find(output).map_err(|error| error.at("outputs"))?);
    }
    while let Some(index) = todo.pop() {
        if !std::mem::replace(&mut live[index], true) {
            todo.extend(&edges[index]);
        }
    }
    if let Some(dead) = live.iter().position(|live| !live) {
        let error = Error::user("its value reaches no output", "make it an output, or leave it out");
        return Err(error.at(&network.layers[dead].name));
    }
    sort(network, &edges)
}

fn sort(network: &Network, edges: &[Vec<usize>]) -> Result<Vec<usize>> {
    let mut done = vec![false; edges.len()];
    let mut order = Vec::new();
    while order.len() < edges.len() {
        let ready = |index: &usize| !done[*index] && edges[*index].iter().all(|from| done[*from]);
        let Some(next) = (0..edges.len()).find(ready) else {
            let stuck = (0..edges.len()).filter(|index| !done[*index]).map(|index| network.layers[index].name.as_str());
            let names: Vec<&str> = stuck.collect();
            return Err(Error::user(format!("layers feed one another: {}", names.join(", ")), "break the cycle"));
        };
        done[next] = true;
        order.push(next);
    }
    Ok(order)
}

fn known(network: &Network) -> String {
    let inputs = network.inputs.iter().map(|input| input.name.as_str());
    inputs.chain(network.layers.iter().map(|layer| layer.name.as_str())).collect::<Vec<_>>().join(", ")
}
