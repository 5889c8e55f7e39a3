//! Mutation: graphs, netlists and Verilog that are damaged in one place. Whatever no longer computes the same must not be
//! proved; that it no longer does is told by plain evaluation of many samples.
//!
//! `NANOTRIG_MUTANTS` sets how many are made (300 if not given), `BLESS=1` writes the table of `examples/proofs.md`.

mod circuits;
mod common;

use circuits::random_design;
use nanotrig::backends::{self, Context};
use nanotrig::batch::Batch;
use nanotrig::dfg::random::{Random, inputs};
use nanotrig::dfg::{Dfg, Id, Op};
use nanotrig::fixed::Fixed;
use nanotrig::netlist::{Cell, NetId, Netlist, Part, Simulator};
use nanotrig::proof::Proof;
use nanotrig::proof::verilog::Interface;
use std::collections::BTreeMap;

/// Samples by which a damage is told.
const SAMPLES: usize = 2000;

/// Of one kind of damage: made, changing the function, rejected of these, and proved of the others.
#[derive(Clone, Copy, Default)]
struct Row {
    made: usize,
    changing: usize,
    rejected: usize,
    harmless_proved: usize,
}

fn pick(random: &mut Random, count: usize) -> usize {
    random.below(count.max(1) as u64) as usize
}

/// A node of a graph, damaged: the kind, if there is anything to damage.
fn damage_graph(random: &mut Random, dfg: &mut Dfg) -> Option<&'static str> {
    let index = pick(random, dfg.nodes.len());
    let up = if random.below(2) == 0 { 1 } else { -1 };
    let earlier = Id(pick(random, index.max(1)) as u32);
    let other = random.below(3) == 0 && index > 0;
    let step = Fixed::new(up, dfg.nodes[index].range.exp);
    let swapped = random.below(2) == 0;
    let op = &mut dfg.nodes[index].op;
    if other && op.args().next().is_some() {
        let which = op.args().next()?;
        *op = op.map(|arg| if arg == which { earlier } else { arg });
        return Some("graph: an operand is another node");
    }
    Some(match op {
        Op::Add { terms, .. } if swapped && terms.len() > 1 => {
            let term = pick(random, terms.len());
            terms[term].negative ^= true;
            "graph: a sign"
        }
        Op::Add { terms, .. } if random.below(2) == 0 => {
            let term = pick(random, terms.len());
            terms[term].shift += up as i32;
            "graph: a shift"
        }
        Op::Add { constant, .. } => {
            *constant = constant.add(step)?;
            "graph: a sum's constant by one"
        }
        Op::Const(value) => {
            *value = value.add(step)?;
            "graph: a bound or a constant by one"
        }
        Op::Floor(_, p) => {
            *p += up as i32;
            "graph: a rounding by one bit"
        }
        Op::Wrap { signed, .. } if swapped => {
            *signed ^= true;
            "graph: a wrap's sign"
        }
        Op::Wrap { top, .. } => {
            *top += up as i32;
            "graph: a wrap by one bit"
        }
        Op::Scale(_, shift) => {
            *shift += up as i32;
            "graph: a scale"
        }
        Op::Max(a, b) => {
            *op = Op::Min(*a, *b);
            "graph: max is min"
        }
        Op::Min(a, b) => {
            *op = Op::Max(*a, *b);
            "graph: min is max"
        }
        Op::Select { negative, otherwise, .. } => {
            std::mem::swap(negative, otherwise);
            "graph: a select's sides"
        }
        Op::Mul(a, b) => {
            *op = Op::Mul(*a, if swapped { *a } else { *b });
            "graph: a factor twice"
        }
        Op::Table { table, .. } => {
            let table = &mut dfg.tables[*table as usize];
            let entry = pick(random, table.entries.len());
            table.entries[entry] = table.entries[entry].map(|value| value + up);
            "graph: a table's entry"
        }
        _ => return None,
    })
}

/// A net of a circuit, damaged.
fn damage_netlist(random: &mut Random, netlist: &mut Netlist) -> Option<&'static str> {
    let index = pick(random, netlist.nets.len());
    let widths: Vec<u32> = netlist.nets.iter().map(|net| net.width).collect();
    if random.below(12) == 0 {
        let (port, nets) = (pick(random, netlist.results.len() + netlist.states.len()), netlist.nets.len());
        let states = netlist.states.iter_mut().map(|state| (&mut state.bits, "netlist: a state's next bits"));
        let results = netlist.results.iter_mut().map(|bits| (bits, "netlist: an output's bits"));
        let (bits, kind) = results.chain(states).nth(port)?;
        let part = pick(random, bits.0.len());
        bits.0[part] = damaged_part(random, bits.0[part], &widths, nets)?;
        return Some(kind);
    }
    if let (0, Some(turn)) = (random.below(8), &mut netlist.turn) {
        let stage = if random.below(2) == 0 { &mut turn.reads } else { &mut turn.writes };
        *stage = if random.below(2) == 0 { *stage + 1 } else { stage.checked_sub(1)? };
        return Some("netlist: a state's register at another stage");
    }
    let swapped = random.below(2) == 0;
    let coin = random.below(4);
    let cell = &mut netlist.nets[index].cell;
    let before = cell.clone();
    Some(match cell {
        Cell::Sum(terms) if coin == 0 => {
            let term = pick(random, terms.len());
            terms[term].1 ^= true;
            "netlist: a term's sign"
        }
        Cell::Sum(terms) if coin == 1 && terms.len() > 1 => {
            terms.remove(pick(random, terms.len()));
            "netlist: a term is lost"
        }
        Cell::Mux { a, b, .. } if coin < 2 => {
            std::mem::swap(a, b);
            "netlist: a multiplexer's sides"
        }
        Cell::Less(a, b) if swapped => {
            std::mem::swap(a, b);
            "netlist: a comparison's sides"
        }
        Cell::Any(a) if swapped => {
            *cell = Cell::All(a.clone());
            "netlist: any is all"
        }
        Cell::All(a) if swapped => {
            *cell = Cell::Any(a.clone());
            "netlist: all is any"
        }
        Cell::Rom { entries, .. } if coin < 3 => {
            let (entry, bit) = (pick(random, entries.len()), random.below(u64::from(widths[index])));
            entries[entry] ^= 1 << bit;
            "netlist: a bit of a table"
        }
        Cell::Register(bits) if coin == 0 => {
            *cell = Cell::Wire(bits.clone());
            "netlist: a register is lost"
        }
        Cell::Wire(bits) if coin == 0 => {
            *cell = Cell::Register(bits.clone());
            "netlist: a register too many"
        }
        _ => {
            let operands = before.operands().len();
            let which = pick(random, operands);
            let bits = before.operands().get(which).map(|bits| (*bits).clone())?;
            let part = pick(random, bits.0.len());
            let mut changed = bits.clone();
            changed.0[part] = damaged_part(random, bits.0[part], &widths, index)?;
            let kind = match bits.0[part] {
                Part::Const { .. } => "netlist: a constant's bit",
                Part::Slice { .. } => "netlist: bits of a net",
                Part::Not { .. } => "netlist: inverted bits",
                Part::Repeat { .. } => "netlist: a sign's extension",
            };
            cell.map_operands(|own| if *own == bits { changed.clone() } else { own.clone() });
            kind
        }
    })
}

/// A part of the same width that is something else.
fn damaged_part(random: &mut Random, part: Part, widths: &[u32], before: usize) -> Option<Part> {
    let other = pick(random, before);
    Some(match part {
        Part::Const { bits, width } => Part::Const { bits: bits ^ 1 << random.below(u64::from(width)), width },
        Part::Slice { net, lo, width } => match random.below(3) {
            0 => Part::Not { net, lo, width },
            1 if lo + width < widths[net.0 as usize] => Part::Slice { net, lo: lo + 1, width },
            1 if lo > 0 => Part::Slice { net, lo: lo - 1, width },
            _ if before > 0 && widths[other] >= width => Part::Slice { net: NetId(other as u32), lo: 0, width },
            _ => return None,
        },
        Part::Not { net, lo, width } => Part::Slice { net, lo, width },
        Part::Repeat { net, bit, count } => match random.below(2) {
            0 => Part::Const { bits: 0, width: count },
            _ if bit > 0 => Part::Repeat { net, bit: bit - 1, count },
            _ => return None,
        },
    })
}

/// The results of a graph for samples, by the definitions of its operations alone.
fn evaluated(dfg: &Dfg, samples: &Batch) -> Vec<Option<Fixed>> {
    let first = |port: u32| dfg.inputs[..port as usize].iter().map(|port| port.elements.len()).sum::<usize>();
    let mut all = Vec::new();
    for row in 0..samples.rows() {
        let mut values: Vec<Option<Fixed>> = Vec::with_capacity(dfg.nodes.len());
        for node in &dfg.nodes {
            values.push(match &node.op {
                Op::Input { port, element } => {
                    let format = dfg.inputs[*port as usize].format(*element as usize);
                    Some(Fixed::new(samples.row(row)[first(*port) + *element as usize], format.lsb))
                }
                op if op.args().any(|arg| values[arg.index()].is_none()) => None,
                op => op.eval(|arg| values[arg.index()].unwrap_or(Fixed::ZERO), &dfg.tables),
            });
        }
        all.extend(dfg.results.iter().map(|id| values[id.index()]));
    }
    all
}

fn verilog(netlist: &Netlist) -> Vec<(String, String)> {
    let files = backends::verilog::BACKEND;
    let files = (files.make)(netlist, &Context::default()).expect("Verilog");
    files.into_iter().map(|file| (file.path, file.text)).collect()
}

/// Is the circuit, as netlist and as printed, proved to be the graph?
fn proved(dfg: &Dfg, netlist: &Netlist, printed: bool) -> bool {
    let Ok(mut proof) = Proof::of_numbers(dfg) else { return false };
    if printed {
        proof.verilog("Verilog", dfg, &verilog(netlist), &Interface::of(netlist));
    } else {
        proof.circuit("netlist", dfg, netlist);
    }
    proof.holds()
}

fn netlist_mutant(random: &mut Random, dfg: &Dfg, netlist: &Netlist, rows: &mut BTreeMap<String, Row>) {
    let mut damaged = netlist.clone();
    let Some(kind) = damage_netlist(random, &mut damaged) else { return };
    let samples = inputs(random, &dfg.input_elements(), SAMPLES);
    let broken = damaged.verify().is_err();
    if broken && !kind.contains("register") {
        return;
    }
    let changed = broken || Simulator::new(&damaged).run(&samples) != Simulator::new(netlist).run(&samples);
    let prints = !broken && random.below(2) == 0;
    for (printed, level) in [(false, ""), (true, ", printed")] {
        if printed && !prints {
            continue;
        }
        count(rows, &format!("{kind}{level}"), changed, proved(dfg, &damaged, printed), &format!("{dfg}\n{damaged}"));
    }
}

fn graph_mutant(random: &mut Random, dfg: &Dfg, rows: &mut BTreeMap<String, Row>) {
    let mut damaged = dfg.clone();
    let Some(kind) = damage_graph(random, &mut damaged) else { return };
    let samples = inputs(random, &dfg.input_elements(), SAMPLES / 4);
    let changed = evaluated(dfg, &samples) != evaluated(&damaged, &samples);
    let Ok(mut proof) = Proof::of_numbers(dfg) else { return };
    proof.numbers("damaged", &damaged);
    count(rows, kind, changed, proof.holds(), &format!("{dfg}\n{damaged}"));
}

fn count(rows: &mut BTreeMap<String, Row>, kind: &str, changed: bool, proved: bool, shown: &str) {
    let row = rows.entry(kind.into()).or_default();
    row.made += 1;
    row.changing += changed as usize;
    row.rejected += (changed && !proved) as usize;
    row.harmless_proved += (!changed && proved) as usize;
    assert!(!(changed && proved), "{kind} was proved, and changes the function:\n{shown}");
}

#[test]
fn no_damage_that_changes_the_function_is_proved() {
    let wanted = std::env::var("NANOTRIG_MUTANTS").ok().and_then(|count| count.parse().ok()).unwrap_or(300);
    let (mut rows, mut made, mut designs, mut whole): (BTreeMap<String, Row>, usize, usize, usize) = Default::default();
    let mut seed = 0;
    while made < wanted {
        seed += 1;
        let mut random = Random::new(seed);
        let (dfg, netlist) = random_design(&mut random, 20, seed % 3 == 0);
        designs += 1;
        if !proved(&dfg, &netlist, false) || !proved(&dfg, &netlist, true) {
            continue;
        }
        whole += 1;
        for _ in 0..6 {
            netlist_mutant(&mut random, &dfg, &netlist, &mut rows);
            graph_mutant(&mut random, &dfg, &mut rows);
        }
        made = rows.values().map(|row| row.made).sum();
    }
    assert!(whole * 10 > designs, "{whole} of {designs} random designs are proved");
    let all = rows.values().fold(Row::default(), |all, row| Row {
        made: all.made + row.made,
        changing: all.changing + row.changing,
        rejected: all.rejected + row.rejected,
        harmless_proved: all.harmless_proved + row.harmless_proved,
    });
    assert_eq!(all.changing, all.rejected);
    assert!(all.changing > made / 4, "most damages change something");
    let mut table =
        String::from("| damage | made | changing the function | of these rejected | of the others proved |\n");
    table += "| --- | --- | --- | --- | --- |\n";
    let kinds = rows.len();
    for (kind, row) in rows.iter().map(|(kind, row)| (kind.as_str(), row)).chain([("all", &all)]) {
        let others = format!("{} of {}", row.harmless_proved, row.made - row.changing);
        table += &format!("| {kind} | {} | {} | {} | {others} |\n", row.made, row.changing, row.rejected);
    }
    table += &format!(
        "\n{kinds} kinds, {made} mutants of {whole} random designs (of {designs}; the others were not proved to begin with).\n"
    );
    println!("{table}");
    if common::bless() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/proofs.md");
        let page = std::fs::read_to_string(&path).expect("the page");
        let (head, rest) = page.split_once("<!-- mutants -->\n").expect("the table's place");
        let (_, tail) = rest.split_once("<!-- end -->").expect("the table's end");
        std::fs::write(path, format!("{head}<!-- mutants -->\n{table}<!-- end -->{tail}")).expect("written");
    }
}
