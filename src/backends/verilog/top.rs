//! The top module: layers joined, outputs gathered, valid delayed.

use super::super::{every, render};
use super::{Design, expression, lines, range, unread};
use crate::error::Result;
use crate::netlist::{Cell, NetId, State};
use serde::Serialize;
use std::collections::HashSet;

const TEMPLATE: &str = include_str!("../../../templates/top.v");

#[derive(Serialize)]
struct Text<'a> {
    name: &'a str,
    latency: u32,
    /// How often an event may come.
    events: String,
    reset: bool,
    formats: Vec<String>,
    ports: Vec<String>,
    wires: Vec<String>,
    instances: Vec<Instance<'a>>,
    outputs: Vec<String>,
    states: Vec<StateText<'a>>,
    /// The stage at whose end states are written, and whether an event is there.
    writes: u32,
    written: String,
    valid_range: String,
    valid_reset: String,
    initial_values: bool,
    valid_next: String,
    valid_last: String,
    unused: Vec<String>,
}

#[derive(Serialize)]
struct StateText<'a> {
    name: &'a str,
    next: &'a str,
    range: String,
    zero: String,
}

#[derive(Serialize)]
struct Instance<'a> {
    module: &'a str,
    name: String,
    pins: Vec<&'a str>,
}

/// The text of the top's file.
pub fn text(design: &Design) -> Result<String> {
    let netlist = design.netlist;
    let latency = netlist.latency;
    let writes = netlist.turn.map_or(0, |turn| turn.writes);
    let leaving = || (0..netlist.nets.len() as u32).map(NetId).filter(|id| design.reads.exported[id.0 as usize] != 0);
    let text = Text {
        name: &netlist.name,
        latency,
        events: every(netlist.interval),
        reset: netlist.reset,
        formats: formats(design),
        ports: ports(design),
        wires: leaving().map(|id| wire(design, id)).collect(),
        instances: instances(design),
        outputs: outputs(design),
        states: netlist.states.iter().filter(|state| state.held.width() > 0).map(state).collect(),
        writes,
        written: valid(design, writes),
        valid_range: range(latency),
        initial_values: design.initial_values,
        valid_reset: format!("{latency}'d0"),
        valid_next: match latency {
            0 | 1 => "in_valid".into(),
            2 => "{valid[0], in_valid}".into(),
            _ => format!("{{valid[{}:0], in_valid}}", latency - 2),
        },
        valid_last: expression::slice("valid", latency, latency.saturating_sub(1), 1),
        unused: lines(&unused(design)),
    };
    render(TEMPLATE, &text)
}

fn state(state: &State) -> StateText<'_> {
    let width = state.held.width();
    StateText { name: &state.held.name, next: &state.next.name, range: range(width), zero: format!("{width}'d0") }
}

/// The valid bit of a stage.
fn valid(design: &Design, stage: u32) -> String {
    match stage.checked_sub(1) {
        None => "in_valid".to_string(),
        Some(before) => expression::slice("valid", design.netlist.latency, before, 1),
    }
}

/// A value between modules; a valid bit is the top's own.
fn wire(design: &Design, id: NetId) -> String {
    let net = &design.netlist[id];
    match net.cell {
        Cell::Valid(stage) => format!("wire {} = {};", net.name, valid(design, stage)),
        _ => format!("wire {}{};", design.range(id), net.name),
    }
}

/// What the bits of each port mean, for the head of the file.
fn formats(design: &Design) -> Vec<String> {
    let netlist = design.netlist;
    let ports = netlist.inputs.iter().map(|port| ("in ", port)).chain(netlist.outputs.iter().map(|port| ("out", port)));
    let states = netlist.states.iter().map(|state| ("state", &state.held));
    let ports = ports.chain(states);
    ports
        .map(|(kind, port)| {
            let runs = port.elements.chunk_by(|a, b| a.format == b.format);
            let runs: Vec<String> = runs.map(|run| format!("{} x {}", run.len(), run[0].format)).collect();
            format!("{kind} {}: {}, element 0 lowest", port.name, runs.join(", "))
        })
        .collect()
}

fn ports(design: &Design) -> Vec<String> {
    let netlist = design.netlist;
    let mut ports = vec!["input  wire clk".to_string()];
    if netlist.reset {
        ports.push("input  wire rst".into());
    }
    ports.push("input  wire in_valid".into());
    let wide = |port: &&crate::port::Port| port.width() > 0;
    let inputs = netlist.inputs.iter().filter(wide);
    ports.extend(inputs.map(|port| format!("input  wire {}{}", range(port.width()), port.name)));
    ports.push("output wire out_valid".into());
    let outputs = netlist.outputs.iter().filter(wide);
    ports.extend(outputs.map(|port| format!("output wire {}{}", range(port.width()), port.name)));
    ports
}

fn instances<'a>(design: &'a Design) -> Vec<Instance<'a>> {
    let netlist = design.netlist;
    let taken: HashSet<&str> =
        netlist.nets.iter().map(|net| net.name.as_str()).filter(|name| name.starts_with("u_")).collect();
    design
        .modules
        .iter()
        .map(|module| {
            let ports = module.ports.iter().map(|port| design.ports[*port as usize].name.as_str());
            let imports = module.imports.iter().map(|(id, _)| *id);
            let nets = imports.chain(module.exports.iter().copied()).map(|id| netlist[id].name.as_str());
            let mut name = format!("u_{}", module.name);
            while taken.contains(name.as_str()) {
                name.push('_');
            }
            Instance {
                module: &module.name,
                name,
                pins: module.clocked(netlist).then_some("clk").into_iter().chain(ports).chain(nets).collect(),
            }
        })
        .collect()
}

/// One line an output element.
fn outputs(design: &Design) -> Vec<String> {
    let netlist = design.netlist;
    let mut lines = Vec::new();
    for (port, bits, _) in netlist.sinks() {
        let (mut lo, whole) = (0, port.width());
        let pieces = bits.split(port.elements.iter().map(|element| element.format.width));
        let elements = port.elements.iter().zip(pieces).enumerate();
        for (index, (element, bits)) in elements.filter(|(_, (element, _))| element.format.width > 0) {
            let width = element.format.width;
            let target = expression::slice(&port.name, whole, lo, width);
            let value = expression::bits(netlist, &bits);
            lines.push(format!("assign {target} = {value};  // {}[{index}], {}", port.name, element.format));
            lo += width;
        }
    }
    lines
}

/// Ports that no module reads, and bits of values that only an output port could read and does not.
fn unused(design: &Design) -> Vec<String> {
    let netlist = design.netlist;
    let mut unused = Vec::new();
    if netlist.latency == 0 {
        unused.push("clk".to_string());
        unused.extend(netlist.reset.then(|| "rst".to_string()));
    }
    for (index, port) in design.ports.iter().enumerate().filter(|(_, port)| port.width() > 0) {
        if !design.modules.iter().any(|module| module.ports.contains(&(index as u32))) {
            unused.push(port.name.clone());
        }
    }
    let mut imported = vec![false; netlist.nets.len()];
    let imports = design.modules.iter().flat_map(|module| &module.imports);
    imports.for_each(|(id, _)| imported[id.0 as usize] = true);
    for (index, net) in netlist.nets.iter().enumerate() {
        if design.reads.exported[index] != 0 && !imported[index] {
            unused.extend(unread(&net.name, net.width, design.reads.results[index]));
        }
    }
    unused
}
