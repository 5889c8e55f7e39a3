//! One step of each recurrent layer.

use super::super::activation::activate;
use super::super::casts::Casts;
use super::super::hls4ml_activation;
use super::matrix::{Matrix, Placed};
use crate::error::{At, Error, Result};
use crate::fixed::{Fixed, Format, Quantization, Range};
use crate::network;
use crate::tensor::{Builder, Id};

/// Which recurrent layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One state, no gates.
    Simple,
    /// Two states, `h` and `c`; gates i, f, c, o.
    Lstm,
    /// One state; gates z, r, h.
    Gru {
        /// Is the reset gate applied to the product of state and kernel, not to the state?
        reset_after: bool,
    },
}

/// The functions of a step, and the formats behind them.
pub struct Functions<'a> {
    pub activation: &'a str,
    pub recurrent_activation: &'a str,
    pub gate_format: Option<&'a str>,
    pub activation_format: Option<&'a str>,
    pub recurrent_activation_format: Option<&'a str>,
    pub carry_format: Option<&'a str>,
    pub state_format: Option<&'a str>,
    /// Behind the product of the reset gate.
    pub accumulator_format: Option<&'a str>,
    /// Entries and format of hls4ml's tables, in place of float functions.
    pub table: Option<(u32, &'a str)>,
}

/// What an attribute says, behind its name.
type Named<T> = (&'static str, T);

/// Functions that hls4ml looks up.
const TABLES: [&str; 2] = ["sigmoid", "tanh"];

/// A step, its weights in the graph.
pub struct Cell<'a> {
    kind: Kind,
    units: usize,
    functions: Functions<'a>,
    /// All gates at once; those of z and r where the state is reset before the product.
    recurrent: Placed,
    /// What remains then: h.
    candidate: Option<Placed>,
}

impl Kind {
    /// How many gates stand side by side.
    pub fn gates(self) -> usize {
        match self {
            Kind::Simple => 1,
            Kind::Lstm => 4,
            Kind::Gru { .. } => 3,
        }
    }

    /// How many states it has; the first is `h`.
    pub fn states(self) -> usize {
        if self == Kind::Lstm { 2 } else { 1 }
    }

    /// Puts the recurrent kernel and the state's biases into the graph.
    ///
    /// # Errors
    /// None that checked weights give.
    pub fn cell<'a>(
        self,
        g: &mut Builder,
        kernel: &Matrix,
        bias: Option<Vec<Fixed>>,
        casts: Casts,
        functions: Functions<'a>,
    ) -> Result<Cell<'a>> {
        let (units, all) = (kernel.rows(), kernel.rows() * self.gates());
        let apart = self == Kind::Gru { reset_after: false };
        let first = if apart { 2 * units } else { all };
        let recurrent = kernel.part(0..first).place(g, bias, casts)?;
        let candidate = if apart { Some(kernel.part(first..all).place(g, None, casts)?) } else { None };
        Ok(Cell { kind: self, units, functions, recurrent, candidate })
    }
}

impl Cell<'_> {
    /// The next state, from `x W + b` of the step and the state as it is read.
    ///
    /// # Errors
    /// A float function without a format behind it; or a result needs more than 127 bits.
    pub fn step(&self, g: &mut Builder, gates: Id, state: &[Id]) -> Result<Vec<Id>> {
        match (self.kind, state) {
            (Kind::Simple, [h]) => self.simple(g, gates, *h),
            (Kind::Lstm, [h, c]) => self.lstm(g, gates, *h, *c),
            (Kind::Gru { reset_after }, [h]) => self.gru(g, gates, *h, reset_after),
            _ => Err(Error::bug("a recurrent step with another number of states")),
        }
    }

    fn simple(&self, g: &mut Builder, x: Id, h: Id) -> Result<Vec<Id>> {
        let h = g.exact(h).map_err(|_| {
            self.float("activation", self.functions.activation, "`state_quantizer`, `activation_format`")
        })?;
        let product = self.recurrent.times(g, h)?;
        let sum = self.sum(g, x, product)?;
        let next = self.activation(g, sum)?;
        Ok(vec![quantized(g, next, self.functions.state_format).at("`state_format`")?])
    }

    fn lstm(&self, g: &mut Builder, x: Id, h: Id, c: Id) -> Result<Vec<Id>> {
        let product = self.recurrent.times(g, h)?;
        let sums = self.sum(g, x, product)?;
        let gates: Vec<Id> = (0..4).map(|gate| self.gate(g, sums, gate)).collect::<Result<_>>()?;
        let (i, f) = (self.recurrent_activation(g, gates[0])?, self.recurrent_activation(g, gates[1])?);
        let new = self.exact_activation(g, gates[2])?;
        let o = self.recurrent_activation(g, gates[3])?;
        let (kept, new) = (g.mul(f, c)?, g.mul(i, new)?);
        let carry = g.add(kept, new)?;
        let carry = quantized(g, carry, self.functions.carry_format).at("`carry_format`")?;
        let shown = self.exact_activation(g, carry)?;
        let next = g.mul(o, shown)?;
        Ok(vec![quantized(g, next, self.functions.state_format).at("`state_format`")?, carry])
    }

    fn gru(&self, g: &mut Builder, x: Id, h: Id, reset_after: bool) -> Result<Vec<Id>> {
        let h = g.exact(h)?;
        let product = self.recurrent.times(g, h)?;
        let mut read = |gate: usize| -> Result<Id> {
            let (x, product) = (self.gate(g, x, gate)?, self.gate(g, product, gate)?);
            let sum = self.sum(g, x, product)?;
            self.recurrent_activation(g, sum)
        };
        let (z, r) = (read(0)?, read(1)?);
        let inner = match &self.candidate {
            Some(candidate) if !reset_after => {
                let reset = g.mul(r, h)?;
                candidate.times(g, reset)?
            }
            _ => {
                let inner = self.gate(g, product, 2)?;
                let reset = g.mul(r, inner)?;
                quantized(g, reset, self.functions.accumulator_format).at("`accumulator_format`")?
            }
        };
        let x = self.gate(g, x, 2)?;
        let sum = self.sum(g, x, inner)?;
        let candidate = self.exact_activation(g, sum)?;
        let next = mix(g, z, h, candidate)?;
        Ok(vec![quantized(g, next, self.functions.state_format).at("`state_format`")?])
    }

    /// One gate of `[gates * units]`.
    fn gate(&self, g: &mut Builder, x: Id, gate: usize) -> Result<Id> {
        g.gather(&[x], &[self.units], (0..self.units).map(|e| (0, (gate * self.units + e) as u32)).collect())
    }

    fn sum(&self, g: &mut Builder, x: Id, product: Id) -> Result<Id> {
        let sum = g.add(x, product)?;
        quantized(g, sum, self.functions.gate_format).at("`gate_format`")
    }

    fn activation(&self, g: &mut Builder, x: Id) -> Result<Id> {
        let Functions { activation, activation_format, .. } = self.functions;
        self.apply(g, x, ("activation", activation), ("activation_format", activation_format))
    }

    /// A function, and the format behind it, each with the name of its attribute.
    fn apply(&self, g: &mut Builder, x: Id, function: Named<&str>, format: Named<Option<&str>>) -> Result<Id> {
        let (text, name) = (function.1, format.0);
        if let (Some((size, table)), true) = (self.functions.table, TABLES.contains(&text)) {
            let missing = || Error::user(format!("`{name}` is missing"), "tables need the format of their results");
            let layer = network::Layer::new(text, "hls4ml_activation", Vec::new()).with("function", text);
            let layer = layer.with("format", format.1.ok_or_else(missing)?).with("table_format", table);
            let layer = layer.with("table_size", size);
            return (hls4ml_activation::LAYER.make)(&layer)?.expand(g, &[x]).at(format!("`{}`", function.0));
        }
        let y = activate(g, x, text).at(format!("`{}`", function.0))?;
        quantized(g, y, format.1).at(format!("`{name}`"))
    }

    fn exact_activation(&self, g: &mut Builder, x: Id) -> Result<Id> {
        let y = self.activation(g, x)?;
        g.exact(y).map_err(|_| self.float("activation", self.functions.activation, "`activation_format`"))
    }

    fn recurrent_activation(&self, g: &mut Builder, x: Id) -> Result<Id> {
        let Functions { recurrent_activation: function, recurrent_activation_format: format, .. } = self.functions;
        let names = ("recurrent_activation", "recurrent_activation_format");
        let y = self.apply(g, x, (names.0, function), (names.1, format))?;
        g.exact(y).map_err(|_| self.float("recurrent_activation", function, "`recurrent_activation_format`"))
    }

    fn float(&self, attribute: &str, function: &str, format: &str) -> Error {
        let what = format!("`{attribute}` is `{function}`, and the next step computes with its float result");
        let help = format!(
            "train with a quantizer there, such as quantized_tanh(8) or quantized_sigmoid(8); or give the layer {format}, \
             such as fixed<8,1,RND,SAT>, and a `gate_format` of at most 16 bits"
        );
        Error::user(what, help)
    }
}

/// Applies a quantizer, if there is one.
///
/// # Errors
/// It is none, or has no meaning at inference.
pub fn quantized(g: &mut Builder, x: Id, quantizer: Option<&str>) -> Result<Id> {
    quantizer.map_or(Ok(x), |text| activate(g, x, text))
}

/// `z h + (1 - z) h^`, with one product: `h^ + z (h - h^)`.
///
/// Where `z` is within 0 and 1 the result lies between `h` and `h^`, which intervals do not see: dropping the bits above is
/// no operation on the number, and keeps the state from growing step by step.
fn mix(g: &mut Builder, z: Id, h: Id, candidate: Id) -> Result<Id> {
    let minus_one = g.constant(&[], vec![Fixed::ONE.negate()])?;
    let minus = g.mul(candidate, minus_one)?;
    let difference = g.add(h, minus)?;
    let part = g.mul(z, difference)?;
    let y = g.add(candidate, part)?;
    let graph = g.graph();
    let [z, h, candidate, found] = [z, h, candidate, y].map(|id| graph.node(id).ranges.as_slice());
    if z.iter().any(|z| z.low() < Fixed::ZERO || z.high() > Fixed::ONE) {
        return Ok(y);
    }
    let between = h.iter().zip(candidate).zip(found).map(|((h, candidate), found)| {
        let hull = Range::union(*h, *candidate)?;
        let format = Format::of(&hull.at(found.exp.min(hull.exp))?);
        (format.width <= Format::MAX_WIDTH).then_some(Quantization::plain(format))
    });
    match between.collect::<Option<Vec<_>>>() {
        Some(formats) => g.quantize(y, formats),
        None => Ok(y),
    }
}
