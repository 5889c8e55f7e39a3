//! The numbers that are trained: float32 shadows of the layers' tensors, in one vector.

use super::steps::{Formats, lengths};
use crate::error::{At, Error, Result};
use crate::fixed::{Format, Overflow, Quantization, Rounding};
use crate::functions::Gradient;
use crate::network::{self, Network};
use crate::quantizers::learned::trained;
use crate::quantizers::{self, Quantizer, Role};
use crate::tensor::{self, Graph, Made, Node, Op, Parameter};
use std::collections::BTreeMap;
use tch::Tensor;

/// Arrays of a batch normalisation that follow the data instead of a gradient.
const FOLLOWERS: [&str; 2] = ["mean", "variance"];

/// All parameters of a network that a graph reads.
pub struct Parameters {
    /// Their float32 values, one after another.
    pub flat: Tensor,
    /// Formats that are applied to all plain ones at once, and 1 for each number that has one.
    pub alike: Option<(Formats, Tensor)>,
    /// Learned formats of values, in the order of their entries.
    pub formats: Vec<Values>,
    entries: Vec<Entry>,
    index: BTreeMap<(String, String), usize>,
}

/// Learned formats of a layer's values.
pub struct Values {
    /// The layer.
    pub layer: String,
    /// 1 for each format with a sign, else 0.
    pub signed: Vec<f32>,
    /// Whether values beyond wrap.
    pub wraps: bool,
}

/// What is done together: entries of one part stand side by side, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Numbers whose bits are not learned.
    Plain,
    /// Weights whose bits are.
    Weights,
    /// Fraction bits of weights.
    Fractions,
    /// Integer bits of values.
    Integers,
    /// Fraction bits of values.
    Steps,
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
    /// What it stands with.
    pub part: Part,
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
        let mut all: Vec<(Entry, Vec<f32>)> = Vec::new();
        for ((layer, tensor), (quantizer, kernel)) in wanted(graph) {
            // A batch normalisation may go without gamma and beta: they are 1 and 0, and stay so.
            let Some(own) = network.layer(&layer).and_then(|layer| layer.tensors.get(&tensor)) else { continue };
            let role = if kernel { Role::Kernel } else { Role::Other };
            let quantizer = quantizer.as_deref().map(quantizers::parse).transpose().at(format!("layer `{layer}`"))?;
            let numbers = own.data.iter().map(|value| *value as f32).collect();
            if let Some(learned) = quantizer.as_ref().and_then(|quantizer| quantizer.learned()) {
                let shape = learned.group.shape(&own.shape);
                let kind = Kind::Of { kernel, learned: true };
                let entry = Entry::new(&layer, &tensor, kind, Part::Weights, &own.shape);
                all.push((Entry { form: Form::Learned, ..entry }, numbers));
                let entry = Entry::new(&layer, &bits_of(&tensor), Kind::Bits, Part::Fractions, &shape);
                all.push((entry, learned.fractions(own).at(format!("layer `{layer}`"))?));
                continue;
            }
            let limit = quantizer.as_ref().and_then(|quantizer| quantizer.limit()).unwrap_or(f32::INFINITY);
            let kind =
                if FOLLOWERS.contains(&tensor.as_str()) { Kind::Follows } else { Kind::Of { kernel, learned: false } };
            let form = form(quantizer, role);
            all.push((Entry { form, limit, ..Entry::new(&layer, &tensor, kind, Part::Plain, &own.shape) }, numbers));
        }
        for formats in graph.sources.formats.values() {
            let integer = |format: &Format| (format.integer() - i32::from(format.signed)) as f32;
            let fraction = |format: &Format| -format.lsb as f32;
            let entry = |tensor, part| Entry::new(&formats.layer, tensor, Kind::Bits, part, &formats.shape);
            all.push((entry("integer", Part::Integers), formats.first.iter().map(integer).collect()));
            all.push((entry("fraction", Part::Steps), formats.first.iter().map(fraction).collect()));
        }
        all.sort_by_key(|(entry, _)| entry.part);
        let values: Vec<f32> = all.iter().flat_map(|(_, values)| values.iter().copied()).collect();
        let entries: Vec<Entry> = all.into_iter().map(|(entry, _)| entry).collect();
        let name = |(index, entry): (usize, &Entry)| ((entry.layer.clone(), entry.tensor.clone()), index);
        let index = entries.iter().enumerate().map(name).collect();
        let alike = alike(&entries);
        let formats = graph.sources.formats.iter().map(|(id, formats)| Values::new(graph.node(*id), formats)).collect();
        let mut parameters = Parameters { flat: Tensor::from_slice(&values), alike, formats, entries, index };
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

    /// The least and the greatest that each number may be, if anything limits one.
    pub fn limits(&self) -> Option<[Tensor; 2]> {
        let own = |entry: &Entry| {
            let count = entry.own.numel() as i64;
            Tensor::full([count], f64::from(entry.limit), (tch::Kind::Float, tch::Device::Cpu))
        };
        let all: Vec<Tensor> = self.entries.iter().map(own).collect();
        let high = self.entries.iter().any(|entry| entry.limit.is_finite()).then(|| Tensor::cat(&all, 0))?;
        Some([high.neg(), high])
    }

    /// How far each number moves in a step of rate 1: bits by 1, and weights by the root mean square of their tensor's, of those
    /// that are not 0. Networks from elsewhere may have weights of any size.
    ///
    /// # Errors
    /// libtorch fails.
    pub fn pace(&self) -> Result<Tensor> {
        let own = |entry: &Entry| {
            let count = entry.own.numel() as i64;
            let own: Vec<f64> = values(&entry.own)?.into_iter().filter(|value| *value != 0.0).collect();
            let square = own.iter().map(|value| value * value).sum::<f64>() / own.len().max(1) as f64;
            let weights = matches!(entry.kind, Kind::Of { .. }) && !own.is_empty();
            let pace = if weights { square.sqrt() } else { 1.0 };
            Ok(Tensor::full([count], pace, (tch::Kind::Float, tch::Device::Cpu)))
        };
        Ok(Tensor::cat(&self.entries.iter().map(own).collect::<Result<Vec<Tensor>>>()?, 0))
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
                true => {
                    let grid = trained::Grid::new(&self.get(&entry.layer, &bits_of(&entry.tensor))?.own);
                    trained::rounded(&entry.own, &grid, Rounding::Rnd)
                }
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
            let Op::Quantize { elements } = &node.op else { return Err(Error::bug("formats of a node without")) };
            let bits = |tensor: &str| {
                let all = self.get(&formats.layer, tensor)?.own.expand(lengths(&node.shape).as_slice(), false);
                Ok(values(&all)?.into_iter().map(trained::bits).collect::<Vec<f64>>())
            };
            let (integer, fraction) = (bits("integer")?, bits("fraction")?);
            // What wraps has a sign only beside other bits.
            let bare = |e: usize| elements[0].overflow == Overflow::Wrap && integer[e] + fraction[e] <= 0.0;
            let signed = (0..node.len()).map(|e| f64::from(u8::from(formats.signed[e] && !bare(e)))).collect();
            let tensors = [("signed", signed), ("integer", integer), ("fraction", fraction)];
            let tensors = tensors.map(|(name, data)| (name, network::Tensor { shape: node.shape.clone(), data }));
            let layer = layer_of(&mut network, &formats.layer)?;
            layer.attributes.remove("format");
            layer.attributes.remove("learned");
            layer.attributes.insert("rounding".into(), elements[0].rounding.to_string().into());
            layer.attributes.insert("overflow".into(), elements[0].overflow.to_string().into());
            layer.tensors.extend(tensors.into_iter().map(|(name, tensor)| (name.to_string(), tensor)));
        }
        Ok(network)
    }

    /// One of them, which is there.
    pub fn get(&self, layer: &str, tensor: &str) -> Result<&Entry> {
        self.find(layer, tensor).ok_or_else(|| Error::bug(format!("no parameter `{tensor}` of `{layer}`")))
    }
}

impl Values {
    fn new(node: &Node, formats: &tensor::Formats) -> Values {
        // A format for several elements has a sign if one of them has.
        let count = formats.first.len();
        let mut signed = vec![0f32; count];
        for (e, sign) in formats.signed.iter().enumerate() {
            let place = if count == formats.signed.len() { e } else { e % count };
            signed[place] = signed[place].max(f32::from(u8::from(*sign)));
        }
        let wraps = matches!(&node.op, Op::Quantize { elements } if elements[0].overflow == Overflow::Wrap);
        Values { layer: formats.layer.clone(), signed, wraps }
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
    let plain = entries.iter().filter(|entry| entry.part == Part::Plain);
    let all: Vec<Option<Quantization>> = plain.flat_map(each).collect();
    let formats: Vec<Quantization> = all.iter().map(|format| format.unwrap_or(any)).collect();
    let mask: Vec<bool> = all.iter().map(Option::is_some).collect();
    Some((Formats::new(&formats, &[formats.len()]), Tensor::from_slice(&mask)))
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
    fn new(layer: &str, tensor: &str, kind: Kind, part: Part, shape: &[usize]) -> Entry {
        let shape = shape.iter().map(|length| *length as i64).collect();
        Entry {
            layer: layer.into(),
            tensor: tensor.into(),
            kind,
            shape,
            part,
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
