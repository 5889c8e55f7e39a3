//! `max_pool2d`, `average_pool2d` and those of sequences: the maximum or mean of each window and channel.
//!
//! What lies outside the image never is the maximum. A mean is the exact sum, divided in float32 by the number of pixels
//! inside the image, or with `count_include_pad` of all; a power of two divides exactly.

use super::attributes::{attributes, one, tensors};
use super::reduce::divided;
use super::windows::{Movement, Padding, Windows, image, lengths};
use super::{Layer, Make};
use crate::error::{Error, Result};
use crate::network;
use crate::network::elements;
use crate::registry::Entry;
use crate::tensor::{Builder, Id, Reduction};
use serde::Deserialize;
use serde_json::Value;

/// The maximum over images.
pub const MAX_POOL2D: Entry<Make> = Entry {
    name: "max_pool2d",
    doc: "the maximum of each window, per channel",
    make: |layer| make::<MaxPool>(layer, 2),
};
/// The maximum over sequences.
pub const MAX_POOL1D: Entry<Make> = Entry {
    name: "max_pool1d",
    doc: "the maximum of each window of a sequence, per channel",
    make: |layer| make::<MaxPool>(layer, 1),
};
/// The mean over images.
pub const AVERAGE_POOL2D: Entry<Make> = Entry {
    name: "average_pool2d",
    doc: "the mean of each window, per channel",
    make: |layer| make::<AveragePool>(layer, 2),
};
/// The mean over sequences.
pub const AVERAGE_POOL1D: Entry<Make> = Entry {
    name: "average_pool1d",
    doc: "the mean of each window of a sequence, per channel",
    make: |layer| make::<AveragePool>(layer, 1),
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MaxPool {
    #[serde(alias = "pool_size")]
    size: Vec<usize>,
    strides: Option<Vec<usize>>,
    padding: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AveragePool {
    #[serde(alias = "pool_size")]
    size: Vec<usize>,
    strides: Option<Vec<usize>>,
    padding: Option<Value>,
    #[serde(default)]
    count_include_pad: bool,
}

struct Pool {
    size: Vec<usize>,
    movement: Movement,
    average: bool,
    count_include_pad: bool,
}

impl From<MaxPool> for AveragePool {
    fn from(pool: MaxPool) -> AveragePool {
        let MaxPool { size, strides, padding } = pool;
        AveragePool { size, strides, padding, count_include_pad: false }
    }
}

fn make<T: serde::de::DeserializeOwned + Into<AveragePool> + 'static>(
    layer: &network::Layer,
    axes: usize,
) -> Result<Box<dyn Layer>> {
    tensors(layer, &[], &[])?;
    let AveragePool { size, strides, padding, count_include_pad } = attributes::<T>(layer)?.into();
    let size = lengths("size", Some(size), axes, &[])?;
    let strides = lengths("strides", strides, axes, &size)?;
    let movement = Movement { strides, dilation: vec![1; axes], padding: Padding::read(padding.as_ref(), axes)? };
    let average = layer.kind.starts_with("average");
    Ok(Box::new(Pool { size, movement, average, count_include_pad }))
}

impl Layer for Pool {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        let (lengths, channels) = image(g.shape(x), self.size.len())?;
        let windows = Windows::new(lengths, &self.size, &self.movement)?;
        if self.average { self.mean(g, x, &windows, channels) } else { maximum(g, x, &windows, channels) }
    }
}

/// The pixels of every window.
fn pixels(windows: &Windows) -> Vec<Vec<usize>> {
    let inside = |window: usize| (0..windows.taps()).filter_map(|tap| windows.pixel(window, tap)).collect();
    (0..windows.count()).map(inside).collect()
}

fn maximum(g: &mut Builder, x: Id, windows: &Windows, channels: usize) -> Result<Id> {
    let mut shape = windows.counts();
    shape.extend([windows.taps(), channels]);
    g.room(elements(&shape)?)?;
    let mut list = Vec::with_capacity(shape.iter().product());
    for pixels in pixels(windows) {
        let first = *pixels.first().ok_or_else(outside)?;
        // A window at the border repeats its first pixel, which changes no maximum.
        for pixel in (0..windows.taps()).map(|n| *pixels.get(n).unwrap_or(&first)) {
            list.extend((0..channels).map(|c| (0, (pixel * channels + c) as u32)));
        }
    }
    let x = g.gather(&[x], &shape, list)?;
    g.reduce(x, Reduction::Max, shape.len() - 2)
}

impl Pool {
    fn mean(&self, g: &mut Builder, x: Id, windows: &Windows, channels: usize) -> Result<Id> {
        let x = g.coded(x)?;
        let mut shape = windows.counts();
        shape.extend([windows.taps(), channels]);
        let gathered = windows.gather(g, x, 0..channels)?;
        let split = g.reshape(gathered, &shape)?;
        let sum = g.reduce(split, Reduction::Sum, shape.len() - 2)?;
        let inside = pixels(windows);
        if inside.iter().any(Vec::is_empty) && !self.count_include_pad {
            return Err(outside());
        }
        let count = |pixels: &Vec<usize>| if self.count_include_pad { windows.taps() } else { pixels.len() };
        let counts = inside.iter().flat_map(|pixels| std::iter::repeat_n(count(pixels), channels));
        divided(g, sum, counts.collect())
    }
}

fn outside() -> Error {
    Error::user("a window lies wholly in the padding", "use less padding, or a larger window")
}
