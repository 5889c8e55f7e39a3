//! A netlist in the space: each cell by its contract, and the registers on every path counted.

use super::{Form, Space, Vector, vector};
use crate::error::{Error, Result};
use crate::fixed::Fixed;
use crate::netlist::{Bits, Cell, Netlist, Part};

/// A net's bits, and the registers between the input ports and it; none for constants.
type Known = (Vector, Option<u32>);

/// The codes of all output elements.
///
/// # Errors
/// Paths that cross different numbers of registers; a value without a canonical form.
pub fn results(space: &mut Space, netlist: &Netlist) -> Result<Vec<Form>> {
    let mut known: Vec<Known> = Vec::with_capacity(netlist.nets.len());
    for net in &netlist.nets {
        let wrong = |what: &str| Error::bug(format!("net `{}`: {what}", net.name));
        let mut stage = None;
        for bits in net.cell.operands() {
            let own = read(space, &known, bits).ok_or_else(|| wrong("reads what is not there"))?.1;
            let own = own.ok_or_else(|| wrong("values of different stages meet"))?;
            if stage.is_some_and(|stage: u32| Some(stage) != own.or(Some(stage))) {
                return Err(wrong("values of different stages meet"));
            }
            stage = stage.or(own);
        }
        let value = cell(space, netlist, &known, &net.cell, net.width);
        let value = value.and_then(|value| vector::known(space, value, &net.name));
        let value = value.ok_or_else(|| wrong("has no canonical form"))?;
        let stage = match net.cell {
            Cell::Input { .. } => Some(0),
            Cell::Register(_) => stage.map(|stage| stage + 1),
            _ => stage,
        };
        known.push((value, stage));
    }
    let mut codes = Vec::new();
    for (port, bits) in netlist.outputs.iter().zip(&netlist.results) {
        let wrong = |what: &str| Error::bug(format!("output `{}`: {what}", port.name));
        let (whole, stage) = read(space, &known, bits).ok_or_else(|| wrong("reads what is not there"))?;
        if stage.flatten().is_some_and(|stage| stage != netlist.latency) || stage.is_none() {
            return Err(wrong("is not behind the latency's number of registers"));
        }
        let mut lo = 0;
        for element in &port.elements {
            let format = element.format;
            let own = vector::slice(space, &whole, lo, format.width);
            let code = own.and_then(|own| vector::number(space, &own, format.signed));
            codes.push(code.ok_or_else(|| wrong("has no canonical form"))?);
            lo += format.width;
        }
    }
    Ok(codes)
}

/// An operand, and its stage: none within where all is constant, none at all where stages differ.
fn read(space: &mut Space, known: &[Known], bits: &Bits) -> Option<(Vector, Option<Option<u32>>)> {
    let (mut all, mut stage) = (Vec::new(), Some(None));
    for part in &bits.0 {
        if let Some(net) = part.net() {
            let own = known.get(net.0 as usize)?.1;
            stage = match (stage, own) {
                (Some(Some(a)), Some(b)) if a != b => None,
                (Some(a), b) => Some(a.or(b)),
                (None, _) => None,
            };
        }
        match *part {
            Part::Const { bits, width } => {
                all.extend(vector::from_bits(&(0..width).map(|at| bits >> at & 1 == 1).collect::<Vec<bool>>()));
            }
            Part::Slice { net, lo, width } => {
                all.extend(vector::slice(space, &known.get(net.0 as usize)?.0, lo, width)?);
            }
            Part::Not { net, lo, width } => {
                let own = vector::slice(space, &known.get(net.0 as usize)?.0, lo, width)?;
                all.extend(vector::inverted(&own)?);
            }
            Part::Repeat { net, bit, count } => {
                let bit = vector::slice(space, &known.get(net.0 as usize)?.0, bit, 1)?;
                (0..count).for_each(|_| all.extend(bit.iter().cloned()));
            }
        }
    }
    Some((all, stage))
}

fn cell(space: &mut Space, netlist: &Netlist, known: &[Known], cell: &Cell, width: u32) -> Option<Vector> {
    let of = |space: &mut Space, bits: &Bits| Some(read(space, known, bits)?.0);
    match cell {
        Cell::Input { port, lo } => {
            let (mut whole, port) = (Vec::new(), *port as usize);
            for (element, declared) in netlist.inputs.get(port)?.elements.iter().enumerate() {
                let value = space.input(port as u32, element as u32, declared.format.range());
                whole.extend(vector::piece(value, declared.format.width));
            }
            vector::slice(space, &whole, *lo, width)
        }
        Cell::Wire(a) | Cell::Register(a) => of(space, a),
        // What happens in several clocks is not followed.
        Cell::Valid(_) | Cell::Digits { .. } | Cell::Total { .. } => None,
        Cell::Sum(terms) => {
            let mut sum = Form::default();
            for (bits, negative) in terms {
                let bits = of(space, bits)?;
                let own = vector::joined(space, &bits)?;
                let sign = if *negative { Fixed::ONE.negate() } else { Fixed::ONE };
                sum = space.plus(&sum, &own.value, sign)?;
            }
            Some(vector::piece(sum, width))
        }
        Cell::Mul(a, b) => {
            let (a, b) = (of(space, a)?, of(space, b)?);
            let (a, b) = (vector::joined(space, &a)?, vector::joined(space, &b)?);
            let (a, b) = (space.modulo(&a.value, width as i32)?, space.modulo(&b.value, width as i32)?);
            Some(vector::piece(space.mul(&a, &b)?, width))
        }
        Cell::Mux { sel, a, b } => {
            let (sel, a, b) = (of(space, sel)?, of(space, a)?, of(space, b)?);
            let bit = vector::any(space, &sel)?;
            vector::chosen(space, &bit, &a, &b)
        }
        Cell::Less(a, b) => {
            let (a, b) = (of(space, a)?, of(space, b)?);
            Some(vector::piece(vector::less(space, &a, &b, true)?, 1))
        }
        Cell::Any(a) => {
            let a = of(space, a)?;
            Some(vector::piece(vector::any(space, &a)?, 1))
        }
        Cell::All(a) => {
            let a = of(space, a)?;
            Some(vector::piece(vector::all(space, &a)?, 1))
        }
        Cell::Not(a) => {
            let a = of(space, a)?;
            vector::inverted(&a)
        }
        Cell::Rom { index, entries } => {
            let index = of(space, index)?;
            let code = vector::number(space, &index, false)?;
            let entries: Vec<i128> = entries.iter().map(|entry| i128::try_from(*entry).ok()).collect::<Option<_>>()?;
            Some(vector::piece(space.lookup(&code, &entries, width)?, width))
        }
    }
}
