//! Functions with integer results.

use super::{Definition, Exact, rising};
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
