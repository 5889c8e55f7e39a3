//! `shift_add`: shared shifted additions with exact ranges, within the fewest adder levels.
//!
//! 1. `pack`: operands of one bit go, six at a time, into tables of their partial sums;
//! 2. `digits`: coefficients become signed powers of two, so a row is a sum of shifted values;
//! 3. `share`: the pair of terms that saves most adder bits over all rows becomes a value of its own, again and again;
//! 4. values used once are inlined again, and `tree` orders each sum by beam search;
//! 5. `offsets` distributes the constants over the sums.
//!
//! A row may be as deep as the deepest row must be (plus the problem's slack): a sum of terms at levels `l` fits in `D`
//! levels exactly if the sum of `2^l` is at most `2^D` (Kraft).

pub mod digits;
mod offsets;
mod pack;
mod share;
mod tree;
mod value;

use super::{Problem, Program, Solve, Step};
use crate::dfg::{Id, Term};
use crate::fixed::Fixed;
use crate::registry::Entry;
use digits::digits;
use value::Value;

/// The entry of this multiplier.
pub const MULTIPLIER: Entry<Solve> = Entry {
    name: "shift-add",
    doc: "shared shifted additions: greedy sharing, then a beam search of each sum",
    make: solve,
};

/// A sum that is still to be ordered: the definition of a shared value, or a row.
struct Sum {
    terms: Vec<Term>,
    constant: Fixed,
    /// Levels it may take.
    limit: u32,
}

fn solve(problem: &Problem) -> Program {
    let mut program = Program::default();
    let mut values: Vec<Value> =
        problem.operands.iter().enumerate().map(|(i, o)| Value::operand(i as u32, o)).collect();
    let rows = pack::pack(problem, &mut values, &mut program);
    let fixed = values.len();
    let mut columns: Vec<Vec<Term>> = rows
        .iter()
        .map(|row| {
            let terms = row.terms.iter().flat_map(|(value, factor)| {
                digits(*factor).map(|(shift, negative)| Term { id: Id(*value), shift, negative })
            });
            terms.collect()
        })
        .collect();
    let limit = columns.iter().map(|terms| depth(terms, &values)).max();
    let limit = limit.unwrap_or(0) + problem.slack;
    let pairs = share::share(&mut columns, &mut values, limit);
    let rows = columns.into_iter().zip(&rows).map(|(terms, row)| Sum { terms, constant: row.constant, limit });
    let shared = pairs.into_iter().zip(&values[fixed..]);
    let shared = shared.map(|(terms, value)| Sum { terms, constant: Fixed::ZERO, limit: value.level });
    let mut sums: Vec<Sum> = shared.chain(rows).collect();
    let used = inline(&mut sums, fixed, values.len());
    emit(&mut program, &sums, &used, values, fixed);
    offsets::assign(&mut program, problem);
    program
}

/// Fewest levels of a sum of these terms (Kraft).
fn depth(terms: &[Term], values: &[Value]) -> u32 {
    let total: u128 = terms.iter().map(|term| 1u128 << values[term.id.index()].level.min(100)).sum();
    128 - total.max(1).leading_zeros() - total.is_power_of_two() as u32
}

/// Inlines every shared value that is used once; says which values are still used.
fn inline(sums: &mut [Sum], fixed: usize, count: usize) -> Vec<bool> {
    let mut uses = vec![0u32; count];
    // The sum that uses each value last: of a value used once, the only one.
    let mut user = vec![0; count];
    for (index, sum) in sums.iter().enumerate() {
        for term in &sum.terms {
            uses[term.id.index()] += 1;
            user[term.id.index()] = index;
        }
    }
    // Later values are made of earlier ones, so going down sees every user before what it uses.
    for index in (0..count - fixed).rev().map(|shared| shared + fixed) {
        if uses[index] != 1 {
            continue;
        }
        let definition = std::mem::take(&mut sums[index - fixed].terms);
        definition.iter().for_each(|inner| user[inner.id.index()] = user[index]);
        let sum = &mut sums[user[index]];
        if let Some(place) = sum.terms.iter().position(|term| term.id.index() == index) {
            let outer = sum.terms.swap_remove(place);
            sum.terms.extend(definition.into_iter().map(|inner| compose(inner, outer)));
        }
        uses[index] = 0;
    }
    uses.iter().map(|uses| *uses > 0).collect()
}

/// `outer` of a value that is `inner`.
fn compose(inner: Term, outer: Term) -> Term {
    Term { id: inner.id, shift: inner.shift + outer.shift, negative: inner.negative != outer.negative }
}

/// Orders every sum and writes its steps.
fn emit(program: &mut Program, sums: &[Sum], used: &[bool], mut values: Vec<Value>, fixed: usize) {
    // Where each value went: a value of the program, shifted and perhaps negated.
    let mut places: Vec<Term> = (0..fixed).map(|index| Term::plus(Id(index as u32), 0)).collect();
    let mut number = fixed as u32;
    let shared = values.len() - fixed;
    for (index, sum) in sums.iter().enumerate() {
        let row = index >= shared;
        if !row && !used[fixed + index] {
            places.push(Term::plus(Id(0), 0));
            continue;
        }
        if sum.terms.is_empty() {
            program.steps.push(Step::Sum { terms: Vec::new(), constant: sum.constant });
            program.results.push(number);
            number += 1;
            continue;
        }
        let tree = tree::order(sum, &values);
        let mut made: Vec<Term> = Vec::new();
        let place = |made: &[Term], term: &Term| match term.id.index().checked_sub(values.len()) {
            Some(inner) => compose(made[inner], *term),
            None => compose(places[term.id.index()], *term),
        };
        for (index, step) in tree.steps.iter().enumerate() {
            let terms = step.iter().map(|term| place(&made, term)).collect();
            let last = index + 1 == tree.steps.len();
            let constant = if last { sum.constant } else { Fixed::ZERO };
            program.steps.push(Step::Sum { terms, constant });
            made.push(Term::plus(Id(number), 0));
            number += 1;
        }
        let result = place(&made, &tree.result);
        if !row {
            values[fixed + index].level = tree.level;
            places.push(result);
        } else if result == Term::plus(result.id, 0) && (!made.is_empty() || sum.constant.is_zero()) {
            program.results.push(result.id.0);
        } else {
            let constant = if made.is_empty() { sum.constant } else { Fixed::ZERO };
            program.steps.push(Step::Sum { terms: vec![result], constant });
            program.results.push(number);
            number += 1;
        }
    }
}
