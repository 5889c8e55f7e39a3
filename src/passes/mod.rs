//! Passes over the dataflow graph.
//!
//! A pass is a function of a graph and the [`Context`] to a new graph of the same function. The framework drops dead nodes
//! and verifies after each, so a pass cannot forget to. To add one: a file with a [`Pass`] function, and an entry at its
//! place in [`PASSES`]; the order and its reasons are there.

mod expand_dots;
mod late;

use crate::dfg::Dfg;
use crate::error::{At, Result};
use crate::multipliers::{Effort, Solve};
use crate::registry::Entry;
use crate::targets::Target;

/// What passes may ask.
pub struct Context<'a> {
    /// The device.
    pub target: &'a dyn Target,
    /// How constant matrices are multiplied.
    pub multiplier: Solve,
    /// How they are searched.
    pub way: Way,
}

/// A way to search constant matrices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Way {
    /// How long.
    pub effort: Effort,
    /// Adder levels that a matrix's deepest row may have beyond the fewest possible.
    pub slack: u32,
    /// Whether rows on the network's longest paths take their fewest levels, and not those of the deepest of their matrix:
    /// a shorter path for more adders.
    pub tight: bool,
    /// Adder levels that the largest matrix may have all the same.
    pub spare: u32,
}

/// A pass.
pub type Pass = fn(&Dfg, &Context) -> Result<Dfg>;

/// The pipeline, in order.
pub const PASSES: &[Entry<Pass>] = &[
    expand_dots::PASS, // needs the final ranges and arrival times of its operands
];

/// Runs the pipeline up to and including `last`, or all of it; `seen` is shown each result.
///
/// # Errors
/// Those of the passes; an invariant that a pass broke, as a bug that names the pass.
pub fn run(dfg: &Dfg, context: &Context, last: Option<&str>, mut seen: impl FnMut(&str, &Dfg)) -> Result<Dfg> {
    let mut dfg = dfg.without_dead();
    for pass in PASSES {
        dfg = (pass.make)(&dfg, context)?.without_dead();
        dfg.verify().at(format!("after pass `{}`", pass.name))?;
        seen(pass.name, &dfg);
        if last == Some(pass.name) {
            break;
        }
    }
    Ok(dfg)
}
