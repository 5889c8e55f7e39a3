//! A worker: claims trials, trains and scores them, and goes on to the next block when one is done.

use super::store::{Claim, Claimed, Ending, Record, Store};
use super::{Config, Goal, Problem, SEARCHES, Space, Stage, Tuner, apply, fresh, rate_factor, stages};
use crate::compiler::Reading;
use crate::error::{At, Error, Result};
use crate::network::Network;
use crate::registry::find;
use std::collections::BTreeMap;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// What is searched.
pub struct Search {
    /// The configuration.
    pub config: Config,
    /// The network that all trials are made from, with weights.
    pub base: Network,
    /// The cost, and how it is weighed.
    pub goal: Goal,
    /// Block by block, or one for the whole network.
    pub stages: Vec<Stage>,
    tuner: &'static Tuner,
}

/// A network that is to be trained.
pub struct Task<'a> {
    /// With its first weights.
    pub network: &'a Network,
    /// Epochs.
    pub epochs: u32,
    /// Of whatever is drawn.
    pub seed: u64,
    /// A factor of the learning rate.
    pub rate: f64,
}

/// Trains a network; gives the metric on samples that it was not trained on, and the network with its weights.
pub type Objective<'a> = dyn FnMut(&Task) -> Result<(f64, Network)> + 'a;

/// AutoQKeras' own number of epochs.
const EPOCHS: u32 = 10;
/// How long a worker waits where others have the rest.
const PAUSE: Duration = Duration::from_millis(200);

/// Where a search stands.
pub struct Standing {
    /// The network that this stage's trials are made from.
    pub base: Network,
    /// Its decisions.
    pub space: Space,
}

impl Search {
    /// A search on a network with weights.
    ///
    /// # Errors
    /// A mistake in the configuration.
    pub fn new(config: Config, base: Network, reading: &Reading) -> Result<Search> {
        let tuner = &find("search", SEARCHES, &config.mode).at("`mode`").at("[search]")?.make;
        let goal = Goal::new(&config.goal, &base, reading).at("[search]")?;
        let stages = stages(&config, &base, &goal.shares, goal.reference).at("[search]")?;
        let search = Search { config, base, goal, stages, tuner };
        let space = Space::new(&search.config, &search.base, None)?;
        if space.parameters.is_empty() {
            let what = "there is nothing to choose: no limit fits a layer";
            return Err(Error::user(what, "write [search.limit], such as Dense = [4, 8, 4]"));
        }
        // Widths that do not fit are found before anything is trained.
        for choice in [0, usize::MAX] {
            let choices: Vec<usize> = space.parameters.iter().map(|p| choice.min(p.values.len() - 1)).collect();
            apply(&search.base, &space, &choices).at("[search]")?;
        }
        Ok(search)
    }

    /// How many trials a stage will have.
    pub fn trials_of(&self, standing: &Standing, stage: usize) -> u64 {
        self.stages.get(stage).map_or(0, |stage| (self.tuner.count)(&self.problem(&standing.space, stage)))
    }

    /// How many trials there will be.
    pub fn count(&self) -> Result<u64> {
        let one = |stage: &Stage| {
            let space = Space::new(&self.config, &self.base, stage.layers.as_deref())?;
            Ok((self.tuner.count)(&self.problem(&space, stage)))
        };
        self.stages.iter().map(one).sum()
    }

    fn problem<'a>(&self, space: &'a Space, stage: &Stage) -> Problem<'a> {
        Problem {
            space,
            seed: self.config.seed,
            max_trials: stage.max_trials,
            epochs: self.config.epochs.unwrap_or(EPOCHS),
            factor: self.config.factor,
        }
    }

    /// The first stage.
    ///
    /// # Errors
    /// A mistake in the configuration.
    pub fn start(&self) -> Result<Standing> {
        self.standing(self.base.clone(), 0)
    }

    fn standing(&self, base: Network, stage: usize) -> Result<Standing> {
        let layers = self.stages.get(stage).and_then(|stage| stage.layers.as_deref());
        let space = Space::new(&self.config, &base, layers)?;
        Ok(Standing { base, space })
    }

    /// The network of the best trial of a stage that is done, with its weights; and where the search stands behind it.
    ///
    /// # Errors
    /// All trials failed, or the store refuses.
    pub fn next(&self, store: &mut Store, standing: &Standing, stage: usize) -> Result<Standing> {
        let records = store.trials(stage as u64)?;
        let best = best(&records).ok_or_else(|| {
            let reason =
                records.iter().map(|record| record.note.as_str()).find(|note| !note.is_empty()).unwrap_or("none ended");
            Error::user(
                format!("no trial has a score: {reason}"),
                "repair what makes them fail, in the recipe or the data",
            )
        })?;
        let mut network = apply(&standing.base, &standing.space, &best.trial.choices)?.network;
        if let Some(json) = store.weights(stage as u64, best.trial.number)? {
            set_weights(&mut network, &json)?;
        }
        self.standing(network, stage + 1)
    }

    /// Works until the search is done; gives the best network.
    ///
    /// # Errors
    /// Those of the store. A trial that fails is noted, and the next one is tried.
    pub fn work(&self, store: &mut Store, heart: &mut Store, objective: &mut Objective) -> Result<Network> {
        let mut standing = self.start()?;
        for (at, stage) in self.stages.iter().enumerate() {
            let problem = self.problem(&standing.space, stage);
            loop {
                match store.claim(at as u64, self.tuner, &problem)? {
                    Claim::Done => break,
                    Claim::Wait => std::thread::sleep(PAUSE),
                    Claim::Trial(claimed) => {
                        let ending = beating(heart, &claimed, || self.trial(&standing, at, &claimed, objective))?;
                        store.finish(&claimed, &ending)?;
                    }
                }
            }
            standing = self.next(store, &standing, at)?;
        }
        Ok(standing.base)
    }

    /// Trains and scores a trial.
    fn trial(&self, standing: &Standing, stage: usize, claimed: &Claimed, objective: &mut Objective) -> Ending {
        let mut scored = || -> Result<Ending> {
            let applied = apply(&standing.base, &standing.space, &claimed.proposal.choices)?;
            let seed = self.config.seed.wrapping_mul(0x0100_0000_01b3) ^ claimed.number ^ ((stage as u64) << 32);
            let earlier = self.stages[..stage].iter().filter_map(|stage| stage.layers.as_ref()).flatten();
            let frozen: Vec<&String> = self.config.frozen_layers.iter().chain(earlier).collect();
            let keeps = |layer: &str| {
                self.config.transfer_weights
                    || self.config.learning_rate_optimizer && frozen.iter().any(|frozen| *frozen == layer)
            };
            let network = fresh(&applied.network, seed, &keeps)?;
            let before = if self.goal.before_training() { Some(self.goal.cost(&network)?) } else { None };
            let rate =
                applied.rate.zip(before).map_or(1.0, |(point, cost)| rate_factor(point, cost, self.goal.reference));
            let task = Task { network: &network, epochs: claimed.proposal.epochs, seed, rate };
            let (metric, trained) = objective(&task)?;
            if !metric.is_finite() {
                return Ok(Ending::Failed(format!("the metric is {metric}: the training diverged")));
            }
            let cost = before.map_or_else(|| self.goal.cost(&trained), Ok)?;
            Ok(Ending::Scored(metric, cost, metric * self.goal.factor(cost), weights(&trained)?))
        };
        scored().unwrap_or_else(|error| {
            let place = error.place.iter().map(|place| format!("{place}: ")).collect::<String>();
            Ending::Failed(format!("{place}{}", error.what))
        })
    }
}

/// The record with the greatest score; of equals the first.
pub fn best(records: &[Record]) -> Option<&Record> {
    let scored = records.iter().filter(|record| record.trial.score.is_some());
    scored.reduce(|best, record| if record.trial.score > best.trial.score { record } else { best })
}

/// Runs something while a heartbeat renews the lease of a trial.
fn beating<T>(heart: &mut Store, claimed: &Claimed, run: impl FnOnce() -> T) -> Result<T> {
    std::thread::scope(|scope| {
        let (stop, stopped) = channel::<()>();
        let pause = heart.pause();
        let beats = scope.spawn(move || {
            while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                // The trial belongs to somebody else, or the store is away: the result will be refused, or it comes back.
                if heart.beat(claimed) == Ok(false) {
                    return;
                }
            }
        });
        let result = run();
        drop(stop);
        beats.join().map_err(|_| Error::bug("the heartbeat of a trial broke off"))?;
        Ok(result)
    })
}

/// Arrays by layer and name.
type Weights = BTreeMap<String, Vec<f64>>;

fn weights(network: &Network) -> Result<String> {
    let arrays = network.layers.iter().flat_map(|layer| {
        layer.tensors.iter().map(|(name, tensor)| (format!("{}.{name}", layer.name), tensor.data.clone()))
    });
    serde_json::to_string(&arrays.collect::<Weights>()).map_err(|error| Error::bug(error.to_string()))
}

fn set_weights(network: &mut Network, json: &str) -> Result<()> {
    let damaged = |error: serde_json::Error| {
        Error::user(format!("the store: {error}"), "its rows were written by something else")
    };
    let mut arrays: Weights = serde_json::from_str(json).map_err(damaged)?;
    for layer in &mut network.layers {
        for (name, tensor) in &mut layer.tensors {
            let found = arrays.remove(&format!("{}.{name}", layer.name)).filter(|data| data.len() == tensor.data.len());
            found.into_iter().for_each(|data| tensor.data = data);
        }
    }
    Ok(())
}

/// A name for a search: workers with the same recipe and network share it (FNV-1a, 64 bits).
pub fn identity(recipe: &str, network: &Network) -> String {
    let text = format!("{recipe}\n{network:?}");
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", text.bytes().fold(0xcbf2_9ce4_8422_2325, step))
}
