//! Values of nodes, and the operations that move their elements.

use super::steps::lengths;
use crate::fixed::Format;
use crate::tensor::{Float, Graph, Id, Op};
use tch::Tensor;

/// A node's value: of each sample, or the same for all.
#[derive(Debug)]
pub struct Value {
    /// `[samples, ..]`, or without the sample axis.
    pub tensor: Tensor,
    /// Whether there is a sample axis.
    pub batched: bool,
    /// The bits of each element, where they are learned.
    pub bits: Option<Tensor>,
}

/// The outputs of a graph, those of a last softmax as they are before it.
pub fn before_softmax(graph: &Graph) -> Vec<(String, Id)> {
    let before = |(name, id): &(String, Id)| match &graph.node(*id).op {
        Op::Float(Float::Softmax) => (name.clone(), graph.node(*id).args[0]),
        _ => (name.clone(), *id),
    };
    graph.outputs.iter().map(before).collect()
}

/// The bits that the ranges of a value need; a constant's are those of its present codes' magnitudes.
pub fn static_bits(graph: &Graph, id: Id, value: &Value) -> Tensor {
    let node = graph.node(id);
    let widths: Vec<f32> = node.ranges.iter().map(|range| Format::of(range).width as f32).collect();
    let widths = Tensor::from_slice(&widths).view(lengths(&node.shape).as_slice());
    if value.batched { widths } else { widths * value.tensor.detach().ne(0.0) }
}

impl Value {
    /// Without bits.
    pub fn new(tensor: Tensor, batched: bool) -> Value {
        Value { tensor, batched, bits: None }
    }

    /// The shape without the sample axis.
    fn own_shape(&self) -> Vec<i64> {
        self.tensor.size()[usize::from(self.batched)..].to_vec()
    }

    /// The tensor with leading axes of 1, so that operands of fewer axes broadcast as without the sample axis.
    pub fn of_rank(&self, rank: usize) -> Tensor {
        let own = self.tensor.dim() - usize::from(self.batched);
        if own == rank || !self.batched {
            return self.tensor.shallow_clone();
        }
        let size = self.tensor.size();
        let mut shape = vec![size[0]];
        shape.extend(std::iter::repeat_n(1, rank - own));
        shape.extend(&size[1..]);
        self.tensor.view(shape.as_slice())
    }

    /// `[samples, ..]`.
    pub fn for_each(&self, samples: i64, shape: &[i64]) -> Tensor {
        if self.batched {
            return self.tensor.shallow_clone();
        }
        let mut all = vec![samples];
        all.extend(shape);
        self.tensor.unsqueeze(0).expand(all.as_slice(), false)
    }
}

/// `[.., k] x [k, n]`, of each sample or the same for all.
pub fn matmul(x: &Value, w: &Value) -> Value {
    let (a, b) = (&x.tensor, &w.tensor);
    let batched = x.batched || w.batched;
    if !w.batched {
        return Value::new(a.matmul(b), batched);
    }
    // One matrix product for each sample; axes between the sample's and the last are rows.
    let samples = b.size()[0];
    let mut shape = a.size();
    if !x.batched {
        shape.insert(0, samples);
    }
    let a = if x.batched { a.shallow_clone() } else { a.unsqueeze(0).expand(shape.as_slice(), false) };
    let inner = a.size()[a.dim() - 1];
    let product = a.reshape([samples, -1, inner]).bmm(b);
    if let Some(last) = shape.last_mut() {
        *last = b.size()[2];
    }
    Value::new(product.view(shape.as_slice()), batched)
}

/// Elements of the operands in a new order and shape.
pub fn gather(args: &[&Value], order: Option<&Tensor>, shape: &[usize]) -> Value {
    let batched = args.iter().any(|arg| arg.batched);
    let samples = args.iter().find(|arg| arg.batched).map_or(1, |arg| arg.tensor.size()[0]);
    let flat = |arg: &&Value| match arg.batched {
        true => arg.tensor.reshape([samples, -1]),
        false => arg.tensor.reshape([1, -1]).expand([samples, -1], false),
    };
    let parts: Vec<Tensor> = args.iter().map(flat).collect();
    let all = if parts.len() == 1 { parts[0].shallow_clone() } else { Tensor::cat(&parts, 1) };
    let taken = order.map_or_else(|| all.shallow_clone(), |order| all.index_select(1, order));
    let mut whole = if batched { vec![samples] } else { Vec::new() };
    whole.extend(lengths(shape));
    let bits = match args {
        [one] => one.bits.as_ref().map(|bits| {
            let all = bits.expand(one.own_shape().as_slice(), false).reshape([-1]);
            order
                .map_or_else(|| all.shallow_clone(), |order| all.index_select(0, order))
                .reshape(lengths(shape).as_slice())
        }),
        _ => None,
    };
    Value { tensor: taken.reshape(whole.as_slice()), batched, bits }
}
