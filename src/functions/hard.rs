//! Sigmoids of straight pieces. Frameworks disagree on the hard sigmoid, so there are three of it.

use super::{Definition, Exact, Trend, dyadic, inexact, other, rising};
use crate::fixed::Fixed;
use crate::registry::Entry;

/// Keras 3's and PyTorch's: `relu6(x + 3) / 6`.
pub const HARD_SIGMOID: Entry<Definition> = Entry {
    name: "hard_sigmoid",
    doc: "relu6(x + 3) / 6, as in Keras 3 and PyTorch",
    make: Definition { parameters: &[], formula: |x, _| hard_sigmoid(x), trend: rising, exact: inexact },
};
/// Keras 2's and ONNX': `clip(alpha * x + beta, 0, 1)`.
pub const HARD_SIGMOID_KERAS2: Entry<Definition> = Entry {
    name: "hard_sigmoid_keras2",
    doc: "(alpha,beta): clip(alpha * x + beta, 0, 1), by default 0.2 and 0.5, as in Keras 2",
    make: Definition {
        parameters: &[("alpha", Some(0.2)), ("beta", Some(0.5))],
        formula: |x, p| (x * p[0] + p[1]).clamp(0.0, 1.0),
        trend: |p| if p[0] >= 0.0 { Trend::Rising } else { Trend::Falling },
        // QKeras' slopes, 1/2 and 3/16, are exact; Keras' 0.2 in float32 has 24 bits, and products with it round.
        exact: |p| {
            let (slope, offset) = (dyadic(p[0]).filter(|slope| slope.mantissa().abs() < 16)?, dyadic(p[1])?);
            Some(vec![Exact::Scale(slope), Exact::Add(offset), Exact::Clip(Some(Fixed::ZERO), Some(Fixed::ONE))])
        },
    },
};
/// `clip(x, -1, 1)`.
pub const HARD_TANH: Entry<Definition> = Entry {
    name: "hard_tanh",
    doc: "clip(x, -1, 1)",
    make: Definition {
        parameters: &[],
        formula: |x, _| x.clamp(-1.0, 1.0),
        trend: rising,
        exact: |_| Some(vec![Exact::Clip(Some(Fixed::new(-1, 0)), dyadic(1.0))]),
    },
};
/// Keras 3's and PyTorch's: `x * hard_sigmoid(x)`.
pub const HARD_SILU: Entry<Definition> = Entry {
    name: "hard_silu",
    doc: "x * hard_sigmoid(x), as in Keras 3",
    make: Definition { parameters: &[], formula: |x, _| x * hard_sigmoid(x), trend: other, exact: inexact },
};
/// ONNX': `x * clip(x / 6 + 0.5, 0, 1)` with the float32 constant 1/6.
pub const HARD_SWISH: Entry<Definition> = Entry {
    name: "hard_swish",
    doc: "x * clip(x * (1/6) + 0.5, 0, 1), as in ONNX",
    make: Definition {
        parameters: &[],
        formula: |x, _| x * (x * (1.0 / 6.0) + 0.5).clamp(0.0, 1.0),
        trend: other,
        exact: inexact,
    },
};

/// QKeras' hard swish.
pub const SCALED_SWISH: Entry<Definition> = Entry {
    name: "scaled_swish",
    doc: "scaled_swish(shift,upper): x * min(max(x + shift, 0), upper) / upper, as in QKeras' hswish",
    make: Definition {
        parameters: &[("shift", Some(3.0)), ("upper", Some(6.0))],
        formula: |x, p| x * (x + p[0]).max(0.0).min(p[1]) / p[1],
        trend: other,
        exact: inexact,
    },
};

fn hard_sigmoid(x: f32) -> f32 {
    (x + 3.0).clamp(0.0, 6.0) / 6.0
}
