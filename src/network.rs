//! A network as its authors wrote it: named layers, edges, attributes and weights. Nothing is interpreted here.

mod check;

use crate::error::{Error, Result};
use crate::files::MAX_ELEMENTS;
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
    /// The layer whose value it carries for the next event, if it is a state: 0 for the first event, in its format always.
    pub next: Option<String>,
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

impl Tensor {
    /// A tensor; an error if the shape and the number of values differ.
    pub fn new(shape: Vec<usize>, data: Vec<f64>) -> Result<Tensor> {
        let tensor = Tensor { shape, data };
        tensor.check()?;
        Ok(tensor)
    }

    /// A vector.
    pub fn vector(data: Vec<f64>) -> Tensor {
        Tensor { shape: vec![data.len()], data }
    }
}

impl Layer {
    /// A layer without attributes and tensors.
    pub fn new(name: impl Into<String>, kind: impl Into<String>, inputs: Vec<String>) -> Layer {
        let (name, kind) = (name.into(), kind.into());
        Layer { name, kind, inputs, attributes: Default::default(), tensors: BTreeMap::new() }
    }

    /// The layer with one more attribute.
    pub fn with(mut self, attribute: &str, value: impl Into<serde_json::Value>) -> Layer {
        self.attributes.insert(attribute.to_string(), value.into());
        self
    }

    /// The layer with one more tensor.
    pub fn with_tensor(mut self, name: &str, tensor: Tensor) -> Layer {
        self.tensors.insert(name.to_string(), tensor);
        self
    }
}

impl Network {
    /// The layer of a name.
    pub fn layer(&self, name: &str) -> Option<&Layer> {
        self.layers.iter().find(|layer| layer.name == name)
    }

    /// The input of a name.
    pub fn input(&self, name: &str) -> Option<&Input> {
        self.inputs.iter().find(|input| input.name == name)
    }

    /// The layers so that each comes after those it reads, otherwise in the order of the file.
    ///
    /// # Errors
    /// Duplicate names, edges to nothing, cycles, layers that no output depends on, no input or no output.
    pub fn ordered(&self) -> Result<Vec<&Layer>> {
        check::ordered(self)
    }

    /// The inputs that come from outside.
    pub fn events(&self) -> impl Iterator<Item = &Input> {
        self.inputs.iter().filter(|input| input.next.is_none())
    }

    /// The input that comes from outside, if it is the only one.
    pub fn only_event(&self) -> Option<&Input> {
        let mut events = self.events();
        events.next().filter(|_| events.next().is_none())
    }

    /// The inputs that are states, with the layer (or input) whose value each carries for the next event.
    pub fn states(&self) -> impl Iterator<Item = (&Input, &str)> {
        self.inputs.iter().filter_map(|input| Some((input, input.next.as_deref()?)))
    }

    /// Refuses states, for `who` that takes networks without.
    ///
    /// # Errors
    /// There is one.
    pub fn stateless(&self, who: &str) -> Result<()> {
        let input = self.states().next().map(|(state, _)| (format!("input `{}`", state.name), "next"));
        let keeps = |layer: &&Layer| layer.attributes.get("stateful").is_some_and(|value| *value != false);
        let layer = || self.layers.iter().find(keeps).map(|layer| (format!("layer `{}`", layer.name), "stateful"));
        input.or_else(layer).map_or(Ok(()), |(place, attribute)| {
            let what = format!("keeps a state, and {who} takes networks whose events are independent");
            Err(Error::user(what, format!("leave out `{attribute}`")).at(place))
        })
    }

    /// Everything that can be said without knowing the layers: [`Network::ordered`], and that shapes, formats and
    /// values of inputs and tensors are sound.
    pub fn validate(&self) -> Result<()> {
        check::inputs(self)?;
        check::tensors(self)?;
        self.ordered().map(drop)
    }
}

/// How many elements a shape has; an error if it has an empty axis or is beyond what an FPGA could hold.
pub fn elements(shape: &[usize]) -> Result<usize> {
    let product = shape.iter().try_fold(1usize, |product, length| product.checked_mul(*length));
    match product {
        Some(product) if (1..=MAX_ELEMENTS).contains(&product) => Ok(product),
        Some(0) => Err(Error::user(format!("shape {shape:?} is empty"), "every axis needs at least one element")),
        _ => {
            let help = format!("a tensor has at most {MAX_ELEMENTS} elements");
            Err(Error::user(format!("shape {shape:?} is too large"), help))
        }
    }
}
