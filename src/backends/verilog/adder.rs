//! Sums as instances of the modules of `hdl/`, where the device has carry chains that add more than a tool infers.
//!
//! Two operands and a constant are a `nanotrig_sum2`, three operands a `nanotrig_sum3`; so is a sum of two whose lowest
//! bits nobody reads. All other sums are as good as expressions. An instance begins at the lowest bit at which anything
//! is added; the bits below are wiring.

use crate::netlist::{Bits, Part, ones};

/// An instance of a module of `hdl/` that computes a sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adder {
    /// Two operands or three.
    pub operands: Vec<Operand>,
    /// The lowest bit of the net that the chain computes; operands begin there.
    pub start: u32,
    /// What is below: no adder, but wiring.
    pub below: Bits,
    /// Bits of the chain's sum.
    pub width: u32,
    /// Lowest bits of the chain that nobody reads: even, and for two operands only.
    pub low: u32,
    /// The constant that two operands take.
    pub constant: u128,
    /// The units that are added: the carry that comes into the chain, and (of three operands) a saved one.
    pub units: [bool; 2],
}

/// An operand of an instance: a bit counts as `(bit & live) ^ not`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operand {
    /// The bits, 0 where they are not live.
    pub bits: Bits,
    /// A constant to be added to the bits by an adder of its own, or 0.
    pub plus: u128,
    /// Bits that are not constant.
    pub live: u128,
    /// Bits to be inverted; those that are not live are the constant 1.
    pub not: u128,
}

impl Adder {
    /// The module's name.
    pub fn module(&self) -> &'static str {
        if self.operands.len() == 3 { "nanotrig_sum3" } else { "nanotrig_sum2" }
    }

    /// The instance for a sum modulo `2^width` whose `unread` lowest bits nobody reads; `None` where an expression is
    /// as good.
    pub fn of(terms: &[(Bits, bool)], width: u32, unread: u32) -> Option<Adder> {
        let mut constant = 0u128;
        let mut operands = Vec::new();
        for (bits, negative) in terms {
            let operand = Operand::of(bits, *negative, &mut constant);
            operands.extend((operand.live != 0).then_some(operand));
        }
        constant &= ones(width);
        let with_constant = terms.len() > operands.len();
        let start = start(&operands, constant, width);
        let low = if operands.len() == 2 { low(constant >> start, unread.saturating_sub(start)) } else { 0 };
        if start >= width || !matches!((operands.len(), with_constant, low), (2, true, _) | (2, _, 2..) | (3, ..)) {
            return None;
        }
        let below: Vec<Bits> = operands.iter().map(|operand| operand.bits.slice(0, start)).collect();
        let below = Bits::overlay(&[below, vec![Bits::constant(constant as i128, start)]].concat());
        operands.iter_mut().for_each(|operand| operand.cut(start, width - start));
        let (width, constant) = (width - start, constant >> start);
        let mut adder = Adder { operands, start, below, width, low, constant, units: [false; 2] };
        if adder.operands.len() == 3 {
            adder.place()
        } else {
            adder.units[0] = constant & 1 == 1
        }
        adder.constant -= adder.units[0] as u128 * (adder.operands.len() == 2) as u128;
        Some(adder)
    }

    /// Finds room for the constant of three operands: units, bits at which an operand is 0, or else the operand that has
    /// the fewest bits takes it in an adder of its own.
    fn place(&mut self) {
        let mask = ones(self.width);
        let room = self.operands.iter().fold(0, |room, operand| room | !operand.live) & mask;
        let units = (0..=2).find(|units| self.constant.wrapping_sub(*units) & mask & !room == 0);
        let rest = self.constant.wrapping_sub(units.unwrap_or(0)) & mask;
        self.units = [units >= Some(1), units == Some(2)];
        self.constant = 0;
        if units.is_none() {
            if let Some(operand) = self.operands.iter_mut().min_by_key(|operand| operand.live.count_ones()) {
                operand.add(rest, mask);
            }
            return;
        }
        let mut left = rest;
        for operand in &mut self.operands {
            operand.not |= left & !operand.live;
            left &= operand.live;
        }
    }
}

impl Operand {
    /// An operand with its constant bits, and what its sign adds, moved into `constant` (modulo 2^128).
    fn of(bits: &Bits, negative: bool, constant: &mut u128) -> Operand {
        let mut operand = Operand { bits: Bits::empty(), plus: 0, live: 0, not: 0 };
        let mut own = 0u128;
        for (at, part) in bits.placed() {
            match part {
                Part::Const { bits, width } => {
                    own |= bits << at;
                    operand.bits.push(Part::Const { bits: 0, width });
                }
                Part::Not { net, lo, width } => {
                    operand.live |= ones(width) << at;
                    operand.not |= ones(width) << at;
                    operand.bits.push(Part::Slice { net, lo, width });
                }
                part => {
                    operand.live |= ones(part.width()) << at;
                    operand.bits.push(part);
                }
            }
        }
        if negative {
            // -v == (v ^ live) - live, where v has live bits only
            operand.not ^= operand.live;
            own = own.wrapping_add(operand.live).wrapping_neg();
        }
        *constant = constant.wrapping_add(own);
        operand
    }

    /// Bits `from .. from + width` of it.
    fn cut(&mut self, from: u32, width: u32) {
        self.bits = self.bits.slice(from, width);
        self.live = self.live >> from & ones(width);
        self.not = self.not >> from & ones(width);
    }

    /// Adds a constant to it by an adder of its own, which takes what is inverted as it is.
    fn add(&mut self, constant: u128, mask: u128) {
        let width = self.bits.width();
        let bit = |at: u32| {
            let bit = self.bits.slice(at, 1);
            if self.not >> at & 1 == 1 { bit.inverted() } else { bit }
        };
        self.bits = (0..width).fold(Bits::empty(), |bits, at| bits.then(&bit(at)));
        (self.plus, self.live, self.not) = (constant & mask, mask, 0);
    }
}

/// The lowest bit at which two things meet, or one is inverted.
fn start(operands: &[Operand], constant: u128, width: u32) -> u32 {
    let (mut once, mut twice) = (constant, 0);
    for operand in operands {
        twice |= once & operand.live | operand.not;
        once |= operand.live;
    }
    twice.trailing_zeros().min(width)
}

/// How many lowest bits of a chain of two operands need no sum, pairwise; the constant is 0 in them, apart from the
/// unit that the carry brings.
fn low(constant: u128, unread: u32) -> u32 {
    unread.min((constant & !1).trailing_zeros()) & !1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlist::NetId;
    use crate::random::Random;

    /// A random operand: parts of net 0 to 2 and constants.
    fn bits(random: &mut Random, net: u32, width: u32) -> Bits {
        let mut bits = Bits::empty();
        while bits.width() < width {
            let take = (random.within(1, 6) as u32).min(width - bits.width());
            bits.push(match random.below(4) {
                3 => Part::Not { net: NetId(net), lo: random.below(4) as u32, width: take },
                0 => Part::Const { bits: random.bits() as u128 & ones(take), width: take },
                1 => Part::Repeat { net: NetId(net), bit: random.below(8) as u32, count: take },
                _ => Part::Slice { net: NetId(net), lo: random.below(4) as u32, width: take },
            });
        }
        bits
    }

    fn value(bits: &Bits, nets: &[u128]) -> u128 {
        bits.placed().fold(0, |value, (at, part)| {
            let net = part.net().map_or(0, |net| nets[net.0 as usize]);
            value
                | match part {
                    Part::Const { bits, .. } => bits << at,
                    Part::Repeat { bit, count, .. } => (net >> bit & 1) * (ones(count) << at),
                    Part::Slice { lo, width, .. } => (net >> lo & ones(width)) << at,
                    Part::Not { lo, width, .. } => (!net >> lo & ones(width)) << at,
                }
        })
    }

    /// What the modules' contracts say an instance computes, on the bits that are read.
    fn contract(adder: &Adder, nets: &[u128]) -> u128 {
        let operand = |operand: &Operand| {
            let bits = value(&operand.bits, nets).wrapping_add(operand.plus) & ones(adder.width);
            (bits & operand.live) ^ operand.not
        };
        let sum = adder.operands.iter().map(operand).fold(adder.constant, u128::wrapping_add);
        let sum = sum.wrapping_add(adder.units.iter().filter(|unit| **unit).count() as u128);
        let low = adder.low;
        (sum & ones(adder.width)) >> low << low << adder.start | value(&adder.below, nets)
    }

    #[test]
    fn instances_compute_their_sums() {
        let mut random = Random::new(1);
        let mut seen = [0; 5];
        for _ in 0..20_000 {
            let width = random.within(1, 20) as u32;
            let count = random.within(2, 3) as u32;
            let mut terms: Vec<(Bits, bool)> =
                (0..count).map(|net| (bits(&mut random, net, width), random.below(2) == 0)).collect();
            if random.below(2) == 0 {
                terms.push((Bits::constant(random.bits() as i128, width), random.below(4) == 0));
            }
            let unread = random.below(width as u64) as u32;
            let Some(adder) = Adder::of(&terms, width, unread) else {
                seen[0] += 1;
                continue;
            };
            let nets: Vec<u128> = (0..3).map(|_| random.bits() as u128).collect();
            let want = terms.iter().fold(0u128, |sum, (bits, negative)| {
                let bits = value(bits, &nets);
                if *negative { sum.wrapping_sub(bits) } else { sum.wrapping_add(bits) }
            });
            let got = contract(&adder, &nets);
            assert_eq!((want ^ got) & ones(width) & !ones(unread), 0, "{terms:?} {width} {unread}\n{adder:?}");
            // What the modules ask of their parameters.
            assert_eq!((adder.low % 2, adder.constant & ones(adder.low)), (0, 0));
            assert!(adder.low < adder.width && adder.start + adder.width == width);
            assert!(adder.operands.len() == 3 || adder.operands.iter().all(|operand| operand.not & !operand.live == 0));
            seen[adder.operands.len() - 1] += 1;
            seen[3] += (adder.low > 0) as u32;
            seen[4] += adder.operands.iter().any(|operand| operand.plus != 0) as u32;
        }
        assert!(seen.iter().all(|count| *count > 200), "{seen:?}");
    }
}
