//! Machine integers that hold one bit-vector for many samples at a time.

/// Samples simulated together. All live vectors stay in the second-level cache, and a step's cost is in its arithmetic.
pub const LANES: usize = 64;

/// One bit-vector, a sample a lane, sign- or zero-extended.
pub type Lanes<L> = [L; LANES];

/// A machine integer; arithmetic is modulo its own width.
pub trait Lane: Copy + Send + Sync + Ord + Default {
    /// Its bits.
    const BITS: u32;
    fn of(value: i128) -> Self;
    fn wide(self) -> i128;
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn and(self, other: Self) -> Self;
    fn up(self, shift: u32) -> Self;
    /// Shifted down, the sign kept.
    fn down(self, shift: u32) -> Self;
}

macro_rules! lane {
    ($int:ty) => {
        impl Lane for $int {
            const BITS: u32 = <$int>::BITS;
            #[inline(always)]
            fn of(value: i128) -> Self {
                value as $int
            }
            #[inline(always)]
            fn wide(self) -> i128 {
                self as i128
            }
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }
            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }
            #[inline(always)]
            fn and(self, other: Self) -> Self {
                self & other
            }
            #[inline(always)]
            fn up(self, shift: u32) -> Self {
                self.wrapping_shl(shift)
            }
            #[inline(always)]
            fn down(self, shift: u32) -> Self {
                self.wrapping_shr(shift)
            }
        }
    };
}
lane!(i32);
lane!(i64);
lane!(i128);

/// How a result modulo a power of two becomes a value again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrap {
    /// It is one already.
    Exact,
    /// Two's complement of this width.
    Signed(u8),
    /// Plain binary of this width.
    Unsigned(u8),
}

impl Wrap {
    /// That of a bit-vector.
    pub fn new(width: u32, signed: bool) -> Wrap {
        let width = width as u8;
        if signed { Wrap::Signed(width) } else { Wrap::Unsigned(width) }
    }

    /// Applies it to every lane.
    pub fn apply<L: Lane>(self, lanes: &mut Lanes<L>) {
        match self {
            Wrap::Exact => {}
            Wrap::Signed(width) => {
                let shift = L::BITS - u32::from(width);
                lanes.iter_mut().for_each(|x| *x = x.up(shift).down(shift));
            }
            Wrap::Unsigned(width) => {
                let mask = low::<L>(width.into());
                lanes.iter_mut().for_each(|x| *x = x.and(mask));
            }
        }
    }
}

/// The low `width` bits set.
pub fn low<L: Lane>(width: u32) -> L {
    L::of(super::super::ones(width) as i128)
}

/// `wrap((a << up_a) ± (b << up_b) + constant)`: nearly every cell of a network is one of these.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    pub a: u32,
    pub b: u32,
    /// The shifts of a and b.
    pub up: [u8; 2],
    pub minus: bool,
    pub constant: i64,
    pub wrap: Wrap,
}

impl Pair {
    /// Computes it; the loop is compiled once for each combination of shifts, sign and wrap, to do no work in vain.
    pub fn run<L: Lane>(&self, out: &mut Lanes<L>, a: &Lanes<L>, b: &Lanes<L>) {
        match (self.minus, self.up[0] > 0) {
            (false, false) => self.second::<L, false, false>(out, a, b),
            (false, true) => self.second::<L, false, true>(out, a, b),
            (true, false) => self.second::<L, true, false>(out, a, b),
            (true, true) => self.second::<L, true, true>(out, a, b),
        }
    }

    fn second<L: Lane, const MINUS: bool, const A: bool>(&self, out: &mut Lanes<L>, a: &Lanes<L>, b: &Lanes<L>) {
        match (self.up[1] > 0, self.wrap) {
            (false, Wrap::Exact) => self.go::<L, MINUS, A, false>(out, a, b, |x| x),
            (true, Wrap::Exact) => self.go::<L, MINUS, A, true>(out, a, b, |x| x),
            (up, Wrap::Signed(width)) => {
                let shift = L::BITS - u32::from(width);
                let wrap = |x: L| x.up(shift).down(shift);
                if up {
                    self.go::<L, MINUS, A, true>(out, a, b, wrap)
                } else {
                    self.go::<L, MINUS, A, false>(out, a, b, wrap)
                }
            }
            (up, Wrap::Unsigned(width)) => {
                let mask = low::<L>(width.into());
                let wrap = |x: L| x.and(mask);
                if up {
                    self.go::<L, MINUS, A, true>(out, a, b, wrap)
                } else {
                    self.go::<L, MINUS, A, false>(out, a, b, wrap)
                }
            }
        }
    }

    #[inline(always)]
    fn go<L: Lane, const MINUS: bool, const A: bool, const B: bool>(
        &self,
        out: &mut Lanes<L>,
        a: &Lanes<L>,
        b: &Lanes<L>,
        wrap: impl Fn(L) -> L,
    ) {
        let constant = L::of(self.constant.into());
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            let a = if A { a.up(self.up[0].into()) } else { *a };
            let b = if B { b.up(self.up[1].into()) } else { *b };
            let sum = a.add(constant);
            *out = wrap(if MINUS { sum.sub(b) } else { sum.add(b) });
        }
    }
}
