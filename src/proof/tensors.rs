//! A tensor graph in the space, element by element, by the definitions of `tensor` and `fixed`.

use super::numbers::input;
use super::steps::whole;
use super::{Form, Space};
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Overflow, Quantization, Rounding};
use crate::tensor::{Graph, Lookup, Node, Op, Reduction, Staircase, broadcast_map, pick};

/// The values of the outputs' elements, outputs after one another.
///
/// # Errors
/// A value that the space cannot express; the error names the layer.
pub fn results(space: &mut Space, graph: &Graph) -> Result<Vec<Form>> {
    let mut values: Vec<Vec<Form>> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let args: Vec<&Vec<Form>> = node.args.iter().map(|arg| &values[arg.0 as usize]).collect();
        let elements: Option<Vec<Form>> = match node.op {
            Op::Add | Op::Mul | Op::Max | Op::Min => pairwise(space, graph, node, &args),
            _ => (0..node.len()).map(|element| value(space, graph, node, &args, element)).collect(),
        };
        let layer = graph.layers.get(node.layer as usize).map_or("", String::as_str);
        let wrong = || Error::bug(format!("layer `{layer}`: {} has no canonical form", node.op.name()));
        values.push(elements.ok_or_else(wrong)?);
    }
    Ok(graph.outputs.iter().flat_map(|(_, id)| values[id.0 as usize].clone()).collect())
}

fn pairwise(space: &mut Space, graph: &Graph, node: &Node, args: &[&Vec<Form>]) -> Option<Vec<Form>> {
    let maps: Vec<Vec<u32>> = node.args.iter().map(|id| broadcast_map(&graph.node(*id).shape, &node.shape)).collect();
    let (a, b) = (maps.first()?, maps.get(1)?);
    let pair = |(i, j): (&u32, &u32)| {
        let (x, y) = (&args[0][*i as usize], &args[1][*j as usize]);
        match node.op {
            Op::Add => space.plus(x, y, Fixed::ONE),
            Op::Mul => space.mul(x, y),
            Op::Max => space.max(x, y),
            _ => space.min(x, y),
        }
    };
    a.iter().zip(b).map(pair).collect()
}

fn value(space: &mut Space, graph: &Graph, node: &Node, args: &[&Vec<Form>], element: usize) -> Option<Form> {
    match &node.op {
        Op::Input { port } => input(space, &graph.inputs, *port, element as u32),
        Op::Constant { values } => Some(Form::number(values[element])),
        Op::MatMul => {
            let columns = *graph.node(node.args[1]).shape.get(1)?;
            let depth = *graph.node(node.args[1]).shape.first()?;
            let (row, column) = (element / columns, element % columns);
            let mut products = Vec::with_capacity(depth);
            for k in 0..depth {
                let (x, w) = (&args[0][row * depth + k], &args[1][k * columns + column]);
                products.push(match w.value() {
                    Some(factor) => (x.clone(), factor),
                    None => (space.mul(x, w)?, Fixed::ONE),
                });
            }
            let products: Vec<(&Form, Fixed)> = products.iter().map(|(x, c)| (x, *c)).collect();
            space.sum(&products, Fixed::ZERO)
        }
        Op::Reduce { kind, axis } => {
            let shape = &graph.node(node.args[0]).shape;
            let inner: usize = shape[axis + 1..].iter().product();
            let (outer, rest) = (element / inner, element % inner);
            let items: Vec<&Form> =
                (0..shape[*axis]).map(|i| &args[0][(outer * shape[*axis] + i) * inner + rest]).collect();
            reduce(space, *kind, &items)
        }
        Op::Gather { elements } => {
            let (arg, from) = elements[element];
            Some(args[arg as usize][from as usize].clone())
        }
        Op::Quantize { elements } => quantize(space, &args[0][element], pick(elements, element, &node.shape)),
        Op::Steps { stairs } => staircase(space, &args[0][element], pick(stairs, element, &node.shape)),
        Op::Table { lo, exp, values } => table(space, &args[0][element], *lo, *exp, values),
        Op::Lookup(lookup) => address(space, lookup, node, args[0], element),
        Op::Add | Op::Mul | Op::Max | Op::Min | Op::Float(_) => None,
    }
}

fn reduce(space: &mut Space, kind: Reduction, items: &[&Form]) -> Option<Form> {
    if kind == Reduction::Sum {
        let terms: Vec<(&Form, Fixed)> = items.iter().map(|item| (*item, Fixed::ONE)).collect();
        return space.sum(&terms, Fixed::ZERO);
    }
    // Two neighbours at a time: of several operands, an extreme is no function of one sum.
    let mut items: Vec<Form> = items.iter().map(|item| (*item).clone()).collect();
    while items.len() > 1 {
        let mut next = Vec::with_capacity(items.len().div_ceil(2));
        for pair in items.chunks(2) {
            next.push(match pair {
                [a, b] if kind == Reduction::Max => space.max(a, b)?,
                [a, b] => space.min(a, b)?,
                _ => pair[0].clone(),
            });
        }
        items = next;
    }
    items.pop()
}

/// A number in a format. Rounding is `floor(x + h)` with ties up, or a tie is told from its neighbours by the grid of x.
pub fn quantize(space: &mut Space, x: &Form, to: &Quantization) -> Option<Form> {
    let lsb = to.format.lsb;
    if to.format.width == 0 {
        return Some(Form::default());
    }
    let rounded = round(space, x, to.rounding, lsb)?;
    let full = to.format.range();
    let symmetric = to.overflow == Overflow::SatSym && full.lo < 0;
    let (low, high) = (Fixed::new(full.lo + symmetric as i128, lsb), full.high());
    match to.overflow {
        Overflow::Wrap => space.wrap(&rounded, lsb + to.format.width as i32, to.format.signed),
        Overflow::Sat | Overflow::SatSym => {
            let above = space.max(&rounded, &Form::number(low))?;
            space.min(&above, &Form::number(high))
        }
        Overflow::SatZero => {
            let zero = Form::default();
            let below = space.select(&rounded.clone().offset(low.negate())?, &zero, &rounded)?;
            let room = rounded.times(Fixed::ONE.negate())?.offset(high)?;
            space.select(&room, &zero, &below)
        }
    }
}

fn round(space: &mut Space, x: &Form, rounding: Rounding, lsb: i32) -> Option<Form> {
    let Some(grid) = x.grid().filter(|grid| *grid < lsb) else { return Some(x.clone()) };
    let (half, unit) = (Fixed::power_of_two(lsb - 1), Fixed::power_of_two(grid));
    let ties_up = space.floor(&x.clone().offset(half)?, lsb)?;
    let ties_down = space.floor(&x.clone().offset(half.add(unit.negate())?)?, lsb)?;
    match rounding {
        Rounding::Trn => space.floor(x, lsb),
        Rounding::TrnZero => {
            let down = space.floor(x, lsb)?;
            let up = space.floor(&x.clone().offset(Fixed::power_of_two(lsb).add(unit.negate())?)?, lsb)?;
            space.select(x, &up, &down)
        }
        Rounding::Rnd => Some(ties_up),
        Rounding::RndMinInf => Some(ties_down),
        Rounding::RndZero => space.select(x, &ties_up, &ties_down),
        Rounding::RndInf => space.select(x, &ties_down, &ties_up),
        Rounding::RndConv => {
            // Of a tie's neighbours, the even one: the odd bit of the lower is what is added.
            let kept = space.floor(x, lsb)?;
            let odd = space.wrap(&kept, lsb + 1, false)?;
            let up = space.plus(&ties_up, &ties_down, Fixed::ONE.negate())?;
            let bit = space.mul(&odd.times(Fixed::power_of_two(-lsb))?, &up)?;
            space.plus(&ties_down, &bit, Fixed::ONE)
        }
    }
}

/// A step function of a number: a curve of its line. A threshold of float32 may be finer than any number that reaches it: the
/// first of the number's grid that does decides alike.
fn staircase(space: &mut Space, x: &Form, stairs: &Staircase) -> Option<Form> {
    let mut sum = Form::number(stairs.first);
    let mut last = stairs.first;
    let grid = x.grid().unwrap_or(0);
    for (threshold, value) in &stairs.steps {
        let beside = whole(threshold.negate().scale(-grid)).scale(grid);
        let reached = space.at_least_zero(&x.clone().offset(beside)?)?;
        sum = space.plus(&sum, &reached, value.add(last.negate())?)?;
        last = *value;
    }
    Some(sum)
}

fn table(space: &mut Space, x: &Form, lo: i128, exp: i32, values: &[Fixed]) -> Option<Form> {
    let exponents = values.iter().filter(|value| !value.is_zero()).map(|value| value.exponent());
    let unit = exponents.min().unwrap_or(0);
    let x = space.floor(x, exp)?;
    space.function(&[x], unit, |point| {
        let index = usize::try_from(point[0].at(exp)?.checked_sub(lo)?).ok()?;
        values.get(index)?.at(unit)
    })
}

fn address(space: &mut Space, lookup: &Lookup, node: &Node, row: &[Form], element: usize) -> Option<Form> {
    let inputs = lookup.domains.len();
    let args = &row[element * inputs..(element + 1) * inputs];
    let args: Vec<Form> =
        args.iter().zip(&lookup.domains).map(|(x, domain)| space.floor(x, domain.exp)).collect::<Option<_>>()?;
    let table = lookup.table(element, &node.shape);
    space.function(&args, lookup.exp, |point| {
        let codes: Option<Vec<i128>> =
            point.iter().zip(&lookup.domains).map(|(value, domain)| value.at(domain.exp)).collect();
        Some(i128::from(*table.get(lookup.index(codes?.into_iter())?)?))
    })
}
