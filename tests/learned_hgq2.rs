//! Learned formats are HGQ2's: values, slopes by inputs and bits, and integer bits that follow the data, as
//! `scripts/fixtures_gradients_hgq2.py` found them in HGQ2 itself. Needs `--features train`.
#![cfg(feature = "train")]

use nanotrig::fixed::{Overflow, Rounding};
use nanotrig::quantizers::learned::trained::{Bounds, Grid, greatest, needed, quantize, rounded};
use serde_json::Value;
use tch::{Kind, Tensor};

/// What an integer follows down with each step.
const DECAY: f64 = 0.01;

/// One quantizer on one batch.
struct Case(Value);

impl Case {
    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap()
    }

    fn shape(&self, name: &str) -> Vec<i64> {
        self.0[name].as_array().unwrap().iter().map(|length| length.as_i64().unwrap()).collect()
    }

    /// Numbers with the shape of the values, or of the formats without leading axes of 1.
    fn tensor(&self, name: &str, shape: &str) -> Tensor {
        let numbers: Vec<f32> =
            self.0[name].as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect();
        let shape = self.shape(shape);
        let shape: Vec<i64> = match numbers.len() {
            1 => Vec::new(),
            _ => shape.into_iter().skip_while(|length| *length == 1).collect(),
        };
        Tensor::from_slice(&numbers).view(shape.as_slice())
    }

    fn has(&self, name: &str) -> bool {
        !self.0[name].is_null()
    }
}

/// The greatest difference, beside the greatest number.
fn difference(found: &Tensor, expected: &Tensor) -> f64 {
    assert_eq!(found.size(), expected.size());
    let most = expected.abs().max().double_value(&[]).max(1.0);
    (found - expected).abs().max().double_value(&[]) / most
}

/// Compares a case; gives what it is.
fn compare(case: &Case) -> String {
    let what = ["kind", "overflow", "rounding"].map(|name| case.text(name)).join(" ");
    let (overflow, rounding): (Overflow, Rounding) =
        (case.text("overflow").parse().unwrap(), case.text("rounding").parse().unwrap());
    let leaf = |name: &str, shape: &str| case.tensor(name, shape).set_requires_grad(true);
    let (x, integer, second) = (leaf("x", "shape"), leaf("integer", "formats"), leaf("second", "formats"));
    // KBI learns all bits, of which the fraction has those that the integers leave.
    let by_bits = case.text("kind") == "kbi";
    let whole = |bits: &Tensor| bits + (bits.round() - bits).detach();
    let fraction = if by_bits { whole(&second) - whole(&integer) } else { second.shallow_clone() };
    let signed = Tensor::from(case.0["signed"].as_f64().unwrap() as f32);
    let bounds = Bounds { integer: &integer, signed: &signed, overflow };
    let weight = case.0["weight"].as_bool().unwrap();
    let grid = Grid::new(&fraction);
    let evaluated = if weight { rounded(&x, &grid, rounding) } else { quantize(&x, &grid, rounding, &bounds) };
    assert_eq!(difference(&evaluated, &case.tensor("evaluated", "shape")), 0.0, "{what}, evaluated");
    let trained = if overflow == Overflow::Wrap { rounded(&x, &grid, rounding) } else { evaluated };
    assert_eq!(difference(&trained, &case.tensor("trained", "shape")), 0.0, "{what}, trained");
    (&trained * case.tensor("upstream", "shape")).sum(Kind::Float).backward();
    let slopes = [("dx", &x, "shape"), ("dsecond", &second, "formats"), ("dinteger", &integer, "formats")];
    for (name, leaf, shape) in slopes.into_iter().filter(|(name, ..)| case.has(name)) {
        let off = difference(&leaf.grad(), &case.tensor(name, shape));
        assert!(off < 1e-5, "{what}, {name}: {off}");
    }
    if case.has("followed") {
        let most = greatest(&trained, &integer.size(), true);
        let followed = tch::no_grad(|| (&integer - DECAY).maximum(&needed(&most, &fraction)));
        let off = difference(&followed, &case.tensor("followed", "formats"));
        assert!(off < 1e-6, "{what}: integer bits follow to {followed:?}");
    }
    what
}

#[test]
fn values_slopes_and_followed_ranges_are_those_of_hgq2() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/hgq2/gradients.json");
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for case in golden["cases"].as_array().unwrap() {
        seen.insert(compare(&Case(case.clone())));
    }
    // Two overflows of KBI, three of KIF, three roundings each.
    assert_eq!(seen.len(), 15, "{seen:?}");
}
