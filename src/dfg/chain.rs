//! A sum as bit-vectors that a carry chain adds.
//!
//! A two's complement operand reaches, by its sign, to the top of the sum. *Offset* operands do not: with the highest bit
//! of a signed `x` of `w` bits inverted it is the unsigned number `x + 2^(w-1)`, and `-x = ~x - (2^w - 1)` for an unsigned
//! one. The constants are all added up with the sum's own, and where an operand has no bits the constant's bits are wired
//! into it. What is left of the constant needs an adder. Positions at which one operand only has bits need no LUT, but
//! for what passes the carry on.
//!
//! For each operand the cheaper form is chosen; the netlist is made from this plan, and targets price it.

use super::Term;
use crate::fixed::{Fixed, Range};

/// An operand of a sum, as a vector on the sum's grid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Addend {
    /// Which of the sum's operands it is.
    pub operand: usize,
    /// Position of its lowest bit.
    pub low: u32,
    /// Its own bits.
    pub width: u32,
    /// Two's complement: extended to the top, subtracted if negative. Else offset: inverted if negative, and the highest
    /// bit inverted once more if signed.
    pub extended: bool,
    /// Whether the number is subtracted.
    pub negative: bool,
    /// Whether the number has a sign.
    pub signed: bool,
    /// Positions at which it may be other than the constant 0, its share of the sum's constant apart.
    pub live: u128,
    /// Bits of the constant that are wired into it, where it has none.
    pub ones: u128,
}

/// A planned sum, modulo `2^width` on the grid `exp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The grid.
    pub exp: i32,
    /// Bits of the sum.
    pub width: u32,
    /// The operands, those that are subtracted last; the first `count` of them.
    addends: [Addend; 3],
    count: usize,
    /// Whether 1 is carried into the chain where it starts.
    pub carry_in: bool,
    /// What is left of the constant.
    pub rest: u128,
}

/// What an operand is: its range, and how it enters.
#[derive(Clone, Copy, Debug)]
pub struct Operand {
    /// Exact range of the number.
    pub range: Range,
    /// Power of two it is multiplied by.
    pub shift: i32,
    /// Whether it is subtracted.
    pub negative: bool,
}

impl Operand {
    /// A term with its operand's range.
    pub fn of(term: &Term, range: Range) -> Operand {
        Operand { range, shift: term.shift, negative: term.negative }
    }
}

/// The low `width` bits set.
fn ones(width: u32) -> u128 {
    if width >= 128 { u128::MAX } else { (1 << width) - 1 }
}

impl Addend {
    /// The same with its live positions worked out, in a sum of so many bits.
    fn within(self, width: u32) -> Addend {
        let top =
            if self.extended && (self.signed || self.negative) { width } else { (self.low + self.width).min(width) };
        Addend { live: ones(top) & !ones(self.low.min(width)), ..self }
    }

    /// What its form leaves to be added, modulo 2^128.
    fn correction(&self) -> u128 {
        let all = ones(self.width) << self.low.min(127);
        let sign = 1u128 << (self.low + self.width - 1).min(127);
        match (self.extended, self.negative, self.signed) {
            (true, ..) | (false, false, false) => 0,
            (false, false, true) => sign.wrapping_neg(),
            (false, true, false) => all.wrapping_neg(),
            (false, true, true) => sign.wrapping_sub(all),
        }
    }
}

impl Chain {
    /// The cheapest plan; `None` beyond 127 bits. Operands that are 0 must be left out.
    pub fn plan(operands: &[Operand], constant: Fixed, result: Range) -> Option<Chain> {
        let grids = operands.iter().map(|operand| operand.range.exp + operand.shift);
        let own = (!constant.is_zero()).then(|| constant.exponent());
        let exp = grids.chain(own).fold(result.exp, i32::min);
        let width = result.width().checked_add(u32::try_from(result.exp - exp).ok()?)?;
        let highest =
            operands.iter().map(|operand| operand.range.exp + operand.shift - exp + operand.range.width() as i32);
        if width > 127 || highest.max().unwrap_or(0) > 127 {
            return None;
        }
        let constant = constant.at(exp)? as u128;
        let addend = |(index, operand): (usize, &Operand), choice: u32| Addend {
            operand: index,
            low: (operand.range.exp + operand.shift - exp) as u32,
            width: operand.range.width(),
            extended: choice >> index & 1 == 1,
            negative: operand.negative,
            signed: operand.range.signed(),
            ..Addend::default()
        };
        let count = operands.len();
        if count > 3 {
            return None;
        }
        // An unsigned operand that is added is the same in both forms. Two's complement is tried first: it reads best.
        let same =
            |(index, operand): (usize, &Operand)| ((!operand.negative && !operand.range.signed()) as u32) << index;
        let same: u32 = operands.iter().enumerate().map(same).sum();
        let choices = (0..1u32 << count).rev().filter(|choice| choice & same == same);
        let plans = choices.map(|choice| {
            let mut addends = [Addend::default(); 3];
            addends
                .iter_mut()
                .zip(operands.iter().enumerate())
                .for_each(|(to, operand)| *to = addend(operand, choice).within(width));
            Chain::placed(exp, width, addends, count, constant)
        });
        let priced = plans.map(|plan| (plan.price(), plan));
        priced.reduce(|best, next| if next.0 < best.0 { next } else { best }).map(|(_, plan)| plan)
    }

    /// The operands, those that are subtracted last.
    pub fn addends(&self) -> &[Addend] {
        &self.addends[..self.count]
    }

    /// What makes an operand's offset form the number itself again: `x + correction` is that form.
    pub fn correction(operand: &Operand) -> Fixed {
        let (range, low) = (operand.range, operand.range.exp + operand.shift);
        let width = range.width().min(120);
        let all = if operand.negative { (1i128 << width) - 1 } else { 0 };
        let sign = if range.signed() { 1i128 << (width - 1) } else { 0 };
        Fixed::new(if operand.negative { all - sign } else { sign }, low)
    }

    /// Wires the constant's bits into the operands.
    fn placed(exp: i32, width: u32, mut addends: [Addend; 3], count: usize, constant: u128) -> Chain {
        let used = &mut addends[..count];
        let total = used.iter().fold(constant, |sum, addend| sum.wrapping_add(addend.correction()));
        let mut rest = total & ones(width);
        // What is added as it is comes first: it feeds the carry chain directly, the others through the LUT.
        used.sort_by_key(|addend| (addend.subtracted(), !addend.extended));
        for addend in used.iter_mut().filter(|addend| !addend.subtracted()) {
            addend.ones = rest & !addend.live;
            rest &= !addend.ones;
        }
        let subtracted = used.iter().any(|addend| addend.subtracted());
        let mut chain = Chain { exp, width, addends, count, carry_in: false, rest };
        if let Some(start) = chain.start()
            && rest >> start & 1 == 1
            && count > 1
            && !subtracted
        {
            chain.carry_in = true;
            chain.rest &= !(1 << start);
        }
        chain
    }

    /// Positions from the first to the last at which carries run: the length of the chain; 0 for wiring.
    pub fn span(&self) -> u32 {
        match self.start() {
            Some(start) => self.width - start,
            None => 0,
        }
    }

    /// Positions at which two operands have bits: LUTs that add.
    pub fn meeting(&self) -> u32 {
        self.meets(self.onto())
    }

    fn meets(&self, onto: Option<(usize, Raised)>) -> u32 {
        let (mut once, mut twice) = (0u128, 0u128);
        for (index, addend) in self.addends().iter().enumerate() {
            let raised = onto.filter(|(at, _)| *at == index).map_or(0, |(_, raised)| raised.varies);
            let live = addend.live | raised;
            twice |= once & live;
            once |= live;
        }
        twice.count_ones()
    }

    /// The lowest position from which carries can run.
    pub fn start(&self) -> Option<u32> {
        let (mut once, mut twice) = (0u128, self.rest);
        for addend in self.addends() {
            let live = addend.live | addend.ones;
            twice |= once & live;
            once |= live;
            if addend.subtracted() {
                twice |= live;
            }
        }
        (twice != 0).then(|| twice.trailing_zeros())
    }

    /// The operand to which what is left of the constant is added first: the one with the fewest bits from there on.
    pub fn onto(&self) -> Option<(usize, Raised)> {
        if self.rest == 0 {
            return None;
        }
        let plain = |addend: &Addend| !addend.subtracted() && !addend.reaches(self.width);
        let raised = self.addends().iter().enumerate().filter(|(_, addend)| plain(addend));
        let raised = raised.filter_map(|(index, addend)| Some((index, addend.raised(self.rest, self.width)?)));
        raised.min_by_key(|(_, raised)| raised.width)
    }

    /// LUTs for what is left of the constant.
    pub fn extra(&self) -> u32 {
        self.adds(self.onto())
    }

    fn adds(&self, onto: Option<(usize, Raised)>) -> u32 {
        match onto {
            _ if self.rest == 0 => 0,
            Some((_, raised)) if self.count == 1 => raised.varies.count_ones(),
            // Each LUT of the sum has room for five inputs besides the other operand's bit.
            Some((_, raised)) if raised.width <= 5 => 0,
            Some((_, raised)) if raised.width <= INDEX => 2 * (raised.width - 5),
            _ => self.width - self.rest.trailing_zeros(),
        }
    }

    /// Rows of LUTs and chains: operands, and what is left of the constant.
    pub fn rows(&self) -> u32 {
        (self.count as u32 + (self.extra() > 0) as u32).max(2)
    }

    /// Tenths of a LUT, for comparing plans: a position that passes the carry on is dearer than nothing.
    pub fn price(&self) -> u32 {
        let (sums, onto) = (self.count.max(2) as u32 - 1, self.onto());
        let meeting = self.meets(onto);
        10 * (meeting * sums + self.adds(onto)) + 2 * (self.span().saturating_sub(meeting) + (self.rest != 0) as u32)
    }
}

/// Most bits of an operand to which a constant is added by a table.
pub const INDEX: u32 = 6;

/// An operand with a constant added: from position `from` on a table of its bits there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raised {
    /// The lowest position that the constant changes.
    pub from: u32,
    /// The operand's own bits from there on: the table's index.
    pub width: u32,
    /// Positions that depend on them.
    pub varies: u128,
    /// What is added at `from`, the operand's share of the sum's constant included.
    pub constant: u128,
}

impl Addend {
    /// Whether it is subtracted as it is.
    pub fn subtracted(&self) -> bool {
        self.extended && self.negative
    }

    /// Whether it is extended to the top by its sign.
    fn reaches(&self, width: u32) -> bool {
        self.extended && self.signed && self.low + self.width < width
    }

    /// With a constant added that has bits only where the operand has.
    fn raised(&self, rest: u128, width: u32) -> Option<Raised> {
        let from = rest.trailing_zeros();
        let top = (self.low + self.width).min(width);
        if from < self.low || from >= top {
            return None;
        }
        let constant = (rest | self.ones) >> from;
        let own = top - from;
        // The carry runs through the constant's ones above the operand.
        let carry = ((self.ones >> top) & ones(width - top)).trailing_ones().min(width - top) + 1;
        let varies = ones((top + carry).min(width)) & !ones(from);
        Some(Raised { from, width: own, varies, constant })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// An addend's bits for a number's code.
    fn vector(addend: &Addend, code: i128, width: u32) -> u128 {
        let own = code as u128 & ones(addend.width);
        let top = 1u128 << (addend.width - 1);
        let bits = if addend.extended {
            if addend.signed { code as u128 } else { own }
        } else {
            let low = if addend.negative { !own } else { own } & (top - 1);
            let high = if addend.negative != addend.signed { !own } else { own } & top;
            low | high
        };
        (bits << addend.low) & ones(width) | addend.ones
    }

    /// The sum as the netlist makes it.
    fn value(chain: &Chain, codes: &[i128]) -> u128 {
        let start = chain.start().unwrap_or(0);
        let onto = chain.onto();
        let mut sum = (chain.carry_in as u128) << start;
        for (index, addend) in chain.addends().iter().enumerate() {
            let mut bits = vector(addend, codes[addend.operand], chain.width);
            assert_eq!(bits & !addend.ones & !addend.live, 0, "live bits of {addend:?}");
            if let Some((at, raised)) = &onto
                && *at == index
            {
                let low = bits & ones(raised.from);
                let all = (bits >> raised.from << raised.from).wrapping_add(chain.rest) & ones(chain.width);
                assert_eq!((all ^ bits) & !raised.varies & !ones(raised.from), 0, "{raised:?}");
                bits = low | all;
            }
            sum = if addend.subtracted() { sum.wrapping_sub(bits) } else { sum.wrapping_add(bits) };
        }
        if onto.is_none() { sum.wrapping_add(chain.rest) & ones(chain.width) } else { sum & ones(chain.width) }
    }

    #[test]
    fn plans_add_up_to_the_sum() {
        let mut random = Random::new(4);
        for _ in 0..20_000 {
            let operands: Vec<Operand> = (0..1 + random.below(3))
                .map(|_| {
                    let lo = random.below(60) as i128 - 40;
                    let range = Range::new(lo, lo + 1 + random.below(50) as i128, random.below(3) as i32 - 1);
                    Operand { range, shift: random.below(6) as i32, negative: random.below(2) == 1 }
                })
                .filter(|operand| operand.range.width() > 0)
                .collect();
            if operands.is_empty() {
                continue;
            }
            let constant = Fixed::new(random.below(400) as i128 - 200, random.below(4) as i32 - 2);
            let factor = |operand: &Operand| Fixed::new(if operand.negative { -1 } else { 1 }, operand.shift);
            let products = operands.iter().map(|operand| operand.range.times(factor(operand)));
            let result = products.chain([Some(Range::point(constant))]).reduce(|a, b| Range::add(a?, b?)).flatten();
            let result = result.expect("narrow");
            let chain = Chain::plan(&operands, constant, result).expect("narrow");
            for _ in 0..20 {
                let pick = |operand: &Operand| {
                    operand.range.lo + random.below((operand.range.hi - operand.range.lo + 1) as u64) as i128
                };
                let codes: Vec<i128> = operands.iter().map(pick).collect();
                let product = |(operand, code): (&Operand, &i128)| {
                    Fixed::new(*code, operand.range.exp).mul(factor(operand)).expect("narrow")
                };
                let sum = operands.iter().zip(&codes).map(product).fold(constant, |a, b| a.add(b).expect("narrow"));
                let expected = sum.at(chain.exp).expect("on the grid") as u128 & ones(chain.width);
                assert_eq!(value(&chain, &codes), expected, "{chain:?} of {operands:?} + {constant}");
            }
        }
    }

    #[test]
    fn signs_cost_nothing() {
        let unsigned = |hi, shift, negative| Operand { range: Range::new(0, hi, 0), shift, negative };
        // 100 x 8-bit - 8-bit << 4: four positions meet, whatever the sign; and a constant finds a place.
        let both = [unsigned(255, 0, false), unsigned(255, 4, true)];
        let chain = Chain::plan(&both, Fixed::new(255 << 4, 0), Range::new(0, 255 + (255 << 4), 0)).expect("narrow");
        assert_eq!((chain.meeting(), chain.rest, chain.carry_in), (4, 0, false));
        let chain =
            Chain::plan(&both, Fixed::new((255 << 4) + 3 * 4096, 0), Range::new(12288, 16623, 0)).expect("narrow");
        assert_eq!((chain.meeting(), chain.rest), (4, 0));
    }
}
