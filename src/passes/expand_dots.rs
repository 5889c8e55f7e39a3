//! `expand-dots`: the products of a layer's constant matrix become shifted sums.
//!
//! Before: `%9 = dot %1 * 3p0, %2 * -1p2, 5p-3`; after: `%9 = add %1, %1 << 1`, `%10 = add %9, -%2 << 2, 5p-3`.
//!
//! The dots of one row of a layer (all output channels at one position) are solved together, so that they share sums;
//! equal rows are solved once.

use super::late::late;
use super::{Context, Pass};
use crate::dfg::{Builder, Dfg, Id, Op};
use crate::error::{Error, Result};
use crate::fixed::Fixed;
use crate::multipliers::{Chains, Operand, Problem, Program, Row};
use crate::registry::Entry;
use std::collections::HashMap;
use std::rc::Rc;

/// The entry of this pass.
pub const PASS: Entry<Pass> =
    Entry { name: "expand-dots", doc: "constant matrix products become shared shifted sums", make: run };

/// The output channels of a layer at one position: layer, and position.
type Place = (u32, u32);

/// A dot to be solved: old node, operands in the new graph, constant.
type Dot = (Id, Vec<(Id, Fixed)>, Fixed);

struct Expansion<'a> {
    dfg: &'a Dfg,
    context: &'a Context<'a>,
    builder: Builder,
    arrival: Vec<u32>,
    /// How late each product may be, if sums are to be tight.
    late: Option<Vec<u32>>,
    solved: HashMap<Problem, Rc<Program>>,
    rows: HashMap<Place, Vec<Id>>,
    new: Vec<Option<Id>>,
}

fn place(dfg: &Dfg, id: Id) -> Place {
    let from = dfg[id].from;
    (from.layer, dfg.row(from))
}

fn run(dfg: &Dfg, context: &Context) -> Result<Dfg> {
    let mut rows: HashMap<Place, Vec<Id>> = HashMap::new();
    let dots = dfg.ids().filter(|id| matches!(dfg[*id].op, Op::Dot { .. }));
    dots.for_each(|id| rows.entry(place(dfg, id)).or_default().push(id));
    let (builder, new) = (Builder::like(dfg), vec![None; dfg.nodes.len()]);
    let late = context.way.tight.then(|| late(dfg, context));
    let mut expansion =
        Expansion { dfg, context, builder, arrival: Vec::new(), late, solved: HashMap::new(), rows, new };
    for id in dfg.ids() {
        expansion.node(id)?;
    }
    let results = dfg.results.iter().map(|id| expansion.node(*id)).collect::<Result<_>>()?;
    Ok(expansion.builder.finish(dfg.outputs.clone(), results))
}

impl Expansion<'_> {
    /// The new node of an old one, whose operands all have one.
    fn node(&mut self, id: Id) -> Result<Id> {
        if self.new[id.index()].is_none() {
            if let Op::Dot { .. } = self.dfg[id].op {
                self.solve(place(self.dfg, id))?;
            } else {
                self.builder.set_source(self.dfg[id].from);
                let op = self.builder.adopt(self.dfg, id, |arg| self.new[arg.index()].unwrap_or(arg));
                self.new[id.index()] = Some(self.builder.push(op)?);
            }
        }
        self.new[id.index()].ok_or_else(|| Error::bug(format!("{id} was not expanded")))
    }

    /// Solves all dots of a row whose operands are there, and adds their sums. Some may come later in the graph: what
    /// reads one dot of a row may stand before the next.
    fn solve(&mut self, place: Place) -> Result<()> {
        let waiting = self.rows.remove(&place).unwrap_or_default();
        let (row, later): (Vec<Id>, Vec<Id>) =
            waiting.into_iter().partition(|id| self.dfg[*id].op.args().all(|arg| self.new[arg.index()].is_some()));
        self.rows.insert(place, later);
        let row: Vec<Dot> = row.into_iter().map(|id| self.dot(id)).collect::<Result<_>>()?;
        self.measure();
        let mut operands: Vec<Id> = row.iter().flat_map(|(_, terms, _)| terms.iter().map(|(id, _)| *id)).collect();
        operands.sort_unstable();
        operands.dedup();
        let problem = self.problem(&operands, &row);
        let program = match self.solved.get(&problem) {
            Some(program) => program.clone(),
            None => {
                let program = Rc::new((self.context.multiplier)(&problem));
                self.solved.insert(problem, program.clone());
                program
            }
        };
        let owners = program.owners(operands.len());
        let owner = |b: &mut Builder, step: usize| {
            if let Some((dot, ..)) = row.get(owners[step]) {
                b.set_source(self.dfg[*dot].from);
            }
        };
        let results = program.replay(&mut self.builder, &operands, owner)?;
        for ((dot, ..), result) in row.iter().zip(results) {
            self.new[dot.index()] = Some(result);
        }
        Ok(())
    }

    /// A dot on new operands, each at most once: two old operands may have become one, or a constant.
    fn dot(&self, id: Id) -> Result<Dot> {
        let Op::Dot { terms, constant } = &self.dfg[id].op else { return Err(Error::bug("a row holds no dot")) };
        let terms = terms.iter().filter_map(|(arg, factor)| Some((self.new[arg.index()]?, *factor))).collect();
        let (terms, constant) = self.builder.gather(terms, *constant)?;
        Ok((id, terms, constant))
    }

    /// Brings the arrival times up to date with the builder's nodes.
    fn measure(&mut self) {
        let dfg = self.builder.dfg();
        for index in self.arrival.len()..dfg.nodes.len() {
            let id = Id(index as u32);
            let operands = dfg[id].op.args().map(|arg| self.arrival[arg.index()]).max().unwrap_or(0);
            self.arrival.push(operands + self.context.target.delay(dfg, id));
        }
    }

    fn problem(&self, operands: &[Id], row: &[Dot]) -> Problem {
        let first = operands.iter().map(|id| self.arrival[id.index()]).min().unwrap_or(0);
        let adder = self.context.target.adder_delay().max(1);
        let operand = |id: &Id| Operand {
            range: self.builder.range(*id),
            level: (self.arrival[id.index()] - first + adder / 2) / adder,
        };
        let number = |id: &Id| operands.binary_search(id).unwrap_or(0) as u32;
        let rows = row.iter().map(|(id, terms, constant)| Row {
            terms: terms.iter().map(|(id, factor)| (number(id), *factor)).collect(),
            constant: *constant,
            late: self.late.as_ref().map_or(u32::MAX, |late| late[id.index()]),
        });
        let sums = self.context.target.sums();
        let chains = Chains { constant: sums.constant, third: sums.operands > 2, pass: sums.pass };
        let (operands, rows) = (operands.iter().map(operand).collect(), rows.collect());
        Problem { operands, rows, slack: self.context.way.slack, chains, effort: self.context.way.effort }
    }
}
