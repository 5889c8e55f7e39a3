//! Where the constants of a program are added.
//!
//! Every value but the rows may carry an offset, `v + c` for `v`, since its readers can take it off again in their own
//! constant. A sum is free of constants if it adds its operands' bits as they are, inverted where they are subtracted
//! (see [`Chain`]): so values get the offsets which that gives, and what is left is added by the rows. There too it is
//! free where an operand has no bits; the other bits sink into earlier sums, where they are.

use crate::dfg::{Chain, Id, Linear, Operand, Term};
use crate::fixed::{Fixed, Range};
use crate::multipliers::{Chains, Problem, Program, Step};
use std::cell::Cell;

/// Sums through which a constant's bit sinks at most.
const DEEPEST: usize = 2;
/// Readers that a value may have whose offset changes: what one of them gains, the others mostly lose.
const READERS: usize = 3;

/// A value of the program.
pub(super) struct Value {
    /// The sum over operands and tables.
    form: Linear,
    /// Its range without its offset.
    pub(super) range: Range,
    /// The constant that its sum had from the start.
    pub(super) own: Fixed,
    pub(super) offset: Fixed,
    /// Whether the offset must stay as it is.
    pub(super) fixed: bool,
    pub(super) terms: Vec<Term>,
    pub(super) users: Vec<usize>,
    /// What it costs; `None` where something changed.
    price: Cell<Option<u32>>,
}

pub(super) struct Offsets {
    pub(super) values: Vec<Value>,
    /// How many of them are operands.
    pub(super) operands: usize,
    chains: Chains,
}

/// Gives every step its constant; rows keep their values. Gives the program's price, in tenths of a LUT.
///
/// Ranges were checked to be narrow when the problem was made; where one is not, the program stays as it is.
pub fn assign(program: &mut Program, problem: &Problem) -> u64 {
    let Some(mut offsets) = Offsets::new(program, problem) else { return u64::MAX };
    if offsets.natural().is_none() {
        return u64::MAX;
    }
    if !problem.chains.constant {
        (offsets.operands..offsets.values.len()).rev().for_each(|index| offsets.sink(index));
    }
    let saved = if problem.chains.third { super::roots::make_room(&mut offsets) } else { 0 };
    let sums = offsets.operands..offsets.values.len();
    let constants: Option<Vec<Fixed>> = sums.clone().map(|index| offsets.constant(index)).collect();
    for (step, new) in program.steps.iter_mut().zip(constants.unwrap_or_default()) {
        let (Step::Sum { constant, .. } | Step::Lookup { constant, .. }) = step;
        *constant = new;
    }
    sums.map(|index| u64::from(offsets.price(index))).sum::<u64>().saturating_sub(saved)
}

impl Offsets {
    fn new(program: &Program, problem: &Problem) -> Option<Offsets> {
        let mut offsets = Offsets { values: Vec::new(), operands: problem.operands.len(), chains: problem.chains };
        for (index, operand) in problem.operands.iter().enumerate() {
            offsets.values.push(Value::leaf(index as u32, operand.range));
        }
        for step in &program.steps {
            let index = offsets.values.len();
            let value = match step {
                Step::Sum { terms, constant } => offsets.sum(index, terms, *constant)?,
                Step::Lookup { terms, .. } => {
                    let products = terms.iter().map(|(operand, factor)| {
                        let value = offsets.values.get(*operand as usize)?;
                        value.range.times(*factor)
                    });
                    let range = products.reduce(|a, b| Range::add(a?, b?)).flatten()?;
                    Value { fixed: false, offset: range.low().negate(), ..Value::leaf(index as u32, range) }
                }
            };
            offsets.values.push(value);
        }
        for result in &program.results {
            let value = &mut offsets.values[*result as usize];
            (value.fixed, value.offset) = (true, Fixed::ZERO);
        }
        Some(offsets)
    }

    fn sum(&mut self, index: usize, terms: &[Term], constant: Fixed) -> Option<Value> {
        terms.iter().for_each(|term| self.values[term.id.index()].users.push(index));
        let forms = terms.iter().map(|term| (&self.values[term.id.index()].form, term.factor()));
        let form = Linear::sum(forms, Fixed::ZERO)?;
        let range = form.range(|leaf| self.values[leaf.index()].range)?;
        let (offset, users) = (Fixed::ZERO, Vec::new());
        Some(Value {
            form,
            range,
            own: constant,
            offset,
            fixed: terms.is_empty(),
            terms: terms.to_vec(),
            users,
            price: Cell::new(None),
        })
    }

    /// The offset that a sum's operands bring with them.
    fn brought(&self, index: usize) -> Option<Fixed> {
        let terms = self.values[index].terms.iter();
        terms.map(|term| self.values[term.id.index()].offset.mul(term.factor())).try_fold(Fixed::ZERO, |a, b| a.add(b?))
    }

    /// The constant of a sum: what makes its offset of those of its operands.
    pub(super) fn constant(&self, index: usize) -> Option<Fixed> {
        let value = &self.values[index];
        value.own.add(value.offset)?.add(self.brought(index)?.negate())
    }

    /// A value's range with its offset. A row's own constant is in it.
    pub(super) fn range(&self, index: usize) -> Option<Range> {
        let value = &self.values[index];
        let offset = value.offset.add(value.own)?;
        if offset.is_zero() { Some(value.range) } else { Range::add(value.range, Range::point(offset)) }
    }

    fn plan(&self, index: usize) -> Option<Chain> {
        let value = &self.values[index];
        let operand = |term: &Term| Some(Operand::of(term, self.range(term.id.index())?));
        let (constant, range, free) = (self.constant(index)?, self.range(index)?, self.chains.constant);
        match value.terms[..] {
            [a, b] => Chain::plan(&[operand(&a)?, operand(&b)?], constant, range, free),
            [a] => Chain::plan(&[operand(&a)?], constant, range, free),
            _ => None,
        }
    }

    pub(super) fn price(&self, index: usize) -> u32 {
        let value = &self.values[index];
        let price = value.price.get().unwrap_or_else(|| match value.terms[..] {
            // A table has a LUT for each bit; what is fixed costs the same anyway.
            [] if value.fixed => 0,
            [] => 10 * self.range(index).map_or(128, |range| range.width()),
            _ => self.plan(index).map_or(u32::MAX / 64, |plan| plan.price(self.chains.constant)),
        });
        value.price.set(Some(price));
        price
    }

    /// Changes an offset; gives the old one.
    pub(super) fn set(&mut self, index: usize, offset: Fixed) -> Fixed {
        let value = &self.values[index];
        value.price.set(None);
        value.users.iter().for_each(|user| self.values[*user].price.set(None));
        std::mem::replace(&mut self.values[index].offset, offset)
    }

    /// Gives every value that may have one the offset of an addition of its operands' bits as they are.
    fn natural(&mut self) -> Option<()> {
        for index in self.operands..self.values.len() {
            if self.values[index].fixed || self.values[index].terms.is_empty() {
                continue;
            }
            let mut constant = self.values[index].own.negate();
            for term in &self.values[index].terms {
                let range = self.range(term.id.index())?;
                constant = constant.add(Chain::correction(&Operand::of(term, range)))?;
            }
            self.set(index, self.brought(index)?.add(constant)?);
            self.tighten(index)?;
        }
        Some(())
    }

    /// Takes off what keeps a value from 0, if that saves a bit of it and costs nothing.
    fn tighten(&mut self, index: usize) -> Option<()> {
        let (range, before) = (self.range(index)?, self.price(index));
        let tight = Range { lo: 0, hi: range.hi.checked_sub(range.lo)?, exp: range.exp };
        if range.lo > 0 && tight.width() < range.width() {
            let old = self.set(index, self.values[index].offset.add(range.low().negate())?);
            if self.price(index) > before {
                self.set(index, old);
            }
        }
        Some(())
    }

    /// Moves bits of a sum's constant that need an adder into the sums before it, one by one, where that is cheaper.
    fn sink(&mut self, index: usize) {
        if self.values[index].terms.is_empty() {
            return;
        }
        let Some(plan) = self.plan(index) else { return };
        let mut rest = plan.rest;
        while rest != 0 {
            let bit = rest.trailing_zeros();
            rest &= rest - 1;
            let amount = Fixed::power_of_two(bit as i32 + plan.exp);
            // The nearest place that gains: most bits find one at once.
            let near = (1..=DEEPEST).find_map(|deepest| {
                let mut best = None;
                self.search(index, amount, deepest, &mut Vec::new(), &mut best);
                best
            });
            if let Some((_, path)) = near {
                self.shift(&path, false);
            }
        }
    }

    /// Tries every value so deep below a sum as the place where `amount` of the sum's constant is added instead.
    fn search(
        &mut self,
        index: usize,
        amount: Fixed,
        deepest: usize,
        path: &mut Vec<(usize, Fixed)>,
        best: &mut Option<(i64, Vec<(usize, Fixed)>)>,
    ) {
        for place in 0..self.values[index].terms.len() {
            let term = self.values[index].terms[place];
            let (inner, factor) = (term.id.index(), term.factor());
            if self.values[inner].fixed || path.len() == deepest || self.values[inner].users.len() > READERS {
                continue;
            }
            let inverse = Fixed::new(factor.mantissa(), -factor.exponent());
            let Some(amount) = amount.mul(inverse) else { continue };
            // Taking a bit away may as well carry it up to where it is free.
            for amount in [amount, amount.negate()] {
                path.push((inner, amount));
                let least = best.as_ref().map_or(0, |(gain, _)| *gain);
                let gain = if path.len() == deepest { self.gain(path, least) } else { 0 };
                if gain > least {
                    *best = Some((gain, path.clone()));
                }
                self.search(inner, amount, deepest, path, best);
                path.pop();
            }
        }
    }

    /// What changing the offsets of a path saves; not exactly, where it is no more than `least`.
    fn gain(&mut self, path: &[(usize, Fixed)], least: i64) -> i64 {
        let mut touched: Vec<usize> = Vec::with_capacity(DEEPEST * (READERS + 1));
        for (index, _) in path {
            touched.push(*index);
            touched.extend(&self.values[*index].users);
        }
        touched.sort_unstable();
        touched.dedup();
        let before: i64 = touched.iter().map(|index| i64::from(self.price(*index))).sum();
        let prices: Vec<Option<u32>> = touched.iter().map(|index| self.values[*index].price.get()).collect();
        self.shift(path, false);
        // No price is below 0: what is too dear already need not be added up.
        let mut gain = before;
        for index in &touched {
            gain -= i64::from(self.price(*index));
            if gain <= least {
                break;
            }
        }
        self.shift(path, true);
        touched.iter().zip(prices).for_each(|(index, price)| self.values[*index].price.set(price));
        gain
    }

    fn shift(&mut self, path: &[(usize, Fixed)], back: bool) {
        for (index, amount) in path {
            let amount = if back { amount.negate() } else { *amount };
            let old = self.values[*index].offset;
            self.set(*index, old.add(amount).unwrap_or(old));
        }
    }
}

impl Value {
    fn leaf(index: u32, range: Range) -> Value {
        let (own, offset) = (Fixed::ZERO, Fixed::ZERO);
        Value {
            form: Linear::leaf(Id(index)),
            range,
            own,
            offset,
            fixed: true,
            terms: Vec::new(),
            users: Vec::new(),
            price: Cell::new(None),
        }
    }
}
