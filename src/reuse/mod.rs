//! An initiation interval above 1: constant matrices take their inputs digit by digit, over the clocks between two events.
//!
//! With an event every K clocks, an operand of `w` bits enters a matrix as K digits of `d = ceil(w / K)` bits, the lowest
//! first. Each clock the matrix multiplies one digit of every operand, which takes much narrower sums than whole operands do;
//! an accumulator adds up what comes out, shifting right by a digit each clock, so that it is hardly wider than one
//! clock's sum, and the low bits of the result leave it one digit after the other. This is digit-serial arithmetic
//! (Hartley and Parhi, *Digit-Serial Computation*, 1995) with the lowest digit first.
//!
//! Digits are never negative: a signed operand `x` of `w` bits has its highest bit inverted, which adds `2^(w-1)`, and the
//! accumulator begins with the constant that takes it away again. All that is no matrix is computed once per event, as without reuse.
//!
//! In steps: [`fold`] makes one graph of what happens in a clock, with [`Link`]s from its outputs to inputs of later
//! clocks; passes optimise it as any graph; [`schedule`] gives stages, piece by piece; [`Folded::verify`] judges them; and the
//! netlist's builder makes a register with feedback of each link. There is no state between events and no
//! counter: the valid bit of a stage, which travels with its event, starts the digits and the sums there.

mod fold;
mod stages;
mod verify;

pub use fold::fold;
pub use stages::{period, schedule};

use crate::dfg::{Dfg, Id, Op};
use crate::fixed::{Fixed, Format, Range};

/// The largest interval: a digit of one bit each clock.
pub const MOST: u32 = 64;

/// A graph of what happens in a clock, and how its values become those of later clocks.
///
/// The last input port and the last output port are no ports of the network: element `i` of that output is the source of link
/// `i`, and element `i` of that input is what the link makes of it. Sources come before what is made of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// The graph. A node that depends on digits has a value in each of the clocks of an event, any other one in an event.
    pub dfg: Dfg,
    /// Clocks from event to event, at least.
    pub interval: u32,
    /// The links.
    pub links: Vec<Link>,
}

/// A register with feedback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Bits of a digit.
    pub digit: u32,
    /// What it does.
    pub kind: Kind,
}

/// What a link does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A value of an event goes out in digits, the lowest first, one a clock; its sign bit, if it has one, inverted.
    Digits {
        /// The value's format.
        of: Format,
    },
    /// What comes in each clock is added up: the sum of `part[k] * 2^(digit * k)` and a constant.
    Total {
        /// The constant.
        first: Fixed,
    },
}

impl Link {
    /// Registers from the source's first value to the first (of digits) or the only one (of a total) that it makes.
    pub fn span(&self, interval: u32) -> u32 {
        match self.kind {
            Kind::Digits { .. } => 1,
            Kind::Total { .. } => interval,
        }
    }
}

/// What an accumulator holds: values of `width` bits on the grid `exp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accumulator {
    /// The exponent of the lowest bit of what is added each clock.
    pub exp: i32,
    /// Bits of the sum in a clock.
    pub width: u32,
    /// Whether any of the sums can be negative.
    pub signed: bool,
}

impl Folded {
    /// The link that makes an input, if it is no port's.
    pub fn link(&self, op: &Op) -> Option<usize> {
        match op {
            Op::Input { port, element } if *port as usize + 1 == self.dfg.inputs.len() => Some(*element as usize),
            _ => None,
        }
    }

    /// The node that a link begins at.
    pub fn source(&self, link: usize) -> Id {
        self.dfg.results[self.dfg.results.len() - self.links.len() + link]
    }

    /// Which nodes have a value in each clock of an event: those that digits are, and that depend on them.
    pub fn serial(&self) -> Vec<bool> {
        let mut serial: Vec<bool> = Vec::with_capacity(self.dfg.nodes.len());
        for node in &self.dfg.nodes {
            let digits = self.link(&node.op).is_some_and(|link| matches!(self.links[link].kind, Kind::Digits { .. }));
            serial.push(digits || node.op.args().any(|arg| serial[arg.index()]));
        }
        serial
    }

    /// The accumulator of a total; none for digits, or beyond 120 bits.
    ///
    /// The sums are `s[0] = first + part[0]` and `s[k] = floor(s[k - 1] / 2^digit) + part[k]`, with parts in their range.
    pub fn accumulator(&self, link: usize) -> Option<Accumulator> {
        let (Link { digit, kind: Kind::Total { first } }, part) = (self.links[link], self.dfg.range(self.source(link)))
        else {
            return None;
        };
        let exp = if first.is_zero() { part.exp } else { part.exp.min(first.exponent()) };
        let (part, first) = (part.at(exp)?, first.at(exp)?);
        let mut sum = Range { lo: part.lo.checked_add(first)?, hi: part.hi.checked_add(first)?, exp };
        let mut all = sum;
        for _ in 1..self.interval {
            sum = Range { lo: part.lo + (sum.lo >> digit), hi: part.hi + (sum.hi >> digit), exp };
            all = Range::union(all, sum)?;
        }
        (all.width() <= 120).then(|| Accumulator { exp, width: all.width().max(1), signed: all.signed() })
    }
}
