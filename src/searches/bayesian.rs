//! `bayesian`: a Gaussian process of the scores so far says which network looks best.
//!
//! Source: KerasTuner's `BayesianOptimization`, as AutoQKeras uses it: a Matern 5/2 kernel, noise 1e-4, and the upper
//! confidence bound `mean + 2.6 sigma` (Rasmussen and Williams, "Gaussian Processes for Machine Learning", algorithm 2.1).
//! Choices have no order, so the distance of two networks is that of their one-hot codes. The bound is maximised over
//! random networks and the neighbours of the best ones. The first trials are random. With one worker, a seed gives the
//! same trials; several see whatever is finished, and take the mean for the score of what is not.

use super::random::{count, draw, draws};
use super::{Problem, Proposal, Space, Trial, Tuner};
use crate::random::Random;
use crate::registry::Entry;

/// The entry.
pub const SEARCH: Entry<Tuner> =
    Entry { name: "bayesian", doc: "a Gaussian process of the scores so far", make: Tuner { count, propose } };

/// Random trials before the first model.
const FIRST: u64 = 5;
/// Random networks that are looked at.
const LOOKED_AT: usize = 2000;
/// The noise of a score, in its variance.
const NOISE: f64 = 1e-4;
/// How many standard deviations count for a network.
const BETA: f64 = 2.6;

fn propose(problem: &Problem, number: u64, trials: &[Trial]) -> Option<Proposal> {
    let proposal = |choices| Some(Proposal { choices, epochs: problem.epochs });
    let known: Vec<&Trial> = trials.iter().filter(|trial| trial.number < number).collect();
    let scored = known.iter().filter(|trial| trial.score.is_some_and(f64::is_finite)).count();
    if number < FIRST.max(problem.space.parameters.len() as u64 / 2) || scored < 2 {
        return proposal(draws(problem, number).pop()?);
    }
    let process = Process::new(&known);
    let mut random = Random::new(problem.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut candidates: Vec<Vec<usize>> = (0..LOOKED_AT).map(|_| draw(&mut random, problem.space)).collect();
    let mut best = known.clone();
    best.sort_by(|a, b| {
        b.score.unwrap_or(f64::MIN).total_cmp(&a.score.unwrap_or(f64::MIN)).then(a.number.cmp(&b.number))
    });
    best.iter().take(3).for_each(|trial| candidates.extend(neighbours(&trial.choices, problem.space)));
    candidates.retain(|choices| known.iter().all(|trial| trial.choices != *choices));
    let bounds = candidates.into_iter().map(|choices| (process.bound(&choices), choices));
    let choices = bounds.reduce(|a, b| if b.0 > a.0 { b } else { a }).map(|(_, choices)| choices);
    proposal(choices.or_else(|| draws(problem, number).pop())?)
}

/// All networks that differ in one choice.
fn neighbours(choices: &[usize], space: &Space) -> Vec<Vec<usize>> {
    let mut found = Vec::new();
    for (at, parameter) in space.parameters.iter().enumerate() {
        for value in (0..parameter.values.len()).filter(|value| *value != choices[at]) {
            let mut other = choices.to_vec();
            other[at] = value;
            found.push(other);
        }
    }
    found
}

/// A Gaussian process of standardised scores.
struct Process {
    points: Vec<Vec<usize>>,
    /// The lower Cholesky factor of the kernel's matrix, row by row.
    factor: Vec<Vec<f64>>,
    weights: Vec<f64>,
}

impl Process {
    fn new(trials: &[&Trial]) -> Process {
        let scores: Vec<f64> =
            trials.iter().filter_map(|trial| trial.score).filter(|score| score.is_finite()).collect();
        let mean = scores.iter().sum::<f64>() / scores.len().max(1) as f64;
        let variance = scores.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / scores.len().max(1) as f64;
        let deviation = variance.sqrt().max(1e-12);
        let least = scores.iter().copied().fold(f64::INFINITY, f64::min);
        // What failed is as bad as the worst; what is under way is taken for the mean.
        let value = |trial: &&Trial| match trial.score {
            Some(score) if score.is_finite() => (score - mean) / deviation,
            _ if trial.running => 0.0,
            _ => (least - mean) / deviation,
        };
        let points: Vec<Vec<usize>> = trials.iter().map(|trial| trial.choices.clone()).collect();
        let mut factor: Vec<Vec<f64>> = Vec::new();
        for (row, point) in points.iter().enumerate() {
            let mut line = Vec::with_capacity(row + 1);
            for (column, other) in points.iter().enumerate().take(row) {
                let dot: f64 = line.iter().zip(&factor[column]).map(|(a, b)| a * b).sum();
                line.push((kernel(point, other) - dot) / factor[column][column]);
            }
            let rest: f64 = line.iter().map(|value: &f64| value * value).sum();
            line.push((1.0 + NOISE - rest).max(NOISE).sqrt());
            factor.push(line);
        }
        let values: Vec<f64> = trials.iter().map(value).collect();
        let weights = backward(&factor, forward(&factor, &values));
        Process { points, factor, weights }
    }

    /// Mean and [`BETA`] deviations of a network.
    fn bound(&self, choices: &[usize]) -> f64 {
        let row: Vec<f64> = self.points.iter().map(|point| kernel(point, choices)).collect();
        let mean: f64 = row.iter().zip(&self.weights).map(|(a, b)| a * b).sum();
        let explained: f64 = forward(&self.factor, &row).iter().map(|value| value * value).sum();
        mean + BETA * (1.0 - explained).max(0.0).sqrt()
    }
}

/// Matern 5/2 of length 1 on one-hot codes, scaled so that networks that share nothing are 2 apart.
fn kernel(a: &[usize], b: &[usize]) -> f64 {
    let different = a.iter().zip(b).filter(|(a, b)| a != b).count() as f64;
    let distance = 2.0 * (different / a.len().max(1) as f64).sqrt() * 5f64.sqrt();
    (1.0 + distance + distance * distance / 3.0) * (-distance).exp()
}

/// Solves `L x = y`.
fn forward(factor: &[Vec<f64>], y: &[f64]) -> Vec<f64> {
    let mut x: Vec<f64> = Vec::with_capacity(y.len());
    for (row, y) in factor.iter().zip(y) {
        let dot: f64 = row.iter().zip(&x).map(|(a, b)| a * b).sum();
        x.push((y - dot) / row[x.len()]);
    }
    x
}

/// Solves `L^T x = y`.
fn backward(factor: &[Vec<f64>], mut x: Vec<f64>) -> Vec<f64> {
    for at in (0..x.len()).rev() {
        let below: f64 = (at + 1..x.len()).map(|row| factor[row][at] * x[row]).sum();
        x[at] = (x[at] - below) / factor[at][at];
    }
    x
}
