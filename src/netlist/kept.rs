//! Which register bits synthesis keeps: not those that nobody reads, copies of others, or constants.
//!
//! A schedule counts a value's whole width. In the circuit the low bits of a sum may be an operand's, which may have a
//! register of its own; high bits may be read by nobody. Synthesis sees that, so an estimate of flip-flops must.

use super::{Bits, Cell, Netlist, Part, ones};
use std::collections::HashMap;

/// Where a bit comes from, through wiring.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Source {
    Constant(bool),
    /// A bit of a net that is no wiring.
    Bit(u32, u32),
    /// Its complement.
    Not(u32, u32),
}

impl Source {
    fn inverted(self) -> Source {
        match self {
            Source::Constant(bit) => Source::Constant(!bit),
            Source::Bit(net, bit) => Source::Not(net, bit),
            Source::Not(net, bit) => Source::Bit(net, bit),
        }
    }
}

impl Netlist {
    /// For each net, the bits of its register that are neither constant, unread, nor copies of an earlier register's; 0 if
    /// it is no register.
    pub fn kept_bits(&self) -> Vec<u32> {
        let read = self.read_bits();
        let mut sources: Vec<Vec<Source>> = Vec::with_capacity(self.nets.len());
        let mut registers: HashMap<Source, Source> = HashMap::new();
        let mut kept = vec![0; self.nets.len()];
        for (index, net) in self.nets.iter().enumerate() {
            let own = |bit: u32| Source::Bit(index as u32, bit);
            let mut bits: Vec<Source> = (0..net.width).map(own).collect();
            match &net.cell {
                Cell::Wire(operand) => bits = resolved(operand, &sources),
                Cell::Sum(terms) => pass_low(terms, &sources, &mut bits),
                Cell::Digits { value, .. } => {
                    kept[index] = (0..value.width()).filter(|at| value.live() >> at & 1 == 1).count() as u32
                }
                // All that is above a bit that is read comes to its place.
                Cell::Total { .. } => kept[index] = net.width - read[index].trailing_zeros().min(net.width),
                Cell::Register(operand) => {
                    for (bit, source) in resolved(operand, &sources).into_iter().enumerate() {
                        let Some(place) = bits.get_mut(bit) else { break };
                        if matches!(source, Source::Constant(_)) {
                            *place = source;
                        } else if read[index] & 1 << bit != 0 {
                            // The first register of a bit stands for all.
                            let mut fresh = false;
                            *place = *registers.entry(source).or_insert_with(|| {
                                fresh = true;
                                own(bit as u32)
                            });
                            kept[index] += u32::from(fresh);
                        }
                    }
                }
                _ => {}
            }
            sources.push(bits);
        }
        kept
    }

    /// The bits of each net that an output port depends on.
    fn read_bits(&self) -> Vec<u128> {
        let mut read = vec![0u128; self.nets.len()];
        self.results.iter().for_each(|bits| mark(bits, u128::MAX, &mut read));
        for (index, net) in self.nets.iter().enumerate().rev() {
            let wanted = read[index];
            if wanted == 0 {
                continue;
            }
            // A carry comes from below.
            let below = ones(128 - wanted.leading_zeros());
            match &net.cell {
                Cell::Input { .. } | Cell::Valid(_) => {}
                Cell::Wire(a) | Cell::Register(a) => mark(a, wanted, &mut read),
                Cell::Sum(terms) => terms.iter().for_each(|(bits, _)| mark(bits, below, &mut read)),
                Cell::Mul(a, b) => [a, b].into_iter().for_each(|bits| mark(bits, below, &mut read)),
                Cell::Mux { sel, a, b } => {
                    mark(sel, u128::MAX, &mut read);
                    [a, b].into_iter().for_each(|bits| mark(bits, wanted, &mut read));
                }
                other => other.operands().into_iter().for_each(|bits| mark(bits, u128::MAX, &mut read)),
            }
        }
        read
    }
}

/// Marks what the wanted bits of an operand read.
fn mark(bits: &Bits, wanted: u128, read: &mut [u128]) {
    for (at, part) in bits.placed() {
        let here = if at >= 128 { 0 } else { wanted >> at & ones(part.width()) };
        // A port may be wider than a net can be: beyond 128 bits all are wanted.
        let here = if at >= 128 && wanted == u128::MAX { ones(part.width()) } else { here };
        let bits = match part {
            Part::Const { .. } => 0,
            Part::Slice { lo, .. } | Part::Not { lo, .. } => here << lo,
            Part::Repeat { bit, .. } => u128::from(here != 0) << bit,
        };
        if let Some(place) = part.net().and_then(|net| read.get_mut(net.0 as usize)) {
            *place |= bits;
        }
    }
}

/// Where each bit of an operand comes from.
fn resolved(bits: &Bits, sources: &[Vec<Source>]) -> Vec<Source> {
    let bit = |net: u32, bit: u32| {
        let known = sources.get(net as usize).and_then(|bits| bits.get(bit as usize));
        known.copied().unwrap_or(Source::Bit(net, bit))
    };
    let mut all = Vec::new();
    for part in &bits.0 {
        match *part {
            Part::Const { bits, width } => all.extend((0..width).map(|at| Source::Constant(bits >> at & 1 == 1))),
            Part::Slice { net, lo, width } => all.extend((lo..lo + width).map(|at| bit(net.0, at))),
            Part::Not { net, lo, width } => all.extend((lo..lo + width).map(|at| bit(net.0, at).inverted())),
            Part::Repeat { net, bit: at, count } => all.extend((0..count).map(|_| bit(net.0, at))),
        }
    }
    all
}

/// The lowest bits of a sum at which one operand lives and is added are that operand's.
fn pass_low(terms: &[(Bits, bool)], sources: &[Vec<Source>], bits: &mut [Source]) {
    let operands: Vec<(Vec<Source>, bool)> =
        terms.iter().map(|(bits, minus)| (resolved(bits, sources), *minus)).collect();
    for (at, place) in bits.iter_mut().enumerate() {
        let live = |(bits, _): &&(Vec<Source>, bool)| bits.get(at).is_some_and(|bit| *bit != Source::Constant(false));
        let mut living = operands.iter().filter(live);
        *place = match (living.next(), living.next()) {
            (None, _) => Source::Constant(false),
            (Some((bits, false)), None) => bits.get(at).copied().unwrap_or(*place),
            _ => return,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Net, NetId};
    use super::*;

    fn net(width: u32, cell: Cell) -> Net {
        Net { name: format!("n{width}"), width, signed: false, cell, layer: 0, row: 0, note: String::new() }
    }

    fn slice(net: u32, lo: u32, width: u32) -> Bits {
        Bits(vec![Part::Slice { net: NetId(net), lo, width }])
    }

    /// x (4 bits) + (x << 2): its low two bits are x's. Both have registers; only five bits of the sum's are read.
    #[test]
    fn copies_and_unread_bits_are_not_kept() {
        let constant = |width| Part::Const { bits: 0, width };
        let low = slice(0, 0, 4).then(&Bits(vec![constant(2)]));
        let high = Bits(vec![constant(2)]).then(&slice(0, 0, 4));
        let sum = |minus| Cell::Sum(vec![(low.clone(), false), (high.clone(), minus)]);
        let netlist = |cell: Cell| Netlist {
            nets: vec![
                net(4, Cell::Input { port: 0, lo: 0 }),
                net(6, cell),
                net(4, Cell::Register(slice(0, 0, 4))),
                net(6, Cell::Register(slice(1, 0, 6))),
                net(7, Cell::Register(slice(3, 0, 5).then(&Bits(vec![constant(2)])))),
            ],
            results: vec![slice(2, 0, 4).then(&slice(4, 0, 7))],
            ..Netlist::default()
        };
        // Of the sum's register bits 2 to 4: 0 and 1 are x's, 5 is not read. A stage later x's low bits are new.
        assert_eq!(netlist(sum(false)).kept_bits(), [0, 0, 4, 3, 5]);
        // A difference's low bits are passed on too: 0 is subtracted there.
        assert_eq!(netlist(sum(true)).kept_bits(), [0, 0, 4, 3, 5]);
        // The other way round they are negated.
        let negated = Cell::Sum(vec![(low.clone(), true), (high.clone(), false)]);
        assert_eq!(netlist(negated).kept_bits(), [0, 0, 4, 5, 5]);
    }
}
