//! Recurrent networks: `RNN`, `LSTM`, `GRU`, forward or reverse, unrolled over the sequence.
//!
//! ONNX has the sequence first (`layout` 0), so that exporters transpose around it; that only renames axes here. Weights
//! are `[1, gates * units, inputs]`, gates in the order i, o, f, c (LSTM) and z, r, h (GRU); ours are `[inputs, gates * units]`
//! in Keras' order i, f, c, o and z, r, h.

use super::super::constant::Constant;
use super::super::graph::{Graph, Tensor, Value};
use super::super::node::Node;
use super::linear::{transposed, with_kernel};
use super::{Operator, refuse};
use crate::error::{Error, Result};
use crate::network::{Layer, Tensor as Array};

/// The family.
pub const OPERATORS: &[(&str, Operator)] = &[
    ("RNN", |g, node| recurrent(g, node, "simple_rnn", &[0], &["Tanh"])),
    ("LSTM", |g, node| recurrent(g, node, "lstm", &[0, 2, 3, 1], &["Sigmoid", "Tanh", "Tanh"])),
    ("GRU", |g, node| recurrent(g, node, "gru", &[0, 1, 2], &["Sigmoid", "Tanh"])),
];

/// Blocks of rows in another order; `c` is `[gates * units, ..]`.
fn gates(c: &Constant, units: usize, order: &[usize]) -> Constant {
    let row = c.dims[1..].iter().product::<usize>() * units;
    let map: Vec<usize> = order.iter().flat_map(|gate| gate * row..(gate + 1) * row).collect();
    c.gathered(c.dims.clone(), &map)
}

fn recurrent(g: &mut Graph, node: &Node, kind: &str, order: &[usize], functions: &[&str]) -> Result<()> {
    let x = g.tensor(node, 0)?;
    let direction = node.text("direction", "forward");
    if direction == "bidirectional" || node.has("clip") {
        return refuse("both directions in one node, or clipped states", "export two nodes, one of them in reverse");
    }
    node.only("input_forget", 0, "export an LSTM with a forget gate of its own")?;
    let [recurrent_function, function] = activations(node, functions)?;
    let (w, r) = (g.required(node, 1)?, g.required(node, 2)?);
    let units = r.dims.get(2).copied().unwrap_or(0);
    let rows = units * order.len();
    if w.dims.len() != 3 || r.dims != [1, rows, units] || w.dims[..2] != [1, rows] || units == 0 {
        let what = format!("weights of shapes {:?} and {:?}", w.dims, r.dims);
        return Err(Error::user(what, "the file is damaged; export it again"));
    }
    for state in [5, 6, 7] {
        let known = g.constant(node, state)?;
        if known.is_some_and(|state| state.data.iter().any(|value| *value != 0.0)) {
            return refuse("a first state that is not 0, or peepholes", "start from zero states");
        }
    }
    let inside = |c: &Constant| gates(&c.reshaped(c.dims[1..].to_vec()), units, order);
    let (kernel, recurrent) = (transposed(&inside(&w), &[1, 0]), transposed(&inside(&r), &[1, 0]));
    let samples_first = node.integer("layout", 0) != 0;
    let (steps, batch) = if samples_first { (1, 0) } else { (0, 1) };
    let x = g.arranged(&x, &[batch, steps, 2])?;
    let mut layer = with_kernel(g.layer(node, kind, &[&x]), &kernel)?;
    let plain = |c: &Constant| Array::new(c.dims.clone(), c.data.clone());
    if layer.tensors.contains_key("scale") || recurrent.codes.is_some() {
        layer.tensors.remove("scale");
        layer.tensors.insert("kernel".into(), plain(&kernel)?);
    }
    layer = layer.with_tensor("recurrent_kernel", plain(&recurrent)?).with("units", units);
    layer = layer.with("activation", function);
    if functions.len() > 1 {
        layer = layer.with("recurrent_activation", recurrent_function);
    }
    layer = biased(g, node, layer, kind, units, order)?;
    if direction == "reverse" {
        layer = layer.with("go_backwards", true);
    }
    let length = x.shape[steps];
    // All states: [samples, steps, units] in the layer, [steps, 1, samples, units] for ONNX.
    if node.output(0).is_some_and(|name| g.reads(name)) {
        let mut all = layer.clone().with("return_sequences", true);
        all.name = g.fresh(&node.name);
        let mut name = g.push(all);
        if direction == "reverse" {
            let back = g.fresh(&format!("{name}_reversed"));
            name = g.push(Layer::new(back, "reverse", vec![name]).with("axis", 0));
        }
        let wide = g.fresh(&format!("{name}_direction"));
        let wide = g.push(Layer::new(wide, "reshape", vec![name]).with("shape", vec![length, 1, units]));
        let (shape, order) = match samples_first {
            false => (vec![length, 1, 1, units], vec![2, 0, 1, 3]),
            true => (vec![1, length, 1, units], vec![0, 1, 2, 3]),
        };
        g.result(node, 0, Value::Tensor(Tensor { layer: wide, shape, order }));
    }
    if node.output(2).is_some_and(|name| g.reads(name)) {
        return refuse("the cell state as an output", "use the hidden state only");
    }
    if node.output(1).is_some_and(|name| g.reads(name)) {
        let name = g.push(layer);
        let wide = g.fresh(&format!("{name}_direction"));
        let wide = g.push(Layer::new(wide, "reshape", vec![name]).with("shape", vec![1, units]));
        let order = if samples_first { vec![0, 1, 2] } else { vec![1, 0, 2] };
        g.result(node, 1, Value::Tensor(Tensor { layer: wide, shape: vec![1, 1, units], order }));
    }
    Ok(())
}

/// The functions of the gates and of the state, as ours; `own` are ONNX' default ones. Numbers are consumed by the functions that have
/// some, in their order.
fn activations(node: &Node, own: &[&str]) -> Result<[String; 2]> {
    let given = node.texts("activations");
    let names: Vec<String> = if given.is_empty() { own.iter().map(|name| name.to_string()).collect() } else { given };
    let mut alphas = node.floats("activation_alpha").unwrap_or_default().into_iter();
    let mut betas = node.floats("activation_beta").unwrap_or_default().into_iter();
    let mut calls = Vec::new();
    for name in &names {
        calls.push(match name.as_str() {
            "Relu" => "relu".to_string(),
            "Tanh" => "tanh".into(),
            "Sigmoid" => "sigmoid".into(),
            "Softsign" => "softsign".into(),
            "Softplus" => "softplus".into(),
            "LeakyRelu" => format!("leaky_relu({})", alphas.next().unwrap_or(0.01)),
            "HardSigmoid" => {
                format!("hard_sigmoid_keras2({},{})", alphas.next().unwrap_or(0.2), betas.next().unwrap_or(0.5))
            }
            other => {
                let help = "known: Relu, Tanh, Sigmoid, HardSigmoid, LeakyRelu, Softsign, Softplus";
                return Err(Error::user(format!("the activation {other}"), help));
            }
        });
    }
    match calls.as_slice() {
        [gates] => Ok([gates.clone(), gates.clone()]),
        [gates, state] => Ok([gates.clone(), state.clone()]),
        [gates, cell, hidden] if cell == hidden => Ok([gates.clone(), cell.clone()]),
        _ => Err(Error::user("different activations of cell and hidden state", "use the same for both")),
    }
}

/// Two biases, `[1, 2 * gates * units]`: their sum, or (for a GRU that resets after the product) both.
fn biased(g: &Graph, node: &Node, layer: Layer, kind: &str, units: usize, order: &[usize]) -> Result<Layer> {
    let after = kind == "gru" && node.integer("linear_before_reset", 0) != 0;
    let layer = if kind == "gru" { layer.with("reset_after", after) } else { layer };
    let rows = units * order.len();
    let Some(bias) = g.constant(node, 3)? else {
        return Ok(layer);
    };
    if bias.data.len() != 2 * rows {
        return Err(Error::user(format!("biases of shape {:?}", bias.dims), "the file is damaged; export it again"));
    }
    let half = |from: usize| {
        let part = Constant::float(vec![rows], bias.data[from..from + rows].to_vec());
        gates(&part, units, order).data
    };
    let (own, recurrent) = (half(0), half(rows));
    if after {
        let both = own.into_iter().chain(recurrent).collect();
        return Ok(layer.with_tensor("bias", Array::new(vec![2, rows], both)?));
    }
    let sum = own.iter().zip(&recurrent).map(|(a, b)| f64::from(*a as f32 + *b as f32)).collect();
    Ok(layer.with_tensor("bias", Array::vector(sum)))
}
