//! What is noted about atoms and lines while values are made: what the reference has, which sums are functions of one line,
//! of what an atom is the floor, and which node of a graph some bits are.

use super::curve::Curve;
use super::form::{Atom, Form};
use super::space::{Kind, LineId, Space};
use crate::fixed::Fixed;
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
}
