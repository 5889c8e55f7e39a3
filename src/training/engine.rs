//! Runs a tensor graph on float32 tensors of many samples, with gradients.
//!
//! The graph is the one that is compiled; [`crate::tensor::Sources`] says which of its constants are parameters, and here
//! their present values take the constants' place. Each exact operation is the same operation in float32, so that results are
//! the integer evaluator's bit by bit where sums stay below 2^24 steps. The structure is that of the values with which the
//! graph was expanded.

use super::functions;
use super::norm::{self, Moments};
use super::parameters::Parameters;
use super::plan::{Learned, Plan, live, plan};
use super::present::Present;
use super::ranges;
use super::steps::{lengths, straight_through};
use super::value::{Value, before_softmax, gather, matmul, static_bits};
use crate::error::{At, Error, Result};
use crate::fixed::Overflow;
use crate::layers::{self, Expanded};
use crate::network::Network;
use crate::quantizers::learned::{MOST, trained};
use crate::tensor::{Graph, Id, Made, Node, Op, Reduction, Source};
use std::collections::BTreeMap;
use tch::{Kind, Tensor};

/// Samples that are run at once where nothing is trained.
pub const MANY: usize = 8192;

/// A network, ready to run.
pub struct Engine {
    /// The graph, with its sources.
    pub graph: Graph,
    /// Its parameters.
    pub parameters: Parameters,
    plans: Vec<Plan>,
    /// For each node, whether an output depends on it.
    live: Vec<bool>,
}

/// How a forward pass is meant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mode {
    /// Batch normalisations take the moments of the batch, and follow them.
    pub training: bool,
    /// Whether bit operations are counted.
    pub count: bool,
    /// Learned formats that wrap take the integer bits that the samples need, where they have too few.
    pub trace: bool,
    /// How far quantizers are on: 1 for whole.
    pub noise: f64,
    /// The seed with which stochastic quantizers draw, if they do.
    pub draw: Option<u64>,
}

impl Default for Mode {
    /// As hardware is.
    fn default() -> Mode {
        Mode { training: false, count: false, trace: false, noise: 1.0, draw: None }
    }
}

/// What a forward pass gives.
pub struct Pass {
    /// The outputs, each `[samples, ..]`; a last softmax is left out.
    pub outputs: Vec<Tensor>,
    /// The effective bit operations of all matrix products, with a gradient: bits of an operand times bits of a weight.
    pub ebops: Tensor,
    /// All parameters, with a gradient once something has gone backward.
    pub leaf: Tensor,
}

/// What the nodes of a pass share.
struct Shared<'a> {
    inputs: &'a [Tensor],
    mode: Mode,
    present: Present<'a>,
    moments: BTreeMap<String, Moments>,
    /// The greatest numbers of formats whose integer bits follow the data, with their layers.
    greatest: Vec<(String, Tensor)>,
    ebops: Tensor,
}

impl Engine {
    /// A network's graph with its parameters.
    ///
    /// # Errors
    /// Those of [`layers::expand`]; or it has an operation without a gradient.
    pub fn new(network: &Network) -> Result<Engine> {
        let options = layers::Options { sources: true, ..layers::Options::default() };
        let Expanded { mut graph, .. } = layers::expand(network, &options)?;
        graph.outputs = before_softmax(&graph);
        let parameters = Parameters::new(network, &graph)?;
        let plan = |index: usize| {
            let id = Id(index as u32);
            plan(&graph, id).at(format!("layer `{}`", graph.layer_of(id)))
        };
        let plans = (0..graph.nodes.len()).map(plan).collect::<Result<_>>()?;
        let live = live(&graph);
        Ok(Engine { parameters, plans, live, graph })
    }

    /// Is a port's first quantizer learned? Its values then come as the host has them, not on the port's grid.
    pub fn learns_port(&self, port: usize) -> bool {
        let reads =
            |node: &Node| node.args.iter().any(|arg| self.graph.node(*arg).op == Op::Input { port: port as u32 });
        let mut readers = (0..self.graph.nodes.len()).filter(|index| reads(&self.graph.nodes[*index])).peekable();
        readers.peek().is_some() && readers.all(|index| matches!(self.plans[index], Plan::Learned(..)))
    }

    /// Runs the graph on the values of the input ports, each `[samples, ..]`.
    ///
    /// # Errors
    /// Training has diverged.
    pub fn forward(&self, inputs: &[Tensor], mode: Mode) -> Result<Pass> {
        let mut values: Vec<Option<Value>> = Vec::with_capacity(self.graph.nodes.len());
        let present = Present::new(&self.parameters, mode.noise, mode.draw)?;
        let (moments, greatest, ebops) = (BTreeMap::new(), Vec::new(), Tensor::from(0f32));
        let mut shared = Shared { inputs, mode, present, moments, greatest, ebops };
        for index in 0..self.graph.nodes.len() {
            let value = if self.live[index] { Some(self.node(index, &values, &mut shared)?) } else { None };
            values.push(value);
        }
        if mode.training {
            norm::follow(&self.parameters, &shared.moments);
        }
        ranges::follow(&self.parameters, &shared.greatest, if mode.training { ranges::DECAY } else { 0.0 })?;
        let samples = inputs.first().map_or(1, |input| input.size()[0]);
        let output = |(_, id): &(String, Id)| {
            let value = values[id.0 as usize].as_ref().ok_or_else(|| Error::bug("an output was not computed"))?;
            let shape = lengths(&self.graph.node(*id).shape);
            Ok(value.for_each(samples, &shape))
        };
        let outputs = self.graph.outputs.iter().map(output).collect::<Result<_>>()?;
        Ok(Pass { outputs, ebops: shared.ebops, leaf: shared.present.leaf })
    }

    fn node(&self, index: usize, values: &[Option<Value>], shared: &mut Shared) -> Result<Value> {
        let node = &self.graph.nodes[index];
        let missing = || Error::bug(format!("%{index} comes before what it reads"));
        let args: Vec<&Value> =
            node.args.iter().map(|arg| values[arg.0 as usize].as_ref().ok_or_else(missing)).collect::<Result<_>>()?;
        let rank = node.shape.len();
        let both = |operation: fn(&Tensor, &Tensor) -> Tensor| Value {
            tensor: operation(&args[0].of_rank(rank), &args[1].of_rank(rank)),
            batched: args[0].batched || args[1].batched,
            bits: None,
        };
        let one = |tensor: Tensor| Value { tensor, batched: args[0].batched, bits: None };
        // What the extremes of a value and a constant leave of it has its bits.
        let same = |value: Value| Value { bits: args[0].bits.as_ref().map(Tensor::shallow_clone), ..value };
        Ok(match (&node.op, &self.plans[index]) {
            (Op::Input { port }, _) => Value::new(shared.inputs[*port as usize].shallow_clone(), true),
            (Op::Constant { .. }, Plan::Sourced(source, order)) => {
                let (numbers, bits) = self.sourced(source, order.as_ref(), shared)?;
                let shaped = |tensor: Tensor| tensor.view(lengths(&node.shape).as_slice());
                Value { tensor: shaped(numbers), batched: false, bits: bits.map(shaped) }
            }
            (Op::Constant { .. }, Plan::Constant(tensor)) => Value::new(tensor.shallow_clone(), false),
            (Op::MatMul, _) => {
                if shared.mode.count {
                    shared.ebops = &shared.ebops + self.bit_operations(&node.args, &args);
                }
                matmul(args[0], args[1])
            }
            (Op::Add, _) => both(|a, b| a + b),
            (Op::Mul, _) => both(|a, b| a * b),
            (Op::Max, Plan::Relu) => same(one(args[0].tensor.relu())),
            (Op::Max, _) => same(both(|a, b| a.maximum(b))),
            (Op::Min, _) => same(both(|a, b| a.minimum(b))),
            (Op::Reduce { kind, axis }, _) => {
                let axis = *axis as i64 + i64::from(args[0].batched);
                one(match kind {
                    Reduction::Sum => args[0].tensor.sum_dim_intlist([axis].as_slice(), false, Kind::Float),
                    Reduction::Max => args[0].tensor.amax([axis].as_slice(), false),
                    Reduction::Min => args[0].tensor.amin([axis].as_slice(), false),
                })
            }
            (Op::Gather { .. }, Plan::Gather(order)) => gather(&args, order.as_ref(), &node.shape),
            (Op::Quantize { .. }, Plan::Quantize(formats, gradient, factor)) => {
                let x = &args[0].tensor;
                one(straight_through(formats.apply(x), x, gradient, *factor, shared.mode.noise))
            }
            (Op::Quantize { .. }, Plan::Learned(plan)) => self.learned(args[0], plan, shared)?,
            (Op::Steps { .. }, Plan::Steps(stairs, gradient, factor)) => {
                let x = &args[0].tensor;
                one(straight_through(stairs.apply(x), x, gradient, *factor, shared.mode.noise))
            }
            (Op::Table { lo, exp, .. }, Plan::Table(values)) => {
                let code = args[0].tensor.detach() * 2f64.powi(-exp) - *lo as f64;
                one(values.take(&code.to_kind(Kind::Int64)))
            }
            (Op::Float(float), plan) => {
                let x = &args[0].tensor;
                let numbers = self.float_constants(plan, x, &node.shape, shared)?;
                one(functions::float(float, x, &numbers)?)
            }
            (op, _) => return Err(Error::bug(format!("{} has no plan", op.name()))),
        })
    }

    /// The present constants of a float operation on x.
    fn float_constants(&self, plan: &Plan, x: &Tensor, shape: &[usize], shared: &mut Shared) -> Result<Tensor> {
        let (source, order) = match plan {
            Plan::Sourced(source, order) => (source, order.as_ref()),
            Plan::Constant(tensor) => return Ok(tensor.shallow_clone()),
            _ => return Ok(Tensor::new()),
        };
        match &source.made {
            Made::Inverse(epsilon) => {
                let found = norm::moments(&shared.present, &source.layer, x, shared.mode.training, *epsilon)?;
                let inverse = found.inverse.shallow_clone();
                shared.moments.insert(source.layer.clone(), found);
                Ok(inverse)
            }
            Made::Offset(_) => {
                let found = shared.moments.get(&source.layer).map(|moments| moments.offset.shallow_clone());
                found.ok_or_else(|| Error::bug(format!("`{}` has an offset without a factor", source.layer)))
            }
            _ => {
                let (numbers, _) = self.sourced(source, order, shared)?;
                let whole = numbers.numel() == shape.iter().product::<usize>();
                Ok(if whole { numbers.view(lengths(shape).as_slice()) } else { numbers })
            }
        }
    }

    /// A value in formats that are learned.
    fn learned(&self, x: &Value, plan: &Learned, shared: &mut Shared) -> Result<Value> {
        let Learned { layer, signed, negative, rounding, overflow } = plan;
        let found = shared.present.formats(layer)?;
        let Mode { training, trace, .. } = shared.mode;
        let tensor = if *overflow == Overflow::Wrap && x.batched && (training || trace) {
            let q = trained::rounded(&x.tensor, &found.grid, *rounding);
            let greatest = tch::no_grad(|| trained::greatest(&q, &found.integer.size(), *negative));
            shared.greatest.push((layer.clone(), greatest));
            q
        } else {
            let bounds = trained::Bounds { integer: &found.integer, signed, overflow: *overflow };
            trained::quantize(&x.tensor, &found.grid, *rounding, &bounds)
        };
        Ok(Value { tensor, batched: x.batched, bits: Some(found.bits.shallow_clone()) })
    }

    /// Gives learned formats that wrap the integer bits that sets of samples, each `[samples, ..]` a port, need, and no more.
    ///
    /// # Errors
    /// Training has diverged.
    pub fn trace(&mut self, sets: &[&[Tensor]]) -> Result<()> {
        let wraps = |plan: &Plan| matches!(plan, Plan::Learned(learned) if learned.overflow == Overflow::Wrap);
        let layers = self.plans.iter().filter(|plan| wraps(plan));
        let layers: Vec<&str> =
            layers.filter_map(|plan| if let Plan::Learned(l) = plan { Some(&*l.layer) } else { None }).collect();
        if layers.is_empty() {
            return Ok(());
        }
        let _guard = tch::no_grad_guard();
        for layer in layers {
            let _ = self.parameters.get(layer, "integer")?.own.shallow_clone().fill_(-f64::from(MOST));
        }
        for ports in sets {
            let parts: Vec<Vec<Tensor>> = ports.iter().map(|port| port.split(MANY as i64, 0)).collect();
            for part in 0..parts.first().map_or(0, Vec::len) {
                let inputs: Vec<Tensor> = parts.iter().map(|port| port[part].shallow_clone()).collect();
                self.forward(&inputs, Mode { trace: true, ..Mode::default() })?;
            }
        }
        Ok(())
    }

    /// The bit operations of a matrix product: for each product, the bits of its two factors.
    fn bit_operations(&self, ids: &[Id], args: &[&Value]) -> Tensor {
        let bits = |at: usize| {
            let known = |bits: &Tensor| bits.expand(lengths(&self.graph.node(ids[at]).shape).as_slice(), false);
            args[at].bits.as_ref().map_or_else(|| static_bits(&self.graph, ids[at], args[at]), known)
        };
        let (x, w) = (bits(0), bits(1));
        if x.dim() == 1 {
            return x.dot(&w.sum_dim_intlist([-1i64].as_slice(), false, Kind::Float));
        }
        let inner = x.size().last().copied().unwrap_or(1);
        let rows = x.reshape([-1, inner]).sum_dim_intlist([0i64].as_slice(), false, Kind::Float);
        (rows * w.sum_dim_intlist([-1i64].as_slice(), false, Kind::Float)).sum(Kind::Float)
    }

    /// The present numbers of a source, flat, and their bits where they are learned.
    fn sourced(
        &self,
        source: &Source,
        order: Option<&Tensor>,
        shared: &mut Shared,
    ) -> Result<(Tensor, Option<Tensor>)> {
        let (Made::Codes(parameter) | Made::Values(parameter) | Made::Scales(parameter, _)) = &source.made else {
            return Err(Error::bug("a batch normalisation's constants are not a tensor's"));
        };
        let found = shared.present.find(&source.layer, &parameter.tensor);
        let found =
            found.ok_or_else(|| Error::bug(format!("no parameter `{}` of `{}`", parameter.tensor, source.layer)))?;
        let numbers = match &source.made {
            Made::Codes(_) => found.codes.shallow_clone(),
            Made::Scales(_, factor) => {
                let one = Tensor::from(1f32);
                let scale = found.scale.as_ref().unwrap_or(&one) * f64::from(*factor);
                scale.expand_as(&found.codes)
            }
            _ => match &found.scale {
                Some(scale) => &found.codes * scale,
                None => found.codes.shallow_clone(),
            },
        };
        let count = source.elements.len();
        let ordered = |tensor: &Tensor| {
            let flat = tensor.reshape([-1]);
            match order {
                Some(order) => flat.index_select(0, order),
                // Elements in order may be the first of more.
                None if flat.numel() > count => flat.narrow(0, 0, count as i64),
                None => flat,
            }
        };
        Ok((ordered(&numbers), found.bits.as_ref().map(|bits| ordered(&bits.expand_as(&found.codes)))))
    }
}
