//! `pad`, `crop` and `upsample`: an image grows or shrinks at its borders, or in its size.

use super::attributes::{attributes, one, tensors};
use super::windows::lengths;
use super::{Layer, Make};
use crate::error::{Error, Result};
use crate::fixed::Fixed;
use crate::network::{self, elements};
use crate::registry::Entry;
use crate::tensor::{Builder, Id, Reduction};
use serde::Deserialize;

/// A border.
pub const PAD: Entry<Make> = Entry {
    name: "pad",
    doc: "a border of a value, 0 if none is said: [before, after] for each axis, or for all but the last",
    make: |layer| borders::<Pad>(layer),
};
/// A border taken away.
pub const CROP: Entry<Make> = Entry {
    name: "crop",
    doc: "a border taken away: [before, after] for each axis, or for all but the last",
    make: |layer| borders::<Crop>(layer),
};
/// Pixels repeated.
pub const UPSAMPLE: Entry<Make> =
    Entry { name: "upsample", doc: "each pixel repeated along axes, or interpolated linearly", make: make_upsample };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pad {
    padding: Vec<[usize; 2]>,
    #[serde(default)]
    value: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Crop {
    cropping: Vec<[usize; 2]>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Upsample {
    size: Vec<usize>,
    #[serde(default)]
    interpolation: Interpolation,
}

#[derive(Deserialize, Clone, Copy, Default, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Interpolation {
    #[default]
    Nearest,
    Bilinear,
}

fn borders<T: serde::de::DeserializeOwned + Layer + 'static>(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    tensors(layer, &[], &[])?;
    Ok(Box::new(attributes::<T>(layer)?))
}

fn make_upsample(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    tensors(layer, &[], &[])?;
    let upsample: Upsample = attributes(layer)?;
    lengths("size", Some(upsample.size.clone()), upsample.size.len(), &[])?;
    Ok(Box::new(upsample))
}

/// The pairs of every axis; the last, of channels, may be left out.
fn pairs(name: &str, given: &[[usize; 2]], rank: usize) -> Result<Vec<[usize; 2]>> {
    let mut pairs = given.to_vec();
    if pairs.len() + 1 == rank {
        pairs.push([0, 0]);
    }
    match pairs.len() == rank {
        true => Ok(pairs),
        false => Err(Error::user(
            format!("`{name}` has {} pairs, and the input {rank} axes", given.len()),
            "give [before, after] for each axis; that of the channels, the last, may be left out",
        )),
    }
}

/// The elements of a tensor at the product of index lists, one list an axis; `None` is outside.
fn grid(shape: &[usize], axes: &[Vec<Option<usize>>]) -> Vec<Option<usize>> {
    let mut all = vec![Some(0)];
    for (length, indices) in shape.iter().zip(axes) {
        let at = |base: Option<usize>, index: Option<usize>| Some(base? * length + index?);
        all = all.iter().flat_map(|base| indices.iter().map(move |index| at(*base, *index))).collect();
    }
    all
}

/// A gather of a tensor at index lists, one an axis.
pub fn take(g: &mut Builder, x: Id, axes: &[Vec<usize>]) -> Result<Id> {
    let shape: Vec<usize> = axes.iter().map(Vec::len).collect();
    g.room(elements(&shape)?)?;
    let axes: Vec<Vec<Option<usize>>> = axes.iter().map(|axis| axis.iter().copied().map(Some).collect()).collect();
    let list = grid(g.shape(x), &axes).into_iter().flatten().map(|e| (0, e as u32)).collect();
    g.gather(&[x], &shape, list)
}

impl Layer for Pad {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = g.exact(one(x)?)?;
        let from = g.shape(x).to_vec();
        let pairs = pairs("padding", &self.padding, from.len())?;
        let longer = |(length, [before, after]): (&usize, &[usize; 2])| {
            let shape = length.checked_add(*before).and_then(|n| n.checked_add(*after));
            shape.ok_or_else(|| Error::user("`padding` is too large", "pad by fewer elements"))
        };
        let shape: Vec<usize> = from.iter().zip(&pairs).map(longer).collect::<Result<_>>()?;
        g.room(elements(&shape)?)?;
        let value = g.floats(&[1], &[self.value])?;
        let inside = |axis: usize| {
            let index = |i: usize| i.checked_sub(pairs[axis][0]).filter(|i| *i < from[axis]);
            (0..shape[axis]).map(index).collect()
        };
        let axes: Vec<Vec<Option<usize>>> = (0..from.len()).map(inside).collect();
        let list = grid(&from, &axes).into_iter().map(|e| e.map_or((1, 0), |e| (0, e as u32))).collect();
        g.gather(&[x, value], &shape, list)
    }
}

impl Layer for Crop {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        let from = g.shape(x).to_vec();
        let pairs = pairs("cropping", &self.cropping, from.len())?;
        let kept = |(length, [before, after]): (&usize, &[usize; 2])| {
            let end = length.checked_sub(*after).filter(|end| before < end);
            let what = || Error::user(format!("`cropping` takes all of an axis of {length}"), "crop fewer elements");
            end.map(|end| (*before..end).collect()).ok_or_else(what)
        };
        let axes: Vec<Vec<usize>> = from.iter().zip(&pairs).map(kept).collect::<Result<_>>()?;
        take(g, x, &axes)
    }
}

impl Layer for Upsample {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        let rank = g.shape(x).len();
        if self.size.len() + 1 != rank {
            let what = format!("`size` has {} lengths, and the input {rank} axes", self.size.len());
            return Err(Error::user(what, "give one for each axis but the last, that of the channels"));
        }
        (0..self.size.len()).try_fold(x, |x, axis| match self.interpolation {
            Interpolation::Nearest => {
                let length = g.shape(x)[axis];
                let many = length.checked_mul(self.size[axis]).ok_or_else(too_large)?;
                elements(&[many])?;
                self.axis(g, x, axis, (0..many).map(|i| i / self.size[axis]).collect())
            }
            Interpolation::Bilinear => self.interpolate(g, x, axis),
        })
    }
}

fn too_large() -> Error {
    Error::user("`size` is too large", "upsample by less")
}

impl Upsample {
    /// A gather along one axis.
    fn axis(&self, g: &mut Builder, x: Id, axis: usize, indices: Vec<usize>) -> Result<Id> {
        let shape = g.shape(x).to_vec();
        let own = |i: usize| if i == axis { indices.clone() } else { (0..shape[i]).collect() };
        take(g, x, &(0..shape.len()).map(own).collect::<Vec<_>>())
    }

    /// Linear interpolation along one axis between the centres of pixels, as TensorFlow resizes: position `i` lies at
    /// `(i + 1/2) / size - 1/2`, and pixels beyond the border are those at it.
    fn interpolate(&self, g: &mut Builder, x: Id, axis: usize) -> Result<Id> {
        let size = self.size[axis];
        if !size.is_power_of_two() {
            let what = format!("bilinear upsampling by {size} needs shares that are no fractions of a power of two");
            return Err(Error::user(what, "upsample by a power of two, or with interpolation \"nearest\""));
        }
        let x = g.exact(x)?;
        let mut shape = g.shape(x).to_vec();
        let length = shape[axis];
        let many = length.checked_mul(size).ok_or_else(too_large)?;
        elements(&[many, 2])?;
        // In units of 1 / (2 size): positions, and the share of the pixel after.
        let position = |i: usize| (2 * i + 1) as i64 - size as i64;
        let unit = 2 * size as i64;
        let pixel = |i: i64| i.clamp(0, length as i64 - 1) as usize;
        let pairs = (0..many).flat_map(|i| [0, 1].map(|n| pixel(position(i).div_euclid(unit) + n)));
        let both = self.axis(g, x, axis, pairs.collect())?;
        shape.splice(axis..=axis, [many, 2]);
        let both = g.reshape(both, &shape)?;
        let shares = (0..many).flat_map(|i| {
            let after = position(i).rem_euclid(unit);
            [unit - after, after].map(|n| Fixed::new(n.into(), -(unit.trailing_zeros() as i32)))
        });
        let mut own = vec![many, 2];
        own.resize(shape.len() - axis, 1);
        let shares = g.constant(&own, shares.collect())?;
        let products = g.mul(both, shares)?;
        g.reduce(products, Reduction::Sum, axis + 1)
    }
}
