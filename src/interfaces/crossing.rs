//! `crossing`: AXI4-Stream in a clock of its own, `io_clk`; the circuit runs in `clk`.

use super::stream::{Stream, shell};
use super::{Make, Shell};
use crate::error::Result;
use crate::netlist::Netlist;
use crate::registry::Entry;

/// The entry.
pub const INTERFACE: Entry<Make> =
    Entry { name: "crossing", doc: "axi-stream whose streams have a clock of their own, io_clk", make };

fn make(netlist: &Netlist, value: Option<&str>) -> Result<Option<Shell>> {
    let words = super::stream::words(value)?;
    shell(netlist, &Stream { suffix: "crossing", words, packets: false, crossing: true }).map(Some)
}
