//! Greedy sharing of pairs of terms, with a lazily updated heap.

use super::Search;
use super::value::{Value, cost};
use crate::dfg::{Id, Term};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// Two terms up to a common shift and sign: `a ± b * 2^shift`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Pattern {
    a: u32,
    b: u32,
    shift: i32,
    negative: bool,
}

/// A pattern, and the outer term that makes the pair of it.
fn pattern(x: Term, y: Term) -> (Pattern, Term) {
    let (x, y) = if (x.id, x.shift) <= (y.id, y.shift) { (x, y) } else { (y, x) };
    (Pattern { a: x.id.0, b: y.id.0, shift: y.shift - x.shift, negative: x.negative != y.negative }, x)
}

/// Patterns hash by a multiplication: they are small, and there are millions of look-ups.
#[derive(Default)]
struct Quick(u64);

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32(*byte as u32));
    }
    fn write_u32(&mut self, word: u32) {
        self.0 = (self.0.rotate_left(23) ^ word as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    fn write_i32(&mut self, word: i32) {
        self.write_u32(word as u32);
    }
    fn write_u8(&mut self, byte: u8) {
        self.write_u32(byte as u32);
    }
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }
}

type Counts = HashMap<Pattern, u32, BuildHasherDefault<Quick>>;

/// A sum being shared.
struct Column {
    terms: BTreeSet<Term>,
    /// The sum of `2^level` of its terms.
    kraft: u128,
    /// Levels that it may take.
    limit: u32,
}

/// More pairs of terms than this are not all counted, for the sake of memory and time: only those within blocks of values.
const PAIRS: usize = 1 << 22;

struct Sharing<'a> {
    columns: Vec<Column>,
    values: &'a mut Vec<Value>,
    /// The block of each value; pairs are of values of one block.
    blocks: Vec<usize>,
    counts: Counts,
    heap: BinaryHeap<(u64, Reverse<Pattern>)>,
    /// See [`super::Chains`].
    pass: u32,
    search: &'a Search,
}

/// Replaces pairs of terms that occur in several places by new values, as long as that saves adders.
///
/// `values` grows; the definitions of the new ones come back, each made of earlier values. Each row may be as deep as its limit.
pub fn share(
    columns: &mut [Vec<Term>],
    values: &mut Vec<Value>,
    limits: &[u32],
    pass: u32,
    search: &Search,
) -> Vec<Vec<Term>> {
    let mut sharing = Sharing::new(columns, values, limits, pass, search);
    let mut pairs = Vec::new();
    while let Some((score, Reverse(pattern))) = sharing.heap.pop() {
        let now = sharing.score(&pattern);
        if now < score {
            if now > 0 {
                sharing.heap.push((now, Reverse(pattern)));
            }
            continue;
        }
        let occurrences = sharing.occurrences(&pattern);
        if occurrences.len() > 1 {
            pairs.push(sharing.replace(pattern, &occurrences));
        }
    }
    for (column, shared) in columns.iter_mut().zip(sharing.columns) {
        *column = shared.terms.into_iter().collect();
    }
    pairs
}

impl<'a> Sharing<'a> {
    fn new(
        columns: &[Vec<Term>],
        values: &'a mut Vec<Value>,
        limits: &[u32],
        pass: u32,
        search: &'a Search,
    ) -> Sharing<'a> {
        let weight = |term: &Term| 1u128 << values[term.id.index()].level.min(100);
        let column = |(terms, limit): (&Vec<Term>, &u32)| Column {
            terms: terms.iter().copied().collect(),
            kraft: terms.iter().map(weight).sum(),
            limit: *limit,
        };
        let columns: Vec<Column> = columns.iter().zip(limits).map(column).collect();
        let all: usize = columns.iter().map(|column| column.terms.len() * column.terms.len() / 2).sum();
        let size = values.len().div_ceil(all.div_ceil(PAIRS).max(1)).max(1);
        let blocks: Vec<usize> = (0..values.len()).map(|value| value / size).collect();
        let mut counts = Counts::default();
        for column in &columns {
            let terms: Vec<Term> = column.terms.iter().copied().collect();
            for (index, x) in terms.iter().enumerate() {
                // Terms are in the order of their values, and so are blocks.
                let near = terms[index + 1..].iter().take_while(|y| blocks[y.id.index()] == blocks[x.id.index()]);
                near.for_each(|y| *counts.entry(pattern(*x, *y).0).or_default() += 1);
            }
        }
        let mut sharing = Sharing { columns, values, blocks, counts, heap: BinaryHeap::new(), pass, search };
        let repeated: Vec<Pattern> = sharing.counts.iter().filter(|(_, count)| **count > 1).map(|(p, _)| *p).collect();
        sharing.push(&repeated);
        sharing
    }

    fn push(&mut self, patterns: &[Pattern]) {
        let scored: Vec<_> =
            patterns.iter().map(|p| (self.score(p), Reverse(*p))).filter(|(score, _)| *score > 0).collect();
        self.heap.extend(scored);
    }

    /// Adder bits that sharing a pattern saves.
    fn score(&self, pattern: &Pattern) -> u64 {
        let count = self.counts.get(pattern).copied().unwrap_or(0);
        if count < 2 {
            return 0;
        }
        let saved = (count as u64 - 1) * (self.cost(pattern) as u64 + 10);
        let mut key = Quick::default();
        pattern.hash(&mut key);
        self.search.noisy(saved, key.finish())
    }

    fn cost(&self, p: &Pattern) -> u32 {
        let (a, b) = (&self.values[p.a as usize], &self.values[p.b as usize]);
        let shifted = crate::fixed::Range { exp: b.range.exp + p.shift, ..b.range };
        let result = if a.overlaps(b) {
            Value::pair(a, b, p.shift, p.negative).range
        } else {
            let signed = if p.negative { shifted.negate() } else { shifted };
            crate::fixed::Range::add(a.range, signed).unwrap_or(signed)
        };
        cost(&a.range, &shifted, &result, self.pass)
    }

    /// Non-overlapping places of a pattern where its depth is allowed: column and the pair's first term.
    fn occurrences(&self, p: &Pattern) -> Vec<(usize, Term)> {
        let (a, b) = (self.values[p.a as usize].level, self.values[p.b as usize].level);
        let power = |level: u32| 1u128 << level.min(100);
        let mut found = Vec::new();
        for (index, column) in self.columns.iter().enumerate() {
            let mut kraft = column.kraft;
            let mut taken: Vec<Term> = Vec::new();
            let first = Term { id: Id(p.a), shift: i32::MIN, negative: false };
            let last = Term { id: Id(p.a), shift: i32::MAX, negative: true };
            for x in column.terms.range(first..=last) {
                let y = Term { id: Id(p.b), shift: x.shift + p.shift, negative: x.negative != p.negative };
                if taken.contains(x) || taken.contains(&y) || y == *x || !column.terms.contains(&y) {
                    continue;
                }
                let deeper = kraft - power(a) - power(b) + power(a.max(b) + 1);
                if deeper <= power(column.limit) {
                    kraft = deeper;
                    taken.extend([*x, y]);
                    found.push((index, *x));
                }
            }
        }
        found
    }

    fn replace(&mut self, p: Pattern, occurrences: &[(usize, Term)]) -> Vec<Term> {
        let new = Id(self.values.len() as u32);
        let value = Value::pair(&self.values[p.a as usize], &self.values[p.b as usize], p.shift, p.negative);
        self.values.push(value);
        self.blocks.push(self.blocks[p.a as usize]);
        let mut fresh = Vec::new();
        for (index, x) in occurrences {
            let y = Term { id: Id(p.b), shift: x.shift + p.shift, negative: x.negative != p.negative };
            self.remove(*index, *x);
            self.remove(*index, y);
            self.insert(*index, Term { id: new, ..*x }, &mut fresh);
        }
        fresh.sort_unstable();
        fresh.dedup();
        self.push(&fresh);
        vec![Term::plus(Id(p.a), 0), Term { id: Id(p.b), shift: p.shift, negative: p.negative }]
    }

    fn remove(&mut self, index: usize, term: Term) {
        let column = &mut self.columns[index];
        column.terms.remove(&term);
        column.kraft -= 1u128 << self.values[term.id.index()].level.min(100);
        let (blocks, block) = (&self.blocks, self.blocks[term.id.index()]);
        for other in column.terms.iter().filter(|other| blocks[other.id.index()] == block) {
            if let Some(count) = self.counts.get_mut(&pattern(term, *other).0) {
                *count -= 1;
            }
        }
    }

    fn insert(&mut self, index: usize, term: Term, fresh: &mut Vec<Pattern>) {
        let column = &mut self.columns[index];
        let (blocks, block) = (&self.blocks, self.blocks[term.id.index()]);
        for other in column.terms.iter().filter(|other| blocks[other.id.index()] == block) {
            let pattern = pattern(term, *other).0;
            *self.counts.entry(pattern).or_default() += 1;
            fresh.push(pattern);
        }
        column.terms.insert(term);
        column.kraft += 1u128 << self.values[term.id.index()].level.min(100);
    }
}
