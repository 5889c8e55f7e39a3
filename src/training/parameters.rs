//! The numbers that are trained: float32 shadows of the layers' tensors, in one vector, and their quantized forms.
//!
//! Forward, a parameter is what its quantizer makes of it, by the quantizer's own code ([`crate::quantizers`]): the numbers
//! that the network is written with. A plain fixed-point format is applied on the tensor, to the same effect but faster.
//! Backward, its slope is the quantizer's.

use super::steps::{Formats, straight_through};
use crate::error::{At, Error, Result};
use crate::functions::Gradient;
use crate::network::{self, Network};
use crate::quantizers::learned::trained;
use crate::quantizers::{self, Codes, Quantizer, Role};
use crate::tensor::{Graph, Id, Made, Parameter};
use std::collections::BTreeMap;
use tch::Tensor;

/// Arrays of a batch normalisation that follow the data instead of a gradient.
const FOLLOWERS: [&str; 2] = ["mean", "variance"];

/// All parameters of a network that a graph reads.
pub struct Parameters {
    /// Their float32 values, one after another; the leaves share its memory.
    pub flat: Tensor,
    entries: Vec<Entry>,
    index: BTreeMap<(String, String), usize>,
}

/// One tensor of one layer.
pub struct Entry {
    /// The layer.
    pub layer: String,
    /// Its tensor.
    pub tensor: String,
    /// The tensor's shape.
    pub shape: Vec<i64>,
    /// What it is.
    pub kind: Kind,
    /// The values, which have a gradient unless they follow the data.
    pub leaf: Tensor,
    quantizer: Option<Box<dyn Quantizer>>,
    /// Where the quantizer is a fixed-point format.
    format: Option<(Formats, Gradient)>,
}

/// What a trained number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A tensor of a layer.
    Of {
        /// The kernel of a product.
        kernel: bool,
        /// Its numbers of bits are trained as well.
        learned: bool,
    },
    /// Numbers of bits.
    Bits,
    /// Moments of a batch normalisation, which follow the data instead of a gradient.
    Follows,
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

impl Parameters {
    /// The parameters that a graph's sources name, with the network's values.
    ///
    /// # Errors
    /// A quantizer is not known, which expanding the network would have said.
    pub fn new(network: &Network, graph: &Graph) -> Result<Parameters> {
        let mut values: Vec<f32> = Vec::new();
        let mut entries: Vec<Entry> = Vec::new();
        for ((layer, tensor), (quantizer, kernel)) in wanted(graph) {
            // A batch normalisation may go without gamma and beta: they are 1 and 0, and stay so.
            let Some(own) = network.layer(&layer).and_then(|layer| layer.tensors.get(&tensor)) else { continue };
            let role = if kernel { Role::Kernel } else { Role::Other };
            let quantizer = quantizer.as_deref().map(quantizers::parse).transpose().at(format!("layer `{layer}`"))?;
            values.extend(own.data.iter().map(|value| *value as f32));
            if let Some(learned) = quantizer.as_ref().and_then(|quantizer| quantizer.learned()) {
                let shape = learned.group.shape(&own.shape);
                let count = shape.iter().product();
                entries.push(Entry::new(&layer, &tensor, Kind::Of { kernel, learned: true }, &own.shape));
                values.extend(std::iter::repeat_n(learned.fraction as f32, count));
                entries.push(Entry::new(&layer, &bits_of(&tensor), Kind::Bits, &shape));
                continue;
            }
            let format = quantizer.as_ref().and_then(|quantizer| quantizer.format(role));
            let format = format.map(|(format, gradient)| (Formats::new(&[format], &[]), gradient));
            let kind =
                if FOLLOWERS.contains(&tensor.as_str()) { Kind::Follows } else { Kind::Of { kernel, learned: false } };
            entries.push(Entry { quantizer, format, ..Entry::new(&layer, &tensor, kind, &own.shape) });
        }
        for formats in graph.sources.formats.values() {
            for (tensor, bits) in ["integer", "fraction"].iter().zip(formats.bits) {
                values.extend(std::iter::repeat_n(bits as f32, formats.shape.iter().product()));
                entries.push(Entry::new(&formats.layer, tensor, Kind::Bits, &formats.shape));
            }
        }
        let name = |(index, entry): (usize, &Entry)| ((entry.layer.clone(), entry.tensor.clone()), index);
        let index = entries.iter().enumerate().map(name).collect();
        let mut parameters = Parameters { flat: Tensor::from_slice(&values), entries, index };
        parameters.bind();
        Ok(parameters)
    }

    /// Makes the leaves views of the flat vector.
    fn bind(&mut self) {
        let mut start = 0;
        for entry in &mut self.entries {
            let count: i64 = entry.shape.iter().product();
            let view = self.flat.narrow(0, start, count).view(entry.shape.as_slice()).detach();
            entry.leaf = view.set_requires_grad(entry.kind != Kind::Follows);
            start += count;
        }
    }

    /// All of them.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// One of them.
    pub fn find(&self, layer: &str, tensor: &str) -> Option<&Entry> {
        self.index.get(&(layer.to_string(), tensor.to_string())).map(|index| &self.entries[*index])
    }

    /// The gradient of each number of [`Parameters::flat`], 0 where there is none; and forgets it.
    pub fn take_gradient(&mut self) -> Tensor {
        let own = |entry: &mut Entry| {
            let gradient = entry.leaf.grad();
            if !gradient.defined() {
                return entry.leaf.detach().zeros_like().flatten(0, -1);
            }
            let flat = gradient.flatten(0, -1).copy();
            entry.leaf.zero_grad();
            flat
        };
        let all: Vec<Tensor> = self.entries.iter_mut().map(own).collect();
        if all.is_empty() { self.flat.zeros_like() } else { Tensor::cat(&all, 0) }
    }

    /// The network with the present values; learned formats become exact weights and formats of each element.
    ///
    /// # Errors
    /// A value is NaN or infinite: training has diverged.
    pub fn write(&self, network: &Network, graph: &Graph) -> Result<Network> {
        let mut network = network.clone();
        for entry in self.entries.iter().filter(|entry| entry.kind != Kind::Bits) {
            let learned = entry.kind == (Kind::Of { kernel: true, learned: true })
                || entry.kind == (Kind::Of { kernel: false, learned: true });
            let data = values(&if learned { self.quantized(entry, 1.0)?.codes } else { entry.leaf.shallow_clone() })?;
            if data.iter().any(|value| !value.is_finite()) {
                return Err(
                    Error::user("a weight became NaN or infinite", "use a smaller learning rate").at(&*entry.layer)
                );
            }
            let layer = layer_of(&mut network, &entry.layer)?;
            if learned {
                layer.attributes.remove(&format!("{}_quantizer", entry.tensor));
            }
            layer.tensors.insert(entry.tensor.clone(), network::Tensor { shape: entry.shape(), data });
        }
        for (id, formats) in &graph.sources.formats {
            let node = graph.node(*id);
            let signed = signs(graph, *id);
            let mut tensors = vec![("signed", network::Tensor { shape: node.shape.clone(), data: signed })];
            for tensor in ["integer", "fraction"] {
                let entry = self.get(&formats.layer, tensor)?;
                let data = values(&entry.leaf)?.into_iter().map(trained::bits).collect();
                tensors.push((tensor, network::Tensor { shape: entry.shape(), data }));
            }
            let layer = layer_of(&mut network, &formats.layer)?;
            layer.attributes.remove("format");
            layer.attributes.insert("rounding".into(), "RND".into());
            layer.attributes.insert("overflow".into(), "SAT".into());
            layer.tensors.extend(tensors.into_iter().map(|(name, tensor)| (name.to_string(), tensor)));
        }
        Ok(network)
    }

    /// A parameter as its quantizer has it.
    ///
    /// # Errors
    /// A value is NaN or infinite: training has diverged.
    pub fn quantized(&self, entry: &Entry, noise: f64) -> Result<Quantized> {
        if let Kind::Of { learned: true, .. } = entry.kind {
            let fraction = self.get(&entry.layer, &bits_of(&entry.tensor))?;
            let codes = trained::quantize(&entry.leaf, &fraction.leaf, None);
            let bits = trained::weight_bits(&codes, &fraction.leaf);
            return Ok(Quantized { codes, scale: None, bits: Some(bits) });
        }
        entry.quantized(noise)
    }

    /// One of them, which is there.
    fn get(&self, layer: &str, tensor: &str) -> Result<&Entry> {
        self.find(layer, tensor).ok_or_else(|| Error::bug(format!("no parameter `{tensor}` of `{layer}`")))
    }
}

/// 1 for each element of a quantizing node that may be negative, else 0.
pub fn signs(graph: &Graph, id: Id) -> Vec<f64> {
    let node = graph.node(id);
    let negative =
        |e: usize| node.args.first().and_then(|x| graph.node(*x).ranges.get(e)).is_none_or(|range| range.lo < 0);
    (0..node.len()).map(|e| f64::from(u8::from(negative(e)))).collect()
}

/// The parameters that constants of a graph come from: quantizer, and whether it is a kernel.
fn wanted(graph: &Graph) -> BTreeMap<(String, String), (Option<String>, bool)> {
    let mut wanted = BTreeMap::new();
    for source in graph.sources.constants.values() {
        match &source.made {
            Made::Codes(p) | Made::Values(p) | Made::Scales(p, _) => {
                let Parameter { tensor, quantizer, kernel } = p.clone();
                wanted.insert((source.layer.clone(), tensor), (quantizer, kernel));
            }
            Made::Inverse(_) | Made::Offset(_) => {
                for tensor in ["gamma", "beta", "mean", "variance"] {
                    wanted.insert((source.layer.clone(), tensor.into()), (None, false));
                }
            }
        }
    }
    wanted
}

/// The name of the numbers of bits of a tensor.
fn bits_of(tensor: &str) -> String {
    format!("{tensor}.fraction")
}

fn layer_of<'n>(network: &'n mut Network, name: &str) -> Result<&'n mut network::Layer> {
    let found = network.layers.iter_mut().find(|layer| layer.name == name);
    found.ok_or_else(|| Error::bug(format!("layer `{name}` has gone")))
}

impl Entry {
    fn new(layer: &str, tensor: &str, kind: Kind, shape: &[usize]) -> Entry {
        let shape = shape.iter().map(|length| *length as i64).collect();
        Entry {
            layer: layer.into(),
            tensor: tensor.into(),
            kind,
            shape,
            leaf: Tensor::new(),
            quantizer: None,
            format: None,
        }
    }

    /// Is it the kernel of a product?
    pub fn is_kernel(&self) -> bool {
        matches!(self.kind, Kind::Of { kernel: true, .. })
    }

    fn shape(&self) -> Vec<usize> {
        self.shape.iter().map(|length| *length as usize).collect()
    }

    fn quantized(&self, noise: f64) -> Result<Quantized> {
        if let Some((format, gradient)) = &self.format {
            let codes = straight_through(format.apply(&self.leaf), &self.leaf, gradient, 1.0, noise);
            return Ok(Quantized { codes, scale: None, bits: None });
        }
        let Some(quantizer) = &self.quantizer else {
            return Ok(Quantized { codes: self.leaf.shallow_clone(), scale: None, bits: None });
        };
        let own = network::Tensor { shape: self.shape(), data: values(&self.leaf)? };
        let role = if self.is_kernel() { Role::Kernel } else { Role::Other };
        let Codes { codes, scale } = quantizer.parameter(&own, role).at(format!("layer `{}`", self.layer))?;
        let codes: Vec<f32> = codes.iter().map(|code| code.to_f32()).collect();
        let codes = Tensor::from_slice(&codes).view(self.shape.as_slice());
        let moved = &self.leaf - self.leaf.detach();
        let moved = match quantizer.slopes(&own, role)? {
            Some(slopes) => moved * Tensor::from_slice(&slopes).view(self.shape.as_slice()),
            None => moved,
        };
        let mixed = |codes: Tensor, scale: &Tensor| match noise < 1.0 {
            true => self.leaf.detach() / scale * (1.0 - noise) + codes * noise,
            false => codes,
        };
        if scale == [1.0] {
            let codes = mixed(codes, &Tensor::from(1f32));
            return Ok(Quantized { codes: codes + moved, scale: None, bits: None });
        }
        // A channel whose scale is 0 has no codes to move.
        let safe: Vec<f32> = scale.iter().map(|scale| if *scale == 0.0 { 1.0 } else { *scale }).collect();
        let safe = Tensor::from_slice(&safe);
        let codes = mixed(codes, &safe) + moved / &safe;
        Ok(Quantized { codes, scale: Some(Tensor::from_slice(&scale)), bits: None })
    }
}

/// A tensor's numbers.
///
/// # Errors
/// libtorch fails.
pub fn values(tensor: &Tensor) -> Result<Vec<f64>> {
    let flat = Vec::<f32>::try_from(tensor.detach().flatten(0, -1).contiguous());
    let flat = flat.map_err(|error| Error::bug(format!("libtorch: {error}")))?;
    Ok(flat.into_iter().map(f64::from).collect())
}
