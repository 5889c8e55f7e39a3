//! The training loop.

use super::batch::Batch;
use super::data::{Data, Split};
use super::engine::{Engine, MANY, Mode, Pass};
use super::front::Front;
use super::initialise::initialise;
use super::learn::learn;
use super::loss::{Wanted, loss};
use super::optimizer::State;
use super::parameters::{Entry, values};
use super::prune;
use super::recipe::Recipe;
use super::score::{Score, score};
use crate::error::{Error, Result};
use crate::layers;
use crate::network::{self, Network};
use crate::random::Random;
use std::collections::BTreeMap;
use tch::{Kind, Tensor};

/// A trained network.
pub struct Trained {
    /// The network, with the weights of the best epoch.
    pub network: Network,
    /// What the integer evaluator says of it, on the validation samples.
    pub score: Score,
    /// The same on the test samples, if there are any.
    pub test: Option<Score>,
    /// Every epoch.
    pub history: Vec<Epoch>,
    /// The front, from few bit operations to many, if the recipe asks for one.
    pub front: Vec<Point>,
}

/// One epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// Its number, from 1.
    pub number: usize,
    /// The mean loss on the training samples, while they were trained on.
    pub loss: f64,
    /// The mean loss on the validation samples.
    pub validation_loss: f64,
    /// The share of validation samples in the right class; of classes drawn from a teacher's probabilities, its mean. `None`
    /// where there are no classes.
    pub accuracy: Option<f64>,
    /// The learning rate of its last step.
    pub rate: f64,
    /// The effective bit operations at its end: over all products of all matrix products, bits times bits.
    pub ebops: f64,
}

impl Epoch {
    /// What is to be large: the accuracy, or minus the validation loss.
    pub fn quality(&self) -> f64 {
        self.accuracy.unwrap_or(-self.validation_loss)
    }

    /// As numbers, for a checkpoint.
    fn row(&self) -> [f64; 6] {
        let accuracy = self.accuracy.unwrap_or(f64::NAN);
        [self.number as f64, self.loss, self.validation_loss, accuracy, self.rate, self.ebops]
    }

    /// From these numbers.
    fn of(row: &[f64]) -> Epoch {
        let [number, loss, validation_loss, accuracy, rate, ebops] = [0, 1, 2, 3, 4, 5].map(|at| row[at]);
        let accuracy = Some(accuracy).filter(|accuracy| !accuracy.is_nan());
        Epoch { number: number as usize, loss, validation_loss, accuracy, rate, ebops }
    }
}

/// A network on the front of accuracy and bit operations.
pub struct Point {
    /// The epoch that it is from.
    pub epoch: Epoch,
    /// The network.
    pub network: Network,
    /// What the integer evaluator says of it, on the validation samples.
    pub score: Score,
    /// The same on the test samples, if there are any.
    pub test: Option<Score>,
}

/// What a run needs to go on exactly as if it had not stopped: named arrays, for a file.
pub type Checkpoint = BTreeMap<String, network::Tensor>;

/// Trains a network; layers without weights get random ones. `watch` is told of each epoch.
///
/// # Errors
/// A mistake in the network, data that do not suit it, or a loss that is no number any more.
pub fn train(network: &Network, split: &Split, recipe: &Recipe, watch: &mut dyn FnMut(&Epoch)) -> Result<Trained> {
    let mut run = Run::new(network, split, recipe)?;
    while !run.finished() {
        let epoch = run.epoch()?;
        watch(&epoch);
    }
    run.finish()
}

/// Training under way.
pub struct Run<'a> {
    network: Network,
    engine: Engine,
    split: &'a Split,
    recipe: &'a Recipe,
    train: Batch,
    validation: Batch,
    state: State,
    /// 1 for the weights of kernels, 0 for all others.
    kernels: Tensor,
    /// 0 for pruned weights, 1 for all others.
    mask: Tensor,
    /// How far each number moves in a step, where not all do alike.
    pace: Option<Tensor>,
    /// The least and the greatest that each number may be, if any has such.
    limits: Option<[Tensor; 2]>,
    history: Vec<Epoch>,
    /// The least validation loss, and the parameters that had it.
    best: (f64, Tensor),
    /// Epochs since.
    waited: usize,
    /// Filled in if the recipe asks for it.
    front: Front,
}

impl<'a> Run<'a> {
    /// Begins: layers without weights get random ones.
    ///
    /// # Errors
    /// A mistake in the network or the recipe, or data that do not suit them.
    pub fn new(network: &Network, split: &'a Split, recipe: &'a Recipe) -> Result<Run<'a>> {
        recipe.check()?;
        tch::set_num_threads(i32::try_from(recipe.threads).unwrap_or(1).max(1));
        let network = match recipe.learn {
            Some(spare) => learn(network, spare)?,
            None => network.clone(),
        };
        let network = initialise(&network, recipe.seed)?;
        let engine = Engine::new(&network)?;
        let hosts = layers::expand(&network, &layers::Options::default())?.hosts;
        let tensors = |data: &Data| {
            data.check(&engine.graph, &recipe.loss)?;
            let inputs = data.values(&engine.graph.inputs, &hosts, |port| engine.learns_port(port))?;
            Ok(Batch { inputs, targets: Wanted::new(&data.targets) })
        };
        let (train, validation) = (tensors(&split.train)?, tensors(&split.validation)?);
        let of_kernel = |entry: &Entry| {
            Tensor::full(
                [entry.shape.iter().product::<i64>()],
                f64::from(u8::from(entry.is_kernel())),
                (Kind::Float, tch::Device::Cpu),
            )
        };
        let kernels: Vec<Tensor> = engine.parameters.entries().iter().map(of_kernel).collect();
        if kernels.is_empty() {
            let help = "give its layers quantizers, or leave out their weights";
            return Err(Error::user("the network has nothing that could be trained", help));
        }
        let state = State::new(&engine.parameters.flat);
        let mask = engine.parameters.flat.ones_like();
        let limits = engine.parameters.limits();
        let pace = recipe.learn.map(|_| engine.parameters.pace()).transpose()?;
        let best = (f64::INFINITY, engine.parameters.flat.copy());
        Ok(Run {
            network,
            engine,
            split,
            recipe,
            train,
            validation,
            state,
            kernels: Tensor::cat(&kernels, 0),
            mask,
            pace,
            limits,
            history: Vec::new(),
            best,
            waited: 0,
            front: Front::default(),
        })
    }

    /// Layers with numbers of which none is trained; formats are no numbers.
    pub fn frozen(&self) -> Vec<&str> {
        let trained = |layer: &str| self.engine.parameters.entries().iter().any(|entry| entry.layer == layer);
        let layers = self.network.layers.iter().filter(|layer| !layer.tensors.is_empty() && layer.kind != "quantize");
        layers.map(|layer| layer.name.as_str()).filter(|name| !trained(name)).collect()
    }

    /// Are all epochs done, or has it stopped early?
    pub fn finished(&self) -> bool {
        self.history.len() >= self.recipe.epochs || self.recipe.patience.is_some_and(|patience| self.waited >= patience)
    }

    /// Sees every training sample once.
    ///
    /// # Errors
    /// The loss is no number any more.
    pub fn epoch(&mut self) -> Result<Epoch> {
        let number = self.history.len() + 1;
        let rows = self.train.targets.rows();
        let order = Random::new(self.recipe.seed.wrapping_mul(0x9e37_79b9).wrapping_add(number as u64)).order(rows);
        let order: Vec<i64> = order.into_iter().map(|row| row as i64).collect();
        let order = Tensor::from_slice(&order);
        let samples = self.train.select(&order);
        let steps = rows.div_ceil(self.recipe.batch);
        let (mut sum, mut rate) = (0.0, 0.0);
        for step in 0..steps {
            let start = step * self.recipe.batch;
            let length = self.recipe.batch.min(rows - start);
            let batch = samples.part(start, length);
            let share = ((number - 1) * steps + step) as f64 / (self.recipe.epochs * steps) as f64;
            rate = self.recipe.optimizer.rate_at(share);
            self.prune((number - 1) * steps + step, share);
            sum += self.step(&batch, rate, share)? * length as f64;
            if !sum.is_finite() {
                let what = format!("the loss became NaN or infinite in epoch {number}, step {}", step + 1);
                return Err(Error::user(what, "use a smaller learning rate, or look for extreme values in the data"));
            }
        }
        let (validation_loss, accuracy, ebops) = self.validate()?;
        let epoch = Epoch { number, loss: sum / rows as f64, validation_loss, accuracy, rate, ebops };
        self.history.push(epoch);
        if self.recipe.front.is_some() {
            self.front.offer(&epoch, &self.engine.parameters.flat);
        }
        if validation_loss < self.best.0 {
            self.best = (validation_loss, self.engine.parameters.flat.copy());
            self.waited = 0;
        } else {
            self.waited += 1;
        }
        Ok(epoch)
    }

    /// One step of descent; gives the batch's mean loss.
    fn step(&mut self, batch: &Batch, rate: f64, share: f64) -> Result<f64> {
        let penalty = self.recipe.ebops.at(share);
        let draw = Some(self.recipe.seed.rotate_left(32) ^ self.state.steps as u64);
        let mode = Mode { training: true, count: penalty > 0.0, trace: false, noise: self.recipe.noise(share), draw };
        let pass = self.engine.forward(&batch.inputs, mode)?;
        let loss = loss(&pass.outputs[0], &batch.targets, &self.recipe.loss);
        if penalty > 0.0 {
            (&loss + pass.ebops * penalty).backward()
        } else {
            loss.backward()
        }
        let mut gradient = pass.leaf.grad();
        let flat = &mut self.engine.parameters.flat;
        if self.recipe.l1 > 0.0 {
            gradient += flat.sign() * &self.kernels * self.recipe.l1;
        }
        self.state.step(flat, &gradient, self.pace.as_ref(), &self.kernels, &self.recipe.optimizer, rate);
        if let Some([low, high]) = &self.limits {
            tch::no_grad(|| drop(flat.clamp_tensor_(Some(low), Some(high))));
        }
        if self.recipe.pruning.is_some() {
            tch::no_grad(|| drop(self.engine.parameters.flat.g_mul_(&self.mask)));
        }
        Ok(loss.double_value(&[]))
    }

    /// Chooses the weights that are 0 from here on.
    fn prune(&mut self, step: usize, share: f64) {
        if let Some(pruning) =
            self.recipe.pruning.as_ref().filter(|pruning| {
                step.is_multiple_of(pruning.every) && (pruning.from..=pruning.to + 0.1).contains(&share)
            })
        {
            self.mask = prune::mask(&self.engine.parameters, prune::sparsity(pruning, share));
        }
    }

    /// Mean loss and accuracy on the validation samples, and the bit operations.
    fn validate(&mut self) -> Result<(f64, Option<f64>, f64)> {
        let _guard = tch::no_grad_guard();
        let rows = self.validation.targets.rows();
        let (mut sum, mut right, mut ebops) = (0.0, 0.0, 0.0);
        for start in (0..rows).step_by(MANY) {
            let length = MANY.min(rows - start);
            let Batch { inputs, targets } = self.validation.part(start, length);
            let Pass { outputs, ebops: counted, .. } =
                self.engine.forward(&inputs, Mode { count: true, ..Mode::default() })?;
            ebops = counted.double_value(&[]);
            sum += loss(&outputs[0], &targets, &self.recipe.loss).double_value(&[]) * length as f64;
            if self.recipe.loss.has_classes() {
                right += targets.right(&outputs[0].flatten(1, -1));
            }
        }
        let accuracy = self.recipe.loss.has_classes().then_some(right / rows as f64);
        Ok((sum / rows as f64, accuracy, ebops))
    }

    /// The network of the best epoch, and what the integer evaluator says of it.
    ///
    /// # Errors
    /// A weight is no number any more.
    pub fn finish(mut self) -> Result<Trained> {
        let best = self.best.1.shallow_clone();
        let (network, validated, test) = self.network_of(&best)?;
        let chosen: Vec<(Epoch, Tensor)> = self.recipe.front.map_or(Vec::new(), |most| {
            self.front.chosen(most).into_iter().map(|(epoch, flat)| (*epoch, flat.shallow_clone())).collect()
        });
        let mut front = Vec::with_capacity(chosen.len());
        for (epoch, flat) in chosen {
            let (network, score, test) = self.network_of(&flat)?;
            front.push(Point { epoch, network, score, test });
        }
        Ok(Trained { network, score: validated, test, history: self.history, front })
    }

    /// The network of some parameters, and its scores.
    fn network_of(&mut self, flat: &Tensor) -> Result<(Network, Score, Option<Score>)> {
        tch::no_grad(|| self.engine.parameters.flat.copy_(flat));
        self.engine.trace(&[&self.train.inputs, &self.validation.inputs])?;
        let network = self.engine.parameters.write(&self.network, &self.engine.graph)?;
        let validated = score(&network, &self.split.validation, &self.recipe.loss)?;
        let test = self.split.test.as_ref().map(|test| score(&network, test, &self.recipe.loss)).transpose()?;
        Ok((network, validated, test))
    }

    /// Everything that the next epoch depends on.
    ///
    /// # Errors
    /// libtorch fails.
    pub fn checkpoint(&self) -> Result<Checkpoint> {
        let table = |epochs: &mut dyn Iterator<Item = &Epoch>| {
            let data: Vec<f64> = epochs.flat_map(Epoch::row).collect();
            network::Tensor { shape: vec![data.len() / 6, 6], data }
        };
        let scalars = vec![self.state.steps as f64, self.best.0, self.waited as f64];
        let mut arrays = Checkpoint::from([
            ("history".to_string(), table(&mut self.history.iter())),
            ("front".to_string(), table(&mut self.front.kept.iter().map(|(epoch, _)| epoch))),
            ("scalars".to_string(), network::Tensor::vector(scalars)),
        ]);
        for (at, (_, flat)) in self.front.kept.iter().enumerate() {
            arrays.insert(format!("front_{at}"), network::Tensor::vector(values(flat)?));
        }
        for (name, tensor) in self.vectors() {
            arrays.insert(name.into(), network::Tensor::vector(values(tensor)?));
        }
        Ok(arrays)
    }

    /// Takes up where a checkpoint of the same network, data and recipe was made.
    ///
    /// # Errors
    /// It is of another network.
    pub fn restore(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        let count = self.engine.parameters.flat.numel();
        let other = || {
            let help = "remove the checkpoint, or train the network that it is of";
            Error::user("the checkpoint is of another network", help)
        };
        let get = |name: &str| checkpoint.get(name).map(|array| array.data.as_slice()).ok_or_else(other);
        let [steps, best, waited] = *get("scalars")? else { return Err(other()) };
        let vector = |name: &str| {
            let numbers: Vec<f32> = get(name)?.iter().map(|value| *value as f32).collect();
            if numbers.len() == count { Ok(Tensor::from_slice(&numbers)) } else { Err(other()) }
        };
        for (name, tensor) in self.vectors() {
            let mut own = tensor.detach();
            let found = vector(name)?;
            tch::no_grad(|| own.copy_(&found));
        }
        let epochs = |name: &str| Ok(get(name)?.chunks_exact(6).map(Epoch::of).collect::<Vec<Epoch>>());
        let kept = |(at, epoch): (usize, Epoch)| Ok((epoch, vector(&format!("front_{at}"))?));
        self.front.kept = epochs("front")?.into_iter().enumerate().map(kept).collect::<Result<_>>()?;
        self.history = epochs("history")?;
        (self.state.steps, self.best.0, self.waited) = (steps as i64, best, waited as usize);
        Ok(())
    }

    /// The vectors of a checkpoint.
    fn vectors(&self) -> [(&'static str, &Tensor); 5] {
        let flat = &self.engine.parameters.flat;
        [
            ("parameters", flat),
            ("mask", &self.mask),
            ("first", &self.state.first),
            ("second", &self.state.second),
            ("best", &self.best.1),
        ]
    }
}
