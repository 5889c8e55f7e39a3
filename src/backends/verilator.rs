//! `verilator/`: the C++ test bench, the description of the ports it reads, and Verilator's arguments.

use super::{Backend, Context, File, hdl, render, verilog};
use crate::error::Result;
use crate::netlist::Netlist;
use crate::port::Port;
use crate::registry::Entry;
use serde::Serialize;

/// The back end's entry.
pub const BACKEND: Entry<Backend> = Entry { name: "verilator", doc: "a C++ test bench for Verilator", make };

#[derive(Serialize)]
struct Text<'a> {
    top: &'a str,
    latency: u32,
    reset: bool,
    inputs: Vec<PortText<'a>>,
    outputs: Vec<PortText<'a>>,
    rows: bool,
    files: Vec<String>,
}

#[derive(Serialize)]
struct PortText<'a> {
    name: &'a str,
    /// The member of the Verilated class; none for a port without bits.
    member: Option<String>,
    widths: Vec<String>,
}

fn make(netlist: &Netlist, context: &Context) -> Result<Vec<File>> {
    let sources = verilog::sources(netlist, context, hdl::Use::Simulation)?;
    let text = Text {
        top: &netlist.name,
        latency: netlist.latency,
        reset: netlist.reset,
        inputs: netlist.inputs.iter().map(port).collect(),
        outputs: netlist.outputs.iter().map(port).collect(),
        rows: sources.rows,
        files: sources.paths,
    };
    let file = |path: &str, text| File { path: path.into(), text };
    Ok(vec![
        file("verilator/run.cpp", include_str!("../../testbenches/run.cpp").to_string()),
        file("verilator/ports.h", render(include_str!("../../templates/ports.h"), &text)?),
        file("verilator/args.f", render(include_str!("../../templates/args.f"), &text)?),
    ])
}

fn port(port: &Port) -> PortText<'_> {
    // Verilator writes a double underscore as the code of its second one.
    let member = (port.width() > 0).then(|| port.name.replace("__", "___05F"));
    let widths = port.elements.iter().map(|element| element.format.width.to_string()).collect();
    PortText { name: &port.name, member, widths }
}
