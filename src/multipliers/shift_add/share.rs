//! Greedy sharing of pairs of terms, with a lazily updated heap.

use super::Search;
use super::value::{Value, cost};
use crate::dfg::{Id, Term};
use crate::fixed::Range;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

/// Two terms up to a common shift and sign: `a ± b * 2^shift`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Pattern {
    a: u32,
    b: u32,
    shift: i32,
    negative: bool,
}

/// A pattern in one word, in the order of patterns: there are millions of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key(u64);

/// The pattern of two terms; `None` for what no network has: more values or greater shifts than there is room for.
fn key(x: Term, y: Term) -> Option<Key> {
    let (x, y) = if (x.id, x.shift) <= (y.id, y.shift) { (x, y) } else { (y, x) };
    Pattern { a: x.id.0, b: y.id.0, shift: y.shift - x.shift, negative: x.negative != y.negative }.key()
}

impl Pattern {
    /// Bits of a value's number, and of a shift.
    const ROOM: [u32; 2] = [24, 15];

    fn key(&self) -> Option<Key> {
        let [id, shift] = Pattern::ROOM;
        let above =
            u64::try_from(i64::from(self.shift) + (1 << (shift - 1))).ok().filter(|above| above >> shift == 0)?;
        let (a, b) = (u64::from(self.a), u64::from(self.b));
        ((a | b) >> id == 0).then_some(Key((a << id | b) << (shift + 1) | above << 1 | u64::from(self.negative)))
    }

    fn terms(&self) -> [Term; 2] {
        [Term::plus(Id(self.a), 0), Term { id: Id(self.b), shift: self.shift, negative: self.negative }]
    }

    /// What noise depends on.
    fn seed(&self) -> u64 {
        let words = [self.a, self.b, self.shift as u32, self.negative.into()];
        let mix = |hash: u64, word: u32| (hash.rotate_left(23) ^ u64::from(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let hash = words.into_iter().fold(0, mix);
        hash ^ (hash >> 29)
    }
}

impl Key {
    fn pattern(self) -> Pattern {
        let [id, shift] = Pattern::ROOM;
        let ids = self.0 >> (shift + 1);
        let above = (self.0 >> 1 & ((1 << shift) - 1)) as i32;
        Pattern {
            a: (ids >> id) as u32,
            b: (ids & ((1 << id) - 1)) as u32,
            shift: above - (1 << (shift - 1)),
            negative: self.0 & 1 == 1,
        }
    }
}

/// Keys hash by a multiplication.
#[derive(Default)]
struct Quick(u64);

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64((*byte).into()));
    }
    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

/// How often patterns occur, of those that occurred more than once when they came up: later they only become fewer.
type Counts = HashMap<Key, u32, BuildHasherDefault<Quick>>;

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
    heap: BinaryHeap<(u64, Reverse<Key>)>,
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
    while let Some((score, Reverse(key))) = sharing.heap.pop() {
        let now = sharing.score(key);
        if now < score {
            if now > 0 {
                sharing.heap.push((now, Reverse(key)));
            }
            continue;
        }
        let pattern = key.pattern();
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
        let mut keys = Vec::new();
        for column in &columns {
            let terms: Vec<Term> = column.terms.iter().copied().collect();
            for (index, x) in terms.iter().enumerate() {
                // Terms are in the order of their values, and so are blocks.
                let near = terms[index + 1..].iter().take_while(|y| blocks[y.id.index()] == blocks[x.id.index()]);
                keys.extend(near.filter_map(|y| key(*x, *y)));
            }
        }
        let (counts, heap) = (Counts::default(), BinaryHeap::new());
        let mut sharing = Sharing { columns, values, blocks, counts, heap, pass, search };
        sharing.push(keys);
        sharing
    }

    /// Counts new patterns.
    fn push(&mut self, mut keys: Vec<Key>) {
        keys.sort_unstable();
        for same in keys.chunk_by(|a, b| a == b).filter(|same| same.len() > 1) {
            self.counts.insert(same[0], same.len() as u32);
            let score = self.score(same[0]);
            if score > 0 {
                self.heap.push((score, Reverse(same[0])));
            }
        }
    }

    /// Adder bits that sharing a pattern saves.
    fn score(&self, key: Key) -> u64 {
        let count = self.counts.get(&key).copied().unwrap_or(0);
        if count < 2 {
            return 0;
        }
        let pattern = key.pattern();
        let saved = (count as u64 - 1) * (self.cost(&pattern) as u64 + 10);
        self.search.noisy(saved, || pattern.seed())
    }

    fn cost(&self, p: &Pattern) -> u32 {
        let (a, b) = (&self.values[p.a as usize].range, &self.values[p.b as usize].range);
        let shifted = Range { exp: b.exp + p.shift, ..*b };
        cost(a, &shifted, &Value::range_of_pair(self.values, p.terms()), self.pass)
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
        self.values.push(Value::pair(self.values, p.terms()));
        self.blocks.push(self.blocks[p.a as usize]);
        for (index, x) in occurrences {
            self.remove(*index, *x);
            self.remove(*index, Term { id: Id(p.b), shift: x.shift + p.shift, negative: x.negative != p.negative });
        }
        let mut keys = Vec::new();
        for (index, x) in occurrences {
            self.insert(*index, Term { id: new, ..*x }, &mut keys);
        }
        self.push(keys);
        p.terms().to_vec()
    }

    fn remove(&mut self, index: usize, term: Term) {
        let column = &mut self.columns[index];
        column.terms.remove(&term);
        column.kraft -= 1u128 << self.values[term.id.index()].level.min(100);
        let (blocks, block) = (&self.blocks, self.blocks[term.id.index()]);
        for other in column.terms.iter().filter(|other| blocks[other.id.index()] == block) {
            if let Some(count) = key(term, *other).and_then(|key| self.counts.get_mut(&key)) {
                *count -= 1;
            }
        }
    }

    fn insert(&mut self, index: usize, term: Term, keys: &mut Vec<Key>) {
        let column = &mut self.columns[index];
        let (blocks, block) = (&self.blocks, self.blocks[term.id.index()]);
        let near = column.terms.iter().filter(|other| blocks[other.id.index()] == block);
        keys.extend(near.filter_map(|other| key(term, *other)));
        column.terms.insert(term);
        column.kraft += 1u128 << self.values[term.id.index()].level.min(100);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn keys_are_patterns_in_their_order() {
        let mut random = Random::new(1);
        let id = |random: &mut Random| *random.one(&[0, 1, (1 << 24) - 1, 77]);
        let mut patterns: Vec<Pattern> = (0..2000)
            .map(|_| Pattern {
                a: id(&mut random),
                b: id(&mut random),
                shift: random.within(-(1 << 14), (1 << 14) - 1) as i32,
                negative: random.below(2) == 1,
            })
            .collect();
        patterns.sort();
        let keys: Vec<Key> = patterns.iter().map(|pattern| pattern.key().expect("there is room")).collect();
        assert!(keys.is_sorted());
        assert_eq!(keys.iter().map(|key| key.pattern()).collect::<Vec<_>>(), patterns);
        for pattern in [Pattern { a: 1 << 24, ..patterns[0] }, Pattern { shift: 1 << 14, ..patterns[0] }] {
            assert_eq!(pattern.key(), None);
        }
    }
}
