//! Building element-wise functions: exact operations where float32 would not round, float ones elsewhere.

use super::floats::is_power_of_two;
use super::{Builder, Float, Id, Op, Staircase};
use crate::error::{At, Error, Result};
use crate::fixed::{Fixed, Format, Overflow, Quantization, Range, Rounding};
use crate::functions::{Exact, Function};

/// The widest integers whose squares are float32 numbers.
const SQUARED: i128 = 1 << 12;

impl Builder {
    /// An element-wise function: exact where x is exact and the function's float32 operations do not round it.
    ///
    /// # Errors
    /// It follows a softmax; or a number needs more than 127 bits.
    pub fn function(&mut self, x: Id, function: Function) -> Result<Id> {
        match function.exact() {
            Some(steps) if !self.is_float(x) && self.fits(x, &steps) => {
                steps.into_iter().try_fold(x, |x, step| self.exact_step(x, step))
            }
            _ => self.float(x, Float::Function(function)),
        }
    }

    /// `x` above 0, `c * x` below, with a constant for each element.
    ///
    /// # Errors
    /// As [`Builder::function`]; or not as many constants as elements.
    pub fn leaky(&mut self, x: Id, constants: Vec<f32>) -> Result<Id> {
        let float = Float::Leaky(constants);
        let shifts = float.constants().iter().all(|c| *c == 0.0 || is_power_of_two(*c));
        if self.is_float(x) || !shifts {
            return self.float(x, float);
        }
        let shape = self.shape(x).to_vec();
        self.exact_leaky(x, float.constants(), &shape)
    }

    /// `x` above 0, `c * x` below, exact for any constants: one, one per element of the last axis, or one each.
    ///
    /// # Errors
    /// A constant is NaN or infinite; or a number needs more than 127 bits.
    pub fn exact_leaky(&mut self, x: Id, constants: &[f32], shape: &[usize]) -> Result<Id> {
        if let [c] = constants
            && let Some(slope) = Fixed::from_f64(f64::from(*c))
        {
            return self.bend(x, slope);
        }
        let c = self.spread(constants, shape)?;
        let scaled = self.mul(x, c)?;
        if constants.iter().all(|c| c.abs() <= 1.0) {
            return self.max(x, scaled);
        }
        let zero = self.constant(&[], vec![Fixed::ZERO])?;
        let (high, low) = (self.max(x, zero)?, self.min(x, zero)?);
        let low = self.mul(low, c)?;
        self.add(high, low)
    }

    /// Are squares of x float32 numbers?
    fn fits(&self, x: Id, steps: &[Exact]) -> bool {
        let small = |range: &Range| range.lo.abs() <= SQUARED && range.hi.abs() <= SQUARED;
        !steps.contains(&Exact::Square) || self.graph().node(x).ranges.iter().all(small)
    }

    /// One step of a function of exact numbers; a float operand is made exact first.
    ///
    /// # Errors
    /// A number needs more than 127 bits.
    pub fn exact_step(&mut self, x: Id, step: Exact) -> Result<Id> {
        let x = self.exact(x)?;
        match step {
            Exact::Clip(low, high) => {
                let mut y = x;
                if let Some(low) = low {
                    let low = self.constant(&[], vec![low])?;
                    y = self.max(y, low)?;
                }
                let Some(high) = high else { return Ok(y) };
                let high = self.constant(&[], vec![high])?;
                self.min(y, high)
            }
            Exact::Leaky(slope) => self.bend(x, slope),
            Exact::Scale(slope) => {
                let slope = self.constant(&[], vec![slope])?;
                self.mul(x, slope)
            }
            Exact::Add(constant) => {
                let constant = self.constant(&[], vec![constant])?;
                self.add(x, constant)
            }
            Exact::Gate(threshold) => self.gate(x, threshold),
            Exact::Square => self.mul(x, x),
            Exact::Floor => self.integers(x, Rounding::Trn),
            Exact::Round => self.integers(x, Rounding::RndConv),
            Exact::Ceil => {
                let minus_one = self.constant(&[], vec![Fixed::new(-1, 0)])?;
                let down = self.mul(x, minus_one)?;
                let down = self.integers(down, Rounding::Trn)?;
                self.mul(down, minus_one)
            }
            Exact::Sign => {
                // On a grid of integers, the sign is the number clipped.
                let finest = self.graph().node(x).ranges.iter().map(|range| range.exp).min().unwrap_or(0);
                let factor = self.constant(&[], vec![Fixed::power_of_two(-finest)])?;
                let integers = self.mul(x, factor)?;
                self.exact_step(integers, Exact::Clip(Some(Fixed::new(-1, 0)), Some(Fixed::ONE)))
            }
        }
    }

    /// `x` above 0, `slope * x` below.
    fn bend(&mut self, x: Id, slope: Fixed) -> Result<Id> {
        let zero = self.constant(&[], vec![Fixed::ZERO])?;
        if slope.is_zero() {
            return self.max(x, zero);
        }
        let factor = self.constant(&[], vec![slope])?;
        let scaled = self.mul(x, factor)?;
        // The steeper half is above the other for positive slopes up to 1, and for negative ones from -1.
        let one = |slope: Fixed| slope <= Fixed::ONE && slope >= Fixed::new(-1, 0);
        match one(slope) {
            true => self.max(x, scaled),
            false if slope > Fixed::ZERO => self.min(x, scaled),
            false => {
                let high = self.max(x, zero)?;
                let low = self.min(x, zero)?;
                let low = self.mul(low, factor)?;
                self.add(high, low)
            }
        }
    }

    /// `x` clipped to its own range above the threshold, and to 0 below.
    fn gate(&mut self, x: Id, threshold: Fixed) -> Result<Id> {
        let node = self.graph().node(x);
        let lowest = node.ranges.iter().map(Range::low).min().unwrap_or(Fixed::ZERO).min(Fixed::ZERO);
        let highest = node.ranges.iter().map(Range::high).max().unwrap_or(Fixed::ZERO).max(Fixed::ZERO);
        let finest = node.ranges.iter().map(|range| range.exp).min().unwrap_or(0);
        // The least number of the grid above the threshold; beyond the grid, the threshold itself decides.
        let above = match threshold.at(finest) {
            Some(code) => code.checked_add(1),
            None if threshold.exponent() > finest => None,
            None => Some((threshold.mantissa() >> (finest - threshold.exponent()).min(126)) + 1),
        };
        let Some(above) = above else {
            let what = format!("the threshold {threshold} is beyond 127 bits on the input's grid");
            return Err(Error::user(what, "give a threshold within the input's range").at(self.place()));
        };
        let gate = |limit: Fixed| Staircase { first: Fixed::ZERO, steps: vec![(Fixed::new(above, finest), limit)] };
        let mut y = x;
        if lowest < Fixed::ZERO {
            let low = self.steps(x, vec![gate(lowest)])?;
            y = self.max(y, low)?;
        }
        let high = self.steps(x, vec![gate(highest)])?;
        self.min(y, high)
    }

    fn integers(&mut self, x: Id, rounding: Rounding) -> Result<Id> {
        let integer = |range: &Range| {
            let on_grid = range.at(0).or_else(|| {
                let drop = range.exp.checked_neg().and_then(|drop| u32::try_from(drop).ok())?;
                Some(Range { lo: rounding.apply(range.lo, drop), hi: rounding.apply(range.hi, drop), exp: 0 })
            });
            let format = Format::of(&on_grid?);
            Some(Quantization { format, rounding, overflow: Overflow::Wrap })
        };
        let formats: Option<Vec<Quantization>> = self.graph().node(x).ranges.iter().map(integer).collect();
        let wide = || Error::user("its integers are beyond 127 bits", "put a quantizer before this layer");
        let formats = formats.ok_or_else(wide).at(self.place())?;
        self.push(Op::Quantize { elements: formats }, &[x], &[])
    }
}
