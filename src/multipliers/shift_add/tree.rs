//! The order in which a sum is added up: a beam search over the multiset of what is still to be added.

use super::Sum;
use super::value::{PASS, Value, cost, span};
use crate::dfg::{Id, Term};
use crate::fixed::Range;
use std::collections::HashSet;
use std::rc::Rc;

/// With more items than this, only one state is kept: the sums of a dense layer behind a large image.
const MANY: usize = 256;
/// With more items than this, only neighbours in (level, top bit) order are tried as pairs.
const FEW: usize = 8;
/// What a bit that is still to be added will cost, in tenths of an adder bit (measured on jet taggers).
const BIT_TENTHS: i64 = 6;

/// An ordered sum.
pub struct Tree {
    /// The additions, in order. Terms of `id >= values.len()` are earlier steps of the same tree.
    pub steps: Vec<[Term; 2]>,
    /// Where the sum is.
    pub result: Term,
    /// When it is there.
    pub level: u32,
}

/// How an item came about.
enum Made {
    Value(Term),
    Sum(Rc<Made>, Rc<Made>, [bool; 2]),
}

/// Something still to be added: `± range`, at a level.
#[derive(Clone)]
struct Item {
    made: Rc<Made>,
    range: Range,
    negative: bool,
    level: u32,
    hash: u64,
}

#[derive(Clone)]
struct State {
    items: Vec<Item>,
    /// Adder bits so far, in tenths.
    cost: i64,
}

/// Orders a sum of at least one value within its limit of levels.
/// A beam of `width` states is searched.
pub fn order(sum: &Sum, values: &[Value], width: usize) -> Tree {
    let items: Vec<Item> = sum.terms.iter().enumerate().map(|(index, term)| value(index, *term, values)).collect();
    let mut beam = vec![State { items, cost: 0 }];
    while beam[0].items.len() > 3 {
        beam = advance(&beam, sum.limit, width);
    }
    if sum.third && beam[0].items.len() == 3 {
        let best = beam.into_iter().min_by_key(|state| state.cost + three(&state.items));
        beam = best.into_iter().collect();
    }
    while beam[0].items.len() > 1 {
        beam = advance(&beam, sum.limit, width);
    }
    let best = beam.into_iter().min_by_key(|state| state.cost).map(|mut state| state.items.swap_remove(0));
    let mut tree = Tree { steps: Vec::new(), result: Term::plus(Id(0), 0), level: 0 };
    if let Some(item) = best {
        tree.level = item.level;
        let place = write(&item.made, values.len(), &mut tree.steps);
        tree.result = Term { negative: place.negative != item.negative, ..place };
    }
    tree
}

fn value(index: usize, term: Term, values: &[Value]) -> Item {
    let value = &values[term.id.index()];
    let range = Range { exp: value.range.exp + term.shift, ..value.range };
    let made = Rc::new(Made::Value(Term { negative: false, ..term }));
    Item { made, range, negative: term.negative, level: value.level, hash: mix(index as u64 + 1) }
}

/// The states after one more addition, the best first.
fn advance(beam: &[State], limit: u32, width: usize) -> Vec<State> {
    let mut next: Vec<(i64, u64, State)> = Vec::new();
    let width = if beam[0].items.len() > MANY { 1 } else { width };
    for state in beam {
        let kraft: u128 = state.items.iter().map(|item| power(item.level)).sum();
        let mut moves: Vec<(i64, usize, usize, Item, i64)> = Vec::new();
        for (i, j) in pairs(&state.items) {
            if let Some((item, bits)) = merge(state, i, j, kraft, limit) {
                let removed = span(&state.items[i].range) as i64 + span(&state.items[j].range) as i64;
                let score = bits - BIT_TENTHS * (removed - span(&item.range) as i64);
                moves.push((score, i, j, item, bits));
            }
        }
        moves.sort_by_key(|(score, i, j, ..)| (*score, *i, *j));
        for (_, i, j, item, bits) in moves.into_iter().take(width) {
            let mut items = state.items.clone();
            items[i] = item;
            items.swap_remove(j);
            let cost = state.cost + bits;
            let rest: i64 = items.iter().map(|item| span(&item.range) as i64).sum();
            let hash = items.iter().fold(0u64, |hash, item| hash.wrapping_add(mix(item.hash)));
            next.push((cost + BIT_TENTHS * rest, hash, State { items, cost }));
        }
    }
    next.sort_by_key(|(rank, hash, _)| (*rank, *hash));
    let mut seen = HashSet::new();
    next.into_iter().filter(|(_, hash, _)| seen.insert(*hash)).map(|(_, _, state)| state).take(width).collect()
}

/// What a sum of three items costs, in tenths of a LUT, if it is one carry chain: positions at which two have bits, those
/// above to which a saved carry goes, and the others through which carries run.
fn three(items: &[Item]) -> i64 {
    let low = items.iter().map(|item| item.range.exp).min().unwrap_or(0);
    let (mut once, mut twice, mut thrice) = (0u128, 0u128, 0u128);
    for item in items {
        let (from, bits) = ((item.range.exp - low) as u32, span(&item.range));
        let own = if from + bits > 126 { 0 } else { ((1 << bits) - 1) << from };
        thrice |= twice & own;
        twice |= once & own;
        once |= own;
    }
    let top = 128 - once.leading_zeros() + (twice != 0) as u32;
    let full = twice | thrice << 1;
    let passes = (top - full.trailing_zeros().min(top)).saturating_sub(full.count_ones());
    i64::from(10 * full.count_ones() + PASS * passes)
}

/// Pairs worth trying, the first index the lesser.
fn pairs(items: &[Item]) -> Vec<(usize, usize)> {
    let count = items.len();
    if count <= FEW {
        return (0..count).flat_map(|i| (i + 1..count).map(move |j| (i, j))).collect();
    }
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|index| {
        let item = &items[*index];
        (item.level, item.range.exp + item.range.width() as i32, *index)
    });
    let mut pairs = Vec::with_capacity(2 * count);
    for near in 1..=2 {
        pairs.extend(order.iter().zip(&order[near..]).map(|(i, j)| (*i.min(j), *i.max(j))));
    }
    pairs
}

fn power(level: u32) -> u128 {
    1 << level.min(100)
}

/// The sum of two items and its cost in tenths of a LUT, if the rest can still be added within the limit. `kraft` is the
/// sum of `2^level` of all items.
fn merge(state: &State, i: usize, j: usize, kraft: u128, limit: u32) -> Option<(Item, i64)> {
    let (a, b) = (&state.items[i], &state.items[j]);
    let signed = |range: Range, negative: bool| if negative { range.negate() } else { range };
    let range = Range::add(signed(a.range, a.negative), signed(b.range, b.negative))?;
    let bits = cost(&a.range, &b.range, &range);
    let level = a.level.max(b.level) + (bits > 0) as u32;
    if kraft - power(a.level) - power(b.level) + power(level) > power(limit) {
        return None;
    }
    let made = Rc::new(Made::Sum(a.made.clone(), b.made.clone(), [a.negative, b.negative]));
    let hash = mix(a.hash.wrapping_add(b.hash));
    Some((Item { made, range, negative: false, level, hash }, bits as i64))
}

/// Writes the additions of an item; gives the place of its value.
fn write(made: &Made, values: usize, steps: &mut Vec<[Term; 2]>) -> Term {
    let (a, b, signs) = match made {
        Made::Value(term) => return *term,
        Made::Sum(a, b, signs) => (a, b, signs),
    };
    let side = |side: &Made, negative: bool, steps: &mut Vec<[Term; 2]>| {
        let term = write(side, values, steps);
        Term { negative: term.negative != negative, ..term }
    };
    let terms = [side(a, signs[0], steps), side(b, signs[1], steps)];
    steps.push(terms);
    Term::plus(Id((values + steps.len() - 1) as u32), 0)
}

/// A hash of a number.
pub fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 31)).wrapping_mul(0x7fb5_d329_728e_a185);
    (value ^ (value >> 27)).wrapping_mul(0x81da_def4_bc2d_d44d)
}
