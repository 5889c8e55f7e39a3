//! Where the windows of convolutions and poolings lie.

use crate::error::{Error, Result};
use crate::network::elements;
use crate::tensor::{Builder, Float, Id};
use serde_json::Value;

/// What lies outside the image.
#[derive(Clone, Debug, PartialEq)]
pub enum Padding {
    /// Nothing: windows lie inside.
    Valid,
    /// As much as keeps the size, divided by the stride; the odd one behind, as in TensorFlow.
    Same,
    /// All of it before: no window sees what comes after its place. Sequences only.
    Causal,
    /// So many before and after each axis.
    Explicit(Vec<[usize; 2]>),
}

impl Padding {
    /// Reads `"valid"`, `"same"`, `"causal"` or `[[before, after], ..]`; valid if nothing is said.
    ///
    /// # Errors
    /// It is none of these, or not as many pairs as axes.
    pub fn read(value: Option<&Value>, axes: usize) -> Result<Padding> {
        let wrong = |value: &Value| {
            let help = format!("write \"valid\", \"same\"{}, or [before, after] for each of {axes} axes", causal(axes));
            Error::user(format!("`padding` is {value}"), help)
        };
        match value {
            None => Ok(Padding::Valid),
            Some(Value::String(text)) if text == "valid" => Ok(Padding::Valid),
            Some(Value::String(text)) if text == "same" => Ok(Padding::Same),
            Some(Value::String(text)) if text == "causal" && axes == 1 => Ok(Padding::Causal),
            Some(value) => match serde_json::from_value::<Vec<[usize; 2]>>(value.clone()) {
                Ok(pairs) if pairs.len() == axes => Ok(Padding::Explicit(pairs)),
                _ => Err(wrong(value)),
            },
        }
    }
}

fn causal(axes: usize) -> &'static str {
    if axes == 1 { ", \"causal\"" } else { "" }
}

/// As many lengths as axes, none of them 0; 1 each, or others, if nothing is said.
///
/// # Errors
/// Another number of them, or a 0.
pub fn lengths(name: &str, lengths: Option<Vec<usize>>, axes: usize, default: &[usize]) -> Result<Vec<usize>> {
    let lengths = lengths.unwrap_or_else(|| if default.is_empty() { vec![1; axes] } else { default.to_vec() });
    match lengths.len() == axes && !lengths.contains(&0) {
        true => Ok(lengths),
        false => Err(Error::user(format!("`{name}` is {lengths:?}"), format!("give {axes} lengths of at least 1"))),
    }
}

/// The lengths of an image and its channels.
///
/// # Errors
/// The shape has not one axis more than `axes`.
pub fn image(shape: &[usize], axes: usize) -> Result<(&[usize], usize)> {
    match shape.split_last() {
        Some((channels, lengths)) if lengths.len() == axes => Ok((lengths, *channels)),
        _ => Err(Error::user(
            format!("the input has shape {shape:?}"),
            if axes == 1 { "it takes [steps, channels]" } else { "it takes [height, width, channels]" },
        )),
    }
}

/// How windows move.
#[derive(Clone, Debug)]
pub struct Movement {
    /// Positions from one window to the next, per axis.
    pub strides: Vec<usize>,
    /// Positions from one tap of a window to the next, per axis.
    pub dilation: Vec<usize>,
    /// What lies outside.
    pub padding: Padding,
}

/// One axis of the windows.
struct Axis {
    length: usize,
    size: usize,
    stride: usize,
    dilation: usize,
    before: usize,
    count: usize,
    /// A window's tap reads `(position + before - tap * dilation) / stride` instead of `position * stride + ..`.
    transposed: bool,
}

/// Windows over an image, row by row, and the taps of each, row by row.
pub struct Windows(Vec<Axis>);

impl Windows {
    /// Windows of a size over an image.
    ///
    /// # Errors
    /// The image is smaller than a window, or there are too many windows.
    pub fn new(image: &[usize], size: &[usize], by: &Movement) -> Result<Windows> {
        let axes = image.iter().zip(size).enumerate().map(|(axis, (length, size))| {
            let (length, size, stride, dilation) = (*length, *size, by.strides[axis], by.dilation[axis]);
            let wide = size.checked_sub(1).and_then(|n| n.checked_mul(dilation)).and_then(|n| n.checked_add(1));
            let wide = wide.ok_or_else(|| too_small(length, size))?;
            let (before, padded) = match &by.padding {
                Padding::Valid => (0, Some(length)),
                Padding::Causal => (wide - 1, length.checked_add(wide - 1)),
                Padding::Explicit(pairs) => {
                    let [before, after] = pairs[axis];
                    (before, before.checked_add(after).and_then(|n| n.checked_add(length)))
                }
                Padding::Same => {
                    let all = (length.div_ceil(stride) - 1).checked_mul(stride).and_then(|n| n.checked_add(wide));
                    let padded = all.map(|all| all.max(length));
                    ((padded.unwrap_or(length) - length) / 2, padded)
                }
            };
            let count = match &by.padding {
                Padding::Same => Some(length.div_ceil(stride)),
                _ => padded.and_then(|padded| padded.checked_sub(wide)).map(|room| room / stride + 1),
            };
            let count = count.ok_or_else(|| too_small(length, wide))?;
            Ok(Axis { length, size, stride, dilation, before, count, transposed: false })
        });
        Windows(axes.collect::<Result<_>>()?).checked()
    }

    /// Windows that gather what a transposed convolution scatters: `length * stride` positions, or with valid padding
    /// as many more as the kernel is longer than the stride.
    ///
    /// # Errors
    /// There are too many windows, or the padding is neither valid nor same.
    pub fn transposed(image: &[usize], size: &[usize], by: &Movement) -> Result<Windows> {
        let axes = image.iter().zip(size).enumerate().map(|(axis, (length, size))| {
            let (length, size, stride) = (*length, *size, by.strides[axis]);
            let reach = size.saturating_sub(1).checked_mul(by.dilation[axis]).and_then(|reach| reach.checked_add(1));
            let more = reach.ok_or_else(|| too_small(length, size))?.saturating_sub(stride);
            let (before, longer) = match by.padding {
                Padding::Valid => (0, more),
                Padding::Same => (more / 2, 0),
                _ => {
                    return Err(Error::user(
                        "a transposed convolution with other padding",
                        "use \"valid\" or \"same\"",
                    ));
                }
            };
            let count = length.checked_mul(stride).and_then(|n| n.checked_add(longer));
            let count = count.ok_or_else(|| too_small(length, size))?;
            Ok(Axis { length, size, stride, dilation: by.dilation[axis], before, count, transposed: true })
        });
        Windows(axes.collect::<Result<_>>()?).checked()
    }

    fn checked(self) -> Result<Windows> {
        let all: Vec<usize> = self.0.iter().flat_map(|axis| [axis.count, axis.size]).collect();
        elements(&all).map(|_| self)
    }

    /// Windows along each axis.
    pub fn counts(&self) -> Vec<usize> {
        self.0.iter().map(|axis| axis.count).collect()
    }

    /// Positions before the image, along each axis, that windows reach to.
    pub fn before(&self) -> Vec<usize> {
        self.0.iter().map(|axis| axis.before).collect()
    }

    /// Windows in all.
    pub fn count(&self) -> usize {
        self.0.iter().map(|axis| axis.count).product()
    }

    /// Taps of a window.
    pub fn taps(&self) -> usize {
        self.0.iter().map(|axis| axis.size).product()
    }

    /// The pixel (row by row, without channels) under a tap of a window; `None` outside the image.
    pub fn pixel(&self, mut window: usize, mut tap: usize) -> Option<usize> {
        let (mut pixel, mut row) = (0, 1);
        for axis in self.0.iter().rev() {
            let (position, offset) = (window % axis.count, tap % axis.size * axis.dilation);
            (window, tap) = (window / axis.count, tap / axis.size);
            let from = if axis.transposed {
                let up = (position + axis.before).checked_sub(offset)?;
                (up % axis.stride == 0).then_some(up / axis.stride)?
            } else {
                (position * axis.stride + offset).checked_sub(axis.before)?
            };
            if from >= axis.length {
                return None;
            }
            pixel += from * row;
            row *= axis.length;
        }
        Some(pixel)
    }

    /// `[.., taps * channels]` of some channels of an exact image; zeros outside.
    ///
    /// # Errors
    /// There are too many.
    pub fn gather(&self, g: &mut Builder, x: Id, channels: std::ops::Range<usize>) -> Result<Id> {
        let (x, scale) = g.scaled(x)?;
        let all = g.shape(x).last().copied().unwrap_or(1);
        let zero = g.constant(&[1], vec![crate::fixed::Fixed::ZERO])?;
        let mut shape = self.counts();
        shape.push(self.taps() * channels.len());
        g.room(elements(&shape)?)?;
        let mut list = Vec::with_capacity(shape.iter().product());
        for window in 0..self.count() {
            for pixel in (0..self.taps()).map(|tap| self.pixel(window, tap)) {
                list.extend(channels.clone().map(|c| pixel.map_or((1, 0), |pixel| (0, (pixel * all + c) as u32))));
            }
        }
        let windows = g.gather(&[x, zero], &shape, list)?;
        g.float(windows, Float::Mul(vec![scale]))
    }
}

fn too_small(length: usize, wide: usize) -> Error {
    let what = format!("the image is {length} long, and the window {wide}");
    Error::user(what, "use a smaller window, or padding \"same\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pixels of each window of a sequence; 9 for none.
    fn taps(length: usize, size: usize, stride: usize, dilation: usize, padding: Padding) -> Vec<Vec<usize>> {
        let by = Movement { strides: vec![stride], dilation: vec![dilation], padding };
        let windows = Windows::new(&[length], &[size], &by).expect("fits");
        let pixel = |window: usize, tap: usize| windows.pixel(window, tap).unwrap_or(9);
        (0..windows.count()).map(|w| (0..windows.taps()).map(|t| pixel(w, t)).collect()).collect()
    }

    #[test]
    fn windows_lie_where_frameworks_put_them() {
        assert_eq!(taps(5, 3, 2, 1, Padding::Valid), [[0, 1, 2], [2, 3, 4]]);
        assert_eq!(taps(5, 2, 1, 3, Padding::Valid), [[0, 3], [1, 4]]);
        assert_eq!(taps(4, 3, 2, 1, Padding::Same), [[0, 1, 2], [2, 3, 9]]);
        assert_eq!(taps(3, 2, 1, 2, Padding::Causal), [[9, 0], [9, 1], [0, 2]]);
        assert_eq!(taps(3, 2, 2, 1, Padding::Explicit(vec![[1, 2]])), [[9, 0], [1, 2], [9, 9]]);
        assert_eq!(taps(1, 1, 3, 1, Padding::Same), [[0]]);
    }
}
