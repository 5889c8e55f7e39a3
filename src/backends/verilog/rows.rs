//! Rows of a layer that are the same circuit: one module, and an instance of it for each.
//!
//! A row is what a layer computes at one position of its output (a pixel of a convolution, a step of a sequence), all
//! channels together. Two rows are equal if their nets, in order, are equal cells on corresponding operands: then they
//! differ in nothing but the names of what they read and make. Equal rows become a module where that makes their text at
//! most half as long; rows that stand alone, such as those at a border, stay in the layer's module.

use super::hdl;
use super::module::Module;
use super::{Design, layer};
use crate::netlist::{Cell, NetId};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Fewest rows that can become a module: two texts are not half as long as two.
const FEWEST: usize = 3;

/// Equal rows of a layer.
pub struct Rows {
    /// The first of them as a module: its ports have the names that its nets have in the netlist.
    pub module: Module,
    /// All of them.
    pub instances: Vec<Instance>,
}

/// A row that is an instance of a module.
pub struct Instance {
    /// The row's number.
    pub row: u32,
    /// The nets that it makes.
    pub nets: Vec<NetId>,
    /// Each port of the module, and the net on it.
    pub pins: Vec<(NetId, NetId)>,
}

/// A row: its number, its nets, and the net in it for each net that the first of its equals makes or reads.
struct Row {
    number: u32,
    nets: Vec<NetId>,
    instead: HashMap<NetId, NetId>,
}

/// Finds the rows of a layer that are worth a module.
pub fn find(design: &Design, layer: &Module) -> Vec<Rows> {
    let mut found: Vec<Rows> = Vec::new();
    for class in classes(design, &layer.nets) {
        let Some(first) = class.first().filter(|_| class.len() >= FEWEST) else { continue };
        let leaves = |id: &NetId| design.reads.beyond(*id) != 0;
        let module = Module::new(design.netlist, name(design, layer, &found), first.nets.clone(), leaves);
        let ports = || module.imports.iter().map(|(id, _)| *id).chain(module.exports.iter().copied());
        let pins = |row: &Row| ports().map(|port| (port, row.instead.get(&port).copied().unwrap_or(port))).collect();
        let instances = class.iter().map(|row| Instance { row: row.number, nets: row.nets.clone(), pins: pins(row) });
        let rows = Rows { instances: instances.collect(), module };
        if layer::halves(design, &rows) {
            found.push(rows);
        }
    }
    found
}

/// A free name for the module of a layer's next equal rows: `dense_1_row`, `dense_1_row2`.
fn name(design: &Design, layer: &Module, found: &[Rows]) -> String {
    let own = found.iter().map(|rows| &rows.module.name);
    let layers = design.modules.iter().map(|module| &module.name);
    let taken: HashSet<&String> = own.chain(layers).chain([&design.netlist.name]).collect();
    let names = (1..).map(|number| match number {
        1 => format!("{}_row", layer.name),
        _ => format!("{}_row{number}", layer.name),
    });
    names.into_iter().find(|name| !taken.contains(name) && !hdl::taken(name)).unwrap_or_default()
}

/// Gathers equal rows, in order of the first of each.
fn classes(design: &Design, nets: &[NetId]) -> Vec<Vec<Row>> {
    let netlist = design.netlist;
    let mut rows: BTreeMap<u32, Vec<NetId>> = BTreeMap::new();
    for id in nets.iter().filter(|id| !matches!(netlist[**id].cell, Cell::Input { .. })) {
        rows.entry(netlist[*id].row).or_default().push(*id);
    }
    let mut classes: Vec<Vec<Row>> = Vec::new();
    // Classes by the widths of their nets, so that few are compared.
    let mut like: HashMap<Vec<u32>, Vec<usize>> = HashMap::new();
    for (number, nets) in rows {
        let like = like.entry(nets.iter().map(|id| netlist[*id].width).collect()).or_default();
        let found = like.iter().find_map(|at| Some((*at, equal(design, &classes[*at].first()?.nets, &nets)?)));
        match found {
            Some((at, instead)) => classes[at].push(Row { number, nets, instead }),
            None => {
                like.push(classes.len());
                classes.push(vec![Row { number, nets, instead: HashMap::new() }]);
            }
        }
    }
    classes
}

/// The net of row `b` for each that row `a` makes or reads, if the rows are equal.
fn equal(design: &Design, a: &[NetId], b: &[NetId]) -> Option<HashMap<NetId, NetId>> {
    let netlist = design.netlist;
    let inside: HashSet<&NetId> = b.iter().collect();
    let mut instead: HashMap<NetId, NetId> = a.iter().copied().zip(b.iter().copied()).collect();
    for (x, y) in a.iter().zip(b) {
        let (p, q) = (&netlist[*x], &netlist[*y]);
        if p.signed != q.signed || design.reads.beyond(*x) != design.reads.beyond(*y) {
            return None;
        }
        let shape = |id: NetId| (netlist[id].width, netlist[id].signed);
        for (theirs, ours) in p.cell.operands().into_iter().zip(q.cell.operands()) {
            for ((theirs, _), (ours, _)) in theirs.reads().zip(ours.reads()) {
                let fresh = || !inside.contains(&ours) && shape(theirs) == shape(ours);
                let known = instead.get(&theirs).copied().or_else(|| fresh().then_some(ours));
                (known == Some(ours)).then(|| instead.insert(theirs, ours))?;
            }
        }
        let mut cell = p.cell.clone();
        cell.map_operands(|bits| bits.renamed(|id| instead.get(&id).copied().unwrap_or(id)));
        (cell == q.cell).then_some(())?;
    }
    Some(instead)
}
