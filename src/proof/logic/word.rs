//! Bit-vectors: bits, or a sum of which the bits are not needed yet.

use super::gates::{Bit, LANES, Logic, ONE, ZERO};
use super::sum::Sum;
use crate::port::Port;

/// Bits of a product that is more than a symbol: its low bits may be those of a narrower one, which diagrams of this size find out.
const DEFINED: usize = 16;

/// A bit-vector, lowest bits first.
#[derive(Clone, Debug)]
pub enum Word {
    /// Each bit.
    Bits(Vec<Bit>),
    /// So many bits of a sum, from one on.
    Sum(Sum, u32, u32),
}

impl Word {
    /// One bit.
    pub fn bit(bit: Bit) -> Word {
        Word::Bits(vec![bit])
    }

    /// A constant.
    pub fn constant(bits: &[bool]) -> Word {
        Word::Bits(bits.iter().map(|bit| *bit as Bit).collect())
    }

    /// How many bits.
    pub fn width(&self) -> u32 {
        match self {
            Word::Bits(bits) => bits.len() as u32,
            Word::Sum(.., width) => *width,
        }
    }

    /// Bits `lo .. lo + count`, which there are.
    pub fn slice(&self, lo: u32, count: u32) -> Option<Word> {
        if lo.checked_add(count)? > self.width() {
            return None;
        }
        Some(match self {
            Word::Bits(bits) => Word::Bits(bits[lo as usize..(lo + count) as usize].to_vec()),
            Word::Sum(sum, drop, _) => Word::Sum(sum.clone(), drop + lo, count),
        })
    }
}

impl Logic<'_> {
    /// The bits of a word.
    pub fn bits(&mut self, word: &Word) -> Vec<Bit> {
        match word {
            Word::Bits(bits) => bits.clone(),
            Word::Sum(sum, drop, width) => {
                let bits = self.ripple(sum, drop + width);
                bits.into_iter().skip(*drop as usize).map(|bit| self.settled(bit)).collect()
            }
        }
    }

    /// A word as a sum modulo `2^width`.
    pub fn sum(&mut self, word: &Word) -> Option<Sum> {
        match word {
            Word::Sum(sum, 0, _) => Some(sum.clone()),
            _ => Sum::of(&self.bits(word), false),
        }
    }

    /// Words side by side, lowest first.
    pub fn joined(&mut self, words: Vec<Word>) -> Option<Word> {
        if let Some((Word::Sum(top, 0, width), low)) = words.split_last() {
            let low: Vec<Bit> = low.iter().flat_map(|word| self.bits(word)).collect();
            let at = low.len() as u32;
            if at + width <= super::sum::WIDEST {
                let sum = Sum::total(&[(top, 1 << at), (&Sum::of(&low, false)?, 1)], 0)?;
                return Some(Word::Sum(sum.modulo(at + width), 0, at + width));
            }
        }
        Some(Word::Bits(words.iter().flat_map(|word| self.bits(word)).collect()))
    }

    /// Cut or extended to a width: by its highest bit if signed, else by zeros.
    pub fn resized(&mut self, word: Word, to: u32, signed: bool) -> Option<Word> {
        let own = word.width();
        if to <= own {
            return word.slice(0, to);
        }
        Some(Word::Bits(extended(self.bits(&word), to, signed)))
    }

    /// `a + factor * b`: equal widths.
    pub fn plus(&mut self, a: &Word, b: &Word, factor: i128) -> Option<Word> {
        let (x, y) = (self.sum(a)?, self.sum(b)?);
        Some(Word::Sum(Sum::total(&[(&x, 1), (&y, factor)], 0)?.modulo(a.width()), 0, a.width()))
    }

    /// The product: equal widths.
    pub fn times(&mut self, a: &Word, b: &Word) -> Option<Word> {
        let width = a.width();
        let (a, b) = (self.bits(a), self.bits(b));
        let bits = self.product(a, b)?;
        Some(Word::Bits(extended(bits, width, true)))
    }

    /// The product of two signed numbers, of as many bits as it needs.
    pub fn product(&mut self, a: Vec<Bit>, b: Vec<Bit>) -> Option<Vec<Bit>> {
        let (mut a, mut b) = (narrowed(a), narrowed(b));
        if a > b {
            (a, b) = (b, a);
        }
        let count = a.len() + b.len();
        if a.is_empty() || count > super::sum::WIDEST as usize {
            return a.is_empty().then(Vec::new);
        }
        for (x, y) in [(&a, &b), (&b, &a)] {
            if x.iter().all(|bit| *bit <= ONE) {
                let sum = Sum::total(&[(&Sum::of(y, true)?, Sum::of(x, true)?.constant)], 0)?;
                return Some(self.ripple(&sum, count as u32));
            }
        }
        if let Some(word) = self.products.get(&(a.clone(), b.clone())) {
            return Some(self.words[*word as usize].bits.clone());
        }
        let mut lanes = vec![[0u64; LANES]; count];
        for sample in 0..64 * LANES {
            let value = self.at(&a, sample).checked_mul(self.at(&b, sample))?;
            for (at, lane) in lanes.iter_mut().enumerate() {
                lane[sample / 64] |= ((value >> at & 1) as u64) << (sample % 64);
            }
        }
        let word = self.word(None, true, &lanes);
        if count <= DEFINED {
            let bits = self.multiplied(&a, &b)?;
            self.definitions.insert(word, bits);
        }
        self.products.insert((a, b), word);
        Some(self.words[word as usize].bits.clone())
    }

    /// The bits of a product of two signed numbers, as the sum of its partial products.
    fn multiplied(&mut self, a: &[Bit], b: &[Bit]) -> Option<Vec<Bit>> {
        let weight = |bits: &[Bit], at: usize| if at + 1 == bits.len() { -(1 << at) } else { 1i128 << at };
        let mut partial = Vec::with_capacity(a.len() * b.len());
        for (i, x) in a.iter().enumerate() {
            for (j, y) in b.iter().enumerate() {
                partial.push((Sum::of(&[self.and(*x, *y)], false)?, weight(a, i) * weight(b, j)));
            }
        }
        let operands: Vec<(&Sum, i128)> = partial.iter().map(|(sum, factor)| (sum, *factor)).collect();
        Some(self.ripple(&Sum::total(&operands, 0)?, (a.len() + b.len()) as u32))
    }

    /// A signed number on a sample.
    fn at(&self, bits: &[Bit], sample: usize) -> i128 {
        let bit = |bit: Bit| (self.lanes(bit)[sample / 64] >> (sample % 64) & 1) as i128;
        let value = bits.iter().enumerate().map(|(at, own)| bit(*own) << at).sum::<i128>();
        value - bits.last().map_or(0, |top| bit(*top) << bits.len())
    }

    /// 1 where a bit is 1.
    pub fn any(&mut self, bits: &[Bit]) -> Bit {
        bits.iter().fold(ZERO, |any, bit| self.or(any, *bit))
    }

    /// 1 where `a < b`: equal widths.
    pub fn less(&mut self, a: &[Bit], b: &[Bit], signed: bool) -> Bit {
        let top = a.len().saturating_sub(1);
        let mut less = ZERO;
        for (at, (a, b)) in a.iter().zip(b).enumerate() {
            let (a, b) = if signed && at == top { (*b, *a) } else { (*a, *b) };
            let differ = self.xor(a, b);
            less = self.choose(differ, b, less);
        }
        less
    }

    /// Bit by bit: `yes` where the bit is 1, else `no`.
    pub fn chosen(&mut self, bit: Bit, yes: &[Bit], no: &[Bit]) -> Vec<Bit> {
        yes.iter().zip(no).map(|(yes, no)| self.choose(bit, *yes, *no)).collect()
    }

    /// The bit of a table at an index: one for each index, the first at 0; 0 beyond them.
    pub fn entry(&mut self, index: &[Bit], entries: &[bool]) -> Bit {
        match (index.split_last(), entries.first()) {
            (_, None) => ZERO,
            (None, Some(first)) => *first as Bit,
            (Some((top, low)), Some(first)) => {
                if entries.len() == 1 << index.len().min(60) && entries.iter().all(|entry| entry == first) {
                    return *first as Bit;
                }
                let half = entries.len().min(1 << low.len().min(60));
                let (no, yes) = (self.entry(low, &entries[..half]), self.entry(low, &entries[half..]));
                self.choose(*top, yes, no)
            }
        }
    }
}

/// The bits of a port's elements.
pub fn elements(port: &Port, bits: &[Bit]) -> Option<Vec<Vec<Bit>>> {
    let mut rest = bits;
    let mut all = Vec::with_capacity(port.elements.len());
    for element in &port.elements {
        let (own, others) = rest.split_at_checked(element.format.width as usize)?;
        all.push(own.to_vec());
        rest = others;
    }
    rest.is_empty().then_some(all)
}

/// Bits extended to a width, or cut.
pub fn extended(mut bits: Vec<Bit>, width: u32, signed: bool) -> Vec<Bit> {
    let fill = if signed { bits.last().copied().unwrap_or(ZERO) } else { ZERO };
    bits.resize(width as usize, fill);
    bits
}

/// A signed number without bits that repeat its sign.
fn narrowed(mut bits: Vec<Bit>) -> Vec<Bit> {
    while let [.., a, b] = bits[..]
        && a == b
    {
        bits.pop();
    }
    bits
}
