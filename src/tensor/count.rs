//! How much a network would unroll to, counted while it is built: an error names the layer before memory is spent.

use super::{Node, Op};
use crate::error::{Error, Result};

/// The most elements that all tensors of a graph may have: some gigabytes.
const MOST_ELEMENTS: usize = 1 << 26;

/// Operations of each layer, and elements of all.
#[derive(Clone, Debug)]
pub(super) struct Count {
    operations: Vec<usize>,
    total: usize,
    elements: usize,
    most: usize,
}

impl Default for Count {
    fn default() -> Count {
        Count::up_to(usize::MAX)
    }
}

impl Count {
    /// At most so many operations.
    pub fn up_to(most: usize) -> Count {
        Count { operations: Vec::new(), total: 0, elements: 0, most }
    }

    /// Counts a node: the terms of its sums, or its elements.
    pub fn add(&mut self, layer: u32, op: &Op, args: &[&Node], shape: &[usize], written: &[String]) -> Result<()> {
        let (operations, elements) = size(op, args, shape);
        self.check(layer, operations, elements, written)?;
        let layer = layer as usize;
        self.operations.resize(self.operations.len().max(layer + 1), 0);
        self.operations[layer] += operations;
        self.total += operations;
        self.elements += elements;
        Ok(())
    }

    /// Is there room for so many more?
    pub fn check(&self, layer: u32, operations: usize, elements: usize, written: &[String]) -> Result<()> {
        let total = self.total.saturating_add(operations);
        if total <= self.most && self.elements.saturating_add(elements) <= MOST_ELEMENTS {
            return Ok(());
        }
        let own = |(at, before): (usize, &usize)| if at == layer as usize { before + operations } else { *before };
        let mut all: Vec<usize> = self.operations.iter().enumerate().map(own).collect();
        if all.len() <= layer as usize {
            all.resize(layer as usize, 0);
            all.push(operations);
        }
        let most = (0..all.len()).max_by_key(|at| all[*at]).unwrap_or(0);
        let name = written.get(most).map_or("", String::as_str);
        let limit = if total > self.most { self.most } else { MOST_ELEMENTS };
        let what = format!("the network has more than {limit} operations; layer `{name}` has the most, {}", all[most]);
        let help = "a fully unrolled network of this size fits no FPGA; use fewer pixels or channels, larger strides, or \
                    prune it";
        let help = if total > self.most { format!("{help}; or raise --max-operations") } else { help.to_string() };
        let error = Error::user(what, help);
        Err(written.get(layer as usize).map_or(error.clone(), |name| error.at(name)))
    }
}

/// Operations and elements of a node.
fn size(op: &Op, args: &[&Node], shape: &[usize]) -> (usize, usize) {
    let product = |shape: &[usize]| shape.iter().fold(1usize, |n, length| n.saturating_mul(*length));
    let longest = args.iter().map(|node| node.len()).max().unwrap_or(0);
    match op {
        Op::Input { .. } | Op::Constant { .. } => (0, product(shape)),
        Op::Gather { elements } => (elements.len(), elements.len()),
        Op::MatMul => {
            let [Some(x), Some(w)] = [args.first(), args.get(1)] else { return (0, 0) };
            let rows = x.len() / x.shape.last().copied().unwrap_or(1).max(1);
            let terms = match &w.op {
                Op::Constant { values } => values.iter().filter(|value| !value.is_zero()).count(),
                _ => w.len(),
            };
            (rows.saturating_mul(terms), rows.saturating_mul(w.shape.last().copied().unwrap_or(1)))
        }
        Op::Add | Op::Mul | Op::Max | Op::Min => {
            let shape = match args {
                [a, b] => super::broadcast(&a.shape, &b.shape).unwrap_or_default(),
                _ => Vec::new(),
            };
            (product(&shape), product(&shape))
        }
        Op::Reduce { .. } | Op::Quantize { .. } | Op::Steps { .. } | Op::Table { .. } => (longest, longest),
        Op::Lookup(_) => (product(shape), product(shape)),
        Op::Float(_) => (0, longest),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Builder;
    use crate::fixed::{Fixed, Format, Quantization};
    use crate::port::Port;

    #[test]
    fn the_layer_with_the_most_operations_is_named() {
        let build = |most: usize| {
            let mut g = Builder::limited("test", most);
            let elements = vec![Quantization::plain(Format { signed: true, width: 4, lsb: 0 }); 6];
            let x = g.input(Port { name: "x".into(), shape: vec![3, 2], elements, state: false })?;
            g.layer("big");
            let w = g.constant(&[2, 4], [1, 2, 3, 0, 5, 6, 7, 8].map(|n| Fixed::new(n, 0)).to_vec())?;
            let y = g.matmul(x, w)?;
            g.layer("small");
            g.add(y, y)
        };
        // 3 rows of 7 terms that are not 0, and 12 sums.
        assert!(build(33).is_ok());
        let error = build(32).expect_err("one too many");
        assert!(error.what.contains("more than 32 operations; layer `big` has the most, 21"), "{error}");
        assert_eq!(error.place, ["small"]);
        let error = build(20).expect_err("one too many");
        assert!(
            error.what.contains("layer `big` has the most, 21") && error.help.contains("--max-operations"),
            "{error}"
        );
        assert!(build(usize::MAX).is_ok());
    }

    #[test]
    fn memory_has_an_end() {
        let error = Builder::new("test").room(1 << 40).expect_err("a terabyte");
        assert!(error.what.contains("more than 67108864 operations"), "{error}");
    }
}
