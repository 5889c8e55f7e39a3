//! The numbers that are trained: float32 shadows of the layers' tensors, in one vector.

use super::steps::Formats;
use crate::error::{At, Error, Result};
use crate::fixed::{Overflow, Quantization, Rounding};
use crate::functions::Gradient;
use crate::network::{self, Network};
use crate::quantizers::learned::trained;
use crate::quantizers::{self, Quantizer, Role};
use crate::tensor::{Graph, Id, Made, Parameter};
use std::collections::BTreeMap;
use tch::Tensor;

/// Arrays of a batch normalisation that follow the data instead of a gradient.
const FOLLOWERS: [&str; 2] = ["mean", "variance"];

/// All parameters of a network that a graph reads.
pub struct Parameters {
    /// Their float32 values, one after another.
    pub flat: Tensor,
    /// Formats that are applied to all at once, and 1 for each number that has one.
    pub alike: Option<(Formats, Tensor)>,
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
    /// The values, a view of [`Parameters::flat`].
    pub own: Tensor,
    /// What is done to them.
    pub form: Form,
    limit: f32,
}

/// How a parameter is quantized.
pub enum Form {
    /// Not at all.
    None,
    /// As [`Parameters::alike`] says.
    Alike(Quantization),
    /// To a fixed-point format, with a slope.
    Format(Formats, Gradient),
    /// To as many bits as another parameter says.
    Learned,
    /// By a quantizer's own code.
    Quantizer(Box<dyn Quantizer>),
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
                let kind = Kind::Of { kernel, learned: true };
                entries.push(Entry { form: Form::Learned, ..Entry::new(&layer, &tensor, kind, &own.shape) });
                values.extend(std::iter::repeat_n(learned.fraction as f32, count));
                entries.push(Entry::new(&layer, &bits_of(&tensor), Kind::Bits, &shape));
                continue;
            }
            let limit = quantizer.as_ref().and_then(|quantizer| quantizer.limit()).unwrap_or(f32::INFINITY);
            let kind =
                if FOLLOWERS.contains(&tensor.as_str()) { Kind::Follows } else { Kind::Of { kernel, learned: false } };
            let form = form(quantizer, role);
            entries.push(Entry { form, limit, ..Entry::new(&layer, &tensor, kind, &own.shape) });
        }
        for formats in graph.sources.formats.values() {
            for (tensor, bits) in ["integer", "fraction"].iter().zip(formats.bits) {
                values.extend(std::iter::repeat_n(bits as f32, formats.shape.iter().product()));
                entries.push(Entry::new(&formats.layer, tensor, Kind::Bits, &formats.shape));
            }
        }
        let name = |(index, entry): (usize, &Entry)| ((entry.layer.clone(), entry.tensor.clone()), index);
        let index = entries.iter().enumerate().map(name).collect();
        let alike = alike(&entries);
        let mut parameters = Parameters { flat: Tensor::from_slice(&values), alike, entries, index };
        parameters.bind();
        Ok(parameters)
    }

    /// Makes the values views of the flat vector.
    fn bind(&mut self) {
        let mut start = 0;
        for entry in &mut self.entries {
            let count: i64 = entry.shape.iter().product();
            entry.own = self.flat.narrow(0, start, count).view(entry.shape.as_slice()).detach();
            start += count;
        }
    }

    /// How far from 0 each number may go: infinity where nothing limits it.
    pub fn limits(&self) -> Tensor {
        let own = |entry: &Entry| {
            let count = entry.own.numel() as i64;
            Tensor::full([count], f64::from(entry.limit), (tch::Kind::Float, tch::Device::Cpu))
        };
        let all: Vec<Tensor> = self.entries.iter().map(own).collect();
        if all.is_empty() { self.flat.full_like(f64::INFINITY) } else { Tensor::cat(&all, 0) }
    }

    /// All of them.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// One of them.
    pub fn find(&self, layer: &str, tensor: &str) -> Option<&Entry> {
        self.place(layer, tensor).map(|place| &self.entries[place])
    }

    /// The place of one among all.
    pub fn place(&self, layer: &str, tensor: &str) -> Option<usize> {
        self.index.get(&(layer.to_string(), tensor.to_string())).copied()
    }

    /// The network with the present values; learned formats become exact weights and formats of each element.
    ///
    /// # Errors
    /// A value is NaN or infinite: training has diverged.
    pub fn write(&self, network: &Network, graph: &Graph) -> Result<Network> {
        let mut network = network.clone();
        for entry in self.entries.iter().filter(|entry| entry.kind != Kind::Bits) {
            let learned = matches!(entry.kind, Kind::Of { learned: true, .. });
            let data = values(&match learned {
                true => trained::quantize(&entry.own, &self.get(&entry.layer, &bits_of(&entry.tensor))?.own, None),
                false => entry.own.shallow_clone(),
            })?;
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
                let data = values(&entry.own)?.into_iter().map(trained::bits).collect();
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

    /// One of them, which is there.
    pub fn get(&self, layer: &str, tensor: &str) -> Result<&Entry> {
        self.find(layer, tensor).ok_or_else(|| Error::bug(format!("no parameter `{tensor}` of `{layer}`")))
    }
}

/// What is done to a parameter with such a quantizer.
fn form(quantizer: Option<Box<dyn Quantizer>>, role: Role) -> Form {
    let Some(quantizer) = quantizer else { return Form::None };
    match quantizer.format(role) {
        None => Form::Quantizer(quantizer),
        Some((format, Gradient::Straight))
            if format.rounding == Rounding::RndConv && matches!(format.overflow, Overflow::Sat | Overflow::SatSym) =>
        {
            Form::Alike(format)
        }
        Some((format, gradient)) => Form::Format(Formats::new(&[format], &[]), gradient),
    }
}

/// The formats of all numbers of [`Form::Alike`].
fn alike(entries: &[Entry]) -> Option<(Formats, Tensor)> {
    let format = |entry: &Entry| if let Form::Alike(format) = entry.form { Some(format) } else { None };
    let any = entries.iter().find_map(format)?;
    let count = |entry: &Entry| entry.shape.iter().product::<i64>() as usize;
    let each = |entry: &Entry| std::iter::repeat_n(format(entry), count(entry));
    let all: Vec<Option<Quantization>> = entries.iter().flat_map(each).collect();
    let formats: Vec<Quantization> = all.iter().map(|format| format.unwrap_or(any)).collect();
    let mask: Vec<bool> = all.iter().map(Option::is_some).collect();
    Some((Formats::new(&formats, &[formats.len()]), Tensor::from_slice(&mask)))
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
pub fn bits_of(tensor: &str) -> String {
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
            own: Tensor::new(),
            form: Form::None,
            limit: f32::INFINITY,
        }
    }

    /// Is it the kernel of a product?
    pub fn is_kernel(&self) -> bool {
        matches!(self.kind, Kind::Of { kernel: true, .. })
    }

    /// The shape, as a network has it.
    pub fn shape(&self) -> Vec<usize> {
        self.shape.iter().map(|length| *length as usize).collect()
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
