//! `nanotrig search RECIPE`: which quantizers and widths a network should have, by trials.
//!
//! The process that the user starts trains nothing: it starts workers, copies of itself that share the store, and says what
//! they do. A worker ends with the process that started it. Killed, and started again with the same recipe, a search goes on.

mod command;
#[cfg(feature = "train")]
mod training;

use super::print;
use crate::compiler::Reading;
use crate::error::{At, Error, Result};
use crate::files;
use crate::frontends::{self, native};
use crate::network::Network;
use crate::searches::store::{Record, Store};
use crate::searches::worker::{Objective, Search, Standing, best, identity};
use crate::searches::{Config, Effect};
use clap::Args;
use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

#[derive(Args)]
pub struct Arguments {
    /// What is trained, and a table [search]
    recipe: PathBuf,
    /// Where trials are: a file of SQLite, or postgres://USER@HOST/DATABASE; NAME.sqlite beside the recipe if not given
    #[arg(long, value_name = "URL|FILE")]
    store: Option<String>,
    /// Worker processes on this machine; as many as it has cores if not given
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// Seconds without a sign of a worker after which another one takes its trial
    #[arg(long, value_name = "S", default_value_t = 30.0)]
    lease: f64,
    /// Where the best network is written; NAME.best.toml beside the recipe if not given
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Work for a process that started this one
    #[arg(long, hide = true)]
    child: bool,
}

/// A search as the recipe has it.
struct Given {
    search: Search,
    name: String,
    identity: String,
    text: String,
    /// The recipe without [search].
    recipe: toml::Table,
}

/// How often the store is looked at.
const PAUSE: Duration = Duration::from_millis(300);

pub fn run(arguments: &Arguments) -> Result<u8> {
    if !(0.1..=86400.0).contains(&arguments.lease) {
        return Err(Error::user(format!("--lease {}: out of range", arguments.lease), "give 0.1 to 86400 seconds"));
    }
    let given = given(&arguments.recipe).at(arguments.recipe.display().to_string())?;
    if arguments.child { work(arguments, &given) } else { lead(arguments, &given) }
}

/// Reads the recipe and its network.
fn given(path: &Path) -> Result<Given> {
    let text = files::read_text(path).map_err(|error| Error { place: Vec::new(), ..error })?;
    let broken = |error: toml::de::Error| {
        Error::user(format!("broken TOML: {}", error.message()), "correct it; see https://toml.io")
    };
    let mut recipe: toml::Table = text.parse().map_err(broken)?;
    let table = recipe.remove("search");
    let table = table.ok_or_else(|| Error::user("has no table [search]", "add one, or use `nanotrig train`"))?;
    let config: Config = table.try_into().map_err(|error: toml::de::Error| {
        let what = error.message().trim().replace('\n', " ");
        Error::user(what, "correct the key; `limit` and `goal` are as in AutoQKeras").at("[search]")
    })?;
    let network = recipe.get("network").and_then(toml::Value::as_str);
    let network = network.ok_or_else(|| Error::user("`network` is missing", "name the file of a network"))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let base = frontends::read(&folder.join(network), None)?;
    #[cfg(feature = "train")]
    let (base, config) = match config.command.is_empty() {
        false => (base, config),
        true => {
            let training = training::Training::new(&recipe, folder)?;
            let epochs = config.epochs.or(Some(training.epochs()));
            (training.base(&base, &config)?, Config { epochs, ..config })
        }
    };
    let identity = identity(&text, &base);
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let search = Search::new(config, base, &Reading::default())?;
    Ok(Given { search, name, identity, text, recipe })
}

/// The store of a search.
fn store(arguments: &Arguments, given: &Given, worker: &str) -> Result<Store> {
    let beside = arguments.recipe.with_extension("sqlite").display().to_string();
    let place = arguments.store.as_ref().unwrap_or(&beside);
    let mut store = Store::open(place, &given.identity, worker, arguments.lease).at(place)?;
    store.describe(&given.name, &given.text).at(place)?;
    Ok(store)
}

/// A worker: ends when the process that started it does.
fn work(arguments: &Arguments, given: &Given) -> Result<u8> {
    std::thread::spawn(|| {
        let mut nothing = Vec::new();
        // The other end of the pipe is open as long as that process is there.
        let _ = std::io::stdin().read_to_end(&mut nothing);
        // At once: libtorch must not be taken down while a trial is trained.
        std::process::abort();
    });
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    let name = format!("{}:{}:{since}", host.trim(), std::process::id());
    let (mut own, mut heart) = (store(arguments, given, &name)?, store(arguments, given, &name)?);
    let folder = arguments.recipe.parent().unwrap_or(Path::new("")).to_path_buf();
    let mut objective = objective(given, &folder)?;
    given.search.work(&mut own, &mut heart, &mut *objective)?;
    Ok(0)
}

/// What trains: the program of the recipe, or nanotrig itself.
fn objective(given: &Given, folder: &Path) -> Result<Box<Objective<'static>>> {
    let command = &given.search.config.command;
    if !command.is_empty() {
        return Ok(command::objective(command, folder));
    }
    #[cfg(feature = "train")]
    return training::Training::new(&given.recipe, folder)?.objective();
    #[cfg(not(feature = "train"))]
    Err(Error::user(
        format!("this nanotrig trains nothing itself: {} keys of the recipe are not used", given.recipe.len()),
        "write `command` in [search], or build nanotrig with the feature `train`",
    ))
}

/// Starts workers and says what happens, until the search is done.
fn lead(arguments: &Arguments, given: &Given) -> Result<u8> {
    let mut own = store(arguments, given, "lead")?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut workers = Vec::new();
    for _ in 0..arguments.workers.unwrap_or(cores).max(1) {
        workers.push(Worker(child(arguments)?));
    }
    let search = &given.search;
    print::note(format_args!(
        "search {} ({}): {} trials, goal {} (reference {:.0})",
        given.name,
        given.identity,
        search.count()?,
        search.goal.name(),
        search.goal.reference
    ));
    let mut standing = search.start()?;
    let mut log = Vec::new();
    for (at, stage) in search.stages.iter().enumerate() {
        let mut told = BTreeSet::new();
        loop {
            let ended = workers.iter_mut().all(|worker| worker.ended());
            let records = own.trials(at as u64)?;
            // Trials do not end in the order of their numbers.
            for record in records.iter().filter(|record| !record.trial.running && told.insert(record.trial.number)) {
                print::line(format_args!("{}", line(record, &records, search, &stage.block)))?;
            }
            // Once the next stage has begun, or no worker is left, nothing more comes here.
            let over = search.stages.len() > at + 1 && !own.trials(at as u64 + 1)?.is_empty();
            if ended || over {
                break;
            }
            std::thread::sleep(PAUSE);
        }
        let records = own.trials(at as u64)?;
        if (records.len() as u64) < search.trials_of(&standing, at) || records.iter().any(|record| record.trial.running)
        {
            let what = "the workers ended before the search did";
            return Err(Error::user(what, "see what they said; started again, the search goes on"));
        }
        let next = search.next(&mut own, &standing, at)?;
        log.push((standing, records));
        standing = next;
    }
    finish(arguments, given, &log, &standing.base)
}

/// A child process, which is not left behind.
struct Worker(Child);

impl Worker {
    fn ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if !self.ended() {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

fn child(arguments: &Arguments) -> Result<Child> {
    let program =
        std::env::current_exe().map_err(|error| Error::user(format!("this program: {error}"), "install it again"))?;
    let mut command = Command::new(program);
    command.arg("search").arg(&arguments.recipe).arg("--child").args(["--lease", &arguments.lease.to_string()]);
    if let Some(store) = &arguments.store {
        command.args(["--store", store]);
    }
    let started = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
    started.map_err(|error| Error::user(format!("a worker does not start: {error}"), "check memory and processes"))
}

/// A finished trial as a line.
fn line(record: &Record, records: &[Record], search: &Search, block: &str) -> String {
    let place = if block.is_empty() { String::new() } else { format!("{block}: ") };
    let number = record.trial.number + 1;
    let (Some(metric), Some(cost), Some(score)) = (record.metric, record.cost, record.trial.score) else {
        return format!("{place}trial {number}: failed: {}", record.note);
    };
    let share = cost / search.goal.reference;
    let leads = best(records).is_some_and(|best| best.trial.number == record.trial.number);
    let star = if leads { "  best so far" } else { "" };
    format!(
        "{place}trial {number}: metric {metric:.4}, {cost:.0} {} ({share:.3}), score {score:.4}{star}",
        search.goal.name()
    )
}

/// Writes the best network and the table of all trials, and shows the best one's choices.
fn finish(arguments: &Arguments, given: &Given, log: &[(Standing, Vec<Record>)], network: &Network) -> Result<u8> {
    let output = arguments.output.clone().unwrap_or_else(|| arguments.recipe.with_extension("best.toml"));
    native::write(network, &output)?;
    let table = output.with_extension("csv");
    files::write(&table, trials(given, log).as_bytes())?;
    for (standing, records) in log {
        let Some(best) = best(records) else { continue };
        print::line(format_args!("\nbest of {}: {}", records.len(), line(best, &[], &given.search, "")))?;
        for (parameter, choice) in standing.space.parameters.iter().zip(&best.trial.choices) {
            for effect in &parameter.effects {
                let what = match effect {
                    Effect::Attribute(layer, attribute) => format!("{layer}.{attribute}"),
                    Effect::Width(layer) => format!("{layer} width x"),
                    Effect::Rate => "learning rate, point".into(),
                };
                print::line(format_args!("  {what:<32} {}", parameter.values[*choice]))?;
            }
        }
    }
    print::line(format_args!("\nwritten: {} and {}", output.display(), table.display()))?;
    Ok(0)
}

/// All trials as CSV: results, and a column for each decision.
fn trials(given: &Given, log: &[(Standing, Vec<Record>)]) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let mut text = String::new();
    for (stage, (standing, records)) in log.iter().enumerate() {
        let names = standing.space.parameters.iter().map(|parameter| quoted(&parameter.name));
        let head: Vec<String> =
            ["block", "trial", "metric", "cost", "score", "note"].map(String::from).into_iter().chain(names).collect();
        text += &format!("{}\n", head.join(","));
        for record in records {
            let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
            let choices = standing.space.parameters.iter().zip(&record.trial.choices);
            let mut row = vec![quoted(&given.search.stages[stage].block), (record.trial.number + 1).to_string()];
            row.extend([number(record.metric), number(record.cost), number(record.trial.score), quoted(&record.note)]);
            row.extend(choices.map(|(parameter, choice)| quoted(&parameter.values[*choice])));
            text += &format!("{}\n", row.join(","));
        }
    }
    text
}
