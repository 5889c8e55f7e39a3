//! A netlist as gates: each cell by its contract, and the registers on every path counted.

use super::logic::{self, Bit, Logic, Word};
use crate::error::{Error, Result};
use crate::netlist::{Bits, Cell, Netlist, Part};

/// A net's bits, and the registers between the input ports and it; none for constants.
type Known = (Word, Option<u32>);

/// The bits of all output elements.
///
/// # Errors
/// Paths that cross different numbers of registers; a sum or product that is too wide.
pub fn results(logic: &mut Logic, netlist: &Netlist) -> Result<Vec<Vec<Bit>>> {
    let mut known: Vec<Known> = Vec::with_capacity(netlist.nets.len());
    for net in &netlist.nets {
        let wrong = |what: &str| Error::bug(format!("net `{}`: {what}", net.name));
        let mut stage = None;
        for bits in net.cell.operands() {
            let own = stage_of(&known, bits).ok_or_else(|| wrong("values of different stages meet"))?;
            if stage.is_some_and(|stage: u32| Some(stage) != own.or(Some(stage))) {
                return Err(wrong("values of different stages meet"));
            }
            stage = stage.or(own);
        }
        let value = cell(logic, netlist, &known, &net.cell, net.width);
        let value = value.filter(|value| value.width() == net.width);
        let value = logic.known(value.ok_or_else(|| wrong("is beyond this proof"))?, &net.name);
        let stage = match net.cell {
            Cell::Input { port, .. } => Some(netlist.source_stage(port)),
            Cell::Register(_) => stage.map(|stage| stage + 1),
            _ => stage,
        };
        known.push((value, stage));
    }
    if let Some(turn) = netlist.turn.filter(|turn| turn.reads > turn.writes || turn.clocks() > netlist.interval) {
        let wrong =
            format!("states are written at stage {} and read at {} too soon behind that", turn.writes, turn.reads);
        return Err(Error::bug(wrong));
    }
    let mut all = Vec::new();
    for (port, bits, at) in netlist.sinks() {
        let wrong = |what: &str| Error::bug(format!("output `{}`: {what}", port.name));
        let stage = stage_of(&known, bits).ok_or_else(|| wrong("values of different stages meet"))?;
        if stage.is_some_and(|stage| stage != at) {
            return Err(wrong("is not behind the latency's number of registers"));
        }
        let whole = read(logic, &known, bits).ok_or_else(|| wrong("reads what is not there"))?;
        let whole = logic.bits(&whole);
        all.extend(logic::elements(port, &whole).ok_or_else(|| wrong("has other bits"))?);
    }
    Ok(all)
}

/// The stage of an operand: none within where all is constant, none at all where stages differ.
fn stage_of(known: &[Known], bits: &Bits) -> Option<Option<u32>> {
    let mut stage = None;
    for net in bits.0.iter().filter_map(Part::net) {
        let own = known.get(net.0 as usize)?.1;
        if stage.is_some() && own.is_some() && stage != own {
            return None;
        }
        stage = stage.or(own);
    }
    Some(stage)
}

/// An operand.
fn read(logic: &mut Logic, known: &[Known], bits: &Bits) -> Option<Word> {
    let mut all = Vec::with_capacity(bits.0.len());
    for part in &bits.0 {
        all.push(match *part {
            Part::Const { bits, width } => {
                Word::constant(&(0..width).map(|at| bits >> at & 1 == 1).collect::<Vec<bool>>())
            }
            Part::Slice { net, lo, width } => known.get(net.0 as usize)?.0.slice(lo, width)?,
            Part::Not { net, lo, width } => {
                let own = known.get(net.0 as usize)?.0.slice(lo, width)?;
                Word::Bits(logic.bits(&own).into_iter().map(|bit| bit ^ 1).collect())
            }
            Part::Repeat { net, bit, count } => {
                let own = known.get(net.0 as usize)?.0.slice(bit, 1)?;
                Word::Bits(logic.bits(&own).repeat(count as usize))
            }
        });
    }
    logic.joined(all)
}

fn cell(logic: &mut Logic, netlist: &Netlist, known: &[Known], cell: &Cell, width: u32) -> Option<Word> {
    let of = |logic: &mut Logic, bits: &Bits| {
        let word = read(logic, known, bits)?;
        Some(logic.bits(&word))
    };
    let bit = match cell {
        Cell::Input { port, lo } => {
            let mut whole = Vec::new();
            for element in 0..netlist.sources().nth(*port as usize)?.elements.len() {
                whole.extend(logic.input(*port, element as u32)?);
            }
            return Word::Bits(whole).slice(*lo, width);
        }
        Cell::Wire(a) | Cell::Register(a) => return read(logic, known, a),
        // What happens in several clocks is not followed.
        Cell::Valid(_) | Cell::Digits { .. } | Cell::Total { .. } => return None,
        Cell::Sum(terms) => {
            let mut sum = Word::constant(&vec![false; width as usize]);
            for (bits, negative) in terms {
                let own = read(logic, known, bits).filter(|own| own.width() == width)?;
                sum = logic.plus(&sum, &own, if *negative { -1 } else { 1 })?;
            }
            return Some(sum);
        }
        Cell::Mul(a, b) => {
            let (a, b) = (read(logic, known, a)?, read(logic, known, b)?);
            (a.width() == width && b.width() == width).then_some(())?;
            return logic.times(&a, &b);
        }
        Cell::Mux { sel, a, b } => {
            let (sel, a, b) = (of(logic, sel)?, of(logic, a)?, of(logic, b)?);
            let bit = logic.any(&sel);
            return Some(Word::Bits(logic.chosen(bit, &a, &b)));
        }
        Cell::Not(a) => return Some(Word::Bits(of(logic, a)?.into_iter().map(|bit| bit ^ 1).collect())),
        Cell::Rom { index, entries } => {
            let index = of(logic, index)?;
            let column = |at: u32| entries.iter().map(|entry| entry >> at & 1 == 1).collect::<Vec<bool>>();
            return Some(Word::Bits((0..width).map(|at| logic.entry(&index, &column(at))).collect()));
        }
        Cell::Less(a, b) => {
            let (a, b) = (of(logic, a)?, of(logic, b)?);
            (a.len() == b.len()).then_some(())?;
            logic.less(&a, &b, true)
        }
        Cell::Any(a) => {
            let a = of(logic, a)?;
            logic.any(&a)
        }
        Cell::All(a) => {
            let a: Vec<Bit> = of(logic, a)?.into_iter().map(|bit| bit ^ 1).collect();
            logic.any(&a) ^ 1
        }
    };
    Some(Word::bit(bit))
}
