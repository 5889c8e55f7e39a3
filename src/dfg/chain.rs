//! A sum as bit-vectors that a carry chain adds.
//!
//! A two's complement operand reaches, by its sign, to the top of the sum. *Offset* operands do not: with the highest bit
//! of a signed `x` of `w` bits inverted it is the unsigned number `x + 2^(w-1)`, and `-x = ~x - (2^w - 1)` for an unsigned
//! one. The constants are all added up with the sum's own, and where an operand has no bits the constant's bits are wired
//! into it. What is left of the constant needs an adder. Positions at which one operand only has bits need no LUT, but
//! for what passes the carry on.
//!
//! For each operand the cheaper form is chosen; the netlist is made from this plan, and targets price it.

mod addend;

pub use addend::{Addend, INDEX, Raised};

use super::Term;
use crate::fixed::{Fixed, Range};

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

impl Chain {
    /// The cheapest plan; `None` beyond 127 bits. Operands that are 0 must be left out. `free` says that the device adds any
    /// constant to two operands for nothing.
    pub fn plan(operands: &[Operand], constant: Fixed, result: Range, free: bool) -> Option<Chain> {
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
            operand: index as u32,
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
        let mut best: Option<((bool, u32), Chain)> = None;
        for choice in choices {
            let addends = [Addend::default(); 3];
            let mut plan = Chain { exp, width, addends, count, carry_in: false, rest: 0 };
            for (to, operand) in plan.addends.iter_mut().zip(operands.iter().enumerate()) {
                *to = addend(operand, choice).within(width);
            }
            plan.place(constant);
            let price = (free && count == 3 && plan.homeless() != 0, plan.price(free));
            if best.as_ref().is_none_or(|(least, _)| price < *least) {
                best = Some((price, plan));
            }
        }
        best.map(|(_, plan)| plan)
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
    fn place(&mut self, constant: u128) {
        let used = &mut self.addends[..self.count];
        let total = used.iter().fold(constant, |sum, addend| sum.wrapping_add(addend.correction()));
        self.rest = total & ones(self.width);
        // What is added as it is comes first: it feeds the carry chain directly, the others through the LUT.
        used.sort_by_key(|addend| (addend.subtracted(), !addend.extended));
        for addend in used.iter_mut().filter(|addend| !addend.subtracted()) {
            addend.ones = self.rest & !addend.live;
            self.rest &= !addend.ones;
        }
        let subtracted = used.iter().any(|addend| addend.subtracted());
        if let Some(start) = self.start()
            && self.rest >> start & 1 == 1
            && self.count > 1
            && !subtracted
        {
            self.carry_in = true;
            self.rest &= !(1 << start);
        }
    }

    /// Positions from the first to the last at which carries run: the length of the chain; 0 for wiring.
    pub fn span(&self) -> u32 {
        match self.start() {
            Some(start) => self.width - start,
            None => 0,
        }
    }

    /// Positions at which two operands have bits: LUTs that add. `free` as for [`Chain::plan`].
    pub fn meeting(&self, free: bool) -> u32 {
        match self.count {
            2 if free => self.with_constant(),
            _ => self.meets(if free { None } else { self.onto() }),
        }
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

    /// Tenths of a LUT, for comparing plans: a position that passes the carry on is dearer than nothing. `free` as for
    /// [`Chain::plan`].
    pub fn price(&self, free: bool) -> u32 {
        let sums = self.count.max(2) as u32 - 1;
        let onto = self.onto();
        let luts = if free { self.meeting(true) } else { self.meets(onto) };
        let adds = if free && self.count == 2 { 0 } else { self.adds(onto) };
        10 * (luts * sums + adds) + 2 * (self.span().saturating_sub(luts) + (self.rest != 0) as u32)
    }

    /// What is added besides the operands' own bits, inverted where they are.
    fn total(&self) -> u128 {
        let carry = (self.carry_in as u128) << self.start().unwrap_or(0);
        let total = self.addends().iter().fold(self.rest.wrapping_add(carry), |total, addend| {
            let inverted = if addend.subtracted() { addend.own(self.width) } else { 0 };
            total.wrapping_add(addend.ones).wrapping_sub(inverted)
        });
        total & ones(self.width)
    }

    /// LUTs of two operands and any constant in one chain: where both have bits, and where a carry is saved below.
    fn with_constant(&self) -> u32 {
        let mask = |addend: &Addend| addend.own(self.width);
        let [a, b] = self.addends() else { return self.meets(None) };
        let (a, b, mut constant) = (mask(a), mask(b), self.total());
        // A unit at the lowest position at which anything is added comes in as a carry.
        let start = (a & b | (a | b) & constant).trailing_zeros().min(127);
        constant &= !(1 << start);
        // Carries are saved where all three are 1, and where two are and one is saved below: as those of an addition run.
        let (two, three) = (a & b | (a | b) & constant, a & b & constant);
        let below = two.wrapping_add(three) ^ two ^ three;
        ((a & b | below) & ones(self.width)).count_ones()
    }

    /// Tenths of a LUT of a carry chain of three operands.
    pub fn price_of_three(&self) -> u32 {
        let luts = self.meeting(true) + 1;
        10 * luts + 2 * self.span().saturating_sub(luts)
    }

    /// Bits of the constant that find no room in a carry chain of three operands: room is where an operand has no bits,
    /// and two units at the lowest position at which anything is added.
    pub fn homeless(&self) -> u128 {
        let mask = ones(self.width);
        let total = self.total();
        let (mut once, mut twice, mut room) = (total, 0, 0);
        for addend in self.addends() {
            let own = addend.own(self.width);
            twice |= once & own | addend.inverted(self.width);
            once |= own;
            room |= !own;
        }
        let start = twice.trailing_zeros().min(127);
        let homeless = (0..=2u128).map(|units| total.wrapping_sub(units << start) & mask & !room);
        homeless.min_by_key(|bits| bits.count_ones()).unwrap_or(0)
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
            let mut bits = vector(addend, codes[addend.operand as usize], chain.width);
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

    /// Compares what a chain of three operands has to take, besides the operands' own bits, with what it finds room for.
    fn homes(chain: &Chain, codes: &[i128], sum: u128) {
        let mask = ones(chain.width);
        let mut constant = sum;
        let (mut some, mut inverted) = (0, 0);
        for addend in chain.addends() {
            let bits = ((codes[addend.operand as usize] as u128) << addend.low) & addend.own(chain.width);
            constant = constant.wrapping_sub(bits ^ addend.inverted(chain.width));
            some |= !addend.own(chain.width);
            inverted |= addend.inverted(chain.width);
        }
        let homeless = chain.homeless();
        assert_eq!(homeless & some, 0);
        let meet = |start: u32| {
            (0..=2).any(|units| constant.wrapping_sub(homeless).wrapping_sub(units << start) & mask & !some == 0)
        };
        let starts = (0..chain.width).filter(|start| inverted & ones(*start) == 0);
        assert!(homeless > 0 || chain.addends().len() < 3 || starts.into_iter().any(meet), "{chain:?}");
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
            let chain = Chain::plan(&operands, constant, result, random.below(2) == 1).expect("narrow");
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
                homes(&chain, &codes, expected);
            }
        }
    }

    #[test]
    fn signs_cost_nothing() {
        let unsigned = |hi, shift, negative| Operand { range: Range::new(0, hi, 0), shift, negative };
        // 100 x 8-bit - 8-bit << 4: four positions meet, whatever the sign; and a constant finds a place.
        let both = [unsigned(255, 0, false), unsigned(255, 4, true)];
        let chain =
            Chain::plan(&both, Fixed::new(255 << 4, 0), Range::new(0, 255 + (255 << 4), 0), false).expect("narrow");
        assert_eq!((chain.meeting(false), chain.rest, chain.carry_in), (4, 0, false));
        let chain = Chain::plan(&both, Fixed::new((255 << 4) + 3 * 4096, 0), Range::new(12288, 16623, 0), false)
            .expect("narrow");
        assert_eq!((chain.meeting(false), chain.rest), (4, 0));
    }
}
