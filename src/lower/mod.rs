//! From tensors to numbers: a tensor graph without floats becomes a dataflow graph, element by element.

mod quantize;
mod stairs;

use crate::dfg::{Builder, Dfg, Id, Source, Table, Term};
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
    let mut lowering = Lowering { graph, builder: builder(graph), values: Vec::with_capacity(graph.nodes.len()) };
    for node in &graph.nodes {
        let value = lowering.node(node)?;
        lowering.values.push(value);
    }
    let (mut ports, mut results) = (Vec::new(), Vec::new());
    for (name, id) in &graph.outputs {
        let port = output(name, graph.node(*id)).at(format!("output `{name}`"))?;
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
    Ok(Port { name: name.into(), shape: node.shape.clone(), elements })
}

struct Lowering<'a> {
    graph: &'a Graph,
    builder: Builder,
    /// The elements of each tensor node.
    values: Vec<Vec<Id>>,
}

impl Lowering<'_> {
    fn node(&mut self, node: &Node) -> Result<Vec<Id>> {
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
            Op::Float(_) => Err(Error::bug("a float was neither folded nor split off")),
        }
    }

    /// The element of an operand that is broadcast to this element.
    fn arg(&self, node: &Node, arg: usize, element: usize) -> Id {
        let id: tensor::Id = node.args[arg];
        let from = &self.graph.node(id).shape;
        let index = if *from == node.shape { element } else { broadcast_map(from, &node.shape)[element] as usize };
        self.values[id.0 as usize][index]
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
            Reduction::Max => {
                while items.len() > 1 {
                    let pairs = items.chunks(2);
                    let max = |pair: &[Id]| if let [a, b] = pair { self.builder.max(*a, *b) } else { Ok(pair[0]) };
                    items = pairs.map(max).collect::<Result<_>>()?;
                }
                items.first().copied().ok_or_else(|| Error::bug("a maximum over nothing"))
            }
        }
    }

    /// The part of a table that the operand can reach; what only its interval reaches is a don't-care.
    fn table(&mut self, x: Id, lo: i128, exp: i32, values: &[Fixed]) -> Result<Id> {
        let x = self.builder.floor(x, exp)?;
        if let Some(constant) = self.builder.range(x).constant() {
            // A number has no grid of its own: 0 is on each.
            let index = constant.at(exp).and_then(|code| usize::try_from(code - lo).ok());
            let value = index.and_then(|index| values.get(index));
            return self.builder.constant(*value.ok_or_else(|| Error::bug("a table's argument is not in it"))?);
        }
        let Some(domain) = self.builder.range(x).at(exp) else {
            return Err(self.builder.error("a table's argument is beyond 127 bits", "quantize it to fewer bits"));
        };
        let value = |code: i128| usize::try_from(code - lo).ok().and_then(|index| values.get(index)).copied();
        lookup(&mut self.builder, x, domain, (domain.lo..=domain.hi).map(value).collect())
    }
}

/// A table of one operand: a value for each code of the domain, `None` for a don't-care.
fn lookup(b: &mut Builder, x: Id, domain: Range, values: Vec<Option<Fixed>>) -> Result<Id> {
    let exponent = |value: &Fixed| if value.is_zero() { None } else { Some(value.exponent()) };
    let exp = values.iter().flatten().filter_map(exponent).min().unwrap_or(0);
    let wide = || b.error("a table's entries have no common grid within 127 bits", "quantize them");
    let entry = |value: &Option<Fixed>| value.map(|value| value.at(exp).ok_or_else(wide)).transpose();
    let entries = values.iter().map(entry).collect::<Result<_>>()?;
    b.table(Table { domains: vec![domain], entries, exp }, vec![x])
}
