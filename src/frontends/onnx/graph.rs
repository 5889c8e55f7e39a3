//! The graph while it is read: values by name, and the network that grows.
//!
//! ONNX shapes have the sample axis, and images are channels first; layers have no sample axis, and are channels last. A
//! [`Tensor`] therefore knows both: its shape as ONNX sees it, and in which order its layer has these axes. A transpose of
//! ONNX only renames axes; a `transpose` layer comes where a layer needs another order ([`Graph::arranged`]).

use super::constant::Constant;
use super::node::Node;
use crate::error::{Error, Result};
use crate::files::MAX_ELEMENTS;
use crate::network::{Layer, Network, Tensor as Array, elements};
use serde_json::{Value as Json, json};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// The value of a layer or input, as ONNX sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The layer or input.
    pub layer: String,
    /// Length of each of ONNX' axes; the sample axis has length 1.
    pub shape: Vec<usize>,
    /// For each axis of the layer's value, the sample axis first: which of ONNX' axes it is.
    pub order: Vec<usize>,
}

/// What `QuantizeLinear` made, until `DequantizeLinear`.
#[derive(Clone, Debug)]
pub struct Pending {
    /// What is quantized.
    pub x: Tensor,
    /// The scale.
    pub scale: Rc<Constant>,
    /// The zero point.
    pub zero: Option<Rc<Constant>>,
    /// The axis of a scale with one axis.
    pub axis: i64,
    /// Bounds of the integers.
    pub bounds: (f64, f64),
}

/// A value of the graph.
#[derive(Clone, Debug)]
pub enum Value {
    /// Known.
    Constant(Rc<Constant>),
    /// Computed.
    Tensor(Tensor),
    /// Computed integers that a `DequantizeLinear` will read.
    Pending(Rc<Pending>),
}

/// The graph while it is read.
pub struct Graph {
    /// The network so far.
    pub network: Network,
    /// The version of ONNX' own operators.
    pub opset: i64,
    values: HashMap<String, Value>,
    readers: HashMap<String, usize>,
    names: HashSet<String>,
    arranged: HashMap<(String, Vec<usize>), String>,
    /// Elements of all constants that were folded.
    folded: usize,
}

impl Tensor {
    /// A tensor whose layer has the axes in ONNX' order, the sample axis first.
    pub fn plain(layer: impl Into<String>, shape: Vec<usize>) -> Tensor {
        let order = (0..shape.len()).collect();
        Tensor { layer: layer.into(), shape, order }
    }

    /// The number of ONNX' axes.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// The layer's shape, without the sample axis.
    pub fn physical(&self) -> Vec<usize> {
        self.order.iter().skip(1).map(|axis| self.shape[*axis]).collect()
    }

    /// The sample axis.
    pub fn batch(&self) -> usize {
        self.order.first().copied().unwrap_or(0)
    }

    /// The layer's axis (without the sample axis) of one of ONNX' axes.
    ///
    /// # Errors
    /// It is the sample axis.
    pub fn axis(&self, axis: usize) -> Result<usize> {
        match self.order.iter().position(|own| *own == axis) {
            Some(position) if position > 0 => Ok(position - 1),
            _ => Err(samples_mixed()),
        }
    }

    /// Another layer's value with the same axes.
    pub fn with(&self, layer: impl Into<String>) -> Tensor {
        Tensor { layer: layer.into(), ..self.clone() }
    }
}

/// An axis that may count from the end.
///
/// # Errors
/// There is none.
pub fn axis(axis: i64, rank: usize) -> Result<usize> {
    let index = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
    index.and_then(|index| usize::try_from(index).ok()).filter(|index| *index < rank).ok_or_else(|| {
        Error::user(
            format!("there is no axis {axis} in a tensor of {rank} axes"),
            "the file is damaged; export it again",
        )
    })
}

/// The refusal of what computes across samples.
pub fn samples_mixed() -> Error {
    Error::user("it works along the first axis, which counts samples", "networks are compiled for one sample at a time")
}

impl Graph {
    /// An empty graph; `readers` says how often each value is read.
    pub fn new(name: String, opset: i64, readers: HashMap<String, usize>) -> Graph {
        let network = Network { name, inputs: Vec::new(), layers: Vec::new(), outputs: Vec::new() };
        Graph {
            network,
            opset,
            readers,
            values: HashMap::new(),
            names: HashSet::new(),
            arranged: HashMap::new(),
            folded: 0,
        }
    }

    /// Names a value.
    pub fn define(&mut self, name: &str, value: Value) {
        self.values.insert(name.to_string(), value);
    }

    /// Names a result of a node, where it is wanted.
    pub fn result(&mut self, node: &Node, index: usize, value: Value) {
        if let Some(name) = node.output(index) {
            self.define(name, value);
        }
    }

    /// The first result of a node is this tensor.
    pub fn gives(&mut self, node: &Node, tensor: Tensor) -> Result<()> {
        self.result(node, 0, Value::Tensor(tensor));
        Ok(())
    }

    /// The first result of a node is this constant.
    pub fn folds(&mut self, node: &Node, constant: Constant) -> Result<()> {
        self.result(node, 0, Value::Constant(Rc::new(constant)));
        Ok(())
    }

    /// Checks the size of a new value, and that of all constants together.
    ///
    /// # Errors
    /// It is more than a network for an FPGA can have.
    pub fn bounded(&mut self, name: &str) -> Result<()> {
        match self.values.get(name) {
            Some(Value::Tensor(tensor)) => elements(&tensor.shape).map(drop),
            Some(Value::Constant(constant)) => {
                self.folded = self.folded.saturating_add(constant.data.len());
                let what = || Error::user("its constants have too many elements", "check that this is the right file");
                (self.folded <= MAX_ELEMENTS).then_some(()).ok_or_else(what)
            }
            _ => Ok(()),
        }
    }

    /// A value by its name.
    pub fn find(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// An argument of a node; `None` if it is left out.
    ///
    /// # Errors
    /// Nothing has its name.
    pub fn argument(&self, node: &Node, index: usize) -> Result<Option<Value>> {
        let Some(name) = node.input(index) else { return Ok(None) };
        let found = self.values.get(name).cloned();
        found.map(Some).ok_or_else(|| {
            let help =
                "nodes come after those they read; the file is damaged or uses what is not read (sparse tensors)";
            Error::user(format!("it reads `{name}`, which nothing before it makes"), help)
        })
    }

    /// An argument that must be there.
    ///
    /// # Errors
    /// It is not.
    pub fn value(&self, node: &Node, index: usize) -> Result<Value> {
        let missing = || Error::user(format!("argument {index} is missing"), "the file is damaged; export it again");
        self.argument(node, index)?.ok_or_else(missing)
    }

    /// An argument that is computed.
    ///
    /// # Errors
    /// It is missing or constant.
    pub fn tensor(&self, node: &Node, index: usize) -> Result<Tensor> {
        match self.value(node, index)? {
            Value::Tensor(tensor) => Ok(tensor),
            Value::Constant(_) => Err(Error::user(
                format!("argument {index} is constant, where values of the network are expected"),
                "simplify the model first: python -m onnxsim IN OUT",
            )),
            Value::Pending(_) => Err(undequantized()),
        }
    }

    /// A constant argument; `None` if it is left out.
    ///
    /// # Errors
    /// It is computed.
    pub fn constant(&self, node: &Node, index: usize) -> Result<Option<Rc<Constant>>> {
        match self.argument(node, index)? {
            None => Ok(None),
            Some(Value::Constant(constant)) => Ok(Some(constant)),
            Some(_) => Err(Error::user(
                format!("argument {index} (`{}`) is computed, and must be constant", node.input(index).unwrap_or("")),
                "hardware is made for fixed weights, scales, shapes and indices; export the model with constants",
            )),
        }
    }

    /// A constant argument that must be there.
    ///
    /// # Errors
    /// It is missing or computed.
    pub fn required(&self, node: &Node, index: usize) -> Result<Rc<Constant>> {
        let missing = || Error::user(format!("argument {index} is missing"), "the file is damaged; export it again");
        self.constant(node, index)?.ok_or_else(missing)
    }

    /// Is this value read once, and only by a node?
    pub fn read_once(&self, name: &str) -> bool {
        self.readers.get(name) == Some(&1)
    }

    /// Does anything read this value?
    pub fn reads(&self, name: &str) -> bool {
        self.readers.contains_key(name)
    }

    /// A name that no layer has yet.
    pub fn fresh(&mut self, wanted: &str) -> String {
        let wanted: String = wanted.chars().map(|c| if c.is_control() { '_' } else { c }).collect();
        let wanted = if wanted.is_empty() { "node".to_string() } else { wanted };
        let mut name = wanted.clone();
        let mut number = 1;
        while !self.names.insert(name.clone()) {
            number += 1;
            name = format!("{wanted}_{number}");
        }
        name
    }

    /// A layer for a node, not yet in the network.
    pub fn layer(&mut self, node: &Node, kind: &str, inputs: &[&Tensor]) -> Layer {
        let name = self.fresh(&node.name);
        Layer::new(name, kind, inputs.iter().map(|tensor| tensor.layer.clone()).collect())
    }

    /// Puts a layer into the network; answers with its name.
    pub fn push(&mut self, layer: Layer) -> String {
        let name = layer.name.clone();
        self.network.layers.push(layer);
        name
    }

    /// A layer that works element by element, whatever the order of axes.
    pub fn elementwise(&mut self, x: &Tensor, layer: Layer) -> Tensor {
        let name = self.push(layer);
        x.with(name)
    }

    /// The same value with its axes in this order; a `transpose` where the order differs.
    ///
    /// # Errors
    /// The sample axis would have to move.
    pub fn arranged(&mut self, x: &Tensor, order: &[usize]) -> Result<Tensor> {
        if x.order == order {
            return Ok(x.clone());
        }
        if order.first() != x.order.first() {
            return Err(samples_mixed());
        }
        let known = (x.layer.clone(), order.iter().map(|axis| position(&x.order, *axis)).collect::<Vec<_>>());
        if let Some(layer) = self.arranged.get(&known) {
            return Ok(Tensor { layer: layer.clone(), shape: x.shape.clone(), order: order.to_vec() });
        }
        let perm: Vec<Json> = known.1.iter().skip(1).map(|position| json!(position - 1)).collect();
        let name = self.fresh(&format!("{}_transposed", x.layer));
        let layer = Layer::new(name.clone(), "transpose", vec![x.layer.clone()]).with("perm", perm);
        self.push(layer);
        self.arranged.insert(known, name.clone());
        Ok(Tensor { layer: name, shape: x.shape.clone(), order: order.to_vec() })
    }

    /// The same value in ONNX' order of axes.
    ///
    /// # Errors
    /// The sample axis is not the first.
    pub fn plain(&mut self, x: &Tensor) -> Result<Tensor> {
        self.arranged(x, &(0..x.rank()).collect::<Vec<_>>())
    }

    /// A value with samples first and channels (axis 1) last.
    ///
    /// # Errors
    /// The sample axis is not the first.
    pub fn channels_last(&mut self, x: &Tensor) -> Result<Tensor> {
        let order: Vec<usize> = [0].into_iter().chain(2..x.rank()).chain((x.rank() > 1).then_some(1)).collect();
        self.arranged(x, &order)
    }
}

fn position(order: &[usize], axis: usize) -> usize {
    order.iter().position(|own| *own == axis).unwrap_or(0)
}

/// The refusal of integers that no `DequantizeLinear` reads.
pub fn undequantized() -> Error {
    let help =
        "put DequantizeLinear right behind QuantizeLinear (a Clip may be between them), as Brevitas' QCDQ export does";
    Error::user("it reads integers that QuantizeLinear made", help)
}

/// A constant as it broadcasts against a tensor, in the order of the layer's axes, without the sample axis; and the shape
/// of the result, as ONNX sees it.
///
/// # Errors
/// The shapes do not broadcast, or the constant differs between samples.
pub fn against(c: &Constant, x: &Tensor) -> Result<(Array, Vec<usize>)> {
    let misfit = || {
        let what = format!("a constant of shape {:?} does not broadcast to a tensor of shape {:?}", c.dims, x.shape);
        Error::user(what, "axes must be equal, or 1 where one value serves the whole axis")
    };
    let pad = x.rank().checked_sub(c.dims.len()).ok_or_else(misfit)?;
    let dims: Vec<usize> = std::iter::repeat_n(1, pad).chain(c.dims.iter().copied()).collect();
    let fits = |(own, other): (&usize, &usize)| own == other || *own == 1 || *other == 1;
    if !dims.iter().zip(&x.shape).all(fits) || dims.get(x.batch()).is_some_and(|length| *length != 1) {
        return Err(misfit());
    }
    let shape = dims.iter().zip(&x.shape).map(|(own, other)| *own.max(other)).collect();
    let map = permuted(&dims, &x.order);
    let physical: Vec<usize> = x.order.iter().skip(1).map(|axis| dims[*axis]).collect();
    let lead = physical.iter().take_while(|length| **length == 1).count();
    let array = Array { shape: physical[lead..].to_vec(), data: map.into_iter().map(|e| c.data[e]).collect() };
    elements(&array.shape)?;
    Ok((array, shape))
}

/// For each element of a tensor with its axes in another order, its place before.
pub fn permuted(dims: &[usize], order: &[usize]) -> Vec<usize> {
    let stride = |axis: usize| dims[axis + 1..].iter().product::<usize>();
    order.iter().fold(vec![0], |places, axis| {
        let steps = |place: usize| (0..dims[*axis]).map(move |i| place + i * stride(*axis)).collect::<Vec<_>>();
        places.into_iter().flat_map(steps).collect()
    })
}
