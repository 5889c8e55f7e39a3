//! The simulator for many samples: the same bits as the hardware, as fast as a processor goes.
//!
//! A verified pipeline crosses equally many registers on every path, so a stream of samples can be followed sample by
//! sample: a register is then a second name for what it holds. Samples go side by side through each cell, in the
//! narrowest machine integer that holds every vector. [`super::Stepper`] follows the clock cycles instead.

mod compile;
mod lane;

use super::Netlist;
use crate::batch::Batch;
use crate::error::Result;
use compile::{Action, Operand, Piece, Program, Step, compile};
use lane::{LANES, Lane, Lanes, low};
use rayon::prelude::*;

/// A netlist made ready for simulation.
pub struct Simulator {
    program: Program,
}

impl Simulator {
    /// Compiles a verified netlist.
    ///
    /// # Errors
    /// A vector beyond 127 bits.
    pub fn new(netlist: &Netlist) -> Result<Simulator> {
        Ok(Simulator { program: compile(netlist)? })
    }

    /// The output codes of a stream of samples: what leaves the pipeline `latency` cycles after each.
    pub fn run(&self, inputs: &Batch) -> Batch {
        match self.program.width {
            0..=31 => self.stream::<i32>(inputs),
            32..=63 => self.stream::<i64>(inputs),
            _ => self.stream::<i128>(inputs),
        }
    }

    fn stream<L: Lane>(&self, inputs: &Batch) -> Batch {
        let (columns, results) = (inputs.columns.max(1), self.program.results.len());
        let mut out = Batch { columns: results, data: vec![0; inputs.rows() * results] };
        let groups = inputs.data.par_chunks(columns * LANES).zip(out.data.par_chunks_mut((results * LANES).max(1)));
        groups.for_each_init(
            || vec![[L::default(); LANES]; self.program.slots],
            |slots, (rows, out)| {
                self.program.steps.iter().for_each(|step| run(step, slots, rows, columns));
                for (column, operand) in self.program.results.iter().enumerate() {
                    let lanes = load(slots, operand);
                    let cells = out.iter_mut().skip(column).step_by(results);
                    cells.zip(lanes).for_each(|(cell, value)| *cell = value.wide());
                }
            },
        );
        out
    }
}

fn run<L: Lane>(step: &Step, slots: &mut [Lanes<L>], rows: &[i128], columns: usize) {
    let out = step.out as usize;
    let mut lanes = [L::default(); LANES];
    match &step.action {
        Action::Pair(pair) => {
            let places = [out, pair.a as usize, pair.b as usize];
            // A step's slot is never one that it reads, and a pair reads two.
            if let Ok([out, a, b]) = slots.get_disjoint_mut(places) {
                pair.run(out, a, b);
            }
            return;
        }
        Action::Load(column, wrap) => {
            let codes = rows.iter().skip(*column).step_by(columns);
            lanes.iter_mut().zip(codes).for_each(|(lane, code)| *lane = L::of(*code));
            wrap.apply(&mut lanes);
        }
        Action::Sum(operand) => lanes = load(slots, operand),
        Action::Mul(a, b, wrap) => {
            lanes = both(slots, a, b, L::mul);
            wrap.apply(&mut lanes);
        }
        Action::Mux(sel, a, b, wrap) => {
            let (sel, a, b) = (load(slots, sel), load(slots, a), load(slots, b));
            for (((lane, sel), a), b) in lanes.iter_mut().zip(sel).zip(a).zip(b) {
                // The bits of a where sel is all ones, of b where it is zero.
                *lane = b.add(a.sub(b).and(sel));
            }
            wrap.apply(&mut lanes);
        }
        Action::Less(a, b) => lanes = both(slots, a, b, |a, b| L::of((a < b) as i128)),
        Action::Any(a) => lanes = load(slots, a).map(|a| L::of((a != L::default()) as i128)),
        Action::All(a, width) => lanes = load(slots, a).map(|a| L::of((a == low(*width)) as i128)),
        Action::Rom(index, entries) => {
            lanes = load(slots, index).map(|index: L| L::of(entries.get(index.wide() as usize).copied().unwrap_or(0)));
        }
    }
    slots[out] = lanes;
}

fn both<L: Lane>(slots: &[Lanes<L>], a: &Operand, b: &Operand, f: impl Fn(L, L) -> L) -> Lanes<L> {
    let (mut lanes, b) = (load(slots, a), load(slots, b));
    lanes.iter_mut().zip(b).for_each(|(a, b)| *a = f(*a, b));
    lanes
}

/// The value of an operand: its pieces' sum.
fn load<L: Lane>(slots: &[Lanes<L>], operand: &Operand) -> Lanes<L> {
    let mut lanes = [L::of(operand.constant); LANES];
    for piece in &operand.pieces {
        add(&mut lanes, &slots[piece.from as usize], piece);
    }
    operand.wrap.apply(&mut lanes);
    lanes
}

fn add<L: Lane>(lanes: &mut Lanes<L>, from: &Lanes<L>, piece: &Piece) {
    let &Piece { down, keep, fill, up, minus, .. } = piece;
    let mask = low::<L>(keep.unwrap_or(L::BITS));
    let top = L::BITS - 1;
    let bits = |x: L| if fill { x.up(top - down).down(top) } else { x.down(down) };
    let placed = |x: L| bits(x).and(mask).up(up);
    if minus {
        lanes.iter_mut().zip(from).for_each(|(lane, x)| *lane = lane.sub(placed(*x)));
    } else {
        lanes.iter_mut().zip(from).for_each(|(lane, x)| *lane = lane.add(placed(*x)));
    }
}
