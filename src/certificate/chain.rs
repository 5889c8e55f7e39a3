//! The proof of an output folder: what is compared with what, and how long it may take.

use super::{changed, verilog, write};
use crate::compiler::{Hardware, Meaning, meaning};
use crate::dfg::Dfg;
use crate::error::{At, Error, Result};
use crate::proof::verilog::Interface;
use crate::proof::{Link, Proof};
use crate::report::{Proved, Report};
use crate::{files, frontends};
use std::path::Path;
use std::time::{Duration, Instant};

/// Bytes of stack: expressions and chains of nets are followed one inside the other.
const STACK: usize = 1 << 30;
/// The time that a compile spends on its proof.
const LIMIT: Duration = Duration::from_secs(10);
/// The largest graph that a compile proves.
const MOST: usize = 500_000;

/// What was found of a folder.
pub struct Found {
    /// One of each level.
    pub links: Vec<Link>,
    /// Files that are not those of the certificate that was there.
    pub changed: Vec<String>,
}

impl Found {
    /// Is every level proved, of the files of the certificate?
    pub fn holds(&self) -> bool {
        self.changed.is_empty() && self.links.iter().all(Link::holds)
    }
}

/// Proves a folder that a compile wrote, from the network in it to the Verilog; what is not found out within the limit is
/// not proved. Writes the certificate, or, where it is checked, says which files are not those of the one that is there.
///
/// # Errors
/// A file that is not there or cannot be read; the error names it. The disk refuses.
pub fn folder(dir: &Path, check: bool, limit: Duration) -> Result<Found> {
    deep(|| {
        let changed = if check { changed(dir)? } else { Vec::new() };
        let text = |path: &str| files::read_text(&dir.join(path));
        let report = text("report.json")
            .map_err(|error| Error { help: "give the output folder of `nanotrig compile`".into(), ..error })?;
        let report = Report::parse(&report).at(dir.join("report.json").display().to_string())?;
        let network = frontends::read(&dir.join("model/network.toml"), None)?;
        let meaning = meaning(&network, &report.reading).at(dir.display().to_string())?;
        let graph = |path: &str| text(path)?.parse::<Dfg>().at(dir.join(path).display().to_string());
        let (lowered, optimised) = (graph("ir/dfg.txt")?, graph("ir/optimised.txt")?);
        let interface = Interface {
            top: &report.top,
            inputs: meaning.dfg.inputs.clone(),
            outputs: meaning.dfg.outputs.clone(),
            latency: report.latency_cycles,
            reset: text("ir/netlist.txt")?.lines().next().is_some_and(|line| line.contains(", reset)")),
            interval: report.initiation_interval,
        };
        let interval = report.initiation_interval;
        let levels = Levels { meaning: &meaning, lowered: &lowered, optimised: &optimised, interval };
        let proof = levels.proof(dir, &interface, limit)?;
        if !check {
            write(dir, &proof, &interface)?;
        }
        Ok(Found { links: proof.links, changed })
    })
}

/// Runs what goes as deep as a circuit does.
fn deep<T: Send>(run: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, run);
        let thread =
            thread.map_err(|error| Error::user(format!("cannot start a thread: {error}"), "free some memory"))?;
        thread.join().map_err(|_| Error::bug("the proof failed"))?
    })
}

/// What is proved equal.
struct Levels<'a> {
    meaning: &'a Meaning,
    lowered: &'a Dfg,
    optimised: &'a Dfg,
    interval: u32,
}

impl Levels<'_> {
    /// Compares the levels, and the Verilog in a folder.
    fn proof(&self, dir: &Path, interface: &Interface, limit: Duration) -> Result<Proof> {
        let deadline = Instant::now().checked_add(limit);
        let mut proof = Proof::of(&self.meaning.graph, &self.meaning.dfg.outputs, deadline)?;
        proof.numbers("dataflow graph", self.lowered);
        proof.numbers("after all passes", self.optimised);
        if self.interval > 1 && self.meaning.states() == 0 {
            proof.unproved("Verilog", "what happens in several clocks of an event is not followed");
        } else {
            proof.verilog("Verilog", self.optimised, &verilog(dir)?, interface);
        }
        Ok(proof)
    }
}

/// The proof at the end of a compile, whose Verilog and graphs are in `dir` already: writes the certificate there.
///
/// # Errors
/// The disk refuses.
pub fn compiled(dir: &Path, meaning: &Meaning, hardware: &Hardware) -> Result<Proved> {
    let start = Instant::now();
    let nodes = hardware.dfg.nodes.len();
    if nodes > MOST {
        let reason = format!("{nodes} nodes, more than {MOST}: `nanotrig prove` tries");
        return Ok(Proved { holds: false, reason: Some(reason), seconds: 0.0 });
    }
    let interface = Interface::of(&hardware.netlist);
    let levels =
        Levels { meaning, lowered: &meaning.dfg, optimised: &hardware.dfg, interval: hardware.netlist.interval };
    let reason = deep(|| {
        let proof = match levels.proof(dir, &interface, LIMIT) {
            Ok(proof) => proof,
            Err(error) => return Ok(Some(error.what)),
        };
        write(dir, &proof, &interface)?;
        let open = proof.links.iter().find(|link| !link.holds());
        Ok(open.map(|link| format!("{}: {}", link.level, link.reason.clone().unwrap_or_default())))
    })?;
    Ok(Proved { holds: reason.is_none(), reason, seconds: (start.elapsed().as_secs_f64() * 1000.0).round() / 1000.0 })
}
