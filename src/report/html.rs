//! The report as one HTML page that needs nothing else: what it says is computed here, `templates/report.html` prints it.

mod picture;
mod ports;
mod scale;
mod text;

use super::{LayerRow, Proved, Report};
use crate::backends::{every, page};
use crate::compiler::Head;
use crate::error::Result;
use ports::Port;
use serde::Serialize;
use text::{count, counted, percent};

/// Colours that layers take in turn.
const COLOURS: usize = 12;

/// What the page shows.
#[derive(Serialize)]
struct Page<'a> {
    style: &'static str,
    picture: String,
    report: &'a Report,
    latency: String,
    period: String,
    tiles: Vec<Tile>,
    layers: Vec<Layer>,
    /// LUTs, carry bits, registers, operations of the whole.
    total: [String; 4],
    valid_bits: String,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    states: Vec<Port>,
    checked: Vec<String>,
    mismatches: Option<String>,
    reading: Vec<String>,
    compile: String,
    /// How far estimates are off.
    fit: Option<String>,
}

/// A headline number.
#[derive(Serialize)]
struct Tile {
    name: &'static str,
    value: String,
    unit: &'static str,
    more: String,
}

/// A row of the table of layers.
#[derive(Serialize)]
struct Layer {
    name: String,
    colour: usize,
    stages: String,
    luts: String,
    share: String,
    /// The bar's length in percent: the largest layer's is 100.
    bar: String,
    carry: String,
    registers: String,
    operations: String,
    gives: String,
}

impl Report {
    /// The text of `report.html`.
    ///
    /// # Errors
    /// None in practice.
    pub fn html(&self) -> Result<String> {
        let largest = self.layers.iter().map(|row| row.luts).max().unwrap_or(0);
        let layers = self.layers.iter().enumerate().map(|(index, row)| Layer::new(row, index, largest, self.luts));
        let wrong = self.checked.mismatches as u64;
        let seen = Page {
            style: include_str!("../../templates/report.css"),
            picture: page(include_str!("../../templates/picture.svg"), &picture::picture(self))?,
            report: self,
            latency: counted(u64::from(self.latency_cycles), "cycle"),
            period: self.period_ns.to_string(),
            tiles: self.tiles(),
            layers: layers.collect(),
            total: [self.luts, self.carry, self.registers, self.layers.iter().map(|row| row.operations).sum()]
                .map(count),
            valid_bits: count(u64::from(self.latency_cycles)),
            inputs: self.inputs.iter().map(Port::input).collect(),
            outputs: self.outputs.iter().map(Port::output).collect(),
            states: self.states.iter().map(Port::output).collect(),
            checked: self.checks(),
            mismatches: (wrong > 0).then(|| format!("{} from what was expected.", differ(wrong))),
            reading: self.readings(),
            fit: self.accuracy().map(|accuracy| format!("Estimates: {accuracy}.")),
            compile: format!("{:.3}", self.compile_s),
        };
        page(include_str!("../../templates/report.html"), &seen)
    }

    fn tiles(&self) -> Vec<Tile> {
        let tile = |name, value, unit, more| Tile { name, value, unit, more };
        let (period, shortest) = (self.period_ns, self.shortest_period_ns);
        let events = format!("an event every {}", every(self.initiation_interval));
        let margin = match period - shortest {
            left if left > 0.0 => format!("{left:.3} ns ({:.1} %) left of {period:.3} ns", percent(left, period)),
            _ => "as fast as its longest stage".into(),
        };
        let dsps = if self.dsps == 0 { "no DSP".into() } else { counted(self.dsps, "DSP") };
        let cycles = counted(u64::from(self.latency_cycles), "cycle");
        vec![
            tile("Latency", format!("{:.1}", self.latency_ns), "ns", format!("{cycles} at {}", self.clock())),
            tile("Initiation interval", self.initiation_interval.to_string(), "", events),
            tile("Logic, estimated", count(self.luts), "LUT", format!("{}, {dsps}", counted(self.carry, "carry bit"))),
            tile("Registers, counted", count(self.registers), "bits", "valid bits included".into()),
            tile("Shortest period, estimated", format!("{shortest:.3}"), "ns", margin),
            tile("Depth", self.depth.to_string(), "", "operations on the longest path".into()),
        ]
    }

    fn checks(&self) -> Vec<String> {
        let agree = |samples: usize, kind: &str| {
            let samples = counted(samples as u64, kind);
            format!("Tensor graph, dataflow graph and netlist gave the same bits on {samples}.")
        };
        let mut checks = vec![agree(self.checked.random, "random and corner sample")];
        if self.checked.given > 0 {
            checks.push(agree(self.checked.given, "given sample"));
        }
        match &self.proof {
            Some(Proved { reason: Some(reason), .. }) => checks.push(format!("Not proved for all inputs: {reason}.")),
            Some(_) => checks.push("Proved: the Verilog computes the tensor graph, on all inputs (proof.json).".into()),
            None => {}
        }
        checks
    }

    fn readings(&self) -> Vec<String> {
        let input = |(name, format): &(Option<String>, String)| match name {
            Some(name) => format!("Input {name} was given the format {format}."),
            None => format!("Inputs without a format were given {format}."),
        };
        let mut readings: Vec<String> = self.reading.input_formats.iter().map(input).collect();
        readings.extend(self.reading.output_format.iter().map(|format| format!("Outputs were cast to {format}.")));
        let head = match self.reading.head {
            Head::Full => None,
            Head::Logits => Some("A trailing softmax was left away: the outputs are what goes into it."),
            Head::Softmax => Some("A trailing softmax is hardware, of hls4ml's form `stable`."),
            Head::Argmax => Some("The outputs are the index of the greatest element, the first of equal ones."),
        };
        readings.extend(head.map(String::from));
        readings
    }
}

impl Layer {
    fn new(row: &LayerRow, index: usize, largest: u64, all: u64) -> Layer {
        Layer {
            name: row.name.clone(),
            colour: index % COLOURS,
            stages: row.place().replace("..", "–").replace('-', "–"),
            luts: count(row.luts),
            share: format!("{:.1}", percent(row.luts as f64, all as f64)),
            bar: percent(row.luts as f64, largest as f64).to_string(),
            carry: count(row.carry),
            registers: count(row.registers),
            operations: count(row.operations),
            gives: format!("{} in {}", counted(row.values, "value"), counted(row.bits, "bit")),
        }
    }
}

fn differ(outputs: u64) -> String {
    format!("{} {}", counted(outputs, "output"), if outputs == 1 { "differs" } else { "differ" })
}
