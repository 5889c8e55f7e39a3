//! What is noted about atoms and lines while values are made: what the reference has, which sums are functions of one line,
//! of what an atom is the floor, and which node of a graph some bits are.

use super::curve::Curve;
use super::form::{Atom, Form};
use super::space::{Kind, LineId, Space};
use crate::fixed::Range;
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
        for width in 1..=codes.width() {
            let bits = self.modulo(form, width as i32)?;
            // Of two nodes with these low bits, the one that has no others.
            let all = width == codes.width();
            let known = self.nodes.entry((width, bits)).or_insert((atom, all));
            if all && !known.1 {
                *known = (atom, all);
            }
        }
        Some(symbol)
    }

    /// The node that has these bits; a sum may be the low bits of a wider one.
    pub(super) fn node_of(&self, bits: &Form, width: u32) -> Option<Atom> {
        let (atom, all) = self.nodes.get(&(width, bits.clone()))?;
        (*all || bits.terms.len() > 1).then_some(*atom)
    }
}
