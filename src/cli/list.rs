//! `nanotrig list SET`: the members of an open set, a line each.

use super::print;
use crate::error::{Error, Result};
use crate::registry;
use crate::{
    backends, costs, frontends, functions, interfaces, layers, multipliers, packages, passes, quantizers, schedulers,
    targets,
};
use clap::{Args, ValueEnum};
use serde::Serialize;
use std::collections::HashMap;

#[derive(Args)]
pub struct Arguments {
    /// Which set
    set: Set,
    /// As JSON; targets with the delays of their cells in ps
    #[arg(long)]
    json: bool,
}

/// A member in JSON.
#[derive(Serialize)]
struct Row {
    name: &'static str,
    doc: &'static str,
    /// Delays in ps, of a target whose netlists can be priced.
    #[serde(skip_serializing_if = "Option::is_none")]
    cells: Option<targets::Cells>,
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
    Interfaces,
    Packages,
    Costs,
    #[cfg(feature = "search")]
    Searches,
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
        Set::Interfaces => registry::list(interfaces::INTERFACES),
        Set::Packages => registry::list(packages::PACKAGES),
        Set::Costs => registry::list(costs::COSTS),
        #[cfg(feature = "search")]
        Set::Searches => registry::list(crate::searches::SEARCHES),
    };
    if arguments.json {
        let targets = targets::TARGETS.iter().filter(|_| matches!(arguments.set, Set::Targets));
        let cells: HashMap<&str, targets::Cells> =
            targets.filter_map(|entry| (entry.make)().cells().map(|cells| (entry.name, cells))).collect();
        let rows: Vec<Row> =
            rows.into_iter().map(|(name, doc)| Row { name, doc, cells: cells.get(name).copied() }).collect();
        let json = serde_json::to_string_pretty(&rows).map_err(|error| Error::bug(error.to_string()))?;
        print::line(format_args!("{json}"))?;
        return Ok(0);
    }
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    rows.iter().try_for_each(|(name, doc)| print::line(format_args!("{name:<width$}  {doc}")))?;
    Ok(0)
}
