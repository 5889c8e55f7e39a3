//! `nanotrig split MODEL -o DIR`: one network in several devices, joined by packets.

use super::model::{MakingArguments, ModelArguments};
use super::print;
use crate::backends::Context;
use crate::compiler::{Hardware, Making, Meaning, hardware};
use crate::dfg::{Node, Op};
use crate::error::{At, Error, Result};
use crate::interfaces;
use crate::output::Output;
use crate::port::Port;
use crate::report::{Checked, Report};
use crate::split::{Cut, System, balance, files};
use crate::verilator;
use clap::Args;
use std::path::PathBuf;

/// Random and corner vectors that the parts are checked on, against the whole.
const VECTORS: usize = 500;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    #[command(flatten)]
    making: MakingArguments,
    /// The output folder: new, empty, or one that nanotrig wrote
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Into so many parts of nearly equal LUTs, where the links are narrow
    #[arg(long, value_name = "N", required_unless_present = "at", conflicts_with = "at")]
    parts: Option<usize>,
    /// Behind this layer; several times for several cuts
    #[arg(long, value_name = "LAYER")]
    at: Vec<String>,
    /// What comes before the first cut, in the branches that it falls into: a circuit each, with inputs of its own
    #[arg(long)]
    branches: bool,
    /// Clocks that a link between two devices takes
    #[arg(long, value_name = "CLOCKS", default_value_t = 40)]
    link_latency: u32,
    /// Simulate the whole system in Verilator with so many random events, and compare with the unsplit network
    #[arg(long, value_name = "EVENTS")]
    verify: Option<usize>,
}

pub fn run(arguments: &Arguments) -> Result<u8> {
    Output::check(&arguments.output)?;
    if !(1..=1000).contains(&arguments.link_latency) {
        let what = format!("--link-latency {}: out of range", arguments.link_latency);
        return Err(Error::user(what, "a link takes 1 to 1000 clocks"));
    }
    let making = Making { reset: true, ..arguments.making.making()? };
    if making.interval > 1 {
        let what = format!("--interval {}: parts of a split network take an event every clock", making.interval);
        return Err(Error::user(what, "leave --interval out"));
    }
    let place = arguments.model.model.display().to_string();
    let (network, meaning) = arguments.model.meaning()?;
    network.stateless("split").at(&place)?;
    let ends = ends(arguments, &meaning, &making).at(&place)?;
    let mut cut = Cut::new(&meaning.dfg, &ends);
    if arguments.branches {
        cut = cut.branched();
        if cut.branches() == 1 {
            let what = format!("--branches: all up to `{}` is connected", meaning.dfg.layers[ends[0]]);
            return Err(Error::user(what, "cut where branches meet, with --at").at(&place));
        }
    }
    let (system, context) = system(arguments, &making, &meaning, &cut, &ends).at(&place)?;
    agree(&meaning, &system)?;
    let output = Output::begin(&arguments.output)?;
    for file in files(&system, &context)? {
        output.write(&file.path, file.text.as_bytes())?;
    }
    output.write("report.json", summary(&system).as_bytes())?;
    output.finish()?;
    table(&system)?;
    match arguments.verify {
        Some(events) => verify(arguments, &meaning, &system, events),
        None => Ok(0),
    }
}

/// The last layer of each part but the last one.
fn ends(arguments: &Arguments, meaning: &Meaning, making: &Making) -> Result<Vec<usize>> {
    let layers = &meaning.dfg.layers;
    let Some(parts) = arguments.parts else {
        let find = |name: &String| {
            let known = || layers[..layers.len().saturating_sub(1)].join(", ");
            let found = layers.iter().position(|layer| layer == name).filter(|at| at + 1 < layers.len());
            found.ok_or_else(|| {
                Error::user(
                    format!("--at {name}: no layer of that name has another behind it"),
                    format!("known: {}", known()),
                )
            })
        };
        let mut ends = arguments.at.iter().map(find).collect::<Result<Vec<usize>>>()?;
        ends.sort_unstable();
        ends.dedup();
        return Ok(ends);
    };
    let whole = hardware(&meaning.dfg, making, |_, _| ())?;
    let report = report(arguments, meaning, &whole, making);
    let luts = |name: &String| report.layers.iter().find(|row| row.name == *name).map_or(0, |row| row.luts);
    let luts: Vec<u64> = layers.iter().map(luts).collect();
    let widths: Vec<u32> = (0..layers.len()).map(|layer| Cut::new(&meaning.dfg, &[layer]).link(0)).collect();
    let most = luts.iter().filter(|luts| **luts > 0).count();
    let found = (2..=most).contains(&parts).then(|| balance(&luts, &widths, parts)).flatten();
    found.ok_or_else(|| {
        let what = format!("--parts {parts}: the network has {most} layers with logic");
        Error::user(what, format!("give 2 to {most} parts"))
    })
}

fn report(arguments: &Arguments, meaning: &Meaning, hardware: &Hardware, making: &Making) -> Report {
    let (reading, target) = (arguments.model.reading(), &arguments.making.target);
    Report::new(meaning, hardware, making, reading, target, Checked::default())
}

/// Hardware and a shell for each part.
fn system(
    arguments: &Arguments,
    making: &Making,
    meaning: &Meaning,
    cut: &Cut,
    ends: &[usize],
) -> Result<(System, Context)> {
    let (mut netlists, mut shells, mut luts, mut layers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut period = making.goal.period.unwrap_or(0);
    let branches = cut.branches();
    for (index, part) in cut.parts()?.iter().enumerate() {
        let made = hardware(part, making, |_, _| ()).at(format!("part {}", index + 1))?;
        let joined = if index == branches { cut.joined() } else { vec![made.netlist.inputs.len()] };
        shells.push(interfaces::joined_packets(&made.netlist, &joined)?);
        luts.push(report(arguments, meaning, &made, making).luts);
        let place = (index + 1).saturating_sub(branches); // in the chain
        let first = place.checked_sub(1).map_or(0, |before| ends[before] + 1);
        let last = ends.get(place).map_or(meaning.dfg.layers.len(), |end| end + 1);
        let computed = |node: &Node| !matches!(node.op, Op::Const(_) | Op::Input { .. });
        let of = |layer: usize, node: &Node| computed(node) && node.from.layer as usize == layer;
        let own = |layer: &usize| branches == 1 || part.nodes.iter().any(|node| of(*layer, node));
        layers.push((first..last).filter(own).map(|layer| meaning.dfg.layers[layer].clone()).collect());
        period = period.max(made.schedule.period);
        netlists.push(made.netlist);
    }
    let period_ps = making.goal.period.unwrap_or(period);
    let name = meaning.dfg.name.clone();
    let link_latency = arguments.link_latency;
    let branches = (0..branches).map(|branch| cut.columns(branch)).collect();
    let system = System { name, branches, netlists, shells, luts, layers, link_latency, period_ps };
    Ok((system, super::compile::context(making, period_ps)))
}

/// The circuits one after another give what the tensor graph gives.
fn agree(meaning: &Meaning, system: &System) -> Result<()> {
    let inputs = meaning.vectors(VECTORS, 1);
    if system.run(&inputs)? == meaning.codes(&inputs)? {
        return Ok(());
    }
    Err(Error::bug("the parts together do not give what the network gives"))
}

/// What marks the folder as ours.
fn summary(system: &System) -> String {
    let names: Vec<String> = system.netlists.iter().map(|netlist| format!("\"{}\"", netlist.name)).collect();
    format!("{{\"generator\": \"nanotrig\", \"system\": \"{}\", \"parts\": [{}]}}\n", system.name, names.join(", "))
}

fn table(system: &System) -> Result<()> {
    print::line("part       LUT  cycles  link bits  layers")?;
    for (index, netlist) in system.netlists.iter().enumerate() {
        let bits = netlist.outputs.iter().map(Port::width).sum::<u32>();
        let link = if index + 1 == system.netlists.len() { "-".into() } else { bits.to_string() };
        let (luts, layers) = (system.luts[index], system.layers[index].join(" "));
        print::line(format_args!("{:<4}{luts:>10}{:>8}{link:>11}  {layers}", index + 1, netlist.latency))?;
    }
    print::line(format_args!("checked  the circuits together give what the network gives, on {VECTORS} random samples"))
}

fn verify(arguments: &Arguments, meaning: &Meaning, system: &System, events: usize) -> Result<u8> {
    let inputs = meaning.vectors(events.max(1), 2);
    let expected = meaning.codes(&inputs)?;
    let progress = |step: &str| print::note(format_args!("verify: {step}"));
    let events = system.events(&inputs);
    let outcome = verilator::verify_system(&arguments.output, &events, &expected, &progress)?;
    outcome.report.iter().try_for_each(print::line)?;
    let (vectors, cycles, mismatches) = (outcome.vectors, outcome.cycles, outcome.mismatches);
    print::line(format_args!("system: {vectors} vectors, {cycles} cycles: {mismatches} mismatches"))?;
    Ok((mismatches > 0) as u8)
}
