//! Netlist to steps: registers, wires and inputs dissolve into what they carry, operands into pieces of other vectors.

use super::super::{Bits, Cell, NetId, Netlist, Part, ones};
use super::lane::{Pair, Wrap};
use crate::error::{Error, Result};
use crate::fixed::Format;
use crate::port::Port;

/// A part of an operand: bits of a vector, brought to their place; the pieces of an operand add up to it.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// The vector: in the end, its slot.
    pub from: u32,
    /// Bits dropped below.
    pub down: u32,
    /// Bits kept, where what is above them would do harm.
    pub keep: Option<u32>,
    /// Whether the lowest bit left is to be repeated upwards.
    pub fill: bool,
    /// The place in the operand.
    pub up: u32,
    /// Whether it is subtracted.
    pub minus: bool,
}

/// An operand: pieces, a constant, and how their sum becomes a value.
#[derive(Clone, Debug)]
pub struct Operand {
    pub pieces: Vec<Piece>,
    pub constant: i128,
    pub wrap: Wrap,
}

/// What a step computes. Small, for thousands of steps pass by for every group of samples.
#[derive(Debug)]
pub enum Action {
    Pair(Pair),
    Other(Box<Rare>),
}

/// What few steps compute.
#[derive(Debug)]
pub enum Rare {
    Sum(Operand),
    Mul(Operand, Operand, Wrap),
    /// The condition fills its lanes with ones or zeros.
    Mux(Operand, Operand, Operand, Wrap),
    Less(Operand, Operand),
    Any(Operand),
    All(Operand, u32),
    Rom(Operand, Vec<i128>),
}

/// An action and the slot that takes its result.
#[derive(Debug)]
pub struct Step {
    pub out: u32,
    pub action: Action,
}

/// A netlist made ready.
pub struct Program {
    /// The slot of each column of the batch, and how a code becomes a value; none for a column that is not read.
    pub loads: Vec<Option<(u32, Wrap)>>,
    pub steps: Vec<Step>,
    /// The value of each output element.
    pub results: Vec<Operand>,
    /// Slots in use at most.
    pub slots: usize,
    /// The widest vector or operand.
    pub width: u32,
}

struct Compiler<'a> {
    netlist: &'a Netlist,
    /// Bits of each net, in terms of vectors: nets that compute, then input elements.
    views: Vec<Bits>,
    elements: Vec<Format>,
}

/// Compiles a verified netlist.
pub fn compile(netlist: &Netlist) -> Result<Program> {
    let formats = |port: &Port| port.elements.iter().map(|element| element.format).collect::<Vec<_>>();
    let elements = netlist.sources().flat_map(formats).collect();
    let mut compiler = Compiler { netlist, views: Vec::new(), elements };
    let ports: Vec<Vec<(u32, NetId)>> = (0..netlist.sources().count()).map(|port| compiler.port(port)).collect();
    let mut steps: Vec<Step> = Vec::new();
    for (index, net) in netlist.nets.iter().enumerate() {
        let view = match &net.cell {
            Cell::Register(bits) | Cell::Wire(bits) => compiler.resolve(bits),
            Cell::Input { port, lo } => compiler.input(&ports[*port as usize], *lo, net.width),
            cell => {
                let action = compiler.action(cell, Wrap::new(net.width, net.signed));
                steps.push(Step { out: index as u32, action });
                Bits::net(NetId(index as u32), net.width)
            }
        };
        compiler.views.push(view);
    }
    let mut results = Vec::new();
    for (port, bits, _) in netlist.sinks() {
        let formats = port.elements.iter().map(|element| element.format);
        for (format, bits) in formats.clone().zip(bits.split(formats.map(|format| format.width))) {
            results.push(compiler.operand(&compiler.resolve(&bits), Wrap::new(format.width, format.signed)));
        }
    }
    let nets = netlist.nets.iter().flat_map(|net| {
        let operands = net.cell.operands().into_iter().map(Bits::width);
        operands.chain([net.width])
    });
    let elements = netlist.sinks().flat_map(|(port, ..)| formats(port)).chain(compiler.elements.iter().copied());
    let width = nets.chain(elements.map(|format| format.width)).max().unwrap_or(1);
    if width > 127 {
        return Err(Error::bug(format!("a vector of {width} bits cannot be simulated")));
    }
    let load = |format: &Format| (format.width > 0).then(|| Wrap::new(format.width, format.signed));
    let wraps: Vec<Option<Wrap>> = compiler.elements.iter().map(load).collect();
    let (slots, columns) = allocate(&mut steps, &mut results, netlist.nets.len(), wraps.len());
    let loads = columns.into_iter().zip(wraps).map(|(slot, wrap)| Some((slot?, wrap?))).collect();
    Ok(Program { loads, steps, results, slots, width })
}

impl Compiler<'_> {
    fn resolve(&self, bits: &Bits) -> Bits {
        bits.substitute(|net| self.views.get(net.0 as usize).cloned())
    }

    /// The elements of an input port that have bits: the lowest bit of each, and its vector.
    fn port(&self, port: usize) -> Vec<(u32, NetId)> {
        let mut lengths = self.netlist.sources().map(|port| port.elements.len());
        let before: usize = lengths.by_ref().take(port).sum();
        let own = before..before + lengths.next().unwrap_or(0);
        let mut lo = 0;
        let place = |element: usize| {
            let width = self.elements[element].width;
            lo += width;
            (lo - width, NetId((self.netlist.nets.len() + element) as u32), width)
        };
        own.map(place).filter(|(.., width)| *width > 0).map(|(lo, net, _)| (lo, net)).collect()
    }

    /// Bits `lo .. lo + width` of an input port.
    fn input(&self, port: &[(u32, NetId)], lo: u32, width: u32) -> Bits {
        let first = port.partition_point(|(start, _)| *start <= lo).saturating_sub(1);
        let mut bits = Bits::empty();
        for (start, net) in port[first..].iter().take_while(|(start, _)| *start < lo + width) {
            let (from, end) = (lo.max(*start), (lo + width).min(start + self.kind(*net).0));
            bits.push(Part::Slice { net: *net, lo: from - start, width: end - from });
        }
        bits
    }

    /// Width and sign of a vector.
    fn kind(&self, vector: NetId) -> (u32, bool) {
        let index = vector.0 as usize;
        match self.netlist.nets.get(index) {
            Some(net) => (net.width, net.signed),
            None => {
                let format = self.elements[index - self.netlist.nets.len()];
                (format.width, format.signed)
            }
        }
    }

    fn action(&self, cell: &Cell, wrap: Wrap) -> Action {
        let signed = |width: u32| Wrap::new(width, true);
        let read = |bits: &Bits, wrap: fn(u32) -> Wrap| self.operand(&self.resolve(bits), wrap(bits.width()));
        let raw = |bits: &Bits| read(bits, |_| Wrap::Exact);
        let plain = |bits: &Bits| read(bits, |width| Wrap::new(width, false));
        let rare = match cell {
            Cell::Sum(terms) => return self.sum(terms, wrap),
            Cell::Mul(a, b) => Rare::Mul(raw(a), raw(b), wrap),
            Cell::Mux { sel, a, b } => Rare::Mux(read(sel, signed), raw(a), raw(b), wrap),
            Cell::Less(a, b) => Rare::Less(read(a, signed), read(b, signed)),
            Cell::Any(a) => Rare::Any(plain(a)),
            Cell::All(a) => Rare::All(plain(a), a.width()),
            Cell::Not(a) => {
                let mut operand = raw(a);
                operand.constant += 1;
                operand.wrap = Wrap::Unsigned(1);
                Rare::Sum(operand)
            }
            Cell::Rom { index, entries } => {
                let value = |entry: &u128| match wrap {
                    Wrap::Signed(width) => crate::fixed::wrap(*entry as i128, width.into(), true),
                    _ => *entry as i128,
                };
                Rare::Rom(plain(index), entries.iter().map(value).collect())
            }
            // Wiring makes no step, and what reads itself is unrolled: these dissolve before.
            Cell::Wire(a) | Cell::Register(a) => Rare::Sum(raw(a)),
            Cell::Input { .. } | Cell::Valid(_) | Cell::Digits { .. } | Cell::Total { .. } => {
                Rare::Sum(Operand { pieces: Vec::new(), constant: 0, wrap })
            }
        };
        Action::Other(Box::new(rare))
    }

    fn sum(&self, terms: &[(Bits, bool)], wrap: Wrap) -> Action {
        let mut total = Operand { pieces: Vec::new(), constant: 0, wrap };
        for (bits, minus) in terms {
            let operand = self.operand(&self.resolve(bits), Wrap::Exact);
            let constant = if *minus { -operand.constant } else { operand.constant };
            total.constant = total.constant.wrapping_add(constant);
            total
                .pieces
                .extend(operand.pieces.into_iter().map(|piece| Piece { minus: piece.minus != *minus, ..piece }));
        }
        let width = match wrap {
            Wrap::Signed(width) | Wrap::Unsigned(width) => width as u32,
            Wrap::Exact => 128,
        };
        // The same modulo 2^width, near zero: the bounds below see it so.
        total.constant = crate::fixed::wrap(total.constant, width, true);
        if self.fits(&total) {
            total.wrap = Wrap::Exact;
        }
        let simple = |piece: &Piece| piece.keep.is_none() && !piece.fill;
        match total.pieces[..] {
            [a, b] if simple(&a) && simple(&b) && a.from != b.from && !(a.minus && b.minus) => {
                let (a, b) = if a.minus { (b, a) } else { (a, b) };
                match i64::try_from(total.constant) {
                    Ok(constant) => {
                        let (down, up) = ([a.down as u8, b.down as u8], [a.up as u8, b.up as u8]);
                        let (minus, wrap) = (b.minus, total.wrap);
                        Action::Pair(Pair { a: a.from, b: b.from, down, up, minus, constant, wrap })
                    }
                    Err(_) => Action::Other(Box::new(Rare::Sum(total))),
                }
            }
            _ => Action::Other(Box::new(Rare::Sum(total))),
        }
    }

    /// Can the sum of an operand's pieces not leave its width? Bounded by the widths of the vectors.
    fn fits(&self, operand: &Operand) -> bool {
        let (least, greatest) = match operand.wrap {
            Wrap::Exact => return true,
            Wrap::Signed(width) => (-(1i128 << (width - 1)), (1i128 << (width - 1)) - 1),
            Wrap::Unsigned(width) => (0, ones(width.into()) as i128),
        };
        let bounds = operand.pieces.iter().try_fold((operand.constant, operand.constant), |(lo, hi), piece| {
            let (width, signed) = self.kind(NetId(piece.from));
            if piece.fill || piece.keep.is_some() || width + piece.up > 100 {
                return None;
            }
            let range = Format { signed, width, lsb: 0 }.range();
            let (low, high) = (range.lo >> piece.down << piece.up, range.hi >> piece.down << piece.up);
            let (low, high) = if piece.minus { (-high, -low) } else { (low, high) };
            Some((lo.checked_add(low)?, hi.checked_add(high)?))
        });
        bounds.is_some_and(|(lo, hi)| least <= lo && hi <= greatest)
    }

    /// The pieces of an operand, right modulo 2^width; the vectors' own extension serves where it can.
    fn operand(&self, bits: &Bits, wrap: Wrap) -> Operand {
        let total = bits.width();
        let mut operand = Operand { pieces: Vec::new(), constant: 0, wrap };
        let placed: Vec<(u32, Part)> = bits.placed().collect();
        let mut skip = false;
        for (index, (at, part)) in placed.iter().enumerate() {
            if std::mem::take(&mut skip) {
                continue;
            }
            let last = |end: u32| end == total;
            match *part {
                Part::Const { bits, .. } => operand.constant += (bits << at) as i128,
                Part::Slice { net, lo, width } => {
                    let (whole, signed) = self.kind(net);
                    let top = lo + width == whole;
                    let above = placed.get(index + 1).map(|(at, part)| (at + part.width(), *part));
                    let extended = matches!(above, Some((end, Part::Repeat { net: same, bit, .. }))
                        if same == net && bit + 1 == whole && last(end));
                    skip = top && signed && extended;
                    let open = last(at + width) || skip || (top && !signed);
                    let keep = (!open).then_some(width);
                    let piece = Piece { from: net.0, down: lo, keep, fill: false, up: *at, minus: false };
                    operand.pieces.push(piece);
                }
                // ~x of w bits == 2^w - 1 - x
                Part::Not { net, lo, width } => {
                    let (whole, signed) = self.kind(net);
                    let open = last(at + width) || (lo + width == whole && !signed);
                    let keep = (!open).then_some(width);
                    operand.constant += (ones(width) << at) as i128;
                    operand.pieces.push(Piece { from: net.0, down: lo, keep, fill: false, up: *at, minus: true });
                }
                Part::Repeat { net, bit, count } => {
                    let keep = (!last(at + count)).then_some(count);
                    operand.pieces.push(Piece { from: net.0, down: bit, keep, fill: true, up: *at, minus: false });
                }
            }
        }
        operand
    }
}

/// Gives every vector a slot from its step to its last reader; a slot is then free for another. Vectors are the nets,
/// then the columns of the batch, which are there before the first step. The number of slots, and those of the columns.
fn allocate(steps: &mut [Step], results: &mut [Operand], nets: usize, columns: usize) -> (usize, Vec<Option<u32>>) {
    let mut last: Vec<Option<usize>> = vec![None; nets + columns];
    for (index, step) in steps.iter().enumerate() {
        last[step.out as usize] = Some(index);
        step.action.reads(|from| last[from as usize] = Some(index));
    }
    results.iter().flat_map(|operand| &operand.pieces).for_each(|piece| last[piece.from as usize] = Some(usize::MAX));
    let mut slot_of = vec![0u32; nets + columns];
    let (mut free, mut slots) = (Vec::new(), 0);
    let mut loads = vec![None; columns];
    for column in (0..columns).filter(|column| last[nets + column].is_some()) {
        (slot_of[nets + column], loads[column]) = (slots, Some(slots));
        slots += 1;
    }
    for (index, step) in steps.iter_mut().enumerate() {
        let slot = free.pop().unwrap_or_else(|| {
            slots += 1;
            slots - 1
        });
        let vector = std::mem::replace(&mut step.out, slot) as usize;
        slot_of[vector] = slot;
        let mut done = vec![vector];
        step.action.reads(|from| done.push(from as usize));
        step.action.rename(|from| slot_of[from as usize]);
        done.sort_unstable();
        done.dedup();
        free.extend(done.into_iter().filter(|vector| last[*vector] == Some(index)).map(|vector| slot_of[vector]));
    }
    for piece in results.iter_mut().flat_map(|operand| &mut operand.pieces) {
        piece.from = slot_of[piece.from as usize];
    }
    (slots as usize, loads)
}

impl Rare {
    fn operands(&self) -> Vec<&Operand> {
        match self {
            Rare::Sum(a) | Rare::Any(a) | Rare::All(a, _) | Rare::Rom(a, _) => vec![a],
            Rare::Mul(a, b, _) | Rare::Less(a, b) => vec![a, b],
            Rare::Mux(a, b, c, _) => vec![a, b, c],
        }
    }

    fn operands_mut(&mut self) -> Vec<&mut Operand> {
        match self {
            Rare::Sum(a) | Rare::Any(a) | Rare::All(a, _) | Rare::Rom(a, _) => vec![a],
            Rare::Mul(a, b, _) | Rare::Less(a, b) => vec![a, b],
            Rare::Mux(a, b, c, _) => vec![a, b, c],
        }
    }
}

impl Action {
    fn reads(&self, mut f: impl FnMut(u32)) {
        match self {
            Action::Pair(pair) => [pair.a, pair.b].into_iter().for_each(f),
            Action::Other(rare) => {
                rare.operands().into_iter().flat_map(|operand| &operand.pieces).for_each(|piece| f(piece.from));
            }
        }
    }

    fn rename(&mut self, f: impl Fn(u32) -> u32) {
        match self {
            Action::Pair(pair) => (pair.a, pair.b) = (f(pair.a), f(pair.b)),
            Action::Other(rare) => {
                let pieces = rare.operands_mut().into_iter().flat_map(|operand| &mut operand.pieces);
                pieces.for_each(|piece| piece.from = f(piece.from));
            }
        }
    }
}
