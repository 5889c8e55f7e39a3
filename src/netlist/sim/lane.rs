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

/// A shift by a fixed amount, with a loop of its own for each kind.
trait Shift {
    fn shift<L: Lane>(x: L, down: u32, up: u32) -> L;
}
struct Both;
struct Stay;
struct Up;
struct Down;
impl Shift for Stay {
    #[inline(always)]
    fn shift<L: Lane>(x: L, _: u32, _: u32) -> L {
        x
    }
}
impl Shift for Up {
    #[inline(always)]
    fn shift<L: Lane>(x: L, _: u32, up: u32) -> L {
        x.up(up)
    }
}
impl Shift for Down {
    #[inline(always)]
    fn shift<L: Lane>(x: L, down: u32, _: u32) -> L {
        x.down(down)
    }
}
impl Shift for Both {
    #[inline(always)]
    fn shift<L: Lane>(x: L, down: u32, up: u32) -> L {
        x.down(down).up(up)
    }
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
    /// Computes it; the loop is compiled once for each combination of shifts, sign and wrap, to do no work in vain.
    pub fn run<L: Lane>(&self, out: &mut Lanes<L>, a: &Lanes<L>, b: &Lanes<L>) {
        match (self.down[0] > 0, self.up[0] > 0) {
            (true, true) => self.third::<L, Both, Both>(out, a, b),
            (false, false) => self.second::<L, Stay>(out, a, b),
            (false, true) => self.second::<L, Up>(out, a, b),
            (true, false) => self.second::<L, Down>(out, a, b),
        }
    }

    fn second<L: Lane, A: Shift>(&self, out: &mut Lanes<L>, a: &Lanes<L>, b: &Lanes<L>) {
        match (self.down[1] > 0, self.up[1] > 0) {
            (true, true) => self.third::<L, Both, Both>(out, a, b),
            (false, false) => self.third::<L, A, Stay>(out, a, b),
            (false, true) => self.third::<L, A, Up>(out, a, b),
            (true, false) => self.third::<L, A, Down>(out, a, b),
        }
    }

    fn third<L: Lane, A: Shift, B: Shift>(&self, out: &mut Lanes<L>, a: &Lanes<L>, b: &Lanes<L>) {
        let up = match self.wrap {
            Wrap::Signed(width) => L::BITS - u32::from(width),
            Wrap::Exact | Wrap::Unsigned(_) => 0,
        };
        match (self.minus, up > 0) {
            (false, false) => self.go::<L, A, B>(out, a, b, L::add),
            (true, false) => self.go::<L, A, B>(out, a, b, L::sub),
            (false, true) => self.go::<L, A, B>(out, a, b, |a, b| a.add(b).up(up).down(up)),
            (true, true) => self.go::<L, A, B>(out, a, b, |a, b| a.sub(b).up(up).down(up)),
        }
        if matches!(self.wrap, Wrap::Unsigned(_)) {
            self.wrap.apply(out);
        }
    }

    #[inline(always)]
    fn go<L: Lane, A: Shift, B: Shift>(
        &self,
        out: &mut Lanes<L>,
        a: &Lanes<L>,
        b: &Lanes<L>,
        join: impl Fn(L, L) -> L,
    ) {
        let constant = L::of(self.constant.into());
        let (down, up) = (self.down.map(u32::from), self.up.map(u32::from));
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            *out = join(A::shift(*a, down[0], up[0]).add(constant), B::shift(*b, down[1], up[1]));
        }
    }
}
