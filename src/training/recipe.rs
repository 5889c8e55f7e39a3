//! Recipes: what is trained on what, as TOML.
//!
//! ```toml
//! network = "network.toml"            # any file that nanotrig reads; layers without weights get random ones
//! epochs = 50
//! batch = 1024
//! seed = 1                            # the same seed gives the same weights on the same machine
//!
//! [data]
//! train = "jets.npz"                  # .npz, HDF5, Parquet or .csv
//! inputs = "x"                        # an array, or a list of columns
//! targets = "y"
//! probabilities = "p"                 # a teacher's, for the loss `distillation`
//! validation = 0.2                    # a share of `train`, or another file with these arrays
//! test = { file = "jets.npz", inputs = "x_test", targets = "y_test" }
//! standardise = 5                     # the network standardises features by itself, with so many fraction bits
//!
//! [loss]
//! kind = "cross_entropy"
//!
//! [optimizer]
//! kind = "adam"
//! rate = 0.002
//! schedule = "cosine"
//! ```

mod optimizer;

pub use optimizer::{Method, Optimizer, Schedule};

use crate::error::{Error, Result};
use serde::Deserialize;

/// A recipe.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recipe {
    /// The network's file, beside the recipe; unused by the library.
    pub network: String,
    /// The most times that the training samples are seen.
    pub epochs: usize,
    /// Samples a step.
    pub batch: usize,
    /// Of weights, order and draws.
    pub seed: u64,
    /// Threads that libtorch uses; 1 is fastest for small networks.
    pub threads: usize,
    /// Epochs without a better validation loss after which training stops; never, if not given.
    pub patience: Option<usize>,
    /// Where samples come from.
    pub data: DataRecipe,
    /// What is made small.
    pub loss: Loss,
    /// How.
    pub optimizer: Optimizer,
    /// `l1 * sum |w|` over all kernels is added to the loss.
    pub l1: f64,
    /// What the effective bit operations of learned formats cost.
    pub ebops: Penalty,
    /// How many networks between the smallest and the most accurate are written, none of which another epoch beats.
    pub front: Option<usize>,
    /// Weights that become 0, if any.
    pub pruning: Option<Pruning>,
    /// All formats of a network that has them are learned, beginning as they are; weights have so many fraction bits more.
    pub learn: Option<i32>,
    /// The shares of all steps between which quantizers are turned on, from not at all to whole; whole from the start if not given.
    pub ramp: Option<[f64; 2]>,
}

/// What is added to the loss for each effective bit operation: it rises from the first to the last number, in equal factors.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(untagged)]
pub enum Penalty {
    /// The same all the time.
    Constant(f64),
    /// From, to.
    Rising([f64; 2]),
}

/// Where samples come from.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataRecipe {
    /// The file of training samples.
    pub train: String,
    /// The array of inputs, or columns.
    pub inputs: Names,
    /// The array of targets, or columns: classes, or values for each output.
    pub targets: Names,
    /// The array of a teacher's probabilities of all classes, or columns, for the loss `distillation`.
    pub probabilities: Names,
    /// A share of the training samples, or a file like `train`.
    pub validation: Validation,
    /// Samples that have no part in the training, for a last score.
    pub test: Option<Source>,
    /// Features are standardised by the network itself, with so many fraction bits: see [`super::standardise()`].
    pub standardise: Option<i32>,
}

/// A file of samples with its own arrays.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The file.
    pub file: String,
    /// As [`DataRecipe::inputs`].
    pub inputs: Names,
    /// As [`DataRecipe::targets`].
    pub targets: Names,
}

/// One array, or several side by side.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Names {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

/// Samples on which nothing is trained.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Validation {
    /// So much of the training samples, drawn with the seed.
    Share(f64),
    /// A file of their own.
    File(String),
}

/// What is made small.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Loss {
    /// The mean of `-log softmax(outputs)[class]`; `smoothing` goes to all classes alike.
    CrossEntropy {
        /// The share that every class gets, right or wrong.
        #[serde(default)]
        smoothing: f64,
    },
    /// The mean of `(output - target)^2`.
    MeanSquared,
    /// The mean of minus the logarithm of a normal distribution, of which the outputs are mean and Cholesky factor.
    GaussianNll,
    /// The cross entropy with the probabilities that a teacher gives, and with the classes.
    Distillation {
        /// The teacher's file, beside the recipe; none where the data have its probabilities.
        #[serde(default)]
        teacher: Option<String>,
        /// What both networks' outputs are divided by before the softmax.
        #[serde(default = "one")]
        temperature: f64,
        /// The teacher's part of the loss.
        #[serde(default = "one")]
        share: f64,
    },
}

fn one() -> f64 {
    1.0
}

impl Default for Loss {
    fn default() -> Loss {
        Loss::CrossEntropy { smoothing: 0.0 }
    }
}

impl Loss {
    /// Are targets classes?
    pub fn has_classes(&self) -> bool {
        matches!(self, Loss::CrossEntropy { .. } | Loss::Distillation { .. })
    }
}

/// Weights that become 0.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Pruning {
    /// The share of each kernel's weights that are 0 in the end.
    pub sparsity: f64,
    /// The share of all steps at which pruning begins.
    #[serde(default)]
    pub from: f64,
    /// The share of all steps from which the zeros stay as they are.
    #[serde(default = "most")]
    pub to: f64,
    /// Steps from one choice of zeros to the next.
    #[serde(default = "hundred")]
    pub every: usize,
}

fn most() -> f64 {
    0.7
}

fn hundred() -> usize {
    100
}

impl Default for Recipe {
    fn default() -> Recipe {
        Recipe {
            network: String::new(),
            epochs: 10,
            batch: 1024,
            seed: 1,
            threads: 1,
            patience: None,
            data: DataRecipe::default(),
            loss: Loss::default(),
            optimizer: Optimizer::default(),
            l1: 0.0,
            ebops: Penalty::Constant(0.0),
            front: None,
            pruning: None,
            ramp: None,
            learn: None,
        }
    }
}

impl Default for Names {
    fn default() -> Names {
        Names::Several(Vec::new())
    }
}

impl Names {
    /// As a list.
    pub fn list(&self) -> Vec<String> {
        match self {
            Names::One(name) => vec![name.clone()],
            Names::Several(names) => names.clone(),
        }
    }
}

impl Default for Validation {
    fn default() -> Validation {
        Validation::Share(0.2)
    }
}

impl Penalty {
    /// The penalty at a share of all steps from 0 to 1.
    pub fn at(self, share: f64) -> f64 {
        match self {
            Penalty::Constant(penalty) => penalty,
            Penalty::Rising([from, to]) => from * (to / from).powf(share),
        }
    }

    fn is_sound(self) -> bool {
        match self {
            Penalty::Constant(penalty) => penalty >= 0.0 && penalty.is_finite(),
            Penalty::Rising(ends) => ends.iter().all(|end| *end > 0.0 && end.is_finite()),
        }
    }
}

impl Pruning {
    fn is_sound(&self) -> bool {
        (0.0..1.0).contains(&self.sparsity)
            && 0.0 <= self.from
            && self.from < self.to
            && self.to <= 1.0
            && self.every > 0
    }
}

impl Recipe {
    /// How far quantizers are turned on at a share of all steps: QKeras' `qnoise_factor`, `1 - ((to - t) / (to - from))^3`.
    pub fn noise(&self, share: f64) -> f64 {
        let Some([from, to]) = self.ramp else { return 1.0 };
        1.0 - ((to - share) / (to - from)).clamp(0.0, 1.0).powi(3)
    }
}

impl Recipe {
    /// Reads a recipe.
    ///
    /// # Errors
    /// It is no TOML, has unknown keys, or numbers that make no sense.
    pub fn parse(text: &str) -> Result<Recipe> {
        let recipe: Recipe = toml::from_str(text).map_err(|error| {
            Error::user(
                error.to_string().trim_end().replace('\n', "\n  "),
                "correct the recipe; see `training::recipe`",
            )
        })?;
        recipe.check()?;
        Ok(recipe)
    }

    /// Numbers that make sense.
    ///
    /// # Errors
    /// The first that does not.
    pub fn check(&self) -> Result<()> {
        let wrong = |name: &str, value: &dyn std::fmt::Display, help: &str| {
            Err(Error::user(format!("`{name}` is {value}"), format!("give {help}")))
        };
        match self {
            _ if self.epochs == 0 => wrong("epochs", &self.epochs, "at least 1"),
            _ if self.batch == 0 => wrong("batch", &self.batch, "at least 1"),
            _ if !(self.optimizer.rate > 0.0 && self.optimizer.rate.is_finite()) => {
                wrong("rate", &self.optimizer.rate, "a positive learning rate, such as 0.001")
            }
            _ if self.optimizer.cycles == 0 => wrong("cycles", &self.optimizer.cycles, "at least 1"),
            _ if !(0.0..1.0).contains(&self.optimizer.momentum) => {
                wrong("momentum", &self.optimizer.momentum, "a number from 0 to below 1")
            }
            _ if self.pruning.as_ref().is_some_and(|pruning| !pruning.is_sound()) => Err(Error::user(
                format!("`pruning` is {:?}", self.pruning),
                "give a sparsity below 1, and 0 <= from < to <= 1",
            )),
            _ if self.ramp.is_some_and(|[from, to]| !(0.0 <= from && from < to && to <= 1.0)) => Err(Error::user(
                format!("`ramp` is {:?}", self.ramp),
                "give shares of the training, such as [0.1, 0.5]",
            )),
            _ if !self.ebops.is_sound() => Err(Error::user(
                format!("`ebops` is {:?}", self.ebops),
                "give a penalty such as 1e-6, or [1e-7, 1e-5] for one that rises",
            )),
            _ if matches!(self.loss, Loss::Distillation { teacher: None, .. })
                && self.data.probabilities.list().is_empty() =>
            {
                Err(Error::user(
                    "the loss `distillation` has no teacher",
                    "name its network as `teacher`, or an array of its `probabilities` in [data]",
                ))
            }
            _ if !(self.l1 >= 0.0 && self.l1.is_finite()) => wrong("l1", &self.l1, "a number that is not negative"),
            _ => Ok(()),
        }
    }
}
