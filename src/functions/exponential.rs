//! Exponentials and logarithms, and the rectifiers made of them.

use super::{Definition, Trend, inexact, nearest, rising};
use crate::registry::Entry;

/// `x` above 0, `alpha * (exp(x) - 1)` below: Keras' `elu`, whose exponential is TensorFlow's `expm1`.
pub const ELU: Entry<Definition> = Entry {
    name: "elu",
    doc: "elu(alpha): x above 0, alpha * (exp(x) - 1) below",
    make: Definition {
        parameters: &[("alpha", Some(1.0))],
        formula: |x, p| if x > 0.0 { x } else { p[0] * nearest(libm::expm1, x) },
        trend: |p| if p[0] >= 0.0 { Trend::Rising } else { Trend::Other },
        exact: inexact,
    },
};
/// `max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0)`: Keras 3's and ONNX' `celu`.
pub const CELU: Entry<Definition> = Entry {
    name: "celu",
    doc: "celu(alpha): x above 0, alpha * (exp(x / alpha) - 1) below",
    make: Definition {
        parameters: &[("alpha", Some(1.0))],
        formula: |x, p| x.max(0.0) + (p[0] * nearest(libm::expm1, x / p[0])).min(0.0),
        trend: |p| if p[0] > 0.0 { Trend::Rising } else { Trend::Other },
        exact: inexact,
    },
};
/// TensorFlow's `selu`: float32 constants `scale` and `scale * alpha`.
pub const SELU: Entry<Definition> = Entry {
    name: "selu",
    doc: "1.0507 * x above 0, 1.7581 * (exp(x) - 1) below",
    make: Definition {
        parameters: &[],
        formula: |x, _| if x < 0.0 { 1.758_099_3 * nearest(libm::expm1, x) } else { 1.050_701 * x },
        trend: rising,
        exact: inexact,
    },
};
/// `exp(x)`.
pub const EXPONENTIAL: Entry<Definition> = Entry {
    name: "exponential",
    doc: "exp(x), the exponential",
    make: Definition { parameters: &[], formula: |x, _| nearest(libm::exp, x), trend: rising, exact: inexact },
};
/// `exp(x) - 1`.
pub const EXPM1: Entry<Definition> = Entry {
    name: "expm1",
    doc: "exp(x) - 1, rounded once",
    make: Definition { parameters: &[], formula: |x, _| nearest(libm::expm1, x), trend: rising, exact: inexact },
};
/// The natural logarithm.
pub const LOG: Entry<Definition> = Entry {
    name: "log",
    doc: "the natural logarithm; of positive codes only",
    make: Definition { parameters: &[], formula: |x, _| nearest(libm::log, x), trend: rising, exact: inexact },
};
/// `log(1 + x)`.
pub const LOG1P: Entry<Definition> = Entry {
    name: "log1p",
    doc: "log(1 + x), rounded once; of codes above -1 only",
    make: Definition { parameters: &[], formula: |x, _| nearest(libm::log1p, x), trend: rising, exact: inexact },
};
/// `log(1 + exp(x))`.
pub const SOFTPLUS: Entry<Definition> = Entry {
    name: "softplus",
    doc: "log(1 + exp(x))",
    make: Definition { parameters: &[], formula: |x, _| softplus(x), trend: rising, exact: inexact },
};
/// `-log(1 + exp(-x))`.
pub const LOG_SIGMOID: Entry<Definition> = Entry {
    name: "log_sigmoid",
    doc: "the logarithm of the sigmoid",
    make: Definition { parameters: &[], formula: |x, _| -softplus(-x), trend: rising, exact: inexact },
};

/// The float32 number nearest to `log(1 + exp(x))`.
pub(super) fn softplus(x: f32) -> f32 {
    nearest(|x| if x > 0.0 { x + libm::log1p(libm::exp(-x)) } else { libm::log1p(libm::exp(x)) }, x)
}
