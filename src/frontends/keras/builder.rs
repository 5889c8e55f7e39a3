//! Collects our layers while Keras' are translated, one call at a time.
//!
//! A class pushes one or several layers. **The layer that it pushed last is its result**; a class that pushes nothing passes
//! its input on; one with several results says them with [`Builder::give`]. The first layer with the call's own name is made
//! by [`Builder::layer`], others by [`Builder::extra`], which reads what was pushed last for this call.

use super::architecture::{Architecture, Node, Source};
use super::shape::shape;
use super::weights::{Part, Weights};
use crate::error::{Error, Result};
use crate::network::{Input, Layer, Network, Tensor};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Named arrays of a layer.
pub type Arrays = BTreeMap<String, Tensor>;

/// A network in the making.
pub struct Builder<'w> {
    weights: &'w Weights,
    /// Names that the model or we have given.
    taken: HashSet<String>,
    /// The layer of ours that holds a result of a call.
    results: HashMap<Source, String>,
    /// The shape of a sample in each input and layer of ours, where that is known.
    shapes: HashMap<String, Vec<usize>>,
    /// The major version of Keras.
    version: u32,
    /// What the current call reads.
    reads: Vec<String>,
    /// Layers pushed for the current call.
    pushed: usize,
    /// Results that the current call said itself.
    given: Option<Vec<String>>,
    inputs: Vec<Input>,
    layers: Vec<Layer>,
}

impl<'w> Builder<'w> {
    /// An empty network.
    pub fn new(weights: &'w Weights, architecture: &Architecture, version: u32) -> Builder<'w> {
        Builder {
            weights,
            taken: architecture.nodes.iter().map(|node| node.name.clone()).collect(),
            results: HashMap::new(),
            shapes: HashMap::new(),
            version,
            reads: Vec::new(),
            pushed: 0,
            given: None,
            inputs: Vec::new(),
            layers: Vec::new(),
        }
    }

    /// Translates one call with the function of its class.
    pub fn call(&mut self, node: &Node, translate: fn(&mut Builder, &Node) -> Result<()>) -> Result<()> {
        self.reads = node.inputs.iter().map(|source| self.result(source)).collect::<Result<_>>()?;
        (self.pushed, self.given) = (0, None);
        translate(self, node)?;
        let results = match self.given.take() {
            Some(results) => results,
            None if self.pushed > 0 => self.layers.last().map(|layer| vec![layer.name.clone()]).unwrap_or_default(),
            None if node.class == "InputLayer" => vec![node.name.clone()],
            None => vec![self.one_input()?],
        };
        for (at, name) in results.into_iter().enumerate() {
            self.results.insert((node.name.clone(), at), name);
        }
        Ok(())
    }

    /// The network.
    pub fn finish(mut self, name: String, architecture: &Architecture) -> Result<Network> {
        if let Some(order) = &architecture.inputs {
            let place = |input: &Input| order.iter().position(|name| *name == input.name).unwrap_or(usize::MAX);
            self.inputs.sort_by_key(place);
        }
        let outputs = architecture.outputs.iter().map(|source| self.result(source)).collect::<Result<_>>()?;
        Ok(Network { name, inputs: self.inputs, layers: self.layers, outputs })
    }

    fn result(&self, source: &Source) -> Result<String> {
        self.results.get(source).cloned().ok_or_else(|| {
            let (name, at) = source;
            Error::user(format!("`{name}` has no result {at}"), "only its first result is supported")
        })
    }

    /// Our names of what the current call reads.
    pub fn reads(&self) -> &[String] {
        &self.reads
    }

    /// Lets the current call read something else from here on, such as its quantized inputs.
    pub fn redirect(&mut self, reads: Vec<String>) {
        (self.reads, self.pushed) = (reads, 0);
    }

    /// The only input of the current call.
    pub fn one_input(&self) -> Result<String> {
        match self.reads.as_slice() {
            [input] => Ok(input.clone()),
            several => Err(Error::user(format!("reads {} tensors, expected one", several.len()), "give it one input")),
        }
    }

    /// What was pushed last for this call, or its only input.
    pub fn last(&self) -> Result<String> {
        match self.layers.last() {
            Some(layer) if self.pushed > 0 => Ok(layer.name.clone()),
            _ => self.one_input(),
        }
    }

    /// A layer with the call's own name. It reads what was pushed last for this call, or else the call's inputs.
    pub fn layer(&self, node: &Node, kind: &str) -> Layer {
        let inputs = match self.layers.last() {
            Some(layer) if self.pushed > 0 => vec![layer.name.clone()],
            _ => self.reads.clone(),
        };
        Layer::new(&node.name, kind, inputs)
    }

    /// A further layer `NAME_WORD` that reads what was pushed last for this call, or its only input.
    pub fn extra(&mut self, node: &Node, word: &str, kind: &str) -> Result<Layer> {
        let input = self.last()?;
        Ok(Layer::new(self.fresh(&format!("{}_{word}", node.name)), kind, vec![input]))
    }

    /// A name that nothing has.
    pub fn fresh(&mut self, name: &str) -> String {
        let mut name = name.to_string();
        while !self.taken.insert(name.clone()) {
            name.push('_');
        }
        name
    }

    /// Adds a layer; its name is returned.
    pub fn push(&mut self, layer: Layer) -> String {
        let shapes = layer.inputs.iter().map(|input| self.shapes.get(input).map(Vec::as_slice));
        if let Some(shape) = shapes.collect::<Option<Vec<_>>>().and_then(|shapes| shape(&layer, &shapes)) {
            self.shapes.insert(layer.name.clone(), shape);
        }
        let name = layer.name.clone();
        self.pushed += 1;
        self.layers.push(layer);
        name
    }

    /// Adds an input of the network.
    pub fn push_input(&mut self, input: Input) {
        self.shapes.insert(input.name.clone(), input.shape.clone());
        self.inputs.push(input);
    }

    /// Says what the results of this call are, where it has several or they are not the layer pushed last.
    pub fn give(&mut self, results: Vec<String>) {
        self.given = Some(results);
    }

    /// The shape of a sample in an input or layer of ours.
    pub fn shape(&self, name: &str) -> Result<&[usize]> {
        self.shapes.get(name).map(Vec::as_slice).ok_or_else(|| {
            let help = "count axes from the end (axis=-1), or put a Reshape in front";
            Error::user(format!("the shape of `{name}` is not known here"), help)
        })
    }

    /// The major version of Keras that wrote the model.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// An axis that Keras counts with the sample axis, as one of a sample's.
    pub fn axis(&self, input: &str, axis: i64) -> Result<i64> {
        match axis {
            0 => Err(Error::user("`axis` is 0, the axis of the samples", "hardware sees one sample at a time")),
            axis if axis > 0 => {
                let rank = self.shape(input)?.len() as i64;
                if axis > rank {
                    let what = format!("`axis` is {axis}, and a sample has {rank} axes");
                    return Err(Error::user(what, "Keras counts the axes of a sample from 1"));
                }
                Ok(axis - 1 - rank)
            }
            axis => Ok(axis),
        }
    }

    /// Translates a layer that sees each step of the call's input by itself; `change` is applied to what it pushes.
    ///
    /// # Errors
    /// As of the translation; the input must have an axis of steps.
    pub fn each_step(
        &mut self,
        node: &Node,
        translate: fn(&mut Builder, &Node) -> Result<()>,
        change: fn(Layer) -> Layer,
    ) -> Result<()> {
        let input = self.one_input()?;
        let (first, whole) = (self.layers.len(), self.shapes.get(&input).cloned());
        // Axes are counted in a step.
        let steps = whole.as_ref().and_then(|shape| shape.split_first());
        if let Some((_, step)) = steps {
            self.shapes.insert(input.clone(), step.to_vec());
        }
        let result = translate(self, node);
        for layer in self.layers.drain(first..).collect::<Vec<_>>() {
            if let Some((steps, _)) = steps {
                self.shapes.entry(layer.name.clone()).and_modify(|shape| shape.insert(0, *steps));
            }
            self.layers.push(change(layer));
        }
        if let Some(shape) = whole {
            self.shapes.insert(input, shape);
        }
        result
    }

    /// The arrays of a call's layer. `names` are all that it has, in the order in which Keras makes them.
    pub fn arrays(&self, node: &Node, names: &[&str]) -> Result<Arrays> {
        self.weights.arrays(&node.place, Part::default(), names)
    }

    /// The arrays of a part of a call's layer, such as one half of a Bidirectional.
    pub fn arrays_of(&self, node: &Node, part: Part, names: &[&str]) -> Result<Arrays> {
        self.weights.arrays(&node.place, part, names)
    }

    /// The file of weights itself.
    pub fn weights(&self) -> &'w Weights {
        self.weights
    }
}
