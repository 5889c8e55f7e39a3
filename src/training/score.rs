//! What the integer evaluator says of a network: the referee of everything that is reported.

use super::data::{Data, Targets};
use super::loss::LEAST;
use super::recipe::Loss;
use super::value::before_softmax;
use crate::error::{Error, Result};
use crate::layers;
use crate::network::Network;
use crate::samples::{self, area, predicted};
use crate::tensor;

/// How good a network is on some samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Samples.
    pub samples: usize,
    /// The mean loss.
    pub loss: f64,
    /// The share of samples in the right class; `None` where there are no classes.
    pub accuracy: Option<f64>,
    /// The area under the ROC curve, mean over the classes; `None` where there are none, or all samples are of one.
    pub auc: Option<f64>,
}

impl Score {
    /// The standard error of the accuracy.
    pub fn error(&self) -> Option<f64> {
        self.accuracy.map(|accuracy| (accuracy * (1.0 - accuracy) / self.samples.max(1) as f64).sqrt())
    }
}

/// Evaluates a network exactly.
///
/// # Errors
/// A mistake in the network, or samples that do not suit it.
pub fn score(network: &Network, data: &Data, loss: &Loss) -> Result<Score> {
    data.check(&layers::expand(network, &layers::Options::default())?.graph, loss)?;
    let rows = outputs(network, data)?;
    let columns = rows.first().map_or(0, Vec::len);
    let mean = |of: &dyn Fn(usize) -> f64| (0..rows.len()).map(of).sum::<f64>() / rows.len().max(1) as f64;
    Ok(match &data.targets {
        Targets::Classes { classes, .. } => {
            let right = (0..rows.len()).filter(|row| predicted(&rows[*row]) == classes[*row]).count();
            let areas: Option<Vec<f64>> =
                (0..columns).map(|class| area(classes, class, |row| rows[row][class])).collect();
            Score {
                samples: rows.len(),
                loss: mean(&|row| surprise(&rows[row], classes[row])),
                accuracy: Some(right as f64 / rows.len().max(1) as f64),
                auc: areas.map(|areas| areas.iter().sum::<f64>() / columns.max(1) as f64),
            }
        }
        Targets::Values(values) => {
            let square = |row: usize| {
                let squares = rows[row].iter().zip(values.row(row)).map(|(y, t)| (y - t) * (y - t));
                squares.sum::<f64>() / values.columns.max(1) as f64
            };
            let unlikely = |row: usize| unlikeliness(&rows[row], values.row(row));
            let loss = if *loss == Loss::GaussianNll { mean(&unlikely) } else { mean(&square) };
            Score { samples: rows.len(), loss, accuracy: None, auc: None }
        }
    })
}

/// The outputs of each sample, exactly; a last softmax is left out, and what is beyond float64 is NaN.
///
/// # Errors
/// A mistake in the network, or samples that do not suit it.
pub fn outputs(network: &Network, data: &Data) -> Result<Vec<Vec<f64>>> {
    let mut expanded = layers::expand(network, &layers::Options::default())?;
    expanded.graph.outputs = before_softmax(&expanded.graph);
    let ports = &expanded.graph.inputs;
    let codes = samples::codes(&samples::apply(&data.inputs, ports, &expanded.hosts)?, ports)?;
    let evaluation = tensor::evaluate(&expanded.graph, &codes, &tensor::Options::default())?;
    let output = evaluation.outputs.first().ok_or_else(|| Error::bug("a network without outputs"))?;
    let number = |row, element| output.number(row, element).and_then(|number| number.to_f64()).unwrap_or(f64::NAN);
    Ok((0..data.rows()).map(|row| (0..output.columns()).map(|element| number(row, element)).collect()).collect())
}

/// `-log N(target; mean, L L^T)` of outputs as in [`Loss::GaussianNll`].
fn unlikeliness(outputs: &[f64], targets: &[f64]) -> f64 {
    let n = targets.len();
    let mut z: Vec<f64> = Vec::with_capacity(n);
    let mut sum = 0.5 * n as f64 * (2.0 * std::f64::consts::PI).ln();
    for (row, target) in targets.iter().enumerate() {
        let below = &outputs[2 * n + row * row.saturating_sub(1) / 2..][..row];
        let known: f64 = below.iter().zip(&z).map(|(factor, z)| factor * z).sum();
        let diagonal = outputs[2 * row + 1].max(0.0) + LEAST;
        z.push((target - outputs[2 * row] - known) / diagonal);
        sum += 0.5 * z[row] * z[row] + diagonal.ln();
    }
    sum
}

/// `-log softmax(outputs)[class]`.
fn surprise(outputs: &[f64], class: usize) -> f64 {
    let greatest = outputs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = outputs.iter().map(|output| (output - greatest).exp()).sum();
    sum.ln() + greatest - outputs[class]
}
