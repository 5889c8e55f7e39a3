//! `hls4ml_pool`: pooling as hls4ml's `nnet_pooling.h` computes it.
//!
//! The average starts at 0, adds the window's elements one by one in the accumulator's format, and divides by their number
//! toward zero on that format's grid (ap_fixed's division). The maximum is cast to the accumulator's format. Without `size`,
//! the window is everything but the channels, and only they remain.

use super::attributes::{attributes, one, tensors};
use super::windows::{Movement, Padding, Windows, image, lengths};
use super::{Layer, Make};
use crate::error::{At, Error, Result};
use crate::fixed::{Fixed, Overflow, Quantization, Rounding};
use crate::network::{self, elements};
use crate::registry::Entry;
use crate::tensor::{Builder, Id, Reduction};
use serde::Deserialize;
use serde_json::Value;

/// The entry.
pub const LAYER: Entry<Make> =
    Entry { name: "hls4ml_pool", doc: "average or maximum of windows, in hls4ml's accumulator", make };

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Operation {
    Average,
    Max,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    op: Operation,
    size: Option<Vec<usize>>,
    strides: Option<Vec<usize>>,
    padding: Option<Value>,
    accumulator_format: String,
    /// Does an average divide by the whole window's size at the border too?
    #[serde(default)]
    count_include_pad: bool,
    /// What hls4ml puts outside the image for a maximum; nothing if left out.
    pad_value: Option<f64>,
}

struct Pool {
    op: Operation,
    /// Windows of a size; or all of the image.
    windows: Option<(Vec<usize>, Movement)>,
    accumulator: Quantization,
    count_include_pad: bool,
    outside: Option<Fixed>,
}

fn make(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    tensors(layer, &[], &[])?;
    let Attributes { op, size, strides, padding, accumulator_format, count_include_pad, pad_value } =
        attributes(layer)?;
    let accumulator = accumulator_format.parse().at("`accumulator_format`")?;
    let windows = match size {
        Some(size) => {
            let axes = size.len().clamp(1, 2);
            let size = lengths("size", Some(size), axes, &[])?;
            let strides = lengths("strides", strides, axes, &size)?;
            let padding = Padding::read(padding.as_ref(), axes)?;
            Some((size, Movement { strides, dilation: vec![1; axes], padding }))
        }
        None => None,
    };
    let wrong = || Error::user("`pad_value` is not finite", "give a number");
    let outside = pad_value.map(|value| Fixed::from_f64(value).ok_or_else(wrong)).transpose()?;
    Ok(Box::new(Pool { op, windows, accumulator, count_include_pad, outside }))
}

impl Layer for Pool {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = g.exact(one(x)?)?;
        let axes = self.windows.as_ref().map_or(g.shape(x).len().saturating_sub(1), |(size, _)| size.len());
        let (pixels, channels) = image(g.shape(x), axes)?;
        let whole = || Movement { strides: vec![1; axes], dilation: vec![1; axes], padding: Padding::Valid };
        let (windows, mut shape) = match &self.windows {
            Some((size, movement)) => {
                let windows = Windows::new(pixels, size, movement)?;
                let shape = windows.counts();
                (windows, shape)
            }
            None => (Windows::new(pixels, pixels, &whole())?, Vec::new()),
        };
        shape.push(channels);
        let gathered = [windows.count(), windows.taps(), channels];
        g.room(elements(&gathered)?)?;
        let outside = if self.op == Operation::Average { Some(Fixed::ZERO) } else { self.outside };
        let pad = g.constant(&[1], vec![outside.unwrap_or(Fixed::ZERO)])?;
        let (mut list, mut inside) = (Vec::new(), Vec::new());
        for window in 0..windows.count() {
            let pixels: Vec<Option<usize>> = (0..windows.taps()).map(|tap| windows.pixel(window, tap)).collect();
            let first = pixels.iter().flatten().next().copied().filter(|_| outside.is_none());
            inside.push(pixels.iter().flatten().count());
            for pixel in pixels {
                let element = |c: usize| pixel.or(first).map_or((1, 0), |pixel| (0, (pixel * channels + c) as u32));
                list.extend((0..channels).map(element));
            }
        }
        if inside.contains(&0) {
            let help = "use less padding, or a larger window";
            return Err(Error::user("a window lies wholly in the padding", help));
        }
        let x = g.gather(&[x, pad], &gathered, list)?;
        let y = match self.op {
            Operation::Max => {
                let y = g.reduce(x, Reduction::Max, 1)?;
                g.quantize(y, vec![self.accumulator])?
            }
            Operation::Average => {
                let sum = self.sum(g, x)?;
                let taps = windows.taps();
                inside.iter_mut().filter(|_| self.count_include_pad).for_each(|count| *count = taps);
                self.divide(g, sum, &inside)?
            }
        };
        g.reshape(y, &shape)
    }
}

impl Pool {
    /// The sum over axis 1, every partial sum in the accumulator's format.
    fn sum(&self, g: &mut Builder, x: Id) -> Result<Id> {
        let exact = g.reduce(x, Reduction::Sum, 1)?;
        let node = |id: Id| &g.graph().node(id).ranges;
        // Partial sums lie within the range of the whole one where every element may be 0.
        let through_zero = node(x).iter().all(|range| range.lo <= 0 && range.hi >= 0);
        let kept = through_zero && node(exact).iter().all(|range| self.accumulator.keeps(range));
        let on_grid = node(x).iter().all(|range| range.exp >= self.accumulator.format.lsb);
        if kept || (on_grid && self.accumulator.overflow == Overflow::Wrap) {
            return g.quantize(exact, vec![self.accumulator]);
        }
        let [windows, area, channels] = *g.shape(x) else { return Err(Error::bug("windows without channels")) };
        let term = |g: &mut Builder, n: usize| {
            let element = |w: usize, c: usize| (0, ((w * area + n) * channels + c) as u32);
            let elements = (0..windows).flat_map(|w| (0..channels).map(move |c| element(w, c)));
            g.gather(&[x], &[windows, channels], elements.collect())
        };
        let first = term(g, 0)?;
        let mut sum = g.quantize(first, vec![self.accumulator])?;
        for n in 1..area {
            let next = term(g, n)?;
            let exact = g.add(sum, next)?;
            sum = g.quantize(exact, vec![self.accumulator])?;
        }
        Ok(sum)
    }

    /// `[windows, channels]` divided by numbers of elements, toward zero on the accumulator's grid.
    ///
    /// `y / n` is `y * m / 2^k` with `m = ceil(2^k / n)`, rounded toward zero: the excess of the product is below `1 / n` for all
    /// `|y| < 2^width` if `k >= width + log2(n)`.
    fn divide(&self, g: &mut Builder, y: Id, counts: &[usize]) -> Result<Id> {
        let format = self.accumulator.format;
        let reciprocal = |count: &usize| {
            let count = (*count).max(1) as u128;
            let bits = format.width + count.next_power_of_two().trailing_zeros();
            let power = 1u128.checked_shl(bits).filter(|_| bits < 120);
            let wide = || {
                Error::user(format!("an average in a format of {} bits", format.width), "use a narrower accumulator")
            };
            let power = power.ok_or_else(wide)?;
            Ok(Fixed::new(power.div_ceil(count) as i128, -(bits as i32)))
        };
        let factors = counts.iter().map(reciprocal).collect::<Result<Vec<_>>>()?;
        let factors = g.constant(&[counts.len(), 1], factors)?;
        let product = g.mul(y, factors)?;
        g.quantize(product, vec![Quantization { format, rounding: Rounding::TrnZero, overflow: Overflow::Wrap }])
    }
}
