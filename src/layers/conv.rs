//! `conv2d` and `conv1d`: windows of the input, gathered, and one matrix product with the kernel.
//!
//! `y[h, w, o] = activation(sum over i, j, c of x[h*sh + i - top, w*sw + j - left, c] * kernel[i, j, c, o] + bias[o])`, with
//! zeros outside. `same` padding keeps `ceil(size / stride)` positions and puts the odd zero behind, as in TensorFlow.

use super::attributes::{attributes, one};
use super::dense::{Product, Weights};
use super::{Layer, Make};
use crate::error::{Error, Result};
use crate::fixed::Fixed;
use crate::network;
use crate::registry::Entry;
use crate::tensor::{Builder, Float, Id};
use serde::Deserialize;

/// Over images.
pub const CONV2D: Entry<Make> =
    Entry { name: "conv2d", doc: "2-d convolution of [height, width, channels]", make: make_2d };
/// Over sequences.
pub const CONV1D: Entry<Make> = Entry { name: "conv1d", doc: "1-d convolution of [steps, channels]", make: make_1d };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    filters: Option<usize>,
    strides: Option<Vec<usize>>,
    #[serde(default)]
    padding: Padding,
    kernel_quantizer: Option<String>,
    bias_quantizer: Option<String>,
    activation: Option<String>,
    product_format: Option<String>,
    accumulator_format: Option<String>,
}

/// What lies outside the image.
#[derive(Deserialize, Clone, Copy, Default, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Padding {
    /// Nothing: windows lie inside.
    #[default]
    Valid,
    /// As much as keeps the size, divided by the stride.
    Same,
}

struct Conv {
    axes: usize,
    strides: Vec<usize>,
    padding: Padding,
    product: Product,
}

fn make_2d(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    make(layer, 2)
}

fn make_1d(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    make(layer, 1)
}

fn make(layer: &network::Layer, axes: usize) -> Result<Box<dyn Layer>> {
    let attributes: Attributes = attributes(layer)?;
    let Attributes { filters, strides, padding, kernel_quantizer, bias_quantizer, activation, .. } = attributes;
    let Attributes { product_format, accumulator_format, .. } = attributes;
    let strides = strides.unwrap_or_else(|| vec![1; axes]);
    check_lengths("strides", &strides, axes)?;
    let weights = Weights { kernel_quantizer, bias_quantizer, activation, product_format, accumulator_format };
    let product = Product::new(layer, weights, axes + 2)?;
    if filters.is_some_and(|filters| Some(&filters) != product.kernel_shape().last()) {
        let what = format!("`filters` does not suit the kernel of shape {:?}", product.kernel_shape());
        return Err(Error::user(what, "the kernel's last axis is the filters"));
    }
    Ok(Box::new(Conv { axes, strides, padding, product }))
}

/// As many lengths as axes, none of them 0.
pub fn check_lengths(name: &str, lengths: &[usize], axes: usize) -> Result<()> {
    match lengths.len() == axes && !lengths.contains(&0) {
        true => Ok(()),
        false => Err(Error::user(format!("`{name}` is {lengths:?}"), format!("give {axes} lengths of at least 1"))),
    }
}

impl Layer for Conv {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let (x, scale) = g.scaled(one(x)?)?;
        let shape = image(g.shape(x), self.axes)?;
        let kernel = self.product.kernel_shape();
        let (size, strides) = match self.axes {
            1 => ([1, kernel[0]], [1, self.strides[0]]),
            _ => ([kernel[0], kernel[1]], [self.strides[0], self.strides[1]]),
        };
        let channels = kernel[self.axes];
        if shape[2] != channels {
            let what = format!("the input has {} channels, and the kernel takes {channels}", shape[2]);
            return Err(Error::user(what, "images are height, width, channels; transpose them if they are not"));
        }
        let windows = Windows::new(shape, size, strides, self.padding)?;
        let zero = g.constant(&[1], vec![Fixed::ZERO])?;
        let mut elements = Vec::new();
        for (row, column) in windows.positions() {
            for (i, j) in (0..size[0]).flat_map(|i| (0..size[1]).map(move |j| (i, j))) {
                let pixel = windows.pixel(row, column, i, j);
                elements
                    .extend((0..channels).map(|c| pixel.map_or((1, 0), |pixel| (0, (pixel * channels + c) as u32))));
            }
        }
        let wide = size[0] * size[1] * channels;
        let gathered = match self.axes {
            1 => vec![windows.count[1], wide],
            _ => vec![windows.count[0], windows.count[1], wide],
        };
        let x = g.gather(&[x, zero], &gathered, elements)?;
        let x = g.float(x, Float::Mul(vec![scale]))?;
        self.product.expand(g, x)
    }
}

/// The height, width and channels of an image, or of a sequence as an image of height 1.
pub fn image(shape: &[usize], axes: usize) -> Result<[usize; 3]> {
    match (axes, shape) {
        (1, [steps, channels]) => Ok([1, *steps, *channels]),
        (2, [height, width, channels]) => Ok([*height, *width, *channels]),
        _ => Err(Error::user(
            format!("the input has shape {shape:?}"),
            if axes == 1 { "it takes [steps, channels]" } else { "it takes [height, width, channels]" },
        )),
    }
}

/// Where the windows of a convolution or pooling lie.
pub struct Windows {
    shape: [usize; 3],
    strides: [usize; 2],
    before: [usize; 2],
    /// Windows in each direction.
    pub count: [usize; 2],
}

impl Windows {
    /// Windows of `size` over an image.
    ///
    /// # Errors
    /// The image is smaller than a window.
    pub fn new(shape: [usize; 3], size: [usize; 2], strides: [usize; 2], padding: Padding) -> Result<Windows> {
        let (mut before, mut count) = ([0; 2], [0; 2]);
        for axis in 0..2 {
            let (length, size, stride) = (shape[axis], size[axis], strides[axis]);
            count[axis] = match padding {
                Padding::Valid => (length + stride).saturating_sub(size) / stride,
                Padding::Same => length.div_ceil(stride),
            };
            if count[axis] == 0 {
                let what = format!("the image is {length} long, and the window {size}");
                return Err(Error::user(what, "use a smaller window, or padding \"same\""));
            }
            if padding == Padding::Same {
                before[axis] = ((count[axis] - 1) * stride + size).saturating_sub(length) / 2;
            }
        }
        Ok(Windows { shape, strides, before, count })
    }

    /// Windows, row by row.
    pub fn positions(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        (0..self.count[0]).flat_map(|row| (0..self.count[1]).map(move |column| (row, column)))
    }

    /// The pixel (row-major, without channels) at `(i, j)` of a window; `None` outside the image.
    pub fn pixel(&self, row: usize, column: usize, i: usize, j: usize) -> Option<usize> {
        let y = (row * self.strides[0] + i).checked_sub(self.before[0]).filter(|y| *y < self.shape[0])?;
        let x = (column * self.strides[1] + j).checked_sub(self.before[1]).filter(|x| *x < self.shape[1])?;
        Some(y * self.shape[1] + x)
    }
}
