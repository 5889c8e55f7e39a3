//! `nanotrig list SET`: the members of an open set, a line each.

use super::print;
use crate::error::Result;
use crate::registry;
use crate::{backends, frontends, functions, layers, multipliers, passes, quantizers, schedulers, targets};
use clap::{Args, ValueEnum};

#[derive(Args)]
pub struct Arguments {
    /// Which set
    set: Set,
}

#[derive(Clone, Copy, ValueEnum)]
enum Set {
    Layers,
    Functions,
    Quantizers,
    Passes,
    Multipliers,
    Targets,
    Schedulers,
    Frontends,
    Backends,
}

pub fn run(arguments: &Arguments) -> Result<u8> {
    let rows = match arguments.set {
        Set::Layers => registry::list(layers::LAYERS),
        Set::Functions => registry::list(functions::FUNCTIONS),
        Set::Quantizers => registry::list(quantizers::QUANTIZERS),
        Set::Passes => registry::list(passes::PASSES),
        Set::Multipliers => registry::list(multipliers::MULTIPLIERS),
        Set::Targets => registry::list(targets::TARGETS),
        Set::Schedulers => registry::list(schedulers::SCHEDULERS),
        Set::Frontends => registry::list(frontends::FRONTENDS),
        Set::Backends => registry::list(backends::BACKENDS),
    };
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    rows.iter().try_for_each(|(name, doc)| print::line(format_args!("{name:<width$}  {doc}")))?;
    Ok(0)
}
