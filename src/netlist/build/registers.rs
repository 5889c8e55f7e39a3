//! The second half of building: registers for the bits that are read later, and no net that nobody reads.

use super::super::bits::ones;
use super::super::{Bits, Cell, Net, NetId, Part};
use super::Made;
use super::names::Names;

/// Which bits of a net are read at each stage from its own on, as masks.
#[derive(Clone, Default)]
struct Reads(Vec<u128>);

impl Reads {
    /// The bits are read `after` stages later.
    fn add(&mut self, after: usize, mask: u128) {
        if self.0.len() <= after {
            self.0.resize(after + 1, 0);
        }
        self.0[after] |= mask;
    }

    /// The bits needed at each stage: those read there or later.
    fn needed(&self) -> Vec<u128> {
        let mut needed = self.0.clone();
        for after in (1..needed.len()).rev() {
            needed[after - 1] |= needed[after];
        }
        needed
    }
}

/// A net at some later stage: the register that holds it, and the lowest bit that the register holds.
#[derive(Clone, Copy)]
struct Held {
    net: NetId,
    lo: u32,
}

/// Inserts registers so that `results` are read at their stages; drops unread nets and unread high bits.
pub fn insert(mut made: Vec<Made>, results: Vec<(Bits, u32)>, names: &mut Names) -> (Vec<Net>, Vec<Bits>) {
    let mut reads = vec![Reads::default(); made.len()];
    results.iter().for_each(|(bits, stage)| mark(&mut reads, &made, bits, *stage));
    for index in (0..made.len()).rev() {
        let all = reads[index].0.iter().fold(0, |all, mask| all | mask);
        if all == 0 {
            continue;
        }
        trim(&mut made[index].net, 128 - all.leading_zeros());
        for bits in made[index].net.cell.operands() {
            mark(&mut reads, &made, bits, made[index].reads);
        }
    }
    let mut nets: Vec<Net> = Vec::new();
    let mut held: Vec<Vec<Held>> = Vec::with_capacity(made.len());
    let stages: Vec<u32> = made.iter().map(|made| made.stage).collect();
    for (Made { mut net, stage, reads: at }, reads) in made.into_iter().zip(reads) {
        let needed = reads.needed();
        let mut chain = Vec::with_capacity(needed.len());
        if !needed.is_empty() {
            net.cell.map_operands(|bits| moved(bits, at, &stages, &held));
            chain.push(Held { net: NetId(nets.len() as u32), lo: 0 });
            nets.push(net);
            for (after, mask) in needed.iter().enumerate().skip(1) {
                chain.push(register(&mut nets, &chain, *mask, stage + after as u32, names));
            }
        }
        held.push(chain);
    }
    let results = results.iter().map(|(bits, stage)| moved(bits, *stage, &stages, &held)).collect();
    (nets, results)
}

fn mark(reads: &mut [Reads], made: &[Made], bits: &Bits, stage: u32) {
    for part in &bits.0 {
        if let Some(net) = part.net() {
            let index = net.0 as usize;
            reads[index].add((stage - made[index].stage) as usize, part.mask());
        }
    }
}

/// Drops a net's bits from `width` up, where its cell can do without them.
fn trim(net: &mut Net, width: u32) {
    let fits =
        |cell: &Cell| matches!(cell, Cell::Less(..) | Cell::Any(_) | Cell::All(_) | Cell::Not(_)) || cell.feeds_back();
    if width >= net.width || fits(&net.cell) {
        return;
    }
    net.width = width;
    net.signed = false;
    match &mut net.cell {
        Cell::Rom { entries, .. } => entries.iter_mut().for_each(|entry| *entry &= ones(width)),
        Cell::Mux { a, b, .. } => (*a, *b) = (a.slice(0, width), b.slice(0, width)),
        cell => cell.map_operands(|bits| bits.slice(0, width)),
    }
}

/// The operand, read at a stage.
fn moved(bits: &Bits, stage: u32, stages: &[u32], held: &[Vec<Held>]) -> Bits {
    let mut new = Bits::empty();
    for part in &bits.0 {
        let at = |net: NetId| held[net.0 as usize][(stage - stages[net.0 as usize]) as usize];
        new.push(match *part {
            Part::Const { .. } => *part,
            Part::Slice { net, lo, width } => Part::Slice { net: at(net).net, lo: lo - at(net).lo, width },
            Part::Not { net, lo, width } => Part::Not { net: at(net).net, lo: lo - at(net).lo, width },
            Part::Repeat { net, bit, count } => Part::Repeat { net: at(net).net, bit: bit - at(net).lo, count },
        });
    }
    new
}

/// Adds the register that ends `stage` for the bits of a net in `mask` (and any between them).
fn register(nets: &mut Vec<Net>, chain: &[Held], mask: u128, stage: u32, names: &mut Names) -> Held {
    let (first, last) = (chain[0], chain[chain.len() - 1]);
    let (lo, hi) = (mask.trailing_zeros(), 127 - mask.leading_zeros());
    let source = &nets[first.net.0 as usize];
    let (whole, signed) = (source.width, source.signed && hi + 1 == source.width);
    let width = hi + 1 - lo;
    let operand = Bits(vec![Part::Slice { net: last.net, lo: lo - last.lo, width }]);
    let part = if width == whole { String::new() } else { format!("[{hi}:{lo}]") };
    let net = Net {
        name: names.register(&source.name, stage),
        width,
        signed,
        cell: Cell::Register(operand),
        layer: source.layer,
        row: source.row,
        note: if part.is_empty() { String::new() } else { format!("{}{part}", source.name) },
    };
    nets.push(net);
    Held { net: NetId(nets.len() as u32 - 1), lo }
}
