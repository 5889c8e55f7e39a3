//! What must hold of every network, whatever its layers mean.

use super::{Layer, Network, Tensor, elements};
use crate::error::{At, Error, Result};
use crate::fixed::Quantization;
use std::collections::HashMap;

/// Where a name leads.
#[derive(Clone, Copy)]
enum Node {
    Input,
    Layer(usize),
}

impl Tensor {
    /// As many values as the shape says, all finite.
    pub(super) fn check(&self) -> Result<()> {
        let count = elements(&self.shape)?;
        if count != self.data.len() {
            let what = format!("shape {:?} needs {count} values, there are {}", self.shape, self.data.len());
            return Err(Error::user(what, "make the shape and the values agree"));
        }
        match self.data.iter().position(|value| !value.is_finite()) {
            None => Ok(()),
            Some(at) => {
                let what = format!("element {:?} is {}", index(&self.shape, at), self.data[at]);
                Err(Error::user(what, "every number must be finite; the training may have diverged"))
            }
        }
    }
}

/// The index of a flat position.
fn index(shape: &[usize], mut at: usize) -> Vec<usize> {
    let mut index: Vec<usize> = shape
        .iter()
        .rev()
        .map(|length| {
            let here = at % length;
            at /= length;
            here
        })
        .collect();
    index.reverse();
    index
}

/// Shapes and formats of the inputs.
pub(super) fn inputs(network: &Network) -> Result<()> {
    for input in &network.inputs {
        let place = format!("input `{}`", input.name);
        elements(&input.shape).at(&place)?;
        if let Some(format) = &input.format {
            input_format(format).at("format").at(&place)?;
        }
        if input.next.is_some() && !input.format.as_ref().is_some_and(|format| format.contains('<')) {
            let help = "give it one such as fixed<8,3,RND,SAT>, which its next value is brought to";
            return Err(Error::user("a state needs a fixed-point format", help).at(place));
        }
    }
    Ok(())
}

/// `fixed<W,I,..>`, integer codes with a scale such as `u8/255`, or `bits`.
fn input_format(text: &str) -> Result<()> {
    // What reads the input must be a thermometer; that is for its layer to say.
    if text == "bits" {
        return Ok(());
    }
    if text.contains('<') {
        return text.parse::<Quantization>().map(drop);
    }
    let (codes, scale) = text.split_once('/').unwrap_or((text, "1"));
    let bits = codes.strip_prefix(['u', 's']).and_then(|bits| bits.parse::<u32>().ok());
    let scale = scale.parse::<f64>().ok().filter(|scale| scale.is_finite() && *scale > 0.0);
    match (bits, scale) {
        (Some(1..=64), Some(_)) => Ok(()),
        _ => {
            let help = "write fixed<W,I>, ufixed<W,I>, or integer codes with a scale such as u8/255, of 1 to 64 bits";
            Err(Error::user(format!("`{text}` is no input format"), help))
        }
    }
}

/// Shapes and values of the layers' tensors.
pub(super) fn tensors(network: &Network) -> Result<()> {
    for layer in &network.layers {
        for (name, tensor) in &layer.tensors {
            tensor.check().at(format!("`{name}`")).at(format!("layer `{}`", layer.name))?;
        }
    }
    Ok(())
}

/// The layers, sorted by their edges.
pub(super) fn ordered(network: &Network) -> Result<Vec<&Layer>> {
    let names = names(network)?;
    let mut reads = Vec::with_capacity(network.layers.len());
    for layer in &network.layers {
        let known = layer.inputs.iter().map(|input| find(&names, input)).collect::<Result<Vec<_>>>();
        reads.push(known.at("inputs").at(format!("layer `{}`", layer.name))?);
        if layer.inputs.is_empty() {
            let error = Error::user("reads nothing", "name the input or the layers that it reads");
            return Err(error.at(format!("layer `{}`", layer.name)));
        }
    }
    let order = sort(network, &reads)?;
    alive(network, &names, &reads)?;
    Ok(order.into_iter().map(|layer| &network.layers[layer]).collect())
}

fn names(network: &Network) -> Result<HashMap<&str, Node>> {
    if network.events().next().is_none() {
        return Err(Error::user("the network has no input", "a network needs at least one input that is no state"));
    }
    let inputs = network.inputs.iter().map(|input| (input.name.as_str(), Node::Input));
    let layers = network.layers.iter().enumerate().map(|(at, layer)| (layer.name.as_str(), Node::Layer(at)));
    let mut names = HashMap::new();
    for (name, node) in inputs.chain(layers) {
        if name.is_empty() || name.chars().any(char::is_control) {
            let help = "a name has at least one character and no control characters";
            return Err(Error::user(format!("{name:?} is not a name"), help));
        }
        if names.insert(name, node).is_some() {
            let what = format!("the name `{name}` is given twice");
            return Err(Error::user(what, "names of inputs and layers must differ; rename one"));
        }
    }
    Ok(names)
}

fn find(names: &HashMap<&str, Node>, name: &str) -> Result<Node> {
    names.get(name).copied().ok_or_else(|| {
        let mut known: Vec<_> = names.keys().copied().collect();
        known.sort_unstable();
        known.truncate(40);
        Error::user(format!("nothing is called `{name}`"), format!("known: {}", known.join(", ")))
    })
}

/// Repeatedly takes the first layer in the file whose inputs are all there.
fn sort(network: &Network, reads: &[Vec<Node>]) -> Result<Vec<usize>> {
    let mut missing: Vec<usize> = Vec::new();
    let mut readers = vec![Vec::new(); reads.len()];
    for (layer, inputs) in reads.iter().enumerate() {
        let from = inputs.iter().filter_map(|node| match node {
            Node::Layer(from) => Some(*from),
            Node::Input => None,
        });
        missing.push(from.inspect(|from| readers[*from].push(layer)).count());
    }
    let mut ready: std::collections::BTreeSet<usize> = (0..reads.len()).filter(|layer| missing[*layer] == 0).collect();
    let mut order = Vec::with_capacity(reads.len());
    while let Some(layer) = ready.pop_first() {
        order.push(layer);
        for reader in &readers[layer] {
            missing[*reader] -= 1;
            if missing[*reader] == 0 {
                ready.insert(*reader);
            }
        }
    }
    match cycle(reads, &missing) {
        None => Ok(order),
        Some(cycle) => {
            let path: Vec<_> = cycle.iter().map(|layer| network.layers[*layer].name.as_str()).collect();
            let what = format!("the layers read each other in a circle: {}", path.join(" <- "));
            Err(Error::user(what, "a network must be free of cycles; break one of these edges"))
        }
    }
}

/// A circle among the layers that still miss inputs.
fn cycle(reads: &[Vec<Node>], missing: &[usize]) -> Option<Vec<usize>> {
    let mut path = vec![missing.iter().position(|count| *count > 0)?];
    let mut seen: HashMap<usize, usize> = HashMap::from([(path[0], 0)]);
    loop {
        let stuck = |node: &Node| match node {
            Node::Layer(from) if missing[*from] > 0 => Some(*from),
            _ => None,
        };
        let next = path.last().and_then(|last| reads[*last].iter().find_map(stuck))?;
        path.push(next);
        if let Some(start) = seen.insert(next, path.len() - 1) {
            return Some(path.split_off(start));
        }
    }
}

/// Every layer must matter to some output.
fn alive(network: &Network, names: &HashMap<&str, Node>, reads: &[Vec<Node>]) -> Result<()> {
    if network.outputs.is_empty() {
        return Err(Error::user("the network has no output", "name at least one layer as an output"));
    }
    if let Some(at) = (1..network.outputs.len()).find(|at| network.outputs[..*at].contains(&network.outputs[*at])) {
        let what = format!("`{}` is an output twice", network.outputs[at]);
        return Err(Error::user(what, "name each output once").at("outputs"));
    }
    let mut stack = network.outputs.iter().map(|name| find(names, name)).collect::<Result<Vec<_>>>().at("outputs")?;
    for (state, next) in network.states() {
        stack.push(find(names, next).at("next").at(format!("input `{}`", state.name))?);
    }
    let mut alive = vec![false; reads.len()];
    while let Some(node) = stack.pop() {
        if let Node::Layer(layer) = node
            && !std::mem::replace(&mut alive[layer], true)
        {
            stack.extend(&reads[layer]);
        }
    }
    match alive.iter().position(|alive| !alive) {
        None => Ok(()),
        Some(dead) => {
            let error = Error::user("no output depends on it", "remove it, connect it, or make it an output");
            Err(error.at(format!("layer `{}`", network.layers[dead].name)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Input, Layer, Network, Tensor};

    /// `a <- b` says that a reads b; `x` is the input, the last layer the output.
    fn network(edges: &[(&str, &[&str])]) -> Network {
        let layer = |(name, inputs): &(&str, &[&str])| {
            Layer::new(*name, "add", inputs.iter().map(|input| input.to_string()).collect())
        };
        Network {
            name: "n".into(),
            inputs: vec![Input { name: "x".into(), shape: vec![2], format: None, next: None }],
            layers: edges.iter().map(layer).collect(),
            outputs: vec![edges.last().unwrap().0.into()],
        }
    }

    fn order(edges: &[(&str, &[&str])]) -> Result<String, String> {
        let network = network(edges);
        let names = network.ordered().map(|layers| layers.iter().map(|layer| layer.name.as_str()).collect());
        names.map_err(|error| error.to_string())
    }

    #[test]
    fn sorts_and_keeps_the_order_of_the_file() {
        assert_eq!(order(&[("c", &["a", "b"]), ("a", &["x"]), ("b", &["a"]), ("d", &["c", "c"])]).unwrap(), "abcd");
        assert_eq!(order(&[("a", &["x"]), ("b", &["x"]), ("c", &["b", "a"])]).unwrap(), "abc");
    }

    #[test]
    fn refuses_what_is_no_graph() {
        let cycle = order(&[("a", &["x", "c"]), ("b", &["a"]), ("c", &["b"])]).unwrap_err();
        assert!(cycle.contains("a <- c <- b <- a"), "{cycle}");
        assert!(order(&[("a", &["a"])]).unwrap_err().contains("a <- a"));
        assert!(order(&[("a", &["z"])]).unwrap_err().contains("nothing is called `z`"));
        assert!(order(&[("a", &["x"]), ("b", &["x"])]).unwrap_err().contains("no output depends on it"));
        assert!(order(&[("a", &["x"]), ("a", &["x"])]).unwrap_err().contains("given twice"));
        assert!(order(&[("x", &["x"])]).unwrap_err().contains("given twice"));
        assert!(order(&[("a", &[])]).unwrap_err().contains("reads nothing"));
    }

    #[test]
    fn refuses_unsound_tensors() {
        let with = |tensor: Tensor| {
            let mut network = network(&[("a", &["x"])]);
            network.layers[0].tensors.insert("kernel".into(), tensor);
            network.validate().map_err(|error| error.to_string())
        };
        assert_eq!(with(Tensor { shape: vec![2], data: vec![1.0, 2.0] }), Ok(()));
        let error = with(Tensor { shape: vec![2, 2], data: vec![1.0; 3] }).unwrap_err();
        assert!(error.contains("layer `a`: `kernel`: shape [2, 2] needs 4 values, there are 3"), "{error}");
        let error = with(Tensor { shape: vec![2, 2], data: vec![0.0, 0.0, f64::NAN, 0.0] }).unwrap_err();
        assert!(error.contains("element [1, 0] is NaN"), "{error}");
        assert!(with(Tensor { shape: vec![usize::MAX, 2], data: vec![] }).unwrap_err().contains("too large"));
        assert!(with(Tensor { shape: vec![0], data: vec![] }).unwrap_err().contains("is empty"));
    }

    #[test]
    fn input_formats() {
        let with = |format: &str| {
            let mut network = network(&[("a", &["x"])]);
            network.inputs[0].format = Some(format.into());
            network.validate().is_ok()
        };
        assert!(with("fixed<16,6,RND,SAT>") && with("u8/255") && with("s12") && with("ufixed<8,0>"));
        assert!(!with("fixed<65,6>") && !with("u65") && !with("u8/0") && !with("float") && !with("u8/nan"));
    }
}
