//! What hls4ml makes of an activation, and the tables that it looks its values up in.
//!
//! `nnet::sigmoid`, `tanh`, `softplus` and `softsign` read a table at `int(x * size / spread) + size / 2`, clamped; entries are
//! computed in float32 from the index' point and are of the table's type (nnet_activation.h).

use crate::error::{Error, Result};

/// An activation as hls4ml knows it.
#[derive(Clone, Debug, PartialEq)]
pub enum Function {
    /// The cast alone.
    Linear,
    /// `max(x, 0)`.
    Relu,
    /// `x` above 0, and `slope * x` below, with the slope in the type of parameters.
    Leaky(f64),
    /// A table over the whole line.
    Table(Table),
    /// `x` from 0 on, and `alpha * (exp(x) - 1)` below, by a table; `alpha` is in the type of parameters.
    Elu(f64),
    /// By a table below 0.
    Selu,
    /// `x` above a threshold, in the type of parameters, and 0 below.
    Thresholded(f64),
    /// `x` above 0, and `alpha * x` below, an `alpha` for each element.
    Prelu,
    /// `clip(slope * x + shift, 0, 1)`, or twice that less 1.
    Hard(Hard),
    /// Normalised exponentials over the last axis.
    Softmax,
}

/// A hard sigmoid or tanh.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Hard {
    /// Keras 2's sigmoid: slope 0.2, which hls4ml keeps in `ufixed<16,0>`.
    Keras,
    /// QKeras' sigmoid: slope 0.5.
    Sigmoid,
    /// QKeras' tanh: slope 0.5.
    Tanh,
}

/// A function that is looked up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Table {
    /// `1 / (1 + exp(-x))` on [-8, 8).
    Sigmoid,
    /// On [-4, 4).
    Tanh,
    /// `log(exp(x) + 1)` on [-8, 8).
    Softplus,
    /// `x / (|x| + 1)` on [-8, 8).
    Softsign,
}

impl Table {
    /// The base-2 logarithm of the length of the table's interval.
    pub fn spread(self) -> i32 {
        if self == Table::Tanh { 3 } else { 4 }
    }

    /// The function, as the C++ computes it.
    pub fn value(self, x: f32) -> f64 {
        let value = match self {
            Table::Sigmoid => 1.0 / f64::from(1.0 + exp(-x)),
            Table::Tanh => f64::from(x).tanh(),
            Table::Softplus => (f64::from(exp(x)) + 1.0).ln(),
            Table::Softsign => f64::from(x) / (f64::from(x.abs()) + 1.0),
        };
        f64::from(value as f32)
    }
}

/// The float32 exponential, rounded once.
pub fn exp(x: f32) -> f32 {
    f64::from(x).exp() as f32
}

/// A call, `name(value, key=value)` or `name<..>`, as far as it matters here; others check it.
pub struct Call<'t> {
    /// What is called.
    pub name: &'t str,
    /// The arguments in parentheses.
    arguments: Vec<&'t str>,
}

impl<'t> Call<'t> {
    /// Takes a call apart.
    pub fn parse(text: &'t str) -> Call<'t> {
        let name = text.split(['(', '<']).next().unwrap_or(text).trim();
        let inside = text.split_once('(').map_or("", |(_, rest)| rest.trim_end().trim_end_matches(')'));
        Call { name, arguments: inside.split(',').map(str::trim).filter(|part| !part.is_empty()).collect() }
    }

    /// An argument that is a number, by name or place.
    pub fn number(&self, name: &str, position: usize) -> Option<f64> {
        let named =
            |part: &&'t str| part.split_once('=').filter(|(key, _)| key.trim() == name).map(|(_, value)| value.trim());
        let placed = || self.arguments.get(position).copied().filter(|part| !part.contains('='));
        self.arguments.iter().find_map(named).or_else(placed)?.parse().ok()
    }

    /// Is an argument, by name or place, a true one?
    fn truth(&self, name: &str, position: usize) -> bool {
        let named = |part: &&'t str| part.split_once('=').filter(|(key, _)| key.trim() == name).map(|(_, v)| v.trim());
        let placed = || self.arguments.get(position).copied().filter(|part| !part.contains('='));
        self.arguments.iter().find_map(named).or_else(placed).is_some_and(|v| ["True", "true", "1"].contains(&v))
    }
}

impl Function {
    /// Reads one of our functions or quantizers.
    ///
    /// # Errors
    /// hls4ml has no such activation, or this does not follow it there.
    pub fn parse(text: &str) -> Result<Function> {
        let call = Call::parse(text);
        Ok(match call.name {
            "linear" | "quantized_bits" | "fixed" | "ufixed" => Function::Linear,
            "quantized_relu" => match call.number("negative_slope", 3) {
                Some(slope) if slope != 0.0 => Function::Leaky(slope),
                _ => Function::Relu,
            },
            "relu" if call.arguments.is_empty() => Function::Relu,
            "leaky_relu" => {
                let missing = || Error::user(format!("`{text}` names no slope"), "write leaky_relu(0.25)");
                Function::Leaky(call.number("negative_slope", 0).ok_or_else(missing)?)
            }
            "elu" => Function::Elu(call.number("alpha", 0).unwrap_or(1.0)),
            "selu" => Function::Selu,
            "thresholded_relu" => Function::Thresholded(call.number("theta", 0).unwrap_or(1.0)),
            "prelu" => Function::Prelu,
            "hard_sigmoid_keras2" if call.number("slope", 0).is_none_or(|slope| slope == 0.2) => {
                Function::Hard(Hard::Keras)
            }
            "quantized_sigmoid" if !call.truth("use_real_sigmoid", 2) => Function::Hard(Hard::Sigmoid),
            "quantized_tanh" if !call.truth("use_real_tanh", 3) => Function::Hard(Hard::Tanh),
            "sigmoid" | "quantized_sigmoid" => Function::Table(Table::Sigmoid),
            "tanh" | "quantized_tanh" => Function::Table(Table::Tanh),
            "softplus" => Function::Table(Table::Softplus),
            "softsign" => Function::Table(Table::Softsign),
            "softmax" => Function::Softmax,
            name => {
                let help = "with a precision file: linear, relu, leaky_relu, thresholded_relu, prelu, elu, selu, sigmoid, tanh, \
                            softplus, softsign, Keras 2's hard_sigmoid, softmax, quantized_bits, quantized_relu, \
                            quantized_sigmoid, quantized_tanh";
                return Err(Error::user(format!("hls4ml's `{name}` is not supported"), help));
            }
        })
    }

    /// hls4ml's class of the layer.
    pub fn class(&self) -> &'static str {
        match self {
            Function::Leaky(_) | Function::Elu(_) | Function::Thresholded(_) => "ParametrizedActivation",
            Function::Hard(_) => "HardActivation",
            Function::Prelu => "PReLU",
            Function::Softmax => "Softmax",
            _ => "Activation",
        }
    }
}
