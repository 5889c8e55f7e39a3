//! The module of a layer.

use super::super::Template;
use super::adder::Adder;
use super::module::Module;
use super::rows::{Printed, pins};
use super::{Design, expression, lines, range, unread};
use crate::error::Result;
use crate::netlist::{Bits, Cell, NetId, Row, ones};
use serde::Serialize;
use std::collections::{HashMap, HashSet};

const TEMPLATE: &str = include_str!("../../../templates/layer.v");

#[derive(Serialize)]
struct Text<'a> {
    name: &'a str,
    design: &'a str,
    latency: u32,
    first: u32,
    last: u32,
    values: usize,
    register_bits: u32,
    row: Option<RowText<'a>>,
    ports: Vec<String>,
    /// What instances make for the module itself.
    made: Vec<String>,
    stages: Vec<Stage>,
    instances: Vec<String>,
    unused: Vec<String>,
}

/// Whose the row is that a module is made of, and how many are equal.
#[derive(Serialize)]
struct RowText<'a> {
    number: u32,
    layer: &'a str,
    count: usize,
}

/// The wires of a stage and the registers that end it.
#[derive(Serialize)]
struct Stage {
    number: u32,
    wires: Vec<String>,
    declarations: Vec<String>,
    updates: Vec<String>,
}

/// What a layer's file is made from.
pub fn template() -> Result<Template> {
    Template::new(TEMPLATE, false)
}

/// The text of a layer's file.
pub fn text(design: &Design, module: &Module, template: &Template) -> Result<String> {
    printed(design, module, None, template)
}

/// The text of the file of a layer's equal rows.
pub fn row_text(design: &Design, layer: &Module, rows: &Printed, template: &Template) -> Result<String> {
    let number = rows.rows.first().map_or(0, |row| row.number);
    let row = RowText { number, layer: &layer.name, count: rows.rows.len() };
    printed(design, &rows.module, Some(row), template)
}

fn printed(design: &Design, module: &Module, row: Option<RowText>, template: &Template) -> Result<String> {
    let netlist = design.netlist;
    let stages = stages(design, module);
    let inside = || module.nets.iter().chain(module.instances().flat_map(|(_, row)| &row.nets)).copied();
    let registers = || inside().filter(|id| netlist[*id].cell.is_register());
    let numbers = || inside().map(|id| stage(design, id));
    let text = Text {
        name: &module.name,
        design: &netlist.name,
        latency: netlist.latency,
        first: numbers().min().unwrap_or(0),
        last: numbers().max().unwrap_or(0),
        values: inside().count() - registers().count(),
        register_bits: registers().map(|id| netlist[id].width).sum(),
        row,
        ports: ports(design, module),
        made: made(module).map(|id| format!("wire {}{};", design.range(id), netlist[id].name)).collect(),
        stages,
        instances: module.instances().flat_map(|(of, row)| placed(design, of, row)).collect(),
        unused: lines(&unused(design, module)),
    };
    template.fill(&text)
}

/// The lines of an instance of a row's module.
fn placed(design: &Design, module: &Module, row: &Row) -> Vec<String> {
    let name = |id: NetId| &design.netlist[id].name;
    let mut wires: Vec<String> = module.clocked(design.netlist).then(|| ".clk(clk)".into()).into_iter().collect();
    wires.extend(pins(module, row).map(|(port, _, net)| format!(".{}({})", name(port), name(net))));
    let mut text: Vec<String> = wires.chunks(4).map(|some| format!("  {},", some.join(", "))).collect();
    text.last_mut().map(String::pop);
    text.insert(0, format!("{} {}row{} (", module.name, design.prefix, row.number));
    text.push(");".into());
    text
}

/// Nets that instances of rows make and that do not leave the layer.
fn made(module: &Module) -> impl Iterator<Item = NetId> {
    let nets = module.instances().flat_map(|(of, row)| pins(of, row).skip(of.imports.len()));
    nets.map(|(_, _, net)| net).filter(|id| !module.leaves(*id))
}

/// Bits of nets that instances of rows make, as read by other instances and by the layer's own nets.
fn read_of_rows(design: &Design, module: &Module) -> HashMap<NetId, u128> {
    let mut read: HashMap<NetId, u128> = made(module).map(|id| (id, 0)).collect();
    let own = module.nets.iter().flat_map(|id| design.netlist[*id].cell.operands()).flat_map(Bits::reads);
    let rows = module.instances().flat_map(|(of, row)| pins(of, row).map(|(_, mask, net)| (net, mask)));
    for (id, mask) in own.chain(rows) {
        read.entry(id).and_modify(|bits| *bits |= mask);
    }
    read
}

/// A net's stage; a register ends the stage before the one that reads it.
fn stage(design: &Design, id: NetId) -> u32 {
    design.stages[id.0 as usize].saturating_sub(design.netlist[id].cell.is_register() as u32)
}

fn ports(design: &Design, module: &Module) -> Vec<String> {
    let netlist = design.netlist;
    let mut ports: Vec<String> = if module.clocked(netlist) { vec!["input  wire clk".into()] } else { Vec::new() };
    for port in &module.ports {
        let port = design.ports[*port as usize];
        ports.push(format!("input  wire {}{}", range(port.width()), port.name));
    }
    for (id, _) in &module.imports {
        ports.push(format!("input  wire {}{}", design.range(*id), netlist[*id].name));
    }
    let own: HashSet<&NetId> = module.nets.iter().collect();
    for id in &module.exports {
        let kind = if netlist[*id].cell.is_register() && own.contains(id) { "reg " } else { "wire" };
        ports.push(format!("output {kind} {}{}", design.range(*id), netlist[*id].name));
    }
    ports
}

fn stages(design: &Design, module: &Module) -> Vec<Stage> {
    let netlist = design.netlist;
    let stage = |id: &NetId| stage(design, *id);
    let mut order: Vec<NetId> = module.nets.clone();
    order.sort_by_key(|id| (stage(id), *id));
    order
        .chunk_by(|a, b| stage(a) == stage(b))
        .map(|ids| {
            let number = ids.first().map_or(0, stage);
            let (mut wires, mut declarations, mut updates) = (Vec::new(), Vec::new(), Vec::new());
            for id in ids {
                let net = &netlist[*id];
                if let Some(next) = expression::update(netlist, net) {
                    let comment = if net.cell.feeds_back() { format!("  // {}", net.note) } else { String::new() };
                    if !module.leaves(*id) {
                        declarations.push(format!("reg {}{};{comment}", design.range(*id), net.name));
                    }
                    updates.push(format!("{} <= {next};", net.name));
                } else {
                    wires.extend(wire(design, module, *id));
                }
            }
            Stage { number, wires, declarations, updates }
        })
        .collect()
}

/// The lines that make a net which is no register.
fn wire(design: &Design, module: &Module, id: NetId) -> Vec<String> {
    let (netlist, net) = (design.netlist, &design.netlist[id]);
    let comment = if net.note.is_empty() { String::new() } else { format!("  // {}", net.note) };
    if let Some(adder) = design.adder(id) {
        let mut lines = instance(design, id, &adder);
        if !module.leaves(id) {
            lines.insert(0, format!("wire {}{};", design.range(id), net.name));
        }
        lines[0] += &comment;
        return lines;
    }
    let mut lines = Vec::new();
    let expression = match &net.cell {
        Cell::Input { port, lo } => {
            let port = design.ports[*port as usize];
            expression::slice(&port.name, port.width(), *lo, net.width)
        }
        Cell::Rom { index, entries } => {
            let (before, value) = expression::rom(netlist, net, index, entries);
            lines = before;
            value
        }
        cell => expression::cell(netlist, cell).unwrap_or_default(),
    };
    let declaration = if module.leaves(id) { "assign ".to_string() } else { format!("wire {}", design.range(id)) };
    lines.push(format!("{declaration}{} = {expression};{comment}", net.name));
    lines
}

/// The lines of an adder that is an instance of a module of `hdl/`.
fn instance(design: &Design, id: NetId, adder: &Adder) -> Vec<String> {
    let (netlist, net) = (design.netlist, &design.netlist[id]);
    let (whole, width) = (ones(adder.width), adder.width);
    let (mut parameters, mut pins) = (vec![format!(".W({width})")], Vec::new());
    parameters.extend((adder.low > 0).then(|| format!(".LOW({})", adder.low)));
    let mut parameter = |name: &str, bits: u128, width: u32, default: u128| {
        if bits != default {
            parameters.push(format!(".{name}({})", expression::mask(bits, width)));
        }
    };
    parameter("K", adder.constant, width, 0);
    parameter("CI", adder.units[0] as u128, 1, 0);
    parameter("MI", adder.units[1] as u128, 1, 0);
    for (name, operand) in ["a", "b", "c"].iter().zip(&adder.operands) {
        let upper = name.to_uppercase();
        parameter(&format!("{upper}_LIVE"), operand.live, width, whole);
        parameter(&format!("{upper}_NOT"), operand.not, width, 0);
        let mut bits = expression::bits(netlist, &operand.bits);
        if operand.plus != 0 {
            bits = format!("{bits} + {}", expression::constant(operand.plus, width));
        }
        pins.push(format!(".{name}({bits})"));
    }
    let from = adder.start + adder.low;
    pins.push(format!(".sum({})", expression::slice(&net.name, net.width, from, net.width - from)));
    let below = adder.below.clone().then(&Bits::constant(0, adder.low));
    let mut lines = Vec::new();
    if below.width() > 0 {
        let low = expression::slice(&net.name, net.width, 0, below.width());
        lines.push(format!("assign {low} = {};", expression::bits(netlist, &below)));
    }
    let name = design.instance(id);
    lines.push(format!("{} #({}) {name} ({});", adder.module(), parameters.join(", "), pins.join(", ")));
    lines
}

/// Bits that enter the module, or are made in it, and are read by nobody.
fn unused(design: &Design, module: &Module) -> Vec<String> {
    let netlist = design.netlist;
    let mut unused = Vec::new();
    for port in &module.ports {
        let declared = design.ports[*port as usize];
        let mut read = vec![false; declared.width() as usize];
        for id in &module.nets {
            let net = &netlist[*id];
            if let Cell::Input { port: from, lo } = net.cell
                && from == *port
            {
                read[lo as usize..(lo + net.width) as usize].fill(true);
            }
        }
        let mut at = 0;
        for run in read.chunk_by(|a, b| a == b) {
            if !run[0] {
                unused.push(expression::slice(&declared.name, declared.width(), at, run.len() as u32));
            }
            at += run.len() as u32;
        }
    }
    let imports = module.imports.iter().copied();
    let own = module.nets.iter().filter(|id| !module.leaves(**id)).map(|id| (*id, design.reads.within[id.0 as usize]));
    let of_rows = read_of_rows(design, module);
    let made = made(module).map(|id| (id, of_rows.get(&id).copied().unwrap_or(0)));
    unused.extend(
        imports.chain(own).chain(made).filter_map(|(id, read)| unread(&netlist[id].name, netlist[id].width, read)),
    );
    unused
}
