//! `hyperband`: many candidates for a few epochs, the best of them for more.
//!
//! Source: Li et al., "Hyperband", JMLR 18 (2018), algorithm 1, with the epochs of a trial as the resource. With `R` epochs and the
//! factor `f`, bracket `s` from `floor(log_f R)` down to 0 begins with `ceil((S + 1) / (s + 1) f^s)` random candidates of
//! `R / f^s` epochs; from each rung to the next one in `f` goes on. A candidate that goes on is trained anew, for more
//! epochs: so a trial depends on nothing but its choices. A rung waits for the one before; other brackets do not.

use super::random::draws;
use super::{Problem, Proposal, Trial, Tuner};
use crate::registry::Entry;

/// The entry.
pub const SEARCH: Entry<Tuner> = Entry {
    name: "hyperband",
    doc: "many candidates for few epochs, the best of them for more",
    make: Tuner { count, propose },
};

/// A rung: its first trial's number, how many there are, their epochs, and the rung before it in its bracket.
struct Rung {
    first: u64,
    trials: u64,
    epochs: u32,
    before: Option<usize>,
}

fn rungs(problem: &Problem) -> Vec<Rung> {
    let (most, factor) = (f64::from(problem.epochs.max(1)), f64::from(problem.factor.max(2)));
    let deepest = (0..64).take_while(|s| factor.powi(*s + 1) <= most).count() as i32;
    let (mut rungs, mut first): (Vec<Rung>, u64) = (Vec::new(), 0);
    for bracket in (0..=deepest).rev() {
        let candidates = (f64::from(deepest + 1) / f64::from(bracket + 1) * factor.powi(bracket)).ceil();
        for rung in 0..=bracket {
            let trials = (candidates / factor.powi(rung)).floor().max(1.0) as u64;
            let epochs = (most / factor.powi(bracket - rung)).round().max(1.0) as u32;
            let before = (rung > 0).then(|| rungs.len() - 1);
            rungs.push(Rung { first, trials, epochs, before });
            first += trials;
        }
    }
    rungs
}

fn count(problem: &Problem) -> u64 {
    rungs(problem).last().map_or(0, |rung| rung.first + rung.trials)
}

fn propose(problem: &Problem, number: u64, trials: &[Trial]) -> Option<Proposal> {
    let rungs = rungs(problem);
    let rung = rungs.iter().find(|rung| (rung.first..rung.first + rung.trials).contains(&number))?;
    let Some(before) = rung.before.map(|before| &rungs[before]) else {
        return Some(Proposal { choices: draws(problem, number).pop()?, epochs: rung.epochs });
    };
    let of = before.first..before.first + before.trials;
    let mut ranked: Vec<&Trial> = trials.iter().filter(|trial| of.contains(&trial.number) && !trial.running).collect();
    if (ranked.len() as u64) < before.trials {
        return None;
    }
    let score = |trial: &Trial| trial.score.unwrap_or(f64::NEG_INFINITY);
    ranked.sort_by(|a, b| score(b).total_cmp(&score(a)).then(a.number.cmp(&b.number)));
    let chosen = ranked.get((number - rung.first) as usize)?;
    Some(Proposal { choices: chosen.choices.clone(), epochs: rung.epochs })
}
