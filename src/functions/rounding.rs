//! Functions with integer results.

use super::{Definition, Exact, inexact, rising};
use crate::registry::Entry;

/// -1, 0 or 1.
pub const SIGN: Entry<Definition> = Entry {
    name: "sign",
    doc: "-1, 0 or 1",
    make: Definition {
        parameters: &[],
        formula: |x, _| f32::from(i8::from(x > 0.0) - i8::from(x < 0.0)),
        trend: rising,
        exact: |_| Some(vec![Exact::Sign]),
    },
};
/// The greatest integer that is not above x.
pub const FLOOR: Entry<Definition> = Entry {
    name: "floor",
    doc: "the greatest integer that is not above x",
    make: Definition { parameters: &[], formula: |x, _| x.floor(), trend: rising, exact: |_| Some(vec![Exact::Floor]) },
};
/// The least integer that is not below x.
pub const CEIL: Entry<Definition> = Entry {
    name: "ceil",
    doc: "the least integer that is not below x",
    make: Definition { parameters: &[], formula: |x, _| x.ceil(), trend: rising, exact: |_| Some(vec![Exact::Ceil]) },
};
/// The nearest integer, ties to even.
pub const ROUND: Entry<Definition> = Entry {
    name: "round",
    doc: "the nearest integer, ties to even",
    make: Definition {
        parameters: &[],
        formula: |x, _| x.round_ties_even(),
        trend: rising,
        exact: |_| Some(vec![Exact::Round]),
    },
};
/// BinaryNet's: 1 above 0, and -1 elsewhere, rounded half to even as it is there.
pub const BINARY_TANH: Entry<Definition> = Entry {
    name: "binary_tanh",
    doc: "-1 or 1: 2 * round(clip(0.5 * x + 0.5, 0, 1)) - 1, as in BinaryNet and QKeras",
    make: Definition { parameters: &[], formula: |x, _| 2.0 * binary(x) - 1.0, trend: rising, exact: inexact },
};
/// BinaryNet's: 1 above 0, and 0 elsewhere.
pub const BINARY_SIGMOID: Entry<Definition> = Entry {
    name: "binary_sigmoid",
    doc: "0 or 1: round(clip(0.5 * x + 0.5, 0, 1)), as in BinaryNet and QKeras",
    make: Definition { parameters: &[], formula: |x, _| binary(x), trend: rising, exact: inexact },
};
/// TernaryNet's: 1 above 0.5, -1 up to -0.5, and 0 between.
pub const TERNARY_TANH: Entry<Definition> = Entry {
    name: "ternary_tanh",
    doc: "1 above 0.5, -1 up to -0.5, and 0 between, as in TernaryNet for Keras",
    make: Definition {
        parameters: &[],
        formula: |x, _| f32::from(i8::from(x > 0.5) - i8::from(x <= -0.5)),
        trend: rising,
        exact: inexact,
    },
};

fn binary(x: f32) -> f32 {
    (0.5 * x + 0.5).clamp(0.0, 1.0).round_ties_even()
}
