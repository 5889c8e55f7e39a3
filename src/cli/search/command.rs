//! A trial trained by a program of the user's, which need not be nanotrig: it gets the network's file as its last argument.
//!
//! `NANOTRIG_EPOCHS`, `NANOTRIG_SEED` and `NANOTRIG_RATE` (a factor of the learning rate) are in its environment. It writes
//! the trained network over the file, if it trains weights, and the metric as the last line of its standard output.

use crate::error::{Error, Result};
use crate::frontends::{self, native};
use crate::network::Network;
use crate::searches::worker::{Objective, Task};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The objective of a command; paths are those of the recipe's folder.
pub fn objective(command: &[String], folder: &Path) -> Box<Objective<'static>> {
    let (command, folder) = (command.to_vec(), folder.to_path_buf());
    Box::new(move |task: &Task| train(&command, &folder, task))
}

fn train(command: &[String], folder: &Path, task: &Task) -> Result<(f64, Network)> {
    let [program, arguments @ ..] = command else { return Err(Error::bug("an empty command")) };
    let failed = |what: String| {
        Error::user(what, "try it by hand, with a network's file as its last argument").at(format!("`{program}`"))
    };
    let scratch = tempfile::tempdir().map_err(|error| failed(format!("no folder for a trial: {error}")))?;
    let file = scratch.path().join("network.toml");
    native::write(task.network, &file)?;
    let here = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_path_buf() };
    let mut process = Command::new(program);
    process.args(arguments).arg(&file).current_dir(here).stdin(Stdio::null()).stderr(Stdio::piped());
    process.env("NANOTRIG_EPOCHS", task.epochs.to_string()).env("NANOTRIG_SEED", task.seed.to_string());
    process.env("NANOTRIG_RATE", task.rate.to_string());
    let output = process.output().map_err(|error| failed(format!("does not start: {error}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().last().unwrap_or("it said nothing").to_string();
        return Err(failed(format!("{}: {last}", output.status)));
    }
    let said = String::from_utf8_lossy(&output.stdout);
    let last = said.lines().last().unwrap_or_default().trim();
    let metric = last.parse().map_err(|_| failed(format!("its last line, `{last}`, is no number")))?;
    Ok((metric, frontends::read(&file, None)?))
}
