//! `expand-dots`: the products of a layer's constant matrix become shifted sums.
//!
//! Before: `%9 = dot %1 * 3p0, %2 * -1p2, 5p-3`; after: `%9 = add %1, %1 << 1`, `%10 = add %9, -%2 << 2, 5p-3`.
//!
//! The dots of one row of a layer (all output channels at one position) are solved together, so that they share sums;
//! equal rows are solved once.

use super::{Context, Pass};
use crate::dfg::{Builder, Dfg, Id, Op};
use crate::error::Result;
use crate::fixed::Fixed;
use crate::multipliers::{Operand, Problem, Program, Row};
use crate::registry::Entry;
use std::collections::HashMap;
use std::rc::Rc;

/// The entry of this pass.
pub const PASS: Entry<Pass> =
    Entry { name: "expand-dots", doc: "constant matrix products become shared shifted sums", make: run };

/// The output channels of a layer at one position: layer, and position.
type Place = (u32, u32);

/// A dot that waits for the last of its row: old node, operands in the new graph, constant.
type Waiting = (Id, Vec<(Id, Fixed)>, Fixed);

struct Expansion<'a> {
    dfg: &'a Dfg,
    context: &'a Context<'a>,
    builder: Builder,
    arrival: Vec<u32>,
    solved: HashMap<Problem, Rc<Program>>,
    waiting: HashMap<Place, Vec<Waiting>>,
    new: Vec<Id>,
}

fn place(dfg: &Dfg, id: Id) -> Place {
    let from = dfg[id].from;
    (from.layer, from.element / dfg.channels[from.layer as usize].max(1))
}

fn run(dfg: &Dfg, context: &Context) -> Result<Dfg> {
    let dots = dfg.ids().filter(|id| matches!(dfg[*id].op, Op::Dot { .. }));
    let last: HashMap<Place, Id> = dots.map(|id| (place(dfg, id), id)).collect();
    let builder = Builder::like(dfg);
    let (arrival, solved, waiting, new) = (Vec::new(), HashMap::new(), HashMap::new(), vec![Id(0); dfg.nodes.len()]);
    let mut expansion = Expansion { dfg, context, builder, arrival, solved, waiting, new };
    for id in dfg.ids() {
        expansion.node(id, last.get(&place(dfg, id)) == Some(&id))?;
    }
    let results = dfg.results.iter().map(|id| expansion.new[id.index()]).collect();
    Ok(expansion.builder.finish(dfg.outputs.clone(), results))
}

impl Expansion<'_> {
    /// Copies a node, or lets it wait if it is a dot and not the last of its row.
    fn node(&mut self, id: Id, last: bool) -> Result<()> {
        for arg in self.dfg[id].op.args() {
            // A dot that reads another of its row cannot be solved together with it.
            if self.waiting.get(&place(self.dfg, arg)).is_some_and(|row| row.iter().any(|(dot, ..)| *dot == arg)) {
                self.solve(place(self.dfg, arg))?;
            }
        }
        if let Op::Dot { terms, constant } = &self.dfg[id].op {
            let terms = terms.iter().map(|(arg, factor)| (self.new[arg.index()], *factor)).collect();
            let row = place(self.dfg, id);
            self.waiting.entry(row).or_default().push((id, terms, *constant));
            return if last { self.solve(row) } else { Ok(()) };
        }
        self.builder.set_source(self.dfg[id].from);
        let op = self.builder.adopt(self.dfg, id, |arg| self.new[arg.index()]);
        self.new[id.index()] = self.builder.push(op)?;
        Ok(())
    }

    /// Solves the dots of a row together and adds their sums.
    fn solve(&mut self, place: Place) -> Result<()> {
        let row = self.waiting.remove(&place).unwrap_or_default();
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
            self.new[dot.index()] = result;
        }
        Ok(())
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

    fn problem(&self, operands: &[Id], row: &[Waiting]) -> Problem {
        let first = operands.iter().map(|id| self.arrival[id.index()]).min().unwrap_or(0);
        let adder = self.context.target.adder_delay().max(1);
        let operand = |id: &Id| Operand {
            range: self.builder.range(*id),
            level: (self.arrival[id.index()] - first + adder / 2) / adder,
        };
        let number = |id: &Id| operands.binary_search(id).unwrap_or(0) as u32;
        let rows = row.iter().map(|(_, terms, constant)| Row {
            terms: terms.iter().map(|(id, factor)| (number(id), *factor)).collect(),
            constant: *constant,
        });
        Problem { operands: operands.iter().map(operand).collect(), rows: rows.collect(), slack: 0 }
    }
}
