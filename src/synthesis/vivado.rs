//! Vivado: runs the project script of an output folder, and reads its reports.
//!
//! The readers know the tables of `report_utilization` and `report_timing_summary` as Vivado 2023 and later print them: columns
//! by their titles, not by their places.

use super::cells::Count;
use super::tools::{Tool, answer, named};
use super::{Layer, Place};
use crate::error::{At, Error, Result};
use crate::files;
use crate::report::Report;
use std::path::Path;

const HELP: &str = "install Vivado 2023.1 or later and source its settings64.sh, or give its bin folder with --tools; \
                    vivado/project.tcl is what is run";

/// Synthesizes, places and routes an output folder; gives the tool, the cells, the layers' cells and the clock.
///
/// # Errors
/// Vivado is missing or fails, or its reports are not those that are known.
pub fn vivado(
    dir: &Path,
    report: &Report,
    tools: Option<&Path>,
    seen: &mut dyn FnMut(&str),
) -> Result<(String, Count, Vec<Layer>, Place)> {
    let words = vec![named(tools, "vivado").into_os_string()];
    let version = answer(&words, &["-version"]).ok_or_else(|| Error::user("Vivado is not installed", HELP))?;
    // `vivado v2023.2 (64-bit)` is the first line.
    let version = version.lines().next().unwrap_or_default().split(" (").next().unwrap_or_default();
    let tool = Tool { words, version: version.replace("vivado v", "Vivado ") };
    seen(&format!("{} runs vivado/project.tcl", tool.version));
    let arguments = ["-mode", "batch", "-nojournal", "-nolog", "-notrace", "-source", "vivado/project.tcl"];
    tool.run(dir, &arguments.map(Into::into), HELP, &mut |line| {
        let starts = ["synth_design ", "opt_design", "place_design", "phys_opt_design", "route_design", "Phase "];
        if starts.iter().any(|start| line.starts_with(start)) {
            seen(line)
        }
    })?;
    let read = |name: &str| {
        let place = dir.join("vivado").join(name);
        files::read_text(&place).map(|text| (text, place.display().to_string()))
    };
    let (text, place) = read("utilization.rpt")?;
    let count = utilization(&text).at(place)?;
    let (text, place) = read("hierarchy.rpt")?;
    let layers = hierarchy(&text, report).at(place)?;
    let (text, place) = read("timing.rpt")?;
    let clock = 1000.0 / (report.period_ns - timing(&text).at(place)?);
    let asked = 1000.0 / report.period_ns;
    let placed = Place::new(tool.version.clone(), part(dir)?, asked, vec![(None, clock)], report.latency_cycles)?;
    Ok((tool.version, count, layers, placed))
}

/// The part that the project script names.
fn part(dir: &Path) -> Result<String> {
    let script = files::read_text(&dir.join("vivado/project.tcl"))?;
    let named = script.lines().find_map(|line| line.strip_prefix("set part ")?.split('"').nth(1));
    Ok(named.unwrap_or("the part of vivado/project.tcl").to_string())
}

/// The cells of a `report_utilization`.
///
/// # Errors
/// The text has no row of LUTs or of registers.
pub fn utilization(text: &str) -> Result<Count> {
    let rows: Vec<Vec<&str>> = text.lines().filter_map(cells).collect();
    let used = |names: &[&str]| {
        let row =
            rows.iter().find(|row| row.first().is_some_and(|name| names.contains(&name.trim_end_matches('*'))))?;
        // A half counts as one: a RAMB18 is half a block.
        row.get(1)?.parse::<f64>().ok().map(|used| used.ceil() as u64)
    };
    let needed = |names: &[&str]| {
        let help = "use Vivado 2023.1 or later, and report what the file holds if that does not help";
        used(names).ok_or_else(|| Error::user(format!("has no row `{}`", names.join("` or `")), help))
    };
    let chains = 8 * used(&["CARRY8"]).unwrap_or(0) + 4 * used(&["CARRY4"]).unwrap_or(0);
    Ok(Count {
        luts: needed(&["CLB LUTs", "Slice LUTs"])?,
        registers: needed(&["CLB Registers", "Slice Registers"])?,
        carry: chains,
        muxes: ["F7 Muxes", "F8 Muxes", "F9 Muxes"].iter().filter_map(|name| used(&[name])).sum(),
        dsps: used(&["DSPs"]).unwrap_or(0),
        ..Count::default()
    })
}

/// The layers' cells of a `report_utilization -hierarchical`; those that Vivado dissolved have no row.
///
/// # Errors
/// The text has no such table.
pub fn hierarchy(text: &str, report: &Report) -> Result<Vec<Layer>> {
    let rows: Vec<Vec<&str>> = text.lines().filter_map(cells).collect();
    let head = rows.iter().find(|row| row.contains(&"Instance"));
    let column = |name: &str| head.and_then(|head| head.iter().position(|title| *title == name));
    let (Some(instance), Some(luts), Some(registers)) = (column("Instance"), column("Total LUTs"), column("FFs"))
    else {
        let what = "has no table with `Instance`, `Total LUTs` and `FFs`";
        return Err(Error::user(what, "use Vivado 2023.1 or later"));
    };
    let dsps = column("DSP Blocks").or(column("DSPs"));
    let measured = |name: &str| {
        let row = rows.iter().find(|row| row.get(instance) == Some(&name))?;
        let number = |at: usize| row.get(at)?.parse::<u64>().ok();
        let dsps = dsps.and_then(number).unwrap_or(0);
        Some(Count { luts: number(luts)?, registers: number(registers)?, dsps, ..Count::default() })
    };
    let layer = |row: &crate::report::LayerRow| {
        let measured = measured(&row.name).or_else(|| measured(&format!("{}_{}", report.top, row.name)))?;
        // Carry cells are not in this table.
        Some(Layer { name: row.name.clone(), estimated: Count::estimate(row.luts, row.registers, 0), measured })
    };
    Ok(report.layers.iter().filter_map(layer).collect())
}

/// The worst slack in ns of a `report_timing_summary`.
///
/// # Errors
/// The text has no such table, or no path was constrained.
pub fn timing(text: &str) -> Result<f64> {
    let help = "compile with --stages 2 or more, and check that vivado/clock.xdc was read";
    let mut lines = text.lines().skip_while(|line| !line.trim_start().starts_with("WNS(ns)"));
    let row = lines.nth(2).ok_or_else(|| Error::user("has no line `WNS(ns)`", "use Vivado 2023.1 or later"))?;
    let slack = row.split_whitespace().next().unwrap_or("nothing");
    slack.parse().map_err(|_| Error::user(format!("the worst slack is `{slack}`, not a number"), help))
}

/// The cells of a table's row, `| a | b |`.
fn cells(line: &str) -> Option<Vec<&str>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inner.split('|').map(str::trim).collect())
}
