//! Every input that fuzzing kept (`scripts/fuzz.sh`) is read: a network or a user's error, never a panic, never a bug.

use nanotrig::error::Kind;
use nanotrig::frontends::{FRONTENDS, Source, understand};
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
