//! Keras layers to ours.

use super::super::json::{field, integer, list, number, optional, size, sizes, string};
use super::architecture::{Architecture, Node};
use super::quantizer::{activation, quantizer};
use super::weights::Weights;
use crate::error::{At, Error, Result};
use crate::network::{Input, Layer, Network, Tensor};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};

const SUPPORTED: &str = "InputLayer, Dense, QDense, Conv2D, QConv2D, Activation, QActivation, ReLU, Softmax, \
                         BatchNormalization, MaxPooling2D, Flatten, Reshape, Permute, Add, Multiply, Concatenate, Dropout";

/// Layers that pass their input on once the training is over.
const IDENTITIES: [&str; 7] = [
    "Dropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "AlphaDropout",
    "GaussianNoise",
    "GaussianDropout",
    "ActivityRegularization",
];

/// Collects our layers while Keras' are read.
pub struct Builder<'w> {
    weights: &'w Weights,
    /// Names that Keras gave.
    taken: HashSet<&'w str>,
    /// For each layer that does nothing, the Keras layer that it reads.
    aliases: HashMap<String, String>,
    /// For each Keras layer with its own activation, our layer of that activation.
    activations: HashMap<String, String>,
    inputs: Vec<Input>,
    /// Layers, reading Keras' names.
    layers: Vec<Layer>,
    /// The activations of layers, reading ours.
    behind: Vec<(usize, Layer)>,
}

impl<'w> Builder<'w> {
    /// An empty network.
    pub fn new(weights: &'w Weights, architecture: &'w Architecture) -> Builder<'w> {
        Builder {
            weights,
            taken: architecture.nodes.iter().map(|node| node.name.as_str()).collect(),
            aliases: HashMap::new(),
            activations: HashMap::new(),
            inputs: Vec::new(),
            layers: Vec::new(),
            behind: Vec::new(),
        }
    }

    /// Translates a layer.
    pub fn add(&mut self, node: &Node) -> Result<()> {
        let config = &node.config;
        match node.class.as_str() {
            "InputLayer" => self.input(node),
            "Dense" | "QDense" => self.dense(node),
            "Conv2D" | "QConv2D" => self.conv2d(node),
            "BatchNormalization" => self.batch_norm(node),
            "Activation" | "QActivation" => {
                let function = field(config, "activation", activation)?.unwrap_or_else(|| "linear".into());
                self.push(self.layer(node, "activation").with("function", function))
            }
            "ReLU" => self.relu(node),
            "Softmax" => {
                last_axis(config)?;
                self.push(self.layer(node, "softmax"))
            }
            "MaxPooling2D" => self.max_pool2d(node),
            "Flatten" => self.push(self.layer(node, "flatten")),
            "Reshape" => {
                let shape: Vec<i64> =
                    field(config, "target_shape", list)?.iter().map(integer).collect::<Result<_>>()?;
                self.push(self.layer(node, "reshape").with("shape", shape))
            }
            "Permute" => {
                let dims = field(config, "dims", sizes)?;
                if dims.contains(&0) {
                    return Err(Error::user("`dims` has an axis 0", "Keras counts the axes of a sample from 1"));
                }
                let perm: Vec<usize> = dims.iter().map(|axis| axis - 1).collect();
                self.push(self.layer(node, "transpose").with("perm", perm))
            }
            "Add" => self.push(self.layer(node, "add")),
            "Multiply" => self.push(self.layer(node, "multiply")),
            "Concatenate" => {
                last_axis(config)?;
                self.push(self.layer(node, "concatenate"))
            }
            class if IDENTITIES.contains(&class) => {
                let [input] = node.inputs.as_slice() else { return Err(one_input(node)) };
                self.aliases.insert(node.name.clone(), input.clone());
                Ok(())
            }
            class => Err(unsupported(class)),
        }
    }

    /// The network.
    pub fn finish(mut self, name: String, architecture: &Architecture) -> Result<Network> {
        if let Some(order) = &architecture.inputs {
            let place = |input: &Input| order.iter().position(|name| *name == input.name).unwrap_or(usize::MAX);
            self.inputs.sort_by_key(place);
        }
        let outputs = architecture.outputs.iter().map(|name| self.result(name)).collect();
        let mut layers = Vec::new();
        let mut behind = self.behind.iter().peekable();
        // Edges are resolved only now: a functional model may list its layers in any order.
        for (at, layer) in self.layers.iter().enumerate() {
            let inputs = layer.inputs.iter().map(|input| self.result(input)).collect();
            layers.push(Layer { inputs, ..layer.clone() });
            layers.extend(behind.next_if(|(before, _)| *before == at).map(|(_, layer)| layer.clone()));
        }
        Ok(Network { name, inputs: self.inputs, layers, outputs })
    }

    /// The input or layer of ours that has the result of a Keras layer.
    fn result(&self, name: &str) -> String {
        let mut name = name;
        // In a circle of aliases this ends too, and the name leads nowhere.
        for _ in 0..=self.aliases.len() {
            match self.aliases.get(name) {
                Some(input) => name = input,
                None => break,
            }
        }
        self.activations.get(name).map_or(name, String::as_str).to_string()
    }

    fn layer(&self, node: &Node, kind: &str) -> Layer {
        Layer::new(&node.name, kind, node.inputs.clone())
    }

    fn push(&mut self, layer: Layer) -> Result<()> {
        self.layers.push(layer);
        Ok(())
    }

    /// Adds a layer, and its own activation behind it.
    fn push_activated(&mut self, node: &Node, layer: Layer) -> Result<()> {
        let function = optional(&node.config, "activation", activation)?.flatten();
        if let Some(function) = function {
            let mut name = format!("{}_{}", node.name, function.split('(').next().unwrap_or(&function));
            while self.taken.contains(name.as_str()) {
                name.push('_');
            }
            let behind = Layer::new(&name, "activation", vec![node.name.clone()]).with("function", function);
            self.behind.push((self.layers.len(), behind));
            self.activations.insert(node.name.clone(), name);
        }
        self.push(layer)
    }

    fn input(&mut self, node: &Node) -> Result<()> {
        let keys = ["batch_input_shape", "batch_shape"];
        let shape = keys.iter().find_map(|key| node.config.get(key));
        let shape = shape.ok_or_else(|| Error::user("has no `batch_input_shape`", "give the input a shape"))?;
        let shape = match shape.as_array().map(Vec::as_slice) {
            Some([_, rest @ ..]) => rest.iter().map(size).collect::<Result<Vec<_>>>(),
            _ => Err(Error::user("is not a shape", "expected [null, 16]")),
        };
        let shape = shape.map_err(|error| {
            let help = "hardware needs a fixed shape: build the model with one";
            Error::user(format!("the input's shape is not fixed: it {}", error.what), help)
        })?;
        self.inputs.push(Input { name: node.name.clone(), shape, format: None });
        Ok(())
    }

    /// Kernel, bias and their quantizers.
    fn affine(&self, node: &Node, layer: Layer, outputs: &str) -> Result<Layer> {
        let mut tensors = self.weights.tensors(&node.group)?;
        let units = field(&node.config, outputs, size)?;
        let kernel = take(&mut tensors, "kernel")?;
        if kernel.shape.last() != Some(&units) {
            return Err(mismatch("kernel", &kernel.shape, &format!("{units} as its last axis (`{outputs}`)")));
        }
        let mut layer = layer.with_tensor("kernel", kernel);
        let mut wanted = vec!["kernel_quantizer"];
        if optional(&node.config, "use_bias", |value| Ok(value != &Value::Bool(false)))?.unwrap_or(true) {
            let bias = take(&mut tensors, "bias")?;
            if bias.shape != [units] {
                return Err(mismatch("bias", &bias.shape, &format!("[{units}]")));
            }
            layer = layer.with_tensor("bias", bias);
            wanted.push("bias_quantizer");
        }
        for name in wanted {
            if let Some(call) = optional(&node.config, name, quantizer)?.flatten() {
                layer = layer.with(name, call);
            }
        }
        Ok(layer)
    }

    fn dense(&mut self, node: &Node) -> Result<()> {
        let layer = self.affine(node, self.layer(node, "dense"), "units")?;
        let shape = &layer.tensors["kernel"].shape;
        if shape.len() != 2 {
            return Err(mismatch("kernel", shape, "two axes, (inputs, units)"));
        }
        self.push_activated(node, layer)
    }

    fn conv2d(&mut self, node: &Node) -> Result<()> {
        plain_convolution(&node.config)?;
        let strides = optional(&node.config, "strides", sizes)?.unwrap_or_else(|| vec![1, 1]);
        let padding = optional(&node.config, "padding", string)?.unwrap_or("valid");
        let layer = self.layer(node, "conv2d").with("strides", strides).with("padding", padding);
        let layer = self.affine(node, layer, "filters")?;
        let shape = &layer.tensors["kernel"].shape;
        let window = field(&node.config, "kernel_size", sizes)?;
        if shape.len() != 4 || shape[..2] != window[..] {
            return Err(mismatch("kernel", shape, &format!("four axes that start with {window:?} (`kernel_size`)")));
        }
        self.push_activated(node, layer)
    }

    fn max_pool2d(&mut self, node: &Node) -> Result<()> {
        plain_convolution(&node.config)?;
        let pool = field(&node.config, "pool_size", sizes)?;
        let strides = optional(&node.config, "strides", sizes)?.unwrap_or_else(|| pool.clone());
        let padding = optional(&node.config, "padding", string)?.unwrap_or("valid");
        if strides != pool || padding != "valid" {
            let what = format!("has strides {strides:?} and padding `{padding}`");
            return Err(Error::user(
                what,
                "pooling is supported with strides equal to the pool size and valid padding",
            ));
        }
        self.push(self.layer(node, "max_pool2d").with("size", pool))
    }

    fn batch_norm(&mut self, node: &Node) -> Result<()> {
        last_axis(&node.config)?;
        let mut tensors = self.weights.tensors(&node.group)?;
        let epsilon = optional(&node.config, "epsilon", number)?.unwrap_or(1e-3);
        let mut layer = self.layer(node, "batch_norm").with("epsilon", epsilon);
        let wanted =
            |name: &str| Ok(optional(&node.config, name, |value| Ok(value != &Value::Bool(false)))?.unwrap_or(true));
        if wanted("scale")? {
            layer = layer.with_tensor("gamma", take(&mut tensors, "gamma")?);
        }
        if wanted("center")? {
            layer = layer.with_tensor("beta", take(&mut tensors, "beta")?);
        }
        for (theirs, ours) in [("moving_mean", "mean"), ("moving_variance", "variance")] {
            layer = layer.with_tensor(ours, take(&mut tensors, theirs)?);
        }
        let channels = layer.tensors["mean"].shape.clone();
        if let Some((name, other)) = layer.tensors.iter().find(|(_, tensor)| tensor.shape != channels) {
            return Err(mismatch(name, &other.shape, &format!("{channels:?}, as the mean has")));
        }
        self.push(layer)
    }

    fn relu(&mut self, node: &Node) -> Result<()> {
        let given = |name: &str| optional(&node.config, name, number);
        for name in ["max_value", "negative_slope", "threshold"] {
            if let Some(value) = given(name)?.filter(|value| *value != 0.0 || name == "max_value") {
                let help = "only the plain ReLU is supported; a quantized_relu has its own bounds and slope";
                return Err(Error::user(format!("`{name}` is {value}"), help));
            }
        }
        self.push(self.layer(node, "relu"))
    }
}

fn take(tensors: &mut BTreeMap<String, Tensor>, name: &str) -> Result<Tensor> {
    tensors.remove(name).ok_or_else(|| {
        let known: Vec<_> = tensors.keys().map(String::as_str).collect();
        let help = format!("these are not the weights of this model; they have: {}", known.join(", "));
        Error::user(format!("the weights have no `{name}`"), help)
    })
}

fn mismatch(name: &str, shape: &[usize], expected: &str) -> Error {
    let what = format!("`{name}` has shape {shape:?}, expected {expected}");
    Error::user(what, "the architecture and the weights must be of the same model")
}

/// The axis is the last one, where it is known to be.
fn last_axis(config: &Value) -> Result<()> {
    let axis = match config.get("axis") {
        Some(Value::Array(axes)) if axes.len() == 1 => Some(integer(&axes[0])?),
        Some(Value::Null) | None => None,
        Some(axis) => Some(integer(axis).at("`axis`")?),
    };
    // Axis 0 is the sample's; a positive axis cannot be told from the last one here, and layers check channels.
    match axis {
        Some(axis) if axis == 0 || axis < -1 => {
            Err(Error::user(format!("`axis` is {axis}"), "only the last axis is supported: use axis=-1"))
        }
        _ => Ok(()),
    }
}

/// Channels last, no groups, no dilation.
fn plain_convolution(config: &Value) -> Result<()> {
    let format = optional(config, "data_format", string)?.unwrap_or("channels_last");
    let groups = optional(config, "groups", size)?.unwrap_or(1);
    let dilation = optional(config, "dilation_rate", sizes)?.unwrap_or_default();
    if format != "channels_last" || groups != 1 || dilation.iter().any(|rate| *rate != 1) {
        let what = format!("has data_format `{format}`, {groups} groups and dilation {dilation:?}");
        return Err(Error::user(what, "only channels_last without groups or dilation is supported"));
    }
    Ok(())
}

fn one_input(node: &Node) -> Error {
    Error::user(format!("reads {} tensors, expected one", node.inputs.len()), "give it one input")
}

fn unsupported(class: &str) -> Error {
    let help = match class {
        "QBatchNormalization" => {
            "use BatchNormalization followed by a QActivation: its own quantizers are not supported"
        }
        "QDenseBatchnorm" | "QConv2DBatchnorm" => "use QDense or QConv2D followed by BatchNormalization",
        "QAdaptiveActivation" => "use QActivation with the quantizer that the training arrived at",
        _ => "",
    };
    let help = if help.is_empty() { format!("supported: {SUPPORTED}") } else { help.to_string() };
    Error::user(format!("layers of class `{class}` are not supported"), help)
}
