//! `packets`: AXI4-Stream of 128-bit words in packets with a header and a footer, as APEIRON's links have them
//! (APE-group/APEIRON): an event is one packet. The header's fields are in `hdl/stream/nanotrig_packetise.v`.

use super::stream::{Stream, joining, shell};
use super::{Make, Shell};
use crate::error::{Error, Result};
use crate::netlist::Netlist;
use crate::registry::Entry;

/// The entry.
pub const INTERFACE: Entry<Make> = Entry {
    name: "packets",
    doc: "packets of 128-bit words with header and footer, as APEIRON's links have them",
    make,
};

fn make(netlist: &Netlist, value: Option<&str>) -> Result<Option<Shell>> {
    if let Some(value) = value {
        let what = format!("words have 128 bits, and `{value}` was given");
        return Err(Error::user(what, "write --interface packets; axi-stream=BITS has words of any size"));
    }
    shell(netlist, &PACKETS).map(Some)
}

/// Packets on both sides.
const PACKETS: Stream = Stream { suffix: "packets", words: [128, 128], packets: true, crossing: false };

/// The shell of a circuit whose events come in parts, each a packet of a stream of its own: the next so many of its ports.
///
/// # Errors
/// Those of the interface `packets`.
pub fn joined_packets(netlist: &Netlist, parts: &[usize]) -> Result<Shell> {
    joining(netlist, &PACKETS, parts).map_err(|error| error.at("--interface packets"))
}
