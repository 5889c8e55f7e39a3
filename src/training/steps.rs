//! Step functions on float32 tensors: formats and staircases, forward exactly and backward with a slope.
//!
//! A format's step is a power of two, so that scaling, rounding and clamping are exact in float32 as long as codes have at
//! most 24 bits; the results are those of [`crate::fixed`].

use crate::fixed::{Fixed, Overflow, Quantization, Rounding};
use crate::functions::Gradient;
use crate::quantizers::learned::trained::round;
use crate::tensor::{Staircase, pick};
use tch::Tensor;

/// Formats of the elements of a tensor, as tensors that broadcast to it.
pub struct Formats {
    /// The reciprocal of each step.
    inverse: Tensor,
    step: Tensor,
    low: Tensor,
    high: Tensor,
    /// Both as numbers, where one format is for all.
    alone: Option<[f64; 2]>,
    rounding: Rounding,
    overflow: Overflow,
}

/// Several groups of formats, each with its own rounding and overflow, are kept apart: most nodes have one.
pub struct Quantize {
    groups: Vec<(Formats, Option<Tensor>)>,
}

/// A constant for each element: a scalar where all are equal.
pub fn constants(values: &[f32], shape: &[usize]) -> Tensor {
    let tensor = Tensor::from_slice(values);
    match values.len() {
        1 => tensor.view([] as [i64; 0]),
        n if n == shape.iter().product::<usize>() => tensor.view(lengths(shape).as_slice()),
        _ => tensor,
    }
}

/// A shape as libtorch has it.
pub fn lengths(shape: &[usize]) -> Vec<i64> {
    shape.iter().map(|length| *length as i64).collect()
}

impl Formats {
    /// Formats: one for all elements of a shape, one per element of the last axis, or one each; the rounding and overflow
    /// are those of the first.
    pub fn new(elements: &[Quantization], shape: &[usize]) -> Formats {
        let all = |value: &dyn Fn(&Quantization) -> f64| {
            let values: Vec<f32> = elements.iter().map(|element| value(element) as f32).collect();
            constants(&values, shape)
        };
        let first = elements[0];
        let bound = |q: &Quantization, code: i128| code as f64 * (2f64.powi(q.format.lsb));
        let least = |q: &Quantization| {
            let lo = q.format.range().lo;
            bound(q, if q.overflow == Overflow::SatSym && lo < 0 { lo + 1 } else { lo })
        };
        Formats {
            inverse: all(&|q| 2f64.powi(-q.format.lsb)),
            step: all(&|q| 2f64.powi(q.format.lsb)),
            low: all(&least),
            high: all(&|q| bound(q, q.format.range().hi)),
            alone: (elements.len() == 1).then(|| [least(&first), bound(&first, first.format.range().hi)]),
            rounding: first.rounding,
            overflow: first.overflow,
        }
    }

    /// The numbers in their formats, without a gradient.
    pub fn apply(&self, x: &Tensor) -> Tensor {
        tch::no_grad(|| {
            let mut rounded = round(x * &self.inverse, self.rounding);
            let _ = rounded.g_mul_(&self.step);
            match self.overflow {
                Overflow::Sat | Overflow::SatSym => match self.alone {
                    Some([low, high]) => rounded.clamp_(low, high),
                    None => rounded.clamp_tensor_(Some(&self.low), Some(&self.high)),
                },
                Overflow::SatZero => {
                    let inside = rounded.ge_tensor(&self.low).logical_and(&rounded.le_tensor(&self.high));
                    rounded * inside
                }
                Overflow::Wrap => {
                    let width = &self.high - &self.low + &self.step;
                    let turns = ((&rounded - &self.low) / &width).floor();
                    rounded - turns * width
                }
            }
        })
    }
}

impl Quantize {
    /// The formats of a node.
    pub fn new(elements: &[Quantization], shape: &[usize]) -> Quantize {
        let mut kinds: Vec<(Rounding, Overflow)> = elements.iter().map(|q| (q.rounding, q.overflow)).collect();
        kinds.dedup();
        kinds.sort_by_key(|kind| format!("{kind:?}"));
        kinds.dedup();
        let group = |(rounding, overflow): &(Rounding, Overflow)| {
            let own: Vec<Quantization> =
                elements.iter().map(|q| Quantization { rounding: *rounding, overflow: *overflow, ..*q }).collect();
            let mine = |q: &Quantization| f32::from(u8::from((q.rounding, q.overflow) == (*rounding, *overflow)));
            let mask = (kinds.len() > 1).then(|| constants(&elements.iter().map(mine).collect::<Vec<_>>(), shape));
            (Formats::new(&own, shape), mask)
        };
        Quantize { groups: kinds.iter().map(group).collect() }
    }

    /// The numbers in their formats, without a gradient.
    pub fn apply(&self, x: &Tensor) -> Tensor {
        let part = |(formats, mask): &(Formats, Option<Tensor>)| match mask {
            Some(mask) => formats.apply(x) * mask,
            None => formats.apply(x),
        };
        let mut parts = self.groups.iter().map(part);
        let first = parts.next().unwrap_or_else(|| x.detach());
        parts.fold(first, |sum, part| sum + part)
    }
}

/// The slope of a node's formats where nothing else is said: 0 where a number saturates, else 1.
pub fn slope(elements: &[Quantization]) -> Gradient {
    let bounds = |q: &Quantization| {
        let range = q.format.range();
        (range.low().to_f32(), range.high().to_f32())
    };
    let first = bounds(&elements[0]);
    match elements[0].overflow {
        Overflow::Wrap => Gradient::Straight,
        _ if elements.iter().all(|q| bounds(q) == first) => Gradient::Inside { low: first.0, high: first.1 },
        _ => Gradient::Straight,
    }
}

/// Staircases of the elements of a tensor.
pub struct Stairs {
    /// Thresholds, ascending, one row for each element or one for all; short rows end in infinity.
    thresholds: Tensor,
    values: Tensor,
    single: bool,
}

impl Stairs {
    /// One for all elements of a shape, one per element of the last axis, or one each.
    pub fn new(stairs: &[Staircase], shape: &[usize]) -> Stairs {
        let longest = stairs.iter().map(|stair| stair.steps.len()).max().unwrap_or(0).max(1);
        let count = if stairs.len() == 1 { 1 } else { shape.iter().product() };
        let (mut thresholds, mut values) = (Vec::new(), Vec::new());
        for element in 0..count {
            let stair = pick(stairs, element, shape);
            let last = stair.steps.last().map_or(stair.first, |(_, value)| *value);
            let padded = |list: Vec<Fixed>, length: usize, end: f32| {
                let missing = length - list.len();
                list.into_iter().map(|x| x.to_f32()).chain(std::iter::repeat_n(end, missing)).collect::<Vec<_>>()
            };
            thresholds.extend(padded(stair.steps.iter().map(|(t, _)| *t).collect(), longest, f32::INFINITY));
            let all = std::iter::once(stair.first).chain(stair.steps.iter().map(|(_, value)| *value)).collect();
            values.extend(padded(all, longest + 1, last.to_f32()));
        }
        let rows = |list: &[f32], length: usize| Tensor::from_slice(list).view([count as i64, length as i64]);
        Stairs { thresholds: rows(&thresholds, longest), values: rows(&values, longest + 1), single: count == 1 }
    }

    /// The value of the last threshold that is at most x, without a gradient. `x` is `[samples, ..]`.
    pub fn apply(&self, x: &Tensor) -> Tensor {
        tch::no_grad(|| {
            if self.single {
                let place = x.contiguous().bucketize(&self.thresholds.view([-1]), false, true);
                return self.values.view([-1]).take(&place);
            }
            let columns = x.flatten(1, -1).transpose(0, 1).contiguous();
            let place = columns.searchsorted(&self.thresholds, false, true, "right", None::<Tensor>);
            self.values.gather(1, &place, false).transpose(0, 1).contiguous().view_as(x)
        })
    }
}

/// `q` forward; backward, `x` with a slope times a factor. With a noise below 1 (QKeras' `qnoise_factor`) the quantizer is partly
/// on: `s + noise * (q - s)`, where s is x clipped as the slope says.
pub fn straight_through(q: Tensor, x: &Tensor, gradient: &Gradient, factor: f32, noise: f64) -> Tensor {
    if !x.requires_grad() {
        return q;
    }
    // The slope of `clamp` is 1 at its bounds.
    let between = |low: f32, high: f32| x.clamp(f64::from(low), f64::from(high));
    let positive = 0f32.next_up();
    let moved = match gradient {
        Gradient::Straight => x.alias(),
        Gradient::Inside { low, high } => between(*low, *high),
        Gradient::Relu { slope: 0.0, high } => between(positive, *high),
        Gradient::Relu { slope, high } => {
            let low = x.clamp_max(0.0) * f64::from(*slope);
            between(positive, *high) + low
        }
        Gradient::Of(_) => x * slopes(x, gradient),
    };
    let mut moved = if factor == 1.0 { moved } else { moved * f64::from(factor) };
    let partly = noise < 1.0 && !matches!(gradient, Gradient::Of(_));
    let q = if partly { moved.detach() * (1.0 - noise) + q * noise } else { q };
    // The numbers of q in the place of those that the slope belongs to: no sum that could round.
    moved.set_data(&q);
    moved
}

/// The slope of each number, by its formula.
fn slopes(x: &Tensor, gradient: &Gradient) -> Tensor {
    mapped(x, |x| gradient.at(x))
}

/// A function of each number, without a gradient.
pub fn mapped(x: &Tensor, function: impl Fn(f32) -> f32) -> Tensor {
    let flat = x.detach().contiguous().flatten(0, -1);
    let mut numbers = vec![0f32; flat.numel()];
    flat.copy_data(&mut numbers, flat.numel());
    numbers.iter_mut().for_each(|x| *x = function(*x));
    Tensor::from_slice(&numbers).view_as(x)
}
