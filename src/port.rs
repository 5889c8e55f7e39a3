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
