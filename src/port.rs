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
    /// Whether it is a state: an input port that holds what an output port, in the same place among those that are
    /// states, gave for the event before, and 0 for the first. In hardware it is a register and no port.
    pub state: bool,
}

impl Port {
    /// Bits of the packed port.
    pub fn width(&self) -> u32 {
        self.elements.iter().map(|element| element.format.width).sum()
    }

    /// How many of some ports are states; these are the last ones.
    pub fn states(ports: &[Port]) -> usize {
        ports.iter().filter(|port| port.state).count()
    }

    /// The declared format of one element.
    pub fn format(&self, element: usize) -> Format {
        self.elements[element].format
    }
}
