//! What FPGA tools make of an output folder: cells, and the clock after place and route, beside the estimates.
//!
//! The tools are other people's programs; nothing here is needed to compile a network. [`yosys`] synthesizes, [`nextpnr`]
//! places and routes what Yosys made, and [`vivado`] does both for AMD's devices. Their files stay in the output folder.

pub mod cells;
mod nextpnr;
mod tools;
mod vivado;
mod yosys;

pub use cells::Count;
pub use nextpnr::place;
pub use vivado::{hierarchy as read_hierarchy, timing as read_timing, utilization as read_utilization, vivado};
pub use yosys::{layers, yosys};

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// `synth.json`: what was measured, beside what was estimated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Synthesis {
    /// Always `nanotrig`.
    pub generator: String,
    /// The tool and its version, as it says itself.
    pub tool: String,
    /// The target that the folder was compiled for.
    pub target: String,
    /// Seconds that the tool took.
    pub seconds: f64,
    /// The estimates of `report.json`.
    pub estimated: Count,
    /// What the tool made.
    pub measured: Count,
    /// A row for each layer that has a module, where modules were kept apart.
    pub layers: Vec<Layer>,
    /// The clock after place and route.
    pub place: Option<Place>,
}

/// A layer's cells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// Its name.
    pub name: String,
    /// The estimates of `report.json`.
    pub estimated: Count,
    /// What the tool made of its module.
    pub measured: Count,
}

/// A design after place and route.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// The tool and its version.
    pub tool: String,
    /// The device, as the tool's arguments name it.
    pub device: String,
    /// The clock asked for, in MHz.
    pub asked_mhz: f64,
    /// The highest clock of each run in MHz, with the placer's seed where there is one.
    pub runs: Vec<(Option<u64>, f64)>,
    /// The middle one of the runs' clocks in MHz; the lower of two.
    pub fmax_mhz: f64,
    /// The pipeline's latency at that clock, in ns.
    pub latency_ns: f64,
}

impl Place {
    /// The result of some runs of a design with so many cycles of latency.
    ///
    /// # Errors
    /// There are no runs.
    pub fn new(
        tool: String,
        device: String,
        asked_mhz: f64,
        runs: Vec<(Option<u64>, f64)>,
        cycles: u32,
    ) -> Result<Place> {
        let mut clocks: Vec<f64> = runs.iter().map(|(_, clock)| *clock).collect();
        clocks.sort_by(f64::total_cmp);
        let middle = clocks.get(clocks.len().saturating_sub(1) / 2).copied();
        let fmax_mhz = middle.ok_or_else(|| Error::user("no seeds were given", "give --seeds 1 or more"))?;
        let latency_ns = 1000.0 * f64::from(cycles) / fmax_mhz;
        Ok(Place { tool, device, asked_mhz, runs, fmax_mhz, latency_ns })
    }
}

impl Synthesis {
    /// A few lines for the terminal.
    pub fn summary(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let wide = self.layers.iter().map(|row| row.name.chars().count()).max().unwrap_or(0).max("layer".len());
        if !self.layers.is_empty() {
            let head = ["LUT", "registers", "carry bits"].map(|what| format!("{what:>20} "));
            writeln!(text, "{:<wide$}  {}", "layer", head.concat())?;
            let pairs = format!("{:>10}{:>10} ", "estimated", "measured").repeat(3);
            writeln!(text, "{:<wide$}  {pairs}", "")?;
            for row in &self.layers {
                let pair = |(estimated, measured): (u64, u64)| format!("{estimated:>10}{measured:>10} ");
                writeln!(text, "{:<wide$}  {}", row.name, pairs_of(&row.estimated, &row.measured).map(pair).concat())?;
            }
            writeln!(text, "Modules kept apart, so their sum is not the whole below.\n")?;
        }
        writeln!(text, "{:<12}{:>10}{:>10}  measured / estimated", "", "estimated", "measured")?;
        for (name, (estimated, measured)) in
            ["LUT", "registers", "carry bits"].iter().zip(pairs_of(&self.estimated, &self.measured))
        {
            let ratio =
                if estimated == 0 { "-".to_string() } else { format!("{:.3}", measured as f64 / estimated as f64) };
            writeln!(text, "{name:<12}{estimated:>10}{measured:>10}  {ratio}")?;
        }
        let more = [("wide multiplexers", self.measured.muxes), ("DSPs", self.measured.dsps)];
        for (name, count) in more.iter().filter(|(_, count)| *count > 0) {
            writeln!(text, "{name}: {count}")?;
        }
        if !self.measured.other.is_empty() {
            let other: Vec<String> = self.measured.other.iter().map(|(cell, n)| format!("{n} {cell}")).collect();
            writeln!(text, "not counted: {}", other.join(", "))?;
        }
        write!(text, "by {} in {:.0} s", self.tool, self.seconds)?;
        if let Some(place) = &self.place {
            let runs: Vec<String> = place.runs.iter().map(|(_, clock)| format!("{clock:.1}")).collect();
            write!(
                text,
                "\nplaced and routed by {} for {}: {:.1} MHz ({}; asked: {:.1}), latency {:.2} ns",
                place.tool,
                place.device,
                place.fmax_mhz,
                runs.join(", "),
                place.asked_mhz,
                place.latency_ns
            )?;
        }
        Ok(())
    }
}

/// Estimated and measured LUTs, registers, carry bits.
fn pairs_of(estimated: &Count, measured: &Count) -> [(u64, u64); 3] {
    [(estimated.luts, measured.luts), (estimated.registers, measured.registers), (estimated.carry, measured.carry)]
}
