//! Numbers as C++ expressions on integers: a number is its code on the grid of its own range.

use super::sum::Sum;
use crate::dfg::{Dfg, Id, Op};
use crate::error::{Error, Result};
use crate::fixed::Fixed;

/// What expressions are made from.
pub struct Printer<'a> {
    pub dfg: &'a Dfg,
    /// The name of each node that has one.
    pub names: &'a [String],
    /// Nodes that are read outside the function that makes them.
    pub shared: Vec<bool>,
}

/// An integer as C++ reads it.
pub fn literal(value: i128) -> String {
    if i128::from(i32::MIN) < value && value <= i128::from(i32::MAX) {
        return value.to_string();
    }
    match i64::try_from(value) {
        Ok(value) if value > i64::MIN => format!("{value}LL"),
        // No literal is longer.
        _ => format!("wide({}LL, {:#x}ULL)", (value >> 64) as i64, value as u64),
    }
}

fn negative(text: &str) -> bool {
    text.starts_with('-')
}

/// An operand: in parentheses, unless it is a name, a number or a call.
fn tight(text: String) -> String {
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "_.[]".contains(c));
    let call = text.find('(').is_some_and(|open| text.ends_with(')') && text[..open].starts_with("wrap"));
    if plain(&text) || call { text } else { format!("({text})") }
}

fn times_power(text: String, shift: u32) -> String {
    match shift {
        0 => text,
        1..=126 => format!("{} * {}", tight(text), literal(1 << shift)),
        _ => "0".into(),
    }
}

/// The nodes with a line, and inputs, that a node's line reads.
pub fn reads(dfg: &Dfg, id: Id) -> Vec<Id> {
    dfg[id].op.args().flat_map(|arg| sources(dfg, arg)).collect()
}

/// What a node's text reads: itself, or what its wiring leads to.
pub fn sources(dfg: &Dfg, id: Id) -> Vec<Id> {
    match &dfg[id].op {
        Op::Const(_) => Vec::new(),
        Op::Scale(arg, _) | Op::Floor(arg, _) | Op::Wrap { arg, .. } => sources(dfg, *arg),
        _ => vec![id],
    }
}

impl Printer<'_> {
    /// The line that computes a node.
    pub fn line(&self, id: Id) -> Result<String> {
        let (dfg, name) = (self.dfg, &self.names[id.index()]);
        let value = self.value(id)?;
        let target = if self.shared[id.index()] { format!("v.{name}") } else { format!("const V {name}") };
        Ok(format!("{target} = {value};  // {}: {}", dfg.source(id), dfg.range(id)))
    }

    fn value(&self, id: Id) -> Result<String> {
        let range = self.dfg.range(id);
        if let Some(value) = range.constant() {
            return Ok(format!("constant<V>({})", literal(self.integer(value, range.exp)?)));
        }
        match &self.dfg[id].op {
            Op::Add { terms, constant } => {
                let sum = Sum::of_terms(self.dfg, terms, *constant, range.exp);
                self.sum(&sum.ok_or_else(|| Error::bug("a sum beyond 127 bits"))?, range.exp)
            }
            Op::Mul(a, b) => {
                let (a, b) = (*a, *b);
                let exp = self.dfg.range(a).exp + self.dfg.range(b).exp;
                let product = format!("{} * {}", tight(self.code(a)?), tight(self.code(b)?));
                self.moved(product, exp, range.exp)
            }
            Op::Max(a, b) => self.choice("max", None, [*a, *b], range.exp),
            Op::Min(a, b) => self.choice("min", None, [*a, *b], range.exp),
            Op::Select { sign_of, negative, otherwise } => {
                let sign = self.vector(*sign_of, self.dfg.range(*sign_of).exp)?;
                self.choice("select", Some(sign), [*negative, *otherwise], range.exp)
            }
            Op::Table { table, args } => self.lookup(*table, args, range.exp),
            Op::Dot { .. } => Err(Error::bug(format!("{id} is not expanded"))),
            _ => Err(Error::bug(format!("{id} has no line"))),
        }
    }

    fn sum(&self, sum: &Sum, exp: i32) -> Result<String> {
        let mut text = String::new();
        for part in &sum.parts {
            text += match (text.is_empty(), part.weight < 0) {
                (true, true) => "-",
                (true, false) => "",
                (false, true) => " - ",
                (false, false) => " + ",
            };
            text += &tight(self.on(part.id, part.range.exp)?);
            if part.weight.abs() > 1 {
                text += &format!(" * {}", literal(part.weight.abs()));
            }
        }
        if sum.constant != 0 {
            let value = literal(sum.constant);
            text += &if negative(&value) { format!(" - {}", &value[1..]) } else { format!(" + {value}") };
        }
        self.moved(text, sum.exp, exp)
    }

    /// A function of perhaps another operand, and two on one grid; the result on that of `exp`.
    fn choice(&self, name: &str, first: Option<String>, operands: [Id; 2], exp: i32) -> Result<String> {
        let live = |id: &Id| self.dfg.range(*id).constant().is_none_or(|value| !value.is_zero());
        let exps = operands.iter().filter(|id| live(id)).map(|id| self.dfg.range(*id).exp);
        let fine = exps.chain([exp]).min().unwrap_or(exp);
        let mut arguments: Vec<String> = first.into_iter().collect();
        for id in operands {
            arguments.push(self.vector(id, fine)?);
        }
        self.moved(format!("{name}({})", arguments.join(", ")), fine, exp)
    }

    fn lookup(&self, number: u32, args: &[Id], exp: i32) -> Result<String> {
        let table = &self.dfg.tables[number as usize];
        if let Some(sum) = Sum::of_table(table, args) {
            return self.sum(&sum, exp);
        }
        let mut index = String::new();
        for (arg, domain) in args.iter().zip(&table.domains) {
            let operand = self.on(*arg, domain.exp)?;
            let offset = match literal(domain.lo) {
                zero if zero == "0" => tight(operand),
                low if negative(&low) => format!("({} + {})", tight(operand), &low[1..]),
                low => format!("({} - {low})", tight(operand)),
            };
            let points = domain.hi - domain.lo + 1;
            index = if index.is_empty() { offset } else { format!("({index} * {points} + {offset})") };
        }
        self.moved(format!("lookup(tables::t{number}, V({index}))"), table.exp, exp)
    }

    /// A node's code on the grid of its own range.
    fn code(&self, id: Id) -> Result<String> {
        let range = self.dfg.range(id);
        if let Some(value) = range.constant() {
            return Ok(literal(self.integer(value, range.exp)?));
        }
        match &self.dfg[id].op {
            Op::Input { port, element } => {
                let before: usize = self.dfg.inputs[..*port as usize].iter().map(|port| port.elements.len()).sum();
                let format = self.dfg.inputs[*port as usize].format(*element as usize);
                self.moved(format!("in[{}]", before + *element as usize), format.lsb, range.exp)
            }
            Op::Scale(arg, shift) => self.moved(self.code(*arg)?, self.dfg.range(*arg).exp + shift, range.exp),
            Op::Floor(arg, _) => self.on(*arg, range.exp),
            Op::Wrap { arg, top, signed } => {
                let operand = self.on(*arg, range.exp)?;
                let sign = if *signed { "signed" } else { "unsigned" };
                Ok(format!("wrap_{sign}<{}>(V({operand}))", top - range.exp))
            }
            _ if self.shared[id.index()] => Ok(format!("v.{}", self.names[id.index()])),
            _ => Ok(self.names[id.index()].clone()),
        }
    }

    /// A node's code on another grid, of the type V whatever it is made of.
    pub fn vector(&self, id: Id, exp: i32) -> Result<String> {
        let constant = self.dfg.range(id).constant().is_some();
        Ok(format!("{}({})", if constant { "constant<V>" } else { "V" }, self.on(id, exp)?))
    }

    /// A node's code on another grid; bits below it are dropped.
    fn on(&self, id: Id, exp: i32) -> Result<String> {
        if let Some(value) = self.dfg.range(id).constant() {
            return Ok(literal(self.integer(value, exp)?));
        }
        self.moved(self.code(id)?, self.dfg.range(id).exp, exp)
    }

    fn moved(&self, text: String, from: i32, to: i32) -> Result<String> {
        Ok(match from.checked_sub(to) {
            Some(0) => text,
            Some(up @ 1..) => times_power(text, up as u32),
            Some(down) => format!("{} >> {}", tight(text), -down),
            None => return Err(Error::bug("an exponent out of range")),
        })
    }

    /// A constant on a grid, floored.
    fn integer(&self, value: Fixed, exp: i32) -> Result<i128> {
        let drop = exp - value.exponent();
        match value.at(exp) {
            Some(integer) => Ok(integer),
            None if drop > 0 => Ok(value.mantissa() >> drop.min(127)),
            None => Err(Error::bug(format!("the constant {value} is beyond 127 bits"))),
        }
    }
}
