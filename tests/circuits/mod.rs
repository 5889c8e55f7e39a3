//! Helpers of the netlist and Verilog tests.

use nanotrig::dfg::random::{Random, graph};
use nanotrig::dfg::{Dfg, Id, Node, Op, Term};
use nanotrig::fixed::Fixed;
use nanotrig::netlist::{Netlist, Options, build};
use nanotrig::schedulers::Schedule;

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

/// A legal schedule: every node at or after its operands, some later.
pub fn schedule(random: &mut Random, dfg: &Dfg) -> Schedule {
    let mut stage = vec![0; dfg.nodes.len()];
    for id in dfg.ids() {
        let ready = dfg[id].op.args().map(|arg| stage[arg.index()]).max().unwrap_or(0);
        let input = matches!(dfg[id].op, Op::Input { .. } | Op::Const(_));
        stage[id.index()] = if input { 0 } else { ready + (random.below(4) / 2) as u32 };
    }
    let last = stage.iter().copied().max().unwrap_or(0);
    Schedule { stage, latency: last + random.below(3) as u32, period: 0, states: None }
}

/// A random graph without dots and a netlist of it.
pub fn random_design(random: &mut Random, size: usize) -> (Dfg, Netlist) {
    let dfg = expand(&graph(random, size).expect("small numbers"));
    dfg.verify().expect("valid");
    let schedule = schedule(random, &dfg);
    let options =
        Options { reset: random.below(2) == 0, constants: random.below(2) == 0, direct: random.below(2) == 0 };
    let netlist = build(&dfg, &schedule, &options).unwrap_or_else(|error| panic!("{error}\n{dfg}"));
    (dfg, netlist)
}
