//! `learned`: fixed point whose numbers of bits are trained along with the weights.
//!
//! `q(x) = floor(x * 2^f + 1/2) / 2^f`, with a whole number `f` of fraction bits for each element, each element of the last
//! axis, or all. Values behind layers saturate at `-2^i * signed` and `2^i - 2^-f`, with `i` learned too; or they wrap, which costs
//! no logic, and `i` follows the data. Weights do not overflow, and have the integer bits that they need. In training, `f` and
//! `i` are real numbers and rounded; all roundings go straight through, so that `dq/dx = 1` and `dq/df = ln 2 * (x - q)` inside, and
//! the bounds have their own slopes outside.
//! Training writes the formats that it found into the network; before it, they are those given here.
//! Source: HGQ, arXiv 2405.00645, section III. Values and slopes are those of HGQ2's `FixedPointQuantizerKIF`
//! (`tests/learned_hgq2.rs`); `examples/differences.md` has what differs on purpose.

use super::{Activation, Codes, Make, Quantizer, Role, Shape, activation, finite};
use crate::call::Call;
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Format, Overflow, Quantization, Rounding};
use crate::functions::Gradient;
use crate::network::Tensor;
use crate::registry::Entry;

/// The entry.
pub const QUANTIZER: Entry<Make> = Entry {
    name: "learned",
    doc: "learned(fraction,integer,group,overflow,rounding,own): fixed point, its bits found by training",
    make,
};

/// The most bits on either side of the point. Formats from elsewhere may have as many; a weight without a quantizer has at most 20.
pub const MOST: i32 = 24;
/// The most that a call may ask for.
const ASKED: i32 = 16;

/// Formats to begin with, and for what each is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Learned {
    /// Fraction bits at first; of weights with their own, so many more than each has.
    pub fraction: i32,
    /// Whether weights begin with as many fraction bits as each has, so that they begin as they are.
    pub own: bool,
    /// Integer bits at first, without the sign; of values only.
    pub integer: i32,
    /// What has a format of its own.
    pub group: Group,
    /// What becomes of values between two numbers of the format; weights go to the nearest, ties up.
    pub rounding: Rounding,
    /// What becomes of values beyond the format; weights do not overflow.
    pub overflow: Overflow,
}

/// What has a format of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Each element.
    Element,
    /// Each element of the last axis.
    Channel,
    /// The whole tensor.
    Tensor,
}

fn make(call: &Call) -> Result<Box<dyn Quantizer>> {
    let arguments = call.arguments(&["fraction", "integer", "group", "overflow", "rounding", "own"])?;
    let group = match arguments.choice("group", &["element", "channel", "tensor"])? {
        "channel" => Group::Channel,
        "tensor" => Group::Tensor,
        _ => Group::Element,
    };
    let overflow = arguments.choice("overflow", &["SAT", "SAT_SYM", "WRAP"])?.parse()?;
    let rounding = arguments.choice("rounding", &["RND", "RND_CONV", "TRN"])?.parse()?;
    let own = arguments.flag("own", false)?;
    let (fraction, integer) =
        (arguments.integer("fraction", 6, 0, ASKED)?, arguments.integer("integer", 3, -8, ASKED)?);
    if fraction + integer < 0 {
        return Err(Error::user(
            "it begins without any bits",
            "give at least as many fraction bits as integer bits are missing",
        ));
    }
    Ok(Box::new(Learned { fraction, integer, own, group, rounding, overflow }))
}

impl Group {
    /// The shape of the formats of a tensor.
    pub fn shape(self, shape: &[usize]) -> Vec<usize> {
        match self {
            Group::Element => shape.to_vec(),
            Group::Channel => shape.last().copied().into_iter().collect(),
            Group::Tensor => Vec::new(),
        }
    }
}

impl Learned {
    /// The format of values at first.
    pub fn quantization(&self) -> Quantization {
        let format = Format::kif(true, self.integer, self.fraction);
        Quantization { format, rounding: self.rounding, overflow: self.overflow }
    }

    /// The fraction bits of some numbers at first, for each of a format's group.
    ///
    /// # Errors
    /// A number has more fraction bits than are learned.
    pub fn fractions(&self, values: &Tensor) -> Result<Vec<f32>> {
        if !self.own {
            return Ok(vec![self.fraction as f32; self.group.shape(&values.shape).iter().product()]);
        }
        let bits = |x: &f64| Fixed::from_f64(*x).filter(|x| !x.is_zero()).map(|x| -x.exponent());
        let own: Vec<Option<i32>> = values.data.iter().map(bits).collect();
        if let Some(bits) = own.iter().flatten().find(|bits| **bits > MOST) {
            let what = format!("a weight has {bits} fraction bits, and at most {MOST} are learned");
            return Err(Error::user(what, "bring the weights to fewer bits first"));
        }
        // A 0 has the coarsest format of all: it stays, unless many steps agree.
        let each = |bits: &Option<i32>| bits.map_or(-MOST, |bits| (bits + self.fraction).clamp(-MOST, MOST)) as f32;
        let columns = values.shape.last().copied().unwrap_or(1).max(1);
        let most = |all: &mut dyn Iterator<Item = f32>| all.fold(-MOST as f32, f32::max);
        let all: Vec<f32> = own.iter().map(each).collect();
        Ok(match self.group {
            Group::Element => all,
            Group::Channel => (0..columns).map(|at| most(&mut all.iter().skip(at).step_by(columns).copied())).collect(),
            Group::Tensor => vec![most(&mut all.into_iter())],
        })
    }
}

impl Quantizer for Learned {
    fn parameter(&self, values: &Tensor, _: Role) -> Result<Codes> {
        let code = |x: &f32| {
            let fraction = if self.own { MOST } else { self.fraction };
            let exact = Fixed::from_f64(f64::from(*x)).unwrap_or(Fixed::ZERO).scale(fraction);
            let drop = (-exact.exponent()).max(0) as u32;
            let whole = if drop == 0 { exact } else { Fixed::new(Rounding::Rnd.apply(exact.mantissa(), drop), 0) };
            whole.scale(-fraction)
        };
        Ok(Codes { codes: finite(values)?.iter().map(code).collect(), scale: vec![1.0] })
    }

    fn activation(&self) -> Result<Activation> {
        Ok(activation(Shape::Quantize(self.quantization()), 1.0, Gradient::Straight))
    }

    fn limit(&self) -> Option<f32> {
        None
    }

    fn learned(&self) -> Option<Learned> {
        Some(*self)
    }
}

/// The same on tensors, with the gradients of training.
#[cfg(feature = "train")]
pub mod trained {
    use super::MOST;
    use crate::fixed::{Overflow, Rounding};
    use std::f64::consts::LN_2;
    use tch::{Kind, Tensor};

    /// Steps between numbers. One call makes those of many tensors: libtorch's calls take longer than what they do here.
    pub struct Grid {
        /// Whole numbers of fraction bits, with the slope of the real ones; and a factor `ln 2` on it.
        pub fraction: Tensor,
        tilt: Tensor,
        /// `2^f`, and `2^-f`.
        scale: Tensor,
        step: Tensor,
    }

    /// Where values overflow, and what becomes of them.
    pub struct Bounds<'a> {
        /// Integer bits, real numbers.
        pub integer: &'a Tensor,
        /// 1 where values may be negative, else 0.
        pub signed: &'a Tensor,
        /// What becomes of values beyond. Those that wrap have no slopes: training only rounds them, and follows their range.
        pub overflow: Overflow,
    }

    impl Grid {
        /// Of real numbers of fraction bits.
        pub fn new(fraction: &Tensor) -> Grid {
            let fraction = whole(fraction);
            let (scale, step) = tch::no_grad(|| (power(&fraction), power(&-&fraction)));
            Grid { tilt: &fraction * LN_2, fraction, scale, step }
        }

        /// Parts of these lengths, brought to shapes.
        pub fn split(&self, counts: &[i64], shapes: &[&[i64]]) -> Vec<Grid> {
            let parts = [&self.fraction, &self.tilt, &self.scale, &self.step].map(|all| {
                let parts = all.split_with_sizes(counts, 0);
                parts.iter().zip(shapes).map(|(part, shape)| part.view(*shape)).collect::<Vec<Tensor>>()
            });
            let [fraction, tilt, scale, step] = parts;
            let halves = fraction.into_iter().zip(tilt).zip(scale.into_iter().zip(step));
            halves.map(|((fraction, tilt), (scale, step))| Grid { fraction, tilt, scale, step }).collect()
        }

        /// The nearest numbers of the grid, or those below.
        fn nearest(&self, x: &Tensor, rounding: Rounding) -> Tensor {
            let mut rounded = round(x * &self.scale, rounding);
            let _ = rounded.g_mul_(&self.step);
            rounded
        }
    }

    /// `q(x)` without overflow, on a grid that broadcasts to x.
    pub fn rounded(x: &Tensor, grid: &Grid, rounding: Rounding) -> Tensor {
        let q = tch::no_grad(|| grid.nearest(x, rounding));
        with_error(x, q, grid)
    }

    /// `q(x)` with overflow.
    pub fn quantize(x: &Tensor, grid: &Grid, rounding: Rounding, bounds: &Bounds) -> Tensor {
        let integer = whole(bounds.integer);
        let some = tch::no_grad(|| (&integer + &grid.fraction + bounds.signed).gt(0.0));
        if bounds.overflow == Overflow::Wrap {
            return tch::no_grad(|| wrap(&grid.nearest(x, rounding), &integer, bounds.signed) * some);
        }
        let most = sloped(&integer, &tch::no_grad(|| power(&integer)));
        let high = &most - sloped(&-&grid.fraction, &grid.step);
        let low = match bounds.overflow {
            Overflow::SatSym => -(&high * bounds.signed),
            _ => -(&most * bounds.signed),
        };
        // As in HGQ2, numbers saturate before they are rounded: beyond the bounds no rounding error is left.
        let inside = x.clamp_tensor(Some(&low), Some(&high));
        let q = tch::no_grad(|| grid.nearest(&inside, rounding) * some);
        with_error(&inside, q, grid)
    }

    /// `q` forward; backward, x, and the rounding error, which shrinks as bits are added.
    fn with_error(x: &Tensor, q: Tensor, grid: &Grid) -> Tensor {
        let error = tch::no_grad(|| x - &q);
        let mut moved = x.addcmul(&error, &grid.tilt);
        moved.set_data(&q);
        moved
    }

    /// The numbers of a grid, without their high bits.
    fn wrap(q: &Tensor, integer: &Tensor, signed: &Tensor) -> Tensor {
        let most = power(integer);
        let low = -(&most * signed);
        let width = &most - &low;
        q - ((q - low) / &width).floor() * width
    }

    /// The greatest size of numbers `[samples, ..]` for each of the formats of a shape.
    pub fn greatest(q: &Tensor, shape: &[i64], signed: bool) -> Tensor {
        let q = q.detach();
        let mut most = if signed { q.abs() } else { q }.amax([0i64].as_slice(), false);
        // A format for all has them of its greatest number, one of a channel those of the channel's.
        while most.dim() > shape.len() {
            most = most.amax([0i64].as_slice(), false);
        }
        for axis in (0..shape.len()).filter(|axis| shape[*axis] == 1) {
            most = most.amax([axis as i64].as_slice(), true);
        }
        most
    }

    /// Integer bits, without the sign, that numbers of a grid need; as in HGQ2, of their sizes: `ceil(log2(max |q| + 2^-f))`.
    pub fn needed(greatest: &Tensor, fraction: &Tensor) -> Tensor {
        // The mantissa is from 1/2 to below 1, exactly.
        let (mantissa, exponent) = (greatest + power(&-whole(fraction))).frexp();
        exponent.to_kind(Kind::Float) - mantissa.eq(0.5).to_kind(Kind::Float)
    }

    /// Rounds to whole numbers, exactly.
    pub fn round(mut x: Tensor, rounding: Rounding) -> Tensor {
        // The distance from the floor decides ties exactly only in f64.
        let by_rest = |up: fn(&Tensor, &Tensor) -> Tensor| {
            let x = x.to_kind(Kind::Double);
            let floor = x.floor();
            let rest = &x - &floor;
            (&floor + up(&rest, &floor).to_kind(Kind::Double)).to_kind(Kind::Float)
        };
        match rounding {
            Rounding::Trn => x.floor_(),
            Rounding::TrnZero => x.trunc_(),
            Rounding::RndConv => x.round_(),
            // ceil(floor(2 x) / 2): no sum that could round.
            Rounding::Rnd => x.g_mul_scalar_(2.0).floor_().g_mul_scalar_(0.5).ceil_(),
            Rounding::RndMinInf => by_rest(|rest, _| rest.gt(0.5)),
            Rounding::RndZero => {
                by_rest(|rest, floor| rest.gt(0.5).logical_or(&rest.eq(0.5).logical_and(&floor.lt(0.0))))
            }
            Rounding::RndInf => {
                by_rest(|rest, floor| rest.gt(0.5).logical_or(&rest.eq(0.5).logical_and(&floor.ge(0.0))))
            }
        }
    }

    /// The bits of values: sign, integer and fraction, none below 0. Those that wrap, where `wraps` is 1, have a sign only beside
    /// other bits.
    pub fn value_bits(fraction: &Tensor, integer: &Tensor, signed: &Tensor, wraps: &Tensor) -> Tensor {
        let bits = whole(integer) + fraction;
        let late = tch::no_grad(|| bits.gt(0.0) * (signed * wraps));
        (bits + (signed - signed * wraps)).relu() + late
    }

    /// The bits of the magnitude of each weight, 0 for 0; the integer bits follow the weight.
    pub fn weight_bits(quantized: &Tensor, fraction: &Tensor) -> Tensor {
        let (integer, some) = tch::no_grad(|| {
            let (mantissa, exponent) = quantized.frexp();
            (exponent.to_kind(Kind::Float), mantissa.ne(0.0))
        });
        (integer + fraction).relu() * some
    }

    /// The nearest whole number within bounds, straight through.
    fn whole(bits: &Tensor) -> Tensor {
        let rounded = tch::no_grad(|| bits.round().clamp_(f64::from(-MOST), f64::from(MOST)));
        let mut moved = bits.alias();
        moved.set_data(&rounded);
        moved
    }

    /// `2^n` of whole numbers, exactly.
    fn power(n: &Tensor) -> Tensor {
        let powers: Vec<f32> = (-MOST..=MOST).map(|n| 2f32.powi(n)).collect();
        Tensor::from_slice(&powers).take(&(n + f64::from(MOST)).to_kind(Kind::Int64))
    }

    /// Powers of n, with their slope.
    fn sloped(n: &Tensor, power: &Tensor) -> Tensor {
        let mut moved = n * power * LN_2;
        moved.set_data(power);
        moved
    }

    /// The whole numbers that real numbers of bits stand for.
    pub fn bits(real: f64) -> f64 {
        real.round_ties_even().clamp(f64::from(-MOST), f64::from(MOST))
    }
}

#[cfg(all(test, feature = "train"))]
mod tests {
    use super::trained::{Bounds, Grid, quantize};
    use crate::fixed::{Overflow, Rounding};
    use std::f64::consts::LN_2;
    use tch::Tensor;

    /// `q(x)` with two fraction bits and no integer bits, signed; and its slopes by x, fraction and integer bits.
    fn slopes(x: f32) -> [f64; 4] {
        let leaf = |value: f32| Tensor::from_slice(&[value]).set_requires_grad(true);
        let (x, fraction, integer) = (leaf(x), leaf(2.2), leaf(-0.1));
        let bounds = Bounds { integer: &integer, signed: &Tensor::from_slice(&[1f32]), overflow: Overflow::Sat };
        let y = quantize(&x, &Grid::new(&fraction), Rounding::Rnd, &bounds);
        y.sum(tch::Kind::Float).backward();
        let slope = |leaf: &Tensor| leaf.grad().double_value(&[0]);
        [y.double_value(&[0]), slope(&x), slope(&fraction), slope(&integer)]
    }

    #[test]
    fn values_and_slopes_are_those_of_the_formula() {
        let close = |found: [f64; 4], expected: [f64; 4]| {
            let same = found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6);
            assert!(same, "{found:?}, expected {expected:?}");
        };
        close(slopes(0.3), [0.25, 1.0, LN_2 * 0.05, 0.0]);
        close(slopes(-0.375), [-0.25, 1.0, LN_2 * -0.125, 0.0]);
        close(slopes(3.0), [0.75, 0.0, LN_2 * 0.25, LN_2]);
        close(slopes(-3.0), [-1.0, 0.0, 0.0, -LN_2]);
    }
}
