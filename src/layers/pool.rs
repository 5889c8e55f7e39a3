//! `max_pool2d`: the maximum of each window and channel; what lies outside the image never is the maximum.

use super::attributes::{attributes, one, tensors};
use super::conv::{Padding, Windows, check_lengths, image};
use super::{Layer, Make};
use crate::error::{Error, Result};
use crate::network;
use crate::registry::Entry;
use crate::tensor::{Builder, Id, Reduction};
use serde::Deserialize;

/// The entry.
pub const MAX_POOL2D: Entry<Make> = Entry { name: "max_pool2d", doc: "the maximum of each window, per channel", make };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MaxPool {
    #[serde(alias = "pool_size")]
    size: Vec<usize>,
    strides: Option<Vec<usize>>,
    #[serde(default)]
    padding: Padding,
}

fn make(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    tensors(layer, &[], &[])?;
    let pool: MaxPool = attributes(layer)?;
    check_lengths("size", &pool.size, 2)?;
    check_lengths("strides", pool.strides.as_ref().unwrap_or(&pool.size), 2)?;
    Ok(Box::new(pool))
}

impl Layer for MaxPool {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        let shape = image(g.shape(x), 2)?;
        let strides = self.strides.as_ref().unwrap_or(&self.size);
        let size = [self.size[0], self.size[1]];
        let windows = Windows::new(shape, size, [strides[0], strides[1]], self.padding)?;
        let (area, channels) = (size[0] * size[1], shape[2]);
        let mut elements = Vec::new();
        for (row, column) in windows.positions() {
            let inside = |n: usize| windows.pixel(row, column, n / size[1], n % size[1]);
            let pixels: Vec<usize> = (0..area).filter_map(inside).collect();
            let first = *pixels.first().ok_or_else(|| Error::bug("a window outside the image"))?;
            // A window at the border repeats its first pixel, which changes no maximum.
            let pixel = |n: usize| *pixels.get(n).unwrap_or(&first);
            for n in 0..area {
                elements.extend((0..channels).map(|c| (0, (pixel(n) * channels + c) as u32)));
            }
        }
        let x = g.gather(&[x], &[windows.count[0], windows.count[1], area, channels], elements)?;
        g.reduce(x, Reduction::Max, 2)
    }
}
