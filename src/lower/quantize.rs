//! Rounding and overflow as sums, floors, wraps and comparisons.
//!
//! With `h` half a step of the result and `u` a step of the operand, to nearest is `floor(x + h)` with ties up; the other
//! ties go down by adding `h - u` and giving the `u` back where the tie goes up.

use crate::dfg::{Builder, Id, Term};
use crate::error::Result;
use crate::fixed::{Fixed, Overflow, Quantization, Range, Rounding};

/// Brings a number to a format.
pub fn quantize(b: &mut Builder, x: Id, to: &Quantization) -> Result<Id> {
    if to.format.width == 0 {
        return b.constant(Fixed::ZERO);
    }
    let rounded = round(b, x, to.rounding, to.format.lsb)?;
    overflow(b, rounded, to)
}

fn round(b: &mut Builder, x: Id, rounding: Rounding, lsb: i32) -> Result<Id> {
    let range = b.range(x);
    if range.exp >= lsb {
        return Ok(x);
    }
    let unit = Fixed::power_of_two(range.exp);
    let half = Fixed::power_of_two(lsb - 1);
    let below = half.add(unit.negate()).unwrap_or(half);
    let sum = match rounding {
        Rounding::Trn => x,
        Rounding::Rnd => b.offset(x, half)?,
        Rounding::RndMinInf => b.offset(x, below)?,
        // Toward zero: the floor, but one step up for negative numbers that are not on the grid.
        Rounding::TrnZero => {
            let almost = Fixed::power_of_two(lsb).add(unit.negate()).unwrap_or(half);
            with_sign(b, x, almost, Fixed::ZERO)?
        }
        Rounding::RndZero => with_sign(b, x, half, below)?,
        Rounding::RndInf => with_sign(b, x, below, half)?,
        Rounding::RndConv => {
            // The lowest bit that stays: a tie goes up if it is 1.
            let kept = b.floor(x, lsb)?;
            let odd = b.wrap(kept, lsb + 1, false)?;
            b.add(vec![Term::plus(x, 0), Term::plus(odd, range.exp - lsb)], below)?
        }
    };
    b.floor(sum, lsb)
}

/// `x + negative` where x < 0, else `x + otherwise`.
fn with_sign(b: &mut Builder, x: Id, negative: Fixed, otherwise: Fixed) -> Result<Id> {
    let (negative, otherwise) = (b.constant(negative)?, b.constant(otherwise)?);
    let offset = b.select(x, negative, otherwise)?;
    b.add(vec![Term::plus(x, 0), Term::plus(offset, 0)], Fixed::ZERO)
}

fn overflow(b: &mut Builder, x: Id, to: &Quantization) -> Result<Id> {
    let format = to.format;
    let full = format.range();
    let symmetric = to.overflow == Overflow::SatSym && format.signed;
    let bounds = Range { lo: full.lo + symmetric as i128, ..full };
    let inside = |b: &Builder| bounds.low() <= b.range(x).low() && b.range(x).high() <= bounds.high();
    if inside(b) {
        return Ok(x);
    }
    match to.overflow {
        Overflow::Wrap => b.wrap(x, format.lsb + format.width as i32, format.signed),
        Overflow::Sat | Overflow::SatSym => {
            let (low, high) = (b.constant(bounds.low())?, b.constant(bounds.high())?);
            let above = b.max(x, low)?;
            b.min(above, high)
        }
        Overflow::SatZero => {
            let zero = b.constant(Fixed::ZERO)?;
            let room_above = b.add(vec![Term::minus(x, 0)], bounds.high())?;
            let room_below = b.offset(x, bounds.low().negate())?;
            let kept = b.select(room_below, zero, x)?;
            let kept = b.select(room_above, zero, kept)?;
            // What a select keeps is in the bounds, which intervals cannot see.
            let (low, high) = (b.constant(bounds.low())?, b.constant(bounds.high())?);
            let above = b.max(kept, low)?;
            b.min(above, high)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Batch;
    use crate::dfg::{Evaluator, Source};
    use crate::fixed::Format;
    use crate::port::Port;

    /// Every mode, every code of a small format, every narrower format: the graph equals the definition.
    #[test]
    fn every_mode_equals_its_definition_on_all_codes() {
        let formats = |signed: bool| {
            (0..5u32).flat_map(move |width| (-4..2).map(move |lsb| Format { signed: signed && width > 0, width, lsb }))
        };
        for from in [true, false].map(|signed| Format { signed, width: 6, lsb: -3 }) {
            for to in formats(true).chain(formats(false)) {
                for rounding in Rounding::ALL {
                    for overflow in Overflow::ALL {
                        compare(from, Quantization { format: to, rounding, overflow });
                    }
                }
            }
        }
    }

    fn compare(from: Format, to: Quantization) {
        let port = Port { name: "x".into(), shape: vec![1], elements: vec![Quantization::plain(from)], state: false };
        let mut b = Builder::new("q", vec![("x".into(), 1)], vec![port]);
        b.set_source(Source::default());
        let x = b.input(0, 0).expect("an input");
        let y = quantize(&mut b, x, &to).expect("small");
        let out = Quantization::plain(Format { signed: true, width: 20, lsb: -6 });
        let dfg = b.finish(vec![Port { name: "y".into(), shape: vec![1], elements: vec![out], state: false }], vec![y]);
        let range = from.range();
        let batch = Batch { columns: 1, data: (range.lo..=range.hi).collect() };
        let got = Evaluator::new(&dfg).expect("fits").run(&batch);
        for (code, got) in batch.data.iter().zip(&got.data) {
            let want = to.apply(Fixed::new(*code, from.lsb)).and_then(|value| value.at(-6));
            assert_eq!(Some(*got), want, "{from} code {code} to {to}\n{dfg}");
        }
    }
}
