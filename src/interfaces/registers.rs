//! The shell of a circuit with weights on ports: they are in registers, written through AXI4-Lite, and change all at once.
//!
//! No member of the open set: `--weight-storage registers` asks for it.

use super::{Pin, Shell, free};
use crate::backends::{File, render, verilator};
use crate::error::{Error, Result};
use crate::netlist::Netlist;
use crate::port::Port;
use serde::Serialize;

/// What a word of the bus holds.
const WORD: u32 = 32;
/// The suffixes of the bus's pins: those that the block has, in its order.
const BUS: [(&str, bool, u32); 17] = [
    ("awvalid", false, 1),
    ("awready", true, 1),
    ("awaddr", false, 0),
    ("wvalid", false, 1),
    ("wready", true, 1),
    ("wdata", false, 32),
    ("wstrb", false, 4),
    ("bvalid", true, 1),
    ("bready", false, 1),
    ("bresp", true, 2),
    ("arvalid", false, 1),
    ("arready", true, 1),
    ("araddr", false, 0),
    ("rvalid", true, 1),
    ("rready", false, 1),
    ("rdata", true, 32),
    ("rresp", true, 2),
];

#[derive(Serialize)]
struct Text<'a> {
    top: &'a str,
    core: &'a str,
    pins: Vec<String>,
    bus: Vec<&'a str>,
    count: usize,
    /// Bits of an address.
    address: u32,
    /// The words after reset, the last one first.
    first: Vec<String>,
    events: Vec<&'a str>,
    weights: Vec<Weights>,
    outputs: Vec<&'a str>,
    /// What the names of wires, and of instances, begin with.
    inner: String,
    instance: String,
}

/// A port of weights, and the bits of words that it carries, element 0 last.
#[derive(Serialize)]
struct Weights {
    name: String,
    lines: Vec<String>,
}

/// The byte address of weight `number`, counted over all ports.
pub fn address(number: usize) -> usize {
    4 * (number + 1)
}

/// The shell of a circuit whose first so many inputs are an event's; the others carry weights, of which `own` are the codes after
/// reset.
///
/// # Errors
/// A weight of more than 32 bits, or an input with the name of one of the bus's pins.
pub fn registers(netlist: &Netlist, events: usize, own: &[i128]) -> Result<Shell> {
    let (events, weights) = netlist
        .inputs
        .split_at_checked(events)
        .ok_or_else(|| Error::bug("an event has more ports than the circuit"))?;
    check(netlist, weights)?;
    let top = super::stream::top(netlist, "registers");
    let address = usize::BITS - own.len().leading_zeros() + 2;
    let pins = pins(netlist, events, address);
    let wide = |port: &&Port| port.width() > 0;
    let names = |ports: &'_ [Port]| ports.iter().filter(wide).map(|port| port.name.clone()).collect::<Vec<_>>();
    let (event_names, output_names) = (names(events), names(&netlist.outputs));
    let inner = free(netlist, "core_");
    let words: Vec<String> = own.iter().rev().map(|code| format!("{WORD}'h{:08x}", *code as u32)).collect();
    let text = Text {
        top: &top,
        core: &netlist.name,
        pins: pins.iter().map(Pin::declaration).collect(),
        bus: BUS.iter().map(|(name, ..)| *name).collect(),
        count: own.len(),
        address,
        first: words.chunks(8).map(|words| words.join(", ")).collect(),
        events: event_names.iter().map(String::as_str).collect(),
        weights: slices(weights, &inner),
        outputs: output_names.iter().map(String::as_str).collect(),
        instance: free(netlist, "u_"),
        inner,
    };
    let module =
        File { path: format!("shell/{top}.v"), text: render(include_str!("../../templates/registers.v"), &text)? };
    let mut files = vec![module];
    files.extend(verilator::registers(netlist, &top, events.len(), own)?);
    Ok(Shell { top, pins, blocks: vec!["nanotrig_registers"], files })
}

fn check(netlist: &Netlist, weights: &[Port]) -> Result<()> {
    if let Some(port) = weights.iter().find(|port| port.elements.iter().any(|element| element.format.width > WORD)) {
        let what = format!("the weights of `{}` have {} bits, and a register {WORD}", port.name, port.format(0).width);
        return Err(Error::user(what, "use a quantizer for them, or --weight-storage ports"));
    }
    let taken = |port: &&Port| port.name.starts_with("s_axi_");
    match netlist.inputs.iter().chain(&netlist.outputs).find(taken) {
        Some(port) => {
            Err(Error::user(format!("the tensor `{}` is called as a pin of the bus is", port.name), "rename it"))
        }
        None => Ok(()),
    }
}

fn pins(netlist: &Netlist, events: &[Port], address: u32) -> Vec<Pin> {
    let wide = |port: &&Port| port.width() > 0;
    let mut pins = vec![Pin::input("clk", 1), Pin::input("rst", 1)];
    for (name, output, width) in BUS {
        let width = if width == 0 { address } else { width };
        pins.push(Pin { name: format!("s_axi_{name}"), width, output });
        // Read by nobody, as a bus without protection allows.
        pins.extend(name.strip_suffix("addr").map(|channel| Pin::input(&format!("s_axi_{channel}prot"), 3)));
    }
    pins.push(Pin::input("in_valid", 1));
    pins.extend(events.iter().filter(wide).map(|port| Pin::input(&port.name, port.width())));
    pins.push(Pin::output("out_valid", 1));
    pins.extend(netlist.outputs.iter().filter(wide).map(|port| Pin::output(&port.name, port.width())));
    pins
}

/// The bits of words that each port carries.
fn slices(ports: &[Port], inner: &str) -> Vec<Weights> {
    let mut word = 0;
    let mut all = Vec::new();
    for port in ports {
        let mut bits = Vec::with_capacity(port.elements.len());
        for element in &port.elements {
            let (low, width) = (WORD as usize * word, element.format.width as usize);
            word += 1;
            match width {
                0 => {}
                1 => bits.push(format!("{inner}words[{low}]")),
                _ => bits.push(format!("{inner}words[{}:{low}]", low + width - 1)),
            }
        }
        bits.reverse();
        let lines: Vec<String> = bits.chunks(4).map(|bits| bits.join(", ")).collect();
        all.extend((!lines.is_empty()).then(|| Weights { name: port.name.clone(), lines }));
    }
    all
}
