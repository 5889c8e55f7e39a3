//! `naive`: every row by itself, a chain of its digits. What sharing is measured against, and a second opinion in tests.

use super::shift_add::digits::digits;
use super::{Problem, Program, Solve, Step};
use crate::dfg::{Id, Term};
use crate::fixed::Fixed;
use crate::registry::Entry;

/// The entry of this multiplier.
pub const MULTIPLIER: Entry<Solve> =
    Entry { name: "naive", doc: "each row by itself: a balanced sum of its signed digits", make: solve };

fn solve(problem: &Problem) -> Program {
    let mut program = Program::default();
    for row in &problem.rows {
        let mut items: Vec<Term> = Vec::new();
        for (operand, factor) in &row.terms {
            items.extend(digits(*factor).map(|(shift, negative)| Term { id: Id(*operand), shift, negative }));
        }
        let mut constant = row.constant;
        // Pairs, then pairs of pairs: the constant goes into the first sum.
        while items.len() > 1
            || items.first().is_some_and(|item| *item != Term::plus(item.id, 0))
            || !constant.is_zero()
        {
            let mut next = Vec::new();
            for pair in items.chunks(2) {
                let constant = std::mem::replace(&mut constant, Fixed::ZERO);
                let lone = pair.len() == 1 && constant.is_zero() && items.len() > 1;
                next.push(if lone {
                    pair[0]
                } else {
                    Term::plus(push(&mut program, problem, pair.to_vec(), constant), 0)
                });
            }
            if items.is_empty() {
                next.push(Term::plus(push(&mut program, problem, Vec::new(), constant), 0));
                constant = Fixed::ZERO;
            }
            items = next;
        }
        let result = items.first().map(|item| item.id);
        let result = result.unwrap_or_else(|| push(&mut program, problem, Vec::new(), Fixed::ZERO));
        program.results.push(result.0);
    }
    program
}

fn push(program: &mut Program, problem: &Problem, terms: Vec<Term>, constant: Fixed) -> Id {
    program.steps.push(Step::Sum { terms, constant });
    Id((problem.operands.len() + program.steps.len() - 1) as u32)
}
