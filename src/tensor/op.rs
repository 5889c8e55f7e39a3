//! The primitives of the tensor graph, about a dozen; every layer expands into these.

use super::Lookup;
use crate::fixed::{Fixed, Quantization};
use crate::functions::{Function, Trend};

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
    /// The entry of a table that the codes along the last axis address, exact; the axis goes away.
    Lookup(Lookup),
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
    /// The least.
    Min,
}

/// A step function: `first` below the first threshold, then the value of the last threshold that is `<= x`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staircase {
    /// The value below all thresholds.
    pub first: Fixed,
    /// Thresholds, ascending, and the value from there on.
    pub steps: Vec<(Fixed, Fixed)>,
}

/// A float32 operation, element by element but for the softmax. Constants are one for all elements, one per element of
/// the last axis, or one each.
#[derive(Clone, Debug, PartialEq)]
pub enum Float {
    /// `x * c`.
    Mul(Vec<f32>),
    /// `x / c`.
    Div(Vec<f32>),
    /// `x + c`.
    Add(Vec<f32>),
    /// `x` above 0, `c * x` below.
    Leaky(Vec<f32>),
    /// A function without constants of its own for each element.
    Function(Function),
    /// Normalised exponentials over the last axis; only at the end of a network.
    Softmax,
}

/// The entry of a list that has one for all elements, one per element of the last axis, or one each.
pub fn pick<'a, T>(list: &'a [T], element: usize, shape: &[usize]) -> &'a T {
    let last = shape.last().copied().unwrap_or(1);
    match list.len() {
        1 => &list[0],
        n if n == last => &list[element % last],
        _ => &list[element],
    }
}

impl Op {
    /// Its name in text.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Input { .. } => "input",
            Op::Constant { .. } => "constant",
            Op::MatMul => "matmul",
            Op::Add => "add",
            Op::Mul => "mul",
            Op::Max => "max",
            Op::Min => "min",
            Op::Reduce { kind: Reduction::Sum, .. } => "reduce_sum",
            Op::Reduce { kind: Reduction::Max, .. } => "reduce_max",
            Op::Reduce { kind: Reduction::Min, .. } => "reduce_min",
            Op::Gather { .. } => "gather",
            Op::Quantize { .. } => "quantize",
            Op::Steps { .. } => "steps",
            Op::Table { .. } => "table",
            Op::Lookup(_) => "lookup",
            Op::Float(float) => float.name(),
        }
    }
}

impl Staircase {
    /// Its value at `x`.
    pub fn at(&self, x: Fixed) -> Fixed {
        match self.steps.partition_point(|(threshold, _)| *threshold <= x) {
            0 => self.first,
            n => self.steps[n - 1].1,
        }
    }
}

impl Float {
    /// Its name in text.
    pub fn name(&self) -> &'static str {
        match self {
            Float::Mul(_) => "float_mul",
            Float::Div(_) => "float_div",
            Float::Add(_) => "float_add",
            Float::Leaky(_) => "float_leaky",
            Float::Function(_) => "float_function",
            Float::Softmax => "float_softmax",
        }
    }

    /// Its constants; empty where it has none.
    pub fn constants(&self) -> &[f32] {
        match self {
            Float::Mul(c) | Float::Div(c) | Float::Add(c) | Float::Leaky(c) => c,
            Float::Function(_) | Float::Softmax => &[],
        }
    }

    /// The same operation with other constants.
    pub fn with_constants(&self, constants: Vec<f32>) -> Float {
        match self {
            Float::Mul(_) => Float::Mul(constants),
            Float::Div(_) => Float::Div(constants),
            Float::Add(_) => Float::Add(constants),
            Float::Leaky(_) => Float::Leaky(constants),
            Float::Function(_) | Float::Softmax => self.clone(),
        }
    }

    /// Whether it rises or falls with x, for one element; float32 rounding does not change that.
    pub fn trend(&self, element: usize, shape: &[usize]) -> Trend {
        match self {
            Float::Mul(c) | Float::Div(c) if *pick(c, element, shape) < 0.0 => Trend::Falling,
            Float::Leaky(c) if *pick(c, element, shape) < 0.0 => Trend::Other,
            Float::Mul(_) | Float::Div(_) | Float::Add(_) | Float::Leaky(_) => Trend::Rising,
            Float::Function(function) => function.trend(),
            Float::Softmax => Trend::Other,
        }
    }

    /// One element's value; a softmax needs [`Float::apply`].
    pub fn scalar(&self, x: f32, element: usize, shape: &[usize]) -> f32 {
        match self {
            Float::Mul(c) => x * pick(c, element, shape),
            Float::Div(c) => x / pick(c, element, shape),
            Float::Add(c) => x + pick(c, element, shape),
            Float::Leaky(_) if x > 0.0 => x,
            Float::Leaky(c) => x * pick(c, element, shape),
            Float::Function(function) => function.at(x),
            Float::Softmax => x,
        }
    }

    /// Applies it to a sample of the given shape, in place, in float32.
    pub fn apply(&self, sample: &mut [f32], shape: &[usize]) {
        if *self == Float::Softmax {
            for row in sample.chunks_mut(shape.last().copied().unwrap_or(1).max(1)) {
                softmax(row);
            }
            return;
        }
        for (element, x) in sample.iter_mut().enumerate() {
            *x = self.scalar(*x, element, shape);
        }
    }
}

/// `exp(x - max) / sum`, the form that frameworks use.
fn softmax(row: &mut [f32]) {
    let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    row.iter_mut().for_each(|x| *x = (*x - max).exp());
    let sum: f32 = row.iter().sum();
    row.iter_mut().for_each(|x| *x /= sum);
}
