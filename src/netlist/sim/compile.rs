//! Netlist to steps: registers, wires and inputs dissolve into the planes that they carry, all else into chains along bits.

use super::super::{Bits, Cell, Netlist, Part};
use super::codes::words;
use super::slots::allocate;
use super::step::{Lookup, ONE, Program, Rule, Step, ZERO};
use crate::fixed::Format;
use crate::port::Port;
use std::collections::HashMap;

/// Index bits of a table up to which it becomes multiplexers.
const SMALL: usize = 8;

#[derive(Default)]
struct Compiler {
    program: Program,
    /// How many planes there are.
    planes: u32,
    /// The planes of each net.
    nets: Vec<Vec<u32>>,
    /// The planes of each input port, then of each state.
    ports: Vec<Vec<u32>>,
    complements: HashMap<u32, u32>,
}

/// Compiles a verified netlist.
pub fn compile(netlist: &Netlist) -> Program {
    let formats = |port: &Port| port.elements.iter().map(|element| element.format).collect::<Vec<_>>();
    let mut compiler = Compiler { planes: ONE + 1, ..Compiler::default() };
    for port in netlist.sources() {
        let bits = formats(port).iter().map(|format| format.width).sum();
        let planes = compiler.fresh(bits);
        compiler.ports.push(planes);
    }
    let elements: Vec<Format> = netlist.sources().flat_map(formats).collect();
    compiler.program.loads = words(&elements, &compiler.ports.concat());
    for net in &netlist.nets {
        let planes = compiler.cell(&net.cell, net.width);
        compiler.nets.push(planes);
    }
    let elements: Vec<Format> = netlist.sinks().flat_map(|(port, ..)| formats(port)).collect();
    let planes: Vec<u32> = netlist.sinks().flat_map(|(_, bits, _)| compiler.bits(bits)).collect();
    let mut program = compiler.program;
    program.stores = words(&elements, &planes);
    program.results = elements.len();
    allocate(&mut program, compiler.planes as usize);
    program
}

impl Compiler {
    fn fresh(&mut self, count: u32) -> Vec<u32> {
        self.planes += count;
        (self.planes - count..self.planes).collect()
    }

    /// The planes of an operand.
    fn bits(&mut self, bits: &Bits) -> Vec<u32> {
        let mut planes = Vec::new();
        for part in &bits.0 {
            match *part {
                Part::Const { bits, width } => planes.extend((0..width).map(|at| (bits >> at & 1) as u32)),
                Part::Slice { net, lo, width } => {
                    planes.extend(&self.nets[net.0 as usize][lo as usize..][..width as usize])
                }
                Part::Not { net, lo, width } => {
                    let own = self.nets[net.0 as usize][lo as usize..][..width as usize].to_vec();
                    planes.extend(self.complement(&own));
                }
                Part::Repeat { net, bit, count } => {
                    planes.extend((0..count).map(|_| self.nets[net.0 as usize][bit as usize]));
                }
            }
        }
        planes
    }

    /// The planes of a net.
    fn cell(&mut self, cell: &Cell, width: u32) -> Vec<u32> {
        match cell {
            Cell::Input { port, lo } => self.ports[*port as usize][*lo as usize..][..width as usize].to_vec(),
            Cell::Register(a) | Cell::Wire(a) => self.bits(a),
            Cell::Not(a) => {
                let a = self.bits(a);
                self.complement(&a)
            }
            Cell::Sum(terms) => self.sum(terms, width as usize),
            Cell::Mul(a, b) => {
                let (a, b) = (self.bits(a), self.bits(b));
                self.product(&a, &b)
            }
            Cell::Mux { sel, a, b } => {
                let (sel, a, b) = (self.bits(sel)[0], self.bits(a), self.bits(b));
                self.select(sel, &a, &b)
            }
            Cell::Less(a, b) => {
                let (a, b) = (extended(self.bits(a)), extended(self.bits(b)));
                self.add(a, Rule::Sub, &b, ONE).split_off(b.len() - 1)
            }
            // The sign of 0 - a.
            Cell::Any(a) => {
                let a = [self.bits(a), vec![ZERO]].concat();
                self.add(vec![ZERO; a.len()], Rule::Sub, &a, ONE).split_off(a.len() - 1)
            }
            // The carry of a + 1.
            Cell::All(a) => {
                let a = [self.bits(a), vec![ZERO]].concat();
                let one: Vec<u32> = (0..a.len()).map(|at| if at == 0 { ONE } else { ZERO }).collect();
                self.add(a, Rule::Add, &one, ONE).split_off(one.len() - 1)
            }
            Cell::Rom { index, entries } => {
                let index = self.bits(index);
                self.table(&index, entries, width)
            }
            // What reads itself is unrolled before, and nothing is left that reads these.
            Cell::Valid(_) | Cell::Digits { .. } | Cell::Total { .. } => vec![ZERO; width as usize],
        }
    }

    /// A step along pairs of planes: the planes of its results.
    fn chain(&mut self, rule: Rule, with: u32, pairs: impl ExactSizeIterator<Item = (u32, u32)>) -> Vec<u32> {
        let out = self.fresh(pairs.len() as u32);
        let start = self.program.wires.len();
        self.program.wires.extend(pairs.zip(&out).map(|((a, b), out)| [a, b, *out]));
        let wires = start..self.program.wires.len();
        if !wires.is_empty() {
            self.program.steps.push(Step::Chain { rule, with, wires });
        }
        out
    }

    /// The complements of planes: all ones less them, where nothing is borrowed.
    fn complement(&mut self, planes: &[u32]) -> Vec<u32> {
        let mut new: Vec<u32> = planes.iter().copied().filter(|plane| !self.complements.contains_key(plane)).collect();
        new.retain(|plane| *plane > ONE);
        new.sort_unstable();
        new.dedup();
        let made = self.chain(Rule::Sub, ONE, new.iter().map(|plane| (ONE, *plane)));
        self.complements.extend(new.into_iter().zip(made));
        planes.iter().map(|plane| if *plane > ONE { self.complements[plane] } else { ONE - plane }).collect()
    }

    /// `a ± b` where the plane `with` has ones, else `a`; equal widths. Low bits without a carry pass by.
    fn add(&mut self, a: Vec<u32>, rule: Rule, b: &[u32], with: u32) -> Vec<u32> {
        let other = rule == Rule::Add && with == ONE;
        let passes = |(a, b): (&u32, &u32)| match (*a, *b) {
            (a, ZERO) => Some(a),
            (ZERO, b) if other => Some(b),
            _ => None,
        };
        let mut sum: Vec<u32> = a.iter().zip(b).map_while(passes).collect();
        let rest = sum.len()..a.len();
        sum.extend(self.chain(rule, with, a[rest.clone()].iter().copied().zip(b[rest].iter().copied())));
        sum
    }

    fn sum(&mut self, terms: &[(Bits, bool)], width: usize) -> Vec<u32> {
        let mut sum = vec![ZERO; width];
        let (minus, plus): (Vec<_>, Vec<_>) = terms.iter().partition(|(_, minus)| *minus);
        for (bits, minus) in plus.into_iter().chain(minus) {
            let planes = self.bits(bits);
            sum = self.add(sum, if *minus { Rule::Sub } else { Rule::Add }, &planes, ONE);
        }
        sum
    }

    /// The product modulo 2^width, row by row; a repeated top bit is one row, subtracted.
    fn product(&mut self, a: &[u32], b: &[u32]) -> Vec<u32> {
        let rows = |x: &[u32]| x.iter().rposition(|plane| Some(plane) != x.last()).map_or(0, |at| at + 1);
        let (a, b) = if rows(a) < rows(b) { (b, a) } else { (a, b) };
        let mut total = vec![ZERO; a.len()];
        for (at, bit) in b.iter().enumerate().take(rows(b) + 1).filter(|(_, bit)| **bit != ZERO) {
            let high = total.split_off(at);
            let rule = if at < rows(b) { Rule::Add } else { Rule::Sub };
            let high = self.add(high, rule, &a[..a.len() - at], *bit);
            total.extend(high);
        }
        total
    }

    /// Bits of `a` where the plane `sel` has ones, else of `b`.
    fn select(&mut self, sel: u32, a: &[u32], b: &[u32]) -> Vec<u32> {
        let known = |(a, b): (u32, u32)| match (sel, a, b) {
            (ZERO, _, b) => Some(b),
            (ONE, a, _) => Some(a),
            (sel, ONE, ZERO) => Some(sel),
            (_, a, b) => (a == b).then_some(a),
        };
        let pairs = || a.iter().copied().zip(b.iter().copied());
        let mut new: Vec<(u32, u32)> = pairs().filter(|pair| known(*pair).is_none()).collect();
        new.sort_unstable();
        new.dedup();
        let made = self.chain(Rule::Mux, sel, new.iter().copied());
        let made: HashMap<(u32, u32), u32> = new.into_iter().zip(made).collect();
        pairs().map(|pair| known(pair).unwrap_or_else(|| made[&pair])).collect()
    }

    /// Entries at an index: chosen by one index bit after the other, equal choices once, or looked up.
    fn table(&mut self, index: &[u32], entries: &[u128], width: u32) -> Vec<u32> {
        if index.len() > SMALL {
            let out = self.fresh(width);
            let chunk = |at: u32| entries.iter().map(|entry| (entry >> at) as u64).collect();
            let entries = (0..width).step_by(64).map(chunk).collect();
            let lookup = Lookup { index: index.to_vec(), out: out.clone(), entries };
            self.program.steps.push(Step::Lookup(Box::new(lookup)));
            return out;
        }
        let mut bits: Vec<u32> =
            (0..width).flat_map(|at| entries.iter().map(move |entry| (entry >> at & 1) as u32)).collect();
        for sel in index {
            let (a, b): (Vec<u32>, Vec<u32>) = bits.chunks_exact(2).map(|two| (two[1], two[0])).unzip();
            bits = self.select(*sel, &a, &b);
        }
        bits
    }
}

/// With its sign once more above.
fn extended(mut planes: Vec<u32>) -> Vec<u32> {
    planes.extend(planes.last().copied());
    planes
}
