//! What training makes small.

use super::data::Targets;
use super::recipe::Loss;
use tch::{Kind, Reduction, Tensor};

/// What keeps a standard deviation from being 0.
pub(super) const LEAST: f64 = 1e-9;

/// Targets as tensors, one row a sample.
pub struct Wanted {
    /// Class numbers, or values.
    pub hard: Tensor,
    /// A teacher's probabilities.
    pub soft: Option<Tensor>,
}

impl Wanted {
    /// The targets of all samples.
    pub fn new(targets: &Targets) -> Wanted {
        let rows = |values: &crate::samples::Samples| {
            let floats: Vec<f32> = values.data.iter().map(|value| *value as f32).collect();
            Tensor::from_slice(&floats).view([-1, values.columns as i64])
        };
        match targets {
            Targets::Classes { classes, soft } => {
                let classes: Vec<i64> = classes.iter().map(|class| *class as i64).collect();
                Wanted { hard: Tensor::from_slice(&classes), soft: soft.as_ref().map(rows) }
            }
            Targets::Values(values) => Wanted { hard: rows(values), soft: None },
        }
    }

    /// Samples.
    pub fn rows(&self) -> usize {
        self.hard.size()[0] as usize
    }

    /// The targets of some samples.
    pub fn select(&self, rows: &Tensor) -> Wanted {
        Wanted {
            hard: self.hard.index_select(0, rows),
            soft: self.soft.as_ref().map(|soft| soft.index_select(0, rows)),
        }
    }

    /// How many of outputs `[samples, classes]` are right; with a teacher's probabilities, how many would be on average of classes
    /// that are drawn from them, which leaves out the noise of drawing.
    pub fn right(&self, outputs: &Tensor) -> f64 {
        let chosen = outputs.argmax(1, false);
        let right = match &self.soft {
            Some(soft) => soft.gather(1, &chosen.unsqueeze(1), false),
            None => chosen.eq_tensor(&self.hard),
        };
        right.sum(Kind::Double).double_value(&[])
    }

    /// The targets of samples one after another.
    pub fn narrow(&self, start: i64, length: i64) -> Wanted {
        let part = |tensor: &Tensor| tensor.narrow(0, start, length);
        Wanted { hard: part(&self.hard), soft: self.soft.as_ref().map(part) }
    }
}

/// The mean loss of outputs `[samples, ..]`.
pub fn loss(outputs: &Tensor, wanted: &Wanted, loss: &Loss) -> Tensor {
    let outputs = outputs.flatten(1, -1);
    match loss {
        Loss::CrossEntropy { smoothing } => {
            outputs.cross_entropy_loss::<Tensor>(&wanted.hard, None, Reduction::Mean, -100, *smoothing)
        }
        Loss::MeanSquared => (outputs - &wanted.hard).square().mean(Kind::Float),
        Loss::GaussianNll => gaussian(&outputs, &wanted.hard),
        Loss::Distillation { temperature, share, .. } => {
            let hard = || outputs.cross_entropy_for_logits(&wanted.hard);
            let Some(soft) = &wanted.soft else { return hard() };
            let log = (&outputs / *temperature).log_softmax(-1, Kind::Float);
            let taught = (soft * log).sum_dim_intlist([1i64].as_slice(), false, Kind::Float).mean(Kind::Float).neg();
            let taught = taught * (share * temperature * temperature);
            if *share == 1.0 { taught } else { hard() * (1.0 - share) + taught }
        }
    }
}

/// How many outputs describe a normal distribution of so many values.
pub fn gaussian_outputs(values: usize) -> usize {
    values * (values + 3) / 2
}

/// The mean of `-log N(target; mean, L L^T)`. Outputs are mean and diagonal of L in turns, then L below its diagonal, row by
/// row; a diagonal `d` means `max(d, 0) + 1e-9` (as the smart-pixels project has it, arXiv 2602.15946).
fn gaussian(outputs: &Tensor, targets: &Tensor) -> Tensor {
    let n = targets.size()[1];
    let every_second = |start: i64| outputs.slice(1, start, 2 * n, 2);
    let (mean, diagonal) = (every_second(0), every_second(1).relu() + LEAST);
    let below = outputs.narrow(1, 2 * n, n * (n - 1) / 2);
    // Forward substitution: L z = target - mean.
    let difference = targets - mean;
    let column = |tensor: &Tensor, at: i64| tensor.select(1, at);
    let mut z: Vec<Tensor> = Vec::new();
    for row in 0..n {
        let known = z
            .iter()
            .enumerate()
            .fold(column(&difference, row), |rest, (at, z)| rest - column(&below, row * (row - 1) / 2 + at as i64) * z);
        z.push(known / column(&diagonal, row));
    }
    let squares = z.iter().fold(Tensor::from(0f32), |sum, z| sum + z.square());
    let logs = diagonal.log().sum_dim_intlist([1i64].as_slice(), false, Kind::Float);
    let constant = 0.5 * n as f64 * (2.0 * std::f64::consts::PI).ln();
    (squares * 0.5 + logs).mean(Kind::Float) + constant
}
