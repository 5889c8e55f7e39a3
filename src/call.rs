//! Calls as text, as quantizers and functions are written: `quantized_bits(6, 0, alpha='auto')`, a bare name, or a format
//! such as `fixed<8,3>`.

use crate::error::{Error, Result};

/// A value in a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// `None`.
    None,
    /// `True` or `False`.
    Flag(bool),
    /// A number.
    Number(f64),
    /// A string in quotes.
    Text(String),
}

/// A call, not yet matched to what the quantizer takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The quantizer.
    pub name: String,
    /// The whole text.
    pub text: String,
    /// Arguments, with their names where they are named.
    arguments: Vec<(Option<String>, Argument)>,
}

/// The scale of a quantizer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Alpha {
    /// Not given.
    None,
    /// A number.
    Number(f32),
    /// Least squares, per channel.
    Auto,
    /// Least squares, to the nearest power of two.
    AutoPo2,
}

impl Call {
    /// Reads a call.
    ///
    /// # Errors
    /// It is no call.
    pub fn parse(text: &str) -> Result<Call> {
        let text = text.trim();
        let wrong = |what: String| Error::user(what, "write it as in quantized_bits(6,0,alpha=1)");
        if text.contains('<') {
            let start = text.strip_prefix("ap_").unwrap_or(text);
            let name = start.split('<').next().unwrap_or("").trim().to_string();
            return Ok(Call { name, text: text.to_string(), arguments: Vec::new() });
        }
        let (name, inside) = match text.split_once('(') {
            None => (text, ""),
            Some((name, rest)) => {
                let inside =
                    rest.strip_suffix(')').ok_or_else(|| wrong(format!("`{text}` has no closing parenthesis")))?;
                (name.trim(), inside)
            }
        };
        let mut call = Call { name: name.to_string(), text: text.to_string(), arguments: Vec::new() };
        for part in inside.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (key, value) = match part.split_once('=') {
                Some((key, value)) => (Some(key.trim().to_string()), value.trim()),
                None => (None, part),
            };
            if key.is_none() && call.arguments.iter().any(|(key, _)| key.is_some()) {
                return Err(wrong(format!("in `{text}`, `{part}` follows a named argument")));
            }
            let value = argument(value).ok_or_else(|| wrong(format!("in `{text}`, `{value}` is no value")))?;
            call.arguments.push((key, value));
        }
        Ok(call)
    }

    /// The number given for one parameter, by its name or its place; flags are 0 and 1. Other arguments are not looked at.
    pub fn number(&self, name: &str, place: usize) -> Option<f64> {
        let named = self.arguments.iter().find(|(key, _)| key.as_deref() == Some(name));
        let placed = || self.arguments.get(place).filter(|(key, _)| key.is_none());
        match named.or_else(placed)?.1 {
            Argument::Number(number) => Some(number),
            Argument::Flag(flag) => Some(f64::from(u8::from(flag))),
            _ => None,
        }
    }

    /// Matches the arguments to the names of a quantizer's parameters, in the order of its constructor.
    ///
    /// # Errors
    /// Too many arguments, an unknown name, or one given twice.
    pub fn arguments(&self, known: &[&'static str]) -> Result<Arguments> {
        let help = || format!("`{}` takes {}", self.name, known.join(", "));
        let mut values = vec![Argument::None; known.len()];
        let mut given = vec![false; known.len()];
        for (place, (key, value)) in self.arguments.iter().enumerate() {
            let index = match key {
                Some(key) => known.iter().position(|name| name == key),
                None => (place < known.len()).then_some(place),
            };
            let shown = key.clone().unwrap_or_else(|| format!("argument {}", place + 1));
            let index = index.ok_or_else(|| Error::user(format!("`{shown}` is not an argument of it"), help()))?;
            if given[index] {
                return Err(Error::user(format!("`{shown}` is given twice"), help()));
            }
            (values[index], given[index]) = (value.clone(), true);
        }
        Ok(Arguments { known: known.to_vec(), values })
    }
}

fn argument(text: &str) -> Option<Argument> {
    let quoted = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    match text {
        "None" => return Some(Argument::None),
        "True" | "true" => return Some(Argument::Flag(true)),
        "False" | "false" => return Some(Argument::Flag(false)),
        _ => {}
    }
    match quoted('\'').or_else(|| quoted('"')) {
        Some(text) => Some(Argument::Text(text.to_string())),
        None => text.parse::<f64>().ok().filter(|n| n.is_finite()).map(Argument::Number),
    }
}

/// Arguments matched to names.
#[derive(Clone, Debug)]
pub struct Arguments {
    known: Vec<&'static str>,
    values: Vec<Argument>,
}

impl Arguments {
    /// An argument; `None` if not given.
    fn get(&self, name: &str) -> Argument {
        let index = self.known.iter().position(|known| *known == name);
        index.map_or(Argument::None, |index| self.values[index].clone())
    }

    /// A number, if given.
    ///
    /// # Errors
    /// It is something else.
    pub fn optional(&self, name: &str) -> Result<Option<f64>> {
        match self.get(name) {
            Argument::None => Ok(None),
            Argument::Number(number) => Ok(Some(number)),
            Argument::Flag(flag) => Ok(Some(f64::from(u8::from(flag)))),
            Argument::Text(text) => {
                Err(Error::user(format!("`{name}` is '{text}'"), format!("give `{name}` a number")))
            }
        }
    }

    /// An integer within bounds.
    ///
    /// # Errors
    /// It is something else.
    pub fn integer(&self, name: &str, default: i32, low: i32, high: i32) -> Result<i32> {
        let number = self.optional(name)?.unwrap_or(f64::from(default));
        if number.fract() == 0.0 && f64::from(low) <= number && number <= f64::from(high) {
            return Ok(number as i32);
        }
        Err(Error::user(format!("`{name}` is {number}"), format!("give `{name}` an integer from {low} to {high}")))
    }

    /// A flag; numbers count as Python's.
    ///
    /// # Errors
    /// It is a string.
    pub fn flag(&self, name: &str, default: bool) -> Result<bool> {
        Ok(self.optional(name)?.map_or(default, |number| number != 0.0))
    }

    /// The scale `alpha`.
    ///
    /// # Errors
    /// It is an unknown string.
    pub fn alpha(&self) -> Result<Alpha> {
        match self.get("alpha") {
            Argument::Text(text) if text == "auto" => Ok(Alpha::Auto),
            Argument::Text(text) if text == "auto_po2" => Ok(Alpha::AutoPo2),
            Argument::Text(text) => {
                Err(Error::user(format!("`alpha` is '{text}'"), "give a number, None, 'auto' or 'auto_po2'"))
            }
            _ => Ok(self.optional("alpha")?.map_or(Alpha::None, |number| Alpha::Number(number as f32))),
        }
    }

    /// Refuses an argument that is neither missing nor equal to its neutral value.
    ///
    /// # Errors
    /// It has another value.
    pub fn only(&self, name: &str, neutral: Option<f64>, reason: &str) -> Result<()> {
        match self.get(name) {
            Argument::None => Ok(()),
            Argument::Number(n) if Some(n) == neutral => Ok(()),
            Argument::Flag(flag) if neutral == Some(f64::from(u8::from(flag))) => Ok(()),
            other => Err(Error::user(format!("`{name}` is {other:?}, which is not supported"), reason)),
        }
    }

    /// A string.
    ///
    /// # Errors
    /// It is none of the known ones.
    pub fn choice(&self, name: &str, known: &[&'static str]) -> Result<&'static str> {
        let text = match self.get(name) {
            Argument::None => return Ok(known[0]),
            Argument::Text(text) => text,
            other => format!("{other:?}"),
        };
        let found = known.iter().find(|choice| **choice == text);
        found.copied().ok_or_else(|| Error::user(format!("`{name}` is {text}"), format!("known: {}", known.join(", "))))
    }
}
