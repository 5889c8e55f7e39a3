//! What is noted about atoms and lines while values are made: what the reference has, which sums are functions of one line,
//! of what an atom is the floor, and which node of a graph some bits are.

use super::curve::Curve;
use super::form::{Atom, Form};
use super::space::{Kind, LineId, Space};
use crate::fixed::{Fixed, Range};
use std::rc::Rc;

impl Space {
    pub(super) fn alias(&self, line: LineId) -> Option<(LineId, Curve)> {
        self.aliases.get(&line).cloned()
    }

    pub(super) fn set_alias(&mut self, line: LineId, of: LineId, curve: Curve) {
        self.aliases.insert(line, (of, curve));
    }

    /// Notes that an atom is the floor of a number.
    pub(super) fn note_floor(&mut self, atom: Atom, of: Form) {
        self.floors.entry(atom).or_insert(of);
    }

    /// A number of which an atom is the floor.
    pub(super) fn floor_behind(&self, atom: Atom) -> Option<Form> {
        self.floors.get(&atom).cloned()
    }

    /// Does the reference have an atom, or is it being evaluated?
    pub(super) fn is_reference(&self, atom: Atom) -> bool {
        self.reference.is_none_or(|count| atom < count)
    }

    /// Does the reference, which has been evaluated, have an atom?
    pub(super) fn reference_has(&self, atom: Atom) -> bool {
        self.reference.is_some_and(|count| atom < count)
    }

    /// The curves of a line that the reference has.
    pub(super) fn reference_curves(&self, line: LineId) -> &[Atom] {
        self.known.get(&line).map_or(&[], Vec::as_slice)
    }

    /// Notes that a sum which is new is a remainder: one of `2^top` numbers from `-half` on.
    pub(super) fn narrow(&mut self, form: &Form, half: Fixed, top: i32) -> Option<()> {
        let count = self.lines.len();
        let (line, factor) = self.own_line(form)?;
        if self.lines.len() == count {
            return Some(());
        }
        let grid = form.terms.iter().map(|(_, c)| c.exponent()).chain([form.constant.exponent(), top - 1]).min()?;
        let least = half.negate().add(form.constant.negate())?.at(grid)?;
        let greatest = least.checked_add(Fixed::power_of_two(top).at(grid)? - 1)?;
        let step = factor.at(grid)?;
        let (least, greatest) = if step > 0 { (least, greatest) } else { (-greatest, -least) };
        // From the first multiple in the range to the last.
        let step = step.abs();
        let (lo, hi) = (-(-least).div_euclid(step), greatest.div_euclid(step));
        let own = &mut self.lines[line as usize];
        (own.lo, own.hi) = (own.lo.max(lo), own.hi.min(hi));
        Some(())
    }

    /// From now on, values are compared with those that are there.
    pub fn end_reference(&mut self) {
        self.reference = Some(self.atoms.len() as Atom);
        for (atom, known) in self.atoms.iter().enumerate() {
            if let Kind::Curve(line, _) = &known.kind {
                self.known.entry(*line).or_default().push(atom as Atom);
            }
        }
    }

    /// Does the reference have this curve, or is it being evaluated?
    pub(super) fn in_reference(&self, line: LineId, curve: &Curve) -> Option<bool> {
        let Some(reference) = self.reference else { return Some(true) };
        if curve.pieces.len() == 1 {
            return Some(false);
        }
        let (curve, ..) = curve.clone().normal()?;
        Some(self.ids.get(&Kind::Curve(line, Rc::new(curve))).is_some_and(|atom| *atom < reference))
    }

    /// A symbol for an integer of which the range, and a form, are known: from now on, bits that are equal to that form's
    /// are known as the symbol's.
    pub(super) fn node(&mut self, node: u32, form: &Form, codes: Range) -> Option<Form> {
        // One that differs by a constant from a node that is there has the same bits, perhaps.
        if let Some((line, factor)) = self.own_line(form) {
            if let Some((other, constant)) = self.offsets.get(&(line, factor)) {
                return Form::atom(*other).offset(form.constant.add(constant.negate())?);
            }
            self.offsets.insert((line, factor), (self.atoms.len() as Atom, form.constant));
        }
        let symbol = self.atom(Kind::Node(node), codes.lo, codes.hi);
        let [(atom, _)] = symbol.terms[..] else { return Some(symbol) };
        self.listed.push((atom, form.clone(), codes.width()));
        self.list(atom, form, 0, codes.width())?;
        Some(symbol)
    }

    /// Lists a node by its bits from `drop` on.
    fn list(&mut self, atom: Atom, form: &Form, drop: u32, all: u32) -> Option<()> {
        let kept = if drop == 0 { form.clone() } else { self.dropped_bits(form, drop)? };
        for width in 1..=all.saturating_sub(drop) {
            let bits = self.modulo(&kept, width as i32)?;
            // Of two nodes with these bits, the one that has no others.
            let whole = width + drop == all;
            let known = self.nodes.entry((drop, width, bits)).or_insert((atom, whole));
            if whole && !known.1 {
                *known = (atom, whole);
            }
        }
        Some(())
    }

    /// An integer without its low bits.
    pub(super) fn dropped_bits(&mut self, form: &Form, drop: u32) -> Option<Form> {
        self.low(form, drop as i32)?.times(Fixed::power_of_two(-(drop as i32)))
    }

    /// The node of which these are the bits from `drop` on; a sum may have the low ones of them only.
    pub(super) fn node_of(&mut self, bits: &Form, drop: u32, width: u32) -> Option<Option<Atom>> {
        if drop > 0 && !self.dropped.contains(&drop) {
            self.dropped.push(drop);
            for (atom, form, all) in self.listed.clone() {
                self.list(atom, &form, drop, all)?;
            }
        }
        let found = self.nodes.get(&(drop, width, bits.clone()));
        Some(found.filter(|(_, whole)| *whole || bits.terms.len() > 1 || drop > 0).map(|(atom, _)| *atom))
    }

    /// Are bits those of a number?
    fn equal_bits(&mut self, form: &Form, bits: &Form, width: u32) -> Option<bool> {
        let own = self.modulo(form, width as i32)?;
        Some(self.same(&own, bits))
    }

    /// The node that a net's name says it is, if the net has its bits from `drop` on.
    pub(super) fn hinted(&mut self, bits: &Form, drop: u32, width: u32, name: &str) -> Option<Option<Form>> {
        let Some((symbol, form, all)) = self.hints.get(named(name)).cloned() else { return Some(None) };
        if drop == 0 && *bits == self.modulo(&symbol, width as i32)? {
            return Some(Some(symbol));
        }
        let kept = if drop == 0 { form } else { self.dropped_bits(&form, drop)? };
        if drop + width <= all && self.equal_bits(&kept, bits, width)? {
            return Some(Some(symbol));
        }
        if named(name) == name && self.strange.is_none() {
            self.strange = Some(name.into());
        }
        Some(None)
    }
}

/// A net's name without that of its register.
fn named(name: &str) -> &str {
    match name.rsplit_once("_s") {
        Some((node, stage)) if stage.bytes().all(|byte| byte.is_ascii_digit()) => node,
        _ => name,
    }
}
