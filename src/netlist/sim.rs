//! The simulator for many samples: the same bits as the hardware, as fast as a processor goes.
//!
//! A verified pipeline crosses equally many registers on every path, so a stream of samples can be followed sample by
//! sample: a register is then a second name for what it holds. What happens in several clocks of an event is
//! unrolled first. One bit of many samples is a plane, and a full adder of all of them is a few instructions, so wiring,
//! extension and truncation cost nothing (bit-slicing: Biham, "A fast new DES implementation in software", FSE 1997).
//! [`super::Stepper`] follows the clock cycles instead.

mod codes;
mod compile;
mod plane;
mod slots;
mod step;

use super::{Netlist, unroll::unroll};
use crate::batch::Batch;
use codes::Block;
use compile::compile;
use plane::{Plane, SAMPLES};
use rayon::prelude::*;
use step::Program;

/// A netlist made ready for simulation.
pub struct Simulator {
    program: Program,
}

impl Simulator {
    /// Compiles a verified netlist.
    pub fn new(netlist: &Netlist) -> Simulator {
        let feeds_back = netlist.nets.iter().any(|net| net.cell.feeds_back());
        Simulator { program: if feeds_back { compile(&unroll(netlist)) } else { compile(netlist) } }
    }

    /// The output codes of a stream of samples: what leaves the pipeline `latency` cycles after each.
    pub fn run(&self, inputs: &Batch) -> Batch {
        let arch = pulp::Arch::new();
        let (columns, results) = (inputs.columns.max(1), self.program.results);
        let mut out = Batch { columns: results, data: vec![0; inputs.rows() * results] };
        let rows = inputs.data.par_chunks(columns * SAMPLES);
        rows.zip(out.data.par_chunks_mut((results * SAMPLES).max(1))).for_each_init(
            || (self.program.planes(), vec![[0; 64]; self.program.loads.len().max(self.program.stores.len())]),
            // With the widest vector instructions that the processor has.
            |(planes, blocks), (rows, out)| {
                arch.dispatch(Group { program: &self.program, planes, blocks, rows, columns, out })
            },
        );
        out
    }
}

/// Samples that go through all steps together.
struct Group<'a> {
    program: &'a Program,
    planes: &'a mut [Plane],
    blocks: &'a mut [Block],
    rows: &'a [i128],
    columns: usize,
    out: &'a mut [i128],
}

impl pulp::NullaryFnOnce for Group<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Group { program, planes, blocks, rows, columns, out } = self;
        // Loops, for a closure of an iterator's would be compiled for any processor.
        for (at, codes) in rows.chunks(64 * columns).enumerate() {
            for (sample, row) in codes.chunks_exact(columns).enumerate() {
                for (word, block) in program.loads.iter().zip(&mut *blocks) {
                    block[sample & 63] = word.pack(row);
                }
            }
            for (word, block) in program.loads.iter().zip(&*blocks) {
                word.load(*block, at, planes);
            }
        }
        for step in &program.steps {
            step.run(&program.wires, planes);
        }
        for (at, codes) in out.chunks_mut(64 * program.results).enumerate() {
            for (word, block) in program.stores.iter().zip(&mut *blocks) {
                *block = word.store(planes, at);
            }
            for (sample, row) in codes.chunks_exact_mut(program.results).enumerate() {
                for (word, block) in program.stores.iter().zip(&*blocks) {
                    word.unpack(block[sample & 63], row);
                }
            }
        }
    }
}
