//! The parameters as one pass has them: quantized, with gradients that come together in one leaf.
//!
//! Forward, a parameter is what its quantizer makes of it, by the quantizer's own code ([`crate::quantizers`]): the numbers
//! that the network is written with. Plain fixed-point formats are applied on the tensors, to the same effect but faster; and
//! as small tensors cost a library call as much as large ones, to all parameters at once. Backward, the slope is the quantizer's.

use super::parameters::{Entry, Form, Parameters, bits_of, values};
use super::steps::straight_through;
use crate::error::{At, Error, Result};
use crate::functions::Gradient;
use crate::network;
use crate::quantizers::learned::trained;
use crate::quantizers::{Codes, Quantizer, Role};
use crate::random::Random;
use tch::Tensor;

/// The parameters of a pass.
pub struct Present<'a> {
    /// All numbers; they have a gradient when the pass has gone backward.
    pub leaf: Tensor,
    parameters: &'a Parameters,
    quantized: Vec<Quantized>,
}

/// A parameter, quantized: `codes * scale`, with the parameter's shape.
pub struct Quantized {
    /// The codes, with a gradient.
    pub codes: Tensor,
    /// One scale, or one for each element of the last axis; none where it is 1.
    pub scale: Option<Tensor>,
    /// The bits of each element, where they are learned.
    pub bits: Option<Tensor>,
}

impl<'a> Present<'a> {
    /// The parameters, their quantizers on as far as `noise` says: 1 for whole. With a seed, stochastic quantizers draw.
    ///
    /// # Errors
    /// A value is NaN or infinite: training has diverged.
    pub fn new(parameters: &'a Parameters, noise: f64, draw: Option<u64>) -> Result<Present<'a>> {
        let mut random = draw.map(Random::new);
        let leaf = parameters.flat.detach().set_requires_grad(true);
        let whole = match &parameters.alike {
            Some((formats, mask)) => {
                let formatted = tch::no_grad(|| formats.apply(&leaf).where_self(mask, &leaf));
                straight_through(formatted, &leaf, &Gradient::Straight, 1.0, noise)
            }
            None => leaf.shallow_clone(),
        };
        let entries = parameters.entries();
        let counts: Vec<i64> = entries.iter().map(|entry| entry.own.numel() as i64).collect();
        let parts = whole.split_with_sizes(counts.as_slice(), 0);
        let shaped = |(part, entry): (&Tensor, &Entry)| part.view(entry.shape.as_slice());
        let parts: Vec<Tensor> = parts.iter().zip(entries).map(shaped).collect();
        let mut learned = learned(parameters, &parts)?.into_iter();
        let one = |(entry, part): (&Entry, &Tensor)| match &entry.form {
            Form::None | Form::Alike(_) => Ok(plain(part.shallow_clone())),
            Form::Format(formats, gradient) => {
                Ok(plain(straight_through(formats.apply(part), part, gradient, 1.0, noise)))
            }
            Form::Learned => learned.next().ok_or_else(|| Error::bug("a parameter without bits")),
            Form::Quantizer(quantizer) => by_code(entry, part, &**quantizer, noise, random.as_mut()),
        };
        let quantized = entries.iter().zip(&parts).map(one).collect::<Result<_>>()?;
        Ok(Present { leaf, parameters, quantized })
    }

    /// One of them; none where the layer lacks it.
    pub fn find(&self, layer: &str, tensor: &str) -> Option<&Quantized> {
        self.parameters.place(layer, tensor).map(|place| &self.quantized[place])
    }
}

fn plain(codes: Tensor) -> Quantized {
    Quantized { codes, scale: None, bits: None }
}

/// The parameters whose bits are learned, in their order.
fn learned(parameters: &Parameters, parts: &[Tensor]) -> Result<Vec<Quantized>> {
    let entries = parameters.entries();
    let own: Vec<usize> = (0..parts.len()).filter(|at| matches!(entries[*at].form, Form::Learned)).collect();
    if own.is_empty() {
        return Ok(Vec::new());
    }
    let bits = |at: &usize| {
        let Entry { layer, tensor, .. } = &entries[*at];
        let place = parameters.place(layer, &bits_of(tensor));
        let place = place.ok_or_else(|| Error::bug(format!("`{layer}` has no bits of `{tensor}`")))?;
        Ok(parts[place].expand_as(&parts[*at]).reshape([-1]))
    };
    let fractions = Tensor::cat(&own.iter().map(bits).collect::<Result<Vec<Tensor>>>()?, 0);
    let numbers = Tensor::cat(&own.iter().map(|at| parts[*at].view([-1])).collect::<Vec<Tensor>>(), 0);
    let codes = trained::quantize(&numbers, &fractions, None);
    let bits = trained::weight_bits(&codes, &fractions);
    let counts: Vec<i64> = own.iter().map(|at| entries[*at].own.numel() as i64).collect();
    let split = |tensor: &Tensor| tensor.split_with_sizes(counts.as_slice(), 0);
    let shaped = |(at, (codes, bits)): (&usize, (Tensor, Tensor))| {
        let shape = entries[*at].shape.as_slice();
        Quantized { codes: codes.view(shape), scale: None, bits: Some(bits.view(shape)) }
    };
    Ok(own.iter().zip(split(&codes).into_iter().zip(split(&bits))).map(shaped).collect())
}

/// A parameter as its quantizer's code has it.
fn by_code(
    entry: &Entry,
    part: &Tensor,
    quantizer: &dyn Quantizer,
    noise: f64,
    random: Option<&mut Random>,
) -> Result<Quantized> {
    let own = network::Tensor { shape: entry.shape(), data: values(&entry.own)? };
    let role = if entry.is_kernel() { Role::Kernel } else { Role::Other };
    let drawn = random.map_or(Ok(None), |random| quantizer.drawn(&own, role, random));
    let codes = drawn.and_then(|drawn| drawn.map_or_else(|| quantizer.parameter(&own, role), Ok));
    let Codes { codes, scale } = codes.at(format!("layer `{}`", entry.layer))?;
    let codes: Vec<f32> = codes.iter().map(|code| code.to_f32()).collect();
    let codes = Tensor::from_slice(&codes).view(entry.shape.as_slice());
    let moved = part - part.detach();
    let moved = match quantizer.slopes(&own, role)? {
        Some(slopes) => moved * Tensor::from_slice(&slopes).view(entry.shape.as_slice()),
        None => moved,
    };
    let mixed = |codes: Tensor, scale: &Tensor| match noise < 1.0 {
        true => part.detach() / scale * (1.0 - noise) + codes * noise,
        false => codes,
    };
    if scale == [1.0] {
        return Ok(plain(mixed(codes, &Tensor::from(1f32)) + moved));
    }
    // A channel whose scale is 0 has no codes to move.
    let safe: Vec<f32> = scale.iter().map(|scale| if *scale == 0.0 { 1.0 } else { *scale }).collect();
    let safe = Tensor::from_slice(&safe);
    let codes = mixed(codes, &safe) + moved / &safe;
    Ok(Quantized { codes, scale: Some(Tensor::from_slice(&scale)), bits: None })
}
