//! That each step kept the function, for all inputs.
//!
//! Every level (tensor graph, dataflow graphs, netlist, the Verilog text as it is read back from its files) is evaluated
//! with symbols for its inputs in a [`Space`] of canonical values, by the meaning of its own operations. The tensor graph
//! is the reference of the dataflow graphs: where their outputs are the same canonical values, they compute the same
//! function, on all inputs; the range that each node claims is proved on the way. A circuit is compared as gates
//! ([`logic`]) with the last of these graphs, of which every node is an integer of the range that was proved: whatever
//! bits of the circuit are found equal to a node's are known as that node's from there on. No width, schedule, name or
//! hint is believed: a net's name ([`crate::netlist::node_names`]) says which node it is compared with first, no more.
//! Nothing else here uses code of the optimiser, the scheduler, the netlist's builder or the printer.
//!
//! What is not found equal is *not proved*: it may be wrong, or beyond what is tried.

mod apply;
pub mod circuit;
mod curve;
mod form;
pub mod logic;
mod notes;
pub mod numbers;
mod round;
mod space;
mod steps;
mod tables;
pub mod tensors;
#[cfg(test)]
mod tests;
pub mod verilog;
mod wrap;

pub use curve::{Curve, Piece};
pub use form::{Atom, Form};
pub use space::{Kind, Line, LineId, Space, View};

use crate::dfg::Dfg;
use crate::error::{Error, Result};
use crate::netlist::Netlist;
use crate::port::Port;
use crate::tensor::Graph;
use logic::{Bit, Effort, Logic};
use std::time::Instant;
use verilog::Interface;

/// What became of a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The level that was compared with the tensor graph.
    pub level: String,
    /// Output elements that were found equal.
    pub proved: usize,
    /// Output elements in all.
    pub outputs: usize,
    /// Why not all were, if they were not.
    pub reason: Option<String>,
}

impl Link {
    /// Is every output equal?
    pub fn holds(&self) -> bool {
        self.reason.is_none() && self.proved == self.outputs
    }
}

/// A reference, and the levels that are compared with it.
pub struct Proof {
    space: Space,
    reference: Vec<Form>,
    ports: Vec<Port>,
    /// What is not found out by then is not proved.
    pub deadline: Option<Instant>,
    /// What was found, in the order asked.
    pub links: Vec<Link>,
}

impl Proof {
    /// Evaluates the tensor graph, whose outputs leave by these ports; what is not found out by the deadline is not proved.
    ///
    /// # Errors
    /// A value that the space cannot express; the error names the layer.
    pub fn of(graph: &Graph, outputs: &[Port], deadline: Option<Instant>) -> Result<Proof> {
        let mut space = Space { deadline, ..Space::default() };
        let reference = tensors::results(&mut space, graph)?;
        space.end_reference();
        Ok(Proof { space, reference, ports: outputs.to_vec(), deadline, links: Vec::new() })
    }

    /// Evaluates a dataflow graph as the reference instead.
    ///
    /// # Errors
    /// A value that the space cannot express, or a claimed range that is not proved; the error names the node.
    pub fn of_numbers(dfg: &Dfg) -> Result<Proof> {
        let mut space = Space::default();
        let reference = numbers::results(&mut space, dfg)?;
        space.end_reference();
        Ok(Proof { space, reference, ports: dfg.outputs.clone(), deadline: None, links: Vec::new() })
    }

    /// Compares a dataflow graph with the reference. The ranges that its nodes claim must hold, too.
    pub fn numbers(&mut self, level: &str, dfg: &Dfg) {
        self.space.deadline = self.deadline;
        let found = numbers::results(&mut self.space, dfg);
        let found = found.and_then(|found| if dfg.outputs == self.ports { Ok(found) } else { Err(other_ports()) });
        let link = compared(&mut self.space, level, &self.reference, found);
        self.links.push(link);
    }

    /// Compares a netlist with the dataflow graph that it was made of, node by node.
    pub fn circuit(&mut self, level: &str, dfg: &Dfg, netlist: &Netlist) {
        self.links.push(by_nodes(level, dfg, self.deadline, |logic| {
            let ports = netlist.sinks().map(|(port, ..)| port).eq(&dfg.outputs) && netlist.sources().eq(&dfg.inputs);
            if !ports {
                return Err(other_ports());
            }
            circuit::results(logic, netlist)
        }));
    }

    /// Compares Verilog (paths and texts of its files) with the dataflow graph that it was made of, node by node.
    pub fn verilog(&mut self, level: &str, dfg: &Dfg, files: &[(String, String)], interface: &Interface) {
        self.links.push(by_nodes(level, dfg, self.deadline, |logic| {
            if interface.outputs != dfg.outputs || interface.inputs != dfg.inputs {
                return Err(other_ports());
            }
            verilog::results(logic, files, interface)
        }));
    }

    /// Says of a level why it is not compared: it is not proved.
    pub fn unproved(&mut self, level: &str, why: &str) {
        let (level, reason) = (level.into(), Some(why.into()));
        self.links.push(Link { level, proved: 0, outputs: self.reference.len(), reason });
    }

    /// Do all links hold?
    pub fn holds(&self) -> bool {
        self.links.iter().all(Link::holds)
    }
}

/// Compares the output bits of a circuit with a dataflow graph's, whose nodes are words of free bits.
fn by_nodes(
    level: &str,
    dfg: &Dfg,
    deadline: Option<Instant>,
    circuit: impl FnOnce(&mut Logic) -> Result<Vec<Vec<Bit>>>,
) -> Link {
    let outputs = dfg.results.len();
    let found = Logic::of(dfg, deadline).and_then(|mut logic| {
        let wanted = logic.wanted().ok_or_else(|| Error::bug("an output is not in its format"))?;
        let found = circuit(&mut logic)?;
        let effort = if logic.strange.is_some() { Effort::LITTLE } else { Effort::MUCH };
        let mut equal = Vec::with_capacity(outputs);
        for (wanted, found) in wanted.iter().zip(&found) {
            let pairs: Vec<(Bit, Bit)> = wanted.iter().copied().zip(found.iter().copied()).collect();
            equal.push(wanted.len() == found.len() && logic.equal(&pairs, effort).into_iter().all(|equal| equal));
        }
        let strange = logic.strange.map(|name| format!(", from `{name}` on")).unwrap_or_default();
        let first = equal.iter().position(|equal| !equal);
        let reason =
            first.map(|first| format!("output {first} is not found equal{strange}: wrong, or beyond this proof"));
        Ok((equal.iter().filter(|equal| **equal).count(), reason))
    });
    let (proved, reason) = found.unwrap_or_else(|error| (0, Some(shown(&error))));
    Link { level: level.into(), proved, outputs, reason }
}

fn compared(space: &mut Space, level: &str, wanted: &[Form], found: Result<Vec<Form>>) -> Link {
    let outputs = wanted.len();
    let (proved, reason) = match found {
        Err(error) => (0, Some(shown(&error))),
        Ok(found) if found.len() != outputs => (0, Some(format!("{} outputs, not {outputs}", found.len()))),
        Ok(found) => {
            let equal: Vec<bool> = wanted.iter().zip(&found).map(|(a, b)| space.same(a, b)).collect();
            let first = equal.iter().position(|equal| !equal);
            let reason = first.map(|first| format!("output {first} is not found equal: wrong, or beyond this proof"));
            (equal.iter().filter(|equal| **equal).count(), reason)
        }
    };
    Link { level: level.into(), proved, outputs, reason }
}

fn other_ports() -> Error {
    Error::bug("the output ports are not those of the network")
}

/// An error in one line.
fn shown(error: &Error) -> String {
    let place: String = error.place.iter().map(|place| format!("{place}: ")).collect();
    format!("{place}{}", error.what)
}
