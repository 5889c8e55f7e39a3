//! A system of parts: its description in APEIRON's form, and a module that joins all for one simulation.

use crate::backends::{self, Context, File, hdl, render};
use crate::error::Result;
use crate::interfaces::{self, Pin, Shell};
use crate::netlist::Netlist;
use crate::port::Port;
use serde::Serialize;

/// Parts with their shells, in the order of the data.
pub struct System {
    /// The network's name.
    pub name: String,
    /// The circuits.
    pub netlists: Vec<Netlist>,
    /// Their shells: packets.
    pub shells: Vec<Shell>,
    /// Estimated LUTs of each.
    pub luts: Vec<u64>,
    /// Layers of each.
    pub layers: Vec<Vec<String>>,
    /// Clocks that a link takes.
    pub link_latency: u32,
    /// The clock period in picoseconds.
    pub period_ps: u32,
}

#[derive(Serialize)]
struct Text<'a> {
    name: &'a str,
    top: &'a str,
    parts: Vec<Part<'a>>,
    link_latency: u32,
    mhz: String,
    pins: Vec<String>,
}

#[derive(Serialize)]
struct Part<'a> {
    number: usize,
    top: &'a str,
    circuit: &'a str,
    latency: u32,
    luts: u64,
    layers: &'a [String],
    first: bool,
    last: bool,
    /// Bits of an event, words of its packet with header and footer, and each tensor.
    inputs: Side,
    outputs: Side,
    files: Vec<String>,
}

#[derive(Serialize)]
struct Side {
    bits: u32,
    words: u32,
    tensors: Vec<Tensor>,
}

#[derive(Serialize)]
struct Tensor {
    name: String,
    formats: String,
}

impl Side {
    fn new(ports: &[Port]) -> Side {
        let bits = ports.iter().map(Port::width).sum::<u32>();
        let tensor = |port: &Port| {
            let runs = port.elements.chunk_by(|a, b| a.format == b.format);
            let runs: Vec<String> = runs.map(|run| format!("{} x {}", run.len(), run[0].format)).collect();
            Tensor { name: port.name.clone(), formats: runs.join(", ") }
        };
        Side { bits, words: packet(bits), tensors: ports.iter().map(tensor).collect() }
    }
}

/// Words of a packet with so many bits, header and footer included.
fn packet(bits: u32) -> u32 {
    bits.div_ceil(128) + 2
}

/// The files of a system: `verilog/` and `hdl/` of all parts, `system.yaml`, and `system/` with the module that joins them and
/// its test bench.
///
/// # Errors
/// Those of back ends and shells.
pub fn files(system: &System, context: &Context) -> Result<Vec<File>> {
    let mut files: Vec<File> = Vec::new();
    let mut parts = Vec::new();
    let count = system.netlists.len();
    for (index, (netlist, shell)) in system.netlists.iter().zip(&system.shells).enumerate() {
        let printed = backends::files(netlist, context)?.into_iter().chain(interfaces::files(shell)?);
        let verilog = printed.filter(|file| file.path.ends_with(".v"));
        let verilog = verilog.map(|file| File { path: file.path.replacen("shell/", "verilog/", 1), ..file });
        let own: Vec<File> = verilog.collect();
        parts.push(Part {
            number: index + 1,
            top: &shell.top,
            circuit: &netlist.name,
            latency: netlist.latency,
            luts: system.luts[index],
            layers: &system.layers[index],
            first: index == 0,
            last: index + 1 == count,
            inputs: Side::new(&netlist.inputs),
            outputs: Side::new(&netlist.outputs),
            files: own.iter().map(|file| file.path.clone()).collect(),
        });
        // Blocks are shared by all parts.
        files.extend(
            own.into_iter().filter(|file| !files.iter().any(|known| known.path == file.path)).collect::<Vec<_>>(),
        );
    }
    let words = parts.iter().flat_map(|part| [part.inputs.words, part.outputs.words]).max().unwrap_or(0);
    let latency = parts.iter().map(|part| part.latency).sum::<u32>() + (count as u32 - 1) * (system.link_latency + 16);
    let top = format!("{}_system", system.name);
    let pins = system.shells.first().map(|shell| shell.pins.iter().map(Pin::declaration).collect()).unwrap_or_default();
    let mhz = format!("{:.3}", 1e6 / f64::from(system.period_ps));
    let text = Text { name: &system.name, top: &top, parts, link_latency: system.link_latency, mhz, pins };
    let file = |path: String, template| Ok(File { path, text: render(template, &text)? });
    files.push(file("system.yaml".into(), include_str!("../../templates/system.yaml"))?);
    files.push(file(format!("system/{top}.v"), include_str!("../../templates/system.v"))?);
    files.push(file("system/args.f".into(), include_str!("../../templates/shell.f"))?);
    let link = hdl::STREAM.iter().filter(|(name, _)| ["nanotrig_link", "nanotrig_pad"].contains(name));
    files.extend(link.map(|(name, text)| File { path: format!("hdl/stream/{name}.v"), text: (*text).into() }));
    if let (Some(first), Some(last)) = (system.netlists.first(), system.netlists.last()) {
        files.extend(interfaces::packet_bench("system", &top, [&first.inputs, &last.outputs], latency, words)?);
    }
    Ok(files)
}
