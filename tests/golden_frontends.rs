//! Networks of other frameworks, with the outputs that the frameworks themselves gave: every value equal, at every level.
//!
//! `tests/data/FRONTEND/cases.toml` lists the cases; `scripts/fixtures_FRONTEND.py` made them. The README's table of
//! layers and frameworks is what these cases hold; `BLESS=1` writes it.

mod common;

use common::{bless, nanotrig};
use nanotrig::arrays::npz::{self, Npz};
use nanotrig::frontends::{self, native};
use nanotrig::layers::LAYERS;
use nanotrig::network::{Network, Tensor};
use nanotrig::precision::{self, Precision};
use rayon::prelude::*;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    model: String,
    weights: Option<String>,
    precision: Option<String>,
    #[serde(default)]
    input_format: Vec<String>,
    output_format: Option<String>,
    head: Option<String>,
    vectors: String,
    #[serde(rename = "about")]
    _about: String,
}

/// What a case showed.
struct Held {
    frontend: String,
    kinds: BTreeSet<String>,
    values: usize,
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

/// All cases, each with the folder of its front end.
fn cases() -> Vec<(PathBuf, Case)> {
    let mut folders: Vec<_> = std::fs::read_dir(data()).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|folder| folder.join("cases.toml").is_file());
    folders.sort();
    let read = |folder: &PathBuf| {
        let text = std::fs::read_to_string(folder.join("cases.toml")).unwrap();
        let cases: Cases = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        cases.case.into_iter().map(|case| (folder.clone(), case)).collect::<Vec<_>>()
    };
    folders.iter().flat_map(read).collect()
}

/// The arrays of a file whose keys start so, without that start.
fn arrays(npz: &Npz, start: &str) -> BTreeMap<String, Tensor> {
    let named = npz.keys().into_iter().filter_map(|key| Some((key, key.strip_prefix(start)?)));
    named.map(|(key, name)| (name.to_string(), npz.get(key).unwrap().tensor().unwrap())).collect()
}

impl Case {
    fn arguments(&self, folder: &Path) -> Vec<String> {
        let file = |name: &String| folder.join(name).display().to_string();
        let mut list = vec![file(&self.model)];
        let mut option = |name: &str, value: Option<String>| {
            list.extend(value.into_iter().flat_map(|value| [name.to_string(), value]));
        };
        option("--weights", self.weights.as_ref().map(file));
        option("--precision", self.precision.as_ref().map(file));
        option("--output-format", self.output_format.clone());
        option("--head", self.head.clone());
        self.input_format.iter().for_each(|format| option("--input-format", Some(format.clone())));
        list
    }

    /// The network that is run.
    fn network(&self, folder: &Path) -> Network {
        let weights = self.weights.as_ref().map(|name| folder.join(name));
        let network = frontends::read(&folder.join(&self.model), weights.as_deref()).unwrap();
        let Some(precision) = &self.precision else { return network };
        let text = std::fs::read_to_string(folder.join(precision)).unwrap();
        precision::apply(&network, &Precision::parse(&text).unwrap()).unwrap()
    }

    /// Runs it at each level.
    fn hold(&self, folder: &Path) -> Held {
        let what = folder.join(&self.model).display().to_string();
        let bytes = std::fs::read(folder.join(&self.vectors)).unwrap();
        let vectors = Npz::open(&bytes).unwrap();
        let (given, wanted) = (arrays(&vectors, "in_"), arrays(&vectors, "out_"));
        assert!(!given.is_empty() && !wanted.is_empty(), "{what}: vectors need in_NAME and out_NAME");
        let scratch = tempfile::tempdir().unwrap();
        let pairs = given.iter().map(|(name, tensor)| (name.as_str(), tensor));
        std::fs::write(scratch.path().join("x.npz"), npz::format(pairs).unwrap()).unwrap();
        for level in ["tensor", "dfg", "netlist"] {
            let arguments = self.arguments(folder);
            let options = ["--input", "x.npz", "--output", "y.npz", "--level", level];
            let all: Vec<&str> =
                std::iter::once("run").chain(arguments.iter().map(String::as_str)).chain(options).collect();
            let ran = nanotrig(scratch.path(), &all);
            assert_eq!(ran.status, 0, "{what} at {level}: {}", ran.err);
            let bytes = std::fs::read(scratch.path().join("y.npz")).unwrap();
            let got = arrays(&Npz::open(&bytes).unwrap(), "");
            wanted.iter().for_each(|(name, want)| same(&got[name], want, &format!("{what} at {level}, `{name}`")));
        }
        let network = self.network(folder);
        // An output folder holds the network as TOML.
        let path = scratch.path().join("network.toml");
        native::write(&network, &path).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(frontends::read(&path, None).unwrap() == network, "{what} is not itself as TOML");
        let kinds = network.layers.into_iter().map(|layer| layer.kind).collect();
        let frontend = folder.file_name().unwrap().to_string_lossy().to_string();
        Held { frontend, kinds, values: wanted.values().map(|tensor| tensor.data.len()).sum() }
    }
}

fn same(got: &Tensor, want: &Tensor, what: &str) {
    assert_eq!(got.data.len(), want.data.len(), "{what}: {:?} and {:?}", got.shape, want.shape);
    let wrong: Vec<usize> = (0..want.data.len()).filter(|at| got.data[*at] != want.data[*at]).collect();
    if let Some(at) = wrong.first() {
        let (count, got, want) = (wrong.len(), got.data[*at], want.data[*at]);
        panic!("{what}: {count} values differ; value {at} is {got}, expected {want}");
    }
}

#[test]
fn every_value_and_the_readme_s_table() {
    let held: Vec<Held> = cases().par_iter().map(|(folder, case)| case.hold(folder)).collect();
    let values: usize = held.iter().map(|held| held.values).sum();
    println!("{} cases, {values} values, each at three levels", held.len());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (start, end) = ("<!-- layers by framework -->\n", "<!-- end -->");
    let (before, rest) = readme.split_once(start).expect("the README has the table");
    let (_, after) = rest.split_once(end).expect("the table ends");
    let expected = format!("{before}{start}{}{end}{after}", table(&held));
    if bless() {
        std::fs::write(path, expected).unwrap();
    } else {
        assert!(readme == expected, "the README's table is out of date: BLESS=1 cargo test --test golden_frontends");
    }
}

/// For each kind of layer, and each front end, how many values of networks with it were compared.
fn table(held: &[Held]) -> String {
    let frontends: BTreeSet<&str> = held.iter().map(|held| held.frontend.as_str()).collect();
    let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = std::iter::once("layer".into()).chain(frontends.iter().map(|f| f.to_string())).collect();
    let mut text = row(head.clone()) + &row(head.iter().map(|_| "---".into()).collect());
    for entry in LAYERS {
        let count = |frontend: &&str| {
            let with = held.iter().filter(|held| held.frontend == **frontend && held.kinds.contains(entry.name));
            match with.map(|held| held.values).sum() {
                0 => String::new(),
                n => n.to_string(),
            }
        };
        text += &row(std::iter::once(format!("`{}`", entry.name)).chain(frontends.iter().map(count)).collect());
    }
    text
}
