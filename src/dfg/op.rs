//! The operations: what each takes, what it computes, and the range of its result.

use super::{Id, Table};
use crate::fixed::{Fixed, Range, wrap};

/// An operand of a sum: `± value * 2^shift`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Term {
    /// The operand.
    pub id: Id,
    /// The power of two it is multiplied by.
    pub shift: i32,
    /// Whether it is subtracted.
    pub negative: bool,
}

impl Term {
    /// `+ id * 2^shift`.
    pub fn plus(id: Id, shift: i32) -> Term {
        Term { id, shift, negative: false }
    }

    /// `- id * 2^shift`.
    pub fn minus(id: Id, shift: i32) -> Term {
        Term { id, shift, negative: true }
    }

    /// The constant that the operand is multiplied by.
    pub fn factor(&self) -> Fixed {
        Fixed::new(if self.negative { -1 } else { 1 }, self.shift)
    }
}

/// What a node computes. Every operation is a function on exact numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// An element of an input port.
    Input {
        /// Which port.
        port: u32,
        /// Which element of it.
        element: u32,
    },
    /// A constant.
    Const(Fixed),
    /// A neuron before it is expanded: the sum of operands times constants, plus a constant.
    Dot {
        /// Operands and their coefficients.
        terms: Vec<(Id, Fixed)>,
        /// What is added.
        constant: Fixed,
    },
    /// A sum of one to three shifted, signed operands and a constant.
    Add {
        /// The operands.
        terms: Vec<Term>,
        /// What is added.
        constant: Fixed,
    },
    /// The product of two numbers.
    Mul(Id, Id),
    /// The number times `2^shift`.
    Scale(Id, i32),
    /// The greatest multiple of `2^p` that is not above the number (low bits dropped).
    Floor(Id, i32),
    /// The number modulo `2^top`, in `[0, 2^top)` or, if signed, `[-2^(top-1), 2^(top-1))` (high bits dropped).
    Wrap {
        /// The number.
        arg: Id,
        /// The exponent of the modulus.
        top: i32,
        /// Whether the highest kept bit is a sign.
        signed: bool,
    },
    /// The greater.
    Max(Id, Id),
    /// The lesser.
    Min(Id, Id),
    /// `negative` where `sign_of < 0`, else `otherwise`.
    Select {
        /// The number whose sign decides.
        sign_of: Id,
        /// The value if it is below zero.
        negative: Id,
        /// The value if it is not.
        otherwise: Id,
    },
    /// A table of the operands.
    Table {
        /// Index into [`super::Dfg::tables`].
        table: u32,
        /// One operand per domain of the table.
        args: Vec<Id>,
    },
}

impl Op {
    /// The operation's name in the text form.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Input { .. } => "input",
            Op::Const(_) => "const",
            Op::Dot { .. } => "dot",
            Op::Add { .. } => "add",
            Op::Mul(..) => "mul",
            Op::Scale(..) => "scale",
            Op::Floor(..) => "floor",
            Op::Wrap { .. } => "wrap",
            Op::Max(..) => "max",
            Op::Min(..) => "min",
            Op::Select { .. } => "select",
            Op::Table { .. } => "table",
        }
    }

    /// The operands, in order.
    pub fn args(&self) -> impl Iterator<Item = Id> + '_ {
        let mut few: [Option<Id>; 3] = [None; 3];
        let (mut factors, mut sum, mut many): (&[(Id, Fixed)], &[Term], &[Id]) = (&[], &[], &[]);
        match self {
            Op::Input { .. } | Op::Const(_) => {}
            Op::Dot { terms, .. } => factors = terms,
            Op::Add { terms, .. } => sum = terms,
            Op::Table { args, .. } => many = args,
            Op::Scale(arg, _) | Op::Floor(arg, _) | Op::Wrap { arg, .. } => few[0] = Some(*arg),
            Op::Mul(a, b) | Op::Max(a, b) | Op::Min(a, b) => few = [Some(*a), Some(*b), None],
            Op::Select { sign_of, negative, otherwise } => few = [Some(*sign_of), Some(*negative), Some(*otherwise)],
        }
        let factors = factors.iter().map(|(id, _)| *id);
        few.into_iter().flatten().chain(factors).chain(sum.iter().map(|term| term.id)).chain(many.iter().copied())
    }

    /// The same operation on other operands.
    pub fn map(&self, mut f: impl FnMut(Id) -> Id) -> Op {
        let mut op = self.clone();
        match &mut op {
            Op::Input { .. } | Op::Const(_) => {}
            Op::Dot { terms, .. } => terms.iter_mut().for_each(|(id, _)| *id = f(*id)),
            Op::Add { terms, .. } => terms.iter_mut().for_each(|term| term.id = f(term.id)),
            Op::Table { args, .. } => args.iter_mut().for_each(|id| *id = f(*id)),
            Op::Scale(arg, _) | Op::Floor(arg, _) | Op::Wrap { arg, .. } => *arg = f(*arg),
            Op::Mul(a, b) | Op::Max(a, b) | Op::Min(a, b) => (*a, *b) = (f(*a), f(*b)),
            Op::Select { sign_of, negative, otherwise } => {
                (*sign_of, *negative, *otherwise) = (f(*sign_of), f(*negative), f(*otherwise));
            }
        }
        op
    }

    /// Interval arithmetic: a bound of the result from bounds of the operands; `None` beyond 127 bits.
    /// An input's range is its port's business.
    pub fn range(&self, of: impl Fn(Id) -> Range, tables: &[Table]) -> Option<Range> {
        match self {
            Op::Input { .. } => None,
            Op::Const(value) => Some(Range::point(*value)),
            Op::Dot { terms, constant } => sum(terms.iter().map(|(id, factor)| (of(*id), *factor)), *constant),
            Op::Add { terms, constant } => sum(terms.iter().map(|term| (of(term.id), term.factor())), *constant),
            Op::Mul(a, b) => Range::mul(of(*a), of(*b)),
            Op::Scale(a, shift) => Some(Range { exp: of(*a).exp + shift, ..of(*a) }),
            Op::Floor(a, p) => Some(floor_range(of(*a), *p)),
            Op::Wrap { arg, top, signed } => wrap_range(of(*arg), *top, *signed),
            Op::Max(a, b) => {
                let (a, b) = Range::aligned(of(*a), of(*b))?;
                Some(Range { lo: a.lo.max(b.lo), hi: a.hi.max(b.hi), exp: a.exp })
            }
            Op::Min(a, b) => {
                let (a, b) = Range::aligned(of(*a), of(*b))?;
                Some(Range { lo: a.lo.min(b.lo), hi: a.hi.min(b.hi), exp: a.exp })
            }
            Op::Select { negative, otherwise, .. } => Range::union(of(*negative), of(*otherwise)),
            Op::Table { table, .. } => {
                let table = tables.get(*table as usize)?;
                let known = || table.entries.iter().flatten().copied();
                Some(Range { lo: known().min()?, hi: known().max()?, exp: table.exp })
            }
        }
    }

    /// The value for exact operands; `None` beyond 127 bits or outside a table. Inputs have no value of their own.
    pub fn eval(&self, of: impl Fn(Id) -> Fixed, tables: &[Table]) -> Option<Fixed> {
        match self {
            Op::Input { .. } => None,
            Op::Const(value) => Some(*value),
            Op::Dot { terms, constant } => {
                terms.iter().try_fold(*constant, |sum, (id, factor)| sum.add(of(*id).mul(*factor)?))
            }
            Op::Add { terms, constant } => {
                terms.iter().try_fold(*constant, |sum, term| sum.add(of(term.id).mul(term.factor())?))
            }
            Op::Mul(a, b) => of(*a).mul(of(*b)),
            Op::Scale(a, shift) => Some(of(*a).scale(*shift)),
            Op::Floor(a, p) => Some(floor(of(*a), *p)),
            Op::Wrap { arg, top, signed } => wrap_value(of(*arg), *top, *signed),
            Op::Max(a, b) => Some(of(*a).max(of(*b))),
            Op::Min(a, b) => Some(of(*a).min(of(*b))),
            Op::Select { sign_of, negative, otherwise } => {
                Some(if of(*sign_of) < Fixed::ZERO { of(*negative) } else { of(*otherwise) })
            }
            Op::Table { table, args } => {
                let table = tables.get(*table as usize)?;
                let point: Option<Vec<i128>> =
                    args.iter().zip(&table.domains).map(|(arg, domain)| of(*arg).at(domain.exp)).collect();
                Some(table.value(table.index(&point?)?))
            }
        }
    }
}

/// The exact range of `constant + sum(range * factor)` for independent operands.
pub(super) fn sum(terms: impl Iterator<Item = (Range, Fixed)>, constant: Fixed) -> Option<Range> {
    let mut total: Option<Range> = None;
    for (range, factor) in terms {
        let product = range.times(factor)?;
        total = Some(match total {
            Some(total) => Range::add(total, product)?,
            None => product,
        });
    }
    match total {
        Some(total) if constant.is_zero() => Some(total),
        Some(total) => Range::add(total, Range::point(constant)),
        None => Some(Range::point(constant)),
    }
}

fn floor(value: Fixed, p: i32) -> Fixed {
    if value.is_zero() || value.exponent() >= p {
        return value;
    }
    let drop = (p - value.exponent()).min(127) as u32;
    Fixed::new(value.mantissa() >> drop, p)
}

fn floor_range(range: Range, p: i32) -> Range {
    if range.exp >= p {
        return range;
    }
    let drop = (p - range.exp).min(127) as u32;
    Range { lo: range.lo >> drop, hi: range.hi >> drop, exp: p }
}

fn wrap_value(value: Fixed, top: i32, signed: bool) -> Option<Fixed> {
    let width = top - value.exponent();
    match width {
        _ if value.is_zero() || width <= 0 => Some(Fixed::ZERO),
        1..=127 => Some(Fixed::new(wrap(value.mantissa(), width as u32, signed), value.exponent())),
        _ => None,
    }
}

fn wrap_range(range: Range, top: i32, signed: bool) -> Option<Range> {
    let width = top - range.exp;
    if width <= 0 {
        return Some(Range { lo: 0, hi: 0, exp: range.exp });
    }
    if width > 126 {
        return None;
    }
    let modulus = 1i128 << width;
    let offset = if signed { modulus >> 1 } else { 0 };
    let periods = |n: i128| (n + offset) >> width;
    if periods(range.lo) == periods(range.hi) {
        let shift = periods(range.lo) << width;
        return Some(Range { lo: range.lo - shift, hi: range.hi - shift, exp: range.exp });
    }
    Some(Range { lo: -offset, hi: modulus - offset - 1, exp: range.exp })
}
