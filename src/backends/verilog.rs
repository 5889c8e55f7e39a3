//! `verilog/`: one module a layer, one for rows of it that are equal, and the top that joins them. Verilog-2001, for reading and
//! for any tool.
//!
//! Sums that a device's carry chains add better than tools infer are instances of modules of `hdl/`: see `adder.rs`.
//!
//! Expressions are written whole, one net a line. Yosys 0.70 (`synth_xilinx -family xcup`, mapped LUTs) was asked
//! whether another form would be smaller, and it is not:
//! - `a + {b, 2'b0}` in full width is as small as `{a[7:2] + b, a[1:0]}` (8 LUTs for 8 bits each), also for `a - b`;
//! - `a - b` equals `a + ~b + 1`; `a + b + c` in one line equals two lines, `a + b + K` costs as much as `a + b + c`
//!   (16 LUTs: so the netlist wires a constant's bits into an operand's zeros where it can);
//! - a ReLU that feeds a register is free (the sign resets the flip-flop), with the mux on a line of its own or not;
//! - a saturating ReLU is 1 LUT a bit as nested muxes, as two muxes, or as an or-mask;
//! - `$signed(a) < $signed(b)` and a mux (14 LUTs for 8 bits) beat the sign of `a - b` (16);
//! - a ROM as one constant vector a bit, indexed, is never larger than a `case` or one vector for all bits, and smaller
//!   for a sigmoid of 8 bits (25 LUTs against 35): each bit gets the multiplexers that it needs.

mod adder;
mod expression;
mod layer;
mod module;
mod rows;
mod top;

use super::{Backend, Context, File, hdl};
use crate::error::Result;
use crate::netlist::{Bits, Cell, Net, NetId, Netlist, ones};
use crate::port::Port;
use crate::registry::Entry;
use adder::Adder;
use module::Module;
use rows::Printed;
use std::collections::BTreeSet;

/// The back end's entry.
pub const BACKEND: Entry<Backend> =
    Entry { name: "verilog", doc: "synthesizable Verilog-2001, one module a layer", make };

fn make(netlist: &Netlist, context: &Context) -> Result<Vec<File>> {
    let design = Design::new(netlist, context);
    let mut files = Vec::new();
    let template = layer::template()?;
    for module in &design.modules {
        for rows in &module.rows {
            let text = layer::row_text(&design, module, rows, &template)?;
            files.push(File { path: path(&rows.module.name), text });
        }
        files.push(File { path: path(&module.name), text: layer::text(&design, module, &template)? });
    }
    files.push(File { path: path(&netlist.name), text: top::text(&design)? });
    Ok(files)
}

/// The paths of a netlist's Verilog files, in reading order; then those of the modules of `hdl/`, for one use.
pub(crate) fn paths(netlist: &Netlist, context: &Context, use_of: hdl::Use) -> Vec<String> {
    let mut used = vec![false; netlist.layers.len()];
    let of_layer = |net: &&Net| !matches!(net.cell, Cell::Valid(_));
    netlist.nets.iter().filter(of_layer).for_each(|net| used[net.layer as usize] = true);
    let layers = (0..netlist.layers.len()).filter(|layer| used[*layer]);
    let names = rows::names(netlist);
    let modules = layers.flat_map(|layer| {
        let rows = netlist.rows.iter().zip(&names).filter(move |(rows, _)| rows.layer as usize == layer);
        rows.map(|(_, name)| path(name)).chain([path(&module_name(netlist, layer))])
    });
    let cells = hdl::paths(&cells(netlist, context), context, use_of);
    modules.chain([path(&netlist.name)]).chain(cells).collect()
}

/// The modules of `hdl/` that a netlist has instances of.
pub(super) fn cells(netlist: &Netlist, context: &Context) -> BTreeSet<&'static str> {
    if context.cells.is_none() { BTreeSet::new() } else { Design::new(netlist, context).used() }
}

fn path(module: &str) -> String {
    format!("verilog/{module}.v")
}

/// A netlist cut into modules.
struct Design<'a> {
    netlist: &'a Netlist,
    /// The input ports, and then the states.
    ports: Vec<&'a Port>,
    stages: Vec<u32>,
    modules: Vec<Module<'a>>,
    reads: Reads,
    /// Whether sums may be instances of modules of `hdl/`.
    cells: bool,
    /// What the names of instances begin with, and no net's name does.
    prefix: String,
    /// Whether the valid bits have an initial value.
    initial_values: bool,
}

/// Who reads which bits of each net.
struct Reads {
    /// The output ports.
    results: Vec<u128>,
    /// Other layers, or an output port.
    exported: Vec<u128>,
    /// The net's own layer.
    within: Vec<u128>,
}

impl<'a> Design<'a> {
    fn new(netlist: &'a Netlist, context: &Context) -> Design<'a> {
        let mut design = Design {
            netlist,
            ports: netlist.sources().collect(),
            stages: netlist.stages().into_iter().map(Option::unwrap_or_default).collect(),
            modules: Vec::new(),
            reads: Reads::new(netlist),
            cells: context.cells.is_some(),
            prefix: "u_".into(),
            initial_values: context.initial_values,
        };
        let ports = netlist.sources().chain(netlist.sinks().map(|(port, ..)| port)).map(|port| &port.name);
        let ports: Vec<_> = ports.collect();
        while netlist
            .nets
            .iter()
            .map(|net| &net.name)
            .chain(ports.iter().copied())
            .any(|name| name.starts_with(&design.prefix))
        {
            design.prefix.push_str("u_");
        }
        let mut nets: Vec<Vec<NetId>> = vec![Vec::new(); netlist.layers.len()];
        // Valid bits are the top's.
        let of_layer = |(_, net): &(usize, &Net)| !matches!(net.cell, Cell::Valid(_));
        for (index, net) in netlist.nets.iter().enumerate().filter(of_layer) {
            nets[net.layer as usize].push(NetId(index as u32));
        }
        let names = rows::names(netlist);
        for (layer, nets) in nets.into_iter().enumerate().filter(|(_, nets)| !nets.is_empty()) {
            let leaves = |id: &NetId| design.reads.exported[id.0 as usize] != 0;
            let mut module = Module::new(netlist, module_name(netlist, layer), nets, leaves);
            let rows = netlist.rows.iter().zip(&names).filter(|(rows, _)| rows.layer as usize == layer);
            module.take(rows.map(|(rows, name)| Printed::new(netlist, name.clone(), rows)).collect());
            design.modules.push(module);
        }
        design
    }

    /// All modules but the top's, those of rows before their layer's.
    fn printed(&self) -> impl Iterator<Item = &Module<'a>> {
        self.modules.iter().flat_map(|module| module.rows.iter().map(|rows| &rows.module).chain([module]))
    }

    /// The modules of `hdl/` of which it has instances.
    fn used(&self) -> BTreeSet<&'static str> {
        let adders = self.printed().flat_map(|module| module.nets.iter().filter_map(|id| self.adder(*id)));
        adders.map(|adder| adder.module()).collect()
    }

    /// The instance of a module of `hdl/` that drives a net, if one does.
    fn adder(&self, id: NetId) -> Option<Adder> {
        let net = &self.netlist[id];
        let Cell::Sum(terms) = &net.cell else { return None };
        let read = self.reads.within[id.0 as usize] | self.reads.exported[id.0 as usize];
        if self.cells { Adder::of(terms, net.width, read.trailing_zeros() % 128) } else { None }
    }

    /// The name of the instance that drives a net.
    fn instance(&self, id: NetId) -> String {
        format!("{}{}", self.prefix, self.netlist[id].name)
    }

    /// `signed [9:0] ` or nothing, as a declaration needs it.
    fn range(&self, id: NetId) -> String {
        let net = &self.netlist[id];
        let sign = if net.signed && net.width > 1 { "signed " } else { "" };
        format!("{sign}{}", range(net.width))
    }
}

/// The layer's name; with the design's before it where it is the design's own or a keyword.
fn module_name(netlist: &Netlist, layer: usize) -> String {
    let (own, top) = (&netlist.layers[layer], &netlist.name);
    let mut name = own.clone();
    let taken = |name: &String| name == top || hdl::taken(name);
    while !crate::netlist::legal(&name) || taken(&name) || (name != *own && netlist.layers.contains(&name)) {
        name = format!("{top}_{name}");
    }
    name
}

/// `[9:0] `; a single bit, or none, has no range.
fn range(width: u32) -> String {
    if width <= 1 { String::new() } else { format!("[{}:0] ", width - 1) }
}

impl Reads {
    fn new(netlist: &Netlist) -> Reads {
        let none = || vec![0; netlist.nets.len()];
        let mut reads = Reads { results: none(), exported: none(), within: none() };
        for (id, mask) in netlist.sinks().flat_map(|(_, bits, _)| bits.reads()) {
            reads.results[id.0 as usize] |= mask;
        }
        reads.exported.clone_from(&reads.results);
        for net in &netlist.nets {
            for (id, mask) in net.cell.operands().into_iter().flat_map(Bits::reads) {
                let own = netlist[id].layer == net.layer && !matches!(netlist[id].cell, Cell::Valid(_));
                let place = if own { &mut reads.within } else { &mut reads.exported };
                place[id.0 as usize] |= mask;
            }
        }
        for (net, within) in netlist.nets.iter().zip(&mut reads.within).filter(|(net, _)| net.cell.feeds_back()) {
            *within |= ones(net.width);
        }
        reads
    }
}

/// Items of a list, some to a line: Verilator takes 40000 tokens a line, and a person fewer.
fn lines(items: &[String]) -> Vec<String> {
    items.chunks(8).map(|some| some.join(", ")).collect()
}

/// Bits that nobody reads, as an expression's items: `x[1:0]`. Most carry into the bits above them.
fn unread(name: &str, width: u32, read: u128) -> Option<String> {
    let mut left = ones(width) & !read;
    let mut items = Vec::new();
    while left != 0 {
        let lo = left.trailing_zeros();
        let run = (left >> lo).trailing_ones();
        items.push(expression::slice(name, width, lo, run));
        left &= !(ones(run) << lo);
    }
    (!items.is_empty()).then(|| items.join(", "))
}
