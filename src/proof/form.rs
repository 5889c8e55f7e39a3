//! Linear forms: `constant + sum(coefficient * atom)` with exact coefficients, atoms ascending, none of them 0.

use crate::fixed::Fixed;

/// Index of an atom of a [`super::Space`].
pub type Atom = u32;

/// A number as a function of atoms.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Form {
    /// Atoms, ascending, with their coefficients.
    pub terms: Vec<(Atom, Fixed)>,
    /// What is added.
    pub constant: Fixed,
}

impl Default for Form {
    /// The number 0.
    fn default() -> Form {
        Form::number(Fixed::ZERO)
    }
}

impl Form {
    /// A number.
    pub fn number(constant: Fixed) -> Form {
        Form { terms: Vec::new(), constant }
    }

    /// An integer.
    pub fn integer(value: i128) -> Form {
        Form::number(Fixed::new(value, 0))
    }

    /// An atom.
    pub fn atom(atom: Atom) -> Form {
        Form { terms: vec![(atom, Fixed::ONE)], constant: Fixed::ZERO }
    }

    /// The value, if it depends on no atom.
    pub fn value(&self) -> Option<Fixed> {
        self.terms.is_empty().then_some(self.constant)
    }

    /// The coefficient of an atom.
    pub fn coefficient(&self, atom: Atom) -> Fixed {
        let place = self.terms.binary_search_by_key(&atom, |(atom, _)| *atom);
        place.map_or(Fixed::ZERO, |place| self.terms[place].1)
    }

    /// The exponent of the grid that its coefficients and constant are on; `None` with 0.
    pub fn grid(&self) -> Option<i32> {
        let all = self.terms.iter().map(|(_, c)| c).chain([&self.constant]);
        all.filter(|c| !c.is_zero()).map(|c| c.exponent()).min()
    }

    /// The form times a constant; `None` beyond 127 bits, as everywhere here.
    pub fn times(&self, factor: Fixed) -> Option<Form> {
        if factor.is_zero() {
            return Some(Form::default());
        }
        let terms = self.terms.iter().map(|(atom, c)| Some((*atom, c.mul(factor)?))).collect::<Option<_>>()?;
        Some(Form { terms, constant: self.constant.mul(factor)? })
    }

    /// The form with a constant added.
    pub fn offset(mut self, constant: Fixed) -> Option<Form> {
        self.constant = self.constant.add(constant)?;
        Some(self)
    }

    /// `self + factor * other`.
    pub fn plus(&self, other: &Form, factor: Fixed) -> Option<Form> {
        if factor.is_zero() {
            return Some(self.clone());
        }
        let mut terms = Vec::with_capacity(self.terms.len() + other.terms.len());
        let (mut a, mut b) = (self.terms.iter().peekable(), other.terms.iter().peekable());
        loop {
            match (a.peek(), b.peek()) {
                (Some(x), Some(y)) if x.0 == y.0 => {
                    let total = x.1.add(y.1.mul(factor)?)?;
                    if !total.is_zero() {
                        terms.push((x.0, total));
                    }
                    a.next();
                    b.next();
                }
                (Some(x), y) if y.is_none_or(|y| x.0 < y.0) => {
                    terms.push(**x);
                    a.next();
                }
                (_, Some(y)) => {
                    terms.push((y.0, y.1.mul(factor)?));
                    b.next();
                }
                (_, None) => break,
            }
        }
        Some(Form { terms, constant: self.constant.add(other.constant.mul(factor)?)? })
    }
}

/// The greatest common divisor; 0 with 0.
pub fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    i128::try_from(a).unwrap_or(1)
}
