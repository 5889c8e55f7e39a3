//! The house rules: who may use whom, how long a file may be, and that nothing in the product panics.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Who may use whom, the lowest first. `registry`, `error` and `fixed` are not repeated: everything above them may.
/// A new edge is a decision: write it here, with the reason in ARCHITECTURE.md.
const MAY_USE: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("registry", &[]),
    ("fixed", &[]),
    ("random", &[]),
    ("call", &[]),
    ("functions", &["call"]),
    ("batch", &[]),
    ("port", &[]),
    ("host", &["port"]),
    ("files", &[]),
    ("temporary", &[]),
    ("network", &["files"]),
    ("arrays", &["files", "network"]),
    // HGQ2's table layers hold networks whose tables the reader computes.
    ("frontends", &["arrays", "files", "functions", "network"]),
    ("quantizers", &["call", "functions", "network"]),
    ("precision", &["network", "quantizers"]),
    ("tensor", &["batch", "functions", "port"]),
    ("layers", &["functions", "host", "network", "port", "quantizers", "tensor"]),
    ("dfg", &["batch", "port"]),
    ("lower", &["dfg", "port", "tensor"]),
    ("targets", &["dfg"]),
    ("multipliers", &["dfg"]),
    ("passes", &["dfg", "multipliers", "targets"]),
    ("schedulers", &["dfg", "targets"]),
    ("reuse", &["dfg", "port", "schedulers", "targets"]),
    ("netlist", &["batch", "dfg", "port", "reuse", "schedulers"]),
    ("backends", &["netlist", "port"]),
    ("interfaces", &["backends", "netlist", "port"]),
    ("packages", &["backends", "batch", "interfaces", "netlist", "port"]),
    ("split", &["backends", "batch", "dfg", "interfaces", "netlist", "port"]),
    ("emulator", &["backends", "dfg", "netlist", "port"]),
    ("samples", &["arrays", "batch", "files", "host", "network", "port"]),
    // Definitions of the levels only: nothing that makes one of another.
    ("proof", &["dfg", "netlist", "port", "tensor"]),
    ("verilator", &["batch", "temporary"]),
    ("output", &["temporary"]),
    // Training runs the tensor graph, and reads data as samples are read.
    ("training", &["functions", "host", "layers", "network", "port", "quantizers", "samples", "tensor"]),
    (
        "compiler",
        &[
            "batch",
            "dfg",
            "layers",
            "lower",
            "multipliers",
            "netlist",
            "network",
            "passes",
            "port",
            "reuse",
            "samples",
            "schedulers",
            "targets",
            "tensor",
        ],
    ),
    // Where windows lie is what layers say.
    ("streaming", &["backends", "batch", "compiler", "interfaces", "layers", "netlist", "network", "port"]),
    ("report", &["backends", "compiler", "dfg", "host", "interfaces", "port", "targets"]),
    ("costs", &["call", "compiler", "layers", "network", "quantizers", "report", "targets", "tensor"]),
    ("searches", &["compiler", "costs", "network", "quantizers", "schedulers", "targets"]),
    ("synthesis", &["files", "report", "targets"]),
    ("certificate", &["compiler", "dfg", "files", "frontends", "proof", "report"]),
    ("cli", &["*"]),
];
const LOWEST: [&str; 4] = ["error", "registry", "random", "fixed"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Files below a folder, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// The source files with their text, without comments and without what is compiled for tests only (the end of a file).
fn product() -> Vec<(String, String)> {
    let src = root().join("src");
    let mut sources = Vec::new();
    for path in files(&src) {
        let name = path.strip_prefix(&src).unwrap().display().to_string();
        if !name.ends_with(".rs") || name.ends_with("tests.rs") || name.contains("/tests/") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        sources.push((name, lines.collect::<Vec<_>>().join("\n")));
    }
    assert!(sources.len() > 80, "the sources are found");
    sources
}

/// The top-level module of a file.
fn module(name: &str) -> &str {
    name.split(['/', '.']).next().unwrap()
}

/// Modules named in `crate::a::..` and `crate::{a, b::..}`.
fn uses(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let list = match rest.strip_prefix('{') {
            None => rest.to_string(),
            Some(inner) => {
                let mut depth = 1;
                let end = inner.find(|c| {
                    depth += (c == '{') as i32 - (c == '}') as i32;
                    depth == 0
                });
                top(&inner[..end.unwrap()])
            }
        };
        let braces = rest.starts_with('{');
        for item in list.split(',').take(if braces { usize::MAX } else { 1 }) {
            let name: String = item.trim().chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            found.extend((!name.is_empty()).then_some(name));
        }
    }
    found
}

/// A list without what is in its inner braces.
fn top(list: &str) -> String {
    let mut depth = 0;
    let keep = |c: &char| {
        depth += (*c == '{') as i32 - (*c == '}') as i32;
        depth == 0 && *c != '}'
    };
    list.chars().filter(keep).collect()
}

#[test]
fn the_reader_of_uses() {
    let code = "use crate::a::{B, C};\nuse crate::{b::{X, Y}, c, d::Z};\nfn f() -> crate::e::T { g(crate::f::h, i) }";
    assert_eq!(uses(code).into_iter().collect::<Vec<_>>().join(" "), "a b c d e f");
}

#[test]
fn modules_use_only_what_is_below_them() {
    let table: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let order: Vec<&str> = MAY_USE.iter().map(|(name, _)| *name).collect();
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (name, code) in product() {
        let from = module(&name);
        if ["lib", "main"].contains(&from) {
            continue;
        }
        let Some(allowed) = table.get(from) else {
            wrong.push(format!("{name}: `{from}` has no place in the layers"));
            continue;
        };
        for to in uses(&code) {
            let below = LOWEST.contains(&to.as_str()) || allowed.contains(&"*") || allowed.contains(&to.as_str());
            if to != from && !below {
                wrong.push(format!("{name} uses `{to}`, which `{from}` may not"));
            }
            used.entry(from.to_string()).or_default().insert(to);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (from, allowed) in MAY_USE {
        for to in allowed.iter().filter(|to| **to != "*") {
            let place = |name: &str| order.iter().position(|other| *other == name).unwrap();
            assert!(place(to) < place(from), "`{from}` is above `{to}`");
            assert!(
                used.get(*from).is_some_and(|used| used.contains(*to)),
                "`{from}` no longer uses `{to}`: strike it out"
            );
        }
    }
}

#[test]
fn files_are_short() {
    for path in files(&root().join("src")) {
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 400, "{} has {lines} lines; split it", path.display());
    }
}

/// Generators of random graphs for tests may panic, and say so.
#[test]
fn nothing_panics() {
    let mut wrong = Vec::new();
    for (name, code) in product() {
        if name.ends_with("random.rs") {
            continue;
        }
        for word in [".unwrap()", ".expect(", "panic!(", "todo!(", "unimplemented!(", "unreachable!(", "dbg!("] {
            if code.contains(word) {
                wrong.push(format!("src/{name}: `{word}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "return an error (Error::bug, if it is ours):\n{}", wrong.join("\n"));
}

/// Files are read and written by few modules; all others are functions of their arguments.
#[test]
fn few_modules_touch_files() {
    let may = [
        "files",
        "temporary",
        "certificate",
        "frontends",
        "samples",
        "output",
        "verilator",
        "synthesis",
        "cli",
        "main",
    ];
    for (name, code) in product() {
        let touches = ["std::fs", "File::open", "File::create", "std::process", "std::env::"];
        let touched = touches.iter().any(|word| code.contains(word)) && !code.contains("fn main");
        assert!(!touched || may.contains(&module(&name)), "src/{name} touches files or the environment");
    }
}

/// What belongs to one machine: homes and temporary folders.
#[test]
fn no_machine_paths() {
    let slash = "/";
    let mut checked = 0;
    for folder in ["src", "templates", "testbenches", "scripts", "examples", "tests"] {
        for path in files(&root().join(folder)) {
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            checked += 1;
            for word in ["home", "root", "Users", "work"] {
                let found = text.match_indices(&format!("{slash}{word}{slash}")).any(|(at, _)| {
                    let before = text[..at].chars().next_back();
                    before.is_none_or(|c| c.is_whitespace() || "\"'(=:`".contains(c))
                });
                assert!(!found, "{} names {slash}{word}", path.display());
            }
        }
    }
    assert!(checked > 100);
}
