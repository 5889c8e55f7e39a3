//! Operands of a chain: their forms, and what a constant does to one.

use super::ones;

/// An operand of a sum, as a vector on the sum's grid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Addend {
    /// Which of the sum's operands it is.
    pub operand: u32,
    /// Position of its lowest bit.
    pub low: u32,
    /// Its own bits.
    pub width: u32,
    /// Two's complement: extended to the top, subtracted if negative. Else offset: inverted if negative, and the highest
    /// bit inverted once more if signed.
    pub extended: bool,
    /// Whether the number is subtracted.
    pub negative: bool,
    /// Whether the number has a sign.
    pub signed: bool,
    /// Positions at which it may be other than the constant 0, its share of the sum's constant apart.
    pub live: u128,
    /// Bits of the constant that are wired into it, where it has none.
    pub ones: u128,
}

impl Addend {
    /// The same with its live positions worked out, in a sum of so many bits.
    pub(super) fn within(self, width: u32) -> Addend {
        let top =
            if self.extended && (self.signed || self.negative) { width } else { (self.low + self.width).min(width) };
        Addend { live: ones(top) & !ones(self.low.min(width)), ..self }
    }

    /// Positions at which it has bits of its own, its sign's copies included.
    pub(super) fn own(&self, width: u32) -> u128 {
        let top = if self.extended && self.signed { width } else { (self.low + self.width).min(width) };
        ones(top) & !ones(self.low.min(width))
    }

    /// Of those, the ones that enter a chain of three operands inverted.
    pub(super) fn inverted(&self, width: u32) -> u128 {
        let (own, top) = (self.own(width), 1u128 << (self.low + self.width - 1).min(127));
        if self.extended {
            return if self.negative { own } else { 0 };
        }
        (if self.negative { own & !top } else { 0 }) | (if self.negative != self.signed { own & top } else { 0 })
    }

    /// What its form leaves to be added, modulo 2^128.
    pub(super) fn correction(&self) -> u128 {
        let all = ones(self.width) << self.low.min(127);
        let sign = 1u128 << (self.low + self.width - 1).min(127);
        match (self.extended, self.negative, self.signed) {
            (true, ..) | (false, false, false) => 0,
            (false, false, true) => sign.wrapping_neg(),
            (false, true, false) => all.wrapping_neg(),
            (false, true, true) => sign.wrapping_sub(all),
        }
    }
}

/// Most bits of an operand to which a constant is added by a table.
pub const INDEX: u32 = 6;

/// An operand with a constant added: from position `from` on a table of its bits there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raised {
    /// The lowest position that the constant changes.
    pub from: u32,
    /// The operand's own bits from there on: the table's index.
    pub width: u32,
    /// Positions that depend on them.
    pub varies: u128,
    /// What is added at `from`, the operand's share of the sum's constant included.
    pub constant: u128,
}

impl Addend {
    /// Whether it is subtracted as it is.
    pub fn subtracted(&self) -> bool {
        self.extended && self.negative
    }

    /// Whether it is extended to the top by its sign.
    pub(super) fn reaches(&self, width: u32) -> bool {
        self.extended && self.signed && self.low + self.width < width
    }

    /// With a constant added that has bits only where the operand has.
    pub(super) fn raised(&self, rest: u128, width: u32) -> Option<Raised> {
        let from = rest.trailing_zeros();
        let top = (self.low + self.width).min(width);
        if from < self.low || from >= top {
            return None;
        }
        let constant = (rest | self.ones) >> from;
        let own = top - from;
        // The carry runs through the constant's ones above the operand.
        let carry = ((self.ones >> top) & ones(width - top)).trailing_ones().min(width - top) + 1;
        let varies = ones((top + carry).min(width)) & !ones(from);
        Some(Raised { from, width: own, varies, constant })
    }
}
