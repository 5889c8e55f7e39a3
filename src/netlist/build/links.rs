//! Links of a folded graph: registers that read themselves, started by the valid bit of the stage that they read.

use super::super::{Bits, Cell, Net, NetId};
use super::{Made, Maker, place};
use crate::dfg::Id;
use crate::error::{Error, Result};
use crate::reuse::{Folded, Kind};

impl Maker<'_> {
    /// The bits of what a link makes.
    pub(super) fn link(&mut self, id: Id, folded: &Folded, link: usize) -> Result<Bits> {
        let (stage, range) = (self.schedule.of(id), self.dfg.range(id));
        let made = folded.links[link];
        let early = || Error::bug(format!("{id} at stage {stage} is before its link's source"));
        let reads = stage.checked_sub(made.span(folded.interval)).ok_or_else(early)?;
        let source = self.value(folded.source(link)).clone();
        let start = Bits::net(self.valid(reads), 1);
        let digit = made.digit;
        match made.kind {
            Kind::Digits { of } => {
                let bits = source.on(of.lsb, of.width);
                let sign = bits.slice(of.width - 1, 1);
                let bits = if of.signed { bits.slice(0, of.width - 1).then(&sign.inverted()) } else { bits };
                let width = digit * folded.interval;
                let cell = Cell::Digits { start, value: bits.resize(width, false), digit };
                let note =
                    format!("{of}, {digit} bits a clock{}", if of.signed { ", its sign bit inverted" } else { "" });
                let bits = self.register(id, "digits", cell, (width, false), reads, note);
                Ok(place(&bits.slice(0, range.width()), false, of.lsb, range.exp, range.width()))
            }
            Kind::Total { first } => {
                let wide = || Error::bug(format!("the sum of {} needs more than 120 bits", self.dfg.source(id)));
                let sum = folded.accumulator(link).ok_or_else(wide)?;
                let part = source.on(sum.exp, sum.width);
                let code = first.at(sum.exp).ok_or_else(wide)?;
                let first = code as u128 & super::super::ones(sum.width);
                let width = sum.width + digit * (folded.interval - 1);
                if width > 127 {
                    return Err(wide());
                }
                let cell = Cell::Total { start, part, first, digit, signed: sum.signed };
                let note = format!("{} = what {} clocks add up to", self.dfg.source(id), folded.interval);
                let bits = self.register(id, "total", cell, (width, sum.signed), reads, note);
                Ok(place(&bits, sum.signed, sum.exp, range.exp, range.width()))
            }
        }
    }

    /// Adds a register that reads itself, and its operands at stage `reads`.
    fn register(
        &mut self,
        id: Id,
        suffix: &str,
        cell: Cell,
        (width, signed): (u32, bool),
        reads: u32,
        note: String,
    ) -> Bits {
        let bits = self.add(id, suffix, cell, width, signed);
        if let Some(made) = self.nets.last_mut() {
            (made.reads, made.net.note) = (reads, note);
        }
        bits
    }

    /// The valid bit of a stage.
    fn valid(&mut self, stage: u32) -> NetId {
        if let Some(net) = self.valid.get(&stage) {
            return *net;
        }
        let name = self.names.valid(stage);
        let note = format!("whether there is an event at stage {stage}");
        let net = Net { name, width: 1, signed: false, cell: Cell::Valid(stage), layer: 0, row: 0, note };
        self.nets.push(Made { net, stage, reads: stage });
        let id = NetId(self.nets.len() as u32 - 1);
        self.valid.insert(stage, id);
        id
    }
}
