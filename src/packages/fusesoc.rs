//! `NAME.core`: a core for FuseSoC (CAPI2), with targets for synthesis, and for the test bench in Verilator.

use super::{Design, Package};
use crate::backends::hdl::Use;
use crate::backends::{File, render};
use crate::error::Result;
use crate::registry::Entry;
use serde::Serialize;

/// The entry.
pub const PACKAGE: Entry<Package> = Entry { name: "fusesoc", doc: "a FuseSoC core with a Verilator target", make };

#[derive(Serialize)]
struct Text<'a> {
    top: &'a str,
    design: &'a str,
    synthesis: Vec<String>,
    simulation: Vec<String>,
    /// The test bench, and what it includes.
    bench: &'a str,
    headers: Vec<&'a str>,
}

fn make(design: &Design) -> Result<Vec<File>> {
    let (bench, headers) = match design.shell {
        None => ("verilator/run.cpp", vec!["verilator/ports.h", "verilator/words.h"]),
        Some(shell) => {
            let paths = shell.files.iter().map(|file| file.path.as_str());
            ("shell/run.cpp", paths.filter(|path| path.ends_with(".h")).collect())
        }
    };
    let text = Text {
        top: design.top(),
        design: &design.netlist.name,
        synthesis: design.sources(Use::Synthesis),
        simulation: design.sources(Use::Simulation),
        bench,
        headers,
    };
    let file = |path: String, template| Ok(File { path, text: render(template, &text)? });
    Ok(vec![
        file(format!("{}.core", design.top()), include_str!("../../templates/fusesoc.core"))?,
        file("packages/Vdut.h".into(), include_str!("../../templates/vdut.h"))?,
    ])
}
