//! Rows of a layer that are the same circuit, which the Verilog has a module for.
//!
//! A row is what a layer computes at one position of its output (a pixel of a convolution, a step of a sequence), all
//! channels together; or, where that gives more, nets of a layer that are connected within it. Rows are equal if their nets,
//! in order, are equal cells on corresponding operands: they then differ in nothing but the names of what they read and
//! make. Rows that stand alone, such as those at a border, belong to no module but the layer's.

use super::{Bits, Cell, NetId, Netlist};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Fewest rows that are worth a module: two texts are not half as long as two.
const FEWEST: usize = 3;

/// Equal rows of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// Index into [`Netlist::layers`].
    pub layer: u32,
    /// Nets of the first row that are read outside it; those of the others are the corresponding ones.
    pub exports: Vec<NetId>,
    /// The rows, in order.
    pub rows: Vec<Row>,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its position, or its number among the connected parts of the layer.
    pub number: u32,
    /// The nets that it makes, in order.
    pub nets: Vec<NetId>,
    /// The net in it for each net that the first row makes or reads.
    pub instead: HashMap<NetId, NetId>,
}

/// Nets of a layer in rows, by number.
type Groups = BTreeMap<u32, Vec<NetId>>;

/// The equal rows of all layers that are worth a module: printed once, they take at most half as many lines.
pub fn find(netlist: &Netlist) -> Vec<Rows> {
    let mut layers: BTreeMap<u32, Vec<NetId>> = BTreeMap::new();
    // Which bits of a net are read by other layers or output ports.
    let mut exported = vec![0u128; netlist.nets.len()];
    netlist.results.iter().flat_map(Bits::reads).for_each(|(id, mask)| exported[id.0 as usize] |= mask);
    for (index, net) in netlist.nets.iter().enumerate() {
        if !matches!(net.cell, Cell::Input { .. } | Cell::Valid(_)) {
            layers.entry(net.layer).or_default().push(NetId(index as u32));
        }
        let foreign = |(id, _): &(NetId, u128)| netlist[*id].layer != net.layer;
        let reads = net.cell.operands().into_iter().flat_map(Bits::reads).filter(foreign);
        reads.for_each(|(id, mask)| exported[id.0 as usize] |= mask);
    }
    let mut found = Vec::new();
    for (layer, nets) in layers {
        let ways = [positions(netlist, &nets), connected(netlist, &nets)];
        let ways = ways.into_iter().filter(|groups| groups.len() >= FEWEST);
        let ways = ways.map(|groups| of_layer(netlist, layer, groups, &exported));
        // The first of the best.
        let best = ways.reduce(|best, way| if way.0 > best.0 { way } else { best });
        found.extend(best.into_iter().flat_map(|(_, rows)| rows));
    }
    found
}

/// Rows by the position in the layer's output.
fn positions(netlist: &Netlist, nets: &[NetId]) -> Groups {
    let mut groups = Groups::new();
    nets.iter().for_each(|id| groups.entry(netlist[*id].row).or_default().push(*id));
    groups
}

/// Rows by connection: parts of which none reads a net of another.
fn connected(netlist: &Netlist, nets: &[NetId]) -> Groups {
    let place: HashMap<NetId, usize> = nets.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    let mut parent: Vec<usize> = (0..nets.len()).collect();
    fn root(parent: &mut [usize], mut at: usize) -> usize {
        while parent[at] != at {
            parent[at] = parent[parent[at]];
            at = parent[at];
        }
        at
    }
    for (at, id) in nets.iter().enumerate() {
        for (read, _) in netlist[*id].cell.operands().into_iter().flat_map(Bits::reads) {
            if let Some(other) = place.get(&read) {
                let (a, b) = (root(&mut parent, at), root(&mut parent, *other));
                parent[a.max(b)] = a.min(b);
            }
        }
    }
    let mut numbers: HashMap<usize, u32> = HashMap::new();
    let mut groups = Groups::new();
    for (at, id) in nets.iter().enumerate() {
        let fresh = numbers.len() as u32;
        let number = *numbers.entry(root(&mut parent, at)).or_insert(fresh);
        groups.entry(number).or_default().push(*id);
    }
    groups
}

/// The equal rows of a layer cut into `groups`, and the lines that they save.
fn of_layer(netlist: &Netlist, layer: u32, groups: Groups, exported: &[u128]) -> (usize, Vec<Rows>) {
    let group: HashMap<NetId, u32> =
        groups.iter().flat_map(|(number, nets)| nets.iter().map(|id| (*id, *number))).collect();
    // Which bits of a net are read outside its group.
    let mut beyond: HashMap<NetId, u128> = group.keys().map(|id| (*id, exported[id.0 as usize])).collect();
    for (id, number) in &group {
        for (read, mask) in netlist[*id].cell.operands().into_iter().flat_map(Bits::reads) {
            if group.get(&read).is_some_and(|other| other != number) {
                *beyond.entry(read).or_default() |= mask;
            }
        }
    }
    let mut saved = 0;
    let mut found = Vec::new();
    for rows in classes(netlist, groups, &beyond).into_iter().filter(|rows| rows.len() >= FEWEST) {
        let first: Vec<NetId> = rows.first().map(|row| row.nets.clone()).unwrap_or_default();
        let exports: Vec<NetId> = first.iter().copied().filter(|id| beyond[id] != 0).collect();
        let read = rows.last().map_or(0, |row| row.instead.len() - first.len());
        let once: usize = first.iter().map(|id| lines(&netlist[*id].cell, netlist[*id].width)).sum();
        // An instance has four pins a line.
        let pins = read + exports.len();
        let (before, after) = (rows.len() * once, once + pins + rows.len() * (2 + pins.div_ceil(4)));
        if 2 * after <= before {
            saved += before - after;
            found.push(Rows { layer, exports, rows });
        }
    }
    (saved, found)
}

/// Lines of Verilog, about: a table has its entries listed, and a constant for each bit.
fn lines(cell: &Cell, width: u32) -> usize {
    match cell {
        Cell::Rom { entries, .. } => 1 + entries.len() / 32 + width as usize * (1 + entries.len() / 400),
        Cell::Register(_) | Cell::Digits { .. } | Cell::Total { .. } => 2,
        _ => 1,
    }
}

/// Gathers equal rows, in order of the first of each.
fn classes(netlist: &Netlist, groups: Groups, beyond: &HashMap<NetId, u128>) -> Vec<Vec<Row>> {
    let mut classes: Vec<Vec<Row>> = Vec::new();
    // Classes by the widths of their nets, so that few are compared.
    let mut like: HashMap<Vec<u32>, Vec<usize>> = HashMap::new();
    for (number, nets) in groups {
        let like = like.entry(nets.iter().map(|id| netlist[*id].width).collect()).or_default();
        let with = |at: &usize| Some((*at, equal(netlist, &classes[*at].first()?.nets, &nets, beyond)?));
        match like.iter().find_map(with) {
            Some((at, instead)) => classes[at].push(Row { number, nets, instead }),
            None => {
                like.push(classes.len());
                let instead = equal(netlist, &nets, &nets, beyond).unwrap_or_default();
                classes.push(vec![Row { number, nets, instead }]);
            }
        }
    }
    classes
}

/// The net of row `b` for each that row `a` makes or reads, if the rows are equal.
fn equal(netlist: &Netlist, a: &[NetId], b: &[NetId], beyond: &HashMap<NetId, u128>) -> Option<HashMap<NetId, NetId>> {
    let inside: HashSet<&NetId> = b.iter().collect();
    let mut instead: HashMap<NetId, NetId> = a.iter().copied().zip(b.iter().copied()).collect();
    let shape = |id: NetId| (netlist[id].width, netlist[id].signed);
    for (x, y) in a.iter().zip(b) {
        if shape(*x) != shape(*y) || beyond.get(x) != beyond.get(y) {
            return None;
        }
        let (theirs, ours) = (&netlist[*x].cell, &netlist[*y].cell);
        for (theirs, ours) in theirs.operands().into_iter().zip(ours.operands()) {
            for ((theirs, _), (ours, _)) in theirs.reads().zip(ours.reads()) {
                let fresh = || !inside.contains(&ours) && shape(theirs) == shape(ours);
                let known = instead.get(&theirs).copied().or_else(|| fresh().then_some(ours));
                (known == Some(ours)).then(|| instead.insert(theirs, ours))?;
            }
        }
        let mut cell = theirs.clone();
        cell.map_operands(|bits| bits.renamed(|id| instead.get(&id).copied().unwrap_or(id)));
        (cell == *ours).then_some(())?;
    }
    Some(instead)
}
