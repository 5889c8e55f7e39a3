//! Samples with their targets.

use super::loss::gaussian_outputs;
use super::recipe::{DataRecipe, Loss, Names, Source, Validation};
use super::score::outputs;
use crate::error::{At, Error, Result};
use crate::host::Host;
use crate::network::Network;
use crate::port::Port;
use crate::random::Random;
use crate::samples::tables::{Table, table};
use crate::samples::{self, Samples};
use crate::tensor::Graph;
use std::path::Path;

/// Samples, and what a network should make of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// The values of the input ports, as the user has them.
    pub inputs: Samples,
    /// As many targets.
    pub targets: Targets,
}

/// What a network should make of samples.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// The class of each.
    Classes {
        /// Their numbers.
        classes: Vec<usize>,
        /// A teacher's probabilities of all classes.
        soft: Option<Samples>,
    },
    /// The values of the outputs for each.
    Values(Samples),
}

/// Samples that are trained on, and samples that are not.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// Trained on.
    pub train: Data,
    /// They choose the best epoch.
    pub validation: Data,
    /// They have no part in the training.
    pub test: Option<Data>,
}

impl Split {
    /// Reads what a recipe names, in files beside it.
    ///
    /// # Errors
    /// A file cannot be read, or lacks what the recipe asks of it.
    pub fn read(recipe: &DataRecipe, loss: &Loss, seed: u64, folder: &Path) -> Result<Split> {
        let read = |file: &str, inputs: &Names, targets: &Names, probabilities: &Names| {
            let path = folder.join(file);
            let table = table(&path)?;
            let data = Data::of(&table, &inputs.list(), &targets.list(), loss);
            data.and_then(|data| data.taught(&table, &probabilities.list())).at(path.display().to_string())
        };
        let own = |file: &str| read(file, &recipe.inputs, &recipe.targets, &recipe.probabilities);
        let train = own(&recipe.train)?;
        let split = match &recipe.validation {
            Validation::Share(share) => train.split(*share, seed)?,
            Validation::File(file) => Split { train, validation: own(file)?, test: None },
        };
        let test = |test: &Source| read(&test.file, &test.inputs, &test.targets, &Names::default());
        let test = recipe.test.as_ref().map(test).transpose()?;
        Ok(Split { test, ..split })
    }
}

impl Split {
    /// Adds the probabilities that a teacher gives to all classes, by the integer evaluator: the softmax of its outputs
    /// (before a softmax of its own) divided by a temperature.
    ///
    /// # Errors
    /// The samples do not suit the teacher, or have no classes.
    pub fn teach(&mut self, teacher: &Network, temperature: f64) -> Result<()> {
        for data in [&mut self.train, &mut self.validation] {
            let outputs = outputs(teacher, data)?;
            let columns = outputs.first().map_or(0, Vec::len);
            let Targets::Classes { classes, soft } = &mut data.targets else {
                return Err(Error::user("targets are values", "a teacher gives probabilities of classes"));
            };
            if classes.iter().any(|class| *class >= columns) {
                let what = format!("it has {columns} outputs, and there are more classes");
                return Err(Error::user(what, "take a teacher of the same classes, in the same order"));
            }
            let probabilities = outputs.iter().flat_map(|row| softmax(row, temperature)).collect();
            *soft = Some(Samples { columns, data: probabilities });
        }
        Ok(())
    }
}

/// `exp(x / t)`, normalised.
fn softmax(row: &[f64], temperature: f64) -> Vec<f64> {
    let greatest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = row.iter().map(|x| ((x - greatest) / temperature).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

impl Data {
    /// The inputs and targets of a table.
    ///
    /// # Errors
    /// An array is missing, or holds what the loss has no use for.
    pub fn of(table: &Table, inputs: &[String], targets: &[String], loss: &Loss) -> Result<Data> {
        // Where nothing is said, all that is not a target is an input.
        let others =
            || table.arrays.iter().map(|(name, _)| name.clone()).filter(|name| !targets.contains(name)).collect();
        let inputs = table.samples(&if inputs.is_empty() { others() } else { inputs.to_vec() })?;
        let targets = match targets {
            [one] if loss.has_classes() => Targets::Classes { classes: table.classes(one)?, soft: None },
            _ if loss.has_classes() => {
                let what = format!("there are {} arrays of targets for one class", targets.len());
                return Err(Error::user(what, "name the one array or column of classes in `targets`"));
            }
            names => Targets::Values(table.samples(names)?),
        };
        Ok(Data { inputs, targets })
    }

    /// With the probabilities of a teacher from the same table, if any are named.
    fn taught(mut self, table: &Table, probabilities: &[String]) -> Result<Data> {
        match &mut self.targets {
            _ if probabilities.is_empty() => {}
            Targets::Classes { soft, .. } => *soft = Some(table.samples(probabilities)?),
            Targets::Values(_) => {
                let what = "`probabilities` are of classes, and the targets are values";
                return Err(Error::user(what, "use the loss distillation"));
            }
        }
        Ok(self)
    }

    /// Samples.
    pub fn rows(&self) -> usize {
        self.inputs.rows()
    }

    /// The samples of some rows.
    pub fn select(&self, rows: &[usize]) -> Data {
        let pick = |samples: &Samples| Samples {
            columns: samples.columns,
            data: rows.iter().flat_map(|row| samples.row(*row).iter().copied()).collect(),
        };
        let targets = match &self.targets {
            Targets::Classes { classes, soft } => Targets::Classes {
                classes: rows.iter().map(|row| classes[*row]).collect(),
                soft: soft.as_ref().map(pick),
            },
            Targets::Values(values) => Targets::Values(pick(values)),
        };
        Data { inputs: pick(&self.inputs), targets }
    }

    /// A random share for validation, and the rest.
    ///
    /// # Errors
    /// One of the two would be empty.
    pub fn split(&self, share: f64, seed: u64) -> Result<Split> {
        let order = Random::new(seed).order(self.rows());
        let count = (self.rows() as f64 * share).round() as usize;
        if count == 0 || count >= self.rows() {
            let what =
                format!("{} samples leave nothing to train or to validate on, with a share of {share}", self.rows());
            return Err(Error::user(what, "give more samples, or another share"));
        }
        Ok(Split { train: self.select(&order[count..]), validation: self.select(&order[..count]), test: None })
    }

    /// Do the samples suit a network and a loss?
    ///
    /// # Errors
    /// What does not suit.
    pub fn check(&self, graph: &Graph, loss: &Loss) -> Result<()> {
        if self.rows() == 0 {
            return Err(Error::user("there are no samples", "give some"));
        }
        let [(_, output)] = graph.outputs.as_slice() else {
            let what = format!("the network has {} outputs", graph.outputs.len());
            return Err(Error::user(what, "train a network with one output"));
        };
        let outputs = graph.node(*output).len();
        let targets = match &self.targets {
            Targets::Classes { classes, soft } if loss.has_classes() => {
                if let Some((row, class)) = classes.iter().enumerate().find(|(_, class)| **class >= outputs) {
                    let what = format!("row {row} has the label {class}, and the network {outputs} outputs");
                    return Err(Error::user(what, "labels count from 0; the network has an output for each"));
                }
                if let Some(columns) = soft.as_ref().map(|soft| soft.columns).filter(|columns| *columns != outputs) {
                    let what =
                        format!("a teacher has probabilities of {columns} classes, and the network {outputs} outputs");
                    return Err(Error::user(what, "both have the same classes, in the same order"));
                }
                classes.len()
            }
            Targets::Values(values) if !loss.has_classes() => {
                let wanted = if *loss == Loss::GaussianNll { gaussian_outputs(values.columns) } else { values.columns };
                if wanted != outputs {
                    let what =
                        format!("{} targets are {wanted} outputs, and the network has {outputs}", values.columns);
                    return Err(Error::user(
                        what,
                        "a mean squared error takes one output for each target, n targets of a normal \
                         distribution n (n + 3) / 2",
                    ));
                }
                values.rows()
            }
            Targets::Classes { .. } => return Err(Error::user("targets are classes", "use the loss cross_entropy")),
            Targets::Values(_) => {
                return Err(Error::user("targets are values", "use the loss mean_squared, or give class numbers"));
            }
        };
        if targets != self.rows() {
            let what = format!("there are {targets} targets for {} samples", self.rows());
            return Err(Error::user(what, "give a target for each sample"));
        }
        Ok(())
    }

    /// The values that a network's ports carry, each `[samples, ..]`: the host's part is done. Those that are `raw` are left as
    /// they are before the port's quantizers.
    ///
    /// # Errors
    /// The samples do not fit the ports.
    pub fn values(&self, ports: &[Port], hosts: &[Host], raw: impl Fn(usize) -> bool) -> Result<Vec<tch::Tensor>> {
        let given = samples::apply(&self.inputs, ports, hosts)?;
        let codes = samples::codes(&given, ports)?;
        let (rows, columns) = (codes.rows(), given.columns);
        let mut first = 0;
        let one = |(at, port): (usize, &Port)| {
            let steps: Vec<f64> = port.elements.iter().map(|q| 2f64.powi(q.format.lsb)).collect();
            let length: usize = port.shape.iter().product();
            let value = |row: usize, element: usize| {
                let place = row * columns + first + element;
                match raw(at) {
                    true => given.data[place] as f32,
                    false => (codes.data[place] as f64 * steps[element % steps.len()]) as f32,
                }
            };
            let values: Vec<f32> = (0..rows * length).map(|place| value(place / length, place % length)).collect();
            first += length;
            let shape: Vec<i64> = [&[rows], port.shape.as_slice()].concat().iter().map(|n| *n as i64).collect();
            tch::Tensor::from_slice(&values).view(shape.as_slice())
        };
        Ok(ports.iter().enumerate().map(one).collect())
    }
}
