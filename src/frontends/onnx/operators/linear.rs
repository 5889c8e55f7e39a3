//! Matrix products: `MatMul`, `Gemm`, `Einsum`.
//!
//! Quantized weights become a kernel of codes and a `scale` behind the product, one for all or one per output. A constant
//! that is added to a product becomes its bias (see `arithmetic.rs`).

use super::super::constant::Constant;
use super::super::graph::{Graph, Tensor, Value, permuted};
use super::super::node::Node;
use super::{Operator, refuse};
use crate::error::{At, Error, Result};
use crate::network::{Layer, Tensor as Array};

/// The family.
pub const OPERATORS: &[(&str, Operator)] =
    &[("MatMul", matmul), ("Gemm", gemm), ("Einsum", einsum), ("MatMulInteger", integer)];

fn integer(_: &mut Graph, _: &Node) -> Result<()> {
    refuse(
        "integer products of dynamic quantization have scales that follow the data",
        "quantize statically (QDQ), or export QONNX",
    )
}

/// A layer with a kernel whose outputs are its last axis: codes and scale where it was quantized.
///
/// # Errors
/// An empty kernel.
pub fn with_kernel(layer: Layer, kernel: &Constant) -> Result<Layer> {
    let outputs = kernel.dims.last().copied().unwrap_or(1).max(1);
    let array = |shape: Vec<usize>, data: Vec<f64>| Array::new(shape, data).at("kernel");
    let Some(codes) = &kernel.codes else {
        return Ok(layer.with_tensor("kernel", array(kernel.dims.clone(), kernel.data.clone())?));
    };
    let power = |scale: &f32| scale.to_bits() & 0x007f_ffff == 0 && scale.is_normal();
    let columns = codes.scale.get(..outputs).unwrap_or_default();
    let same = codes.scale.chunks(outputs).all(|row| row == columns);
    if codes.scale.iter().all(power) || !same {
        return Ok(layer.with_tensor("kernel", array(kernel.dims.clone(), kernel.data.clone())?));
    }
    let scale: Vec<f64> = columns.iter().map(|scale| f64::from(*scale)).collect();
    let scale = if scale.iter().all(|other| *other == scale[0]) { vec![scale[0]] } else { scale };
    Ok(layer
        .with_tensor("kernel", array(kernel.dims.clone(), codes.codes.clone())?)
        .with_tensor("scale", Array::vector(scale)))
}

/// A constant with its axes in another order.
pub fn transposed(c: &Constant, order: &[usize]) -> Constant {
    c.gathered(order.iter().map(|axis| c.dims[*axis]).collect(), &permuted(&c.dims, order))
}

/// The layer's order of axes with one of ONNX' axes last.
fn with_last(x: &Tensor, axis: usize) -> Vec<usize> {
    x.order.iter().copied().filter(|own| *own != axis).chain([axis]).collect()
}

/// `x W` over one of ONNX' axes of x; the result has the outputs there.
fn dense(g: &mut Graph, node: &Node, x: &Tensor, along: usize, kernel: &Constant) -> Result<(Layer, Tensor)> {
    x.axis(along)?;
    let [inputs, outputs] = kernel.dims[..] else {
        let what = format!("a matrix product of shapes {:?} and {:?}", x.shape, kernel.dims);
        return Err(Error::user(what, "constant matrices have two axes"));
    };
    if x.shape[along] != inputs {
        let what = format!("a matrix product of shapes {:?} and {:?}", x.shape, kernel.dims);
        return Err(Error::user(what, "the inner lengths differ; the file is damaged"));
    }
    let x = g.arranged(x, &with_last(x, along))?;
    let layer = with_kernel(g.layer(node, "dense", &[&x]), kernel)?;
    let mut y = x.with(layer.name.clone());
    y.shape[along] = outputs;
    Ok((layer, y))
}

fn matmul(g: &mut Graph, node: &Node) -> Result<()> {
    let square = |c: &Constant| {
        let lead = c.dims.len().saturating_sub(2);
        if c.dims[..lead].iter().all(|length| *length == 1) { c.reshaped(c.dims[lead..].to_vec()) } else { c.clone() }
    };
    let (layer, y) = match (g.value(node, 0)?, g.value(node, 1)?) {
        (Value::Tensor(x), Value::Constant(w)) => {
            let along = x.rank().saturating_sub(1);
            let w = square(&w);
            match w.dims.len() {
                // A vector: one output, whose axis goes away.
                1 => return refuse("a product with a vector", "give the vector a second axis of length 1"),
                _ => dense(g, node, &x, along, &w)?,
            }
        }
        (Value::Constant(w), Value::Tensor(x)) => {
            let along =
                x.rank().checked_sub(2).ok_or_else(|| Error::user("a product with a vector", "give it two axes"))?;
            let w = square(&w);
            if w.dims.len() != 2 {
                return refuse("several constant matrices in one product", "split the product");
            }
            dense(g, node, &x, along, &transposed(&w, &[1, 0]))?
        }
        (Value::Tensor(a), Value::Tensor(b)) => {
            let (a, b) = (g.plain(&a)?, g.plain(&b)?);
            let (rank, lead) = (a.rank(), a.rank().saturating_sub(2));
            let fits = rank == b.rank() && rank > 2 && a.shape[..lead] == b.shape[..lead];
            if !fits || a.shape[rank - 1] != b.shape[rank - 2] {
                let what = format!("a product of tensors of shapes {:?} and {:?}", a.shape, b.shape);
                return Err(Error::user(what, "leading axes must be equal"));
            }
            let layer = g.layer(node, "matmul", &[&a, &b]);
            let mut y = a.with(layer.name.clone());
            y.shape[rank - 1] = b.shape[rank - 1];
            (layer, y)
        }
        _ => return refuse("a product of two constants", "fold constants first: python -m onnxsim IN OUT"),
    };
    g.push(layer);
    g.gives(node, y)
}

fn gemm(g: &mut Graph, node: &Node) -> Result<()> {
    let x = g.tensor(node, 0)?;
    node.only("transA", 0, "transpose with a Transpose node")?;
    let w = g.required(node, 1)?;
    if w.dims.len() != 2 || x.rank() != 2 {
        let what = format!("a product of shapes {:?} and {:?}", x.shape, w.dims);
        return Err(Error::user(what, "Gemm takes matrices"));
    }
    let w = if node.integer("transB", 0) != 0 { transposed(&w, &[1, 0]) } else { (*w).clone() };
    let times = |name: &str, c: Constant| match node.float(name, 1.0) {
        1.0 => Ok(c),
        factor if c.codes.is_none() => super::fold::each(&c, |value| value * factor),
        factor => {
            let what = format!("`{name}` is {factor}, and the weights are quantized");
            Err(Error::user(what, "export with a factor of 1, or a Mul behind it"))
        }
    };
    let w = times("alpha", w)?;
    let (mut layer, y) = dense(g, node, &x, 1, &w)?;
    if let Some(bias) = g.constant(node, 2)? {
        let bias = times("beta", Constant { codes: None, ..(*bias).clone() })?;
        let outputs = y.shape[1];
        let data = match bias.data.len() {
            1 => vec![bias.data[0]; outputs],
            count if count == outputs => bias.data.clone(),
            _ => {
                let what = format!("a bias of shape {:?} for {outputs} outputs", bias.dims);
                return Err(Error::user(what, "give one bias per output"));
            }
        };
        layer = layer.with_tensor("bias", Array::vector(data));
    }
    g.push(layer);
    g.gives(node, y)
}

/// Two tensors, or a tensor and weights, by an equation that names the sample axis.
fn einsum(g: &mut Graph, node: &Node) -> Result<()> {
    let equation: String = node.text("equation", "").chars().filter(|c| !c.is_whitespace()).collect();
    let unclear = || {
        let help = "write it as in `bij,jk->bik`: the first letter of computed tensors counts samples";
        Error::user(format!("the equation `{equation}` is not supported"), help)
    };
    let (terms, result) = equation.split_once("->").ok_or_else(unclear)?;
    let (left, right) = terms.split_once(',').ok_or_else(unclear)?;
    if !equation.chars().all(|c| c.is_ascii_alphabetic() || ",->".contains(c))
        || !result.starts_with(&left[..1.min(left.len())])
    {
        return Err(unclear());
    }
    let x = g.tensor(node, 0)?;
    let x = g.plain(&x)?;
    let mut lengths: Vec<(char, usize)> = left.chars().zip(x.shape.iter().copied()).collect();
    if left.len() != x.rank() {
        return Err(unclear());
    }
    let layer = match g.value(node, 1)? {
        Value::Constant(w) if w.dims.len() == right.len() && !right.contains(&result[..1]) => {
            lengths.extend(right.chars().zip(w.dims.iter().copied()));
            let layer = g.layer(node, "einsum_dense", &[&x]).with("equation", equation.clone());
            let array = |data: Vec<f64>| Array::new(w.dims.clone(), data).at("kernel");
            match &w.codes {
                Some(codes) if codes.scale.iter().all(|scale| *scale == codes.scale[0]) => layer
                    .with_tensor("kernel", array(codes.codes.clone())?)
                    .with_tensor("scale", Array::vector(vec![f64::from(codes.scale[0])])),
                _ => layer.with_tensor("kernel", array(w.data.clone())?),
            }
        }
        Value::Tensor(y) if y.rank() == right.len() && right.starts_with(&result[..1]) => {
            let y = g.plain(&y)?;
            lengths.extend(right.chars().zip(y.shape.iter().copied()));
            g.layer(node, "einsum", &[&x, &y]).with("equation", equation.clone())
        }
        _ => return Err(unclear()),
    };
    let length = |letter: char| lengths.iter().find(|(own, _)| *own == letter).map(|(_, length)| *length);
    let shape: Vec<usize> = result.chars().map(length).collect::<Option<_>>().ok_or_else(unclear)?;
    let name = g.push(layer);
    g.gives(node, Tensor::plain(name, shape))
}
