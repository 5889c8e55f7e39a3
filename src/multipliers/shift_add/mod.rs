//! `shift_add`: shared shifted additions with exact ranges, within the fewest adder levels.
//!
//! 1. `pack`: operands of one bit go, six at a time, into tables of their partial sums;
//! 2. `digits`: coefficients become signed powers of two, so a row is a sum of shifted values;
//! 3. `share`: the pair of terms that saves most adder bits over all rows becomes a value of its own, again and again;
//! 4. values used once are inlined again, and `tree` orders each sum by beam search;
//! 5. `offsets` distributes the constants over the sums; `roots` makes room for those of sums of three.
//!
//! With effort `high` this is done many times, with noise on what a pair saves, and the cheapest program is taken.
//!
//! A row may be as deep as the deepest row must be, or as its own lateness allows (plus the problem's slack): a sum of
//! terms at levels `l` fits in `D` levels exactly if the sum of `2^l` is at most `2^D` (Kraft).

pub mod digits;
mod offsets;
mod pack;
mod roots;
mod share;
mod tree;
mod value;

use super::{Chains, Effort, Problem, Program, Row, Solve, Step};
use crate::dfg::{Id, Term};
use crate::fixed::Fixed;
use crate::registry::Entry;
use digits::digits;
use rayon::prelude::*;
use value::Value;

/// The entry of this multiplier.
pub const MULTIPLIER: Entry<Solve> = Entry {
    name: "shift-add",
    doc: "shared shifted additions: greedy sharing, then a beam search of each sum",
    make: solve,
};

/// States kept while a sum is ordered.
const BEAM: usize = 6;
/// States kept by `high`.
const WIDE: usize = 24;
/// Terms that `high` goes through.
const TERMS: usize = 30_000;

/// A sum that is still to be ordered: the definition of a shared value, or a row.
struct Sum {
    terms: Vec<Term>,
    constant: Fixed,
    /// Levels it may take.
    limit: u32,
    /// What one carry chain adds; its last two sums may become one of three operands.
    chains: Chains,
}

fn solve(problem: &Problem) -> Program {
    let tries = match problem.effort {
        Effort::Fast | Effort::Default => return attempt(problem, &Search::first(problem.effort)).1,
        Effort::High => tries(problem),
    };
    let attempts = (0..tries).into_par_iter().map(|number| {
        let (price, program) = attempt(problem, &Search::next(number));
        (price, number, program)
    });
    // Of equal ones the first, so that the number of threads changes nothing.
    let best = attempts.min_by_key(|(price, number, _)| (*price, *number));
    best.map(|(_, _, program)| program).unwrap_or_default()
}

/// How often `high` tries a problem: less where a try takes long.
fn tries(problem: &Problem) -> u64 {
    let terms: usize = problem.rows.iter().map(|row| row.terms.len()).sum();
    (TERMS / terms.max(1)).clamp(4, 32) as u64
}

/// How one attempt differs from others.
struct Search {
    /// 0, or which noise scores have.
    seed: u64,
    /// The noise, in percent of a score.
    noise: u64,
    /// States that the order of a sum is searched with.
    beam: usize,
}

impl Search {
    fn first(effort: Effort) -> Search {
        Search { seed: 0, noise: 0, beam: if effort == Effort::Fast { 2 } else { BEAM } }
    }

    fn next(number: u64) -> Search {
        let noise = if number == 0 { 0 } else { [20, 40, 70][(number % 3) as usize] };
        Search { seed: number, noise, beam: if number < 2 { BEAM } else { WIDE } }
    }

    /// A score with noise that depends on what is scored alone.
    fn noisy(&self, score: u64, of: impl Fn() -> u64) -> u64 {
        if self.noise == 0 {
            return score;
        }
        let of = of();
        let mixed = tree::mix(tree::mix(of ^ self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_add(of));
        score * (200 - self.noise + mixed % (2 * self.noise)) / 200
    }
}

/// One attempt: its price in tenths of a LUT, and the program.
fn attempt(problem: &Problem, search: &Search) -> (u64, Program) {
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
    let limits: Vec<u32> = limits(problem, &columns, &rows, &values);
    let pairs = share::share(&mut columns, &mut values, &limits, problem.chains.pass, search);
    let chains = problem.chains;
    let rows = columns.into_iter().zip(&rows).zip(limits);
    let rows = rows.map(|((terms, row), limit)| Sum { terms, constant: row.constant, limit, chains });
    let shared = pairs.into_iter().zip(&values[fixed..]);
    let pairs = Chains { third: false, ..chains };
    let shared = shared.map(|(terms, value)| Sum { terms, constant: Fixed::ZERO, limit: value.level, chains: pairs });
    let mut sums: Vec<Sum> = shared.chain(rows).collect();
    let used = inline(&mut sums, fixed, values.len());
    emit(&mut program, &sums, &used, values, fixed, search.beam);
    (offsets::assign(&mut program, problem), program)
}

/// The levels that each row may take.
fn limits(problem: &Problem, columns: &[Vec<Term>], rows: &[Row], values: &[Value]) -> Vec<u32> {
    let depth = |terms: &Vec<Term>| levels(terms.iter().map(|term| values[term.id.index()].level));
    let depths: Vec<u32> = columns.iter().map(depth).collect();
    let deepest = depths.iter().copied().max().unwrap_or(0);
    let limit = |(own, row): (&u32, &Row)| own.saturating_add(row.late).min(deepest) + problem.slack;
    depths.iter().zip(rows).map(limit).collect()
}

/// Fewest levels of a sum of terms at these levels (Kraft).
pub fn levels(terms: impl Iterator<Item = u32>) -> u32 {
    let total: u128 = terms.map(|level| 1u128 << level.min(100)).sum();
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
fn emit(program: &mut Program, sums: &[Sum], used: &[bool], mut values: Vec<Value>, fixed: usize, beam: usize) {
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
        let tree = tree::order(sum, &values, beam);
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
