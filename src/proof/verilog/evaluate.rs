//! Expressions by the rules of IEEE 1364-2005, section 5: sizes and signs come from the context, operands are extended to it.

use super::constant::{self, Constant};
use super::elaborate::wrong;
use super::syntax::Expr;
use crate::error::{Error, Result};
use crate::proof::logic::{Bit, Logic, Word, ZERO};

/// Bits, and how many registers are between the top's inputs and them; nothing for a constant.
#[derive(Clone, Debug)]
pub struct Value {
    /// The bits.
    pub word: Word,
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
    fn read(&mut self, logic: &mut Logic, scope: usize, name: &str) -> Result<Value>;
}

/// What is too wide.
pub fn beyond() -> Error {
    Error::bug("not proved: a sum or a product is beyond 120 bits")
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
fn alone(logic: &mut Logic, names: &mut impl Names, scope: usize, expr: &Expr) -> Result<Value> {
    let (width, signed) = size(names, scope, expr)?;
    expression(logic, names, scope, expr, width, signed)
}

/// An expression where its context has a size and a sign.
///
/// # Errors
/// A name that is not declared, paths of different lengths that meet, a value that the space cannot express.
pub fn expression(
    logic: &mut Logic,
    names: &mut impl Names,
    scope: usize,
    expr: &Expr,
    width: u32,
    signed: bool,
) -> Result<Value> {
    let mut inner = |logic: &mut Logic, expr: &Expr| expression(logic, names, scope, expr, width, signed);
    match expr {
        Expr::Unary("-", a) => {
            let a = inner(logic, a)?;
            let zero = Word::constant(&vec![false; width as usize]);
            Ok(Value { word: logic.plus(&zero, &a.word, -1).ok_or_else(beyond)?, ..a })
        }
        Expr::Unary("~", a) => {
            let a = inner(logic, a)?;
            Ok(Value { word: inverted(logic, &a.word), ..a })
        }
        Expr::Binary(mark @ ("+" | "-" | "*" | "/"), a, b) => {
            let (a, b) = (inner(logic, a)?, inner(logic, b)?);
            let stage = together(a.stage, b.stage)?;
            let word = match *mark {
                "+" => logic.plus(&a.word, &b.word, 1),
                "-" => logic.plus(&a.word, &b.word, -1),
                "*" => logic.times(&a.word, &b.word),
                _ => return Err(wrong("`/` is not expected")),
            };
            Ok(Value { word: word.ok_or_else(beyond)?, stage })
        }
        Expr::Binary(mark @ ("&" | "|" | "^"), a, b) => {
            let (a, b) = (inner(logic, a)?, inner(logic, b)?);
            let stage = together(a.stage, b.stage)?;
            Ok(Value { word: bitwise(logic, mark, &a.word, &b.word), stage })
        }
        Expr::Choose(condition, yes, no) => {
            let (yes, no) = (inner(logic, yes)?, inner(logic, no)?);
            let (condition, stage) = truth(logic, names, scope, condition)?;
            let stage = together(stage, together(yes.stage, no.stage)?)?;
            let (yes, no) = (logic.bits(&yes.word), logic.bits(&no.word));
            Ok(Value { word: Word::Bits(logic.chosen(condition, &yes, &no)), stage })
        }
        Expr::Binary(mark @ ("<<" | ">>"), a, by) => {
            let by = number(names, scope, by)?.min(width);
            let a = expression(logic, names, scope, a, width, signed)?;
            let (mut bits, zeros) = (logic.bits(&a.word), vec![ZERO; by as usize]);
            if *mark == "<<" {
                bits.splice(0..0, zeros);
                bits.truncate(width as usize);
            } else {
                bits.drain(..by as usize);
                bits.extend(zeros);
            }
            Ok(Value { word: Word::Bits(bits), ..a })
        }
        _ => {
            let value = operand(logic, names, scope, expr)?;
            let word = logic.resized(value.word, width, signed).ok_or_else(beyond)?;
            Ok(Value { word, stage: value.stage })
        }
    }
}

fn inverted(logic: &mut Logic, word: &Word) -> Word {
    Word::Bits(logic.bits(word).into_iter().map(|bit| bit ^ 1).collect())
}

fn bitwise(logic: &mut Logic, mark: &str, a: &Word, b: &Word) -> Word {
    let (a, b) = (logic.bits(a), logic.bits(b));
    let gate = |(a, b): (&Bit, &Bit)| match mark {
        "&" => logic.and(*a, *b),
        "|" => logic.or(*a, *b),
        _ => logic.xor(*a, *b),
    };
    Word::Bits(a.iter().zip(&b).map(gate).collect())
}

/// Whether an expression is not 0.
fn truth(logic: &mut Logic, names: &mut impl Names, scope: usize, expr: &Expr) -> Result<(Bit, Option<u32>)> {
    let value = alone(logic, names, scope, expr)?;
    let bits = logic.bits(&value.word);
    Ok((logic.any(&bits), value.stage))
}

/// What has a size of its own: names, bits of them, concatenations, and all that gives one bit.
fn operand(logic: &mut Logic, names: &mut impl Names, scope: usize, expr: &Expr) -> Result<Value> {
    match expr {
        Expr::Number { bits, .. } => Ok(Value { word: Word::constant(bits), stage: None }),
        Expr::Name(name) => match names.constant(scope, name) {
            Some(constant) => Ok(Value { word: Word::constant(&constant.bits), stage: None }),
            None => names.read(logic, scope, name),
        },
        Expr::Index(name, at) => index(logic, names, scope, name, at),
        Expr::Slice(name, high, low) => {
            let (high, low) = (number(names, scope, high)?, number(names, scope, low)?);
            let base = names.shape(scope, name).map_or(0, |(_, base, _)| base);
            let whole = operand(logic, names, scope, &Expr::Name(name.clone()))?;
            cut(name, whole, low.checked_sub(base), high.checked_sub(low).map(|span| span + 1))
        }
        Expr::Concat(items) => {
            let (mut all, mut stage) = (Vec::new(), None);
            let mut rest = &items[..];
            while let Some((last, _)) = rest.split_last() {
                let columns = columns(names, scope, rest);
                let item = match columns.len() {
                    0 | 1 => alone(logic, names, scope, last)?,
                    _ => table(logic, names, scope, &columns, last)?,
                };
                rest = &rest[..rest.len() - columns.len().max(1)];
                stage = together(stage, item.stage)?;
                all.push(item.word);
            }
            Ok(Value { word: logic.joined(all).ok_or_else(beyond)?, stage })
        }
        Expr::Repeat(count, items) => {
            let count = number(names, scope, count)?;
            let once = operand(logic, names, scope, &Expr::Concat(items.clone()))?;
            if u64::from(count) * u64::from(once.word.width()) > 1 << 24 {
                return Err(wrong("a repetition is too long"));
            }
            Ok(Value { word: Word::Bits(logic.bits(&once.word).repeat(count as usize)), ..once })
        }
        Expr::Sign(_, inner) => alone(logic, names, scope, inner),
        Expr::Unary(mark @ ("|" | "&" | "!"), inner) => {
            let value = alone(logic, names, scope, inner)?;
            let bits = logic.bits(&value.word);
            let bit = match *mark {
                "&" => logic.any(&bits.iter().map(|bit| bit ^ 1).collect::<Vec<Bit>>()) ^ 1,
                "!" => logic.any(&bits) ^ 1,
                _ => logic.any(&bits),
            };
            Ok(Value { word: Word::bit(bit), ..value })
        }
        Expr::Binary(mark @ ("&&" | "||"), a, b) => {
            let ((a, x), (b, y)) = (truth(logic, names, scope, a)?, truth(logic, names, scope, b)?);
            let bit = if *mark == "&&" { logic.and(a, b) } else { logic.or(a, b) };
            Ok(Value { word: Word::bit(bit), stage: together(x, y)? })
        }
        Expr::Binary(mark, a, b) => compare(logic, names, scope, mark, a, b),
        Expr::Unary(mark, _) => Err(wrong(format!("`{mark}` of one operand is not expected"))),
        Expr::Choose(..) => Err(wrong("a choice has no size of its own")),
    }
}

fn cut(name: &str, whole: Value, lo: Option<u32>, count: Option<u32>) -> Result<Value> {
    let word = lo.zip(count).and_then(|(lo, count)| whole.word.slice(lo, count));
    Ok(Value { word: word.ok_or_else(|| wrong(format!("`{name}` has no such bits")))?, ..whole })
}

/// A bit of a net, or of a constant where the index may be anything: a table.
fn index(logic: &mut Logic, names: &mut impl Names, scope: usize, name: &str, at: &Expr) -> Result<Value> {
    if let Some(constant) = names.constant(scope, name) {
        let whole = Expr::Index(name.into(), Box::new(at.clone()));
        return table(logic, names, scope, &[constant], &whole);
    }
    let base = names.shape(scope, name).map_or(0, |(_, base, _)| base);
    let at = number(names, scope, at)?.checked_sub(base);
    let whole = names.read(logic, scope, name)?;
    cut(name, whole, at, Some(1))
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
fn table(logic: &mut Logic, names: &mut impl Names, scope: usize, columns: &[Constant], item: &Expr) -> Result<Value> {
    let Expr::Index(_, at) = item else { return Err(wrong("a table without an index")) };
    let at = alone(logic, names, scope, at)?;
    let index = logic.bits(&at.word);
    let bits = columns.iter().map(|column| logic.entry(&index, &column.bits)).collect();
    Ok(Value { word: Word::Bits(bits), ..at })
}

fn compare(logic: &mut Logic, names: &mut impl Names, scope: usize, mark: &str, a: &Expr, b: &Expr) -> Result<Value> {
    let ((m, x), (n, y)) = (size(names, scope, a)?, size(names, scope, b)?);
    let (width, signed) = (m.max(n), x && y);
    let a = expression(logic, names, scope, a, width, signed)?;
    let b = expression(logic, names, scope, b, width, signed)?;
    let stage = together(a.stage, b.stage)?;
    let (a, b) = if matches!(mark, ">" | "<=") { (b, a) } else { (a, b) };
    let (a, b) = (logic.bits(&a.word), logic.bits(&b.word));
    let bit = match mark {
        "<" | ">" => logic.less(&a, &b, signed),
        "<=" | ">=" => logic.less(&a, &b, signed) ^ 1,
        "==" | "!=" => {
            let different: Vec<Bit> = a.iter().zip(&b).map(|(a, b)| logic.xor(*a, *b)).collect();
            logic.any(&different) ^ (mark == "==") as Bit
        }
        _ => return Err(wrong(format!("`{mark}` is not expected"))),
    };
    Ok(Value { word: Word::bit(bit), stage })
}
