//! `hdl/`: the hand-written modules that the Verilog has instances of, twice: for synthesis, in the device's own cells,
//! and twins of the same names and ports for simulation, which no vendor's library is needed for.

use super::{Backend, Context, File, verilog};
use crate::error::{Error, Result};
use crate::netlist::Netlist;
use crate::registry::Entry;
use std::collections::BTreeSet;

/// The back end's entry.
pub const BACKEND: Entry<Backend> =
    Entry { name: "hdl", doc: "hand-written modules that are used: for synthesis, and twins for simulation", make };

/// The names of the modules for sums.
const MODULES: [&str; 3] = ["nanotrig_chain", "nanotrig_sum2", "nanotrig_sum3"];

/// Is it the name of a hand-written module, which no layer may have?
pub(super) fn taken(name: &str) -> bool {
    MODULES.contains(&name) || STREAM.iter().any(|(module, _)| *module == name)
}

/// The blocks that shells are made of, for synthesis and simulation alike: names and texts.
pub const STREAM: [(&str, &str); 13] = [
    ("nanotrig_skid", include_str!("../../hdl/stream/nanotrig_skid.v")),
    ("nanotrig_fifo", include_str!("../../hdl/stream/nanotrig_fifo.v")),
    ("nanotrig_credits", include_str!("../../hdl/stream/nanotrig_credits.v")),
    ("nanotrig_widen", include_str!("../../hdl/stream/nanotrig_widen.v")),
    ("nanotrig_narrow", include_str!("../../hdl/stream/nanotrig_narrow.v")),
    ("nanotrig_packetise", include_str!("../../hdl/stream/nanotrig_packetise.v")),
    ("nanotrig_depacketise", include_str!("../../hdl/stream/nanotrig_depacketise.v")),
    ("nanotrig_cross", include_str!("../../hdl/stream/nanotrig_cross.v")),
    ("nanotrig_pad", include_str!("../../hdl/stream/nanotrig_pad.v")),
    ("nanotrig_link", include_str!("../../hdl/stream/nanotrig_link.v")),
    ("nanotrig_window", include_str!("../../hdl/stream/nanotrig_window.v")),
    ("nanotrig_padded_window", include_str!("../../hdl/stream/nanotrig_padded_window.v")),
    ("nanotrig_registers", include_str!("../../hdl/stream/nanotrig_registers.v")),
];

/// The carry chain of each family.
const CHAINS: [(&str, &str); 2] = [
    ("ultrascale_plus", include_str!("../../hdl/ultrascale_plus/nanotrig_chain.v")),
    ("series7", include_str!("../../hdl/series7/nanotrig_chain.v")),
];

/// What is used on its own: in 6-input LUTs and the family's chain, and its twin.
const SUMS: [(&str, &str, &str); 2] = [
    (
        "nanotrig_sum2",
        include_str!("../../hdl/lut6/nanotrig_sum2.v"),
        include_str!("../../hdl/behavioural/nanotrig_sum2.v"),
    ),
    (
        "nanotrig_sum3",
        include_str!("../../hdl/lut6/nanotrig_sum3.v"),
        include_str!("../../hdl/behavioural/nanotrig_sum3.v"),
    ),
];

/// What a tool does with the Verilog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Synthesis,
    Simulation,
}

impl Use {
    fn path(self, module: &str) -> String {
        let folder = if self == Use::Synthesis { "synthesis" } else { "simulation" };
        format!("hdl/{folder}/{module}.v")
    }
}

fn make(netlist: &Netlist, context: &Context) -> Result<Vec<File>> {
    let used = verilog::cells(netlist, context);
    let mut files = Vec::new();
    for (name, cells, twin) in SUMS.iter().filter(|(name, ..)| used.contains(name)) {
        files.push(File { path: Use::Synthesis.path(name), text: (*cells).into() });
        files.push(File { path: Use::Simulation.path(name), text: (*twin).into() });
    }
    if !files.is_empty() {
        let chain = CHAINS.iter().find(|(family, _)| context.cells.as_deref() == Some(family));
        let (_, text) = chain.ok_or_else(|| Error::bug("a target names cells that hdl/ does not have"))?;
        files.push(File { path: Use::Synthesis.path(MODULES[0]), text: (*text).into() });
    }
    Ok(files)
}

/// The paths of the modules that are used, in reading order.
pub(super) fn paths(used: &BTreeSet<&'static str>, context: &Context, use_of: Use) -> Vec<String> {
    let chain = (use_of == Use::Synthesis && !used.is_empty() && context.cells.is_some()).then_some(MODULES[0]);
    chain.into_iter().chain(used.iter().copied()).map(|module| use_of.path(module)).collect()
}
