//! Expressions by the rules of IEEE 1364-2005, section 5: sizes and signs come from the context, operands are extended to it.

use super::constant::{self, Constant};
use super::elaborate::wrong;
use super::syntax::Expr;
use crate::error::{Error, Result};
use crate::fixed::Fixed;
use crate::proof::{Form, Space, Vector, vector};

/// Bits, and how many registers are between the top's inputs and them; nothing for a constant.
#[derive(Clone, Debug)]
pub struct Value {
    /// The bits.
    pub vector: Vector,
    /// Registers on every path to them.
    pub stage: Option<u32>,
}

/// What names stand for.
pub trait Names {
    /// A parameter's value.
    fn constant(&self, scope: usize, name: &str) -> Option<Constant>;
    /// Bits of a net, the number of the lowest, and whether it is signed.
    fn shape(&self, scope: usize, name: &str) -> Option<(u32, u32, bool)>;
    /// The value of a net.
    fn read(&mut self, space: &mut Space, scope: usize, name: &str) -> Result<Value>;
}

/// What the space cannot express.
pub fn beyond() -> Error {
    Error::bug("not proved: a value has no canonical form within the proof's limits")
}

/// One number of registers on every path.
pub fn together(a: Option<u32>, b: Option<u32>) -> Result<Option<u32>> {
    match (a, b) {
        (Some(a), Some(b)) if a != b => Err(wrong(format!("values {a} and {b} registers behind the inputs meet"))),
        _ => Ok(a.or(b)),
    }
}

/// The size and sign that an expression has by itself.
///
/// # Errors
/// A name that is not declared.
pub fn size(names: &impl Names, scope: usize, expr: &Expr) -> Result<(u32, bool)> {
    let unknown = |name: &str| wrong(format!("`{name}` is not declared"));
    Ok(match expr {
        Expr::Number { bits, sized } => (bits.len() as u32, !sized),
        Expr::Name(name) => match names.constant(scope, name) {
            Some(constant) => (constant.bits.len() as u32, constant.signed),
            None => names.shape(scope, name).map(|(width, _, signed)| (width, signed)).ok_or_else(|| unknown(name))?,
        },
        Expr::Index(..) => (1, false),
        Expr::Slice(_, high, low) => {
            let (high, low) = (number(names, scope, high)?, number(names, scope, low)?);
            (high.checked_sub(low).ok_or_else(|| wrong("a range is not a range"))? + 1, false)
        }
        Expr::Concat(items) => (widths(names, scope, items)?, false),
        Expr::Repeat(count, items) => {
            let width = widths(names, scope, items)?.checked_mul(number(names, scope, count)?);
            (width.ok_or_else(|| wrong("a repetition is too long"))?, false)
        }
        Expr::Sign(signed, inner) => (size(names, scope, inner)?.0, *signed),
        Expr::Unary("-" | "~", inner) => size(names, scope, inner)?,
        Expr::Unary(..) => (1, false),
        Expr::Binary("+" | "-" | "*" | "/" | "&" | "|" | "^", a, b) => {
            let ((a, x), (b, y)) = (size(names, scope, a)?, size(names, scope, b)?);
            (a.max(b), x && y)
        }
        Expr::Binary("<<" | ">>", a, _) => size(names, scope, a)?,
        Expr::Binary(..) => (1, false),
        Expr::Choose(_, a, b) => {
            let ((a, x), (b, y)) = (size(names, scope, a)?, size(names, scope, b)?);
            (a.max(b), x && y)
        }
    })
}

fn widths(names: &impl Names, scope: usize, items: &[Expr]) -> Result<u32> {
    let mut all = 0u32;
    for item in items {
        all = all.checked_add(size(names, scope, item)?.0).ok_or_else(|| wrong("a concatenation is too long"))?;
    }
    Ok(all)
}

/// A constant index.
fn number(names: &impl Names, scope: usize, expr: &Expr) -> Result<u32> {
    match expr {
        Expr::Number { bits, .. } if bits.len() <= 32 => {
            Ok(bits.iter().rev().fold(0, |number, bit| number << 1 | *bit as u32))
        }
        _ => {
            let mut found = constant::Constants::new();
            gather(names, scope, expr, &mut found);
            constant::number(&found, expr)
        }
    }
}

/// The parameters that an expression names.
fn gather(names: &impl Names, scope: usize, expr: &Expr, found: &mut constant::Constants) {
    match expr {
        Expr::Number { .. } => {}
        Expr::Name(name) => {
            found.extend(names.constant(scope, name).map(|value| (name.clone(), value)));
        }
        Expr::Index(name, at) => {
            found.extend(names.constant(scope, name).map(|value| (name.clone(), value)));
            gather(names, scope, at, found);
        }
        Expr::Slice(name, a, b) => {
            found.extend(names.constant(scope, name).map(|value| (name.clone(), value)));
            gather(names, scope, a, found);
            gather(names, scope, b, found);
        }
        Expr::Concat(items) => items.iter().for_each(|item| gather(names, scope, item, found)),
        Expr::Repeat(count, items) => {
            gather(names, scope, count, found);
            items.iter().for_each(|item| gather(names, scope, item, found));
        }
        Expr::Sign(_, inner) | Expr::Unary(_, inner) => gather(names, scope, inner, found),
        Expr::Binary(_, a, b) => {
            gather(names, scope, a, found);
            gather(names, scope, b, found);
        }
        Expr::Choose(a, b, c) => [a, b, c].into_iter().for_each(|inner| gather(names, scope, inner, found)),
    }
}

/// An expression by itself.
fn alone(space: &mut Space, names: &mut impl Names, scope: usize, expr: &Expr) -> Result<Value> {
    let (width, signed) = size(names, scope, expr)?;
    expression(space, names, scope, expr, width, signed)
}

/// An expression where its context has a size and a sign.
///
/// # Errors
/// A name that is not declared, paths of different lengths that meet, a value that the space cannot express.
pub fn expression(
    space: &mut Space,
    names: &mut impl Names,
    scope: usize,
    expr: &Expr,
    width: u32,
    signed: bool,
) -> Result<Value> {
    let mut inner = |space: &mut Space, expr: &Expr| expression(space, names, scope, expr, width, signed);
    match expr {
        Expr::Unary("-", a) => {
            let a = inner(space, a)?;
            let whole = vector::joined(space, &a.vector).and_then(|whole| whole.value.times(Fixed::ONE.negate()));
            Ok(Value { vector: vector::piece(whole.ok_or_else(beyond)?, width), ..a })
        }
        Expr::Unary("~", a) => {
            let a = inner(space, a)?;
            Ok(Value { vector: vector::inverted(&a.vector).ok_or_else(beyond)?, ..a })
        }
        Expr::Binary(mark @ ("+" | "-" | "*" | "/"), a, b) => {
            let (a, b) = (inner(space, a)?, inner(space, b)?);
            let stage = together(a.stage, b.stage)?;
            let value = arithmetic(space, mark, &a.vector, &b.vector).ok_or_else(beyond)?;
            Ok(Value { vector: vector::piece(value, width), stage })
        }
        Expr::Binary(mark @ ("&" | "|" | "^"), a, b) => {
            let (a, b) = (inner(space, a)?, inner(space, b)?);
            let stage = together(a.stage, b.stage)?;
            Ok(Value { vector: vector::bitwise(space, mark, &a.vector, &b.vector).ok_or_else(beyond)?, stage })
        }
        Expr::Choose(condition, yes, no) => {
            let (yes, no) = (inner(space, yes)?, inner(space, no)?);
            let (condition, stage) = truth(space, names, scope, condition)?;
            let stage = together(stage, together(yes.stage, no.stage)?)?;
            let chosen = vector::chosen(space, &condition, &yes.vector, &no.vector);
            Ok(Value { vector: chosen.ok_or_else(beyond)?, stage })
        }
        Expr::Binary(mark @ ("<<" | ">>"), a, by) => {
            let by = number(names, scope, by)?.min(width);
            let a = expression(space, names, scope, a, width, signed)?;
            let vector = if *mark == "<<" {
                let mut low = vector::piece(Form::default(), by);
                low.extend(vector::slice(space, &a.vector, 0, width - by).ok_or_else(beyond)?);
                low
            } else {
                let high = vector::slice(space, &a.vector, by, width - by).ok_or_else(beyond)?;
                vector::resized(space, &high, width, false).ok_or_else(beyond)?
            };
            Ok(Value { vector, ..a })
        }
        _ => {
            let value = operand(space, names, scope, expr)?;
            let vector = vector::resized(space, &value.vector, width, signed).ok_or_else(beyond)?;
            Ok(Value { vector, ..value })
        }
    }
}

fn arithmetic(space: &mut Space, mark: &str, a: &Vector, b: &Vector) -> Option<Form> {
    let (a, b) = (vector::joined(space, a)?, vector::joined(space, b)?);
    match mark {
        "+" => space.plus(&a.value, &b.value, Fixed::ONE),
        "-" => space.plus(&a.value, &b.value, Fixed::ONE.negate()),
        "*" => {
            let top = a.width as i32;
            let (x, y) = (space.modulo(&a.value, top)?, space.modulo(&b.value, top)?);
            space.mul(&x, &y)
        }
        _ => None,
    }
}

/// Whether an expression is not 0.
fn truth(space: &mut Space, names: &mut impl Names, scope: usize, expr: &Expr) -> Result<(Form, Option<u32>)> {
    let value = alone(space, names, scope, expr)?;
    Ok((vector::any(space, &value.vector).ok_or_else(beyond)?, value.stage))
}

/// What has a size of its own: names, bits of them, concatenations, and all that gives one bit.
fn operand(space: &mut Space, names: &mut impl Names, scope: usize, expr: &Expr) -> Result<Value> {
    match expr {
        Expr::Number { bits, .. } => Ok(Value { vector: vector::from_bits(bits), stage: None }),
        Expr::Name(name) => match names.constant(scope, name) {
            Some(constant) => Ok(Value { vector: vector::from_bits(&constant.bits), stage: None }),
            None => names.read(space, scope, name),
        },
        Expr::Index(name, at) => index(space, names, scope, name, at),
        Expr::Slice(name, high, low) => {
            let (high, low) = (number(names, scope, high)?, number(names, scope, low)?);
            let base = names.shape(scope, name).map_or(0, |(_, base, _)| base);
            let whole = operand(space, names, scope, &Expr::Name(name.clone()))?;
            cut(space, name, whole, low.checked_sub(base), high.checked_sub(low).map(|span| span + 1))
        }
        Expr::Concat(items) => {
            let mut all = Value { vector: Vec::new(), stage: None };
            let mut rest = &items[..];
            while let Some((last, _)) = rest.split_last() {
                let columns = columns(names, scope, rest);
                let item = match columns.len() {
                    0 | 1 => alone(space, names, scope, last)?,
                    _ => table(space, names, scope, &columns, last)?,
                };
                rest = &rest[..rest.len() - columns.len().max(1)];
                all.vector.extend(item.vector);
                all.stage = together(all.stage, item.stage)?;
            }
            Ok(all)
        }
        Expr::Repeat(count, items) => {
            let count = number(names, scope, count)?;
            let once = operand(space, names, scope, &Expr::Concat(items.clone()))?;
            if count > 1 << 16 {
                return Err(wrong("a repetition is too long"));
            }
            let all = (0..count).flat_map(|_| once.vector.iter().cloned()).collect();
            Ok(Value { vector: all, ..once })
        }
        Expr::Sign(_, inner) => alone(space, names, scope, inner),
        Expr::Unary(mark @ ("|" | "&" | "!"), inner) => {
            let value = alone(space, names, scope, inner)?;
            let bit = match *mark {
                "&" => vector::all(space, &value.vector),
                _ => vector::any(space, &value.vector),
            };
            let bit = bit.ok_or_else(beyond)?;
            let bit = if *mark == "!" { negated(&bit).ok_or_else(beyond)? } else { bit };
            Ok(Value { vector: vector::piece(bit, 1), ..value })
        }
        Expr::Binary(mark @ ("&&" | "||"), a, b) => {
            let ((a, x), (b, y)) = (truth(space, names, scope, a)?, truth(space, names, scope, b)?);
            let bits = (vector::piece(a, 1), vector::piece(b, 1));
            let vector = vector::bitwise(space, &mark[..1], &bits.0, &bits.1).ok_or_else(beyond)?;
            Ok(Value { vector, stage: together(x, y)? })
        }
        Expr::Binary(mark, a, b) => compare(space, names, scope, mark, a, b),
        Expr::Unary(mark, _) => Err(wrong(format!("`{mark}` of one operand is not expected"))),
        Expr::Choose(..) => Err(wrong("a choice has no size of its own")),
    }
}

fn negated(bit: &Form) -> Option<Form> {
    bit.times(Fixed::ONE.negate())?.offset(Fixed::ONE)
}

fn cut(space: &mut Space, name: &str, whole: Value, lo: Option<u32>, count: Option<u32>) -> Result<Value> {
    let inside = lo.zip(count).filter(|(lo, count)| lo + count <= vector::width(&whole.vector));
    let (lo, count) = inside.ok_or_else(|| wrong(format!("`{name}` has no such bits")))?;
    let vector = vector::slice(space, &whole.vector, lo, count).ok_or_else(beyond)?;
    Ok(Value { vector, ..whole })
}

/// A bit of a net, or of a constant where the index may be anything: a table.
fn index(space: &mut Space, names: &mut impl Names, scope: usize, name: &str, at: &Expr) -> Result<Value> {
    if let Some(constant) = names.constant(scope, name) {
        let whole = Expr::Index(name.into(), Box::new(at.clone()));
        return table(space, names, scope, &[constant], &whole);
    }
    let base = names.shape(scope, name).map_or(0, |(_, base, _)| base);
    let at = number(names, scope, at)?.checked_sub(base);
    let whole = names.read(space, scope, name)?;
    cut(space, name, whole, at, Some(1))
}

/// The constants of which the last items of a concatenation are the bits at one and the same index, lowest first.
fn columns(names: &impl Names, scope: usize, items: &[Expr]) -> Vec<Constant> {
    let mut found = Vec::new();
    let mut index = None;
    for item in items.iter().rev() {
        let Expr::Index(name, at) = item else { break };
        let Some(constant) = names.constant(scope, name) else { break };
        if index.is_some_and(|index| index != at) || found.len() == 64 {
            break;
        }
        index = Some(at);
        found.push(constant);
    }
    found
}

/// The bits of constants at one index, which may be anything.
fn table(space: &mut Space, names: &mut impl Names, scope: usize, columns: &[Constant], item: &Expr) -> Result<Value> {
    let Expr::Index(_, at) = item else { return Err(wrong("a table without an index")) };
    let at = alone(space, names, scope, at)?;
    let code = vector::number(space, &at.vector, false).ok_or_else(beyond)?;
    let count = columns.iter().map(|column| column.bits.len()).min().unwrap_or(0);
    let entry = |place: usize| columns.iter().rev().fold(0, |all, column| all << 1 | column.bits[place] as i128);
    let entries: Vec<i128> = (0..count).map(entry).collect();
    let value = space.lookup(&code, &entries, columns.len() as u32).ok_or_else(beyond)?;
    Ok(Value { vector: vector::piece(value, columns.len() as u32), ..at })
}

fn compare(space: &mut Space, names: &mut impl Names, scope: usize, mark: &str, a: &Expr, b: &Expr) -> Result<Value> {
    let ((m, x), (n, y)) = (size(names, scope, a)?, size(names, scope, b)?);
    let (width, signed) = (m.max(n), x && y);
    let a = expression(space, names, scope, a, width, signed)?;
    let b = expression(space, names, scope, b, width, signed)?;
    let stage = together(a.stage, b.stage)?;
    let (a, b) = if matches!(mark, ">" | "<=") { (b, a) } else { (a, b) };
    let bit = match mark {
        "<" | ">" => vector::less(space, &a.vector, &b.vector, signed),
        "<=" | ">=" => vector::less(space, &a.vector, &b.vector, signed).and_then(|bit| negated(&bit)),
        "==" | "!=" => {
            let difference = arithmetic(space, "-", &a.vector, &b.vector);
            let any = difference.and_then(|value| vector::any(space, &vector::piece(value, width)));
            any.and_then(|any| if mark == "==" { negated(&any) } else { Some(any) })
        }
        _ => return Err(wrong(format!("`{mark}` is not expected"))),
    };
    Ok(Value { vector: vector::piece(bit.ok_or_else(beyond)?, 1), stage })
}
