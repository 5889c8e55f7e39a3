//! The parameters as one pass has them: quantized, with gradients that come together in one leaf.
//!
//! Forward, a parameter is what its quantizer makes of it, by the quantizer's own code ([`crate::quantizers`]): the numbers
//! that the network is written with. Plain fixed-point formats are applied on the tensors, to the same effect but faster; and
//! as small tensors cost a library call as much as large ones, to all parameters at once. Backward, the slope is the quantizer's.

use super::parameters::{Entry, Form, Parameters, Part, Values, values};
use super::steps::straight_through;
use crate::error::{At, Error, Result};
use crate::fixed::Rounding;
use crate::functions::Gradient;
use crate::network;
use crate::quantizers::learned::trained;
use crate::quantizers::{Codes, Quantizer, Role};
use crate::random::Random;
use std::collections::BTreeMap;
use tch::Tensor;

/// The parameters of a pass.
pub struct Present<'a> {
    /// All numbers; they have a gradient when the pass has gone backward.
    pub leaf: Tensor,
    parameters: &'a Parameters,
    /// Plain numbers and weights, in the order of their entries.
    quantized: Vec<Quantized>,
    /// Formats of values, by their layers.
    formats: BTreeMap<&'a str, Learned>,
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

/// Learned formats of a layer's values.
pub struct Learned {
    /// Integer bits, real numbers.
    pub integer: Tensor,
    /// Fraction bits.
    pub grid: trained::Grid,
    /// All bits of each format.
    pub bits: Tensor,
}

/// The entries of a part, with their numbers side by side.
fn of<'a>(parameters: &'a Parameters, leaf: &Tensor, part: Part) -> (Vec<&'a Entry>, Tensor) {
    let entries = parameters.entries();
    let count = |entry: &Entry| entry.own.numel() as i64;
    let before: i64 = entries.iter().filter(|entry| entry.part < part).map(count).sum();
    let own: Vec<&Entry> = entries.iter().filter(|entry| entry.part == part).collect();
    let length = own.iter().map(|entry| count(entry)).sum();
    (own, leaf.narrow(0, before, length))
}

/// A vector's parts, one an entry.
fn split(all: &Tensor, entries: &[&Entry]) -> Vec<Tensor> {
    let counts: Vec<i64> = entries.iter().map(|entry| entry.own.numel() as i64).collect();
    let parts = all.split_with_sizes(counts.as_slice(), 0);
    parts.iter().zip(entries).map(|(part, entry)| part.view(entry.shape.as_slice())).collect()
}

impl<'a> Present<'a> {
    /// The parameters, their quantizers on as far as `noise` says: 1 for whole. With a seed, stochastic quantizers draw.
    ///
    /// # Errors
    /// A value is NaN or infinite: training has diverged.
    pub fn new(parameters: &'a Parameters, noise: f64, draw: Option<u64>) -> Result<Present<'a>> {
        let mut random = draw.map(Random::new);
        let leaf = parameters.flat.detach().set_requires_grad(true);
        let (entries, plain) = of(parameters, &leaf, Part::Plain);
        let whole = match &parameters.alike {
            Some((formats, mask)) => {
                let formatted = tch::no_grad(|| formats.apply(&plain).where_self(mask, &plain));
                straight_through(formatted, &plain, &Gradient::Straight, 1.0, noise)
            }
            None => plain,
        };
        let one = |(entry, part): (&&Entry, &Tensor)| match &entry.form {
            Form::Format(formats, gradient) => {
                Ok(unscaled(straight_through(formats.apply(part), part, gradient, 1.0, noise)))
            }
            Form::Quantizer(quantizer) => by_code(entry, part, &**quantizer, noise, random.as_mut()),
            Form::None | Form::Alike(_) | Form::Learned => Ok(unscaled(part.shallow_clone())),
        };
        let parts = split(&whole, &entries);
        let mut quantized: Vec<Quantized> = entries.iter().zip(&parts).map(one).collect::<Result<_>>()?;
        quantized.extend(weights(parameters, &leaf));
        let formats = formats(parameters, &leaf);
        Ok(Present { leaf, parameters, quantized, formats })
    }

    /// One of them; none where the layer lacks it.
    pub fn find(&self, layer: &str, tensor: &str) -> Option<&Quantized> {
        self.parameters.place(layer, tensor).and_then(|place| self.quantized.get(place))
    }

    /// The formats of a layer's values.
    ///
    /// # Errors
    /// They are not learned.
    pub fn formats(&self, layer: &str) -> Result<&Learned> {
        self.formats.get(layer).ok_or_else(|| Error::bug(format!("`{layer}` has no formats")))
    }
}

fn unscaled(codes: Tensor) -> Quantized {
    Quantized { codes, scale: None, bits: None }
}

/// The weights whose bits are learned.
fn weights(parameters: &Parameters, leaf: &Tensor) -> Vec<Quantized> {
    let (entries, numbers) = of(parameters, leaf, Part::Weights);
    if entries.is_empty() {
        return Vec::new();
    }
    let (of_bits, bits) = of(parameters, leaf, Part::Fractions);
    let each = |(entry, bits): (&&Entry, Tensor)| bits.expand(entry.shape.as_slice(), false).reshape([-1]);
    let bits = match bits.numel() == numbers.numel() {
        true => bits,
        false => Tensor::cat(&entries.iter().zip(split(&bits, &of_bits)).map(each).collect::<Vec<Tensor>>(), 0),
    };
    let grid = trained::Grid::new(&bits);
    let codes = trained::rounded(&numbers, &grid, Rounding::Rnd);
    let bits = trained::weight_bits(&codes, &grid.fraction);
    let both = split(&codes, &entries).into_iter().zip(split(&bits, &entries));
    both.map(|(codes, bits)| Quantized { codes, scale: None, bits: Some(bits) }).collect()
}

/// The learned formats of values.
fn formats<'a>(parameters: &'a Parameters, leaf: &Tensor) -> BTreeMap<&'a str, Learned> {
    let (entries, integers) = of(parameters, leaf, Part::Integers);
    if entries.is_empty() {
        return BTreeMap::new();
    }
    let (_, fractions) = of(parameters, leaf, Part::Steps);
    let grid = trained::Grid::new(&fractions);
    let signed: Vec<f32> = parameters.formats.iter().flat_map(|values| values.signed.iter().copied()).collect();
    let wrap = |values: &Values| vec![f32::from(u8::from(values.wraps)); values.signed.len()];
    let wraps: Vec<f32> = parameters.formats.iter().flat_map(wrap).collect();
    let bits =
        trained::value_bits(&grid.fraction, &integers, &Tensor::from_slice(&signed), &Tensor::from_slice(&wraps));
    let counts: Vec<i64> = entries.iter().map(|entry| entry.own.numel() as i64).collect();
    let shapes: Vec<&[i64]> = entries.iter().map(|entry| entry.shape.as_slice()).collect();
    let parts = grid.split(&counts, &shapes).into_iter().zip(split(&integers, &entries)).zip(split(&bits, &entries));
    let one = |(entry, ((grid, integer), bits)): (&&'a Entry, ((trained::Grid, Tensor), Tensor))| {
        (entry.layer.as_str(), Learned { integer, grid, bits })
    };
    entries.iter().zip(parts).map(one).collect()
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
        return Ok(unscaled(mixed(codes, &Tensor::from(1f32)) + moved));
    }
    // A channel whose scale is 0 has no codes to move.
    let safe: Vec<f32> = scale.iter().map(|scale| if *scale == 0.0 { 1.0 } else { *scale }).collect();
    let safe = Tensor::from_slice(&safe);
    let codes = mixed(codes, &safe) + moved / &safe;
    Ok(Quantized { codes, scale: Some(Tensor::from_slice(&scale)), bits: None })
}
