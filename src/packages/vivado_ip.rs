//! `packages/vivado_ip.tcl`: makes an IP for Vivado's catalogue, by its own packager.

use super::{Design, Package};
use crate::backends::hdl::Use;
use crate::backends::{File, render};
use crate::error::Result;
use crate::registry::Entry;
use serde::Serialize;

/// The entry.
pub const PACKAGE: Entry<Package> = Entry { name: "vivado-ip", doc: "a script for Vivado's IP packager", make };

#[derive(Serialize)]
struct Text<'a> {
    top: &'a str,
    part: &'a str,
    files: Vec<String>,
    clocks: Vec<Clock>,
}

/// A clock with its reset, and the streams that belong to it.
#[derive(Serialize)]
struct Clock {
    name: String,
    reset: Option<String>,
    streams: String,
}

fn make(design: &Design) -> Result<Vec<File>> {
    let part = design.context.part.as_str();
    if part.is_empty() {
        return Ok(Vec::new());
    }
    let pins = design.pins();
    let has = |name: &str| pins.iter().any(|pin| pin.name == name);
    let crossing = has("io_clk");
    let clock = |prefix: &str| {
        let reset = Some(format!("{prefix}rst")).filter(|reset| has(reset));
        let streams = has("s_axis_tdata") && crossing != prefix.is_empty();
        let streams = if streams { "s_axis:m_axis" } else { "" };
        Clock { name: format!("{prefix}clk"), reset, streams: streams.into() }
    };
    let clocks = ["", "io_"].into_iter().filter(|prefix| prefix.is_empty() || crossing).map(clock);
    let text = Text { top: design.top(), part, files: design.sources(Use::Synthesis), clocks: clocks.collect() };
    let script = render(include_str!("../../templates/vivado_ip.tcl"), &text)?;
    Ok(vec![File { path: "packages/vivado_ip.tcl".into(), text: script }])
}
