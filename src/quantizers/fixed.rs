//! `fixed<W,I,Q,O>` and `ufixed<..>`: fixed-point formats in ap_fixed's meaning, rounding and overflow included.
//!
//! `q(x) = overflow(round(x / 2^(I-W))) * 2^(I-W)`, exactly, from the number itself. Source: UG1399.

use super::{Activation, Codes, Make, Quantizer, Role, Shape};
use crate::call::Call;
use crate::error::{Error, Result};
use crate::fixed::{Fixed, Quantization};
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

impl Quantizer for FixedPoint {
    fn parameter(&self, values: &Tensor, _: Role) -> Result<Codes> {
        let not_finite = || Error::user("a weight is NaN or infinite", "train the network again, or repair the file");
        let code = |value: &f64| Fixed::from_f64(*value).and_then(|value| self.0.apply(value));
        let codes = values.data.iter().map(code).collect::<Option<_>>().ok_or_else(not_finite)?;
        Ok(Codes { codes, scale: vec![1.0] })
    }

    fn activation(&self) -> Result<Activation> {
        Ok(Activation { before: None, shape: Shape::Quantize(self.0), scale: 1.0 })
    }
}
