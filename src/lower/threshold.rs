//! One threshold of a number that has no sum of its own: a few bits at a time, from the lowest.
//!
//! `x >= t` is `high(x) > high(t)`, or equal and `low(x) >= low(t)`: a table of the next bits and of what the bits below
//! said. A table of six inputs is one LUT, so 16 bits cost 3 LUTs and 3 levels, where a subtractor takes 16 LUTs.

use super::lookup::single;
use crate::dfg::{Builder, Id, Op, Table};
use crate::error::Result;
use crate::fixed::{Fixed, Range};

/// Inputs of a LUT.
const INPUTS: i32 = 6;

/// Is a comparison dearer than a few LUTs? A sum takes the threshold in, and its sign is there already.
pub fn suits(b: &Builder, x: Id) -> bool {
    !matches!(b.op(x), Op::Dot { .. } | Op::Add { .. } | Op::Scale(..)) && b.range(x).width() <= 32
}

/// `below` where `x < at`, in units of the operand's grid, else `from`.
pub fn threshold(b: &mut Builder, x: Id, at: i128, below: Fixed, from: Fixed) -> Result<Id> {
    let range = b.range(x);
    // Bits below the threshold's lowest decide nothing.
    let mut place = (at.trailing_zeros() as i32).min(range.width() as i32 - 1);
    let mut carry: Option<Id> = None;
    loop {
        let high = b.floor(x, range.exp + place)?;
        let free = INPUTS - carry.is_some() as i32;
        if range.width() as i32 - place <= free {
            return decide(b, high, carry, at >> place, [below, from]);
        }
        let part = b.wrap(high, range.exp + place + free, false)?;
        let mask = (1i128 << free) - 1;
        carry = Some(decide(b, part, carry, at >> place & mask, [Fixed::ZERO, Fixed::ONE])?);
        place += free;
    }
}

/// `values[1]` where the part is above `at`, or equal and the carry is 1 (or there is none); else `values[0]`.
fn decide(b: &mut Builder, part: Id, carry: Option<Id>, at: i128, values: [Fixed; 2]) -> Result<Id> {
    let range = b.range(part);
    let codes = range.lo..=range.hi;
    let Some(carry) = carry else {
        return single(b, part, range, codes.map(|code| Some(values[(code >= at) as usize])).collect());
    };
    let bit = Range { lo: 0, hi: 1, exp: 0 };
    let reached = codes.flat_map(|code| [code > at, code >= at]);
    let entries = reached.map(|reached| Some(reached as i128)).collect();
    let reached = b.table(Table { domains: vec![range, bit], entries, exp: 0 }, vec![part, carry])?;
    let steps = [Some(values[0]), Some(values[1])];
    let range = b.range(reached);
    single(b, reached, range, (range.lo..=range.hi).map(|code| steps[(code != 0) as usize]).collect())
}
