//! `einsum_dense`: sums of products with a kernel by an equation; `einsum`, `matmul` and `dot`: of two inputs.
//!
//! Equations are Keras' and name the sample axis, or hold it in `...`. A bias is broadcast to the result.

use super::attributes::one;
use super::attributes::{attributes, axis, required, tensors};
use super::contraction::{Contraction, Equation};
use super::product::{Part, Product, Weights};
use super::{Layer, Make};
use crate::error::{Error, Result};
use crate::network::{self, elements};
use crate::registry::Entry;
use crate::tensor::{Builder, Id, broadcast, broadcast_map};
use serde::Deserialize;

/// With a kernel.
pub const EINSUM_DENSE: Entry<Make> = Entry {
    name: "einsum_dense",
    doc: "sums of products with a kernel, by an equation such as abc,cd->abd",
    make: make_dense,
};
/// Of two inputs, by an equation.
pub const EINSUM: Entry<Make> =
    Entry { name: "einsum", doc: "sums of products of two inputs, by an equation", make: made::<Einsum> };
/// Of two inputs.
pub const MATMUL: Entry<Make> =
    Entry { name: "matmul", doc: "matrix products of two inputs over their last two axes", make: made::<MatMul> };
/// Of two inputs, over one axis of each.
pub const DOT: Entry<Make> =
    Entry { name: "dot", doc: "sums of products of two inputs over an axis of each", make: made::<Dot> };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dense {
    equation: String,
    kernel_quantizer: Option<String>,
    bias_quantizer: Option<String>,
    activation: Option<String>,
    product_format: Option<String>,
    accumulator_format: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Einsum {
    equation: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MatMul {
    #[serde(default)]
    transpose_a: bool,
    #[serde(default)]
    transpose_b: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dot {
    axes: Axes,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Axes {
    Both(i64),
    Each([i64; 2]),
}

struct EinsumDense {
    equation: String,
    product: Product,
}

fn made<T: serde::de::DeserializeOwned + Layer + 'static>(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    tensors(layer, &[], &[])?;
    Ok(Box::new(attributes::<T>(layer)?))
}

fn make_dense(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    let Dense { equation, kernel_quantizer, bias_quantizer, activation, product_format, accumulator_format } =
        attributes(layer)?;
    let weights = Weights { kernel_quantizer, bias_quantizer, activation, product_format, accumulator_format };
    let mut found = tensors(layer, &["kernel"], &["bias", "scale"])?.into_iter();
    let product = Product::of(required(found.next().flatten())?, found.next().flatten(), weights)?;
    let product = product.scaled(found.next().flatten())?;
    Ok(Box::new(EinsumDense { equation, product }))
}

/// The elements of an operand for each matrix product, as matrices.
fn matrices(g: &mut Builder, x: Id, parts: &[Vec<usize>], shape: [usize; 2]) -> Result<Vec<Id>> {
    g.room(parts.iter().map(Vec::len).sum())?;
    let whole = |part: &[usize]| part.iter().enumerate().all(|(i, e)| i == *e);
    let matrix = |part: &Vec<usize>| match parts.len() == 1 && whole(part) {
        true => g.reshape(x, &shape),
        false => g.gather(&[x], &shape, part.iter().map(|e| (0, *e as u32)).collect()),
    };
    parts.iter().map(matrix).collect()
}

impl Layer for EinsumDense {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = g.coded(one(x)?)?;
        let kernel = self.product.kernel_shape();
        let equation = Equation::read(&self.equation, [g.shape(x).len(), kernel.len()], [true, false])?;
        let Contraction { left, right, size: [rows, inner, columns], shape, elements } =
            equation.contract(g.shape(x), kernel)?;
        let mut biases = vec![Vec::new(); left.len()];
        if let Some(bias) = self.product.bias_shape() {
            if broadcast(bias, &shape).as_ref() != Some(&shape) {
                let what = format!("the bias has shape {bias:?}, and the result {shape:?}");
                return Err(Error::user(what, "give a bias that broadcasts to the result"));
            }
            biases = vec![vec![0; rows * columns]; left.len()];
            for ((part, element), from) in elements.iter().zip(broadcast_map(bias, &shape)) {
                biases[*part as usize][*element as usize] = from as usize;
            }
        }
        let xs = matrices(g, x, &left, [rows, inner])?;
        let part = |((x, kernel), bias)| Part { x, kernel, outputs: columns, bias };
        let parts: Vec<Part> = xs.into_iter().zip(right).zip(biases).map(part).collect();
        self.product.joined(g, &parts, &shape, elements)
    }
}

/// The sums of products of two inputs.
fn contracted(g: &mut Builder, [a, b]: [Id; 2], equation: &Equation) -> Result<Id> {
    let contraction = equation.contract(g.shape(a), g.shape(b))?;
    let [rows, inner, columns] = contraction.size;
    let left = matrices(g, a, &contraction.left, [rows, inner])?;
    let right = matrices(g, b, &contraction.right, [inner, columns])?;
    let products: Vec<Id> = left.into_iter().zip(right).map(|(a, b)| g.matmul(a, b)).collect::<Result<_>>()?;
    // A number is a tensor of one element, as in Keras.
    let shape = if contraction.shape.is_empty() { vec![1] } else { contraction.shape };
    let order = contraction.elements.iter().enumerate().all(|(i, e)| *e == (0, i as u32));
    match products[..] {
        [product] if order => g.reshape(product, &shape),
        _ => g.gather(&products, &shape, contraction.elements),
    }
}

/// The two inputs, exact.
fn two(g: &mut Builder, x: &[Id]) -> Result<[Id; 2]> {
    match x {
        [a, b] => Ok([g.coded(*a)?, g.coded(*b)?]),
        _ => Err(Error::user(format!("the layer has {} inputs, and takes two", x.len()), "give it two inputs")),
    }
}

/// Distinct names of axes.
fn names(from: usize, count: usize) -> Vec<char> {
    (from..from + count).map(|i| char::from_u32(0xe000 + i as u32).unwrap_or('?')).collect()
}

impl Layer for Einsum {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = two(g, x)?;
        let ranks = x.map(|x| g.shape(x).len());
        contracted(g, x, &Equation::read(&self.equation, ranks, [true, true])?)
    }
}

impl Layer for MatMul {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let [a, b] = two(g, x)?;
        let (left, right) = (g.shape(a).to_vec(), g.shape(b).to_vec());
        let few = || {
            let what = format!("a matrix product of shapes {left:?} and {right:?}");
            Error::user(what, "both need at least two axes; leading ones must be equal, or 1")
        };
        if left.len() < 2 || right.len() < 2 {
            return Err(few());
        }
        let batch = broadcast(&left[..left.len() - 2], &right[..right.len() - 2]).ok_or_else(few)?;
        let mut widen = |x: Id, own: &[usize]| {
            let mut shape = batch.clone();
            shape.extend(&own[own.len() - 2..]);
            if shape == own {
                return Ok(x);
            }
            g.room(elements(&shape)?)?;
            let map = broadcast_map(own, &shape).into_iter().map(|e| (0, e)).collect();
            g.gather(&[x], &shape, map)
        };
        let (a, b) = (widen(a, &left)?, widen(b, &right)?);
        let batch = names(3, batch.len());
        let matrix = |first: char, second: char, turned: bool| {
            let axes = if turned { [second, first] } else { [first, second] };
            batch.iter().copied().chain(axes).collect::<Vec<char>>()
        };
        let (left, right) = (matrix('m', 'k', self.transpose_a), matrix('k', 'n', self.transpose_b));
        contracted(g, [a, b], &Equation { left, right, result: matrix('m', 'n', false) })
    }
}

impl Layer for Dot {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = two(g, x)?;
        let [a, b] = x.map(|x| g.shape(x).len());
        let given = match self.axes {
            Axes::Both(axis) => [axis; 2],
            Axes::Each(axes) => axes,
        };
        let (over_a, over_b) = (axis(given[0], a)?, axis(given[1], b)?);
        let (left, mut right) = (names(0, a), names(a, b));
        right[over_b] = left[over_a];
        let rest = left.iter().chain(&right).copied().filter(|name| *name != left[over_a]);
        let result = rest.collect();
        contracted(g, x, &Equation { left, right, result })
    }
}
