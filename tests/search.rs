//! `nanotrig search` as a user runs it: processes that share a store, are killed, and go on. Needs the feature `search`;
//! `scripts/postgres.sh` runs it with a PostgreSQL server of its own.

#![cfg(feature = "search")]

mod common;

use common::nanotrig;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const TRIALS: usize = 30;

/// A recipe whose trials take a moment, and whose metric is a checksum of the network's text. The log has a line for each
/// trial that was trained to its end.
fn recipe(folder: &Path, mode: &str) {
    let network = r#"
format = "nanotrig/1"
[[input]]
name = "x"
shape = [2]
format = "fixed<8,3>"
[[layer]]
name = "dense"
kind = "dense"
[layer.tensors]
kernel = [[0.5, -0.25, 0.1], [0.375, 0.875, 0.125]]
bias = [0.0, 1.5, 0.25]
[[layer]]
name = "act"
kind = "relu"
[[layer]]
name = "last"
kind = "dense"
[layer.tensors]
kernel = [[1.0], [0.0], [-1.0]]
"#;
    let search = format!(
        r#"
network = "network.toml"
[search]
mode = "{mode}"
max_trials = {TRIALS}
seed = 3
epochs = 9
tune_filters = "layer"
tune_filters_exceptions = "last"
command = ["sh", "train.sh"]
[search.limit]
Dense = [8, 8, 8]
Activation = [8]
"#
    );
    let train = r#"
echo "$NANOTRIG_SEED" >> begun.log
[ -z "${FIRST:-}" ] || echo "$NANOTRIG_SEED" >> first.log
sleep 0.2
metric=$(cksum < "$1" | awk '{ print 0.5 + $1 % 1000 / 4000 }')
echo "$NANOTRIG_SEED $NANOTRIG_EPOCHS" >> trained.log
echo "$metric"
"#;
    std::fs::write(folder.join("network.toml"), network).unwrap();
    std::fs::write(folder.join("recipe.toml"), search).unwrap();
    std::fs::write(folder.join("train.sh"), train).unwrap();
}

/// Starts a search with one worker, as the leader of a process group. What it trains knows whether it is the first.
fn start(folder: &Path, store: &str, first: bool) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nanotrig"));
    command.args(["search", "recipe.toml", "--workers", "1", "--lease", "2", "--store", store]).current_dir(folder);
    if first {
        command.env("FIRST", "1");
    }
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// `kill -9` to a process and everything that it started.
fn kill(child: &mut Child) {
    let group = format!("-{}", child.id());
    assert!(Command::new("kill").args(["-9", "--", &group]).status().unwrap().success());
    child.wait().unwrap();
}

/// The lines of a log, sorted.
fn lines(folder: &Path, log: &str) -> Vec<String> {
    let log = std::fs::read_to_string(folder.join(log)).unwrap_or_default();
    let mut lines: Vec<String> = log.lines().map(str::to_string).collect();
    lines.sort();
    lines
}

fn trained(folder: &Path) -> Vec<String> {
    lines(folder, "trained.log")
}

/// Waits until a log has more than so many lines.
fn wait_for(folder: &Path, log: &str, more_than: usize) {
    while lines(folder, log).len() <= more_than {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What a search writes: the table of trials, and the best network.
fn results(folder: &Path) -> (String, String) {
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    (read("recipe.best.csv"), read("recipe.best.toml"))
}

/// Runs to the end in one process, with a file as the store.
fn alone(folder: &Path, mode: &str) -> (String, String) {
    recipe(folder, mode);
    let ran = nanotrig(folder, &["search", "recipe.toml", "--workers", "1"]);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("best of"), "{}", ran.out);
    let told: Vec<&str> = ran.out.lines().filter_map(|line| line.strip_prefix("trial ")?.split(':').next()).collect();
    let once: std::collections::BTreeSet<&&str> = told.iter().collect();
    assert_eq!(
        (told.len(), once.len()),
        (results(folder).0.lines().count() - 1, told.len()),
        "each trial once: {}",
        ran.out
    );
    results(folder)
}

/// Three processes share a store; the first is killed in the middle, and what it was at is done by the others.
fn share(store: &str) {
    let (one, many) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let want = alone(one.path(), "random");
    assert_eq!(want.0.lines().count(), 1 + TRIALS, "{}", want.0);
    recipe(many.path(), "random");
    let mut workers: Vec<Child> = (0..3).map(|worker| start(many.path(), store, worker == 0)).collect();
    wait_for(many.path(), "trained.log", TRIALS / 3);
    // It has just begun a trial, and is killed in the middle of it.
    wait_for(many.path(), "first.log", lines(many.path(), "first.log").len());
    kill(&mut workers[0]);
    assert!(trained(many.path()).len() < TRIALS, "the search was over before the kill");
    for worker in &mut workers[1..] {
        assert!(worker.wait().unwrap().success());
    }
    // Every trial was trained to its end once, and one was begun twice: that which the dead worker gave back.
    assert_eq!(trained(many.path()), trained(one.path()));
    assert_eq!(lines(many.path(), "begun.log").len(), TRIALS + 1);
    assert_eq!(results(many.path()), want, "the same results and the same best network as one process alone");
}

#[test]
fn three_processes_share_a_file() {
    share("shared.sqlite");
}

#[test]
fn three_processes_share_a_server() {
    match std::env::var("NANOTRIG_POSTGRES") {
        Ok(url) => share(&url),
        Err(_) => println!("skipped: no NANOTRIG_POSTGRES; scripts/postgres.sh sets it"),
    }
}

#[test]
fn a_killed_search_goes_on() {
    let (one, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let want = alone(one.path(), "hyperband");
    recipe(killed.path(), "hyperband");
    for trials in [3, 9, 15] {
        let mut child = start(killed.path(), "recipe.sqlite", false);
        wait_for(killed.path(), "trained.log", trials);
        kill(&mut child);
    }
    let ran = nanotrig(killed.path(), &["search", "recipe.toml", "--workers", "2", "--lease", "2"]);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    assert_eq!(results(killed.path()), want);
}

#[test]
fn mistakes() {
    let folder = tempfile::tempdir().unwrap();
    recipe(folder.path(), "random");
    let good = std::fs::read_to_string(folder.path().join("recipe.toml")).unwrap();
    let error = |text: &str| {
        std::fs::write(folder.path().join("recipe.toml"), text).unwrap();
        let ran = nanotrig(folder.path(), &["search", "recipe.toml"]);
        assert_eq!(ran.status, 2, "{}{}", ran.out, ran.err);
        ran.err
    };
    assert!(error(&good.replace("random", "psychic")).contains("no search is called `psychic`"));
    assert!(error(&good.replace("seed = 3", "sede = 3")).contains("sede"));
    assert!(error(&good.replace("\"last\"", "\"none\"")).contains("shape of the output"));
    assert!(error(&good.replace("[search", "[seek")).contains("no table [search]"));
    assert!(error(&good.replace("seed = 3", "goal = { type = \"luts\" }")).contains("reference"));
    let failing = error(&good.replace("\"train.sh\"", "\"missing.sh\""));
    assert!(failing.contains("no trial has a score") && failing.contains("missing.sh"), "{failing}");
}

/// Trials that nanotrig trains itself: two classes, told apart by the sign of a sum.
#[cfg(feature = "train")]
fn trained_recipe(folder: &Path) {
    let mut random = common::Random(1);
    let mut data = "a,b,class\n".to_string();
    for _ in 0..400 {
        let (a, b) = (random.below(201) as f64 / 100.0 - 1.0, random.below(201) as f64 / 100.0 - 1.0);
        data += &format!("{a},{b},{}\n", u8::from(a + b > 0.0));
    }
    let network = r#"
format = "nanotrig/1"
[[input]]
name = "x"
shape = [2]
format = "fixed<8,2>"
[[layer]]
name = "dense"
kind = "dense"
units = 4
[[layer]]
name = "norm"
kind = "batch_norm"
[[layer]]
name = "act"
kind = "activation"
function = "relu"
[[layer]]
name = "last"
kind = "dense"
units = 2
[[layer]]
name = "softmax"
kind = "softmax"
"#;
    let recipe = r#"
network = "network.toml"
epochs = 3
batch = 32
[data]
train = "data.csv"
inputs = ["a", "b"]
targets = "class"
validation = 0.5
[optimizer]
rate = 0.02
[search]
max_trials = 6
seed = 5
tune_filters = "block"
tune_filters_exceptions = "last"
limit = { Dense = [4, 8, 4], Activation = [4] }
"#;
    std::fs::write(folder.join("network.toml"), network).unwrap();
    std::fs::write(folder.join("recipe.toml"), recipe).unwrap();
    std::fs::write(folder.join("data.csv"), data).unwrap();
}

#[cfg(feature = "train")]
#[test]
fn trials_are_trained() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (folder, workers) in [(&one, "1"), (&two, "2")] {
        trained_recipe(folder.path());
        let ran = nanotrig(folder.path(), &["search", "recipe.toml", "--workers", workers]);
        assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
        assert!(ran.out.contains("dense.kernel_quantizer"), "{}", ran.out);
    }
    let (table, network) = results(one.path());
    assert_eq!(results(two.path()), (table.clone(), network), "the same weights, whichever process trained them");
    let metrics = table.lines().skip(1).filter_map(|line| line.split(',').nth(2)?.parse::<f64>().ok());
    assert!(metrics.fold(0.0, f64::max) > 0.8, "{table}");
    let compiled = nanotrig(one.path(), &["compile", "recipe.best.toml", "-o", "build"]);
    assert_eq!(compiled.status, 0, "{}", compiled.err);
}
