//! `nanotrig evaluate MODEL --input X --labels L`: accuracy, and what happened in each quantizer.

use super::model::ModelArguments;
use super::print;
use crate::batch::Batch;
use crate::compiler::{Head, Meaning};
use crate::error::{At, Error, Result};
use crate::fixed::{Fixed, Format, Quantization};
use crate::port::Port;
use crate::samples::{self, Samples, area, predicted};
use crate::tensor::{self, ElementStatistics, Op, Statistics, pick};
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    /// Samples: real values, one row each (.npy, .npz, .csv)
    #[arg(long, value_name = "X")]
    input: PathBuf,
    /// The true classes: integers, or one-hot rows
    #[arg(long, value_name = "L")]
    labels: Option<PathBuf>,
    /// Show only this layer (or input), element by element
    #[arg(long, value_name = "NAME")]
    layer: Option<String>,
}

pub fn run(arguments: &Arguments) -> Result<u8> {
    let (_, meaning) = arguments.model.meaning()?;
    let given = meaning.samples(&arguments.input)?;
    let inputs = meaning.prepared(&given)?;
    let options = tensor::Options { watch: Vec::new(), statistics: true };
    let evaluation = tensor::evaluate(&meaning.expanded.graph, &inputs, &options)?;
    if let Some(labels) = &arguments.labels {
        let outputs = meaning.values(&meaning.codes(&inputs)?)?;
        let score = if arguments.model.reading().head == Head::Argmax { indices } else { accuracy };
        score(&outputs, &samples::labels(labels)?).at(labels.display().to_string())?;
    }
    let heads = ["quantizer", "elements", "overflowed", "of samples"];
    let [name, elements, overflowed, share] = heads;
    print::line(format_args!("{name:<24} {elements:>10} {overflowed:>12} {share:>12}  bits that never moved"))?;
    let mut rows = hosts(&meaning, &given, &inputs);
    rows.extend(evaluation.statistics.iter().filter_map(|statistics| Row::new(&meaning, statistics)));
    show(&rows, arguments.layer.as_deref())?;
    let rounded: u64 = evaluation.float_sums.iter().map(|(_, count)| count).sum();
    if rounded > 0 {
        print::line(format_args!("{rounded} sums would have rounded in float32; ours are exact"))?;
    }
    Ok(0)
}

/// A quantizer: its name, and each element's format and what happened to it.
struct Row {
    name: String,
    samples: u64,
    elements: Vec<(Format, ElementStatistics)>,
}

impl Row {
    fn new(meaning: &Meaning, statistics: &Statistics) -> Option<Row> {
        let graph = &meaning.expanded.graph;
        let node = graph.node(statistics.node);
        let Op::Quantize { elements } = &node.op else { return None };
        let formats = (0..node.len()).map(|element| pick(elements, element, &node.shape).format);
        let elements = formats.zip(statistics.elements.iter().copied()).collect();
        // The layer by the network's own name, of which the graph's is a legal form.
        let legal = graph.layer_of(statistics.node);
        let own = meaning.expanded.values.iter().find(|(_, id)| graph.layer_of(*id) == legal);
        let name = own.map_or(legal, |(name, _)| name.as_str()).into();
        Some(Row { name, samples: statistics.samples, elements })
    }

    fn print(&self) -> Result<()> {
        let overflowed: u64 = self.elements.iter().map(|(_, seen)| seen.overflowed).sum();
        let bits: u32 = self.elements.iter().map(|(format, _)| format.width).sum();
        let still: usize = self.elements.iter().map(|(format, seen)| seen.still(format.width).len()).sum();
        let count = self.elements.len();
        let share = 100.0 * overflowed as f64 / (self.samples.max(1) * count.max(1) as u64) as f64;
        let name = &self.name;
        print::line(format_args!("{name:<24} {count:>10} {overflowed:>12} {share:>11.3}%  {still} of {bits}"))
    }

    fn print_elements(&self) -> Result<()> {
        for (element, (format, seen)) in self.elements.iter().enumerate() {
            let (still, overflowed) = (seen.still(format.width), seen.overflowed);
            print::line(format_args!(
                "  [{element}] {format}: codes {} to {}, {overflowed} overflowed, still {still:?}",
                seen.min, seen.max
            ))?;
        }
        Ok(())
    }
}

/// The host's quantizers: what samples lose on the way into the input ports.
fn hosts(meaning: &Meaning, given: &Samples, inputs: &Batch) -> Vec<Row> {
    let mut start = 0;
    let row = |port: &Port| {
        let element = |(at, to): (usize, &Quantization)| {
            let unbounded = Quantization { format: Format { signed: true, width: 100, ..to.format }, ..*to };
            let mut seen = ElementStatistics::NONE;
            for row in 0..inputs.rows() {
                let (value, code) = (Fixed::from_f64(given.row(row)[start + at]), inputs.row(row)[start + at]);
                seen.see(code, value.and_then(|value| unbounded.code(value)) != Some(code));
            }
            (to.format, seen)
        };
        let elements = port.elements.iter().enumerate().map(element).collect();
        start += port.elements.len();
        Row { name: format!("{} (host)", port.name), samples: inputs.rows() as u64, elements }
    };
    meaning.given_inputs().iter().map(row).collect()
}

fn show(rows: &[Row], layer: Option<&str>) -> Result<()> {
    let Some(layer) = layer else {
        return rows.iter().try_for_each(Row::print);
    };
    let name = |row: &Row| row.name.trim_end_matches(" (host)").to_string();
    let mut meant = rows.iter().filter(|row| name(row) == layer).peekable();
    if meant.peek().is_none() {
        let known: Vec<String> = rows.iter().map(name).collect();
        let what = format!("--layer: no quantizer belongs to a layer called `{layer}`");
        return Err(Error::user(what, format!("known: {}", known.join(", "))));
    }
    meant.try_for_each(|row| {
        row.print()?;
        row.print_elements()
    })
}

fn share(right: usize, all: usize) -> Result<()> {
    print::line(format_args!("accuracy {:.4} ({right} of {all})", right as f64 / all.max(1) as f64))
}

/// The accuracy of outputs that are class indices.
fn indices(outputs: &Samples, labels: &[usize]) -> Result<()> {
    if labels.len() != outputs.rows() || outputs.columns != 1 {
        let what = format!("{} labels for {} samples of {} outputs", labels.len(), outputs.rows(), outputs.columns);
        return Err(Error::user(what, "give one label for each sample of a network with one output"));
    }
    let right = labels.iter().enumerate().filter(|(row, label)| outputs.row(*row)[0] == **label as f64).count();
    share(right, labels.len())
}

fn accuracy(outputs: &Samples, labels: &[usize]) -> Result<()> {
    if labels.len() != outputs.rows() {
        let what = format!("{} labels for {} samples", labels.len(), outputs.rows());
        return Err(Error::user(what, "give one label for each sample"));
    }
    if let Some(label) = labels.iter().find(|label| **label >= outputs.columns.max(2)) {
        let what = format!("label {label}, but the network has {} outputs", outputs.columns);
        return Err(Error::user(what, "labels count from 0"));
    }
    let classes = outputs.columns;
    let right = labels.iter().enumerate().filter(|(row, label)| predicted(outputs.row(*row)) == **label).count();
    share(right, labels.len())?;
    for class in if classes == 1 { 1..2 } else { 0..classes } {
        let score = |row: usize| outputs.row(row)[class.min(classes - 1)];
        match area(labels, class, score) {
            Some(area) => print::line(format_args!("  class {class}: ROC AUC {area:.4}"))?,
            None => {
                print::line(format_args!("  class {class}: ROC AUC undefined (all samples in or out of the class)"))?;
            }
        }
    }
    Ok(())
}
