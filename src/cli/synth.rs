//! `nanotrig synth DIR`: what an FPGA tool makes of an output folder, beside what was estimated.

use super::print;
use crate::error::{At, Error, Result};
use crate::files;
use crate::registry::find;
use crate::report::Report;
use crate::synthesis::{self, Count, Synthesis};
use crate::targets::TARGETS;
use clap::{Args, ValueEnum};
use std::io::{IsTerminal, Write, stderr};
use std::path::PathBuf;
use std::time::Instant;

#[derive(Args)]
pub struct Arguments {
    /// The output folder of `nanotrig compile`
    dir: PathBuf,
    /// What synthesizes
    #[arg(long, value_enum, default_value = "yosys")]
    tool: Tool,
    /// The folder of the tools (a virtual environment's bin), instead of PATH
    #[arg(long, value_name = "FOLDER")]
    tools: Option<PathBuf>,
    /// Synthesize once more with modules kept apart, for the cells of each layer
    #[arg(long)]
    layers: bool,
    /// Place and route with nextpnr, for the clock; Vivado always does
    #[arg(long)]
    pnr: bool,
    /// Runs of the placer; the middle clock counts
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: u64,
    /// Print synth.json instead of the summary
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Tool {
    Yosys,
    Vivado,
}

pub fn run(arguments: &Arguments) -> Result<u8> {
    let (dir, tools) = (arguments.dir.as_path(), arguments.tools.as_deref());
    // Tools run in the output folder: what the user gave is seen from where we are.
    let tools = tools
        .map(std::path::absolute)
        .transpose()
        .map_err(|error| Error::user(format!("--tools: {error}"), "give the folder that holds the tool's program"))?;
    let tools = tools.as_deref();
    let path = dir.join("report.json");
    let text = files::read_text(&path)
        .map_err(|error| Error { help: "give the output folder of `nanotrig compile`".into(), ..error })?;
    let report = Report::parse(&text).at(path.display().to_string())?;
    let target = (find("target", TARGETS, &report.target)?.make)();
    let router = match (arguments.pnr && arguments.tool == Tool::Yosys, target.router()) {
        (true, None) => {
            let what = format!("--pnr: there is no open place and route for target {}", report.target);
            return Err(Error::user(what, "compile with --target ecp5, or use --tool vivado"));
        }
        (asked, router) => router.filter(|_| asked),
    };
    let mut progress = Progress::new();
    let mut seen = |line: &str| progress.show(line);
    let start = Instant::now();
    let (tool, measured, layers, place) = match arguments.tool {
        Tool::Yosys => {
            let (tool, measured) = synthesis::yosys(dir, tools, &mut seen)?;
            let layers = if arguments.layers { synthesis::layers(dir, &report, tools, &mut seen)? } else { Vec::new() };
            let (mhz, cycles) = (1000.0 / report.period_ns, report.latency_cycles);
            let place = |router| synthesis::place(dir, &router, mhz, arguments.seeds, cycles, tools, &mut seen);
            (tool, measured, layers, router.map(place).transpose()?)
        }
        Tool::Vivado => {
            let (tool, measured, layers, place) = synthesis::vivado(dir, &report, tools, &mut seen)?;
            (tool, measured, layers, Some(place))
        }
    };
    progress.end();
    let synthesis = Synthesis {
        generator: "nanotrig".into(),
        tool,
        target: report.target,
        seconds: start.elapsed().as_secs_f64(),
        estimated: Count::estimate(report.luts, report.registers, report.carry),
        measured,
        layers,
        place,
    };
    let json = serde_json::to_string_pretty(&synthesis)
        .map_err(|error| Error::bug(format!("the measurement has no JSON form: {error}")))?;
    files::write(&dir.join("synth.json"), json.as_bytes())?;
    print::line(if arguments.json { json } else { synthesis.summary() })?;
    Ok(0)
}

/// What the tool is doing: one line that is written over on a terminal, else a line now and then.
struct Progress {
    terminal: bool,
    start: Instant,
    last: Option<Instant>,
}

impl Progress {
    fn new() -> Progress {
        Progress { terminal: stderr().is_terminal(), start: Instant::now(), last: None }
    }

    fn show(&mut self, line: &str) {
        let seconds = self.start.elapsed().as_secs();
        // Progress that cannot be written is no reason to stop.
        if self.terminal {
            let line: String = line.chars().take(90).collect();
            _ = write!(stderr(), "\r\x1b[Ksynth: {seconds} s  {line}");
            _ = stderr().flush();
        } else if self.last.is_none_or(|last| last.elapsed().as_secs() >= QUIET) {
            self.last = Some(Instant::now());
            _ = writeln!(stderr(), "synth: {seconds} s  {line}");
        }
    }

    fn end(&self) {
        if self.terminal {
            _ = write!(stderr(), "\r\x1b[K");
        }
    }
}

/// Seconds between lines of progress where they are not written over.
const QUIET: u64 = 10;
