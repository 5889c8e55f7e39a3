//! The netlist: building against the dataflow graph, simulation, refusal of damaged netlists.

mod circuits;

use circuits::random_design;
use nanotrig::batch::Batch;
use nanotrig::dfg::random::{Random, inputs};
use nanotrig::dfg::{Builder, Evaluator, Id, Op, Source, Term};
use nanotrig::error::Result;
use nanotrig::fixed::{Fixed, Format, Quantization};
use nanotrig::netlist::{Bits, Cell, Net, NetId, Netlist, Options, Part, Simulator, Stepper, build};
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
        let out = Simulator::new(&netlist).run(&batch);
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
    let out = Simulator::new(&netlist).run(&batch);
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

/// An operand: parts of nets in any order, complements and constants among them.
fn operand(random: &mut Random, nets: &[Net], width: u32) -> Bits {
    let mut bits = Bits::empty();
    while bits.width() < width {
        let net = NetId(random.below(nets.len() as u64) as u32);
        let lo = random.below(nets[net.0 as usize].width.into()) as u32;
        let left = width - bits.width();
        let width = 1 + random.below(left.min(nets[net.0 as usize].width - lo).into()) as u32;
        bits = bits.then(&Bits(vec![match random.below(8) {
            0 => Part::Const { bits: u128::from(random.bits()) & nanotrig::netlist::ones(width), width },
            1 => Part::Not { net, lo, width },
            2 => Part::Repeat { net, bit: lo, count: 1 + random.below(left.into()) as u32 },
            _ => Part::Slice { net, lo, width },
        }]));
    }
    bits
}

/// A net of each kind of cell that has no clock, and its width.
fn random_cell(random: &mut Random, nets: &[Net], kind: u64) -> (Cell, u32) {
    let most = *random.one(&[3, 12, 70]);
    let width = 1 + random.below(most) as u32;
    let wide = |random: &mut Random| operand(random, nets, width);
    let table = |random: &mut Random, index: u32| {
        let index = operand(random, nets, index);
        let ones = nanotrig::netlist::ones(width);
        let entry = |random: &mut Random| (u128::from(random.bits()) << 64 | u128::from(random.bits())) & ones;
        let entries = (0..1 << index.width()).map(|_| entry(random)).collect();
        Cell::Rom { index, entries }
    };
    let cell = match kind {
        0 => Cell::Sum((0..1 + random.below(4)).map(|_| (wide(random), random.below(2) == 0)).collect()),
        1 => Cell::Mul(wide(random), wide(random)),
        2 => {
            let signs = |random: &mut Random, low: u32| {
                let low = operand(random, nets, low);
                low.resize(width, true)
            };
            let low = 1 + random.below(width.into()) as u32;
            Cell::Mul(wide(random), signs(random, low))
        }
        3 => Cell::Mux { sel: operand(random, nets, 1), a: wide(random), b: wide(random) },
        4 => table(random, 3),
        5 => table(random, 8),
        6 => table(random, 10),
        7 => Cell::Wire(wide(random)),
        8 => return (Cell::Less(wide(random), wide(random)), 1),
        9 => return (Cell::Any(wide(random)), 1),
        10 => return (Cell::All(wide(random)), 1),
        _ => return (Cell::Not(operand(random, nets, 1)), 1),
    };
    (cell, width)
}

#[test]
fn every_kind_of_cell_simulates_as_it_is_defined() {
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let port = |name: &str, widths: &[u32], signed: bool| {
            let format = |width: &u32| Quantization::plain(Format { signed, width: *width, lsb: 0 });
            let elements = widths.iter().map(format).collect();
            Port { name: name.into(), shape: vec![widths.len()], elements, state: false }
        };
        let net = |at: usize, width: u32, cell: Cell| Net {
            name: format!("n{at}"),
            width,
            signed: false,
            cell,
            layer: 0,
            row: 0,
            note: String::new(),
        };
        let widths = [1, 9, 12, 70];
        let place = |at: usize| widths[..at].iter().sum();
        let mut nets: Vec<Net> = (0..4).map(|at| net(at, widths[at], Cell::Input { port: 0, lo: place(at) })).collect();
        for kind in random.order(24) {
            let (cell, width) = random_cell(&mut random, &nets, kind as u64 % 12);
            nets.push(net(nets.len(), width, cell));
        }
        let results: Vec<u32> = nets.iter().map(|net| net.width).collect();
        let all = nets.iter().enumerate().map(|(at, net)| Bits::net(NetId(at as u32), net.width));
        let netlist = Netlist {
            name: "cells".into(),
            layers: vec!["cells".into()],
            inputs: vec![port("x", &widths, true)],
            outputs: vec![port("y", &results, seed % 2 == 0)],
            results: vec![all.fold(Bits::empty(), |all, bits| all.then(&bits))],
            nets,
            interval: 1,
            ..Netlist::default()
        };
        netlist.verify().expect("it is sound");
        let batch = inputs(&mut random, &netlist.inputs[0].elements, 70);
        let out = Simulator::new(&netlist).run(&batch);
        for (row, codes) in by_cycles(&netlist, &batch).iter().enumerate() {
            assert_eq!(codes, out.row(row), "seed {seed}\n{netlist}");
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
