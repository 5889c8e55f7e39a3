//! `nanotrig compile MODEL -o DIR`: Verilog, test bench, flows, report.

use super::model::{MakingArguments, ModelArguments};
use super::print;
use super::progress::Progress;
use crate::backends;
use crate::batch::Batch;
use crate::certificate;
use crate::compiler::{Hardware, Making, Meaning, Reading, WeightStorage, agree, hardware, own_weights_agree};
use crate::dfg::Dfg;
use crate::emulator;
use crate::error::{At, Error, Result};
use crate::frontends::native;
use crate::interfaces::{self, Choice};
use crate::output::Output;
use crate::packages;
use crate::report::{Checked, Report, weights};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

/// Random and corner vectors that every compile is checked on.
const VECTORS: usize = 500;
/// Events of the test bench that shows how one is written.
const EVENTS: usize = 64;

/// The interface that is no shell.
const BARE: &str = "bare";

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    #[command(flatten)]
    making: MakingArguments,
    /// The output folder: new, empty, or one that nanotrig wrote
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Samples to check the levels on, besides random ones (.npy, .npz, .csv)
    #[arg(long, value_name = "X")]
    input: Option<PathBuf>,
    /// The outputs that the samples must give
    #[arg(long, value_name = "Y", requires = "input")]
    expect: Option<PathBuf>,
    /// What stands around the circuit: NAME or NAME=VALUE of `list interfaces`
    #[arg(long, value_name = "NAME", default_value = BARE)]
    interface: String,
    /// Where kernels and biases of dense layers and convolutions are, with real multipliers unless they are constant
    #[arg(long, value_enum, default_value_t = WeightArgument::Constant)]
    weight_storage: WeightArgument,
    /// A network of more operations (terms of sums, elements computed or moved) is refused
    #[arg(long, value_name = "N", default_value_t = 2_000_000)]
    max_operations: usize,
    /// Leave out the proof that the Verilog computes the network on all inputs; `nanotrig prove` makes it later
    #[arg(long)]
    no_prove: bool,
    /// Print report.json instead of the summary
    #[arg(long)]
    json: bool,
}

/// Where weights are.
#[derive(Clone, Copy, ValueEnum)]
enum WeightArgument {
    /// In the circuit: the cheapest
    Constant,
    /// Input ports, of which each event takes what they carry in its clock
    Ports,
    /// Registers around the circuit, written through AXI4-Lite, which change all at once between two events
    Registers,
}

pub fn run(arguments: &Arguments) -> Result<u8> {
    let start = Instant::now();
    Output::check(&arguments.output)?;
    let progress = Rc::new(Progress::new());
    let own = progress.clone();
    let mut making = Making { progress: Box::new(move |step| own.step(step)), ..arguments.making.making()? };
    let interface = Choice::parse(&arguments.interface).at("--interface")?;
    making.reset |= interface.needs_reset() || matches!(arguments.weight_storage, WeightArgument::Registers);
    let reading = reading(arguments, &making)?;
    let (network, meaning) = arguments.model.expanded(reading.clone())?;
    let place = arguments.model.model.display().to_string();
    let hardware = hardware(&meaning.dfg, &making, |_, _| ()).at(&place)?;
    let shell = match reading.weights {
        WeightStorage::Registers => {
            Some(interfaces::registers(&hardware.netlist, meaning.event_ports().len(), &meaning.own_weights())?)
        }
        _ => interface.shell(&hardware.netlist)?,
    };
    progress.step("comparing the levels");
    let random = meaning.vectors(VECTORS, 1);
    agree(&meaning, &hardware, &random)?;
    let shown = meaning.in_order(random.first(EVENTS))?;
    let [shown, answers] = meaning.outside(&shown, &meaning.codes(&shown)?);
    own_weights_agree(&network, &reading, &meaning, &random)?;
    let (checked, status) = check(arguments, &meaning, &hardware, random.rows())?;
    progress.step("writing");
    let report = Report::new(&meaning, &hardware, &making, reading, &arguments.making.target, checked);
    let context = context(&making, making.goal.period.unwrap_or(hardware.schedule.period));
    let output = Output::begin(&arguments.output)?;
    let (netlist, vectors) = (&hardware.netlist, [&shown, &answers]);
    write(&output, &packages::Design { netlist, shell: shell.as_ref(), context: &context, vectors }, &hardware.dfg)?;
    native::write(&network, &output.path("model/network.toml")?)?;
    if !meaning.weights.is_empty() {
        output.write("weights.csv", weights(&meaning, shell.is_some()).as_bytes())?;
    }
    write_levels(&output, &meaning, &hardware)?;
    let seconds = start.elapsed().as_secs_f64();
    let proof = if arguments.no_prove {
        None
    } else {
        progress.step("proving");
        Some(certificate::compiled(output.folder(), &meaning, &hardware)?)
    };
    let report = report.around(&arguments.interface, shell.as_ref()).timed(seconds).proved(proof);
    let json = report.json()?;
    output.write("report.html", report.html()?.as_bytes())?;
    output.write("report.json", json.as_bytes())?;
    output.finish()?;
    drop((making, progress));
    if arguments.json {
        print::line(json)?;
    } else {
        print::line(report.summary(&arguments.output))?;
    }
    Ok(status)
}

/// How the network is to be read.
///
/// # Errors
/// Weights at run time, and something that takes constant ones.
fn reading(arguments: &Arguments, making: &Making) -> Result<Reading> {
    let weights = match arguments.weight_storage {
        WeightArgument::Constant => WeightStorage::Constant,
        WeightArgument::Ports => WeightStorage::Ports,
        WeightArgument::Registers => WeightStorage::Registers,
    };
    let clash = |option: &str, why: &str| {
        Error::user(format!("--weight-storage with {option}: {why}"), "leave one of them out")
    };
    if !weights.is_constant() && making.interval > 1 {
        return Err(clash("--interval", "digits multiply constant weights only"));
    }
    if !weights.is_constant() && arguments.interface != BARE {
        return Err(clash("--interface", "the shells of events have no pins for weights"));
    }
    Ok(Reading { weights, max_operations: Some(arguments.max_operations), ..arguments.model.reading() })
}

/// Writes what is made of the netlist: Verilog, test bench, flows, emulator, packages.
fn write(output: &Output, design: &packages::Design, dfg: &Dfg) -> Result<()> {
    let mut files = backends::files(design.netlist, design.context)?;
    files.extend(emulator::files(dfg)?);
    if let Some(shell) = design.shell {
        files.extend(interfaces::files(shell, design.netlist)?);
    }
    files.extend(packages::files(design)?);
    files.iter().try_for_each(|file| output.write(&file.path, file.text.as_bytes()))
}

/// Writes the levels as text.
fn write_levels(output: &Output, meaning: &Meaning, hardware: &Hardware) -> Result<()> {
    output.write("ir/tensor.txt", meaning.graph.to_string().as_bytes())?;
    output.write("ir/dfg.txt", meaning.dfg.to_string().as_bytes())?;
    output.write("ir/optimised.txt", hardware.dfg.to_string().as_bytes())?;
    if let Some(folded) = &hardware.folded {
        output.write("ir/folded.txt", folded.dfg.to_string().as_bytes())?;
    }
    output.write("ir/netlist.txt", hardware.netlist.to_string().as_bytes())
}

/// Checks that all levels agree on the user's samples as on `random` ones, and give what the user expects.
fn check(arguments: &Arguments, meaning: &Meaning, hardware: &Hardware, random: usize) -> Result<(Checked, u8)> {
    let mut checked = Checked { random, given: 0, mismatches: 0 };
    if let Some(input) = &arguments.input {
        let inputs: Batch = meaning.inputs(input)?;
        let codes = agree(meaning, hardware, &inputs)?;
        checked.given = inputs.rows();
        if let Some(expect) = &arguments.expect {
            checked.mismatches = super::verify::mismatches(meaning, &codes, expect)?;
        }
    }
    let status = (checked.mismatches > 0) as u8;
    Ok((checked, status))
}

/// What back ends know of the target.
pub fn context(making: &Making, period_ps: u32) -> backends::Context {
    backends::Context {
        part: making.target.part().into(),
        yosys: making.target.yosys().into(),
        place: making.target.router().map(|router| format!("{} {}", router.program, router.arguments.join(" "))),
        cells: making.target.hdl().map(String::from),
        period_ps,
        initial_values: making.target.initial_values(),
    }
}
