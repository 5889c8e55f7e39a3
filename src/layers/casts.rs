//! Casts inside a matrix product: hls4ml's product and accumulator formats.
//!
//! `accumulator(bias)` is where a sum starts; each `x * w`, in the order of the inputs, is brought to the product format and
//! then to the accumulator format and is added; every partial sum stays in the accumulator format (saturates or wraps in it).
//! hls4ml's latency strategy stores products in the accumulator's type, which is the same without a product format
//! (nnet_dense_latency.h). What provably changes nothing is left out: products that both formats keep stay one exact matrix
//! product, and a wrapping accumulator wraps once, at the end.

use crate::error::{Error, Result};
use crate::fixed::{Fixed, Format, Overflow, Quantization, Range, Rounding};
use crate::tensor::{Builder, Id, Reduction};

/// The formats inside a product; none of them changes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Casts {
    /// Of each product.
    product: Option<Quantization>,
    /// Of each product behind it, of the bias, and of every partial sum.
    accumulator: Option<Quantization>,
}

/// A constant matrix and what is added to its product.
pub struct Matrix<'a> {
    /// `[inputs, outputs]`, C order.
    pub kernel: &'a [Fixed],
    /// Columns.
    pub outputs: usize,
    /// One per output, or one per element of the result, or none.
    pub bias: Option<&'a [Fixed]>,
}

/// What both casts do to the products of one matrix with one tensor.
struct Plan {
    /// For each weight: can a cast change a product of it?
    changed: Vec<bool>,
    /// The inputs whose products can be summed before any partial sum might saturate.
    prefix: usize,
    /// Bits that hold every product, counted from `2^0`.
    top: i32,
}

impl Casts {
    /// Reads the two formats.
    ///
    /// # Errors
    /// A text is no fixed-point format.
    pub fn new(product: Option<&str>, accumulator: Option<&str>) -> Result<Casts> {
        let format = |text: Option<&str>| text.map(str::parse).transpose();
        Ok(Casts { product: format(product)?, accumulator: format(accumulator)? })
    }

    /// Is there nothing to cast to?
    pub fn is_none(&self) -> bool {
        self.product.is_none() && self.accumulator.is_none()
    }

    /// `x W + bias` over the last axis of `x`, with every cast.
    ///
    /// # Errors
    /// The shapes do not fit, or a number needs more than 127 bits.
    pub fn multiply(&self, g: &mut Builder, x: Id, matrix: &Matrix<'_>) -> Result<Id> {
        let x = g.exact(x)?;
        let inner = matrix.kernel.len() / matrix.outputs.max(1);
        if g.shape(x).last() != Some(&inner) {
            // The plain product says what is wrong.
            let w = g.constant(&[inner, matrix.outputs], matrix.kernel.to_vec())?;
            return g.matmul(x, w);
        }
        let bias =
            matrix.bias.map(|bias| bias.iter().map(|b| self.start(*b)).collect::<Result<Vec<_>>>()).transpose()?;
        let plan = self.plan(g, x, matrix, bias.as_deref())?;
        let mut sum = self.sum(g, x, matrix, &plan)?;
        if let Some(bias) = bias {
            let mut shape = g.shape(x).to_vec();
            shape.last_mut().into_iter().for_each(|last| *last = matrix.outputs);
            let shape = if bias.len() == matrix.outputs { vec![matrix.outputs] } else { shape };
            let bias = g.constant(&shape, bias)?;
            sum = match sum {
                Some(sum) => Some(g.add(sum, bias)?),
                None => Some(self.broadcast(g, x, bias, matrix.outputs)?),
            };
        }
        let Some(accumulator) = self.accumulator else { return sum.ok_or_else(nothing) };
        let mut sum = match sum {
            Some(sum) => Some(g.quantize(sum, vec![accumulator])?),
            None => None,
        };
        for input in plan.prefix..inner {
            let term = self.products(g, x, &[input], matrix, None)?;
            let term = g.reduce(term, Reduction::Sum, g.shape(x).len() - 1)?;
            let next = sum.map_or(Ok(term), |sum| g.add(sum, term))?;
            sum = Some(g.quantize(next, vec![accumulator])?);
        }
        sum.ok_or_else(nothing)
    }

    fn start(&self, bias: Fixed) -> Result<Fixed> {
        let cast = self.accumulator.map_or(Some(bias), |accumulator| accumulator.apply(bias));
        cast.ok_or_else(|| Error::user("a bias needs more than 127 bits", "quantize the biases of this layer"))
    }

    /// A bias alone, for every position of `x`.
    fn broadcast(&self, g: &mut Builder, x: Id, bias: Id, outputs: usize) -> Result<Id> {
        let mut shape = g.shape(x).to_vec();
        if let Some(last) = shape.last_mut() {
            *last = outputs;
        }
        let (count, own) = (shape.iter().product::<usize>(), g.graph().node(bias).len());
        g.gather(&[bias], &shape, (0..count).map(|e| (0, (e % own) as u32)).collect())
    }

    fn plan(&self, g: &Builder, x: Id, matrix: &Matrix<'_>, bias: Option<&[Fixed]>) -> Result<Plan> {
        let (outputs, inner) = (matrix.outputs, matrix.kernel.len() / matrix.outputs.max(1));
        let ranges = &g.graph().node(x).ranges;
        let mut plan = Plan { changed: vec![false; matrix.kernel.len()], prefix: inner, top: 0 };
        let mut seen = std::collections::HashSet::new();
        let start =
            |row: usize, output: usize| bias.map_or(Fixed::ZERO, |bias| bias[(row * outputs + output) % bias.len()]);
        let differ = bias.is_some_and(|bias| bias.len() > outputs);
        for (index, row) in ranges.chunks(inner.max(1)).enumerate() {
            if !seen.insert((row, if differ { index } else { 0 })) {
                continue;
            }
            for output in 0..outputs {
                let mut sum = Range::point(start(index, output));
                for (input, range) in row.iter().enumerate() {
                    let weight = matrix.kernel[input * outputs + output];
                    let exact = if weight.is_zero() { Some(Range::point(weight)) } else { range.times(weight) };
                    let exact = exact.ok_or_else(too_wide)?;
                    plan.top = plan.top.max(exact.width() as i32 + exact.exp);
                    let (term, changed) = self.cast(exact);
                    plan.changed[input * outputs + output] |= changed;
                    if input >= plan.prefix {
                        continue;
                    }
                    sum = Range::add(sum, term).ok_or_else(too_wide)?;
                    if self.saturating().is_some_and(|accumulator| !accumulator.keeps(&sum)) {
                        plan.prefix = input;
                    }
                }
            }
        }
        Ok(plan)
    }

    fn saturating(&self) -> Option<&Quantization> {
        self.accumulator.as_ref().filter(|accumulator| accumulator.overflow != Overflow::Wrap)
    }

    /// What a product's range becomes, and whether a cast can change a number of it.
    fn cast(&self, exact: Range) -> (Range, bool) {
        let step = |(range, changed): (Range, bool), q: &Quantization| match q.keeps(&range) {
            true => (range, changed),
            false => (crate::tensor::quantized(q, Some(&range)), true),
        };
        [&self.product, &self.accumulator].into_iter().flatten().fold((exact, false), step)
    }

    /// The sum of the products of the inputs before the prefix' end.
    fn sum(&self, g: &mut Builder, x: Id, matrix: &Matrix<'_>, plan: &Plan) -> Result<Option<Id>> {
        let (outputs, inner) = (matrix.outputs, matrix.kernel.len() / matrix.outputs.max(1));
        let is_cast = |weight: usize| plan.changed[weight] || weight / outputs >= plan.prefix;
        let rest: Vec<Fixed> =
            (0..matrix.kernel.len()).map(|w| if is_cast(w) { Fixed::ZERO } else { matrix.kernel[w] }).collect();
        let exact = match rest.iter().all(|w| w.is_zero()) {
            true => None,
            false => {
                let w = g.constant(&[inner, outputs], rest)?;
                Some(g.matmul(x, w)?)
            }
        };
        let weights = |input: usize| input * outputs..(input + 1) * outputs;
        let cast: Vec<usize> = (0..plan.prefix).filter(|input| plan.changed[weights(*input)].contains(&true)).collect();
        if cast.is_empty() {
            return match (exact, plan.prefix) {
                (None, 1..) => {
                    let w = g.constant(&[inner, outputs], vec![Fixed::ZERO; inner * outputs])?;
                    Ok(Some(g.matmul(x, w)?))
                }
                (exact, _) => Ok(exact),
            };
        }
        let mut terms = self.products(g, x, &cast, matrix, Some(plan))?;
        let axis = g.shape(x).len() - 1;
        if let Some(exact) = exact {
            terms = beside(g, terms, exact, cast.len() * outputs, outputs)?;
        }
        g.reduce(terms, Reduction::Sum, axis).map(Some)
    }

    /// The products `[.., inputs, outputs]` of some inputs, cast; with a plan, only those that a cast changes, others 0.
    fn products(
        &self,
        g: &mut Builder,
        x: Id,
        inputs: &[usize],
        matrix: &Matrix<'_>,
        plan: Option<&Plan>,
    ) -> Result<Id> {
        let outputs = matrix.outputs;
        let mut shape = g.shape(x).to_vec();
        let inner = shape.pop().unwrap_or(1);
        let rows: usize = shape.iter().product();
        shape.extend([inputs.len(), 1]);
        let elements = (0..rows).flat_map(|row| inputs.iter().map(move |input| (0, (row * inner + input) as u32)));
        let column = g.gather(&[x], &shape, elements.collect())?;
        let weight = |w: usize| match plan {
            Some(plan) if !plan.changed[w] => Fixed::ZERO,
            _ => matrix.kernel[w],
        };
        let weights = inputs.iter().flat_map(|input| (0..outputs).map(move |o| input * outputs + o)).map(weight);
        let weights = g.constant(&[inputs.len(), outputs], weights.collect())?;
        let mut terms = g.mul(column, weights)?;
        let (product, accumulator) = match plan {
            Some(plan) => self.widened(plan.top),
            None => (self.product, self.accumulator),
        };
        for format in [product, accumulator].into_iter().flatten() {
            terms = g.quantize(terms, vec![format])?;
        }
        Ok(terms)
    }

    /// Formats for products whose sum wraps at the end: what would wrap earlier, to no effect, only rounds.
    fn widened(&self, top: i32) -> (Option<Quantization>, Option<Quantization>) {
        let Some(accumulator) = self.accumulator.filter(|a| a.overflow == Overflow::Wrap) else {
            return (self.product, self.accumulator);
        };
        let wide = |q: Quantization, top: i32| {
            let width = ((top - q.format.lsb).max(0) as u32 + 2).max(q.format.width).min(120);
            Quantization { format: Format { signed: true, width, ..q.format }, ..q }
        };
        let end = |q: &Quantization| q.format.lsb + q.format.width as i32;
        let shifts =
            matches!(accumulator.rounding, Rounding::Trn | Rounding::Rnd | Rounding::RndMinInf | Rounding::RndConv);
        let no_effect = |product: &Quantization| {
            product.overflow == Overflow::Wrap
                && end(product) >= end(&accumulator)
                && accumulator.format.width > 0
                && (shifts || product.format.lsb >= accumulator.format.lsb)
        };
        let product = self.product.map(|product| if no_effect(&product) { wide(product, top) } else { product });
        (product, Some(wide(accumulator, top.max(self.product.as_ref().map_or(top, end)))))
    }
}

/// `[.., k, n]` and `[.., n]` as `[.., k + 1, n]`.
fn beside(g: &mut Builder, terms: Id, exact: Id, block: usize, outputs: usize) -> Result<Id> {
    let mut shape = g.shape(terms).to_vec();
    let rows = shape.iter().product::<usize>() / block.max(1);
    let axis = shape.len() - 2;
    shape[axis] += 1;
    let row = |row: usize| {
        let own = (row * block..(row + 1) * block).map(|e| (0, e as u32));
        own.chain((row * outputs..(row + 1) * outputs).map(|e| (1, e as u32)))
    };
    g.gather(&[terms, exact], &shape, (0..rows).flat_map(row).collect())
}

fn too_wide() -> Error {
    Error::user("a product needs more than 127 bits", "quantize the operands of this layer")
}

fn nothing() -> Error {
    Error::bug("a matrix product of nothing")
}

#[cfg(test)]
mod tests;
