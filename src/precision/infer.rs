//! Types that are `auto`: what hls4ml 1.3's `convert` flow does (`bn_fuse.py`, `linear.py`, `infer_precision.py`).
//!
//! First, as long as a layer's result is `auto`: a batch normalisation right behind it is multiplied into its weights, and a
//! linear activation behind it is taken away, with whatever type it was given. Then, layer by layer in their order, each
//! `auto` becomes what loses nothing, or the model's default.

use super::config::Precision;
use super::functions::Function;
use super::graph::{Graph, Node};
use super::shapes::list;
use super::types::{Type, Wanted};
use super::weights;
use crate::error::{At, Error, Result};
use crate::network::Tensor;
use std::collections::BTreeMap;

/// Layers whose result may be cast at once, so that a linear activation behind them adds nothing.
const SAFE: [&str; 11] = [
    "Dense",
    "Conv1D",
    "Conv2D",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "BatchNormalization",
    "Activation",
    "ParametrizedActivation",
    "HardActivation",
    "PReLU",
    "Softmax",
];

/// Fuses and removes what hls4ml does where results are `auto`.
///
/// # Errors
/// Weights that are not finite; the place is the layer.
pub fn simplify(graph: &mut Graph, precision: &Precision) -> Result<()> {
    let auto = |graph: &Graph, name: &str, classes: &[&str]| {
        graph
            .node(name)
            .is_some_and(|node| classes.contains(&node.class) && node.types.get("result") == Some(&Wanted::Auto))
    };
    loop {
        let fuses = |node: &Node| {
            let behind =
                node.layer.inputs.first().is_some_and(|name| auto(graph, name, &SAFE[..5]) && graph.readers(name) == 1);
            node.class == "BatchNormalization" && behind
        };
        if let Some(at) = (0..graph.nodes.len()).find(|at| fuses(&graph.nodes[*at]) && fusable(graph, *at)) {
            let place = format!("layer `{}`", graph.nodes[at].layer.name);
            fuse(graph, at, precision).at(place)?;
            continue;
        }
        let linear = |node: &Node| {
            let here = node.function == Some(Function::Linear);
            let same = node.types.get("result") == Some(&Wanted::Auto);
            let input = node.layer.inputs.first();
            here && input.is_some_and(|name| {
                auto(graph, name, &SAFE)
                    || (same && graph.node(name).is_some_and(|n| n.types.get("result") == Some(&Wanted::Auto)))
            })
        };
        match (0..graph.nodes.len()).find(|at| linear(&graph.nodes[*at])) {
            Some(at) => graph.remove(at),
            None => return Ok(()),
        }
    }
}

/// Weights that have a quantizer are multiplied by ones only.
fn fusable(graph: &Graph, at: usize) -> bool {
    let node = &graph.nodes[at];
    let Some(parent) = graph.read(node, 0) else { return false };
    let Ok((scale, shift)) = weights::folded(&node.layer) else { return true };
    let all = |tensor: Option<&Tensor>, value: f64| tensor.is_none_or(|tensor| tensor.data.iter().all(|v| *v == value));
    let (kernel, bias) = (parent.layer.tensors.get("kernel"), parent.layer.tensors.get("bias"));
    let free = |usage: &str| !parent.fixed.contains_key(usage);
    if parent.fixed.values().any(|known| !known.inferable()) {
        return false;
    }
    (free("weight") || scale.iter().all(|s| *s == 1.0) || (all(kernel, 1.0) && free("weight")))
        && (free("bias") || shift.iter().all(|s| *s == 0.0) || (all(bias, 0.0) && free("bias")))
}

/// Multiplies a batch normalisation into what it reads, in float32.
fn fuse(graph: &mut Graph, at: usize, precision: &Precision) -> Result<()> {
    let (scale, shift) = weights::folded(&graph.nodes[at].layer)?;
    let name = graph.nodes[at].layer.inputs.first().cloned().unwrap_or_default();
    let Some(parent) = graph.nodes.iter_mut().find(|node| node.layer.name == name) else { return Ok(()) };
    let wrong = || Error::user("it has another number of channels than the layer before", "repair the file");
    let kernel = parent.layer.tensors.get_mut("kernel").ok_or_else(wrong)?;
    if parent.class.starts_with("Depthwise") && scale.len() > 1 {
        let what = format!("hls4ml 1.3 multiplies its scales into the wrong weights of the depthwise layer `{name}`");
        return Err(Error::user(what, "name that layer's result type, which keeps the two layers apart"));
    }
    if kernel.shape.last() != Some(&scale.len()) {
        return Err(wrong());
    }
    for (e, weight) in kernel.data.iter_mut().enumerate() {
        *weight = f64::from(scale[e % scale.len()] * *weight as f32);
    }
    let mut bias = parent.layer.tensors.remove("bias").unwrap_or_else(|| Tensor::vector(vec![0.0; scale.len()]));
    for (e, value) in bias.data.iter_mut().enumerate() {
        *value = f64::from(scale[e % scale.len()] * *value as f32 + shift[e % scale.len()]);
    }
    parent.layer.tensors.insert("bias".into(), bias);
    let free = !parent.fixed.contains_key("bias");
    let wanted = precision.wanted(&parent.layer.name, parent.class, "bias")?;
    if free {
        parent.types.insert("bias", wanted);
    }
    graph.remove(at);
    Ok(())
}

/// Finds every type that is still `auto`.
///
/// # Errors
/// A type beyond our widths; the place is the layer.
pub fn infer(graph: &mut Graph, precision: &Precision) -> Result<()> {
    let default = match precision.of_model("default") {
        Some(Wanted::Type(known)) => Some(known),
        _ => None,
    };
    let limit = match precision.of_model("maximum") {
        Some(Wanted::Type(known)) => Some(known),
        _ => None,
    };
    let lengths = graph.nodes.iter().map(|node| (node.layer.name.clone(), node.shape.iter().product())).collect();
    let context = Context { default, limit, lengths };
    for at in 0..graph.nodes.len() {
        let node = &graph.nodes[at];
        if node.types.values().all(|wanted| *wanted != Wanted::Auto) {
            continue;
        }
        let place = format!("layer `{}`", node.layer.name);
        let inputs: Vec<Type> = (0..node.layer.inputs.len())
            .filter_map(|n| graph.read(node, n))
            .map(|input| input.known("result"))
            .collect::<Result<_>>()?;
        let found = context.node(node, &inputs).at(place)?;
        graph.nodes[at].types.extend(found.into_iter().map(|(usage, known)| (usage, Wanted::Type(known))));
    }
    Ok(())
}

/// Takes linear activations out whose type is that of what they read (`EliminateLinearActivation`).
pub fn drop_linear(graph: &mut Graph) {
    let same = |graph: &Graph, node: &Node| {
        let linear = node.function == Some(Function::Linear);
        linear && graph.read(node, 0).is_some_and(|input| input.types.get("result") == node.types.get("result"))
    };
    while let Some(at) = (0..graph.nodes.len()).find(|at| same(graph, &graph.nodes[*at])) {
        graph.remove(at);
    }
}

struct Context {
    default: Option<Type>,
    limit: Option<Type>,
    /// How many elements each result has.
    lengths: BTreeMap<String, usize>,
}

/// The base-2 logarithm of a count, rounded up.
fn bits(count: usize) -> i32 {
    count.max(1).next_power_of_two().trailing_zeros() as i32
}

impl Context {
    fn default(&self) -> Result<Type> {
        let help = "name the type, or give the model one: Model: {Precision: {default: \"ap_fixed<16,6>\"}}";
        self.default.ok_or_else(|| Error::user("a type is `auto`, and the model has no default", help))
    }

    /// No wider than the model's `maximum`.
    fn limited(&self, signed: bool, width: i32, integer: i32) -> Result<Type> {
        match self.limit {
            Some(limit) => Type::inferred(signed, width.min(limit.width()), integer.min(limit.integer())),
            None => Type::inferred(signed, width, integer),
        }
    }

    /// The types of a node that were `auto`.
    fn node(&self, node: &Node, inputs: &[Type]) -> Result<Vec<(&'static str, Type)>> {
        let wanted: Vec<&'static str> =
            node.types.iter().filter(|(_, wanted)| **wanted == Wanted::Auto).map(|(usage, _)| *usage).collect();
        let mut found = Vec::new();
        let own = |usage: &str| match node.types.get(usage) {
            Some(Wanted::Type(known)) => Ok(*known),
            _ => self.default(),
        };
        let input = inputs.first().copied();
        for usage in wanted {
            let known = match (node.class, usage, input) {
                (
                    "Dense" | "Conv1D" | "Conv2D" | "DepthwiseConv1D" | "DepthwiseConv2D",
                    "accum" | "result",
                    Some(x),
                ) if own("weight")?.inferable() && own("bias")?.inferable() => {
                    self.product(node, x, own("weight")?, own("bias")?)?
                }
                ("BatchNormalization", "result", Some(x)) => self.scaled(x, own("scale")?, own("bias")?)?,
                ("Pooling1D" | "Pooling2D", "accum", Some(x)) => pooled(node, x)?,
                ("Pooling1D" | "Pooling2D", "result", Some(x)) => x,
                (_, "result", Some(x)) if node.in_place() => x,
                ("Merge", "result", Some(x)) => {
                    self.merged(&node.layer.kind, x, inputs.get(1).copied().unwrap_or(x))?
                }
                ("Concatenate", "result", Some(x)) => self.joined(x, inputs.get(1).copied().unwrap_or(x))?,
                ("Dot", "accum", _) => {
                    let what = "the accumulator of a dot product is `auto`, which hls4ml 1.3 does not infer";
                    return Err(Error::user(what, "name its type"));
                }
                ("Dot", "result", Some(x)) => self.dot(node, x, inputs.get(1).copied().unwrap_or(x))?,
                ("PReLU", "param", Some(x)) => x,
                ("ParametrizedActivation", "param", Some(x)) => match node.function {
                    Some(Function::Thresholded(_)) => x,
                    Some(Function::Leaky(value) | Function::Elu(value)) => parameter(value)?,
                    _ => return Err(Error::bug("no parameter")),
                },
                _ => self.default()?,
            };
            found.push((usage, known));
        }
        Ok(found)
    }

    fn product(&self, node: &Node, x: Type, weight: Type, bias: Type) -> Result<Type> {
        let kernel = node.layer.tensors.get("kernel").map(|kernel| kernel.shape.as_slice()).unwrap_or_default();
        let terms = kernel.split_last().map_or(1, |(_, inner)| inner.iter().product());
        let width = weight.width() + x.width() + bits(terms);
        let mut integer = weight.integer() + x.integer() + bits(terms);
        let signed = weight.signed() || x.signed();
        let fraction = width - integer;
        integer = (integer + i32::from(bias.signed() && !signed))
            .max(bias.integer() + i32::from(signed && !bias.signed()))
            + 1;
        self.limited(signed || bias.signed(), integer + fraction.max(bias.fraction()), integer)
    }

    fn dot(&self, node: &Node, a: Type, b: Type) -> Result<Type> {
        let terms = bits(self.lengths.get(node.layer.inputs.first().map_or("", String::as_str)).copied().unwrap_or(1));
        self.limited(a.signed() || b.signed(), a.width() + b.width() + terms, a.integer() + b.integer() + terms)
    }

    fn scaled(&self, x: Type, scale: Type, bias: Type) -> Result<Type> {
        let signed = scale.signed() || x.signed();
        let (width, integer) = (x.width() + scale.width(), x.integer() + scale.integer());
        let own = integer + i32::from(bias.signed() && !signed);
        let whole = own.max(bias.integer() + i32::from(signed && !bias.signed())) + 1;
        self.limited(signed || bias.signed(), whole + (width - integer).max(bias.fraction()), whole)
    }

    fn merged(&self, kind: &str, a: Type, b: Type) -> Result<Type> {
        let signed = a.signed() || b.signed();
        let integer = |own: Type, other: Type| own.integer() + i32::from(other.signed() && !own.signed());
        let whole = integer(a, b).max(integer(b, a));
        let fraction = a.fraction().max(b.fraction());
        match kind {
            "multiply" => self.limited(signed, a.width() + b.width(), a.integer() + b.integer()),
            "maximum" | "minimum" if a == b => Ok(a),
            "maximum" | "minimum" => Type::inferred(signed, fraction + whole, whole),
            _ => self.limited(signed || kind == "subtract", whole + 1 + fraction, whole + 1),
        }
    }

    fn joined(&self, a: Type, b: Type) -> Result<Type> {
        if a == b {
            return Ok(a);
        }
        let found = self.merged("maximum", a, b)?;
        let found = self.limited(found.signed(), found.width(), found.integer())?;
        let (plain, a, b) = (found.quantization, a.quantization, b.quantization);
        let rounding = if a.rounding != plain.rounding { a.rounding } else { b.rounding };
        let overflow = if a.overflow != plain.overflow { a.overflow } else { b.overflow };
        Ok(found.with(rounding, overflow))
    }
}

fn pooled(node: &Node, x: Type) -> Result<Type> {
    if node.layer.kind.starts_with("max") {
        return Ok(x);
    }
    let size = list(&node.layer, "size").or_else(|| list(&node.layer, "pool_size")).unwrap_or_default();
    let extra = bits(size.iter().product());
    Type::inferred(x.signed(), x.width() + 2 * extra, x.integer() + extra)
}

/// A type for a constant: its own bits, at most 8 and the sign.
fn parameter(slope: f64) -> Result<Type> {
    let exact = crate::fixed::Fixed::from_f64(slope)
        .ok_or_else(|| Error::user("the parameter is not finite", "give a number"))?;
    if exact.is_zero() {
        return Ok(Type::fixed(false, 1, 1));
    }
    let magnitude = 128 - exact.mantissa().unsigned_abs().leading_zeros() as i32;
    let signed = slope < 0.0;
    // A negative power of two needs no bit beside the sign's.
    let top = magnitude + exact.exponent() - i32::from(signed && exact.mantissa() == -1);
    let width = i32::from(signed) + (top - exact.exponent()).min(8);
    Type::inferred(signed, width, top + i32::from(signed))
}
