//! `luts`: look-up tables, as the compiler's report has them for the target.

use super::{Cost, Measure, Options, Row, class, own_name};
use crate::compiler::{Meaning, hardware, meaning};
use crate::error::{At, Result};
use crate::network::Network;
use crate::registry::Entry;
use crate::report::{Checked, Report};

/// The entry.
pub const COST: Entry<Measure> = Entry { name: "luts", doc: "look-up tables of the compiled network", make: luts };

fn luts(network: &Network, options: &Options) -> Result<Cost> {
    let (meaning, report) = compiled(network, options)?;
    let rows = report.layers.iter().map(|row| {
        let layer = own_name(&meaning, &row.name);
        let class = network.layer(&layer).map_or("", class).to_string();
        let parts = vec![("carry", row.carry as f64), ("registers", row.registers as f64)];
        Row { layer, class, total: row.luts as f64, parts }
    });
    Ok(Cost { unit: "LUTs", rows: rows.collect(), total: report.luts as f64, notes: Vec::new() })
}

/// What the network means, and the report of its compile, without the checks of its levels.
///
/// # Errors
/// Those of the compiler.
pub fn compiled(network: &Network, options: &Options) -> Result<(Meaning, Report)> {
    let meaning = meaning(network, &options.reading)?;
    let hardware = hardware(&meaning.dfg, &options.making, |_, _| ()).at(&network.name)?;
    let checked = Checked { random: 0, given: 0, mismatches: 0 };
    let report = Report::new(&meaning, &hardware, &options.making, options.reading.clone(), &options.target, checked);
    Ok((meaning, report))
}
