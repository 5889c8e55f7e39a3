//! Bit-vectors in the space: pieces side by side, each an integer of which only the low bits count.
//!
//! A piece of width w stands for `value mod 2^w`, whatever the value: sums, differences, products and low bits need no
//! more. Where high bits come down (a slice above, a comparison, an extension) the remainder is taken.

use super::{Form, Space};
use crate::fixed::{Fixed, Range};

/// A piece of a vector.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// An integer, modulo `2^width`.
    pub value: Form,
    /// Bits.
    pub width: u32,
}

/// A vector: pieces, lowest first.
pub type Vector = Vec<Piece>;

/// The widest number that is computed with.
const WIDEST: u32 = 120;

/// Bits of a vector.
pub fn width(vector: &[Piece]) -> u32 {
    vector.iter().map(|piece| piece.width).sum()
}

/// One piece.
pub fn piece(value: Form, width: u32) -> Vector {
    if width == 0 { Vec::new() } else { vec![Piece { value, width }] }
}

/// Bits `lo .. lo + count`, which there are.
pub fn slice(space: &mut Space, vector: &[Piece], lo: u32, count: u32) -> Option<Vector> {
    let (mut at, mut found) = (0, Vec::new());
    for piece in vector {
        let (from, to) = (lo.max(at), (lo + count).min(at + piece.width));
        if from < to {
            let drop = (from - at) as i32;
            let value = if drop == 0 {
                piece.value.clone()
            } else {
                let fits = space.range(&piece.value)?.width() <= piece.width;
                let value = if fits { piece.value.clone() } else { space.modulo(&piece.value, piece.width as i32)? };
                space.low(&value, drop)?.times(Fixed::power_of_two(-drop))?
            };
            found.push(Piece { value, width: to - from });
        }
        at += piece.width;
    }
    (width(&found) == count).then_some(found)
}

/// The value of a piece in `[0, 2^width)`.
pub fn unsigned(space: &mut Space, piece: &Piece) -> Option<Form> {
    wrapped(space, &piece.value, piece.width, false)
}

/// A number modulo `2^width`; as it is, where its range says so.
pub fn wrapped(space: &mut Space, value: &Form, width: u32, signed: bool) -> Option<Form> {
    if width > WIDEST {
        return None;
    }
    let range = space.range(value)?;
    let half = Fixed::power_of_two(width as i32 - 1);
    let (low, high) = if signed { (half.negate(), half) } else { (Fixed::ZERO, half.scale(1)) };
    let inside = |range: &Range| low <= range.low() && range.high() < high;
    if inside(&range) || value.terms.len() > 1 && inside(&space.tight(value)?) {
        return space.whole(value.clone());
    }
    // What differs by multiples of the modulus is told apart no more.
    let value = space.modulo(value, width as i32)?;
    let value = if inside(&space.range(&value)?) { value } else { space.wrap(&value, width as i32, signed)? };
    space.whole(value)
}

/// A vector as one piece.
pub fn joined(space: &mut Space, vector: &[Piece]) -> Option<Piece> {
    if let [only] = vector {
        return Some(only.clone());
    }
    let (mut at, mut value) = (0, Form::default());
    for (index, piece) in vector.iter().enumerate() {
        if at + piece.width > WIDEST {
            return None;
        }
        // The highest piece may say more than its bits: the sum counts modulo the whole.
        let own = if index + 1 == vector.len() { piece.value.clone() } else { unsigned(space, piece)? };
        value = space.plus(&value, &own, Fixed::power_of_two(at as i32))?;
        at += piece.width;
    }
    Some(Piece { value: space.modulo(&value, at as i32)?, width: at })
}

/// A vector as a number: two's complement, or plain binary.
pub fn number(space: &mut Space, vector: &[Piece], signed: bool) -> Option<Form> {
    let whole = joined(space, vector)?;
    wrapped(space, &whole.value, whole.width, signed)
}

/// Cut or extended to a width: by its highest bit if signed, else by zeros.
pub fn resized(space: &mut Space, vector: &[Piece], to: u32, signed: bool) -> Option<Vector> {
    let own = width(vector);
    if to <= own {
        return slice(space, vector, 0, to);
    }
    if signed && own > 0 {
        let top = vector.last()?;
        let value = wrapped(space, &top.value, top.width, true)?;
        let mut vector = vector.to_vec();
        vector.pop();
        vector.push(Piece { value, width: top.width + to - own });
        return Some(vector);
    }
    let mut vector = vector.to_vec();
    vector.push(Piece { value: Form::default(), width: to - own });
    Some(vector)
}

/// Every bit inverted: `-1 - x`.
pub fn inverted(vector: &[Piece]) -> Option<Vector> {
    let invert = |piece: &Piece| {
        let value = piece.value.times(Fixed::ONE.negate())?.offset(Fixed::ONE.negate())?;
        Some(Piece { value, width: piece.width })
    };
    vector.iter().map(invert).collect()
}

/// `yes` where the bit is 1, else `no`: equal widths.
pub fn chosen(space: &mut Space, bit: &Form, yes: &[Piece], no: &[Piece]) -> Option<Vector> {
    if let Some(bit) = bit.value() {
        return Some(if bit.is_zero() { no } else { yes }.to_vec());
    }
    let (yes, no) = (joined(space, yes)?, joined(space, no)?);
    let difference = space.plus(&yes.value, &no.value, Fixed::ONE.negate())?;
    let together = difference.value().is_none() && space.view(&difference)?.line == space.view(bit)?.line;
    if together || space.of_one_line(&[bit, &yes.value, &no.value])?.is_some() {
        return Some(piece(space.choose(bit, &yes.value, &no.value)?, yes.width));
    }
    let top = yes.width as i32;
    let (a, b) = (space.modulo(&yes.value, top)?, space.modulo(&no.value, top)?);
    Some(piece(space.choose(bit, &a, &b)?, yes.width))
}

/// 1 where the vector is not 0.
pub fn any(space: &mut Space, vector: &[Piece]) -> Option<Form> {
    let value = number(space, vector, false)?;
    space.at_least_zero(&value.offset(Fixed::ONE.negate())?)
}

/// 1 where all bits are 1.
pub fn all(space: &mut Space, vector: &[Piece]) -> Option<Form> {
    let inverted = inverted(vector)?;
    any(space, &inverted)?.times(Fixed::ONE.negate())?.offset(Fixed::ONE)
}

/// 1 where `a < b`: equal widths.
pub fn less(space: &mut Space, a: &[Piece], b: &[Piece], signed: bool) -> Option<Form> {
    let (a, b) = (number(space, a, signed)?, number(space, b, signed)?);
    let difference = space.plus(&a, &b, Fixed::ONE.negate())?;
    space.at_least_zero(&difference)?.times(Fixed::ONE.negate())?.offset(Fixed::ONE)
}

/// `and`, `or`, `xor` bit by bit: equal widths. Runs of equal constant bits on one side are wiring.
pub fn bitwise(space: &mut Space, mark: &str, a: &[Piece], b: &[Piece]) -> Option<Vector> {
    let (a, b) = if constant(a).is_some() { (b, a) } else { (a, b) };
    let mut result = Vec::new();
    if let Some(mask) = constant(b) {
        let mut at = 0;
        for run in mask.chunk_by(|x, y| x == y) {
            let count = run.len() as u32;
            let own = slice(space, a, at, count)?;
            result.extend(match (mark, run[0]) {
                ("&", true) | ("|", false) | ("^", false) => own,
                ("&", false) => piece(Form::default(), count),
                ("|", true) => piece(Form::integer(-1), count),
                _ => inverted(&own)?,
            });
            at += count;
        }
        return Some(result);
    }
    for at in 0..width(a) {
        let (x, y) = (slice(space, a, at, 1)?, slice(space, b, at, 1)?);
        let (x, y) = (unsigned(space, x.first()?)?, unsigned(space, y.first()?)?);
        let both = space.mul(&x, &y)?;
        let sum = space.plus(&x, &y, Fixed::ONE)?;
        let value = match mark {
            "&" => both,
            "|" => space.plus(&sum, &both, Fixed::ONE.negate())?,
            _ => space.plus(&sum, &both, Fixed::new(-2, 0))?,
        };
        result.push(Piece { value, width: 1 });
    }
    Some(result)
}

/// The bits of a constant vector, lowest first.
pub fn constant(vector: &[Piece]) -> Option<Vec<bool>> {
    let mut bits = Vec::new();
    for piece in vector {
        let value = piece.value.value()?.at(0)?;
        bits.extend((0..piece.width).map(|bit| value >> bit.min(127) & 1 == 1));
    }
    Some(bits)
}

/// A constant as a vector: pieces of at most 64 bits.
pub fn from_bits(bits: &[bool]) -> Vector {
    let value = |bits: &[bool]| bits.iter().rev().fold(0i128, |value, bit| value << 1 | *bit as i128);
    bits.chunks(64).map(|bits| Piece { value: Form::integer(value(bits)), width: bits.len() as u32 }).collect()
}

/// The vector as the node of a dataflow graph whose bits it has, if there is one. Its lowest bits may be 0 instead, as those
/// are that nobody reads. A name says which node to try first, no more.
pub fn known(space: &mut Space, vector: Vector, name: &str) -> Option<Vector> {
    let count = width(&vector);
    let zero = vector.iter().take_while(|piece| piece.value == Form::default()).map(|piece| piece.width).sum::<u32>();
    if count > WIDEST || zero >= count {
        return Some(vector);
    }
    let rest = slice(space, &vector, zero, count - zero)?;
    let whole = joined(space, &rest)?;
    let bits = space.modulo(&whole.value, whole.width as i32)?;
    let node = match space.hinted(&bits, zero, whole.width, name)? {
        Some(node) => node,
        None => match space.node_of(&bits, zero, whole.width)? {
            Some(atom) => Form::atom(atom),
            None => return Some(vector),
        },
    };
    let mut known = piece(Form::default(), zero);
    let own = if zero == 0 { node } else { space.dropped_bits(&node, zero)? };
    known.extend(piece(own, count - zero));
    Some(known)
}
