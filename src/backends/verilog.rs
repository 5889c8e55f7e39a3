//! `verilog/`: one module a layer, and the top that joins them. Verilog-2001, for reading and for any tool.
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
mod top;

use super::{Backend, Context, File, hdl};
use crate::error::Result;
use crate::netlist::{Bits, Cell, NetId, Netlist, ones};
use crate::registry::Entry;
use adder::Adder;
use std::collections::{BTreeSet, HashMap, HashSet};

/// The back end's entry.
pub const BACKEND: Entry<Backend> =
    Entry { name: "verilog", doc: "synthesizable Verilog-2001, one module a layer", make };

fn make(netlist: &Netlist, context: &Context) -> Result<Vec<File>> {
    let design = Design::new(netlist, context);
    let mut files = Vec::new();
    let template = layer::template()?;
    for module in &design.modules {
        let path = path(&module.name);
        files.push(File { path, text: layer::text(&design, module, &template)? });
    }
    files.push(File { path: path(&netlist.name), text: top::text(&design)? });
    Ok(files)
}

/// The paths of a netlist's Verilog files, in reading order; then those of the modules of `hdl/`, for one use.
pub(crate) fn paths(netlist: &Netlist, context: &Context, use_of: hdl::Use) -> Vec<String> {
    let mut used = vec![false; netlist.layers.len()];
    netlist.nets.iter().for_each(|net| used[net.layer as usize] = true);
    let layers = (0..netlist.layers.len()).filter(|layer| used[*layer]);
    let modules = layers.map(|layer| path(&module_name(netlist, layer)));
    let cells = hdl::paths(&cells(netlist, context), context, use_of);
    modules.chain([path(&netlist.name)]).chain(cells).collect()
}

/// The modules of `hdl/` that a netlist has instances of.
pub(super) fn cells(netlist: &Netlist, context: &Context) -> BTreeSet<&'static str> {
    if context.cells.is_none() { BTreeSet::new() } else { Design::new(netlist, context).cells() }
}

fn path(module: &str) -> String {
    format!("verilog/{module}.v")
}

/// A netlist cut into modules.
struct Design<'a> {
    netlist: &'a Netlist,
    /// Bits of each input port.
    ports: Vec<u32>,
    stages: Vec<u32>,
    modules: Vec<Module>,
    /// Which bits of each net are read, by any module other than its own or by an output port.
    exported: Vec<u128>,
    /// Which bits of each net the output ports read.
    results: Vec<u128>,
    /// The nets that instances of modules of `hdl/` drive.
    adders: HashMap<NetId, Adder>,
    /// What the names of their instances begin with, and no net's name does.
    prefix: String,
    /// Whether the valid bits have an initial value.
    initial_values: bool,
}

/// A layer's nets and its boundary.
struct Module {
    name: String,
    nets: Vec<NetId>,
    /// Input ports of the design that it reads.
    ports: Vec<u32>,
    /// Nets of other modules that it reads, with the bits.
    imports: Vec<(NetId, u128)>,
    /// Bits of its own nets that it reads.
    reads: Vec<u128>,
}

impl<'a> Design<'a> {
    fn new(netlist: &'a Netlist, context: &Context) -> Design<'a> {
        let count = netlist.nets.len();
        let mut results = vec![0; count];
        netlist.results.iter().for_each(|bits| mark(bits, &mut results));
        let mut design = Design {
            netlist,
            ports: netlist.inputs.iter().map(|port| port.width()).collect(),
            stages: netlist.stages().into_iter().map(Option::unwrap_or_default).collect(),
            modules: Vec::new(),
            exported: results.clone(),
            results,
            adders: HashMap::new(),
            prefix: "u_".into(),
            initial_values: context.initial_values,
        };
        let ports = netlist.inputs.iter().chain(&netlist.outputs).map(|port| &port.name);
        while netlist.nets.iter().map(|net| &net.name).chain(ports.clone()).any(|name| name.starts_with(&design.prefix))
        {
            design.prefix.push_str("u_");
        }
        let mut nets: Vec<Vec<NetId>> = vec![Vec::new(); netlist.layers.len()];
        for (index, net) in netlist.nets.iter().enumerate() {
            nets[net.layer as usize].push(NetId(index as u32));
        }
        let mut reads = vec![0u128; count];
        for (layer, nets) in nets.into_iter().enumerate().filter(|(_, nets)| !nets.is_empty()) {
            let module = design.module(layer, nets, &mut reads);
            design.modules.push(module);
        }
        if context.cells.is_some() {
            design.adders = design.adders();
        }
        design
    }

    fn adders(&self) -> HashMap<NetId, Adder> {
        let own = self.modules.iter().flat_map(|module| module.nets.iter().zip(&module.reads));
        let adder = |(id, read): (&NetId, &u128)| {
            let net = &self.netlist[*id];
            let read = read | self.exported[id.0 as usize];
            let Cell::Sum(terms) = &net.cell else { return None };
            Some((*id, Adder::of(terms, net.width, read.trailing_zeros() % 128)?))
        };
        own.filter_map(adder).collect()
    }

    /// The modules of `hdl/` of which it has instances.
    fn cells(&self) -> BTreeSet<&'static str> {
        self.adders.values().map(Adder::module).collect()
    }

    /// Gathers a layer's module; `reads` is scratch, zero before and after.
    fn module(&mut self, layer: usize, nets: Vec<NetId>, reads: &mut [u128]) -> Module {
        let mut ports = Vec::new();
        let mut touched = HashSet::new();
        for id in &nets {
            let cell = &self.netlist[*id].cell;
            if let Cell::Input { port, .. } = cell {
                ports.push(*port);
            }
            for bits in cell.operands() {
                mark(bits, reads);
                touched.extend(bits.0.iter().filter_map(|part| part.net()));
            }
        }
        ports.dedup();
        let mut touched: Vec<NetId> = touched.into_iter().collect();
        touched.sort_unstable();
        let foreign = |id: &NetId| self.netlist[*id].layer as usize != layer;
        let imports: Vec<(NetId, u128)> =
            touched.iter().filter(|id| foreign(id)).map(|id| (*id, reads[id.0 as usize])).collect();
        let own = nets.iter().map(|id| reads[id.0 as usize]).collect();
        touched.iter().for_each(|id| reads[id.0 as usize] = 0);
        imports.iter().for_each(|(id, mask)| self.exported[id.0 as usize] |= mask);
        Module { name: module_name(self.netlist, layer), nets, ports, imports, reads: own }
    }

    /// The name of the instance that drives a net.
    fn instance(&self, id: NetId) -> String {
        format!("{}{}", self.prefix, self.netlist[id].name)
    }

    /// Whether a net leaves its module.
    fn leaves(&self, id: NetId) -> bool {
        self.exported[id.0 as usize] != 0
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

fn mark(bits: &Bits, reads: &mut [u128]) {
    for part in &bits.0 {
        if let Some(id) = part.net() {
            reads[id.0 as usize] |= part.mask();
        }
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
