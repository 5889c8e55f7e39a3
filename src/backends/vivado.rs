//! `vivado/`: a non-project script (synthesis out of context, place, route, reports) and the clock constraint.

use super::{Backend, Context, File, hdl, render, verilog};
use crate::error::Result;
use crate::netlist::Netlist;
use crate::registry::Entry;
use serde::Serialize;

/// The back end's entry.
pub const BACKEND: Entry<Backend> = Entry { name: "vivado", doc: "a Vivado script and the clock constraint", make };

#[derive(Serialize)]
struct Text<'a> {
    top: &'a str,
    part: &'a str,
    files: Vec<String>,
    period_ns: String,
    clocked: bool,
}

fn make(netlist: &Netlist, context: &Context) -> Result<Vec<File>> {
    if context.part.is_empty() {
        return Ok(Vec::new());
    }
    let text = Text {
        top: &netlist.name,
        part: &context.part,
        files: verilog::paths(netlist, context, hdl::Use::Synthesis),
        period_ns: format!("{}.{:03}", context.period_ps / 1000, context.period_ps % 1000),
        clocked: netlist.latency > 0,
    };
    let project = render(include_str!("../../templates/project.tcl"), &text)?;
    let clock = render(include_str!("../../templates/clock.xdc"), &text)?;
    let file = |path: &str, text| File { path: path.into(), text };
    Ok(vec![file("vivado/project.tcl", project), file("vivado/clock.xdc", clock)])
}
