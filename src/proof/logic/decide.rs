//! Are bits equal? By samples, by structure, then by binary decision diagrams (Bryant 1986) in the order in which gates read
//! the words' bits, so that operands of a sum stand side by side. Where words are not enough, they are replaced by their
//! definitions, the latest first.

use super::diagrams::{Diagrams, Edge};
use super::gates::{Bit, Gate, Logic};
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Instant;

/// How much is tried.
#[derive(Clone, Copy)]
pub struct Effort {
    /// Nodes of diagrams.
    nodes: usize,
    /// Words that are replaced by their definitions.
    words: usize,
}

impl Effort {
    /// For what is likely equal.
    pub const MUCH: Effort = Effort { nodes: 200_000, words: 24 };
    /// For what may be equal.
    pub const LITTLE: Effort = Effort { nodes: 1_000, words: 2 };
}

/// Hashes small integers quickly: a multiplication for each (Knuth, The Art of Computer Programming 3, 6.4).
#[derive(Default)]
pub struct Quick(u64);

impl Hasher for Quick {
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32((*byte).into()));
    }

    fn write_u32(&mut self, value: u32) {
        self.0 = (self.0.rotate_left(5) ^ u64::from(value)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_isize(&mut self, value: isize) {
        self.write_u32(value as u32);
    }
}

/// A map with [`Quick`] hashes.
pub type QuickMap<K, V> = HashMap<K, V, BuildHasherDefault<Quick>>;
/// A set with [`Quick`] hashes.
pub type QuickSet<K> = HashSet<K, BuildHasherDefault<Quick>>;

/// A try: some words are replaced by their definitions.
struct Try {
    diagrams: Diagrams,
    places: QuickMap<Bit, u32>,
    built: QuickMap<Bit, Edge>,
}

impl Logic<'_> {
    /// Which pairs are equal for all inputs? `false` may also mean that it was not found out.
    pub fn equal(&mut self, pairs: &[(Bit, Bit)], effort: Effort) -> Vec<bool> {
        let alike = |logic: &Self, (a, b): (Bit, Bit)| logic.lanes(a) == logic.lanes(b);
        let mut found: Vec<bool> = pairs.iter().map(|(a, b)| a == b).collect();
        if self.late() {
            return found;
        }
        let open = |found: &[bool], logic: &Self| -> Vec<usize> {
            (0..pairs.len()).filter(|at| !found[*at] && alike(logic, pairs[*at])).collect()
        };
        let rest = open(&found, self);
        if rest.is_empty() {
            return found;
        }
        // Bits of one word together first.
        let all: Vec<(Bit, Bit)> = rest.iter().map(|at| pairs[*at]).collect();
        let together = self.differing(&all, &QuickSet::default(), false, effort.nodes);
        let open_words = together.is_none();
        for (at, equal) in rest.iter().zip(together.unwrap_or_default()) {
            found[*at] = equal;
        }
        for at in open(&found, self) {
            // What was tried in vain is not tried again, under another name.
            if effort.words < Effort::MUCH.words || !self.failed.contains(&pairs[at]) {
                found[at] = self.decided(pairs[at], effort, open_words);
            }
            if !found[at] && effort.words == Effort::MUCH.words {
                self.failed.insert(pairs[at]);
            }
        }
        found
    }

    /// Is the time over?
    pub fn late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() > deadline)
    }

    /// Is a pair equal, by definitions as deep as needed, from the words themselves on where these are open?
    fn decided(&mut self, pair: (Bit, Bit), effort: Effort, open_words: bool) -> bool {
        let mut replaced: QuickSet<u32> = QuickSet::default();
        for depth in 1..=effort.words {
            if self.late() {
                return false;
            }
            if depth > 1 || open_words {
                match self.differing(&[pair], &replaced, false, effort.nodes) {
                    Some(equal) if equal[0] => return true,
                    Some(_) => {}
                    None => return false,
                }
            }
            let (a, b) = (self.support(pair.0, &replaced), self.support(pair.1, &replaced));
            let deeper = self.latest(&a, &b);
            // Limits are dear, and seldom help: first without them, and with little effort once.
            let last = depth == effort.words || deeper.is_none();
            if last || depth > 1 && effort.words == Effort::MUCH.words {
                match self.differing(&[pair], &replaced, true, effort.nodes) {
                    Some(equal) if equal[0] => return true,
                    Some(_) => {}
                    None => return false,
                }
            }
            match deeper {
                Some(word) => replaced.insert(word),
                None => return false,
            };
        }
        false
    }

    /// The latest word that only one side depends on, or by which both depend on such a one; else the latest of all.
    fn latest(&self, a: &QuickSet<u32>, b: &QuickSet<u32>) -> Option<u32> {
        let one: QuickSet<u32> = a.symmetric_difference(b).copied().collect();
        let mut all: Vec<u32> = a.union(b).copied().filter(|word| self.definitions.contains_key(word)).collect();
        all.sort_unstable();
        let near = |word: &&u32| one.contains(word) || !self.operands(**word).is_disjoint(&one);
        all.iter().rev().find(near).or(all.last()).copied()
    }

    /// The words that a node's definition reads.
    fn operands(&self, word: u32) -> QuickSet<u32> {
        let bits = self.definitions.get(&word).map(|bits| self.cone(bits)).unwrap_or_default();
        let of = |bit: Bit| if let Gate::Variable(word, _) = self.gate(bit) { Some(word) } else { None };
        bits.into_iter().filter_map(of).collect()
    }

    /// Of each pair, whether it is equal, with some words replaced, and perhaps where codes lie within their limits only.
    fn differing(
        &mut self,
        pairs: &[(Bit, Bit)],
        replaced: &QuickSet<u32>,
        limits: bool,
        nodes: usize,
    ) -> Option<Vec<bool>> {
        let mut roots: Vec<Bit> = pairs.iter().flat_map(|(a, b)| [*a, *b]).collect();
        let mut within = Vec::new();
        if limits {
            let words: QuickSet<u32> = roots.iter().flat_map(|bit| self.support(*bit, replaced)).collect();
            let mut words: Vec<u32> = words.into_iter().collect();
            words.sort_unstable();
            for word in words {
                within.extend(self.within_limits(word));
            }
            if within.is_empty() {
                return Some(vec![false; pairs.len()]);
            }
        }
        roots.extend(&within);
        let order = self.order(&roots, replaced);
        let places = order.iter().enumerate().map(|(place, bit)| (*bit, place as u32)).collect();
        let mut own = Try { diagrams: Diagrams::new(nodes), places, built: QuickMap::default() };
        let mut care = 1;
        for bit in within {
            let limit = self.build(&mut own, bit, replaced)?;
            care = own.diagrams.and(care, limit)?;
        }
        let mut equal = Vec::with_capacity(pairs.len());
        for (a, b) in pairs {
            let (a, b) = (self.build(&mut own, *a, replaced)?, self.build(&mut own, *b, replaced)?);
            let differ = own.diagrams.xor(a, b)?;
            equal.push(own.diagrams.and(differ, care)? == 0);
        }
        Some(equal)
    }

    /// 1 where a word is in its limits.
    fn within_limits(&mut self, word: u32) -> Option<Bit> {
        let free = self.words[word as usize].clone();
        let (lo, hi) = free.limits?;
        let constant = |value: i128| (0..free.bits.len()).map(|at| (value >> at & 1) as Bit).collect::<Vec<Bit>>();
        let below = self.less(&free.bits, &constant(lo), free.signed);
        let above = self.less(&constant(hi), &free.bits, free.signed);
        Some(self.and(below ^ 1, above ^ 1))
    }

    /// The gates below a bit, words' bits included, in the order in which they were made.
    fn cone(&self, roots: &[Bit]) -> Vec<Bit> {
        let mut seen: QuickSet<Bit> = QuickSet::default();
        let mut open: Vec<Bit> = roots.iter().map(|bit| bit & !1).collect();
        while let Some(bit) = open.pop() {
            if seen.insert(bit)
                && let Gate::And(a, b) | Gate::Xor(a, b) = self.gate(bit)
            {
                open.extend([a & !1, b & !1]);
            }
        }
        let mut all: Vec<Bit> = seen.into_iter().collect();
        all.sort_unstable();
        all
    }

    /// The words that a bit depends on, where some are replaced.
    fn support(&mut self, root: Bit, replaced: &QuickSet<u32>) -> QuickSet<u32> {
        let bits = self.order(&[root], replaced);
        bits.into_iter()
            .filter_map(|bit| if let Gate::Variable(word, _) = self.gate(bit) { Some(word) } else { None })
            .collect()
    }

    /// The words' bits that some bits depend on, as gates read them; those of a definition where the bit was that it replaces.
    fn order(&mut self, roots: &[Bit], replaced: &QuickSet<u32>) -> Vec<Bit> {
        let (mut order, mut seen) = (Vec::new(), QuickSet::default());
        self.ordered(roots, replaced, &mut order, &mut seen);
        order
    }

    fn ordered(&mut self, roots: &[Bit], replaced: &QuickSet<u32>, order: &mut Vec<Bit>, seen: &mut QuickSet<Bit>) {
        let cone = self.cone(roots);
        let mut read: Vec<Bit> = Vec::new();
        for bit in &cone {
            if let Gate::And(a, b) | Gate::Xor(a, b) = self.gate(*bit) {
                read.extend([a & !1, b & !1]);
            }
        }
        read.extend(roots.iter().map(|bit| bit & !1));
        for bit in read {
            let Gate::Variable(word, at) = self.gate(bit) else { continue };
            if !seen.insert(bit) {
                continue;
            }
            match self.replacement(word, at, replaced) {
                Some(own) => self.ordered(&[own], replaced, order, seen),
                None => order.push(bit),
            }
        }
    }

    /// The bit of a word's definition, if the word is replaced.
    fn replacement(&self, word: u32, at: u32, replaced: &QuickSet<u32>) -> Option<Bit> {
        if !replaced.contains(&word) {
            return None;
        }
        self.definitions.get(&word)?.get(at as usize).copied()
    }

    /// The diagram of a bit.
    fn build(&mut self, own: &mut Try, bit: Bit, replaced: &QuickSet<u32>) -> Option<Edge> {
        let positive = bit & !1;
        let known = match own.built.get(&positive) {
            Some(known) => *known,
            None => {
                let diagram = match self.gate(positive) {
                    Gate::Zero => 0,
                    Gate::Variable(word, at) => match self.replacement(word, at, replaced) {
                        Some(bit) => self.build(own, bit, replaced)?,
                        None => {
                            let place = *own.places.get(&positive)?;
                            own.diagrams.variable(place)?
                        }
                    },
                    Gate::And(a, b) => {
                        let (a, b) = (self.build(own, a, replaced)?, self.build(own, b, replaced)?);
                        own.diagrams.and(a, b)?
                    }
                    Gate::Xor(a, b) => {
                        let (a, b) = (self.build(own, a, replaced)?, self.build(own, b, replaced)?);
                        own.diagrams.xor(a, b)?
                    }
                };
                own.built.insert(positive, diagram);
                diagram
            }
        };
        Some(known ^ (bit & 1))
    }
}
