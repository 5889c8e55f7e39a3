//! The cells of each operation.

use super::super::bits::ones;
use super::super::{Bits, Cell};
use super::{Maker, Value};
use crate::dfg::{Id, Op, Table};
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Range};

/// Most index bits of a table.
const MAX_INDEX: u32 = 20;

/// The grid on which a node is computed: its own or a finer one, of which the lowest bits are then dropped.
#[derive(Clone, Copy)]
struct Frame {
    exp: i32,
    width: u32,
    drop: u32,
}

impl Frame {
    fn cut(&self, bits: &Bits) -> Bits {
        bits.slice(self.drop, self.width - self.drop)
    }
}

impl Maker<'_> {
    /// The bits of a node that is not mere wiring.
    pub(super) fn cells(&mut self, id: Id) -> Result<Bits> {
        let dfg = self.dfg;
        match &dfg[id].op {
            Op::Add { terms, constant } => self.sum(id, terms, *constant),
            Op::Mul(a, b) => self.product(id, *a, *b),
            Op::Max(a, b) => self.extreme(id, *a, *b, true),
            Op::Min(a, b) => self.extreme(id, *a, *b, false),
            Op::Select { sign_of, negative, otherwise } => self.select(id, *sign_of, *negative, *otherwise),
            Op::Table { table, args } => self.table(id, &dfg.tables[*table as usize], args),
            Op::Dot { .. } => Err(Error::bug(format!("{} is a dot; expand dots first", dfg.source(id)))),
            Op::Input { .. } | Op::Const(_) | Op::Scale(..) | Op::Floor(..) | Op::Wrap { .. } => {
                Err(Error::bug("wiring has no cell"))
            }
        }
    }

    /// The frame of a node whose operands lie on these grids.
    fn frame(&self, id: Id, grids: impl Iterator<Item = i32>) -> Result<Frame> {
        let range = self.dfg.range(id);
        let exp = grids.fold(range.exp, i32::min);
        let drop = (range.exp - exp) as u32;
        let width = range.width().saturating_add(drop);
        if width > 128 {
            return Err(Error::bug(format!("{} needs {width} bits", self.dfg.source(id))));
        }
        Ok(Frame { exp, width, drop })
    }

    /// The grids of operands; that of a zero says nothing.
    fn grids<'s>(&'s self, args: &'s [(Id, i32)]) -> impl Iterator<Item = i32> + 's {
        let nonzero = |(id, _): &&(Id, i32)| self.value(*id).range.width() > 0;
        args.iter().filter(nonzero).map(|(id, shift)| self.value(*id).range.exp + shift)
    }

    fn cell(&mut self, id: Id, cell: Cell, frame: Frame) -> Bits {
        let signed = self.dfg.range(id).signed();
        frame.cut(&self.add(id, "", cell, frame.width, signed))
    }

    fn product(&mut self, id: Id, a: Id, b: Id) -> Result<Bits> {
        let (x, y) = (self.value(a).range, self.value(b).range);
        let frame = self.frame(id, [x.exp + y.exp].into_iter())?;
        let (x, y) = (self.value(a).on(x.exp, frame.width), self.value(b).on(y.exp, frame.width));
        Ok(self.cell(id, Cell::Mul(x, y), frame))
    }

    /// The greater or the lesser of two numbers.
    fn extreme(&mut self, id: Id, a: Id, b: Id, greater: bool) -> Result<Bits> {
        let is_constant = |id: Id| self.value(id).range.constant();
        let (a, b) = if is_constant(a).is_some() { (b, a) } else { (a, b) };
        let frame = self.frame(id, self.grids(&[(a, 0), (b, 0)]))?;
        let (x, y) = (self.value(a).clone(), self.value(b).clone());
        let (low, high) = (x.on(frame.exp, frame.width), y.on(frame.exp, frame.width));
        let beyond = || Error::bug("a comparison beyond 127 bits");
        if let Some(bound) = y.range.constant() {
            let bound = bound.at(frame.exp).ok_or_else(beyond)?;
            let range = if x.range.width() == 0 { Range::new(0, 0, frame.exp) } else { x.range };
            let range = range.at(frame.exp).ok_or_else(beyond)?;
            let x = Value { bits: x.on(frame.exp, range.width()), range };
            // max(x, c) == x < c ? c : x;  min(x, c) == x < c + 1 ? x : c
            return Ok(if greater {
                self.choose(id, &x, bound, high, low, frame)
            } else {
                self.choose(id, &x, bound + 1, low, high, frame)
            });
        }
        let (p, q) = Range::aligned(x.range, y.range).ok_or_else(beyond)?;
        let width = [p, q].iter().map(|range| range.width() + !range.signed() as u32).fold(0, u32::max);
        let less = Cell::Less(x.on(p.exp, width), y.on(q.exp, width));
        let sel = self.add(id, "less", less, 1, false);
        let (a, b) = if greater { (high, low) } else { (low, high) };
        Ok(self.cell(id, Cell::Mux { sel, a, b }, frame))
    }

    /// `x < threshold ? below : above`, without a comparator where the threshold is 0 or a power of two.
    fn choose(&mut self, id: Id, x: &Value, threshold: i128, below: Bits, above: Bits, frame: Frame) -> Bits {
        let (range, width) = (x.range, x.bits.width());
        if range.lo >= threshold || range.hi < threshold {
            return frame.cut(if range.lo >= threshold { &above } else { &below });
        }
        let (signed, magnitude) = (range.signed(), width - range.signed() as u32);
        let power = threshold.unsigned_abs().is_power_of_two().then(|| threshold.trailing_zeros());
        let cell = match (threshold, power) {
            // x < 0 is its sign
            (0, _) => Cell::Mux { sel: x.sign(), a: below, b: above },
            // 0 <= x < 2^k: no bit from k up
            (1.., Some(k)) => {
                let sel = self.bit(id, "over", Cell::Any, x.bits.slice(k, magnitude - k));
                let reach = Cell::Mux { sel, a: above, b: below.clone() };
                self.if_negative(id, x, signed, below, reach, frame)
            }
            // -2^k <= x < 0: all bits from k up
            (_, Some(k)) => {
                let sel = self.bit(id, "near", Cell::All, x.bits.slice(k, magnitude - k));
                let reach = Cell::Mux { sel, a: above.clone(), b: below };
                let inner = self.add(id, "low", reach, frame.width, self.dfg.range(id).signed());
                Cell::Mux { sel: x.sign(), a: inner, b: above }
            }
            // low bits in which the threshold is 0 do not matter
            _ => {
                let low = threshold.trailing_zeros();
                let all = width.max(Range::new(threshold, threshold, 0).width()) + 1;
                let (a, b) = (x.bits.resize(all, signed), Bits::constant(threshold, all));
                let less = Cell::Less(a.slice(low, all - low), b.slice(low, all - low));
                Cell::Mux { sel: self.add(id, "less", less, 1, false), a: below, b: above }
            }
        };
        self.cell(id, cell, frame)
    }

    /// `x < 0 ? negative : reach`, where `reach` alone does for unsigned x.
    fn if_negative(&mut self, id: Id, x: &Value, signed: bool, negative: Bits, reach: Cell, frame: Frame) -> Cell {
        if !signed {
            return reach;
        }
        let inner = self.add(id, "high", reach, frame.width, self.dfg.range(id).signed());
        Cell::Mux { sel: x.sign(), a: negative, b: inner }
    }

    /// One bit that says something of several; one bit speaks for itself.
    fn bit(&mut self, id: Id, suffix: &str, cell: fn(Bits) -> Cell, bits: Bits) -> Bits {
        if bits.width() == 1 { bits } else { self.add(id, suffix, cell(bits), 1, false) }
    }

    fn select(&mut self, id: Id, sign_of: Id, negative: Id, otherwise: Id) -> Result<Bits> {
        let frame = self.frame(id, self.grids(&[(negative, 0), (otherwise, 0)]))?;
        let side = |id: Id| self.value(id).on(frame.exp, frame.width);
        let (a, b) = (side(negative), side(otherwise));
        let sign = self.value(sign_of);
        if sign.range.lo >= 0 || sign.range.hi < 0 {
            return Ok(frame.cut(if sign.range.lo >= 0 { &b } else { &a }));
        }
        let sel = sign.sign();
        Ok(self.cell(id, Cell::Mux { sel, a, b }, frame))
    }

    /// A table becomes a ROM indexed by the operands' own bits, the first operand highest: no subtractor.
    fn table(&mut self, id: Id, table: &Table, args: &[Id]) -> Result<Bits> {
        let values: Vec<Value> = args.iter().map(|arg| self.value(*arg).clone()).collect();
        let index = values.iter().rev().fold(Bits::empty(), |index, value| index.then(&value.bits));
        if index.width() > MAX_INDEX {
            let what = format!("a table of {} has 2^{} entries", self.dfg.source(id), index.width());
            return Err(Error::user(what, "quantize the values that enter this layer to fewer bits"));
        }
        let range = self.dfg.range(id);
        let ranges: Vec<Range> = values.iter().map(|value| value.range).collect();
        let known: Vec<Option<u128>> = (0..1usize << index.width())
            .map(|code| Some(entry(table, &ranges, code)?.at(range.exp)? as u128 & ones(range.width())))
            .collect();
        let entries = fill(known);
        if index.width() == 0 {
            return Ok(Bits::constant(entries[0] as i128, range.width()));
        }
        let cell = Cell::Rom { index, entries };
        Ok(self.add(id, "", cell, range.width(), range.signed()))
    }
}

/// The table's value at an index of operand bits; `None` where no operand values have that index.
fn entry(table: &Table, ranges: &[Range], mut code: usize) -> Option<Fixed> {
    let mut point = vec![0; ranges.len()];
    for ((range, domain), place) in ranges.iter().zip(&table.domains).zip(&mut point).rev() {
        let width = range.width();
        let value = crate::fixed::wrap(code as i128, width, range.signed());
        code >>= width;
        *place = Fixed::new(value, range.exp).at(domain.exp).filter(|_| (range.lo..=range.hi).contains(&value))?;
    }
    let index = table.index(&point)?;
    table.entries[index].map(|entry| Fixed::new(entry, table.exp))
}

/// Don't-cares repeat their neighbour, the entry before them if there is one.
fn fill(known: Vec<Option<u128>>) -> Vec<u128> {
    let mut last = known.iter().flatten().next().copied().unwrap_or(0);
    known
        .into_iter()
        .map(|entry| {
            last = entry.unwrap_or(last);
            last
        })
        .collect()
}
