//! The only way to make a graph: fold, simplify, share, bound.

use super::linear::Linear;
use super::simplify::{Simple, simplify};
use super::{Dfg, Id, Node, Op, Source, Table, Term};
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Range};
use crate::port::Port;
use std::collections::HashMap;

/// Builds a [`Dfg`] node by node.
///
/// Every method returns the node of an equal value: a new one, or one that was there. All fail only where an exact number
/// would need more than 127 bits; the error names the layer.
#[derive(Default)]
pub struct Builder {
    dfg: Dfg,
    source: Source,
    shared: HashMap<Op, Id>,
    tables: HashMap<Table, u32>,
    linear: Vec<Linear>,
}

impl Builder {
    /// A builder of an empty graph with these layers (name, and elements of its output's last axis) and input ports.
    pub fn new(name: &str, layers: Vec<(String, u32)>, inputs: Vec<Port>) -> Builder {
        let (layers, channels) = layers.into_iter().unzip();
        Builder { dfg: Dfg { name: name.into(), layers, channels, inputs, ..Dfg::default() }, ..Builder::default() }
    }

    /// A builder with the name, layers and input ports of another graph, and room for as many nodes.
    pub fn like(dfg: &Dfg) -> Builder {
        let layers = dfg.layers.iter().cloned().zip(dfg.channels.iter().copied()).collect();
        let mut builder = Builder::new(&dfg.name, layers, dfg.inputs.clone());
        builder.dfg.nodes.reserve(dfg.nodes.len());
        builder.linear.reserve(dfg.nodes.len());
        builder.shared.reserve(dfg.nodes.len());
        builder
    }

    /// From now on nodes are made for this layer element.
    pub fn set_source(&mut self, source: Source) {
        self.source = source;
    }

    /// The layer element that nodes are made for.
    pub fn source(&self) -> Source {
        self.source
    }

    /// Makes a node that takes the place of another, for that one's layer element.
    pub(super) fn instead_of(&mut self, id: Id, make: impl FnOnce(&mut Builder) -> Result<Id>) -> Result<Id> {
        let own = std::mem::replace(&mut self.source, self.dfg[id].from);
        let made = make(self);
        self.source = own;
        made
    }

    /// The exact range of a node.
    pub fn range(&self, id: Id) -> Range {
        self.dfg[id].range
    }

    /// A node's operation.
    pub fn op(&self, id: Id) -> &Op {
        &self.dfg[id].op
    }

    /// The graph so far.
    pub fn dfg(&self) -> &Dfg {
        &self.dfg
    }

    /// Ends the graph: the nodes of the output elements, ports after one another.
    pub fn finish(mut self, outputs: Vec<Port>, results: Vec<Id>) -> Dfg {
        self.dfg.outputs = outputs;
        self.dfg.results = results;
        self.dfg
    }

    /// An element of an input port.
    pub fn input(&mut self, port: u32, element: u32) -> Result<Id> {
        self.push(Op::Input { port, element })
    }

    /// A constant.
    pub fn constant(&mut self, value: Fixed) -> Result<Id> {
        self.push(Op::Const(value))
    }

    /// The sum of operands times constants, and a constant.
    pub fn dot(&mut self, terms: Vec<(Id, Fixed)>, constant: Fixed) -> Result<Id> {
        self.push(Op::Dot { terms, constant })
    }

    /// The sum of one to three shifted operands, and a constant.
    pub fn add(&mut self, terms: Vec<Term>, constant: Fixed) -> Result<Id> {
        debug_assert!(terms.len() <= 3);
        self.push(Op::Add { terms, constant })
    }

    /// `a + constant`.
    pub fn offset(&mut self, a: Id, constant: Fixed) -> Result<Id> {
        self.add(vec![Term::plus(a, 0)], constant)
    }

    /// The product.
    pub fn mul(&mut self, a: Id, b: Id) -> Result<Id> {
        self.push(Op::Mul(a, b))
    }

    /// `a * 2^shift`.
    pub fn scale(&mut self, a: Id, shift: i32) -> Result<Id> {
        self.push(Op::Scale(a, shift))
    }

    /// The greatest multiple of `2^p` not above `a`.
    pub fn floor(&mut self, a: Id, p: i32) -> Result<Id> {
        self.push(Op::Floor(a, p))
    }

    /// `a` modulo `2^top`.
    pub fn wrap(&mut self, arg: Id, top: i32, signed: bool) -> Result<Id> {
        self.push(Op::Wrap { arg, top, signed })
    }

    /// The greater.
    pub fn max(&mut self, a: Id, b: Id) -> Result<Id> {
        self.push(Op::Max(a, b))
    }

    /// The lesser.
    pub fn min(&mut self, a: Id, b: Id) -> Result<Id> {
        self.push(Op::Min(a, b))
    }

    /// `negative` where `sign_of < 0`, else `otherwise`.
    pub fn select(&mut self, sign_of: Id, negative: Id, otherwise: Id) -> Result<Id> {
        self.push(Op::Select { sign_of, negative, otherwise })
    }

    /// A table of operands; each operand's range must lie in its domain.
    pub fn table(&mut self, table: Table, args: Vec<Id>) -> Result<Id> {
        let inside = args.len() == table.domains.len()
            && args.iter().zip(&table.domains).all(|(arg, domain)| domain.contains(&self.range(*arg)));
        if !inside {
            return Err(self.bug("a table does not cover its operands"));
        }
        let table = self.intern_table(table);
        self.push(Op::Table { table, args })
    }

    pub(super) fn intern_table(&mut self, table: Table) -> u32 {
        if let Some(index) = self.tables.get(&table) {
            return *index;
        }
        let index = self.dfg.tables.len() as u32;
        self.dfg.tables.push(table.clone());
        self.tables.insert(table, index);
        index
    }

    /// A sum's terms put in order: constant operands into the constant, scales into factors, equal operands together, zero
    /// factors away; sorted.
    ///
    /// # Errors
    /// A factor or the constant needs more than 127 bits.
    pub fn gather(&self, terms: Vec<(Id, Fixed)>, mut constant: Fixed) -> Result<(Vec<(Id, Fixed)>, Fixed)> {
        let too_wide = || self.too_wide();
        let mut kept: Vec<(Id, Fixed)> = Vec::with_capacity(terms.len());
        for (id, factor) in terms {
            if let Some(value) = self.constant_of(id) {
                constant = value.mul(factor).and_then(|product| product.add(constant)).ok_or_else(too_wide)?;
                continue;
            }
            match self.op(id) {
                Op::Scale(arg, shift) => kept.push((*arg, factor.scale(*shift))),
                _ => kept.push((id, factor)),
            }
        }
        kept.sort_by_key(|(id, _)| *id);
        let mut merged: Vec<(Id, Fixed)> = Vec::with_capacity(kept.len());
        for (id, factor) in kept {
            match merged.last_mut() {
                Some((last, total)) if *last == id => *total = total.add(factor).ok_or_else(too_wide)?,
                _ => merged.push((id, factor)),
            }
        }
        merged.retain(|(_, factor)| !factor.is_zero());
        Ok((merged, constant))
    }

    /// The value of a constant node.
    pub fn constant_of(&self, id: Id) -> Option<Fixed> {
        match self.op(id) {
            Op::Const(value) => Some(*value),
            _ => None,
        }
    }

    /// Another graph's operation on operands of this builder; its table comes along.
    pub fn adopt(&mut self, dfg: &Dfg, id: Id, new: impl FnMut(Id) -> Id) -> Op {
        let mut op = dfg[id].op.map(new);
        if let Op::Table { table, .. } = &mut op {
            *table = self.intern_table(dfg.tables[*table as usize].clone());
        }
        op
    }

    /// A node of any operation on operands of this builder.
    pub fn push(&mut self, op: Op) -> Result<Id> {
        match simplify(self, op)? {
            Simple::Is(id) => Ok(id),
            Simple::Keep(op) => {
                if let Some(id) = self.shared.get(&op) {
                    return Ok(*id);
                }
                let (range, linear) = self.bound(&op)?;
                match range.constant() {
                    Some(value) if !matches!(op, Op::Const(_)) => self.push(Op::Const(value)),
                    _ => Ok(self.insert(op, range, linear)),
                }
            }
        }
    }

    fn insert(&mut self, op: Op, range: Range, linear: Option<Linear>) -> Id {
        let id = Id(self.dfg.nodes.len() as u32);
        self.shared.insert(op.clone(), id);
        self.dfg.nodes.push(Node { op, range, from: self.source });
        self.linear.push(linear.unwrap_or_else(|| Linear::leaf(id)));
        id
    }

    /// The tightest range that intervals and linear forms give.
    fn bound(&self, op: &Op) -> Result<(Range, Option<Linear>)> {
        if let Op::Input { port, element } = op {
            let port = self.dfg.inputs.get(*port as usize);
            let element = port.and_then(|port| port.elements.get(*element as usize));
            let element = element.ok_or_else(|| self.bug("an input names no port element"))?;
            return Ok((element.format.range(), None));
        }
        let linear = Linear::of(op, |id| &self.linear[id.index()]);
        let range = match &linear {
            Some(linear) => linear.range(|id| self.range(id)),
            None => op.range(|id| self.range(id), &self.dfg.tables),
        };
        match range {
            Some(range) if range.width() <= 120 => Ok((range, linear)),
            _ => Err(self.too_wide()),
        }
    }

    /// A node as it is written in a text, neither simplified nor shared; its range must be implied by its operands'.
    pub(super) fn push_as_claimed(&mut self, op: Op, claim: Range) -> Result<Id> {
        let (range, linear) = self.bound(&op)?;
        if !claim.contains(&range) {
            let help = "write the range that the operands imply, or a wider one";
            return Err(Error::user(format!("`{}` carries {range}, not {claim}", op.name()), help));
        }
        Ok(self.insert(op, claim, linear))
    }

    /// A mistake of the user's in the layer that nodes are made for.
    pub fn error(&self, what: &str, help: &str) -> Error {
        Error::user(what, help).at(self.place())
    }

    fn place(&self) -> String {
        let layer = self.dfg.layers.get(self.source.layer as usize);
        format!("layer `{}`", layer.map_or("?", String::as_str))
    }

    pub(super) fn too_wide(&self) -> Error {
        let help = "quantize the values that enter this layer, or its weights, to fewer bits";
        self.error("an exact value would need more than 120 bits", help)
    }

    pub(super) fn bug(&self, what: &str) -> Error {
        Error::bug(what).at(self.place())
    }
}

impl Dfg {
    /// The same graph without nodes (and tables) that no result depends on.
    pub fn without_dead(&self) -> Dfg {
        let mut live = vec![false; self.nodes.len()];
        self.results.iter().for_each(|id| live[id.index()] = true);
        for id in self.ids().rev() {
            if live[id.index()] {
                self[id].op.args().for_each(|arg| live[arg.index()] = true);
            }
        }
        let mut new = Dfg { nodes: Vec::new(), tables: Vec::new(), results: Vec::new(), ..self.clone() };
        let mut ids = vec![Id(0); self.nodes.len()];
        let mut tables = HashMap::new();
        for id in self.ids().filter(|id| live[id.index()]) {
            let mut op = self[id].op.map(|arg| ids[arg.index()]);
            if let Op::Table { table, .. } = &mut op {
                *table = *tables.entry(*table).or_insert_with(|| {
                    new.tables.push(self.tables[*table as usize].clone());
                    new.tables.len() as u32 - 1
                });
            }
            ids[id.index()] = Id(new.nodes.len() as u32);
            new.nodes.push(Node { op, ..self[id].clone() });
        }
        new.results = self.results.iter().map(|id| ids[id.index()]).collect();
        new
    }

    /// Rebuilds the graph node by node: `f` gets the builder, an old node, and its operation on the new operands.
    ///
    /// # Errors
    /// Those of `f`.
    pub fn rebuild(&self, mut f: impl FnMut(&mut Builder, Id, Op) -> Result<Id>) -> Result<Dfg> {
        let mut builder = Builder::like(self);
        let mut new: Vec<Id> = Vec::with_capacity(self.nodes.len());
        for id in self.ids() {
            builder.set_source(self[id].from);
            let op = builder.adopt(self, id, |arg| new[arg.index()]);
            new.push(f(&mut builder, id, op)?);
        }
        let results = self.results.iter().map(|id| new[id.index()]).collect();
        Ok(builder.finish(self.outputs.clone(), results).without_dead())
    }
}
