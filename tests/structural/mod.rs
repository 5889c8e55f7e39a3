//! Linear and structural layers for random networks, kind after kind.

use super::{Grower, Tensor};
use nanotrig::network::Layer;

/// The kinds, in the order in which networks get them.
const KINDS: [&str; 31] = [
    "einsum_dense",
    "conv1d",
    "conv2d",
    "conv1d_transpose",
    "conv2d_transpose",
    "depthwise_conv1d",
    "depthwise_conv2d",
    "separable_conv1d",
    "separable_conv2d",
    "embedding",
    "max_pool1d",
    "average_pool1d",
    "average_pool2d",
    "scale_shift",
    "mean",
    "min",
    "pad",
    "crop",
    "upsample",
    "slice",
    "gather",
    "reverse",
    "repeat",
    "subtract",
    "divide",
    "average",
    "maximum",
    "minimum",
    "einsum",
    "matmul",
    "dot",
];

impl Grower {
    /// A value of so many axes with the elements of another.
    fn with_axes(&mut self, from: usize, rank: usize) -> usize {
        let shape = self.values[from].1.clone();
        if shape.len() == rank {
            return from;
        }
        let (last, rest) = (*shape.last().unwrap(), shape.iter().rev().skip(1).product::<usize>());
        let to = match rank {
            1 => vec![rest * last],
            2 => vec![rest, last],
            _ => vec![rest, 1, last],
        };
        self.push("reshape", &[from], to.clone(), |layer| layer.with("shape", to));
        self.values.iter().rposition(|(_, shape)| shape.len() == rank).unwrap()
    }

    /// A layer whose result may be float: it is read through a quantizer only.
    fn float(&mut self, kind: &str, from: usize, shape: Vec<usize>, change: impl FnOnce(Layer) -> Layer) {
        let at = self.values.len();
        self.push(kind, &[from], shape, change);
        if self.values.len() == at + 1 {
            self.quantize(at);
        }
        self.values.remove(at);
    }

    /// The next of the kinds behind a value.
    pub fn structural(&mut self, from: usize) {
        let kind = KINDS[self.turn % KINDS.len()];
        self.turn += 1;
        let rank = match kind {
            _ if kind.ends_with("1d") || kind.ends_with("1d_transpose") => 2,
            _ if kind.ends_with("2d") || kind.ends_with("2d_transpose") => 3,
            "upsample" | "einsum" | "matmul" | "dot" => 2,
            _ => self.values[from].1.len(),
        };
        let from = self.with_axes(from, rank);
        let shape = self.values[from].1.clone();
        match kind {
            _ if kind.contains("conv") => self.convolution(kind, from, &shape),
            "einsum_dense" | "scale_shift" | "embedding" | "mean" | "min" | "divide" => {
                self.elements(kind, from, &shape);
            }
            "einsum" | "matmul" | "dot" => {
                let square = vec![shape[0], shape[0]];
                self.push(kind, &[from, from], square, |layer| match kind {
                    "einsum" => layer.with("equation", "sab,scb->sac"),
                    "matmul" => layer.with("transpose_b", true),
                    _ => layer.with("axes", -1),
                });
            }
            "subtract" | "average" | "maximum" | "minimum" => {
                let same: Vec<usize> = (0..self.values.len()).filter(|at| self.values[*at].1 == shape).collect();
                let other = *self.one(&same);
                self.push(kind, &[from, other], shape, |layer| layer);
            }
            "max_pool1d" | "average_pool1d" => {
                let pooled = vec![shape[0].div_ceil(2), shape[1]];
                self.push(kind, &[from], pooled, |layer| layer.with("size", vec![2]).with("padding", "same"));
            }
            "average_pool2d" => {
                let pooled = vec![shape[0] + 1, shape[1], shape[2]];
                self.float(kind, from, pooled, |layer| {
                    let layer = layer.with("size", vec![2, 1]).with("strides", vec![1, 1]);
                    layer.with("padding", vec![vec![1, 1], vec![0, 0]])
                });
            }
            _ => self.moved(kind, from, shape),
        }
    }

    fn convolution(&mut self, kind: &str, from: usize, shape: &[usize]) {
        let (axes, last) = (shape.len() - 1, shape[shape.len() - 1]);
        let two = kind.contains("2d");
        // Windows of two steps along the first axis.
        let mut size = vec![1; axes];
        size[0] = 2;
        let with = |more: [usize; 2]| [&size[..], &more].concat();
        let mut to = shape.to_vec();
        let tensors: Vec<(&str, Tensor)> = if kind.starts_with("separable") {
            to[axes] = 2;
            let points = [vec![1; axes], vec![last, 2]].concat();
            vec![("depthwise_kernel", self.tensor(&with([last, 1]))), ("pointwise_kernel", self.tensor(&points))]
        } else if kind.starts_with("depthwise") {
            to[axes] = 2 * last;
            vec![("kernel", self.tensor(&with([last, 2]))), ("bias", self.tensor(&[2 * last]))]
        } else if kind.ends_with("transpose") {
            to[axes] = 3;
            to[0] = 2 * shape[0];
            vec![("kernel", self.tensor(&with([3, last]))), ("bias", self.tensor(&[3]))]
        } else {
            to[axes] = 2 * last;
            vec![("kernel", self.tensor(&with([1, 2 * last]))), ("bias", self.tensor(&[2 * last]))]
        };
        let formats = (kind.starts_with("conv") || kind.starts_with("depthwise")).then(|| self.format(7));
        self.push(kind, &[from], to, |mut layer| {
            for (name, tensor) in tensors {
                layer = layer.with_tensor(name, tensor);
            }
            layer = layer.with("padding", if two { "same" } else { "valid" });
            layer = match formats {
                Some(format) if last % 2 == 0 => layer.with("accumulator_format", format),
                Some(format) => layer.with("product_format", format),
                None => layer,
            };
            match kind {
                _ if kind.ends_with("transpose") => {
                    let strides = (0..axes).map(|axis| 1 + usize::from(axis == 0)).collect::<Vec<_>>();
                    layer.with("strides", strides)
                }
                "conv1d" => layer.with("padding", "causal").with("dilation", vec![2]).with("groups", last),
                "conv2d" => layer.with("groups", last),
                _ => layer.with("padding", "same"),
            }
        });
    }

    fn elements(&mut self, kind: &str, from: usize, shape: &[usize]) {
        let (rank, last) = (shape.len(), shape[shape.len() - 1]);
        match kind {
            "einsum_dense" => {
                let (kernel, format) = (self.tensor(&[last, 2]), self.format(7));
                self.push(kind, &[from], [&shape[..rank - 1], &[2]].concat(), |layer| {
                    let layer = layer.with("equation", "...x,xy->...y").with("accumulator_format", format);
                    layer.with_tensor("kernel", kernel)
                });
            }
            "scale_shift" => {
                let (scale, shift) = (self.tensor(&[last]), self.tensor(&[last]));
                self.push(kind, &[from], shape.to_vec(), |layer| {
                    layer.with_tensor("scale", scale).with_tensor("shift", shift)
                });
            }
            "embedding" => {
                self.push("quantize", &[from], shape.to_vec(), |layer| layer.with("format", "ufixed<2,2>"));
                let (at, table) = (self.values.len() - 1, self.tensor(&[3, 2]));
                let at = if self.network.layers.last().unwrap().kind == "quantize" { at } else { from };
                self.push(kind, &[at], [shape, &[2]].concat(), |layer| layer.with_tensor("embeddings", table));
            }
            "divide" => {
                let constant = Tensor::vector(vec![*self.one(&[4.0, 3.0])]);
                self.float(kind, from, shape.to_vec(), |layer| layer.with_tensor("constant", constant));
            }
            _ => {
                let mut kept = shape.to_vec();
                kept[0] = 1;
                self.float(kind, from, kept, |layer| layer.with("axis", vec![0]).with("keep_dims", true));
            }
        }
    }

    /// The same elements elsewhere, along the first axis.
    fn moved(&mut self, kind: &str, from: usize, shape: Vec<usize>) {
        let (rank, length) = (shape.len(), shape[0]);
        let mut to = shape.clone();
        let pairs = |first: [usize; 2]| {
            (0..rank).map(|axis| if axis == 0 { first.to_vec() } else { vec![0, 0] }).collect::<Vec<_>>()
        };
        to[0] = match kind {
            "pad" => length + 1,
            "crop" | "slice" => length.div_ceil(2),
            "upsample" => 2 * length,
            "gather" => 2,
            _ => length,
        };
        if kind == "repeat" {
            to.insert(0, 2);
        }
        if kind == "repeat" && rank == 3 {
            return self.moved("reverse", from, shape);
        }
        self.push(kind, &[from], to, |layer| match kind {
            "pad" => layer.with("padding", pairs([0, 1])).with("value", 0.5),
            "crop" => layer.with("cropping", pairs([length / 2, 0])),
            "upsample" => layer.with("size", vec![2]).with("interpolation", "bilinear"),
            "slice" => layer.with("starts", vec![0]).with("ends", vec![length]).with("steps", vec![2]),
            "gather" => layer.with("indices", vec![-1, 0]).with("axis", 0),
            "repeat" => layer.with("count", 2),
            _ => layer.with("axis", 0),
        });
    }
}
