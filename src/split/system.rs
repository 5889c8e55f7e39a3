//! A system of parts: its description in APEIRON's form, and a module that joins all for one simulation.

use crate::backends::{self, Context, File, hdl, render};
use crate::batch::Batch;
use crate::error::Result;
use crate::interfaces::{self, Pin, Shell, input_pins};
use crate::netlist::{Netlist, Simulator};
use crate::port::Port;
use serde::Serialize;
use std::ops::Range;

/// Parts with their shells, in the order of the data: branches first, then the part that joins them and those behind it.
pub struct System {
    /// The network's name.
    pub name: String,
    /// The columns of the network's inputs that each branch has; one branch if nothing is joined.
    pub branches: Vec<Vec<usize>>,
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
    /// Whether circuits have modules for rows.
    rows: bool,
}

#[derive(Serialize)]
struct Part<'a> {
    number: usize,
    top: &'a str,
    circuit: &'a str,
    latency: u32,
    luts: u64,
    layers: &'a [String],
    /// The streams that come: the name of the pins, and that of the wires or pins that feed them.
    sources: Vec<[String; 2]>,
    last: bool,
    /// The number and the module of the part that it feeds.
    feeds: usize,
    next: &'a str,
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
    let branches = system.branches.len();
    for (index, (netlist, shell)) in system.netlists.iter().zip(&system.shells).enumerate() {
        let printed = backends::files(netlist, context)?.into_iter().chain(interfaces::files(shell, netlist)?);
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
            sources: system.sources(index),
            last: index + 1 == count,
            feeds: (index + 1).max(branches) + 1,
            next: system.shells.get((index + 1).max(branches)).map_or("", |shell| &shell.top),
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
    let pins = system.pins().iter().map(Pin::declaration).collect();
    let mhz = format!("{:.3}", 1e6 / f64::from(system.period_ps));
    let rows = system.netlists.iter().any(|netlist| !netlist.rows.is_empty());
    let text = Text { name: &system.name, top: &top, parts, link_latency: system.link_latency, mhz, pins, rows };
    let file = |path: String, template| Ok(File { path, text: render(template, &text)? });
    files.push(file("system.yaml".into(), include_str!("../../templates/system.yaml"))?);
    files.push(file(format!("system/{top}.v"), include_str!("../../templates/system.v"))?);
    files.push(file("system/args.f".into(), include_str!("../../templates/shell.f"))?);
    let link = hdl::STREAM.iter().filter(|(name, _)| ["nanotrig_link", "nanotrig_pad"].contains(name));
    files.extend(link.map(|(name, text)| File { path: format!("hdl/stream/{name}.v"), text: (*text).into() }));
    if let Some(last) = system.netlists.last() {
        let inputs: Vec<&[Port]> = system.netlists.iter().take(branches).map(|part| &part.inputs[..]).collect();
        files.extend(interfaces::packet_bench("system", &top, (&inputs, &last.outputs), latency, words)?);
    }
    Ok(files)
}

impl System {
    /// The streams of a part, each with what feeds it.
    fn sources(&self, index: usize) -> Vec<[String; 2]> {
        let branches = self.branches.len();
        let wires = |parts: Range<usize>| parts.map(|part| format!("enter_{}_", part + 1)).collect();
        let feeding: Vec<String> = match index {
            _ if index < branches => vec![input_pins(branches).swap_remove(index)],
            _ if index == branches => wires(0..branches),
            _ => wires(index - 1..index),
        };
        input_pins(feeding.len()).into_iter().zip(feeding).map(Into::into).collect()
    }

    /// The pins of the whole: the streams of all branches, and what a part has besides.
    fn pins(&self) -> Vec<Pin> {
        let Some(shell) = self.shells.first() else { return Vec::new() };
        let named = |pin: &Pin, stream: &str| Pin { name: pin.name.replacen("s_axis_t", stream, 1), ..pin.clone() };
        let (streams, rest): (Vec<&Pin>, _) = shell.pins.iter().partition(|pin| pin.name.starts_with("s_axis_t"));
        let all = (0..self.branches.len()).flat_map(|branch| self.sources(branch)).map(|[_, outer]| outer);
        let all = all.flat_map(|outer| streams.iter().map(|pin| named(pin, &outer)).collect::<Vec<_>>());
        rest.into_iter().cloned().chain(all.collect::<Vec<_>>()).collect()
    }

    /// The codes that the circuits together give, one after another.
    ///
    /// # Errors
    /// A circuit that cannot be simulated.
    pub fn run(&self, inputs: &Batch) -> Result<Batch> {
        let (beside, behind) = self.netlists.split_at(self.branches.len());
        let mut answers = Vec::new();
        for (netlist, own) in beside.iter().zip(&self.branches) {
            answers.push(Simulator::new(netlist).run(&inputs.select(own)));
        }
        let mut codes = Batch::beside(&answers);
        for netlist in behind {
            codes = Simulator::new(netlist).run(&codes);
        }
        Ok(codes)
    }

    /// The events as the test bench takes them: the inputs of one branch after those of another.
    pub fn events(&self, inputs: &Batch) -> Batch {
        inputs.select(&self.branches.concat())
    }
}
