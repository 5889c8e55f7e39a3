//! Random graphs for tests: every operation, small widths, seeded.

use super::{Builder, Dfg, Id, Source, Table, Term};
use crate::batch::Batch;
use crate::error::Result;
use crate::fixed::{Fixed, Format, Quantization};
use crate::port::Port;
pub use crate::random::Random;

/// A code of a format: mostly uniform, sometimes an extreme.
pub fn code(random: &mut Random, format: &Format) -> i128 {
    let range = format.range();
    match random.below(8) {
        0 => range.lo,
        1 => range.hi,
        2 => 0i128.clamp(range.lo, range.hi),
        _ => range.lo + (random.bits() as i128 & (range.hi - range.lo)),
    }
}

/// Random input codes for the elements' formats.
pub fn inputs(random: &mut Random, elements: &[Quantization], rows: usize) -> Batch {
    let mut batch = Batch::new(elements.len());
    batch.data.reserve_exact(rows * elements.len());
    for _ in 0..rows {
        batch.data.extend(elements.iter().map(|element| code(random, &element.format)));
    }
    batch
}

/// A random graph with about `size` nodes in three layers.
///
/// # Errors
/// None in practice: widths stay small.
pub fn graph(random: &mut Random, size: usize) -> Result<Dfg> {
    let elements = (0..random.within(2, 5)).map(|_| format(random)).map(Quantization::plain).collect::<Vec<_>>();
    let port = Port { name: "x".into(), shape: vec![elements.len()], elements, state: false };
    let layers = ["x", "first", "second"].map(|name| (name.to_string(), 8)).to_vec();
    let mut b = Builder::new("random", layers, vec![port.clone()]);
    let mut ids = Vec::new();
    for element in 0..port.elements.len() {
        b.set_source(Source { layer: 0, element: element as u32 });
        ids.push(b.input(0, element as u32)?);
    }
    for element in 0..size {
        b.set_source(Source { layer: 1 + (element * 2 / size) as u32, element: element as u32 });
        let id = node(&mut b, random, &ids)?;
        // Wide values are wrapped, so that products of products stay within machine integers.
        let range = b.range(id);
        let wide = range.width() > 14;
        ids.push(if wide { b.wrap(id, range.exp + 10, random.below(2) == 0)? } else { id });
    }
    let results: Vec<Id> = ids.iter().rev().take(4).copied().collect();
    let outputs = vec![output(&b, "y", &results)];
    Ok(b.finish(outputs, results).without_dead())
}

/// An output port whose elements share the smallest format that holds all results.
fn output(b: &Builder, name: &str, results: &[Id]) -> Port {
    let all = results.iter().map(|id| b.range(*id)).reduce(|x, y| crate::fixed::Range::union(x, y).unwrap_or(x));
    let format = all.map_or(Format { signed: false, width: 1, lsb: 0 }, |range| Format::of(&range));
    Port {
        name: name.into(),
        shape: vec![results.len()],
        elements: vec![Quantization::plain(format); results.len()],
        state: false,
    }
}

fn format(random: &mut Random) -> Format {
    Format { signed: random.below(2) == 0, width: random.within(1, 6) as u32, lsb: random.within(-4, 2) as i32 }
}

fn number(random: &mut Random) -> Fixed {
    Fixed::new(random.within(-9, 9) as i128, random.within(-4, 1) as i32)
}

fn node(b: &mut Builder, random: &mut Random, ids: &[Id]) -> Result<Id> {
    let pick = |random: &mut Random| ids[random.below(ids.len() as u64) as usize];
    let (x, y) = (pick(random), pick(random));
    let top = b.range(x).exp + random.within(1, 6) as i32;
    match random.below(11) {
        0 | 1 => {
            let count = random.within(1, 5);
            let terms = (0..count).map(|_| (pick(random), number(random))).collect();
            b.dot(terms, number(random))
        }
        2 | 3 => {
            let count = random.within(1, 3);
            let term = |random: &mut Random| Term {
                id: pick(random),
                shift: random.within(-2, 3) as i32,
                negative: random.below(2) == 0,
            };
            let terms = (0..count).map(|_| term(random)).collect();
            let constant = if random.below(2) == 0 { Fixed::ZERO } else { number(random) };
            b.add(terms, constant)
        }
        4 => b.mul(x, y),
        5 => b.scale(x, random.within(-3, 3) as i32),
        6 => b.floor(x, top - 3),
        7 => b.wrap(x, top, random.below(2) == 0),
        8 => {
            let y = if random.below(2) == 0 { b.constant(number(random))? } else { y };
            b.max(x, y)
        }
        9 => {
            let y = if random.below(2) == 0 { b.constant(number(random))? } else { y };
            b.min(x, y)
        }
        _ => {
            let range = b.range(x);
            let size = range.hi - range.lo + 1;
            if size > 256 {
                let z = pick(random);
                return b.select(x, y, z);
            }
            let other = b.range(y);
            let two = (other.hi - other.lo + 1) * size <= 256;
            let (domains, args) = if two { (vec![range, other], vec![x, y]) } else { (vec![range], vec![x]) };
            let size = if two { (other.hi - other.lo + 1) * size } else { size };
            let most = *random.one(&[1, 4, 20]);
            let entry = |_| Some(random.within(-most, most) as i128);
            let entries = (0..size).map(entry).collect();
            b.table(Table { domains, entries, exp: -2 }, args)
        }
    }
}
