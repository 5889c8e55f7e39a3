//! A dataflow graph in the space: every node by the meaning of its operation, nothing by its range.

use super::{Form, Kind, Space};
use crate::dfg::{Dfg, Id, Op};
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Range};
use crate::netlist::node_names;
use crate::port::Port;

/// The value of an input element: its code times its step.
pub(super) fn input(space: &mut Space, ports: &[Port], port: u32, element: u32) -> Option<Form> {
    let format = ports.get(port as usize)?.elements.get(element as usize)?.format;
    if format.width == 0 {
        return Some(Form::default());
    }
    space.input(port, element, format.range()).times(Fixed::power_of_two(format.lsb))
}

/// The values of the results. The range that each node claims must hold.
///
/// # Errors
/// A value that the space cannot express, or a claim that was not proved; the error names the node.
pub fn results(space: &mut Space, dfg: &Dfg) -> Result<Vec<Form>> {
    let mut values: Vec<Form> = Vec::with_capacity(dfg.nodes.len());
    for id in dfg.ids() {
        let value = node(space, dfg, &dfg[id].op, &values);
        let place = || Error::bug(format!("{}: {id} = {} has no canonical form", dfg.source(id), dfg[id].op));
        let value = value.ok_or_else(place)?;
        if !claimed(space, dfg, id, &value) {
            return Err(Error::bug(format!("{}: {id} in {} was not proved", dfg.source(id), dfg.range(id))));
        }
        values.push(value);
    }
    Ok(dfg.results.iter().map(|id| values[id.index()].clone()).collect())
}

/// Does a value lie in the range that its node claims, and on its grid: by its form, or by intervals of the operands' claims,
/// which were proved before?
fn claimed(space: &mut Space, dfg: &Dfg, id: Id, value: &Form) -> bool {
    let within = |range: Option<Range>| range.is_some_and(|range| dfg.range(id).contains(&range));
    within(space.range(value))
        || within(dfg[id].op.range(|arg| dfg.range(arg), &dfg.tables))
        || !value.terms.is_empty() && within(space.tight(value))
}

/// The values of the results, where every node that is no wiring is a symbol of its own, of the range that it claims.
/// What is equal for all values of the symbols is equal for those that the nodes have.
///
/// # Errors
/// A value that the space cannot express; the error names the node.
pub fn symbols(space: &mut Space, dfg: &Dfg) -> Result<Vec<Form>> {
    let names = node_names(dfg);
    let mut values: Vec<Form> = Vec::with_capacity(dfg.nodes.len());
    for id in dfg.ids() {
        let (op, range) = (&dfg[id].op, dfg.range(id));
        let place = || Error::bug(format!("{}: {id} = {op} has no canonical form", dfg.source(id)));
        let value = node(space, dfg, op, &values).ok_or_else(place)?;
        let wiring = matches!(
            op,
            Op::Input { .. } | Op::Const(_) | Op::Scale(..) | Op::Floor(..) | Op::Wrap { .. } | Op::Dot { .. }
        );
        let code = value.times(Fixed::power_of_two(-range.exp)).ok_or_else(place)?;
        let integer = code.terms.iter().map(|(_, c)| c).chain([&code.constant]).all(|c| c.exponent() >= 0);
        let alone =
            matches!(code.terms[..], [(atom, _)] if matches!(space.kind(atom), Kind::Node(_) | Kind::Input(..)));
        // A multiple of a number needs no symbol, and perhaps no adder.
        let alone = alone || matches!(op, Op::Add { .. }) && code.terms.len() == 1;
        // Numbers side by side need no adder: a circuit may have no bits of their sum by itself.
        let digits = space.own_line(&code).is_some_and(|(line, _)| space.is_number_of_digits(line));
        values.push(if wiring || !integer || alone || digits || value.value().is_some() {
            value
        } else {
            let symbol = space.node(id.0, &code, range).ok_or_else(place)?;
            space.hints.insert(names[id.index()].clone(), (symbol.clone(), code, range.width()));
            symbol.times(Fixed::power_of_two(range.exp)).ok_or_else(place)?
        });
    }
    Ok(dfg.results.iter().map(|id| values[id.index()].clone()).collect())
}

fn node(space: &mut Space, dfg: &Dfg, op: &Op, values: &[Form]) -> Option<Form> {
    let of = |id: &crate::dfg::Id| &values[id.index()];
    match op {
        Op::Input { port, element } => input(space, &dfg.inputs, *port, *element),
        Op::Const(value) => Some(Form::number(*value)),
        Op::Dot { terms, constant } => {
            let terms: Vec<(&Form, Fixed)> = terms.iter().map(|(id, factor)| (of(id), *factor)).collect();
            space.sum(&terms, *constant)
        }
        Op::Add { terms, constant } => {
            let terms: Vec<(&Form, Fixed)> = terms.iter().map(|term| (of(&term.id), term.factor())).collect();
            space.sum(&terms, *constant)
        }
        Op::Mul(a, b) => space.mul(of(a), of(b)),
        Op::Scale(a, shift) => of(a).times(Fixed::power_of_two(*shift)),
        Op::Floor(a, p) => space.floor(of(a), *p),
        Op::Wrap { arg, top, signed } => space.wrap(of(arg), *top, *signed),
        Op::Max(a, b) => space.max(of(a), of(b)),
        Op::Min(a, b) => space.min(of(a), of(b)),
        Op::Select { sign_of, negative, otherwise } => space.select(of(sign_of), of(negative), of(otherwise)),
        Op::Table { table, args } => {
            let table = dfg.tables.get(*table as usize)?;
            let args: Vec<Form> = args.iter().map(|id| of(id).clone()).collect();
            space.function(&args, table.exp, |point| {
                let codes: Option<Vec<i128>> =
                    point.iter().zip(&table.domains).map(|(value, domain)| value.at(domain.exp)).collect();
                table.entries[table.index(&codes?)?]
            })
        }
    }
}
