//! `random`: every trial is drawn evenly from the space, and none twice.
//!
//! A trial depends on the seed and its number alone: any number of workers makes the same ones.

use super::{Problem, Proposal, Space, Trial, Tuner};
use crate::random::Random;
use crate::registry::Entry;
use std::collections::HashSet;

/// The entry.
pub const SEARCH: Entry<Tuner> = Entry {
    name: "random",
    doc: "drawn evenly, the same trials whatever the number of workers",
    make: Tuner { count, propose },
};

/// As many as asked, or as there are networks.
pub fn count(problem: &Problem) -> u64 {
    problem.max_trials.min(problem.space.size().min(1e15) as u64)
}

fn propose(problem: &Problem, number: u64, _: &[Trial]) -> Option<Proposal> {
    Some(Proposal { choices: draws(problem, number).pop()?, epochs: problem.epochs })
}

/// The draws up to a number, all different.
pub fn draws(problem: &Problem, number: u64) -> Vec<Vec<usize>> {
    let mut random = Random::new(problem.seed);
    let (mut known, mut drawn) = (HashSet::new(), Vec::new());
    while drawn.len() as u64 <= number {
        let mut choices = draw(&mut random, problem.space);
        // Few networks are left where a draw is known: the next one in order that is not.
        while !known.insert(choices.clone()) && (known.len() as f64) < problem.space.size() {
            next(&mut choices, problem.space);
        }
        drawn.push(choices);
    }
    drawn
}

/// One choice for each parameter.
pub fn draw(random: &mut Random, space: &Space) -> Vec<usize> {
    space.parameters.iter().map(|parameter| random.below(parameter.values.len() as u64) as usize).collect()
}

/// The network behind this one, where choices are counted up; the first behind the last.
fn next(choices: &mut [usize], space: &Space) {
    for (choice, parameter) in choices.iter_mut().zip(&space.parameters) {
        *choice += 1;
        if *choice < parameter.values.len() {
            return;
        }
        *choice = 0;
    }
}
