//! Every member of every open set has a good name, a line of documentation and a golden case, and is listed.

mod common;

use common::nanotrig;
use nanotrig::registry::list;
use nanotrig::{
    backends, costs, frontends, functions, interfaces, layers, multipliers, packages, passes, quantizers, schedulers,
    targets,
};
use std::collections::BTreeSet;
use std::path::Path;

/// Each set: its name, and name and documentation of its members.
fn sets() -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
    vec![
        ("layers", list(layers::LAYERS)),
        ("functions", list(functions::FUNCTIONS)),
        ("quantizers", list(quantizers::QUANTIZERS)),
        ("passes", list(passes::PASSES)),
        ("multipliers", list(multipliers::MULTIPLIERS)),
        ("targets", list(targets::TARGETS)),
        ("schedulers", list(schedulers::SCHEDULERS)),
        ("frontends", list(frontends::FRONTENDS)),
        ("backends", list(backends::BACKENDS)),
        ("interfaces", list(interfaces::INTERFACES)),
        ("packages", list(packages::PACKAGES)),
        ("costs", list(costs::COSTS)),
        #[cfg(feature = "search")]
        ("searches", list(nanotrig::searches::SEARCHES)),
    ]
}

/// Names that users write in files are Python-like; names on the command line have hyphens.
fn separator(set: &str) -> char {
    if ["layers", "functions", "quantizers"].contains(&set) { '_' } else { '-' }
}

#[test]
fn names_and_documentation() {
    for (set, entries) in sets() {
        let names: BTreeSet<_> = entries.iter().map(|(name, _)| *name).collect();
        assert_eq!(names.len(), entries.len(), "{set}: a name is there twice");
        assert!(!entries.is_empty());
        for (name, doc) in entries {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == separator(set);
            assert!(name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(fits), "{set}: `{name}`");
            assert!(doc.len() > 5 && !doc.contains('\n') && !doc.ends_with('.'), "{set}: `{name}`: `{doc}`");
            assert!(name.len() + doc.len() < 110, "{set}: `{name}`: one line in `nanotrig list`");
        }
    }
}

#[test]
fn members_are_listed() {
    for (set, entries) in sets() {
        let ran = nanotrig(Path::new("."), &["list", set]);
        assert_eq!(ran.status, 0, "{}", ran.err);
        let lines: Vec<_> = ran.out.lines().collect();
        assert_eq!(lines.len(), entries.len(), "{set}");
        for ((name, doc), line) in entries.iter().zip(lines) {
            assert_eq!(line.split_once(' ').map(|(name, doc)| (name, doc.trim())), Some((*name, *doc)), "{set}");
        }
    }
}

/// A case says in its first line which member it runs. (One design shows all back ends: `tests/verilog.rs`.)
#[test]
fn members_have_golden_cases() {
    for (set, entries) in sets().into_iter().filter(|(set, _)| *set != "backends") {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(set);
        let mut shown = BTreeSet::new();
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            let words = text.strip_prefix("// run: ").expect("a first line `// run: NAME`").lines().next();
            shown.insert(words.and_then(|words| words.split(' ').next()).unwrap().to_string());
        }
        for (name, _) in &entries {
            assert!(shown.contains(*name), "{set}: add a case for `{name}` to tests/golden/{set}");
        }
        for name in shown {
            assert!(entries.iter().any(|(known, _)| *known == name), "{set}: a case for `{name}`, which there is not");
        }
    }
}
