//! The networks on the edges of a table layer, and their tables.

use super::quantizer::Quantizer;
use super::state::{Name, State};
use crate::error::{At, Error, Result};
use crate::fixed::Format;
use crate::frontends::json::{number, optional, size};
use crate::frontends::keras::architecture::Node;
use crate::frontends::keras::builder::Arrays;
use crate::frontends::keras::classes::config::mismatch;
use crate::frontends::keras::quantizer::activation;
use crate::functions::Function;
use crate::network::Tensor;

/// The most entries of all tables of a layer, and the most products that computing them may take.
const ENTRIES: usize = 1 << 24;
const PRODUCTS: usize = 1 << 32;

/// A layer of the networks: for each edge a matrix and a bias.
struct Step {
    /// `[edges, inputs, outputs]`, flat.
    kernel: Vec<f64>,
    inputs: usize,
    outputs: usize,
    bias: Option<Vec<f64>>,
    function: Option<Function>,
}

/// Batch normalisation of what the networks give: `(x * scale + offset) / root`, in float32.
pub struct Normalize {
    scale: Vec<f32>,
    offset: Vec<f32>,
    root: f32,
    /// Which axes of the weights it has, in its order.
    over: Vec<usize>,
}

impl Normalize {
    /// Keras' own layer, over the outputs: `scale = gamma * rsqrt(variance + epsilon)`. So many inputs are summed.
    pub fn keras(node: &Node, arrays: &Arrays, inputs: usize) -> Result<Normalize> {
        let scale = |gamma: f32, variance: f32, epsilon: f32| {
            let inverse = 1.0 / f64::from(variance + epsilon).sqrt();
            inverse as f32 * gamma
        };
        Normalize::new(node, arrays, ["gamma", "beta"], vec![1], inputs, scale)
    }

    /// HGQ2's own, over some axes of the weights: `scale = gamma / sqrt(variance + epsilon)`.
    pub fn hgq(node: &Node, arrays: &Arrays, over: Vec<usize>, inputs: usize) -> Result<Normalize> {
        let scale = |gamma: f32, variance: f32, epsilon: f32| gamma / (variance + epsilon).sqrt();
        Normalize::new(node, arrays, ["bn_gamma", "bn_beta"], over, inputs, scale)
    }

    fn new(
        node: &Node,
        arrays: &Arrays,
        names: [&str; 2],
        over: Vec<usize>,
        inputs: usize,
        scale: fn(f32, f32, f32) -> f32,
    ) -> Result<Normalize> {
        let epsilon = optional(&node.config, "bn_epsilon", number)?.unwrap_or(1e-3) as f32;
        let missing = || Error::bug("an array that was there is gone");
        let mean = arrays.get("moving_mean").ok_or_else(missing)?;
        let variance = arrays.get("moving_variance").ok_or_else(missing)?;
        let [gamma, beta] = names.map(|name| arrays.get(name));
        let same = |other: &Tensor| other.shape == mean.shape;
        if !same(variance) || ![gamma, beta].into_iter().flatten().all(same) || mean.shape.len() != over.len() {
            return Err(mismatch("moving_mean", &mean.shape, "as many axes as are normalised, as the other arrays"));
        }
        let at = |tensor: Option<&Tensor>, at: usize, none: f32| tensor.map_or(none, |tensor| tensor.data[at] as f32);
        let scale: Vec<f32> =
            (0..mean.data.len()).map(|e| scale(at(gamma, e, 1.0), variance.data[e] as f32, epsilon)).collect();
        let offset = (0..mean.data.len()).map(|e| at(beta, e, 0.0) - mean.data[e] as f32 * scale[e]).collect();
        Ok(Normalize { scale, offset, root: (inputs as f64).sqrt() as f32, over })
    }
}

/// The networks of all edges.
pub struct Edges {
    steps: Vec<Step>,
    normalize: Option<Normalize>,
    /// The lengths of the weights' axes.
    lengths: Vec<usize>,
    /// Which of the edges' axes those are.
    axes: Vec<usize>,
}

impl Edges {
    /// Reads a layer's networks: `n_hl` hidden layers and one more. `shape` is that of the edges; `axes` are those of the weights.
    ///
    /// # Errors
    /// Arrays are missing or do not suit the shape, or a function is none of single numbers.
    pub fn read(
        node: &Node,
        state: &State,
        shape: &[usize],
        axes: &[usize],
        biased: bool,
        normalize: Option<Normalize>,
    ) -> Result<Edges> {
        let hidden = optional(&node.config, "n_hl", size)?.unwrap_or(1);
        let function = optional(&node.config, "subnn_activation", activation)?.flatten();
        let function = function.map(|text| Function::parse(&text)).transpose().at("`subnn_activation`")?;
        let lengths: Vec<usize> = axes.iter().map(|axis| shape[*axis]).collect();
        let module = state.part("module", Name::Counted("sequential", 0))?;
        let mut steps = Vec::new();
        for at in 0..=hidden {
            let last = at == hidden;
            let name = if at == 0 { "layers/einsum_dense".into() } else { format!("layers/einsum_dense_{at}") };
            let part = module.part(&name, Name::Counted("einsum_dense", at))?;
            let arrays = part.arrays(if biased { &["kernel", "bias"] } else { &["kernel"] }).at(name)?;
            let function = function.clone().filter(|_| !last);
            steps.push(Step::new(
                &arrays,
                &lengths,
                function,
                steps.last().map_or(1, |step: &Step| step.outputs),
                last,
            )?);
        }
        if let Some(normalize) = &normalize {
            let over: Option<usize> = normalize.over.iter().map(|at| lengths.get(*at)).product();
            if over != Some(normalize.scale.len()) {
                return Err(mismatch(
                    "moving_mean",
                    &[normalize.scale.len()],
                    "a number for each edge that it normalises",
                ));
            }
        }
        Ok(Edges { steps, normalize, lengths, axes: axes.to_vec() })
    }

    /// What the network of an edge gives; the edge as an index into the weights' axes.
    fn at(&self, edge: usize, x: f32) -> f32 {
        let mut values = vec![x];
        for step in &self.steps {
            values = (0..step.outputs).map(|output| step.at(edge, &values, output)).collect();
        }
        let value = values.first().copied().unwrap_or(0.0);
        let Some(normalize) = &self.normalize else { return value };
        let index = |axis: usize| edge / self.lengths[axis + 1..].iter().product::<usize>() % self.lengths[axis];
        let place = normalize.over.iter().fold(0, |place, axis| place * self.lengths[*axis] + index(*axis));
        let scaled = f64::from(value) * f64::from(normalize.scale[place]) + f64::from(normalize.offset[place]);
        scaled as f32 / normalize.root
    }

    /// Tables for codes of a format, quantized: their values, in units of `2^-fraction`, for the last axes of the edges, as many
    /// as make a difference; and the fraction.
    ///
    /// # Errors
    /// There would be too many entries, or a value is NaN or infinite.
    pub fn tables(&self, edges: &[usize], format: Format, toq: &Quantizer) -> Result<(Tensor, i32)> {
        let formats = toq.shape();
        let fits = |(mine, theirs): (&usize, &usize)| *mine == 1 || mine == theirs;
        if formats.len() != edges.len() + 1 || formats[0] != 1 || !formats[1..].iter().zip(edges).all(fits) {
            return Err(mismatch("toq", formats, &format!("1, and 1 or the length for each axis of {edges:?}")));
        }
        let matters = |axis: &usize| self.axes.contains(axis) || formats[axis + 1] > 1;
        let start = (0..edges.len()).find(matters).unwrap_or(edges.len());
        let shape = &edges[start..];
        let (count, range) = (shape.iter().product::<usize>(), format.range());
        let codes = 1usize << format.width.min(40);
        let products: usize = self.steps.iter().map(|step| step.inputs * step.outputs).sum();
        let entries = count.checked_mul(codes).filter(|entries| *entries <= ENTRIES);
        let entries = entries.filter(|entries| entries.saturating_mul(products) <= PRODUCTS).ok_or_else(|| {
            let what = format!("{count} tables of {codes} codes, each by {products} products");
            Error::user(what, format!("a layer has at most {ENTRIES} entries; use fewer bits in iq"))
        })?;
        let mut values = vec![0.0; entries];
        for element in 0..count {
            let index = |axis: usize| element / edges[axis + 1..].iter().product::<usize>() % edges[axis];
            let edge = self.axes.iter().fold(0, |edge, axis| edge * edges[*axis] + index(*axis));
            for code in range.lo..=range.hi {
                let x = code as f32 * (range.exp as f32).exp2();
                let value = f64::from(toq.entry(self.at(edge, x), element, shape));
                if !value.is_finite() {
                    let what = format!("the network of edge {edge} gives {value} for {x}");
                    return Err(Error::user(what, "train the network again, or repair the file"));
                }
                values[element * codes + (code & (codes as i128 - 1)) as usize] = value;
            }
        }
        let fraction = fraction(&values);
        values.iter_mut().for_each(|value| *value *= f64::from(fraction).exp2());
        Ok((Tensor::new(shape.iter().copied().chain([codes]).collect(), values)?, fraction))
    }
}

/// The fraction bits with which all are whole; float32 numbers have at most 149.
fn fraction(values: &[f64]) -> i32 {
    (0..149).find(|bits| values.iter().all(|value| (value * f64::from(*bits).exp2()).fract() == 0.0)).unwrap_or(149)
}

impl Step {
    /// From a kernel `[edges.., inputs, outputs]` or, at the end, `[edges.., inputs]`, and a bias.
    fn new(arrays: &Arrays, edges: &[usize], function: Option<Function>, given: usize, last: bool) -> Result<Step> {
        let kernel = arrays.get("kernel").ok_or_else(|| Error::bug("no kernel"))?;
        let own = kernel.shape.strip_prefix(edges);
        let sizes = match (own, last) {
            (Some([inputs, outputs]), false) => Some((*inputs, *outputs)),
            (Some([inputs]), true) => Some((*inputs, 1)),
            _ => None,
        };
        // HGQ2's QEinsumDenseT has first layers as wide as the hidden ones, of which all inputs are the same number.
        let sizes = sizes.filter(|(inputs, _)| given == *inputs || given == 1);
        let expected = format!("{edges:?} edges, {given} inputs and the outputs");
        let (inputs, outputs) = sizes.ok_or_else(|| mismatch("kernel", &kernel.shape, &expected))?;
        let bias = arrays.get("bias").map(|bias| bias.data.clone());
        if bias.as_ref().is_some_and(|bias| bias.len() * inputs != kernel.data.len()) {
            return Err(mismatch("bias", &arrays["bias"].shape, "one for each edge and output"));
        }
        Ok(Step { kernel: kernel.data.clone(), inputs, outputs, bias, function })
    }

    fn at(&self, edge: usize, values: &[f32], output: usize) -> f32 {
        let weights = self.kernel[edge * self.inputs * self.outputs..].iter().skip(output).step_by(self.outputs);
        let pairs = weights.take(self.inputs).enumerate();
        let sum: f64 = pairs.map(|(at, weight)| f64::from(values[at.min(values.len() - 1)]) * weight).sum();
        let bias = self.bias.as_ref().map_or(0.0, |bias| bias[edge * self.outputs + output]);
        let sum = (sum + bias) as f32;
        self.function.as_ref().map_or(sum, |function| function.at(sum))
    }
}
