//! The summary that a compile prints.

use super::{Proved, Report};
use crate::backends::every;
use std::fmt::Write;
use std::path::Path;

impl Report {
    /// A few lines for the terminal; `place` is the output folder.
    pub fn summary(&self, place: &Path) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        _ = self.table(&mut text).and_then(|()| self.lines(&mut text, place));
        text
    }

    /// What each layer costs.
    fn table(&self, text: &mut String) -> std::fmt::Result {
        let wide = self.layers.iter().map(|row| row.name.chars().count()).max().unwrap_or(0).max("valid bits".len());
        let mut line = |name: &str, stages: &str, cells: [&str; 3]| {
            let [luts, carry, registers] = cells;
            writeln!(text, "{name:<wide$}  {stages:>6}  {luts:>9}  {carry:>10}  {registers:>9}")
        };
        line("layer", "stages", ["LUT", "carry bits", "registers"])?;
        for row in &self.layers {
            let [luts, carry, registers] = [row.luts, row.carry, row.registers].map(|count| count.to_string());
            line(&row.name, &row.place(), [&luts, &carry, &registers])?;
        }
        line("valid bits", "", ["", "", &self.latency_cycles.to_string()])?;
        let [luts, carry, registers] = [self.luts, self.carry, self.registers].map(|count| count.to_string());
        line("total", "", [&luts, &carry, &registers])?;
        writeln!(text)
    }

    fn lines(&self, text: &mut String, place: &Path) -> std::fmt::Result {
        let (cycles, ns) = (self.latency_cycles, self.latency_ns);
        let plural = if cycles == 1 { "" } else { "s" };
        let every = every(self.initiation_interval);
        writeln!(text, "latency   {cycles} cycle{plural} = {ns:.1} ns at {}, an event every {every}", self.clock())?;
        let (period, shortest) = (self.period_ns, self.shortest_period_ns);
        writeln!(text, "period    {period:.3} ns; the longest stage needs {shortest:.3} ns, estimated")?;
        let (luts, carry, registers) = (self.luts, self.carry, self.registers);
        writeln!(text, "cost      {luts} LUT and {carry} carry bits, estimated; {registers} registers")?;
        if let Some(accuracy) = self.accuracy() {
            writeln!(text, "estimate  {accuracy}")?;
        }
        let given = if self.checked.given > 0 { format!("{} given, ", self.checked.given) } else { String::new() };
        let random = self.checked.random;
        writeln!(text, "checked   tensor graph, dataflow graph and netlist agree on {given}{random} random samples")?;
        match &self.proof {
            Some(Proved { reason: Some(reason), .. }) => writeln!(text, "unproved  {reason}")?,
            Some(_) => writeln!(text, "proved    the Verilog computes the network, on all inputs")?,
            None => {}
        }
        if self.checked.mismatches > 0 {
            writeln!(text, "expected  {} outputs differ from what was expected", self.checked.mismatches)?;
        }
        writeln!(text, "report    {}", place.join("report.html").display())?;
        write!(text, "Verilog   {}, top module {}", place.join("verilog").display(), self.top)?;
        match &self.shell {
            Some(shell) => write!(text, "\nshell     {}, top module {}", place.join("shell").display(), shell.top),
            None => Ok(()),
        }
    }

    /// The clock, as `360 MHz`.
    pub(super) fn clock(&self) -> String {
        let mhz = 1000.0 / self.period_ns;
        if mhz < 10.0 { format!("{mhz:.3} MHz") } else { format!("{mhz:.0} MHz") }
    }
}
