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
    interval: u32,
    reset: bool,
    /// Whether the valid bits are 0 before any reset.
    initial_values: bool,
    /// Words that make an event, and which of them completes its answer.
    pixels: usize,
    due: usize,
    /// Whether something is kept from event to event.
    states: bool,
    inputs: Vec<PortText<'a>>,
    outputs: Vec<PortText<'a>>,
    /// Whether modules are instances several times.
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
    let files = verilog::paths(netlist, context, hdl::Use::Simulation);
    let text = Text { initial_values: context.initial_values, files, ..Text::new(netlist) };
    let arguments = render(include_str!("../../templates/args.f"), &text)?;
    let mut files = bench("verilator", &text)?;
    files.push(File { path: "verilator/args.f".into(), text: arguments });
    Ok(files)
}

impl<'a> Text<'a> {
    fn new(netlist: &'a Netlist) -> Text<'a> {
        Text {
            top: &netlist.name,
            latency: netlist.latency,
            interval: netlist.interval,
            reset: netlist.reset,
            initial_values: false,
            pixels: 1,
            due: 0,
            states: !netlist.states.is_empty(),
            inputs: netlist.inputs.iter().map(port).collect(),
            outputs: netlist.outputs.iter().map(port).collect(),
            rows: !netlist.rows.is_empty(),
            files: Vec::new(),
        }
    }
}

/// The test bench of a module that has the circuit's ports, another latency, and no initial values; in `shell/`.
///
/// # Errors
/// None in practice.
pub fn around(netlist: &Netlist, top: &str, latency: u32) -> Result<Vec<File>> {
    bench("shell", &Text { top, latency, ..Text::new(netlist) })
}

/// The test bench of a module that has the circuit's first so many inputs, and registers for what the others carry, which
/// after reset is `own`; in `shell/`.
///
/// # Errors
/// None in practice.
pub fn registers(netlist: &Netlist, top: &str, events: usize, own: &[i128]) -> Result<Vec<File>> {
    #[derive(Serialize)]
    struct Weights<'a> {
        top: &'a str,
        widths: Vec<u32>,
        first: Vec<String>,
    }
    let mut text = Text { top, ..Text::new(netlist) };
    text.inputs.truncate(events);
    let weights = netlist.inputs[events..].iter().flat_map(|port| port.elements.iter());
    let first = own.iter().map(|code| format!("{:#010x}", *code as u32)).collect();
    let weights = Weights { top, widths: weights.map(|element| element.format.width).collect(), first };
    let weights = render(include_str!("../../templates/weights.h"), &weights)?;
    let bench = include_str!("../../testbenches/registers.cpp");
    let file = |name: &str, text| File { path: format!("shell/{name}"), text };
    Ok(vec![
        words("shell"),
        file("run.cpp", bench.to_string()),
        file("ports.h", render(include_str!("../../templates/ports.h"), &text)?),
        file("weights.h", weights),
    ])
}

/// A module that takes an image pixel by pixel.
pub struct Pixels<'a> {
    /// The module.
    pub top: &'a str,
    /// Clocks from the pixel that completes an answer to the answer.
    pub latency: u32,
    /// Clocks from pixel to pixel, at least.
    pub interval: u32,
    /// The port of a pixel.
    pub input: Port,
    /// The ports of the answer.
    pub outputs: &'a [Port],
    /// Pixels of an image, and which of them completes the answer.
    pub image: [usize; 2],
    /// Whether modules are instances several times.
    pub rows: bool,
    /// The Verilog.
    pub files: Vec<String>,
}

/// The test bench of such a module, in `verilator/`.
///
/// # Errors
/// None in practice.
pub fn pixels(module: Pixels) -> Result<Vec<File>> {
    let text = Text {
        top: module.top,
        latency: module.latency,
        interval: module.interval,
        reset: true,
        initial_values: false,
        pixels: module.image[0],
        due: module.image[1],
        states: false,
        inputs: vec![port(&module.input)],
        outputs: module.outputs.iter().map(port).collect(),
        rows: module.rows,
        files: module.files,
    };
    let arguments = render(include_str!("../../templates/args.f"), &text)?;
    let mut files = bench("verilator", &text)?;
    files.push(File { path: "verilator/args.f".into(), text: arguments });
    Ok(files)
}

fn bench(folder: &str, text: &Text) -> Result<Vec<File>> {
    let file = |name: &str, text| File { path: format!("{folder}/{name}"), text };
    Ok(vec![
        words(folder),
        file("run.cpp", include_str!("../../testbenches/run.cpp").to_string()),
        file("ports.h", render(include_str!("../../templates/ports.h"), text)?),
    ])
}

/// What every test bench includes, for its folder: how bits get into a Verilated module and out.
pub fn words(folder: &str) -> File {
    File { path: format!("{folder}/words.h"), text: include_str!("../../testbenches/words.h").into() }
}

fn port(port: &Port) -> PortText<'_> {
    // Verilator writes a double underscore as the code of its second one.
    let member = (port.width() > 0).then(|| port.name.replace("__", "___05F"));
    let widths = port.elements.iter().map(|element| element.format.width.to_string()).collect();
    PortText { name: &port.name, member, widths }
}
