//! Ctrl-C and `kill` end a compile at once, and nothing of it stays behind.
#![cfg(unix)]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A network that takes a while: dense layers of different weights.
fn network() -> String {
    let mut text = String::from(
        "format = \"nanotrig/1\"\nname = \"long\"\n\n[[input]]\nname = \"x\"\nshape = [48]\nformat = \"fixed<7,3>\"\n",
    );
    let mut state = 1u32;
    let mut weight = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        format!("{:.5}", f64::from(state >> 26) / 32.0 - 1.0)
    };
    for layer in 0..3 {
        let rows: Vec<String> =
            (0..48).map(|_| format!("[{}]", (0..48).map(|_| weight()).collect::<Vec<_>>().join(", "))).collect();
        text += &format!(
            "\n[[layer]]\nname = \"dense_{layer}\"\nkind = \"dense\"\n[layer.tensors]\nkernel = [{}]\n",
            rows.join(", ")
        );
        text += &format!(
            "\n[[layer]]\nname = \"quantize_{layer}\"\nkind = \"quantize\"\nformat = \"ufixed<7,4,RND,SAT>\"\n"
        );
    }
    text
}

fn compile(folder: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nanotrig"));
    command.arg("compile").arg(folder.join("long.toml")).arg("-o").arg(folder.join("out"));
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts")
}

fn left(folder: &Path) -> Vec<String> {
    let entries = folder.read_dir().expect("the folder is there");
    let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    names.filter(|name| name != "long.toml").collect()
}

/// Sends a signal when `ready`, and gives the exit status.
fn interrupted(signal: &str, mut child: Child, mut ready: impl FnMut() -> bool) -> Option<i32> {
    let start = Instant::now();
    while !ready() && child.try_wait().expect("a child").is_none() {
        assert!(start.elapsed() < Duration::from_secs(300), "the compile never came so far");
        std::thread::sleep(Duration::from_millis(1));
    }
    let sent = Command::new("kill").arg(signal).arg(child.id().to_string()).status().expect("kill runs");
    let status = child.wait().expect("a child").code();
    // Too late is no failure: the compile was over before.
    if sent.success() { status } else { None }
}

#[test]
fn nothing_stays_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("long.toml"), network()).expect("it is written");
    let mut caught = 0;
    for (signal, wait) in [("-INT", 30), ("-TERM", 100), ("-INT", 300)] {
        let start = Instant::now();
        let status = interrupted(signal, compile(folder.path()), || start.elapsed() >= Duration::from_millis(wait));
        caught += u32::from(status == Some(130));
        if status == Some(130) {
            assert_eq!(left(folder.path()), [""; 0], "after {signal} and {wait} ms");
        }
    }
    assert!(caught > 0, "no compile was long enough to be interrupted");
}

#[test]
fn nor_when_the_files_are_being_written() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("long.toml"), network()).expect("it is written");
    // The first folder is the one that tries whether there can be one.
    let verilog = |name: &String| folder.path().join(name).join("verilog").exists();
    let status = interrupted("-TERM", compile(folder.path()), || left(folder.path()).iter().any(verilog));
    match status {
        Some(130) => assert_eq!(left(folder.path()), [""; 0]),
        // It was over before the signal came: then all of it is there.
        _ => assert_eq!(left(folder.path()), ["out"]),
    }
}
