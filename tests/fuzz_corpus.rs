//! Every input that fuzzing kept (`scripts/fuzz.sh`) is read: a network or a user's error, never a panic, never a bug.

use nanotrig::error::Kind;
use nanotrig::frontends::{self, FRONTENDS, Source, understand};
use nanotrig::network::Network;
use nanotrig::precision::{self, Precision};
use std::path::Path;

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
