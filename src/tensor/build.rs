//! Building a graph, node by node: shapes are checked and ranges computed at once, and errors name the layer.

use super::count::Count;
use super::infer::infer;
use super::{Float, Graph, Id, Node, Op, Reduction, Staircase, legal_name};
use crate::error::{At, Error, Result};
use crate::fixed::{Fixed, Quantization};
use crate::port::Port;
use std::collections::HashMap;

/// A graph under construction.
///
/// Nodes belong to the layer that was named last ([`Builder::layer`]); errors carry its name as their place.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    pub(super) graph: Graph,
    layer: u32,
    /// The layers' names as the user wrote them, for errors.
    written: Vec<String>,
    notes: Vec<String>,
    count: Count,
    /// Whether [`Graph::sources`] is filled in.
    pub(super) traced: bool,
    /// Ports that carry weights: layer, as the user named it, and tensor.
    pub(super) weights: HashMap<(String, String), Id>,
    /// Values of states for the next event, each with its port.
    next: Vec<(u32, Id)>,
}

impl Builder {
    /// An empty graph; `name` is made legal.
    pub fn new(name: &str) -> Builder {
        Builder { graph: Graph { name: legal_name(name, &[]), ..Graph::default() }, ..Builder::default() }
    }

    /// The same, for at most so many operations.
    pub fn limited(name: &str, operations: usize) -> Builder {
        Builder { count: Count::up_to(operations), ..Builder::new(name) }
    }

    /// Is there room for a tensor of so many elements? Asked before a list of them is made.
    ///
    /// # Errors
    /// It would be more operations than are allowed, or more than memory should hold.
    pub fn room(&self, elements: usize) -> Result<()> {
        self.count.check(self.layer, elements, elements, &self.written)
    }

    /// Begins a layer: the nodes that follow are its own. Answers with the name it has in hardware.
    pub fn layer(&mut self, name: &str) -> String {
        let legal = legal_name(name, &self.graph.layers);
        self.layer = self.graph.layers.len() as u32;
        self.graph.layers.push(legal.clone());
        self.written.push(name.to_string());
        legal
    }

    /// Something that the user should know but need not act on.
    pub fn note(&mut self, note: impl Into<String>) {
        let place = self.place();
        let note = note.into();
        self.notes.push(if place.is_empty() { note } else { format!("{place}: {note}") });
    }

    /// The graph so far.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// A node's shape, without the sample axis.
    pub fn shape(&self, id: Id) -> &[usize] {
        &self.graph.node(id).shape
    }

    /// Is a node's value float32, not exact?
    pub fn is_float(&self, id: Id) -> bool {
        self.graph.node(id).is_float()
    }

    pub(super) fn place(&self) -> String {
        self.written.get(self.layer as usize).cloned().unwrap_or_default()
    }

    pub(super) fn push(&mut self, op: Op, args: &[Id], shape: &[usize]) -> Result<Id> {
        let nodes: Vec<&Node> = args.iter().map(|id| self.graph.node(*id)).collect();
        self.count.add(self.layer, &op, &nodes, shape, &self.written)?;
        let found = infer(&op, &nodes, &self.graph.inputs, shape);
        let found = if self.written.is_empty() { found } else { found.at(self.place()) }?;
        let id = u32::try_from(self.graph.nodes.len()).map_err(|_| too_many())?;
        let node = Node { op, args: args.to_vec(), shape: found.shape, ranges: found.ranges, layer: self.layer };
        self.graph.nodes.push(node);
        Ok(Id(id))
    }

    /// A new input port, which is a layer of its own. The port's name is made legal.
    ///
    /// # Errors
    /// The port has not as many formats as elements.
    pub fn input(&mut self, mut port: Port) -> Result<Id> {
        port.name = self.layer(&port.name);
        let shape = port.shape.clone();
        self.graph.inputs.push(port);
        self.push(Op::Input { port: self.graph.inputs.len() as u32 - 1 }, &[], &shape)
    }

    /// A new state: an input port that carries, in the port's formats, the value that [`Builder::next`] gives it. States
    /// come behind all other ports.
    ///
    /// # Errors
    /// The port has not as many formats as elements.
    pub fn state(&mut self, port: Port) -> Result<Id> {
        self.input(Port { state: true, ..port })
    }

    /// A new state of the layer that has begun, which has no nodes yet.
    ///
    /// # Errors
    /// As [`Builder::state`]; or the layer is part of another, which has nodes.
    pub fn own_state(&mut self, port: Port) -> Result<Id> {
        if self.graph.nodes.iter().any(|node| node.layer == self.layer) {
            return Err(Error::user("a layer inside another keeps a state", "leave out `stateful`, or use it alone"));
        }
        // Layers come before those that read them.
        let (layer, written) = (self.graph.layers.pop(), self.written.pop());
        let id = self.state(port)?;
        self.layer = self.graph.layers.len() as u32;
        self.graph.layers.extend(layer);
        self.written.extend(written);
        Ok(id)
    }

    /// What a state carries for the next event.
    ///
    /// # Errors
    /// The value has another shape.
    pub fn next(&mut self, state: Id, value: Id) -> Result<()> {
        let Op::Input { port } = self.graph.node(state).op else { return Err(Error::bug("no state")) };
        let declared = &self.graph.inputs[port as usize];
        let (name, shape, formats) =
            (format!("{}_next", declared.name), declared.shape.clone(), declared.elements.clone());
        if self.shape(value) != shape {
            let what = format!("its next value has the shape {:?}, not {shape:?}", self.shape(value));
            return Err(Error::user(what, "give the state the shape of the layer that `next` names"));
        }
        let own = self.layer;
        self.layer(&name);
        let next = self.quantize(value, formats)?;
        self.layer = own;
        self.next.push((port, next));
        Ok(())
    }

    /// Exact constants, C order.
    ///
    /// # Errors
    /// Not as many values as the shape says.
    pub fn constant(&mut self, shape: &[usize], values: Vec<Fixed>) -> Result<Id> {
        self.push(Op::Constant { values }, &[], shape)
    }

    /// Exact constants from floats, each of which is an exact dyadic.
    ///
    /// # Errors
    /// A value is NaN or infinite, or there are not as many as the shape says.
    pub fn floats(&mut self, shape: &[usize], values: &[f64]) -> Result<Id> {
        let exact: Option<Vec<Fixed>> = values.iter().map(|value| Fixed::from_f64(*value)).collect();
        let error = || Error::user("a weight is NaN or infinite", "train the network again, or repair the file");
        let values = exact.ok_or_else(error).at(self.place())?;
        self.constant(shape, values)
    }

    /// `[.., k] x [k, n] -> [.., n]`, exact; float operands are made exact first.
    ///
    /// # Errors
    /// The shapes do not fit, or a sum needs more than 127 bits.
    pub fn matmul(&mut self, x: Id, w: Id) -> Result<Id> {
        // A product carries the scale of its codes; an average of three is a sum by three.
        if let Some((sum, count)) = self.divided(x) {
            let product = self.matmul(sum, w)?;
            return self.float(product, Float::Div(vec![count]));
        }
        self.binary(Op::MatMul, x, w)
    }

    /// The sum, with broadcasting; float operands are made exact first.
    ///
    /// # Errors
    /// The shapes do not broadcast, or a number needs more than 127 bits.
    pub fn add(&mut self, a: Id, b: Id) -> Result<Id> {
        self.binary(Op::Add, a, b)
    }

    /// The element-wise product; as [`Builder::add`].
    ///
    /// # Errors
    /// As [`Builder::add`].
    pub fn mul(&mut self, a: Id, b: Id) -> Result<Id> {
        self.binary(Op::Mul, a, b)
    }

    /// The element-wise maximum; as [`Builder::add`].
    ///
    /// # Errors
    /// As [`Builder::add`].
    pub fn max(&mut self, a: Id, b: Id) -> Result<Id> {
        self.binary(Op::Max, a, b)
    }

    /// The element-wise minimum; as [`Builder::add`].
    ///
    /// # Errors
    /// As [`Builder::add`].
    pub fn min(&mut self, a: Id, b: Id) -> Result<Id> {
        self.binary(Op::Min, a, b)
    }

    fn binary(&mut self, op: Op, a: Id, b: Id) -> Result<Id> {
        if let Some(y) = self.of_codes(&op, a, b)? {
            return Ok(y);
        }
        let (a, b) = (self.exact(a)?, self.exact(b)?);
        self.push(op, &[a, b], &[])
    }

    /// An axis reduced. Float operands of a sum are made exact first; a maximum or minimum moves in front of the float chain.
    ///
    /// # Errors
    /// The axis is empty or not there, or a sum needs more than 127 bits.
    pub fn reduce(&mut self, x: Id, kind: Reduction, axis: usize) -> Result<Id> {
        if self.is_float(x) && kind != Reduction::Sum {
            return self.extreme_of_floats(x, kind, axis);
        }
        if let Some((codes, scale)) = self.codes(x) {
            let sum = self.push(Op::Reduce { kind, axis }, &[codes], &[])?;
            return self.float(sum, Float::Mul(vec![scale]));
        }
        let x = self.exact(x)?;
        self.push(Op::Reduce { kind, axis }, &[x], &[])
    }

    /// Elements of the operands, each `(operand, element)`, in a new shape. Moves in front of a float chain.
    ///
    /// # Errors
    /// Not as many elements as the shape says; or operands with different float chains, or behind a softmax.
    pub fn gather(&mut self, args: &[Id], shape: &[usize], elements: Vec<(u32, u32)>) -> Result<Id> {
        if args.iter().all(|id| !self.is_float(*id)) {
            return self.push(Op::Gather { elements }, args, shape);
        }
        self.gather_floats(args, shape, elements)
    }

    /// The same elements in another shape.
    ///
    /// # Errors
    /// The shape has another number of elements.
    pub fn reshape(&mut self, x: Id, shape: &[usize]) -> Result<Id> {
        let (from, count) = (self.shape(x).to_vec(), self.graph.node(x).len());
        if from == shape {
            return Ok(x);
        }
        if shape.iter().product::<usize>() != count {
            let what = format!("shape {shape:?} does not hold the {count} elements of shape {from:?}");
            return Err(Error::user(what, "give a shape with as many elements").at(self.place()));
        }
        self.gather(&[x], shape, (0..count as u32).map(|e| (0, e)).collect())
    }

    /// Brings exact or float values to formats: one for all elements, or one each.
    ///
    /// # Errors
    /// The number of quantizers does not fit the shape.
    pub fn quantize(&mut self, x: Id, elements: Vec<Quantization>) -> Result<Id> {
        self.push(Op::Quantize { elements }, &[x], &[])
    }

    /// Staircases of exact or float values: one for all elements, one per element of the last axis, or one each.
    ///
    /// # Errors
    /// The number of staircases does not fit the shape, or their values no common grid.
    pub fn steps(&mut self, x: Id, stairs: Vec<Staircase>) -> Result<Id> {
        self.push(Op::Steps { stairs }, &[x], &[])
    }

    /// `values[x / 2^exp - lo]`; a float operand is made exact first.
    ///
    /// # Errors
    /// The operand does not stay within the table.
    pub fn table(&mut self, x: Id, lo: i128, exp: i32, values: Vec<Fixed>) -> Result<Id> {
        let x = self.exact(x)?;
        self.push(Op::Table { lo, exp, values }, &[x], &[])
    }

    /// A float32 operation; multiplying by 1 and adding 0 are left out.
    ///
    /// # Errors
    /// The number of constants does not fit the shape; or it follows a softmax.
    pub fn float(&mut self, x: Id, float: Float) -> Result<Id> {
        let is = |list: &[f32], value: f32| !list.is_empty() && list.iter().all(|c| *c == value);
        match &float {
            Float::Mul(c) | Float::Div(c) if is(c, 1.0) => return Ok(x),
            Float::Add(c) if is(c, 0.0) => return Ok(x),
            Float::Leaky(c) if is(c, 1.0) => return Ok(x),
            Float::Div(c) if c.contains(&0.0) => {
                return Err(Error::user("a division by zero", "give a divisor other than 0").at(self.place()));
            }
            _ => {}
        }
        if self.graph.node(x).op == Op::Float(Float::Softmax) {
            let what = "it reads a softmax, which can only be the end of a network";
            return Err(Error::user(what, "end the network at the softmax").at(self.place()));
        }
        self.push(Op::Float(float), &[x], &[])
    }

    /// Makes a value an output of the network, under the name of its layer.
    pub fn output(&mut self, name: &str, id: Id) {
        let ports = self.graph.inputs.iter().map(|port| port.name.clone());
        let taken: Vec<String> = ports.chain(self.graph.outputs.iter().map(|(name, _)| name.clone())).collect();
        self.graph.outputs.push((legal_name(name, &taken), id));
    }

    /// The graph, and the notes made on the way. Its name is that of no port: a module cannot have a port of its own name.
    ///
    /// # Errors
    /// The graph breaks one of its invariants, which is a bug of ours.
    pub fn finish(mut self) -> Result<(Graph, Vec<String>)> {
        let mut next = std::mem::take(&mut self.next);
        next.sort_by_key(|(port, _)| *port);
        for (port, id) in next {
            self.output(&format!("{}_next", self.graph.inputs[port as usize].name), id);
        }
        let inputs = self.graph.inputs.iter().map(|port| port.name.clone());
        let ports: Vec<String> = inputs.chain(self.graph.outputs.iter().map(|(name, _)| name.clone())).collect();
        self.graph.name = legal_name(&self.graph.name, &ports);
        super::verify(&self.graph)?;
        Ok((self.graph, self.notes))
    }

    /// Takes up a graph to go on building.
    pub(super) fn resume(name: &str, layers: &[String], inputs: &[Port]) -> Builder {
        let (name, layers, inputs) = (name.to_string(), layers.to_vec(), inputs.to_vec());
        let written = layers.clone();
        Builder { graph: Graph { name, layers, inputs, ..Graph::default() }, written, ..Builder::default() }
    }

    /// Copies a node whose operands are already here.
    pub(super) fn copy(&mut self, node: &Node, args: &[Id]) -> Result<Id> {
        self.layer = node.layer;
        self.push(node.op.clone(), args, &node.shape)
    }

    /// The nodes that follow belong to this layer.
    pub(super) fn set_layer(&mut self, layer: u32) {
        self.layer = layer;
    }
}

fn too_many() -> Error {
    Error::user("the network has more than 2^32 tensors", "split it")
}
