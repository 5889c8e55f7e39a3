//! What the stream interfaces share: words in, words out, and the circuit between them.
//!
//! Words are gathered to an event, which enters the circuit while there is a credit for it: a place in the queue where its
//! answer will wait. So the circuit runs freely and nothing is lost. The queue has a place for each stage of the circuit and
//! for the clocks that a credit travels, which keeps an event a clock going.

use super::{Pin, Shell};
use crate::backends::{File, render};
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
    /// Words of an event in and out.
    counts: [u32; 2],
    /// Bits of all those words.
    padded: [u32; 2],
    /// Bits of an event in and out.
    widths: [u32; 2],
    depth: u32,
    inputs: Vec<Slice>,
    outputs: Vec<Slice>,
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

/// The shell of a circuit between two streams.
///
/// # Errors
/// Events without bits have no words; or an event has more words than a packet's header can say.
pub fn shell(netlist: &Netlist, stream: &Stream) -> Result<Shell> {
    let (inputs, in_width) = slices(&netlist.inputs, "event_data");
    let (outputs, out_width) = slices(&netlist.outputs, "answer_data");
    let widths = [in_width, out_width];
    let counts = [0, 1].map(|side| widths[side].div_ceil(stream.words[side]));
    if widths.contains(&0) {
        return Err(Error::user("an event without bits is no word of a stream", "use --interface bare"));
    }
    if stream.packets && counts.iter().any(|count| *count > 1023) {
        let what = format!("an event of {in_width} bits in and {out_width} out is more than a packet's 16383 bytes");
        return Err(Error::user(what, "use --interface axi-stream"));
    }
    let top = top(netlist, stream.suffix);
    let pins = pins(stream);
    let padded = [0, 1].map(|side| counts[side] * stream.words[side]);
    let text = Text {
        top: &top,
        core: &netlist.name,
        pins: pins.iter().map(Pin::declaration).collect(),
        packets: stream.packets,
        crossing: stream.crossing,
        words: stream.words,
        counts,
        padded,
        widths,
        depth: netlist.latency + SLACK,
        inputs,
        outputs,
        unused: (padded[0] > in_width).then(|| match padded[0] - in_width {
            1 => format!("event_data[{in_width}]"),
            _ => format!("event_data[{}:{in_width}]", padded[0] - 1),
        }),
    };
    let module = render(include_str!("../../templates/stream.v"), &text)?;
    let mut files = vec![File { path: format!("shell/{top}.v"), text: module }];
    let longest = counts[0].max(counts[1]) + if stream.packets { 2 } else { 0 };
    let ports = [&netlist.inputs[..], &netlist.outputs];
    files.extend(bench("shell", &top, ports, stream, netlist.latency, longest)?);
    Ok(Shell { top, pins, blocks: blocks(stream), files })
}

/// The test bench of a module between two streams of packets, with these tensors in and out.
///
/// # Errors
/// None in practice.
pub fn packet_bench(folder: &str, top: &str, ports: [&[Port]; 2], latency: u32, longest: u32) -> Result<Vec<File>> {
    let stream = Stream { suffix: "", words: [128, 128], packets: true, crossing: false };
    bench(folder, top, ports, &stream, latency, longest)
}

#[derive(Serialize)]
struct Header<'a> {
    top: &'a str,
    packets: bool,
    crossing: bool,
    words: [u32; 2],
    counts: [u32; 2],
    latency: u32,
    longest: u32,
    /// Widths of each port's elements.
    inputs: Vec<Vec<u32>>,
    outputs: Vec<Vec<u32>>,
}

/// The test bench of a module between two streams, in a folder. `latency` is about that of the module in clocks, `longest` the words
/// of the longest event on the way.
fn bench(
    folder: &str,
    top: &str,
    ports: [&[Port]; 2],
    stream: &Stream,
    latency: u32,
    longest: u32,
) -> Result<Vec<File>> {
    let width = |ports: &[Port]| ports.iter().map(Port::width).sum::<u32>();
    let widths = |port: &Port| port.elements.iter().map(|element| element.format.width).collect();
    let [inputs, outputs] = ports;
    let header = Header {
        top,
        packets: stream.packets,
        crossing: stream.crossing,
        words: stream.words,
        counts: [width(inputs).div_ceil(stream.words[0]), width(outputs).div_ceil(stream.words[1])],
        latency,
        longest,
        inputs: inputs.iter().map(widths).collect(),
        outputs: outputs.iter().map(widths).collect(),
    };
    let file = |name: &str, text| File { path: format!("{folder}/{name}"), text };
    Ok(vec![
        file("ports.h", render(include_str!("../../templates/stream.h"), &header)?),
        file("run.cpp", include_str!("../../testbenches/stream.cpp").to_string()),
    ])
}

fn pins(stream: &Stream) -> Vec<Pin> {
    let mut pins = vec![Pin::input("clk", 1), Pin::input("rst", 1)];
    if stream.crossing {
        pins.extend([Pin::input("io_clk", 1), Pin::input("io_rst", 1)]);
    }
    if stream.packets {
        pins.push(Pin::input("header", 128));
    }
    pins.extend([
        Pin::input("s_axis_tvalid", 1),
        Pin::output("s_axis_tready", 1),
        Pin::input("s_axis_tdata", stream.words[0]),
        Pin::input("s_axis_tlast", 1),
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
