//! Building on float values: exact operations that read floats move in front of the float chain, or make it exact.

use super::infer::reduced;
use super::{Builder, Float, Id, Op, Reduction, pick};
use crate::error::{Error, Result};
use crate::fixed::Fixed;
use crate::functions::Trend;

impl Builder {
    /// The exact value that a float chain starts from, and the chain's nodes in order of computation.
    pub(crate) fn chain(&self, id: Id) -> (Id, Vec<Id>) {
        let (mut base, mut chain) = (id, Vec::new());
        while self.is_float(base) {
            chain.push(base);
            base = self.graph().node(base).args[0];
        }
        chain.reverse();
        (base, chain)
    }

    /// The operation of each node of a float chain, with one constant for each element of the chain's shape.
    fn operations(&self, chain: &[Id]) -> Vec<Float> {
        let operation = |id: &Id| {
            let node = self.graph().node(*id);
            let Op::Float(float) = &node.op else { return None };
            let constants = float.constants();
            let all = (0..if constants.is_empty() { 0 } else { node.len() }).map(|e| *pick(constants, e, &node.shape));
            Some(float.with_constants(all.collect()))
        };
        chain.iter().filter_map(operation).collect()
    }

    /// A gather of values of which some are float: of their exact values, and then one float chain.
    pub(super) fn gather_floats(&mut self, args: &[Id], shape: &[usize], elements: Vec<(u32, u32)>) -> Result<Id> {
        let chains: Vec<(Id, Vec<Id>)> = args.iter().map(|id| self.chain(*id)).collect();
        let bases: Vec<Id> = chains.iter().map(|(base, _)| *base).collect();
        let operations: Vec<Vec<Float>> = chains.iter().map(|(_, chain)| self.operations(chain)).collect();
        // What must be equal; constants may differ.
        let names = |floats: &[Float]| floats.iter().map(|float| float.with_constants(vec![])).collect::<Vec<_>>();
        let first = names(&operations[0]);
        if operations.iter().any(|other| names(other) != first) || operations[0].contains(&Float::Softmax) {
            // Different chains that have an exact form are joined as that.
            if let Ok(exact) = args.iter().map(|id| self.exact(*id)).collect::<Result<Vec<Id>>>() {
                return self.push(Op::Gather { elements }, &exact, shape);
            }
            let what = "it joins or moves float values that were computed in different ways, or by a softmax";
            return Err(Error::user(what, "put a quantizer before this layer").at(self.place()));
        }
        let base = self.push(Op::Gather { elements: elements.clone() }, &bases, shape)?;
        let step = |step: usize| {
            let constant = |(arg, e): &(u32, u32)| operations[*arg as usize][step].constants()[*e as usize];
            match operations[0][step].constants() {
                [] => operations[0][step].clone(),
                _ => operations[0][step].with_constants(shorten(elements.iter().map(constant).collect(), shape)),
            }
        };
        (0..first.len()).try_fold(base, |x, index| self.float(x, step(index)))
    }

    /// The maximum or minimum over an axis of float values: where each operation is monotone, it is the chain's value of
    /// the greatest (or, where the chain falls, the least) exact value. Its constants must not vary along the axis.
    pub(super) fn extreme_of_floats(&mut self, x: Id, kind: Reduction, axis: usize) -> Result<Id> {
        let shape = self.shape(x).to_vec();
        if axis >= shape.len() || shape[axis] == 0 {
            let what = format!("there is nothing to reduce along axis {axis} of shape {shape:?}");
            return Err(Error::user(what, "axes count from 0, without the sample axis").at(self.place()));
        }
        let (base, chain) = self.chain(x);
        let operations = self.operations(&chain);
        let (small, groups) = reduced(&shape, axis);
        let varies = |float: &Float| {
            let c = float.constants();
            !c.is_empty() && groups.iter().any(|group| group.iter().any(|e| c[*e as usize] != c[group[0] as usize]))
        };
        let turns = |float: &Float| (0..shape.iter().product()).any(|e| float.trend(e, &shape) == Trend::Other);
        if operations.iter().any(|float| varies(float) || turns(float)) {
            let what = "it takes the maximum or minimum of float values with different scales, or of a function that rises \
                        and falls";
            return Err(Error::user(what, "put a quantizer before this layer").at(self.place()));
        }
        let falls = |e: &u32| {
            let falling = |float: &&Float| float.trend(*e as usize, &shape) == Trend::Falling;
            operations.iter().filter(falling).count() % 2 == 1
        };
        let signs: Vec<Fixed> =
            groups.iter().map(|group| if falls(&group[0]) { Fixed::new(-1, 0) } else { Fixed::ONE }).collect();
        let mut y = base;
        let flips = signs.contains(&Fixed::new(-1, 0));
        if flips {
            let mut wide = shape.clone();
            wide[axis] = 1;
            let signs = self.constant(&wide, signs.clone())?;
            y = self.push(Op::Mul, &[y, signs], &[])?;
        }
        y = self.push(Op::Reduce { kind, axis }, &[y], &[])?;
        if flips {
            let signs = self.constant(&small, signs)?;
            y = self.push(Op::Mul, &[y, signs], &[])?;
        }
        operations.into_iter().try_fold(y, |y, float| {
            let constants: Vec<f32> = match float.constants() {
                [] => Vec::new(),
                c => shorten(groups.iter().map(|group| c[group[0] as usize]).collect(), &small),
            };
            self.float(y, float.with_constants(constants))
        })
    }

    /// The exact value of a float chain of scales, sums and functions that have an exact form (constants are exact dyadics); exact values as they are.
    ///
    /// Used where an exact operation reads floats: by the rules, sums of differently scaled codes are exact, and the
    /// framework's float32 rounding of them is not part of the network's meaning.
    ///
    /// # Errors
    /// The chain has an operation without an exact result (a division, a sigmoid, a softmax, ..).
    pub fn exact(&mut self, x: Id) -> Result<Id> {
        let (mut value, chain) = self.chain(x);
        for id in chain {
            let node = self.graph().node(id).clone();
            let Op::Float(float) = node.op else { continue };
            value = match float {
                Float::Mul(c) => {
                    let c = self.spread(&c, &node.shape)?;
                    self.same_source(id, c);
                    self.push(Op::Mul, &[value, c], &[])?
                }
                Float::Add(c) => {
                    let c = self.spread(&c, &node.shape)?;
                    self.same_source(id, c);
                    self.push(Op::Add, &[value, c], &[])?
                }
                Float::Div(c) if c.iter().all(|c| is_power_of_two(*c)) => {
                    let c = self.spread(&c.iter().map(|c| 1.0 / c).collect::<Vec<_>>(), &node.shape)?;
                    self.push(Op::Mul, &[value, c], &[])?
                }
                Float::Leaky(c) => self.exact_leaky(value, &c, &node.shape)?,
                Float::Function(function) => match function.exact() {
                    Some(steps) => steps.into_iter().try_fold(value, |value, step| self.exact_step(value, step))?,
                    None => return Err(self.no_exact(id)),
                },
                Float::Div(_) | Float::Softmax => return Err(self.no_exact(id)),
            };
        }
        Ok(value)
    }

    /// A float value as another one and the number that divides all of it, if that is its last operation.
    pub(super) fn divided(&self, x: Id) -> Option<(Id, f32)> {
        let node = self.graph().node(x);
        match &node.op {
            Op::Float(Float::Div(c)) => {
                let first = *c.first()?;
                c.iter().all(|c| *c == first).then(|| (node.args[0], first))
            }
            _ => None,
        }
    }

    /// The refusal to compute exactly with a float value.
    fn no_exact(&self, id: Id) -> Error {
        let layer = self.graph().layer_of(id);
        let what = format!("it computes with the float result of `{layer}`");
        Error::user(what, format!("put a quantizer (quantized_bits, quantized_relu, ..) behind `{layer}`"))
            .at(self.place())
    }

    /// Float constants of a chain as an exact tensor that broadcasts to `shape`.
    pub(super) fn spread(&mut self, constants: &[f32], shape: &[usize]) -> Result<Id> {
        let values: Vec<f64> = constants.iter().map(|c| f64::from(*c)).collect();
        let own: Vec<usize> = match constants.len() {
            1 => Vec::new(),
            n if Some(&n) == shape.last() => vec![n],
            _ => shape.to_vec(),
        };
        self.floats(&own, &values)
    }
}

/// Is it `+-2^n`?
pub(crate) fn is_power_of_two(value: f32) -> bool {
    Fixed::from_f64(f64::from(value)).is_some_and(|v| v.mantissa().abs() == 1)
}

/// One constant where all are equal, one per element of the last axis where they repeat, else one each.
pub(crate) fn shorten<T: PartialEq + Clone>(all: Vec<T>, shape: &[usize]) -> Vec<T> {
    let last = shape.last().copied().unwrap_or(1).max(1);
    if all.iter().all(|value| *value == all[0]) {
        return all.into_iter().take(1).collect();
    }
    match all.chunks(last).all(|row| *row == all[..last]) {
        true => all[..last].to_vec(),
        false => all,
    }
}
