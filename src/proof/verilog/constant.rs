//! Constant expressions: parameters, ranges, indices.

use super::elaborate::wrong;
use super::evaluate::{Names, Value, expression, size};
use super::syntax::Expr;
use crate::error::Result;
use crate::proof::logic::Logic;
use std::collections::HashMap;
use std::rc::Rc;

/// A parameter's value.
#[derive(Clone, Debug, PartialEq)]
pub struct Constant {
    /// Its bits, lowest first.
    pub bits: Rc<Vec<bool>>,
    /// Whether it is signed.
    pub signed: bool,
}

/// Parameters by name.
pub type Constants = HashMap<String, Constant>;

impl Constant {
    /// As a parameter with a range of so many bits takes it.
    pub fn resized(self, width: u32) -> Constant {
        if self.bits.len() == width as usize {
            return Constant { signed: false, ..self };
        }
        let fill = self.signed && self.bits.last() == Some(&true);
        let mut bits = self.bits.to_vec();
        bits.resize(width as usize, fill);
        Constant { bits: Rc::new(bits), signed: false }
    }
}

/// Parameters only: no nets.
struct Only<'a>(&'a Constants);

impl Names for Only<'_> {
    fn constant(&self, _: usize, name: &str) -> Option<Constant> {
        self.0.get(name).cloned()
    }

    fn shape(&self, _: usize, _: &str) -> Option<(u32, u32, bool)> {
        None
    }

    fn read(&mut self, _: &mut Logic, _: usize, name: &str) -> Result<Value> {
        Err(wrong(format!("`{name}` is no constant")))
    }
}

/// The value of an expression of parameters.
///
/// # Errors
/// A name that is no parameter.
pub fn value(constants: &Constants, expr: &Expr) -> Result<Constant> {
    if let Expr::Number { bits, sized } = expr {
        return Ok(Constant { bits: bits.clone(), signed: !sized });
    }
    let mut names = Only(constants);
    let (width, signed) = size(&names, 0, expr)?;
    let mut logic = Logic::new(None);
    let value = expression(&mut logic, &mut names, 0, expr, width, signed)?;
    let bits = logic.bits(&value.word);
    if bits.iter().any(|bit| *bit > 1) {
        return Err(wrong("a parameter is no constant"));
    }
    Ok(Constant { bits: Rc::new(bits.iter().map(|bit| *bit == 1).collect()), signed })
}

/// The value of an expression of parameters that is a small number.
///
/// # Errors
/// Those of [`value`]; a number that is negative or beyond 31 bits.
pub fn number(constants: &Constants, expr: &Expr) -> Result<u32> {
    let value = value(constants, expr)?;
    let small = !(value.signed && value.bits.last() == Some(&true)) && value.bits.iter().skip(31).all(|bit| !bit);
    let number = value.bits.iter().take(31).rev().fold(0, |number, bit| number << 1 | *bit as u32);
    if small { Ok(number) } else { Err(wrong("a range or an index is out of range")) }
}
