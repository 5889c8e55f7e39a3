//! The compiler's stages in order, each a function: network, tensor graph, dataflow graph, schedule, netlist.

mod efforts;
mod interval;
mod states;
mod tensors;
mod weights;

pub use tensors::{Tensors, tensors};
pub use weights::{WeightStorage, own_weights_agree};

use crate::batch::Batch;
use crate::dfg::{Dfg, Evaluator, Id, random};
use crate::error::{At, Error, Result};
use crate::fixed::{Format, Quantization};
use crate::layers::{Expanded, WeightPort};
use crate::lower::lower;
use crate::multipliers::{Effort, MULTIPLIERS, Solve};
use crate::netlist::{self, Netlist, Simulator};
use crate::network::Network;
use crate::port::Port;
use crate::reuse::Folded;
use crate::samples::Samples;
use crate::schedulers::{Goal, SCHEDULERS, Schedule, Scheduler};
use crate::targets::{TARGETS, Target};
use crate::tensor::{self, Graph, Tail, Value, apply_tail};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What the network's outputs are, as seen by the user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Head {
    /// As in the file: a trailing float chain is applied by the host.
    #[default]
    Full,
    /// What goes into a trailing softmax.
    Logits,
    /// A trailing softmax is hardware, with the output's format.
    Softmax,
    /// The index of the greatest element, in hardware.
    Argmax,
}

/// How a network is to be read: what the file leaves open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Formats of inputs, for the named one or all.
    pub input_formats: Vec<(Option<String>, String)>,
    /// A format that outputs are cast to.
    pub output_format: Option<String>,
    /// What the outputs are.
    pub head: Head,
    /// Where weights are.
    #[serde(default, skip_serializing_if = "WeightStorage::is_constant")]
    pub weights: WeightStorage,
    /// More operations than this are an error.
    #[serde(skip)]
    pub max_operations: Option<usize>,
}

/// How hardware is to be made.
pub struct Making {
    /// The device.
    pub target: Box<dyn Target>,
    /// How constant matrices are multiplied.
    pub multiplier: Solve,
    /// How stages are chosen.
    pub scheduler: Scheduler,
    /// The clock or stages asked for.
    pub goal: Goal,
    /// Whether there is a reset port.
    pub reset: bool,
    /// Clocks from event to event, at least: for digits, or for states to come round.
    pub interval: u32,
    /// How long to search.
    pub effort: Effort,
    /// Is told what is being done, for those who wait.
    pub progress: Box<dyn Fn(&str)>,
}

impl Default for Making {
    /// The first of each open set, at 200 MHz, without reset.
    fn default() -> Making {
        Making {
            target: (TARGETS[0].make)(),
            multiplier: MULTIPLIERS[0].make,
            scheduler: SCHEDULERS[0].make,
            goal: Goal { period: Some(5000), ..Goal::default() },
            reset: false,
            interval: 1,
            effort: Effort::Default,
            progress: Box::new(|_| ()),
        }
    }
}

/// The front half: what the network means.
pub struct Meaning {
    /// The tensor graph as expanded, float chains included, and what the user should know.
    pub expanded: Expanded,
    /// The graph that becomes hardware: exact, its outputs the codes of the ports.
    pub graph: Graph,
    /// What the host does to each output's codes.
    pub tails: Vec<Tail>,
    /// The graph as numbers, before any pass.
    pub dfg: Dfg,
    /// The network's own names of its inputs and outputs, of which the ports' are legal forms.
    pub names: Names,
    /// The weights that are input ports, the last ones.
    pub weights: Vec<WeightPort>,
}

/// Names of a network's tensors at the boundary, in the order of the ports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Of the inputs.
    pub inputs: Vec<String>,
    /// Of the outputs.
    pub outputs: Vec<String>,
}

/// The back half: hardware.
pub struct Hardware {
    /// The optimised graph.
    pub dfg: Dfg,
    /// What was scheduled in its place, if events come at an interval: the graph of a clock.
    pub folded: Option<Folded>,
    /// The schedule.
    pub schedule: Schedule,
    /// The circuit.
    pub netlist: Netlist,
}

/// Which level evaluates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Tensors of codes.
    Tensor,
    /// Numbers.
    Dfg,
    /// Bit-vectors in clock cycles.
    Netlist,
}

/// Expands a network and lowers it to numbers.
///
/// # Errors
/// Those of [`tensors`], and numbers that are too wide.
pub fn meaning(network: &Network, reading: &Reading) -> Result<Meaning> {
    let Tensors { expanded, graph, tails, weights } = tensors(network, reading)?;
    let dfg = lower(&graph)?;
    let inputs = network.events().map(|input| input.name.clone()).collect();
    let names = Names { inputs, outputs: network.outputs.clone() };
    Ok(Meaning { expanded, graph, tails, dfg, names, weights })
}

/// Optimises, schedules and builds; `seen` is shown the graph after each pass.
///
/// # Errors
/// A goal that cannot be met, or a bug that a verifier found.
pub fn hardware(dfg: &Dfg, making: &Making, seen: impl FnMut(&str, &Dfg)) -> Result<Hardware> {
    if making.interval > 1 && dfg.states() == 0 {
        return interval::hardware(dfg, making, seen);
    }
    (making.progress)("optimising");
    let (way, goal) = efforts::best(dfg, making)?;
    let dfg = efforts::optimised(dfg, making, way, seen)?;
    let (dfg, schedule) = efforts::scheduled(dfg, making, goal)?;
    dfg.verify().at("after sums were fused")?;
    schedule.verify(&dfg)?;
    schedule.verify_timing(&dfg, &*making.target, making.goal.period.unwrap_or(schedule.period))?;
    (making.progress)("building the netlist");
    let netlist = netlist::build(&dfg, &schedule, &options(making))?;
    Ok(Hardware { dfg, folded: None, schedule, netlist })
}

/// What the netlist is built with.
fn options(making: &Making) -> netlist::Options {
    netlist::Options {
        // What has no initial values begins with a reset.
        reset: making.reset || !making.target.initial_values(),
        constants: making.target.sums().constant,
        direct: making.target.sums().direct,
    }
}

/// Ports under other names; one whose name stands twice keeps its own.
fn renamed(ports: &[Port], names: &[String]) -> Vec<Port> {
    let one = |(at, port): (usize, &Port)| {
        let alone = |name: &&String| names.iter().filter(|other| other == name).count() == 1;
        let name = names.get(at).filter(alone).unwrap_or(&port.name).clone();
        Port { name, ..port.clone() }
    };
    ports.iter().enumerate().map(one).collect()
}

impl Meaning {
    /// The output ports; the next values of states come behind them.
    pub fn outputs(&self) -> &[Port] {
        &self.dfg.outputs[..self.dfg.outputs.len() - self.dfg.states()]
    }

    /// The input ports under the network's own names, as files of samples have them.
    pub fn given_inputs(&self) -> Vec<Port> {
        renamed(&self.dfg.inputs[..self.dfg.inputs.len() - self.states()], &self.names.inputs)
    }

    /// The output ports under the network's own names, as files of samples have them.
    pub fn given_outputs(&self) -> Vec<Port> {
        renamed(self.outputs(), &self.names.outputs)
    }

    /// The samples of a file, as the ports' quantizers read them: the host's first part is done.
    ///
    /// # Errors
    /// Those of [`crate::samples::read`].
    pub fn samples(&self, path: &Path) -> Result<Samples> {
        let ports = self.given_inputs();
        crate::samples::prepared(path, &ports[..self.event_ports().len()], &self.expanded.hosts)
    }

    /// The samples of a file as input codes: all that the host does; ports of weights carry the network's own, and
    /// states what the samples before leave in them.
    ///
    /// # Errors
    /// Those of [`Meaning::samples`] and [`crate::samples::codes`].
    pub fn inputs(&self, path: &Path) -> Result<Batch> {
        self.prepared(&self.samples(path)?)
    }

    /// The input codes of the user's values: all that the host does.
    ///
    /// # Errors
    /// Those of [`crate::samples::codes`].
    pub fn input_codes(&self, given: &Samples) -> Result<Batch> {
        self.prepared(&crate::samples::apply(given, self.event_ports(), &self.expanded.hosts)?)
    }

    /// The input codes of values that the host has prepared.
    ///
    /// # Errors
    /// Those of [`crate::samples::codes`].
    pub fn prepared(&self, given: &Samples) -> Result<Batch> {
        let events = crate::samples::codes(given, self.event_ports())?;
        self.in_order(self.with_own_weights(&events))
    }

    /// The output codes of input codes, by the tensor graph: the reference of everything.
    ///
    /// # Errors
    /// Codes outside the ports' formats.
    pub fn codes(&self, inputs: &Batch) -> Result<Batch> {
        codes(&self.graph, inputs, &self.dfg.output_formats())
    }

    /// The user's values of output codes: each port's tail applied by the host in float32, or the exact value.
    ///
    /// # Errors
    /// A value beyond float64's 53 bits.
    pub fn values(&self, codes: &Batch) -> Result<Samples> {
        let codes = &codes.narrow(crate::samples::columns(self.outputs()));
        let mut samples = crate::samples::values(codes, self.outputs())?;
        let mut start = 0;
        for (port, tail) in self.outputs().iter().zip(&self.tails) {
            let columns = port.elements.len();
            if !tail.floats.is_empty() {
                let rows = (0..codes.rows()).flat_map(|row| codes.row(row)[start..start + columns].iter().copied());
                let own = Batch { columns, data: rows.collect() };
                let exps = port.elements.iter().map(|element| element.format.lsb).collect();
                let floats = apply_tail(tail, &Value::Exact { shape: port.shape.clone(), exps, codes: own });
                for (index, value) in floats.iter().enumerate() {
                    samples.data[index / columns * codes.columns + start + index % columns] = f64::from(*value);
                }
            }
            start += columns;
        }
        Ok(samples)
    }

    /// Random and corner input codes: all least, all greatest, all zero, then seeded random ones. Those of states are as
    /// free as the others.
    pub fn vectors(&self, count: usize, seed: u64) -> Batch {
        let elements = self.dfg.input_elements();
        let mut batch = Batch::new(elements.len());
        batch.data.reserve_exact(count.max(3) * elements.len());
        for corner in [|lo: i128, _: i128| lo, |_: i128, hi: i128| hi, |lo: i128, hi: i128| 0.clamp(lo, hi)] {
            let code = |element: &Quantization| corner(element.format.range().lo, element.format.range().hi);
            batch.data.extend(elements.iter().map(code));
        }
        let random = random::inputs(&mut random::Random::new(seed), &elements, count.saturating_sub(3));
        batch.data.extend(random.data);
        self.weighted(batch, seed)
    }
}

impl Hardware {
    /// The graph that the schedule is one of.
    pub fn scheduled(&self) -> &Dfg {
        self.folded.as_ref().map_or(&self.dfg, |folded| &folded.dfg)
    }

    /// The link that makes a node of that graph, if one does.
    pub fn link(&self, id: Id) -> Option<(&Folded, usize)> {
        let folded = self.folded.as_ref()?;
        Some((folded, folded.link(&folded.dfg[id].op)?))
    }

    /// The output codes of input codes, by the numbers or by the circuit.
    ///
    /// # Errors
    /// A circuit that cannot be simulated.
    pub fn codes(&self, level: Level, inputs: &Batch) -> Result<Batch> {
        match level {
            Level::Netlist => Ok(Simulator::new(&self.netlist).run(inputs)),
            _ => Ok(Evaluator::new(&self.dfg)?.run(inputs)),
        }
    }
}

/// The output codes of input codes, by a tensor graph whose output elements leave in these formats.
///
/// # Errors
/// Codes outside the formats.
pub fn codes(graph: &Graph, inputs: &Batch, formats: &[Format]) -> Result<Batch> {
    let evaluation = tensor::evaluate(graph, inputs, &tensor::Options::default())?;
    let mut codes = Batch::new(formats.len());
    let outside = || Error::bug("an output is not on its port's grid");
    for row in 0..inputs.rows() {
        let numbers =
            evaluation.outputs.iter().flat_map(|value| (0..value.columns()).map(move |e| value.number(row, e)));
        for (number, format) in numbers.zip(formats) {
            codes.data.push(number.and_then(|number| number.at(format.lsb)).ok_or_else(outside)?);
        }
    }
    Ok(codes)
}

/// Checks that tensor graph, optimised numbers and circuit give the same codes; gives the codes.
///
/// # Errors
/// The first sample on which they differ, as a bug.
pub fn agree(meaning: &Meaning, hardware: &Hardware, inputs: &Batch) -> Result<Batch> {
    let want = meaning.codes(inputs)?;
    for (name, level) in [("dataflow graph", Level::Dfg), ("netlist", Level::Netlist)] {
        let got = hardware.codes(level, inputs)?;
        if let Some(row) = (0..inputs.rows()).find(|row| got.row(*row) != want.row(*row)) {
            let what =
                format!("sample {row}: the {name} gives {:?}, the tensor graph {:?}", got.row(row), want.row(row));
            return Err(Error::bug(what));
        }
    }
    Ok(want)
}
