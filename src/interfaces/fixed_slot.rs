//! `fixed-slot`: the answer comes exactly N clocks after its event, whatever the circuit's own latency.

use super::{Make, Pin, Shell, free};
use crate::backends::{File, every, render, verilator};
use crate::error::{Error, Result};
use crate::netlist::Netlist;
use crate::port::Port;
use crate::registry::Entry;
use serde::Serialize;

/// The entry.
pub const INTERFACE: Entry<Make> =
    Entry { name: "fixed-slot", doc: "=N: the answer comes exactly N clocks after its event", make };

/// More clocks than any trigger waits.
const MOST: u32 = 10_000;

#[derive(Serialize)]
struct Text<'a> {
    top: &'a str,
    core: &'a str,
    slot: u32,
    /// How often an event may come.
    events: String,
    latency: u32,
    pad: u32,
    width: u32,
    pins: Vec<String>,
    inputs: Vec<&'a str>,
    outputs: Vec<&'a str>,
    /// All outputs together, the first lowest.
    bundle: String,
    /// What the names of wires, and of instances, begin with.
    inner: &'a str,
    instance: &'a str,
    padded: String,
    declarations: Vec<String>,
}

fn make(netlist: &Netlist, value: Option<&str>) -> Result<Option<Shell>> {
    let help = format!("give the clocks from event to answer, --interface fixed-slot=N, {} to {MOST}", netlist.latency);
    let slot: u32 = match value.map(str::parse) {
        Some(Ok(slot)) => slot,
        Some(Err(_)) => return Err(Error::user(format!("`{}` is no number", value.unwrap_or_default()), help)),
        None => return Err(Error::user("the number of clocks is missing", help)),
    };
    if !(netlist.latency..=MOST).contains(&slot) {
        let what = format!("the circuit takes {} clocks, and the slot is {slot}", netlist.latency);
        return Err(Error::user(what, help));
    }
    let top = super::stream::top(netlist, "fixed_slot");
    let wide = |port: &&Port| port.width() > 0;
    let (inputs, outputs) = (netlist.inputs.iter().filter(wide), netlist.outputs.iter().filter(wide));
    let mut pins = vec![Pin::input("clk", 1), Pin::input("rst", 1), Pin::input("in_valid", 1)];
    pins.extend(inputs.clone().map(|port| Pin::input(&port.name, port.width())));
    pins.push(Pin::output("out_valid", 1));
    pins.extend(outputs.clone().map(|port| Pin::output(&port.name, port.width())));
    let (inner, instance) = (free(netlist, "core_"), free(netlist, "u_"));
    let names: Vec<&str> = outputs.clone().map(|port| port.name.as_str()).collect();
    let reversed = |prefix: &str| {
        let names: Vec<String> = names.iter().rev().map(|name| format!("{prefix}{name}")).collect();
        format!("{{{}}}", names.join(", "))
    };
    let text = Text {
        top: &top,
        core: &netlist.name,
        slot,
        events: every(netlist.interval),
        latency: netlist.latency,
        pad: slot - netlist.latency,
        width: outputs.clone().map(Port::width).sum(),
        pins: pins.iter().map(Pin::declaration).collect(),
        inputs: inputs.map(|port| port.name.as_str()).collect(),
        bundle: reversed(&inner),
        inner: &inner,
        instance: &instance,
        padded: reversed(""),
        declarations: outputs.map(|port| super::stream::wire(port.width(), &format!("{inner}{}", port.name))).collect(),
        outputs: names,
    };
    let module = format!("shell/{top}.v");
    let mut files = vec![File { path: module, text: render(include_str!("../../templates/fixed_slot.v"), &text)? }];
    files.extend(verilator::around(netlist, &top, slot)?);
    let blocks = if slot > netlist.latency { vec!["nanotrig_pad"] } else { Vec::new() };
    Ok(Some(Shell { top, pins, blocks, files }))
}
