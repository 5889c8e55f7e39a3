//! A dataflow graph in the space: every node by the meaning of its operation, nothing by its range.

use super::{Form, Space};
use crate::dfg::{Dfg, Id, Op};
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Range};
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
