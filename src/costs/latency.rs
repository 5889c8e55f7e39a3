//! `latency`: nanoseconds from input port to output port, as the compiler's report has them.

use super::luts::compiled;
use super::{Cost, Measure, Options, Row};
use crate::error::Result;
use crate::network::Network;
use crate::registry::Entry;

/// The entry.
pub const COST: Entry<Measure> = Entry { name: "latency", doc: "ns of the compiled network", make: latency };

fn latency(network: &Network, options: &Options) -> Result<Cost> {
    let (_, report) = compiled(network, options)?;
    let rows = report.stages.iter().map(|stage| Row {
        layer: format!("stage {}", stage.stage),
        class: stage.layers.iter().map(|share| share.name.as_str()).collect::<Vec<_>>().join(" "),
        total: report.period_ns,
        parts: vec![("delay", stage.delay_ns)],
    });
    Ok(Cost { unit: "ns", rows: rows.collect(), total: report.latency_ns, notes: Vec::new() })
}
