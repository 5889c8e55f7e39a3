//! The primitives of the tensor graph, about a dozen; every layer expands into these.

use crate::fixed::{Fixed, Quantization};

/// What a tensor node computes. Element-wise operations broadcast as NumPy does.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// An input port, already in its declared formats.
    Input {
        /// Index into [`super::Graph::inputs`].
        port: u32,
    },
    /// Exact constants, C order.
    Constant {
        /// One number per element.
        values: Vec<Fixed>,
    },
    /// `[.., k] x [k, n] -> [.., n]`, exact.
    MatMul,
    /// Element-wise sum, exact.
    Add,
    /// Element-wise product, exact.
    Mul,
    /// Element-wise maximum, exact.
    Max,
    /// Element-wise minimum, exact.
    Min,
    /// An axis reduced, exact; the axis goes away.
    Reduce {
        /// What is taken over the axis.
        kind: Reduction,
        /// Which axis.
        axis: usize,
    },
    /// Elements of the operands in a new order and shape: reshape, transpose, slice, concatenate, windows.
    Gather {
        /// For each element of the result: which operand, and which element of it.
        elements: Vec<(u32, u32)>,
    },
    /// Brings exact or float values to a format.
    Quantize {
        /// One for all elements, or one each.
        elements: Vec<Quantization>,
    },
    /// A staircase of an exact or float value.
    Steps {
        /// One for all elements, or one per element of the last axis, or one each.
        stairs: Vec<Staircase>,
    },
    /// `values[x / 2^exp - lo]` for an exact x that stays within the table.
    Table {
        /// The least argument, in units of `2^exp`.
        lo: i128,
        /// The exponent of the arguments' unit.
        exp: i32,
        /// The values, in the order of the argument.
        values: Vec<Fixed>,
    },
    /// A float32 operation on an exact value (converted to the nearest float32) or a float one.
    Float(Float),
}

/// What a reduction takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// The sum.
    Sum,
    /// The greatest.
    Max,
}

/// A step function: `first` below the first threshold, then the value of the last threshold that is `<= x`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staircase {
    /// The value below all thresholds.
    pub first: Fixed,
    /// Thresholds, ascending, and the value from there on.
    pub steps: Vec<(Fixed, Fixed)>,
}

/// A float32 operation. Constants are one for all elements or one per element of the last axis.
#[derive(Clone, Debug, PartialEq)]
pub enum Float {
    /// `x * c`.
    Mul(Vec<f32>),
    /// `x + c`.
    Add(Vec<f32>),
    /// `max(x, 0)`.
    Relu,
    /// Normalised exponentials over the last axis; only at the end of a network.
    Softmax,
}
