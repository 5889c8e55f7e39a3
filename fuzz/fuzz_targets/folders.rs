//! The readers of an output folder, each on any bytes: `nanotrig prove` says what holds, or whose mistake it is.
//!
//! `$FOLDER` is the output folder of a compile and `$FILE` a file in it, in whose place the bytes are.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nanotrig::certificate;
use nanotrig::error::Kind;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| std::env::var_os("FOLDER").expect("$FOLDER is an output folder").into());
static FILE: LazyLock<PathBuf> = LazyLock::new(|| FOLDER.join(std::env::var_os("FILE").expect("$FILE is in it")));
/// What is found out of the compiler's own text, where the bytes are Verilog or a graph.
const LIMIT: Duration = Duration::from_secs(3);

fuzz_target!(|bytes: &[u8]| {
    std::fs::write(&*FILE, bytes).expect("a folder that can be written");
    if let Err(error) = certificate::folder(&FOLDER, true, LIMIT) {
        assert_eq!(error.kind, Kind::User, "{error}");
    }
});
