//! Tables in their simplest form: as a node is built, and as identities in the sense of `simplify.rs`.

use super::simplify::Simple;
use super::{Builder, Id, Op, Table};
use crate::error::Result;
use crate::fixed::{Fixed, Range};

/// An operand of a table, looked through: what it is made of, and how its code follows from that one's.
struct Place {
    /// The operand's source.
    id: Id,
    /// The source's range.
    range: Range,
    /// The operand's code in its domain for each code of the source; `None` where it has none.
    codes: Vec<Option<i128>>,
}

/// The most codes of one operand that are looked at.
const CODES: i128 = 1 << 20;

/// Applies what holds of a table:
///
/// - `t(scale(x, s))` and `t(u(x))` are tables of `x`, where that takes no more codes;
/// - domains are the operands' ranges, operands ascend, and none is there twice;
/// - an operand that no entry depends on goes;
/// - entries share no factor of two;
/// - a table of the operand's own codes is the operand, scaled.
pub fn table(b: &mut Builder, table: u32, args: Vec<Id>) -> Result<Simple> {
    let keep = |table, args| Ok(Simple::Keep(Op::Table { table, args }));
    let old = &b.dfg().tables[table as usize];
    let places: Option<Vec<Place>> =
        args.iter().zip(&old.domains).map(|(arg, domain)| place(b, *arg, domain)).collect();
    let Some(places) = places else { return keep(table, args) };
    let Some((mut new, mut ids)) = gathered(old, &places) else { return keep(table, args) };
    for index in (0..ids.len()).rev() {
        if let Some(entries) = without(&new, index) {
            new.domains.remove(index);
            ids.remove(index);
            new.entries = entries;
        }
    }
    reduce(&mut new);
    if let ([id], [domain]) = (&ids[..], &new.domains[..])
        && new.entries.iter().zip(domain.lo..).all(|(entry, code)| entry.is_none_or(|entry| entry == code))
    {
        return b.scale(*id, new.exp - domain.exp).map(Simple::Is);
    }
    if ids.is_empty() {
        return b.constant(new.value(0)).map(Simple::Is);
    }
    if ids == args && new == b.dfg().tables[table as usize] {
        return keep(table, args);
    }
    keep(b.intern_table(new), ids)
}

/// Looks through scales, and tables of one operand that has no more codes than they have.
fn place(b: &Builder, arg: Id, domain: &Range) -> Option<Place> {
    let (mut id, mut shift, mut inner) = (arg, 0, None);
    loop {
        match b.op(id) {
            Op::Scale(from, by) if inner.is_none() => (id, shift) = (*from, shift + by),
            Op::Table { table, args } if inner.is_none() && args.len() == 1 => {
                if b.range(args[0]).width() > b.range(id).width() {
                    break;
                }
                inner = Some(&b.dfg().tables[*table as usize]);
                id = args[0];
            }
            _ => break,
        }
    }
    let range = b.range(id);
    if range.hi - range.lo >= CODES {
        return None;
    }
    let code = |code: i128| {
        let mut value = Fixed::new(code, range.exp);
        if let Some(inner) = inner {
            let index = inner.index(&[value.at(inner.domains.first()?.exp)?])?;
            value = Fixed::new(inner.entries[index]?, inner.exp);
        }
        value.scale(shift).at(domain.exp).filter(|code| (domain.lo..=domain.hi).contains(code))
    };
    Some(Place { id, range, codes: (range.lo..=range.hi).map(code).collect() })
}

/// The same table of the sources themselves, each once and ascending; `None` if it would be larger.
fn gathered(old: &Table, places: &[Place]) -> Option<(Table, Vec<Id>)> {
    let mut ids: Vec<Id> = places.iter().map(|place| place.id).collect();
    ids.sort_unstable();
    ids.dedup();
    let source = |id: &Id| places.iter().find(|place| place.id == *id);
    let domains: Vec<Range> = ids.iter().filter_map(|id| source(id).map(|place| place.range)).collect();
    let sizes: Vec<usize> = domains.iter().map(|domain| (domain.hi - domain.lo) as usize + 1).collect();
    let count = sizes.iter().try_fold(1usize, |count, size| count.checked_mul(*size))?;
    if count > old.entries.len().max(64) {
        return None;
    }
    let which: Vec<usize> = places.iter().filter_map(|place| ids.binary_search(&place.id).ok()).collect();
    let mut point = vec![0usize; ids.len()];
    let mut codes = vec![0i128; places.len()];
    let mut entries = Vec::with_capacity(count);
    for flat in 0..count {
        let mut rest = flat;
        for (digit, size) in point.iter_mut().zip(&sizes).rev() {
            (*digit, rest) = (rest % size, rest / size);
        }
        let known = places.iter().zip(&which).zip(&mut codes).all(|((place, source), code)| {
            let found = place.codes[point[*source]];
            *code = found.unwrap_or(0);
            found.is_some()
        });
        entries.push(if known { old.index(&codes).and_then(|index| old.entries[index]) } else { None });
    }
    Some((Table { domains, entries, exp: old.exp }, ids))
}

/// The entries without an operand, if none depends on it.
fn without(table: &Table, operand: usize) -> Option<Vec<Option<i128>>> {
    let size = |domain: &Range| (domain.hi - domain.lo) as usize + 1;
    let inner: usize = table.domains[operand + 1..].iter().map(size).product();
    let own = size(&table.domains[operand]);
    let mut entries = Vec::with_capacity(table.entries.len() / own);
    for outer in table.entries.chunks(inner * own) {
        for place in 0..inner {
            let mut known = outer.iter().skip(place).step_by(inner).flatten();
            let first = known.next().copied();
            if known.any(|entry| Some(*entry) != first) {
                return None;
            }
            entries.push(first);
        }
    }
    Some(entries)
}

/// Takes common factors of two out of the entries.
fn reduce(table: &mut Table) {
    let zeros = table.entries.iter().flatten().filter(|entry| **entry != 0).map(|entry| entry.trailing_zeros()).min();
    if let Some(zeros) = zeros.filter(|zeros| *zeros > 0) {
        table.entries.iter_mut().flatten().for_each(|entry| *entry >>= zeros);
        table.exp += zeros as i32;
    }
}
