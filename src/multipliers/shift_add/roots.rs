//! Room for the constants of sums of three operands.
//!
//! The last two sums of a row become one carry chain of three operands, which takes hardly any constant (see
//! [`Chain::homeless`]). A sum of two takes any. So the bits of a row's constant that find no room go into one of the three
//! operands, where that is a sum of two; its other readers take them off again. Rows are settled one after another, and
//! what a settled row reads keeps its offset.

use super::offsets::Offsets;
use crate::dfg::{Chain, Operand, Term};
use crate::fixed::{Fixed, Range};

/// Bits find room, or need it, as a value becomes wider: so often at most.
const ROUNDS: usize = 4;

/// A row, the sum that becomes part of it, and the operands of both.
struct Root {
    row: usize,
    inner: usize,
    terms: [Term; 3],
}

/// A way to make room: its price, and the value and its new offset, if one changes.
struct Way {
    price: u32,
    change: Option<(usize, Fixed)>,
}

/// Gives values the offsets with which rows find room for their constants; says what sums of three save, in tenths of a LUT.
pub(super) fn make_room(offsets: &mut Offsets) -> u64 {
    let mut roots: Vec<Vec<Root>> =
        (offsets.operands..offsets.values.len()).map(|row| roots_of(offsets, row)).collect();
    roots.retain(|roots| !roots.is_empty());
    // Rows with the fewest ways first.
    let ways = |roots: &Vec<Root>| roots.iter().flat_map(|root| &root.terms).filter(|term| offsets.moves(term)).count();
    roots.sort_by_cached_key(ways);
    let mut settled = vec![false; offsets.values.len()];
    for roots in &roots {
        let ways = roots.iter().filter_map(|root| Some((offsets.best(root, &settled)?, root)));
        let Some((way, root)) = ways.min_by_key(|(way, _)| way.price) else { continue };
        if let Some((value, offset)) = way.change {
            offsets.set(value, offset);
        }
        root.terms.iter().for_each(|term| settled[term.id.index()] = true);
    }
    roots.iter().map(|roots| roots.iter().map(|root| offsets.saved(root)).max().unwrap_or(0)).sum()
}

/// The ways in which a row's last two sums become one.
fn roots_of(offsets: &Offsets, row: usize) -> Vec<Root> {
    let value = &offsets.values[row];
    let (true, [a, b]) = (value.fixed, &value.terms[..]) else { return Vec::new() };
    let root = |of: &Term, other: &Term| {
        let inner = &offsets.values[of.id.index()];
        let ([c, d], [_], false) = (&inner.terms[..], &inner.users[..], inner.fixed) else { return None };
        let within =
            |term: &Term| Term { id: term.id, shift: term.shift + of.shift, negative: term.negative != of.negative };
        let terms = [within(c), within(d), *other];
        Some(Root { row, inner: of.id.index(), terms })
    };
    [root(a, b), root(b, a)].into_iter().flatten().collect()
}

impl Offsets {
    /// Whether a term's value may have any offset.
    fn moves(&self, term: &Term) -> bool {
        let value = &self.values[term.id.index()];
        !value.fixed && value.terms.len() == 2
    }

    fn three(&self, root: &Root) -> Option<Chain> {
        let operand = |term: &Term| Some(Operand::of(term, self.range(term.id.index())?));
        let [a, b, c] = &root.terms;
        let brought = |term: &Term| self.values[term.id.index()].offset.mul(term.factor());
        let total = brought(a)?.add(brought(b)?)?.add(brought(c)?)?;
        let constant = self.values[root.row].own.add(total.negate())?;
        Chain::plan(&[operand(a)?, operand(b)?, operand(c)?], constant, self.range(root.row)?, true)
    }

    /// What one sum instead of two saves.
    fn saved(&self, root: &Root) -> u64 {
        let three = self.three(root).filter(|plan| plan.homeless() == 0).map_or(u32::MAX, |plan| plan.price_of_three());
        u64::from((self.price(root.row) + self.price(root.inner)).saturating_sub(three))
    }

    /// The change with which a row costs least.
    fn best(&mut self, root: &Root, settled: &[bool]) -> Option<Way> {
        let plan = self.three(root)?;
        if plan.homeless() == 0 {
            return Some(Way { price: plan.meeting(true), change: None });
        }
        let mut best: Option<Way> = None;
        for (term, up) in root.terms.iter().flat_map(|term| [(term, false), (term, true)]) {
            let value = term.id.index();
            if self.moves(term) && !settled[value] {
                let old = self.values[value].offset;
                let price = self.fill(root, term, up).map(|meeting| meeting + self.widened(value, old));
                let new = self.set(value, old);
                if let Some(price) = price.filter(|price| best.as_ref().is_none_or(|best| *price < best.price)) {
                    best = Some(Way { price, change: Some((value, new)) });
                }
            }
        }
        best
    }

    /// Moves the bits that find no room into a term's value, as they are or up to the next that does; gives the
    /// positions at which the sum then needs a LUT.
    fn fill(&mut self, root: &Root, term: &Term, up: bool) -> Option<u32> {
        let inverse = Fixed::new(term.factor().mantissa(), -term.factor().exponent());
        for _ in 0..ROUNDS {
            let plan = self.three(root)?;
            let homeless = plan.homeless();
            if homeless == 0 {
                return Some(plan.meeting(true));
            }
            let next = 1i128 << (128 - homeless.leading_zeros()).min(120);
            let bits = i128::try_from(homeless).ok()?;
            let amount = Fixed::new(if up { bits - next } else { bits }, plan.exp).mul(inverse)?;
            let offset = self.values[term.id.index()].offset.add(amount)?;
            self.set(term.id.index(), offset);
        }
        None
    }

    /// Bits by which a value is wider than with another offset, for each of its readers.
    fn widened(&self, value: usize, offset: Fixed) -> u32 {
        let own = &self.values[value];
        let before = Range::add(own.range, Range::point(offset)).map_or(0, |range| range.width());
        let after = self.range(value).map_or(0, |range| range.width());
        after.saturating_sub(before) * own.users.len() as u32
    }
}
