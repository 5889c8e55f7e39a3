//! Tables: any function of a few values, by what it is at each point.

use super::curve::Curve;
use super::form::{Atom, Form, gcd};
use super::space::{Kind, Space};
use crate::fixed::Fixed;
use std::rc::Rc;

/// Most points at which a function of several atoms is evaluated: 20 bits.
const POINTS: i128 = 1 << 20;

impl Space {
    /// Any function of a few values, found by evaluating it at all points that they can reach; it gives integers in units
    /// of `2^exp`. `None` also where the function has no value at such a point.
    pub fn function(&mut self, args: &[Form], exp: i32, mut f: impl FnMut(&[Fixed]) -> Option<i128>) -> Option<Form> {
        let views = args.iter().filter(|arg| arg.value().is_none()).cloned().collect::<Vec<_>>();
        let views = views.iter().map(|arg| self.view(arg)).collect::<Option<Vec<_>>>()?;
        let Some(first) = views.first().map(|view| view.line) else {
            let point: Vec<Fixed> = args.iter().filter_map(Form::value).collect();
            return Some(Form::number(Fixed::new(f(&point)?, exp)));
        };
        let digits = views.len() == 1 && self.is_number_of_digits(first);
        if views.iter().all(|view| view.line == first) && !digits {
            let line = self.line(first);
            let (lo, hi) = (line.lo, line.hi);
            let mut curves = views.into_iter().map(|view| view.curve);
            let mut all = Vec::with_capacity(args.len());
            for arg in args {
                all.push(match arg.value() {
                    Some(value) => Curve::line(lo, hi, Fixed::ZERO, value)?,
                    None => curves.next()?,
                });
            }
            let curve = Curve::map(&all, exp, f)?;
            return self.settled(first, curve);
        }
        let atoms = self.variables(args)?;
        self.tabulate(args, atoms, exp, f)
    }

    /// Does a line put the digits of several small atoms side by side, as the index of a table does?
    pub(super) fn is_number_of_digits(&self, line: u32) -> bool {
        let line = self.line(line);
        let mut terms: Vec<(i128, i128)> = line
            .terms
            .iter()
            .map(|(atom, c)| {
                let (lo, hi) = self.bounds(*atom);
                (c.abs(), hi - lo)
            })
            .collect();
        terms.sort_unstable();
        let mut reach = 0i128;
        terms.len() > 1
            && terms.iter().all(|(c, span)| {
                let apart = *c > reach;
                reach = span.checked_mul(*c).and_then(|span| span.checked_add(reach)).unwrap_or(i128::MAX);
                apart
            })
            && line.hi - line.lo < POINTS
    }

    /// The atoms of which values are functions: those of curves' lines instead of the curves, where these are few.
    fn variables(&self, args: &[Form]) -> Option<Vec<Atom>> {
        let mut own: Vec<Atom> = args.iter().flat_map(|arg| arg.terms.iter().map(|(atom, _)| *atom)).collect();
        loop {
            own.sort_unstable();
            own.dedup();
            let mut deeper: Vec<Atom> = Vec::new();
            for atom in &own {
                match self.kind(*atom) {
                    Kind::Curve(line, _) => deeper.extend(self.line(*line).terms.iter().map(|(atom, _)| *atom)),
                    Kind::Product(atoms) | Kind::Table(atoms, _) => deeper.extend(atoms),
                    Kind::Max(forms) => {
                        deeper.extend(forms.iter().flat_map(|form| form.terms.iter().map(|(atom, _)| *atom)));
                    }
                    _ => deeper.push(*atom),
                }
            }
            deeper.sort_unstable();
            deeper.dedup();
            if deeper == own || self.points(&deeper).is_none_or(|points| points > 1 << 12) {
                return self.points(&own).filter(|points| *points <= POINTS).map(|_| own);
            }
            own = deeper;
        }
    }

    /// How many points atoms reach together.
    fn points(&self, atoms: &[Atom]) -> Option<i128> {
        atoms.iter().try_fold(1i128, |points, atom| {
            let (lo, hi) = self.bounds(*atom);
            points.checked_mul(hi - lo + 1).filter(|points| *points <= POINTS)
        })
    }

    /// The value of an atom where others have theirs.
    fn atom_at(&self, atom: Atom, atoms: &[Atom], point: &[i128]) -> Option<i128> {
        if let Ok(place) = atoms.binary_search(&atom) {
            return Some(point[place]);
        }
        match self.kind(atom) {
            Kind::Curve(line, curve) => {
                let mut t = 0i128;
                for (atom, c) in &self.line(*line).terms {
                    t = t.checked_add(c.checked_mul(self.atom_at(*atom, atoms, point)?)?)?;
                }
                curve.at(t)?.at(0)
            }
            Kind::Product(factors) => {
                factors.iter().try_fold(1i128, |all, atom| all.checked_mul(self.atom_at(*atom, atoms, point)?))
            }
            Kind::Max(forms) => {
                let value = |form: &Form| {
                    let term = |sum: i128, (atom, c): &(Atom, Fixed)| {
                        sum.checked_add(c.at(0)?.checked_mul(self.atom_at(*atom, atoms, point)?)?)
                    };
                    form.terms.iter().try_fold(form.constant.at(0)?, term)
                };
                forms.iter().map(value).try_fold(i128::MIN, |most, value| Some(most.max(value?)))
            }
            Kind::Table(args, values) => {
                let mut index = 0;
                for atom in args {
                    let (lo, hi) = self.bounds(*atom);
                    index = index * (hi - lo + 1) + self.atom_at(*atom, atoms, point)? - lo;
                }
                values.get(usize::try_from(index).ok()?).copied()
            }
            _ => None,
        }
    }

    fn tabulate(
        &mut self,
        args: &[Form],
        atoms: Vec<Atom>,
        exp: i32,
        mut f: impl FnMut(&[Fixed]) -> Option<i128>,
    ) -> Option<Form> {
        let mut point: Vec<i128> = atoms.iter().map(|atom| self.bounds(*atom).0).collect();
        let count = self.points(&atoms)?;
        let mut values = Vec::with_capacity(count as usize);
        let mut arguments = vec![Fixed::ZERO; args.len()];
        for _ in 0..count {
            for (argument, arg) in arguments.iter_mut().zip(args) {
                let mut value = arg.constant;
                for (atom, c) in &arg.terms {
                    value = value.add(c.mul(Fixed::new(self.atom_at(*atom, &atoms, &point)?, 0))?)?;
                }
                *argument = value;
            }
            values.push(f(&arguments)?);
            for (place, atom) in atoms.iter().enumerate().rev() {
                let (lo, hi) = self.bounds(*atom);
                point[place] += 1;
                if point[place] <= hi {
                    break;
                }
                point[place] = lo;
            }
        }
        self.reduced(atoms, values, exp)
    }

    /// The value of a table, without atoms on which it does not depend.
    pub(super) fn reduced(&mut self, mut atoms: Vec<Atom>, mut values: Vec<i128>, exp: i32) -> Option<Form> {
        for place in (0..atoms.len()).rev() {
            let sizes: Vec<usize> = atoms.iter().map(|atom| self.size(*atom)).collect();
            if let Some(fewer) = without(&values, &sizes, place) {
                values = fewer;
                atoms.remove(place);
            }
        }
        self.tabulated(atoms, values, exp)
    }

    fn size(&self, atom: Atom) -> usize {
        let (lo, hi) = self.bounds(atom);
        (hi - lo + 1) as usize
    }

    /// The value of a table that depends on all its atoms.
    fn tabulated(&mut self, atoms: Vec<Atom>, mut values: Vec<i128>, exp: i32) -> Option<Form> {
        let unit = Fixed::power_of_two(exp);
        match atoms[..] {
            [] => return Some(Form::number(Fixed::new(values[0], exp))),
            [atom] => {
                let view = self.view(&Form::atom(atom))?;
                let own = self.bounds(atom).0;
                let value = |point: &[Fixed]| values.get(usize::try_from(point[0].at(0)? - own).ok()?).copied();
                let curve = Curve::map(&[view.curve], exp, value)?;
                return self.curve(view.line, curve);
            }
            _ => {}
        }
        if atoms.iter().all(|atom| self.size(*atom) == 2) {
            return self.polynomial(&atoms, values)?.times(unit);
        }
        let first = values[0];
        let mut content = 0;
        for value in &mut values {
            *value = value.checked_sub(first)?;
            content = gcd(content, *value);
        }
        let rising = values.iter().find(|value| **value != 0)?;
        let content = if *rising < 0 { -content } else { content };
        values.iter_mut().for_each(|value| *value /= content);
        let (lo, hi) = (values.iter().copied().min()?, values.iter().copied().max()?);
        let atom = self.atom(Kind::Table(atoms, Rc::new(values)), lo, hi);
        atom.times(Fixed::new(content, exp))?.offset(Fixed::new(first, exp))
    }

    /// A function of atoms of two values each, as the polynomial that it is.
    fn polynomial(&mut self, atoms: &[Atom], mut values: Vec<i128>) -> Option<Form> {
        let count = atoms.len();
        for bit in 0..count {
            for index in 0..values.len() {
                if index >> bit & 1 == 1 {
                    values[index] = values[index].checked_sub(values[index & !(1 << bit)])?;
                }
            }
        }
        let mut sum = Vec::new();
        for (index, value) in values.iter().enumerate().filter(|(_, value)| **value != 0) {
            let mut product = Form::integer(1);
            for (place, atom) in atoms.iter().enumerate() {
                if index >> (count - 1 - place) & 1 == 1 {
                    let own = Form::atom(*atom).offset(Fixed::new(-self.bounds(*atom).0, 0))?;
                    product = self.mul(&product, &own)?;
                }
            }
            sum.push((product, Fixed::new(*value, 0)));
        }
        let operands: Vec<(&Form, Fixed)> = sum.iter().map(|(form, c)| (form, *c)).collect();
        self.sum(&operands, Fixed::ZERO)
    }
}

/// The values without an argument on which they do not depend.
fn without(values: &[i128], sizes: &[usize], place: usize) -> Option<Vec<i128>> {
    let inner: usize = sizes[place + 1..].iter().product();
    let mut fewer = Vec::with_capacity(values.len() / sizes[place]);
    for block in values.chunks(inner * sizes[place]) {
        let first = &block[..inner];
        if block.chunks(inner).any(|other| other != first) {
            return None;
        }
        fewer.extend_from_slice(first);
    }
    Some(fewer)
}
