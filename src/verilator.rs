//! Runs the test bench of an output folder under Verilator: bit by bit, cycle by cycle.

use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::temporary::Folder;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;

/// What a run of the test bench said.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Vectors streamed.
    pub vectors: u64,
    /// Clock cycles simulated in all phases.
    pub cycles: u64,
    /// Outputs, or valid flags, that differed.
    pub mismatches: u64,
    /// Cycles of the back-to-back phase per second, building and loading left out.
    pub cycles_per_second: f64,
    /// Seconds spent building; 0 if the build was in the cache.
    pub build_seconds: f64,
    /// The first mismatches, a line each.
    pub report: Vec<String>,
}

/// How a test bench is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// For a run of some thousand vectors: building is most of the time.
    Quick,
    /// As fast as Verilator and the C++ compiler can make it for this machine, with so many threads.
    Fastest(u32),
}

/// Builds (or finds in the cache) the test bench of the output folder `dir`, and streams the input codes through it.
///
/// # Errors
/// Verilator is missing or fails, the folder is no output folder, or the batches do not fit its design.
pub fn verify(dir: &Path, inputs: &Batch, expected: &Batch, progress: &dyn Fn(&str)) -> Result<Outcome> {
    run(dir, "verilator", inputs, expected, Build::Quick, progress)
}

/// The same with a test bench built as asked.
///
/// # Errors
/// Those of [`verify`].
pub fn stream(dir: &Path, inputs: &Batch, expected: &Batch, how: Build, progress: &dyn Fn(&str)) -> Result<Outcome> {
    run(dir, "verilator", inputs, expected, how, progress)
}

/// The same with the test bench of the shell around the circuit.
///
/// # Errors
/// Those of [`verify`].
pub fn verify_shell(dir: &Path, inputs: &Batch, expected: &Batch, progress: &dyn Fn(&str)) -> Result<Outcome> {
    run(dir, "shell", inputs, expected, Build::Quick, progress)
}

/// The same with the test bench of a system of several circuits.
///
/// # Errors
/// Those of [`verify`].
pub fn verify_system(dir: &Path, inputs: &Batch, expected: &Batch, progress: &dyn Fn(&str)) -> Result<Outcome> {
    run(dir, "system", inputs, expected, Build::Quick, progress)
}

fn run(
    dir: &Path,
    bench: &str,
    inputs: &Batch,
    expected: &Batch,
    how: Build,
    progress: &dyn Fn(&str),
) -> Result<Outcome> {
    if inputs.rows() != expected.rows() {
        let what = format!("{} inputs, but {} expected outputs", inputs.rows(), expected.rows());
        return Err(Error::user(what, "give one row of expected outputs for each row of inputs"));
    }
    let version = verilator(Command::new("verilator").arg("--version"))?;
    let sources = sources(dir, bench)?;
    let start = Instant::now();
    let (program, cached, keep) = program(&sources, bench, &version.stdout, how, progress)?;
    let build_seconds = if cached { 0.0 } else { start.elapsed().as_secs_f64() };
    let work = Folder::new().map_err(|error| system("make a temporary folder", &error))?;
    let vectors = work.path().join("vectors.bin");
    write(&vectors, inputs, expected).map_err(|error| system("write the test vectors", &error))?;
    progress(&format!("simulating {} vectors", inputs.rows()));
    let output = Command::new(&program).arg(&vectors).output().map_err(|error| system("run the test bench", &error))?;
    drop(keep);
    outcome(&output, build_seconds)
}

/// Files of the output folder that make the test bench: path and content, in order.
type Sources = Vec<(PathBuf, Vec<u8>)>;

fn sources(dir: &Path, bench: &str) -> Result<Sources> {
    let missing = |error: std::io::Error| {
        let what = format!("{} holds no Verilog and test bench: {error}", dir.display());
        Error::user(what, "give the output folder of `nanotrig compile`")
    };
    let mut sources = Sources::new();
    for folder in ["verilog", bench, "hdl/simulation", "hdl/stream"] {
        let entries = match fs::read_dir(dir.join(folder)) {
            // Only where there are instances of hand-written modules.
            Err(error) if error.kind() == ErrorKind::NotFound && folder.starts_with("hdl/") => continue,
            entries => entries.map_err(missing)?,
        };
        for entry in entries {
            let path = entry.map_err(missing)?.path();
            let known = path.extension().is_some_and(|end| ["v", "cpp", "h", "f"].iter().any(|known| end == *known));
            if let (true, Some(name)) = (known, path.file_name()) {
                sources.push((Path::new(folder).join(name), fs::read(&path).map_err(missing)?));
            }
        }
    }
    sources.sort();
    Ok(sources)
}

/// The built test bench, whether it was there already, and the folder that lives as long as it is needed.
fn program(
    sources: &Sources,
    bench: &str,
    version: &[u8],
    how: Build,
    progress: &dyn Fn(&str),
) -> Result<(PathBuf, bool, Option<Folder>)> {
    let mut hasher = DefaultHasher::new();
    hasher.write(version);
    hasher.write(format!("{how:?}").as_bytes());
    for (path, text) in sources {
        hasher.write(path.to_string_lossy().as_bytes());
        hasher.write_usize(text.len());
        hasher.write(text);
    }
    let place = cache().map(|cache| cache.join(format!("{:016x}", hasher.finish())));
    if let Some(program) = place.as_ref().map(|place| place.join("run")).filter(|program| program.is_file()) {
        return Ok((program, true, None));
    }
    let work = Folder::new().map_err(|error| system("make a temporary folder", &error))?;
    progress("building the Verilator test bench");
    let built = build(sources, bench, work.path(), how)?;
    // A cache that cannot be written is no cache; the program then runs from where it was built.
    let kept = place.and_then(|place| {
        fs::create_dir_all(&place).ok()?;
        let fresh = tempfile::NamedTempFile::new_in(&place).ok()?;
        fs::copy(&built, fresh.path()).ok()?;
        fresh.persist(place.join("run")).ok()?;
        Some(place.join("run"))
    });
    Ok(match kept {
        Some(program) => (program, false, None),
        None => (built, false, Some(work)),
    })
}

fn cache() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")))?;
    Some(base.join("nanotrig").join("verilator"))
}

/// Bytes of Verilog from which on the test bench is built without optimisation.
const LARGE: usize = 3_000_000;

fn build(sources: &Sources, bench: &str, work: &Path, how: Build) -> Result<PathBuf> {
    for (path, text) in sources {
        let path = work.join(path);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
        made.map_err(|error| system("copy the sources", &error))?;
    }
    let folder = work.join(bench);
    let mut command = Command::new("verilator");
    // The file switches off what -O3, if it came later, would switch on again.
    command.current_dir(&folder).args(["-O3", "-f", "args.f", "-j", "2", "-Wno-fatal"]);
    if let Build::Fastest(threads) = how {
        command.args(["--x-assign", "fast", "--x-initial", "fast", "--threads", &threads.to_string()]);
        command.args(["-CFLAGS", "-march=native", "-MAKEFLAGS", "OPT_FAST=-O3", "-MAKEFLAGS", "OPT_GLOBAL=-O3"]);
    } else {
        command.args(["-CFLAGS", "-O1"]);
    }
    if how == Build::Quick && sources.iter().map(|(_, text)| text.len()).sum::<usize>() > LARGE {
        // The C++ compiler would take longer than the simulation.
        command.args(["-MAKEFLAGS", "OPT_FAST=-O0", "-MAKEFLAGS", "OPT_SLOW=-O0"]);
    }
    let output = verilator(&mut command)?;
    if output.status.success() {
        return Ok(folder.join("obj_dir").join("run"));
    }
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let lines: Vec<&str> = text.lines().collect();
    let last = lines[lines.len().saturating_sub(12)..].join("\n");
    let what = format!("Verilator could not build the test bench:\n{last}");
    Err(Error::user(what, "Verilator 5 needs make and a C++ compiler; if it refuses the Verilog, please report it"))
}

fn verilator(command: &mut Command) -> Result<Output> {
    command.output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::user("Verilator is not installed", "apt-get install verilator"),
        _ => system("run Verilator", &error),
    })
}

fn system(what: &str, error: &std::io::Error) -> Error {
    Error::user(format!("could not {what}: {error}"), "check the disk's space and the permissions")
}

/// Writes the vectors as `testbenches/run.cpp` reads them.
fn write(path: &Path, inputs: &Batch, expected: &Batch) -> std::io::Result<()> {
    let mut file = std::io::BufWriter::new(fs::File::create(path)?);
    for count in [inputs.rows(), inputs.columns, expected.columns] {
        file.write_all(&(count as u64).to_le_bytes())?;
    }
    for row in 0..inputs.rows() {
        for code in inputs.row(row).iter().chain(expected.row(row)) {
            file.write_all(&code.to_le_bytes())?;
        }
    }
    file.flush()
}

fn outcome(output: &Output, build_seconds: f64) -> Result<Outcome> {
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers = |end: &str| -> Option<Vec<f64>> {
        let line = text.lines().find(|line| line.ends_with(end))?;
        let words = line.split(|c: char| !c.is_ascii_digit() && c != '.').filter(|word| !word.is_empty());
        Some(words.filter_map(|word| word.parse().ok()).collect())
    };
    match (numbers(" mismatches").as_deref(), numbers(" s").as_deref()) {
        (Some(&[vectors, cycles, mismatches]), Some(&[timed, seconds])) => Ok(Outcome {
            vectors: vectors as u64,
            cycles: cycles as u64,
            mismatches: mismatches as u64,
            cycles_per_second: timed / seconds.max(1e-9),
            build_seconds,
            report: text.lines().filter(|line| line.starts_with("mismatch: ")).map(String::from).collect(),
        }),
        _ => {
            let what = format!("the test bench failed: {}", String::from_utf8_lossy(&output.stderr).trim());
            Err(Error::user(what, "check that the vectors have the design's numbers of inputs and outputs"))
        }
    }
}
