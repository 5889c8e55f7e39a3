//! `QSimpleRNN` and `QGRU`: unrolled over the steps, with formats of each element in every step.
//!
//! With `x` the quantized features (`iq`) and `s` the state as a step reads it (`sq`; of `QSimpleRNN` only where `enable_sq` is
//! true), 0 at the first step, weights quantized by `kq`, `rkq`, `bq`:
//!
//! - `QSimpleRNN`: `h = activation(paq(x W + b + s U))`.
//! - `QGRU`: `z, r = praq(recurrent_activation(x W + b + s U + b2))`, `h^ = paq(activation(x Wh + bh + r rhq(s Uh + b2h)))`, or with `reset_after`
//!   false `paq(activation(x Wh + bh + rhq(r s) Uh))`; `h = z s + (1 - z) h^`.
//!
//! The layers of step `t` are called `LAYER_t_..`. Source: `hgq/layers/rnn` of HGQ2 0.2.0, run and compared.

use super::super::Class;
use super::super::config::{mismatch, truth};
use super::quantizer::{Quantizer, quantizer};
use super::state::Name;
use super::{State, activation, argument, named, take};
use crate::error::{At, Error, Result};
use crate::frontends::json::{optional, size};
use crate::frontends::keras::architecture::Node;
use crate::frontends::keras::builder::Builder;
use crate::network::{Layer, Tensor};

/// This family.
pub const CLASSES: &[Class] = &[("QSimpleRNN", recurrent), ("QGRU", recurrent)];

/// The most steps.
const MOST_STEPS: usize = 4096;

/// The weights and quantizers of a step.
struct Cell {
    units: usize,
    kernel: Tensor,
    recurrent: Tensor,
    /// Of the input's product, and of the state's.
    bias: [Option<Tensor>; 2],
    state: Option<Quantizer>,
    activation: Option<Quantizer>,
    gates: Option<Quantizer>,
    hidden: Option<Quantizer>,
    /// Of a `QGRU`; where the reset gate stands.
    reset_after: Option<bool>,
}

fn recurrent(b: &mut Builder, node: &Node) -> Result<()> {
    if truth(&node.config, "stateful", false)? || truth(&node.config, "return_state", false)? {
        let help = "leave out stateful and return_state";
        return Err(Error::user("keeps its state, or gives it as a result", help));
    }
    if b.reads().len() > 1 {
        return Err(Error::user("is called with an initial state", "the first state is 0; leave it out"));
    }
    let state = State::of(b, node)?;
    let gru = node.class == "QGRU";
    let name = if gru { "qgru_cell" } else { "simple_rnn_cell" };
    let part = state.part("cell", Name::Is(name))?;
    let cell = Cell::read(node, &part, gru)?;
    let input = b.one_input()?;
    let [steps, _] = *b.shape(&input)? else {
        return Err(Error::user("reads a tensor that is no [steps, features]", "give it two axes"));
    };
    if steps > MOST_STEPS {
        return Err(Error::user(format!("has {steps} steps"), format!("at most {MOST_STEPS} are unrolled")));
    }
    let read = match truth(&node.config, "enable_iq", true)? {
        true => quantize(b, node, "iq", &cell_quantizer(node, &part, "iq")?, input)?,
        false => input,
    };
    let name = named(b, node, "product");
    let products = product(b, name, read, &cell.kernel, &cell.bias[0]);
    let back = truth(&node.config, "go_backwards", false)?;
    let order: Vec<usize> = if back { (0..steps).rev().collect() } else { (0..steps).collect() };
    let (mut h, mut all) = (None, Vec::new());
    for (at, step) in order.into_iter().enumerate() {
        let name = named(b, node, &format!("{at}_input"));
        let x = b.push(Layer::new(name, "gather", vec![products.clone()]).with("indices", step).with("axis", 0));
        let next = match cell.reset_after {
            None => cell.simple(b, node, at, x, h)?,
            Some(after) => cell.gru(b, node, at, x, h, after)?,
        };
        all.push(next.clone());
        h = Some(next);
    }
    let last = h.ok_or_else(|| Error::user("has no steps", "give it a sequence"))?;
    let result = match truth(&node.config, "return_sequences", false)? {
        false => last,
        true => {
            let name = named(b, node, "all");
            let joined = if all.len() == 1 { last } else { b.push(Layer::new(name, "concatenate", all)) };
            b.push(Layer::new(&node.name, "reshape", vec![joined]).with("shape", vec![steps, cell.units]))
        }
    };
    b.give(vec![result]);
    Ok(())
}

/// A quantizer of the cell.
fn cell_quantizer(node: &Node, part: &State, name: &str) -> Result<Option<Quantizer>> {
    let mut found = part.part(name, Name::Is(name))?;
    if !found.exists()? {
        found = part.quantizer(name)?;
    }
    quantizer(argument(&node.config, &format!("{name}_conf")), &found).at(name.to_string())
}

fn quantize(b: &mut Builder, node: &Node, word: &str, with: &Option<Quantizer>, input: String) -> Result<String> {
    match with {
        Some(quantizer) => {
            let name = named(b, node, word);
            quantizer.push(b, name, input)
        }
        None => Ok(input),
    }
}

fn product(b: &mut Builder, name: String, read: String, kernel: &Tensor, bias: &Option<Tensor>) -> String {
    let layer = Layer::new(name, "dense", vec![read]).with_tensor("kernel", kernel.clone());
    b.push(bias.iter().fold(layer, |layer, bias| layer.with_tensor("bias", bias.clone())))
}

/// Some columns of a matrix, or elements of a vector.
fn columns(tensor: &Tensor, from: usize, to: usize) -> Tensor {
    let width = tensor.shape.last().copied().unwrap_or(1).max(1);
    let data = tensor.data.chunks(width).flat_map(|row| row[from.min(width)..to.min(width)].to_vec()).collect();
    let mut shape = tensor.shape.clone();
    if let Some(last) = shape.last_mut() {
        *last = to.min(width) - from.min(width);
    }
    Tensor { shape, data }
}

impl Cell {
    fn read(node: &Node, part: &State, gru: bool) -> Result<Cell> {
        let biased = truth(&node.config, "use_bias", true)?;
        let names: &[&str] =
            if biased { &["kernel", "recurrent_kernel", "bias"] } else { &["kernel", "recurrent_kernel"] };
        let mut arrays = part.arrays(names).at("cell")?;
        let mut weights = |name: &str, short: &str| -> Result<Tensor> {
            let tensor = take(&mut arrays, name)?;
            match cell_quantizer(node, part, short)? {
                Some(quantizer) => quantizer.weights(&tensor).at(short.to_string()),
                None => Ok(tensor),
            }
        };
        let (kernel, recurrent) = (weights("kernel", "kq")?, weights("recurrent_kernel", "rkq")?);
        let bias = if biased { Some(weights("bias", "bq")?) } else { None };
        let units = optional(&node.config, "units", size)?.unwrap_or(0);
        let all = units.saturating_mul(if gru { 3 } else { 1 });
        if units == 0 || recurrent.shape != [units, all] || kernel.shape.len() != 2 || kernel.shape[1] != all {
            return Err(mismatch(
                "recurrent_kernel",
                &recurrent.shape,
                &format!("[{units}, {all}], and as many columns of the kernel"),
            ));
        }
        let after = truth(&node.config, "reset_after", true)?;
        let rows = if gru && after { vec![2, all] } else { vec![all] };
        let bias = match bias {
            Some(bias) if bias.shape != rows => return Err(mismatch("bias", &bias.shape, &format!("{rows:?}"))),
            Some(bias) if rows.len() == 2 => {
                let row = |at: usize| Some(Tensor::vector(bias.data[at * all..(at + 1) * all].to_vec()));
                [row(0), row(1)]
            }
            bias => [bias, None],
        };
        let read = |name: &str, is: bool| if is { cell_quantizer(node, part, name) } else { Ok(None) };
        let stated = gru || truth(&node.config, "enable_sq", !argument(&node.config, "sq_conf").is_null())?;
        Ok(Cell {
            units,
            kernel,
            recurrent,
            bias,
            state: read("sq", stated)?,
            activation: read("paq", true)?,
            gates: read("praq", gru)?,
            hidden: read("rhq", gru)?,
            reset_after: gru.then_some(after),
        })
    }

    /// The state as it is read; nothing for 0.
    fn state(&self, b: &mut Builder, node: &Node, at: usize, h: Option<String>) -> Result<Option<String>> {
        h.map(|h| quantize(b, node, &format!("{at}_sq"), &self.state, h)).transpose()
    }

    fn simple(&self, b: &mut Builder, node: &Node, at: usize, x: String, h: Option<String>) -> Result<String> {
        let sum = match self.state(b, node, at, h)? {
            Some(s) => {
                let name = named(b, node, &format!("{at}_state"));
                let part = product(b, name, s, &self.recurrent, &None);
                join(b, node, &format!("{at}_sum"), "add", vec![x, part])
            }
            None => x,
        };
        let y = quantize(b, node, &format!("{at}_paq"), &self.activation, sum)?;
        activation(b, node, "activation", y)
    }

    fn gru(
        &self,
        b: &mut Builder,
        node: &Node,
        at: usize,
        x: String,
        h: Option<String>,
        after: bool,
    ) -> Result<String> {
        let units = self.units;
        let s = self.state(b, node, at, h)?;
        let word = |word: &str| format!("{at}_{word}");
        // What the state gives to the gates; at the first step its biases alone.
        let inner = match &s {
            Some(s) => {
                let width = if after { 3 * units } else { 2 * units };
                let name = named(b, node, &word("state"));
                Some(product(b, name, s.clone(), &columns(&self.recurrent, 0, width), &self.bias[1]))
            }
            None => None,
        };
        let mut gates = part(b, node, &word("gates"), x.clone(), 0, 2 * units);
        gates = match (&inner, &self.bias[1]) {
            (Some(inner), _) => {
                let inner = part(b, node, &word("state_gates"), inner.clone(), 0, 2 * units);
                join(b, node, &word("gates_sum"), "add", vec![gates, inner])
            }
            (None, Some(bias)) => add(b, node, &word("gates_sum"), gates, columns(bias, 0, 2 * units)),
            (None, None) => gates,
        };
        let gates = activation(b, node, "recurrent_activation", gates)?;
        let gates = quantize(b, node, &word("praq"), &self.gates, gates)?;
        let z = part(b, node, &word("z"), gates.clone(), 0, units);
        let mut candidate = part(b, node, &word("candidate"), x, 2 * units, 3 * units);
        let reset = self.reset(b, node, at, gates, inner.filter(|_| after), s.clone())?;
        if let Some(reset) = reset {
            candidate = join(b, node, &word("candidate_sum"), "add", vec![candidate, reset]);
        }
        let candidate = activation(b, node, "activation", candidate)?;
        let candidate = quantize(b, node, &word("paq"), &self.activation, candidate)?;
        Ok(mix(b, node, at, z, s, candidate))
    }

    /// What the state gives to the candidate, through the reset gate: of its product `inner`, or of the state itself.
    fn reset(
        &self,
        b: &mut Builder,
        node: &Node,
        at: usize,
        gates: String,
        inner: Option<String>,
        s: Option<String>,
    ) -> Result<Option<String>> {
        let units = self.units;
        let word = |word: &str| format!("{at}_{word}");
        let gate = |b: &mut Builder| part(b, node, &word("r"), gates, units, 2 * units);
        Ok(match (inner, s, &self.bias[1]) {
            (Some(inner), ..) => {
                let inner = part(b, node, &word("hidden"), inner, 2 * units, 3 * units);
                let inner = quantize(b, node, &word("rhq"), &self.hidden, inner)?;
                let r = gate(b);
                Some(join(b, node, &word("reset"), "multiply", vec![r, inner]))
            }
            (None, Some(s), _) => {
                let r = gate(b);
                let reset = join(b, node, &word("reset"), "multiply", vec![r, s]);
                let reset = quantize(b, node, &word("rhq"), &self.hidden, reset)?;
                let name = named(b, node, &word("hidden"));
                Some(product(b, name, reset, &columns(&self.recurrent, 2 * units, 3 * units), &None))
            }
            // At the first step, the quantized biases.
            (None, None, Some(bias)) => {
                let bias = columns(bias, 2 * units, 3 * units);
                let bias = self.hidden.as_ref().map_or(Ok(bias.clone()), |quantizer| quantizer.row(&bias))?;
                let (name, r) = (named(b, node, &word("reset")), gate(b));
                Some(b.push(Layer::new(name, "multiply", vec![r]).with_tensor("constant", bias)))
            }
            (None, None, None) => None,
        })
    }
}

/// `h^ + z (s - h^)`, which is `z s + (1 - z) h^`, both exact.
fn mix(b: &mut Builder, node: &Node, at: usize, z: String, s: Option<String>, candidate: String) -> String {
    let name = format!("{at}_difference");
    let difference = match s {
        Some(s) => join(b, node, &name, "subtract", vec![s, candidate.clone()]),
        None => {
            let name = named(b, node, &name);
            let minus = Tensor { shape: Vec::new(), data: vec![-1.0] };
            b.push(Layer::new(name, "multiply", vec![candidate.clone()]).with_tensor("constant", minus))
        }
    };
    let moved = join(b, node, &format!("{at}_moved"), "multiply", vec![z, difference]);
    join(b, node, &format!("{at}_next"), "add", vec![candidate, moved])
}

fn join(b: &mut Builder, node: &Node, word: &str, kind: &str, inputs: Vec<String>) -> String {
    let name = named(b, node, word);
    b.push(Layer::new(name, kind, inputs))
}

fn add(b: &mut Builder, node: &Node, word: &str, input: String, constant: Tensor) -> String {
    let name = named(b, node, word);
    b.push(Layer::new(name, "add", vec![input]).with_tensor("constant", constant))
}

/// Some elements of a vector.
fn part(b: &mut Builder, node: &Node, word: &str, input: String, from: usize, to: usize) -> String {
    let name = named(b, node, word);
    b.push(Layer::new(name, "gather", vec![input]).with("indices", (from..to).collect::<Vec<_>>()).with("axis", 0))
}
