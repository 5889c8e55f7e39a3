//! From tensors to numbers: a tensor graph without floats becomes a dataflow graph, element by element.

mod lookup;
mod quantize;
mod stairs;
mod threshold;

use crate::dfg::{Builder, Dfg, Id, Source, Term};
use crate::error::{At, Error, Result};
use crate::fixed::{Fixed, Format, Quantization, Range};
use crate::port::Port;
use crate::tensor::{self, Graph, Node, Op, Reduction, broadcast_map, pick};

/// Lowers a graph whose float chains are folded and whose tails are split off.
///
/// All elements of an output port share one format: the smallest that holds every element's range in the tensor graph, so
/// that it does not depend on what optimisation finds.
///
/// # Errors
/// A number beyond 120 bits; the error names the layer.
pub fn lower(graph: &Graph) -> Result<Dfg> {
    let mut lowering =
        Lowering { graph, builder: builder(graph), values: Vec::with_capacity(graph.nodes.len()), maps: Vec::new() };
    for node in &graph.nodes {
        let value = lowering.node(node)?;
        lowering.values.push(value);
    }
    let (mut ports, mut results) = (Vec::new(), Vec::new());
    let events = graph.outputs.len() - Port::states(&graph.inputs);
    let mut states = graph.inputs.iter().filter(|port| port.state);
    for (index, (name, id)) in graph.outputs.iter().enumerate() {
        let state = if index < events { None } else { states.next() };
        let port = match state {
            Some(state) => Port { name: name.clone(), ..state.clone() },
            None => output(name, graph.node(*id)).at(format!("output `{name}`"))?,
        };
        for (element, value) in lowering.values[id.0 as usize].clone().into_iter().enumerate() {
            // Wiring, and only where intervals lost what the tensor graph knew: dropped bits are copies of the sign.
            lowering.builder.set_source(Source { layer: graph.node(*id).layer, element: element as u32 });
            results.push(quantize::quantize(&mut lowering.builder, value, &port.elements[element])?);
        }
        ports.push(port);
    }
    let dfg = lowering.builder.finish(ports, results).without_dead();
    dfg.verify()?;
    Ok(dfg)
}

fn builder(graph: &Graph) -> Builder {
    let channels = |layer: usize| {
        let last = graph.nodes.iter().rev().find(|node| node.layer as usize == layer);
        last.and_then(|node| node.shape.last().copied()).unwrap_or(1) as u32
    };
    let layers = graph.layers.iter().enumerate().map(|(layer, name)| (name.clone(), channels(layer))).collect();
    Builder::new(&graph.name, layers, graph.inputs.clone())
}

fn output(name: &str, node: &Node) -> Result<Port> {
    let wide = || Error::user("the elements have no common format of 120 bits", "use --output-format to cast them");
    let zero = Range::point(Fixed::ZERO);
    let all = node.ranges.iter().try_fold(zero, |all, range| Range::union(all, *range)).ok_or_else(wide)?;
    let mut format = Format::of(&all);
    // A port has at least one bit.
    format.width = format.width.max(1);
    let elements = vec![Quantization::plain(format); node.ranges.len()];
    Ok(Port { name: name.into(), shape: node.shape.clone(), elements, state: false })
}

struct Lowering<'a> {
    graph: &'a Graph,
    builder: Builder,
    /// The elements of each tensor node.
    values: Vec<Vec<Id>>,
    /// For each operand of the node that is being lowered: which element of it is broadcast to each element of the node.
    maps: Vec<Vec<u32>>,
}

impl Lowering<'_> {
    fn node(&mut self, node: &Node) -> Result<Vec<Id>> {
        self.maps = match node.op {
            Op::Add | Op::Mul | Op::Max | Op::Min => {
                let map = |id: &tensor::Id| broadcast_map(&self.graph.node(*id).shape, &node.shape);
                node.args.iter().map(map).collect()
            }
            _ => Vec::new(),
        };
        (0..node.len())
            .map(|element| {
                self.builder.set_source(Source { layer: node.layer, element: element as u32 });
                self.element(node, element)
            })
            .collect()
    }

    fn element(&mut self, node: &Node, element: usize) -> Result<Id> {
        match &node.op {
            Op::Input { port } => {
                // A port's element without bits is the number 0.
                let format = self.graph.inputs[*port as usize].format(element);
                if format.width == 0 {
                    self.builder.constant(Fixed::ZERO)
                } else {
                    self.builder.input(*port, element as u32)
                }
            }
            Op::Constant { values } => self.builder.constant(values[element]),
            Op::MatMul => self.product(node, element),
            Op::Add => {
                let (a, b) = self.pair(node, element);
                self.builder.add(vec![Term::plus(a, 0), Term::plus(b, 0)], Fixed::ZERO)
            }
            Op::Mul => {
                let (a, b) = self.pair(node, element);
                self.builder.mul(a, b)
            }
            Op::Max => {
                let (a, b) = self.pair(node, element);
                self.builder.max(a, b)
            }
            Op::Min => {
                let (a, b) = self.pair(node, element);
                self.builder.min(a, b)
            }
            Op::Reduce { kind, axis } => self.reduce(node, *kind, *axis, element),
            Op::Gather { elements } => {
                let (arg, from) = elements[element];
                Ok(self.values[node.args[arg as usize].0 as usize][from as usize])
            }
            Op::Quantize { elements } => {
                let x = self.arg(node, 0, element);
                quantize::quantize(&mut self.builder, x, pick(elements, element, &node.shape))
            }
            Op::Steps { stairs } => {
                let x = self.arg(node, 0, element);
                stairs::stairs(&mut self.builder, x, pick(stairs, element, &node.shape))
            }
            Op::Table { lo, exp, values } => self.table(self.arg(node, 0, element), *lo, *exp, values),
            Op::Lookup(lookup) => self.lookup(node, lookup, element),
            Op::Float(_) => Err(Error::bug("a float was neither folded nor split off")),
        }
    }

    /// The element of an operand that is broadcast to this element.
    fn arg(&self, node: &Node, arg: usize, element: usize) -> Id {
        let index = self.maps.get(arg).map_or(element, |map| map[element] as usize);
        self.values[node.args[arg].0 as usize][index]
    }

    fn pair(&self, node: &Node, element: usize) -> (Id, Id) {
        (self.arg(node, 0, element), self.arg(node, 1, element))
    }

    /// Row times column: a dot where one side is constant, a sum of products elsewhere.
    fn product(&mut self, node: &Node, element: usize) -> Result<Id> {
        let (x, w) = (self.graph.node(node.args[0]), self.graph.node(node.args[1]));
        let (depth, columns) = (w.shape[0], w.shape[1]);
        let (row, column) = (element / columns, element % columns);
        let xs = &self.values[node.args[0].0 as usize][row * depth..(row + 1) * depth];
        if let Op::Constant { values } = &w.op {
            let factors = xs.iter().enumerate().map(|(i, x)| (*x, values[i * columns + column]));
            return self.builder.dot(factors.collect(), Fixed::ZERO);
        }
        debug_assert_eq!(x.shape.last(), Some(&depth));
        let pairs: Vec<(Id, Id)> = xs
            .iter()
            .enumerate()
            .map(|(i, x)| (*x, self.values[node.args[1].0 as usize][i * columns + column]))
            .collect();
        let products: Vec<(Id, Fixed)> =
            pairs.into_iter().map(|(a, b)| Ok((self.builder.mul(a, b)?, Fixed::ONE))).collect::<Result<_>>()?;
        self.builder.dot(products, Fixed::ZERO)
    }

    fn reduce(&mut self, node: &Node, kind: Reduction, axis: usize, element: usize) -> Result<Id> {
        let from = &self.graph.node(node.args[0]).shape;
        let inner: usize = from[axis + 1..].iter().product();
        let (outer, rest) = (element / inner, element % inner);
        let values = &self.values[node.args[0].0 as usize];
        let mut items: Vec<Id> = (0..from[axis]).map(|i| values[(outer * from[axis] + i) * inner + rest]).collect();
        match kind {
            Reduction::Sum => self.builder.dot(items.into_iter().map(|id| (id, Fixed::ONE)).collect(), Fixed::ZERO),
            Reduction::Max | Reduction::Min => {
                while items.len() > 1 {
                    let extreme = |pair: &[Id]| match pair {
                        [a, b] if kind == Reduction::Max => self.builder.max(*a, *b),
                        [a, b] => self.builder.min(*a, *b),
                        _ => Ok(pair[0]),
                    };
                    items = items.chunks(2).map(extreme).collect::<Result<_>>()?;
                }
                items.first().copied().ok_or_else(|| Error::bug("an extreme over nothing"))
            }
        }
    }
}
