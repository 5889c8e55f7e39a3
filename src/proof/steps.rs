//! Fractions and steps: of numbers, forms and curves, modulo 1.

use super::curve::{Curve, Piece};
use super::form::Form;
use crate::fixed::Fixed;

/// The fraction of a number, in `(-1/2, 1/2]`.
pub fn fraction(x: Fixed) -> Fixed {
    if x.exponent() >= 0 {
        return Fixed::ZERO;
    }
    let unit = -x.exponent();
    if unit > 120 {
        return x;
    }
    let unit = 1i128 << unit;
    let rest = x.mantissa().rem_euclid(unit);
    Fixed::new(if rest > unit / 2 { rest - unit } else { rest }, x.exponent())
}

/// The same in `[-1/2, 1/2]`: half an integer keeps its sign, for a floor inside a sum is told by it.
pub fn signed_fraction(x: Fixed) -> Fixed {
    let rest = fraction(x);
    if rest == Fixed::new(1, -1) && x < Fixed::ZERO { rest.negate() } else { rest }
}

/// The greatest integer not above a number.
pub fn whole(x: Fixed) -> Fixed {
    if x.exponent() >= 0 { x } else { Fixed::new(x.mantissa() >> (-x.exponent()).min(127), 0) }
}

/// A form with what its constant has below the grid of the rest, which decides no floor, left out.
pub fn coarse(form: Form) -> Form {
    match form.terms.iter().map(|(_, c)| c.exponent()).min() {
        Some(grid) => Form { constant: whole(form.constant.scale(-grid)).scale(grid), ..form },
        None => form,
    }
}

/// `± 2^g floor(x)` as the number below which it is: `2^g x`, or `2^g (1 - grid - x)`.
pub fn opened(own: Form, c: Fixed) -> Option<Form> {
    let own = if c > Fixed::ZERO { own } else { falling(&own)? };
    own.times(Fixed::power_of_two(c.exponent()))
}

/// The number of which `-floor(x)` is the floor: `1 - grid - x`.
pub fn falling(x: &Form) -> Option<Form> {
    let above = Fixed::ONE.add(Fixed::power_of_two(x.grid()?.min(0)).negate())?;
    x.times(Fixed::ONE.negate())?.offset(above)
}

/// What a curve has beside the floor of another to a grid, if that is integers.
pub fn between(curve: &Curve, exp: i32, operand: &Curve) -> Option<Curve> {
    let beside = |t: i128| {
        let floor = whole(operand.at(t)?.scale(-exp)).scale(exp);
        curve.at(t)?.add(floor.negate())
    };
    if !seems_integral(curve, beside) {
        return None;
    }
    let integer = curve.add(&operand.floor(exp)?.affine(Fixed::ONE.negate(), Fixed::ZERO)?)?;
    integral(&integer).then_some(integer)
}

/// Are values of a function integers at a few places of a curve's?
pub fn seems_integral(curve: &Curve, value: impl Fn(i128) -> Option<Fixed>) -> bool {
    let first = curve.pieces[0].start;
    let place = |k: i128| first + ((curve.last - first) / 7).saturating_mul(k);
    (0..8).all(|k| value(place(k)).is_none_or(|value| value.exponent() >= 0))
}

/// Has a curve integers only?
pub fn integral(curve: &Curve) -> bool {
    let whole = |piece: &Piece| [piece.value, piece.slope].iter().all(|v| Fixed::new(*v, curve.exp).exponent() >= 0);
    curve.pieces.iter().all(whole)
}

/// The curve that differs by integers, and whose slopes and steps lie in `(-1/2, 1/2]`.
pub fn smooth(curve: &Curve) -> Option<Curve> {
    let mut value = Fixed::new(curve.pieces.first()?.value, curve.exp);
    let mut pieces = Vec::with_capacity(curve.pieces.len());
    let exp = curve.exp.min(0);
    let mut before: Option<Fixed> = None;
    for (piece, end) in curve.runs() {
        let own = Fixed::new(piece.value, curve.exp);
        let slope = signed_fraction(Fixed::new(piece.slope, curve.exp));
        if let Some(before) = before {
            value = value.add(signed_fraction(own.add(before.negate())?))?;
        }
        pieces.push(Piece { start: piece.start, value: value.at(exp)?, slope: slope.at(exp)? });
        let points = Fixed::new(end - piece.start, 0);
        value = value.add(slope.mul(points)?)?;
        before = Some(own.add(Fixed::new(piece.slope, curve.exp).mul(points)?)?);
    }
    Curve { pieces, last: curve.last, exp }.canonical()
}

/// The line of which a curve may be the floor to the grid of `2^exp`, modulo 1: guessed from a step that is whole.
pub fn steps(curve: &Curve, exp: i32) -> Option<(Fixed, Fixed)> {
    let mut changes = curve.runs().flat_map(|(piece, end)| {
        let inside = if piece.slope == 0 { piece.start } else { end.min(piece.start + 3) };
        piece.start..=inside
    });
    let changed = |t: &i128| *t > curve.pieces[0].start && curve.at(*t) != curve.at(*t - 1);
    let (first, second) = (changes.find(changed)?, changes.find(changed)?);
    let length = second - first;
    if length < 2 || length & (length - 1) != 0 {
        return None;
    }
    let slope = Fixed::power_of_two(exp - length.trailing_zeros() as i32);
    let (value, before) = (curve.at(first)?, curve.at(first - 1)?);
    // Up or down by one step; half an integer is both, modulo 1.
    let (unit, jump) = (Fixed::power_of_two(exp), value.add(before.negate())?);
    let (slope, at, value) = match (jump == unit, fraction(jump) == unit) {
        (false, _) if jump == unit.negate() => (slope.negate(), first - 1, before),
        (true, _) | (_, true) => (slope, first, value),
        _ if fraction(jump) == unit.negate() => (slope.negate(), first - 1, before),
        _ => return None,
    };
    let constant = value.add(slope.mul(Fixed::new(at, 0))?.negate())?;
    Some((slope, constant))
}
