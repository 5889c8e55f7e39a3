//! Functions of straight pieces: `relu` and its kin, `clip`, `abs`.

use super::{Definition, Exact, Trend, dyadic, inexact, other, rising, shift};
use crate::fixed::Fixed;
use crate::registry::Entry;

/// The rectifier, with all that Keras' `ReLU` layer takes.
pub const RELU: Entry<Definition> = Entry {
    name: "relu",
    doc: "relu(max_value,negative_slope,threshold): max(x, 0) by default",
    make: Definition {
        parameters: &[("max_value", Some(f32::INFINITY)), ("negative_slope", Some(0.0)), ("threshold", Some(0.0))],
        formula: |x, p| relu(x, p[0], p[1], p[2]),
        trend: |p| {
            if p[1] >= 0.0 && p[2] >= 0.0 && (p[2] == 0.0 || p[1] == 0.0) { Trend::Rising } else { Trend::Other }
        },
        exact: |p| relu_exact(p[0], p[1], p[2]),
    },
};
/// `min(max(x, 0), 6)`.
pub const RELU6: Entry<Definition> = Entry {
    name: "relu6",
    doc: "min(max(x, 0), 6)",
    make: Definition {
        parameters: &[],
        formula: |x, _| x.clamp(0.0, 6.0),
        trend: rising,
        exact: |_| Some(vec![Exact::Clip(Some(Fixed::ZERO), Some(Fixed::new(6, 0)))]),
    },
};
/// `x` above 0, `negative_slope * x` below (TensorFlow's `leaky_relu`).
pub const LEAKY_RELU: Entry<Definition> = Entry {
    name: "leaky_relu",
    doc: "leaky_relu(negative_slope): x above 0, negative_slope * x below; 0.2 by default",
    make: Definition {
        parameters: &[("negative_slope", Some(0.2))],
        formula: |x, p| if x > 0.0 { x } else { x * p[0] },
        trend: |p| if p[0] >= 0.0 { Trend::Rising } else { Trend::Other },
        exact: |p| Some(vec![Exact::Leaky(shift(p[0])?)]),
    },
};
/// `x` above a threshold, else 0 (Keras' `ThresholdedReLU`).
pub const THRESHOLDED_RELU: Entry<Definition> = Entry {
    name: "thresholded_relu",
    doc: "thresholded_relu(theta): x if x > theta, else 0",
    make: Definition {
        parameters: &[("theta", Some(1.0))],
        formula: |x, p| if x > p[0] { x } else { 0.0 },
        trend: |p| if p[0] >= 0.0 { Trend::Rising } else { Trend::Other },
        exact: |p| Some(vec![Exact::Gate(dyadic(p[0])?)]),
    },
};
/// `min(max(x, low), high)`.
pub const CLIP: Entry<Definition> = Entry {
    name: "clip",
    doc: "clip(low,high): min(max(x, low), high)",
    make: Definition {
        parameters: &[("low", Some(f32::NEG_INFINITY)), ("high", Some(f32::INFINITY))],
        formula: |x, p| x.max(p[0]).min(p[1]),
        trend: rising,
        exact: |p| Some(vec![Exact::Clip(dyadic(p[0]), dyadic(p[1]))]),
    },
};
/// `|x|`.
pub const ABS: Entry<Definition> = Entry {
    name: "abs",
    doc: "|x|, the magnitude",
    make: Definition {
        parameters: &[],
        formula: |x, _| x.abs(),
        trend: other,
        exact: |_| Some(vec![Exact::Leaky(Fixed::new(-1, 0))]),
    },
};
/// `-x`.
pub const NEGATIVE: Entry<Definition> = Entry {
    name: "negative",
    doc: "-x, the negated number",
    make: Definition {
        parameters: &[],
        formula: |x, _| -x,
        trend: |_| Trend::Falling,
        exact: |_| Some(vec![Exact::Scale(Fixed::new(-1, 0))]),
    },
};
/// Toward 0 by `threshold` (Keras 3, ONNX `Shrink` with `bias = lambd`).
pub const SOFT_SHRINK: Entry<Definition> = Entry {
    name: "soft_shrink",
    doc: "soft_shrink(threshold): x moved toward 0 by the threshold",
    make: Definition {
        parameters: &[("threshold", Some(0.5))],
        formula: |x, p| match x {
            _ if x > p[0] => x - p[0],
            _ if x < -p[0] => x + p[0],
            _ => 0.0,
        },
        trend: |p| if p[0] >= 0.0 { Trend::Rising } else { Trend::Other },
        exact: inexact,
    },
};
/// 0 where `|x| <= threshold` (Keras 3, ONNX `Shrink` without bias).
pub const HARD_SHRINK: Entry<Definition> = Entry {
    name: "hard_shrink",
    doc: "hard_shrink(threshold): 0 where |x| <= threshold, else x",
    make: Definition {
        parameters: &[("threshold", Some(0.5))],
        formula: |x, p| if x.abs() > p[0] { x } else { 0.0 },
        trend: rising,
        exact: inexact,
    },
};

/// Keras' `backend.relu`, in its order of operations.
fn relu(x: f32, max_value: f32, negative_slope: f32, threshold: f32) -> f32 {
    if negative_slope != 0.0 && max_value == f32::INFINITY && threshold == 0.0 {
        return if x > 0.0 { x } else { x * negative_slope };
    }
    let negative_part = if threshold != 0.0 { (-x + threshold).max(0.0) } else { (-x).max(0.0) };
    let mut y = match threshold {
        0.0 => x.max(0.0),
        _ if x > threshold => x,
        _ => 0.0,
    };
    if max_value != f32::INFINITY {
        y = y.max(0.0).min(max_value);
    }
    if negative_slope != 0.0 { y - negative_slope * negative_part } else { y }
}

fn relu_exact(max_value: f32, negative_slope: f32, threshold: f32) -> Option<Vec<Exact>> {
    let high = Exact::Clip(None, dyadic(max_value));
    let positive = Exact::Clip(Some(Fixed::ZERO), dyadic(max_value));
    match (negative_slope, threshold) {
        (0.0, 0.0) => Some(vec![positive]),
        (0.0, _) if max_value == f32::INFINITY => Some(vec![Exact::Gate(dyadic(threshold)?)]),
        (0.0, _) => Some(vec![Exact::Gate(dyadic(threshold)?), positive]),
        (_, 0.0) if max_value == f32::INFINITY => Some(vec![Exact::Leaky(shift(negative_slope)?)]),
        (_, 0.0) => Some(vec![Exact::Leaky(shift(negative_slope)?), high]),
        _ => None,
    }
}
