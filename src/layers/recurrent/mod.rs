//! `simple_rnn`, `lstm` and `gru`: recurrent layers, unrolled over the sequence `[steps, features]`.
//!
//! With `u` units, `x` the features of a step, `h` and `c` the state as the step reads it (after `state_quantizer`, also at
//! the first step, whose state is 0), `W` the kernel, `U` the recurrent kernel, and gates along the last axis in the order
//! that the names stand in:
//!
//! - `simple_rnn`: `h' = activation(x W + b + h U)`.
//! - `lstm`: `i, f, c^, o = x W + b + h U`; `c' = r(f) c + r(i) a(c^)`; `h' = r(o) a(c')`.
//! - `gru`: `z = r(x Wz + bz + h Uz)`, likewise `r`; with `reset_after` (two rows of biases, of the input and of the state)
//!   `h^ = a(x Wh + bh + r (h Uh + bh2))`, without `h^ = a(x Wh + bh + (r h) Uh)`; `h' = z h + (1 - z) h^`.
//!
//! `a` is `activation` (default `tanh`), `r` is `recurrent_activation` (default `sigmoid`). The value is the last `h'`, or with
//! `return_sequences` all of them, in the order of computation; `go_backwards` computes from the last step on. Sources: Keras
//! 2.15 and 3, `layers/rnn`; QKeras 0.9.0, `qrecurrent.py`. Keras' `implementation` changes the order of float sums only.
//!
//! With `stateful`, the first step of an event reads what the last step of the event before left, 0 at first: see `stateful.rs`.
//!
//! Sums and products are exact, so a state that no quantizer bounds is wider after each step. Formats beyond those of the
//! frameworks, each brought to the values as they are computed: `gate_format` behind the sums that the functions read,
//! `recurrent_activation_format` and `activation_format` behind the functions, `carry_format` (of an `lstm`) behind `c'`,
//! `state_format` behind `h'`. A float function needs one behind it where the recurrence multiplies its values.
//!
//! hls4ml's recurrence (`nnet_recurrent.h`) is these formats with `product_format` and `accumulator_format` (as of `dense`; the
//! latter also behind `r (h Uh + bh2)`), and with `table_format` (and `table_size`, 1024), which make `sigmoid` and `tanh` its tables:
//! `accum_t` is the product, accumulator, gate and both activation formats, the type of the result the carry and state formats.

mod cells;
mod matrix;
mod stateful;

use super::attributes::{attributes, one, required, tensors};
use super::casts::Casts;
use super::{Layer, Make};
use crate::error::{At, Error, Result};
use crate::fixed::{Fixed, Range};
use crate::network::{self, Tensor, elements};
use crate::quantizers::Role;
use crate::registry::Entry;
use crate::tensor::{Builder, Id};
use cells::{Functions, Kind};
use matrix::{Matrix, bias};
use serde::Deserialize;

/// The simple cell.
pub const SIMPLE_RNN: Entry<Make> =
    Entry { name: "simple_rnn", doc: "h' = activation(x W + b + h U), over a sequence", make: make_simple };
/// Long short-term memory.
pub const LSTM: Entry<Make> =
    Entry { name: "lstm", doc: "long short-term memory over a sequence; gates i, f, c, o", make: make_lstm };
/// Gated recurrent units.
pub const GRU: Entry<Make> =
    Entry { name: "gru", doc: "gated recurrent units over a sequence; gates z, r, h", make: make_gru };

/// The most steps, each of which is hardware of its own.
const MOST_STEPS: usize = 1 << 12;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    units: Option<usize>,
    activation: Option<String>,
    recurrent_activation: Option<String>,
    #[serde(default)]
    return_sequences: bool,
    #[serde(default)]
    go_backwards: bool,
    #[serde(default)]
    stateful: bool,
    reset_after: Option<bool>,
    kernel_quantizer: Option<String>,
    recurrent_quantizer: Option<String>,
    bias_quantizer: Option<String>,
    state_quantizer: Option<String>,
    gate_format: Option<String>,
    activation_format: Option<String>,
    recurrent_activation_format: Option<String>,
    carry_format: Option<String>,
    state_format: Option<String>,
    product_format: Option<String>,
    accumulator_format: Option<String>,
    table_format: Option<String>,
    table_size: Option<u32>,
}

struct Recurrent {
    kind: Kind,
    attributes: Attributes,
    kernel: Tensor,
    recurrent_kernel: Tensor,
    bias: Option<Tensor>,
}

fn make_simple(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    make(layer, |_| Kind::Simple)
}

fn make_lstm(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    make(layer, |_| Kind::Lstm)
}

fn make_gru(layer: &network::Layer) -> Result<Box<dyn Layer>> {
    make(layer, |attributes| Kind::Gru { reset_after: attributes.reset_after.unwrap_or(true) })
}

fn make(layer: &network::Layer, kind: fn(&Attributes) -> Kind) -> Result<Box<dyn Layer>> {
    let attributes: Attributes = attributes(layer)?;
    let kind = kind(&attributes);
    only(&attributes, kind, &layer.kind)?;
    let mut found = tensors(layer, &["kernel", "recurrent_kernel"], &["bias"])?.into_iter();
    let kernel = required(found.next().flatten())?;
    let recurrent_kernel = required(found.next().flatten())?;
    let recurrent = Recurrent { kind, attributes, kernel, recurrent_kernel, bias: found.next().flatten() };
    recurrent.check()?;
    Ok(Box::new(recurrent))
}

/// An attribute that the kind has no use for is a mistake.
fn only(attributes: &Attributes, kind: Kind, name: &str) -> Result<()> {
    let simple = kind == Kind::Simple;
    let misplaced = [
        ("recurrent_activation", simple && attributes.recurrent_activation.is_some()),
        ("recurrent_activation_format", simple && attributes.recurrent_activation_format.is_some()),
        ("carry_format", kind != Kind::Lstm && attributes.carry_format.is_some()),
        ("reset_after", !matches!(kind, Kind::Gru { .. }) && attributes.reset_after.is_some()),
    ];
    match misplaced.iter().find(|(_, misplaced)| *misplaced) {
        Some((attribute, _)) => {
            Err(Error::user(format!("a {name} layer has no `{attribute}`"), "leave the attribute out"))
        }
        None => Ok(()),
    }
}

impl Recurrent {
    fn units(&self) -> usize {
        self.recurrent_kernel.shape.first().copied().unwrap_or(0)
    }

    /// Kernel `[features, gates * units]`, recurrent kernel `[units, gates * units]`, and one or two rows of biases.
    fn check(&self) -> Result<()> {
        let units = self.units();
        let columns = units.saturating_mul(self.kind.gates());
        let wrong = |name: &str, shape: &[usize], expected: String| {
            Err(Error::user(format!("`{name}` has shape {shape:?}"), format!("expected {expected}")))
        };
        if self.recurrent_kernel.shape != [units, columns] || units == 0 {
            let gates = self.kind.gates();
            return wrong("recurrent_kernel", &self.recurrent_kernel.shape, format!("[units, {gates} * units]"));
        }
        if self.kernel.shape.len() != 2 || self.kernel.shape[1] != columns || self.kernel.data.is_empty() {
            return wrong("kernel", &self.kernel.shape, format!("[features, {columns}]"));
        }
        if self.attributes.units.is_some_and(|given| given != units) {
            return wrong("recurrent_kernel", &self.recurrent_kernel.shape, "as many rows as `units` says".into());
        }
        let rows = if self.kind == (Kind::Gru { reset_after: true }) { vec![2, columns] } else { vec![columns] };
        match &self.bias {
            Some(bias) if bias.shape != rows => wrong("bias", &bias.shape, format!("{rows:?}")),
            _ => Ok(()),
        }
    }

    /// `x W + b` of all steps at once, `[steps, gates * units]`; and the biases of the state, if there are any.
    fn project(&self, g: &mut Builder, x: Id, casts: Casts) -> Result<(Id, Option<Vec<Fixed>>)> {
        let a = &self.attributes;
        let kernel = Matrix::new(&self.kernel, a.kernel_quantizer.as_deref()).at("`kernel`")?;
        let tensor = self.bias.as_ref();
        let bias = tensor.map(|tensor| bias(tensor, a.bias_quantizer.as_deref(), Role::Other));
        let mut bias = bias.transpose().at("`bias`")?;
        let columns = self.kernel.shape[1];
        let state = bias.as_mut().filter(|bias| bias.len() > columns).map(|bias| bias.split_off(columns));
        Ok((kernel.place(g, bias, casts)?.times(g, x)?, state))
    }

    fn functions(&self) -> Functions<'_> {
        let a = &self.attributes;
        Functions {
            activation: a.activation.as_deref().unwrap_or("tanh"),
            recurrent_activation: a.recurrent_activation.as_deref().unwrap_or("sigmoid"),
            gate_format: a.gate_format.as_deref(),
            activation_format: a.activation_format.as_deref(),
            recurrent_activation_format: a.recurrent_activation_format.as_deref(),
            carry_format: a.carry_format.as_deref(),
            state_format: a.state_format.as_deref(),
            accumulator_format: a.accumulator_format.as_deref(),
            table: a.table_format.as_deref().map(|format| (a.table_size.unwrap_or(1024), format)),
        }
    }
}

impl Layer for Recurrent {
    fn expand(&self, g: &mut Builder, x: &[Id]) -> Result<Id> {
        let x = one(x)?;
        if self.attributes.stateful {
            let kept = self.keeps_what_it_reads(g)?;
            return stateful::expand(g, self.units(), self.kind.states(), |g, first| {
                let (value, last) = self.steps(g, x, first, kept)?;
                Ok((value, if kept { self.read(g, &last)? } else { last }))
            });
        }
        let zero = g.constant(&[self.units()], vec![Fixed::ZERO; self.units()])?;
        Ok(self.steps(g, x, vec![zero; self.kind.states()], false)?.0)
    }
}

impl Recurrent {
    /// States as a step reads them.
    fn read(&self, g: &mut Builder, state: &[Id]) -> Result<Vec<Id>> {
        let quantizer = self.attributes.state_quantizer.as_deref();
        state.iter().map(|state| cells::quantized(g, *state, quantizer)).collect::<Result<_>>().at("`state_quantizer`")
    }

    /// Whether registers may hold states as they are read, which are narrower: so they may where 0 is read as 0.
    fn keeps_what_it_reads(&self, g: &Builder) -> Result<bool> {
        let mut trial = g.clone();
        let zero = trial.constant(&[1], vec![Fixed::ZERO])?;
        let read = self.read(&mut trial, &[zero])?;
        Ok(trial.graph().node(read[0]).ranges == [Range::point(Fixed::ZERO)])
    }

    /// All steps from a state on, which may be there as the first one reads it: the layer's value, and the state that the
    /// last one leaves.
    fn steps(&self, g: &mut Builder, x: Id, mut state: Vec<Id>, is_read: bool) -> Result<(Id, Vec<Id>)> {
        let (units, columns) = (self.units(), self.kernel.shape[1]);
        let [steps, features] = *g.shape(x) else {
            let what = format!("its input has shape {:?}", g.shape(x));
            return Err(Error::user(what, "a recurrent layer reads [steps, features]; reshape its input"));
        };
        if features != self.kernel.shape[0] || steps > MOST_STEPS {
            let what = format!("its input has {steps} steps of {features} features");
            let help = format!("the kernel takes {} features, and {MOST_STEPS} steps at most", self.kernel.shape[0]);
            return Err(Error::user(what, help));
        }
        elements(&[steps, columns])?;
        let a = &self.attributes;
        let casts = Casts::new(a.product_format.as_deref(), a.accumulator_format.as_deref())?;
        let (projected, state_bias) = self.project(g, x, casts)?;
        let recurrent = Matrix::new(&self.recurrent_kernel, a.recurrent_quantizer.as_deref());
        let cell = self.kind.cell(g, &recurrent.at("`recurrent_kernel`")?, state_bias, casts, self.functions())?;
        let mut outputs = Vec::with_capacity(steps);
        for at in 0..steps {
            let step = if a.go_backwards { steps - 1 - at } else { at };
            let row = (0..columns).map(|e| (0, (step * columns + e) as u32)).collect();
            let gates = g.gather(&[projected], &[columns], row)?;
            let read = if is_read && at == 0 { state } else { self.read(g, &state)? };
            state = cell.step(g, gates, &read).map_err(|error| grown(error, at))?;
            outputs.push(state[0]);
        }
        let value = match outputs.last() {
            Some(last) if !a.return_sequences => *last,
            _ => {
                let all = (0..steps as u32).flat_map(|s| (0..units as u32).map(move |e| (s, e))).collect();
                g.gather(&outputs, &[steps, units], all)?
            }
        };
        Ok((value, state))
    }
}

/// A number that became too wide did so because the state grew.
fn grown(error: Error, step: usize) -> Error {
    if step == 0 || !error.what.contains("127 bits") {
        return error;
    }
    let what = format!("after {step} steps the state is so wide that a result needs more than 127 bits");
    let help =
        "give the layer a `state_quantizer` (or a `state_format`): without one the state is wider after each step";
    Error { what, help: help.into(), ..error }
}
