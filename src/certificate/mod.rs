//! `proof.json`: what was proved, of which files, under which assumptions.

mod chain;

pub use chain::{Found, compiled, folder};

use crate::error::{Error, Result};
use crate::files;
use crate::proof::Proof;
use crate::proof::verilog::Interface;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

/// The file's name.
const NAME: &str = "proof.json";
/// Folders whose Verilog is read.
const FOLDERS: [&str; 2] = ["verilog", "hdl/simulation"];
/// What the proof is about besides the Verilog.
const LEVELS: [&str; 3] = ["model/network.toml", "ir/dfg.txt", "ir/optimised.txt"];
/// What is believed.
const ASSUMPTIONS: [&str; 6] = [
    "the proof starts at the tensor graph, which is made again from model/network.toml; front ends, layers and the folding of float32 chains are held by golden vectors of the frameworks",
    "the host applies the ports' formats to inputs, and what report.json says to outputs",
    "modules of hdl/synthesis compute what those of the same names in hdl/simulation do; nanotrig's own tests prove that with Yosys",
    "an event's inputs are applied in one cycle, and rst, where there is one, is low while it is in flight",
    "rst, where there is one, has been 1 in a cycle before the first event if registers have no initial value",
    "the synthesis tool and the device do what the Verilog says",
];

/// The certificate.
#[derive(Serialize, Deserialize)]
struct Certificate {
    generator: String,
    version: String,
    proved: bool,
    top: String,
    latency_cycles: u32,
    reset: bool,
    method: String,
    links: Vec<Link>,
    assumptions: Vec<String>,
    /// SHA-256 of each file, by its path.
    files: BTreeMap<String, String>,
}

/// One level, compared with the tensor graph.
#[derive(Serialize, Deserialize)]
struct Link {
    level: String,
    outputs: usize,
    proved: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// The Verilog of an output folder: paths in it, and texts.
///
/// # Errors
/// A file that cannot be read.
pub fn verilog(dir: &Path) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for folder in FOLDERS {
        let Ok(entries) = dir.join(folder).read_dir() else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(".v") {
                found.push((format!("{folder}/{name}"), files::read_text(&entry.path())?));
            }
        }
    }
    found.sort();
    Ok(found)
}

fn hashes(dir: &Path) -> Result<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    let hash = |text: &str| Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    for (path, text) in verilog(dir)? {
        all.insert(path, hash(&text));
    }
    for path in LEVELS {
        all.insert(path.into(), hash(&files::read_text(&dir.join(path))?));
    }
    Ok(all)
}

/// Writes the certificate of a proof.
///
/// # Errors
/// The disk refuses.
pub fn write(dir: &Path, proof: &Proof, interface: &Interface) -> Result<()> {
    let link = |link: &crate::proof::Link| Link {
        level: link.level.clone(),
        outputs: link.outputs,
        proved: link.proved,
        reason: link.reason.clone(),
    };
    let certificate = Certificate {
        generator: "nanotrig".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        proved: proof.holds(),
        top: interface.top.into(),
        latency_cycles: interface.latency,
        reset: interface.reset,
        method: "each level evaluated symbolically; every output the same canonical form as the tensor graph's".into(),
        links: proof.links.iter().map(link).collect(),
        assumptions: ASSUMPTIONS.map(String::from).to_vec(),
        files: hashes(dir)?,
    };
    let text = serde_json::to_string_pretty(&certificate).map_err(|error| Error::bug(error.to_string()))?;
    let path = dir.join(NAME);
    let refused = |error: std::io::Error| {
        Error::user(
            format!("cannot write {}: {error}", path.display()),
            "check the folder's rights and the disk's space",
        )
    };
    // Whole or not at all.
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(refused)?;
    std::io::Write::write_all(&mut file, (text + "\n").as_bytes()).map_err(refused)?;
    file.persist(&path).map(drop).map_err(|error| refused(error.error))
}

/// The files that are not those of the certificate.
///
/// # Errors
/// There is no certificate, or it cannot be read.
pub fn changed(dir: &Path) -> Result<Vec<String>> {
    let path = dir.join(NAME);
    let help = "run `nanotrig prove` without --check first";
    let text = files::read_text(&path).map_err(|error| Error { help: help.into(), ..error })?;
    let known: Certificate = serde_json::from_str(&text)
        .map_err(|error| Error::user(format!("{} is no certificate: {error}", path.display()), help))?;
    let now = hashes(dir)?;
    let all = known.files.keys().chain(now.keys());
    let mut changed: Vec<String> = all.filter(|path| known.files.get(*path) != now.get(*path)).cloned().collect();
    changed.sort();
    changed.dedup();
    Ok(changed)
}
