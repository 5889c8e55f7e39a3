//! The netlist: building against the dataflow graph, simulation, refusal of damaged netlists.

mod circuits;

use circuits::random_design;
use nanotrig::batch::Batch;
use nanotrig::dfg::random::{Random, inputs};
use nanotrig::dfg::{Builder, Evaluator, Id, Op, Source, Term};
use nanotrig::error::Result;
use nanotrig::fixed::{Fixed, Format, Quantization};
use nanotrig::netlist::{Bits, Cell, NetId, Netlist, Options, Part, Simulator, Stepper, build};
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
        let (dfg, netlist) = random_design(&mut random, 30, false);
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

/// Every value of two inputs of these formats through one operation, against the operation's definition.
fn exhaust(formats: [Format; 2], op: impl Fn(&mut Builder, Id, Id) -> Result<Id>) {
    let elements: Vec<Quantization> = formats.map(Quantization::plain).to_vec();
    let port = Port { name: "x".into(), shape: vec![2], elements, state: false };
    let mut b = Builder::new("tiny", vec![("x".into(), 2), ("op".into(), 1)], vec![port]);
    let (x, y) = (b.input(0, 0).expect("an input"), b.input(0, 1).expect("an input"));
    b.set_source(Source { layer: 1, element: 0 });
    let result = op(&mut b, x, y).expect("small");
    if matches!(b.op(result), Op::Dot { .. }) {
        return;
    }
    let elements = vec![Quantization::plain(Format::of(&b.range(result)))];
    let dfg =
        b.finish(vec![Port { name: "y".into(), shape: vec![1], elements, state: false }], vec![result]).without_dead();
    let schedule = Schedule { stage: vec![0; dfg.nodes.len()], latency: 1, period: 0, states: None };
    let netlist = build(&dfg, &schedule, &Options::default()).expect("builds");
    let mut batch = Batch::new(2);
    let [r, s] = formats.map(|format| format.range());
    (r.lo..=r.hi).for_each(|x| (s.lo..=s.hi).for_each(|y| batch.push(&[x, y])));
    let out = Simulator::new(&netlist).expect("small").run(&batch);
    assert_eq!(out, Evaluator::new(&dfg).expect("fits").run(&batch), "{dfg}\n{netlist}");
}

#[test]
fn small_operations_are_right_for_all_values() {
    let format = |signed, width, lsb| Format { signed, width, lsb };
    let formats =
        [format(true, 4, -1), format(false, 3, 0), format(true, 3, -3), format(false, 1, -2), format(true, 1, 1)];
    for pair in formats.iter().flat_map(|a| formats.map(|b| [*a, b])) {
        for step in -20..=20 {
            let c = Fixed::new(step, -2);
            exhaust(pair, |b, x, _| b.constant(c).and_then(|c| b.max(x, c)));
            exhaust(pair, |b, x, _| b.constant(c).and_then(|c| b.min(x, c)));
            exhaust(pair, |b, x, y| b.add(vec![Term::plus(x, 0), Term::minus(y, 1)], c));
            exhaust(pair, |b, x, y| b.add(vec![Term::plus(x, 2), Term::plus(y, -1)], c));
            exhaust(pair, |b, x, _| b.add(vec![Term::minus(x, 1)], c));
        }
        exhaust(pair, |b, x, y| b.mul(x, y));
        exhaust(pair, |b, x, y| b.max(x, y));
        exhaust(pair, |b, x, y| b.min(x, y));
        for place in -5..4 {
            exhaust(pair, |b, x, _| b.floor(x, place));
            exhaust(pair, |b, x, _| b.wrap(x, place, true));
            exhaust(pair, |b, x, _| b.wrap(x, place, false));
            exhaust(pair, |b, x, y| b.floor(x, place).and_then(|low| b.select(x, low, y)));
        }
    }
}

#[test]
fn damaged_netlists_are_refused() {
    let (_, netlist) = random_design(&mut Random::new(3), 40, false);
    netlist.verify().expect("it is sound");
    let last = netlist.nets.len() - 1;
    let find = |wanted: fn(&Cell) -> bool| netlist.nets.iter().position(|net| wanted(&net.cell)).expect("there is one");
    let sum = find(|cell| matches!(cell, Cell::Sum(_)));
    let register = find(Cell::is_register);
    let refuse = |condition: u32, damage: &dyn Fn(&mut Netlist)| {
        let mut damaged = netlist.clone();
        damage(&mut damaged);
        let error = damaged.verify().expect_err("it is damaged").to_string();
        assert!(error.contains(&format!("condition {condition}")), "{condition}: {error}");
    };
    refuse(1, &|netlist| netlist.nets[0].name = netlist.nets[1].name.clone());
    refuse(1, &|netlist| netlist.nets[0].name = "always".into());
    refuse(1, &|netlist| netlist.nets[0].name = "a b".into());
    refuse(1, &|netlist| netlist.layers[0] = netlist.layers[1].clone());
    refuse(2, &|netlist| netlist.nets[sum].width = 0);
    refuse(2, &|netlist| netlist.nets[sum].layer = 9);
    refuse(3, &|netlist| netlist.nets[register].cell = Cell::Register(Bits::net(NetId(last as u32), 1)));
    refuse(3, &|netlist| {
        let width = netlist.nets[0].width;
        netlist.nets[register].cell = Cell::Register(Bits(vec![Part::Slice { net: NetId(0), lo: width, width: 1 }]));
    });
    refuse(4, &|netlist| netlist.nets[sum].width += 1);
    refuse(4, &|netlist| netlist.nets[sum].cell = Cell::Any(Bits::constant(0, 3)));
    refuse(5, &|netlist| netlist.nets[0].layer = 2);
    refuse(6, &|netlist| {
        // One operand a register late.
        let late = NetId(register as u32);
        let Cell::Register(early) = netlist.nets[register].cell.clone() else { return };
        let width = netlist.nets[register].width;
        let mut net = netlist.nets[register].clone();
        (net.name, net.layer, net.cell) =
            ("late".into(), 2, Cell::Sum(vec![(early, false), (Bits::net(late, width), true)]));
        netlist.nets.push(net);
    });
    refuse(7, &|netlist| netlist.latency += 1);
    refuse(7, &|netlist| netlist.results.clear());
}

#[test]
fn reset_drops_events_in_flight() {
    let mut random = Random::new(11);
    let (dfg, mut netlist) = random_design(&mut random, 30, false);
    (netlist.reset, netlist.latency) = (true, netlist.latency.max(1));
    let row: Vec<i128> = vec![0; dfg.input_elements().len()];
    let mut stepper = Stepper::new(&netlist);
    for cycle in 0..3 * netlist.latency {
        let (_, valid) = stepper.step(&row, true, cycle == netlist.latency);
        // The reset at the edge that ends cycle `latency` drops all that came until then.
        assert_eq!(valid, cycle == netlist.latency || cycle > 2 * netlist.latency, "cycle {cycle}");
    }
}
