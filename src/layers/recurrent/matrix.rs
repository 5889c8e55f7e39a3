//! Weights of recurrent layers: quantized as a whole, used by parts.

use super::super::dense::quantized;
use crate::error::Result;
use crate::fixed::Fixed;
use crate::network::Tensor;
use crate::quantizers::Role;
use crate::tensor::{Builder, Float, Id};
use std::ops::Range;

/// A quantized matrix, C order.
pub struct Matrix {
    rows: usize,
    columns: usize,
    codes: Vec<Fixed>,
    /// One factor, or one for each column.
    scale: Vec<f32>,
}

/// A matrix in the graph.
pub struct Placed {
    id: Id,
    scale: Vec<f32>,
}

impl Matrix {
    /// Quantizes a tensor of two axes.
    ///
    /// # Errors
    /// As of the quantizer; without one, a weight of too many bits.
    pub fn new(tensor: &Tensor, quantizer: Option<&str>) -> Result<Matrix> {
        let found = quantized(tensor, quantizer, Role::Kernel)?;
        let (rows, columns) = (tensor.shape[0], tensor.shape[1]);
        Ok(Matrix { rows, columns, codes: found.codes, scale: found.scale })
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Some of its columns.
    pub fn part(&self, columns: Range<usize>) -> Matrix {
        let row = |r: usize| self.codes[r * self.columns..][columns.clone()].iter().copied();
        let scale = if self.scale.len() == 1 { self.scale.clone() } else { self.scale[columns.clone()].to_vec() };
        Matrix { rows: self.rows, columns: columns.len(), codes: (0..self.rows).flat_map(row).collect(), scale }
    }

    /// Puts it into the graph.
    ///
    /// # Errors
    /// None that a checked matrix gives.
    pub fn place(self, g: &mut Builder) -> Result<Placed> {
        Ok(Placed { id: g.constant(&[self.rows, self.columns], self.codes)?, scale: self.scale })
    }
}

impl Placed {
    /// `x M`, exact; a scale that is no power of two enters as the exact number that its float32 is.
    ///
    /// # Errors
    /// The shapes do not fit, or a sum needs more than 127 bits.
    pub fn times(&self, g: &mut Builder, x: Id) -> Result<Id> {
        let product = g.matmul(x, self.id)?;
        let y = g.float(product, Float::Mul(self.scale.clone()))?;
        g.exact(y)
    }
}

/// Biases as exact numbers; a scale of their own rounds each of them to float32, as in the frameworks.
///
/// # Errors
/// As of [`Matrix::new`].
pub fn bias(tensor: &Tensor, quantizer: Option<&str>, role: Role) -> Result<Vec<Fixed>> {
    let found = quantized(tensor, quantizer, role)?;
    if found.scale == [1.0] {
        return Ok(found.codes);
    }
    let value = |(e, code): (usize, &Fixed)| {
        let value = code.to_f32() * found.scale[e % found.scale.len()];
        Fixed::from_f64(f64::from(value)).unwrap_or(Fixed::ZERO)
    };
    Ok(found.codes.iter().enumerate().map(value).collect())
}
