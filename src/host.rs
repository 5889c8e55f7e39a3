//! What the host does to the user's values of an input before the port's quantizers.

use crate::fixed::Fixed;
use crate::port::Port;

/// What the host does to an input.
#[derive(Clone, Debug, Default, PartialEq)]
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
    /// The port carries the bits that a thermometer makes of features.
    Bits(Thermometer),
}

/// How features become bits: feature by feature, one bit for each threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thermometer {
    /// The thresholds of each feature, in the order of its bits; as many for each.
    pub thresholds: Vec<Vec<Fixed>>,
    /// Does a bit say that the feature is above its threshold, or that it is not below?
    pub strict: bool,
}

impl Host {
    /// How many values of a sample the user gives for a port.
    pub fn columns(&self, port: &Port) -> usize {
        match self {
            Host::Bits(thermometer) => thermometer.thresholds.len(),
            _ => port.elements.len(),
        }
    }

    /// The numbers that the port's quantizers read, for a sample's values.
    pub fn values(&self, given: &[f64]) -> Vec<f64> {
        match self {
            Host::Nothing => given.to_vec(),
            Host::Scale { scale, zero } => given.iter().map(|x| f64::from(*x as f32 / scale + zero)).collect(),
            Host::Times(divisor) => given.iter().map(|x| x * f64::from(*divisor)).collect(),
            Host::Bits(thermometer) => thermometer.encode(given),
        }
    }
}

impl Thermometer {
    /// The bits of a sample's features, 0 or 1; a feature that is no number has none set.
    fn encode(&self, features: &[f64]) -> Vec<f64> {
        let bits = self.thresholds.iter().zip(features).flat_map(|(thresholds, feature)| {
            let feature = Fixed::from_f64(*feature);
            let above = move |threshold: &Fixed| {
                feature.is_some_and(|x| if self.strict { x > *threshold } else { x >= *threshold })
            };
            thresholds.iter().map(move |threshold| f64::from(u8::from(above(threshold))))
        });
        bits.collect()
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
            Host::Bits(thermometer) => {
                let sign = if thermometer.strict { ">" } else { ">=" };
                write!(f, "x {sign} {} thresholds each", thermometer.thresholds.first().map_or(0, Vec::len))
            }
        }
    }
}
