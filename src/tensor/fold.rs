//! Float chains between an exact value and a quantizer become the step functions that they are.
//!
//! A chain is a function of one code: convert to the nearest float32, apply the framework's operations in its order,
//! quantize. Most float32 operations are monotone, rounding included, so the codes at which the quantized result changes
//! are found by bisection; chains with others ([`Trend::Other`]) are enumerated up to [`ENUMERATED`] codes.
//! Where nothing in a chain can round and it only shifts and adds, it becomes exact operations and keeps its quantizer.

use super::eval::{quantize_float, round_float};
use super::floats::{is_power_of_two, shorten};
use super::infer::{hull, product, sum};
use super::{Builder, Float, Graph, Id, Node, Op, Staircase, pick};
use crate::error::{At, Error, Result};
use crate::fixed::{Fixed, Quantization, Range};
use crate::functions::{Exact, Trend};
use std::collections::HashMap;

/// The most codes that are tried one by one.
const ENUMERATED: i128 = 1 << 16;
/// The most steps of one staircase.
const STEPS: usize = 1 << 16;
/// Integers up to this are float32 numbers, and so are their multiples by a power of two.
const FLOAT_EXACT: i128 = 1 << 24;

/// The same function without floats, but for those that end in an output.
///
/// # Errors
/// A chain that is not a step function of a moderate number of steps: the error names its layer and suggests a quantizer.
pub fn fold(graph: &Graph) -> Result<Graph> {
    let mut builder = Builder::resume(&graph.name, &graph.layers, &graph.inputs);
    let mut new: Vec<Option<Id>> = vec![None; graph.nodes.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        if node.is_float() {
            continue;
        }
        let chain = node.args.first().map_or((Id(0), Vec::new()), |arg| chain(graph, *arg));
        new[index] = Some(match chain {
            (base, floats) if !floats.is_empty() => {
                let folded = fold_chain(&mut builder, graph, mapped(&new, base)?, base, &floats, node);
                folded.at(&graph.layers[node.layer as usize])?
            }
            _ => copy(&mut builder, &new, node)?,
        });
    }
    for (name, id) in &graph.outputs {
        let (base, floats) = chain(graph, *id);
        let mut value = mapped(&new, base)?;
        for float in floats {
            value = builder.copy(graph.node(float), &[value])?;
        }
        builder.output(name, value);
    }
    Ok(builder.finish()?.0)
}

/// The exact value that a float chain starts from, and the chain's nodes in order of computation.
pub(super) fn chain(graph: &Graph, id: Id) -> (Id, Vec<Id>) {
    let (mut base, mut floats) = (id, Vec::new());
    while graph.node(base).is_float() {
        floats.push(base);
        base = graph.node(base).args[0];
    }
    floats.reverse();
    (base, floats)
}

pub(super) fn mapped(new: &[Option<Id>], old: Id) -> Result<Id> {
    new[old.0 as usize].ok_or_else(|| Error::bug(format!("{old} was not copied")))
}

pub(super) fn copy(builder: &mut Builder, new: &[Option<Id>], node: &Node) -> Result<Id> {
    let args: Vec<Id> = node.args.iter().map(|arg| mapped(new, *arg)).collect::<Result<_>>()?;
    builder.copy(node, &args)
}

fn fold_chain(builder: &mut Builder, graph: &Graph, x: Id, base: Id, floats: &[Id], end: &Node) -> Result<Id> {
    builder.set_layer(end.layer);
    let base = graph.node(base);
    let floats: Vec<(&Float, &Node)> = floats.iter().filter_map(|id| float_of(graph.node(*id))).collect();
    if shifts_only(base, &floats) {
        return keep_exact(builder, x, &floats, end);
    }
    let mut known: HashMap<Key, Staircase> = HashMap::new();
    let mut stairs = Vec::with_capacity(end.len());
    for element in 0..end.len() {
        let function = Function::new(base, &floats, end, element);
        let key = function.key();
        let stair = match known.get(&key) {
            Some(stair) => stair.clone(),
            None => function.staircase()?,
        };
        known.entry(key).or_insert_with(|| stair.clone());
        stairs.push(stair);
    }
    let stairs = shorten(stairs, &end.shape);
    match table(base, &stairs) {
        Some((lo, exp, values)) => builder.table(x, lo, exp, values),
        None => builder.steps(x, stairs),
    }
}

fn float_of(node: &Node) -> Option<(&Float, &Node)> {
    match &node.op {
        Op::Float(float) => Some((float, node)),
        _ => None,
    }
}

/// Is every operation of the chain exact in float32 over the whole range, and free of true multiplications?
fn shifts_only(base: &Node, floats: &[(&Float, &Node)]) -> bool {
    let representable =
        |r: Range| (r.lo.abs() <= FLOAT_EXACT && r.hi.abs() <= FLOAT_EXACT && r.exp.abs() < 100).then_some(r);
    (0..base.len()).all(|element| {
        let step = |range: Range, (float, node): &(&Float, &Node)| {
            let constant = float.constants().is_empty().then_some(0.0);
            let constant = constant.unwrap_or_else(|| *pick(float.constants(), element, &node.shape));
            let exact = Range::point(Fixed::from_f64(f64::from(constant))?);
            representable(match float {
                Float::Mul(_) if is_power_of_two(constant) => product(range, exact)?,
                Float::Div(_) if is_power_of_two(constant) => {
                    product(range, Range::point(Fixed::from_f64(1.0 / f64::from(constant))?))?
                }
                Float::Add(_) => sum(range, exact)?,
                Float::Leaky(_) => Exact::Leaky(Fixed::from_f64(f64::from(constant))?).shifted(range)?,
                Float::Function(function) => {
                    function.exact()?.iter().try_fold(range, |range, exact| representable(exact.shifted(range)?))?
                }
                _ => return None,
            })
        };
        representable(base.ranges[element]).and_then(|range| floats.iter().try_fold(range, step)).is_some()
    })
}

/// Exact operations in place of the chain, and its own quantizer.
fn keep_exact(builder: &mut Builder, x: Id, floats: &[(&Float, &Node)], end: &Node) -> Result<Id> {
    let last = floats.iter().try_fold(x, |x, (float, _)| builder.float(x, (*float).clone()))?;
    let exact = builder.exact(last)?;
    builder.copy(end, &[exact])
}

/// What a chain computes for one element.
struct Function<'a> {
    range: Range,
    floats: &'a [(&'a Float, &'a Node)],
    end: End<'a>,
    element: usize,
}

/// The quantizer at a chain's end.
enum End<'a> {
    Quantize(&'a Quantization),
    Steps(&'a Staircase),
}

/// What decides a function: two elements with equal keys have equal staircases.
type Key = (Range, Vec<u32>, String);

impl<'a> Function<'a> {
    fn new(base: &Node, floats: &'a [(&'a Float, &'a Node)], end: &'a Node, element: usize) -> Function<'a> {
        let quantizer = match &end.op {
            Op::Steps { stairs } => End::Steps(pick(stairs, element, &end.shape)),
            Op::Quantize { elements } => End::Quantize(pick(elements, element, &end.shape)),
            _ => End::Steps(const { &Staircase { first: Fixed::ZERO, steps: Vec::new() } }),
        };
        Function { range: base.ranges[element], floats, end: quantizer, element }
    }

    fn key(&self) -> Key {
        let constant = |(float, node): &(&Float, &Node)| {
            let constants = float.constants();
            (!constants.is_empty()).then(|| pick(constants, self.element, &node.shape).to_bits())
        };
        let end = match self.end {
            End::Quantize(q) => q.to_string(),
            End::Steps(stair) => format!("{:p}", stair),
        };
        (self.range, self.floats.iter().filter_map(constant).collect(), end)
    }

    /// The chain's float32 result.
    fn float(&self, code: i128) -> f32 {
        let start = Fixed::new(code, self.range.exp).to_f32();
        self.floats.iter().fold(start, |x, (float, node)| float.scalar(x, self.element, &node.shape))
    }

    /// A number that grows (or falls) with the code if the chain is monotone, and that decides the result.
    fn level(&self, code: i128) -> Result<i128> {
        let x = self.float(code);
        let level = match self.end {
            End::Quantize(q) => round_float(q, x),
            End::Steps(stair) => {
                Fixed::from_f64(f64::from(x)).map(|x| stair.steps.partition_point(|(t, _)| *t <= x) as i128)
            }
        };
        level.ok_or_else(|| {
            let what = "its float value becomes NaN or infinite before the quantizer";
            Error::user(what, "check the scales and variances, or put a quantizer before this layer that keeps to where its function has a value")
        })
    }

    /// The result for a code.
    fn value(&self, code: i128) -> Option<Fixed> {
        let x = self.float(code);
        match self.end {
            End::Quantize(q) => quantize_float(q, x).map(|(code, _)| Fixed::new(code, q.format.lsb)),
            End::Steps(stair) => Some(stair.at(Fixed::from_f64(f64::from(x))?)),
        }
    }

    fn staircase(&self) -> Result<Staircase> {
        let Range { lo, hi, .. } = self.range;
        if let Some((float, _)) = self.floats.iter().find(|(float, _)| **float == Float::Softmax) {
            let help = "let it end the network, or put a quantizer before it";
            return Err(Error::user(format!("`{}` is not element-wise", float.name()), help));
        }
        let turns = |(float, node): &&(&Float, &Node)| float.trend(self.element, &node.shape) == Trend::Other;
        let mut changes = Vec::new();
        match self.floats.iter().find(turns) {
            None => self.bisect((lo, self.level(lo)?), (hi, self.level(hi)?), &mut changes)?,
            Some(_) if hi - lo < ENUMERATED => changes.extend(lo + 1..=hi),
            Some((float, _)) => {
                let what = format!(
                    "`{float}` rises and falls, and at most {ENUMERATED} codes are tried: it reads {}",
                    hi - lo + 1
                );
                let help = "put a quantizer of at most 16 bits before it, such as quantized_bits(16,6)";
                return Err(Error::user(what, help));
            }
        }
        self.climb(&changes)
    }

    /// Collects the codes between two known levels at which the level changes.
    fn bisect(&self, from: (i128, i128), to: (i128, i128), changes: &mut Vec<i128>) -> Result<()> {
        if from.1 == to.1 {
            return Ok(());
        }
        if to.0 - from.0 == 1 {
            changes.push(to.0);
            return if changes.len() <= STEPS { Ok(()) } else { Err(too_many()) };
        }
        let middle = from.0 + (to.0 - from.0) / 2;
        let middle = (middle, self.level(middle)?);
        self.bisect(from, middle, changes)?;
        self.bisect(middle, to, changes)
    }

    /// The staircase with steps where the value changes at these codes.
    fn climb(&self, codes: &[i128]) -> Result<Staircase> {
        let not_finite = || Error::user("a float value becomes NaN or infinite", "check the scales and variances");
        let value = |code: i128| self.value(code).ok_or_else(not_finite);
        let first = value(self.range.lo)?;
        let mut stair = Staircase { first, steps: Vec::new() };
        let mut last = first;
        for code in codes {
            let value = value(*code)?;
            if value != last {
                stair.steps.push((Fixed::new(*code, self.range.exp), value));
                last = value;
            }
        }
        Ok(stair)
    }
}

fn too_many() -> Error {
    Error::user(
        format!("a float chain (a scale, a batch normalisation, ..) has more than {STEPS} steps"),
        "give the layer behind it a quantizer of fewer bits, or use power-of-two scales (alpha='auto_po2')",
    )
}

/// A table in place of one staircase that goes up and down at most of its codes.
fn table(base: &Node, stairs: &[Staircase]) -> Option<(i128, i32, Vec<Fixed>)> {
    let ([stair], range) = (stairs, base.ranges.first()?) else { return None };
    let values: Vec<Fixed> = std::iter::once(stair.first).chain(stair.steps.iter().map(|(_, v)| *v)).collect();
    let codes = range.hi - range.lo + 1;
    let monotone = values.is_sorted() || values.iter().rev().is_sorted();
    if monotone
        || codes > ENUMERATED
        || base.ranges.iter().any(|r| r != range)
        || 2 * stair.steps.len() < codes as usize
    {
        return None;
    }
    hull(values.into_iter())?;
    let all = (range.lo..=range.hi).map(|code| stair.at(Fixed::new(code, range.exp))).collect();
    Some((range.lo, range.exp, all))
}

#[cfg(test)]
mod tests {
    use super::super::{Options, evaluate, random};
    use super::*;
    use crate::functions::Function;

    #[test]
    fn folding_keeps_every_value() {
        for seed in 0..60 {
            let graph = random::graph(seed, true);
            let folded = fold(&graph).expect("random chains fold");
            let inputs = random::inputs(&graph, 40, seed);
            let before = evaluate(&graph, &inputs, &Options::default()).expect("evaluates");
            let after = evaluate(&folded, &inputs, &Options::default()).expect("evaluates");
            for (a, b) in before.outputs.iter().zip(&after.outputs) {
                for (row, element) in (0..40).flat_map(|r| (0..a.columns()).map(move |e| (r, e))) {
                    assert_eq!(a.number(row, element), b.number(row, element), "seed {seed}\n{graph}\n{folded}");
                }
            }
        }
    }

    /// An input of so many bits, some floats, and a quantizer.
    fn chained(width: u32, floats: &[Float], format: &str) -> Result<Graph> {
        let mut g = Builder::new("test");
        let q = Quantization::plain(crate::fixed::Format { signed: true, width, lsb: 0 });
        let port = crate::port::Port { name: "x".into(), shape: vec![1], elements: vec![q], state: false };
        let x = g.input(port)?;
        g.layer("norm");
        let x = floats.iter().try_fold(x, |x, float| g.float(x, float.clone()))?;
        g.layer("quantizer");
        let y = g.quantize(x, vec![format.parse()?])?;
        g.output("y", y);
        fold(&g.finish()?.0)
    }

    #[test]
    fn shifts_stay_exact_and_the_rest_becomes_steps() {
        let shift = chained(8, &[Float::Mul(vec![0.25]), Float::Add(vec![0.5])], "fixed<4,4,RND,SAT>").expect("folds");
        assert!(matches!(shift.node(shift.outputs[0].1).op, Op::Quantize { .. }), "{shift}");
        let scaled = chained(8, &[Float::Mul(vec![0.3])], "fixed<3,3,RND,SAT>").expect("folds");
        let Op::Steps { stairs } = &scaled.node(scaled.outputs[0].1).op else { panic!("{scaled}") };
        // round(0.3 x) >= k from the first x with 0.3 x >= k - 1/2; ties go up.
        let thresholds: Vec<_> = stairs[0].steps.iter().filter_map(|(t, _)| t.to_f64()).collect();
        assert_eq!(thresholds, [-11.0, -8.0, -5.0, -1.0, 2.0, 5.0, 9.0]);
        let wrapped = chained(3, &[Float::Mul(vec![-3.3])], "fixed<3,3>").expect("folds");
        assert!(matches!(wrapped.node(wrapped.outputs[0].1).op, Op::Table { .. }), "{wrapped}");
    }

    #[test]
    fn chains_without_steps_are_explained() {
        let many = chained(40, &[Float::Mul(vec![0.3])], "fixed<30,30>").expect_err("2^30 steps");
        assert!(many.what.contains("more than 65536 steps") && many.place == ["quantizer"], "{many}");
        let function = |text: &str| Float::Function(Function::parse(text).expect("a function"));
        let gelu = chained(20, &[function("gelu")], "fixed<4,1>").expect_err("2^20 codes");
        assert!(gelu.what.contains("float_gelu") && gelu.help.contains("at most 16 bits"), "{gelu}");
        let log = chained(4, &[function("log")], "fixed<4,1>").expect_err("the logarithm of 0");
        assert!(log.what.contains("infinite"), "{log}");
        let softmax = chained(4, &[Float::Softmax], "fixed<4,1>").expect_err("not element-wise");
        assert!(softmax.what.contains("not element-wise"), "{softmax}");
        let huge = chained(8, &[Float::Mul(vec![3e38]), Float::Mul(vec![100.0])], "fixed<4,1>").expect_err("infinite");
        assert!(huge.what.contains("infinite"), "{huge}");
        let nan = chained(8, &[Float::Mul(vec![f32::NAN])], "fixed<4,1>").expect_err("NaN");
        assert!(nan.what.contains("NaN") && nan.place == ["norm"], "{nan}");
    }
}
