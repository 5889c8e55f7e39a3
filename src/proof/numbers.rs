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

/// What a node does with values that were made before: the same values give the same number in every graph.
#[derive(PartialEq, Eq, Hash)]
pub(super) enum Step {
    Mul(Form, Form),
    Floor(Form, i32),
    Wrap(Form, i32, bool),
    Max(Form, Form),
    Min(Form, Form),
    Select(Form, Form, Form),
}

fn node(space: &mut Space, dfg: &Dfg, op: &Op, values: &[Form]) -> Option<Form> {
    let of = |id: &Id| values[id.index()].clone();
    let step = match op {
        Op::Input { port, element } => return input(space, &dfg.inputs, *port, *element),
        Op::Const(value) => return Some(Form::number(*value)),
        Op::Dot { terms, constant } => {
            let terms: Vec<(&Form, Fixed)> = terms.iter().map(|(id, factor)| (&values[id.index()], *factor)).collect();
            return space.sum(&terms, *constant);
        }
        Op::Add { terms, constant } => {
            let terms: Vec<(&Form, Fixed)> =
                terms.iter().map(|term| (&values[term.id.index()], term.factor())).collect();
            return space.sum(&terms, *constant);
        }
        Op::Scale(a, shift) => return values[a.index()].times(Fixed::power_of_two(*shift)),
        Op::Table { table, args } => {
            let table = dfg.tables.get(*table as usize)?;
            let args: Vec<Form> = args.iter().map(of).collect();
            return space.function(&args, table.exp, |point| {
                let codes: Option<Vec<i128>> =
                    point.iter().zip(&table.domains).map(|(value, domain)| value.at(domain.exp)).collect();
                table.entries[table.index(&codes?)?]
            });
        }
        Op::Mul(a, b) => Step::Mul(of(a), of(b)),
        Op::Floor(a, p) => Step::Floor(of(a), *p),
        Op::Wrap { arg, top, signed } => Step::Wrap(of(arg), *top, *signed),
        Op::Max(a, b) => Step::Max(of(a), of(b)),
        Op::Min(a, b) => Step::Min(of(a), of(b)),
        Op::Select { sign_of, negative, otherwise } => Step::Select(of(sign_of), of(negative), of(otherwise)),
    };
    if let Some(known) = space.steps.get(&step) {
        return Some(known.clone());
    }
    let value = match &step {
        Step::Mul(a, b) => space.mul(a, b),
        Step::Floor(a, p) => space.floor(a, *p),
        Step::Wrap(a, top, signed) => space.wrap(a, *top, *signed),
        Step::Max(a, b) => space.max(a, b),
        Step::Min(a, b) => space.min(a, b),
        Step::Select(sign_of, negative, otherwise) => space.select(sign_of, negative, otherwise),
    }?;
    space.steps.insert(step, value.clone());
    Some(value)
}
