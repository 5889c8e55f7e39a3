//! The netlist: building against the dataflow graph, simulation, refusal of damaged netlists.

mod common;

use common::random_design;
use nanotrig::batch::Batch;
use nanotrig::dfg::Evaluator;
use nanotrig::dfg::random::{Random, inputs};
use nanotrig::netlist::{Netlist, Stepper};

/// Streams all samples back to back through the stepper.
fn by_cycles(netlist: &Netlist, batch: &Batch) -> Vec<Vec<i128>> {
    let mut stepper = Stepper::new(netlist);
    let idle = vec![0; batch.columns];
    let mut out = Vec::new();
    for cycle in 0..batch.rows() + netlist.latency as usize {
        let row = if cycle < batch.rows() { batch.row(cycle) } else { &idle };
        let (codes, valid) = stepper.step(row, cycle < batch.rows(), false);
        assert_eq!(valid, cycle >= netlist.latency as usize, "out_valid at cycle {cycle}");
        if valid {
            out.push(codes);
        }
    }
    out
}

#[test]
fn random_graphs_build_and_simulate_as_they_evaluate() {
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let (dfg, netlist) = random_design(&mut random, 30);
        let batch = inputs(&mut random, &dfg.input_elements(), 60);
        let expected = Evaluator::new(&dfg).expect("fits").run(&batch);
        let cycles = by_cycles(&netlist, &batch);
        for (row, codes) in cycles.iter().enumerate() {
            assert_eq!(codes, expected.row(row), "seed {seed}\n{dfg}\n{netlist}");
        }
    }
}
