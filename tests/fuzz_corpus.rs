//! Every input that fuzzing kept (`scripts/fuzz.sh`) is read: a network or a user's error, never a panic, never a bug.

mod common;

use common::nanotrig;
use nanotrig::certificate;
use nanotrig::error::Kind;
use nanotrig::frontends::{self, FRONTENDS, Source, understand};
use nanotrig::network::Network;
use nanotrig::precision::{self, Precision};
use std::path::Path;
use std::time::Duration;

#[test]
fn kept_inputs_are_read_or_refused() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let weights = root.join("tests/data/qkeras/fixed_mlp_weights.h5");
    for entry in FRONTENDS {
        let folder = root.join("fuzz/corpus").join(entry.name);
        let files = std::fs::read_dir(&folder).unwrap_or_else(|_| panic!("{} has no corpus", entry.name));
        let (mut read, mut refused) = (0, 0);
        for file in files {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            let weights = Some(weights.as_path()).filter(|_| bytes.starts_with(b"{"));
            match Source::new(&path, weights, bytes).and_then(|source| understand(&source)) {
                Ok(_) => read += 1,
                Err(error) if error.kind == Kind::User => refused += 1,
                Err(error) => panic!("{}: {error}", path.display()),
            }
        }
        assert!(read + refused > 20, "{} has a corpus of {read} + {refused}", entry.name);
        println!("{}: {read} inputs read, {refused} refused", entry.name);
    }
}

#[test]
fn kept_precisions_are_applied_or_refused() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = |folder: &str| std::fs::read_dir(root.join(folder)).unwrap().map(|file| file.unwrap().path());
    let models = files("tests/data/hls4ml").filter(|path| path.to_string_lossy().ends_with("_model.h5"));
    let networks: Vec<Network> = models.map(|path| frontends::read(&path, None).unwrap()).collect();
    let (mut unread, mut applied, mut refused) = (0, 0, 0);
    for path in files("fuzz/corpus/precision") {
        let bytes = std::fs::read(&path).unwrap();
        let Ok(text) = String::from_utf8(bytes) else { continue };
        let precision = match Precision::parse(&text) {
            Ok(precision) => precision,
            Err(error) if error.kind == Kind::User => {
                unread += 1;
                continue;
            }
            Err(error) => panic!("{}: {error}", path.display()),
        };
        for network in &networks {
            match precision::apply(network, &precision).and_then(|network| network.validate()) {
                Ok(()) => applied += 1,
                Err(error) if error.kind == Kind::User => refused += 1,
                Err(error) => panic!("{}: {error}", path.display()),
            }
        }
    }
    assert!(unread > 10 && applied > 10 && refused > 10, "{unread} unread, {applied} applied, {refused} refused");
    println!("precision: {unread} inputs not read; {applied} applications, {refused} refused");
}

/// The files of an output folder that `nanotrig prove` reads, and the readers' names.
const FILES: [(&str, &str); 4] = [
    ("graph", "ir/optimised.txt"),
    ("verilog", "verilog/first.v"),
    ("report", "report.json"),
    ("certificate", "proof.json"),
];

#[test]
fn kept_files_of_folders_are_judged_or_refused() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = tempfile::tempdir().unwrap();
    let model = root.join("fuzz/small.toml").display().to_string();
    assert_eq!(nanotrig(dir.path(), &["compile", &model, "-o", "out"]).status, 0);
    let out = dir.path().join("out");
    for (reader, file) in FILES {
        let own = std::fs::read(out.join(file)).unwrap();
        let (mut judged, mut refused) = (0, 0);
        for kept in std::fs::read_dir(root.join("fuzz/corpus").join(reader)).unwrap() {
            let kept = kept.unwrap().path();
            std::fs::copy(&kept, out.join(file)).unwrap();
            match certificate::folder(&out, true, Duration::from_secs(10)) {
                Ok(_) => judged += 1,
                Err(error) if error.kind == Kind::User => refused += 1,
                Err(error) => panic!("{}: {error}", kept.display()),
            }
        }
        std::fs::write(out.join(file), own).unwrap();
        assert!(certificate::folder(&out, true, Duration::from_secs(10)).unwrap().holds());
        assert!(judged + refused > 20, "{reader} has a corpus of {judged} + {refused}");
        println!("{reader}: {judged} judged, {refused} refused");
    }
}

#[cfg(feature = "train")]
#[test]
fn kept_recipes_are_read_or_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/recipes");
    let (mut read, mut refused) = (0, 0);
    for kept in std::fs::read_dir(folder).unwrap() {
        let Ok(text) = std::fs::read_to_string(kept.unwrap().path()) else { continue };
        match nanotrig::training::Recipe::parse(&text) {
            Ok(_) => read += 1,
            Err(error) if error.kind == Kind::User => refused += 1,
            Err(error) => panic!("{error}\n{text}"),
        }
    }
    assert!(read > 0 && refused > 20, "{read} + {refused}");
}
