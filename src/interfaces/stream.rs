//! What the stream interfaces share: words in, words out, and the circuit between them.
//!
//! Words are gathered to an event, which enters the circuit while there is a credit for it: a place in the queue where its
//! answer will wait. So the circuit runs freely and nothing is lost. The queue has a place for each stage of the circuit and
//! for the clocks that a credit travels, which keeps an event a clock going.

use super::{Pin, Shell};
use crate::backends::{File, render, verilator};
use crate::error::{Error, Result};
use crate::netlist::{Netlist, legal};
use crate::port::Port;
use serde::Serialize;

/// Which stream it is.
pub struct Stream {
    /// What the module's name ends with.
    pub suffix: &'static str,
    /// Bits of the words that come, and of those that leave.
    pub words: [u32; 2],
    /// Whether an event is a packet.
    pub packets: bool,
    /// Whether the streams have their own clock.
    pub crossing: bool,
}

/// Places of the queue besides those for the circuit's stages: in at the clock after, out at the next, credit at the next.
const SLACK: u32 = 3;
/// The widest word.
const MOST: u32 = 4096;

#[derive(Serialize)]
struct Text<'a> {
    top: &'a str,
    core: &'a str,
    pins: Vec<String>,
    packets: bool,
    crossing: bool,
    /// Bits of words in and out.
    words: [u32; 2],
    depth: u32,
    inputs: &'a [Side],
    output: &'a Side,
}

/// What an event, or its part on one stream, is made of.
#[derive(Serialize)]
struct Side {
    /// What tells the names of this stream from those of others, if there are others.
    mark: String,
    /// The name of the pins.
    pins: String,
    /// Words.
    count: u32,
    /// Bits of all those words.
    padded: u32,
    /// Bits.
    width: u32,
    slices: Vec<Slice>,
    unused: Option<String>,
}

/// A port's bits of an event.
#[derive(Serialize)]
struct Slice {
    name: String,
    bits: String,
}

/// The words that a user asks for: `IN:OUT`, or one number for both.
pub fn words(value: Option<&str>) -> Result<[u32; 2]> {
    let Some(value) = value else { return Ok([64, 64]) };
    let (first, second) = value.split_once(':').unwrap_or((value, value));
    let bits = |text: &str| match text.parse() {
        Ok(bits @ 1..=MOST) => Ok(bits),
        _ => {
            let what = format!("`{value}` is no size of words");
            Err(Error::user(what, format!("give 1 to {MOST} bits, or two such numbers, IN:OUT")))
        }
    };
    Ok([bits(first)?, bits(second)?])
}

/// The name of the shell's module, which no module of the circuit has.
pub fn top(netlist: &Netlist, suffix: &str) -> String {
    let mut name = format!("{}_{suffix}", netlist.name);
    while !legal(&name) || netlist.layers.contains(&name) {
        name += "_shell";
    }
    name
}

/// The declaration of a wire.
pub fn wire(width: u32, name: &str) -> String {
    if width > 1 { format!("wire [{}:0] {name};", width - 1) } else { format!("wire {name};") }
}

/// Ports with bits, each with its place in an event, the first lowest; and the bits of an event.
fn slices(ports: &[Port], name: &str) -> (Vec<Slice>, u32) {
    let mut slices = Vec::new();
    let mut lo = 0;
    for port in ports.iter().filter(|port| port.width() > 0) {
        let hi = lo + port.width() - 1;
        let bits = if hi == lo { format!("{name}[{lo}]") } else { format!("{name}[{hi}:{lo}]") };
        slices.push(Slice { name: port.name.clone(), bits });
        lo = hi + 1;
    }
    (slices, lo)
}

/// A number for each of several streams; nothing if there is one.
fn marks(streams: usize) -> Vec<String> {
    (1..=streams).map(|number| if streams > 1 { number.to_string() } else { String::new() }).collect()
}

/// How the pins of each of the streams that come begin.
pub fn input_pins(streams: usize) -> Vec<String> {
    marks(streams).iter().map(|mark| format!("s{mark}_axis_t")).collect()
}

impl Side {
    fn new(ports: &[Port], [mark, pins, name]: [&str; 3], word: u32) -> Side {
        let (slices, width) = slices(ports, name);
        let count = width.div_ceil(word);
        let padded = count * word;
        let unused = (padded > width).then(|| match padded - width {
            1 => format!("{name}[{width}]"),
            _ => format!("{name}[{}:{width}]", padded - 1),
        });
        Side { mark: mark.into(), pins: pins.into(), count, padded, width, slices, unused }
    }

    fn check(&self, stream: &Stream) -> Result<()> {
        if self.width == 0 {
            return Err(Error::user("an event without bits is no word of a stream", "use --interface bare"));
        }
        if stream.packets && self.count > 1023 {
            let what = format!("an event of {} bits is more than a packet's 16383 bytes", self.width);
            return Err(Error::user(what, "use --interface axi-stream"));
        }
        Ok(())
    }
}

/// The shell of a circuit between two streams.
///
/// # Errors
/// Events without bits have no words; or an event has more words than a packet's header can say.
pub fn shell(netlist: &Netlist, stream: &Stream) -> Result<Shell> {
    joining(netlist, stream, &[netlist.inputs.len()])
}

/// The same where an event comes in parts, each on a stream of its own: the next so many of the circuit's ports.
///
/// # Errors
/// Those of [`shell`].
pub fn joining(netlist: &Netlist, stream: &Stream, parts: &[usize]) -> Result<Shell> {
    if netlist.interval > 1 {
        let what =
            format!("a stream may bring an event every clock, and the circuit takes one every {}", netlist.interval);
        return Err(Error::user(what, "use --interface bare or fixed-slot, or leave --interval out"));
    }
    let mut ports = &netlist.inputs[..];
    let mut inputs = Vec::new();
    let mut groups = Vec::new();
    for ((mark, pins), part) in marks(parts.len()).iter().zip(input_pins(parts.len())).zip(parts) {
        let (own, rest) = ports.split_at_checked(*part).ok_or_else(|| Error::bug("a stream without ports"))?;
        inputs.push(Side::new(own, [mark, &pins, &format!("event{mark}_data")], stream.words[0]));
        groups.push(own);
        ports = rest;
    }
    let output = Side::new(&netlist.outputs, ["", "m_axis_t", "answer_data"], stream.words[1]);
    inputs.iter().chain([&output]).try_for_each(|side| side.check(stream))?;
    let top = top(netlist, stream.suffix);
    let pins = pins(stream, &inputs);
    let text = Text {
        top: &top,
        core: &netlist.name,
        pins: pins.iter().map(Pin::declaration).collect(),
        packets: stream.packets,
        crossing: stream.crossing,
        words: stream.words,
        depth: netlist.latency + SLACK,
        inputs: &inputs,
        output: &output,
    };
    let module = render(include_str!("../../templates/stream.v"), &text)?;
    let mut files = vec![File { path: format!("shell/{top}.v"), text: module }];
    let longest = inputs.iter().chain([&output]).map(|side| side.count).max().unwrap_or(0);
    let longest = longest + if stream.packets { 2 } else { 0 };
    files.extend(bench("shell", &top, (&groups, &netlist.outputs), stream, netlist.latency, longest)?);
    Ok(Shell { top, pins, blocks: blocks(stream), files })
}

/// The tensors of each stream that comes, and those of the one that leaves.
type Ports<'a> = (&'a [&'a [Port]], &'a [Port]);

/// The test bench of a module between streams of packets, with these tensors in and out.
///
/// # Errors
/// None in practice.
pub fn packet_bench(folder: &str, top: &str, ports: Ports, latency: u32, longest: u32) -> Result<Vec<File>> {
    let stream = Stream { suffix: "", words: [128, 128], packets: true, crossing: false };
    bench(folder, top, ports, &stream, latency, longest)
}

#[derive(Serialize)]
struct Header<'a> {
    top: &'a str,
    packets: bool,
    crossing: bool,
    words: [u32; 2],
    latency: u32,
    longest: u32,
    inputs: Vec<Tensors>,
    output: Tensors,
}

/// The tensors of an event on one stream.
#[derive(Serialize)]
struct Tensors {
    pins: String,
    /// Words.
    count: u32,
    /// Widths of each tensor's elements.
    widths: Vec<Vec<u32>>,
}

impl Tensors {
    fn new(pins: String, ports: &[Port], word: u32) -> Tensors {
        let width: u32 = ports.iter().map(Port::width).sum();
        let widths = |port: &Port| port.elements.iter().map(|element| element.format.width).collect();
        Tensors { pins, count: width.div_ceil(word), widths: ports.iter().map(widths).collect() }
    }
}

/// The test bench of a module between streams, in a folder. `latency` is about that of the module in clocks, `longest` the words
/// of the longest event on the way.
fn bench(
    folder: &str,
    top: &str,
    (inputs, outputs): Ports,
    stream: &Stream,
    latency: u32,
    longest: u32,
) -> Result<Vec<File>> {
    let streams = input_pins(inputs.len()).into_iter().zip(inputs);
    let input = |(pins, ports): (String, &&[Port])| Tensors::new(pins, ports, stream.words[0]);
    let header = Header {
        top,
        packets: stream.packets,
        crossing: stream.crossing,
        words: stream.words,
        latency,
        longest,
        inputs: streams.map(input).collect(),
        output: Tensors::new("m_axis_t".into(), outputs, stream.words[1]),
    };
    let file = |name: &str, text| File { path: format!("{folder}/{name}"), text };
    Ok(vec![
        verilator::words(folder),
        file("ports.h", render(include_str!("../../templates/stream.h"), &header)?),
        file("run.cpp", include_str!("../../testbenches/stream.cpp").to_string()),
    ])
}

fn pins(stream: &Stream, inputs: &[Side]) -> Vec<Pin> {
    let mut pins = vec![Pin::input("clk", 1), Pin::input("rst", 1)];
    if stream.crossing {
        pins.extend([Pin::input("io_clk", 1), Pin::input("io_rst", 1)]);
    }
    if stream.packets {
        pins.push(Pin::input("header", 128));
    }
    for input in inputs {
        let name = |end: &str| format!("{}{end}", input.pins);
        pins.extend([
            Pin::input(&name("valid"), 1),
            Pin::output(&name("ready"), 1),
            Pin::input(&name("data"), stream.words[0]),
            Pin::input(&name("last"), 1),
        ]);
    }
    pins.extend([
        Pin::output("m_axis_tvalid", 1),
        Pin::input("m_axis_tready", 1),
        Pin::output("m_axis_tdata", stream.words[1]),
        Pin::output("m_axis_tlast", 1),
        Pin::output("misframed", 1),
    ]);
    pins
}

/// The blocks of a stream's shell.
fn blocks(stream: &Stream) -> Vec<&'static str> {
    let mut blocks = vec!["nanotrig_widen", "nanotrig_credits", "nanotrig_fifo", "nanotrig_narrow"];
    blocks.push(if stream.crossing { "nanotrig_cross" } else { "nanotrig_skid" });
    if stream.packets {
        blocks.extend(["nanotrig_depacketise", "nanotrig_packetise"]);
    }
    blocks
}
