//! Ways to multiply by a constant matrix without multipliers.
//!
//! A multiplier solves a [`Problem`] (operands with ranges and arrival levels, rows of constants) into a [`Program`] of
//! shifted additions. Solving knows nothing of the graph, so that equal problems (the windows of a convolution, the rows
//! of a shared layer) are solved once and replayed. To add one: a file with a [`Solve`] function and an entry below.

mod naive;
mod replay;
mod shift_add;

use crate::dfg::Term;
use crate::fixed::{Fixed, Range};
use crate::registry::Entry;
pub use shift_add::digits::digits;
pub use shift_add::levels;

/// Solves a problem. The result depends on the problem alone.
pub type Solve = fn(&Problem) -> Program;

/// The multipliers, the default first.
pub const MULTIPLIERS: &[Entry<Solve>] = &[shift_add::MULTIPLIER, naive::MULTIPLIER];

/// A factor of the products.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Operand {
    /// Its exact range.
    pub range: Range,
    /// When it is there, in adder levels.
    pub level: u32,
}

/// One output: a sum of operands times constants, plus a constant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    /// Index of an operand, and its coefficient; each operand at most once, no coefficient 0.
    pub terms: Vec<(u32, Fixed)>,
    /// What is added.
    pub constant: Fixed,
    /// Adder levels that it may take beyond its fewest; as many as the deepest row has are always enough.
    pub late: u32,
}

/// A constant matrix and what is known of its operands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Problem {
    /// The operands.
    pub operands: Vec<Operand>,
    /// The outputs.
    pub rows: Vec<Row>,
    /// Adder levels that the deepest row may have beyond the fewest possible.
    pub slack: u32,
    /// What the device's carry chains add.
    pub chains: Chains,
    /// How long to search.
    pub effort: Effort,
}

/// How long to search for few adders. The result never depends on how fast the machine is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effort {
    /// As little as gives a reasonable result.
    Fast,
    /// What pays by the second.
    #[default]
    Default,
    /// Many times as long, for a few percent.
    High,
}

/// What one carry chain adds at one LUT a bit, beyond two operands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Chains {
    /// Any constant.
    pub constant: bool,
    /// A third operand, where a register takes the sum at once, as it takes most rows: the last two sums of a row then
    /// become one.
    pub third: bool,
    /// Tenths of a LUT for a position at which only one operand has bits, and which passes the carry on.
    pub pass: u32,
}

/// A step of a program. Values are numbered: operands first, then steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A sum of at most two shifted values and a constant (`Term::id` is a value's number).
    Sum {
        /// The shifted values.
        terms: Vec<Term>,
        /// What is added.
        constant: Fixed,
    },
    /// A sum of narrow operands times constants, looked up in a table.
    Lookup {
        /// Values and their coefficients.
        terms: Vec<(u32, Fixed)>,
        /// What is added.
        constant: Fixed,
    },
}

/// A solved problem.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Program {
    /// The steps, in an order in which they can be computed.
    pub steps: Vec<Step>,
    /// The value of each row.
    pub results: Vec<u32>,
}
