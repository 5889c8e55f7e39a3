//! Floors and remainders, where bits are dropped: the laws by which they move through sums.
//!
//! - `floor(x + n) == floor(x) + n` for an integer n: coefficients matter modulo 1 only, and so does a curve;
//! - `floor((floor(x) + y) / 2^k) == floor((x + y) / 2^k)` for an integer y;
//! - `floor(x)` is constant where the range of x says so, and a curve of x's line where that has few steps.

use super::curve::Curve;
use super::form::{Atom, Form};
use super::space::{Kind, LineId, Space};
use super::steps::{between, coarse, falling, integral, opened, seems_integral, signed_fraction, smooth, steps, whole};
use crate::fixed::{Fixed, Range};
use std::time::Instant;

impl Space {
    /// The greatest multiple of `2^p` not above a number.
    pub fn floor(&mut self, form: &Form, p: i32) -> Option<Form> {
        let low = self.low(form, p)?;
        self.whole(low)
    }

    /// The same, with what is a multiple of `2^p` outside: as bits above `p` are taken from a sum.
    pub fn low(&mut self, form: &Form, p: i32) -> Option<Form> {
        let unit = Fixed::power_of_two(-p);
        self.floor_to_integer(form.times(unit)?)?.times(Fixed::power_of_two(p))
    }

    /// A sum that is known to be a function of one line, as its curve: always where the reference is evaluated, for its
    /// values are operands of sums and these need their ranges; elsewhere if the reference has that curve.
    pub(super) fn whole(&mut self, form: Form) -> Option<Form> {
        if form.terms.len() < 2 {
            return Some(form);
        }
        let (line, factor) = self.own_line(&form)?;
        let Some((line, curve)) = self.alias(line) else { return Some(form) };
        let curve = curve.affine(factor, form.constant)?;
        if self.in_reference(line, &curve)? { self.curve(line, curve) } else { Some(form) }
    }

    /// The number modulo `2^top`, in `[0, 2^top)` or, if signed, in `[-2^(top-1), 2^(top-1))`.
    pub fn wrap(&mut self, form: &Form, top: i32, signed: bool) -> Option<Form> {
        let half = if signed { Fixed::power_of_two(top - 1) } else { Fixed::ZERO };
        let unit = Fixed::power_of_two(-top);
        if let Some(periods) = self.one_period(&form.clone().offset(half)?.times(unit)?)? {
            return self.plus(form, &periods, Fixed::power_of_two(top).negate());
        }
        let form = self.modulo(form, top)?;
        if let Some(wrapped) = self.long_wrap(&form, top, half)? {
            return Some(wrapped);
        }
        let periods = self.low(&form.clone().offset(half)?, top)?;
        let wrapped = self.plus(&form, &periods, Fixed::ONE.negate())?;
        if wrapped.terms.len() < 2 {
            return Some(wrapped);
        }
        let view = self.view(&form)?;
        let periods = view.curve.affine(Fixed::ONE, half).and_then(|curve| curve.floor(top));
        let curve = periods.and_then(|periods| periods.affine(Fixed::ONE.negate(), Fixed::ZERO)?.add(&view.curve));
        if let Some(curve) = curve {
            self.remember(view.line, curve, &wrapped)?;
        } else {
            self.narrow(&wrapped, half, top)?;
        }
        self.whole(wrapped)
    }

    /// A number that is equal modulo `2^top`: the same for all numbers that are.
    pub fn modulo(&mut self, form: &Form, top: i32) -> Option<Form> {
        let mut rest = form.times(Fixed::power_of_two(-top))?;
        for _ in 0..64 {
            // A straight line in place of a curve brings coefficients of its own.
            let (next, _) = self.split(&self.unwrapped(&rest)?)?;
            if next == rest {
                break;
            }
            rest = next;
        }
        rest.times(Fixed::power_of_two(top))
    }

    /// A form as a sum of two: coefficients in `(-1/2, 1/2]`, and steps of curves too; and what is an integer.
    fn split(&mut self, form: &Form) -> Option<(Form, Form)> {
        if self.deadline.is_some_and(|deadline| Instant::now() > deadline) {
            return None;
        }
        let (mut rest, mut integer) = (Form::number(form.constant), Form::default());
        for (atom, c) in &form.terms {
            let (low, high) = match self.kind(*atom).clone() {
                Kind::Curve(line, curve) => {
                    let own = curve.affine(*c, Fixed::ZERO)?;
                    if self.is_reference(*atom) && !integral(&own) {
                        rest = rest.plus(&Form::atom(*atom).times(*c)?, Fixed::ONE)?;
                        continue;
                    }
                    let smooth = smooth(&own)?;
                    let high = own.add(&smooth.affine(Fixed::ONE.negate(), Fixed::ZERO)?)?;
                    match self.congruent(*atom, line, *c, &own)? {
                        Some(found) => found,
                        None => (self.settled(line, smooth)?, self.curve(line, high)?),
                    }
                }
                Kind::Table(atoms, values) => {
                    let unit = c.exponent().min(0);
                    let each = |value: &i128| signed_fraction(Fixed::new(*value, 0).mul(*c)?).at(unit);
                    let low = values.iter().map(each).collect::<Option<Vec<i128>>>()?;
                    let whole = |(value, low): (&i128, &i128)| {
                        Fixed::new(*value, 0).mul(*c)?.add(Fixed::new(-low, unit))?.at(0)
                    };
                    let high = values.iter().zip(&low).map(whole).collect::<Option<Vec<i128>>>()?;
                    (self.reduced(atoms.clone(), low, unit)?, self.reduced(atoms, high, 0)?)
                }
                _ => {
                    let low = signed_fraction(*c);
                    (Form::atom(*atom).times(low)?, Form::atom(*atom).times(c.add(low.negate())?)?)
                }
            };
            rest = rest.plus(&low, Fixed::ONE)?;
            integer = integer.plus(&high, Fixed::ONE)?;
        }
        let rest = self.tidy(rest)?;
        let whole = whole(rest.constant);
        let rest = rest.offset(whole.negate())?;
        Some((rest, integer.offset(whole)?))
    }

    /// A curve of the reference that differs by integers, and a constant, from another; and those integers.
    fn congruent(&mut self, atom: Atom, line: LineId, c: Fixed, own: &Curve) -> Option<Option<(Form, Form)>> {
        if self.is_reference(atom) {
            return Some(None);
        }
        for known in self.reference_curves(line).to_vec() {
            let Kind::Curve(_, curve) = self.kind(known).clone() else { continue };
            for factor in [c, c.negate()] {
                let first = own.pieces[0].start;
                let at = |t: i128| own.at(t)?.add(curve.at(t)?.mul(factor)?.negate());
                if !seems_integral(own, |t| at(t)?.add(at(first)?.negate())) {
                    continue;
                }
                let beside = own.add(&curve.affine(factor.negate(), Fixed::ZERO)?)?;
                let constant = Fixed::new(beside.pieces[0].value, beside.exp);
                let integer = beside.affine(Fixed::ONE, constant.negate())?;
                if integral(&integer) {
                    let low = Form::atom(known).times(factor)?.offset(constant)?;
                    return Some(Some((low, self.curve(line, integer)?)));
                }
            }
        }
        Some(None)
    }

    fn floor_to_integer(&mut self, form: Form) -> Option<Form> {
        let whole_form = coarse(form.clone());
        if whole_form.terms.is_empty() {
            return Some(Form::number(whole(whole_form.constant)));
        }
        let mut outside = Form::default();
        let mut inside = form;
        for _ in 0..64 {
            for _ in 0..64 {
                let (rest, integer) = self.split(&inside)?;
                if rest == inside {
                    break;
                }
                outside = outside.plus(&integer, Fixed::ONE)?;
                inside = rest;
            }
            inside = coarse(inside);
            let Some((deeper, integer)) = self.through(&inside)? else { break };
            outside = outside.plus(&integer, Fixed::ONE)?;
            inside = self.tidy(deeper)?;
        }
        let floor = self.floor_of_sum(inside)?;
        let all = outside.plus(&floor, Fixed::ONE)?;
        let all = self.tidy(all)?;
        if all.terms.len() > 1 {
            let view = self.view(&whole_form)?;
            if let Some(curve) = view.curve.floor(0) {
                self.remember(view.line, curve, &all)?;
            }
        }
        Some(all)
    }

    /// The value of a function of a line; one that is a floor is taken for that, as bits above others are.
    pub(super) fn settled(&mut self, line: LineId, curve: Curve) -> Option<Form> {
        if curve.pieces.len() < 3 || self.in_reference(line, &curve)? || self.line(line).terms.len() < 2 {
            return self.curve(line, curve);
        }
        let (normal, factor, constant) = curve.clone().normal()?;
        let Some((slope, offset)) = steps(&normal, 0) else { return self.curve(line, curve) };
        let straight = Curve::line(normal.pieces[0].start, normal.last, slope, offset)?;
        let beside = between(&normal, 0, &straight).filter(|beside| beside.extremes().is_some_and(|(lo, hi)| lo == hi));
        let Some(beside) = beside else { return self.curve(line, curve) };
        let sum = self.line_form(line).times(slope)?.offset(offset)?;
        let floor = self.low(&sum, 0)?.offset(beside.at(curve.last)?)?;
        floor.times(factor)?.offset(constant)
    }

    /// Notes that a sum is a function of one line.
    fn remember(&mut self, of: LineId, curve: Curve, sum: &Form) -> Option<()> {
        let (line, factor) = self.own_line(sum)?;
        if self.alias(line).is_none() && of != line && factor.mantissa().abs() == 1 {
            let inverse = Fixed::new(factor.mantissa(), -factor.exponent());
            let curve = curve.affine(Fixed::ONE, sum.constant.negate())?.affine(inverse, Fixed::ZERO)?;
            self.set_alias(line, of, curve);
        }
        Some(())
    }

    /// The floor of a form in which no floors are left.
    fn floor_of_sum(&mut self, form: Form) -> Option<Form> {
        if form.terms.is_empty() {
            return Some(Form::number(whole(form.constant)));
        }
        if let Some(value) = self.one_period(&form)? {
            return Some(value);
        }
        let view = self.own_view(&form)?;
        let Some(curve) = view.curve.floor(0) else { return self.opaque_floor(&form) };
        let value = self.curve(view.line, curve)?;
        if let [(atom, c)] = value.terms[..]
            && c.mantissa().abs() == 1
            && c.exponent() == 0
        {
            let own = form.offset(value.constant.negate())?;
            let own = if c > Fixed::ZERO { own } else { falling(&own)? };
            self.note_floor(atom, own);
        }
        Some(value)
    }

    /// The floor of a form whose range lies between two integers; a bit may count the other way round.
    fn one_period(&mut self, form: &Form) -> Option<Option<Form>> {
        let level = |range: Range| {
            let (low, high) = (whole(range.low()), whole(range.high()));
            (low == high).then_some(low)
        };
        let range = self.range(form)?;
        if let Some(level) = level(range) {
            return Some(Some(Form::number(level)));
        }
        let width = range.high().add(range.low().negate())?;
        if width >= Fixed::ONE.scale(1) || form.terms.len() > 64 {
            return Some(None);
        }
        for (atom, c) in &form.terms {
            let (lo, hi) = self.bounds(*atom);
            if hi - lo != 1 {
                continue;
            }
            let turn = if *c > Fixed::ZERO { Fixed::ONE.negate() } else { Fixed::ONE };
            let turned = form.plus(&Form::atom(*atom), turn)?;
            let range = self.range(&turned)?;
            if let Some(level) = level(range) {
                return Some(Some(Form::atom(*atom).times(turn.negate())?.offset(level)?));
            }
        }
        Some(None)
    }

    fn opaque_floor(&mut self, form: &Form) -> Option<Form> {
        let (line, factor) = self.own_line(form)?;
        // floor(-x) == -floor(x + 1 - grid)
        let grid = Fixed::power_of_two(factor.exponent());
        if factor < Fixed::ZERO {
            let constant = Fixed::ONE.add(grid.add(form.constant)?.negate())?;
            let turned = Form { constant, ..form.times(Fixed::ONE.negate())? };
            let integer = whole(turned.constant);
            let turned = turned.offset(integer.negate())?;
            let floor = self.opaque_floor(&turned)?.offset(integer)?;
            return floor.times(Fixed::ONE.negate());
        }
        let range = self.range(form)?;
        let (lo, hi) = (whole(range.low()).at(0)?, whole(range.high()).at(0)?);
        Some(self.atom(Kind::Floor(line, factor, form.constant), lo, hi))
    }

    /// A floor inside a sum on its grid: the sum with the floor's operand instead, and an integer that is left.
    fn through(&mut self, form: &Form) -> Option<Option<(Form, Form)>> {
        let Some(grid) = form.terms.iter().map(|(_, c)| c.exponent()).min() else { return Some(None) };
        // In a reference, a floor by itself is an atom.
        if grid >= 0 || form.terms.len() < 2 {
            return Some(None);
        }
        for (atom, c) in &form.terms {
            let others = form.terms.iter().filter(|(other, _)| other != atom).map(|(_, c)| c.exponent());
            let others = others.chain((!form.constant.is_zero()).then(|| form.constant.exponent())).min();
            let found = match self.kind(*atom).clone() {
                // Values of the reference stay as they are: which floor of several is opened must not depend on the level.
                _ if c.exponent() >= 0 || c.exponent() > others.unwrap_or(0) || self.is_reference(*atom) => None,
                Kind::Floor(line, factor, constant) if c.mantissa().abs() == 1 => {
                    let own = self.line_form(line).times(factor)?.offset(constant)?;
                    Some((opened(own, *c)?, Form::default()))
                }
                Kind::Curve(line, curve) if form.terms.len() > 1 => {
                    match self.floor_behind(*atom).filter(|_| c.mantissa().abs() == 1) {
                        Some(own) => Some((opened(own, *c)?, Form::default())),
                        None => self.stairs(line, &curve, *c, others.unwrap_or(0))?,
                    }
                }
                _ => None,
            };
            if let Some((operand, integer)) = found {
                let rest = form.plus(&Form::atom(*atom), c.negate())?;
                return Some(Some((rest.plus(&operand, Fixed::ONE)?, integer)));
            }
        }
        Some(None)
    }

    /// A curve that is, modulo 1, the floor of a straight line to a grid: that line, and the integer between.
    fn stairs(&mut self, line: LineId, curve: &Curve, c: Fixed, others: i32) -> Option<Option<(Form, Form)>> {
        let curve = curve.affine(c, Fixed::ZERO)?;
        let mut exp = i32::MAX;
        for piece in &curve.pieces {
            for value in [piece.value, piece.slope].into_iter().filter(|value| *value != 0) {
                exp = exp.min(Fixed::new(value, curve.exp).exponent());
            }
        }
        if exp >= 0 || exp > others {
            return Some(None);
        }
        if let Some(found) = self.stairs_of_reference(line, &curve, exp)? {
            return Some(Some(found));
        }
        let Some((slope, constant)) = steps(&curve, exp) else { return Some(None) };
        let line_curve = Curve::line(curve.pieces[0].start, curve.last, slope, constant)?;
        let Some(integer) = between(&curve, exp, &line_curve) else { return Some(None) };
        let operand = self.line_form(line).times(slope)?.offset(constant)?;
        Some(Some((operand, self.curve(line, integer)?)))
    }

    /// The same for the floor of a value that the reference has.
    fn stairs_of_reference(&mut self, line: LineId, curve: &Curve, exp: i32) -> Option<Option<(Form, Form)>> {
        for atom in self.reference_curves(line).to_vec() {
            let Kind::Curve(_, known) = self.kind(atom).clone() else { continue };
            for drop in 1..=4 {
                for sign in [1, -1, 3, -3, 5, -5, 7, -7] {
                    for offset in 0..1i128 << drop {
                        let factor = Fixed::new(sign, exp - drop);
                        let offset = Fixed::new(offset, exp - drop);
                        let Some(operand) = known.affine(factor, offset) else { continue };
                        if let Some(integer) = between(curve, exp, &operand) {
                            let operand = Form::atom(atom).times(factor)?.offset(offset)?;
                            return Some(Some((operand, self.curve(line, integer)?)));
                        }
                    }
                }
            }
        }
        Some(None)
    }
}

/// An atom that is 0 or 1.
pub fn is_bit(space: &Space, atom: Atom) -> bool {
    space.bounds(atom) == (0, 1)
}
