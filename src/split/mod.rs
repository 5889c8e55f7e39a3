//! One network in several devices: its numbers cut at layer boundaries into parts, each a graph of its own.
//!
//! Parts form a chain. What a later part reads of an earlier one travels through those between, so a link carries all that is
//! still to be read: [`Cut::live`]. A value travels in the bits of its range; what comes in may therefore be anything in
//! those bits for all that the next part knows, which loses some optimisation, and nothing else.
//!
//! The first part may fall into *branches* that have no value in common, each with inputs of its own and a link to the second part.

mod balance;
mod branches;
mod system;

pub use balance::balance;
pub use system::{System, files};

use crate::dfg::{Builder, Dfg, Id, Op};
use crate::error::{Error, Result};
use crate::fixed::{Format, Quantization};
use crate::port::Port;
use std::collections::BTreeMap;

/// A graph with the places where it is cut.
#[derive(Clone)]
pub struct Cut<'a> {
    dfg: &'a Dfg,
    /// The last layer of each part but the last one, ascending.
    ends: Vec<usize>,
    /// The part that makes each node.
    part: Vec<usize>,
    /// The last part that reads each node, results being read by the last one.
    read: Vec<usize>,
    /// The branch of each node of the first part, 0 elsewhere.
    branch: Vec<usize>,
    /// How many branches the first part has.
    branches: usize,
}

impl<'a> Cut<'a> {
    /// Cuts a graph behind these layers, given by their indices, ascending.
    pub fn new(dfg: &'a Dfg, ends: &[usize]) -> Cut<'a> {
        let mut part: Vec<usize> = Vec::with_capacity(dfg.nodes.len());
        let mut read = vec![0; dfg.nodes.len()];
        for node in &dfg.nodes {
            let layer = node.from.layer as usize;
            let own = ends.iter().filter(|end| layer > **end).count();
            let own = node.op.args().map(|arg| part[arg.index()]).fold(own, usize::max);
            let own = if matches!(node.op, Op::Input { .. }) { 0 } else { own };
            node.op.args().for_each(|arg| read[arg.index()] = own.max(read[arg.index()]));
            part.push(own);
        }
        dfg.results.iter().for_each(|id| read[id.index()] = ends.len());
        Cut { dfg, ends: ends.to_vec(), part, read, branch: vec![0; dfg.nodes.len()], branches: 1 }
    }

    /// The same cut, with the first part in the branches that it falls into.
    pub fn branched(mut self) -> Cut<'a> {
        (self.branch, self.branches) = branches::of(self.dfg, |id| self.part[id.index()] == 0, &self.live(0));
        self
    }

    /// How many circuits stand beside each other in the first part's place.
    pub fn branches(&self) -> usize {
        self.branches
    }

    /// The nodes that leave a part for later ones, constants left out, in the order of branches.
    pub fn live(&self, part: usize) -> Vec<Id> {
        let crosses = |id: &Id| self.part[id.index()] <= part && self.read[id.index()] > part;
        let crosses = |id: &Id| crosses(id) && self.dfg.range(*id).constant().is_none();
        let mut live: Vec<Id> = self.dfg.ids().filter(crosses).collect();
        if part == 0 {
            live.sort_by_key(|id| self.branch[id.index()]);
        }
        live
    }

    /// Bits that an event has on the link behind a part.
    pub fn link(&self, part: usize) -> u32 {
        self.live(part).iter().map(|id| self.dfg.range(*id).width()).sum()
    }

    /// The graphs of all circuits, called `NAME_1` and so on: the branches of the first part, and then each other part.
    ///
    /// # Errors
    /// A part that would compute nothing.
    pub fn parts(&self) -> Result<Vec<Dfg>> {
        let branches = (0..self.branches).map(|branch| (0, branch));
        let rest = (1..=self.ends.len()).map(|part| (part, 0));
        branches.chain(rest).map(|(part, branch)| self.graph(part, branch)).collect()
    }

    /// The elements of input ports that a branch has, ascending: port and element. What nobody reads is the first branch's.
    fn inputs(&self, branch: usize) -> Vec<(u32, u32)> {
        let ports = self.dfg.inputs.iter().enumerate();
        let all = ports.flat_map(|(port, input)| (0..input.elements.len()).map(move |at| (port as u32, at as u32)));
        let mut branches: BTreeMap<(u32, u32), usize> = all.map(|element| (element, 0)).collect();
        for id in self.dfg.ids() {
            if let Op::Input { port, element } = self.dfg[id].op {
                branches.insert((port, element), self.branch[id.index()]);
            }
        }
        branches.into_iter().filter(|(_, own)| *own == branch).map(|(element, _)| element).collect()
    }

    /// The columns of samples that a branch has.
    pub fn columns(&self, branch: usize) -> Vec<usize> {
        let before = |port: u32| self.dfg.inputs[..port as usize].iter().map(|port| port.elements.len()).sum::<usize>();
        self.inputs(branch).into_iter().map(|(port, element)| before(port) + element as usize).collect()
    }

    /// How many ports of the second part come from each branch.
    pub fn joined(&self) -> Vec<usize> {
        let live = self.live(0);
        let of = |branch| self.runs(&live).filter(|run| self.branch[run[0].index()] == branch).count();
        (0..self.branches).map(of).collect()
    }

    fn graph(&self, part: usize, branch: usize) -> Result<Dfg> {
        let dfg = self.dfg;
        let number = if part == 0 { branch } else { part + self.branches - 1 } + 1;
        let entering = if part == 0 { Vec::new() } else { self.live(part - 1) };
        let own = self.inputs(branch);
        let inputs = if part == 0 { given(dfg, &own) } else { self.ports(&entering, "in") };
        let mut builder = Builder::new(&format!("{}_{number}", dfg.name), self.layers(part), inputs);
        let mut new: Vec<Option<Id>> = vec![None; dfg.nodes.len()];
        for (id, (port, element)) in entering.iter().zip(self.places(&entering)) {
            builder.set_source(dfg[*id].from);
            new[id.index()] = Some(builder.input(port, element)?);
        }
        let missing = |id: Id| Error::bug(format!("{id} is read in circuit {number}, and not there"));
        for id in dfg.ids() {
            builder.set_source(dfg[id].from);
            if let Some(value) = dfg.range(id).constant() {
                new[id.index()] = Some(builder.constant(value)?);
            } else if let (Op::Input { port, element }, 0) = (&dfg[id].op, part) {
                if let Some((port, element)) = place(&own, (*port, *element)) {
                    new[id.index()] = Some(builder.input(port, element)?);
                }
            } else if self.part[id.index()] == part && self.branch[id.index()] == branch {
                if let Some(arg) = dfg[id].op.args().find(|arg| new[arg.index()].is_none()) {
                    return Err(missing(arg));
                }
                let op = builder.adopt(dfg, id, |arg| new[arg.index()].unwrap_or(arg));
                let op = builder.inside(op)?;
                new[id.index()] = Some(builder.push(op)?);
            }
        }
        let place = |id: &Id| new[id.index()].ok_or_else(|| missing(*id));
        let last = part == self.ends.len();
        let mut leaving = if last { dfg.results.clone() } else { self.live(part) };
        let mut outputs = if last { dfg.outputs.clone() } else { self.ports(&leaving, "out") };
        if part == 0 && !last {
            leaving.retain(|id| self.branch[id.index()] == branch);
            let before: usize = self.joined()[..branch].iter().sum();
            outputs = outputs.into_iter().skip(before).take(self.joined()[branch]).collect();
        }
        let formats = outputs.iter().flat_map(|port| port.elements.iter().map(|element| element.format));
        let formats: Vec<Format> = formats.collect();
        let mut results = Vec::new();
        for (id, format) in leaving.iter().zip(formats) {
            results.push(builder.fitted(place(id)?, format)?);
        }
        Ok(builder.finish(outputs, results).without_dead())
    }

    /// The layers with names of their own in this part: what another part makes has the part's number behind it.
    fn layers(&self, part: usize) -> Vec<(String, u32)> {
        let own = |layer: usize| self.ends.iter().filter(|end| layer > **end).count();
        let name = |(layer, name): (usize, &String)| {
            let mut name = if own(layer) == part { name.clone() } else { format!("{name}_at_{}", part + 1) };
            while own(layer) != part && self.dfg.layers.contains(&name) {
                name.push('_');
            }
            name
        };
        let names = self.dfg.layers.iter().enumerate().map(name);
        names.zip(self.dfg.channels.iter().copied()).collect()
    }

    /// Values in runs of one layer and branch.
    fn runs<'b>(&'b self, values: &'b [Id]) -> impl Iterator<Item = &'b [Id]> {
        let place = |id: Id| (self.dfg[id].from.layer, self.branch[id.index()]);
        values.chunk_by(move |a, b| place(*a) == place(*b))
    }

    /// A port for each run, every value in the bits of its range; a value that only travels through has one on each side.
    fn ports(&self, values: &[Id], side: &str) -> Vec<Port> {
        let dfg = self.dfg;
        let mut ports: Vec<Port> = Vec::new();
        let theirs = dfg.inputs.iter().chain(&dfg.outputs).map(|port| &port.name).chain(&dfg.layers);
        let mut taken: Vec<String> = theirs.cloned().collect();
        for run in self.runs(values) {
            let layer = run.first().map_or("", |id| dfg.layers[dfg[*id].from.layer as usize].as_str());
            let mut name = format!("{layer}_{side}");
            while taken.contains(&name) {
                name.push_str("_more");
            }
            taken.push(name.clone());
            let elements = run.iter().map(|id| Quantization::plain(Format::of(&dfg.range(*id)))).collect();
            ports.push(Port { name, shape: vec![run.len()], elements, state: false });
        }
        ports
    }

    /// Port and element of each value.
    fn places(&self, values: &[Id]) -> Vec<(u32, u32)> {
        let numbered = |(port, run): (usize, &[Id])| (0..run.len()).map(move |at| (port as u32, at as u32));
        self.runs(values).enumerate().flat_map(|(port, run)| numbered((port, run)).collect::<Vec<_>>()).collect()
    }
}

/// The ports of these elements, in the ports' order.
fn given(dfg: &Dfg, elements: &[(u32, u32)]) -> Vec<Port> {
    let port = |run: &[(u32, u32)]| {
        let whole = &dfg.inputs[run[0].0 as usize];
        let elements: Vec<_> = run.iter().map(|(_, at)| whole.elements[*at as usize]).collect();
        let shape = if elements.len() == whole.elements.len() { whole.shape.clone() } else { vec![elements.len()] };
        Port { name: whole.name.clone(), shape, elements, state: false }
    };
    elements.chunk_by(|a, b| a.0 == b.0).map(port).collect()
}

/// Where an element is among the ports of these elements.
fn place(elements: &[(u32, u32)], element: (u32, u32)) -> Option<(u32, u32)> {
    let mut ports = elements.chunk_by(|a, b| a.0 == b.0).enumerate();
    let (port, run) = ports.find(|(_, run)| run[0].0 == element.0)?;
    Some((port as u32, run.binary_search(&element).ok()? as u32))
}
