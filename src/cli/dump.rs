//! `nanotrig dump MODEL`: a level of the compiler, or the graph after a pass, as text.

use super::model::{MakingArguments, ModelArguments};
use super::print;
use crate::compiler::hardware;
use crate::error::{At, Result};
use crate::passes::PASSES;
use crate::registry::find;
use clap::{Args, ValueEnum};

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    #[command(flatten)]
    making: MakingArguments,
    /// The level
    #[arg(long, value_enum, default_value_t = LevelArgument::Dfg, conflicts_with = "after")]
    level: LevelArgument,
    /// The dataflow graph after this pass
    #[arg(long, value_name = "PASS")]
    after: Option<String>,
}

#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
enum LevelArgument {
    /// The tensor graph, float chains included
    Tensor,
    /// The tensor graph that becomes hardware
    Folded,
    /// The dataflow graph before any pass
    Dfg,
    /// The dataflow graph after all passes
    Optimised,
    /// The circuit
    Netlist,
}

pub fn run(arguments: &Arguments) -> Result<u8> {
    let after = arguments.after.as_deref().map(|name| find("pass", PASSES, name)).transpose()?;
    let (_, meaning) = arguments.model.meaning()?;
    let place = arguments.model.model.display().to_string();
    let mut shown = String::new();
    let making = arguments.making.making()?;
    match (after, arguments.level) {
        (Some(pass), _) => {
            let show = |name: &str, dfg: &crate::dfg::Dfg| {
                if name == pass.name {
                    shown = dfg.to_string();
                }
            };
            hardware(&meaning.dfg, &making, show).at(place)?;
        }
        (_, LevelArgument::Tensor) => shown = meaning.expanded.graph.to_string(),
        (_, LevelArgument::Folded) => shown = meaning.graph.to_string(),
        (_, LevelArgument::Dfg) => shown = meaning.dfg.to_string(),
        (_, LevelArgument::Optimised) => shown = hardware(&meaning.dfg, &making, |_, _| ()).at(place)?.dfg.to_string(),
        (_, LevelArgument::Netlist) => {
            shown = hardware(&meaning.dfg, &making, |_, _| ()).at(place)?.netlist.to_string()
        }
    }
    print::text(shown)?;
    Ok(0)
}
