//! `axi-stream`: AXI4-Stream on both sides, words of any number of bits (ARM IHI 0051, without byte strobes). An event is as
//! many words as its bits need, the lowest first, and TLAST is 1 with the last.

use super::stream::{Stream, shell};
use super::{Make, Shell};
use crate::error::Result;
use crate::netlist::Netlist;
use crate::registry::Entry;

/// The entry.
pub const INTERFACE: Entry<Make> = Entry {
    name: "axi-stream",
    doc: "AXI4-Stream with TLAST; =BITS or =IN:OUT sets the words (64), an event is as many as it needs",
    make,
};

fn make(netlist: &Netlist, value: Option<&str>) -> Result<Option<Shell>> {
    let words = super::stream::words(value)?;
    shell(netlist, &Stream { suffix: "axi_stream", words, packets: false, crossing: false }).map(Some)
}
