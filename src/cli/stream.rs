//! `nanotrig stream MODEL -o DIR`: a convolutional network for images that come pixel by pixel.

use super::model::{MakingArguments, ModelArguments};
use super::print;
use crate::batch::Batch;
use crate::compiler::{Making, Meaning, Reading, Tensors, codes, hardware, meaning, tensors};
use crate::dfg::random::inputs;
use crate::error::{At, Error, Result};
use crate::fixed::Quantization;
use crate::output::Output;
use crate::random::Random;
use crate::report::{Checked, Report};
use crate::reuse;
use crate::streaming::{Chain, Part, Stage, files, plan};
use crate::verilator;
use clap::Args;
use std::path::PathBuf;

/// Random images that every compile is checked on.
const IMAGES: usize = 3;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    #[command(flatten)]
    making: MakingArguments,
    /// The output folder: new, empty, or one that nanotrig wrote
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Simulate the chain in Verilator with so many random images, and compare with the network
    #[arg(long, value_name = "IMAGES")]
    verify: Option<usize>,
}

pub fn run(arguments: &Arguments) -> Result<u8> {
    Output::check(&arguments.output)?;
    let making = arguments.making.making()?;
    let place = arguments.model.model.display().to_string();
    let network = arguments.model.network()?;
    let reading = arguments.model.reading();
    let whole = tensors(&network, &reading).at(&place)?;
    whole.expanded.notes.iter().for_each(|note| print::note(format_args!("note: {note}")));
    let (mut parts, mut interval) = (Vec::new(), making.interval);
    plan(&network, |stage, last| {
        let reading = part_reading(&reading, parts.is_empty(), last);
        let part = part(arguments, stage, reading, &mut interval)?;
        let port = &part.hardware.netlist.outputs[0];
        let format = (port.elements[0].format.to_string(), port.elements.len());
        parts.push(part);
        Ok(format)
    })
    .at(&place)?;
    let chain = Chain { name: whole_name(&parts), parts, interval: making.interval };
    let images = images(&chain, IMAGES, 1);
    if chain.run(&images)? != answers(&whole, &chain, &images)? {
        return Err(Error::bug("the circuits together do not give what the network gives").at(place));
    }
    let period = chain.parts.iter().map(|part| part.hardware.schedule.period).max().unwrap_or(0);
    let context = super::compile::context(&making, making.goal.period.unwrap_or(period));
    let output = Output::begin(&arguments.output)?;
    for file in files(&chain, &context)? {
        output.write(&file.path, file.text.as_bytes())?;
    }
    output.write("report.json", summary(&chain).as_bytes())?;
    output.finish()?;
    table(&chain)?;
    match arguments.verify {
        Some(count) => verify(arguments, &whole, &chain, count),
        None => Ok(0),
    }
}

/// The circuits' own names have a number behind the network's.
fn whole_name(parts: &[Part]) -> String {
    let first = parts.first().map_or("", |part| part.meaning.dfg.name.as_str());
    first.strip_suffix("_1").unwrap_or(first).to_string()
}

/// What the user says about inputs is for the first circuit, and what about outputs for the last.
fn part_reading(whole: &Reading, first: bool, last: bool) -> Reading {
    let mut reading = whole.clone();
    if !first {
        reading.input_formats.clear();
    }
    if !last {
        (reading.output_format, reading.head) = (None, Reading::default().head);
    }
    reading
}

/// A stage's circuit, for windows that come `interval` clocks apart or more; gives what that is for the next one.
fn part(arguments: &Arguments, stage: Stage, reading: Reading, interval: &mut u32) -> Result<Part> {
    let meaning = meaning(&stage.network, &reading)?;
    let window = &stage.window;
    let pace = *interval;
    *interval = interval.saturating_mul(window.apart() as u32);
    let making = Making { reset: true, interval: digits(&meaning, *interval), ..arguments.making.making()? };
    let made = hardware(&meaning.dfg, &making, |_, _| ())?;
    let target = &arguments.making.target;
    let report = Report::new(&meaning, &made, &making, reading, target, Checked::default());
    Ok(Part { stage, meaning, hardware: made, pace, cost: [report.luts, report.registers] })
}

/// The interval that digits are chosen for: no more clocks than there are bits, and 1 where nothing gains by it.
fn digits(meaning: &Meaning, interval: u32) -> u32 {
    let widths = meaning.dfg.input_elements();
    let width = widths.iter().map(|element| element.format.width).max().unwrap_or(1).max(1);
    let digit = width.div_ceil(interval.clamp(1, reuse::MOST));
    let interval = width.div_ceil(digit);
    if interval > 1 && reuse::fold(&meaning.dfg.without_dead(), interval).is_ok() { interval } else { 1 }
}

/// Random images: codes of all pixels.
fn images(chain: &Chain, count: usize, seed: u64) -> Batch {
    let pixel = chain.input().elements;
    let elements: Vec<Quantization> = (0..chain.pixels()).flat_map(|_| pixel.iter().copied()).collect();
    inputs(&mut Random::new(seed), &elements, count)
}

/// The network's own answers, by the tensor graph.
fn answers(whole: &Tensors, chain: &Chain, images: &Batch) -> Result<Batch> {
    let formats = chain.parts.last().map(|part| part.meaning.dfg.output_formats()).unwrap_or_default();
    codes(&whole.graph, images, &formats)
}

/// What marks the folder as ours.
fn summary(chain: &Chain) -> String {
    let names: Vec<String> = chain.parts.iter().map(|part| format!("\"{}\"", part.hardware.netlist.name)).collect();
    let (latency, pixels) = (chain.latency(), chain.pixels());
    format!(
        "{{\"generator\": \"nanotrig\", \"stream\": \"{}\", \"pixels\": {pixels}, \"latency_cycles\": {latency}, \
         \"parts\": [{}]}}\n",
        chain.name,
        names.join(", ")
    )
}

fn table(chain: &Chain) -> Result<()> {
    print::line("stage      map   window  every       LUT  registers  line bits  cycles  layers")?;
    let mut total = [0, 0, 0];
    for (index, (part, cycles)) in chain.parts.iter().zip(chain.cycles()).enumerate() {
        let (window, netlist) = (&part.stage.window, &part.hardware.netlist);
        let by = |lengths: [usize; 2]| format!("{}x{}", lengths[0], lengths[1]);
        let line = window.kept() as u64 * u64::from(part.bits());
        let ([luts, registers], every) = (part.cost, netlist.interval);
        total = [total[0] + luts, total[1] + registers, total[2] + line];
        let layers: Vec<&str> = part.stage.network.layers.iter().map(|layer| layer.name.as_str()).collect();
        print::line(format_args!(
            "{:<6}{:>8}{:>9}{every:>7}{luts:>10}{registers:>11}{line:>11}{cycles:>8}  {}",
            index + 1,
            by(window.map),
            by(window.size),
            layers.join(" ")
        ))?;
    }
    let [luts, registers, line] = total;
    print::line(format_args!("{:<30}{luts:>10}{registers:>11}{line:>11}{:>8}", "total", chain.latency()))?;
    let every = crate::backends::every(chain.interval);
    print::line(format_args!("a pixel every {every}, {} pixels an image; LUTs are estimated", chain.pixels()))?;
    print::line(format_args!("checked  the circuits together give what the network gives, on {IMAGES} random images"))
}

fn verify(arguments: &Arguments, whole: &Tensors, chain: &Chain, count: usize) -> Result<u8> {
    let images = images(chain, count.max(1), 2);
    let answers = answers(whole, chain, &images)?;
    let pixels = Batch { columns: chain.input().elements.len(), data: images.data };
    let mut expected = Batch::new(answers.columns);
    for row in 0..pixels.rows() {
        // Only one pixel of an image has an answer; the others' are not looked at.
        expected.push(answers.row(row / chain.pixels()));
    }
    let progress = |step: &str| print::note(format_args!("verify: {step}"));
    let outcome = verilator::verify(&arguments.output, &pixels, &expected, &progress)?;
    outcome.report.iter().try_for_each(print::line)?;
    let (cycles, mismatches) = (outcome.cycles, outcome.mismatches);
    print::line(format_args!("stream: {count} images, {cycles} cycles: {mismatches} mismatches"))?;
    Ok((mismatches > 0) as u8)
}
