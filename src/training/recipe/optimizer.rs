//! `[optimizer]`: the method of descent, and how the learning rate goes on.

use serde::Deserialize;

/// How it is made small.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Optimizer {
    /// The method.
    pub kind: Method,
    /// The learning rate at first.
    pub rate: f64,
    /// How the rate goes on.
    pub schedule: Schedule,
    /// How many times it does, each time from the first rate (warm restarts, Loshchilov and Hutter 2017).
    pub cycles: u32,
    /// Of [`Method::Sgd`].
    pub momentum: f64,
    /// The share of each weight that a step of rate 1 takes away (decoupled).
    pub weight_decay: f64,
}

/// A method of descent.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Adam (Kingma and Ba 2015), with 0.9, 0.999 and 1e-7 as in Keras.
    Adam,
    /// Stochastic gradient descent with momentum.
    Sgd,
}

/// How the learning rate goes on, over all steps of a cycle.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// It stays.
    Constant,
    /// Half a cosine, down to 0.
    Cosine,
    /// A straight line, down to 0.
    Linear,
}

impl Default for Optimizer {
    fn default() -> Optimizer {
        let (kind, schedule) = (Method::Adam, Schedule::Constant);
        Optimizer { kind, rate: 1e-3, schedule, cycles: 1, momentum: 0.9, weight_decay: 0.0 }
    }
}

impl Optimizer {
    /// The learning rate at a share of all steps from 0 to below 1.
    pub fn rate_at(&self, share: f64) -> f64 {
        self.rate * self.schedule.factor((share * f64::from(self.cycles)).fract())
    }
}

impl Schedule {
    /// The factor on the rate, at a share of a cycle's steps from 0 to 1.
    fn factor(self, share: f64) -> f64 {
        match self {
            Schedule::Constant => 1.0,
            Schedule::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * share).cos()),
            Schedule::Linear => 1.0 - share,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_starts_again_in_each_cycle() {
        let rate =
            |schedule, cycles, share| Optimizer { rate: 2.0, schedule, cycles, ..Optimizer::default() }.rate_at(share);
        assert_eq!(rate(Schedule::Constant, 3, 0.9), 2.0);
        assert_eq!([0.0, 0.5, 0.75].map(|share| rate(Schedule::Linear, 1, share)), [2.0, 1.0, 0.5]);
        assert_eq!([0.0, 0.375, 0.5, 0.75].map(|share| rate(Schedule::Linear, 2, share)), [2.0, 0.5, 2.0, 1.0]);
        assert!((rate(Schedule::Cosine, 4, 0.375) - 1.0).abs() < 1e-12);
    }
}
