//! What the tests of front ends share.
#![allow(dead_code)]

use std::path::{Path, PathBuf};

/// A file of the shared data, or `None` (said aloud) where there is none.
pub fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("NANOTRIG_SHARED").map(PathBuf::from);
    let root = root.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    let file = root.join(path);
    if !root.is_dir() {
        println!("skipped: ../shared is absent");
        return None;
    }
    assert!(file.exists(), "{} is missing", file.display());
    Some(file)
}

/// Small deterministic random numbers (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// What a run of the program gave.
pub struct Ran {
    pub status: i32,
    pub out: String,
    pub err: String,
}

/// Runs `nanotrig` with these arguments in a folder.
pub fn nanotrig(folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_nanotrig"));
    let output = command.args(arguments).current_dir(folder).output().expect("nanotrig starts");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let status = output.status.code().expect("not killed by a signal");
    Ran { status, out: text(&output.stdout), err: text(&output.stderr) }
}

/// Is the file rewritten rather than compared?
pub fn bless() -> bool {
    std::env::var_os("BLESS").is_some_and(|value| value == "1")
}

/// The kinds of layers of the golden networks of `tests/data`: those with a number in the README's table, which
/// `tests/golden_frontends.rs` keeps true, and which it holds at every level.
pub fn golden_kinds() -> std::collections::BTreeSet<String> {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (_, table) = readme.split_once("<!-- layers by framework -->").unwrap();
    let rows =
        table.lines().take_while(|line| !line.starts_with("<!-- end")).filter_map(|line| line.strip_prefix("| `"));
    let held = rows.filter_map(|row| row.split_once('`')).filter(|(_, cells)| cells.contains(char::is_numeric));
    held.map(|(kind, _)| kind.to_string()).collect()
}
