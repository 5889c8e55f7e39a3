//! CONTRIBUTING.md's recipe for a layer, followed to the letter: one new file, one line, and the network language has it.
//!
//! The recipe is a fenced block marked `rust file=src/layers/NAME.rs`, the whole new file, and one marked
//! `rust line=src/layers/mod.rs`: the `mod` line and the entry of the list.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The fenced block whose info string starts with this; the rest of the info string, and the text.
fn block(document: &str, info: &str) -> Option<(String, String)> {
    let mut lines = document.lines().skip_while(|line| !line.trim_start().starts_with(&format!("```{info}")));
    let rest = lines.next()?.trim_start().strip_prefix(&format!("```{info}"))?.to_string();
    let text = lines.take_while(|line| !line.trim_start().starts_with("```"));
    Some((rest, text.map(|line| format!("{line}\n")).collect()))
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let name = entry.unwrap().file_name();
            copy(&from.join(&name), &to.join(&name));
        }
    } else {
        std::fs::copy(from, to).unwrap();
    }
}

/// The folder of this test's profile in the target folder, where the dependencies are built already.
fn profile() -> PathBuf {
    std::env::current_exe().unwrap().ancestors().nth(2).unwrap().to_path_buf()
}

/// The manifest of a package of another name, lest its program take the place of the one under test.
fn renamed(manifest: &str) -> String {
    let renamed = manifest.replacen("name = \"nanotrig\"", "name = \"recipe\"", 1);
    assert!(renamed != manifest && !manifest.contains("[lib]") && !manifest.contains("[[bin]]"));
    format!("{renamed}\n[lib]\nname = \"nanotrig\"\n\n[[bin]]\nname = \"recipe\"\npath = \"src/main.rs\"\n")
}

/// The file with the recipe's lines at their places.
fn with_lines(module: &str, lines: &str) -> String {
    let mut text = String::new();
    let (mods, entries): (Vec<&str>, Vec<&str>) = lines
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
        .partition(|line| line.starts_with("mod "));
    assert!(mods.len() == 1 && entries.len() == 1, "one `mod` line and one entry:\n{lines}");
    let mut placed = false;
    for line in module.lines() {
        if !placed && line.starts_with("mod ") {
            text += &format!("{}\n", mods[0]);
            placed = true;
        }
        if line == "];" {
            text += &format!("    {}\n", entries[0]);
        }
        text += &format!("{line}\n");
    }
    assert!(text.contains(mods[0]) && text.contains(entries[0]), "there is a place for both lines");
    text
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}:\n{out}{err}");
    out.into()
}

#[test]
fn a_layer_is_one_file_and_one_line() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = std::fs::read_to_string(root.join("CONTRIBUTING.md")).unwrap_or_default();
    let recipe = block(&document, "rust file=src/layers/").zip(block(&document, "rust line=src/layers/mod.rs"));
    let Some(((file, layer), (_, lines))) = recipe else {
        println!("skipped: CONTRIBUTING.md has no recipe for a layer");
        return;
    };
    let name = file.trim().strip_suffix(".rs").expect("a file of Rust").to_string();
    let copied = tempfile::tempdir().unwrap();
    for part in ["Cargo.lock", "src", "templates", "hdl", "testbenches", "benches", "README.md"] {
        if root.join(part).exists() {
            copy(&root.join(part), &copied.path().join(part));
        }
    }
    let list = copied.path().join("src/layers/mod.rs");
    let text = with_lines(&std::fs::read_to_string(&list).unwrap(), &lines);
    std::fs::write(list, text).unwrap();
    std::fs::write(copied.path().join(format!("src/layers/{name}.rs")), layer).unwrap();
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    std::fs::write(copied.path().join("Cargo.toml"), renamed(&manifest)).unwrap();
    let profile = profile();
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--offline", "--bin", "recipe"]).current_dir(copied.path());
    build.args((profile.file_name().unwrap() == "release").then_some("--release"));
    output(build.env("CARGO_TARGET_DIR", profile.parent().unwrap()));
    let program = profile.join("recipe");

    let listed = output(Command::new(&program).args(["list", "layers"]));
    assert!(listed.lines().any(|line| line.split(' ').next() == Some(&name)), "{name} is listed:\n{listed}");

    // A network of the new layer alone, on both signs and zero, at every level.
    let head = "format = \"nanotrig/1\"\n[[input]]\nname = \"x\"\nshape = [3]\nformat = \"fixed<8,8>\"\n";
    let network = format!("{head}[[layer]]\nname = \"new\"\nkind = \"{name}\"\n");
    std::fs::write(copied.path().join("net.toml"), network).unwrap();
    std::fs::write(copied.path().join("x.csv"), "-3,0,5\n7,-128,127\n").unwrap();
    let run = |arguments: &[&str]| output(Command::new(&program).args(arguments).current_dir(copied.path()));
    let mut outputs = Vec::new();
    for level in ["tensor", "dfg", "netlist"] {
        run(&["run", "net.toml", "--input", "x.csv", "--output", "y.csv", "--level", level]);
        outputs.push(std::fs::read_to_string(copied.path().join("y.csv")).unwrap());
    }
    assert!(outputs.iter().all(|output| *output == outputs[0]), "{outputs:?}");
    assert_eq!(name, "negate", "the values below are those of the recipe's layer");
    let numbers: Vec<f64> = outputs[0].split([',', '\n']).filter_map(|cell| cell.trim().parse().ok()).collect();
    assert_eq!(numbers, [3.0, 0.0, -5.0, -7.0, 128.0, -127.0]);
    let summary = run(&["compile", "net.toml", "-o", "out"]);
    assert!(summary.contains("agree"), "{summary}");
}
