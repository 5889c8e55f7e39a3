//! Dataflow graph and schedule to netlist.
//!
//! A number with range `r` becomes `r.width()` bits on the grid `r.exp`, two's complement if `r` is signed. Constants,
//! scales, floors and wraps are wiring, never cells. Building has two halves: cells that read each other as if time did
//! not pass, each with its stage; then registers between them, for the bits that are read later and no others.

mod cells;
mod links;
mod names;
mod registers;
mod sum;

use super::{Bits, Cell, Net, NetId, Netlist, State};
use crate::dfg::{Dfg, Id, Op};
use crate::error::{Error, Result};
use crate::fixed::{Format, Range};
use crate::port::Port;
use crate::reuse::Folded;
use crate::schedulers::{Loop, Schedule};
pub use names::node_names;

use names::Names;
use std::collections::HashMap;

/// What a netlist is built with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// A synchronous reset port `rst` that drops every event in flight. With states there is one always.
    pub reset: bool,
    /// Whether carry chains of two operands add any constant besides.
    pub constants: bool,
    /// Whether an operand of a sum enters the carry chain beside the LUT that adds.
    pub direct: bool,
}

/// A net before registers: its cell reads other such nets by index.
struct Made {
    net: Net,
    stage: u32,
    /// The stage at which it reads: its own, but for registers that read themselves.
    reads: u32,
}

/// The wiring of a number: the bits of its range's format.
#[derive(Clone)]
struct Value {
    bits: Bits,
    range: Range,
}

/// The first half's state.
struct Maker<'a> {
    dfg: &'a Dfg,
    schedule: &'a Schedule,
    names: Names,
    nets: Vec<Made>,
    values: Vec<Value>,
    options: Options,
    /// The lowest bit of each element of each input port.
    starts: Vec<Vec<u32>>,
    /// What inputs that are no ports' are made of.
    folded: Option<&'a Folded>,
    /// The valid bit of each stage that has one.
    valid: HashMap<u32, NetId>,
}

/// Builds the netlist of a graph without dots.
///
/// # Errors
/// A dot, a schedule that does not belong to the graph, or a result that its port cannot hold is a bug of the caller's.
pub fn build(dfg: &Dfg, schedule: &Schedule, options: &Options) -> Result<Netlist> {
    made(dfg, None, schedule, options)
}

/// Builds the netlist of a folded graph without dots: its links become registers that read themselves.
///
/// # Errors
/// Those of [`build`].
pub fn build_folded(folded: &Folded, schedule: &Schedule, options: &Options) -> Result<Netlist> {
    made(&folded.dfg, Some(folded), schedule, options)
}

fn made(dfg: &Dfg, folded: Option<&Folded>, schedule: &Schedule, options: &Options) -> Result<Netlist> {
    if schedule.stage.len() != dfg.nodes.len() {
        return Err(Error::bug("the schedule is not one of this graph"));
    }
    let (nets, values, options) = (Vec::new(), Vec::new(), *options);
    let starts = dfg.inputs.iter().map(starts).collect();
    let (names, valid) = (Names::new(dfg), HashMap::new());
    let mut maker = Maker { dfg, schedule, names, nets, values, options, starts, folded, valid };
    for id in dfg.ids() {
        let early = dfg[id].op.args().any(|arg| schedule.of(arg) > schedule.of(id));
        if early || schedule.of(id) > schedule.latency {
            return Err(Error::bug(format!("{id} at stage {} breaks the schedule", schedule.of(id))));
        }
        let value = maker.node(id)?;
        maker.values.push(value);
    }
    let hidden = usize::from(folded.is_some()) + dfg.states();
    let split = |ports: &[Port]| {
        let (own, states) = ports.split_at(ports.len() - hidden);
        (own.to_vec(), states.iter().filter(|port| port.state).cloned().collect::<Vec<_>>())
    };
    let ((inputs, held), (outputs, next)) = (split(&dfg.inputs), split(&dfg.outputs));
    let latency = schedule.latency;
    let writes = schedule.states.map_or(0, |states| states.writes);
    let leave = maker.results(&[&outputs[..], &next].concat())?.into_iter().enumerate();
    let leave = leave.map(|(index, bits)| (bits, if index < outputs.len() { latency } else { writes })).collect();
    let (nets, mut results) = registers::insert(maker.nets, leave, &mut maker.names);
    let states = results.split_off(outputs.len()).into_iter().zip(held.into_iter().zip(next));
    let states = states.map(|(bits, (held, next))| State { held, next, bits }).collect();
    let mut netlist = Netlist {
        name: dfg.name.clone(),
        layers: dfg.layers.clone(),
        inputs,
        outputs,
        nets,
        rows: Vec::new(),
        results,
        latency,
        reset: options.reset || dfg.states() > 0,
        interval: folded.map_or(1, |folded| folded.interval).max(schedule.states.map_or(1, Loop::clocks)),
        states,
        turn: schedule.states,
    };
    netlist.verify()?;
    netlist.rows = super::rows::find(&netlist);
    Ok(netlist)
}

impl Value {
    /// The number as `width` bits on the grid of `exp`; bits above or below are dropped, missing ones extended.
    fn on(&self, exp: i32, width: u32) -> Bits {
        place(&self.bits, self.range.signed(), self.range.exp, exp, width)
    }

    /// Its highest bit, which is its sign.
    fn sign(&self) -> Bits {
        self.bits.slice(self.bits.width() - 1, 1)
    }
}

/// The lowest bit of each element of a port.
fn starts(port: &Port) -> Vec<u32> {
    let widths = port.elements.iter().map(|element| element.format.width);
    widths.scan(0, |at, width| Some(std::mem::replace(at, *at + width))).collect()
}

/// Bits on the grid `from`, as `width` bits on the grid `to`.
fn place(bits: &Bits, signed: bool, from: i32, to: i32, width: u32) -> Bits {
    if bits.width() == 0 {
        return Bits::constant(0, width);
    }
    if from >= to {
        let zeros = ((from - to) as u32).min(width);
        return Bits::constant(0, zeros).then(&bits.resize(width - zeros, signed));
    }
    // Everything below the new grid goes; of a number that lies below it altogether, the sign stays.
    let drop = ((to - from) as u32).min(127);
    let long = bits.resize(bits.width().max(drop + 1), signed);
    long.slice(drop, long.width() - drop).resize(width, signed)
}

impl Maker<'_> {
    fn node(&mut self, id: Id) -> Result<Value> {
        let range = self.dfg.range(id);
        let width = range.width();
        let bits = match &self.dfg[id].op {
            Op::Const(value) => {
                let code = value.at(range.exp).ok_or_else(|| Error::bug(format!("{id} is off its grid")))?;
                Bits::constant(code, width)
            }
            Op::Scale(arg, shift) => {
                let arg = self.value(*arg);
                place(&arg.bits, arg.range.signed(), arg.range.exp + shift, range.exp, width)
            }
            Op::Floor(arg, _) | Op::Wrap { arg, .. } => self.value(*arg).on(range.exp, width),
            Op::Input { port, element } => {
                match self.folded.and_then(|folded| Some((folded, folded.link(&self.dfg[id].op)?))) {
                    Some((folded, link)) => self.link(id, folded, link)?,
                    None => self.input(id, *port, *element),
                }
            }
            _ if width == 0 => Bits::empty(),
            _ => self.cells(id)?,
        };
        Ok(Value { bits, range })
    }

    fn value(&self, id: Id) -> &Value {
        &self.values[id.index()]
    }

    fn input(&mut self, id: Id, port: u32, element: u32) -> Bits {
        let range = self.dfg.range(id);
        let declared = &self.dfg.inputs[port as usize];
        let format = declared.format(element as usize);
        if format.width == 0 {
            return Bits::constant(0, range.width());
        }
        let lo = self.starts[port as usize][element as usize];
        let name = self.names.input(&declared.name, element);
        let note = format!("{}[{element}], {format}", declared.name);
        let net = Net {
            name,
            width: format.width,
            signed: format.signed,
            cell: Cell::Input { port, lo },
            layer: self.dfg[id].from.layer,
            row: self.dfg.row(self.dfg[id].from),
            note,
        };
        let stage = self.schedule.of(id);
        self.nets.push(Made { net, stage, reads: stage });
        let bits = Bits::net(NetId(self.nets.len() as u32 - 1), format.width);
        place(&bits, format.signed, format.lsb, range.exp, range.width())
    }

    /// Adds the cell that computes a node, or (with a suffix) a part of it.
    fn add(&mut self, id: Id, suffix: &str, cell: Cell, width: u32, signed: bool) -> Bits {
        let read = cell.operands().into_iter().flat_map(|bits| bits.0.iter().filter_map(|part| part.net()));
        // A module reads only earlier modules, so that modules form no loop.
        let place = |net: NetId| (self.nets[net.0 as usize].net.layer, self.nets[net.0 as usize].net.row);
        let own = (self.dfg[id].from.layer, self.dfg.row(self.dfg[id].from));
        let (layer, row) = read.map(place).fold(own, |own, read| if read.0 > own.0 { read } else { own });
        let (name, note) = if suffix.is_empty() {
            (self.names.node(id), self.note(id))
        } else {
            (self.names.part(id, suffix), String::new())
        };
        let net = Net { name, width, signed, cell, layer, row, note };
        let stage = self.schedule.of(id);
        self.nets.push(Made { net, stage, reads: stage });
        Bits::net(NetId(self.nets.len() as u32 - 1), width)
    }

    /// The bits of each of the first output ports: every element in its declared format.
    fn results(&self, outputs: &[Port]) -> Result<Vec<Bits>> {
        let mut elements = self.dfg.results.iter();
        let mut results = Vec::new();
        for port in outputs {
            let mut bits = Bits::empty();
            for element in &port.elements {
                let id = elements.next().ok_or_else(|| Error::bug("an output element without a result"))?;
                let (value, format) = (self.value(*id), element.format);
                if !format.range().contains(&value.range) {
                    return Err(Error::bug(format!("{} in {} exceeds {format}", self.dfg.source(*id), value.range)));
                }
                bits = bits.then(&value.on(format.lsb, format.width));
            }
            results.push(bits);
        }
        Ok(results)
    }

    fn note(&self, id: Id) -> String {
        let format = Format::of(&self.dfg.range(id));
        format!("{} = {}, {format}", self.dfg.source(id), names::formula(self.dfg, id, |id| self.label(id)))
    }

    /// How a comment names an operand: as its net, if it is one as a whole.
    fn label(&self, id: Id) -> Option<String> {
        match self.value(id).bits.0[..] {
            [super::Part::Slice { net, lo: 0, width }] => {
                let net = &self.nets[net.0 as usize].net;
                (net.width == width).then(|| net.name.clone())
            }
            _ => None,
        }
    }
}
