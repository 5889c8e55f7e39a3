//! Ports: the tensors at the boundary, with the same meaning at every level.

use crate::fixed::{Fixed, Format, Quantization};

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

/// How features become the bits of a port: feature by feature, one bit for each threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thermometer {
    /// The thresholds of each feature, in the order of its bits; as many for each.
    pub thresholds: Vec<Vec<Fixed>>,
    /// Does a bit say that the feature is above its threshold, or that it is not below?
    pub strict: bool,
}

impl Thermometer {
    /// The bits of a sample's features.
    pub fn encode(&self, features: &[f64]) -> Option<Vec<i128>> {
        let bits = self.thresholds.iter().zip(features).flat_map(|(thresholds, feature)| {
            let feature = Fixed::from_f64(*feature);
            let above = move |threshold: &Fixed| {
                feature.map(|x| i128::from(if self.strict { x > *threshold } else { x >= *threshold }))
            };
            thresholds.iter().map(above)
        });
        bits.collect()
    }
}
