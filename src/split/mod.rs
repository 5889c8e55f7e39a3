//! One network in several devices: its numbers cut at layer boundaries into parts, each a graph of its own.
//!
//! Parts form a chain. What a later part reads of an earlier one travels through those between, so a link carries all that is
//! still to be read: [`Cut::live`]. A value travels in the bits of its range; what comes in may therefore be anything in
//! those bits for all that the next part knows, which loses some optimisation, and nothing else.

mod balance;
mod system;

pub use balance::balance;
pub use system::{System, files};

use crate::dfg::{Builder, Dfg, Id, Op};
use crate::error::{Error, Result};
use crate::fixed::{Format, Quantization, Range};
use crate::port::Port;

/// A graph with the places where it is cut.
pub struct Cut<'a> {
    dfg: &'a Dfg,
    /// The last layer of each part but the last one, ascending.
    ends: Vec<usize>,
    /// The part that makes each node.
    part: Vec<usize>,
    /// The last part that reads each node, results being read by the last one.
    read: Vec<usize>,
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
        Cut { dfg, ends: ends.to_vec(), part, read }
    }

    /// The nodes that leave a part for later ones, constants left out.
    pub fn live(&self, part: usize) -> Vec<Id> {
        let crosses = |id: &Id| self.part[id.index()] <= part && self.read[id.index()] > part;
        self.dfg.ids().filter(|id| crosses(id) && self.dfg.range(*id).constant().is_none()).collect()
    }

    /// Bits that an event has on the link behind a part.
    pub fn link(&self, part: usize) -> u32 {
        self.live(part).iter().map(|id| self.dfg.range(*id).width()).sum()
    }

    /// The graphs of all parts, called `NAME_1` and so on.
    ///
    /// # Errors
    /// A part that would compute nothing.
    pub fn parts(&self) -> Result<Vec<Dfg>> {
        (0..=self.ends.len()).map(|part| self.graph(part)).collect()
    }

    fn graph(&self, part: usize) -> Result<Dfg> {
        let dfg = self.dfg;
        let entering = if part == 0 { Vec::new() } else { self.live(part - 1) };
        let inputs = if part == 0 { dfg.inputs.clone() } else { ports(dfg, &entering, "in") };
        let mut builder = Builder::new(&format!("{}_{}", dfg.name, part + 1), self.layers(part), inputs);
        let mut new: Vec<Option<Id>> = vec![None; dfg.nodes.len()];
        for (id, (port, element)) in entering.iter().zip(places(dfg, &entering)) {
            builder.set_source(dfg[*id].from);
            new[id.index()] = Some(builder.input(port, element)?);
        }
        let missing = |id: Id| Error::bug(format!("{id} is read in part {}, and not there", part + 1));
        for id in dfg.ids() {
            builder.set_source(dfg[id].from);
            if let Some(value) = dfg.range(id).constant() {
                new[id.index()] = Some(builder.constant(value)?);
            } else if self.part[id.index()] == part {
                if let Some(arg) = dfg[id].op.args().find(|arg| new[arg.index()].is_none()) {
                    return Err(missing(arg));
                }
                let op = builder.adopt(dfg, id, |arg| new[arg.index()].unwrap_or(arg));
                let op = inside(&mut builder, op)?;
                new[id.index()] = Some(builder.push(op)?);
            }
        }
        let place = |id: &Id| new[id.index()].ok_or_else(|| missing(*id));
        let last = part == self.ends.len();
        let leaving = if last { dfg.results.clone() } else { self.live(part) };
        let outputs = if last { dfg.outputs.clone() } else { ports(dfg, &leaving, "out") };
        let formats = outputs.iter().flat_map(|port| port.elements.iter().map(|element| element.format));
        let formats: Vec<Format> = formats.collect();
        let mut results = Vec::new();
        for (id, format) in leaving.iter().zip(formats) {
            results.push(fitted(&mut builder, place(id)?, format)?);
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
}

/// Values in runs of one layer.
fn runs<'a>(dfg: &Dfg, values: &'a [Id]) -> impl Iterator<Item = &'a [Id]> {
    values.chunk_by(|a, b| dfg[*a].from.layer == dfg[*b].from.layer)
}

/// A port for each run, every value in the bits of its range; a value that only travels through has one on each side.
fn ports(dfg: &Dfg, values: &[Id], side: &str) -> Vec<Port> {
    let mut ports: Vec<Port> = Vec::new();
    let theirs = dfg.inputs.iter().chain(&dfg.outputs).map(|port| &port.name).chain(&dfg.layers);
    let mut taken: Vec<String> = theirs.cloned().collect();
    for run in runs(dfg, values) {
        let layer = run.first().map_or("", |id| dfg.layers[dfg[*id].from.layer as usize].as_str());
        let mut name = format!("{layer}_{side}");
        while taken.contains(&name) {
            name.push_str("_more");
        }
        taken.push(name.clone());
        let elements = run.iter().map(|id| Quantization::plain(Format::of(&dfg.range(*id)))).collect();
        ports.push(Port { name, shape: vec![run.len()], elements });
    }
    ports
}

/// Port and element of each value.
fn places(dfg: &Dfg, values: &[Id]) -> Vec<(u32, u32)> {
    let numbered = |(port, run): (usize, &[Id])| (0..run.len()).map(move |at| (port as u32, at as u32));
    runs(dfg, values).enumerate().flat_map(|(port, run)| numbered((port, run)).collect::<Vec<_>>()).collect()
}

/// An operation whose operands are inside a table's domains: what comes from another part was there before, but its bits do not say
/// so.
fn inside(builder: &mut Builder, op: Op) -> Result<Op> {
    let Op::Table { table, args } = op else { return Ok(op) };
    let domains = builder.dfg().tables[table as usize].domains.clone();
    let mut kept = Vec::new();
    for (arg, domain) in args.into_iter().zip(domains) {
        kept.push(if domain.contains(&builder.range(arg)) { arg } else { clipped(builder, arg, &domain)? });
    }
    Ok(Op::Table { table, args: kept })
}

fn clipped(builder: &mut Builder, arg: Id, domain: &Range) -> Result<Id> {
    let (low, high) = (builder.constant(domain.low())?, builder.constant(domain.high())?);
    let above = builder.max(arg, low)?;
    builder.min(above, high)
}

/// A value in its port's format: it fits, and bits that it does not need go.
fn fitted(builder: &mut Builder, id: Id, format: Format) -> Result<Id> {
    if format.range().contains(&builder.range(id)) {
        return Ok(id);
    }
    builder.wrap(id, format.integer(), format.signed)
}
