//! Powers and roots.

use super::{Definition, Exact, Trend, inexact, nearest, other, rising};
use crate::registry::Entry;

/// The square root.
pub const SQRT: Entry<Definition> = Entry {
    name: "sqrt",
    doc: "the square root; of codes that are not negative",
    make: Definition { parameters: &[], formula: |x, _| x.sqrt(), trend: rising, exact: inexact },
};
/// `1 / sqrt(x)`, rounded once.
pub const RSQRT: Entry<Definition> = Entry {
    name: "rsqrt",
    doc: "1 / sqrt(x), rounded once; of positive codes only",
    make: Definition {
        parameters: &[],
        formula: |x, _| nearest(|x| 1.0 / x.sqrt(), x),
        trend: |_| Trend::Falling,
        exact: inexact,
    },
};
/// `1 / x`.
pub const RECIPROCAL: Entry<Definition> = Entry {
    name: "reciprocal",
    doc: "1 / x, of codes other than 0",
    make: Definition { parameters: &[], formula: |x, _| 1.0 / x, trend: other, exact: inexact },
};
/// `x * x`.
pub const SQUARE: Entry<Definition> = Entry {
    name: "square",
    doc: "x * x, the square",
    make: Definition { parameters: &[], formula: |x, _| x * x, trend: other, exact: |_| Some(vec![Exact::Square]) },
};
/// `x^exponent`, rounded once.
pub const POWER: Entry<Definition> = Entry {
    name: "power",
    doc: "power(exponent): x to a constant power, rounded once",
    make: Definition {
        parameters: &[("exponent", None)],
        formula: |x, p| libm::pow(f64::from(x), f64::from(p[0])) as f32,
        trend: |p| if p[0] >= 0.0 && p[0] % 2.0 == 1.0 { Trend::Rising } else { Trend::Other },
        exact: |p| match p[0] {
            1.0 => Some(vec![]),
            2.0 => Some(vec![Exact::Square]),
            _ => None,
        },
    },
};
