//! What the program is made of: packages of the public registry, under licences that go with its own.

use serde_json::Value;
use std::process::Command;

/// Licences that ask for nothing but their text.
const ALLOWED: [&str; 14] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "0BSD",
    "Unlicense",
    "CC0-1.0",
    "Unicode-3.0",
    "BSL-1.0",
    "Apache-2.0 WITH LLVM-exception",
];

/// Is one of the alternatives of a licence expression allowed as a whole (SPDX 2.3, annex D)?
fn allowed(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    let plain = |part: &str| part.replace(['(', ')'], " ").trim().to_string();
    // An alternative inside parentheses: every factor must have an allowed one.
    if expression.contains('(') {
        return expression
            .split(" AND ")
            .all(|factor| plain(factor).split(" OR ").any(|one| ALLOWED.contains(&one.trim())));
    }
    expression.split(" OR ").any(|all| all.split(" AND ").all(|one| ALLOWED.contains(&plain(one).as_str())))
}

#[test]
fn licences_and_sources() {
    let arguments = ["metadata", "--format-version", "1", "--all-features", "--locked"];
    let ran = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let metadata: Value = serde_json::from_slice(&ran.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let mut wrong = Vec::new();
    for package in packages {
        let of = |key: &str| package[key].as_str().unwrap_or_default();
        if !allowed(of("license")) {
            wrong.push(format!("{} {}: licence `{}`", of("name"), of("version"), of("license")));
        }
        if of("name") != "nanotrig"
            && !of("source").starts_with("registry+https://github.com/rust-lang/crates.io-index")
        {
            wrong.push(format!("{} {}: source `{}`", of("name"), of("version"), of("source")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} packages", packages.len());
}

#[test]
fn expressions() {
    assert!(
        allowed("MIT OR GPL-3.0-only") && allowed("MIT/Apache-2.0") && allowed("(MIT OR Apache-2.0) AND Unicode-3.0")
    );
    assert!(
        !allowed("GPL-3.0-only")
            && !allowed("MIT AND GPL-3.0-only")
            && !allowed("")
            && !allowed("(MIT OR Zlib) AND MPL-2.0")
    );
}
