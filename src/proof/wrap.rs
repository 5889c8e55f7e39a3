//! Wraps of long sums: of a line with more values than a curve has pieces, the wrap is an atom of its own, so that all that
//! follows is a function of few values.
//!
//! The atom is the line modulo `2^bits`, without a constant. Where only the number modulo a power of two counts that divides
//! it, the line stands in its place.

use super::curve::{Curve, MOST};
use super::form::{Atom, Form};
use super::space::{Kind, Line, Space};
use super::steps::{smooth, whole};
use crate::fixed::Fixed;

impl Space {
    /// `(form + half) mod 2^top - half`, if that is the wrap of a long sum.
    pub(super) fn long_wrap(&mut self, form: &Form, top: i32, half: Fixed) -> Option<Option<Form>> {
        if form.terms.len() < 2 {
            return Some(None);
        }
        let (line, factor) = self.own_line(form)?;
        let grid = factor.exponent();
        let bits = top.checked_sub(grid).and_then(|bits| u32::try_from(bits).ok());
        let values = bits.and_then(|bits| 1i128.checked_shl(bits)).unwrap_or(i128::MAX);
        let (Some(bits), Line { lo, hi, .. }) = (bits, self.line(line)) else { return Some(None) };
        let most = self.long.unwrap_or(MOST as i128);
        if values > most || hi - lo < most {
            return Some(None);
        }
        let atom = self.atom(Kind::Wrap(line, factor.mantissa().abs(), bits), 0, values - 1);
        let (own, _) = self.own_line(&atom)?;
        // In steps of the grid; what the constant has below it is no part of the wrap.
        let shifted = form.constant.add(half)?.scale(-grid);
        let (start, below) = (whole(shifted), shifted.add(whole(shifted).negate())?);
        let turned = Curve::line(0, values - 1, Fixed::new(factor.mantissa().signum(), 0), start)?;
        let periods = turned.floor(bits as i32)?;
        let wrapped = turned.add(&periods.affine(Fixed::ONE.negate(), Fixed::ZERO)?)?;
        let wrapped = self.curve(own, wrapped)?.offset(below)?.times(Fixed::power_of_two(grid))?;
        wrapped.offset(half.negate()).map(Some)
    }

    /// A number that is equal modulo 1, with lines in place of their wraps where these differ by integers.
    pub(super) fn unwrapped(&self, form: &Form) -> Option<Form> {
        let mut sum = form.clone();
        for (atom, c) in &form.terms {
            if let Some(line) = self.behind_wrap(*atom, *c)? {
                sum = sum.plus(&Form::atom(*atom), c.negate())?.plus(&line, Fixed::ONE)?;
            }
        }
        Some(sum)
    }

    /// A multiple of a wrap, or of a function of it, as one of the line that is wrapped, if they are equal modulo 1.
    fn behind_wrap(&self, atom: Atom, c: Fixed) -> Option<Option<Form>> {
        let (wrap, slope, constant) = match self.kind(atom) {
            Kind::Wrap(..) => (atom, c, Fixed::ZERO),
            Kind::Curve(line, curve) => {
                let [(wrap, 1)] = self.line(*line).terms[..] else { return Some(None) };
                if !matches!(self.kind(wrap), Kind::Wrap(..)) {
                    return Some(None);
                }
                let smooth = smooth(&curve.affine(c, Fixed::ZERO)?)?;
                let [piece] = smooth.pieces[..] else { return Some(None) };
                (wrap, Fixed::new(piece.slope, smooth.exp), Fixed::new(piece.value, smooth.exp))
            }
            _ => return Some(None),
        };
        let Kind::Wrap(line, factor, bits) = *self.kind(wrap) else { return Some(None) };
        if slope.scale(bits as i32).exponent() < 0 {
            return Some(None);
        }
        self.line_form(line).times(slope.mul(Fixed::new(factor, 0))?)?.offset(constant).map(Some)
    }
}
