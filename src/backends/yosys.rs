//! `yosys/synth.ys`: synthesis and cell counts with Yosys.

use super::{Backend, Context, File, hdl, render, verilog};
use crate::error::Result;
use crate::netlist::Netlist;
use crate::registry::Entry;
use serde::Serialize;

/// The back end's entry.
pub const BACKEND: Entry<Backend> =
    Entry { name: "yosys", doc: "a Yosys script that synthesizes and counts cells", make };

#[derive(Serialize)]
struct Text<'a> {
    top: &'a str,
    files: Vec<String>,
    synth: &'a str,
}

fn make(netlist: &Netlist, context: &Context) -> Result<Vec<File>> {
    let text = Text {
        top: &netlist.name,
        files: verilog::paths(netlist, context, hdl::Use::Synthesis),
        synth: &context.yosys,
    };
    let text = render(include_str!("../../templates/synth.ys"), &text)?;
    Ok(vec![File { path: "yosys/synth.ys".into(), text }])
}
