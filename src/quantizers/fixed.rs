//! `fixed<W,I,Q,O>` and `ufixed<..>`: fixed-point formats in ap_fixed's meaning, rounding and overflow included.
//!
//! `q(x) = overflow(round(x / 2^(I-W))) * 2^(I-W)`, exactly, from the number itself. Source: UG1399.
//! In training the slope is 1, and 0 where the number saturates; ap_fixed has none of its own.

use super::{Activation, Codes, Make, Quantizer, Role, Shape};
use crate::call::Call;
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Overflow, Quantization};
use crate::functions::Gradient;
use crate::network::Tensor;
use crate::registry::Entry;

/// Signed formats.
pub const FIXED: Entry<Make> =
    Entry { name: "fixed", doc: "fixed<W,I,Q,O>: W bits, I before the point, sign included", make };
/// Unsigned formats.
pub const UFIXED: Entry<Make> = Entry { name: "ufixed", doc: "ufixed<W,I,Q,O>: the same without a sign", make };

fn make(call: &Call) -> Result<Box<dyn Quantizer>> {
    Ok(Box::new(FixedPoint(call.text.parse()?)))
}

struct FixedPoint(Quantization);

impl FixedPoint {
    /// Numbers that saturate have no slope; what wraps around goes straight through.
    fn gradient(&self) -> Gradient {
        let bounds = self.0.format.range();
        match (self.0.overflow, bounds.low().to_f64(), bounds.high().to_f64()) {
            (Overflow::Wrap, ..) | (_, None, _) | (_, _, None) => Gradient::Straight,
            (_, Some(low), Some(high)) => Gradient::Inside { low: low as f32, high: high as f32 },
        }
    }
}

impl Quantizer for FixedPoint {
    fn parameter(&self, values: &Tensor, _: Role) -> Result<Codes> {
        let not_finite = || Error::user("a weight is NaN or infinite", "train the network again, or repair the file");
        let code = |value: &f64| Fixed::from_f64(*value).and_then(|value| self.0.apply(value));
        let codes = values.data.iter().map(code).collect::<Option<_>>().ok_or_else(not_finite)?;
        Ok(Codes { codes, scale: vec![1.0] })
    }

    fn format(&self, _: Role) -> Option<(Quantization, Gradient)> {
        Some((self.0, self.gradient()))
    }

    fn limit(&self) -> Option<f32> {
        None
    }

    fn activation(&self) -> Result<Activation> {
        Ok(Activation { before: None, shape: Shape::Quantize(self.0), scale: 1.0, gradient: self.gradient() })
    }
}
