//! Sums of bits with integer coefficients: what adders compute, before anything is known of their carries.

use super::gates::{Bit, Logic, ONE, ZERO};

/// The widest sum.
pub const WIDEST: u32 = 120;

/// `constant + sum(coefficient * bit)`: bits not inverted, ascending, no coefficient 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Bits with their coefficients.
    pub terms: Vec<(Bit, i128)>,
    /// What is added.
    pub constant: i128,
}

impl Sum {
    /// An integer of bits, lowest first; the highest counts negative if it is a sign.
    pub fn of(bits: &[Bit], signed: bool) -> Option<Sum> {
        if bits.len() as u32 > WIDEST {
            return None;
        }
        let mut sum = Sum::default();
        for (at, bit) in bits.iter().enumerate() {
            let weight = 1i128 << at;
            let weight = if signed && at + 1 == bits.len() { -weight } else { weight };
            match *bit {
                ZERO => {}
                ONE => sum.constant += weight,
                bit if bit & 1 == 1 => {
                    sum.constant += weight;
                    sum.terms.push((bit ^ 1, -weight));
                }
                bit => sum.terms.push((bit, weight)),
            }
        }
        sum.gathered()?;
        Some(sum)
    }

    fn gathered(&mut self) -> Option<()> {
        self.terms.sort_unstable_by_key(|(bit, _)| *bit);
        let mut all: Vec<(Bit, i128)> = Vec::with_capacity(self.terms.len());
        for (bit, c) in self.terms.drain(..) {
            match all.last_mut() {
                Some((last, total)) if *last == bit => *total = total.checked_add(c)?,
                _ => all.push((bit, c)),
            }
        }
        all.retain(|(_, c)| *c != 0);
        self.terms = all;
        Some(())
    }

    /// `sum(factor * operand) + constant`, if it stays below 127 bits.
    pub fn total(operands: &[(&Sum, i128)], constant: i128) -> Option<Sum> {
        let mut all = Sum { terms: Vec::new(), constant };
        for (sum, factor) in operands {
            all.constant = all.constant.checked_add(sum.constant.checked_mul(*factor)?)?;
            for (bit, c) in &sum.terms {
                let c = c.checked_mul(*factor).filter(|c| c.unsigned_abs() < 1 << 122)?;
                all.terms.push((*bit, c));
            }
        }
        (all.terms.len() < 1 << 20).then_some(())?;
        all.gathered()?;
        Some(all)
    }

    /// The same modulo `2^width`, coefficients as near to 0 as can be.
    pub fn modulo(mut self, width: u32) -> Sum {
        let near = |c: i128| {
            let rest = c.rem_euclid(1 << width);
            if rest > 1 << width >> 1 { rest - (1 << width) } else { rest }
        };
        self.terms.iter_mut().for_each(|(_, c)| *c = near(*c));
        self.terms.retain(|(_, c)| *c != 0);
        self.constant = self.constant.rem_euclid(1 << width);
        self
    }

    /// The least and the greatest value of all bits.
    pub fn limits(&self) -> Option<(i128, i128)> {
        let part = |pick: fn(i128, i128) -> i128| {
            self.terms.iter().try_fold(self.constant, |sum, (_, c)| sum.checked_add(pick(*c, 0)))
        };
        Some((part(i128::min)?, part(i128::max)?))
    }

    /// How many of the lowest bits are 0, whatever the bits are.
    pub fn zeros(&self) -> u32 {
        let all = self.terms.iter().map(|(_, c)| c).chain([&self.constant]).filter(|c| **c != 0);
        all.map(|c| c.trailing_zeros()).min().unwrap_or(WIDEST)
    }
}

impl Logic<'_> {
    /// The bits of a sum modulo `2^width`: column by column, so that operands stand side by side.
    pub fn ripple(&mut self, sum: &Sum, width: u32) -> Vec<Bit> {
        let mut columns: Vec<Vec<Bit>> = vec![Vec::new(); width as usize];
        let mut constant = sum.constant;
        for (bit, c) in &sum.terms {
            // -c b == c (1 - b) - c
            let (bit, c) = if *c < 0 {
                constant = constant.wrapping_add(*c);
                (bit ^ 1, c.unsigned_abs())
            } else {
                (*bit, c.unsigned_abs())
            };
            let column = |(at, column): (usize, &mut Vec<Bit>)| {
                if c >> at & 1 == 1 {
                    column.push(bit);
                }
            };
            columns.iter_mut().enumerate().for_each(column);
        }
        let mut result = Vec::with_capacity(columns.len());
        let mut carries: Vec<Bit> = Vec::new();
        for (at, mut column) in columns.into_iter().enumerate() {
            column.append(&mut carries);
            if constant >> at & 1 == 1 {
                column.push(ONE);
            }
            while let [.., a, b] = column[..] {
                let third = if column.len() > 2 { column.remove(0) } else { ZERO };
                column.truncate(column.len() - 2);
                let (low, high) = self.added(a, b, third);
                column.push(low);
                if high != ZERO {
                    carries.push(high);
                }
            }
            result.push(column.pop().unwrap_or(ZERO));
        }
        result
    }
}
