//! Equal rows of a layer as Verilog: one module, and an instance of it for each.

use super::module::Module;
use super::{hdl, module_name};
use crate::netlist::{NetId, Netlist, Row, Rows};

/// Equal rows as a module: its ports have the names that nets of the first row, and those that it reads, have in the netlist.
pub struct Printed<'a> {
    /// The first of them.
    pub module: Module<'a>,
    /// All of them.
    pub rows: &'a [Row],
}

impl<'a> Printed<'a> {
    /// The module of some rows.
    pub fn new(netlist: &Netlist, name: String, rows: &'a Rows) -> Printed<'a> {
        let nets = rows.rows.first().map(|row| row.nets.clone()).unwrap_or_default();
        Printed { module: Module::new(netlist, name, nets, |id| rows.exports.contains(id)), rows: &rows.rows }
    }
}

/// A port of a row's module, the bits that the module reads of it (none of what it makes), and the net on it.
pub fn pins<'a>(module: &'a Module, row: &'a Row) -> impl Iterator<Item = (NetId, u128, NetId)> + 'a {
    let ports = module.imports.iter().copied().chain(module.exports.iter().map(|id| (*id, 0)));
    ports.map(|(port, mask)| (port, mask, row.instead.get(&port).copied().unwrap_or(port)))
}

/// The name of the module of each of a netlist's rows: `dense_1_row`, `dense_1_row2`.
pub fn names(netlist: &Netlist) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let taken = |name: &String, names: &[String]| {
        let layers = (0..netlist.layers.len()).any(|layer| module_name(netlist, layer) == *name);
        layers || names.contains(name) || *name == netlist.name || hdl::taken(name)
    };
    for rows in &netlist.rows {
        let layer = module_name(netlist, rows.layer as usize);
        let mut name = format!("{layer}_row");
        let mut number = 1;
        while taken(&name, &names) {
            number += 1;
            name = format!("{layer}_row{number}");
        }
        names.push(name);
    }
    names
}
