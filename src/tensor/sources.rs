//! Where a graph's constants come from, and which slopes its step functions have: what training needs beside the graph.
//!
//! A graph has constants that are quantized already. To train it, a side table says of which parameter of which layer each
//! constant was made, element by element, so that the training engine runs the same graph and only puts the numbers of
//! the moment in their place. Layers fill the table in as they expand; it is empty unless [`Builder::with_sources`] asked for it.

use super::{Builder, Float, Id, Op};
use crate::error::Result;
use crate::fixed::{Fixed, Format};
use crate::functions::Gradient;
use crate::port::Port;
use std::collections::BTreeMap;

/// The side table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sources {
    /// Where the constants of a [`Op::Constant`] or [`Op::Float`] node come from.
    pub constants: BTreeMap<Id, Source>,
    /// The slope of an [`Op::Quantize`] or [`Op::Steps`] node, and a factor on it.
    pub gradients: BTreeMap<Id, (Gradient, f32)>,
    /// The formats of an [`Op::Quantize`] node, where they are learned.
    pub formats: BTreeMap<Id, Formats>,
}

/// Formats that are learned.
#[derive(Clone, Debug, PartialEq)]
pub struct Formats {
    /// The layer, as the user named it; the formats become its tensors `signed`, `integer` and `fraction`.
    pub layer: String,
    /// The shape of the formats, which broadcasts to the node's.
    pub shape: Vec<usize>,
    /// The formats to begin with: as many as the shape has; the signs are not theirs.
    pub first: Vec<Format>,
    /// Whether each element of the node has a sign, which is not learned.
    pub signed: Vec<bool>,
}

/// Where the constants of a node come from.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// The layer, as the user named it.
    pub layer: String,
    /// What they are.
    pub made: Made,
    /// For each constant of the node, the parameter's element.
    pub elements: Vec<u32>,
}

/// What constants are made of.
#[derive(Clone, Debug, PartialEq)]
pub enum Made {
    /// A quantized tensor's codes, where its scale is a node of its own.
    Codes(Parameter),
    /// A quantized tensor's scales, times a constant.
    Scales(Parameter, f32),
    /// A quantized tensor's values: codes times scale.
    Values(Parameter),
    /// A batch normalisation's `gamma / sqrt(variance + epsilon)`.
    Inverse(f32),
    /// A batch normalisation's `beta - mean * gamma / sqrt(variance + epsilon)`.
    Offset(f32),
}

/// A layer's tensor with its quantizer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Parameter {
    /// The tensor's name.
    pub tensor: String,
    /// The quantizer's call.
    pub quantizer: Option<String>,
    /// Is it the kernel of a product? Its quantizer may then differ.
    pub kernel: bool,
}

impl Made {
    /// The tensor whose elements the constants are, codes or values, if they are those of one.
    pub fn tensor(&self) -> Option<&Parameter> {
        match self {
            Made::Codes(parameter) | Made::Values(parameter) => Some(parameter),
            Made::Scales(..) | Made::Inverse(_) | Made::Offset(_) => None,
        }
    }
}

impl Builder {
    /// A tensor of weights that is an input port: [`Builder::parameter`] reads it. Ports come before all layers.
    ///
    /// # Errors
    /// As [`Builder::input`].
    pub fn weight_port(&mut self, layer: &str, tensor: &str, port: Port) -> Result<()> {
        let id = self.input(port)?;
        self.weights.insert((layer.to_string(), tensor.to_string()), id);
        Ok(())
    }

    /// Weights of a matrix product, or a bias: constants, and where they come from; or elements of the tensor's port,
    /// if it has one.
    ///
    /// # Errors
    /// As [`Builder::constant`].
    pub fn parameter(
        &mut self,
        shape: &[usize],
        values: Vec<Fixed>,
        made: Made,
        elements: impl FnOnce() -> Vec<u32>,
    ) -> Result<Id> {
        let key = |tensor: &Parameter| (self.place(), tensor.tensor.clone());
        if let Some(port) = made.tensor().and_then(|tensor| self.weights.get(&key(tensor))).copied() {
            return self.gather(&[port], shape, elements().into_iter().map(|element| (0, element)).collect());
        }
        let id = self.constant(shape, values)?;
        self.source(id, made, elements);
        Ok(id)
    }

    /// The same, filling in [`Sources`]; float operations of parameters stay even where they are the identity.
    pub fn with_sources(mut self) -> Builder {
        self.traced = true;
        self
    }

    /// Is [`Sources`] filled in?
    pub fn traces(&self) -> bool {
        self.traced
    }

    /// Says where a node's constants come from.
    pub fn source(&mut self, id: Id, made: Made, elements: impl FnOnce() -> Vec<u32>) {
        if self.traced {
            let source = Source { layer: self.place(), made, elements: elements() };
            self.graph.sources.constants.insert(id, source);
        }
    }

    /// A float32 operation whose constants come from a parameter.
    ///
    /// # Errors
    /// As [`Builder::float`].
    pub fn float_of(&mut self, x: Id, float: Float, made: Made, elements: impl FnOnce() -> Vec<u32>) -> Result<Id> {
        if !self.traced {
            return self.float(x, float);
        }
        let id = self.push(Op::Float(float), &[x], &[])?;
        self.source(id, made, elements);
        Ok(id)
    }

    /// Says which slope a step function has in training, and a factor on it.
    pub fn gradient(&mut self, id: Id, gradient: &Gradient, factor: f32) {
        if self.traced {
            self.graph.sources.gradients.insert(id, (gradient.clone(), factor));
        }
    }

    /// Says that a node's formats are learned, of which shape they are, and what they begin with; and which elements have a sign.
    pub fn learned(&mut self, id: Id, shape: Vec<usize>, first: Vec<Format>, signed: Vec<bool>) {
        if self.traced {
            let formats = Formats { layer: self.place(), shape, first, signed };
            self.graph.sources.formats.insert(id, formats);
        }
    }

    /// The node's constants are those of another node.
    pub(super) fn same_source(&mut self, from: Id, to: Id) {
        if let Some(source) = self.graph.sources.constants.get(&from).cloned() {
            self.graph.sources.constants.insert(to, source);
        }
    }
}
