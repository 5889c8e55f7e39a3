//! Stages of a folded graph: a piece after the other, each by any scheduler.
//!
//! Pieces alternate: what is computed once per event, what is computed on digits, what is computed once per event of their
//! totals, and so on. A piece begins when the one before has ended, so that all digits of a matrix come in the same clocks.

use super::{Folded, Kind};
use crate::dfg::{Builder, Dfg, Id, Node, Op};
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Format, Quantization};
use crate::port::Port;
use crate::schedulers::{Goal, Schedule, Scheduler};
use crate::targets::{Area, Target};

/// The clock that a goal asks for.
///
/// # Errors
/// It asks for something else.
pub fn period(goal: Goal) -> Result<u32> {
    let help = "give --clock or --period; the stages follow from it";
    let other = || Error::user("--interval cannot be had with --stages or --latency", help);
    goal.period.filter(|_| goal.stages.is_none() && goal.latency.is_none()).ok_or_else(other)
}

/// The stage of each node, for a clock: of the first value, if it has several in an event.
///
/// # Errors
/// A goal that cannot be met, or one that is more than a clock.
pub fn schedule(folded: &Folded, target: &dyn Target, scheduler: Scheduler, goal: Goal) -> Result<Schedule> {
    let (dfg, period) = (&folded.dfg, period(goal)?);
    let pieces = folded.pieces();
    let last = pieces.iter().copied().max().unwrap_or(0);
    let mut schedule =
        Schedule { stage: vec![0; dfg.nodes.len()], latency: 0, period: folded.slowest(target, period)?, states: None };
    for piece in 0..=last {
        let begin = match piece {
            0 => 0,
            piece if piece % 2 == 1 => schedule.latency + 1,
            _ => schedule.latency + folded.interval,
        };
        let (part, ids) = extract(folded, &pieces, piece);
        let own = if part.ids().any(|id| target.delay(&part, id) > 0) {
            scheduler(&part, target, Goal { registered: piece > 0, ..goal })?
        } else {
            Schedule { stage: vec![0; ids.len()], latency: 0, period: 0, states: None }
        };
        for (id, stage) in ids.iter().zip(&own.stage).filter(|(id, _)| pieces[id.index()] == piece) {
            schedule.stage[id.index()] = begin + stage;
        }
        schedule.latency = begin + own.latency;
        schedule.period = schedule.period.max(own.period);
    }
    Ok(schedule)
}

impl Folded {
    /// The piece of each node: even ones have a value in an event, odd ones one in each clock.
    pub(super) fn pieces(&self) -> Vec<u32> {
        let mut pieces: Vec<u32> = Vec::with_capacity(self.dfg.nodes.len());
        for node in &self.dfg.nodes {
            let behind = self.link(&node.op).map(|link| pieces[self.source(link).index()] + 1);
            let operands = node.op.args().map(|arg| pieces[arg.index()]);
            pieces.push(operands.chain(behind).max().unwrap_or(0));
        }
        pieces
    }

    /// What a link costs: a multiplexer a bit that is shifted, or an adder.
    pub fn area(&self, link: usize, target: &dyn Target) -> Area {
        match self.links[link].kind {
            Kind::Digits { of } => {
                let shifted = of.width.saturating_sub(self.links[link].digit);
                Area { luts: f64::from(shifted), carry: 0.0 }
            }
            Kind::Total { .. } => self.adder(link).map_or(Area::default(), |(dfg, sum)| target.area(&dfg, sum)),
        }
    }

    /// Time from registers to what a total's register takes, in ps.
    pub fn delay(&self, link: usize, target: &dyn Target) -> u32 {
        self.adder(link).map_or(0, |(dfg, sum)| target.delay(&dfg, sum))
    }

    /// The period that the slowest total needs.
    fn slowest(&self, target: &dyn Target, period: u32) -> Result<u32> {
        let slowest = (0..self.links.len()).max_by_key(|link| self.delay(*link, target));
        let need = slowest.map_or(0, |link| self.delay(link, target) + target.register_delay());
        if let Some(link) = slowest.filter(|_| need > period) {
            let what = format!("the accumulator takes {need} ps with its register, more than the {period} ps period");
            let help = format!("use a slower clock: at most {} MHz", 1_000_000 / need.max(1));
            return Err(Error::user(what, help).at(self.dfg.source(self.source(link))));
        }
        Ok(need)
    }

    /// A total's adder, as a graph of its own.
    fn adder(&self, link: usize) -> Option<(Dfg, Id)> {
        let accumulator = self.accumulator(link)?;
        let format = Format { signed: accumulator.signed, width: accumulator.width, lsb: accumulator.exp };
        let port =
            Port { name: "x".into(), shape: vec![2], elements: vec![Quantization::plain(format); 2], state: false };
        let mut builder = Builder::new("adder", vec![("sum".into(), 1)], vec![port]);
        let (a, b) = (builder.input(0, 0).ok()?, builder.input(0, 1).ok()?);
        let terms = [a, b].map(|id| crate::dfg::Term::plus(id, 0));
        let sum = builder.add(terms.into(), Fixed::ZERO).ok()?;
        let wrapped = builder.wrap(sum, format.integer(), format.signed).ok()?;
        Some((builder.finish(Vec::new(), vec![wrapped]), sum))
    }
}

/// A piece as a graph of its own, in which what other pieces make is an input; and the node of each of its nodes.
fn extract(folded: &Folded, pieces: &[u32], piece: u32) -> (Dfg, Vec<Id>) {
    let dfg = &folded.dfg;
    let own = |id: Id| pieces[id.index()] == piece;
    let constant = |id: Id| matches!(dfg[id].op, Op::Const(_));
    let mut read = vec![false; dfg.nodes.len()];
    let mut leaves = vec![false; dfg.nodes.len()];
    for id in dfg.ids() {
        for arg in dfg[id].op.args() {
            read[arg.index()] |= own(id);
            leaves[arg.index()] |= !own(id);
        }
    }
    dfg.results.iter().for_each(|id| leaves[id.index()] = true);
    let mut new = vec![Id(0); dfg.nodes.len()];
    let (mut nodes, mut ids) = (Vec::new(), Vec::new());
    for id in dfg.ids().filter(|id| own(*id) || read[id.index()]) {
        let op = if own(id) || constant(id) {
            dfg[id].op.map(|arg| new[arg.index()])
        } else {
            Op::Input { port: 0, element: 0 }
        };
        new[id.index()] = Id(nodes.len() as u32);
        nodes.push(Node { op, ..dfg[id].clone() });
        ids.push(id);
    }
    let results = dfg.ids().filter(|id| own(*id) && leaves[id.index()]).map(|id| new[id.index()]).collect();
    (Dfg { nodes, results, ..dfg.clone() }, ids)
}
