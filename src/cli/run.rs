//! `nanotrig run MODEL --input X --output Y`: exact outputs, without any FPGA tool.

use super::model::ModelArguments;
use super::print;
use crate::compiler::{Level, Making, Meaning, hardware};
use crate::error::{At, Error, Result};
use crate::fixed::{Format, Quantization};
use crate::port::Port;
use crate::reuse;
use crate::samples::{self, Samples};
use crate::tensor;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::time::Instant;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    /// Samples: real values, one row each (.npy, .npz, .csv)
    #[arg(long, value_name = "X")]
    input: PathBuf,
    /// Where the outputs go (.npy, .npz, .csv)
    #[arg(long, value_name = "Y")]
    output: PathBuf,
    /// The level that evaluates
    #[arg(long, value_enum, default_value_t = LevelArgument::Tensor)]
    level: LevelArgument,
    /// Give the values of this layer (or input) instead of the outputs
    #[arg(long, value_name = "NAME")]
    layer: Option<String>,
}

#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
enum LevelArgument {
    /// Tensors of codes
    Tensor,
    /// The optimised dataflow graph
    Dfg,
    /// The circuit
    Netlist,
}

pub fn run(arguments: &Arguments) -> Result<u8> {
    let (_, meaning) = arguments.model.meaning()?;
    let inputs = meaning.inputs(&arguments.input)?;
    if let Some(layer) = &arguments.layer {
        if arguments.level != LevelArgument::Tensor {
            return Err(Error::user("--layer shows values of the tensor level only", "leave --level away"));
        }
        let (port, values) = inner(&meaning, layer, &inputs)?;
        samples::write(&arguments.output, &[port], &values)?;
        return Ok(0);
    }
    let start = Instant::now();
    let (codes, seconds) = match arguments.level {
        LevelArgument::Tensor => (meaning.codes(&inputs)?, start.elapsed().as_secs_f64()),
        level => {
            let place = arguments.model.model.display().to_string();
            // At this clock a state may take several to come round.
            let interval = if meaning.states() > 0 { reuse::MOST } else { 1 };
            let making = Making { interval, ..Making::default() };
            let hardware = hardware(&meaning.dfg, &making, |_, _| ()).at(place)?;
            let level = if level == LevelArgument::Dfg { Level::Dfg } else { Level::Netlist };
            let start = Instant::now();
            (hardware.codes(level, &inputs)?, start.elapsed().as_secs_f64())
        }
    };
    samples::write(&arguments.output, &meaning.given_outputs(), &meaning.values(&codes)?)?;
    let rate = inputs.rows() as f64 / seconds.max(1e-9);
    let (rows, to) = (inputs.rows(), arguments.output.display());
    print::note(format_args!("{rows} samples, {rate:.0} a second -> {to}"));
    Ok(0)
}

/// The values of one layer, as a port that has room for them.
fn inner(meaning: &Meaning, layer: &str, inputs: &crate::batch::Batch) -> Result<(Port, Samples)> {
    let values = &meaning.expanded.values;
    let Some((_, id)) = values.iter().find(|(name, _)| name == layer) else {
        let known: Vec<&str> = values.iter().map(|(name, _)| name.as_str()).collect();
        return Err(Error::user(format!("no layer is called `{layer}`"), format!("known: {}", known.join(", "))));
    };
    let options = tensor::Options { watch: vec![*id], statistics: false };
    let evaluation = tensor::evaluate(&meaning.expanded.graph, inputs, &options)?;
    let value = &evaluation.watched[0];
    let wide = || Error::user(format!("a value of layer `{layer}` has more than 53 bits"), "look at an earlier layer");
    let mut samples = Samples { columns: value.columns(), data: Vec::new() };
    for row in 0..inputs.rows() {
        for element in 0..value.columns() {
            samples.data.push(value.number(row, element).and_then(|number| number.to_f64()).ok_or_else(wide)?);
        }
    }
    let any = Quantization::plain(Format { signed: true, width: 64, lsb: 0 });
    Ok((
        Port { name: layer.into(), shape: value.shape().to_vec(), elements: vec![any; value.columns()], state: false },
        samples,
    ))
}
