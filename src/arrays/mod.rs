//! Arrays on disk: NumPy's `.npy` and `.npz`, and HDF5, read without trusting them and written without dates.

pub mod hdf5;
pub mod npy;
pub mod npz;
pub mod zip;

use crate::error::{Error, Result};
use crate::files::MAX_ELEMENTS;
use crate::network::Tensor;

/// What an array holds, in C order.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Numbers of any kind; every one is exact as `f64`.
    Numbers(Vec<f64>),
    /// NumPy's fixed-width unicode.
    Text(Vec<String>),
}

/// An array with its shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Length of each axis; empty for a scalar.
    pub shape: Vec<usize>,
    /// As many as the shape says.
    pub values: Values,
}

impl Array {
    /// The array as numbers.
    pub fn tensor(self) -> Result<Tensor> {
        match self.values {
            Values::Numbers(data) => Ok(Tensor { shape: self.shape, data }),
            Values::Text(_) => Err(Error::user("holds text, expected numbers", "store a numeric array")),
        }
    }

    /// The one text of a scalar text array.
    pub fn text(self) -> Result<String> {
        match self.values {
            Values::Text(mut texts) if texts.len() == 1 => Ok(texts.remove(0)),
            _ => Err(Error::user("holds no single text", "store a scalar unicode array")),
        }
    }
}

/// How many elements a shape has, within the limit.
pub fn elements(shape: &[usize]) -> Result<usize> {
    let product = shape.iter().try_fold(1usize, |product, length| product.checked_mul(*length));
    product.filter(|product| *product <= MAX_ELEMENTS).ok_or_else(|| {
        let help = format!("arrays have at most {MAX_ELEMENTS} elements; check that the file is not damaged");
        Error::user(format!("shape {shape:?} is too large"), help)
    })
}

/// C order from Fortran order.
pub(crate) fn from_fortran<T: Clone>(shape: &[usize], data: &[T]) -> Vec<T> {
    let mut strides = Vec::with_capacity(shape.len());
    let mut stride = 1;
    for length in shape {
        strides.push(stride);
        stride *= length;
    }
    let offset = |mut index: usize| {
        let mut offset = 0;
        for (length, stride) in shape.iter().zip(&strides).rev() {
            offset += index % length * stride;
            index /= length;
        }
        offset
    };
    (0..data.len()).map(|index| data[offset(index)].clone()).collect()
}
