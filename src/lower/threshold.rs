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
    // The lowest table takes what is over: the fewer bits it has, the more thresholds share it.
    let bits = range.width() as i32 - place;
    let mut free = bits - (bits - 2) / (INPUTS - 1) * (INPUTS - 1);
    loop {
        let high = b.floor(x, range.exp + place)?;
        if range.width() as i32 - place <= free {
            return decide(b, high, carry, at >> place, [below, from]);
        }
        let part = b.wrap(high, range.exp + place + free, false)?;
        let mask = (1i128 << free) - 1;
        carry = Some(decide(b, part, carry, at >> place & mask, [Fixed::ZERO, Fixed::ONE])?);
        place += free;
        free = INPUTS - 1;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Batch;
    use crate::dfg::Evaluator;
    use crate::fixed::Quantization;
    use crate::port::Port;

    #[test]
    fn every_threshold_of_every_width() {
        for format in ["fixed<2,1>", "ufixed<6,3>", "fixed<7,4>", "ufixed<8,8>", "fixed<9,2>", "ufixed<12,3>"] {
            let element: Quantization = format.parse().unwrap();
            let port =
                |name: &str, element| Port { name: name.into(), shape: vec![1], elements: vec![element], state: false };
            let range = element.format.range();
            for at in (range.lo + 1..=range.hi).step_by(if range.width() > 9 { 37 } else { 1 }) {
                let mut b = Builder::new("net", vec![("x".into(), 1)], vec![port("x", element)]);
                let x = b.input(0, 0).unwrap();
                let y = threshold(&mut b, x, at, Fixed::new(-1, 0), Fixed::new(2, 0)).unwrap();
                let dfg = b.finish(vec![port("y", "fixed<3,3>".parse().unwrap())], vec![y]);
                let codes: Vec<i128> = (range.lo..=range.hi).collect();
                let found = Evaluator::new(&dfg).unwrap().run(&Batch { columns: 1, data: codes.clone() });
                let wanted: Vec<i128> = codes.iter().map(|code| if *code >= at { 2 } else { -1 }).collect();
                assert_eq!(found.data, wanted, "{format} at {at}");
            }
        }
    }
}
