//! Sums of products over named axes: an equation such as `abc,cd->abd`, taken apart into matrix products.
//!
//! Axes of both operands that are in the result are batches: each of their elements is a matrix product of its own. Axes of
//! both that are not in the result are summed; the others are rows and columns.

use crate::error::{Error, Result};
use crate::network::elements;
use std::collections::HashMap;

/// Two operands' axes and the result's, without sample axes.
pub struct Equation {
    /// Names of the left operand's axes.
    pub left: Vec<char>,
    /// Names of the right operand's axes.
    pub right: Vec<char>,
    /// Names of the result's axes.
    pub result: Vec<char>,
}

/// The matrix products of an equation.
pub struct Contraction {
    /// For each product the elements of the left operand, `[rows, inner]`.
    pub left: Vec<Vec<usize>>,
    /// For each product the elements of the right operand, `[inner, columns]`.
    pub right: Vec<Vec<usize>>,
    /// Of a product: rows, terms, columns.
    pub size: [usize; 3],
    /// The result's shape.
    pub shape: Vec<usize>,
    /// For each element of the result its product, and the element of it.
    pub elements: Vec<(u32, u32)>,
}

/// One side of an equation as written: names, and where `...` stands.
struct Side {
    names: Vec<char>,
    dots: Option<usize>,
}

impl Equation {
    /// Reads `abc,cd->abd` for operands of these numbers of axes (without the sample axis). `sampled` says of each operand
    /// whether its text begins with the sample axis, alone or as part of `...`; a text with no axis too many has none.
    ///
    /// # Errors
    /// It does not suit the operands, or cannot be read.
    pub fn read(text: &str, ranks: [usize; 2], sampled: [bool; 2]) -> Result<Equation> {
        let wrong = || {
            let help = "write it as in Keras, such as `abc,cd->abd` or `...x,xy->...y`, the sample axis included";
            Error::user(format!("the equation `{text}` does not suit operands of {ranks:?} axes"), help)
        };
        let clean: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let (operands, result) = clean.split_once("->").ok_or_else(wrong)?;
        let (left, right) = operands.split_once(',').ok_or_else(wrong)?;
        let (left, right, result) = (Side::read(left), Side::read(right), Side::read(result));
        let (Some(left), Some(right), Some(result)) = (left, right, result) else { return Err(wrong()) };
        let mut sample = None;
        let mut most = 0;
        let mut operand = |side: Side, rank: usize, sampled: bool| {
            let axes = rank + usize::from(sampled && (side.dots.is_some() || side.names.len() == rank + 1));
            let filled = axes.checked_sub(side.names.len()).filter(|n| *n == 0 || side.dots.is_some())?;
            most = most.max(filled);
            let mut names = side.fill(filled);
            if axes > rank {
                let first = names.remove(0);
                if sample.is_some_and(|sample| sample != first) {
                    return None;
                }
                sample = Some(first);
            }
            Some(names)
        };
        let left = operand(left, ranks[0], sampled[0]).ok_or_else(wrong)?;
        let right = operand(right, ranks[1], sampled[1]).ok_or_else(wrong)?;
        let mut result = result.fill(most);
        if let Some(sample) = sample {
            if result.first() != Some(&sample) || left.contains(&sample) || right.contains(&sample) {
                return Err(wrong());
            }
            result.remove(0);
        }
        let twice = |names: &[char]| (1..names.len()).any(|i| names[..i].contains(&names[i]));
        let from = |name: &char| left.contains(name) || right.contains(name);
        if twice(&left) || twice(&right) || twice(&result) || !result.iter().all(from) {
            return Err(wrong());
        }
        Ok(Equation { left, right, result })
    }

    /// The matrix products for operands of these shapes.
    ///
    /// # Errors
    /// An axis has two lengths, or an axis of one operand is summed alone.
    pub fn contract(&self, left: &[usize], right: &[usize]) -> Result<Contraction> {
        let mut lengths: HashMap<char, usize> = HashMap::new();
        for (name, length) in self.left.iter().zip(left).chain(self.right.iter().zip(right)) {
            if *lengths.entry(*name).or_insert(*length) != *length {
                let what = format!("shapes {left:?} and {right:?} differ along an axis that they share");
                return Err(Error::user(what, "check the equation and the layer's inputs"));
            }
        }
        let alone = |from: &[char], other: &[char]| {
            from.iter().copied().filter(|name| !other.contains(name)).collect::<Vec<char>>()
        };
        let (rows, columns) = (alone(&self.left, &self.right), alone(&self.right, &self.left));
        if let Some(name) = rows.iter().chain(&columns).find(|name| !self.result.contains(name)) {
            let what = format!("axis `{name}` of one operand is summed by itself");
            return Err(Error::user(what, "sum that operand with a `sum` layer first"));
        }
        let shared = |kept: bool| {
            let both = self.left.iter().filter(|name| self.right.contains(name));
            both.copied().filter(|name| self.result.contains(name) == kept).collect::<Vec<char>>()
        };
        let (batch, inner) = (shared(true), shared(false));
        let count = |names: &[char]| names.iter().map(|name| lengths[name]).collect::<Vec<usize>>();
        let all: Vec<usize> = [&batch, &rows, &inner, &columns].into_iter().flat_map(|names| count(names)).collect();
        elements(&all)?;
        let at = |names: &[char], of: &[char]| offsets(names, of, &lengths);
        let (lefts, rights) = (&self.left, &self.right);
        let block = |base: usize, first: &[usize], second: &[usize]| {
            first.iter().flat_map(|a| second.iter().map(move |b| base + a + b)).collect::<Vec<usize>>()
        };
        let (left_rows, left_inner) = (at(&rows, lefts), at(&inner, lefts));
        let (right_inner, right_columns) = (at(&inner, rights), at(&columns, rights));
        let left = at(&batch, lefts).into_iter().map(|base| block(base, &left_rows, &left_inner)).collect();
        let right = at(&batch, rights).into_iter().map(|base| block(base, &right_inner, &right_columns)).collect();
        let shape = count(&self.result);
        let mut elements = vec![(0, 0); shape.iter().product()];
        let (out_rows, out_columns) = (at(&rows, &self.result), at(&columns, &self.result));
        for (product, base) in at(&batch, &self.result).into_iter().enumerate() {
            for (element, place) in block(base, &out_rows, &out_columns).into_iter().enumerate() {
                elements[place] = (product as u32, element as u32);
            }
        }
        let size = [out_rows.len(), left_inner.len(), out_columns.len()];
        Ok(Contraction { left, right, size, shape, elements })
    }
}

impl Side {
    fn read(text: &str) -> Option<Side> {
        let (before, after) = match text.split_once("...") {
            Some((before, after)) => (before, Some(after)),
            None => (text, None),
        };
        let dots = after.map(|_| before.chars().count());
        let names: Vec<char> = before.chars().chain(after.unwrap_or("").chars()).collect();
        names.iter().all(char::is_ascii_alphabetic).then_some(Side { names, dots })
    }

    /// The names, with so many in place of `...`: numbered from the last.
    fn fill(&self, count: usize) -> Vec<char> {
        let mut names = self.names.clone();
        if let Some(at) = self.dots {
            let filled = (0..count as u32).rev().map(|i| char::from_u32(0xe000 + i).unwrap_or('?'));
            names.splice(at..at, filled);
        }
        names
    }
}

/// Where each combination of some axes lies in a tensor of axes `of`, in the order of `names`.
fn offsets(names: &[char], of: &[char], lengths: &HashMap<char, usize>) -> Vec<usize> {
    let mut all = vec![0];
    for name in names {
        let place = of.iter().position(|other| other == name).unwrap_or(0);
        let stride: usize = of[place + 1..].iter().map(|name| lengths[name]).product();
        all = all.iter().flat_map(|base| (0..lengths[name]).map(move |i| base + i * stride)).collect();
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, ranks: [usize; 2], sampled: [bool; 2]) -> Option<(String, String, String)> {
        let equation = Equation::read(text, ranks, sampled).ok()?;
        let text = |names: &[char]| names.iter().map(|c| if c.is_ascii() { *c } else { '.' }).collect::<String>();
        Some((text(&equation.left), text(&equation.right), text(&equation.result)))
    }

    #[test]
    fn equations_lose_their_sample_axis() {
        let three = |a: &str, b: &str, c: &str| Some((a.into(), b.into(), c.into()));
        assert_eq!(read("abc,cd->abd", [2, 2], [true, false]), three("bc", "cd", "bd"));
        assert_eq!(read("...x,xy->...y", [3, 2], [true, false]), three("..x", "xy", "..y"));
        assert_eq!(read("...x,xy->...y", [1, 2], [true, false]), three("x", "xy", "y"));
        assert_eq!(read("bqhd,bkhd->bhqk", [3, 3], [true, true]), three("qhd", "khd", "hqk"));
        assert_eq!(read("qd,dk->qk", [2, 2], [true, true]), three("qd", "dk", "qk"));
        for (wrong, ranks) in [("ab,bc", [1, 2]), ("ab->a", [1, 2]), ("abb,bc->ac", [2, 2]), ("ab,bc->az", [1, 2])] {
            assert_eq!(read(wrong, ranks, [true, false]), None, "{wrong}");
        }
        assert_eq!(read("abc,cd->bad", [2, 2], [true, false]), None);
    }
}
