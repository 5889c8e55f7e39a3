//! nextpnr: places and routes what Yosys made, seed by seed, and reads the clocks that it reached.

use super::Place;
use super::tools::{Tool, answer, named};
use crate::error::{At, Error, Result};
use crate::files;
use crate::targets::Router;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

/// Places and routes `yosys/netlist.json` of an output folder, once for each seed.
///
/// # Errors
/// nextpnr is missing or fails, or the design does not fit the device.
pub fn place(
    dir: &Path,
    router: &Router,
    asked_mhz: f64,
    seeds: u64,
    cycles: u32,
    tools: Option<&Path>,
    seen: &mut dyn FnMut(&str),
) -> Result<Place> {
    let tool = find(router.program, tools)?;
    let mut runs = Vec::new();
    for seed in 1..=seeds {
        let report = format!("yosys/place_{seed}.json");
        seen(&format!("{} places and routes, seed {seed}", tool.version));
        let (clock, seed_word) = (format!("{asked_mhz:.3}"), seed.to_string());
        let goal = ["--freq", &clock, "--timing-allow-fail", "--seed", &seed_word];
        let files = ["--json", "yosys/netlist.json", "--report", &report];
        let words = router.arguments.iter().copied().chain(goal).chain(files);
        let words: Vec<OsString> = words.map(OsString::from).collect();
        tool.run(dir, &words, &help(router.program), &mut |line| {
            if line.starts_with("Info: ") && (line.contains("placement") || line.contains("Routing")) {
                seen(line.trim_start_matches("Info: "))
            }
        })?;
        let place = dir.join(report);
        runs.push((Some(seed), clock_of(&files::read_text(&place)?).at(place.display().to_string())?));
    }
    Place::new(tool.version, router.arguments.join(" "), asked_mhz, runs, cycles)
}

fn help(program: &str) -> String {
    format!(
        "pip install yowasp-{program}, and give the folder of the program with --tools if it is not on PATH; a design \
         that is too large needs fewer operations"
    )
}

fn find(program: &str, folder: Option<&Path>) -> Result<Tool> {
    let candidate = |name: String| {
        let words = vec![named(folder, &name).into_os_string()];
        let version = answer(&words, &["--version"])?;
        // The last line, since some print what they prepare; `"nextpnr-ecp5" -- Next .. (Version x)` becomes `nextpnr-ecp5 x`.
        let number =
            version.lines().last()?.split("Version ").nth(1)?.trim_end_matches(')').trim_start_matches("nextpnr-");
        Some(Tool { words, version: format!("{program} {number}") })
    };
    candidate(program.into())
        .or_else(|| candidate(format!("yowasp-{program}")))
        .ok_or_else(|| Error::user(format!("{program} is not installed"), help(program)))
}

/// The slowest clock's highest frequency in MHz, of nextpnr's report.
fn clock_of(text: &str) -> Result<f64> {
    #[derive(Deserialize)]
    struct Clock {
        achieved: f64,
    }
    #[derive(Deserialize)]
    struct Report {
        fmax: BTreeMap<String, Clock>,
    }
    let help = "use nextpnr 0.4 or later";
    let report: Report = serde_json::from_str(text)
        .map_err(|error| Error::user(format!("is not a report of nextpnr: {error}"), help))?;
    let clocks = report.fmax.values().map(|clock| clock.achieved);
    clocks
        .min_by(f64::total_cmp)
        .ok_or_else(|| Error::user("no path from register to register was placed", "compile with --stages 2 or more"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_clock_counts() {
        let text = r#"{"critical_paths": [], "fmax": {"a": {"achieved": 180.6, "constraint": 200.0},
            "b": {"achieved": 97.5, "constraint": 200.0}}, "utilization": {}}"#;
        assert_eq!(clock_of(text).expect("a report"), 97.5);
        assert!(clock_of(r#"{"fmax": {}}"#).expect_err("no clock").what.contains("no path"));
        assert!(clock_of("[1").expect_err("damaged").what.contains("not a report"));
    }
}
