//! Convolutions: `Conv`, channels first as in ONNX, or last in QONNX' own domain.

use super::super::constant::Constant;
use super::super::graph::{Graph, Tensor};
use super::super::node::Node;
use super::linear::{transposed, with_kernel};
use super::{Operator, refuse};
use crate::error::{Error, Result};
use crate::network::{Layer, Tensor as Array};
use serde_json::{Value as Json, json};

/// The family.
pub const OPERATORS: &[(&str, Operator)] = &[("Conv", conv), ("ConvTranspose", transpose), ("ConvInteger", integer)];

fn transpose(_: &mut Graph, _: &Node) -> Result<()> {
    refuse("transposed convolutions are not supported", "use Resize (nearest) and a Conv instead")
}

fn integer(_: &mut Graph, _: &Node) -> Result<()> {
    refuse(
        "integer products of dynamic quantization have scales that follow the data",
        "quantize statically (QDQ), or export QONNX",
    )
}

/// Windows of a convolution or pooling, per spatial axis.
pub struct Windows {
    /// Steps from window to window.
    pub strides: Vec<usize>,
    /// Steps within a window.
    pub dilations: Vec<usize>,
    /// Zeros before and behind.
    pub pads: Vec<[usize; 2]>,
    /// Windows along each axis.
    pub count: Vec<usize>,
}

/// Is the node of QONNX' domain for channels last?
pub fn is_channels_last(node: &Node) -> bool {
    node.domain.ends_with("channels_last")
}

/// A tensor with its channels last, and which of ONNX' axes are spatial; the channels are the remaining one.
///
/// # Errors
/// Not 1 or 2 spatial axes, or samples are not first.
pub fn image(g: &mut Graph, node: &Node, x: &Tensor) -> Result<(Tensor, Vec<usize>, usize)> {
    let last = is_channels_last(node);
    let x = if last { g.plain(x)? } else { g.channels_last(x)? };
    let rank = x.rank();
    if !(3..=4).contains(&rank) {
        let what = format!("its input has shape {:?}", x.shape);
        return Err(Error::user(what, "convolutions and poolings have one or two spatial axes"));
    }
    Ok(if last { (x, (1..rank - 1).collect(), rank - 1) } else { (x, (2..rank).collect(), 1) })
}

impl Windows {
    /// Reads `strides`, `dilations`, `pads` and `auto_pad` for windows of a size over lengths.
    ///
    /// # Errors
    /// Lists of the wrong length, or a window larger than what it lies on.
    pub fn new(node: &Node, size: Vec<usize>, lengths: &[usize]) -> Result<Windows> {
        let axes = lengths.len();
        let list = |name: &str, count: usize, default: usize, least: i64| -> Result<Vec<usize>> {
            let all = node.integers(name).filter(|all| !all.is_empty()).unwrap_or_else(|| vec![default as i64; count]);
            let fits = all.len() == count && all.iter().all(|value| (least..=1 << 20).contains(value));
            let help = format!("give {count} numbers of at least {least}");
            if fits {
                Ok(all.iter().map(|value| *value as usize).collect())
            } else {
                Err(Error::user(format!("`{name}` is {all:?}"), help))
            }
        };
        let (strides, dilations) = (list("strides", axes, 1, 1)?, list("dilations", axes, 1, 1)?);
        let given = list("pads", 2 * axes, 0, 0)?;
        if size.len() != axes || size.contains(&0) {
            return Err(Error::user(format!("windows of size {size:?}"), format!("give {axes} lengths of at least 1")));
        }
        let mut pads = Vec::new();
        let mut count = Vec::new();
        for axis in 0..axes {
            let (length, wide) = (lengths[axis], (size[axis] - 1).saturating_mul(dilations[axis]) + 1);
            let whole = length.div_ceil(strides[axis]);
            let total = ((whole - 1) * strides[axis] + wide).saturating_sub(length);
            let pad = match node.text("auto_pad", "NOTSET").as_str() {
                "" | "NOTSET" => [given[axis], given[axes + axis]],
                "VALID" => [0, 0],
                "SAME_UPPER" => [total / 2, total - total / 2],
                "SAME_LOWER" => [total - total / 2, total / 2],
                other => {
                    return Err(Error::user(
                        format!("`auto_pad` is {other}"),
                        "known: NOTSET, VALID, SAME_UPPER, SAME_LOWER",
                    ));
                }
            };
            let room = (length + pad[0] + pad[1]).checked_sub(wide).ok_or_else(|| {
                Error::user(format!("windows of length {wide} on {length} values"), "use a smaller window, or padding")
            })?;
            count.push(room / strides[axis] + 1);
            pads.push(pad);
        }
        Ok(Windows { strides, dilations, pads, count })
    }

    /// Puts strides and padding on a layer.
    pub fn on(&self, layer: Layer) -> Layer {
        let pads: Vec<Json> = self.pads.iter().map(|[before, behind]| json!([before, behind])).collect();
        let layer = if self.strides.iter().all(|s| *s == 1) && layer.kind.starts_with("conv") {
            layer
        } else {
            layer.with("strides", self.strides.clone())
        };
        let layer = if self.pads.iter().all(|pad| *pad == [0, 0]) { layer } else { layer.with("padding", pads) };
        if self.dilations.iter().all(|d| *d == 1) { layer } else { layer.with("dilation", self.dilations.clone()) }
    }

    /// What comes of a tensor with these spatial axes.
    pub fn result(&self, x: &Tensor, layer: &str, spatial: &[usize]) -> Tensor {
        let mut y = x.with(layer);
        spatial.iter().zip(&self.count).for_each(|(axis, count)| y.shape[*axis] = *count);
        y
    }
}

fn conv(g: &mut Graph, node: &Node) -> Result<()> {
    let x = g.tensor(node, 0)?;
    let weights = g.required(node, 1)?;
    let (x, spatial, channel) = image(g, node, &x)?;
    let rank = x.rank();
    if weights.dims.len() != rank || weights.dims.contains(&0) {
        let what = format!("weights of shape {:?} for an input of shape {:?}", weights.dims, x.shape);
        return Err(Error::user(what, "weights have as many axes as the input"));
    }
    // To [window.., inputs, outputs].
    let order: Vec<usize> = match is_channels_last(node) {
        true => (1..rank).chain([0]).collect(),
        false => (2..rank).chain([1, 0]).collect(),
    };
    let kernel: Constant = transposed(&weights, &order);
    let (inputs, outputs) = (kernel.dims[rank - 2], kernel.dims[rank - 1]);
    let groups = usize::try_from(node.integer("group", 1)).ok().filter(|groups| *groups > 0).unwrap_or(0);
    if groups.checked_mul(inputs) != Some(x.shape[channel]) || outputs % groups.max(1) != 0 {
        let what = format!("weights of shape {:?} in {groups} groups for {} channels", weights.dims, x.shape[channel]);
        return Err(Error::user(what, "the file is damaged; export it again"));
    }
    let lengths: Vec<usize> = spatial.iter().map(|axis| x.shape[*axis]).collect();
    let windows = Windows::new(node, kernel.dims[..rank - 2].to_vec(), &lengths)?;
    let kind = if spatial.len() == 1 { "conv1d" } else { "conv2d" };
    let mut layer = windows.on(with_kernel(g.layer(node, kind, &[&x]), &kernel)?);
    if groups > 1 {
        layer = layer.with("groups", groups);
    }
    if let Some(bias) = g.constant(node, 2)? {
        if bias.data.len() != outputs {
            let what = format!("a bias of shape {:?} for {outputs} outputs", bias.dims);
            return Err(Error::user(what, "give one bias per output"));
        }
        layer = layer.with_tensor("bias", Array::vector(bias.data.clone()));
    }
    let mut y = windows.result(&x, &layer.name, &spatial);
    y.shape[channel] = outputs;
    g.push(layer);
    g.gives(node, y)
}
