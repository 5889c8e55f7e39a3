//! Weights of recurrent layers: quantized as a whole, used by parts.

use super::super::casts::{self, Casts};
use super::super::product::quantized;
use crate::error::{Error, Result};
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

/// A matrix in the graph, what is added to its products, and the casts inside them.
pub struct Placed {
    matrix: Matrix,
    bias: Option<Vec<Fixed>>,
    casts: Casts,
    /// The matrix and the bias, where nothing is cast.
    ids: (Id, Option<Id>),
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

    /// Puts it into the graph, with a bias for each column or none.
    ///
    /// # Errors
    /// Casts with a scale that is no power of two.
    pub fn place(self, g: &mut Builder, bias: Option<Vec<Fixed>>, casts: Casts) -> Result<Placed> {
        if !casts.is_none() && self.scale != [1.0] {
            let what = "`product_format` or `accumulator_format` with a kernel scale that is no power of two";
            return Err(Error::user(what, "use a quantizer with alpha=1 or 'auto_po2', or leave the formats out"));
        }
        let matrix = g.constant(&[self.rows, self.columns], self.codes.clone())?;
        let ids = (matrix, bias.clone().map(|bias| g.constant(&[bias.len()], bias)).transpose()?);
        Ok(Placed { matrix: self, bias, casts, ids })
    }
}

impl Placed {
    /// `x M + bias`, exact but for the casts; a scale that is no power of two enters as the exact number that its float32 is.
    ///
    /// # Errors
    /// The shapes do not fit, or a sum needs more than 127 bits.
    pub fn times(&self, g: &mut Builder, x: Id) -> Result<Id> {
        if !self.casts.is_none() {
            let Matrix { codes, columns, .. } = &self.matrix;
            let matrix = casts::Matrix { kernel: codes, outputs: *columns, bias: self.bias.as_deref() };
            return self.casts.multiply(g, x, &matrix);
        }
        let product = g.matmul(x, self.ids.0)?;
        let y = g.float(product, Float::Mul(self.matrix.scale.clone()))?;
        let y = g.exact(y)?;
        self.ids.1.map_or(Ok(y), |bias| g.add(y, bias))
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
