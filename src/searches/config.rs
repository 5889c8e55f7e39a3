//! The table `[search]` of a recipe: AutoQKeras' configuration, key by key.
//!
//! ```toml
//! [search]
//! mode = "random"                     # or bayesian, hyperband
//! max_trials = 60
//! seed = 1
//! epochs = 20                         # of each trial
//! tune_filters = "layer"              # one width multiplier a layer; "block": one for all; "none"
//! tune_filters_exceptions = "output"  # layers, by a regular expression, whose width stays
//! transfer_weights = false            # trials start from the network's weights
//! layer_indexes = [1, 2, 3]           # counted from the inputs on; all layers if left out
//! blocks = ["dense_1.*", "dense_2.*"] # quantized one after the other
//! schedule_block = "sequential"       # or "cost": the dearest first
//!
//! [search.goal]
//! type = "bits"                       # or energy, ebops, luts, latency
//! params = { delta_p = 8, delta_n = 8, rate = 2, stress = 1 }
//!
//! [search.limit]                      # by Keras class or by a regular expression on the layer's name; others stay as they are
//! Dense = [4, 8, 4]                   # the most bits of kernel, bias, activation; or lists of quantizers
//! Activation = [4]
//! ```
//!
//! `quantization_config` has the pools: quantizers with their bits for `kernel`, `bias`, `activation` and `linear`; AutoQKeras'
//! own if left out. A pattern of `limit` is tried on the names in the order of the file, and layers that share one share
//! their choices. `AutoQKeras`' keys about Keras itself (`output_dir`, `overwrite`, `distribution_strategy`, ..) are taken and
//! mean nothing here.

use crate::error::Error;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// The configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The tuner, by name.
    pub mode: String,
    /// Trials, of all blocks together; hyperband has its own number.
    pub max_trials: u64,
    /// Of the tuner and of every trial.
    pub seed: u64,
    /// Of each trial; 10 if left out. Hyperband gives the best candidates that many.
    pub epochs: Option<u32>,
    /// What is made small beside the metric.
    pub goal: Goal,
    /// Pools of quantizers.
    pub quantization_config: Pools,
    /// Which layers, and how many bits.
    pub limit: Ordered<Limit>,
    /// Whether widths are tuned.
    pub tune_filters: Tune,
    /// A regular expression of layers whose width stays.
    pub tune_filters_exceptions: Option<String>,
    /// Trials start from the network's weights, where shapes agree.
    pub transfer_weights: bool,
    /// Layers that keep their weights with the learning rate's choice.
    pub frozen_layers: Vec<String>,
    /// The learning rate is chosen, too.
    pub learning_rate_optimizer: bool,
    /// Positions of layers among inputs and layers; all, if left out.
    pub layer_indexes: Option<Vec<usize>>,
    /// Regular expressions that group layers into blocks.
    pub blocks: Vec<String>,
    /// The order of the blocks.
    pub schedule_block: Schedule,
    /// Hyperband: the share of candidates that go on is one in so many.
    pub factor: u32,
    /// A program that trains and scores, instead of nanotrig.
    pub command: Vec<String>,
    /// AutoQKeras' bits of layers that it converts without a choice; here every converted layer has one.
    pub activation_bits: IgnoredAny,
    /// AutoQKeras' folder of results; see `--store`.
    pub output_dir: IgnoredAny,
    /// AutoQKeras' way to start anew; another recipe is another search here.
    pub overwrite: IgnoredAny,
    /// AutoQKeras' dry run.
    pub debug: IgnoredAny,
    /// AutoQKeras' choice among several outputs.
    pub head_name: IgnoredAny,
    /// AutoQKeras' choice among metrics; the score is the objective here.
    pub score_metric: IgnoredAny,
    /// Keras' devices.
    pub distribution_strategy: IgnoredAny,
}

impl Default for Config {
    /// AutoQKeras' own.
    fn default() -> Config {
        Config {
            mode: "random".into(),
            max_trials: 10,
            seed: 0,
            epochs: None,
            goal: Goal::default(),
            quantization_config: BTreeMap::new(),
            limit: Ordered(Vec::new()),
            tune_filters: Tune::None,
            tune_filters_exceptions: None,
            transfer_weights: false,
            frozen_layers: Vec::new(),
            learning_rate_optimizer: false,
            layer_indexes: None,
            blocks: Vec::new(),
            schedule_block: Schedule::Sequential,
            factor: 3,
            command: Vec::new(),
            activation_bits: IgnoredAny,
            output_dir: IgnoredAny,
            overwrite: IgnoredAny,
            debug: IgnoredAny,
            head_name: IgnoredAny,
            score_metric: IgnoredAny,
            distribution_strategy: IgnoredAny,
        }
    }
}

/// What is made small beside the metric.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// A member of [`crate::costs::COSTS`].
    #[serde(rename = "type")]
    pub kind: String,
    /// How.
    #[serde(default)]
    pub params: Params,
}

impl Default for Goal {
    fn default() -> Goal {
        Goal { kind: "bits".into(), params: Params::default() }
    }
}

/// The forgiving factor, and the rules of the cost. Pairs are for the reference and the trials.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// Percent of the metric that a cost `rate` times smaller is forgiven.
    pub delta_p: f64,
    /// Percent that one `rate` times greater is punished by.
    pub delta_n: f64,
    /// The rate.
    pub rate: f64,
    /// The reference is taken for so many times what it is.
    pub stress: f64,
    /// The reference's cost; what a network without quantizers costs, if left out.
    pub reference: Option<f64>,
    /// Bits of an input's element.
    pub input_bits: f64,
    /// Bits of a softmax's element.
    pub output_bits: f64,
    /// Bits of what has no quantizer.
    pub ref_bits: f64,
    /// Which parts of which class count.
    pub config: Option<BTreeMap<String, Vec<String>>>,
    /// The table of energies: horowitz.
    pub process: String,
    /// fixed, sram or dram.
    pub parameters_on_memory: [String; 2],
    /// fixed, sram or dram.
    pub activations_on_memory: [String; 2],
    /// In bits.
    pub min_sram_size: [f64; 2],
    /// Inputs and outputs through DRAM.
    pub rd_wr_on_io: [bool; 2],
    /// The input's type; its format's if left out.
    pub source_quantizers: Option<String>,
    /// Weights are trained when energy is counted.
    pub trained_model: bool,
    /// The type of what has no quantizer: int8, fp16, fp32.
    pub reference_internal: String,
    /// The type of its sums: int16, int32, fp16, fp32.
    pub reference_accumulator: String,
    /// The target of `luts` and `latency`.
    pub target: String,
    /// The clock of `luts` and `latency`, in MHz.
    pub clock: f64,
}

impl Default for Params {
    /// AutoQKeras' own.
    fn default() -> Params {
        let pair = |text: &str| [text.to_string(), text.to_string()];
        Params {
            delta_p: 8.0,
            delta_n: 8.0,
            rate: 2.0,
            stress: 1.0,
            reference: None,
            input_bits: 8.0,
            output_bits: 8.0,
            ref_bits: 8.0,
            config: None,
            process: "horowitz".into(),
            parameters_on_memory: pair("fixed"),
            activations_on_memory: pair("dram"),
            min_sram_size: [0.0; 2],
            rd_wr_on_io: [true; 2],
            source_quantizers: None,
            trained_model: false,
            reference_internal: "fp32".into(),
            reference_accumulator: "fp32".into(),
            target: "generic".into(),
            clock: 200.0,
        }
    }
}

/// Pools by role: quantizers and their bits.
pub type Pools = BTreeMap<String, Ordered<u32>>;

/// Whether widths are tuned.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Tune {
    /// They stay.
    None,
    /// Each layer has a multiplier.
    Layer,
    /// One multiplier for all.
    Block,
}

/// The order of blocks.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// That of the file.
    Sequential,
    /// The dearest first.
    Cost,
}

/// What a role may have.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Choice {
    /// Quantizers of at most so many bits.
    Bits(u32),
    /// These.
    Quantizers(Vec<String>),
}

/// Choices for the roles of a layer: kernel, bias, activation; the last also stands for an activation layer.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Limit {
    /// One for each role.
    Each(Vec<Choice>),
    /// One for all.
    All(Choice),
}

/// A table in the order of its file.
#[derive(Clone, Debug)]
pub struct Ordered<T>(pub Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Ordered<T>, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Ordered<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered<T>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

/// AutoQKeras' pools: `autoqkeras/quantization_config.py`.
const POOLS: &[(&str, &[(&str, u32)])] = &[
    (
        "kernel",
        &[
            ("binary", 1),
            ("stochastic_binary", 1),
            ("ternary", 2),
            ("stochastic_ternary", 2),
            ("quantized_bits(2,1,1,alpha=1.0)", 2),
            ("quantized_bits(4,0,1)", 4),
            ("quantized_bits(8,0,1)", 8),
            ("quantized_po2(4,1)", 4),
        ],
    ),
    ("bias", &[("quantized_bits(4,0,1)", 4), ("quantized_bits(8,3,1)", 8), ("quantized_po2(4,8)", 4)]),
    (
        "activation",
        &[
            ("binary", 1),
            ("binary(alpha='auto_po2')", 1),
            ("ternary", 2),
            ("quantized_relu(3,1)", 3),
            ("quantized_relu(4,2)", 4),
            ("quantized_relu(8,2)", 8),
            ("quantized_relu(8,4)", 8),
            ("quantized_relu(16,8)", 16),
            ("quantized_relu_po2(4,4)", 4),
        ],
    ),
    (
        "linear",
        &[
            ("binary", 1),
            ("ternary", 2),
            ("quantized_bits(4,1)", 4),
            ("quantized_bits(8,2)", 8),
            ("quantized_bits(16,10)", 16),
            ("quantized_po2(6,4)", 6),
        ],
    ),
];

impl Config {
    /// The quantizers of a role, with their bits.
    ///
    /// # Errors
    /// There is no such pool.
    pub fn pool(&self, role: &str) -> crate::error::Result<Vec<(String, u32)>> {
        if let Some(Ordered(entries)) = self.quantization_config.get(role) {
            return Ok(entries.clone());
        }
        let default = POOLS.iter().find(|(name, _)| *name == role).map(|(_, pool)| *pool);
        let owned = |pool: &[(&str, u32)]| pool.iter().map(|(call, bits)| (call.to_string(), *bits)).collect();
        default.map(owned).ok_or_else(|| {
            Error::user(format!("there is no pool `{role}`"), format!("add `quantization_config.{role}`"))
        })
    }
}
