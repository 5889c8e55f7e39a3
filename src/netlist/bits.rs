//! Wiring: making, cutting, extending and joining operands.

use super::{Bits, NetId, Part};

/// The low `width` bits set.
pub fn ones(width: u32) -> u128 {
    if width >= 128 { u128::MAX } else { (1 << width) - 1 }
}

impl Part {
    /// How many bits it has.
    pub fn width(&self) -> u32 {
        match self {
            Part::Const { width, .. } | Part::Slice { width, .. } | Part::Not { width, .. } => *width,
            Part::Repeat { count, .. } => *count,
        }
    }

    /// The net it reads.
    pub fn net(&self) -> Option<NetId> {
        match self {
            Part::Const { .. } => None,
            Part::Slice { net, .. } | Part::Not { net, .. } | Part::Repeat { net, .. } => Some(*net),
        }
    }

    /// The same piece of another net.
    fn of(self, other: impl Fn(NetId) -> NetId) -> Part {
        match self {
            Part::Const { .. } => self,
            Part::Slice { net, lo, width } => Part::Slice { net: other(net), lo, width },
            Part::Not { net, lo, width } => Part::Not { net: other(net), lo, width },
            Part::Repeat { net, bit, count } => Part::Repeat { net: other(net), bit, count },
        }
    }

    /// The bits of its net that it reads, as a mask.
    pub fn mask(&self) -> u128 {
        match self {
            Part::Const { .. } => 0,
            Part::Slice { lo, width, .. } | Part::Not { lo, width, .. } => ones(*width) << lo,
            Part::Repeat { bit, .. } => 1 << bit,
        }
    }

    /// Bits `lo .. lo + width` of it.
    fn cut(&self, lo: u32, width: u32) -> Part {
        match *self {
            Part::Const { bits, .. } => Part::Const { bits: (bits >> lo) & ones(width), width },
            Part::Slice { net, lo: start, .. } => Part::Slice { net, lo: start + lo, width },
            Part::Not { net, lo: start, .. } => Part::Not { net, lo: start + lo, width },
            Part::Repeat { net, bit, .. } => Part::Repeat { net, bit, count: width },
        }
    }
}

impl Bits {
    /// No bits.
    pub fn empty() -> Bits {
        Bits(Vec::new())
    }

    /// A constant: the low `width` bits of `value`.
    pub fn constant(value: i128, width: u32) -> Bits {
        let mut bits = Bits::empty();
        bits.push(Part::Const { bits: value as u128 & ones(width), width });
        bits
    }

    /// A whole net.
    pub fn net(net: NetId, width: u32) -> Bits {
        Bits(vec![Part::Slice { net, lo: 0, width }])
    }

    /// How many bits it has.
    pub fn width(&self) -> u32 {
        self.0.iter().map(Part::width).sum()
    }

    /// Its parts with the place of each in the operand, lowest first.
    pub fn placed(&self) -> impl Iterator<Item = (u32, Part)> + '_ {
        self.0.iter().scan(0, |at, part| Some((std::mem::replace(at, *at + part.width()), *part)))
    }

    /// The nets that it reads, part by part, with the bits of each.
    pub fn reads(&self) -> impl Iterator<Item = (NetId, u128)> + '_ {
        self.0.iter().filter_map(|part| Some((part.net()?, part.mask())))
    }

    /// The same wiring, part by part, of other nets.
    pub fn renamed(&self, other: impl Fn(NetId) -> NetId) -> Bits {
        Bits(self.0.iter().map(|part| part.of(&other)).collect())
    }

    /// Appends a part above; neighbours that are one piece become one part, an empty part vanishes.
    pub fn push(&mut self, part: Part) {
        if part.width() == 0 {
            return;
        }
        let joined = match (self.0.last(), part) {
            (Some(&Part::Const { bits: low, width: w }), Part::Const { bits, width }) if w + width <= 128 => {
                Some(Part::Const { bits: low | bits << w, width: w + width })
            }
            (Some(&Part::Slice { net: a, lo, width: w }), Part::Slice { net, lo: next, width })
                if a == net && lo + w == next =>
            {
                Some(Part::Slice { net, lo, width: w + width })
            }
            (Some(&Part::Not { net: a, lo, width: w }), Part::Not { net, lo: next, width })
                if a == net && lo + w == next =>
            {
                Some(Part::Not { net, lo, width: w + width })
            }
            (Some(&Part::Repeat { net: a, bit: b, count: c }), Part::Repeat { net, bit, count })
                if a == net && b == bit =>
            {
                Some(Part::Repeat { net, bit, count: c + count })
            }
            _ => None,
        };
        match (joined, self.0.last_mut()) {
            (Some(joined), Some(last)) => *last = joined,
            _ => self.0.push(part),
        }
    }

    /// Itself with `other` above.
    pub fn then(mut self, other: &Bits) -> Bits {
        other.0.iter().for_each(|part| self.push(*part));
        self
    }

    /// Bits `lo .. lo + width`, which it has.
    pub fn slice(&self, lo: u32, width: u32) -> Bits {
        let mut bits = Bits::empty();
        for (at, part) in self.placed() {
            let (from, to) = (lo.max(at), (lo + width).min(at + part.width()));
            if from < to {
                bits.push(part.cut(from - at, to - from));
            }
        }
        bits
    }

    /// Its bits in pieces of these widths, lowest first; what is missing at the end is missing in the pieces.
    pub fn split(&self, widths: impl Iterator<Item = u32>) -> Vec<Bits> {
        let mut parts = self.0.iter().copied();
        let mut rest: Option<Part> = None;
        let piece = |width: u32| {
            let (mut bits, mut missing) = (Bits::empty(), width);
            while missing > 0 {
                let Some(part) = rest.take().or_else(|| parts.next()) else { break };
                let taken = part.width().min(missing);
                bits.push(part.cut(0, taken));
                rest = (taken < part.width()).then(|| part.cut(taken, part.width() - taken));
                missing -= taken;
            }
            bits
        };
        widths.map(piece).collect()
    }

    /// Cut or extended to `width` bits: by the highest bit if signed, else by zeros.
    pub fn resize(&self, width: u32, signed: bool) -> Bits {
        let own = self.width();
        if width <= own {
            return self.slice(0, width);
        }
        let count = width - own;
        let mut bits = self.clone();
        match self.0.last() {
            Some(&Part::Slice { net, lo, width }) if signed => {
                bits.push(Part::Repeat { net, bit: lo + width - 1, count });
            }
            Some(&Part::Not { net, lo, width }) if signed => {
                (0..count).for_each(|_| bits.push(Part::Not { net, lo: lo + width - 1, width: 1 }));
            }
            Some(&Part::Repeat { net, bit, .. }) if signed => bits.push(Part::Repeat { net, bit, count }),
            Some(&Part::Const { bits: top, width }) if signed && top >> (width - 1) & 1 == 1 => {
                bits.push(Part::Const { bits: ones(count), width: count });
            }
            _ => bits.push(Part::Const { bits: 0, width: count }),
        }
        bits
    }

    /// Every bit inverted.
    pub fn inverted(&self) -> Bits {
        let mut bits = Bits::empty();
        for part in &self.0 {
            match *part {
                Part::Const { bits: value, width } => bits.push(Part::Const { bits: !value & ones(width), width }),
                Part::Slice { net, lo, width } => bits.push(Part::Not { net, lo, width }),
                Part::Not { net, lo, width } => bits.push(Part::Slice { net, lo, width }),
                Part::Repeat { net, bit, count } => {
                    (0..count).for_each(|_| bits.push(Part::Not { net, lo: bit, width: 1 }));
                }
            }
        }
        bits
    }

    /// The value, if it has constant parts only.
    pub fn value(&self) -> Option<u128> {
        match self.0[..] {
            [] => Some(0),
            [Part::Const { bits, .. }] => Some(bits),
            _ => None,
        }
    }

    /// Which bits are not the constant 0, as a mask.
    pub fn live(&self) -> u128 {
        self.placed().fold(0, |live, (at, part)| match part {
            Part::Const { bits, .. } => live | bits << at,
            _ => live | ones(part.width()) << at,
        })
    }

    /// The bitwise or of operands of equal width of which at most one is not the constant 0 at each bit.
    pub fn overlay(operands: &[Bits]) -> Bits {
        let width = operands.iter().map(Bits::width).max().unwrap_or(0);
        let live: Vec<u128> = operands.iter().map(Bits::live).collect();
        let source = |at: u32| live.iter().position(|mask| mask >> at & 1 == 1);
        let (mut bits, mut at) = (Bits::empty(), 0);
        while at < width {
            let from = source(at);
            let run = (at..width).take_while(|next| source(*next) == from).count() as u32;
            bits = match from {
                Some(index) => bits.then(&operands[index].slice(at, run)),
                None => bits.then(&Bits::constant(0, run)),
            };
            at += run;
        }
        bits
    }
}
