//! What the system refuses: a disk that is full, a folder that cannot be written, two compiles into one place. The user is
//! told, and what is at the place is whole.
#![cfg(unix)]

mod common;

use common::nanotrig;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/small.toml");

/// A compile of which no file may be larger than so many blocks of 512 bytes: a write beyond that fails, as on a full disk.
fn limited(folder: &Path, blocks: u32) -> (i32, String) {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" compile \"$1\" -o out");
    let program = env!("CARGO_BIN_EXE_nanotrig");
    let ran = Command::new("sh").args(["-c", &script, program, MODEL]).current_dir(folder).output().expect("sh runs");
    (ran.status.code().expect("not killed"), String::from_utf8_lossy(&ran.stderr).into_owned())
}

fn left(folder: &Path) -> Vec<String> {
    let entries = folder.read_dir().expect("a folder");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_full_disk_leaves_what_was_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let (status, said) = limited(folder.path(), 1);
    assert_eq!(status, 2, "{said}");
    assert!(said.contains("cannot write") && said.contains("the disk's space"), "{said}");
    assert!(left(folder.path()).is_empty(), "{:?}", left(folder.path()));

    assert_eq!(nanotrig(folder.path(), &["compile", MODEL, "-o", "out"]).status, 0);
    for blocks in 0..6 {
        let (status, said) = limited(folder.path(), blocks);
        assert_eq!(status, 2, "{said}");
        assert_eq!(left(folder.path()), ["out"], "{blocks}");
        assert_eq!(nanotrig(folder.path(), &["prove", "out", "--check"]).status, 0, "{blocks}");
    }
}

#[test]
fn a_folder_that_cannot_be_written() {
    let folder = tempfile::tempdir().expect("a folder");
    // No user may write there, whatever the rights.
    let ran = nanotrig(folder.path(), &["compile", MODEL, "-o", "/proc/nanotrig/out"]);
    assert_eq!(ran.status, 2, "{}", ran.err);
    assert!(ran.err.contains("/proc"), "{}", ran.err);
    let ran = nanotrig(folder.path(), &["import", MODEL, "-o", "/proc/network.toml"]);
    assert_eq!(ran.status, 2, "{}", ran.err);
}

#[test]
fn two_compiles_into_one_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let start = |stages: u32| -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nanotrig"));
        command.args(["compile", MODEL, "-o", "out", "--stages", &stages.to_string()]).current_dir(folder.path());
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts")
    };
    for round in 0..8 {
        let mut both = [start(2), start(4)];
        let statuses = both.each_mut().map(|child| child.wait().expect("a child").code());
        assert!(statuses.contains(&Some(0)) && statuses.iter().all(|code| matches!(code, Some(0 | 2))), "{statuses:?}");
        assert_eq!(left(folder.path()), ["out"], "round {round}");
        // One of the two, as a whole.
        let ran = nanotrig(folder.path(), &["prove", "out", "--check"]);
        assert_eq!(ran.status, 0, "round {round}: {}{}", ran.out, ran.err);
    }
}
