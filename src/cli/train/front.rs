//! The front of a training: each network compiled, so that its cost is what the compiler really makes.

use crate::cli::print;
use crate::costs::{COSTS, Options};
use crate::error::Result;
use crate::network::Network;
use crate::registry::find;
use crate::training::Point;
use serde::Serialize;

/// A network of the front.
#[derive(Serialize)]
pub struct Row {
    /// Its folder below `front/`: the epoch.
    pub name: String,
    /// The accuracy, or minus the loss: of the test samples, if there are any.
    pub quality: f64,
    /// The standard error of an accuracy.
    pub error: Option<f64>,
    /// Effective bit operations.
    pub ebops: f64,
    /// Look-up tables of the compiled network, estimated.
    pub luts: f64,
    /// Its latency, in ns.
    pub latency_ns: f64,
}

/// Compiles the networks, at 200 MHz for the generic target.
///
/// # Errors
/// A network that does not compile.
pub fn compiled(points: &[Point]) -> Result<Vec<Row>> {
    let cost = |network: &Network, measure: &str| {
        Ok((find("cost", COSTS, measure)?.make)(network, &Options::default())?.total)
    };
    let row = |point: &Point| {
        let score = point.test.as_ref().unwrap_or(&point.score);
        Ok(Row {
            name: point.epoch.number.to_string(),
            quality: score.accuracy.unwrap_or(-score.loss),
            error: score.error(),
            ebops: point.epoch.ebops,
            luts: cost(&point.network, "luts")?,
            latency_ns: cost(&point.network, "latency")?,
        })
    };
    points.iter().map(row).collect()
}

/// Shows the table.
///
/// # Errors
/// Standard output cannot be written.
pub fn show(rows: &[Row]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    print::line(format_args!("{:<12} {:>17} {:>9} {:>8} {:>9}", "front", "quality", "EBOPs", "LUT", "latency"))?;
    for Row { name, quality, error, ebops, luts, latency_ns } in rows {
        let error = error.map_or(String::new(), |error| format!(" +- {error:.4}"));
        let quality = format!("{quality:.4}{error}");
        print::line(format_args!("epoch {name:<6} {quality:>17} {ebops:>9.0} {luts:>8.0} {latency_ns:>6.1} ns"))?;
    }
    Ok(())
}
