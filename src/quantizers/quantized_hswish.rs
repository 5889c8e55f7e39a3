//! `quantized_hswish`: `x * min(max(x + relu_shift, 0), relu_upper_bound) / relu_upper_bound` in float32, then `quantized_bits`.
//!
//! Source: QKeras 0.9.0, `quantizers.py`.

use super::quantized_bits::quantized_bits;
use super::{Activation, Codes, Make, Quantizer, Role};
use crate::call::Call;
use crate::error::{Error, Result};
use crate::functions::Function;
use crate::network::Tensor;
use crate::registry::Entry;

/// The entry.
pub const QUANTIZER: Entry<Make> = Entry {
    name: "quantized_hswish",
    doc: "quantized_hswish(bits,integer,symmetric,alpha): a hard swish, then fixed point",
    make,
};

const ARGUMENTS: &[&str] = &[
    "bits",
    "integer",
    "symmetric",
    "alpha",
    "use_stochastic_rounding",
    "scale_axis",
    "qnoise_factor",
    "var_name",
    "use_ste",
    "use_variables",
    "relu_shift",
    "relu_upper_bound",
];

struct Hswish {
    function: Function,
    bits: Box<dyn Quantizer>,
}

fn make(call: &Call) -> Result<Box<dyn Quantizer>> {
    let arguments = call.arguments(ARGUMENTS)?;
    let (shift, upper) =
        (arguments.optional("relu_shift")?.unwrap_or(3.0), arguments.optional("relu_upper_bound")?.unwrap_or(6.0));
    if shift <= 0.0 || upper <= 0.0 {
        let what = format!("`relu_shift` is {shift} and `relu_upper_bound` {upper}");
        return Err(Error::user(what, "give positive numbers, such as 3 and 6"));
    }
    let function = Function::parse(&format!("scaled_swish({shift},{upper})"))?;
    Ok(Box::new(Hswish { function, bits: quantized_bits(&arguments, true)? }))
}

impl Quantizer for Hswish {
    fn parameter(&self, _: &Tensor, _: Role) -> Result<Codes> {
        Err(Error::user("it is a quantizer of activations", "quantize weights by quantized_bits"))
    }

    fn activation(&self) -> Result<Activation> {
        Ok(Activation { before: Some(self.function.clone()), ..self.bits.activation()? })
    }
}
