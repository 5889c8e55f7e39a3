//! Functions of several values: products, choices, extremes.

use super::curve::Curve;
use super::form::{Atom, Form, gcd};
use super::round::is_bit;
use super::space::{Kind, LineId, Space};
use crate::fixed::Fixed;
use std::rc::Rc;

/// Most terms of a product that is multiplied out.
const TERMS: usize = 4096;

impl Space {
    /// The product.
    pub fn mul(&mut self, x: &Form, y: &Form) -> Option<Form> {
        if let Some(factor) = x.value() {
            return y.times(factor);
        }
        if let Some(factor) = y.value() {
            return x.times(factor);
        }
        let (f, g) = (self.view(x)?, self.view(y)?);
        if f.line == g.line
            && let Some(product) = f.curve.mul(&g.curve)
        {
            return self.curve(f.line, product);
        }
        if x.terms.len() * y.terms.len() > TERMS {
            return None;
        }
        let mut sum = vec![(Form::number(x.constant.mul(y.constant)?), Fixed::ONE)];
        sum.push((Form { constant: Fixed::ZERO, ..x.clone() }, y.constant));
        sum.push((Form { constant: Fixed::ZERO, ..y.clone() }, x.constant));
        for (a, c) in &x.terms {
            for (b, d) in &y.terms {
                sum.push((self.product(&[*a, *b])?, c.mul(*d)?));
            }
        }
        let operands: Vec<(&Form, Fixed)> = sum.iter().map(|(form, c)| (form, *c)).collect();
        self.sum(&operands, Fixed::ZERO)
    }

    /// The product of atoms; two curves of one line are one.
    fn product(&mut self, atoms: &[Atom]) -> Option<Form> {
        let mut factors = Vec::new();
        for atom in atoms {
            match self.kind(*atom) {
                Kind::Product(inner) => factors.extend(inner.iter().copied()),
                _ => factors.push(*atom),
            }
        }
        factors.sort_unstable();
        for i in 1..factors.len() {
            if factors[i] == factors[i - 1] && is_bit(self, factors[i]) {
                let mut rest = factors.clone();
                rest.remove(i);
                return self.product(&rest);
            }
            for j in 0..i {
                let (a, b) = (Form::atom(factors[j]), Form::atom(factors[i]));
                let (f, g) = (self.view(&a)?, self.view(&b)?);
                if factors[i] != factors[j]
                    && f.line == g.line
                    && let Some(product) = f.curve.mul(&g.curve)
                {
                    let mut one = self.curve(f.line, product)?;
                    let rest = factors.iter().enumerate().filter(|(k, _)| *k != i && *k != j).map(|(_, atom)| *atom);
                    for atom in rest.collect::<Vec<_>>() {
                        one = self.mul(&one, &Form::atom(atom))?;
                    }
                    return Some(one);
                }
            }
        }
        if let [only] = factors[..] {
            return Some(Form::atom(only));
        }
        let (mut lo, mut hi) = (1i128, 1i128);
        for atom in &factors {
            let (a, b) = self.bounds(*atom);
            let corners = [lo.checked_mul(a)?, lo.checked_mul(b)?, hi.checked_mul(a)?, hi.checked_mul(b)?];
            (lo, hi) = (corners.into_iter().min()?, corners.into_iter().max()?);
        }
        if let [a, b] = factors[..]
            && a == b
        {
            lo = 0;
        }
        Some(self.atom(Kind::Product(factors), lo, hi))
    }

    /// `yes` where the bit is 1, else `no`.
    pub fn choose(&mut self, bit: &Form, yes: &Form, no: &Form) -> Option<Form> {
        if let Some(bit) = bit.value() {
            return Some(if bit.is_zero() { no.clone() } else { yes.clone() });
        }
        if let Some(curves) = self.of_one_line(&[bit, yes, no])? {
            let (line, [bit, yes, no]) = (curves.0, &curves.1[..]) else { return None };
            let gated = yes.add(&no.affine(Fixed::ONE.negate(), Fixed::ZERO)?).and_then(|rest| bit.mul(&rest));
            if let Some(chosen) = gated.and_then(|gated| gated.add(no)) {
                return self.settled(line, chosen);
            }
        }
        let difference = self.plus(yes, no, Fixed::ONE.negate())?;
        let gated = self.mul(bit, &difference)?;
        self.plus(no, &gated, Fixed::ONE)
    }

    /// Values as functions of one line, if they are.
    pub(super) fn of_one_line(&mut self, values: &[&Form]) -> Option<Option<(LineId, Vec<Curve>)>> {
        let mut lines: Vec<LineId> = Vec::new();
        for value in values.iter().filter(|value| value.value().is_none()) {
            let line = self.view(value)?.line;
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        let line = match lines[..] {
            [line] => line,
            _ => return Some(None),
        };
        let (lo, hi) = (self.line(line).lo, self.line(line).hi);
        let mut curves = Vec::with_capacity(values.len());
        for value in values {
            curves.push(match value.value() {
                Some(value) => Curve::line(lo, hi, Fixed::ZERO, value)?,
                None => self.view(value)?.curve,
            });
        }
        Some(Some((line, curves)))
    }

    /// 1 where a number is not negative, else 0.
    pub fn at_least_zero(&mut self, x: &Form) -> Option<Form> {
        // floor(x / 2^n) is -1 or 0 for n beyond the range's bits.
        let range = self.range(x)?;
        if range.lo >= 0 {
            return Some(Form::integer(1));
        }
        let top = range.width() as i32 + range.exp;
        self.floor(x, top)?.times(Fixed::power_of_two(-top))?.offset(Fixed::ONE)
    }

    /// `negative` where `x < 0`, else `otherwise`.
    pub fn select(&mut self, x: &Form, negative: &Form, otherwise: &Form) -> Option<Form> {
        let bit = self.at_least_zero(x)?;
        self.choose(&bit, otherwise, negative)
    }

    /// The greater.
    pub fn max(&mut self, x: &Form, y: &Form) -> Option<Form> {
        let difference = self.plus(x, y, Fixed::ONE.negate())?;
        if let Some((line, curves)) = self.of_one_line(&[x, y])? {
            let difference = curves[0].add(&curves[1].affine(Fixed::ONE.negate(), Fixed::ZERO)?)?;
            if let Some(max) = difference.select(&curves[1], &curves[0]) {
                return self.settled(line, max);
            }
        }
        let range = self.range(&difference)?;
        if range.lo >= 0 || range.hi <= 0 {
            return Some(if range.lo >= 0 { x } else { y }.clone());
        }
        if x.value().is_none() && y.value().is_none() {
            return self.greatest(x, y);
        }
        let zero = Form::default();
        let above = self.select(&difference, &zero, &difference)?;
        self.plus(y, &above, Fixed::ONE)
    }

    /// The greater of two numbers that are no functions of one line, in one order with those of which they are the greatest:
    /// without a common factor and, in the first, without a constant.
    fn greatest(&mut self, x: &Form, y: &Form) -> Option<Form> {
        if let Some(product) = self.least_bit(x, y)? {
            return Some(product);
        }
        let mut all = Vec::new();
        for form in [x, y] {
            match form.terms[..] {
                [(atom, c)] if c > Fixed::ZERO && matches!(self.kind(atom), Kind::Max(_)) => {
                    let Kind::Max(inner) = self.kind(atom).clone() else { return None };
                    for own in inner.iter() {
                        all.push(own.times(c)?.offset(form.constant)?);
                    }
                }
                _ => all.push(form.clone()),
            }
        }
        let key = |form: &Form| {
            let term = |(atom, c): &(Atom, Fixed)| (*atom, c.exponent(), c.mantissa());
            (form.terms.iter().map(term).collect::<Vec<_>>(), form.constant)
        };
        all.sort_by_cached_key(key);
        all.dedup();
        let offset = all[0].constant;
        let mut factors = Vec::new();
        for form in &mut all {
            form.constant = form.constant.add(offset.negate())?;
            factors
                .extend(form.terms.iter().map(|(_, c)| *c).chain((!form.constant.is_zero()).then_some(form.constant)));
        }
        let exp = factors.iter().map(|c| c.exponent()).min()?;
        let content = factors.iter().try_fold(0, |content, c| Some(gcd(content, c.at(exp)?)))?;
        let (mut lo, mut hi) = (i128::MIN, i128::MIN);
        for form in &mut all {
            for c in form.terms.iter_mut().map(|(_, c)| c).chain([&mut form.constant]) {
                *c = Fixed::new(c.at(exp)? / content, 0);
            }
            let range = self.range(form)?.at(0)?;
            (lo, hi) = (lo.max(range.lo), hi.max(range.hi));
        }
        let atom = self.atom(Kind::Max(Rc::new(all)), lo, hi);
        atom.times(Fixed::new(content, exp))?.offset(offset)
    }

    /// The greater of `k - c a` and `k - c b` with bits a and b, and c above 0: `k - c a b`.
    fn least_bit(&mut self, x: &Form, y: &Form) -> Option<Option<Form>> {
        match (&x.terms[..], &y.terms[..]) {
            ([(a, c)], [(b, d)])
                if c == d && *c < Fixed::ZERO && x.constant == y.constant && is_bit(self, *a) && is_bit(self, *b) =>
            {
                self.product(&[*a, *b])?.times(*c)?.offset(x.constant).map(Some)
            }
            _ => Some(None),
        }
    }

    /// The lesser: `-max(-x, -y)`.
    pub fn min(&mut self, x: &Form, y: &Form) -> Option<Form> {
        let minus = Fixed::ONE.negate();
        self.max(&x.times(minus)?, &y.times(minus)?)?.times(minus)
    }
}
