//! The simulator for many samples: the same bits as the hardware, as fast as a processor goes.
//!
//! A verified pipeline crosses equally many registers on every path, so a stream of samples can be followed sample by
//! sample: a register is then a second name for what it holds. What happens in several clocks of an event is
//! unrolled first. Samples go side by side through each cell, in the
//! narrowest machine integer that holds every vector. [`super::Stepper`] follows the clock cycles instead.

mod compile;
mod lane;

use super::{Netlist, unroll::unroll};
use crate::batch::Batch;
use crate::error::Result;
use compile::{Action, Operand, Piece, Program, Rare, Step, compile};
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
        if netlist.nets.iter().any(|net| net.cell.feeds_back()) {
            return Ok(Simulator { program: compile(&unroll(netlist))? });
        }
        Ok(Simulator { program: compile(netlist)? })
    }

    /// The output codes of a stream of samples: what leaves the pipeline `latency` cycles after each.
    pub fn run(&self, inputs: &Batch) -> Batch {
        match self.program.width {
            0..=15 => self.stream::<i16>(inputs),
            16..=31 => self.stream::<i32>(inputs),
            32..=63 => self.stream::<i64>(inputs),
            _ => self.stream::<i128>(inputs),
        }
    }

    fn stream<L: Lane>(&self, inputs: &Batch) -> Batch {
        let arch = pulp::Arch::new();
        let (columns, results) = (inputs.columns.max(1), self.program.results.len());
        let mut out = Batch { columns: results, data: vec![0; inputs.rows() * results] };
        let groups = inputs.data.par_chunks(columns * LANES).zip(out.data.par_chunks_mut((results * LANES).max(1)));
        groups.for_each_init(
            || vec![[L::default(); LANES]; self.program.slots],
            |slots, (rows, out)| {
                self.load(slots, rows, columns);
                // With the widest vector instructions that the processor has.
                arch.dispatch(Steps(&self.program.steps, slots));
                self.store(slots, out);
            },
        );
        out
    }

    /// Rows of codes into lanes, some columns at a time so that their lanes stay in the first-level cache.
    fn load<L: Lane>(&self, slots: &mut [Lanes<L>], rows: &[i128], columns: usize) {
        for (tile, loads) in self.program.loads.chunks(TILE).enumerate() {
            for (lane, row) in rows.chunks_exact(columns).enumerate() {
                for (load, code) in loads.iter().zip(&row[tile * TILE..]) {
                    if let Some((slot, _)) = load {
                        slots[*slot as usize][lane] = L::of(*code);
                    }
                }
            }
            loads.iter().flatten().for_each(|(slot, wrap)| wrap.apply(&mut slots[*slot as usize]));
        }
    }

    /// Lanes into rows of codes.
    fn store<L: Lane>(&self, slots: &[Lanes<L>], out: &mut [i128]) {
        let columns = self.program.results.len();
        for (tile, operands) in self.program.results.chunks(TILE).enumerate() {
            let values: Vec<Lanes<L>> = operands.iter().map(|operand| load(slots, operand)).collect();
            for (lane, row) in out.chunks_exact_mut(columns).enumerate() {
                row[tile * TILE..].iter_mut().zip(&values).for_each(|(code, value)| *code = value[lane].wide());
            }
        }
    }
}

/// The steps over one group of samples.
struct Steps<'a, L>(&'a [Step], &'a mut [Lanes<L>]);

impl<L: Lane> pulp::NullaryFnOnce for Steps<'_, L> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for step in self.0 {
            run(step, self.1);
        }
    }
}

/// Columns that change between rows and lanes together.
const TILE: usize = 32;

#[inline(always)]
fn run<L: Lane>(step: &Step, slots: &mut [Lanes<L>]) {
    let out = step.out as usize;
    match &step.action {
        Action::Pair(pair) => {
            // A step's slot is never one that it reads, and a pair reads two.
            if let Ok([out, a, b]) = slots.get_disjoint_mut([out, pair.a as usize, pair.b as usize]) {
                pair.run(out, a, b);
            }
        }
        Action::Other(rare) => slots[out] = rare_step(rare, slots),
    }
}

#[inline(always)]
fn rare_step<L: Lane>(rare: &Rare, slots: &[Lanes<L>]) -> Lanes<L> {
    match rare {
        Rare::Sum(operand) => load(slots, operand),
        Rare::Mul(a, b, wrap) => {
            let mut lanes = both(slots, a, b, L::mul);
            wrap.apply(&mut lanes);
            lanes
        }
        Rare::Mux(sel, a, b, wrap) => {
            let (sel, a, mut lanes) = (load(slots, sel), load(slots, a), load(slots, b));
            for ((lane, sel), a) in lanes.iter_mut().zip(sel).zip(a) {
                // a where sel is all ones, b where it is zero.
                *lane = lane.add(a.sub(*lane).and(sel));
            }
            wrap.apply(&mut lanes);
            lanes
        }
        Rare::Less(a, b) => both(slots, a, b, |a, b| L::of((a < b) as i128)),
        Rare::Any(a) => load(slots, a).map(|a| L::of((a != L::default()) as i128)),
        Rare::All(a, width) => load(slots, a).map(|a| L::of((a == low(*width)) as i128)),
        Rare::Rom(index, entries) => {
            load(slots, index).map(|index: L| L::of(entries.get(index.wide() as usize).copied().unwrap_or(0)))
        }
    }
}

#[inline(always)]
fn both<L: Lane>(slots: &[Lanes<L>], a: &Operand, b: &Operand, f: impl Fn(L, L) -> L) -> Lanes<L> {
    let (mut lanes, b) = (load(slots, a), load(slots, b));
    lanes.iter_mut().zip(b).for_each(|(a, b)| *a = f(*a, b));
    lanes
}

/// The value of an operand: its pieces' sum.
#[inline(always)]
fn load<L: Lane>(slots: &[Lanes<L>], operand: &Operand) -> Lanes<L> {
    let mut lanes = [L::of(operand.constant); LANES];
    for piece in &operand.pieces {
        add(&mut lanes, &slots[piece.from as usize], piece);
    }
    operand.wrap.apply(&mut lanes);
    lanes
}

#[inline(always)]
fn add<L: Lane>(lanes: &mut Lanes<L>, from: &Lanes<L>, piece: &Piece) {
    let (down, up, top) = (piece.down, piece.up, L::BITS - 1);
    let mask = low::<L>(piece.keep.unwrap_or(L::BITS));
    match (piece.fill, piece.keep) {
        (false, None) => each(lanes, from, piece.minus, |x| x.down(down).up(up)),
        (false, Some(_)) => each(lanes, from, piece.minus, |x| x.down(down).and(mask).up(up)),
        (true, _) => each(lanes, from, piece.minus, |x| x.up(top - down).down(top).and(mask).up(up)),
    }
}

#[inline(always)]
fn each<L: Lane>(lanes: &mut Lanes<L>, from: &Lanes<L>, minus: bool, f: impl Fn(L) -> L) {
    if minus {
        lanes.iter_mut().zip(from).for_each(|(lane, x)| *lane = lane.sub(f(*x)));
    } else {
        lanes.iter_mut().zip(from).for_each(|(lane, x)| *lane = lane.add(f(*x)));
    }
}
