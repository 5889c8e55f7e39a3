//! Ports: the tensors at the boundary, with the same meaning at every level.

use crate::fixed::{Format, Quantization};

/// A tensor at the boundary, flattened in C order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// The tensor's name, a legal Verilog identifier.
    pub name: String,
    /// The tensor's shape, without the sample axis.
    pub shape: Vec<usize>,
    /// The declared format of each element, and how the host brings real values to it.
    pub elements: Vec<Quantization>,
}

impl Port {
    /// Bits of the packed port.
    pub fn width(&self) -> u32 {
        self.elements.iter().map(|element| element.format.width).sum()
    }

    /// The declared format of one element.
    pub fn format(&self, element: usize) -> Format {
        self.elements[element].format
    }
}

/// What the host does to the user's values of an input before the port's quantizers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Host {
    /// Nothing.
    #[default]
    Nothing,
    /// `x / scale + zero`, in float32: the port carries the codes of a quantizer whose scale is no power of two.
    Scale {
        /// The quantizer's scale.
        scale: f32,
        /// Its zero point.
        zero: f32,
    },
    /// `x * divisor`: the port carries integers that the network divides, as in `u8/255`.
    Times(f32),
}

impl Host {
    /// The number that the port's quantizer reads.
    pub fn value(&self, x: f64) -> f64 {
        match self {
            Host::Nothing => x,
            Host::Scale { scale, zero } => f64::from(x as f32 / scale + zero),
            Host::Times(divisor) => x * f64::from(*divisor),
        }
    }
}

/// Prints `x / 0.25 + 3`.
impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Host::Nothing => write!(f, "x"),
            Host::Scale { scale, zero } if *zero == 0.0 => write!(f, "x / {scale}"),
            Host::Scale { scale, zero } => write!(f, "x / {scale} + {zero}"),
            Host::Times(divisor) => write!(f, "x * {divisor}"),
        }
    }
}
