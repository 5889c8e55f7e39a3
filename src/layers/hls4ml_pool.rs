//! `hls4ml_pool`: pooling as hls4ml's `nnet_pooling.h` computes it.
//!
//! The average starts at 0, adds the window's elements one by one in the accumulator's format, and divides by their number
//! toward zero on that format's grid (ap_fixed's division). The maximum is cast to the accumulator's format. Without `size`,
//! the window is everything but the channels, and only they remain.

use super::attributes::{attributes, one, tensors};
use super::conv::{Padding, Windows, check_lengths, image};
use super::{Layer, Make};
use crate::error::{At, Error, Result};
use crate::fixed::{Fixed, Overflow, Quantization, Rounding};
use crate::network;
use crate::registry::Entry;
use crate::tensor::{Builder, Id, Reduction};
use serde::Deserialize;

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
    #[serde(default)]
    padding: Padding,
    accumulator_format: String,
    /// What hls4ml puts outside the image for a maximum; nothing if left out.
    pad_value: Option<f64>,
}

struct Pool {
    attributes: Attributes,
    accumulator: Quantization,
    outside: Option<Fixed>,
}

fn make(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    tensors(layer, &[], &[])?;
    let attributes: Attributes = attributes(layer)?;
    if let Some(size) = &attributes.size {
        check_lengths("size", size, size.len().clamp(1, 2))?;
        check_lengths("strides", attributes.strides.as_ref().unwrap_or(size), size.len())?;
    }
    let accumulator = attributes.accumulator_format.parse().at("`accumulator_format`")?;
    let wrong = || Error::user("`pad_value` is not finite", "give a number");
    let outside = attributes.pad_value.map(|value| Fixed::from_f64(value).ok_or_else(wrong)).transpose()?;
    Ok(Box::new(Pool { attributes, accumulator, outside }))
}

impl Layer for Pool {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = g.exact(one(x)?)?;
        let (image, shape, windows) = self.windows(g.shape(x))?;
        let size = [windows.1[0], windows.1[1]];
        let (windows, area, channels) = (windows.0, size[0] * size[1], image[2]);
        let outside = match self.attributes.op {
            Operation::Average => Some(Fixed::ZERO),
            Operation::Max => self.outside,
        };
        let pad = g.constant(&[1], vec![outside.unwrap_or(Fixed::ZERO)])?;
        let (mut elements, mut inside) = (Vec::new(), Vec::new());
        for (row, column) in windows.positions() {
            let pixels: Vec<Option<usize>> =
                (0..area).map(|n| windows.pixel(row, column, n / size[1], n % size[1])).collect();
            let first = pixels.iter().flatten().next().copied();
            inside.push(pixels.iter().flatten().count());
            for pixel in pixels {
                let pixel = pixel.or(if outside.is_none() { first } else { None });
                let element = |c: usize| pixel.map_or((1, 0), |pixel| (0, (pixel * channels + c) as u32));
                elements.extend((0..channels).map(element));
            }
        }
        let x = g.gather(&[x, pad], &[inside.len(), area, channels], elements)?;
        let y = match self.attributes.op {
            Operation::Max => {
                let y = g.reduce(x, Reduction::Max, 1)?;
                g.quantize(y, vec![self.accumulator])?
            }
            Operation::Average => {
                let sum = self.sum(g, x)?;
                self.divide(g, sum, &inside)?
            }
        };
        g.reshape(y, &shape)
    }
}

/// The windows, and the size of one.
type Sized = (Windows, [usize; 2]);

impl Pool {
    /// The input as an image, the shape of the result, and the windows.
    fn windows(&self, shape: &[usize]) -> Result<([usize; 3], Vec<usize>, Sized)> {
        let axes = self.attributes.size.as_ref().map_or(shape.len().saturating_sub(1), Vec::len);
        let image = image(shape, axes)?;
        let of = |lengths: &[usize]| if axes == 1 { [1, lengths[0]] } else { [lengths[0], lengths[1]] };
        let size = self.attributes.size.as_deref().map_or([image[0], image[1]], of);
        let strides = self.attributes.strides.as_deref().map_or(size, of);
        let windows = Windows::new(image, size, strides, self.attributes.padding)?;
        let channels = image[2];
        let result = match (&self.attributes.size, axes) {
            (None, _) => vec![channels],
            (_, 1) => vec![windows.count[1], channels],
            _ => vec![windows.count[0], windows.count[1], channels],
        };
        Ok((image, result, (windows, size)))
    }

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
