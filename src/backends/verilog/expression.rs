//! Operands and cells as Verilog expressions.

use crate::fixed::wrap;
use crate::netlist::{Bits, Cell, Net, Netlist, Part};

/// Bits `lo .. lo + width` of a name of `whole` bits.
pub fn slice(name: &str, whole: u32, lo: u32, width: u32) -> String {
    match (lo, width) {
        (0, width) if width == whole => name.to_string(),
        (lo, 1) => format!("{name}[{lo}]"),
        (lo, width) => format!("{name}[{}:{lo}]", lo + width - 1),
    }
}

/// A sized constant: decimal if short, else hexadecimal.
pub fn constant(bits: u128, width: u32) -> String {
    if width <= 24 { format!("{width}'d{bits}") } else { format!("{width}'h{bits:x}") }
}

/// A sized constant of which the bits matter, each on its own.
pub fn mask(bits: u128, width: u32) -> String {
    if width <= 12 { format!("{width}'b{bits:0w$b}", w = width as usize) } else { format!("{width}'h{bits:x}") }
}

fn part(netlist: &Netlist, part: &Part) -> String {
    let net = |id| &netlist[id];
    match *part {
        Part::Const { bits, width } => constant(bits, width),
        Part::Slice { net: id, lo, width } => slice(&net(id).name, net(id).width, lo, width),
        Part::Not { net: id, lo, width } => format!("~{}", slice(&net(id).name, net(id).width, lo, width)),
        Part::Repeat { net: id, bit, count: 1 } => slice(&net(id).name, net(id).width, bit, 1),
        Part::Repeat { net: id, bit, count } => {
            format!("{{{count}{{{}}}}}", slice(&net(id).name, net(id).width, bit, 1))
        }
    }
}

/// An operand: its one part, or a concatenation, highest first.
pub fn bits(netlist: &Netlist, operand: &Bits) -> String {
    match &operand.0[..] {
        [only] => part(netlist, only),
        parts => {
            let parts: Vec<String> = parts.iter().rev().map(|item| part(netlist, item)).collect();
            format!("{{{}}}", parts.join(", "))
        }
    }
}

/// The magnitude of a constant whose highest bit is set.
fn below_zero(operand: &Bits) -> Option<String> {
    let width = operand.width();
    let value = operand.value().filter(|value| (2..=128).contains(&width) && value >> (width - 1) == 1)?;
    Some(constant(value.wrapping_neg() & crate::netlist::ones(width), width))
}

/// A sum, as wide as its operands. Low bits that only one operand has are written beside it: `{a[7:2] + b, a[1:0]}`. Yosys
/// then sees that the chain is shorter, and does not merge sums of sums into compressor trees, which are larger.
fn sum(netlist: &Netlist, terms: &[(Bits, bool)]) -> String {
    let width = terms.first().map_or(0, |(bits, _)| bits.width());
    let lowest = |bits: &Bits| bits.live().trailing_zeros();
    let first = terms.iter().filter(|(_, negative)| !negative).min_by_key(|(bits, _)| lowest(bits));
    let others =
        |only: &Bits| terms.iter().map(|(bits, _)| bits).filter(|bits| !std::ptr::eq(*bits, only)).map(lowest).min();
    let split = first.and_then(|(only, _)| Some((only, others(only)?))).filter(|(_, from)| (1..width).contains(from));
    let Some((only, from)) = split else { return added(netlist, terms) };
    let high: Vec<(Bits, bool)> = terms.iter().map(|(bits, minus)| (bits.slice(from, width - from), *minus)).collect();
    let low = bits(netlist, &only.slice(0, from));
    let low = low
        .strip_prefix('{')
        .and_then(|low| low.strip_suffix('}'))
        .filter(|_| only.slice(0, from).0.len() > 1)
        .unwrap_or(&low);
    format!("{{{}, {low}}}", added(netlist, &high))
}

fn added(netlist: &Netlist, terms: &[(Bits, bool)]) -> String {
    let mut text = String::new();
    for (operand, negative) in terms {
        // A negative constant reads best as what is subtracted.
        if let Some(less) = below_zero(operand)
            && !text.is_empty()
            && !negative
        {
            text += &format!(" - {less}");
            continue;
        }
        text += match (text.is_empty(), negative) {
            (true, false) => "",
            (true, true) => "-",
            (false, false) => " + ",
            (false, true) => " - ",
        };
        text += &bits(netlist, operand);
    }
    text
}

/// What a cell computes; operands are as wide as the result, so nothing depends on Verilog's extension rules.
/// Inputs, valid bits, ROMs and registers are no expressions.
pub fn cell(netlist: &Netlist, cell: &Cell) -> Option<String> {
    let read = |operand: &Bits| bits(netlist, operand);
    Some(match cell {
        Cell::Wire(a) => read(a),
        Cell::Sum(terms) => sum(netlist, terms),
        Cell::Mul(a, b) => format!("{} * {}", read(a), read(b)),
        Cell::Mux { sel, a, b } => format!("{} ? {} : {}", read(sel), read(a), read(b)),
        Cell::Less(a, b) => format!("$signed({}) < $signed({})", read(a), read(b)),
        Cell::Any(a) => format!("|{}", read(a)),
        Cell::All(a) => format!("&{}", read(a)),
        Cell::Not(a) => format!("~{}", read(a)),
        Cell::Input { .. } | Cell::Valid(_) | Cell::Rom { .. } | Cell::Register(_) => return None,
        Cell::Digits { .. } | Cell::Total { .. } => return None,
    })
}

/// What a register takes at the clock edge; none for what is no register.
pub fn update(netlist: &Netlist, net: &Net) -> Option<String> {
    let read = |operand: &Bits| bits(netlist, operand);
    let own = |lo: u32| slice(&net.name, net.width, lo, net.width - lo);
    match &net.cell {
        Cell::Register(value) => Some(read(value)),
        Cell::Digits { start, value, digit } => {
            let low = net.width - digit;
            let (high, first) = (read(&value.slice(low, *digit)), read(&value.slice(0, low)));
            Some(format!("{{{high}, {} ? {first} : {}}}", read(start), own(*digit)))
        }
        Cell::Total { start, part, first, digit, signed } => {
            let (width, low, top) = (part.width(), net.width - part.width(), net.width - 1);
            let sign = if *signed { format!("{{{digit}{{{}[{top}]}}}}", net.name) } else { constant(0, *digit) };
            let before = format!("{{{sign}, {}}}", own(low + digit));
            let sum = format!("{} + ({} ? {} : {before})", read(part), read(start), constant(*first, width));
            Some(format!("{{{sum}, {}}}", slice(&net.name, net.width, *digit, low)))
        }
        _ => None,
    }
}

/// The lines of a ROM before its value, and the value: one constant vector for each bit, indexed by the operand.
pub fn rom(netlist: &Netlist, net: &Net, index: &Bits, entries: &[u128]) -> (Vec<String>, String) {
    let (name, width) = (&net.name, net.width);
    let number = |entry: &u128| wrap(*entry as i128, width, net.signed).to_string();
    // The constant of a one-bit table says as much as a list of its entries, and is indexed once.
    let listed = if width == 1 { &[] } else { entries };
    let mut lines: Vec<String> = listed
        .chunks(32)
        .map(|chunk| format!("// entries: {}", chunk.iter().map(number).collect::<Vec<_>>().join(" ")))
        .collect();
    let whole = |id| crate::netlist::Bits::net(id, netlist[id].width);
    let mut at = bits(netlist, index);
    if width > 1 && !index.0.iter().any(|part| part.net().is_some_and(|id| *index == whole(id))) {
        lines.push(format!("wire {}{name}_at = {at};", super::range(index.width())));
        at = format!("{name}_at");
    }
    for bit in 0..width {
        let count = entries.len();
        lines.push(format!("localparam [{}:0] {name}_b{bit} = {count}'h{};", count - 1, column(entries, bit)));
    }
    let columns: Vec<String> = (0..width).rev().map(|bit| format!("{name}_b{bit}[{at}]")).collect();
    (lines, if width == 1 { columns.concat() } else { format!("{{{}}}", columns.join(", ")) })
}

/// One bit of every entry, as hexadecimal digits, the last entry first.
fn column(entries: &[u128], bit: u32) -> String {
    let digit = |four: &[u128]| four.iter().rev().fold(0, |digit, entry| digit << 1 | (entry >> bit & 1) as u32);
    entries.chunks(4).rev().filter_map(|four| char::from_digit(digit(four), 16)).collect()
}
