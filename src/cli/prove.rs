//! `nanotrig prove DIR`: every step from tensor graph to Verilog kept the function, on all inputs.

use super::print;
use crate::compiler::meaning;
use crate::dfg::Dfg;
use crate::error::{At, Error, Result};
use crate::proof::Proof;
use crate::proof::verilog::Interface;
use crate::report::Report;
use crate::{certificate, files, frontends};
use clap::Args;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Bytes of stack: expressions and chains of nets are followed one inside the other.
const STACK: usize = 1 << 30;

#[derive(Args)]
pub struct Arguments {
    /// The output folder of `nanotrig compile`
    dir: PathBuf,
    /// Also demand that the files are those of an earlier certificate, DIR/proof.json
    #[arg(long)]
    check: bool,
    /// Seconds that each level may take; what is not found out by then is not proved
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    limit: u32,
}

pub fn run(arguments: &Arguments) -> Result<u8> {
    let (dir, check, limit) = (arguments.dir.clone(), arguments.check, arguments.limit);
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(move || prove(&dir, check, limit));
    let thread = thread.map_err(|error| Error::user(format!("cannot start a thread: {error}"), "free some memory"))?;
    thread.join().map_err(|_| Error::bug("the proof failed"))?
}

fn prove(dir: &Path, check: bool, limit: u32) -> Result<u8> {
    let text = |path: &str| files::read_text(&dir.join(path));
    let report = text("report.json")
        .map_err(|error| Error { help: "give the output folder of `nanotrig compile`".into(), ..error })?;
    let report = Report::parse(&report).at(dir.join("report.json").display().to_string())?;
    let network = frontends::read(&dir.join("model/network.toml"), None)?;
    let meaning = meaning(&network, &report.reading).at(dir.display().to_string())?;
    let verilog = certificate::verilog(dir)?;
    let mut proof = Proof::of(&meaning.graph, &meaning.dfg.outputs)?;
    proof.limit = Some(Duration::from_secs(limit.into()));
    let graph = |path: &str| text(path)?.parse::<Dfg>().at(dir.join(path).display().to_string());
    proof.numbers("dataflow graph", &graph("ir/dfg.txt")?);
    let optimised = graph("ir/optimised.txt")?;
    proof.numbers("after all passes", &optimised);
    let reset = text("ir/netlist.txt")?.lines().next().is_some_and(|line| line.contains(", reset)"));
    let interface = Interface {
        top: &report.top,
        inputs: &meaning.dfg.inputs,
        outputs: &meaning.dfg.outputs,
        latency: report.latency_cycles,
        reset,
    };
    if report.initiation_interval > 1 {
        proof.unproved("Verilog", "what happens in several clocks of an event is not followed");
    } else {
        proof.verilog("Verilog", &optimised, &verilog, &interface);
    }
    for link in &proof.links {
        let reason = link.reason.as_ref().map(|reason| format!("; {reason}")).unwrap_or_default();
        print::line(format_args!("{:<18} {} of {} outputs proved{reason}", link.level, link.proved, link.outputs))?;
    }
    let mut holds = proof.holds();
    if check {
        for file in certificate::changed(dir)? {
            holds = false;
            print::line(format_args!("{file} is not the file of the certificate"))?;
        }
    } else {
        certificate::write(dir, &proof, &interface)?;
    }
    print::line(if holds { "proved: the Verilog computes the network, on all inputs" } else { "not proved" })?;
    Ok(!holds as u8)
}
