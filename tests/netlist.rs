//! The netlist: building against the dataflow graph, simulation, refusal of damaged netlists.

mod circuits;

use circuits::random_design;
use nanotrig::batch::Batch;
use nanotrig::dfg::random::{Random, inputs};
use nanotrig::dfg::{Builder, Dfg, Evaluator, Id, Op, Source, Term};
use nanotrig::fixed::{Fixed, Format, Quantization, Range};
use nanotrig::netlist::{Netlist, Options, Simulator, Stepper, build};
use nanotrig::port::Port;
use nanotrig::schedulers::Schedule;

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
        let out = Simulator::new(&netlist).expect("small").run(&batch);
        assert_eq!(out, expected, "seed {seed}\n{dfg}\n{netlist}");
        let cycles = by_cycles(&netlist, &batch);
        for (row, codes) in cycles.iter().enumerate() {
            assert_eq!(codes, expected.row(row), "seed {seed}\n{dfg}\n{netlist}");
        }
    }
}

/// About `adders` sums in layers of 64 values of at most 12 bits.
fn adders(adders: usize) -> (Dfg, Netlist) {
    let mut random = Random::new(1);
    let format = Format { signed: true, width: 8, lsb: 0 };
    let port = Port { name: "x".into(), shape: vec![64], elements: vec![Quantization::plain(format); 64] };
    let layers = vec!["x".to_string(), "sums".into()];
    let mut b = Builder::new("adders", layers, vec![port]);
    let mut ids: Vec<Id> = (0..64).map(|element| b.input(0, element).expect("an input")).collect();
    while b.dfg().nodes.len() < adders + 64 {
        b.set_source(Source { layer: 1, element: b.dfg().nodes.len() as u32 });
        let recent = ids.len() - 64;
        let mut pick = || ids[recent + random.below(64) as usize];
        let (x, y) = (pick(), pick());
        let shift = random.within(0, 2) as i32;
        let term = Term { id: y, shift, negative: random.below(2) == 0 };
        let sum = b.add(vec![Term::plus(x, 0), term], Fixed::ZERO).expect("small");
        if matches!(b.op(sum), Op::Dot { .. }) {
            continue;
        }
        ids.push(if b.range(sum).width() > 12 { b.floor(sum, b.range(sum).exp + 3).expect("small") } else { sum });
    }
    let results: Vec<Id> = ids[ids.len() - 32..].to_vec();
    let all = results.iter().map(|id| b.range(*id)).reduce(|x, y| Range::union(x, y).expect("small")).expect("some");
    let elements = vec![Quantization::plain(Format::of(&all)); results.len()];
    let dfg = b.finish(vec![Port { name: "y".into(), shape: vec![32], elements }], results).without_dead();
    let mut stage = vec![0; dfg.nodes.len()];
    for id in dfg.ids() {
        let ready = dfg[id].op.args().map(|arg| stage[arg.index()]).max().unwrap_or(0);
        stage[id.index()] = ready + matches!(dfg[id].op, Op::Add { .. }) as u32;
    }
    let latency = stage.iter().max().expect("some") / 2 + 1;
    let schedule = Schedule { stage: stage.iter().map(|stage| stage / 2).collect(), latency };
    let netlist = build(&dfg, &schedule, &Options::default()).expect("builds");
    (dfg, netlist)
}

#[test]
#[ignore = "a measurement: run with --release -- --ignored --nocapture"]
fn speed() {
    for size in [1000, 5000, 20000] {
        let (dfg, netlist) = adders(size);
        let batch = inputs(&mut Random::new(2), &dfg.input_elements(), 400_000 * 1000 / size);
        let simulator = Simulator::new(&netlist).expect("small");
        let start = std::time::Instant::now();
        let out = simulator.run(&batch);
        let seconds = start.elapsed().as_secs_f64();
        let sums = dfg.nodes.iter().filter(|node| matches!(node.op, Op::Add { .. })).count();
        println!("{sums} sums: {:.0} samples/s", out.rows() as f64 / seconds);
    }
}
