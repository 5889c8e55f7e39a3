//! Cells and operands, each with its contract: operand widths in, width out.

use super::NetId;

/// A piece of an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// A constant of `width` bits (at most 128).
    Const {
        /// The bits.
        bits: u128,
        /// How many.
        width: u32,
    },
    /// Bits `lo .. lo + width` of a net.
    Slice {
        /// The net.
        net: NetId,
        /// The lowest bit.
        lo: u32,
        /// How many.
        width: u32,
    },
    /// The complements of bits `lo .. lo + width` of a net.
    Not {
        /// The net.
        net: NetId,
        /// The lowest bit.
        lo: u32,
        /// How many.
        width: u32,
    },
    /// One bit of a net, `count` times (a sign extension).
    Repeat {
        /// The net.
        net: NetId,
        /// The bit.
        bit: u32,
        /// How often.
        count: u32,
    },
}

/// An operand: a concatenation of parts, lowest first.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Bits(pub Vec<Part>);

/// What drives a net of width `w`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Cell {
    /// Bits `lo .. lo + w` of an input port.
    Input {
        /// Index into [`super::Netlist::inputs`], or, behind those, into its states.
        port: u32,
        /// The lowest bit.
        lo: u32,
    },
    /// The operand itself, `w` bits (a name for wiring).
    Wire(Bits),
    /// The sum modulo 2^w of operands of `w` bits each, the flagged ones subtracted.
    Sum(Vec<(Bits, bool)>),
    /// The product modulo 2^w of two operands of `w` bits.
    Mul(Bits, Bits),
    /// `sel ? a : b`: `sel` has 1 bit, `a` and `b` have `w`.
    Mux {
        /// The condition.
        sel: Bits,
        /// The value if it is 1.
        a: Bits,
        /// The value if it is 0.
        b: Bits,
    },
    /// 1 bit: `a < b`, as two's complement; equal widths.
    Less(Bits, Bits),
    /// 1 bit: is any bit of the operand 1?
    Any(Bits),
    /// 1 bit: are all bits of the operand 1?
    All(Bits),
    /// 1 bit: the bitwise complement of a 1-bit operand.
    Not(Bits),
    /// `entries[index]`, one entry of `w` bits for each of the `2^width` indices.
    Rom {
        /// The index.
        index: Bits,
        /// The entries.
        entries: Vec<u128>,
    },
    /// A register: the operand's value one clock earlier, `w` bits, no reset.
    Register(Bits),
    /// 1 bit: is the event at this stage one?
    Valid(u32),
    /// A register that takes `value`, `w` bits, where `start` is 1, and else moves down by `digit` bits, the highest of them being
    /// the value's always: so its low bits are the value's digits, one a clock.
    Digits {
        /// The condition, 1 bit.
        start: Bits,
        /// The value.
        value: Bits,
        /// Bits of a digit.
        digit: u32,
    },
    /// A register that adds up: its highest bits, as many as `part` has, become their sum modulo 2^width with `part`, `digit`
    /// bits lower down than before, or `first + part` where `start` is 1; the bits below move down by `digit`.
    Total {
        /// The condition, 1 bit.
        start: Bits,
        /// What is added.
        part: Bits,
        /// What the sum begins with.
        first: u128,
        /// Bits of a digit.
        digit: u32,
        /// Whether the highest bit of the sum is its sign.
        signed: bool,
    },
}

impl Cell {
    /// The operands, in order.
    pub fn operands(&self) -> Vec<&Bits> {
        match self {
            Cell::Input { .. } | Cell::Valid(_) => Vec::new(),
            Cell::Wire(a) | Cell::Any(a) | Cell::All(a) | Cell::Not(a) | Cell::Register(a) => vec![a],
            Cell::Mul(a, b) | Cell::Less(a, b) => vec![a, b],
            Cell::Sum(terms) => terms.iter().map(|(bits, _)| bits).collect(),
            Cell::Mux { sel, a, b } => vec![sel, a, b],
            Cell::Rom { index, .. } => vec![index],
            Cell::Digits { start, value, .. } => vec![start, value],
            Cell::Total { start, part, .. } => vec![start, part],
        }
    }

    /// Replaces every operand.
    pub fn map_operands(&mut self, f: impl Fn(&Bits) -> Bits) {
        match self {
            Cell::Input { .. } | Cell::Valid(_) => {}
            Cell::Wire(a) | Cell::Any(a) | Cell::All(a) | Cell::Not(a) | Cell::Register(a) => *a = f(a),
            Cell::Mul(a, b) | Cell::Less(a, b) => (*a, *b) = (f(a), f(b)),
            Cell::Sum(terms) => terms.iter_mut().for_each(|(bits, _)| *bits = f(bits)),
            Cell::Mux { sel, a, b } => (*sel, *a, *b) = (f(sel), f(a), f(b)),
            Cell::Rom { index, .. } => *index = f(index),
            Cell::Digits { start, value, .. } => (*start, *value) = (f(start), f(value)),
            Cell::Total { start, part, .. } => (*start, *part) = (f(start), f(part)),
        }
    }

    /// Whether it is a register.
    pub fn is_register(&self) -> bool {
        matches!(self, Cell::Register(_)) || self.feeds_back()
    }

    /// Whether it is a register that reads itself.
    pub fn feeds_back(&self) -> bool {
        matches!(self, Cell::Digits { .. } | Cell::Total { .. })
    }
}
