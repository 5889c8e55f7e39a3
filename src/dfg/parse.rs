//! Reads the text form back.
//!
//! A printed range is a claim: it is accepted if intervals or the exact linear form imply it, and refused otherwise.

use super::{Builder, Dfg, Id, Op, Source, Table, Term};
use crate::error::{At, Error, Kind, Result};
use crate::fixed::{Fixed, Quantization, Range};
use crate::port::Port;
use std::str::FromStr;

/// What to do about text that is no graph.
const HELP: &str = "the text form is what `nanotrig dump --level dfg` prints";

fn wrong(what: impl Into<String>) -> Error {
    Error::user(what, HELP)
}

fn number<T: FromStr>(text: &str) -> Result<T> {
    text.trim().parse().map_err(|_| wrong(format!("`{}` is not a number", text.trim())))
}

fn after<'a>(text: &'a str, prefix: &str) -> Result<&'a str> {
    text.trim().strip_prefix(prefix).ok_or_else(|| wrong(format!("expected `{prefix}` at `{}`", text.trim())))
}

fn split<'a>(text: &'a str, at: &str) -> Result<(&'a str, &'a str)> {
    text.split_once(at).ok_or_else(|| wrong(format!("expected `{at}` in `{}`", text.trim())))
}

fn id(text: &str) -> Result<Id> {
    Ok(Id(number(after(text, "%")?)?))
}

fn fixed(text: &str) -> Result<Fixed> {
    let (mantissa, exponent) = split(text, "p")?;
    Ok(Fixed::new(number(mantissa)?, number(exponent)?))
}

fn range(text: &str) -> Result<Range> {
    let (body, exp) = split(after(text, "[")?, "]p")?;
    let (lo, hi) = split(body, ",")?;
    let (lo, hi): (i128, i128) = (number(lo)?, number(hi)?);
    if lo > hi {
        return Err(wrong(format!("`{}` is empty", text.trim())));
    }
    Ok(Range { lo, hi, exp: number(exp)? })
}

fn term(text: &str) -> Result<Term> {
    let (negative, text) = match text.trim().strip_prefix('-') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let (name, shift) = text.split_once("<<").unwrap_or((text, "0"));
    Ok(Term { id: id(name)?, shift: number(shift)?, negative })
}

fn port(text: &str) -> Result<Port> {
    let (head, formats) = split(text, ":")?;
    let (name, shape) = split(head, "[")?;
    let shape = shape.trim().trim_end_matches(']');
    let shape: Vec<usize> = shape.split(',').filter(|s| !s.trim().is_empty()).map(number).collect::<Result<_>>()?;
    let mut elements = Vec::new();
    let mut words = formats.split_whitespace();
    while let Some(count) = words.next() {
        let (x, format) = (words.next(), words.next().unwrap_or(""));
        if x != Some("x") || number::<usize>(count)? > 1 << 20 {
            return Err(wrong(format!("expected `N x format` in `{}`", formats.trim())));
        }
        let dead = format.contains("fixed<0,");
        let element = if dead { zero_width(format)? } else { format.parse::<Quantization>()? };
        elements.extend(std::iter::repeat_n(element, number(count)?));
    }
    let name = name.trim();
    let (name, state) = name.strip_prefix("state ").map_or((name, false), |name| (name, true));
    Ok(Port { name: name.into(), shape, elements, state })
}

/// `ufixed<0,I,..>`, which the user may not write but a port may have.
fn zero_width(text: &str) -> Result<Quantization> {
    let mut element: Quantization = text.replacen("<0,", "<1,", 1).parse()?;
    (element.format.width, element.format.lsb) = (0, element.format.lsb + 1);
    Ok(element)
}

fn table(text: &str) -> Result<Table> {
    let (head, entries) = split(text, "=")?;
    let (domains, exp) = split(head, "-> p")?;
    let mut ranges = Vec::new();
    for domain in domains.split("[").skip(1) {
        ranges.push(range(&format!("[{}", domain.trim()))?);
    }
    let entry = |word: &str| if word == "-" { Ok(None) } else { number(word).map(Some) };
    let entries: Vec<Option<i128>> = entries.split_whitespace().map(entry).collect::<Result<_>>()?;
    let size = ranges.iter().try_fold(1i128, |size, r| size.checked_mul(r.hi - r.lo + 1));
    if size != Some(entries.len() as i128) {
        return Err(wrong(format!("a table has {} entries, not one per point of its domains", entries.len())));
    }
    Ok(Table { domains: ranges, entries, exp: number(exp)? })
}

fn op(text: &str) -> Result<Op> {
    let (name, rest) = text.trim().split_once(' ').ok_or_else(|| wrong(format!("`{text}` is no operation")))?;
    let items: Vec<&str> = rest.split(',').collect();
    let two = || match items[..] {
        [a, b] => Ok((a, b)),
        _ => Err(wrong(format!("`{name}` takes two operands, not `{rest}`"))),
    };
    let (last, init) = items.split_last().ok_or_else(|| wrong("no operands"))?;
    Ok(match name {
        "input" => {
            let (port, element) = split(rest, ".")?;
            Op::Input { port: number(port)?, element: number(element)? }
        }
        "const" => Op::Const(fixed(rest)?),
        "dot" => {
            let factor = |item: &&str| split(item, "*").and_then(|(name, factor)| Ok((id(name)?, fixed(factor)?)));
            Op::Dot { terms: init.iter().map(factor).collect::<Result<_>>()?, constant: fixed(last)? }
        }
        "add" if last.contains('%') => {
            Op::Add { terms: items.iter().map(|t| term(t)).collect::<Result<_>>()?, constant: Fixed::ZERO }
        }
        "add" => Op::Add { terms: init.iter().map(|t| term(t)).collect::<Result<_>>()?, constant: fixed(last)? },
        "mul" => Op::Mul(id(two()?.0)?, id(two()?.1)?),
        "max" => Op::Max(id(two()?.0)?, id(two()?.1)?),
        "min" => Op::Min(id(two()?.0)?, id(two()?.1)?),
        "scale" => {
            let term = term(rest)?;
            Op::Scale(term.id, term.shift)
        }
        "floor" => Op::Floor(id(two()?.0)?, number(after(two()?.1, "p")?)?),
        "wrap" => {
            let (sign, top) = split(two()?.1.trim(), " p")?;
            Op::Wrap { arg: id(two()?.0)?, top: number(top)?, signed: sign == "signed" }
        }
        "select" => match items[..] {
            [s, a, b] => Op::Select { sign_of: id(s)?, negative: id(a)?, otherwise: id(b)? },
            _ => return Err(wrong(format!("`select` takes three operands, not `{rest}`"))),
        },
        "table" => {
            let args = items[1..].iter().map(|item| id(item)).collect::<Result<_>>()?;
            Op::Table { table: number(after(items[0], "@")?)?, args }
        }
        _ => return Err(wrong(format!("no operation is called `{name}`"))),
    })
}

fn source(text: &str, layers: &[String]) -> Result<Source> {
    let (layer, element) = split(text, "[")?;
    let index = layers.iter().position(|name| name == layer.trim());
    let index = index.ok_or_else(|| wrong(format!("no layer is called `{}`", layer.trim())))?;
    Ok(Source { layer: index as u32, element: number(element.trim().trim_end_matches(']'))? })
}

/// Adds one node line to the builder.
fn node(builder: &mut Builder, line: &str) -> Result<()> {
    let (line, from) = split(line, ";")?;
    let (line, claim) = split(line, " : ")?;
    let (name, text) = split(line, "=")?;
    let op = op(text)?;
    let next = builder.dfg().nodes.len();
    let tables = builder.dfg().tables.len();
    if id(name)?.index() != next || op.args().any(|arg| arg.index() >= next) {
        return Err(wrong(format!("expected node %{next}, made of earlier ones")));
    }
    if matches!(&op, Op::Table { table, .. } if *table as usize >= tables) {
        return Err(wrong("no such table"));
    }
    let from = source(from, &builder.dfg().layers)?;
    builder.set_source(from);
    builder.push_as_claimed(op, range(claim)?).map(|_| ())
}

impl FromStr for Dfg {
    type Err = Error;

    fn from_str(text: &str) -> Result<Dfg> {
        // What does not hold of a graph that somebody wrote is not our mistake.
        graph(text).map_err(|error| match error.kind {
            Kind::Bug => Error { kind: Kind::User, help: HELP.into(), ..error },
            Kind::User => error,
        })
    }
}

fn graph(text: &str) -> Result<Dfg> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).peekable();
    let (mut name, mut layers, mut inputs, mut outputs) = (String::new(), Vec::new(), Vec::new(), Vec::new());
    let mut tables = Vec::new();
    while let Some((row, line)) = lines.next_if(|(_, line)| !line.trim().starts_with(['%', '}'])) {
        let place = format!("line {}", row + 1);
        match line.trim().split_once(' ').unwrap_or((line.trim(), "")) {
            ("dfg", rest) => name = rest.trim_end_matches('{').trim().into(),
            ("layers", rest) => {
                let layer = |word| split(word, ":").and_then(|(name, count)| Ok((name.to_string(), number(count)?)));
                layers = rest.split_whitespace().map(layer).collect::<Result<_>>().at(place)?;
            }
            ("input", rest) => inputs.push(port(rest).at(place)?),
            ("output", rest) => outputs.push(port(rest).at(place)?),
            ("table", rest) => tables.push(table(split(rest, ":").at(&place)?.1).at(place)?),
            (word, _) => return Err(wrong(format!("`{word}` is not expected here")).at(place)),
        }
    }
    let mut builder = Builder::new(&name, layers, inputs);
    tables.into_iter().for_each(|table| _ = builder.intern_table(table));
    while let Some((row, line)) = lines.next_if(|(_, line)| line.trim().starts_with('%')) {
        node(&mut builder, line).at(format!("line {}", row + 1))?;
    }
    let results = lines.next().map_or("", |(_, line)| line.trim());
    let results: Vec<Id> = after(results, "results")?.split_whitespace().map(id).collect::<Result<_>>()?;
    let dfg = builder.finish(outputs, results);
    dfg.verify()?;
    Ok(dfg)
}
