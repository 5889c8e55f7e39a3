//! The order in which a sum is added up: a beam search over the multiset of what is still to be added.

use super::Sum;
use super::value::{Value, cost, span};
use crate::dfg::{Id, Term};
use crate::fixed::Range;

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

/// How an item came about: a value, or the sum of two earlier items.
#[derive(Clone, Copy)]
enum Made {
    Value(Term),
    Sum([u32; 2], [bool; 2]),
}

/// Something still to be added: `± range`, at a level.
#[derive(Clone, Copy)]
struct Item {
    /// Its number in the list of what was made.
    made: u32,
    range: Range,
    negative: bool,
    level: u32,
    /// Bits of an offset form.
    span: u32,
    /// Where it is among the items to be added: level, and top bit.
    order: (u32, i32),
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
    let mut made: Vec<Made> = sum.terms.iter().map(|term| Made::Value(Term { negative: false, ..*term })).collect();
    let items: Vec<Item> = sum.terms.iter().enumerate().map(|(index, term)| value(index, *term, values)).collect();
    let mut beam = vec![State { items, cost: 0 }];
    while beam[0].items.len() > 3 {
        beam = advance(&beam, &mut made, sum, width);
    }
    if sum.chains.third && beam[0].items.len() == 3 {
        let best = beam.into_iter().min_by_key(|state| state.cost + three(&state.items, sum.chains.pass));
        beam = best.into_iter().collect();
    }
    while beam[0].items.len() > 1 {
        beam = advance(&beam, &mut made, sum, width);
    }
    let best = beam.into_iter().min_by_key(|state| state.cost).map(|mut state| state.items.swap_remove(0));
    let mut tree = Tree { steps: Vec::new(), result: Term::plus(Id(0), 0), level: 0 };
    if let Some(item) = best {
        tree.level = item.level;
        let place = write(&made, item.made, values.len(), &mut tree.steps);
        tree.result = Term { negative: place.negative != item.negative, ..place };
    }
    tree
}

fn value(index: usize, term: Term, values: &[Value]) -> Item {
    let value = &values[term.id.index()];
    let range = Range { exp: value.range.exp + term.shift, ..value.range };
    Item::new(index as u32, range, term.negative, value.level, mix(index as u64 + 1))
}

/// The addition of two of a state's items: their sum, and what it costs in tenths of a LUT.
struct Move {
    pair: (usize, usize),
    range: Range,
    level: u32,
    bits: i64,
}

/// A state after a move, not yet made.
struct Next<'a> {
    state: &'a State,
    step: Move,
    cost: i64,
    /// Its cost, and what is still to be added: the lower, the better.
    rank: i64,
    hash: u64,
}

/// The states after one more addition, the best first.
fn advance(beam: &[State], made: &mut Vec<Made>, sum: &Sum, width: usize) -> Vec<State> {
    let mut next: Vec<Next> = Vec::new();
    let width = if beam[0].items.len() > MANY { 1 } else { width };
    for state in beam {
        let items = &state.items;
        let spans: i64 = items.iter().map(|item| i64::from(item.span)).sum();
        let hashes = items.iter().fold(0u64, |hash, item| hash.wrapping_add(mix(item.hash)));
        for step in best_moves(state, sum, width) {
            let (a, b) = (&items[step.pair.0], &items[step.pair.1]);
            let rest = spans - i64::from(a.span + b.span) + span(&step.range) as i64;
            let hash = hashes.wrapping_sub(mix(a.hash)).wrapping_sub(mix(b.hash)).wrapping_add(mix(joined(a, b)));
            let cost = state.cost + step.bits;
            next.push(Next { state, step, cost, rank: cost + BIT_TENTHS * rest, hash });
        }
    }
    let mut order: Vec<(i64, u64, usize)> =
        next.iter().enumerate().map(|(index, next)| (next.rank, next.hash, index)).collect();
    order.sort_unstable();
    let mut seen: Vec<u64> = Vec::with_capacity(width);
    let mut states = Vec::with_capacity(width);
    for (_, hash, index) in order {
        if states.len() < width && !seen.contains(&hash) {
            seen.push(hash);
            states.push(next[index].state(made));
        }
    }
    states
}

/// The additions after which least is left to be added for what they cost, the best first.
fn best_moves(state: &State, sum: &Sum, width: usize) -> impl Iterator<Item = Move> {
    let items = &state.items;
    let kraft: u128 = items.iter().map(|item| power(item.level)).sum();
    // A move is large: it is made once more, once it is one of the best.
    let mut best: Vec<(i64, (usize, usize))> = Vec::with_capacity(2 * items.len());
    for (i, j) in pairs(items) {
        if let Some(step) = merge(state, i, j, kraft, sum) {
            let removed = i64::from(items[i].span + items[j].span);
            best.push((step.bits - BIT_TENTHS * (removed - span(&step.range) as i64), (i, j)));
        }
    }
    if best.len() > width {
        best.select_nth_unstable(width);
        best.truncate(width);
    }
    best.sort_unstable();
    best.into_iter().filter_map(move |(_, (i, j))| merge(state, i, j, kraft, sum))
}

impl Item {
    fn new(made: u32, range: Range, negative: bool, level: u32, hash: u64) -> Item {
        let order = (level, range.exp + range.width() as i32);
        Item { made, range, negative, level, span: span(&range), order, hash }
    }
}

impl Next<'_> {
    fn state(&self, made: &mut Vec<Made>) -> State {
        let (i, j) = self.step.pair;
        let mut items = self.state.items.clone();
        let b = items.swap_remove(j);
        let a = &items[i];
        let hash = joined(a, &b);
        made.push(Made::Sum([a.made, b.made], [a.negative, b.negative]));
        items[i] = Item::new(made.len() as u32 - 1, self.step.range, false, self.step.level, hash);
        State { items, cost: self.cost }
    }
}

/// The hash of the sum of two items.
fn joined(a: &Item, b: &Item) -> u64 {
    mix(a.hash.wrapping_add(b.hash))
}

/// What a sum of three items costs, in tenths of a LUT, if it is one carry chain: positions at which two have bits, those
/// above to which a saved carry goes, and the others through which carries run.
fn three(items: &[Item], pass: u32) -> i64 {
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
    i64::from(10 * full.count_ones() + pass * passes)
}

/// Pairs worth trying, the first index the lesser.
fn pairs(items: &[Item]) -> Vec<(usize, usize)> {
    let count = items.len();
    if count <= FEW {
        return (0..count).flat_map(|i| (i + 1..count).map(move |j| (i, j))).collect();
    }
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_unstable_by_key(|index| (items[*index].order, *index));
    let mut pairs = Vec::with_capacity(2 * count);
    for near in 1..=2 {
        pairs.extend(order.iter().zip(&order[near..]).map(|(i, j)| (*i.min(j), *i.max(j))));
    }
    pairs
}

fn power(level: u32) -> u128 {
    1 << level.min(100)
}

/// The sum of two items, the first index the lesser, if the rest can still be added within the limit. `kraft` is the sum
/// of `2^level` of all items.
fn merge(state: &State, i: usize, j: usize, kraft: u128, sum: &Sum) -> Option<Move> {
    let (a, b) = (&state.items[i], &state.items[j]);
    let signed = |range: Range, negative: bool| if negative { range.negate() } else { range };
    let range = Range::add(signed(a.range, a.negative), signed(b.range, b.negative))?;
    let bits = cost(&a.range, &b.range, &range, sum.chains.pass);
    let level = a.level.max(b.level) + (bits > 0) as u32;
    if kraft - power(a.level) - power(b.level) + power(level) > power(sum.limit) {
        return None;
    }
    Some(Move { pair: (i, j), range, level, bits: bits as i64 })
}

/// Writes the additions of an item; gives the place of its value.
fn write(made: &[Made], item: u32, values: usize, steps: &mut Vec<[Term; 2]>) -> Term {
    let ([a, b], signs) = match made[item as usize] {
        Made::Value(term) => return term,
        Made::Sum(items, signs) => (items, signs),
    };
    let side = |side: u32, negative: bool, steps: &mut Vec<[Term; 2]>| {
        let term = write(made, side, values, steps);
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
