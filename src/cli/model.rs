//! Arguments that say which network is meant, and how it is to be read and made.

use super::print;
use crate::compiler::{Head, Making, Meaning, Reading, WeightStorage, meaning};
use crate::error::{At, Error, Result};
use crate::files;
use crate::frontends;
use crate::multipliers::{Effort, MULTIPLIERS};
use crate::network::Network;
use crate::precision::{self, Precision};
use crate::registry::find;
use crate::reuse;
use crate::schedulers::{Goal, SCHEDULERS};
use crate::targets::TARGETS;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// A network, and what its file leaves open.
#[derive(Args)]
pub struct ModelArguments {
    /// The network: native TOML, Keras, QKeras, HGQ, ONNX or QONNX, tables of DWN or KANELE; `list frontends` says more
    pub model: PathBuf,
    /// The weights of a Keras .json; NAME_weights.h5 beside it if not given
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// hls4ml's types: its YAML configuration, or the typedefs of a firmware as JSON
    #[arg(long, value_name = "FILE")]
    precision: Option<PathBuf>,
    /// An input's format where the network has none: fixed<16,6,TRN,WRAP>, ufixed<..>, u8; with u8/255, values are
    /// pixel/255, and files of the pixels' own integers are taken too
    #[arg(long, value_name = "[NAME=]FORMAT")]
    input_format: Vec<String>,
    /// A format that the outputs are cast to
    #[arg(long, value_name = "FORMAT")]
    output_format: Option<String>,
    /// The outputs of a classifier: what goes into a trailing softmax; the softmax in hardware, which needs
    /// --output-format; or the index of the greatest
    #[arg(long, value_enum)]
    head: Option<HeadArgument>,
}

#[derive(Clone, Copy, ValueEnum)]
enum HeadArgument {
    Logits,
    Softmax,
    Argmax,
}

impl ModelArguments {
    /// Reads the file.
    pub fn network(&self) -> Result<Network> {
        let network = frontends::read(&self.model, self.weights.as_deref())?;
        let Some(file) = &self.precision else { return Ok(network) };
        let place = file.display().to_string();
        let text = String::from_utf8(files::read(file)?)
            .map_err(|_| Error::user("is no text", "give hls4ml's YAML configuration").at(&place))?;
        let precision = Precision::parse(&text).at(&place)?;
        let network = precision::apply(&network, &precision).at(&place)?;
        network.validate().at(place)?;
        Ok(network)
    }

    /// How it is to be read.
    pub fn reading(&self) -> Reading {
        let format = |text: &String| match text.split_once('=') {
            Some((name, format)) => (Some(name.to_string()), format.to_string()),
            None => (None, text.clone()),
        };
        Reading {
            input_formats: self.input_format.iter().map(format).collect(),
            output_format: self.output_format.clone(),
            head: match self.head {
                None => Head::Full,
                Some(HeadArgument::Logits) => Head::Logits,
                Some(HeadArgument::Softmax) => Head::Softmax,
                Some(HeadArgument::Argmax) => Head::Argmax,
            },
            weights: WeightStorage::Constant,
            max_operations: None,
        }
    }

    /// Reads the network and expands it; notes go to standard error.
    pub fn meaning(&self) -> Result<(Network, Meaning)> {
        self.expanded(self.reading())
    }

    /// The same, read so.
    pub fn expanded(&self, reading: Reading) -> Result<(Network, Meaning)> {
        let network = self.network()?;
        let meaning = meaning(&network, &reading).at(self.model.display().to_string())?;
        meaning.expanded.notes.iter().for_each(|note| print::note(format_args!("note: {note}")));
        Ok((network, meaning))
    }
}

/// How hardware is to be made.
#[derive(Args)]
pub struct MakingArguments {
    /// The target device
    #[arg(long, default_value = "generic")]
    pub target: String,
    /// The clock in MHz; 200 if neither clock, stages nor latency is given
    #[arg(long, value_name = "MHZ", conflicts_with = "period")]
    clock: Option<f64>,
    /// The clock period in ns
    #[arg(long, value_name = "NS")]
    period: Option<f64>,
    /// Registers from input port to output port; without a clock, at the shortest period
    #[arg(long, value_name = "N", conflicts_with = "latency")]
    stages: Option<u32>,
    /// The time that the answer may take in ns, from input port to output port; without a clock, at the fastest one
    #[arg(long, value_name = "NS")]
    latency: Option<f64>,
    /// A synchronous reset port that drops every event in flight
    #[arg(long)]
    reset: bool,
    /// Clocks from event to event, at least: with more than one, constant matrices take their inputs digit by digit and are
    /// smaller; or, of a network with states, these have so many to come round
    #[arg(long, value_name = "K", default_value_t = 1)]
    interval: u32,
    /// How long to search for a small circuit: high takes many times as long, for a few percent
    #[arg(long, value_enum, default_value_t = EffortArgument::Default)]
    effort: EffortArgument,
    /// How constant matrices are multiplied
    #[arg(long, default_value = "shift-add", hide = true)]
    multiplier: String,
    /// How stages are chosen
    #[arg(long, default_value = "min-registers", hide = true)]
    scheduler: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum EffortArgument {
    Fast,
    Default,
    High,
}

impl MakingArguments {
    /// Looks the names up and works out the goal.
    pub fn making(&self) -> Result<Making> {
        if !(1..=reuse::MOST).contains(&self.interval) {
            let help = format!("use 1 to {} clocks from event to event", reuse::MOST);
            return Err(Error::user(format!("--interval {}: out of range", self.interval), help));
        }
        Ok(Making {
            target: (find("target", TARGETS, &self.target)?.make)(),
            multiplier: find("multiplier", MULTIPLIERS, &self.multiplier)?.make,
            scheduler: find("scheduler", SCHEDULERS, &self.scheduler)?.make,
            goal: self.goal()?,
            reset: self.reset,
            interval: self.interval,
            effort: match self.effort {
                EffortArgument::Fast => Effort::Fast,
                EffortArgument::Default => Effort::Default,
                EffortArgument::High => Effort::High,
            },
            ..Making::default()
        })
    }

    fn goal(&self) -> Result<Goal> {
        let asked = match (self.clock, self.period) {
            (Some(clock), _) => {
                Some(picoseconds(1e6 / clock, &format!("--clock {clock}"), "a clock between 0.001 and 10000 MHz")?)
            }
            (_, Some(period)) => Some(nanoseconds(period, "--period")?),
            _ => None,
        };
        if let Some(stages) = self.stages.filter(|stages| !(1..=MOST_STAGES).contains(stages)) {
            let help = format!("use 1 to {MOST_STAGES} stages; the output register is one");
            return Err(Error::user(format!("--stages {stages}: out of range"), help));
        }
        let latency = self.latency.map(|latency| nanoseconds(latency, "--latency")).transpose()?;
        let given = asked.is_some() || self.stages.is_some() || latency.is_some();
        Ok(Goal {
            period: if given { asked } else { Some(DEFAULT_PERIOD) },
            stages: self.stages,
            latency,
            ..Goal::default()
        })
    }
}

/// 200 MHz.
const DEFAULT_PERIOD: u32 = 5000;
/// More registers than any network needs.
const MOST_STAGES: u32 = 10_000;

fn nanoseconds(value: f64, option: &str) -> Result<u32> {
    picoseconds(1000.0 * value, &format!("{option} {value}"), "a time between 0.1 and 1000000 ns")
}

fn picoseconds(value: f64, option: &str, help: &str) -> Result<u32> {
    if (100.0..=1e9).contains(&value) {
        return Ok(value.round() as u32);
    }
    Err(Error::user(format!("{option}: out of range"), format!("give {help}")))
}
