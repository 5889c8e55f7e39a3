//! Folding: dots of many terms read digits of their operands, and accumulators make their results.

use super::{Folded, Kind, Link};
use crate::dfg::{Builder, Dfg, Id, Op};
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Format, Quantization};
use crate::port::Port;
use std::collections::HashMap;

/// Fewest terms of a dot that an accumulator is worth: it costs about as much as a sum, and digits as much as another.
const FEWEST: usize = 4;

/// Bits of a format that holds every source.
const ROOM: u32 = 120;

/// Where links will be: elements of the ports that are no port of the network.
#[derive(Default)]
struct Places {
    links: Vec<Link>,
    formats: Vec<Format>,
    /// The digits of a node, for a digit of so many bits.
    digits: HashMap<(Id, u32), u32>,
    /// The total of a dot.
    totals: HashMap<Id, u32>,
}

/// The graph with its dots in digits: one digit of each operand in a clock, for an event every `interval` clocks.
///
/// # Errors
/// There is no dot that gains by it.
pub fn fold(dfg: &Dfg, interval: u32) -> Result<Folded> {
    let places = places(dfg, interval)?;
    if places.links.is_empty() {
        let what = format!("--interval {interval}: no layer has a constant matrix whose inputs have several bits");
        return Err(Error::user(what, "leave --interval out: the circuit takes an event every clock").at(&dfg.name));
    }
    let layers = dfg.layers.iter().cloned().zip(dfg.channels.iter().copied()).collect();
    let linked = |formats: &[Format]| {
        let elements: Vec<Quantization> = formats.iter().copied().map(Quantization::plain).collect();
        Port { name: format!("{}_links", dfg.name), shape: vec![elements.len()], elements, state: false }
    };
    let own = dfg.inputs.len() as u32;
    let inputs = dfg.inputs.iter().cloned().chain([linked(&places.formats)]).collect();
    let mut b = Builder::new(&dfg.name, layers, inputs);
    let mut new: Vec<Id> = Vec::with_capacity(dfg.nodes.len());
    let mut sources: Vec<Option<Id>> = vec![None; places.links.len()];
    for id in dfg.ids() {
        b.set_source(dfg[id].from);
        let made = match (&dfg[id].op, places.totals.get(&id)) {
            (Op::Dot { terms, .. }, Some(total)) => {
                let digit = places.links[*total as usize].digit;
                let mut parts = Vec::with_capacity(terms.len());
                for (arg, factor) in terms {
                    let place = *places.digits.get(&(*arg, digit)).ok_or_else(|| Error::bug("no place for digits"))?;
                    sources[place as usize] = Some(new[arg.index()]);
                    b.set_source(dfg[*arg].from);
                    parts.push((b.input(own, place)?, *factor));
                }
                b.set_source(dfg[id].from);
                sources[*total as usize] = Some(b.dot(parts, Fixed::ZERO)?);
                b.input(own, *total)?
            }
            _ => {
                let op = b.adopt(dfg, id, |arg| new[arg.index()]);
                let op = b.inside(op)?;
                b.push(op)?
            }
        };
        new.push(b.fitted(made, Format::of(&dfg.range(id)))?);
    }
    let sources: Option<Vec<Id>> = sources.into_iter().collect();
    let sources = sources.ok_or_else(|| Error::bug("a link without a source"))?;
    // These bits go nowhere: any format will do that holds what passes may make of a range.
    let roomy = |id: &Id| Format { signed: true, width: ROOM, lsb: b.range(*id).exp - ROOM as i32 / 4 };
    let formats: Vec<Format> = sources.iter().map(roomy).collect();
    let outputs = dfg.outputs.iter().cloned().chain([linked(&formats)]).collect();
    let results = dfg.results.iter().map(|id| new[id.index()]).chain(sources).collect();
    Ok(Folded { dfg: b.finish(outputs, results).without_dead(), interval, links: places.links })
}

/// Which dots are folded, and what each needs. The dots of a row of a layer have digits of the same width, so that they share them.
fn places(dfg: &Dfg, interval: u32) -> Result<Places> {
    let row = |id: Id| (dfg[id].from.layer, dfg.row(dfg[id].from));
    let mut widest: HashMap<(u32, u32), u32> = HashMap::new();
    let dots =
        || dfg.ids().filter_map(|id| if let Op::Dot { terms, .. } = &dfg[id].op { Some((id, terms)) } else { None });
    let worth = |(_, terms): &(Id, &Vec<(Id, Fixed)>)| terms.len() >= FEWEST;
    for (id, terms) in dots().filter(worth) {
        let width = terms.iter().map(|(arg, _)| dfg.range(*arg).width()).max().unwrap_or(0);
        let widest = widest.entry(row(id)).or_default();
        *widest = width.max(*widest);
    }
    let mut places = Places::default();
    for (id, terms) in dots().filter(worth) {
        let width = widest.get(&row(id)).copied().unwrap_or(0);
        let digit = width.div_ceil(interval);
        if digit == width {
            continue;
        }
        for (arg, _) in terms {
            let range = dfg.range(*arg);
            if !places.digits.contains_key(&(*arg, digit)) {
                let format = Format { signed: false, width: range.width().min(digit), lsb: range.exp };
                let kind = Kind::Digits { of: Format::of(&range) };
                let place = places.push(Link { digit, kind }, format);
                places.digits.insert((*arg, digit), place);
            }
        }
        let kind = Kind::Total { first: first(dfg, id)? };
        let place = places.push(Link { digit, kind }, Format::of(&dfg.range(id)));
        places.totals.insert(id, place);
    }
    Ok(places)
}

impl Places {
    fn push(&mut self, link: Link, format: Format) -> u32 {
        self.links.push(link);
        self.formats.push(format);
        self.links.len() as u32 - 1
    }
}

/// What an accumulator begins with: the dot's constant, and what inverted sign bits are too much.
fn first(dfg: &Dfg, id: Id) -> Result<Fixed> {
    let Op::Dot { terms, constant } = &dfg[id].op else { return Err(Error::bug("an accumulator without a dot")) };
    let add = |sum: Fixed, (arg, factor): &(Id, Fixed)| {
        let range = dfg.range(*arg);
        if !range.signed() {
            return Some(sum);
        }
        let sign = Fixed::power_of_two(range.exp + range.width() as i32 - 1);
        sum.add(sign.mul(*factor)?.negate())
    };
    let first = terms.iter().try_fold(*constant, add);
    first
        .ok_or_else(|| Error::user("an accumulator needs more than 127 bits", "quantize its inputs").at(dfg.source(id)))
}
