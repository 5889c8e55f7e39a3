//! Any bytes, read by one front end: an answer or an error, never a panic, in bounded time and memory.
//!
//! The environment names the front end (`FRONTEND`), a file in whose place the bytes are (`INPUT`: what lies beside it is there),
//! and optionally the weights of every input that is JSON (`WEIGHTS`). `scripts/fuzz.sh` runs this for each front end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nanotrig::error::Kind;
use nanotrig::frontends::{FRONTENDS, FrontEnd, Source};
use nanotrig::registry::{Entry, find};
use std::path::PathBuf;
use std::sync::LazyLock;

static FRONTEND: LazyLock<&Entry<FrontEnd>> = LazyLock::new(|| {
    let name = std::env::var("FRONTEND").expect("FRONTEND names a front end");
    find("front end", FRONTENDS, &name).expect("a front end")
});
static INPUT: LazyLock<PathBuf> = LazyLock::new(|| std::env::var_os("INPUT").map(PathBuf::from).unwrap_or_default());
static WEIGHTS: LazyLock<Option<PathBuf>> = LazyLock::new(|| std::env::var_os("WEIGHTS").filter(|w| !w.is_empty()).map(PathBuf::from));

fuzz_target!(|bytes: &[u8]| {
    let weights = WEIGHTS.as_deref().filter(|_| bytes.starts_with(b"{"));
    let Ok(source) = Source::new(&INPUT, weights, bytes.to_vec()) else { return };
    if (FRONTEND.make.recognise)(&source) {
        if let Err(error) = (FRONTEND.make.read)(&source).and_then(|network| network.validate()) {
            assert_eq!(error.kind, Kind::User, "{error}");
        }
    }
});
