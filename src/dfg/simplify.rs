//! Identities applied while a node is built, each with its equation above it.
//!
//! Laws for rules: the right side is never worse (not wider, not slower, not more nodes) than the left; a rule looks at
//! the node and its operands only, never at its users; ranges decide, so a rule holds for all values of the operands.

use super::{Builder, Id, Op, Term};
use crate::error::Result;
use crate::fixed::Fixed;

/// What a node turned out to be.
pub enum Simple {
    /// A node that is there already.
    Is(Id),
    /// A node to be made.
    Keep(Op),
}

use Simple::{Is, Keep};

/// Applies the first rule that fits.
pub fn simplify(b: &mut Builder, op: Op) -> Result<Simple> {
    // op(constants) == constant
    if let Some(value) = fold(b, &op) {
        return b.constant(value).map(Is);
    }
    match op {
        Op::Dot { terms, constant } => dot(b, terms, constant),
        Op::Add { terms, constant } => add(b, terms, constant),
        Op::Mul(x, y) => mul(b, x, y),
        Op::Scale(x, shift) => scale(b, x, shift),
        Op::Floor(x, p) => floor(b, x, p),
        Op::Wrap { arg, top, signed } => wrap(b, arg, top, signed),
        Op::Max(x, y) => max(b, x, y),
        Op::Min(x, y) => min(b, x, y),
        Op::Select { sign_of, negative, otherwise } => select(b, sign_of, negative, otherwise),
        Op::Table { table, args } => super::tables::table(b, table, args),
        Op::Input { .. } | Op::Const(_) => Ok(Keep(op)),
    }
}

fn fold(b: &Builder, op: &Op) -> Option<Fixed> {
    let constant = !matches!(op, Op::Const(_) | Op::Input { .. }) && op.args().all(|arg| b.constant_of(arg).is_some());
    constant.then(|| op.eval(|id| b.constant_of(id).unwrap_or(Fixed::ZERO), &b.dfg().tables))?
}

fn dot(b: &mut Builder, terms: Vec<(Id, Fixed)>, constant: Fixed) -> Result<Simple> {
    let (terms, constant) = b.gather(terms, constant)?;
    // c1 x + c2 == ± x * 2^s + c2, for c1 a power of two
    if let [(id, factor)] = terms[..]
        && factor.mantissa().abs() == 1
    {
        let term = Term { id, shift: factor.exponent(), negative: factor.mantissa() < 0 };
        return b.add(vec![term], constant).map(Is);
    }
    Ok(Keep(Op::Dot { terms, constant }))
}

fn add(b: &mut Builder, terms: Vec<Term>, constant: Fixed) -> Result<Simple> {
    let factors: Vec<_> = terms.iter().map(|term| (term.id, term.factor())).collect();
    let (mut factors, constant) = b.gather(factors, constant)?;
    // x + 2x == 3x is no shifted operand: such terms stay apart
    if factors.iter().any(|(_, factor)| factor.mantissa().abs() != 1) {
        factors = terms.iter().map(|term| descaled(b, term)).filter(|(id, _)| b.constant_of(*id).is_none()).collect();
    }
    let mut terms: Vec<Term> = factors
        .iter()
        .map(|(id, factor)| Term { id: *id, shift: factor.exponent(), negative: factor.mantissa() < 0 })
        .collect();
    // plus before minus, so that a sum prints and maps as `a - b`
    terms.sort_by_key(|term| (term.negative, term.id, term.shift));
    if let [term] = terms[..] {
        // x * 2^s + 0 == scale(x, s)
        if constant.is_zero() && !term.negative {
            return b.scale(term.id, term.shift).map(Is);
        }
        if let Some(id) = lone(b, term, constant)? {
            return Ok(Is(id));
        }
    }
    Ok(Keep(Op::Add { terms, constant }))
}

/// A term's operand and factor, through a scale.
fn descaled(b: &Builder, term: &Term) -> (Id, Fixed) {
    match b.op(term.id) {
        Op::Scale(arg, shift) => (*arg, term.factor().scale(*shift)),
        _ => (term.id, term.factor()),
    }
}

/// A constant added to one operand moves into the operand where that costs nothing.
fn lone(b: &mut Builder, term: Term, constant: Fixed) -> Result<Option<Id>> {
    let factor = term.factor();
    let times = |b: &Builder, value: Fixed| value.mul(factor).ok_or_else(|| b.too_wide());
    match b.op(term.id).clone() {
        // f (sum + c1) + c2 == f sum + (f c1 + c2)
        Op::Dot { terms, constant: inner } => {
            let scaled: Option<Vec<_>> = terms.iter().map(|(id, c)| Some((*id, c.mul(factor)?))).collect();
            let scaled = scaled.ok_or_else(|| b.too_wide())?;
            let total = times(b, inner)?.add(constant).ok_or_else(|| b.too_wide())?;
            b.instead_of(term.id, |b| b.dot(scaled, total)).map(Some)
        }
        // the same for a sum of one operand; a longer one may be shared, and a third operand is dearer than a second sum
        Op::Add { terms, constant: inner } if terms.len() == 1 => {
            let flip = |t: Term| Term { id: t.id, shift: t.shift + term.shift, negative: t.negative != term.negative };
            let total = times(b, inner)?.add(constant).ok_or_else(|| b.too_wide())?;
            b.add(terms.into_iter().map(flip).collect(), total).map(Some)
        }
        // max(x, c1) * 2^s + c2 == max(x * 2^s + c2, c1 * 2^s + c2): rounding meets the sum below the ReLU
        Op::Max(x, bound) if !term.negative && b.constant_of(bound).is_some() => {
            let x = b.add(vec![Term { id: x, ..term }], constant)?;
            let bound = b.add(vec![Term { id: bound, ..term }], constant)?;
            b.instead_of(term.id, |b| b.max(x, bound)).map(Some)
        }
        _ => Ok(None),
    }
}

fn mul(b: &mut Builder, x: Id, y: Id) -> Result<Simple> {
    let (x, y) = (x.min(y), x.max(y));
    // c * x is a sum of one operand
    match (b.constant_of(x), b.constant_of(y)) {
        (Some(factor), _) => b.dot(vec![(y, factor)], Fixed::ZERO).map(Is),
        (_, Some(factor)) => b.dot(vec![(x, factor)], Fixed::ZERO).map(Is),
        _ => Ok(Keep(Op::Mul(x, y))),
    }
}

fn scale(b: &mut Builder, x: Id, shift: i32) -> Result<Simple> {
    match b.op(x) {
        // scale(x, 0) == x
        _ if shift == 0 => Ok(Is(x)),
        // scale(scale(x, s), t) == scale(x, s + t)
        Op::Scale(inner, first) => {
            let (inner, first) = (*inner, *first);
            b.scale(inner, first + shift).map(Is)
        }
        _ => Ok(Keep(Op::Scale(x, shift))),
    }
}

fn floor(b: &mut Builder, x: Id, p: i32) -> Result<Simple> {
    let range = b.range(x);
    // floor(x, p) == x for x on the grid of p
    if range.exp >= p {
        return Ok(Is(x));
    }
    match b.op(x).clone() {
        // floor(floor(x, q), p) == floor(x, p) for q < p
        Op::Floor(inner, _) => b.floor(inner, p).map(Is),
        // floor(scale(x, s), p) == scale(floor(x, p - s), s)
        Op::Scale(inner, shift) => {
            let low = b.floor(inner, p - shift)?;
            b.scale(low, shift).map(Is)
        }
        // floor(max(x, c), p) == max(floor(x, p), floor(c, p)): it costs nothing and narrows
        Op::Max(arg, bound) if b.constant_of(bound).is_some() => {
            let (arg, bound) = (b.floor(arg, p)?, b.floor(bound, p)?);
            b.instead_of(x, |b| b.max(arg, bound)).map(Is)
        }
        Op::Min(arg, bound) if b.constant_of(bound).is_some() => {
            let (arg, bound) = (b.floor(arg, p)?, b.floor(bound, p)?);
            b.instead_of(x, |b| b.min(arg, bound)).map(Is)
        }
        // floor(sum + c, p) == floor(sum + floor(c, grid of the sum), p)
        Op::Dot { terms, constant } => {
            let grid = terms.iter().map(|(id, factor)| b.range(*id).exp + factor.exponent()).min().unwrap_or(p);
            match coarser(constant, grid.min(p)) {
                Some(constant) => {
                    let sum = b.dot(terms, constant)?;
                    b.floor(sum, p).map(Is)
                }
                None => Ok(Keep(Op::Floor(x, p))),
            }
        }
        Op::Add { terms, constant } => {
            let grid = terms.iter().map(|term| b.range(term.id).exp + term.shift).min().unwrap_or(p);
            match coarser(constant, grid.min(p)) {
                Some(constant) => {
                    let sum = b.add(terms, constant)?;
                    b.floor(sum, p).map(Is)
                }
                None => Ok(Keep(Op::Floor(x, p))),
            }
        }
        _ => Ok(Keep(Op::Floor(x, p))),
    }
}

/// `constant` floored to the grid of `p`, if that changes it.
fn coarser(constant: Fixed, p: i32) -> Option<Fixed> {
    let drop = p - constant.exponent();
    (!constant.is_zero() && drop > 0).then(|| Fixed::new(constant.mantissa() >> drop.min(127), p))
}

fn wrap(b: &mut Builder, arg: Id, top: i32, signed: bool) -> Result<Simple> {
    let range = b.range(arg);
    let half = Fixed::power_of_two(top - 1);
    let (low, high) = if signed { (half.negate(), half) } else { (Fixed::ZERO, half.scale(1)) };
    // wrap(x) == x for x in the period
    if low <= range.low() && range.high() < high {
        return Ok(Is(arg));
    }
    match b.op(arg).clone() {
        // wrap(wrap(x, t), s) == wrap(x, s) for s <= t
        Op::Wrap { arg: inner, top: outer, .. } if top <= outer => b.wrap(inner, top, signed).map(Is),
        // wrap(scale(x, s), t) == scale(wrap(x, t - s), s)
        Op::Scale(inner, shift) => {
            let wrapped = b.wrap(inner, top - shift, signed)?;
            b.scale(wrapped, shift).map(Is)
        }
        _ => Ok(Keep(Op::Wrap { arg, top, signed })),
    }
}

/// Orders a commutative pair: the constant last, else by id.
fn constant_last(b: &Builder, x: Id, y: Id) -> (Id, Id) {
    match (b.constant_of(x).is_some(), b.constant_of(y).is_some()) {
        (true, false) => (y, x),
        (false, true) => (x, y),
        _ => (x.min(y), x.max(y)),
    }
}

fn max(b: &mut Builder, x: Id, y: Id) -> Result<Simple> {
    let (x, y) = constant_last(b, x, y);
    // max(x, y) == x for x >= y everywhere
    if x == y || b.range(x).low() >= b.range(y).high() {
        return Ok(Is(x));
    }
    if b.range(y).low() >= b.range(x).high() {
        return Ok(Is(y));
    }
    // max(max(x, c1), c2) == max(x, max(c1, c2))
    if let (Op::Max(inner, c), true) = (b.op(x).clone(), b.constant_of(y).is_some())
        && b.constant_of(c).is_some()
    {
        let c = b.max(c, y)?;
        return b.max(inner, c).map(Is);
    }
    Ok(Keep(Op::Max(x, y)))
}

fn min(b: &mut Builder, x: Id, y: Id) -> Result<Simple> {
    let (x, y) = constant_last(b, x, y);
    // min(x, y) == x for x <= y everywhere
    if x == y || b.range(x).high() <= b.range(y).low() {
        return Ok(Is(x));
    }
    if b.range(y).high() <= b.range(x).low() {
        return Ok(Is(y));
    }
    // min(min(x, c1), c2) == min(x, min(c1, c2))
    if let (Op::Min(inner, c), true) = (b.op(x).clone(), b.constant_of(y).is_some())
        && b.constant_of(c).is_some()
    {
        let c = b.min(c, y)?;
        return b.min(inner, c).map(Is);
    }
    Ok(Keep(Op::Min(x, y)))
}

fn select(b: &mut Builder, sign_of: Id, negative: Id, otherwise: Id) -> Result<Simple> {
    let range = b.range(sign_of);
    // select(s, x, x) == x; a known sign decides
    if negative == otherwise || range.lo >= 0 {
        return Ok(Is(otherwise));
    }
    if range.hi < 0 {
        return Ok(Is(negative));
    }
    // the sign of scale(x, s) is that of x
    if let Op::Scale(inner, _) = b.op(sign_of) {
        let inner = *inner;
        return b.select(inner, negative, otherwise).map(Is);
    }
    Ok(Keep(Op::Select { sign_of, negative, otherwise }))
}
