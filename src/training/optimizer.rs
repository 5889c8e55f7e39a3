//! Steps of descent on all parameters at once: they are one vector, and so are the method's own numbers.

use super::recipe::{Method, Optimizer};
use tch::Tensor;

/// Keras' Adam.
const BETA: [f64; 2] = [0.9, 0.999];
const EPSILON: f64 = 1e-7;

/// The state of a method.
pub struct State {
    /// The mean gradient; for [`Method::Sgd`] the velocity.
    pub first: Tensor,
    /// The mean squared gradient.
    pub second: Tensor,
    /// Steps so far.
    pub steps: i64,
}

impl State {
    /// Nothing has been seen yet.
    pub fn new(parameters: &Tensor) -> State {
        State { first: parameters.zeros_like(), second: parameters.zeros_like(), steps: 0 }
    }

    /// Moves the parameters against the gradient, each at its pace; `decay` is 1 for those that the weight decay shrinks.
    pub fn step(
        &mut self,
        parameters: &mut Tensor,
        gradient: &Tensor,
        pace: Option<&Tensor>,
        decay: &Tensor,
        optimizer: &Optimizer,
        rate: f64,
    ) {
        self.steps += 1;
        tch::no_grad(|| {
            let mut movement = match optimizer.kind {
                Method::Adam => self.adam(gradient, rate),
                Method::Sgd => {
                    self.first = &self.first * optimizer.momentum + gradient;
                    &self.first * rate
                }
            };
            if optimizer.weight_decay > 0.0 {
                let shrunk = &*parameters * decay * (rate * optimizer.weight_decay);
                let _ = parameters.g_sub_(&shrunk);
            }
            if let Some(pace) = pace {
                let _ = movement.g_mul_(pace);
            }
            let _ = parameters.g_sub_(&movement);
        });
    }

    /// Kingma and Ba 2015, with both means free of their start at 0.
    fn adam(&mut self, gradient: &Tensor, rate: f64) -> Tensor {
        let _ = self.first.lerp_(gradient, 1.0 - BETA[0]);
        let _ = self.second.lerp_(&gradient.square(), 1.0 - BETA[1]);
        let corrected = |beta: f64| 1.0 - beta.powi(self.steps.min(1 << 20) as i32);
        let scale = corrected(BETA[1]).sqrt() / corrected(BETA[0]);
        (&self.first * (scale * rate)).g_div_(&self.second.sqrt().g_add_scalar_(EPSILON))
    }
}
