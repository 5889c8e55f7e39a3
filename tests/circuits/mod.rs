//! Helpers of the netlist and Verilog tests.

use nanotrig::dfg::random::{Random, graph};
use nanotrig::dfg::{Dfg, Id, Node, Op, Term};
use nanotrig::fixed::{Fixed, Quantization};
use nanotrig::netlist::{Netlist, Options, build};
use nanotrig::port::Port;
use nanotrig::schedulers::{Loop, Schedule};

/// Every dot as sums of two shifted operands, by the binary digits of its constants. (The builder would gather `x + 2x`
/// into a dot again, so nodes are placed by hand.)
pub fn expand(dfg: &Dfg) -> Dfg {
    let mut new = Dfg { nodes: Vec::new(), ..dfg.clone() };
    let mut ids: Vec<Id> = Vec::new();
    for old in &dfg.nodes {
        let op = old.op.map(|arg| ids[arg.index()]);
        let id = match op {
            Op::Dot { terms, constant } => digits(&mut new, &terms, constant, old),
            op => push(&mut new, Node { op, ..old.clone() }),
        };
        ids.push(id);
    }
    new.results = dfg.results.iter().map(|id| ids[id.index()]).collect();
    new
}

fn push(dfg: &mut Dfg, node: Node) -> Id {
    dfg.nodes.push(node);
    Id(dfg.nodes.len() as u32 - 1)
}

fn digits(dfg: &mut Dfg, terms: &[(Id, Fixed)], constant: Fixed, old: &Node) -> Id {
    let mut shifted = Vec::new();
    for (id, factor) in terms {
        let (bits, negative) = (factor.mantissa().unsigned_abs(), factor.mantissa() < 0);
        let digits = (0..100).filter(|bit| bits >> bit & 1 == 1);
        shifted.extend(digits.map(|bit| Term { id: *id, shift: factor.exponent() + bit, negative }));
    }
    let mut sum: Option<Id> = None;
    for (index, term) in shifted.iter().enumerate() {
        let last = index + 1 == shifted.len();
        let constant = if last { constant } else { Fixed::ZERO };
        let op = Op::Add { terms: sum.map(|sum| Term::plus(sum, 0)).into_iter().chain([*term]).collect(), constant };
        // The last sum keeps the exact range; those before have the wider one of intervals.
        let range = op.range(|id| dfg.range(id), &dfg.tables).expect("small numbers");
        sum = Some(push(dfg, Node { op, range: if last { old.range } else { range }, from: old.from }));
    }
    sum.unwrap_or_else(|| push(dfg, Node { op: Op::Const(constant), ..old.clone() }))
}

/// The graph with some of its input elements kept from event to event: what any nodes are, brought into their formats.
fn with_states(random: &mut Random, dfg: &Dfg) -> Dfg {
    let all = &dfg.inputs[0];
    let own = 1 + random.below(all.elements.len() as u64 - 1) as usize;
    let port = |name: &str, elements: &[Quantization], state| Port {
        name: name.into(),
        shape: vec![elements.len()],
        elements: elements.to_vec(),
        state,
    };
    let (events, held) = (port(&all.name, &all.elements[..own], false), port("h", &all.elements[own..], true));
    let next = Port { name: "h_next".into(), ..held.clone() };
    let outputs = dfg.outputs.iter().cloned().chain([next]).collect();
    let mut new = Dfg { inputs: vec![events, held.clone()], outputs, ..dfg.clone() };
    for node in &mut new.nodes {
        match &mut node.op {
            Op::Input { port, element } if *element as usize >= own => (*port, *element) = (1, *element - own as u32),
            _ => {}
        }
    }
    for element in &held.elements {
        let format = element.format;
        let mut id = Id(random.below(dfg.nodes.len() as u64) as u32);
        let from = new[id].from;
        let then = |new: &mut Dfg, op: Op| {
            let range = op.range(|id| new.range(id), &new.tables).expect("small numbers");
            push(new, Node { op, range, from })
        };
        if new.range(id).exp < format.lsb {
            id = then(&mut new, Op::Floor(id, format.lsb));
        }
        if !format.range().contains(&new.range(id)) {
            let top = format.lsb + format.width as i32;
            id = then(&mut new, Op::Wrap { arg: id, top, signed: format.signed });
        }
        new.results.push(id);
    }
    new
}

/// A legal schedule: every node at or after its operands, some later.
pub fn schedule(random: &mut Random, dfg: &Dfg) -> Schedule {
    let mut stage = vec![0; dfg.nodes.len()];
    let reads = random.below(3) as u32;
    for id in dfg.ids() {
        let ready = dfg[id].op.args().map(|arg| stage[arg.index()]).max().unwrap_or(0);
        stage[id.index()] = match dfg[id].op {
            Op::Input { .. } if dfg.is_state(id) => reads,
            Op::Input { .. } | Op::Const(_) => 0,
            _ => ready + (random.below(4) / 2) as u32,
        };
    }
    let written = dfg.leaving().filter(|(_, state)| *state).map(|(id, _)| stage[id.index()]).fold(reads, u32::max);
    let states = (dfg.states() > 0).then(|| Loop { reads, writes: written + random.below(2) as u32 });
    let last = stage.iter().copied().chain(states.map(|states| states.writes)).max().unwrap_or(0);
    Schedule { stage, latency: last + random.below(3) as u32, period: 0, states }
}

/// A random graph without dots and a netlist of it, with states or without.
pub fn random_design(random: &mut Random, size: usize, states: bool) -> (Dfg, Netlist) {
    let dfg = expand(&graph(random, size).expect("small numbers"));
    let dfg = if states { with_states(random, &dfg) } else { dfg };
    dfg.verify().expect("valid");
    let schedule = schedule(random, &dfg);
    let options =
        Options { reset: random.below(2) == 0, constants: random.below(2) == 0, direct: random.below(2) == 0 };
    let netlist = build(&dfg, &schedule, &options).unwrap_or_else(|error| panic!("{error}\n{dfg}"));
    (dfg, netlist)
}
