//! Sigmoids, what is made of them, and other smooth functions.

use super::exponential::softplus;
use super::{Definition, inexact, nearest, other, rising};
use crate::registry::Entry;

/// `1 / (1 + exp(-x))`.
pub const SIGMOID: Entry<Definition> = Entry {
    name: "sigmoid",
    doc: "1 / (1 + exp(-x))",
    make: Definition { parameters: &[], formula: |x, _| sigmoid(x), trend: rising, exact: inexact },
};
/// The hyperbolic tangent.
pub const TANH: Entry<Definition> = Entry {
    name: "tanh",
    doc: "the hyperbolic tangent",
    make: Definition { parameters: &[], formula: |x, _| nearest(libm::tanh, x), trend: rising, exact: inexact },
};
/// `x * sigmoid(x)`: TensorFlow's `silu`.
pub const SILU: Entry<Definition> = Entry {
    name: "silu",
    doc: "x * sigmoid(x), also called swish",
    make: Definition { parameters: &[], formula: |x, _| x * sigmoid(x), trend: other, exact: inexact },
};
/// `x * tanh(softplus(x))`.
pub const MISH: Entry<Definition> = Entry {
    name: "mish",
    doc: "x * tanh(softplus(x))",
    make: Definition {
        parameters: &[],
        formula: |x, _| x * nearest(libm::tanh, softplus(x)),
        trend: other,
        exact: inexact,
    },
};
/// TensorFlow's `gelu`: `0.5 * x * (1 + erf(x / sqrt(2)))`.
pub const GELU: Entry<Definition> = Entry {
    name: "gelu",
    doc: "0.5 * x * (1 + erf(x / sqrt(2)))",
    make: Definition {
        parameters: &[],
        formula: |x, _| 0.5 * x * (1.0 + nearest(libm::erf, x / std::f32::consts::SQRT_2)),
        trend: other,
        exact: inexact,
    },
};
/// TensorFlow's `gelu(approximate=True)`.
pub const GELU_TANH: Entry<Definition> = Entry {
    name: "gelu_tanh",
    doc: "0.5 * x * (1 + tanh(0.797884561 * (x + 0.044715 * x^3)))",
    make: Definition {
        parameters: &[],
        formula: |x, _| {
            let cube = nearest(|x| x * x * x, x);
            0.5 * x * (1.0 + nearest(libm::tanh, 0.797_884_6 * (x + 0.044_715 * cube)))
        },
        trend: other,
        exact: inexact,
    },
};
/// TensorFlow's `softsign`: `x / (|x| + 1)`; its two roundings may fall by a step.
pub const SOFTSIGN: Entry<Definition> = Entry {
    name: "softsign",
    doc: "x / (|x| + 1)",
    make: Definition { parameters: &[], formula: |x, _| x / (x.abs() + 1.0), trend: other, exact: inexact },
};
/// The error function.
pub const ERF: Entry<Definition> = Entry {
    name: "erf",
    doc: "the error function",
    make: Definition { parameters: &[], formula: |x, _| nearest(libm::erf, x), trend: rising, exact: inexact },
};
/// The sine.
pub const SIN: Entry<Definition> = Entry {
    name: "sin",
    doc: "the sine, of radians",
    make: Definition { parameters: &[], formula: |x, _| nearest(libm::sin, x), trend: other, exact: inexact },
};
/// The cosine.
pub const COS: Entry<Definition> = Entry {
    name: "cos",
    doc: "the cosine, of radians",
    make: Definition { parameters: &[], formula: |x, _| nearest(libm::cos, x), trend: other, exact: inexact },
};

/// The float32 number nearest to `1 / (1 + exp(-x))`.
fn sigmoid(x: f32) -> f32 {
    nearest(|x| 1.0 / (1.0 + libm::exp(-x)), x)
}
