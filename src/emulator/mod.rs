//! `emulator/`: the compiled network as C++17 without dependencies, for software that must know what the hardware answers.
//!
//! It is printed from the optimised numbers, not from the circuit: a number is an integer on its own grid and cannot
//! overflow, so every line is one expression in one machine integer, the narrowest that holds all of them. The same lines
//! compute one event, or many side by side in vector registers. Values have the names that they have in the Verilog.

mod expression;
mod integer;
mod sum;

use crate::backends::{File, render};
use crate::dfg::{Dfg, Id, Op};
use crate::error::Result;
use crate::fixed::{Overflow, Quantization, Rounding};
use crate::netlist;
use crate::port::Port;
use serde::Serialize;

#[derive(Serialize)]
struct Text<'a> {
    name: &'a str,
    formats: Vec<String>,
    states: bool,
    integer: &'static str,
    /// Whether compilers have vectors of that integer.
    vectors: bool,
    inputs: Vec<Run>,
    outputs: Vec<Run>,
    input_count: usize,
    output_count: usize,
    tables: Vec<Table>,
    /// Values that one function makes and another reads.
    shared: Vec<String>,
    functions: Vec<Function>,
    results: Vec<String>,
}

/// Neighbouring elements of equal format.
#[derive(Serialize)]
struct Run {
    count: usize,
    signed: bool,
    width: u32,
    lsb: i32,
    rounding: String,
    overflow: String,
}

#[derive(Serialize)]
struct Table {
    number: usize,
    entries: Vec<String>,
}

/// Some consecutive values of a layer.
#[derive(Serialize)]
struct Function {
    name: String,
    reads_inputs: bool,
    lines: Vec<String>,
}

/// Values in a function at most: compilers take more than linear time.
const MOST: usize = 400;

/// The files of the emulator of a graph without dots: a header, a program that uses it, and a Makefile.
///
/// # Errors
/// A dot, or numbers beyond 127 bits, are bugs of the caller's.
pub fn files(dfg: &Dfg) -> Result<Vec<File>> {
    let names = netlist::node_names(dfg);
    let integer = integer::of(dfg)?;
    let groups = groups(dfg);
    let printer = expression::Printer { dfg, names: &names, shared: shared(dfg, &groups) };
    let is_shared = |id: &Id| printer.shared[id.index()] && has_line(&dfg[*id].op);
    let functions =
        groups.iter().map(|(layer, group)| function(&printer, *layer, group)).collect::<Result<Vec<_>>>()?;
    let results = dfg.results.iter().zip(dfg.output_formats());
    let looked_up = dfg.tables.iter().enumerate().filter(|(_, table)| sum::weights(table).is_none());
    let text = Text {
        name: &dfg.name,
        formats: [("in ", &dfg.inputs), ("out", &dfg.outputs)].into_iter().flat_map(describe).collect(),
        states: dfg.states() > 0,
        integer: integer.name(),
        vectors: integer.vectors(),
        inputs: runs(&dfg.inputs),
        outputs: runs(&dfg.outputs),
        input_count: dfg.inputs.iter().map(|port| port.elements.len()).sum(),
        output_count: dfg.results.len(),
        tables: looked_up.map(Table::new).collect(),
        shared: dfg.ids().filter(is_shared).map(|id| names[id.index()].clone()).collect(),
        functions: distinct(functions),
        results: results.map(|(id, format)| printer.vector(*id, format.lsb)).collect::<Result<_>>()?,
    };
    let file = |name: &str, text| File { path: format!("emulator/{name}"), text };
    Ok(vec![
        file(&format!("{}.h", dfg.name), render(include_str!("../../templates/emulator.h"), &text)?),
        file("main.cpp", render(include_str!("../../templates/emulator.cpp"), &text)?),
        file("Makefile", render(include_str!("../../templates/emulator.mk"), &text)?),
    ])
}

/// The values that get a line, layer by layer, in groups; what reads a value of a later layer is of that layer.
fn groups(dfg: &Dfg) -> Vec<(u32, Vec<Id>)> {
    let mut layers = vec![0; dfg.nodes.len()];
    for id in dfg.ids().filter(|id| !matches!(dfg[*id].op, Op::Const(_))) {
        layers[id.index()] = dfg[id].op.args().map(|arg| layers[arg.index()]).fold(dfg[id].from.layer, u32::max);
    }
    let layer = |id: &Id| layers[id.index()];
    let mut lines: Vec<Id> = dfg.ids().filter(|id| has_line(&dfg[*id].op)).collect();
    lines.sort_by_key(layer);
    let of_layers = lines.chunk_by(|a, b| layer(a) == layer(b));
    of_layers.flat_map(|lines| lines.chunks(MOST).map(|lines| (layer(&lines[0]), lines.to_vec()))).collect()
}

/// Constants and wiring are written where they are read.
fn has_line(op: &Op) -> bool {
    !matches!(op, Op::Input { .. } | Op::Const(_) | Op::Scale(..) | Op::Floor(..) | Op::Wrap { .. })
}

/// Which nodes are read outside the function that makes them.
fn shared(dfg: &Dfg, groups: &[(u32, Vec<Id>)]) -> Vec<bool> {
    let mut group_of = vec![usize::MAX; dfg.nodes.len()];
    for (index, (_, group)) in groups.iter().enumerate() {
        group.iter().for_each(|id| group_of[id.index()] = index);
    }
    let mut shared = vec![false; dfg.nodes.len()];
    for (index, (_, group)) in groups.iter().enumerate() {
        for read in group.iter().flat_map(|id| expression::reads(dfg, *id)) {
            shared[read.index()] |= group_of[read.index()] != index;
        }
    }
    let results = dfg.results.iter().flat_map(|id| expression::sources(dfg, *id));
    results.for_each(|read| shared[read.index()] = true);
    shared
}

fn function(printer: &expression::Printer, layer: u32, group: &[Id]) -> Result<Function> {
    let dfg = printer.dfg;
    let name = dfg.layers[layer as usize].clone();
    let is_input = |id: Id| matches!(dfg[id].op, Op::Input { .. });
    let reads_inputs = group.iter().any(|id| expression::reads(dfg, *id).into_iter().any(is_input));
    let lines = group.iter().map(|id| printer.line(*id)).collect::<Result<_>>()?;
    Ok(Function { name, reads_inputs, lines })
}

/// Numbers the functions of a layer that has several.
fn distinct(mut functions: Vec<Function>) -> Vec<Function> {
    let mut seen = std::collections::HashMap::new();
    for function in &mut functions {
        let part = seen.entry(function.name.clone()).or_insert(0);
        *part += 1;
        if *part > 1 {
            // No layer is called so: functions of layers have one underscore less.
            function.name += &format!("__{part}");
        }
    }
    functions
}

fn elements(ports: &[Port]) -> Vec<Quantization> {
    ports.iter().flat_map(|port| port.elements.iter().copied()).collect()
}

fn runs(ports: &[Port]) -> Vec<Run> {
    elements(ports).chunk_by(|a, b| a == b).map(Run::new).collect()
}

impl Run {
    fn new(run: &[Quantization]) -> Run {
        let first = run.first().copied();
        let format = first.map(|first| first.format);
        Run {
            count: run.len(),
            signed: format.is_some_and(|format| format.signed),
            width: format.map_or(0, |format| format.width),
            lsb: format.map_or(0, |format| format.lsb),
            rounding: first.map_or(Rounding::Trn, |first| first.rounding).to_string(),
            overflow: first.map_or(Overflow::Wrap, |first| first.overflow).to_string(),
        }
    }
}

impl Table {
    /// Numbers, some to a line; don't-cares are 0.
    fn new((number, table): (usize, &crate::dfg::Table)) -> Table {
        let entries = table.entries.chunks(24).map(|some| {
            some.iter().map(|entry| expression::literal(entry.unwrap_or(0))).collect::<Vec<_>>().join(", ")
        });
        Table { number, entries: entries.collect() }
    }
}

/// What the elements of ports are, for the head of the file.
fn describe((kind, ports): (&str, &Vec<Port>)) -> Vec<String> {
    let mut first = 0;
    let mut lines = Vec::new();
    for port in ports {
        let runs: Vec<String> =
            port.elements.chunk_by(|a, b| a == b).map(|run| format!("{} x {}", run.len(), run[0])).collect();
        let last = first + port.elements.len();
        let state = if port.state { ", a state" } else { "" };
        lines.push(format!("{kind} {first}..{}  {}: {}{state}", last.saturating_sub(1), port.name, runs.join(", ")));
        first = last;
    }
    lines
}
