//! A module of the printed Verilog: the nets that it makes, and its boundary.

use super::rows::Printed;
use crate::netlist::{Bits, Cell, NetId, Netlist, Row};
use std::collections::{BTreeMap, HashSet};

/// A layer's nets, or those of a row that has equals, and their boundary.
pub struct Module<'a> {
    /// Its name.
    pub name: String,
    /// The nets that it makes itself, in order.
    pub nets: Vec<NetId>,
    /// Input ports of the design that it reads.
    pub ports: Vec<u32>,
    /// Nets of other modules that it or its rows read, with the bits.
    pub imports: Vec<(NetId, u128)>,
    /// Nets that it or its rows make and others read, in order.
    pub exports: Vec<NetId>,
    /// Equal rows, of which it has instances.
    pub rows: Vec<Printed<'a>>,
    exported: HashSet<NetId>,
}

impl<'a> Module<'a> {
    /// The module of all these nets.
    pub fn new(netlist: &Netlist, name: String, nets: Vec<NetId>, leaves: impl Fn(&NetId) -> bool) -> Module<'a> {
        let own: HashSet<NetId> = nets.iter().copied().collect();
        let (mut ports, mut imports) = (Vec::new(), BTreeMap::new());
        for id in &nets {
            let cell = &netlist[*id].cell;
            if let Cell::Input { port, .. } = cell {
                ports.push(*port);
            }
            let reads = cell.operands().into_iter().flat_map(Bits::reads);
            for (id, mask) in reads.filter(|(id, _)| !own.contains(id)) {
                *imports.entry(id).or_insert(0) |= mask;
            }
        }
        ports.dedup();
        let exports: Vec<NetId> = nets.iter().copied().filter(leaves).collect();
        let (exported, imports) = (exports.iter().copied().collect(), imports.into_iter().collect());
        Module { name, nets, ports, imports, exports, rows: Vec::new(), exported }
    }

    /// Leaves rows to instances.
    pub fn take(&mut self, rows: Vec<Printed<'a>>) {
        let taken: HashSet<NetId> = rows.iter().flat_map(|rows| rows.rows).flat_map(|row| &row.nets).copied().collect();
        self.nets.retain(|id| !taken.contains(id));
        self.rows = rows;
    }

    /// Its instances of rows, with the module of each.
    pub fn instances(&self) -> impl Iterator<Item = (&Module<'a>, &Row)> {
        self.rows.iter().flat_map(|rows| rows.rows.iter().map(move |row| (&rows.module, row)))
    }

    /// Whether a net that it or a row of it makes is read by others.
    pub fn leaves(&self, id: NetId) -> bool {
        self.exported.contains(&id)
    }

    /// Whether it, or a row of it, has registers.
    pub fn clocked(&self, netlist: &Netlist) -> bool {
        self.nets.iter().any(|id| netlist[*id].cell.is_register())
            || self.rows.iter().any(|rows| rows.module.clocked(netlist))
    }
}
