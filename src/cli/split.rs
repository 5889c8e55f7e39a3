//! `nanotrig split MODEL -o DIR`: one network in several devices, joined by packets.

use super::model::{MakingArguments, ModelArguments};
use super::print;
use crate::backends::Context;
use crate::batch::Batch;
use crate::compiler::{Hardware, Making, Meaning, hardware};
use crate::dfg::Dfg;
use crate::error::{At, Error, Result};
use crate::interfaces::Choice;
use crate::netlist::Simulator;
use crate::output::Output;
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
    let place = arguments.model.model.display().to_string();
    let (_, meaning) = arguments.model.meaning()?;
    let ends = ends(arguments, &meaning, &making).at(&place)?;
    let cut = Cut::new(&meaning.dfg, &ends);
    let parts = cut.parts().at(&place)?;
    let (system, context) = system(arguments, &making, &meaning, &parts, &ends).at(&place)?;
    agree(&meaning, &system)?;
    let output = Output::begin(&arguments.output)?;
    for file in files(&system, &context)? {
        output.write(&file.path, file.text.as_bytes())?;
    }
    output.write("report.json", summary(&system).as_bytes())?;
    output.finish()?;
    table(&system, &cut)?;
    match arguments.verify {
        Some(events) => verify(arguments, &meaning, events),
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
    parts: &[Dfg],
    ends: &[usize],
) -> Result<(System, Context)> {
    let (mut netlists, mut shells, mut luts, mut layers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut period = making.goal.period.unwrap_or(0);
    for (index, part) in parts.iter().enumerate() {
        let made = hardware(part, making, |_, _| ()).at(format!("part {}", index + 1))?;
        let shell = Choice::parse("packets")?.shell(&made.netlist)?;
        shells.push(shell.ok_or_else(|| Error::bug("packets have a shell"))?);
        luts.push(report(arguments, meaning, &made, making).luts);
        let first = index.checked_sub(1).map_or(0, |before| ends[before] + 1);
        let last = ends.get(index).map_or(meaning.dfg.layers.len(), |end| end + 1);
        layers.push(meaning.dfg.layers[first..last].to_vec());
        period = period.max(made.schedule.period);
        netlists.push(made.netlist);
    }
    let period_ps = making.goal.period.unwrap_or(period);
    let name = meaning.dfg.name.clone();
    let link_latency = arguments.link_latency;
    let system = System { name, netlists, shells, luts, layers, link_latency, period_ps };
    Ok((system, super::compile::context(making, period_ps)))
}

/// The circuits one after another give what the tensor graph gives.
fn agree(meaning: &Meaning, system: &System) -> Result<()> {
    let inputs = meaning.vectors(VECTORS, 1);
    let mut codes: Batch = inputs.clone();
    for netlist in &system.netlists {
        codes = Simulator::new(netlist)?.run(&codes);
    }
    if codes == meaning.codes(&inputs)? {
        return Ok(());
    }
    Err(Error::bug("the parts together do not give what the network gives"))
}

/// What marks the folder as ours.
fn summary(system: &System) -> String {
    let names: Vec<String> = system.netlists.iter().map(|netlist| format!("\"{}\"", netlist.name)).collect();
    format!("{{\"generator\": \"nanotrig\", \"system\": \"{}\", \"parts\": [{}]}}\n", system.name, names.join(", "))
}

fn table(system: &System, cut: &Cut) -> Result<()> {
    print::line("part       LUT  cycles  link bits  layers")?;
    for (index, netlist) in system.netlists.iter().enumerate() {
        let last = index + 1 == system.netlists.len();
        let link = if last { "-".into() } else { cut.link(index).to_string() };
        let (luts, layers) = (system.luts[index], system.layers[index].join(" "));
        print::line(format_args!("{:<4}{luts:>10}{:>8}{link:>11}  {layers}", index + 1, netlist.latency))?;
    }
    print::line(format_args!("checked  the circuits together give what the network gives, on {VECTORS} random samples"))
}

fn verify(arguments: &Arguments, meaning: &Meaning, events: usize) -> Result<u8> {
    let inputs = meaning.vectors(events.max(1), 2);
    let expected = meaning.codes(&inputs)?;
    let progress = |step: &str| print::note(format_args!("verify: {step}"));
    let outcome = verilator::verify_system(&arguments.output, &inputs, &expected, &progress)?;
    outcome.report.iter().try_for_each(print::line)?;
    let (vectors, cycles, mismatches) = (outcome.vectors, outcome.cycles, outcome.mismatches);
    print::line(format_args!("system: {vectors} vectors, {cycles} cycles: {mismatches} mismatches"))?;
    Ok((mismatches > 0) as u8)
}
