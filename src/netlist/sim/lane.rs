//! Machine integers that hold one bit-vector for many samples at a time.

/// Samples simulated together: enough that a step costs its arithmetic, few enough for the second-level cache.
pub const LANES: usize = 256;

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
lane!(i16);
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
    #[inline(always)]
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
#[inline(always)]
pub fn low<L: Lane>(width: u32) -> L {
    L::of(super::super::ones(width) as i128)
}

/// `wrap((a shifted) ± (b shifted) + constant)`: nearly every cell of a network is one of these.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    pub a: u32,
    pub b: u32,
    /// Bits that a and b lose below.
    pub down: [u8; 2],
    /// Their places after that.
    pub up: [u8; 2],
    pub minus: bool,
    pub constant: i64,
    pub wrap: Wrap,
}

impl Pair {
    /// Computes it. One loop for all: a shift by 0 costs less than choosing a loop without it.
    #[inline(always)]
    pub fn run<L: Lane>(&self, out: &mut Lanes<L>, a: &Lanes<L>, b: &Lanes<L>) {
        let constant = L::of(self.constant.into());
        let (down, up) = (self.down.map(u32::from), self.up.map(u32::from));
        let value = |a: L| a.down(down[0]).up(up[0]).add(constant);
        let other = |b: L| b.down(down[1]).up(up[1]);
        let high = match self.wrap {
            Wrap::Signed(width) => L::BITS - u32::from(width),
            Wrap::Exact | Wrap::Unsigned(_) => 0,
        };
        let lanes = out.iter_mut().zip(a.iter().zip(b));
        if self.minus {
            lanes.for_each(|(o, (a, b))| *o = value(*a).sub(other(*b)).up(high).down(high));
        } else {
            lanes.for_each(|(o, (a, b))| *o = value(*a).add(other(*b)).up(high).down(high));
        }
        if let Wrap::Unsigned(_) = self.wrap {
            self.wrap.apply(out);
        }
    }
}
