//! One bit of many samples, and words of samples turned into such.

use std::array::from_fn;

/// Words of a plane: as many as the widest vector instructions take at once.
pub const WORDS: usize = 8;

/// Samples simulated together.
pub const SAMPLES: usize = 64 * WORDS;

/// One bit of each sample.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
pub struct Plane(pub [u64; WORDS]);

impl Plane {
    /// The same bit in all samples.
    #[inline(always)]
    pub fn of(bit: bool) -> Plane {
        Plane([if bit { u64::MAX } else { 0 }; WORDS])
    }

    #[inline(always)]
    pub fn and(self, other: Plane) -> Plane {
        Plane(from_fn(|word| self.0[word] & other.0[word]))
    }

    #[inline(always)]
    pub fn not(self) -> Plane {
        Plane(self.0.map(|word| !word))
    }

    /// The lowest bit of the sum of three.
    #[inline(always)]
    pub fn odd(self, b: Plane, c: Plane) -> Plane {
        Plane(from_fn(|word| self.0[word] ^ b.0[word] ^ c.0[word]))
    }

    /// The highest bit of the sum of three.
    #[inline(always)]
    pub fn majority(self, b: Plane, c: Plane) -> Plane {
        Plane(from_fn(|word| (self.0[word] & b.0[word]) | (c.0[word] & (self.0[word] | b.0[word]))))
    }

    /// `a` where it is 1, `b` where it is 0.
    #[inline(always)]
    pub fn select(self, a: Plane, b: Plane) -> Plane {
        Plane(from_fn(|word| (self.0[word] & a.0[word]) | (!self.0[word] & b.0[word])))
    }
}

/// Bit `j` of word `i` becomes bit `i` of word `j`: quarters change places, then those of each (Warren, "Hacker's Delight",
/// 7-3).
#[inline(always)]
pub fn transpose(block: &mut [u64; 64]) {
    swap::<32>(block, 0x0000_0000_ffff_ffff);
    swap::<16>(block, 0x0000_ffff_0000_ffff);
    swap::<8>(block, 0x00ff_00ff_00ff_00ff);
    swap::<4>(block, 0x0f0f_0f0f_0f0f_0f0f);
    swap::<2>(block, 0x3333_3333_3333_3333);
    swap::<1>(block, 0x5555_5555_5555_5555);
}

#[inline(always)]
fn swap<const N: usize>(block: &mut [u64; 64], low: u64) {
    for pair in block.chunks_exact_mut(2 * N) {
        let (upper, lower) = pair.split_at_mut(N);
        for (a, b) in upper.iter_mut().zip(lower) {
            let change = ((*a >> N) ^ *b) & low;
            *a ^= change << N;
            *b ^= change;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_change_places() {
        let mut random = crate::random::Random::new(1);
        let before: [u64; 64] = from_fn(|_| random.bits());
        let mut after = before;
        transpose(&mut after);
        let bit = |block: &[u64; 64], i: usize, j: usize| block[i] >> j & 1;
        assert!((0..64 * 64).all(|at| bit(&before, at / 64, at % 64) == bit(&after, at % 64, at / 64)));
    }
}
