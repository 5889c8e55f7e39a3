//! Searches: which quantizers and widths a network should have, for the best metric at the least cost.
//!
//! The system of arXiv:2006.10159 (AutoQKeras): a trial is a network of the [`space`], it is trained and measured, and its
//! score is its metric times the forgiving factor of its cost ([`Goal`]). What is tried next is an open set, [`SEARCHES`].
//! Trials live in an SQL [`store`], where any number of [`worker`]s on any number of machines take them.

mod apply;
mod bayesian;
mod blocks;
mod config;
mod goal;
mod hyperband;
mod random;
mod space;
pub mod store;
pub mod worker;

pub use apply::{Applied, apply, fresh, rate_factor};
pub use blocks::{Stage, stages};
pub use config::{Config, Schedule, Tune};
pub use goal::Goal;
pub use space::{Effect, Parameter, Space};

use crate::registry::Entry;

/// A trial of one stage, as its tuner knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Its number, from 0.
    pub number: u64,
    /// An index for each parameter.
    pub choices: Vec<usize>,
    /// Its score, once it has one; a failed trial has none and is finished, too.
    pub score: Option<f64>,
    /// Is it under way?
    pub running: bool,
}

/// What a tuner may look at.
pub struct Problem<'a> {
    /// The decisions.
    pub space: &'a Space,
    /// Of everything that is drawn.
    pub seed: u64,
    /// How many trials there may be.
    pub max_trials: u64,
    /// Epochs of a trial.
    pub epochs: u32,
    /// Hyperband's factor.
    pub factor: u32,
}

/// What is to be tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// An index for each parameter.
    pub choices: Vec<usize>,
    /// Epochs of training.
    pub epochs: u32,
}

/// A way to choose trials: functions of the seed and of the trials so far, so that every worker comes to the same answer.
pub struct Tuner {
    /// How many trials there will be.
    pub count: fn(&Problem) -> u64,
    /// The trial of this number; `None` as long as it depends on trials that are under way.
    pub propose: fn(&Problem, u64, &[Trial]) -> Option<Proposal>,
}

/// All ways to search.
pub const SEARCHES: &[Entry<Tuner>] = &[random::SEARCH, bayesian::SEARCH, hyperband::SEARCH];

#[cfg(test)]
mod tests;
