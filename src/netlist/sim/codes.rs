//! Codes of samples to planes and back: words of 64 bits hold some codes of a sample each, and 64 of them are turned.

use super::plane::{Plane, transpose};
use crate::fixed::Format;

/// Codes of neighbouring columns side by side in 64 bits of a sample, and the plane of each bit, lowest first.
#[derive(Debug)]
pub struct Word {
    /// The column of the first field.
    first: usize,
    /// The bits of the codes that it has: from this one on.
    from: u32,
    fields: Vec<Field>,
    pub planes: Vec<u32>,
}

/// A code's place in a word.
#[derive(Debug)]
struct Field {
    at: u32,
    mask: u64,
    /// The code's sign, if it is there.
    sign: u64,
}

/// A word of 64 samples, or one bit of each: 64 of them.
pub type Block = [u64; 64];

/// The words for codes of these formats, column by column, with the planes of all bits in order.
pub fn words(formats: &[Format], planes: &[u32]) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut rest = planes;
    for (column, format) in formats.iter().enumerate() {
        // A code of 0 bits is a field too: fields are neighbours.
        for from in (0..format.width.max(1)).step_by(64) {
            let width = (format.width - from).min(64);
            let joins = |word: &Word| word.from == 0 && from == 0 && word.planes.len() as u32 + width < 64;
            if !words.last().is_some_and(joins) {
                words.push(Word { first: column, from, fields: Vec::new(), planes: Vec::new() });
            }
            if let Some(word) = words.last_mut() {
                let signed = format.signed && width > 0 && from + width == format.width;
                let mask = low(width);
                let sign = if signed { mask & !(mask >> 1) } else { 0 };
                word.fields.push(Field { at: word.planes.len() as u32, mask, sign });
                let (own, others) = rest.split_at(width as usize);
                word.planes.extend(own);
                rest = others;
            }
        }
    }
    words
}

impl Word {
    /// Codes of a sample side by side.
    #[inline(always)]
    pub fn pack(&self, row: &[i128]) -> u64 {
        let mut packed = 0;
        for (field, code) in self.fields.iter().zip(&row[self.first..]) {
            let code = if self.from == 0 { *code as u64 } else { (*code >> 64) as u64 };
            packed |= (code & field.mask).wrapping_shl(field.at);
        }
        packed
    }

    /// Words of 64 samples to word `at` of planes.
    #[inline(always)]
    pub fn load(&self, mut block: Block, at: usize, planes: &mut [Plane]) {
        transpose(&mut block);
        for (plane, bits) in self.planes.iter().zip(block) {
            planes[*plane as usize].0[at] = bits;
        }
    }

    /// Word `at` of planes to words of 64 samples.
    #[inline(always)]
    pub fn store(&self, planes: &[Plane], at: usize) -> Block {
        let mut block = [0; 64];
        for (bits, plane) in block.iter_mut().zip(&self.planes) {
            *bits = planes[*plane as usize].0[at];
        }
        transpose(&mut block);
        block
    }

    /// Codes side by side to a sample's codes, which were 0.
    #[inline(always)]
    pub fn unpack(&self, packed: u64, row: &mut [i128]) {
        for (field, code) in self.fields.iter().zip(&mut row[self.first..]) {
            let part = packed.wrapping_shr(field.at) & field.mask;
            *code |= match self.from {
                0 if field.sign == 0 => part.into(),
                from => i128::from((part ^ field.sign).wrapping_sub(field.sign) as i64).wrapping_shl(from),
            };
        }
    }
}

/// The low bits set.
#[inline(always)]
fn low(width: u32) -> u64 {
    if width == 0 { 0 } else { u64::MAX >> (64 - width) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn codes_come_back() {
        let mut random = Random::new(1);
        let formats: Vec<Format> = [1, 7, 64, 0, 65, 127, 40, 30, 3]
            .into_iter()
            .flat_map(|width| [true, false].map(|signed| Format { signed, width, lsb: 0 }))
            .collect();
        let bits = formats.iter().map(|format| format.width).sum::<u32>();
        let words = words(&formats, &(0..bits).collect::<Vec<_>>());
        let any = |format: &Format, random: &mut Random| {
            let bits = (i128::from(random.bits()) << 64) ^ i128::from(random.bits());
            crate::fixed::wrap(bits, format.width, format.signed)
        };
        for count in [1, 64, 100, super::super::SAMPLES] {
            let rows: Vec<i128> =
                (0..count).flat_map(|_| formats.iter().map(|f| any(f, &mut random)).collect::<Vec<_>>()).collect();
            let mut planes = vec![Plane::of(true); bits as usize];
            let mut back = vec![0; rows.len()];
            for word in &words {
                for (at, codes) in rows.chunks(64 * formats.len()).enumerate() {
                    let mut block = [0; 64];
                    block.iter_mut().zip(codes.chunks(formats.len())).for_each(|(bits, row)| *bits = word.pack(row));
                    word.load(block, at, &mut planes);
                }
                for (at, codes) in back.chunks_mut(64 * formats.len()).enumerate() {
                    let block = word.store(&planes, at);
                    block.iter().zip(codes.chunks_mut(formats.len())).for_each(|(bits, row)| word.unpack(*bits, row));
                }
            }
            assert_eq!(rows, back);
        }
    }
}
