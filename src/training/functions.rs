//! Float32 operations of a graph with gradients.
//!
//! Sums, products and straight pieces are float32's own. Any other function is computed number by number by its own formula
//! ([`crate::functions`]), so that it gives the same bits as everywhere; its slope is the symmetric difference of the formula.

use super::steps::mapped;
use crate::error::{Error, Result};
use crate::functions::Function;
use crate::tensor::Float;
use tch::Tensor;

/// The result for `x` and the operation's constants.
///
/// # Errors
/// A softmax inside the network, which has no exact form.
pub fn float(float: &Float, x: &Tensor, constants: &Tensor) -> Result<Tensor> {
    Ok(match float {
        Float::Mul(_) => x * constants,
        Float::Div(_) => x / constants,
        Float::Add(_) => x + constants,
        Float::Leaky(_) => x.relu() + x.clamp_max(0.0) * constants,
        Float::Function(found) => function(found, x),
        Float::Softmax => return Err(Error::bug("a softmax inside a network")),
    })
}

fn function(function: &Function, x: &Tensor) -> Tensor {
    match function.to_string().as_str() {
        "relu" => x.relu(),
        "abs" => x.abs(),
        "negative" => x.neg(),
        _ => {
            let value = mapped(x, |x| function.at(x));
            if !x.requires_grad() {
                return value;
            }
            let moved = x * mapped(x, |x| function.slope(x));
            value + (&moved - moved.detach())
        }
    }
}
