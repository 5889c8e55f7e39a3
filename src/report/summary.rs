//! The summary that a compile prints.

use super::Report;
use std::fmt::Write;
use std::path::Path;

impl Report {
    /// A few lines for the terminal; `place` is the output folder.
    pub fn summary(&self, place: &Path) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        _ = self.lines(&mut text, place);
        text
    }

    fn lines(&self, text: &mut String, place: &Path) -> std::fmt::Result {
        let wide = self.layers.iter().map(|row| row.name.len()).max().unwrap_or(0).max(5);
        writeln!(text, "{:<wide$} {:>8} {:>8} {:>10} {:>8}", "layer", "stages", "LUT", "carry", "registers")?;
        for row in &self.layers {
            let stages = if row.stages[1] == 0 { "-".into() } else { format!("{}..{}", row.stages[0], row.stages[1]) };
            writeln!(text, "{:<wide$} {stages:>8} {:>8} {:>10} {:>8}", row.name, row.luts, row.carry, row.registers)?;
        }
        let (luts, carry, registers) = (self.luts, self.carry, self.registers);
        writeln!(text, "{:<wide$} {:>8} {luts:>8} {carry:>10} {registers:>8}", "total", "")?;
        writeln!(text)?;
        let (mhz, shortest) = (1000.0 / self.period_ns, self.shortest_period_ns);
        let (cycles, ns) = (self.latency_cycles, self.latency_ns);
        writeln!(text, "latency   {cycles} cycles = {ns:.1} ns at {mhz:.0} MHz, an event every cycle")?;
        writeln!(
            text,
            "estimate  {luts} LUT, {carry} carry bits, {registers} registers; shortest period {shortest:.2} ns"
        )?;
        let given = if self.checked.given > 0 { format!("{} given, ", self.checked.given) } else { String::new() };
        let random = self.checked.random;
        writeln!(
            text,
            "checked   tensor, dataflow graph and netlist agree on {given}{random} random and corner vectors"
        )?;
        if self.checked.mismatches > 0 {
            writeln!(text, "expected  {} outputs differ from what was expected", self.checked.mismatches)?;
        }
        writeln!(text, "report    {}", place.join("report.html").display())?;
        write!(text, "Verilog   {}, top module {}", place.join("verilog").display(), self.top)
    }
}
