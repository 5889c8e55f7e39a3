//! The space of canonical values that all levels are evaluated in.
//!
//! A value is a [`Form`] over *atoms*, and every atom is an integer with an exact range: an input's code, a [`Curve`] of a
//! sum of other atoms, or one of the few things that are no function of one sum. Atoms are shared, so that equal
//! structures are equal indices. A sum of atoms without a constant and without a common factor is a *line*; whatever
//! rounds, wraps, saturates, compares or looks up one number is a curve of that number's line, however many steps it
//! took. So two computations of the same function of a line end in the same atom.
//!
//! All methods give values that are equal, for all inputs, to what they are named after, or `None`: beyond 127 bits.

use super::curve::Curve;
use super::form::{Atom, Form, gcd};
use super::numbers::Step;
use crate::fixed::{Fixed, Range};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Instant;

/// Index of a line.
pub type LineId = u32;

/// What an atom is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The code of an input element: port, element.
    Input(u32, u32),
    /// A function of a line.
    Curve(LineId, Rc<Curve>),
    /// The greatest integer not above `factor * line + constant`, where that has too many steps for a curve.
    Floor(LineId, Fixed, Fixed),
    /// A multiple of a line modulo `2^bits`, from 0 on, where the line has too many values for functions of them to be curves.
    Wrap(LineId, i128, u32),
    /// A product of atoms, ascending; an atom that is 0 or 1 stands there once.
    Product(Vec<Atom>),
    /// The greatest of several numbers that are no functions of one sum.
    Max(Rc<Vec<Form>>),
    /// `values[..]`, row-major over the atoms' ranges, the first 0 and without a common factor.
    Table(Vec<Atom>, Rc<Vec<i128>>),
}

/// An atom with its range.
pub(super) struct Known {
    pub(super) kind: Kind,
    lo: i128,
    hi: i128,
}

/// A sum of atoms: coprime coefficients, the first positive.
#[derive(Clone, Debug)]
pub struct Line {
    /// Atoms, ascending, with their coefficients.
    pub terms: Vec<(Atom, i128)>,
    /// Its range.
    pub lo: i128,
    /// Its range.
    pub hi: i128,
}

/// A number as a function of one line.
pub struct View {
    /// The line.
    pub line: LineId,
    /// The function.
    pub curve: Curve,
}

/// All atoms and lines.
#[derive(Default)]
pub struct Space {
    /// After this, nothing is found out any more.
    pub(super) deadline: Option<Instant>,
    /// Lines with more values are long; those of a curve's pieces if none.
    pub(super) long: Option<i128>,
    pub(super) atoms: Vec<Known>,
    pub(super) ids: HashMap<Kind, Atom>,
    pub(super) lines: Vec<Line>,
    pub(super) line_ids: HashMap<Vec<(Atom, i128)>, LineId>,
    /// Lines that are curves of others, floors of sums with a part outside.
    pub(super) aliases: HashMap<LineId, (LineId, Curve)>,
    /// The curves of each line that the reference has.
    pub(super) known: HashMap<LineId, Vec<Atom>>,
    /// How many atoms the reference has; none while it is evaluated.
    pub(super) reference: Option<Atom>,
    /// Values of nodes of the graphs that were evaluated.
    pub(super) steps: HashMap<Step, Form>,
    /// Of curves that were made as floors, the numbers of which they are.
    pub(super) floors: HashMap<Atom, Form>,
}

impl Space {
    /// How many different atoms there are.
    pub fn len(&self) -> usize {
        self.atoms.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.atoms.is_empty()
    }

    /// What an atom is.
    pub fn kind(&self, atom: Atom) -> &Kind {
        &self.atoms[atom as usize].kind
    }

    /// An atom's range.
    pub fn bounds(&self, atom: Atom) -> (i128, i128) {
        let known = &self.atoms[atom as usize];
        (known.lo, known.hi)
    }

    /// A line.
    pub fn line(&self, line: LineId) -> &Line {
        &self.lines[line as usize]
    }

    /// The shared atom of a kind; one with one value is that value.
    pub(super) fn atom(&mut self, kind: Kind, lo: i128, hi: i128) -> Form {
        if lo == hi {
            return Form::integer(lo);
        }
        if let Some(atom) = self.ids.get(&kind) {
            return Form::atom(*atom);
        }
        let atom = self.atoms.len() as Atom;
        self.atoms.push(Known { kind: kind.clone(), lo, hi });
        self.ids.insert(kind, atom);
        Form::atom(atom)
    }

    /// The code of an input element.
    pub fn input(&mut self, port: u32, element: u32, codes: Range) -> Form {
        self.atom(Kind::Input(port, element), codes.lo, codes.hi)
    }

    /// The range of a form on its own grid: that of independent atoms.
    pub fn range(&self, form: &Form) -> Option<Range> {
        let mut range = Range::point(form.constant);
        for (atom, factor) in &form.terms {
            let (lo, hi) = self.bounds(*atom);
            range = Range::add(range, Range { lo, hi, exp: 0 }.times(*factor)?)?;
        }
        Some(range)
    }

    /// The range of a form that is a function of one line, of that function.
    pub fn tight(&mut self, form: &Form) -> Option<Range> {
        let view = self.view(form)?;
        let (lo, hi) = view.curve.extremes()?;
        Some(Range { lo, hi, exp: view.curve.exp })
    }

    /// `a + factor * b`.
    pub fn plus(&mut self, a: &Form, b: &Form, factor: Fixed) -> Option<Form> {
        let sum = a.plus(b, factor)?;
        self.tidy(sum)
    }

    /// `constant + sum(factor * operand)`.
    pub fn sum(&mut self, operands: &[(&Form, Fixed)], constant: Fixed) -> Option<Form> {
        let count = operands.iter().map(|(form, _)| form.terms.len()).sum();
        let (mut all, mut total): (Vec<(Atom, Fixed)>, Fixed) = (Vec::with_capacity(count), constant);
        for (form, factor) in operands {
            total = total.add(form.constant.mul(*factor)?)?;
            for (atom, c) in &form.terms {
                all.push((*atom, c.mul(*factor)?));
            }
        }
        all.sort_unstable_by_key(|(atom, _)| *atom);
        let mut terms: Vec<(Atom, Fixed)> = Vec::with_capacity(all.len());
        for (atom, c) in all {
            match terms.last_mut() {
                Some((last, total)) if *last == atom => *total = total.add(c)?,
                _ => terms.push((atom, c)),
            }
        }
        terms.retain(|(_, c)| !c.is_zero());
        self.tidy(Form { terms, constant: total })
    }

    /// Puts together what are functions of the same line: curves, and the line itself where it is there as a whole.
    pub(super) fn tidy(&mut self, mut form: Form) -> Option<Form> {
        'again: loop {
            let curves: Vec<(LineId, Atom)> = form
                .terms
                .iter()
                .filter_map(|(atom, _)| match self.kind(*atom) {
                    Kind::Curve(line, _) => Some((*line, *atom)),
                    _ => None,
                })
                .collect();
            let mut seen: HashMap<LineId, Atom> = HashMap::with_capacity(curves.len());
            for (line, atom) in curves {
                if let Some(other) = seen.insert(line, atom) {
                    form = self.merged(form, line, &[other, atom], Fixed::ZERO)?;
                    continue 'again;
                }
                if let Some(factor) = self.holds(&form, line) {
                    form = self.merged(form, line, &[atom], factor)?;
                    continue 'again;
                }
            }
            return Some(form);
        }
    }

    /// The factor with which a line is in a form as a whole.
    fn holds(&self, form: &Form, line: LineId) -> Option<Fixed> {
        let terms = &self.lines[line as usize].terms;
        let (lead, c) = terms[0];
        let factor = divided(form.coefficient(lead), c)?;
        let whole = |(atom, c): &(Atom, i128)| factor.mul(Fixed::new(*c, 0)) == Some(form.coefficient(*atom));
        (!factor.is_zero() && terms.iter().all(whole)).then_some(factor)
    }

    /// A form with some curves of a line, and the line times a factor, put together.
    fn merged(&mut self, form: Form, line: LineId, curves: &[Atom], factor: Fixed) -> Option<Form> {
        let (lo, hi) = (self.lines[line as usize].lo, self.lines[line as usize].hi);
        let mut total = Curve::line(lo, hi, factor, Fixed::ZERO)?;
        let mut rest = form.plus(&self.line_form(line), factor.negate())?;
        for atom in curves {
            let Kind::Curve(_, curve) = self.kind(*atom).clone() else { return None };
            let c = form.coefficient(*atom);
            total = total.add(&curve.affine(c, Fixed::ZERO)?)?;
            rest = rest.plus(&Form::atom(*atom), c.negate())?;
        }
        let value = self.curve(line, total)?;
        rest.plus(&value, Fixed::ONE)
    }

    /// A line as a form.
    pub fn line_form(&self, line: LineId) -> Form {
        let terms = self.lines[line as usize].terms.iter().map(|(atom, c)| (*atom, Fixed::new(*c, 0))).collect();
        Form { terms, constant: Fixed::ZERO }
    }

    /// The value of a function of a line.
    pub fn curve(&mut self, line: LineId, curve: Curve) -> Option<Form> {
        if let [piece] = curve.pieces[..] {
            let factor = Fixed::new(piece.slope, curve.exp);
            let start = Fixed::new(piece.start, 0).mul(factor)?;
            let constant = Fixed::new(piece.value, curve.exp).add(start.negate())?;
            let whole = self.line_form(line).times(factor)?.offset(constant)?;
            return self.tidy(whole);
        }
        if let Some(value) = self.by_one_bit(line, &curve) {
            return Some(value);
        }
        let (curve, factor, constant) = curve.normal()?;
        let (lo, hi) = curve.extremes()?;
        self.atom(Kind::Curve(line, Rc::new(curve)), lo, hi).times(factor)?.offset(constant)
    }

    /// A function of a line that one bit decides alone: what else is in the line moves it too little.
    fn by_one_bit(&self, line: LineId, curve: &Curve) -> Option<Form> {
        let Line { terms, lo, hi } = self.line(line);
        let is_bit = |(atom, _): &&(Atom, i128)| self.bounds(*atom).1 - self.bounds(*atom).0 == 1;
        terms.iter().filter(is_bit).find_map(|(bit, c)| {
            let (least, most) = self.span(terms.iter().filter(|(atom, _)| atom != bit))?;
            let of = |own: i128| {
                let moved = own.checked_mul(*c)?;
                curve.level(least.checked_add(moved)?.max(*lo), most.checked_add(moved)?.min(*hi))
            };
            let (first, last) = self.bounds(*bit);
            let (without, with) = (of(first)?, of(last)?);
            let own = Form::atom(*bit).offset(Fixed::new(-first, 0))?;
            own.times(with.add(without.negate())?)?.offset(without)
        })
    }

    /// A form as a function of one line: the line of a lone curve, one that is known to be behind it, else its own.
    pub fn view(&mut self, form: &Form) -> Option<View> {
        if form.terms.len() > 1 {
            let (line, factor) = self.own_line(form)?;
            if let Some((line, curve)) = self.aliases.get(&line) {
                return Some(View { line: *line, curve: curve.affine(factor, form.constant)? });
            }
        }
        self.own_view(form)
    }

    /// The same, without what is known to be behind a sum.
    pub(super) fn own_view(&mut self, form: &Form) -> Option<View> {
        if let [(atom, c)] = form.terms[..]
            && let Kind::Curve(line, curve) = self.kind(atom)
        {
            return Some(View { line: *line, curve: curve.affine(c, form.constant)? });
        }
        let (line, factor) = self.own_line(form)?;
        let Line { lo, hi, .. } = self.lines[line as usize];
        Some(View { line, curve: Curve::line(lo, hi, factor, form.constant)? })
    }

    /// The line that a form is a multiple of, and the factor; `None` for a constant.
    pub fn own_line(&mut self, form: &Form) -> Option<(LineId, Fixed)> {
        let exp = form.terms.iter().map(|(_, c)| c.exponent()).min()?;
        let integers: Vec<(Atom, i128)> =
            form.terms.iter().map(|(atom, c)| Some((*atom, c.at(exp)?))).collect::<Option<_>>()?;
        let content = integers.iter().fold(0, |content, (_, c)| gcd(content, *c));
        let content = if integers[0].1 < 0 { -content } else { content };
        let terms: Vec<(Atom, i128)> = integers.into_iter().map(|(atom, c)| (atom, c / content)).collect();
        Some((self.shared_line(terms)?, Fixed::new(content, exp)))
    }

    fn shared_line(&mut self, terms: Vec<(Atom, i128)>) -> Option<LineId> {
        if let Some(line) = self.line_ids.get(&terms) {
            return Some(*line);
        }
        let (lo, hi) = self.span(terms.iter())?;
        let line = self.lines.len() as LineId;
        self.lines.push(Line { terms: terms.clone(), lo, hi });
        self.line_ids.insert(terms, line);
        Some(line)
    }

    /// The range of a sum of independent atoms.
    fn span<'t>(&self, mut terms: impl Iterator<Item = &'t (Atom, i128)>) -> Option<(i128, i128)> {
        terms.try_fold((0i128, 0i128), |(lo, hi), (atom, c)| {
            let (a, b) = self.bounds(*atom);
            let (a, b) = (a.checked_mul(*c)?, b.checked_mul(*c)?);
            Some((lo.checked_add(a.min(b))?, hi.checked_add(a.max(b))?))
        })
    }

    /// Are two values equal for all inputs? `false` may also mean that it was not found out.
    pub fn same(&mut self, a: &Form, b: &Form) -> bool {
        a == b || self.plus(a, b, Fixed::ONE.negate()).is_some_and(|difference| self.vanishes(difference))
    }

    /// Is a form 0, its curves taken apart into a straight line and what is beside it?
    fn vanishes(&mut self, form: Form) -> bool {
        let mut straight = Form::number(form.constant);
        let mut beside = Form::default();
        for (atom, c) in &form.terms {
            let part = match self.kind(*atom).clone() {
                Kind::Curve(line, curve) => self.straight(line, &curve).and_then(|(line, rest)| {
                    beside = beside.plus(&rest, *c)?;
                    Some(line)
                }),
                _ => Some(Form::atom(*atom)),
            };
            let Some(sum) = part.and_then(|part| straight.plus(&part, *c)) else { return false };
            straight = sum;
        }
        straight.plus(&beside, Fixed::ONE).is_some_and(|all| all == Form::default())
    }

    /// A curve as the line through its first two points, and the curve of the rest.
    fn straight(&mut self, line: LineId, curve: &Curve) -> Option<(Form, Form)> {
        let first = curve.pieces[0];
        let slope = curve.at(first.start + 1)?.add(curve.at(first.start)?.negate())?;
        let through = self.line_form(line).times(slope)?;
        let rest = curve.add(&Curve::line(first.start, curve.last, slope.negate(), Fixed::ZERO)?)?;
        let rest = self.curve(line, rest)?;
        Some((through, rest))
    }
}

/// `a / c`, if it is an exact number.
pub fn divided(a: Fixed, c: i128) -> Option<Fixed> {
    let odd = c >> c.trailing_zeros();
    (a.mantissa() % odd == 0).then(|| Fixed::new(a.mantissa() / odd, a.exponent() - c.trailing_zeros() as i32))
}
